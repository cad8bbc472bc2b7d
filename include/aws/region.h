/*
 * The region that this instance is in, by its metadata service: asked for until it is known, with
 * growing pauses of at most half a minute. Loop thread only.
 */
#pragma once

#include "aws/imds.h"

#define REGION_NAME_MAX 63

/* What may stand in a host's name as a region: lower case, digits, hyphens within. Pure. */
bool region_is_name(const char *text);

struct region_search;

/*
 * An answer, borrowed until the callback returns: the region, and nothing comes any more; or NULL
 * and why in one line. From the loop; must not free the search.
 */
typedef void region_fn(void *userdata, const char *region, const char *text);

/*
 * Borrows imds for its life. Asks at once. 0, what imds_get() says, or what sd-event does; ret_text
 * says why.
 */
int region_search_new(struct imds *imds, region_fn *told, void *userdata,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct region_search **ret);
/* Before imds. Returns NULL. */
struct region_search *region_search_free(struct region_search *search);
DEFINE_CLEANUP(struct region_search *, region_search_free)
