/*
 * Programs here are scripts of /bin/sh, which is always there.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../support/test_descriptors.h"
#include "../support/test_job.h"
#include "../support/test_suite.h"
#include "base/strbuf.h"
#include "handler/command.h"
#include "handler/handler.h"
#include "handler/runner.h"
#include "log_capture.h"

static struct command_options options;
static struct child_means *means;
static struct handler *command;
static struct job *job;
static int wake_fd, log_fd;
static char fifo[64], note[64];

static void setup_command(void)
{
	setup();
	ck_assert_int_eq(child_means_new(&(struct child_means_options){0}, &means), 0);
	options = (struct command_options){.means = means, .output = 64u << 10};
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(wake_fd, 0);
	log_fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_ge(log_fd, 0);
	become_stderr(dup(log_fd));
	ck_assert_int_eq(open_log(LOG_FORMAT_TEXT), 0);
	snprintf(fifo, sizeof fifo, "%s/fifo", directory);
	snprintf(note, sizeof note, "%s/note", directory);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
}

static void teardown_command(void)
{
	test_job_free(job);
	handler_unref(command);
	child_means_free(means);
	close(wake_fd);
	close(log_fd);
	teardown();
}

/* The script gets the paths of the FIFO and of a file as $1 and $2. */
static void make(const char *script)
{
	const char *argv[] = {"/bin/sh", "-c", script, "sh", fifo, note, NULL};
	char error[CHILD_ERROR_MAX] = "";

	options.child.argv = argv;
	ck_assert_msg(command_new(&options, error, &command) == 0, "%s", error);
}

static void make_job(const char *payload)
{
	job = test_job_new("job-1", "resize", payload);
	job->handler = command;
	job->attempt = 2;
	job->kill_grace = 100 * USEC_PER_MSEC;
}

static void run(const char *script)
{
	make(script);
	make_job("{}");
	runner_run(job, wake_fd);
}

static void assert_ended(enum job_outcome outcome, const char *error)
{
	test_job_assert_ended(job, outcome, error);
}

