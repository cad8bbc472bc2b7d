#include <check.h>
#include <errno.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "handler/output.h"
#include "log_capture.h"

static struct output output;
static int log_fd;

static void setup_output(void)
{
	setup();
	log_fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(log_fd, 0);
	become_stderr(dup(log_fd));
	ck_assert_int_eq(open_log(LOG_FORMAT_JSON), 0);
	output_init(&output, "resize", 0);
}

static void teardown_output(void)
{
	close(log_fd);
	teardown();
}

static void take(enum output_stream stream, const char *text)
{
	output_take(&output, stream, text, strlen(text));
}

/* All that was logged, without the times. */
static const char *logged(void)
{
	static char raw[64u << 10], text[64u << 10];
	char *to = text;
	ssize_t n = pread(log_fd, raw, sizeof raw - 1, 0);

	ck_assert_int_ge(n, 0);
	raw[n] = '\0';
	for (const char *line = raw; *line;) {
		size_t len = strcspn(line, "\n") + 1;
		const char *from = strstr(line, "\"level\"");
		ck_assert_ptr_nonnull(from);
		to = mempcpy(to, from, len - (size_t)(from - line));
		line += len;
	}
	*to = '\0';
	return text;
}

#define JOB_FIELDS(stream)                                                                         \
	"\"job_id\":\"j-1\",\"job_type\":\"resize\",\"attempt\":\"2\",\"stream\":\"" stream "\"}"  \
	"\n"

START_TEST(each_line_is_one_in_the_log_with_its_job_and_stream)
{
	output_begin(&output, "j-1", 2);
	take(OUTPUT_STDOUT, "one\ntw");
	take(OUTPUT_STDERR, "careful\n");
	take(OUTPUT_STDOUT, "o\r\n\nthree");
	output_end(&output);
	const char *const expected =
		"\"level\":\"info\",\"message\":\"job=j-1 stdout: "
		"one\"," JOB_FIELDS("stdout") "\"level\":\"notice\",\"message\":"
					      "\"job=j-1 stderr: "
					      "careful\"," JOB_FIELDS(
						      "stderr") "\"level\":\"info\","
								"\"message\":\"job=j-1 stdout: "
								"two\"," JOB_FIELDS(
									"stdout") "\"level\":"
										  "\"info\","
										  "\"message\":"
										  "\"job=j-1 "
										  "stdout: "
										  "three\""
										  "," JOB_FIELDS(
											  "s"
											  "t"
											  "d"
											  "o"
											  "u"
											  "t");
	ck_assert_str_eq(logged(), expected);
}
END_TEST

START_TEST(a_line_between_two_jobs_is_nobodys)
{
	output_begin(&output, "j-1", 2);
	take(OUTPUT_STDOUT, "half");
	output_end(&output);
	take(OUTPUT_STDOUT, "idle\n");
	const char *const expected =
		"\"level\":\"info\",\"message\":\"job=j-1 stdout: half\"," JOB_FIELDS(
			"stdout") "\"level\":\"info\",\"message\":\"type=resize stdout: idle\","
				  "\"job_type\":\"resize\",\"stream\":\"stdout\"}\n";
	ck_assert_str_eq(logged(), expected);
}
END_TEST

static const struct {
	const char *line;
	const char *logged;
} PRIORITIES[] = {
	{"<4>low\n", "\"level\":\"warning\",\"message\":\"type=resize stdout: low\""},
	{"<0>gone\n", "\"level\":\"error\",\"message\":\"type=resize stdout: gone\""},
	{"<8>x\n", "\"level\":\"info\",\"message\":\"type=resize stdout: <8>x\""},
	{"<3\n", "\"level\":\"info\",\"message\":\"type=resize stdout: <3\""},
};

START_TEST(a_line_may_say_its_priority)
{
	take(OUTPUT_STDOUT, PRIORITIES[_i].line);
	ck_assert_msg(strncmp(logged(), PRIORITIES[_i].logged, strlen(PRIORITIES[_i].logged)) == 0,
		"%s", logged());
}
END_TEST

START_TEST(a_nul_does_not_end_a_line)
{
	output_take(&output, OUTPUT_STDOUT, "a\0b\0\n", 5);
	ck_assert_ptr_nonnull(strstr(logged(), "stdout: a?b?\""));
}
END_TEST

START_TEST(a_line_that_is_too_long_comes_in_pieces_that_cut_no_character)
{
	char line[2 * OUTPUT_LINE_MAX + 2];

	/* The ceiling lies within a character. */
	line[0] = 'x';
	for (size_t i = 1; i + 1 < sizeof line - 1; i += 2)
		memcpy(line + i, "é", 2);
	line[sizeof line - 1] = '\0';
	take(OUTPUT_STDERR, line);
	take(OUTPUT_STDERR, "\nnext\n");
	const char *log = logged();
	ck_assert_ptr_null(strstr(log, "\\ufffd"));
	size_t pieces = 0, bytes = 0;
	for (const char *at = log; (at = strstr(at, "stderr: ")); pieces++) {
		at += strlen("stderr: ");
		bytes += strcspn(at, "\"");
	}
	ck_assert_uint_eq(pieces, 4);
	ck_assert_uint_eq(bytes, sizeof line - 1 + strlen("next"));
	ck_assert_str_eq(output_last(&output), "next");
}
END_TEST

