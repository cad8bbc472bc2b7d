#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* Each case runs in a process of its own, whose stderr is replaced by what it wants to look at. */

static char directory[] = "/tmp/test_log.XXXXXX";
static char socket_path[64];

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	unsetenv("JOURNAL_STREAM");
	unsetenv("NO_COLOR");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(socket_path, sizeof socket_path, "%s/socket", directory);
}

static void teardown(void)
{
	log_close();
	unlink(socket_path);
	rmdir(directory);
}

static int open_log(enum log_format format)
{
	return log_open(&(struct log_options){
		.format = format,
		.level = LOG_INFO,
		.identifier = "tested",
		.journal_socket = socket_path,
	});
}

/* Makes fd our stderr; the log may then be opened. */
static void become_stderr(int fd)
{
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

/* The end to read from, which does not block. */
static int pipe_as_stderr(void)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	become_stderr(fds[1]);
	return fds[0];
}

static int socket_as_stderr(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	become_stderr(fds[1]);
	return fds[0];
}

static void claim_stderr_for_the_journal(void)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, true);
}

static int start_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, socket_path, sizeof socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* What there is to read, up to 1 MiB, as a text that lives until the next call. */
static const char *read_all(int fd)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

/* What follows the time, "2026-01-31T12:34:56.007Z ", which is there in this form. */
static const char *after_time(const char *line)
{
	static const char form[] = "0000-00-00T00:00:00.000Z ";

	for (const char *f = form; *f; f++, line++)
		ck_assert(*f == '0' ? *line >= '0' && *line <= '9' : *line == *f);
	return line;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

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
	ck_assert(!log_enabled(LOG_NOTICE));

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

	for (int i = 0; i < 5; i++) {
		int level = -1;
		ck_assert_int_eq(log_level_from_name(names[i], &level), 0);
		ck_assert_int_eq(level, LOG_ERR + i);
		ck_assert_str_eq(log_level_name(level), names[i]);
	}
	int level = 42;
	ck_assert_int_eq(log_level_from_name("Info", &level), -EINVAL);
	ck_assert_int_eq(log_level_from_name("", &level), -EINVAL);
	ck_assert_int_eq(level, 42);
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

/* Logs more than a pipe or socket holds; how many lines were not taken. */
static unsigned overfill(int fd)
{
	const unsigned n = 20000;

	for (unsigned i = 0; i < n; i++)
		log_info("filling");
	unsigned n_taken = count(read_all(fd), "filling\n");
	ck_assert_uint_gt(n_taken, 0);
	ck_assert_uint_lt(n_taken, n);
	return n - n_taken;
}

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
	char path[80];

	snprintf(path, sizeof path, "%s/file", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	int again = open(path, O_RDONLY);
	unlink(path);
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

START_TEST(the_journal_takes_lines_with_their_fields)
{
	int journal = start_journal(), fd = pipe_as_stderr();
	struct log_field field = {"NEXUS_JOB_ID", "test-123"};

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	log_event(LOG_WARNING, &field, 1, "hello %d", 5);
	ck_assert_str_eq(read_all(journal),
		"PRIORITY=4\nSYSLOG_IDENTIFIER=tested\nNEXUS_JOB_ID=test-123\nMESSAGE=hello 5\n");
	ck_assert_str_eq(read_all(fd), "");
}
END_TEST

START_TEST(auto_is_the_journal_where_stderr_is_the_journals)
{
	int journal = start_journal(), fd = socket_as_stderr();

	claim_stderr_for_the_journal();
	ck_assert_int_eq(open_log(LOG_FORMAT_AUTO), 0);
	log_info("hello");
	ck_assert_ptr_nonnull(strstr(read_all(journal), "MESSAGE=hello\n"));
	ck_assert_str_eq(read_all(fd), "");
}
END_TEST

START_TEST(auto_is_text_where_stderr_was_redirected)
{
	int journal = start_journal();

	socket_as_stderr();
	claim_stderr_for_the_journal();
	int fd = socket_as_stderr();
	ck_assert_int_eq(open_log(LOG_FORMAT_AUTO), 0);
	log_info("hello");
	ck_assert_str_eq(after_time(read_all(fd)), "info    hello\n");
	ck_assert_str_eq(read_all(journal), "");
}
END_TEST

START_TEST(auto_is_text_where_there_is_no_journal)
{
	int fd = pipe_as_stderr();

	setenv("JOURNAL_STREAM", "nonsense", true);
	ck_assert_int_eq(open_log(LOG_FORMAT_AUTO), 0);
	log_info("hello");
	ck_assert_str_eq(after_time(read_all(fd)), "info    hello\n");
}
END_TEST

START_TEST(text_for_the_journals_stream_has_the_priority_before_it)
{
	int fd = socket_as_stderr();

	claim_stderr_for_the_journal();
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	log_info("hello");
	ck_assert_str_eq(read_all(fd), "<6>hello\n");
	/* So, too, if its other socket is not there. */
	ck_assert_int_eq(open_log(LOG_FORMAT_AUTO), 0);
	log_error("hello");
	ck_assert_str_eq(read_all(fd), "<3>hello\n");
}
END_TEST

START_TEST(without_the_journal_asked_for_the_log_is_open_as_text)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), -ENOENT);
	log_info("hello");
	ck_assert_str_eq(after_time(read_all(fd)), "info    hello\n");
}
END_TEST

