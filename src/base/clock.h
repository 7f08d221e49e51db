/* base/clock.h - CLOCK_MONOTONIC for durations, local time for stamps. */
#pragma once
struct arena;
double clock_s(void); /* monotonic seconds */
const char *
clock_stamp(struct arena *a); /* "2026-11-21 08:15:00", local time, as the guide writes it */
