/*
 * Programs print what they are given into a pipe.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "handler/child.h"
#include "handler/child_check.h"

static const char *folder;
static char file[64];
static struct child_means *means;
static struct child_plan *plan;
static char error[CHILD_ERROR_MAX];

static void setup(void)
{
	folder = test_folder_enter();
	snprintf(file, sizeof file, "%s/file", folder);
}

static void teardown(void)
{
	child_plan_free(plan);
	child_means_free(means);
	test_folder_leave();
}

static void make(const struct child_means_options *options, const struct child_settings *settings)
{
	ck_assert_int_eq(child_means_new(options, &means), 0);
	ck_assert_msg(child_plan_new(settings, means, error, &plan) == 0, "%s", error);
}

/* What it wrote to its stdout, to its end. */
static const char *run(const char *const *environment)
{
	static char text[4096];
	size_t len = 0;
	ssize_t n;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), ends[2];
	struct child child;
	siginfo_t info;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	const struct child_start start = {
		.environment = environment, .in = null, .out = ends[1], .err = null};
	ck_assert_msg(child_start(plan, &start, error, &child) == 0, "%s", error);
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(ends[0]);
	close(null);
	child_reap(&child, &info);
	child_done(&child);
	ck_assert_int_eq(info.si_code, CLD_EXITED);
	return text;
}

START_TEST(the_environment_is_made_from_nothing)
{
	ck_assert_int_eq(setenv("SECRET", "x", 1), 0);
	make(&(struct child_means_options){.credentials_uri = "http://127.0.0.1:1/",
		     .credentials_token = "token",
		     .region = "eu-west-1"},
		&(struct child_settings){.program = "/usr/bin/env"});
	ck_assert_str_eq(run(NULL), "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\nHOME=/\n"
				    "AWS_EC2_METADATA_DISABLED=true\n");
}
END_TEST

START_TEST(credentials_are_passed_where_that_is_asked_for)
{
	make(&(struct child_means_options){.credentials_uri = "http://127.0.0.1:1/",
		     .credentials_token = "token"},
		&(struct child_settings){.program = "/usr/bin/env", .pass_aws_credentials = true});
	const char *const before = "PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C.UTF-8\nHOME=/\n"
				   "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:1/\n"
				   "AWS_CONTAINER_AUTHORIZATION_TOKEN=token\n"
				   "AWS_EC2_METADATA_DISABLED=true\n";
	ck_assert_str_eq(run(NULL), before);

	/* The region may become known later. */
	char after[1024];
	snprintf(after, sizeof after, "%sAWS_REGION=eu-west-1\nAWS_DEFAULT_REGION=eu-west-1\n",
		before);
	ck_assert_int_eq(child_means_set_region(means, "eu-west-1"), 0);
	ck_assert_str_eq(run(NULL), after);
}
END_TEST

START_TEST(the_nearer_a_value_is_the_more_it_counts)
{
	const char *const usual[] = {"A=usual", "B=usual", "LANG=usual", NULL};
	const char *const job[] = {"E=job", NULL};

	test_write(file, "B=file\nC=file\nDATABASE_URL=file\n");
	make(&(struct child_means_options){.region = "eu-west-1"},
		&(struct child_settings){.program = "/usr/bin/env",
			.usual = usual,
			.database_url = "passed",
			.pass_aws_credentials = true,
			.environment_file = file,
			.environment = "C=words D=words E=words AWS_REGION=words",
			.working_directory = "/usr"});
	ck_assert_str_eq(run(job), "E=job\nPATH=/usr/local/bin:/usr/bin:/bin\nLANG=usual\n"
				   "HOME=/usr\nA=usual\nB=file\nDATABASE_URL=file\nC=words\n"
				   "D=words\nAWS_REGION=words\nAWS_DEFAULT_REGION=eu-west-1\n");
}
END_TEST

START_TEST(words_may_be_given_as_they_are)
{
	const char *const argv[] = {"/bin/echo", "two words", "", "'", NULL};

	make(&(struct child_means_options){0}, &(struct child_settings){.argv = argv});
	ck_assert_str_eq(run(NULL), "two words  '\n");
}
END_TEST

