#include "aws/region.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/backoff.h"
#include "base/loop.h"

#define REGION_PATH "/latest/meta-data/placement/region"

struct region_search {
	struct imds *imds;
	struct imds_call *call; /* NULL: none is out */
	region_fn *told;
	void *userdata;
	sd_event_source *timer;
	struct backoff pause;
};

bool region_is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= REGION_NAME_MAX && text[len] == '\0' && text[0] != '-' &&
	       text[len - 1] != '-';
}

static void region_search_again(struct region_search *search, const char *text)
{
	loop_set_timer(search->timer, clock_monotonic() + backoff_next(&search->pause));
	search->told(search->userdata, NULL, text);
}

static void on_answer(void *userdata, int r, const char *text, const char *body)
{
	struct region_search *search = userdata;

	search->call = NULL;
	if (r < 0)
		region_search_again(search, text);
	else if (!region_is_name(body))
		region_search_again(search, "the metadata service's answer is no region's name");
	else
		search->told(search->userdata, body, "");
}

static int region_search_ask(
	struct region_search *search, char ret_text[static CREDENTIALS_TEXT_MAX])
{
	const struct imds_request request = {
		.path = REGION_PATH,
		.max_answer = REGION_NAME_MAX + 1,
		.done = on_answer,
		.userdata = search,
	};

	return imds_get(search->imds, &request, ret_text, &search->call);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct region_search *search = userdata;
	char text[CREDENTIALS_TEXT_MAX];

	(void)source;
	(void)usec;
	if (region_search_ask(search, text) < 0)
		region_search_again(search, text);
	return 0;
}

int region_search_new(struct imds *imds, region_fn *told, void *userdata,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct region_search **ret)
{
	_cleanup_(region_search_freep) struct region_search *search = calloc(1, sizeof *search);

	if (!search)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	search->imds = imds;
	search->told = told;
	search->userdata = userdata;
	search->pause = (struct backoff){.base = USEC_PER_SEC, .cap = 30 * USEC_PER_SEC};
	int r = loop_add_timer(
		imds_event(imds), CLOCK_MONOTONIC, "region", on_timer, search, &search->timer);
	if (r < 0)
		return credentials_failed(
			ret_text, r, "nothing can be timed: %s", strerrordesc_np(-r));
	r = region_search_ask(search, ret_text);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(search);
	return 0;
}

struct region_search *region_search_free(struct region_search *search)
{
	if (!search)
		return NULL;
	if (search->call)
		imds_cancel(search->call);
	sd_event_source_disable_unref(search->timer);
	free(search);
	return NULL;
}
