#include "test_search.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>

#include "test_environment.h"

static void on_ended(struct credential_search *search, int r, struct credentials *credentials)
{
	struct test_search *t = container_of(search, struct test_search, search);

	assert((r == 0) == (credentials != NULL));
	t->n_ended++;
	t->r = r;
	t->found = credentials;
}

void test_search_init(struct test_search *t)
{
	*t = (struct test_search){.search.ended = on_ended, .search.means = &t->means};
	signal(SIGPIPE, SIG_IGN);
	int r = (int)curl_global_init(CURL_GLOBAL_DEFAULT);
	r = r ? r : sd_event_new(&t->event);
	r = r < 0 ? r : http_new(t->event, &(struct http_options){0}, &t->http);
	assert(r == 0);
}

void test_search_done(struct test_search *t)
{
	credentials_unref(t->found);
	imds_free(t->imds);
	http_free(t->http);
	sd_event_unref(t->event);
	curl_global_cleanup();
}

int test_search_start(struct test_search *t, const struct credential_source *source)
{
	int r = t->imds ? 0 : imds_new(t->http, test_environment_get, &t->imds);

	assert(r == 0);
	t->found = credentials_unref(t->found);
	t->means = (struct credential_means){
		.getenv = test_environment_get,
		.program_environment = (const char *const *)environ,
		.http = t->http,
		.imds = t->imds,
	};
	t->r = credential_search_start(&t->search, source, &t->found);
	return t->r;
}

void test_search_run(struct test_search *t, const struct credential_source *source)
{
	unsigned n = t->n_ended;

	if (test_search_start(t, source) != -EINPROGRESS)
		return;
	assert(t->n_ended == n);
	while (t->n_ended == n) {
		int r = sd_event_run(t->event, 10 * USEC_PER_SEC);
		assert(r > 0); /* or nothing happened for so long */
	}
}
