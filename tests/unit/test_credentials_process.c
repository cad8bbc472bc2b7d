/*
 * Real programs: shell scripts that each test writes. That a program and what it started are gone
 * is seen by a FIFO, whose reading end is at its end when nobody can write to it any more.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>

#include "../support/test_descriptors.h"
#include "../support/test_environment.h"
#include "../support/test_folder.h"
#include "../support/test_search.h"
#include "../support/test_suite.h"
#include "aws/credentials_process.h"
#include "base/file.h"

#define WAIT_MAX     (20 * USEC_PER_SEC)
#define KEYS         "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"secret/key\""
#define KEYS_OF_2020 KEYS ",\"Expiration\":\"2020-01-02T03:04:05Z\""
#define PRINT        "printf '{\"Version\":1," KEYS "}'\n"
#define SOURCE       "credential_process of profile worker in config"
/* Whoever may write to the FIFO inherits that from the script; it says that it has come so far. */
#define HOLD "exec 9>fifo\n"
#define TELL "echo >&9\n"

static const char *folder;
static int fifo = -1;
static struct test_search t;

static void setup(void)
{
	test_search_init(&t);
	folder = test_folder_enter();
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	fifo = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fifo, 0);
}

static void teardown(void)
{
	test_search_done(&t);
	close(fifo);
	test_folder_leave();
}

static void write_script(const char *lines)
{
	_cleanup_free_ char *script = NULL;

	ck_assert_int_gt(asprintf(&script, "#!/bin/sh\n%s", lines), 0);
	test_write_program("script", script);
}

static int start(const char *command, usec_t timeout)
{
	const struct credentials_process what = {command, SOURCE, timeout};

	test_search_prepare(&t);
	return credentials_process_start(&t.search, &what);
}

static void turn(void)
{
	ck_assert_int_gt(sd_event_run(t.event, WAIT_MAX), 0);
}

/* Runs it to its end. */
static int run(const char *lines)
{
	write_script(lines);
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	return test_search_await(&t);
}

static bool has_children(void)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		return true;
	ck_assert_int_eq(errno, ECHILD);
	return false;
}

/* Until the script has come to its TELL. */
static void await_fifo(void)
{
	struct pollfd wait = {.fd = fifo, .events = POLLIN};
	char c;

	ck_assert_int_eq(poll(&wait, 1, (int)(WAIT_MAX / USEC_PER_MSEC)), 1);
	ck_assert_int_eq(read(fifo, &c, 1), 1);
}

/* Until nobody is left who could write. */
static void await_fifo_end(void)
{
	struct pollfd wait = {.fd = fifo, .events = POLLIN};
	char c;

	ck_assert_int_eq(poll(&wait, 1, (int)(WAIT_MAX / USEC_PER_MSEC)), 1);
	ck_assert_int_eq(read(fifo, &c, 1), 0);
}

/* ---- What it gives ---- */

START_TEST(what_it_prints_are_the_credentials)
{
	ck_assert_int_eq(run("cat <<'END'\n{\"Version\":1," KEYS ",\"SessionToken\":\"token\","
			     "\"Expiration\":\"2126-01-02T03:04:05Z\"}\nEND\n"),
		0);
	ck_assert_str_eq(t.found->access_key_id, "AKID");
	ck_assert_str_eq(t.found->secret_access_key, "secret/key");
	ck_assert_str_eq(t.found->session_token, "token");
	ck_assert_str_eq(t.found->source, SOURCE);
	ck_assert_uint_eq(t.found->expires_at, 4922996645 * USEC_PER_SEC);
	ck_assert(!has_children());
}
END_TEST

START_TEST(without_an_expiration_they_are_for_ever)
{
	ck_assert_int_eq(run("echo warning >&2\n" PRINT), 0);
	ck_assert_ptr_null(t.found->session_token);
	ck_assert_uint_eq(t.found->expires_at, USEC_INFINITY);
}
END_TEST

START_TEST(an_answer_may_be_longer_than_a_pipe)
{
	ck_assert_int_eq(run("head -c 1000000 /dev/zero | tr '\\0' ' '\n" PRINT), 0);
	ck_assert_str_eq(t.found->access_key_id, "AKID");
}
END_TEST

START_TEST(its_words_are_passed_as_they_are_written)
{
	_cleanup_strbuf_ struct strbuf told = STRBUF_INIT;

	write_script("for a; do echo \"[$a]\"; done >told\n" PRINT);
	ck_assert_int_eq(start("./script 'two words' $HOME \"*\" ''", WAIT_MAX), -EINPROGRESS);
	ck_assert_int_eq(test_search_await(&t), 0);
	ck_assert_int_eq(file_read("told", 4096, &told), 0);
	ck_assert_str_eq(strbuf_str(&told), "[two words]\n[$HOME]\n[*]\n[]\n");
}
END_TEST

/* ---- What it sees ---- */

