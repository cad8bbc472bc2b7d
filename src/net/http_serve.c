#include "net/http_serve.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/strbuf.h"
#include "net/serve_listen.h"
#include "net/serve_response.h"

/* Larger than what libmicrohttpd takes from the heap: it maps it, so that nothing of a head, which
 * may hold a token, is left behind there. */
#define HEAD_DEFAULT        ((size_t)64 << 10)
#define CONNECTIONS_DEFAULT 64
#define PATIENCE_DEFAULT    (30 * USEC_PER_SEC)

LIST_HEAD(connection_list, connection);

struct connection {
	LIST_ENTRY(connection) link;
	int fd;
	struct serve_request *request; /* from its first line to its end; NULL: there is none */
	sd_event_source *on_hang_up;   /* while that arrives, and while the caller wants to know */
	usec_t deadline;               /* CLOCK_MONOTONIC; USEC_INFINITY: none */
};

enum request_state {
	REQUEST_ARRIVING,
	REQUEST_WHOLE,   /* its callback is due */
	REQUEST_IN_HAND, /* the caller's */
	REQUEST_ENDED,   /* libmicrohttpd's, which sends the response or closes the connection */
};

TAILQ_HEAD(request_list, serve_request);

/* libmicrohttpd lets go of it when it is suspended, which it is while WHOLE and while IN_HAND. */
struct serve_request {
	TAILQ_ENTRY(serve_request) link; /* while WHOLE, and while IN_HAND */
	struct http_serve *serve;
	struct connection *connection;
	struct MHD_Connection *mhd;
	enum request_state state;
	const char *method; /* NULL until the head is there */
	char *path;
	struct strbuf body;
	bool too_large;
	unsigned status;
	struct MHD_Response *response; /* NULL: none is to be sent */
};

struct http_serve {
	sd_event *event;
	sd_event_source *on_ready;    /* something happened on a socket */
	sd_event_source *on_turn;     /* one-shot: libmicrohttpd has something to do at once */
	sd_event_source *on_due;      /* while there are whole requests */
	sd_event_source *on_deadline; /* the connections' */
	usec_t deadline_at;           /* when on_deadline fires; USEC_INFINITY: not */
	struct MHD_Daemon *mhd;
	bool has_room; /* again: libmicrohttpd listens once it is run */
	struct connection_list connections;
	struct request_list whole;
	struct request_list in_hand;
	uint16_t port;
	struct http_serve_options options;
};

/* ---- Connections and their deadlines ---- */

/* The timer follows only a deadline that is earlier: a later one is seen to when it has fired. */
static void serve_arm_deadline(struct http_serve *serve, usec_t at)
{
	if (at >= serve->deadline_at)
		return;
	serve->deadline_at = at;
	sd_event_source_set_time(serve->on_deadline, at);
	sd_event_source_set_enabled(serve->on_deadline, SD_EVENT_ONESHOT);
}

/* for_usec 0: for ever. */
static void connection_wait(struct http_serve *serve, struct connection *c, usec_t for_usec)
{
	c->deadline = for_usec > 0 ? clock_monotonic() + for_usec : USEC_INFINITY;
	serve_arm_deadline(serve, c->deadline);
}

static int on_deadline(sd_event_source *source, uint64_t at, void *userdata)
{
	struct http_serve *serve = userdata;
	usec_t now = clock_monotonic();
	usec_t next = USEC_INFINITY;
	struct connection *c;

	(void)source;
	(void)at;
	serve->deadline_at = USEC_INFINITY;
	LIST_FOREACH(c, &serve->connections, link)
	{
		if (c->deadline <= now) {
			/* libmicrohttpd sees that and closes it. */
			shutdown(c->fd, SHUT_RDWR);
			c->deadline = USEC_INFINITY;
		}
		next = usec_min(next, c->deadline);
	}
	serve_arm_deadline(serve, next);
	return 0;
}

static int on_hang_up(sd_event_source *source, int fd, uint32_t events, void *userdata);

static struct connection *connection_new(struct http_serve *serve, int fd)
{
	struct connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	if (sd_event_add_io(serve->event, &c->on_hang_up, fd, EPOLLRDHUP, on_hang_up, c) < 0) {
		free(c);
		return NULL;
	}
	c->fd = fd;
	LIST_INSERT_HEAD(&serve->connections, c, link);
	connection_wait(serve, c, serve->options.idle);
	return c;
}