START_TEST(what_is_hidden_is_out_of_its_reach)
{
	const char *hidden[] = {file, NULL};

	test_write(file, "secret");
	make(&(struct child_means_options){.hidden = hidden},
		&(struct child_settings){.program = "/bin/sh -c 'cat file || echo hidden'",
			.working_directory = folder});
	bool is_there = child_means_landlock_fault(means) == NULL;
	ck_assert_str_eq(run(NULL), is_there ? "hidden\n" : "secret");
}
END_TEST

/* Where the system lets our user write there at all. */
START_TEST(cgroups_are_not_its_to_change)
{
	const char *hidden[] = {file, NULL};

	make(&(struct child_means_options){.hidden = hidden},
		&(struct child_settings){
			.program = "/bin/sh -c 'for f in /sys/fs/cgroup/cgroup.procs "
				   "/sys/fs/cgroup/*/cgroup.procs; do test -f $f && "
				   "( : >> $f ) 2> /dev/null && echo $f; done; echo tried'"});
	if (!child_means_landlock_fault(means))
		ck_assert_str_eq(run(NULL), "tried\n");
}
END_TEST

static const struct {
	struct child_settings settings;
	const char *error;
} WRONG[] = {
	{{.program = "/bin/sh 'x"}, "program: a quote in it is not closed"},
	{{.program = " "}, "program: it names none"},
	{{.program = "sh"}, "program: sh is not an absolute path, and no PATH is searched"},
	{{.program = "/bin/sh", .environment = "A"},
		"environment: word 1 is not KEY=VALUE (a value with blanks goes in quotes: "
		"KEY=\"…\")"},
	{{.program = "/bin/sh", .environment_file = "/no/such"},
		"environment_file: /no/such: No such file or directory"},
};

START_TEST(what_is_wrong_with_a_section_is_told_by_its_key)
{
	ck_assert_int_eq(child_means_new(&(struct child_means_options){0}, &means), 0);
	ck_assert_int_eq(child_plan_new(&WRONG[_i].settings, means, error, &plan), -EINVAL);
	ck_assert_str_eq(error, WRONG[_i].error);
	ck_assert_ptr_null(plan);
}
END_TEST

#define HIDDEN             " (the unit hides the machine's /home, /root and /tmp)"
#define ACCEPTED_PROGRAM   ", accepted is the absolute path of a program that is there\n"
#define ACCEPTED_DIRECTORY ", accepted is the absolute path of a directory that may be entered\n"

static const struct {
	struct child_settings settings;
	const char *problems;
} CHECKS[] = {
	{{.program = "/bin/sh -c x", .working_directory = "/", .environment = "A=1"}, ""},
	{{.program = "/no/such x"},
		"program: /no/such: No such file or directory" ACCEPTED_PROGRAM},
	{{.program = "/home/no/such", .working_directory = "/tmp/no/such"},
		"program: /home/no/such: No such file or directory" HIDDEN ACCEPTED_PROGRAM
		"working_directory: /tmp/no/such: No such file or directory" HIDDEN
			ACCEPTED_DIRECTORY},
	{{.program = "/var/tmp/"},
		"program: /var/tmp/: it is no file that can be run" ACCEPTED_PROGRAM},
	{{.program = "/etc"}, "program: /etc: it is no file that can be run" ACCEPTED_PROGRAM},
	{{.program = "/etc/passwd"},
		"program: /etc/passwd: it may not be executed (chmod +x makes it so)\n"},
	{{.program = "sh",
		 .working_directory = "/etc/passwd",
		 .environment = "'",
		 .environment_file = "/no/such"},
		"program: sh is not an absolute path, and no PATH is searched\n"
		"working_directory: /etc/passwd: it is no directory" ACCEPTED_DIRECTORY
		"environment: a quote in it is not closed\n"
		"environment_file: /no/such: No such file or directory\n"},
	{{.program = "/bin/sh", .working_directory = "usr"},
		"working_directory: usr: it is not an absolute path" ACCEPTED_DIRECTORY},
	{{.program = "/bin/sh", .working_directory = "/no/such"},
		"working_directory: /no/such: No such file or directory" ACCEPTED_DIRECTORY},
};

