#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "../support/test_suite.h"
#include "base/clock.h"
#include "log_capture.h"

START_TEST(before_it_is_opened_lines_go_to_stderr_as_text)
{
	int fd = pipe_as_stderr();

	log_info("hello %d", 5);
	log_debug("not this");
	ck_assert_str_eq(after_time(read_all(fd)), "info    hello 5\n");
}
END_TEST

static int n_evaluated;

static int evaluate(void)
{
	return ++n_evaluated;
}

START_TEST(below_the_level_nothing_is_written_or_evaluated)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_set_level(LOG_WARNING);
	log_info("%d", evaluate());
	log_notice("%d", evaluate());
	ck_assert_str_eq(read_all(fd), "");
	ck_assert_int_eq(n_evaluated, 0);

	log_warning("%d", evaluate());
	ck_assert_str_eq(after_time(read_all(fd)), "warning 1\n");
	log_set_level(LOG_DEBUG);
	log_debug("%d", evaluate());
	ck_assert_str_eq(after_time(read_all(fd)), "debug   2\n");
}
END_TEST

START_TEST(levels_have_names)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};

	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(log_level_name(LOG_ERR + i), names[i]);
	ck_assert_str_eq(log_level_name(LOG_EMERG), "error");
}
END_TEST

START_TEST(errno_is_kept_and_may_be_printed)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_JSON), 0);
	ck_assert_int_eq(close(fd), 0);
	errno = ENOENT;
	log_info("into the void");
	ck_assert_int_eq(errno, ENOENT);

	fd = pipe_as_stderr();
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	errno = ENOENT;
	log_info("%m");
	ck_assert_ptr_nonnull(strstr(read_all(fd), "No such file or directory\n"));
}
END_TEST

START_TEST(an_endless_message_is_cut_and_marked)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_info("%01000000d", 0);
	const char *line = read_all(fd);
	ck_assert_uint_gt(strlen(line), 3000);
	ck_assert_uint_le(strlen(line), 4096);
	ck_assert_str_eq(line + strlen(line) - strlen("0…\n"), "0…\n");
}
END_TEST

static void assert_drops_are_said(int fd)
{
	char notice[80];
	unsigned n_dropped = overfill(fd);

	snprintf(notice, sizeof notice,
		"warning %u log lines were dropped: stderr did not take them in time\n", n_dropped);
	log_info("after");
	const char *text = after_time(read_all(fd));
	ck_assert_msg(strncmp(text, notice, strlen(notice)) == 0, "%s is not %s", text, notice);
	ck_assert_str_eq(after_time(text + strlen(notice)), "info    after\n");

	log_info("and no more");
	ck_assert_str_eq(after_time(read_all(fd)), "info    and no more\n");
}

START_TEST(what_a_full_pipe_does_not_take_is_counted_and_said_once)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	assert_drops_are_said(fd);
}
END_TEST

START_TEST(a_full_pipe_that_cannot_be_opened_anew_does_not_block_either)
{
	struct rlimit limit;
	int fd = pipe_as_stderr();

	/* Being another user's is the usual reason; out of descriptors has the same effect. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 3;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_drops_are_said(fd);
	close(fd);
	log_info("into the void");
}
END_TEST

START_TEST(what_a_full_socket_does_not_take_is_counted_and_said_once)
{
	int fd = socket_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	assert_drops_are_said(fd);
}
END_TEST

START_TEST(a_single_dropped_line_is_said_in_the_singular)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	fcntl(fd, F_SETPIPE_SZ, 4096);
	/* Two lines of 2044 bytes, and no more. */
	log_info("%02010d", 0);
	log_info("%02010d", 0);
	log_info("dropped");
	read_all(fd);
	log_info("after");
	ck_assert_ptr_nonnull(
		strstr(read_all(fd), "1 log line was dropped: stderr did not take it in time\n"));
}
END_TEST

static usec_t shown = USEC_PER_HOUR;

static usec_t show(void)
{
	return shown;
}