START_TEST(it_sees_the_environment_that_it_is_given)
{
	const char *const given[] = {"ONE=1", "TWO=two words", NULL};
	_cleanup_strbuf_ struct strbuf told = STRBUF_INIT;

	setenv("THREE", "3", 1);
	t.means.program_environment = given;
	ck_assert_int_eq(run("tr '\\0' '\\n' </proc/$$/environ >told\n" PRINT), 0);
	ck_assert_int_eq(file_read("told", 4096, &told), 0);
	ck_assert_str_eq(strbuf_str(&told), "ONE=1\nTWO=two words\n");
}
END_TEST

START_TEST(it_reads_nothing_and_may_wait_for_room_to_write)
{
	_cleanup_strbuf_ struct strbuf told = STRBUF_INIT;

	ck_assert_int_eq(run("readlink /proc/$$/fd/0 >told\n"
			     "grep flags /proc/$$/fdinfo/1 /proc/$$/fdinfo/2 | "
			     "sed 's/.*\\t//' >>told\n" PRINT),
		0);
	ck_assert_int_eq(file_read("told", 4096, &told), 0);
	ck_assert_str_eq(strbuf_str(&told), "/dev/null\n01\n01\n");
}
END_TEST

START_TEST(a_program_is_searched_for_in_the_path)
{
	write_script(PRINT);
	test_environment_set("PATH", "/none:/tmp");
	ck_assert_int_eq(start("script", WAIT_MAX), -EINVAL);
	ck_assert_str_eq(t.search.text, SOURCE ": script is in no folder of PATH");
	test_environment_set("PATH", folder);
	ck_assert_int_eq(start("script", WAIT_MAX), -EINPROGRESS);
	ck_assert_int_eq(test_search_await(&t), 0);
}
END_TEST

/* ---- How it fails ---- */

static const struct {
	const char *lines;
	int r;
	const char *text; /* behind the source */
} FAILURES[] = {
	{"exit 3", -EIO, "./script ended with status 3"},
	{"echo first >&2; echo last >&2; exit 1", -EIO, "./script ended with status 1: last"},
	{"printf ' \\t the last \\n\\n \\n' >&2; exit 1", -EIO,
		"./script ended with status 1: the last "},
	{"printf 'one\\r\\nnext\\rtwo\\033[1m\\303\\251' >&2; exit 255", -EIO,
		"./script ended with status 255: two?[1m??"},
	{PRINT "exit 1", -EIO, "./script ended with status 1"},
	{PRINT "kill -TERM $$", -EIO, "./script was killed by SIGTERM"},
	{"echo why >&2; kill -KILL $$", -EIO, "./script was killed by SIGKILL: why"},
	{"echo AKID secret", -EBADMSG, "the answer is not JSON"},
	{"exit 0", -EBADMSG, "./script printed nothing"},
	{"echo '{\"Version\":1,' ", -EBADMSG, "the answer ends early"},
	{"echo '{\"Version\":1," KEYS_OF_2020 "}'", -EAGAIN,
		"./script gives keys that have ended already"},
	{"echo '{" KEYS "}'", -EBADMSG, "Version must be the number 1"},
	{"yes", -EMSGSIZE, "./script printed more than 1048576 bytes"},
};

START_TEST(a_failure_says_what_happened_in_one_line)
{
	_cleanup_free_ char *expected = NULL;

	ck_assert_int_eq(run(FAILURES[_i].lines), FAILURES[_i].r);
	ck_assert_int_gt(asprintf(&expected, SOURCE ": %s", FAILURES[_i].text), 0);
	ck_assert_str_eq(t.search.text, expected);
	ck_assert_ptr_null(t.found);
}
END_TEST

START_TEST(the_last_line_counts_however_much_comes_before_it)
{
	siginfo_t info;

	write_script("printf '%050000d\\nlast\\n' 0 >&2; exit 1");
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	/* It has ended before anything was read. */
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(test_search_await(&t), -EIO);
	ck_assert_str_eq(t.search.text, SOURCE ": ./script ended with status 1: last");
}
END_TEST

START_TEST(of_what_it_complains_about_only_so_much_is_quoted)
{
	ck_assert_int_eq(run("printf '%0100000d' 0 >&2; exit 1"), -EIO);
	const char *quoted = strrchr(t.search.text, ' ') + 1;
	ck_assert_uint_eq(strlen(quoted), 203);
	ck_assert_str_eq(quoted + 200, "...");
}
END_TEST

static const struct {
	const char *command;
	const char *text;
} REFUSALS[] = {
	{"", "it names no program"},
	{" ", "it names no program"},
	{"'./script", "a quote in it is not closed"},
	{"./script \\", "nothing follows its last backslash"},
	{"./none --secret=1", "./none cannot be run: No such file or directory"},
	{"''", " is in no folder of PATH"},
	{"/etc/passwd --secret=1", "/etc/passwd cannot be run: Permission denied"},
	{"/", "/ cannot be run: Permission denied"},
	{"./script", "./script cannot be run: Exec format error"},
};

START_TEST(what_cannot_be_run_is_refused_at_once)
{
	_cleanup_free_ char *expected = NULL;

	test_write_program("script", "no script\n");
	ck_assert_int_eq(start(REFUSALS[_i].command, WAIT_MAX), -EINVAL);
	ck_assert_int_gt(asprintf(&expected, SOURCE ": %s", REFUSALS[_i].text), 0);
	ck_assert_str_eq(t.search.text, expected);
	ck_assert(!has_children());
}
END_TEST

