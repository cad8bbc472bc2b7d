#include "net/serve_response.h"

#include <microhttpd.h>
#include <string.h>

struct copy {
	size_t len;
	bool secret;
	char data[];
};

static void on_sent(void *data)
{
	struct copy *copy = container_of(data, struct copy, data);

	if (copy->secret)
		explicit_bzero(copy->data, copy->len);
	free(copy);
}

struct MHD_Response *serve_response_new(const struct serve_answer *answer)
{
	struct copy *copy = malloc(sizeof *copy + answer->body_len);
	if (!copy)
		return NULL;
	copy->len = answer->body_len;
	copy->secret = answer->secret;
	if (answer->body_len > 0)
		memcpy(copy->data, answer->body, answer->body_len);

	/* Before 0.9.74 libmicrohttpd takes nothing for the callback but the data. */
	struct MHD_Response *response =
		MHD_create_response_from_buffer_with_free_callback(copy->len, copy->data, on_sent);
	if (!response) {
		on_sent(copy->data);
		return NULL;
	}
	for (size_t i = 0; i < answer->n_headers; i++)
		if (MHD_add_response_header(response, answer->headers[i].name,
			    answer->headers[i].value) == MHD_NO) {
			MHD_destroy_response(response);
			return NULL;
		}
	return response;
}
