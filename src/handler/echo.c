#include "handler/echo.h"

#include <jansson.h>

enum handler_result echo_run(struct handler_context *context)
{
	json_auto_t *payload = NULL;

	/* The commonest payloads ask for nothing. */
	if (context->payload_len <= 2)
		return HANDLER_DONE;
	payload = json_loadb(context->payload, context->payload_len, 0, NULL);

	json_int_t delay = json_integer_value(json_object_get(payload, "delayMs"));
	const char *fail = json_string_value(json_object_get(payload, "fail"));
	json_int_t fail_attempts = json_integer_value(json_object_get(payload, "failAttempts"));

	if (delay > 0 && handler_wait(context, (usec_t)delay * USEC_PER_MSEC) < 0)
		return HANDLER_INTERRUPTED;
	if (fail)
		return handler_fail(context, "%s", fail);
	if (context->attempt <= fail_attempts)
		return handler_fail(context, "failing attempt %d of %lld as asked",
			context->attempt, (long long)fail_attempts);
	return HANDLER_DONE;
}