START_TEST(a_format_that_cannot_be_had_leaves_the_old_one)
{
	int fd = pipe_as_stderr();

	ck_assert_int_eq(open_log(LOG_FORMAT_JSON), 0);
	ck_assert_int_eq(log_set_format(LOG_FORMAT_JOURNAL), -ENOENT);
	log_info("hello");
	ck_assert_ptr_nonnull(strstr(read_all(fd), "\"message\":\"hello\""));

	int journal = start_journal();
	ck_assert_int_eq(log_set_format(LOG_FORMAT_JOURNAL), 0);
	log_info("hello");
	ck_assert_ptr_nonnull(strstr(read_all(journal), "MESSAGE=hello\n"));
}
END_TEST

START_TEST(what_a_full_journal_does_not_take_is_counted_and_said_once)
{
	int journal = start_journal();
	char notice[80];

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	unsigned n_dropped = overfill(journal);
	snprintf(notice, sizeof notice,
		"MESSAGE=%u log lines were dropped: the journal did not take them in time\n",
		n_dropped);
	log_info("after");
	const char *text = read_all(journal);
	ck_assert_msg(strstr(text, notice), "%s is not in %s", notice, text);
	ck_assert_ptr_nonnull(strstr(text, "MESSAGE=after\n"));
	log_info("after");
	ck_assert_ptr_null(strstr(read_all(journal), "dropped"));
}
END_TEST

START_TEST(a_journal_that_was_restarted_gets_the_next_line)
{
	int journal = start_journal();

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	log_info("before");
	close(journal);
	log_info("while nobody listens");
	unlink(socket_path);
	log_info("while there is no socket");

	journal = start_journal();
	log_info("after");
	const char *text = read_all(journal);
	ck_assert_ptr_nonnull(strstr(text, "MESSAGE=2 log lines were dropped: "));
	ck_assert_ptr_nonnull(strstr(text, "MESSAGE=after\n"));
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
	TCase *journal = tcase_create("journal");

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

	tcase_add_checked_fixture(journal, setup, teardown);
	tcase_add_test(journal, the_journal_takes_lines_with_their_fields);
	tcase_add_test(journal, auto_is_the_journal_where_stderr_is_the_journals);
	tcase_add_test(journal, auto_is_text_where_stderr_was_redirected);
	tcase_add_test(journal, auto_is_text_where_there_is_no_journal);
	tcase_add_test(journal, text_for_the_journals_stream_has_the_priority_before_it);
	tcase_add_test(journal, without_the_journal_asked_for_the_log_is_open_as_text);
	tcase_add_test(journal, a_format_that_cannot_be_had_leaves_the_old_one);
	tcase_add_test(journal, what_a_full_journal_does_not_take_is_counted_and_said_once);
	tcase_add_test(journal, a_journal_that_was_restarted_gets_the_next_line);
	suite_add_tcase(suite, journal);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
