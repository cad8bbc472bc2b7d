#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/words.h"
#include "conf/mask.h"
#include "conf/url.h"
#include "conf/value_text.h"

/* Words may be secrets, so they are wiped. All NULL are fine. */
static void value_words_done(char ***words)
{
	for (char **word = *words; word && *word; word++)
		explicit_bzero(*word, strlen(*word));
	free(*words);
}

static int value_split(const char *text, char ***ret, struct strbuf *wrong)
{
	const char *reason = NULL;
	int r = words_split(text, ret, &reason);

	if (r == -EINVAL)
		strbuf_printf(wrong, "cannot be split into words: %s", reason);
	return r;
}

static int value_program_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	_cleanup_(value_words_done) char **words = NULL;

	(void)rule;
	if (strlen(text) > VALUE_PROGRAM_MAX)
		return value_refuse("is too long", wrong);
	int r = value_split(text, &words, wrong);
	if (r < 0)
		return r;
	if (!words[0] || words[0][0] != '/')
		return value_refuse("does not begin with an absolute path", wrong);
	if (words[0][strlen(words[0]) - 1] == '/')
		return value_refuse("begins with a directory", wrong);
	return value_text_keep(text, strlen(text), field);
}

const struct value_type value_program = {
	.read = value_program_read,
	.write = value_text_write,
	.accepted = "an absolute path and arguments, parted by blanks and quoted where they "
		    "hold some, for no shell reads them; at most 4096 bytes",
	.clear = value_text_clear,
};

static int value_path_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	(void)rule;
	if (text[0] != '/')
		return value_refuse("is not an absolute path", wrong);
	if (strlen(text) >= PATH_MAX)
		return value_refuse("is too long", wrong);
	return value_text_keep(text, strlen(text), field);
}

const struct value_type value_path = {
	.read = value_path_read,
	.write = value_text_write,
	.accepted = "an absolute path",
	.clear = value_text_clear,
};

static int value_handler_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	(void)rule;
	if (strlen(text) > VALUE_HANDLER_MAX)
		return value_refuse("is too long", wrong);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '\x7f')
			return value_refuse("has a blank in it", wrong);
	return value_text_keep(text, strlen(text), field);
}

const struct value_type value_handler = {
	.read = value_handler_read,
	.write = value_text_write,
	.accepted = "FILE.FUNCTION without blanks, at most 128 bytes",
	.clear = value_text_clear,
};

static int value_service_url_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	const char *reason;
	struct url url;

	(void)rule;
	if (strlen(text) > VALUE_URL_MAX)
		return value_refuse("is too long", wrong);
	if (url_parse_request(text, &url, &reason) < 0)
		return value_refuse(reason, wrong);
	if (!url.tls && !url_is_this_machine(&url))
		return value_refuse("is http:// to another machine, so jobs would pass the "
				    "network in the clear",
			wrong);
	return value_text_keep(text, strlen(text), field);
}

static void value_service_url_mask(const void *field, struct strbuf *out)
{
	const char *url = *(char *const *)field;

	if (url)
		mask_service_url(url, out);
}

const struct value_type value_service_url = {
	.read = value_service_url_read,
	.write = value_text_write,
	.mask = value_service_url_mask,
	.accepted = "https://HOST/PATH, with or without :PORT, or the same with http:// where "
		    "HOST is 127.0.0.1, [::1] or localhost",
	.clear = value_text_clear,
};

/* What the daemon itself tells its programs; a "*" stands for any more letters. */
static const char *const value_reserved_names[] = {
	"JOB_*",
	"AWS_LAMBDA_RUNTIME_API",
	"_HANDLER",
	"LAMBDA_TASK_ROOT",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
};

/* The reserved name that this one is; NULL: it is free. */
static const char *value_find_reserved(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof value_reserved_names / sizeof value_reserved_names[0]; i++) {
		const char *reserved = value_reserved_names[i];
		size_t fixed = strcspn(reserved, "*");
		if (strncmp(name, reserved, fixed) == 0 && (reserved[fixed] || len == fixed))
			return reserved;
	}
	return NULL;
}

/* One that does not look like a variable may be half a password, so no word is quoted. */
static int value_check_variable(const char *word, size_t i, struct strbuf *wrong)
{
	size_t len = words_key_len(word);

	if (len == 0) {
		strbuf_printf(wrong, "has no KEY= at the start of word %zu", i + 1);
		return -EINVAL;
	}
	const char *reserved = value_find_reserved(word, len);
	if (reserved) {
		strbuf_printf(wrong, "sets %s, which is the daemon's to set", reserved);
		return -EINVAL;
	}
	return 0;
}

static int value_environment_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	_cleanup_(value_words_done) char **words = NULL;

	(void)rule;
	if (strlen(text) > VALUE_SECRET_MAX)
		return value_refuse("is too long", wrong);
	int r = value_split(text, &words, wrong);
	for (size_t i = 0; r == 0 && words[i]; i++)
		r = value_check_variable(words[i], i, wrong);
	return r < 0 ? r : value_text_keep(text, strlen(text), field);
}

static void value_environment_mask(const void *field, struct strbuf *out)
{
	const char *text = *(char *const *)field;
	_cleanup_(value_words_done) char **words = NULL;
	const char *reason;

	if (!text || words_split(text, &words, &reason) < 0)
		return;
	for (char **word = words; *word; word++)
		strbuf_printf(out, "%s%.*s=" MASK, word > words ? " " : "",
			(int)words_key_len(*word), *word);
}

const struct value_type value_environment = {
	.read = value_environment_read,
	.write = value_text_write,
	.mask = value_environment_mask,
	.accepted = "words KEY=VALUE, quoted where VALUE holds blanks, at most 4096 bytes; "
		    "KEY of letters, digits and _",
	.clear = value_text_clear,
};
