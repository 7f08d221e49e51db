/* engine/npy.h - an array of float32 as numpy reads it (.npy, format 1.0, C order), of a size known beforehand, written in pieces. */
#pragma once
#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

enum { NPY_DIMENSIONS = 3, NPY_HEADER_MOST = 256, NPY_PATH_BYTES = 4096 };

/* A file being written. It stands under its name with ".part" behind until npy_close gives it the name, so that nobody ever reads a
 * half. */
struct npy {
    int fd;
    char path[NPY_PATH_BYTES], part[NPY_PATH_BYTES + 8]; /* its name, and that until it is whole */
    uint64_t header_bytes, data_bytes;
};

/* The header of such an array: its length is a multiple of 64, the data begins behind it. */
size_t npy_header(const uint64_t *dimension, size_t dimensions, char out[NPY_HEADER_MOST]);
/* Makes the file and takes its whole space on the disk. MU_CANTCREATE when the name, or the name with ".part", is there already. */
bool npy_create(const char *path, const uint64_t *dimension, size_t dimensions, struct npy *out,
                struct mu_err *err) NODISCARD;
/* Values from the index `first` on, in C order. */
bool npy_write(const struct npy *n, uint64_t first, const float *value, size_t values,
               struct mu_err *err) NODISCARD;
/* Gives the file its name; false when that is taken by now. */
bool npy_close(struct npy *n, struct mu_err *err) NODISCARD;
void npy_discard(struct npy *n); /* safe on a zeroed one, and after npy_close */
