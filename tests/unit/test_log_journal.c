#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../support/test_suite.h"
#include "base/clock.h"
#include "log_capture.h"

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

static bool main_thread_sleeps(void)
{
	char path[64], stat[512] = "";

	snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, stat, sizeof stat - 1);
	close(fd);
	return n > 0 && strstr(stat, ") S ");
}

struct reader {
	int journal;
	const char *wanted;
	_Atomic(bool) found;
};

/* Reads nothing before the main thread waits for that, and then until the text is there. */
static void *read_once_awaited(void *userdata)
{
	struct reader *reader = userdata;
	struct pollfd arrived = {.fd = reader->journal, .events = POLLIN};

	while (!main_thread_sleeps())
		sched_yield();
	while (!reader->found && poll(&arrived, 1, 3000) == 1)
		reader->found = strstr(read_all(reader->journal), reader->wanted);
	return NULL;
}

START_TEST(a_log_that_closes_waits_for_room_to_say_what_was_dropped)
{
	struct reader reader = {start_journal(), .wanted = " log lines were dropped: "};
	pthread_t thread;

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	for (int i = 0; i < 20000; i++)
		log_info("filling");
	pthread_create(&thread, NULL, read_once_awaited, &reader);
	log_close();
	pthread_join(thread, NULL);
	ck_assert(reader.found);
}
END_TEST

START_TEST(a_warning_waits_for_a_journal_that_is_behind)
{
	struct reader reader = {start_journal(), .wanted = "MESSAGE=of importance\n"};
	pthread_t thread;

	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	for (int i = 0; i < 20000; i++)
		log_info("filling");
	pthread_create(&thread, NULL, read_once_awaited, &reader);
	while (!reader.found)
		log_warning("of importance");
	pthread_join(thread, NULL);
}
END_TEST

START_TEST(warnings_do_not_wait_long_for_a_journal_that_stands_still)
{
	start_journal();
	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	usec_t before = clock_monotonic();
	for (int i = 0; i < 20000; i++)
		log_warning("of importance");
	ck_assert_uint_lt(clock_monotonic() - before, 10 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_log_that_closes_does_not_wait_for_ever)
{
	start_journal();
	ck_assert_int_eq(open_log(LOG_FORMAT_JOURNAL), 0);
	for (int i = 0; i < 20000; i++)
		log_info("filling");
	usec_t before = clock_monotonic();
	log_close();
	ck_assert_uint_lt(clock_monotonic() - before, 10 * USEC_PER_SEC);
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

int main(void)
{
	Suite *suite = suite_create("log_journal");
	TCase *journal = tcase_create("journal");

	tcase_add_checked_fixture(journal, setup, teardown);
	tcase_add_test(journal, the_journal_takes_lines_with_their_fields);
	tcase_add_test(journal, auto_is_the_journal_where_stderr_is_the_journals);
	tcase_add_test(journal, auto_is_text_where_stderr_was_redirected);
	tcase_add_test(journal, auto_is_text_where_there_is_no_journal);
	tcase_add_test(journal, text_for_the_journals_stream_has_the_priority_before_it);
	tcase_add_test(journal, without_the_journal_asked_for_the_log_is_open_as_text);
	tcase_add_test(journal, a_format_that_cannot_be_had_leaves_the_old_one);
	tcase_add_test(journal, what_a_full_journal_does_not_take_is_counted_and_said_once);
	tcase_add_test(journal, a_log_that_closes_waits_for_room_to_say_what_was_dropped);
	tcase_add_test(journal, a_warning_waits_for_a_journal_that_is_behind);
	tcase_add_test(journal, warnings_do_not_wait_long_for_a_journal_that_stands_still);
	tcase_add_test(journal, a_log_that_closes_does_not_wait_for_ever);
	tcase_add_test(journal, a_journal_that_was_restarted_gets_the_next_line);
	suite_add_tcase(suite, journal);
	return test_suite_run(suite);
}
