/* Two questions to stat(2). A path that cannot be looked at is neither. */
#include "base/files.h"

#include <sys/stat.h>

bool file_is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool folder_is_there(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
