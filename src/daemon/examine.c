#include "daemon/examine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws/credentials.h"
#include "conf/keys.h"
#include "daemon/kinds.h"
#include "job/dsn.h"
#include "net/ca_bundle.h"
#include "net/http_serve.h"

/* Without it no request would ever succeed. */
static unsigned examine_ca_bundle(struct strbuf *problems)
{
	const char *path = credentials_getenv(getenv, "AWS_CA_BUNDLE");
	int r = path ? ca_bundle_check(path) : 0;

	if (r == 0 || r == -ENOMEM)
		return 0;
	strbuf_printf(problems,
		"environment AWS_CA_BUNDLE: %s: %s, accepted is a file with certificates in PEM\n",
		path, r == -EBADMSG ? "holds no certificate, or a broken one" : strerror(-r));
	return 1;
}

static unsigned examine_listen(const struct settings *settings, struct strbuf *problems)
{
	const struct key *listen = keys_find("metrics", "listen");

	if (!settings->metrics.listen || http_serve_is_possible())
		return 0;
	keys_place(listen, settings->origins[listen - keys], problems);
	strbuf_puts(problems, "built without libmicrohttpd, by which metrics are served, accepted "
			      "is not to set it\n");
	return 1;
}

unsigned examine_settings(const struct settings *settings, bool services, struct strbuf *problems)
{
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	char error[DSN_ERROR_MAX];
	unsigned n_problems = examine_ca_bundle(problems);

	if (dsn_parse(settings->database.url, &dsn, error) == -EINVAL) {
		const struct key *url = keys_find("database", "url");
		keys_place(url, settings->origins[url - keys], problems);
		strbuf_printf(problems, "%s\n", error);
		n_problems++;
	}
	n_problems += examine_listen(settings, problems);
	n_problems += kinds_check(settings, services, problems);
	return n_problems;
}
