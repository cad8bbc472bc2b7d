#include "handler/echo.h"

#include <jansson.h>
#include <stdbool.h>

enum handler_result echo_run(struct handler_context *context)
{
	json_auto_t *payload = NULL;

	/* The commonest payloads ask for nothing. */
	if (context->payload_len <= 2)
		return HANDLER_DONE;
	payload = json_loadb(context->payload, context->payload_len, JSON_ALLOW_NUL, NULL);

	json_int_t delay = json_integer_value(json_object_get(payload, "delayMs"));
	const char *fail = json_string_value(json_object_get(payload, "fail"));
	json_int_t fail_attempts = json_integer_value(json_object_get(payload, "failAttempts"));

	if (delay > 0 && handler_wait(context, (usec_t)delay * USEC_PER_MSEC) < 0)
		return HANDLER_INTERRUPTED;
	bool fails = json_object_get(payload, "failAttempts") ? context->attempt <= fail_attempts
							      : fail != NULL;
	return fails ? handler_fail(context, "%s", fail ? fail : "failed as asked") : HANDLER_DONE;
}
