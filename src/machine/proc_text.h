/* machine/proc_text.h - the few shapes that the text files of /proc and /sys have. Every function takes the text itself, so that the
 * fuzz target and the tests call them directly; each returns false, *out untouched, when the key is absent or the value is not one. */
#pragma once
#include "base/str.h"

/* The first line "key : value" (blanks around the colon do not matter), the value trimmed: meminfo, cpuinfo, status. */
bool proc_value(struct str text, const char *key, struct str *out) NODISCARD;
/* "MemTotal: 24684096 kB" in bytes; without a unit the number is refused. At most 2^53. */
bool proc_kib(struct str text, const char *key, double *bytes) NODISCARD;
bool proc_number(struct str text, const char *key,
                 uint64_t *out) NODISCARD; /* "HugePages_Total: 8" */
/* The same of a node's meminfo, whose lines begin "Node 0 ". */
bool proc_node_kib(struct str text, const char *key, double *bytes) NODISCARD;
/* "inactive_file 1234": memory.stat. */
bool proc_pair(struct str text, const char *key, uint64_t *out) NODISCARD;
/* The soft limit of /proc/self/limits in its own unit, "Max address space"; false too when it is "unlimited". */
bool proc_limit(struct str text, const char *row, double *out) NODISCARD;
/* "48K", "2048K", "32M" as the cache folders write sizes, in bytes. */
bool proc_cache_size(struct str text, double *bytes) NODISCARD;
/* A whole number of at most 2^53, as a double. */
bool proc_bytes(struct str text, double *out) NODISCARD;
