/* model/hub_token.h - inside model/: what huggingface_hub's environment says of asking a hub: with which token, and whether at all. */
#pragma once
#include "base/http.h"

struct remote_asked;

/* HF_TOKEN, else the one that its programs keep in a file (HF_TOKEN_PATH, HF_HOME/token, ~/.cache/huggingface/token). None of a file
 * where HF_HUB_DISABLE_IMPLICIT_TOKEN is set, or the file holds anything else than one line. */
struct http_token hub_token(const struct remote_asked *asked);
/* HF_HUB_OFFLINE: whoever set it wants no hub asked. */
bool hub_offline(const struct remote_asked *asked);
