#include "test_search.h"

#include <assert.h>
#include <check.h>
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/strbuf.h"
#include "test_environment.h"

#define WAIT_MAX (20 * USEC_PER_SEC)

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
	sigset_t set;

	*t = (struct test_search){.search.ended = on_ended, .search.means = &t->means};
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int r = (int)curl_global_init(CURL_GLOBAL_DEFAULT);
	r = r ? r : sd_event_new(&t->event);
	r = r < 0 ? r : http_new(t->event, &(struct http_options){0}, &t->http);
	assert(r == 0);
	t->means = (struct credential_means){
		.getenv = test_environment_get,
		.program_environment = (const char *const *)environ,
		.http = t->http,
	};
}

void test_search_done(struct test_search *t)
{
	credentials_unref(t->found);
	imds_free(t->imds);
	http_free(t->http);
	sd_event_unref(t->event);
	curl_global_cleanup();
}

void test_search_prepare(struct test_search *t)
{
	int r = t->imds ? 0 : imds_new(t->http, test_environment_get, &t->imds);

	assert(r == 0);
	t->means.imds = t->imds;
	t->found = credentials_unref(t->found);
	t->n_ended = 0;
}

int test_search_start(struct test_search *t, const struct credential_source *source)
{
	test_search_prepare(t);
	t->r = credential_search_start(&t->search, source, &t->found);
	assert(t->n_ended == 0);
	return t->r;
}

int test_search_await(struct test_search *t)
{
	while (t->n_ended == 0) {
		int r = sd_event_run(t->event, WAIT_MAX);
		assert(r > 0); /* or nothing happened for so long */
	}
	assert(t->n_ended == 1);
	return t->r;
}

void test_search_run(struct test_search *t, const struct credential_source *source)
{
	if (test_search_start(t, source) == -EINPROGRESS)
		test_search_await(t);
}

void test_search_assert_text(const struct test_search *t, const char *format, const char *value)
{
	_cleanup_strbuf_ struct strbuf expected = STRBUF_INIT;
	const char *place = strstr(format, "%s");

	if (place)
		strbuf_printf(
			&expected, "%.*s%s%s", (int)(place - format), format, value, place + 2);
	else
		strbuf_puts(&expected, format);
	ck_assert_str_eq(t->search.text, strbuf_str(&expected));
}
