/* measure/lock.h - one measurement at a time on a machine: two at once would each see half of it. */
#pragma once
#include "base/attr.h"
#include <stdbool.h>

struct mu_err;
struct measuring;

/* Waits for another measurement to end. When it doesn't, or nothing can be locked, that is a note and -1. */
int measure_lock(const struct measuring *in);
/* The same for what must never share the cores: when the other one doesn't end, MU_UNAVAILABLE. */
bool measure_lock_alone(const struct measuring *in, int *lock, struct mu_err *err) NODISCARD;
void measure_unlock(int lock); /* -1 is fine */
