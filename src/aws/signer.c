#include "aws/signer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct signer {
	const struct skew *skew;
	struct sigv4 *sigv4;
	char *region;
	char *service;
};

int signer_new(
	const struct skew *skew, const char *region, const char *service, struct signer **ret)
{
	_cleanup_(signer_freep) struct signer *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->skew = skew;
	s->region = strdup(region);
	s->service = strdup(service);
	if (!s->region || !s->service)
		return -ENOMEM;

	int r = sigv4_new(&s->sigv4);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

struct signer *signer_free(struct signer *s)
{
	if (!s)
		return NULL;
	sigv4_free(s->sigv4);
	free(s->region);
	free(s->service);
	free(s);
	return NULL;
}

const char *signer_region(const struct signer *s)
{
	return s->region;
}

static int sign_now(struct signer *s, const struct credentials *c,
	const struct sigv4_request *request, struct sigv4_signed *ret)
{
	const struct sigv4_keys keys = {
		.access_key_id = c->access_key_id,
		.secret_access_key = c->secret_access_key,
		.session_token = c->session_token,
	};
	char timestamp[SIGV4_TIMESTAMP_SIZE];
	const struct sigv4_scope scope = {timestamp, s->region, s->service};

	int r = sigv4_format_timestamp(skew_now(s->skew), timestamp);
	if (r < 0)
		return r;
	return sigv4_sign(s->sigv4, &keys, &scope, request, ret);
}

int signer_sign(struct signer *s, const struct credentials *c, const char *authority,
	struct http_request *request, struct http_header room[static HTTP_HEADERS_MAX])
{
	struct sigv4_header headers[HTTP_HEADERS_MAX + 1] = {{"Host", authority}};
	struct sigv4_signed added;
	size_t n = 0;

	assert(request->n_headers + SIGV4_ADDED_MAX <= HTTP_HEADERS_MAX);
	for (; n < request->n_headers; n++) {
		room[n] = request->headers[n];
		headers[n + 1] = (struct sigv4_header){room[n].name, room[n].value};
	}
	const struct sigv4_request bare = {
		.method = request->method,
		.path = "/",
		.headers = headers,
		.n_headers = n + 1,
		.body = request->body,
		.body_len = request->body_len,
	};
	int r = sign_now(s, c, &bare, &added);
	if (r < 0)
		return r;
	for (size_t i = 0; i < added.n_headers; i++)
		room[n++] = (struct http_header){added.headers[i].name, added.headers[i].value};
	request->headers = room;
	request->n_headers = n;
	return 0;
}
