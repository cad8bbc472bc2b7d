/*
 * The sockets of a curl multi, in an epoll of their own: the loop sees one descriptor, readable
 * when something happened on any of them, and wakes once for all that is ready together.
 *
 * Invariant: the kernel watches at most what libcurl asked for last, or still what it asked for
 * before: libcurl forgets a kept-alive connection between two requests and asks for the same again
 * with the next, so a watch that has become superfluous stays until it fires or the socket is
 * closed. That is safe since such sockets are opened and closed here: a descriptor's number cannot
 * come back without the old watch being gone. What libcurl opens by itself (its resolver's) is
 * forgotten as soon as it says so. Loop thread only; nothing blocks.
 *
 * The functions of libcurl's signatures are given to it; nobody else calls them.
 */
#pragma once

#include <curl/curl.h>
#include <stddef.h>

struct http_socket;

struct http_sockets {
	int epoll_fd;
	struct http_socket *table; /* by descriptor */
	size_t n_table;
};

/* 0 or a negative errno. */
int http_sockets_init(struct http_sockets *s);
/* After curl_multi_cleanup(), which still closes sockets. */
void http_sockets_done(struct http_sockets *s);

/* For CURLMOPT_SOCKETFUNCTION, CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION, with
 * the struct http_sockets as their data.
 */
int http_sockets_watch(CURL *easy, curl_socket_t fd, int what, void *sockets, void *unused);
curl_socket_t http_sockets_open(void *sockets, curlsocktype purpose, struct curl_sockaddr *address);
int http_sockets_close(void *sockets, curl_socket_t fd);

/* Hands libcurl everything that is ready. n_running: how many transfers still run, by its last
 * word; left alone if nothing was ready.
 */
void http_sockets_dispatch(struct http_sockets *s, CURLM *multi, int *n_running);

/* Ends the connections that no transfer uses: libcurl finds them closed. */
void http_sockets_shutdown_idle(struct http_sockets *s);
