/* Feeds every file of the corpus folders given to a fuzz target, then every truncation of the small ones: what libFuzzer would do
 * once, in the normal test run. Exits 1 when a folder holds no file, so that an empty corpus cannot pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRUNCATE_UP_TO = 4096, FILE_MOST = 8 << 20 };

static size_t replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    uint8_t *bytes = malloc(FILE_MOST);
    if (!bytes) abort();
    const size_t n = fread(bytes, 1, FILE_MOST, f);
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, n);
    for (size_t cut = 0; n <= TRUNCATE_UP_TO && cut < n; cut++) {
        uint8_t *part =
            malloc(cut ? cut : 1); /* its own block, so that a read past the end is seen */
        if (!part) abort();
        memcpy(part, bytes, cut);
        LLVMFuzzerTestOneInput(part, cut);
        free(part);
    }
    free(bytes);
    return 1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct dirent **entry = NULL;
        const int n = scandir(argv[i], &entry, NULL, alphasort);
        size_t files = 0;
        for (int k = 0; k < n; k++) {
            char path[4096];
            snprintf(path, sizeof path, "%s/%s", argv[i], entry[k]->d_name);
            if (entry[k]->d_name[0] != '.') files += replay_file(path);
            free(entry[k]);
        }
        free(entry);
        printf("%s: %zu files\n", argv[i], files);
        if (!files) return 1;
    }
    return 0;
}
