#include "net/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/loop.h"
#include "net/http_exchange.h"
#include "net/http_names.h"
#include "net/http_sockets.h"
#include "net/http_url.h"

#define CONNECTIONS_DEFAULT 128
#define IDLE_CALLS_MAX      128

enum call_state {
	CALL_IDLE,      /* in the store */
	CALL_OUT,       /* in the multi handle */
	CALL_FINISHED,  /* its outcome is known, its callback is due */
	CALL_DELIVERED, /* its callback runs */
};

TAILQ_HEAD(call_list, http_call);

struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct http *http;
	enum call_state state;
	http_done_fn *done;
	void *userdata;
	struct curl_slist *distrusted;
	struct http_exchange exchange;
};

struct http {
	sd_event *event;
	sd_event_source *on_ready;    /* something happened on a socket */
	sd_event_source *on_turn;     /* one-shot: the only place where callbacks run */
	sd_event_source *on_timer;    /* libcurl's */
	sd_event_source *on_deadline; /* the requests' */
	bool timer_due;
	CURLM *multi;
	struct http_sockets sockets;
	struct call_list out;
	int n_out;
	struct call_list finished;
	struct call_list idle;
	unsigned n_idle;
	struct http_names distrusted;
	struct http_options options;
	char *ca_bundle;
	char *user_agent;
};

static void http_call_free(struct http_call *call)
{
	http_exchange_done(&call->exchange);
	curl_slist_free_all(call->distrusted);
	free(call);
}

/* One from the store, or a new one. */
static int http_call_get(struct http *http, struct http_call **ret)
{
	struct http_call *call = TAILQ_FIRST(&http->idle);

	if (call) {
		TAILQ_REMOVE(&http->idle, call, link);
		http->n_idle--;
		*ret = call;
		return 0;
	}

	call = calloc(1, sizeof *call);
	if (!call)
		return -ENOMEM;
	int r = http_exchange_init(&call->exchange, &http->options);
	if (r < 0) {
		free(call);
		return r;
	}

	CURL *easy = call->exchange.easy;
	if (curl_easy_setopt(easy, CURLOPT_PRIVATE, call) ||
		http_sockets_serve_easy(&http->sockets, easy) < 0) {
		http_call_free(call);
		return -ENOMEM;
	}
	call->http = http;
	*ret = call;
	return 0;
}

/* Back into the store. */
static void http_call_put(struct http_call *call)
{
	struct http *http = call->http;

	call->state = CALL_IDLE;
	if (call->distrusted) {
		curl_easy_setopt(call->exchange.easy, CURLOPT_RESOLVE, NULL);
		curl_slist_free_all(call->distrusted);
		call->distrusted = NULL;
	}
	if (http->n_idle == IDLE_CALLS_MAX) {
		http_call_free(call);
		return;
	}
	http_exchange_reset(&call->exchange);
	TAILQ_INSERT_HEAD(&http->idle, call, link);
	http->n_idle++;
}

/* The other connections lead to the same place. */
void http_distrust(struct http *http, const char *url)
{
	http_sockets_shutdown_idle(&http->sockets);
	http_names_distrust(&http->distrusted, url);
}

/* Takes the call out of libcurl; its callback comes in the next turn. */
static void http_finish(struct http_call *call)
{
	struct http *http = call->http;
	const struct http_response *response = &call->exchange.response;

	assert(call->state == CALL_OUT);
	curl_multi_remove_handle(http->multi, call->exchange.easy);
	http->n_out--;
	TAILQ_REMOVE(&http->out, call, link);
	TAILQ_INSERT_TAIL(&http->finished, call, link);
	call->state = CALL_FINISHED;
	if (response->error < 0 && response->error != -EMSGSIZE && response->error != -ENOMEM)
		http_distrust(http, call->exchange.url);
}

static void http_collect(struct http *http)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(http->multi, &n_left))) {
		struct http_call *call = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		http_exchange_conclude(&call->exchange, code);
		http_finish(call);
	}
}

