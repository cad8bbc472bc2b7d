/*
 * What follows in a [job TYPE] section from its kind and from settings that hold for all. What
 * keys accept and what is said of mistakes stands in tests/data/conf.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../support/test_suite.h"
#include "conf/keys.h"
#include "conf/settings.h"

static const char *const environment[] = {
	"SQS_QUEUE_URL=https://sqs.eu-central-1.amazonaws.com/123456789012/nexus-jobs",
	"DATABASE_URL=postgresql:///nexus",
	NULL,
};

/* Returns owned. */
static struct settings *load(const char *text)
{
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	struct settings *settings = NULL;
	char path[64];
	int fd = memfd_create("nexus-worker.conf", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	struct settings_request request = {.config = path, .environment = environment};
	int r = settings_load(&request, &problems, &warnings, &settings);
	ck_assert_msg(r == 0, "%s: %s", text, strbuf_str(&problems));
	ck_assert_int_eq(close(fd), 0);
	return settings;
}

#define COMMAND "[job a]\nkind = command\nprogram = /bin/true\n"
#define LAMBDA  "[job a]\nkind = lambda\nbundle = /srv/a\n"
#define HTTP    "[job a]\nkind = http\nurl = http://localhost/\n"

static const struct {
	const char *text;
	enum settings_kind kind;
	enum settings_rows rows;
	uint64_t memory_bytes;
} kinds[] = {
	{"[job a]\n", SETTINGS_BUILTIN, SETTINGS_ROWS_WORKER, 0},
	{COMMAND, SETTINGS_COMMAND, SETTINGS_ROWS_WORKER, 0},
	{LAMBDA, SETTINGS_LAMBDA, SETTINGS_ROWS_HANDLER, 256 << 20},
	{HTTP, SETTINGS_HTTP, SETTINGS_ROWS_WORKER, 0},
	{COMMAND "rows = handler\nmemory = 3M\n", SETTINGS_COMMAND, SETTINGS_ROWS_HANDLER, 3 << 20},
	{LAMBDA "rows = worker\nmemory = 1G\n", SETTINGS_LAMBDA, SETTINGS_ROWS_WORKER, 1 << 30},
	{COMMAND "rows = handler\nrows =\nmemory = 3M\nmemory =\n", SETTINGS_COMMAND,
		SETTINGS_ROWS_WORKER, 0},
	{LAMBDA "rows = worker\n[job a]\nrows =\nmemory = 0\n", SETTINGS_LAMBDA,
		SETTINGS_ROWS_HANDLER, 256 << 20},
	{LAMBDA "kind = command\nbundle =\nprogram = /bin/true\n", SETTINGS_COMMAND,
		SETTINGS_ROWS_WORKER, 0},
};

START_TEST(rows_and_memory_follow_from_the_kind)
{
	_cleanup_(settings_freep) struct settings *settings = load(kinds[_i].text);
	const struct settings_job *job = settings_job_for(settings, "a");

	ck_assert_int_eq(job->kind, kinds[_i].kind);
	ck_assert_int_eq(job->rows, kinds[_i].rows);
	ck_assert_uint_eq(job->memory_bytes, kinds[_i].memory_bytes);
}
END_TEST

START_TEST(what_is_not_given_is_at_its_default)
{
	_cleanup_(settings_freep) struct settings *settings = load(LAMBDA);
	const struct settings_job *job = settings_job_for(settings, "a");

	ck_assert_uint_eq(settings->retry.base_delay, 0);
	ck_assert_uint_eq(settings->retry.max_delay, 15 * USEC_PER_MIN);
	ck_assert_int_eq(settings->retry.dead_letter, SETTINGS_DEAD_LETTER_OFF);
	ck_assert_str_eq(job->bundle, "/srv/a");
	ck_assert_str_eq(job->handler, "handler.handler");
	ck_assert_int_eq(job->runtime, SETTINGS_NODEJS);
	ck_assert_uint_eq(job->max_jobs, 10000);
	ck_assert_uint_eq(job->max_age, USEC_PER_HOUR);
	ck_assert_ptr_null(job->environment);
	ck_assert_ptr_null(job->environment_file);
	ck_assert_ptr_null(job->working_directory);
	ck_assert(!job->pass_database_url);
	ck_assert(job->pass_aws_credentials);
	ck_assert_uint_eq(job->open_files, 1024);
	ck_assert_uint_eq(job->output_bytes, 1 << 20);
	ck_assert_uint_eq(job->cpu_time, 0);
	ck_assert_uint_eq(job->file_size_bytes, 0);
	ck_assert_ptr_null(job->program);
	ck_assert_ptr_null(job->url);
}
END_TEST

START_TEST(pauses_are_those_of_all_types_unless_the_section_has_its_own)
{
	_cleanup_(settings_freep) struct settings *settings =
		load("[retry]\nbase_delay = 3s\nmax_delay = 4s\n"
		     "[job a]\nmax_delay = 5s\n[job b]\nbase_delay = 1s\n");
	const struct settings_job *a = settings_job_for(settings, "a"),
				  *b = settings_job_for(settings, "b"),
				  *others = settings_job_for(settings, "c");

	ck_assert_uint_eq(a->base_delay, 3 * USEC_PER_SEC);
	ck_assert_uint_eq(a->max_delay, 5 * USEC_PER_SEC);
	ck_assert_uint_eq(b->base_delay, 1 * USEC_PER_SEC);
	ck_assert_uint_eq(b->max_delay, 4 * USEC_PER_SEC);
	ck_assert_uint_eq(others->base_delay, 3 * USEC_PER_SEC);
	ck_assert_uint_eq(others->max_delay, 4 * USEC_PER_SEC);
}
END_TEST

START_TEST(pauses_may_be_equal)
{
	_cleanup_(settings_freep) struct settings *settings =
		load("[retry]\nbase_delay = 4s\nmax_delay = 4s\n");

	ck_assert_uint_eq(settings->retry.base_delay, settings->retry.max_delay);
}
END_TEST

START_TEST(a_message_can_point_to_the_line_of_a_value)
{
	_cleanup_(settings_freep) struct settings *settings = load(COMMAND);
	const struct key *program = keys_find(KEY_JOB, "program");
	_cleanup_strbuf_ struct strbuf place = STRBUF_INIT;

	keys_place(program, settings_job_for(settings, "a")->origins[program - keys], &place);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&place), ":3: program: "));
}
END_TEST

