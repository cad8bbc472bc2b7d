#include "front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/strbuf.h"
#include "must.h"

/* Ten messages of 1 MiB, each character escaped, still fit. */
#define FRONT_BODY_MAX        (64u << 20)
#define FRONT_CONNECTIONS_MAX 8192u
#define FRONT_PIECE_MAX       (64u << 10)

struct front {
	struct MHD_Daemon *http;
	struct service *service;
	bool resumed; /* libmicrohttpd has not yet seen to what we resumed */
};

struct request {
	struct exchange exchange;
	struct front *front;
	struct MHD_Connection *connection; /* NULL until the headers are there */
	char *target;
	struct strbuf body;
	bool begun;
	bool paused; /* before the piece of the answer that is next */
};

static struct request *front_request(const struct exchange *exchange)
{
	return container_of((struct exchange *)exchange, struct request, exchange);
}

static void front_ready(struct exchange *exchange)
{
	struct request *request = front_request(exchange);

	MHD_resume_connection(request->connection);
	request->front->resumed = true;
}

static bool front_gone(const struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		front_request(exchange)->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;
	ssize_t n = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static const struct service_front front_functions = {front_ready, front_gone};

/* The request line has arrived: the only moment at which its target is still as it was sent. */
static void *on_target(void *userdata, const char *target, struct MHD_Connection *connection)
{
	struct request *request = must_zalloc(sizeof *request);

	(void)connection;
	request->front = userdata;
	request->target = must_strdup(target);
	strbuf_init(&request->body, FRONT_BODY_MAX);
	return request;
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **object,
	enum MHD_RequestTerminationCode why)
{
	struct request *request = *object;

	(void)userdata;
	(void)connection;
	(void)why;
	if (!request)
		return;
	service_end(request->front->service, &request->exchange);
	strbuf_done(&request->body);
	free(request->target);
	free(request);
	*object = NULL;
}

static enum MHD_Result on_header(void *userdata, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct wire *wire = userdata;

	(void)kind;
	(void)name_len;
	if (wire->n_headers < WIRE_HEADERS_MAX)
		wire->headers[wire->n_headers++] =
			(struct wire_header){name, value ? value : "", value_len};
	return MHD_YES;
}

static void front_begin(struct request *request, const char *method)
{
	struct wire *wire = &request->exchange.wire;

	request->begun = true;
	rng_uuid(&request->front->service->account.rng, request->exchange.request_id);
	wire->method = method;
	wire->target = request->target;
	wire->body = strbuf_str(&request->body);
	wire->body_len = request->body.len;
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, on_header, wire);
	if (request->body.error < 0)
		service_reply(&request->exchange, 413, NULL);
	else
		service_begin(request->front->service, &request->exchange);
}

/* With a skew the Date must be ours; otherwise libmicrohttpd sets it. */
static void front_add_date(
	const struct service *service, int64_t date_skew, struct MHD_Response *response)
{
	usec_t shown = service_wall_clock(service) + (usec_t)date_skew;
	time_t now = (time_t)(shown / USEC_PER_SEC);
	char text[64];
	struct tm tm;

	if (service->skew == 0 && date_skew == 0)
		return;
	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text);
}

