#include "job/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "job/sqlstate.h"

#define RESOLVE_PATIENCE (15 * USEC_PER_SEC)
#define CONNECT_PATIENCE (5 * USEC_PER_SEC)

int connection_wait(int fd, short events, const struct patience *patience)
{
	for (;;) {
		usec_t left = usec_sub(patience->deadline, clock_monotonic());
		usec_t slice = usec_min(left, USEC_PER_SEC);
		struct pollfd p = {.fd = fd, .events = events};

		/* Rounded up: a poll() of nothing would spin through the last millisecond. */
		int r = poll(&p, 1, (int)((slice + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (patience->tick(patience->userdata) < 0)
			return -ECANCELED;
		if (left == 0)
			return -ETIMEDOUT;
	}
}

static bool connection_needs_resolving(const struct dsn_host *host)
{
	unsigned char scratch[sizeof(struct in6_addr)];

	return host->name[0] != '\0' && host->name[0] != '/' && host->name[0] != '@' &&
	       host->address[0] == '\0' && inet_pton(AF_INET, host->name, scratch) != 1 &&
	       inet_pton(AF_INET6, host->name, scratch) != 1;
}

/* Asks anew each time; when the name servers are silent the last answer is used again. */
static int connection_resolve(const struct dsn_host *host, struct connection_addresses *known,
	const struct patience *patience, char ret_error[CONNECTION_ERROR_MAX])
{
	_cleanup_(resolve_freep) struct resolve *resolve = NULL;
	struct patience limited = *patience;
	const char *why = NULL;

	limited.deadline = clock_monotonic() + RESOLVE_PATIENCE;
	int r = resolve_start(host->name, &resolve);
	if (r == 0)
		r = connection_wait(resolve_fd(resolve), POLLIN, &limited);
	if (r == 0)
		r = resolve_answer(resolve, known->addresses, &why);
	if (r > 0)
		known->n_addresses = r;
	if (r >= 0 || (r != -ECANCELED && known->n_addresses > 0))
		return 0;
	if (!why)
		why = r == -ETIMEDOUT ? "the name servers are silent" : strerrordesc_np(-r);
	bool is_theirs = r == -ETIMEDOUT || r == -EHOSTUNREACH;
	snprintf(ret_error, CONNECTION_ERROR_MAX, "the database's host %s cannot be resolved: %s%s",
		host->name, why, is_theirs ? "; check [database] url and the name servers" : "");
	return r;
}

/* Three lists in step: libpq tries them in order, a host once for each of its addresses. */
struct connection_targets {
	struct strbuf hosts, addresses, ports;
};

static void connection_targets_done(struct connection_targets *t)
{
	strbuf_done(&t->hosts);
	strbuf_done(&t->addresses);
	strbuf_done(&t->ports);
}

static int connection_add_target(
	struct connection_targets *t, const struct dsn_host *host, const char *address)
{
	const char *comma = t->ports.data ? "," : "";

	strbuf_printf(&t->hosts, "%s%s", comma, host->name);
	strbuf_printf(&t->addresses, "%s%s", comma, address);
	strbuf_printf(&t->ports, "%s%s", comma, host->port);
	return t->hosts.error < 0       ? t->hosts.error
	       : t->addresses.error < 0 ? t->addresses.error
					: t->ports.error;
}

/* Of its addresses the one that the round is at comes first. */
static int connection_add_host(struct connection_targets *targets, const struct dsn_host *host,
	struct connection_addresses *known, size_t round, const struct patience *patience,
	char ret_error[CONNECTION_ERROR_MAX])
{
	if (!connection_needs_resolving(host))
		return connection_add_target(targets, host, host->address);
	int r = connection_resolve(host, known, patience, ret_error);
	size_t n = (size_t)known->n_addresses;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = connection_add_target(targets, host, known->addresses[(round + i) % n]);
	return r;
}

static int connection_find_targets(const struct dsn *dsn, struct connection_known *known,
	const struct patience *patience, struct connection_targets *targets,
	char ret_error[CONNECTION_ERROR_MAX])
{
	size_t round = known->n_failed / dsn->n_hosts;
	int unresolved = 0;

	for (size_t i = 0; i < dsn->n_hosts; i++) {
		size_t at = (known->n_failed + i) % dsn->n_hosts;
		int r = connection_add_host(
			targets, &dsn->hosts[at], &known->hosts[at], round, patience, ret_error);
		if (r == -ETIMEDOUT || r == -EHOSTUNREACH)
			unresolved = r;
		else if (r < 0)
			return r;
	}
	return targets->hosts.data ? 0 : unresolved;
}

static PGconn *connection_start(const struct dsn *dsn, const struct connection_targets *targets)
{
	_cleanup_free_ const char **keywords = calloc(dsn->n_parameters + 4, sizeof *keywords);
	_cleanup_free_ const char **values = calloc(dsn->n_parameters + 4, sizeof *values);
	size_t n = 0;

	if (!keywords || !values)
		return NULL;
	for (; n < dsn->n_parameters; n++) {
		keywords[n] = dsn->parameters[n].keyword;
		values[n] = dsn->parameters[n].value;
	}
	keywords[n] = "host";
	values[n++] = strbuf_str(&targets->hosts);
	keywords[n] = "hostaddr";
	values[n++] = strbuf_str(&targets->addresses);
	keywords[n] = "port";
	values[n++] = strbuf_str(&targets->ports);
	return PQconnectStartParams(keywords, values, 0);
}

static int connection_poll(PGconn *conn, const struct patience *patience)
{
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (!conn)
		return -ENOMEM;
	if (PQstatus(conn) == CONNECTION_BAD)
		return -EHOSTDOWN;
	/* So that a refused login shows its SQLSTATE, which libpq tells in no other way. */
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	while (status != PGRES_POLLING_OK) {
		if (status == PGRES_POLLING_FAILED)
			return -EHOSTDOWN;
		short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
		int r = connection_wait(PQsocket(conn), events, patience);
		if (r < 0)
			return r;
		status = PQconnectPoll(conn);
	}
	return 0;
}

/* The code in "FATAL:  28P01: password authentication failed …", or "". */
static void connection_find_sqlstate(const char *message, char ret[6])
{
	const char *severity = strstr(message, "FATAL:  ");

	ret[0] = '\0';
	if (!severity || strlen(severity) < 14 || severity[13] != ':')
		return;
	memcpy(ret, severity + 8, 5);
	ret[5] = '\0';
}

static void connection_explain(const PGconn *conn, int error, char ret_error[CONNECTION_ERROR_MAX])
{
	const char *message = conn ? PQerrorMessage(conn) : "";
	char sqlstate[6];

	if (error == -ENOMEM) {
		snprintf(ret_error, CONNECTION_ERROR_MAX,
			"the database cannot be reached: out of memory");
		return;
	}
	connection_find_sqlstate(message, sqlstate);
	const char *cure = sqlstate_cure(sqlstate);
	if (error == -ETIMEDOUT)
		message = "no answer in time";
	if (sqlstate[0] == '\0')
		cure = "check [database] url, the server and the way to it";
	snprintf(ret_error, CONNECTION_ERROR_MAX, "the database cannot be reached: %.*s%s%s",
		(int)strcspn(message, "\n"), message, cure[0] ? "; " : "", cure);
}

static void connection_ignore_notice(void *userdata, const PGresult *result)
{
	(void)userdata;
	(void)result;
}

int connection_open(const struct dsn *dsn, struct connection_known *known,
	const struct patience *patience, PGconn **ret, char ret_error[CONNECTION_ERROR_MAX])
{
	_cleanup_(connection_targets_done) struct connection_targets targets = {
		STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};
	_cleanup_(connection_closep) PGconn *conn = NULL;
	struct patience connecting = *patience;

	int r = connection_find_targets(dsn, known, patience, &targets, ret_error);
	if (r == -ENOMEM)
		connection_explain(NULL, r, ret_error);
	if (r < 0)
		return r;
	/* What resolving took is not taken from connecting. */
	connecting.deadline = usec_max(patience->deadline, clock_monotonic() + CONNECT_PATIENCE);
	conn = connection_start(dsn, &targets);
	r = connection_poll(conn, &connecting);
	if (r < 0) {
		connection_explain(conn, r, ret_error);
		return r;
	}
	PQsetNoticeReceiver(conn, connection_ignore_notice, NULL);
	if (PQsetnonblocking(conn, 1) < 0 || PQenterPipelineMode(conn) != 1) {
		connection_explain(conn, -EHOSTDOWN, ret_error);
		return -EHOSTDOWN;
	}
	*ret = TAKE_PTR(conn);
	return 0;
}
