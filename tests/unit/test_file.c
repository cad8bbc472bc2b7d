#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/file.h"
#include "wiped.h"

static struct strbuf text;

static void setup(void)
{
	test_folder_enter();
	text = STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_done(&text);
	test_folder_leave();
}

START_TEST(a_file_is_read_whole_up_to_the_ceiling)
{
	test_write("it", "12345");
	ck_assert_int_eq(file_read("it", 5, &text), 0);
	ck_assert_str_eq(text.data, "12345");
}
END_TEST

START_TEST(past_the_ceiling_is_an_error_and_leaves_ret_alone)
{
	test_write("it", "123456");
	ck_assert_int_eq(file_read("it", 5, &text), -EFBIG);
	ck_assert_int_eq(file_read("it-not", 5, &text), -ENOENT);
	ck_assert_int_eq(file_read(".", 5, &text), -EISDIR);
	ck_assert_ptr_null(text.data);
}
END_TEST

START_TEST(nothing_of_a_file_stays_behind)
{
	test_write("it", SECRET);
	ck_assert_int_eq(file_read("it", 100, &text), 0);
	ck_assert_uint_eq(n_wiped, 1);
	ck_assert_int_eq(file_read("it", strlen(SECRET) - 1, &text), -EFBIG);
	ck_assert_uint_eq(n_wiped, 2);
}
END_TEST

START_TEST(a_pipe_that_nobody_writes_to_is_empty)
{
	ck_assert_int_eq(mkfifo("it", 0600), 0);
	ck_assert_int_eq(file_read("it", 5, &text), 0);
	ck_assert_uint_eq(text.len, 0);
}
END_TEST

/* Each piece once the one before has been read. */
static void *write_slowly(void *fd)
{
	const int to = *(int *)fd;

	for (unsigned i = 0; i < 3; i++) {
		int n_unread = 2;
		ck_assert_int_eq(write(to, "ab", 2), 2);
		while (n_unread > 0) {
			sched_yield();
			ck_assert_int_eq(ioctl(to, FIONREAD, &n_unread), 0);
		}
	}
	close(to);
	return NULL;
}

START_TEST(a_pipe_that_somebody_writes_to_is_read_to_its_end)
{
	pthread_t writer;
	char path[32];
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_slowly, &ends[1]), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	ck_assert_int_eq(file_read(path, 100, &text), 0);
	ck_assert_str_eq(text.data, "ababab");
	ck_assert_int_eq(pthread_join(writer, NULL), 0);
	close(ends[0]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *c = tcase_create("file");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_file_is_read_whole_up_to_the_ceiling);
	tcase_add_test(c, past_the_ceiling_is_an_error_and_leaves_ret_alone);
	tcase_add_test(c, nothing_of_a_file_stays_behind);
	tcase_add_test(c, a_pipe_that_nobody_writes_to_is_empty);
	tcase_add_test(c, a_pipe_that_somebody_writes_to_is_read_to_its_end);
	suite_add_tcase(suite, c);
	return test_suite_run(suite);
}
