/* engine/t_fill.c - fills a GGUF file, whose header stands, with random weights: {"file": "/path"} in, {"file_bytes": N} out.
 *
 * For synthetic models: model/gguf_write.h makes the header, this the rest. */
#include "engine/blocks.h"
#include "engine/llama_use.h"

#include <sys/stat.h>

static bool run(const struct asked *in, struct mu_err *err)
{
    struct str file;
    if (!json_text(json_get(in->json, "file"), &file) || !file.n)
        return err_set(err, MU_DATA, "the request has no \"file\" to fill");
    const char *path = str_copy(in->arena, file);
    struct stat st;
    if (!llama_use(err) || !blocks_fill_file(path, in->arena, err)) return false;
    if (stat(path, &st) != 0) return err_errno(err, "cannot look at %s", path);
    struct say s;
    say_begin(&s);
    writer_put_number(&s.w, "file_bytes", (double)st.st_size);
    say_end(&s);
    return true;
}

const struct engine_test engine_fill = {
    "fill", "fills the GGUF file of a request with random weights", run};
