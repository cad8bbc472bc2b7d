#include "test_sts.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "test_server.h"

#define ANSWERS_MAX 4

static struct {
	unsigned status;
	const char *headers;
	const char *body;
} answers[ANSWERS_MAX];
static size_t n_answers, next_answer;

static struct test_server *server;
static char asked_head[8192];
static char asked_form[70000];

static enum test_then answer(void *userdata, const struct test_request *request, struct strbuf *out)
{
	(void)userdata;
	snprintf(asked_head, sizeof asked_head, "%s", request->head);
	snprintf(asked_form, sizeof asked_form, "%s", request->body);
	ck_assert_uint_gt(n_answers, 0);
	size_t i = next_answer;
	if (next_answer + 1 < n_answers)
		next_answer++;
	if (answers[i].status != 0)
		strbuf_printf(out,
			"HTTP/1.1 %u Said\r\nContent-Type: text/xml\r\n%sContent-Length: "
			"%zu\r\n\r\n%s",
			answers[i].status, answers[i].headers, strlen(answers[i].body),
			answers[i].body);
	return TEST_KEEP;
}

void test_sts_start(void)
{
	test_sts_forget();
	server = test_server_new(TEST_PLAIN, answer, NULL);
}

void test_sts_stop(void)
{
	server = test_server_free(server);
}

const char *test_sts_url(void)
{
	return test_server_url(server);
}

void test_sts_answers(unsigned status, const char *headers, const char *body)
{
	ck_assert_uint_lt(n_answers, ANSWERS_MAX);
	answers[n_answers].status = status;
	answers[n_answers].headers = headers;
	answers[n_answers].body = body;
	n_answers++;
}

void test_sts_forget(void)
{
	n_answers = next_answer = 0;
}

unsigned test_sts_requests(void)
{
	return test_server_requests(server);
}

const char *test_sts_form(void)
{
	return asked_form;
}

const char *test_sts_header(const char *name)
{
	return test_request_header(asked_head, name);
}
