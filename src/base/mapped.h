/* base/mapped.h - an input file, opened read-only and mapped. Only regular files: a folder, a FIFO, a device or a missing permission
 * is one message. The file may be larger than memory (a 2 TiB sparse file maps); pages are read when touched. */
#pragma once
#include "base/str.h"

struct mu_err;

struct mapped {
    struct str bytes;
    void *map;
    size_t map_bytes;
};

/* Maps at most `most` bytes from the start of the file (0: all of it). *file_bytes, if given, gets the whole file's size. */
bool mapped_open(const char *path, uint64_t most, struct mapped *out, uint64_t *file_bytes,
                 struct mu_err *err) NODISCARD;
void mapped_close(struct mapped *m); /* safe on a zeroed struct, and twice */
