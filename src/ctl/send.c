#include "ctl/send.h"

#include <errno.h>
#include <stdio.h>

#include "ctl/body.h"
#include "ctl/listing.h"

int send_message(
	struct desk *desk, const struct strbuf *body, const char *row_id, char **ret_message_id)
{
	const struct sqs_send what = {
		.queue_url = desk->settings->queue.url,
		.body = body->data,
		.body_len = body->len,
	};

	enum sqs_result result = client_send(desk->client, &what, ret_message_id);
	if (result == SQS_OK)
		return EXIT_SUCCESS;
	const char *sent = result == SQS_UNREACHABLE ? "may not have been sent" : "was not sent";
	const char *why = client_error(desk->client);
	if (!row_id)
		return ctl_fail(EXIT_FAILURE, "the message %s: %s", sent, why);
	return ctl_fail(EXIT_FAILURE,
		"the message %s: %s; the row of job %s stays pending: nexusctl reconcile --resend",
		sent, why, row_id);
}

int send_again(struct desk *desk, const struct row *row, char **ret_message_id)
{
	_cleanup_strbuf_ struct strbuf body = STRBUF_INIT;
	struct message message;

	const char *reason = body_write(
		row->id, row->type, row->payload ? row->payload : "null", &body, &message);
	if (reason) {
		ctl_fail(EXIT_FAILURE, "job %s cannot be sent: %s", row->id, reason);
		return -EBADMSG;
	}
	int r = row_move(desk->database, row, "pending", NULL);
	if (r <= 0)
		return r;
	return send_message(desk, &body, row->id, ret_message_id) == EXIT_SUCCESS ? 1 : -EIO;
}

void send_show(const struct ctl *ctl, const char *job_id, const char *type, const char *message_id)
{
	if (ctl->json)
		listing_put_json(json_pack("{s:s, s:s, s:s}", "job_id", job_id, "type", type,
			"message_id", message_id));
	else
		printf("job      %s\nmessage  %s\n", job_id, message_id);
	fflush(stdout);
}
