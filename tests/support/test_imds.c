#include "test_imds.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_HEADER "\r\nX-aws-ec2-metadata-token: "

static void give_token(
	struct test_imds *imds, const struct test_request *request, struct strbuf *answer)
{
	char token[32];

	snprintf(imds->asked_head, sizeof imds->asked_head, "%s", request->head);
	snprintf(token, sizeof token, "token-%u", ++imds->n_tokens);
	if (imds->token_status > 0)
		test_answer(answer, imds->token_status, "text/plain",
			imds->token ? imds->token : token);
}

static bool shows_token(const struct test_imds *imds, const struct test_request *request)
{
	const char *shown = strcasestr(request->head, TOKEN_HEADER);
	char line[32];

	snprintf(line, sizeof line, "token-%u\r\n", imds->n_tokens);
	return shown && strncmp(shown + strlen(TOKEN_HEADER), line, strlen(line)) == 0;
}

static void give_page(
	struct test_imds *imds, const struct test_request *request, struct strbuf *answer)
{
	imds->n_gets++;
	snprintf(imds->asked_path, sizeof imds->asked_path, "%s", request->path);
	if (imds->silent)
		return;
	if (imds->forgetful || !shows_token(imds, request)) {
		test_answer(answer, 401, "text/plain", "");
		return;
	}
	for (const struct test_imds_page *p = imds->pages; p < imds->pages + TEST_IMDS_PAGES_MAX;
		p++) {
		if (p->path && strcmp(p->path, request->path) == 0) {
			test_answer(answer, p->status, "text/plain", p->body);
			return;
		}
	}
	test_answer(answer, 404, "text/html", "<html>Not Found</html>");
}

enum test_then test_imds_answer(
	void *userdata, const struct test_request *request, struct strbuf *answer)
{
	struct test_imds *imds = userdata;

	if (strcmp(request->method, "PUT") == 0 && strcmp(request->path, "/latest/api/token") == 0)
		give_token(imds, request, answer);
	else if (strcmp(request->method, "GET") == 0)
		give_page(imds, request, answer);
	else
		test_answer(answer, 405, "text/plain", "");
	return TEST_KEEP;
}

void test_imds_set(struct test_imds *imds, const char *path, unsigned status, const char *body)
{
	struct test_imds_page *p = imds->pages;

	while (p->path && strcmp(p->path, path) != 0)
		p++;
	assert(p < imds->pages + TEST_IMDS_PAGES_MAX);
	*p = (struct test_imds_page){path, status, body};
}
