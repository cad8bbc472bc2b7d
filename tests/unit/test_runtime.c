/*
 * One runtime, as its own program sees it: what it may ask and answer, and what comes of how it
 * ends. Programs are tests/unit/lambda_lab.h's.
 */
#include <arpa/inet.h>
#include <check.h>
#include <sched.h>

#include "../support/test_suite.h"
#include "lambda_lab.h"

/* ---- What it is given ---- */

START_TEST(an_invocation_is_told_as_lambda_tells_it)
{
	lab_begin("id, event = ask()\n"
		  "answer(id)\n"
		  "status, h, event = call('GET', 'invocation/next')\n"
		  "left = int(h['lambda-runtime-deadline-ms']) - int(time.time() * 1000)\n"
		  "names = ('content-type', 'lambda-runtime-invoked-function-arn',\n"
		  "         'lambda-runtime-trace-id')\n"
		  "id = h['lambda-runtime-aws-request-id']\n"
		  "fail(id, 'Seen', ' '.join([str(status)] + [h[name] for name in names] + [\n"
		  "    str(len(id)), id[14], str(3590000 < left <= 3600000),\n"
		  "    event[:33].replace(chr(34), '')]))\n"
		  "sys.exit(0)\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_do("{}", JOB_FAILED,
		"Seen: 200 application/json arn:aws:lambda:local:000000000000:function:resize "
		"Root=1-5bef4de7-ad49b0e87f6ef6c8 36 4 True {Records:[{messageId:m-1,r");
}
END_TEST

START_TEST(its_environment_is_lambdas_and_nothing_of_ours)
{
	ck_assert_int_eq(setenv("DATABASE_PASSWORD", "secret", 1), 0);
	lab_options.child.limits.memory = 256u << 20;
	lab_begin("e = os.environ\n"
		  "id, event = ask()\n"
		  "root = e['LAMBDA_TASK_ROOT']\n"
		  "stream = e['AWS_LAMBDA_LOG_STREAM_NAME']\n"
		  "fail(id, 'Seen', ' '.join([e['_HANDLER'], e['AWS_LAMBDA_FUNCTION_NAME'],\n"
		  "    e['AWS_LAMBDA_FUNCTION_VERSION'], e['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],\n"
		  "    e['AWS_LAMBDA_LOG_GROUP_NAME'], e['TZ'], os.path.basename(root),\n"
		  "    str(os.getcwd() == root), stream[10:20], str(len(stream)),\n"
		  "    str('DATABASE_PASSWORD' in e), os.readlink('/proc/self/fd/0')]))\n");
	lab_do("{}", JOB_FAILED,
		"Seen: index.handler resize $LATEST 256 /aws/lambda/resize :UTC v1 True "
		"/[$LATEST] 52 False /dev/null");
}
END_TEST

/* ---- What it may say ---- */

/* Each is done while it has work, before it reports what came of it. */
static const struct {
	const char *does;
	const char *seen;
} CALLS[] = {
	{"s = call('GET', 'invocation/next')", "403 InvalidStateTransition"},
	{"s = answer('8476a536-e9f4-11e8-9739-2dfe598c3fcd')", "400 InvalidRequestID"},
	{"s = fail('x', 'A', 'b')", "400 InvalidRequestID"},
	{"s = answer('', '{}')", "400 InvalidRequestID"},
	{"s = call('POST', 'init/error', '{}')", "403 InvalidStateTransition"},
	{"s = call('GET', 'restore/next')", "403 InvalidStateTransition"},
	{"s = call('POST', 'restore/error', '{}')", "403 InvalidStateTransition"},
	{"s = call('GET', 'no/such')", "404 NotFound"},
	{"s = call('PUT', f'invocation/{id}/response', '{}')", "404 NotFound"},
};

START_TEST(a_call_out_of_turn_is_refused_and_costs_nothing)
{
	char script[1024], expected[64];

	snprintf(script, sizeof script,
		"while True:\n"
		"    id, event = ask()\n"
		"    %s\n"
		"    type = s[2].split('errorType')[1].split(chr(34))[2]\n"
		"    last = fail(id, 'Seen', f'{s[0]} {type}')\n"
		"    note(f'{last[0]} {last[2]}')\n",
		CALLS[_i].does);
	lab_begin(script);
	snprintf(expected, sizeof expected, "Seen: %s", CALLS[_i].seen);
	lab_do("{}", JOB_FAILED, expected);
	lab_do("{}", JOB_FAILED, expected);
	ck_assert_uint_eq(lab_n_starts(), 1);
	ck_assert_uint_ge(lab_n_notes("202 {\"status\":\"OK\"}"), 1);
}
END_TEST