static void connection_free(struct connection *c)
{
	if (!c)
		return;
	LIST_REMOVE(c, link);
	sd_event_source_disable_unref(c->on_hang_up);
	free(c);
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *userdata, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_serve *serve = userdata;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		serve->has_room = true;
		connection_free(*context);
		*context = NULL;
		return;
	}
	int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	*context = connection_new(serve, fd);
	if (!*context)
		shutdown(fd, SHUT_RDWR);
}

static enum MHD_Result on_client(void *userdata, const struct sockaddr *client, socklen_t len)
{
	const struct http_serve *serve = userdata;

	(void)len;
	if (!serve->options.admit || serve->options.admit(serve->options.userdata, client))
		return MHD_YES;
	return MHD_NO;
}

/* ---- Requests that arrive, and their answers that leave: called by libmicrohttpd ---- */

static void request_free(struct serve_request *request)
{
	if (request->response)
		MHD_destroy_response(request->response);
	strbuf_done(&request->body);
	free(request->path);
	free(request);
}

/* The request line is there: the only moment at which its target is still as it was sent. */
static void *on_target(void *userdata, const char *target, struct MHD_Connection *mhd)
{
	struct http_serve *serve = userdata;
	struct connection *c = connection_of(mhd);
	struct serve_request *request = c ? calloc(1, sizeof *request) : NULL;

	if (!request)
		return NULL;
	request->serve = serve;
	request->connection = c;
	request->mhd = mhd;
	request->path = strndup(target, strcspn(target, "?"));
	strbuf_init(&request->body, serve->options.max_body);
	if (!request->path) {
		request_free(request);
		return NULL;
	}
	c->request = request;
	connection_wait(serve, c, serve->options.patience);
	return request;
}

static void on_completed(void *userdata, struct MHD_Connection *mhd, void **object,
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
	connection_wait(serve, request->connection, serve->options.idle);
	request_free(request);
	*object = NULL;
}

static enum MHD_Result request_take(struct serve_request *request, const char *piece, size_t len)
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
static enum MHD_Result request_is_whole(struct serve_request *request)
{
	struct http_serve *serve = request->serve;

	connection_wait(serve, request->connection, 0);
	MHD_suspend_connection(request->mhd);
	request->state = REQUEST_WHOLE;
	TAILQ_INSERT_TAIL(&serve->whole, request, link);
	sd_event_source_set_enabled(serve->on_due, SD_EVENT_ON);
	return MHD_YES;
}

/* Called once for the head, then for pieces of the body, at its end, and after it was resumed. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
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
		return request_take(request, piece, len);
	}
	if (request->state == REQUEST_ARRIVING)
		return request_is_whole(request);
	if (!request->response)
		return MHD_NO;
	return MHD_queue_response(mhd, request->status, request->response);
}

/* ---- Requests that are handed over, and taken back: called by the loop ---- */

/* Back to libmicrohttpd, in the next turn. */
static void request_end(struct serve_request *request)
{
	struct http_serve *serve = request->serve;

	if (request->state == REQUEST_WHOLE)
		TAILQ_REMOVE(&serve->whole, request, link);
	else
		TAILQ_REMOVE(&serve->in_hand, request, link);
	request->state = REQUEST_ENDED;
	sd_event_source_set_enabled(request->connection->on_hang_up, SD_EVENT_OFF);
	MHD_resume_connection(request->mhd);
	sd_event_source_set_enabled(serve->on_turn, SD_EVENT_ONESHOT);
}

/*
 * libmicrohttpd's epoll tells of each change once. When a client's last bytes and its end come
 * together it reads the bytes, and would wait for ever for what it has been told already: so it is
 * told again, until it has read the end.
 */
static int on_hang_up(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct connection *c = userdata;
	struct serve_request *request = c->request;

	(void)source;
	(void)events;
	if (!request || request->state == REQUEST_ARRIVING) {
		shutdown(fd, SHUT_RD);
	} else if (request->state == REQUEST_IN_HAND) {
		const struct http_serve_options *options = &request->serve->options;

		request_end(request);
		/* The last step: it may free all this. */
		options->gone(options->userdata, request);
	}
	return 0;
}