START_TEST(drops_are_said_once_a_second_at_most_and_none_is_forgotten)
{
	int fd = pipe_as_stderr();
	char notice[80];

	clock_replace(show);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	overfill(fd);
	log_info("after");
	ck_assert_uint_eq(count(read_all(fd), " log lines were dropped: "), 1);

	unsigned n_dropped = overfill(fd);
	shown += USEC_PER_SEC - 1;
	n_dropped += overfill(fd);
	log_info("after");
	ck_assert_uint_eq(count(read_all(fd), "dropped"), 0);

	shown += 1;
	log_info("after");
	snprintf(notice, sizeof notice, "%u log lines were dropped: ", n_dropped);
	ck_assert_ptr_nonnull(strstr(read_all(fd), notice));
	clock_replace(NULL);
}
END_TEST

START_TEST(what_was_dropped_is_said_at_the_end_at_the_latest)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	overfill(fd);
	log_close();
	ck_assert_ptr_nonnull(strstr(read_all(fd), " log lines were dropped: "));
}
END_TEST

START_TEST(a_pipe_that_others_hold_too_stays_as_they_know_it)
{
	pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_info("hello");
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(a_reader_that_went_away_does_no_harm)
{
	close(pipe_as_stderr());
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_info("hello");
	close(socket_as_stderr());
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_info("hello");
}
END_TEST

#define N_WRITERS 4
#define N_LINES   2000

static void *write_lines(void *userdata)
{
	const char *letter = userdata;

	for (int i = 0; i < N_LINES; i++)
		log_info("<%s%s%s>", letter, letter, letter);
	return NULL;
}

struct reading {
	int fd;
	unsigned n_lines;
	uint64_t n_dropped;
};

static void read_line(struct reading *r, const char *line)
{
	unsigned long long n_dropped;
	const char *text = after_time(line);

	if (sscanf(text, "warning %llu log line", &n_dropped) == 1) {
		r->n_dropped += n_dropped;
		return;
	}
	for (const char *letters = "abcd"; *letters; letters++) {
		char expected[32];
		snprintf(expected, sizeof expected, "info    <%1$c%1$c%1$c>\n", *letters);
		if (strcmp(text, expected) == 0) {
			r->n_lines++;
			return;
		}
	}
	ck_abort_msg("a line of two: %s", line);
}

static void *read_lines(void *userdata)
{
	struct reading *r = userdata;
	FILE *f = fdopen(r->fd, "r");
	char line[256];

	while (fgets(line, sizeof line, f))
		read_line(r, line);
	fclose(f);
	return NULL;
}

START_TEST(lines_of_many_threads_do_not_mix_and_none_is_lost_uncounted)
{
	static const char *const letters[N_WRITERS] = {"a", "b", "c", "d"};
	struct reading reading = {.fd = pipe_as_stderr()};
	pthread_t writers[N_WRITERS], reader;

	fcntl(reading.fd, F_SETFL, 0);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	pthread_create(&reader, NULL, read_lines, &reading);
	for (int i = 0; i < N_WRITERS; i++)
		pthread_create(&writers[i], NULL, write_lines, (void *)letters[i]);
	for (int i = 0; i < N_WRITERS; i++)
		pthread_join(writers[i], NULL);
	/* The reader makes room before long, and then the last count is taken. */
	ck_assert_int_eq(poll(&(struct pollfd){STDERR_FILENO, POLLOUT, 0}, 1, 30000), 1);
	log_close();
	close(STDERR_FILENO);
	pthread_join(reader, NULL);
	ck_assert_uint_eq(reading.n_lines + reading.n_dropped, N_WRITERS * N_LINES);
}
END_TEST

START_TEST(a_file_takes_everything)
{
	int fd = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
	int again = open("file", O_RDONLY);

	become_stderr(fd);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	for (int i = 0; i < 10000; i++)
		log_info("hello");
	ck_assert_uint_eq(count(read_all(again), "info    hello\n"), 10000);
}
END_TEST

/* A terminal as our stderr; the end at which a person would sit. */
static int terminal_as_stderr(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	become_stderr(open(ptsname(master), O_RDWR | O_NOCTTY));
	return master;
}

START_TEST(a_terminal_gets_colour_unless_told_not_to)
{
	int fd = terminal_as_stderr();

	setenv("TERM", "xterm", true);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_error("hello");
	ck_assert_ptr_nonnull(strstr(read_all(fd), "\033[1;31m error   hello\033[0m\r\n"));

	setenv("NO_COLOR", "", true);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_error("hello");
	ck_assert_ptr_nonnull(strstr(read_all(fd), "\033[1;31m"));

	setenv("NO_COLOR", "1", true);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_error("hello");
	ck_assert_str_eq(after_time(read_all(fd)), "error   hello\r\n");

	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", true);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_error("hello");
	ck_assert_str_eq(after_time(read_all(fd)), "error   hello\r\n");
}
END_TEST

START_TEST(json_lines_carry_the_fields_and_text_does_not)
{
	int fd = pipe_as_stderr();
	struct log_field field = {"NEXUS_JOB_ID", "test-123"};

	ck_assert_int_eq(open_log(LOG_FORMAT_JSON), 0);
	log_event(LOG_INFO, &field, 1, "hello %d", 5);
	json_t *json = json_loads(read_all(fd), 0, NULL);
	ck_assert_str_eq(json_string_value(json_object_get(json, "message")), "hello 5");
	ck_assert_str_eq(json_string_value(json_object_get(json, "job_id")), "test-123");
	json_decref(json);

	ck_assert_int_eq(log_set_format(LOG_FORMAT_TEXT), 0);
	log_event(LOG_INFO, &field, 1, "hello %d", 5);
	ck_assert_str_eq(after_time(read_all(fd)), "info    hello 5\n");
}
END_TEST

static _Atomic(bool) stop_switching;

static void *switch_formats(void *userdata)
{
	(void)userdata;
	while (!stop_switching) {
		log_set_format(LOG_FORMAT_JSON);
		log_set_level(LOG_DEBUG);
		log_set_format(LOG_FORMAT_TEXT);
		log_set_level(LOG_INFO);
	}
	return NULL;
}

START_TEST(format_and_level_may_change_while_others_log)
{
	int fd = open("/dev/null", O_WRONLY);
	pthread_t switcher, writers[2];

	become_stderr(fd);
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	pthread_create(&switcher, NULL, switch_formats, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&writers[i], NULL, write_lines, (void *)"a");
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	stop_switching = true;
	pthread_join(switcher, NULL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *text = tcase_create("stderr");

	tcase_add_checked_fixture(text, setup, teardown);
	tcase_add_test(text, before_it_is_opened_lines_go_to_stderr_as_text);
	tcase_add_test(text, below_the_level_nothing_is_written_or_evaluated);
	tcase_add_test(text, levels_have_names);
	tcase_add_test(text, errno_is_kept_and_may_be_printed);
	tcase_add_test(text, an_endless_message_is_cut_and_marked);
	tcase_add_test(text, what_a_full_pipe_does_not_take_is_counted_and_said_once);
	tcase_add_test(text, a_full_pipe_that_cannot_be_opened_anew_does_not_block_either);
	tcase_add_test(text, what_a_full_socket_does_not_take_is_counted_and_said_once);
	tcase_add_test(text, a_single_dropped_line_is_said_in_the_singular);
	tcase_add_test(text, drops_are_said_once_a_second_at_most_and_none_is_forgotten);
	tcase_add_test(text, what_was_dropped_is_said_at_the_end_at_the_latest);
	tcase_add_test(text, a_pipe_that_others_hold_too_stays_as_they_know_it);
	tcase_add_test(text, a_reader_that_went_away_does_no_harm);
	tcase_add_test(text, lines_of_many_threads_do_not_mix_and_none_is_lost_uncounted);
	tcase_add_test(text, a_file_takes_everything);
	tcase_add_test(text, a_terminal_gets_colour_unless_told_not_to);
	tcase_add_test(text, json_lines_carry_the_fields_and_text_does_not);
	tcase_add_test(text, format_and_level_may_change_while_others_log);
	tcase_set_timeout(text, 60);
	suite_add_tcase(suite, text);
	return test_suite_run(suite);
}