/* All that was logged. */
static const char *logged(void)
{
	static char text[1u << 20];
	ssize_t n = pread(log_fd, text, sizeof text - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

/* ---- What it is given ---- */

START_TEST(the_payload_comes_on_stdin_whatever_bytes_it_has)
{
	make("od -An -tx1 >&2; exit 1");
	make_job("a-b");
	job->body[1] = '\0';
	runner_run(job, wake_fd);
	assert_ended(JOB_FAILED, "61 00 62");
}
END_TEST

START_TEST(it_is_told_about_its_job_and_sees_nothing_of_our_environment)
{
	ck_assert_int_eq(setenv("DATABASE_PASSWORD", "secret", 1), 0);
	run("echo \"$JOB_ID $JOB_TYPE $JOB_ATTEMPT $HOME $(pwd)\""
	    " $(env | grep -c -v -e ^JOB_ -e ^PWD= -e ^_=) >&2; exit 1");
	/* PATH, LANG, HOME, AWS_EC2_METADATA_DISABLED */
	assert_ended(JOB_FAILED, "job-1 resize 2 / / 4");
}
END_TEST

START_TEST(it_is_told_when_its_time_is_over)
{
	make("echo \"$JOB_DEADLINE\" >&2; exit 1");
	make_job("{}");
	job->timeout = 100 * USEC_PER_SEC;
	usec_t before = clock_realtime();
	runner_run(job, wake_fd);
	usec_t after = clock_realtime();

	unsigned long seconds = 0, msec = 1000;
	ck_assert_int_eq(sscanf(job->error, "%lu.%3lu", &seconds, &msec), 2);
	usec_t told = seconds * USEC_PER_SEC + msec * USEC_PER_MSEC;
	ck_assert_uint_ge(told + USEC_PER_MSEC, before + job->timeout);
	ck_assert_uint_le(told, after + job->timeout);
}
END_TEST

START_TEST(a_section_says_where_and_with_what_it_runs)
{
	options.child.environment = "A='x y' JOB_ID=mine";
	options.child.database_url = "postgres://u@h/d";
	options.child.working_directory = "/usr";
	run("echo \"$(pwd) $HOME $A $DATABASE_URL $JOB_ID\" >&2; exit 1");
	assert_ended(JOB_FAILED, "/usr /usr x y postgres://u@h/d job-1");
}
END_TEST

/* ---- How it ends ---- */

static const struct {
	const char *script;
	enum job_outcome outcome;
	const char *error;
	bool for_good;
} ENDS[] = {
	{"exit 0", JOB_COMPLETED, NULL, false},
	{"echo progress >&2", JOB_COMPLETED, NULL, false},
	{"exit 75", JOB_FAILED, "exited with status 75", false},
	{"echo later >&2; exit 75", JOB_FAILED, "later", false},
	{"echo never >&2; exit 65", JOB_FAILED, "never", true},
	{"exit 65", JOB_FAILED, "exited with status 65", true},
	{"echo out; exit 3", JOB_FAILED, "exited with status 3", false},
	{"printf 'one\\n two \\n\\n' >&2; exit 1", JOB_FAILED, "two", false},
	{"printf 'no end' >&2; exit 1", JOB_FAILED, "no end", false},
	{"printf '\\377x' >&2; exit 1", JOB_FAILED, "?x", false},
	{"kill -SEGV $$", JOB_FAILED, "killed by SIGSEGV", false},
	{"echo oops >&2; kill -KILL $$", JOB_FAILED, "killed by SIGKILL: oops", false},
};

START_TEST(how_it_ends_is_how_its_job_ends)
{
	run(ENDS[_i].script);
	assert_ended(ENDS[_i].outcome, ENDS[_i].error);
	ck_assert_int_eq(job->for_good, ENDS[_i].for_good);
}
END_TEST

static const struct {
	struct child_limits limits;
	const char *script;
	const char *error;
} LIMITS[] = {
	{{.cpu_time = USEC_PER_SEC}, "while :; do :; done",
		"killed: it used more than 1s of CPU time"},
	{{.file_size = 8192}, "exec head -c 8193 /dev/zero >$2",
		"killed: it wrote a file of more than 8K"},
	{{.open_files = 17}, "ulimit -n >&2; exit 1", "17"},
	{{.memory = 1u << 30}, "ulimit -v >&2; exit 1", "1048576"},
};

START_TEST(limits_end_it_and_are_named)
{
	options.child.limits = LIMITS[_i].limits;
	options.child.limit_address_space = true;
	run(LIMITS[_i].script);
	assert_ended(JOB_FAILED, LIMITS[_i].error);
}
END_TEST

START_TEST(its_address_space_is_limited_only_where_that_is_asked_for)
{
	options.child.limits.memory = 1u << 30;
	run("ulimit -v >&2; exit 1");
	assert_ended(JOB_FAILED, "unlimited");
}
END_TEST

START_TEST(what_cannot_be_run_fails_with_the_reason)
{
	static const char script[] = "#!/no/such/interpreter\n";
	const char *argv[] = {NULL, NULL};
	char error[CHILD_ERROR_MAX], expected[2 * CHILD_ERROR_MAX];
	int fd = open(note, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	ck_assert_int_eq(write(fd, script, strlen(script)), (ssize_t)strlen(script));
	close(fd);
	argv[0] = note;
	options.child.argv = argv;
	ck_assert_int_eq(command_new(&options, error, &command), 0);
	make_job("{}");
	runner_run(job, wake_fd);
	snprintf(expected, sizeof expected,
		"cannot run %s: the interpreter that it names is not there", note);
	assert_ended(JOB_FAILED, expected);

	ck_assert_int_eq(unlink(note), 0);
	runner_run(job, wake_fd);
	snprintf(expected, sizeof expected, "cannot run %s: No such file or directory", note);
	assert_ended(JOB_FAILED, expected);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_named)
{
	options.child.working_directory = "/no/such";
	run("exit 0");
	assert_ended(JOB_FAILED, "cannot work in /no/such: No such file or directory");
}
END_TEST

START_TEST(a_program_without_a_path_makes_no_handler)
{
	char error[CHILD_ERROR_MAX] = "";

	options.child.program = "true";
	ck_assert_int_eq(command_new(&options, error, &command), -EINVAL);
	ck_assert_str_eq(error, "program: true is not an absolute path, and no PATH is searched");
	ck_assert_ptr_null(command);
}
END_TEST

START_TEST(what_it_took_is_told)
{
	run("exec head -c 100000000 /dev/zero >/dev/null");
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_uint_gt(job->peak_memory, 100u << 10);
	ck_assert_uint_gt(job->cpu_time, 0);
}
END_TEST

/* ---- Pipes ---- */

#define LARGE (1u << 20)

static void run_large(const char *script)
{
	char *payload = malloc(LARGE + 1);

	ck_assert_ptr_nonnull(payload);
	memset(payload, 'x', LARGE);
	payload[LARGE] = '\0';
	make(script);
	make_job(payload);
	free(payload);
	runner_run(job, wake_fd);
}

START_TEST(a_large_payload_is_read_and_written_back_without_a_standstill)
{
	run_large("tee $2");
	assert_ended(JOB_COMPLETED, NULL);
	struct stat st;
	ck_assert_int_eq(stat(note, &st), 0);
	ck_assert_int_eq(st.st_size, LARGE);
}
END_TEST

static const char *const UNREAD[] = {
	"exit 0",
	"exec <&-; read line <$1",
	"read line <$1",
};

static void *open_fifo(void *arg)
{
	(void)arg;
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(fd);
	return NULL;
}

START_TEST(a_payload_may_be_left_unread)
{
	pthread_t thread;
	bool waits = strchr(UNREAD[_i], '$') != NULL;

	if (waits)
		ck_assert_int_eq(pthread_create(&thread, NULL, open_fifo, NULL), 0);
	run_large(UNREAD[_i]);
	/* The FIFO was empty, which read says with 1. */
	assert_ended(waits ? JOB_FAILED : JOB_COMPLETED, waits ? "exited with status 1" : NULL);
	if (waits)
		pthread_join(thread, NULL);
}
END_TEST

/* A pipe that nobody reads is always ready, with an error. */
START_TEST(a_stdin_that_is_closed_costs_no_time_of_ours)
{
	struct rusage used;

	run_large("exec <&-; exec sleep 0.5");
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
	ck_assert_int_eq(used.ru_utime.tv_sec + used.ru_stime.tv_sec, 0);
	ck_assert_int_lt(used.ru_utime.tv_usec + used.ru_stime.tv_usec, 150000);
}
END_TEST

START_TEST(a_flood_is_read_to_its_end_and_logged_to_the_ceiling)
{
	run("yes 0123456789012345678901234567890123456789 | head -c 100000000; echo end >&2; "
	    "exit 1");
	assert_ended(JOB_FAILED, "end");
	const char *log = logged();
	ck_assert_uint_lt(strlen(log), 300000);
	ck_assert_ptr_nonnull(strstr(log, "job=job-1 stdout: 01234567890"));
	ck_assert_ptr_nonnull(strstr(log, "job=job-1 output: of 100000004 bytes those beyond 65536 "
					  "were not logged (key output)\n"));
}
END_TEST

START_TEST(who_left_the_group_and_holds_its_output_open_does_not_keep_the_job)
{
	char text[16] = "";

	run("setsid sh -c 'echo $$ >\"$1\"; exec sleep 1000' sh $2 & "
	    "while ! [ -s $2 ]; do sleep 0.01; done; echo done");
	assert_ended(JOB_COMPLETED, NULL);
	ck_assert_ptr_nonnull(strstr(logged(), "job=job-1 stdout: done\n"));

	_cleanup_close_ int fd = open(note, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
	ck_assert_int_eq(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
}
END_TEST

/* ---- The end of all of it ---- */

/* Whoever opened the FIFO to write is gone once its reader comes to the end. */
static int read_fifo;

static void *await_writers(void *ret)
{
	char c;

	*(bool *)ret = read(read_fifo, &c, 1) == 0;
	return NULL;
}

static void assert_writers_end(void)
{
	struct pollfd end = {.fd = read_fifo, .events = POLLIN};
	bool ended = false;

	ck_assert_int_eq(poll(&end, 1, 10000), 1);
	await_writers(&ended);
	ck_assert(ended);
	close(read_fifo);
}

static void open_reader(void)
{
	read_fifo = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(read_fifo, 0);
}

START_TEST(what_it_leaves_in_its_group_ends_with_it)
{
	open_reader();
	run("exec 3>$1; sleep 1000 >/dev/null 2>&1 & echo said");
	assert_ended(JOB_COMPLETED, NULL);
	assert_writers_end();
}
END_TEST

START_TEST(at_its_deadline_it_is_told_to_end)
{
	make("exec sleep 1000");
	make_job("{}");
	job->timeout = 100 * USEC_PER_MSEC;
	job->kill_grace = USEC_PER_HOUR;
	runner_run(job, wake_fd);
	assert_ended(JOB_TIMEOUT, "timed out after 100ms");
}
END_TEST

/* An hour passes with the end of the child. */
static usec_t late_once_it_has_ended(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0 ? USEC_PER_SEC
							      : USEC_PER_SEC + USEC_PER_HOUR;
}

START_TEST(one_that_ends_at_its_deadline_has_ended)
{
	make("exit 0");
	make_job("{}");
	job->timeout = USEC_PER_HOUR;
	clock_replace(late_once_it_has_ended);
	runner_run(job, wake_fd);
	clock_replace(NULL);
	assert_ended(JOB_COMPLETED, NULL);
}
END_TEST

/* Once the script has said on its descriptor 3, the FIFO, that it is ready. */
static void *cancel_when_ready(void *arg)
{
	uint64_t one = 1;
	char c;

	(void)arg;
	read_fifo = open(fifo, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(read_fifo, 0);
	ck_assert_int_eq(read(read_fifo, &c, 1), 1);
	atomic_store(&job->cancel, JOB_STOP);
	ck_assert_int_eq(write(wake_fd, &one, sizeof one), sizeof one);
	return NULL;
}

static void run_and_stop(const char *script, usec_t grace)
{
	pthread_t thread;

	make(script);
	make_job("{}");
	job->kill_grace = grace;
	ck_assert_int_eq(pthread_create(&thread, NULL, cancel_when_ready, NULL), 0);
	runner_run(job, wake_fd);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	assert_ended(JOB_ABANDONED, "interrupted by shutdown");
	assert_writers_end();
}

START_TEST(one_that_is_to_stop_is_told_at_once_and_heard)
{
	run_and_stop("exec 3>$1; trap 'echo told >&2; exit 0' TERM; sleep 1000 & echo >&3; wait",
		USEC_PER_HOUR);
	ck_assert_ptr_nonnull(strstr(logged(), "job=job-1 stderr: told\n"));
}
END_TEST

START_TEST(all_of_its_group_is_told_to_end)
{
	run_and_stop("exec 3>$1; trap : TERM\n"
		     "(trap 'echo told >$2; exit' TERM; sleep 1000 & echo >&3; wait) &\n"
		     "wait; wait",
		USEC_PER_HOUR);
	ck_assert_int_eq(access(note, F_OK), 0);
}
END_TEST

START_TEST(one_that_does_not_want_to_end_is_killed_with_all_of_its_group)
{
	const usec_t grace = 100 * USEC_PER_MSEC;

	run_and_stop("exec 3>$1; trap '' TERM; sleep 1000 & echo >&3; exec sleep 1000", grace);
	ck_assert_uint_ge(atomic_load(&job->ran_at) - atomic_load(&job->started_at), grace);
}
END_TEST

START_TEST(no_run_leaves_a_descriptor_or_a_zombie)
{
	static const char *const scripts[] = {"exit 0", "cat; echo x >&2; exit 1", "kill -9 $$",
		"trap '' TERM; sleep 1000; sleep 1000"};
	unsigned before = test_descriptors();

	for (size_t i = 0; i < 20; i++) {
		make(scripts[i % 4]);
		make_job("{}");
		job->timeout = i % 4 == 3 ? 20 * USEC_PER_MSEC : USEC_PER_MIN;
		job->kill_grace = 10 * USEC_PER_MSEC;
		runner_run(job, wake_fd);
		command = handler_unref(command);
		job = test_job_free(job);
	}
	ck_assert_uint_eq(test_descriptors(), before);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static void add_given(Suite *suite)
{
	TCase *given = tcase_create("given");

	tcase_add_checked_fixture(given, setup_command, teardown_command);
	tcase_add_test(given, the_payload_comes_on_stdin_whatever_bytes_it_has);
	tcase_add_test(given, it_is_told_about_its_job_and_sees_nothing_of_our_environment);
	tcase_add_test(given, it_is_told_when_its_time_is_over);
	tcase_add_test(given, a_section_says_where_and_with_what_it_runs);
	suite_add_tcase(suite, given);
}

static void add_ends(Suite *suite)
{
	TCase *ends = tcase_create("ends");

	tcase_add_checked_fixture(ends, setup_command, teardown_command);
	tcase_add_loop_test(ends, how_it_ends_is_how_its_job_ends, 0, N_OF(ENDS));
	tcase_add_loop_test(ends, limits_end_it_and_are_named, 0, N_OF(LIMITS));
	tcase_add_test(ends, its_address_space_is_limited_only_where_that_is_asked_for);
	tcase_add_test(ends, what_cannot_be_run_fails_with_the_reason);
	tcase_add_test(ends, a_folder_that_is_not_there_is_named);
	tcase_add_test(ends, a_program_without_a_path_makes_no_handler);
	tcase_add_test(ends, what_it_took_is_told);
	suite_add_tcase(suite, ends);
}

static void add_pipes(Suite *suite)
{
	TCase *pipes = tcase_create("pipes");

	tcase_add_checked_fixture(pipes, setup_command, teardown_command);
	tcase_add_test(pipes, a_large_payload_is_read_and_written_back_without_a_standstill);
	tcase_add_loop_test(pipes, a_payload_may_be_left_unread, 0, N_OF(UNREAD));
	tcase_add_test(pipes, a_stdin_that_is_closed_costs_no_time_of_ours);
	tcase_add_test(pipes, a_flood_is_read_to_its_end_and_logged_to_the_ceiling);
	tcase_add_test(pipes, who_left_the_group_and_holds_its_output_open_does_not_keep_the_job);
	suite_add_tcase(suite, pipes);
}

static void add_stops(Suite *suite)
{
	TCase *stops = tcase_create("stops");

	tcase_add_checked_fixture(stops, setup_command, teardown_command);
	tcase_add_test(stops, what_it_leaves_in_its_group_ends_with_it);
	tcase_add_test(stops, at_its_deadline_it_is_told_to_end);
	tcase_add_test(stops, one_that_ends_at_its_deadline_has_ended);
	tcase_add_test(stops, one_that_is_to_stop_is_told_at_once_and_heard);
	tcase_add_test(stops, all_of_its_group_is_told_to_end);
	tcase_add_test(stops, one_that_does_not_want_to_end_is_killed_with_all_of_its_group);
	tcase_add_test(stops, no_run_leaves_a_descriptor_or_a_zombie);
	suite_add_tcase(suite, stops);
}

int main(void)
{
	Suite *suite = suite_create("command");

	add_given(suite);
	add_ends(suite);
	add_pipes(suite);
	add_stops(suite);
	return test_suite_run(suite);
}
