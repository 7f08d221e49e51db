/* base/library.c - drivers' libraries and libcurl, opened when the program runs.
 *
 * Rests on dlopen(3), dlsym(3) and ld.so(8). A library that is there but of no use (another processor's, one of its own libraries
 * missing, too old) is told apart from one that is absent, since people can do something about the former. Left out: versions of
 * symbols; whose interface changes gives a function another name. */
#include "base/library.h"
#include "base/err.h"

#include <dlfcn.h>
#include <string.h>

static void put(const struct symbol *symbol, void *into, void *address)
{
    /* ISO C has no conversion from an object's pointer to a function's; POSIX says the bytes are the same (dlsym). */
    memcpy((char *)into + symbol->offset, &address, sizeof address);
}

static void put_none(const struct symbol *symbol, size_t symbols, void *into)
{
    for (size_t i = 0; i < symbols; i++) put(&symbol[i], into, NULL);
}

/* The file itself is not there, as opposed to one that it needs: the loader then begins with another name. */
static bool is_absent(const char *name, const char *said)
{
    return strncmp(said, name, strlen(name)) == 0 && said[strlen(name)] == ':' &&
           strstr(said, "No such file");
}

/* NULL, or the name of a symbol that MUST be there and is not. */
static const char *lacking(void *handle, const struct symbol *symbol, size_t symbols, void *into)
{
    for (size_t i = 0; i < symbols; i++) {
        void *address = dlsym(handle, symbol[i].name);
        if (!address && symbol[i].need == SYMBOL_MUST) return symbol[i].name;
        put(&symbol[i], into, address);
    }
    return NULL;
}

bool library_open(struct library *lib, const char *const *names, const struct symbol *symbol,
                  size_t symbols, void *into, struct mu_err *err)
{
    struct mu_err first = {.code = MU_OK};
    for (const char *const *name = names; *name; name++) {
        void *handle = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            const char *said = dlerror();
            if (!said) said = "no reason given";
            if (!is_absent(*name, said))
                (void)err_set(&first, MU_UNAVAILABLE, "%s cannot be loaded: %s", *name, said);
            continue;
        }
        const char *missing = lacking(handle, symbol, symbols, into);
        if (!missing) {
            *lib = (struct library){handle, *name};
            return true;
        }
        (void)err_set(&first, MU_UNAVAILABLE, "%s lacks %s", *name, missing);
        (void)dlclose(handle);
    }
    put_none(symbol, symbols, into);
    *lib = (struct library){NULL, NULL};
    if (first.code != MU_OK) return err_set(err, first.code, "%s", first.text);
    return err_set(err, MU_NOINPUT, "%s is not on this machine", names[0]);
}

void library_close(struct library *lib)
{
    if (lib->handle) (void)dlclose(lib->handle);
    *lib = (struct library){NULL, NULL};
}
