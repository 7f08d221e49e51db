/* engine/server.c - devices of another machine or process: llama.cpp's RPC backend, told where its server is. */
#include "engine/llama_use.h"

#include <string.h>

#include <ggml-backend.h>

#include "base/json.h"

typedef ggml_backend_reg_t (*server_add)(const char *endpoint);

bool llama_server(const struct asked *in, struct mu_err *err)
{
    struct str server;
    const struct json *given = json_get(in->json, "server");
    if (!given) return true;
    if (!json_text(given, &server) || !server.n || memchr(server.p, 0, server.n))
        return err_set(err, MU_DATA, "the request's \"server\" is not an address");
    ggml_backend_reg_t rpc = ggml_backend_reg_by_name("RPC");
    const server_add add =
        rpc ? ((union {
                   void *object;
                   server_add function;
               }){ggml_backend_reg_get_proc_address(rpc, "ggml_backend_rpc_add_server")}
                   .function)
            : NULL;
    if (!add) return err_set(err, MU_UNAVAILABLE, "this llama.cpp was built without RPC");
    ggml_backend_reg_t devices = add(str_copy(in->arena, server));
    if (!devices)
        return err_set(err, MU_UNAVAILABLE, "the server at %s has no devices: %s",
                       str_copy(in->arena, server), llama_said());
    ggml_backend_register(devices);
    return true;
}
