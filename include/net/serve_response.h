/*
 * What is sent, as libmicrohttpd wants to have it. Loop thread only.
 */
#pragma once

#include "net/http_serve.h"

struct MHD_Response;

/*
 * Copies the answer. Returns owned, for MHD_destroy_response(), and a secret body is wiped when its
 * last owner is gone; NULL: no memory, or a header that cannot be one.
 */
struct MHD_Response *serve_response_new(const struct serve_answer *answer);
