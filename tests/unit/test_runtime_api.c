/* What is answered to each call stands in test_runtime.c, where somebody asks. */
#include <check.h>
#include <string.h>

#include "../support/test_suite.h"
#include "handler/runtime_api.h"

#define UUID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

static const struct {
	const char *method;
	const char *path;
	enum runtime_call call;
	const char *id;
} CALLS[] = {
	{"GET", "/2018-06-01/runtime/invocation/next", RUNTIME_CALL_NEXT, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "/response", RUNTIME_CALL_RESPONSE, UUID},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "/error", RUNTIME_CALL_ERROR, UUID},
	{"POST", "/2018-06-01/runtime/init/error", RUNTIME_CALL_INIT_ERROR, ""},
	{"GET", "/2018-06-01/runtime/restore/next", RUNTIME_CALL_RESTORE, ""},
	{"POST", "/2018-06-01/runtime/restore/error", RUNTIME_CALL_RESTORE, ""},

	/* Another method. */
	{"POST", "/2018-06-01/runtime/invocation/next", RUNTIME_CALL_UNKNOWN, ""},
	{"HEAD", "/2018-06-01/runtime/invocation/next", RUNTIME_CALL_UNKNOWN, ""},
	{"get", "/2018-06-01/runtime/invocation/next", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/2018-06-01/runtime/init/error", RUNTIME_CALL_UNKNOWN, ""},
	{"PUT", "/2018-06-01/runtime/invocation/" UUID "/response", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/2018-06-01/runtime/invocation/" UUID "/response", RUNTIME_CALL_UNKNOWN, ""},

	/* Another path. */
	{"GET", "/", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/2018-06-01/runtime/", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/2020-01-01/extension/register", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/2018-06-01/runtime/invocation/next/", RUNTIME_CALL_UNKNOWN, ""},
	{"GET", "/x/2018-06-01/runtime/invocation/next", RUNTIME_CALL_UNKNOWN, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID, RUNTIME_CALL_UNKNOWN, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "/respond", RUNTIME_CALL_UNKNOWN, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "/errors", RUNTIME_CALL_UNKNOWN, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "/response/", RUNTIME_CALL_UNKNOWN, ""},

	/* What can be no id names none, and is not cut to one. */
	{"POST", "/2018-06-01/runtime/invocation//response", RUNTIME_CALL_RESPONSE, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID "0/response", RUNTIME_CALL_RESPONSE, ""},
	{"POST", "/2018-06-01/runtime/invocation/" UUID UUID UUID "/error", RUNTIME_CALL_ERROR, ""},
};

START_TEST(a_call_is_known_by_its_method_and_path)
{
	char id[RUNTIME_ID_MAX];

	memset(id, '#', sizeof id);
	ck_assert_msg(runtime_api_call(CALLS[_i].method, CALLS[_i].path, id) == CALLS[_i].call,
		"%s %s", CALLS[_i].method, CALLS[_i].path);
	ck_assert_str_eq(id, CALLS[_i].id);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime_api");
	TCase *tcase = tcase_create("runtime_api");

	tcase_add_loop_test(tcase, a_call_is_known_by_its_method_and_path, 0, N_OF(CALLS));
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}