/* ---- How it ends ---- */

START_TEST(at_the_deadline_it_is_killed_with_all_that_it_started)
{
	write_script(HOLD "sleep 30 &\n" TELL "wait\n");
	ck_assert_int_eq(start("./script", 300 * USEC_PER_MSEC), -EINPROGRESS);
	await_fifo();
	ck_assert_int_eq(test_search_await(&t), -ETIMEDOUT);
	ck_assert_str_eq(
		t.search.text, SOURCE ": ./script was killed, for it had not ended after 300ms");
	await_fifo_end();
	while (has_children())
		turn();
}
END_TEST

static const char *const ENDLESS[] = {HOLD TELL "exec yes\n", HOLD TELL "exec yes >&2\n"};

START_TEST(who_prints_or_complains_for_ever_is_killed_too)
{
	write_script(ENDLESS[_i]);
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	await_fifo();
	ck_assert_int_eq(test_search_await(&t), -EMSGSIZE);
	await_fifo_end();
	while (has_children())
		turn();
}
END_TEST

START_TEST(a_variable_before_the_program_is_refused_and_not_quoted)
{
	ck_assert_int_eq(start("VAULT_TOKEN=hush /bin/true", WAIT_MAX), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(t.search.text, ": it begins with a variable, which only a shell"));
	ck_assert_ptr_null(strstr(t.search.text, "hush"));
	write_script("#!/bin/sh\n" PRINT);
	ck_assert_int_eq(rename("script", "a=b"), 0);
	ck_assert_int_eq(start("./a=b", WAIT_MAX), -EINPROGRESS);
	ck_assert_int_eq(test_search_await(&t), 0);
}
END_TEST

START_TEST(what_it_leaves_behind_is_not_waited_for_but_killed)
{
	ck_assert_int_eq(run(HOLD "sleep 30 &\n" PRINT), 0);
	ck_assert_str_eq(t.found->access_key_id, "AKID");
	await_fifo_end();
	ck_assert(!has_children());
}
END_TEST

START_TEST(a_cancel_kills_it_with_all_that_it_started_and_nothing_is_heard)
{
	write_script(HOLD "sleep 30 &\n" TELL "wait\n");
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	await_fifo();
	credential_search_cancel(&t.search);
	await_fifo_end();
	while (has_children())
		turn();
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

START_TEST(a_cancel_at_once_or_after_its_end_is_as_good)
{
	siginfo_t info;

	write_script(PRINT);
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	credential_search_cancel(&t.search);
	while (has_children())
		turn();

	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	credential_search_cancel(&t.search);
	while (has_children())
		turn();
	ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

START_TEST(a_hundred_runs_and_cancels_leave_nothing_behind)
{
	write_script(PRINT);
	ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
	ck_assert_int_eq(test_search_await(&t), 0);
	unsigned before = test_descriptors();

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
		ck_assert_int_eq(test_search_await(&t), 0);
		ck_assert_int_eq(start("./script", WAIT_MAX), -EINPROGRESS);
		credential_search_cancel(&t.search);
		while (has_children())
			turn();
		ck_assert_int_eq(start("./none", WAIT_MAX), -EINVAL);
	}
	ck_assert_uint_eq(test_descriptors(), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("credentials process");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, what_it_prints_are_the_credentials);
	tcase_add_test(all, without_an_expiration_they_are_for_ever);
	tcase_add_test(all, an_answer_may_be_longer_than_a_pipe);
	tcase_add_test(all, its_words_are_passed_as_they_are_written);
	tcase_add_test(all, it_sees_the_environment_that_it_is_given);
	tcase_add_test(all, it_reads_nothing_and_may_wait_for_room_to_write);
	tcase_add_test(all, a_program_is_searched_for_in_the_path);
	tcase_add_loop_test(all, a_failure_says_what_happened_in_one_line, 0, N_OF(FAILURES));
	tcase_add_test(all, the_last_line_counts_however_much_comes_before_it);
	tcase_add_test(all, of_what_it_complains_about_only_so_much_is_quoted);
	tcase_add_loop_test(all, what_cannot_be_run_is_refused_at_once, 0, N_OF(REFUSALS));
	tcase_add_test(all, at_the_deadline_it_is_killed_with_all_that_it_started);
	tcase_add_loop_test(all, who_prints_or_complains_for_ever_is_killed_too, 0, N_OF(ENDLESS));
	tcase_add_test(all, a_variable_before_the_program_is_refused_and_not_quoted);
	tcase_add_test(all, what_it_leaves_behind_is_not_waited_for_but_killed);
	tcase_add_test(all, a_cancel_kills_it_with_all_that_it_started_and_nothing_is_heard);
	tcase_add_test(all, a_cancel_at_once_or_after_its_end_is_as_good);
	tcase_add_test(all, a_hundred_runs_and_cancels_leave_nothing_behind);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
