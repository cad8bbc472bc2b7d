#include "daemon/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/exposition.h"
#include "conf/listen.h"
#include "net/http_serve.h"

/* A scraper or two, and a probe. Who takes these places and says nothing keeps them from others for
 * a few seconds only; a scraper whose connection was closed meanwhile makes another. */
#define CONNECTIONS_MAX 16
#define PATIENCE        (5 * USEC_PER_SEC)

#define TEXT_TYPE "text/plain; charset=utf-8"

struct monitor {
	struct monitor_options options;
	struct http_serve *serve;
};

static void answer(
	struct serve_request *request, unsigned status, const char *type, const struct strbuf *body)
{
	const struct http_header headers[] = {
		{"Content-Type", type}, {"Cache-Control", "no-store"}, {"Allow", "GET, HEAD"}};

	serve_answer(request, &(struct serve_answer){
				      .status = status,
				      .headers = headers,
				      .n_headers = status == 405 ? 3 : 2,
				      .body = body->data,
				      .body_len = body->len,
			      });
}

static void answer_line(struct serve_request *request, unsigned status, const char *line)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;

	strbuf_printf(&body, "%s\n", line);
	answer(request, status, TEXT_TYPE, &body);
}

static void answer_metrics(const struct monitor *monitor, struct serve_request *request)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;

	metrics_write(&monitor->options.metrics, &body);
	if (body.error < 0)
		answer_line(request, 500, "out of memory");
	else
		answer(request, 200, EXPOSITION_TYPE, &body);
}

static void note(struct strbuf *out, const char *what, const char *trouble)
{
	if (trouble[0])
		strbuf_printf(out, "%s: %s\n", what, trouble);
}

/* What is not there, a line each; nothing when all is. */
static void find_away(const struct monitor *monitor, struct strbuf *out)
{
	struct credential_store *store = identity_credentials(monitor->options.metrics.identity);
	const char *unknown = preflight_trouble(monitor->options.preflight);
	struct dispatcher_status status;

	dispatcher_status(monitor->options.metrics.dispatcher, &status);
	note(out, "queue", unknown[0] ? unknown : status.queue_trouble);
	if (!status.database_up)
		note(out, "database",
			status.database_trouble[0] ? status.database_trouble
						   : "it has not answered yet");
	if (!credential_store_current(store)) {
		const char *complaint = credential_store_complaint(store);
		note(out, "credentials", complaint[0] ? complaint : "there are none yet");
	}
}

static void answer_ready(const struct monitor *monitor, struct serve_request *request)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;

	find_away(monitor, &body);
	if (body.error < 0)
		answer_line(request, 500, "out of memory");
	else if (body.len > 0)
		answer(request, 503, TEXT_TYPE, &body);
	else
		answer_line(request, 200, "ready");
}

static void on_request(void *userdata, struct serve_request *request)
{
	const struct monitor *monitor = userdata;
	const char *method = serve_method(request), *path = serve_path(request);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		answer_line(request, 405, "GET and HEAD are all there is");
	else if (strcmp(path, "/metrics") == 0)
		answer_metrics(monitor, request);
	else if (strcmp(path, "/healthz") == 0)
		answer_line(request, 200, "the loop turns");
	else if (strcmp(path, "/readyz") == 0)
		answer_ready(monitor, request);
	else
		answer_line(request, 404, "there are /metrics, /healthz and /readyz");
}

int monitor_new(sd_event *event, const struct monitor_options *options, struct monitor **ret)
{
	_cleanup_(monitor_freep) struct monitor *monitor = calloc(1, sizeof *monitor);
	struct sockaddr_storage address;
	const char *wrong;
	socklen_t len;

	if (!monitor)
		return -ENOMEM;
	monitor->options = *options;
	int r = listen_parse(options->listen, &address, &len, &wrong);
	if (r < 0)
		return r;
	const struct http_serve_options serve = {
		.address = (const struct sockaddr *)&address,
		.address_len = len,
		.max_connections = CONNECTIONS_MAX,
		.patience = PATIENCE,
		.idle = PATIENCE,
		.request = on_request,
		.userdata = monitor,
	};
	r = http_serve_new(event, &serve, &monitor->serve);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(monitor);
	return 0;
}

struct monitor *monitor_free(struct monitor *monitor)
{
	if (!monitor)
		return NULL;
	http_serve_free(monitor->serve);
	free(monitor);
	return NULL;
}
