#include "handler/lambda_event.h"

#include <string.h>

#include "job/envelope.h"

/* X-Ray's are shorter than 100 bytes, and may be followed by what others add. */
#define TRACE_ID_MAX 1024

/* Bytes that JSON does not take as they are; all else is the sender's UTF-8, which SQS checked. */
static void put_string(struct strbuf *out, const char *text, size_t len)
{
	size_t from = 0;

	strbuf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		strbuf_append(out, text + from, i - from);
		from = i + 1;
		switch (c) {
		case '"':
		case '\\':
			strbuf_putc(out, '\\');
			strbuf_putc(out, (char)c);
			break;
		case '\n':
			strbuf_puts(out, "\\n");
			break;
		case '\r':
			strbuf_puts(out, "\\r");
			break;
		case '\t':
			strbuf_puts(out, "\\t");
			break;
		default:
			strbuf_printf(out, "\\u%04x", c);
		}
	}
	strbuf_append(out, text + from, len - from);
	strbuf_putc(out, '"');
}

static void put_text(struct strbuf *out, const char *text)
{
	put_string(out, text, strlen(text));
}

static void put_member(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, ",\"%s\":", name);
	put_text(out, value);
}

static void put_attributes(struct strbuf *out, const struct envelope *envelope)
{
	strbuf_puts(out, ",\"attributes\":{");
	for (size_t i = 0; i < envelope->n_attributes; i++) {
		if (i > 0)
			strbuf_putc(out, ',');
		put_text(out, envelope->attributes[i].name);
		strbuf_putc(out, ':');
		put_text(out, envelope->attributes[i].value);
	}
	strbuf_putc(out, '}');
}

static void put_message_attributes(struct strbuf *out, const struct envelope *envelope)
{
	strbuf_puts(out, ",\"messageAttributes\":{");
	for (size_t i = 0; i < envelope->n_message_attributes; i++) {
		const struct envelope_message_attribute *a = &envelope->message_attributes[i];

		if (i > 0)
			strbuf_putc(out, ',');
		put_text(out, a->name);
		strbuf_puts(out, ":{");
		if (a->string_value) {
			strbuf_puts(out, "\"stringValue\":");
			put_text(out, a->string_value);
			strbuf_putc(out, ',');
		}
		if (a->binary_value) {
			strbuf_puts(out, "\"binaryValue\":");
			put_text(out, a->binary_value);
			strbuf_putc(out, ',');
		}
		strbuf_puts(out, "\"stringListValues\":[],\"binaryListValues\":[]");
		put_member(out, "dataType", a->data_type);
		strbuf_putc(out, '}');
	}
	strbuf_putc(out, '}');
}

int lambda_event_write(struct strbuf *out, const struct job *job)
{
	const struct envelope *envelope = job->envelope;

	strbuf_puts(out, "{\"Records\":[{\"messageId\":");
	put_text(out, envelope->message_id);
	put_member(out, "receiptHandle", envelope->receipt_handle);
	strbuf_puts(out, ",\"body\":");
	put_string(out, job->body, job->body_len);
	put_attributes(out, envelope);
	put_message_attributes(out, envelope);
	if (envelope->md5_of_attributes)
		put_member(out, "md5OfMessageAttributes", envelope->md5_of_attributes);
	if (envelope->md5_of_body)
		put_member(out, "md5OfBody", envelope->md5_of_body);
	put_member(out, "eventSource", "aws:sqs");
	put_member(out, "eventSourceARN", envelope->queue_arn);
	put_member(out, "awsRegion", envelope->region);
	return strbuf_puts(out, "}]}");
}

const char *lambda_event_trace_id(const struct envelope *envelope)
{
	const char *id = envelope_get(envelope, "AWSTraceHeader");
	size_t n = 0;

	while (id && id[n] >= ' ' && id[n] <= '~')
		n++;
	return id && id[n] == '\0' && n <= TRACE_ID_MAX ? id : NULL;
}
