/*
 * The sockets of a curl multi, in an epoll of their own: who drives it sees one descriptor,
 * readable when something happened on any of them, and wakes once for all that is ready together.
 *
 * Invariant: the kernel watches at most what libcurl asked for last, or still what it asked for
 * before: libcurl forgets a kept-alive connection between two requests and asks for the same again
 * with the next, so a watch that has become superfluous stays until it fires or the socket is
 * closed. That is safe since such sockets are opened and closed here: a descriptor's number cannot
 * come back without the old watch being gone. What libcurl opens by itself (its resolver's) is
 * forgotten as soon as it says so. Nothing blocks. Thread: whoever drives the multi handle.
 */
#pragma once

#include <curl/curl.h>
#include <stddef.h>

#include "base/jump.h"

struct http_socket;

struct http_sockets {
	int epoll_fd;
	struct http_socket *table; /* by descriptor */
	size_t n_table;
	struct jump seen;
};

/* 0 or a negative errno. */
int http_sockets_init(struct http_sockets *s);
/* After curl_multi_cleanup(), which still closes sockets. */
void http_sockets_done(struct http_sockets *s);

/* Has the multi handle wait with s, one request at a time on each connection. 0 or -ENOMEM. */
int http_sockets_serve_multi(struct http_sockets *s, CURLM *multi);
/* The same for an easy handle that will be in it: its sockets are opened and closed here. */
int http_sockets_serve_easy(struct http_sockets *s, CURL *easy);

/* Hands libcurl everything that is ready. n_running: how many transfers still run, by its last
 * word; left alone if nothing was ready.
 */
void http_sockets_dispatch(struct http_sockets *s, CURLM *multi, int *n_running);

/* Ends the connections that no transfer uses: libcurl finds them closed. */
void http_sockets_shutdown_idle(struct http_sockets *s);

/*
 * To be called before a request: after a jump of the clocks it does the same, for libcurl's stands
 * still while the machine sleeps, and it takes such connections for younger than they are.
 */
void http_sockets_notice_jump(struct http_sockets *s);
