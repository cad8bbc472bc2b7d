/*
 * In the place of net/http_serve where there is no libmicrohttpd: nothing is served, so there is
 * never a request that the other functions could be called with.
 */
#include "net/http_serve.h"

#include <assert.h>
#include <errno.h>

bool http_serve_is_possible(void)
{
	return false;
}

int http_serve_new(
	sd_event *event, const struct http_serve_options *options, struct http_serve **ret)
{
	(void)event;
	(void)options;
	(void)ret;
	return -EOPNOTSUPP;
}

struct http_serve *http_serve_free(struct http_serve *serve)
{
	assert(!serve);
	return NULL;
}

uint16_t http_serve_port(const struct http_serve *serve)
{
	assert(serve);
	return 0;
}

const char *serve_method(const struct serve_request *request)
{
	assert(!request);
	return NULL;
}

const char *serve_path(const struct serve_request *request)
{
	assert(!request);
	return NULL;
}

const char *serve_header(const struct serve_request *request, const char *name)
{
	(void)name;
	assert(!request);
	return NULL;
}

const char *serve_body(const struct serve_request *request, size_t *ret_len)
{
	(void)ret_len;
	assert(!request);
	return NULL;
}

void serve_answer(struct serve_request *request, const struct serve_answer *answer)
{
	(void)answer;
	assert(!request);
}
