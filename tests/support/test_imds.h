/*
 * An instance metadata service, as a handler for tests/support/test_server.h: gives tokens
 * "token-1", "token-2" and so on, and a page only to who shows the last of them.
 *
 * Plain data, to be set while the server has nothing to do, and read then.
 */
#pragma once

#include "test_server.h"

#define TEST_IMDS_PAGES_MAX 4

struct test_imds_page {
	const char *path;
	unsigned status;
	const char *body;
};

struct test_imds {
	unsigned token_status; /* of the answers to PUT; 0: none comes */
	const char *token;     /* instead of those above; NULL: those */
	bool forgetful;        /* no token is good for anything */
	bool silent;           /* no page comes */
	struct test_imds_page pages[TEST_IMDS_PAGES_MAX];

	unsigned n_tokens, n_gets;
	char asked_head[1024]; /* for the last token */
	char asked_path[256];  /* for the last page */
};

/* A test_handler_fn for a struct test_imds. */
enum test_then test_imds_answer(
	void *imds, const struct test_request *request, struct strbuf *answer);

/* What the path holds from now on. */
void test_imds_set(struct test_imds *imds, const char *path, unsigned status, const char *body);
