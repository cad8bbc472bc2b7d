/* A queue message's body: job/message. */
#include <assert.h>
#include <errno.h>

#include "../unit/json_oracle.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "job/message.h"

static void assert_is_text(const char *text, size_t max)
{
	size_t len = strlen(text);

	assert(len > 0 && len <= max);
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_sequence(text + at, len - at);
		assert(n > 0);
		uint32_t c = utf8_decode(text + at, n);
		assert(c >= 0x20 && (c < 0x7f || c >= 0xa0));
	}
}

static void put_text(struct strbuf *out, const char *text)
{
	json_t *string = json_string(text);
	char *escaped = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	strbuf_puts(out, escaped);
	free(escaped);
	json_decref(string);
}

/* What was read, written in another way, is read again. */
static void assert_reads_again(const char *body, const struct message *m)
{
	_cleanup_strbuf_ struct strbuf again = STRBUF_INIT;
	const char *payload = body + m->payload_offset, *reason = NULL;
	struct message second;

	strbuf_puts(&again, "{\"payload\":");
	strbuf_append(&again, payload, m->payload_len);
	strbuf_puts(&again, " ,\"type\" : ");
	put_text(&again, m->type);
	strbuf_puts(&again, ",\"\\u006aobId\":");
	put_text(&again, m->job_id);
	strbuf_putc(&again, '}');
	assert(message_parse(strbuf_str(&again), again.len, &second, &reason) == 0);
	assert(strcmp(second.job_id, m->job_id) == 0 && strcmp(second.type, m->type) == 0);
	assert(second.payload_len == m->payload_len);
	assert(memcmp(again.data + second.payload_offset, payload, m->payload_len) == 0);
}

static void assert_accepted(const char *body, size_t len, const struct message *m)
{
	json_error_t error;

	assert(m->payload_len > 0 && m->payload_offset < len);
	assert(m->payload_len <= len - m->payload_offset);
	assert_is_text(m->job_id, MESSAGE_ID_MAX);
	assert_is_text(m->type, MESSAGE_TYPE_MAX);

	json_t *json = json_loadb(body, len, JSON_ALLOW_NUL, &error);
	assert(json || jansson_cannot_build(&error));
	json_decref(json);
	assert_reads_again(body, m);
}

/* Refused as JSON is what jansson refuses too; for it a NUL is an end. */
static void assert_refused(const char *body, size_t len, const char *reason)
{
	json_t *json = memchr(body, '\0', len)
			       ? NULL
			       : json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert(!json || strncmp(reason, "body is not JSON", 16) != 0);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *body = (const char *)data, *reason = NULL;
	struct message m, untouched;

	memset(&m, 'x', sizeof m);
	untouched = m;
	int r = message_parse(body, size, &m, &reason);
	if (r == 0) {
		assert(!reason);
		assert_accepted(body, size, &m);
	} else {
		assert(r == -EBADMSG && reason);
		assert(memcmp(&m, &untouched, sizeof m) == 0);
		assert_refused(body, size, reason);
	}
	return 0;
}
