/* base/files.h - whether a path leads to a regular file or to a folder; links are followed. */
#pragma once
#include <stdbool.h>

bool file_is_there(const char *path);
bool folder_is_there(const char *path);
