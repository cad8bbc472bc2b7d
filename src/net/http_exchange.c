#include "net/http_exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_LINES_MAX    ((size_t)256 << 10)
#define IDLE_BODY_MAX        ((size_t)64 << 10)
#define TRANSFER_BUFFER_SIZE 16384L
#define CA_CACHE_SEC         60L
#define IDLE_SEC_MAX         120L
#define CONNECT_TIMEOUT      (10 * USEC_PER_SEC)

/* A kept-alive connection that the server closed just before shows it at once. */
#define SEND_AGAIN_WITHIN (1 * USEC_PER_SEC)

/*
 * libcurl calls this when it is connected and about to send; again, when a kept-alive connection
 * ended without an answer. Later than at once that would repeat what may have been acted upon.
 */
static int on_sending(void *userdata, char *remote_ip, char *local_ip, int remote, int local)
{
	struct http_exchange *x = userdata;
	usec_t now = clock_boottime();

	(void)remote_ip;
	(void)local_ip;
	(void)remote;
	(void)local;
	if (x->response.sent_at == 0)
		x->response.sent_at = now;
	return now - x->response.sent_at <= SEND_AGAIN_WITHIN ? CURL_PREREQFUNC_OK
							      : CURL_PREREQFUNC_ABORT;
}

static void http_exchange_keep_header(struct http_exchange *x, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	if (!colon)
		return;

	const char *value = colon + 1;
	const char *end = line + len;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	if (end - value >= HTTP_VALUE_MAX || memchr(value, '\r', (size_t)(end - value)))
		return;

	size_t name_len = (size_t)(colon - line);
	for (size_t i = 0; i < x->n_wanted; i++) {
		if (strlen(x->wanted[i]) != name_len ||
			strncasecmp(x->wanted[i], line, name_len) != 0)
			continue;
		memcpy(x->values[i], value, (size_t)(end - value));
		x->values[i][end - value] = '\0';
		x->response.headers[i] = x->values[i];
	}
}

static size_t on_header(char *line, size_t size, size_t n, void *userdata)
{
	struct http_exchange *x = userdata;
	size_t len = size * n;

	x->answered = true;
	if (x->response.first_byte_at == 0)
		x->response.first_byte_at = clock_boottime();
	/* A new head: the one before was an interim answer. */
	if (len >= 5 && memcmp(line, "HTTP/", 5) == 0)
		memset(x->response.headers, 0, sizeof x->response.headers);
	else
		http_exchange_keep_header(x, line, len);
	return len;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct http_exchange *x = userdata;
	size_t len = size * n, room = x->body.ceiling - x->body.len;
	size_t taken = x->max_ignored > 0 && len > room ? room : len;

	x->n_ignored += len - taken;
	/* Any other number than what came makes libcurl end the transfer. */
	return strbuf_append(&x->body, data, taken) < 0 || x->n_ignored > x->max_ignored ? len + 1
											 : len;
}

/* Whether libcurl was made to end a transfer of which everything is there that is wanted. */
static bool http_exchange_has_enough(const struct http_exchange *x)
{
	return x->n_ignored > x->max_ignored && x->body.error == 0;
}

/* What holds for every request of the handle. */
static int http_exchange_setup(struct http_exchange *x, const struct http_options *options)
{
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad = bad ? bad : curl_easy_setopt(x->easy, option, value)
	SET(CURLOPT_ERRORBUFFER, x->said);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L); /* what is signed, or asked for, is what is sent */
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_BUFFERSIZE, TRANSFER_BUFFER_SIZE);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, TRANSFER_BUFFER_SIZE);
	SET(CURLOPT_MAXAGE_CONN, IDLE_SEC_MAX);
	SET(CURLOPT_PREREQFUNCTION, on_sending);
	SET(CURLOPT_PREREQDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	if (options->user_agent)
		SET(CURLOPT_USERAGENT, options->user_agent);
	if (options->ca_bundle) {
		SET(CURLOPT_CAINFO, options->ca_bundle);
		/* Built-in: the system's store, beside the bundle. */
		SET(CURLOPT_CAPATH, NULL);
	}
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A bundle that was renewed counts soon. */
	SET(CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_SEC);
	/* An end before its time does not wait for the thread that looks a name up. */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#undef SET
	return bad == CURLE_OK ? 0 : bad == CURLE_OUT_OF_MEMORY ? -ENOMEM : -ENOTSUP;
}

