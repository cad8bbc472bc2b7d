#include "job/dsn.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

static const char *const foreign[] = {"pgbouncer", "connection_limit", "pool_timeout", "schema"};

static const struct {
	const char *keyword, *value;
} defaults[] = {
	{"application_name", "nexus-worker"},
	{"client_encoding", "UTF8"},
	{"gssencmode", "disable"},
	{"keepalives_idle", "30"},
	{"keepalives_interval", "10"},
	{"keepalives_count", "3"},
	{"tcp_user_timeout", "30000"},
};

struct dsn *dsn_free(struct dsn *dsn)
{
	if (!dsn)
		return NULL;
	for (size_t i = 0; i < dsn->n_hosts; i++) {
		free(dsn->hosts[i].name);
		free(dsn->hosts[i].address);
		free(dsn->hosts[i].port);
	}
	for (size_t i = 0; i < dsn->n_parameters; i++) {
		explicit_bzero(dsn->parameters[i].value, strlen(dsn->parameters[i].value));
		free(dsn->parameters[i].keyword);
		free(dsn->parameters[i].value);
	}
	free(dsn->parameters);
	free(dsn);
	return NULL;
}

static bool dsn_is_foreign(const char *parameter, size_t len)
{
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		if (strlen(foreign[i]) < len && parameter[strlen(foreign[i])] == '=' &&
			strncmp(parameter, foreign[i], strlen(foreign[i])) == 0)
			return true;
	return false;
}

/* As libpq tells a URI from words of the form keyword=value. */
static bool dsn_is_uri(const char *url)
{
	return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

/* Where a URI's hosts begin. To libpq a user and a password may hold anything but "@" and "/". */
static const char *dsn_hosts(const char *uri)
{
	const char *authority = strstr(uri, "://") + 3;
	size_t len = strcspn(authority, "@/");

	return authority[len] == '@' ? authority + len + 1 : authority;
}

/* Copies a URI without the query parameters that are not libpq's. */
static int dsn_clean(const char *url, struct strbuf *cleaned)
{
	const char *hosts = dsn_is_uri(url) ? dsn_hosts(url) : NULL;
	const char *query = hosts ? strchr(hosts, '?') : NULL;
	char separator = '?';

	if (!query)
		return strbuf_puts(cleaned, url);
	strbuf_append(cleaned, url, (size_t)(query - url));
	/* Without a path an "@" in what is left of the query would end a user's name. */
	if (!memchr(hosts, '/', (size_t)(query - hosts)))
		strbuf_putc(cleaned, '/');
	while (*query) {
		const char *parameter = query + 1;
		size_t len = strcspn(parameter, "&");
		if (len > 0 && !dsn_is_foreign(parameter, len)) {
			strbuf_putc(cleaned, separator);
			strbuf_append(cleaned, parameter, len);
			separator = '&';
		}
		query = parameter + len;
	}
	return cleaned->error;
}

static int dsn_add(struct dsn *dsn, const char *keyword, const char *value)
{
	struct dsn_parameter *p = &dsn->parameters[dsn->n_parameters];

	p->keyword = strdup(keyword);
	p->value = strdup(value);
	if (!p->keyword || !p->value) {
		free(p->keyword);
		free(p->value);
		return -ENOMEM;
	}
	dsn->n_parameters++;
	return 0;
}

/* Splits "a,b,c" at the i-th comma; the last element repeats when there are fewer ports. */
static char *dsn_element(const char *list, size_t i)
{
	for (const char *comma; i > 0 && (comma = strchr(list, ',')); i--)
		list = comma + 1;
	return strndup(list, strcspn(list, ","));
}

/* What a password that is not percent-encoded leaves behind in the wrong places. */
static bool dsn_is_garbled(const struct dsn *dsn)
{
	for (size_t i = 0; i < dsn->n_hosts; i++) {
		const struct dsn_host *host = &dsn->hosts[i];
		if (strchr(host->name, '@') || host->port[strspn(host->port, "0123456789")] != '\0')
			return true;
	}
	for (size_t i = 0; i < dsn->n_parameters; i++)
		if (strcmp(dsn->parameters[i].keyword, "dbname") == 0 &&
			strchr(dsn->parameters[i].value, '@'))
			return true;
	return false;
}

static int dsn_split_hosts(
	struct dsn *dsn, const char *names, const char *addresses, const char *ports)
{
	size_t n_hosts = 1;

	for (const char *p = *addresses ? addresses : names; *p; p++)
		n_hosts += *p == ',';
	if (n_hosts > DSN_HOSTS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n_hosts; i++) {
		struct dsn_host *host = &dsn->hosts[dsn->n_hosts++];
		host->name = dsn_element(names, i);
		host->address = dsn_element(addresses, i);
		host->port = dsn_element(ports, i);
		if (!host->name || !host->address || !host->port)
			return -ENOMEM;
	}
	return 0;
}

static int dsn_fill(struct dsn *dsn, const PQconninfoOption *options)
{
	const char *host = getenv("PGHOST"), *hostaddr = "", *port = "";
	size_t n = 0;

	for (const PQconninfoOption *o = options; o->keyword; o++)
		n++;
	dsn->parameters = calloc(n + sizeof defaults / sizeof defaults[0], sizeof *dsn->parameters);
	if (!dsn->parameters)
		return -ENOMEM;

	for (const PQconninfoOption *o = options; o->keyword; o++) {
		if (!o->val)
			continue;
		if (strcmp(o->keyword, "host") == 0)
			host = o->val;
		else if (strcmp(o->keyword, "hostaddr") == 0)
			hostaddr = o->val;
		else if (strcmp(o->keyword, "port") == 0)
			port = o->val;
		else if (dsn_add(dsn, o->keyword, o->val) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
		const PQconninfoOption *o = options;
		while (o->keyword && strcmp(o->keyword, defaults[i].keyword) != 0)
			o++;
		if (o->keyword && !o->val &&
			dsn_add(dsn, defaults[i].keyword, defaults[i].value) < 0)
			return -ENOMEM;
	}
	return dsn_split_hosts(dsn, host ? host : "", hostaddr, port);
}

static void conninfo_freep(PQconninfoOption **options)
{
	PQconninfoFree(*options);
}

int dsn_parse(const char *url, struct dsn **ret, char ret_error[DSN_ERROR_MAX])
{
	_cleanup_(conninfo_freep) PQconninfoOption *options = NULL;
	_cleanup_(strbuf_wipe) struct strbuf cleaned = STRBUF_INIT;
	_cleanup_(dsn_freep) struct dsn *dsn = calloc(1, sizeof *dsn);

	if (!dsn || dsn_clean(url, &cleaned) < 0)
		return -ENOMEM;
	options = PQconninfoParse(strbuf_str(&cleaned), NULL);
	if (!options) {
		/* libpq's own words may quote the URL, and with it the password. */
		snprintf(ret_error, DSN_ERROR_MAX,
			"the URL is not one that libpq takes, accepted is "
			"postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full");
		return -EINVAL;
	}
	int r = dsn_fill(dsn, options);
	if (r == -EINVAL)
		snprintf(ret_error, DSN_ERROR_MAX,
			"the URL names too many hosts, accepted are at most %d", DSN_HOSTS_MAX);
	if (r < 0)
		return r;
	if (dsn_is_garbled(dsn)) {
		snprintf(ret_error, DSN_ERROR_MAX,
			"the URL falls apart in the wrong places, accepted are users and passwords "
			"in which @ : / ? # %% are written %%40 %%3A %%2F %%3F %%23 %%25");
		return -EINVAL;
	}
	*ret = TAKE_PTR(dsn);
	return 0;
}
