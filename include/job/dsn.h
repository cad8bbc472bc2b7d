/*
 * The database URL, taken apart so that its hosts can be resolved outside libpq.
 *
 * Accepts what libpq accepts (URI or keyword form; PostgreSQL documentation, "Connection
 * Strings"), and leaves out the parameters that other libraries put into such URLs (pgbouncer,
 * connection_limit, pool_timeout, schema), which libpq would refuse. Adds what a daemon needs:
 * application_name, client_encoding, keepalives, tcp_user_timeout; the URL's own values win.
 *
 * Holds the password: wiped when freed, in no error text. Any one thread.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

#define DSN_HOSTS_MAX 8
#define DSN_ERROR_MAX 256

struct dsn_host {
	char *name;    /* "" or a path: a local socket, nothing to resolve */
	char *address; /* "": to be resolved */
	char *port;    /* "": the default */
};

struct dsn_parameter {
	char *keyword;
	char *value;
};

struct dsn {
	struct dsn_host hosts[DSN_HOSTS_MAX];
	size_t n_hosts;
	struct dsn_parameter *parameters; /* all but host, hostaddr and port */
	size_t n_parameters;
};

/* 0, or -EINVAL with one line in ret_error, or -ENOMEM. */
int dsn_parse(const char *url, struct dsn **ret, char ret_error[DSN_ERROR_MAX]);
struct dsn *dsn_free(struct dsn *dsn);
DEFINE_CLEANUP(struct dsn *, dsn_free)
