/* XML from outside, and what the token service says in it: aws/xml, aws/sts_codec. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>

#include "aws/sts_codec.h"
#include "aws/xml.h"
#include "fuzz.h"

#define SOURCE "the fuzzer"

static void assert_is_line(const char *text, size_t size)
{
	assert(strlen(text) < size);
	for (; *text; text++)
		assert(isprint((unsigned char)*text));
}

static void read_fields(const char *xml, size_t len)
{
	struct xml_field fields[] = {{.path = "Error/Code"}, {.path = "Code"}, {.path = "Id"}};
	const char *what = NULL;

	int r = xml_read(xml, len, fields, 3, &what);
	assert(r == 0 ? !what : r == -EBADMSG && what && *what);
	for (size_t i = 0; r == 0 && i < 3; i++) {
		const struct strbuf *text = &fields[i].text;

		/* Of UTF-16's two bytes there may be three in UTF-8. */
		assert(text->len <= XML_TEXT_MAX && text->len <= len + len / 2);
		assert(strlen(strbuf_str(text)) == text->len);
		assert(fields[i].is_there || text->len == 0);
	}
	xml_wipe(fields, 3);
}

/* Keys stand between the tags that hold them, and nowhere else do they come from. */
static void read_credentials(const char *xml, size_t len)
{
	char what[CREDENTIALS_TEXT_MAX] = "";
	struct credentials *c = NULL;

	int r = sts_codec_read(xml, len, SOURCE, what, &c);
	if (r == 0) {
		assert(c && *what == '\0' && strcmp(c->source, SOURCE) == 0);
		assert_is_line(c->access_key_id, len);
		assert_is_line(c->secret_access_key, len);
		assert_is_line(c->session_token, len);
		assert(*c->access_key_id && *c->secret_access_key && *c->session_token);
		assert(c->expires_at != USEC_INFINITY);
	} else {
		assert(r == -EBADMSG && !c && *what);
		assert_is_line(what, sizeof what);
		assert(!strstr(what, "wJalr"));
	}
	credentials_unref(c);
}

static void read_error(const char *xml, size_t len)
{
	char code[STS_CODE_MAX] = "", message[STS_MESSAGE_MAX] = "";
	const char *what = NULL;

	int r = sts_codec_read_error(xml, len, code, message, &what);
	assert(r == 0 ? *code && !what : r == -EBADMSG && what);
	assert_is_line(code, sizeof code);
	assert_is_line(message, sizeof message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *xml = (const char *)data;

	read_fields(xml, size);
	read_credentials(xml, size);
	read_error(xml, size);
	return 0;
}
