/*
 * Answers of servers, as they come over the wire: net/http on top of libcurl. An input is all that
 * a server sends, whatever it was asked.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "fuzz.h"
#include "net/http.h"

#define ANSWER_MAX 1024
#define N_WANTED   3

static const char *const wanted[N_WANTED] = {"Content-Type", "Date", "x-amzn-query-error"};

static sd_event *event;
static struct http *http;
static int listener;
static char url[64];

/* What is to be sent. */
static const uint8_t *to_send;
static size_t n_to_send;

/* Those that have it; open until the answer is judged. */
static int clients[8];
static size_t n_clients;

static unsigned n_answers;

/* Sends all at once, before libcurl has asked; its end is a reset, so that no port stays taken. */
static int on_client(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	const struct linger reset = {.l_onoff = 1};

	(void)source;
	(void)events;
	(void)userdata;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	assert(client >= 0 && n_clients < sizeof clients / sizeof *clients);
	assert(setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
	assert(send(client, to_send, n_to_send, MSG_NOSIGNAL) == (ssize_t)n_to_send);
	shutdown(client, SHUT_WR);
	clients[n_clients++] = client;
	return 0;
}

static void on_answer(void *userdata, const struct http_response *response)
{
	(void)userdata;
	n_answers++;
	assert((response->error < 0) == (*response->error_text != '\0'));
	assert(!strpbrk(response->error_text, "\r\n"));
	assert(response->body && response->body[response->body_len] == '\0');
	assert(response->body_len <= (response->error < 0 ? 0 : ANSWER_MAX));
	for (size_t i = 0; i < N_WANTED; i++) {
		const char *value = response->headers[i];
		assert(!value || (strlen(value) < 256 && !strpbrk(value, "\r\n")));
	}
}

static void start(void)
{
	const struct http_options options = {.user_agent = "fuzz"};
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(sd_event_new(&event) >= 0 && http_new(event, &options, &http) == 0);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
	assert(listen(listener, 16) == 0);
	assert(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
	int r = sd_event_add_io(event, NULL, listener, EPOLLIN, on_client, NULL);
	assert(r >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_request request = {
		.method = "GET",
		.url = url,
		.wanted = wanted,
		.n_wanted = N_WANTED,
		.timeout = 10 * USEC_PER_SEC,
		.max_answer = ANSWER_MAX,
		.direct = true,
	};

	if (!http)
		start();
	to_send = data;
	n_to_send = size;
	n_answers = 0;
	assert(http_start(http, &request, on_answer, NULL, NULL) == 0);
	while (n_answers == 0)
		assert(sd_event_run(event, 20 * USEC_PER_SEC) >= 0);
	assert(n_answers == 1);
	while (n_clients > 0)
		close(clients[--n_clients]);
	return 0;
}
