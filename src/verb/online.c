/* verb/online.c - --online: a model that is not on this disk is asked for over the network, and its header alone is fetched. What is here
 * already is taken as it is, without asking. */
#include "base/arena.h"
#include "model/remote.h"
#include "model/stores.h"
#include "verb/common.h"

bool online_operand(const struct request *q, const struct context *in, const char *operand,
                    const char **out, struct mu_err *err)
{
    const struct remote_asked asked = {.operand = operand,
                                       .env = in->env,
                                       .catalog = in->catalog,
                                       .arena = in->arena,
                                       .notes = in->notes};
    *out = operand;
    if (!request_flag(q, "online") || !remote_is_name(operand)) return true;
    if (!remote_is_address(operand) && stores_here(operand, in->env, in->arena, out, NULL))
        return true;
    return remote_fetch(&asked, out, err);
}
