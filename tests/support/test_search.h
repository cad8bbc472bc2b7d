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
	struct imds *imds; /* made by the first run */
	struct credential_means means;
	struct credential_search search;
	unsigned n_ended; /* searches whose end came later */
	int r;            /* of the last one, whenever its end came */
	struct credentials *found;
};

void test_search_init(struct test_search *t);
void test_search_done(struct test_search *t);

/* What start() returned; on -EINPROGRESS the search is out. */
int test_search_start(struct test_search *t, const struct credential_source *source);
/* Until its end, which is in r, search.text and found. */
void test_search_run(struct test_search *t, const struct credential_source *source);
