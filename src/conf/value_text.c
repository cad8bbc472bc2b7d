#include "conf/value_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf/mask.h"
#include "conf/url.h"

void value_text_clear(void *field)
{
	char **text = field;

	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

int value_text_keep(const char *text, size_t len, void *field)
{
	char *copy = strndup(text, len);

	if (!copy)
		return -ENOMEM;
	value_text_clear(field);
	*(char **)field = copy;
	return 0;
}

void value_text_write(const struct value_rule *rule, const void *field, struct strbuf *out)
{
	const char *text = *(char *const *)field;

	(void)rule;
	if (text)
		strbuf_puts(out, text);
}

/* What keeps a text from being a URL; NULL: nothing. */
static const char *value_parse_url(const char *text, struct url *ret)
{
	const char *reason = "is too long";

	if (strlen(text) <= VALUE_URL_MAX && url_parse(text, ret, &reason) == 0)
		return NULL;
	return reason;
}

#define QUEUE_NAME_MAX 80

/* What keeps the last part of the path from being a queue's name; NULL: nothing. */
static const char *value_check_queue_name(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-_";
	size_t len = strspn(name, good);

	if (name[len] || len == 0)
		return "does not end with a queue's name (letters, digits, - and _)";
	return len > QUEUE_NAME_MAX ? "has a queue's name of more than 80 bytes" : NULL;
}

static bool value_is_fifo(const char *path)
{
	static const char ending[] = ".fifo";
	size_t len = strlen(path);

	return len >= strlen(ending) && strcmp(path + len - strlen(ending), ending) == 0;
}

/* Twelve digits and a name, as all queues of AWS have; elsewhere any path. */
static const char *value_check_queue_path(const struct url *url)
{
	const char *path = url->path;

	if (strspn(path, "/") == strlen(path))
		return "names no queue behind its host";
	/* Only queues of that kind may have a dot in their name. */
	if (value_is_fifo(path))
		return "is a FIFO queue's, whose order nothing here would keep";
	if (!url_is_aws(url))
		return NULL;
	if (!url_is_plain(url))
		return "names AWS's host in upper case, with a dot at its end or with a port";
	if (strspn(path + 1, "0123456789") != 12 || path[13] != '/')
		return "has no account of twelve digits behind its host";
	return value_check_queue_name(path + 14);
}

static int value_queue_url_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	struct url url;

	(void)rule;
	if (strncmp(text, "arn:", 4) == 0)
		return value_refuse("is a queue's ARN, not its URL", wrong);
	const char *reason = value_parse_url(text, &url);
	if (!reason)
		reason = value_check_queue_path(&url);
	if (reason)
		return value_refuse(reason, wrong);
	return value_text_keep(text, strlen(text), field);
}

const struct value_type value_queue_url = {
	.read = value_queue_url_read,
	.write = value_text_write,
	.accepted = "a standard queue's URL such as "
		    "https://sqs.eu-central-1.amazonaws.com/123456789012/nexus-jobs",
	.clear = value_text_clear,
};

static int value_endpoint_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	struct url url;

	(void)rule;
	const char *reason = value_parse_url(text, &url);
	if (reason)
		return value_refuse(reason, wrong);
	if (url.path[0] && strcmp(url.path, "/") != 0)
		return value_refuse("has a path", wrong);
	return value_text_keep(text, url.origin_len, field);
}

const struct value_type value_endpoint = {
	.read = value_endpoint_read,
	.write = value_text_write,
	.accepted = "https://HOST or http://HOST, with or without :PORT",
	.clear = value_text_clear,
};

static int value_region_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	(void)rule;
	if (!url_is_region(text))
		return value_refuse("is not a region's name", wrong);
	return value_text_keep(text, strlen(text), field);
}

const struct value_type value_region = {
	.read = value_region_read,
	.write = value_text_write,
	.accepted = "a name such as eu-central-1",
	.clear = value_text_clear,
};

/* libpq reads it when it connects; here only what no such text can be. */
static int value_database_url_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	(void)rule;
	const char *reason = NULL;

	if (strlen(text) > VALUE_SECRET_MAX)
		reason = "is too long";
	else if (strpbrk(text, "\r\n"))
		reason = "is more than one line";
	else if (!strchr(text, '=') && !strstr(text, "://"))
		reason = "is neither a URL nor \"host=… dbname=…\"";
	else if (text[0] == '"' || text[0] == '\'')
		reason = "begins with a quotation mark";
	return reason ? value_refuse(reason, wrong) : value_text_keep(text, strlen(text), field);
}

static void value_database_url_mask(const void *field, struct strbuf *out)
{
	const char *url = *(char *const *)field;

	if (url)
		mask_database_url(url, out);
}

const struct value_type value_database_url = {
	.read = value_database_url_read,
	.write = value_text_write,
	.mask = value_database_url_mask,
	.accepted = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE or \"host=… dbname=…\", "
		    "one line of at most 4096 bytes",
	.clear = value_text_clear,
};
