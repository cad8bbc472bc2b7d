#include "net/http_names.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/http_url.h"

#define NAMES_MAX 8

void http_names_done(struct http_names *names)
{
	curl_slist_free_all(names->list);
	*names = (struct http_names){0};
}

void http_names_distrust(struct http_names *names, const char *url)
{
	struct http_url parsed;
	char entry[sizeof parsed.host + 16];

	if (names->n_names == NAMES_MAX || http_url_parse(url, &parsed) < 0)
		return;
	snprintf(entry, sizeof entry, "-%s:%u", parsed.host, parsed.port);
	for (const struct curl_slist *known = names->list; known; known = known->next)
		if (strcmp(known->data, entry) == 0)
			return;

	struct curl_slist *list = curl_slist_append(names->list, entry);
	if (!list)
		return;
	names->list = list;
	names->n_names++;
}

struct curl_slist *http_names_take(struct http_names *names)
{
	names->n_names = 0;
	return TAKE_PTR(names->list);
}
