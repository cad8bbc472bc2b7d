/*
 * bench-service: what jobs of kind http are posted to while they are measured. Reads each request
 * to its end, and answers 200. One thread, and as little work as a service can have.
 *
 *     bench-service
 *
 * Listens on a loopback port of its own choice, prints it, and serves until it is killed.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>

static enum MHD_Result answer(void *userdata, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *body, size_t *body_len, void **state)
{
	struct MHD_Response *done = userdata;

	(void)url;
	(void)method;
	(void)version;
	(void)body;
	/* First called with the headers alone: what is answered then closes the connection. */
	if (!*state) {
		*state = done;
		return MHD_YES;
	}
	if (*body_len > 0) {
		*body_len = 0;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, done);
}

int main(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct MHD_Response *done =
		MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	sigset_t none;

	struct MHD_Daemon *service = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL,
		answer, done, MHD_OPTION_SOCK_ADDR, (const void *)&address, MHD_OPTION_END);
	if (!service) {
		fputs("bench-service: cannot listen on 127.0.0.1\n", stderr);
		return 1;
	}
	printf("listening on %u\n", MHD_get_daemon_info(service, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	sigemptyset(&none);
	for (;;)
		sigsuspend(&none);
}