START_TEST(an_answer_without_work_is_refused)
{
	lab_begin("early, _, _ = answer('x')\n"
		  "id, event = ask()\n"
		  "answer(id)\n"
		  "late, _, _ = answer(id)\n"
		  "id, event = ask()\n"
		  "fail(id, 'Seen', f'{early} {late}')\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_do("{}", JOB_FAILED, "Seen: 403 403");
}
END_TEST

/*
 * Asks on a connection, and returns when that is in hand: what the kernel has acknowledged before a
 * call is made is so by the next call's answer. The first job is done before.
 */
#define ASK_ON                                                                                     \
	"import fcntl, termios\n"                                                                  \
	"def ask_on(to):\n"                                                                        \
	"    send(to, 'GET', 'invocation/next')\n"                                                 \
	"    while any(fcntl.ioctl(to, termios.TIOCOUTQ, bytes(4))):\n"                            \
	"        time.sleep(0.001)\n"                                                              \
	"    call('GET', 'no/such')\n"                                                             \
	"    call('GET', 'no/such')\n"                                                             \
	"id, event = ask()\n"                                                                      \
	"answer(id)\n"                                                                             \
	"first, second = connect(), connect()\n"

static void ask_twice(const char *script)
{
	lab_options.max_runtimes = 1;
	lab_begin(script);
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_await(lab_n_notes("asked") == 1);
	lab_do("{}", JOB_COMPLETED, NULL);
	ck_assert_uint_eq(lab_n_starts(), 1);
}

START_TEST(of_two_questions_the_newer_counts)
{
	ask_twice(
		ASK_ON "ask_on(first)\n"
		       "ask_on(second)\n"
		       "note(f'asked {receive(first)[0]}')\n"
		       "answer(receive(second)[1]['lambda-runtime-aws-request-id'])\n" LAB_WILLING);
	ck_assert_uint_eq(lab_n_notes("asked 403\n"), 1);
}
END_TEST

START_TEST(who_hangs_up_while_it_waits_may_ask_again)
{
	ask_twice(
		ASK_ON "ask_on(first)\n"
		       "first.close()\n"
		       "ask_on(second)\n"
		       "note('asked')\n"
		       "answer(receive(second)[1]['lambda-runtime-aws-request-id'])\n" LAB_WILLING);
}
END_TEST

START_TEST(the_largest_answer_and_a_long_cause_are_taken)
{
	lab_begin("id, event = ask()\n"
		  "s, _, _ = answer(id, 'x' * (6 * 1024 * 1024 + 100))\n"
		  "id, event = ask()\n"
		  "cause = 'Lambda-Runtime-Function-XRay-Error-Cause: ' + 'x' * 1000000\n"
		  "kind = 'Lambda-Runtime-Function-Error-Type: Function.Odd'\n"
		  "call('POST', f'invocation/{id}/error', '{}', f'{cause}\\r\\n{kind}\\r\\n')\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_do("{}", JOB_FAILED, "Function.Odd");
}
END_TEST

START_TEST(a_larger_answer_is_refused_and_the_end_of_its_job_alone)
{
	lab_begin("large = 'x' * (6 * 1024 * 1024 + 101)\n"
		  "id, event = ask()\n"
		  "other, _, _ = answer('x', large)\n"
		  "own, _, refusal = answer(id, large)\n"
		  "late, _, _ = fail(id, 'A', 'b')\n"
		  "type = refusal.split('errorType')[1].split(chr(34))[2]\n"
		  "id, event = ask()\n"
		  "fail(id, 'Seen', f'{other} {own} {type} {late}')\n");
	lab_do("{}", JOB_FAILED,
		"Function.ResponseSizeTooLarge: the answer has more than 6291556 bytes");
	lab_do("{}", JOB_FAILED, "Seen: 400 413 RequestEntityTooLarge 403");
	ck_assert_uint_eq(lab_n_starts(), 1);
}
END_TEST

START_TEST(an_answer_that_names_the_message_fails_it)
{
	lab_begin("id, event = ask()\n"
		  "q = chr(34)\n"
		  "answer(id, f'{{{q}batchItemFailures{q}:[{{{q}itemIdentifier{q}:{q}" LAB_MESSAGE
		  "{q}}}]}}')\n"
		  "time.sleep(1000)\n");
	lab_do("{}", JOB_FAILED, "the handler's answer names the message in batchItemFailures");
}
END_TEST

/* ---- Who may say it ---- */

static unsigned short noted_port(void)
{
	lab_await(lab_n_notes("port ") == 1);
	return (unsigned short)lab_noted_pid("port ", 0);
}

START_TEST(a_process_that_we_did_not_start_is_cut_off)
{
	lab_begin(
		"note('port ' + os.environ['AWS_LAMBDA_RUNTIME_API'].split(':')[1])\n" LAB_WILLING);
	lab_do("{}", JOB_COMPLETED, NULL);
	const char request[] = "GET /2018-06-01/runtime/no/such HTTP/1.1\r\nHost: x\r\n\r\n";
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(noted_port()),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_gt(send(fd, request, strlen(request), MSG_NOSIGNAL), 0);
	char c;
	ssize_t n = -1;
	errno = EAGAIN;
	lab_await((n = recv(fd, &c, 1, MSG_DONTWAIT)) >= 0 || errno != EAGAIN);
	ck_assert_int_le(n, 0);
	close(fd);
}
END_TEST

START_TEST(its_children_may_speak_for_it_unless_they_left_its_session)
{
	lab_begin("def child(leave):\n"
		  "    pid = os.fork()\n"
		  "    if pid:\n"
		  "        return os.WEXITSTATUS(os.waitpid(pid, 0)[1])\n"
		  "    if leave:\n"
		  "        os.setsid()\n"
		  "    try:\n"
		  "        to = connect()\n"
		  "        send(to, 'GET', 'no/such')\n"
		  "        status = receive(to)[0]\n"
		  "    except (EOFError, ConnectionError):\n"
		  "        status = 0\n"
		  "    os._exit(status % 256)\n"
		  "id, event = ask()\n"
		  "fail(id, 'Seen', f'{child(False) + 256} {child(True)}')\n");
	lab_do("{}", JOB_FAILED, "Seen: 404 0");
}
END_TEST

/* ---- How it ends ---- */

static const struct {
	const char *script;
	const char *error;
} ENDS[] = {
	{"ask()\nsys.exit(7)\n", "Runtime.ExitError: the runtime exited with status 7"},
	{"ask()\nsys.stderr.write('first\\nlast words\\n\\n')\nsys.exit(7)\n",
		"Runtime.ExitError: the runtime exited with status 7: last words"},
	{"ask()\nsys.exit(0)\n", "Runtime.ExitError: the runtime exited with status 0"},
	{"ask()\nos.kill(os.getpid(), signal.SIGSEGV)\n",
		"Runtime.ExitError: the runtime was killed by SIGSEGV"},
	{"sys.exit('no luck')\n", "Runtime.ExitError: the runtime exited with status 1: no luck"},
	{"os.kill(os.getpid(), signal.SIGKILL)\n",
		"Runtime.ExitError: the runtime was killed by SIGKILL"},
	{"call('POST', 'init/error', '{\"errorType\":\"Init.Odd\",\"errorMessage\":\"no luck\"}')\n"
	 "sys.exit(1)\n",
		"Init.Odd: no luck"},
	/* Who says that it cannot, and stays, is not waited for. */
	{"call('POST', 'init/error', '', 'Lambda-Runtime-Function-Error-Type: Init.Odd\\r\\n')\n"
	 "time.sleep(1000)\n",
		"Init.Odd"},
};

START_TEST(a_runtime_that_ends_fails_its_job_and_says_how)
{
	lab_begin(ENDS[_i].script);
	lab_do("{}", JOB_FAILED, ENDS[_i].error);
	lab_do("{}", JOB_FAILED, ENDS[_i].error);
	ck_assert_uint_eq(lab_n_starts(), 2);
	lab_await(lab_is_gone(lab_started_pid(0)) && lab_is_gone(lab_started_pid(1)));
}
END_TEST

START_TEST(one_that_never_asks_is_killed_at_its_limit)
{
	lab_options.ask_limit = 300 * USEC_PER_MSEC;
	lab_begin("time.sleep(1000)\n");
	lab_do("{}", JOB_FAILED,
		"Runtime.InitTimeout: the runtime did not ask for work within 300ms");
	/* It may not even have come to its note. */
	ck_assert_uint_le(lab_n_starts(), 1);
}
END_TEST

START_TEST(one_that_never_asks_again_is_killed_and_that_is_logged)
{
	lab_begin("id, event = ask()\nanswer(id)\ntime.sleep(1000)\n");
	handler_unref(lab_handler);
	lab_options.ask_limit = 2 * USEC_PER_SEC;
	lab_make();
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_await(lab_is_gone(lab_started_pid(0)));
	ck_assert_ptr_nonnull(strstr(lab_logged(), "type=resize stderr: Runtime.InitTimeout: the "
						   "runtime did not ask for work within 2s\n"));
}
END_TEST

/* ---- What it writes ---- */

START_TEST(lines_have_the_job_that_they_were_written_for)
{
	lab_begin("def say(text, end='\\n'):\n"
		  "    print(text, end=end, flush=True)\n"
		  "    print('err ' + text, file=sys.stderr, flush=True)\n"
		  "say('before')\n"
		  "for n in range(3):\n"
		  "    id, event = ask()\n"
		  "    say(f'during {n}', '')\n"
		  "    answer(id)\n"
		  "    say(f'between {n}')\n"
		  "    note('said')\n");
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_await(lab_n_notes("said") == 1);
	lab_do("{}", JOB_COMPLETED, NULL);
	lab_await(count(lab_logged(), "between 1") == 2);
	static const char *const lines[] = {
		"type=resize stdout: before\n",
		"type=resize stderr: err before\n",
		"job=job-1 stdout: during 0\n",
		"job=job-1 stderr: err during 0\n",
		"type=resize stdout: between 0\n",
		"type=resize stderr: err between 0\n",
		"job=job-2 stdout: during 1\n",
		"job=job-2 stderr: err during 1\n",
		"type=resize stdout: between 1\n",
		"type=resize stderr: err between 1\n",
	};
	for (size_t i = 0; i < N_OF(lines); i++)
		ck_assert_msg(
			strstr(lab_logged(), lines[i]) != NULL, "%s\n%s", lines[i], lab_logged());
}
END_TEST

/* All of it is there before the loop, which stands still meanwhile, sees any of it. */
START_TEST(what_was_written_before_the_answer_is_its_jobs_however_much_it_is)
{
	lab_options.output = 0;
	lab_begin("import fcntl\n"
		  "id, event = ask()\n"
		  "fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)\n"
		  "note('busy')\n"
		  "until('go')\n"
		  "os.write(1, (b'x' * 999 + b'\\n') * 500 + b'last words\\n')\n"
		  "send(main, 'POST', f'invocation/{id}/response')\n"
		  "note('answered')\n"
		  "receive(main)\n"
		  "time.sleep(1000)\n");
	struct lab_run *run = lab_submit("{}");
	lab_await(lab_n_notes("busy") == 1);
	lab_write(lab_path("go"), "", 0600);
	while (lab_n_notes("answered") == 0)
		sched_yield();
	lab_expect(run, JOB_COMPLETED, NULL);
	ck_assert_ptr_nonnull(strstr(lab_logged(), "job=job-1 stdout: last words\n"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime");
	TCase *tcase = tcase_create("runtime");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, lab_setup, lab_teardown);
	tcase_add_test(tcase, an_invocation_is_told_as_lambda_tells_it);
	tcase_add_test(tcase, its_environment_is_lambdas_and_nothing_of_ours);
	tcase_add_loop_test(tcase, a_call_out_of_turn_is_refused_and_costs_nothing, 0, N_OF(CALLS));
	tcase_add_test(tcase, an_answer_without_work_is_refused);
	tcase_add_test(tcase, of_two_questions_the_newer_counts);
	tcase_add_test(tcase, who_hangs_up_while_it_waits_may_ask_again);
	tcase_add_test(tcase, the_largest_answer_and_a_long_cause_are_taken);
	tcase_add_test(tcase, a_larger_answer_is_refused_and_the_end_of_its_job_alone);
	tcase_add_test(tcase, an_answer_that_names_the_message_fails_it);
	tcase_add_test(tcase, a_process_that_we_did_not_start_is_cut_off);
	tcase_add_test(tcase, its_children_may_speak_for_it_unless_they_left_its_session);
	tcase_add_loop_test(tcase, a_runtime_that_ends_fails_its_job_and_says_how, 0, N_OF(ENDS));
	tcase_add_test(tcase, one_that_never_asks_is_killed_at_its_limit);
	tcase_add_test(tcase, one_that_never_asks_again_is_killed_and_that_is_logged);
	tcase_add_test(tcase, lines_have_the_job_that_they_were_written_for);
	tcase_add_test(tcase, what_was_written_before_the_answer_is_its_jobs_however_much_it_is);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}
