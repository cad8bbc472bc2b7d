/*
 * The canonical request of Signature Version 4, made from what arrived ("Create a signed AWS API
 * request", AWS Identity and Access Management User Guide). Written for the verifying side, apart
 * from the daemon's own signer, so that the two check each other. Pure.
 */
#pragma once

#include "base/strbuf.h"
#include "wire.h"

/*
 * signed_headers: the list as the client gave it, "a;b;c". 0; -EBADMSG if a header in it did not
 * arrive, if it is not in order, or if the query cannot be decoded; -ENOMEM.
 */
int canonical_request(const struct wire *wire, const char *signed_headers, struct strbuf *ret);
