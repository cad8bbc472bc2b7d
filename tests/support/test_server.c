#include "test_server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "test_certificate.h"

#define CONNECTIONS_MAX 256
#define DRIP_MSEC       10

struct connection {
	int fd;
	SSL *ssl;
	struct strbuf in;
	struct strbuf dripping; /* what is left of such an answer, from dripped on */
	size_t dripped;
};

struct test_server {
	int listen_fd;
	int stop_fd;
	pthread_t thread;
	unsigned port;
	char url[64];
	test_handler_fn *handler;
	void *userdata;
	SSL_CTX *tls;
	enum test_tls kind;
	char *certificate;
	struct connection connections[CONNECTIONS_MAX];
	atomic_uint n_connections;
	atomic_uint n_requests;
};

static const char bad_request[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

const char *test_request_header(const char *head, const char *name)
{
	static char value[4096];
	char needle[64];

	snprintf(needle, sizeof needle, "\r\n%s: ", name);
	const char *at = strcasestr(head, needle);
	if (!at)
		return NULL;
	at += strlen(needle);
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

void test_answer(struct strbuf *answer, unsigned status, const char *type, const char *body)
{
	strbuf_printf(answer,
		"HTTP/1.1 %u Said\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
		type, strlen(body), body);
}

static void server_use_tls(struct test_server *s, enum test_tls kind)
{
	static const enum test_certificate kinds[] = {
		[TEST_TLS_FOREIGN] = CERTIFICATE_FOREIGN,
		[TEST_TLS_EXPIRED] = CERTIFICATE_EXPIRED,
		[TEST_TLS_EARLY] = CERTIFICATE_EARLY,
		[TEST_TLS_ISSUED] = CERTIFICATE_ISSUED,
		[TEST_TLS_WEAK] = CERTIFICATE_WEAK,
	};
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *certificate, *trusted;
	EVP_PKEY *key;
	char *pem;

	test_certificate_new(kind < TEST_TLS_FOREIGN ? CERTIFICATE_SELF_SIGNED : kinds[kind],
		&certificate, &key, &trusted);
	s->tls = SSL_CTX_new(TLS_server_method());
	/* OpenSSL 3 offers what is old or short at level 0 only. */
	if (kind == TEST_TLS_OLD || kind == TEST_TLS_WEAK)
		SSL_CTX_set_security_level(s->tls, 0);
	if (kind == TEST_TLS_OLD) {
		SSL_CTX_set_min_proto_version(s->tls, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(s->tls, TLS1_1_VERSION);
	}
	SSL_CTX_use_certificate(s->tls, certificate);
	SSL_CTX_use_PrivateKey(s->tls, key);
	PEM_write_bio_X509(bio, trusted);
	long len = BIO_get_mem_data(bio, &pem);
	s->certificate = strndup(pem, (size_t)len);
	BIO_free(bio);
	X509_free(certificate);
	X509_free(trusted);
	EVP_PKEY_free(key);
}

static void connection_close(struct connection *c)
{
	SSL_free(c->ssl);
	strbuf_done(&c->in);
	strbuf_done(&c->dripping);
	close(c->fd);
	*c = (struct connection){.fd = -1};
}

static void connection_then(struct connection *c, enum test_then then)
{
	if (then == TEST_RESET)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
			sizeof(struct linger));
	if (then != TEST_KEEP)
		connection_close(c);
}

static void connection_write(struct connection *c, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = c->ssl ? SSL_write(c->ssl, data, (int)len)
				   : send(c->fd, data, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

/* Without TLS under a URL with https: what greets it is not HTTP. */
static bool server_is_rude(const struct test_server *s)
{
	return s->kind >= TEST_NO_TLS && s->kind <= TEST_NO_TLS_CLOSE;
}

static void server_answer_greeting(const struct test_server *s, struct connection *c)
{
	static const enum test_then then[] = {
		[TEST_NO_TLS] = TEST_KEEP,
		[TEST_NO_TLS_CUT] = TEST_RESET,
		[TEST_NO_TLS_RESET] = TEST_RESET,
		[TEST_NO_TLS_CLOSE] = TEST_CLOSE,
	};

	if (s->kind == TEST_NO_TLS || s->kind == TEST_NO_TLS_CUT)
		connection_write(c, bad_request, strlen(bad_request));
	c->in.len = 0;
	connection_then(c, then[s->kind]);
}

/* One request that is there whole, answered and taken out of the buffer; false: not yet whole. */
static bool server_answer(struct test_server *s, struct connection *c)
{
	char *end = c->in.len ? strstr(c->in.data, "\r\n\r\n") : NULL;
	if (!end && c->in.len > 0 && server_is_rude(s)) {
		server_answer_greeting(s, c);
		return false;
	}
	if (!end)
		return false;

	char *length = strcasestr(c->in.data, "\r\nContent-Length:");
	size_t body_len = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
	size_t head_len = (size_t)(end + 4 - c->in.data);
	if (c->in.len < head_len + body_len)
		return false;

	char method[16], path[256];
	int n = sscanf(c->in.data, "%15s %255s", method, path);
	assert(n == 2);
	_cleanup_free_ char *head = strndup(c->in.data, head_len);
	_cleanup_free_ char *body = calloc(1, body_len + 1);
	assert(head && body);
	memcpy(body, end + 4, body_len);
	struct test_request request = {method, path, head, body, body_len};
	_cleanup_strbuf_ struct strbuf answer;
	strbuf_init(&answer, (size_t)256 << 20);

	enum test_then then = s->handler(s->userdata, &request, &answer);
	/* In between: who has seen the answer may look at the count, and who sees the count may
	 * give the handler something else to say. */
	atomic_fetch_add(&s->n_requests, 1);
	assert(answer.error == 0);
	if (then == TEST_DRIP)
		strbuf_append(&c->dripping, strbuf_str(&answer), answer.len);
	else
		connection_write(c, strbuf_str(&answer), answer.len);
	memmove(c->in.data, c->in.data + head_len + body_len, c->in.len - head_len - body_len + 1);
	c->in.len -= head_len + body_len;
	if (then != TEST_DRIP)
		connection_then(c, then);
	return then == TEST_KEEP;
}

static void server_read(struct test_server *s, struct connection *c)
{
	char data[16384];

	do {
		ssize_t n = c->ssl ? SSL_read(c->ssl, data, sizeof data)
				   : recv(c->fd, data, sizeof data, 0);
		if (n <= 0) {
			connection_close(c);
			return;
		}
		strbuf_append(&c->in, data, (size_t)n);
	} while (c->ssl && SSL_pending(c->ssl) > 0);
	while (server_answer(s, c))
		;
}

static void server_accept(struct test_server *s)
{
	struct connection *c = s->connections;

	while (c->fd >= 0)
		c++;
	assert(c < s->connections + CONNECTIONS_MAX);
	c->fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (c->fd < 0)
		return;
	atomic_fetch_add(&s->n_connections, 1);
	strbuf_init(&c->in, (size_t)16 << 20);
	strbuf_init(&c->dripping, (size_t)16 << 20);
	if (!s->tls)
		return;
	c->ssl = SSL_new(s->tls);
	SSL_set_fd(c->ssl, c->fd);
	if (SSL_accept(c->ssl) <= 0)
		connection_close(c);
}

/* A byte for each who waits for one; whether anybody does. */
static bool server_drip(struct test_server *s)
{
	bool any = false;

	for (struct connection *c = s->connections; c < s->connections + CONNECTIONS_MAX; c++) {
		if (c->fd < 0 || c->dripped == c->dripping.len)
			continue;
		connection_write(c, c->dripping.data + c->dripped++, 1);
		any = true;
	}
	return any;
}

static void *server_main(void *userdata)
{
	struct test_server *s = userdata;
	struct pollfd polled[CONNECTIONS_MAX + 2];

	for (;;) {
		polled[0] = (struct pollfd){.fd = s->stop_fd, .events = POLLIN};
		polled[1] = (struct pollfd){.fd = s->listen_fd, .events = POLLIN};
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			polled[i + 2] = (struct pollfd){s->connections[i].fd, POLLIN, 0};
		if (poll(polled, CONNECTIONS_MAX + 2, server_drip(s) ? DRIP_MSEC : -1) < 0)
			continue;
		if (polled[0].revents)
			return NULL;
		for (size_t i = 0; i < CONNECTIONS_MAX; i++)
			if (polled[i + 2].revents)
				server_read(s, &s->connections[i]);
		if (polled[1].revents)
			server_accept(s);
	}
}

struct test_server *test_server_new(enum test_tls tls, test_handler_fn *handler, void *userdata)
{
	struct test_server *s = calloc(1, sizeof *s);
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof address;

	assert(s);
	s->handler = handler;
	s->userdata = userdata;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		s->connections[i].fd = -1;
	s->kind = tls;
	if (tls != TEST_PLAIN && !server_is_rude(s))
		server_use_tls(s, tls);

	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = bind(s->listen_fd, (struct sockaddr *)&address, sizeof address);
	r = r < 0 ? r : listen(s->listen_fd, CONNECTIONS_MAX);
	r = r < 0 ? r : getsockname(s->listen_fd, (struct sockaddr *)&address, &len);
	assert(r == 0);
	s->port = ntohs(address.sin_port);
	snprintf(s->url, sizeof s->url, "http%s://127.0.0.1:%u", tls == TEST_PLAIN ? "" : "s",
		s->port);
	r = pthread_create(&s->thread, NULL, server_main, s);
	assert(r == 0);
	return s;
}

struct test_server *test_server_free(struct test_server *s)
{
	uint64_t one = 1;

	if (!s)
		return NULL;
	ssize_t n = write(s->stop_fd, &one, sizeof one);
	assert(n == sizeof one);
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (s->connections[i].fd >= 0)
			connection_close(&s->connections[i]);
	close(s->listen_fd);
	close(s->stop_fd);
	SSL_CTX_free(s->tls);
	free(s->certificate);
	free(s);
	return NULL;
}

unsigned test_server_port(const struct test_server *s)
{
	return s->port;
}

const char *test_server_url(const struct test_server *s)
{
	return s->url;
}

const char *test_server_certificate(const struct test_server *s)
{
	return s->certificate;
}

unsigned test_server_connections(const struct test_server *s)
{
	return atomic_load(&s->n_connections);
}

unsigned test_server_requests(const struct test_server *s)
{
	return atomic_load(&s->n_requests);
}