/* One at a time: its callback may free the server. */
static int on_due(sd_event_source *source, void *userdata)
{
	struct http_serve *serve = userdata;
	const struct http_serve_options *options = &serve->options;
	struct serve_request *request = TAILQ_FIRST(&serve->whole);

	if (!TAILQ_NEXT(request, link))
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
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

/* Deadlines are ours: so libmicrohttpd wants to be run at once, or when its sockets are ready. */
static void serve_run(struct http_serve *serve)
{
	MHD_UNSIGNED_LONG_LONG msec;

	serve->has_room = false;
	MHD_run(serve->mhd);
	bool again = MHD_get_timeout(serve->mhd, &msec) == MHD_YES && msec == 0;
	sd_event_source_set_enabled(
		serve->on_turn, again || serve->has_room ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	serve_run(userdata);
	return 0;
}

static int on_turn(sd_event_source *source, void *userdata)
{
	(void)source;
	serve_run(userdata);
	return 0;
}

/* ---- The server ---- */

static int serve_start(struct http_serve *serve)
{
	_cleanup_close_ int fd =
		serve_listen(serve->options.address, serve->options.address_len, &serve->port);
	if (fd < 0)
		return fd;

	errno = 0;
	serve->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, on_client, serve,
		on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, serve, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, serve, MHD_OPTION_NOTIFY_CONNECTION, on_connection, serve,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, serve->options.max_head,
		MHD_OPTION_CONNECTION_LIMIT, serve->options.max_connections, MHD_OPTION_END);
	if (!serve->mhd)
		return errno > 0 ? -errno : -EIO;
	TAKE_FD(fd);
	return 0;
}

static int serve_add_sources(struct http_serve *serve)
{
	int fd = MHD_get_daemon_info(serve->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	int r = sd_event_add_io(serve->event, &serve->on_ready, fd, EPOLLIN, on_ready, serve);
	r = r < 0 ? r : sd_event_add_defer(serve->event, &serve->on_turn, on_turn, serve);
	r = r < 0 ? r : sd_event_source_set_enabled(serve->on_turn, SD_EVENT_OFF);
	r = r < 0 ? r : sd_event_add_defer(serve->event, &serve->on_due, on_due, serve);
	r = r < 0 ? r : sd_event_source_set_enabled(serve->on_due, SD_EVENT_OFF);
	r = r < 0 ? r
		  : sd_event_add_time(serve->event, &serve->on_deadline, CLOCK_MONOTONIC, 0, 1,
			    on_deadline, serve);
	r = r < 0 ? r : sd_event_source_set_enabled(serve->on_deadline, SD_EVENT_OFF);
	if (r < 0)
		return r;
	sd_event_source_set_description(serve->on_ready, "serve-ready");
	sd_event_source_set_description(serve->on_turn, "serve-turn");
	sd_event_source_set_description(serve->on_due, "serve-due");
	sd_event_source_set_description(serve->on_deadline, "serve-deadline");
	return 0;
}

bool http_serve_is_possible(void)
{
	return true;
}

int http_serve_new(
	sd_event *event, const struct http_serve_options *options, struct http_serve **ret)
{
	_cleanup_(http_serve_freep) struct http_serve *serve = calloc(1, sizeof *serve);
	if (!serve)
		return -ENOMEM;
	assert(options->request);
	serve->options = *options;
	if (serve->options.max_head == 0)
		serve->options.max_head = HEAD_DEFAULT;
	if (serve->options.max_connections == 0)
		serve->options.max_connections = CONNECTIONS_DEFAULT;
	if (serve->options.patience == 0)
		serve->options.patience = PATIENCE_DEFAULT;
	serve->deadline_at = USEC_INFINITY;
	LIST_INIT(&serve->connections);
	TAILQ_INIT(&serve->whole);
	TAILQ_INIT(&serve->in_hand);
	serve->event = sd_event_ref(event);

	int r = serve_start(serve);
	r = r < 0 ? r : serve_add_sources(serve);
	if (r < 0)
		return r;
	serve->options.address = NULL;
	*ret = TAKE_PTR(serve);
	return 0;
}

/* libmicrohttpd ends requests and connections while it stops: what these use goes last. */
struct http_serve *http_serve_free(struct http_serve *serve)
{
	struct serve_request *request;

	if (!serve)
		return NULL;
	while ((request = TAILQ_FIRST(&serve->whole)) || (request = TAILQ_FIRST(&serve->in_hand)))
		request_end(request);
	sd_event_source_disable_unref(serve->on_ready);
	if (serve->mhd)
		MHD_stop_daemon(serve->mhd);
	sd_event_source_disable_unref(serve->on_turn);
	sd_event_source_disable_unref(serve->on_due);
	sd_event_source_disable_unref(serve->on_deadline);
	sd_event_unref(serve->event);
	free(serve);
	return NULL;
}

uint16_t http_serve_port(const struct http_serve *serve)
{
	return serve->port;
}

/* ---- What a request says, and what it is told ---- */

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
	struct http_serve *serve = request->serve;

	assert(request->state == REQUEST_IN_HAND && answer->status >= 200);
	request->status = answer->status;
	request->response = serve_response_new(answer);
	connection_wait(serve, request->connection, serve->options.patience);
	request_end(request);
}
