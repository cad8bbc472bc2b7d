/*
 * What the server consists of. For net/http_serve, which makes and runs it, net/serve_connection
 * and net/serve_request; nobody else includes it.
 */
#pragma once

#include <microhttpd.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/strbuf.h"
#include "net/http_serve.h"

LIST_HEAD(serve_connection_list, serve_connection);

struct serve_connection {
	LIST_ENTRY(serve_connection) link;
	struct http_serve *serve;
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

TAILQ_HEAD(serve_request_list, serve_request);

/* libmicrohttpd lets go of it when it is suspended, which it is while WHOLE and while IN_HAND. */
struct serve_request {
	TAILQ_ENTRY(serve_request) link; /* while WHOLE, and while IN_HAND */
	struct http_serve *serve;
	struct serve_connection *connection;
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
	sd_event_source *on_turn;     /* libmicrohttpd has something to do at once */
	sd_event_source *on_due;      /* there are whole requests */
	sd_event_source *on_deadline; /* the connections' */
	struct MHD_Daemon *mhd;
	bool has_room; /* again: libmicrohttpd listens once it is run */
	struct serve_connection_list connections;
	struct serve_request_list whole;
	struct serve_request_list in_hand;
	uint16_t port;
	struct http_serve_options options;
};

/* ---- Connections ---- */

/* Cut off then, if it still waits; 0: it may for ever. */
void serve_connection_wait(struct serve_connection *connection, usec_t for_usec);
/* NULL: there was no memory for it, and it is being closed. */
struct serve_connection *serve_connection_of(struct MHD_Connection *mhd);

/* From libmicrohttpd, and from the loop. */
enum MHD_Result serve_on_client(void *userdata, const struct sockaddr *client, socklen_t len);
void serve_on_connection(void *userdata, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what);
int serve_on_deadline(sd_event_source *source, uint64_t at, void *userdata);

/* ---- Requests ---- */

/* Back to libmicrohttpd, in the next turn. */
void serve_request_end(struct serve_request *request);

/* From libmicrohttpd, as they arrive. */
void *serve_on_target(void *userdata, const char *target, struct MHD_Connection *mhd);
enum MHD_Result serve_on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *piece, size_t *piece_len,
	void **object);
void serve_on_completed(void *userdata, struct MHD_Connection *mhd, void **object,
	enum MHD_RequestTerminationCode why);

/* From the loop, once they are whole. */
int serve_on_due(sd_event_source *source, void *userdata);
int serve_on_hang_up(sd_event_source *source, int fd, uint32_t events, void *userdata);
