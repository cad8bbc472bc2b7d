#include "net/http_serve_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/loop.h"
#include "net/serve_listen.h"

/* Larger than what libmicrohttpd takes from the heap: it maps it, so that nothing of a head, which
 * may hold a token, is left behind there. */
#define HEAD_DEFAULT        ((size_t)64 << 10)
#define CONNECTIONS_DEFAULT 64
#define PATIENCE_DEFAULT    (30 * USEC_PER_SEC)

/* ---- It runs ---- */

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

/* ---- It starts, and ends ---- */

static int serve_start(struct http_serve *serve)
{
	_cleanup_close_ int fd =
		serve_listen(serve->options.address, serve->options.address_len, &serve->port);
	if (fd < 0)
		return fd;

	errno = 0;
	serve->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, serve_on_client,
		serve, serve_on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, serve_on_target,
		serve, MHD_OPTION_NOTIFY_COMPLETED, serve_on_completed, serve,
		MHD_OPTION_NOTIFY_CONNECTION, serve_on_connection, serve,
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
	r = r < 0 ? r : loop_add_turn(serve->event, "serve-turn", on_turn, serve, &serve->on_turn);
	r = r < 0 ? r
		  : loop_add_turn(serve->event, "serve-due", serve_on_due, serve, &serve->on_due);
	r = r < 0 ? r
		  : loop_add_timer(serve->event, CLOCK_MONOTONIC, "serve-deadline",
			    serve_on_deadline, serve, &serve->on_deadline);
	if (r < 0)
		return r;
	sd_event_source_set_description(serve->on_ready, "serve-ready");
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
		serve_request_end(request);
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