/* A section, and a line that changes it. */
static const struct {
	const char *text;
	const char *line;
} changes[] = {
	{"[job a]\n", "timeout = 3s"},
	{"[job a]\n", "max_concurrency = 3"},
	{"[job a]\n", "base_delay = 3s"},
	{"[job a]\n", "max_delay = 3s"},
	{COMMAND, "rows = handler"},
	{COMMAND, "program = /bin/true 1"},
	{COMMAND, "environment = A=1"},
	{COMMAND, "environment_file = /etc/a"},
	{COMMAND, "pass_database_url = yes"},
	{COMMAND, "pass_aws_credentials = no"},
	{COMMAND, "working_directory = /srv"},
	{COMMAND, "memory = 3M"},
	{COMMAND, "open_files = 64"},
	{COMMAND, "output = 0"},
	{COMMAND, "cpu_time = 3s"},
	{COMMAND, "file_size = 3M"},
	{COMMAND, "kind = lambda\nprogram =\nbundle = /srv/a"},
	{LAMBDA, "bundle = /srv/b"},
	{LAMBDA, "handler = index.handler"},
	{LAMBDA, "runtime = provided"},
	{LAMBDA, "max_jobs = 0"},
	{LAMBDA, "max_age = 0"},
	{HTTP, "url = http://localhost/?b"},
	{"[job a]\n", "[worker]\njob_timeout = 3s"},
};

START_TEST(a_changed_value_makes_sections_unequal)
{
	char text[256];

	snprintf(text, sizeof text, "%s%s\n", changes[_i].text, changes[_i].line);
	_cleanup_(settings_freep) struct settings *before = load(changes[_i].text),
						  *after = load(text), *again = load(text);
	const struct settings_job *old = settings_job_for(before, "a"),
				  *new = settings_job_for(after, "a");

	ck_assert_msg(!settings_job_equal(old, new), "%s", text);
	ck_assert_msg(settings_job_equal(new, settings_job_for(again, "a")), "%s", text);
}
END_TEST

START_TEST(each_key_of_a_section_is_among_those_changes)
{
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		char start[64];
		bool found = false;

		if (!keys_is_of_job(k))
			continue;
		snprintf(start, sizeof start, "%s =", k->name);
		for (size_t i = 0; i < N_OF(changes); i++)
			found |= strncmp(changes[i].line, start, strlen(start)) == 0;
		ck_assert_msg(found, "%s", k->name);
	}
}
END_TEST

START_TEST(where_values_come_from_makes_no_difference_but_the_type_does)
{
	_cleanup_(settings_freep) struct settings *settings =
		load(COMMAND "[job b]\ntimeout = 30s\nprogram = /bin/true\nkind = command\n");
	struct settings_job *a = &settings->jobs[0], *b = &settings->jobs[1];

	ck_assert(!settings_job_equal(a, b));
	strcpy(b->type, a->type);
	ck_assert(settings_job_equal(a, b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings_job");
	TCase *tcase = tcase_create("settings_job");

	tcase_add_loop_test(tcase, rows_and_memory_follow_from_the_kind, 0, N_OF(kinds));
	tcase_add_test(tcase, what_is_not_given_is_at_its_default);
	tcase_add_test(tcase, pauses_are_those_of_all_types_unless_the_section_has_its_own);
	tcase_add_test(tcase, pauses_may_be_equal);
	tcase_add_test(tcase, a_message_can_point_to_the_line_of_a_value);
	tcase_add_loop_test(tcase, a_changed_value_makes_sections_unequal, 0, N_OF(changes));
	tcase_add_test(tcase, each_key_of_a_section_is_among_those_changes);
	tcase_add_test(tcase, where_values_come_from_makes_no_difference_but_the_type_does);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}
