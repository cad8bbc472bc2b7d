/*
 * The role of a container, from the agent that its environment names: see aws/container_uri.h.
 *
 * What proves to the agent who asks is in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which is read
 * anew for every search, or else in AWS_CONTAINER_AUTHORIZATION_TOKEN. No proxy is ever asked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/container_uri.h"
#include "aws/credential_source.h"
#include "aws/credentials_json.h"
#include "aws/token.h"

#define TOKEN           "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define TOKEN_MAX       ((size_t)64 << 10)
#define ANSWER_MAX      ((size_t)128 << 10)
#define TIMEOUT         (5 * USEC_PER_SEC)
#define CONNECT_TIMEOUT (2 * USEC_PER_SEC)

struct container {
	struct http_call *call;
	struct container_uri uri;
	struct strbuf token;      /* sent along; empty: none */
	const char *token_source; /* the variable that has it, or its file */
};

static void container_free(struct container *container)
{
	strbuf_wipe(&container->token);
	free(container);
}

/* ---- The answer ---- */

/* Another status than 200; the agent may have said why. */
static int explain_status(struct credential_search *search, const struct http_response *response)
{
	const struct container *container = search->state;
	bool of_token = container->token.len > 0 && response->status < 404;
	char source[sizeof container->uri.place + 128];
	struct credentials *found = NULL;

	snprintf(source, sizeof source, "container role: %s says HTTP %u%s%s", container->uri.place,
		response->status, of_token ? " to the token of " : "",
		of_token ? container->token_source : "");
	const struct credentials_json_form form = {
		.source = source,
		.token_name = "Token",
		.secret = strbuf_str(&container->token),
	};
	int r = credentials_json_read(
		response->body, response->body_len, &form, search->text, &found);
	credentials_unref(found);
	if (r != -EACCES)
		credentials_failed(search->text, r, "%s", source);
	return response->status >= 500 || response->status == 429 ? -EAGAIN : -EACCES;
}

static void on_answer(void *userdata, const struct http_response *response)
{
	struct credential_search *search = userdata;
	struct container *container = search->state;
	const struct credentials_json_form form = {
		.source = "container role",
		.token_name = "Token",
		.temporary = true,
		.secret = strbuf_str(&container->token),
	};
	struct credentials *found = NULL;
	int r = response->error;

	if (r < 0)
		credentials_failed(search->text, r, "container role: no answer from %s: %s",
			container->uri.place, response->error_text);
	else if (response->status != 200)
		r = explain_status(search, response);
	else
		r = credentials_json_read(
			response->body, response->body_len, &form, search->text, &found);
	container_free(container);
	credential_search_end(search, r, found);
}

/* ---- The question ---- */

/* Empty where none is wanted. */
static int read_token(struct credential_search *search, struct container *container)
{
	struct strbuf *ret = &container->token;
	const char *path = credentials_getenv(search->means->getenv, TOKEN_FILE);
	const char *given = credentials_getenv(search->means->getenv, TOKEN);

	container->token_source = path ? TOKEN_FILE : TOKEN;
	if (path)
		return token_read(path, TOKEN_MAX, TOKEN_FILE, ret, search->text);
	int r = strbuf_puts(ret, given ? given : "");
	if (r < 0)
		return credentials_failed(search->text, r == -ENOMEM ? r : -EINVAL, TOKEN ": %s",
			strerrordesc_np(-r));
	if (!token_trim(ret))
		return credentials_failed(search->text, -EINVAL,
			TOKEN " holds a line end or another character that no token has");
	return 0;
}

static int ask(struct credential_search *search, struct container *container)
{
	const struct http_header headers[] = {
		{"Accept", "application/json"},
		{"Authorization", strbuf_str(&container->token)},
	};
	const struct http_request request = {
		.method = "GET",
		.url = container->uri.url,
		.headers = headers,
		.n_headers = container->token.len > 0 ? 2 : 1,
		.timeout = TIMEOUT,
		.connect_timeout = CONNECT_TIMEOUT,
		.max_answer = ANSWER_MAX,
		.direct = true,
		.plain = true, /* container_uri says where */
		.secret = true,
	};

	int r = http_start(search->means->http, &request, on_answer, search, &container->call);
	return r < 0 ? credentials_failed(search->text, r, "container role: %s cannot be asked: %s",
			       container->uri.place, strerrordesc_np(-r))
		     : -EINPROGRESS;
}

static int container_start(struct credential_search *search, struct credentials **ret)
{
	struct container_uri uri;

	(void)ret;
	int r = container_uri_find(search->means->getenv, &uri, search->text);
	if (r < 0)
		return r;
	struct container *container = calloc(1, sizeof *container);
	if (!container)
		return credentials_failed(search->text, -ENOMEM, "out of memory");

	container->uri = uri;
	strbuf_init(&container->token, TOKEN_MAX);
	search->state = container;
	r = read_token(search, container);
	r = r < 0 ? r : ask(search, container);
	if (r != -EINPROGRESS)
		container_free(container);
	return r;
}

static void container_cancel(struct credential_search *search)
{
	struct container *container = search->state;

	http_cancel(container->call);
	container_free(container);
}

const struct credential_source credentials_container = {
	.name = "container",
	.start = container_start,
	.cancel = container_cancel,
};
