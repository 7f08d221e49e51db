/* machine/guide_system.h - the machine that a report of the guide's own tells of. */
#pragma once
#include "machine/report.h"

/* One memory pool and the CPU, everything REPORTED by that report; no rates. Texts are shared with `s`. */
const struct machine *guide_system_machine(const struct guide_system *s, const char *hostname,
                                           struct arena *a);
