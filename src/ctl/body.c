#include "ctl/body.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "aws/sqs.h"
#include "base/file.h"
#include "ctl/ctl.h"

const char *body_write(const char *job_id, const char *type, const char *payload,
	struct strbuf *out, struct message *ret)
{
	json_auto_t *id_json = json_string(job_id), *type_json = json_string(type);
	_cleanup_free_ char *id_text = json_dumps(id_json, JSON_ENCODE_ANY);
	_cleanup_free_ char *type_text = json_dumps(type_json, JSON_ENCODE_ANY);
	const char *reason;

	if (!id_text || !type_text)
		return "the job's id or type is not UTF-8";
	strbuf_printf(out, "{\"jobId\":%s,\"type\":%s,\"payload\":", id_text, type_text);
	strbuf_puts(out, payload);
	strbuf_putc(out, '}');
	if (out->error < 0)
		return strerror(-out->error);
	if (out->len > SQS_MESSAGE_BYTES_MAX)
		return "the message is larger than the 1 MiB that SQS takes";
	return message_parse(out->data, out->len, ret, &reason) < 0 ? reason : NULL;
}

static int body_read_payload(const char *command, const char *argument, struct strbuf *out)
{
	json_error_t error;

	if (!argument)
		strbuf_puts(out, "{}");
	else if (argument[0] == '@' || strcmp(argument, "-") == 0) {
		const char *path = argument[0] == '@' ? argument + 1 : "/dev/stdin";
		int r = file_read(path, SQS_MESSAGE_BYTES_MAX, out);
		if (r < 0)
			return ctl_fail(EXIT_FAILURE, "%s: %s", path, strerror(-r));
	} else
		strbuf_puts(out, argument);
	json_auto_t *json =
		json_loadb(strbuf_str(out), out->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	return json ? EXIT_SUCCESS
		    : ctl_usage(command, "the payload is not JSON: line %d, column %d: %s",
			      error.line, error.column, error.text);
}

int body_compose(const char *command, const char *job_id, const char *type, const char *payload,
	struct strbuf *out, struct message *ret)
{
	_cleanup_strbuf_ struct strbuf value = STRBUF_INIT;

	int status = body_read_payload(command, payload, &value);
	if (status != EXIT_SUCCESS)
		return status;
	const char *reason = body_write(job_id, type, strbuf_str(&value), out, ret);
	return reason ? ctl_usage(command, "%s", reason) : EXIT_SUCCESS;
}
