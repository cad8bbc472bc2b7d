/*
 * One search for credentials in one source, from its start to its end.
 *
 * Owns: a loop, an http on it, an imds on that, and what was found. The environment is that of
 * tests/support/test_environment.h.
 */
#pragma once

#include <systemd/sd-event.h>

#include "aws/credential_source.h"

struct test_search {
	sd_event *event;
	struct http *http;
	struct imds *imds;             /* made by the first search */
	struct credential_means means; /* a test may change them */
	struct credential_search search;
	unsigned n_ended; /* how often its end came later: 0 or 1 */
	int r;            /* of the last one, whenever its end came */
	struct credentials *found;
};

/* SIGCHLD is blocked from here on. */
void test_search_init(struct test_search *t);
void test_search_done(struct test_search *t);

/* Before t's search is begun by another function than those here. */
void test_search_prepare(struct test_search *t);
/* What start() returned; on -EINPROGRESS the search is out. */
int test_search_start(struct test_search *t, const struct credential_source *source);
/* Until the end of the one that is out, which is in r, search.text and found; returns r. */
int test_search_await(struct test_search *t);
/* The two in one. */
void test_search_run(struct test_search *t, const struct credential_source *source);

/* search.text is the format, with the value for a "%s" in it. */
void test_search_assert_text(const struct test_search *t, const char *format, const char *value);
