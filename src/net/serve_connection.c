#include "net/http_serve_parts.h"

#include <stdlib.h>
#include <sys/epoll.h>

#include "base/loop.h"

void serve_connection_wait(struct serve_connection *c, usec_t for_usec)
{
	c->deadline = for_usec > 0 ? clock_monotonic() + for_usec : USEC_INFINITY;
	loop_set_timer_by(c->serve->on_deadline, c->deadline);
}

int serve_on_deadline(sd_event_source *source, uint64_t at, void *userdata)
{
	struct http_serve *serve = userdata;
	usec_t now = clock_monotonic();
	usec_t next = USEC_INFINITY;
	struct serve_connection *c;

	(void)source;
	(void)at;
	LIST_FOREACH(c, &serve->connections, link)
	{
		if (c->deadline <= now) {
			/* libmicrohttpd sees that and closes it. */
			shutdown(c->fd, SHUT_RDWR);
			c->deadline = USEC_INFINITY;
		}
		next = usec_min(next, c->deadline);
	}
	loop_set_timer_by(serve->on_deadline, next);
	return 0;
}

static struct serve_connection *serve_connection_new(struct http_serve *serve, int fd)
{
	struct serve_connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	if (sd_event_add_io(serve->event, &c->on_hang_up, fd, EPOLLRDHUP, serve_on_hang_up, c) <
		0) {
		free(c);
		return NULL;
	}
	c->serve = serve;
	c->fd = fd;
	LIST_INSERT_HEAD(&serve->connections, c, link);
	serve_connection_wait(c, serve->options.idle);
	return c;
}

static void serve_connection_free(struct serve_connection *c)
{
	if (!c)
		return;
	LIST_REMOVE(c, link);
	sd_event_source_disable_unref(c->on_hang_up);
	free(c);
}

struct serve_connection *serve_connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void serve_on_connection(void *userdata, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct http_serve *serve = userdata;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		serve->has_room = true;
		serve_connection_free(*context);
		*context = NULL;
		return;
	}
	int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	*context = serve_connection_new(serve, fd);
	if (!*context)
		shutdown(fd, SHUT_RDWR);
}

enum MHD_Result serve_on_client(void *userdata, const struct sockaddr *client, socklen_t len)
{
	const struct http_serve *serve = userdata;

	(void)len;
	if (!serve->options.admit || serve->options.admit(serve->options.userdata, client))
		return MHD_YES;
	return MHD_NO;
}