/* libmicrohttpd wants more of an answer that does not go out whole. */
static ssize_t on_piece(void *userdata, uint64_t at, char *to, size_t max)
{
	struct request *request = userdata;
	const struct answer *answer = &request->exchange.answer;

	if (request->exchange.state == EXCHANGE_CUT)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (answer->manner == ANSWER_DRIPPED && !request->paused) {
		request->paused = true;
		service_pause(request->front->service, &request->exchange, answer->pause);
		MHD_suspend_connection(request->connection);
		return 0;
	}
	request->paused = false;
	size_t n = answer_piece(answer, at, to, max);
	/* Before the length that was said, this closes the connection. */
	return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

/* Takes the body of an answer that goes out whole. */
static struct MHD_Response *front_response(struct request *request)
{
	struct answer *answer = &request->exchange.answer;
	struct MHD_Response *response;

	if (answer->manner != ANSWER_WHOLE)
		return MHD_create_response_from_callback(
			answer->chunked ? MHD_SIZE_UNKNOWN : answer->body_len, FRONT_PIECE_MAX,
			on_piece, request, NULL);
	response = MHD_create_response_from_buffer(
		answer->body_len, answer->body, MHD_RESPMEM_MUST_FREE);
	if (response)
		answer->body = NULL;
	return response;
}

static enum MHD_Result front_send(struct request *request)
{
	struct service *service = request->front->service;
	struct answer *answer = &request->exchange.answer;
	char ttl[16];

	struct MHD_Response *response = front_response(request);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, "x-amzn-RequestId", request->exchange.request_id);
	if (answer->content_type)
		MHD_add_response_header(
			response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
	if (answer->query_error)
		MHD_add_response_header(response, "x-amzn-query-error", answer->query_error);
	if (answer->token_ttl > 0) {
		snprintf(ttl, sizeof ttl, "%u", answer->token_ttl);
		MHD_add_response_header(response, "x-aws-ec2-metadata-token-ttl-seconds", ttl);
	}
	front_add_date(service, answer->date_skew, response);
	enum MHD_Result r = MHD_queue_response(request->connection, answer->status, response);
	MHD_destroy_response(response);
	return r;
}

/* Called once for the headers, then for pieces of the body, at its end, and after every resume. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection,
	const char *url, const char *method, const char *version, const char *piece,
	size_t *piece_len, void **object)
{
	struct request *request = *object;

	(void)userdata;
	(void)url;
	(void)version;
	if (!request->connection) {
		request->connection = connection;
		return MHD_YES;
	}
	if (*piece_len > 0) {
		strbuf_append(&request->body, piece, *piece_len);
		*piece_len = 0;
		return MHD_YES;
	}
	if (!request->begun)
		front_begin(request, method);
	switch (request->exchange.state) {
	case EXCHANGE_ANSWERED:
		return front_send(request);
	case EXCHANGE_HELD:
		MHD_suspend_connection(connection);
		return MHD_YES;
	case EXCHANGE_CUT:
		break;
	}
	return MHD_NO;
}

int front_new(struct service *service, uint16_t port, struct front **ret)
{
	_cleanup_(front_freep) struct front *front = must_zalloc(sizeof *front);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	front->service = service;
	errno = 0;
	front->http = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &address,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, front, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, FRONT_CONNECTIONS_MAX,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (!front->http)
		return errno > 0 ? -errno : -EIO;

	service->front = &front_functions;
	snprintf(service->base_url, sizeof service->base_url, "http://127.0.0.1:%u",
		front_port(front));
	*ret = TAKE_PTR(front);
	return 0;
}

struct front *front_free(struct front *front)
{
	if (!front)
		return NULL;
	if (front->http) {
		service_release(front->service);
		MHD_run(front->http);
		MHD_stop_daemon(front->http);
	}
	free(front);
	return NULL;
}

uint16_t front_port(const struct front *front)
{
	return MHD_get_daemon_info(front->http, MHD_DAEMON_INFO_BIND_PORT)->port;
}

int front_fd(const struct front *front)
{
	return MHD_get_daemon_info(front->http, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

usec_t front_turn(struct front *front)
{
	MHD_UNSIGNED_LONG_LONG msec;
	usec_t next = USEC_INFINITY;

	/* Without a thread of its own libmicrohttpd is not woken by a resumed connection. */
	do {
		front->resumed = false;
		MHD_run(front->http);
		next = service_turn(front->service);
	} while (front->resumed);
	if (MHD_get_timeout(front->http, &msec) == MHD_YES)
		next = usec_min(next, msec * USEC_PER_MSEC);
	return next;
}