START_TEST(a_check_tells_every_mistake_that_can_be_seen)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT;
	int n_lines = 0;

	for (const char *at = CHECKS[_i].problems; (at = strchr(at, '\n')); at++)
		n_lines++;
	ck_assert_int_eq(child_check(&CHECKS[_i].settings, &problems), n_lines);
	ck_assert_str_eq(strbuf_str(&problems), CHECKS[_i].problems);
}
END_TEST

static const struct {
	const char *script;
	const char *wrong; /* behind the program's path; NULL: nothing is */
} SCRIPTS[] = {
	{"#!/bin/sh\n", NULL},
	{"#! /bin/sh -e\n", NULL},
	{"echo hello\n", NULL},
	{"#", NULL},
	{"#!/no/such -e\n",
		"its first line names the interpreter \"/no/such\": No such file or directory"},
	{"#!/bin/sh\r\n", "its first line names the interpreter \"/bin/sh?\": No such file or "
			  "directory (lines end as on Windows)"},
};

START_TEST(a_check_misses_the_interpreter_of_a_script)
{
	const struct child_settings settings = {.program = file};
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, expected = STRBUF_INIT;

	test_write_program(file, SCRIPTS[_i].script);
	if (SCRIPTS[_i].wrong)
		strbuf_printf(&expected, "program: %s: %s\n", file, SCRIPTS[_i].wrong);
	ck_assert_int_eq(child_check(&settings, &problems), SCRIPTS[_i].wrong ? 1 : 0);
	ck_assert_str_eq(strbuf_str(&problems), strbuf_str(&expected));
}
END_TEST

static const struct {
	siginfo_t info;
	usec_t cpu_time;
	const char *text;
} ENDS[] = {
	{{.si_code = CLD_EXITED, .si_status = 3}, 0, "exited with status 3"},
	{{.si_code = CLD_KILLED, .si_status = SIGTERM}, 0, "killed by SIGTERM"},
	{{.si_code = CLD_DUMPED, .si_status = SIGABRT}, 0, "killed by SIGABRT"},
	{{.si_code = CLD_KILLED, .si_status = SIGKILL}, 0, "killed by SIGKILL"},
	{{.si_code = CLD_KILLED, .si_status = SIGKILL}, 90 * USEC_PER_SEC,
		"killed: it used more than 90s of CPU time"},
	{{.si_code = CLD_KILLED, .si_status = SIGXCPU}, 0,
		"killed: it used more than 90s of CPU time"},
	{{.si_code = CLD_KILLED, .si_status = SIGXFSZ}, 0,
		"killed: it wrote a file of more than 3G"},
	{{.si_code = CLD_KILLED, .si_status = 40}, 0, "killed by signal 40"},
};

START_TEST(how_one_ended_is_told_in_words)
{
	make(&(struct child_means_options){0},
		&(struct child_settings){.program = "/bin/true",
			.limits = {.cpu_time = 90 * USEC_PER_SEC, .file_size = 3ull << 30}});
	struct child child = {.plan = plan, .cpu_time = ENDS[_i].cpu_time};

	child_tell_end(&child, &ENDS[_i].info, error);
	ck_assert_str_eq(error, ENDS[_i].text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, the_environment_is_made_from_nothing);
	tcase_add_test(all, credentials_are_passed_where_that_is_asked_for);
	tcase_add_test(all, the_nearer_a_value_is_the_more_it_counts);
	tcase_add_test(all, words_may_be_given_as_they_are);
	tcase_add_test(all, what_is_hidden_is_out_of_its_reach);
	tcase_add_test(all, cgroups_are_not_its_to_change);
	tcase_add_loop_test(all, what_is_wrong_with_a_section_is_told_by_its_key, 0, N_OF(WRONG));
	tcase_add_loop_test(all, a_check_tells_every_mistake_that_can_be_seen, 0, N_OF(CHECKS));
	tcase_add_loop_test(all, a_check_misses_the_interpreter_of_a_script, 0, N_OF(SCRIPTS));
	tcase_add_loop_test(all, how_one_ended_is_told_in_words, 0, N_OF(ENDS));
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