int http_exchange_init(struct http_exchange *x, const struct http_options *options)
{
	memset(x, 0, sizeof *x);
	strbuf_init(&x->lines, REQUEST_LINES_MAX);
	strbuf_init(&x->body, 0);
	x->ca_bundle = options->ca_bundle;
	x->easy = curl_easy_init();
	if (!x->easy)
		return -ENOMEM;

	int r = http_exchange_setup(x, options);
	if (r < 0)
		http_exchange_done(x);
	return r;
}

void http_exchange_done(struct http_exchange *x)
{
	curl_easy_cleanup(x->easy);
	strbuf_wipe(&x->lines);
	strbuf_wipe(&x->body);
	free(x->url);
	x->easy = NULL;
	x->url = NULL;
}

void http_exchange_reset(struct http_exchange *x)
{
	if (x->secret) {
		curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, NULL);
		strbuf_wipe(&x->lines);
		strbuf_wipe(&x->body);
		x->secret = false;
	}
	if (x->body.capacity > IDLE_BODY_MAX)
		strbuf_done(&x->body);
	strbuf_reset(&x->body);
	x->response = (struct http_response){.error_text = "", .body = ""};
	x->said[0] = '\0';
}

/* The list's nodes are ours: libcurl only walks them. "Expect:" keeps it from asking for leave. */
static int http_exchange_set_headers(struct http_exchange *x, const struct http_request *request)
{
	static char no_expect[] = "Expect:";

	strbuf_reset(&x->lines);
	for (size_t i = 0; i < request->n_headers; i++) {
		const struct http_header *h = &request->headers[i];

		if (strpbrk(h->name, "\r\n") || strpbrk(h->value, "\r\n"))
			return -EINVAL;
		strbuf_puts(&x->lines, h->name);
		strbuf_puts(&x->lines, ": ");
		strbuf_append(&x->lines, h->value, strlen(h->value) + 1);
	}
	if (x->lines.error < 0)
		return x->lines.error;

	/* Only now does the text no longer move. */
	char *line = x->lines.data;
	for (size_t i = 0; i < request->n_headers; i++) {
		x->headers[i] = (struct curl_slist){line, &x->headers[i + 1]};
		line += strlen(line) + 1;
	}
	x->headers[request->n_headers] = (struct curl_slist){no_expect, NULL};
	return curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) ? -ENOMEM : 0;
}

bool http_exchange_has_url(const struct http_exchange *x, const char *url)
{
	return x->url && strcmp(x->url, url) == 0;
}

static int http_exchange_set_url(struct http_exchange *x, const char *url)
{
	if (http_exchange_has_url(x, url))
		return 0;

	_cleanup_free_ char *copy = strdup(url);
	struct http_url parsed;
	int r = http_url_parse(url, &parsed);
	if (r < 0)
		return r;
	if (!copy || curl_easy_setopt(x->easy, CURLOPT_URL, url) != CURLE_OK)
		return -ENOMEM;
	http_proxy_find(&parsed, &x->proxy);
	free(x->url);
	x->url = TAKE_PTR(copy);
	return 0;
}

static const struct http_proxy *http_exchange_proxy(const struct http_exchange *x)
{
	return x->proxy.url && !x->direct ? &x->proxy : NULL;
}

static void http_exchange_set_deadlines(struct http_exchange *x, const struct http_request *request)
{
	usec_t now = clock_boottime();
	usec_t to_connect = request->connect_timeout ? request->connect_timeout : CONNECT_TIMEOUT;

	x->deadline = now + request->timeout;
	x->connect_deadline = now + usec_min(request->timeout, to_connect);
}

/*
 * libcurl before 8.1 remembers where a handle's last header was, when that is long gone, and an
 * answer whose first header begins with a blank goes on there. So a handle that has had an answer
 * is replaced by its copy; connections are not the handle's.
 */
static int http_exchange_renew(struct http_exchange *x)
{
#if LIBCURL_VERSION_NUM < 0x080100
	if (!x->answered)
		return 0;
	CURL *fresh = curl_easy_duphandle(x->easy);
	if (!fresh)
		return -ENOMEM;
	curl_easy_cleanup(x->easy);
	x->easy = fresh;
	x->answered = false;
#else
	(void)x;
#endif
	return 0;
}