START_TEST(of_a_long_last_line_the_beginning_is_kept)
{
	char line[3 * OUTPUT_LINE_MAX + 1];

	memset(line, 'b', sizeof line - 1);
	line[0] = 'a';
	line[sizeof line - 1] = '\0';
	take(OUTPUT_STDERR, line);
	output_end(&output);
	ck_assert_uint_eq(strlen(output_last(&output)), OUTPUT_LAST_MAX);
	ck_assert_int_eq(output_last(&output)[0], 'a');
}
END_TEST

static const struct {
	const char *said;
	const char *last;
} LASTS[] = {
	{"", ""},
	{"\n \t\n", ""},
	{"one\ntwo\n", "two"},
	{"one\n  two\t \n\n  \n", "two"},
	{"one\ntwo", "two"},
	{"<3>wrong\n", "wrong"},
	{"FATAL ERROR: no memory\n 1: 0xb78db3 node::OOMErrorHandler()\n",
		"FATAL ERROR: no memory"},
	{"no FATAL ERROR: \nonly a warning\n", "only a warning"},
};

START_TEST(the_last_line_of_stderr_that_says_something_is_kept)
{
	output_begin(&output, "j-1", 1);
	take(OUTPUT_STDERR, LASTS[_i].said);
	take(OUTPUT_STDOUT, "out\n");
	output_end(&output);
	ck_assert_str_eq(output_last(&output), LASTS[_i].last);
	output_begin(&output, "j-2", 1);
	ck_assert_str_eq(output_last(&output), "");
}
END_TEST

START_TEST(beyond_the_ceiling_it_is_counted_and_the_last_line_still_kept)
{
	output_init(&output, "resize", 10);
	output_begin(&output, "j-1", 2);
	take(OUTPUT_STDOUT, "12345\n");
	take(OUTPUT_STDERR, "abc\n");
	take(OUTPUT_STDERR, "dropped\n");
	take(OUTPUT_STDOUT, "dropped too\n");
	output_end(&output);
	ck_assert_ptr_null(strstr(logged(), "dropped"));
	ck_assert_ptr_nonnull(strstr(logged(), "stderr: abc\""));
	ck_assert_ptr_nonnull(strstr(logged(),
		"\"level\":\"warning\",\"message\":\"job=j-1 output: of 30 bytes those beyond 10 "
		"were not logged (key output)\""));
	ck_assert_str_eq(output_last(&output), "dropped");

	/* The next job has its own. */
	output_begin(&output, "j-2", 1);
	take(OUTPUT_STDOUT, "again\n");
	ck_assert_ptr_nonnull(strstr(logged(), "job=j-2 stdout: again\""));
}
END_TEST

START_TEST(a_pipe_is_read_until_nothing_is_there_and_to_its_end)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(output_read(&output, OUTPUT_STDOUT, fds[0]), -EAGAIN);
	ck_assert_int_eq(write(fds[1], "in\n", 3), 3);
	ck_assert_int_eq(output_read(&output, OUTPUT_STDOUT, fds[0]), 3);
	close(fds[1]);
	ck_assert_int_eq(output_read(&output, OUTPUT_STDOUT, fds[0]), 0);
	ck_assert_ptr_nonnull(strstr(logged(), "stdout: in\""));
	close(fds[0]);
}
END_TEST

START_TEST(one_who_writes_without_end_is_not_listened_to_for_ever)
{
	_cleanup_close_ int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	output_init(&output, "resize", 1);
	ck_assert_int_gt(output_drain(&output, OUTPUT_STDERR, fd), 0);
	ck_assert_uint_eq(output.n_bytes, 1u << 20);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("output");
	TCase *lines = tcase_create("lines");

	tcase_add_checked_fixture(lines, setup_output, teardown_output);
	tcase_add_test(lines, each_line_is_one_in_the_log_with_its_job_and_stream);
	tcase_add_test(lines, a_line_between_two_jobs_is_nobodys);
	tcase_add_loop_test(lines, a_line_may_say_its_priority, 0, N_OF(PRIORITIES));
	tcase_add_test(lines, a_nul_does_not_end_a_line);
	tcase_add_test(lines, a_line_that_is_too_long_comes_in_pieces_that_cut_no_character);
	tcase_add_test(lines, of_a_long_last_line_the_beginning_is_kept);
	tcase_add_loop_test(
		lines, the_last_line_of_stderr_that_says_something_is_kept, 0, N_OF(LASTS));
	tcase_add_test(lines, beyond_the_ceiling_it_is_counted_and_the_last_line_still_kept);
	tcase_add_test(lines, a_pipe_is_read_until_nothing_is_there_and_to_its_end);
	tcase_add_test(lines, one_who_writes_without_end_is_not_listened_to_for_ever);
	suite_add_tcase(suite, lines);
	return test_suite_run(suite);
}
