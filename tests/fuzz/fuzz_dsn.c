/* The database's URL, read as libpq does, and masked: job/dsn, conf/mask. */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "conf/mask.h"
#include "fuzz.h"
#include "job/dsn.h"

/* Shorter parts of one stand in a URL by chance. */
#define PART_LEN 8

static const char *find_password(const struct dsn *dsn)
{
	for (size_t i = 0; i < dsn->n_parameters; i++)
		if (strcmp(dsn->parameters[i].keyword, "password") == 0)
			return dsn->parameters[i].value;
	return NULL;
}

/* Whether the text has it just once, as it is. */
static bool stands_once(const char *text, const char *part)
{
	const char *first = strstr(text, part);

	return first && !strstr(first + 1, part);
}

/* One that is percent-encoded may have parts that stand elsewhere. */
static void assert_hidden(const char *password, const char *text, const char *masked)
{
	if (!stands_once(text, password))
		return;
	for (size_t i = 0; i + PART_LEN <= strlen(password); i++) {
		_cleanup_free_ char *part = fuzz_copy(password + i, PART_LEN);
		if (stands_once(text, part))
			assert(!strstr(masked, part));
	}
}

static void assert_dsn(const struct dsn *dsn, const char *text, const char *masked)
{
	const char *password = find_password(dsn);

	assert(dsn->n_hosts >= 1 && dsn->n_hosts <= DSN_HOSTS_MAX);
	for (size_t i = 0; i < dsn->n_hosts; i++) {
		const struct dsn_host *host = &dsn->hosts[i];
		assert(!strchr(host->name, ',') && !strchr(host->address, ','));
		assert(host->port[strspn(host->port, "0123456789")] == '\0');
	}
	for (size_t i = 0; i < dsn->n_parameters; i++)
		assert(*dsn->parameters[i].keyword && dsn->parameters[i].value);
	if (password)
		assert_hidden(password, text, masked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = fuzz_copy((const char *)data, size);
	_cleanup_strbuf_ struct strbuf masked = STRBUF_INIT;
	_cleanup_(dsn_freep) struct dsn *dsn = NULL;
	char error[DSN_ERROR_MAX] = "";

	mask_database_url(text, &masked);
	int r = dsn_parse(text, &dsn, error);
	assert(r == 0 ? !*error : r == -EINVAL && *error && strlen(error) < DSN_ERROR_MAX);
	assert(!strstr(error, "hunter2"));
	if (r == 0)
		assert_dsn(dsn, text, strbuf_str(&masked));
	return 0;
}