int http_exchange_prepare(struct http_exchange *x, const struct http_request *request)
{
	bool get = strcmp(request->method, "GET") == 0;
	bool post = strcmp(request->method, "POST") == 0;
	CURLcode bad = CURLE_OK;

	assert(request->n_headers <= HTTP_HEADERS_MAX && request->n_wanted <= HTTP_WANTED_MAX);
	http_exchange_reset(x);
	x->body.ceiling = request->max_answer;
	x->max_ignored = request->max_ignored;
	x->n_ignored = 0;
	x->wanted = request->wanted;
	x->n_wanted = request->n_wanted;

	int r = http_exchange_renew(x);
	r = r < 0 ? r : http_exchange_set_url(x, request->url);
	r = r < 0 ? r : http_exchange_set_headers(x, request);
	if (r < 0)
		return r;

#define SET(option, value) bad = bad ? bad : curl_easy_setopt(x->easy, option, value)
	if (get) {
		SET(CURLOPT_HTTPGET, 1L);
	} else {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDS, request->body ? request->body : "");
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	}
	SET(CURLOPT_CUSTOMREQUEST, get || post ? NULL : request->method);
	x->direct = request->direct;
	x->secret = request->secret;
	/* "" is none; and libcurl has no exceptions of its own. */
	SET(CURLOPT_PROXY, http_exchange_proxy(x) ? x->proxy.url : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_MAXFILESIZE_LARGE,
		request->max_ignored > 0 ? 0 : (curl_off_t)request->max_answer);
#undef SET
	http_exchange_set_deadlines(x, request);
	return bad ? -ENOMEM : 0;
}

usec_t http_exchange_ends_at(const struct http_exchange *x)
{
	return x->response.sent_at == 0 ? x->connect_deadline : x->deadline;
}

static void http_exchange_fail(struct http_exchange *x, int error, const char *text)
{
	if (text != x->error_text)
		snprintf(x->error_text, sizeof x->error_text, "%s", text);
	x->response.error = error;
	x->response.error_text = x->error_text;
	x->response.body = "";
	x->response.body_len = 0;
}

/* Whether the host's name, or the proxy's, was still being looked up. */
static bool http_exchange_has_no_address(const struct http_exchange *x)
{
	curl_off_t looked_up = 0;

	return curl_easy_getinfo(x->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up) == CURLE_OK &&
	       looked_up == 0;
}

void http_exchange_time_out(struct http_exchange *x)
{
	const struct http_proxy *proxy = http_exchange_proxy(x);

	if (x->response.first_byte_at > 0)
		http_exchange_fail(x, -ETIMEDOUT, "the answer did not end in time");
	else if (x->response.sent_at > 0)
		http_exchange_fail(x, -ETIMEDOUT, "no answer in time");
	else if (http_exchange_has_no_address(x))
		http_exchange_fail(x, -ETIMEDOUT,
			proxy ? "the name servers do not answer for the proxy's name"
			      : "the name servers do not answer for its name");
	else if (!proxy)
		http_exchange_fail(x, -ETIMEDOUT, "no connection in time");
	else {
		snprintf(x->error_text, sizeof x->error_text, "no connection in time through %s",
			proxy->name);
		http_exchange_fail(x, -ETIMEDOUT, x->error_text);
	}
}

/* libcurl knows of a failed write only that it failed. */
static CURLcode http_exchange_code(const struct http_exchange *x, CURLcode code)
{
	if (code != CURLE_WRITE_ERROR || x->body.error == 0)
		return code;
	return x->body.error == -ENOBUFS ? CURLE_FILESIZE_EXCEEDED : CURLE_OUT_OF_MEMORY;
}

void http_exchange_conclude(struct http_exchange *x, CURLcode code)
{
	struct http_response *response = &x->response;

	if (code == CURLE_OK || http_exchange_has_enough(x)) {
		long status = 0;
		curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
		response->status = (unsigned)status;
		response->body = strbuf_str(&x->body);
		response->body_len = x->body.len;
		return;
	}

	const struct http_failure_place place = {
		.easy = x->easy,
		.url = x->url,
		.proxy = http_exchange_proxy(x),
		.ca_bundle = x->ca_bundle,
		.said = x->said,
	};
	int error = http_failure_of(&place, http_exchange_code(x, code), x->error_text);
	http_exchange_fail(x, error, x->error_text);
}
