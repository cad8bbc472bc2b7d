#include "net/http_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/queue.h"
#include "net/http_exchange.h"
#include "net/http_sockets.h"

struct http_client_call {
	struct queue_node node; /* in the store */
	struct http_client *client;
	CURLM *multi; /* for this one request, and the connection that outlives it */
	struct http_sockets sockets;
	struct http_exchange exchange;
	usec_t timer_at; /* CLOCK_BOOTTIME: libcurl's */
	bool out;        /* the request is in the multi handle */
};

struct http_client {
	struct queue idle;
	struct http_options options;
	char *user_agent;
	char *ca_bundle;
};

/* CURLMOPT_TIMERFUNCTION. */
static int on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata)
{
	struct http_client_call *call = userdata;

	(void)multi;
	call->timer_at = timeout_msec < 0 ? USEC_INFINITY
					  : clock_boottime() + (usec_t)timeout_msec * USEC_PER_MSEC;
	return 0;
}

/* libcurl still closes sockets and sets timers while it is cleaned up: what these use goes last. */
static struct http_client_call *http_client_call_free(struct http_client_call *call)
{
	if (call->exchange.easy)
		http_exchange_done(&call->exchange);
	curl_multi_cleanup(call->multi);
	http_sockets_done(&call->sockets);
	free(call);
	return NULL;
}
DEFINE_CLEANUP(struct http_client_call *, http_client_call_free)

static int http_client_call_new(struct http_client *client, struct http_client_call **ret)
{
	_cleanup_(http_client_call_freep) struct http_client_call *call = calloc(1, sizeof *call);
	if (!call)
		return -ENOMEM;
	call->client = client;
	call->timer_at = USEC_INFINITY;

	int r = http_sockets_init(&call->sockets);
	if (r < 0)
		call->sockets.epoll_fd = -1;
	r = r < 0 ? r : http_exchange_init(&call->exchange, &client->options);
	if (r < 0)
		return r;
	call->multi = curl_multi_init();
	if (!call->multi || http_sockets_serve_multi(&call->sockets, call->multi) < 0 ||
		http_sockets_serve_easy(&call->sockets, call->exchange.easy) < 0 ||
		curl_easy_setopt(call->exchange.easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L) ||
		curl_multi_setopt(call->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) ||
		curl_multi_setopt(call->multi, CURLMOPT_TIMERDATA, call) ||
		curl_multi_setopt(call->multi, CURLMOPT_MAXCONNECTS, 1L))
		return -ENOMEM;
	*ret = TAKE_PTR(call);
	return 0;
}

int http_client_new(const struct http_options *options, struct http_client **ret)
{
	_cleanup_(http_client_freep) struct http_client *client = calloc(1, sizeof *client);

	if (!client)
		return -ENOMEM;
	int r = queue_init(&client->idle, false);
	if (r < 0) {
		free(TAKE_PTR(client));
		return r;
	}
	if (options->ca_bundle && !(client->ca_bundle = strdup(options->ca_bundle)))
		return -ENOMEM;
	if (options->user_agent && !(client->user_agent = strdup(options->user_agent)))
		return -ENOMEM;
	client->options = (struct http_options){
		.user_agent = client->user_agent,
		.ca_bundle = client->ca_bundle,
	};
	*ret = TAKE_PTR(client);
	return 0;
}

struct http_client *http_client_free(struct http_client *client)
{
	struct queue_node *node;

	if (!client)
		return NULL;
	while ((node = queue_try_pop(&client->idle)))
		http_client_call_free(container_of(node, struct http_client_call, node));
	queue_done(&client->idle);
	free(client->user_agent);
	free(client->ca_bundle);
	free(client);
	return NULL;
}

/* One from the store, or a new one. */
static int http_client_get(struct http_client *client, struct http_client_call **ret)
{
	struct queue_node *node = queue_try_pop(&client->idle);

	if (!node)
		return http_client_call_new(client, ret);
	*ret = container_of(node, struct http_client_call, node);
	return 0;
}

int http_client_start(struct http_client *client, const struct http_request *request,
	struct http_client_call **ret)
{
	_cleanup_(http_client_endp) struct http_client_call *call = NULL;

	int r = http_check_url(request->url, request->plain);
	r = r < 0 ? r : http_client_get(client, &call);
	if (r < 0)
		return r;
	http_sockets_notice_jump(&call->sockets);
	r = http_exchange_prepare(&call->exchange, request);
	if (r < 0)
		return r;
	if (curl_multi_add_handle(call->multi, call->exchange.easy) != CURLM_OK)
		return -ENOMEM;
	call->out = true;
	*ret = TAKE_PTR(call);
	return 0;
}

int http_client_fd(const struct http_client_call *call)
{
	return call->sockets.epoll_fd;
}

usec_t http_client_due_at(const struct http_client_call *call)
{
	return usec_min(call->timer_at, http_exchange_ends_at(&call->exchange));
}

static void http_client_withdraw(struct http_client_call *call)
{
	if (call->out)
		curl_multi_remove_handle(call->multi, call->exchange.easy);
	call->out = false;
}

static void http_client_collect(struct http_client_call *call)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(call->multi, &n_left))) {
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		http_exchange_conclude(&call->exchange, code);
		http_client_withdraw(call);
	}
}

const struct http_response *http_client_advance(struct http_client_call *call)
{
	int n_running = 1;

	http_sockets_dispatch(&call->sockets, call->multi, &n_running);
	if (clock_boottime() >= call->timer_at) {
		call->timer_at = USEC_INFINITY;
		curl_multi_socket_action(call->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	}
	http_client_collect(call);
	if (call->out && clock_boottime() >= http_exchange_ends_at(&call->exchange)) {
		http_exchange_time_out(&call->exchange);
		http_client_withdraw(call);
	}
	return call->out ? NULL : &call->exchange.response;
}

struct http_client_call *http_client_end(struct http_client_call *call)
{
	if (!call)
		return NULL;
	http_client_withdraw(call);
	http_exchange_reset(&call->exchange);
	queue_push(&call->client->idle, &call->node);
	return NULL;
}

static int http_client_connect(struct http_exchange *x, const struct http_request *request)
{
	int r = http_exchange_prepare(x, request);
	if (r < 0)
		return r;
	usec_t patience = usec_sub(http_exchange_ends_at(x), clock_boottime());
	/* To libcurl 0 is for ever. */
	if (curl_easy_setopt(x->easy, CURLOPT_CONNECT_ONLY, 1L) ||
		curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)(patience / USEC_PER_MSEC) + 1))
		return -ENOMEM;
	CURLcode code = curl_easy_perform(x->easy);
	if (code == CURLE_OPERATION_TIMEDOUT)
		http_exchange_time_out(x);
	else
		http_exchange_conclude(x, code);
	return x->response.error;
}

int http_client_try(const struct http_options *options, const struct http_request *request,
	char ret_text[HTTP_FAILURE_MAX])
{
	struct http_exchange x;

	int r = http_check_url(request->url, request->plain);
	r = r < 0 ? r : http_exchange_init(&x, options);
	if (r < 0) {
		snprintf(ret_text, HTTP_FAILURE_MAX, "%s", strerror(-r));
		return r;
	}
	r = http_client_connect(&x, request);
	if (r < 0)
		snprintf(ret_text, HTTP_FAILURE_MAX, "%s",
			x.response.error < 0 ? x.response.error_text : strerror(-r));
	http_exchange_done(&x);
	return r;
}
