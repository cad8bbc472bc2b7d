/*
 * The JSON in which containers, the instance's metadata service and programs hand out credentials:
 * aws/credentials_json.
 */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>

#include "aws/credentials_json.h"
#include "aws/leak.h"
#include "fuzz.h"

/* In seeds it begins a secret key. */
#define KEY "wJalrXUtnFEMI"

/* What was sent along. */
#define SENT "FwoGZXIvYXdzEBYaDHqa0AP1/ysNx7WJ"

static const struct credentials_json_form forms[] = {
	{.source = "a container", .token_name = "Token", .temporary = true, .secret = SENT},
	{.source = "the instance", .token_name = "Token", .temporary = true, .secret = SENT},
	{.source = "a program", .token_name = "SessionToken", .versioned = true},
};

static void assert_is_key(const char *text)
{
	assert(*text);
	for (; *text; text++)
		assert(isgraph((unsigned char)*text));
}

static void assert_written_is_read(const struct credentials *c)
{
	const struct credentials_json_form form = {.source = c->source, .token_name = "Token"};
	_cleanup_(strbuf_wipe) struct strbuf json = STRBUF_INIT;
	char text[CREDENTIALS_TEXT_MAX] = "";
	struct credentials *again = NULL;

	/* Whole seconds are written. */
	usec_t expires_at = c->expires_at == USEC_INFINITY ? 0 : c->expires_at;
	expires_at -= expires_at % USEC_PER_SEC;
	assert(credentials_json_write(c, expires_at, &json) == 0);
	assert(credentials_json_read(strbuf_str(&json), json.len, &form, text, &again) == 0);
	assert(strcmp(again->access_key_id, c->access_key_id) == 0);
	assert(strcmp(again->secret_access_key, c->secret_access_key) == 0);
	assert(!again->session_token == !c->session_token);
	assert(!c->session_token || strcmp(again->session_token, c->session_token) == 0);
	assert(again->expires_at == expires_at);
	credentials_unref(again);
}

/* Of an answer no more is quoted than code and message. */
static void assert_quotes_no_key(const char *text, const char *json, size_t len)
{
	static const char *const quoted[] = {"Code", "code", "Message", "message"};
	json_t *object = json_loadb(json, len, JSON_ALLOW_NUL, NULL);
	bool may_be_quoted = false;

	for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
		const char *said = json_string_value(json_object_get(object, quoted[i]));
		may_be_quoted = may_be_quoted || (said && strstr(said, KEY));
	}
	assert(may_be_quoted || !strstr(text, KEY));
	json_decref(object);
}

static void read_as(const struct credentials_json_form *form, const char *json, size_t len)
{
	char text[CREDENTIALS_TEXT_MAX] = "";
	struct credentials *c = NULL;

	int r = credentials_json_read(json, len, form, text, &c);
	if (r < 0) {
		assert((r == -EBADMSG || r == -EACCES) && !c);
		assert(strncmp(text, form->source, strlen(form->source)) == 0);
		for (const char *at = text; *at; at++)
			assert(isprint((unsigned char)*at));
		assert(!leak_repeats(text, form->secret));
		assert_quotes_no_key(text, json, len);
		return;
	}
	assert_is_key(c->access_key_id);
	assert_is_key(c->secret_access_key);
	assert(c->session_token || !form->temporary);
	if (c->session_token)
		assert_is_key(c->session_token);
	assert(c->expires_at != USEC_INFINITY || !form->temporary);
	assert_written_is_read(c);
	credentials_unref(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		read_as(&forms[i], (const char *)data, size);
	return 0;
}