static void http_deliver(struct http *http)
{
	struct http_call *call;

	while ((call = TAILQ_FIRST(&http->finished))) {
		TAILQ_REMOVE(&http->finished, call, link);
		call->state = CALL_DELIVERED;
		call->done(call->userdata, &call->exchange.response);
		http_call_put(call);
	}
}

/* Callbacks first, so that what they start goes out in the same turn. */
static int on_turn(sd_event_source *source, void *userdata)
{
	struct http *http = userdata;
	int n_running;

	http_collect(http);
	http_deliver(http);
	n_running = http->n_out;
	if (http->timer_due) {
		http->timer_due = false;
		curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	}
	if (!http->timer_due && n_running == http->n_out)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	else
		loop_set_turn(http->on_turn);
	return 0;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct http *http = userdata;
	int n_running = http->n_out;

	(void)source;
	(void)fd;
	(void)events;
	http_sockets_dispatch(&http->sockets, http->multi, &n_running);
	if (n_running < http->n_out)
		loop_set_turn(http->on_turn);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t at, void *userdata)
{
	struct http *http = userdata;

	(void)source;
	(void)at;
	http->timer_due = true;
	loop_set_turn(http->on_turn);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION: libcurl is in the middle of something, so this only arms. */
static int on_timer_wanted(CURLM *multi, long timeout_msec, void *userdata)
{
	struct http *http = userdata;

	(void)multi;
	if (timeout_msec <= 0) {
		sd_event_source_set_enabled(http->on_timer, SD_EVENT_OFF);
		http->timer_due = timeout_msec == 0;
		if (http->timer_due)
			loop_set_turn(http->on_turn);
		return 0;
	}
	loop_set_timer(http->on_timer, clock_monotonic() + (usec_t)timeout_msec * USEC_PER_MSEC);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t at, void *userdata)
{
	struct http *http = userdata;
	usec_t now = clock_boottime();
	usec_t next = USEC_INFINITY;
	struct http_call *call = TAILQ_FIRST(&http->out);

	(void)source;
	(void)at;
	while (call) {
		struct http_call *following = TAILQ_NEXT(call, link);

		usec_t ends_at = http_exchange_ends_at(&call->exchange);
		if (ends_at <= now) {
			http_exchange_time_out(&call->exchange);
			http_finish(call);
		} else {
			next = usec_min(next, ends_at);
		}
		call = following;
	}
	loop_set_timer_by(http->on_deadline, next);
	if (!TAILQ_EMPTY(&http->finished))
		loop_set_turn(http->on_turn);
	return 0;
}

static int http_add_sources(struct http *http)
{
	int r = sd_event_add_io(
		http->event, &http->on_ready, http->sockets.epoll_fd, EPOLLIN, on_ready, http);
	r = r < 0 ? r : loop_add_turn(http->event, "http-turn", on_turn, http, &http->on_turn);
	r = r < 0 ? r
		  : loop_add_timer(http->event, CLOCK_MONOTONIC, "http-timer", on_timer, http,
			    &http->on_timer);
	r = r < 0 ? r
		  : loop_add_timer(http->event, CLOCK_BOOTTIME, "http-deadline", on_deadline, http,
			    &http->on_deadline);
	if (r < 0)
		return r;
	sd_event_source_set_description(http->on_ready, "http-ready");
	return 0;
}

static int http_copy_options(struct http *http, const struct http_options *options)
{
	http->options = *options;
	if (http->options.max_connections == 0)
		http->options.max_connections = CONNECTIONS_DEFAULT;
	if (options->ca_bundle && !(http->ca_bundle = strdup(options->ca_bundle)))
		return -ENOMEM;
	if (options->user_agent && !(http->user_agent = strdup(options->user_agent)))
		return -ENOMEM;
	http->options.ca_bundle = http->ca_bundle;
	http->options.user_agent = http->user_agent;
	return 0;
}

static int http_make_multi(struct http *http)
{
	CURLM *multi = http->multi = curl_multi_init();

	if (!multi || http_sockets_serve_multi(&http->sockets, multi) < 0 ||
		curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted) ||
		curl_multi_setopt(multi, CURLMOPT_TIMERDATA, http) ||
		curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)http->options.max_connections))
		return -ENOMEM;
	return 0;
}

