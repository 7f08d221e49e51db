/* engine/t_devices.c - what llama.cpp in this build can compute on: one line a device, as ggml lists them.
 *
 * Memory is what the device's own driver says at this moment; asking a card opens a context on it, which takes some of its memory until
 * this process ends and is not in "free". Left out: "free" of the CPU, which ggml gives as the total on Linux; memory of which more is
 * free than there is (a driver's budget below what is in use wraps around); devices made of other devices. A renderer that runs on the
 * CPU calls itself a GPU here, so it is told by its name. */
#include "engine/llama_use.h"

#include <string.h>

#include <ggml-backend.h>
#include <llama.h>

#include "base/attr.h"

/* By enum ggml_backend_dev_type; NULL: not listed. */
static const char *const type_word[] = {[GGML_BACKEND_DEVICE_TYPE_CPU] = "CPU",
                                        [GGML_BACKEND_DEVICE_TYPE_GPU] = "GPU",
                                        [GGML_BACKEND_DEVICE_TYPE_IGPU] = "IGPU",
                                        [GGML_BACKEND_DEVICE_TYPE_ACCEL] = "ACCEL"};

/* As Mesa and SwiftShader name their renderers without hardware. */
static const char *const software[] = {"llvmpipe", "softpipe", "SwiftShader"};

static bool is_software(const char *description)
{
    for (size_t i = 0; i < COUNT_OF(software); i++)
        if (description && strstr(description, software[i])) return true;
    return false;
}

static void put_bytes(struct writer *w, const char *key, size_t bytes, size_t most_bytes)
{
    if (bytes && bytes <= most_bytes) writer_put_number(w, key, (double)bytes);
}

static void say_device(ggml_backend_dev_t device, const char *source)
{
    struct ggml_backend_dev_props props;
    ggml_backend_dev_get_props(device, &props);
    const size_t type = (size_t)props.type;
    if (type >= COUNT_OF(type_word) || !type_word[type]) return;
    const bool computes = props.type != GGML_BACKEND_DEVICE_TYPE_CPU;
    struct say s;
    say_begin(&s);
    writer_put_cstr(&s.w, "name", props.name);
    writer_put_cstr(&s.w, "description", props.description);
    writer_put_cstr(&s.w, "backend", ggml_backend_reg_name(ggml_backend_dev_backend_reg(device)));
    writer_put_cstr(&s.w, "type", type_word[type]);
    writer_put_cstr(&s.w, "id", props.device_id);
    if (computes) put_bytes(&s.w, "free_bytes", props.memory_free, props.memory_total);
    put_bytes(&s.w, "total_bytes", props.memory_total, props.memory_total);
    writer_put_bool(&s.w, "software", computes && is_software(props.description));
    writer_put_cstr(&s.w, "source", source);
    say_end(&s);
}

static bool run(const struct asked *in, struct mu_err *err)
{
    if (!llama_use(err) || !llama_server(in, err)) return false;
    const char *source = str_format(in->arena, "llama.cpp %s", llama_version());
    for (size_t i = 0; i < ggml_backend_dev_count(); i++)
        say_device(ggml_backend_dev_get(i), source);
    return true;
}

const struct engine_test engine_devices = {"devices", "what llama.cpp can compute on here", run};
