/* What has a source begin a search, and what becomes of it: see aws/credential_source.h. */
#include "aws/credential_source.h"

int credential_search_start(struct credential_search *search,
	const struct credential_source *source, struct credentials **ret)
{
	search->source = source;
	search->state = NULL;
	search->text[0] = '\0';
	return source->start(search, ret);
}

void credential_search_cancel(struct credential_search *search)
{
	search->source->cancel(search);
}

void credential_search_end(struct credential_search *search, int r, struct credentials *credentials)
{
	search->state = NULL;
	search->ended(search, r, credentials);
}
