/*
 * Requests to the Lambda Runtime API, as they come over the wire: net/http_serve on top of
 * libmicrohttpd, and handler/runtime_api. An input is all that a client sends.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "fuzz.h"
#include "handler/runtime_api.h"

#define BODY_MAX 1024

static sd_event *event;
static struct http_serve *serve;

static void assert_request(const struct serve_request *request, size_t body_max)
{
	const char *path = serve_path(request), *type = serve_header(request, "Content-Type");
	size_t len = BODY_MAX + 1;
	const char *body = serve_body(request, &len);

	assert(len <= body_max && body[len] == '\0');
	assert(!strpbrk(serve_method(request), " \n"));
	assert(!strpbrk(path, "? \n"));
	assert(!type || !strchr(type, '\n'));
}

static void on_request(void *userdata, struct serve_request *request)
{
	const struct runtime_work work = {.request_id = "id",
		.event = "{}",
		.event_len = 2,
		.arn = "arn",
		.trace_id = "Root=1"};
	char id[RUNTIME_ID_MAX];

	(void)userdata;
	assert_request(request, BODY_MAX);
	switch (runtime_api_call(serve_method(request), serve_path(request), id)) {
	case RUNTIME_CALL_NEXT:
		runtime_api_give(request, &work);
		return;
	case RUNTIME_CALL_RESPONSE:
	case RUNTIME_CALL_ERROR:
	case RUNTIME_CALL_INIT_ERROR:
		runtime_api_accept(request);
		return;
	case RUNTIME_CALL_RESTORE:
	case RUNTIME_CALL_UNKNOWN:
		runtime_api_refuse(request, 404, "NotFound", "there is no such call");
		return;
	}
}

static void on_too_large(void *userdata, struct serve_request *request)
{
	(void)userdata;
	assert_request(request, 0);
	runtime_api_refuse(request, 413, "TooLarge", "too large");
}

static void start(void)
{
	const struct http_serve_options options = {
		.max_body = BODY_MAX, .request = on_request, .too_large = on_too_large};

	assert(sd_event_new(&event) >= 0);
	assert(http_serve_new(event, &options, &serve) == 0);
}

/* Ends with a reset, so that no port stays taken. */
static int connect_client(void)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(http_serve_port(serve)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	/* libFuzzer's clock may interrupt it, and then it goes on all the same. */
	int r = connect(fd, (const struct sockaddr *)&address, sizeof address);
	assert(r == 0 || errno == EINTR);
	assert(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
	return fd;
}

/* Reads what is there. False: the server has closed the connection. */
static bool hear(int fd)
{
	char answer[4096];
	ssize_t n;

	while ((n = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) > 0)
		;
	return n < 0 && errno == EAGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!serve)
		start();
	int fd = connect_client();
	assert(send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size);
	/* Until there is nothing more to do, and then until the server has closed it, too. */
	while (sd_event_run(event, 0) > 0)
		;
	shutdown(fd, SHUT_WR);
	while (hear(fd))
		assert(sd_event_run(event, 10 * USEC_PER_SEC) >= 0);
	close(fd);
	return 0;
}
