#include "aws/credentials_json.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "aws/leak.h"
#include "base/json_read.h"
#include "base/quote.h"

#define QUOTE_SIZE 256
static_assert(QUOTE_SIZE <= LEAK_SAID_MAX, "what is quoted has been looked at");

/* What the object holds; NULL: not there. */
struct answer {
	const struct credentials_json_form *form;
	const char *id;
	const char *secret;
	const char *token;
	const char *expiration;
	const char *code;
	const char *message;
	bool is_version_1;
	const char *at; /* the member that is being read, if it is one of ours */
};

/* What is no number is passed over like a wrong one: it is missed later. */
static int read_version(struct json_read *r, struct answer *a)
{
	bool quoted = json_scan_peek(&r->scan) == '"';
	uint64_t version = 0;

	int e = json_read_number(r, &version);
	a->is_version_1 = e == 0 && !quoted && version == 1;
	return r->fault == JSON_OK ? 0 : e;
}

static int read_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct answer *a = userdata;
	const struct {
		const char *name;
		const char **into;
	} texts[] = {
		{"AccessKeyId", &a->id},
		{"SecretAccessKey", &a->secret},
		{a->form->token_name, &a->token},
		{"Expiration", &a->expiration},
		{"Code", &a->code},
		{"code", &a->code},
		{"Message", &a->message},
		{"message", &a->message},
	};

	if (a->form->versioned && json_string_is(name, "Version"))
		return read_version(r, a);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		if (!json_string_is(name, texts[i].name))
			continue;
		a->at = texts[i].name;
		return json_read_text(r, texts[i].into, NULL);
	}
	return json_read_skip(r);
}

static int explain_json(
	const struct json_read *r, const struct answer *a, char text[static CREDENTIALS_TEXT_MAX])
{
	const char *source = a->form->source;

	if (r->fault == JSON_CUT_SHORT)
		return credentials_failed(text, -EBADMSG, "%s: the answer ends early", source);
	if (r->fault != JSON_OK)
		return credentials_failed(text, -EBADMSG, "%s: the answer is not JSON", source);
	if (a->at)
		return credentials_failed(text, -EBADMSG, "%s: %s is not a text", source, a->at);
	return credentials_failed(text, -EBADMSG, "%s: the answer is not a JSON object", source);
}

static int refuse(const struct answer *a, char text[static CREDENTIALS_TEXT_MAX])
{
	const char *secret = a->form->secret, *said = a->message ? a->message : "";
	char code[QUOTE_SIZE], message[QUOTE_SIZE];

	quote_text(leak_repeats(a->code, secret) ? "refused" : a->code, code, sizeof code);
	quote_text(leak_repeats(said, secret) ? "" : said, message, sizeof message);
	return credentials_failed(text, -EACCES, "%s: %s%s%s", a->form->source, code,
		message[0] ? ": " : "", message);
}

static bool is_there(const char *text)
{
	return text && *text;
}

/* What must be there and is not; NULL: nothing. */
static const char *find_gap(const struct answer *a)
{
	if (!is_there(a->id))
		return "AccessKeyId";
	if (!is_there(a->secret))
		return "SecretAccessKey";
	if (a->form->temporary && !is_there(a->token))
		return a->form->token_name;
	if (a->form->temporary && !is_there(a->expiration))
		return "Expiration";
	return NULL;
}

static int make(
	const struct answer *a, char text[static CREDENTIALS_TEXT_MAX], struct credentials **ret)
{
	struct credentials fields = {
		.access_key_id = a->id,
		.secret_access_key = a->secret,
		.session_token = is_there(a->token) ? a->token : NULL,
		.source = a->form->source,
		.expires_at = USEC_INFINITY,
	};
	const char *gap = find_gap(a);

	if (is_there(a->code) && strcmp(a->code, "Success") != 0)
		return refuse(a, text);
	if (a->form->versioned && !a->is_version_1)
		return credentials_failed(
			text, -EBADMSG, "%s: Version must be the number 1", a->form->source);
	if (gap)
		return credentials_failed(
			text, -EBADMSG, "%s: the answer has no %s", a->form->source, gap);
	if (is_there(a->expiration) &&
		credentials_parse_time(a->expiration, &fields.expires_at) < 0)
		return credentials_failed(text, -EBADMSG,
			"%s: Expiration is not a time like 2026-01-02T03:04:05Z", a->form->source);
	int r = credentials_new(&fields, text, ret);
	/* No local file holds them. */
	return r == -EINVAL ? -EBADMSG : r;
}

int credentials_json_read(const char *json, size_t len, const struct credentials_json_form *form,
	char ret_text[static CREDENTIALS_TEXT_MAX], struct credentials **ret)
{
	struct answer a = {.form = form};
	_cleanup_(json_read_wipe) struct json_read r;

	if (json_read_init(&r, json, len) < 0)
		return credentials_failed(ret_text, -ENOMEM, "out of memory");
	int e = json_read_object(&r, read_member, &a);
	e = e < 0 ? e : json_read_end(&r);
	if (e < 0)
		return explain_json(&r, &a, ret_text);
	return make(&a, ret_text, ret);
}

/* Credentials are printable ASCII without quotes. */
static void write_member(struct strbuf *json, char before, const char *name, const char *value)
{
	strbuf_printf(json, "%c\"%s\":\"", before, name);
	for (; *value; value++) {
		if (*value == '\\')
			strbuf_putc(json, '\\');
		strbuf_putc(json, *value);
	}
	strbuf_putc(json, '"');
}

int credentials_json_write(const struct credentials *c, usec_t expires_at, struct strbuf *json)
{
	time_t seconds = (time_t)(expires_at / USEC_PER_SEC);
	struct tm tm;
	char expiration[64];

	gmtime_r(&seconds, &tm);
	strftime(expiration, sizeof expiration, "%Y-%m-%dT%H:%M:%SZ", &tm);
	write_member(json, '{', "AccessKeyId", c->access_key_id);
	write_member(json, ',', "SecretAccessKey", c->secret_access_key);
	write_member(json, ',', "Token", c->session_token ? c->session_token : "");
	write_member(json, ',', "Expiration", expiration);
	return strbuf_putc(json, '}');
}
