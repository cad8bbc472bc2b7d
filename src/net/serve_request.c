#include "net/http_serve_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "net/serve_response.h"

/* ---- They arrive, and their answers leave: called by libmicrohttpd ---- */

static void serve_request_free(struct serve_request *request)
{
	if (request->response)
		MHD_destroy_response(request->response);
	strbuf_done(&request->body);
	free(request->path);
	free(request);
}

/* The request line is there: the only moment at which its target is still as it was sent. */
void *serve_on_target(void *userdata, const char *target, struct MHD_Connection *mhd)
{
	struct http_serve *serve = userdata;
	struct serve_connection *c = serve_connection_of(mhd);
	struct serve_request *request = c ? calloc(1, sizeof *request) : NULL;

	if (!request)
		return NULL;
	request->serve = serve;
	request->connection = c;
	request->mhd = mhd;
	request->path = strndup(target, strcspn(target, "?"));
	strbuf_init(&request->body, serve->options.max_body);
	if (!request->path) {
		serve_request_free(request);
		return NULL;
	}
	c->request = request;
	serve_connection_wait(c, serve->options.patience);
	return request;
}

void serve_on_completed(void *userdata, struct MHD_Connection *mhd, void **object,
	enum MHD_RequestTerminationCode why)
{
	struct http_serve *serve = userdata;
	struct serve_request *request = *object;

	(void)mhd;
	(void)why;
	if (!request)
		return;
	request->connection->request = NULL;
	sd_event_source_set_enabled(request->connection->on_hang_up, SD_EVENT_ON);
	serve_connection_wait(request->connection, serve->options.idle);
	serve_request_free(request);
	*object = NULL;
}

static enum MHD_Result serve_request_take(
	struct serve_request *request, const char *piece, size_t len)
{
	if (request->too_large)
		return MHD_YES;
	int r = strbuf_append(&request->body, piece, len);
	if (r == -ENOBUFS) {
		request->too_large = true;
		strbuf_done(&request->body);
	}
	return r == -ENOMEM ? MHD_NO : MHD_YES;
}

/* From now on libmicrohttpd does not look at the connection. */
static enum MHD_Result serve_request_is_whole(struct serve_request *request)
{
	struct http_serve *serve = request->serve;

	serve_connection_wait(request->connection, 0);
	MHD_suspend_connection(request->mhd);
	request->state = REQUEST_WHOLE;
	TAILQ_INSERT_TAIL(&serve->whole, request, link);
	loop_set_turn(serve->on_due);
	return MHD_YES;
}

/* Called once for the head, then for pieces of the body, at its end, and after it was resumed. */
enum MHD_Result serve_on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *piece, size_t *piece_len,
	void **object)
{
	struct serve_request *request = *object;

	(void)userdata;
	(void)url;
	(void)version;
	if (!request)
		return MHD_NO;
	if (!request->method) {
		request->method = method;
		return MHD_YES;
	}
	if (*piece_len > 0) {
		size_t len = *piece_len;

		*piece_len = 0;
		return serve_request_take(request, piece, len);
	}
	if (request->state == REQUEST_ARRIVING)
		return serve_request_is_whole(request);
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(mhd, request->status, request->response);
}

/* ---- They are handed over, and taken back: called by the loop ---- */

void serve_request_end(struct serve_request *request)
{
	struct http_serve *serve = request->serve;

	if (request->state == REQUEST_WHOLE)
		TAILQ_REMOVE(&serve->whole, request, link);
	else
		TAILQ_REMOVE(&serve->in_hand, request, link);
	request->state = REQUEST_ENDED;
	sd_event_source_set_enabled(request->connection->on_hang_up, SD_EVENT_OFF);
	MHD_resume_connection(request->mhd);
	loop_set_turn(serve->on_turn);
}

/*
 * libmicrohttpd's epoll tells of each change once. When a client's last bytes and its end come
 * together it reads the bytes, and would wait for ever for what it has been told already: so it is
 * told again, until it has read the end.
 */
int serve_on_hang_up(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct serve_connection *c = userdata;
	struct serve_request *request = c->request;

	(void)source;
	(void)events;
	if (!request || request->state == REQUEST_ARRIVING) {
		shutdown(fd, SHUT_RD);
	} else if (request->state == REQUEST_IN_HAND) {
		const struct http_serve_options *options = &request->serve->options;

		serve_request_end(request);
		/* The last step: it may free all this. */
		options->gone(options->userdata, request);
	}
	return 0;
}

/* One at a time: the callback may free the server. */
int serve_on_due(sd_event_source *source, void *userdata)
{
	struct http_serve *serve = userdata;
	const struct http_serve_options *options = &serve->options;
	struct serve_request *request = TAILQ_FIRST(&serve->whole);

	if (TAILQ_NEXT(request, link))
		loop_set_turn(source);
	TAILQ_REMOVE(&serve->whole, request, link);
	TAILQ_INSERT_TAIL(&serve->in_hand, request, link);
	request->state = REQUEST_IN_HAND;
	if (!options->gone)
		sd_event_source_set_enabled(request->connection->on_hang_up, SD_EVENT_OFF);
	if (!request->too_large)
		options->request(options->userdata, request);
	else if (options->too_large)
		options->too_large(options->userdata, request);
	else
		serve_answer(request, &(struct serve_answer){
					      .status = 413,
					      .body = "{}",
					      .body_len = 2,
				      });
	return 0;
}

/* ---- What one says, and what it is told ---- */

const char *serve_method(const struct serve_request *request)
{
	return request->method;
}

const char *serve_path(const struct serve_request *request)
{
	return request->path;
}

const char *serve_header(const struct serve_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *serve_body(const struct serve_request *request, size_t *ret_len)
{
	*ret_len = request->body.len;
	return strbuf_str(&request->body);
}

void serve_answer(struct serve_request *request, const struct serve_answer *answer)
{
	assert(request->state == REQUEST_IN_HAND && answer->status >= 200);
	request->status = answer->status;
	request->response = serve_response_new(answer);
	serve_connection_wait(request->connection, request->serve->options.patience);
	serve_request_end(request);
}
