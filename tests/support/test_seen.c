#include "test_seen.h"

#include <check.h>
#include <stdio.h>

void test_seen_done(void *userdata, const struct http_response *response)
{
	struct seen *seen = userdata;

	seen->n_callbacks++;
	seen->error = response->error;
	snprintf(seen->error_text, sizeof seen->error_text, "%s", response->error_text);
	seen->status = response->status;
	snprintf(seen->body, sizeof seen->body, "%s", response->body);
	seen->body_len = response->body_len;
	for (size_t i = 0; i < HTTP_WANTED_MAX; i++)
		snprintf(seen->headers[i], sizeof seen->headers[i], "%s",
			response->headers[i] ? response->headers[i] : "-");
	seen->sent_at = response->sent_at;
	seen->first_byte_at = response->first_byte_at;
}

void test_seen_await(sd_event *event, const struct seen *seen, unsigned n_callbacks)
{
	while (seen->n_callbacks < n_callbacks) {
		int r = sd_event_run(event, 10 * USEC_PER_SEC);
		ck_assert_msg(r > 0, "nothing happened for 10 s");
	}
}
