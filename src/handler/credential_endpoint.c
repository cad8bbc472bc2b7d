#include "handler/credential_endpoint.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "aws/credential_store.h"
#include "aws/credentials_json.h"
#include "net/http_serve.h"
#include "net/peer.h"

#define PATH "/credentials"

#define PATIENCE   (5 * USEC_PER_SEC)
#define IDLE       (10 * USEC_PER_SEC)
#define ANSWER_MAX ((size_t)256 << 10)
#define TOKEN_SIZE 32

/* What is told to SDKs of credentials that do not expire. */
#define NEVER USEC_PER_HOUR

struct credential_endpoint {
	struct credential_store *store;
	struct http_serve *serve;
	char uri[64];
	char token[2 * TOKEN_SIZE + 1];
};

static const struct http_header type = {"Content-Type", "application/json"};
static const struct http_header private = {"Cache-Control", "no-store"};

static bool admit(void *userdata, const struct sockaddr *client)
{
	const struct credential_endpoint *endpoint = userdata;
	pid_t session, parent;

	return peer_session(client, http_serve_port(endpoint->serve), 0, &session) == 0 &&
	       peer_parent(session, &parent) == 0 && parent == getpid();
}

static void answer_error(
	struct serve_request *request, unsigned status, const char *code, const char *message)
{
	const struct http_header headers[] = {type, private, {"Allow", "GET"}};
	char body[256];

	int len =
		snprintf(body, sizeof body, "{\"code\":\"%s\",\"message\":\"%s\"}", code, message);
	serve_answer(request, &(struct serve_answer){
				      .status = status,
				      .headers = headers,
				      .n_headers = status == 405 ? 3 : 2,
				      .body = body,
				      .body_len = (size_t)len,
			      });
}

static void answer_credentials(struct serve_request *request, const struct credentials *c)
{
	const struct http_header headers[] = {type, private};
	_cleanup_(strbuf_wipe) struct strbuf body;

	strbuf_init(&body, ANSWER_MAX);
	/* By the clock of who reads it, which is ours. */
	usec_t expires_at =
		c->expires_at == USEC_INFINITY ? clock_realtime() + NEVER : c->expires_at;
	if (credentials_json_write(c, expires_at, &body) < 0) {
		answer_error(request, 500, "InternalServerError", "no memory");
		return;
	}
	serve_answer(request, &(struct serve_answer){
				      .status = 200,
				      .headers = headers,
				      .n_headers = 2,
				      .body = body.data,
				      .body_len = body.len,
				      .secret = true,
			      });
}

/* In a time that says nothing of how much of it is right. */
static bool shows_token(
	const struct credential_endpoint *endpoint, const struct serve_request *request)
{
	const char *shown = serve_header(request, "Authorization");

	return shown && strlen(shown) == sizeof endpoint->token - 1 &&
	       CRYPTO_memcmp(shown, endpoint->token, sizeof endpoint->token - 1) == 0;
}

static void on_request(void *userdata, struct serve_request *request)
{
	struct credential_endpoint *endpoint = userdata;

	if (!shows_token(endpoint, request)) {
		answer_error(request, 403, "AccessDenied", "access denied");
		return;
	}
	if (strcmp(serve_path(request), PATH) != 0) {
		answer_error(request, 404, "NotFound", "there is nothing here");
		return;
	}
	if (strcmp(serve_method(request), "GET") != 0) {
		answer_error(request, 405, "MethodNotAllowed", "GET is the only method");
		return;
	}
	const struct credentials *c = credential_store_current(endpoint->store);
	if (!c) {
		credential_store_want(endpoint->store, NULL);
		answer_error(request, 503, "NotReady", "there are no credentials yet");
		return;
	}
	answer_credentials(request, c);
}

static int make_token(char ret[static 2 * TOKEN_SIZE + 1])
{
	unsigned char bytes[TOKEN_SIZE];

	ssize_t n = getrandom(bytes, sizeof bytes, 0);
	if (n != sizeof bytes)
		return n < 0 ? -errno : -EIO;
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof bytes);
	return 0;
}

int credential_endpoint_new(
	sd_event *event, struct credential_store *store, struct credential_endpoint **ret)
{
	_cleanup_(credential_endpoint_freep) struct credential_endpoint *endpoint =
		calloc(1, sizeof *endpoint);
	if (!endpoint)
		return -ENOMEM;
	endpoint->store = store;
	const struct http_serve_options options = {
		.patience = PATIENCE,
		.idle = IDLE,
		.admit = admit,
		.request = on_request,
		.too_large = on_request,
		.userdata = endpoint,
	};
	int r = make_token(endpoint->token);
	r = r < 0 ? r : http_serve_new(event, &options, &endpoint->serve);
	if (r < 0)
		return r;
	snprintf(endpoint->uri, sizeof endpoint->uri, "http://127.0.0.1:%u" PATH,
		http_serve_port(endpoint->serve));
	*ret = TAKE_PTR(endpoint);
	return 0;
}

struct credential_endpoint *credential_endpoint_free(struct credential_endpoint *endpoint)
{
	if (!endpoint)
		return NULL;
	http_serve_free(endpoint->serve);
	explicit_bzero(endpoint->token, sizeof endpoint->token);
	free(endpoint);
	return NULL;
}

const char *credential_endpoint_uri(const struct credential_endpoint *endpoint)
{
	return endpoint->uri;
}

const char *credential_endpoint_token(const struct credential_endpoint *endpoint)
{
	return endpoint->token;
}
