/* The one call of llama.cpp that C can't make: the memory of a context by buffer type comes as a std::map. Declared here, since the
 * header that declares it is not installed; the linker holds the name, llama_use() the version. */
#include <cstring>
#include <map>

#include <ggml-backend.h>
#include <llama.h>

struct llama_memory_breakdown_data {
    size_t model, context, compute;
};
std::map<ggml_backend_buffer_type_t, llama_memory_breakdown_data>
llama_get_memory_breakdown(const struct llama_context *ctx);

extern "C" {
struct breakdown {
    const char *buffer, *device;
    bool host;
    double model_bytes, context_bytes, compute_bytes;
};
size_t llama_breakdown(const struct llama_context *ctx, struct breakdown *out);
}

size_t llama_breakdown(const struct llama_context *ctx, struct breakdown *out)
{
    const size_t room = 32;
    size_t n = 0;
    for (const auto &[type, bytes] : llama_get_memory_breakdown(ctx)) {
        if (n == room) break;
        const ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
        out[n++] = {ggml_backend_buft_name(type), device ? ggml_backend_dev_name(device) : "",
                    ggml_backend_buft_is_host(type), (double)bytes.model, (double)bytes.context,
                    (double)bytes.compute};
    }
    return n;
}
