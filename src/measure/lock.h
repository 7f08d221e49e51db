/* measure/lock.h - one measurement at a time on a machine: two at once would each see half of it. */
#pragma once
struct measuring;

/* Waits for another measurement to end. When it doesn't, or nothing can be locked, that is a note and -1. */
int measure_lock(const struct measuring *in);
void measure_unlock(int lock); /* -1 is fine */
