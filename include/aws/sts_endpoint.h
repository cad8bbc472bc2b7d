/*
 * Where the Security Token Service is. Pure but for the environment that means has.
 */
#pragma once

#include "aws/credential_source.h"
#include "base/strbuf.h"

/*
 * Appends the service's URL. 0; -EAGAIN: it depends on a region, which is not known (yet);
 * -EINVAL: that region's name is none; or out's error. Then ret_text says so.
 */
int sts_endpoint_find(const struct credential_means *means, struct strbuf *out,
	char ret_text[static CREDENTIALS_TEXT_MAX]);

/* The region to sign for: a service that is no region's own takes any. Borrowed from means. */
const char *sts_endpoint_region(const struct credential_means *means);
