/* base/save.h - writing a file so that a full disk or a kill leaves the old one whole: temporary beside it, fsync, rename. */
#pragma once
#include "base/str.h"
struct mu_err;
bool save_file(const char *path, struct str text, struct mu_err *err) NODISCARD;
/* Makes the folders of a path that lacks them (mode 0700). */
bool save_folders(const char *folder, struct mu_err *err) NODISCARD;