int http_new(sd_event *event, const struct http_options *options, struct http **ret)
{
	_cleanup_(http_freep) struct http *http = calloc(1, sizeof *http);
	if (!http)
		return -ENOMEM;
	TAILQ_INIT(&http->out);
	TAILQ_INIT(&http->finished);
	TAILQ_INIT(&http->idle);
	http->event = sd_event_ref(event);

	int r = http_sockets_init(&http->sockets);
	if (r < 0)
		http->sockets.epoll_fd = -1;
	r = r < 0 ? r : http_copy_options(http, options);
	r = r < 0 ? r : http_add_sources(http);
	r = r < 0 ? r : http_make_multi(http);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(http);
	return 0;
}

/* libcurl still closes sockets and sets timers while it is cleaned up: what these use goes last. */
struct http *http_free(struct http *http)
{
	struct http_call *call;

	if (!http)
		return NULL;
	while ((call = TAILQ_FIRST(&http->out)) || (call = TAILQ_FIRST(&http->finished)))
		http_cancel(call);
	while ((call = TAILQ_FIRST(&http->idle))) {
		TAILQ_REMOVE(&http->idle, call, link);
		http_call_free(call);
	}
	curl_multi_cleanup(http->multi);
	sd_event_source_disable_unref(http->on_ready);
	sd_event_source_disable_unref(http->on_turn);
	sd_event_source_disable_unref(http->on_timer);
	sd_event_source_disable_unref(http->on_deadline);
	http_sockets_done(&http->sockets);
	sd_event_unref(http->event);
	http_names_done(&http->distrusted);
	free(http->ca_bundle);
	free(http->user_agent);
	free(http);
	return NULL;
}

sd_event *http_event(const struct http *http)
{
	return http->event;
}

int http_check_url(const char *url, bool plain)
{
	struct http_url parsed;
	int r = http_url_parse(url, &parsed);

	if (r < 0)
		return r;
	if (plain || strcmp(parsed.scheme, "https") == 0 || http_url_is_loopback(&parsed))
		return 0;
	return -EPERM;
}

static int http_call_prepare(struct http_call *call, const struct http_request *request)
{
	struct http *http = call->http;
	struct http_exchange *x = &call->exchange;
	int r = 0;

	/* The last request may have had leave to go there that this one has not. */
	if (!request->plain || !http_exchange_has_url(x, request->url))
		r = http_check_url(request->url, request->plain);
	r = r < 0 ? r : http_exchange_prepare(x, request);
	if (r < 0)
		return r;
	call->distrusted = http_names_take(&http->distrusted);
	if (call->distrusted)
		curl_easy_setopt(x->easy, CURLOPT_RESOLVE, call->distrusted);
	return 0;
}

int http_start(struct http *http, const struct http_request *request, http_done_fn *done,
	void *userdata, struct http_call **ret_call)
{
	struct http_call *call;
	int r = http_call_get(http, &call);
	if (r < 0)
		return r;

	http_sockets_notice_jump(&http->sockets);
	r = http_call_prepare(call, request);
	if (r == 0 && curl_multi_add_handle(http->multi, call->exchange.easy) != CURLM_OK)
		r = -ENOMEM;
	if (r < 0) {
		http_call_put(call);
		return r;
	}

	call->done = done;
	call->userdata = userdata;
	call->state = CALL_OUT;
	TAILQ_INSERT_TAIL(&http->out, call, link);
	http->n_out++;
	loop_set_timer_by(http->on_deadline, http_exchange_ends_at(&call->exchange));
	if (ret_call)
		*ret_call = call;
	return 0;
}

void http_cancel(struct http_call *call)
{
	struct http *http = call->http;

	assert(call->state == CALL_OUT || call->state == CALL_FINISHED);
	if (call->state == CALL_OUT) {
		curl_multi_remove_handle(http->multi, call->exchange.easy);
		TAILQ_REMOVE(&http->out, call, link);
		http->n_out--;
	} else {
		TAILQ_REMOVE(&http->finished, call, link);
	}
	http_call_put(call);
}
