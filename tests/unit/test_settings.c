#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "conf/keys.h"
#include "conf/settings.h"

#define QUEUE    "https://sqs.eu-central-1.amazonaws.com/123456789012/nexus-jobs"
#define DATABASE "postgresql://nexus:secret@db.example/nexus"
#define MINIMAL  "[queue]\nurl = " QUEUE "\n[database]\nurl = " DATABASE "\n"

static struct strbuf problems, warnings;
static struct settings *settings;

static void setup(void)
{
	test_folder_enter(); /* stands in for /etc/nexus-worker */
	ck_assert_int_eq(mkdir("nexus-worker.conf.d", 0700), 0);
	problems = STRBUF_INIT;
	warnings = STRBUF_INIT;
}

static void teardown(void)
{
	settings_free(settings);
	strbuf_done(&problems);
	strbuf_done(&warnings);
	test_folder_leave();
}

static int load_request(struct settings_request request)
{
	settings = settings_free(settings);
	strbuf_reset(&problems);
	strbuf_reset(&warnings);
	request.directory = ".";
	return settings_load(&request, &problems, &warnings, &settings);
}

#define load(...)                                                                                  \
	load_request((struct settings_request){                                                    \
		.environment = (const char *const[]){__VA_ARGS__, NULL}})
#define expect_loaded(call)   ck_assert_msg((call) == 0, "%s", strbuf_str(&problems))
#define expect_problems(text) ck_assert_str_eq(strbuf_str(&problems), text)
#define expect_warnings(text) ck_assert_str_eq(strbuf_str(&warnings), text)

static const char *origin(const char *section, const char *name)
{
	return settings->origins[keys_find(section, name) - keys];
}

START_TEST(the_least_that_is_needed_leaves_everything_else_at_its_default)
{
	test_write("nexus-worker.conf", MINIMAL);
	expect_loaded(load(NULL));
	expect_problems("");
	expect_warnings("");

	ck_assert_str_eq(settings->queue.url, QUEUE);
	ck_assert_str_eq(settings->queue.region, "eu-central-1");
	ck_assert_str_eq(settings->queue.endpoint, "https://sqs.eu-central-1.amazonaws.com");
	ck_assert_uint_eq(settings->queue.wait_time, 20 * USEC_PER_SEC);
	ck_assert_uint_eq(settings->queue.visibility_timeout, 0);
	ck_assert_uint_eq(settings->queue.max_pollers, 64);
	ck_assert_str_eq(settings->database.url, DATABASE);
	ck_assert_uint_eq(settings->worker.concurrency, 16);
	ck_assert_uint_eq(settings->worker.prefetch_time, 250 * USEC_PER_MSEC);
	ck_assert_uint_eq(settings->worker.prefetch_max, 1000);
	ck_assert_uint_eq(settings->worker.memory_bytes, 64 << 20);
	ck_assert_uint_eq(settings->worker.job_timeout, 30 * USEC_PER_SEC);
	ck_assert_uint_eq(settings->worker.drain_timeout, 60 * USEC_PER_SEC);
	ck_assert_int_eq(settings->log.level, LOG_INFO);
	ck_assert_int_eq(settings->log.format, LOG_FORMAT_AUTO);
	ck_assert_uint_eq(settings->log.completed_per_second, 1000);
	ck_assert_uint_eq(settings->n_jobs, 1);
	ck_assert_str_eq(settings->jobs[0].type, "*");
	ck_assert_int_eq(settings->jobs[0].kind, SETTINGS_BUILTIN);
	ck_assert_uint_eq(settings->jobs[0].timeout, 30 * USEC_PER_SEC);
	ck_assert_uint_eq(settings->jobs[0].max_concurrency, 0);
}
END_TEST

START_TEST(the_later_source_wins_and_is_remembered)
{
	test_write("nexus-worker.conf", MINIMAL "[log]\nlevel = error\n");
	expect_loaded(load(NULL));
	ck_assert_int_eq(settings->log.level, LOG_ERR);
	ck_assert_str_eq(origin("log", "level"), "./nexus-worker.conf:6");
	ck_assert_ptr_null(origin("log", "format"));

	test_write("nexus-worker.conf.d/20-b.conf", "[log]\nlevel = notice\n");
	test_write("nexus-worker.conf.d/10-a.conf", "[log]\nlevel = warning\nformat = text\n");
	test_write("nexus-worker.conf.d/30-c.disabled", "[log]\nlevel = loud\n");
	test_write("nexus-worker.conf.d/.40.conf", "[log]\nlevel = loud\n");
	expect_loaded(load(NULL));
	ck_assert_int_eq(settings->log.level, LOG_NOTICE);
	ck_assert_int_eq(settings->log.format, LOG_FORMAT_TEXT);
	ck_assert_str_eq(origin("log", "level"), "./nexus-worker.conf.d/20-b.conf:2");

	expect_loaded(load("NEXUS_LOG_LEVEL=info"));
	ck_assert_int_eq(settings->log.level, LOG_INFO);
	ck_assert_str_eq(origin("log", "level"), "environment NEXUS_LOG_LEVEL");

	static const struct settings_argument argument = {"--log-level", "debug"};
	expect_loaded(load_request((struct settings_request){
		.environment = (const char *const[]){"NEXUS_LOG_LEVEL=info", NULL},
		.arguments = &argument,
		.n_arguments = 1,
	}));
	ck_assert_int_eq(settings->log.level, LOG_DEBUG);
	ck_assert_str_eq(origin("log", "level"), "--log-level");
}
END_TEST

START_TEST(an_empty_value_puts_the_default_back)
{
	test_write(
		"nexus-worker.conf", MINIMAL "region = x\n[queue]\nregion = xy\nwait_time = 1s\n");
	test_write("nexus-worker.conf.d/a.conf", "[queue]\nwait_time =\nregion =\n");
	ck_assert_int_eq(load(NULL), -EINVAL);

	test_write("nexus-worker.conf", MINIMAL "[queue]\nregion = xy\nwait_time = 1s\n");
	expect_loaded(load("NEXUS_QUEUE_WAIT_TIME=", "NEXUS_QUEUE_URL="));
	ck_assert_uint_eq(settings->queue.wait_time, 20 * USEC_PER_SEC);
	ck_assert_ptr_null(origin("queue", "wait_time"));
	ck_assert_str_eq(settings->queue.region, "eu-central-1");
}
END_TEST

START_TEST(our_own_variable_beats_the_other_names_and_those_the_file)
{
	test_write("nexus-worker.conf", MINIMAL "[queue]\nendpoint = http://127.0.0.1:1\n");
	expect_loaded(load("AWS_ENDPOINT_URL=http://127.0.0.1:2"));
	ck_assert_str_eq(settings->queue.endpoint, "http://127.0.0.1:2");
	expect_loaded(load(
		"AWS_ENDPOINT_URL=http://127.0.0.1:2", "AWS_ENDPOINT_URL_SQS=http://127.0.0.1:3"));
	ck_assert_str_eq(settings->queue.endpoint, "http://127.0.0.1:3");
	expect_loaded(load("AWS_ENDPOINT_URL=http://127.0.0.1:2",
		"AWS_ENDPOINT_URL_SQS=http://127.0.0.1:3",
		"NEXUS_QUEUE_ENDPOINT=http://127.0.0.1:4"));
	ck_assert_str_eq(settings->queue.endpoint, "http://127.0.0.1:4");
	expect_loaded(load("AWS_ENDPOINT_URL=http://127.0.0.1:2", "AWS_ENDPOINT_URL_SQS="));
	ck_assert_str_eq(settings->queue.endpoint, "http://127.0.0.1:2");
}
END_TEST

START_TEST(without_a_file_the_environment_is_enough)
{
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "DATABASE_URL=" DATABASE));
	ck_assert_str_eq(origin("queue", "url"), "environment SQS_QUEUE_URL");
	ck_assert_str_eq(origin("database", "url"), "environment DATABASE_URL");
}
END_TEST

START_TEST(every_key_has_its_variable)
{
	test_write("nexus-worker.conf", MINIMAL);
	for (const struct key *k = keys; k < keys + n_keys; k++) {
		char name[KEY_ENVIRONMENT_MAX], pair[2 * KEY_ENVIRONMENT_MAX], start[128];

		if (!keys_environment(k, name))
			continue;
		snprintf(pair, sizeof pair, "%s=\1", name);
		snprintf(start, sizeof start, "environment %s: ", name);
		ck_assert_int_eq(load(pair), -EINVAL);
		ck_assert_msg(strncmp(strbuf_str(&problems), start, strlen(start)) == 0, "%s",
			strbuf_str(&problems));
		expect_warnings("");
	}
}
END_TEST

START_TEST(of_a_file_that_cannot_be_read_nothing_is_said_to_be_missing)
{
	struct settings_request request = {.config = "other.conf"};

	ck_assert_int_eq(load_request(request), -EINVAL);
	expect_problems("other.conf: cannot be read: No such file or directory\n");
}
END_TEST

START_TEST(what_is_not_whole_can_be_printed)
{
	_cleanup_strbuf_ struct strbuf printed = STRBUF_INIT;

	test_write("nexus-worker.conf", "[queue]\nurl = " QUEUE "\n[worker]\nconcurrency = many\n");
	ck_assert_int_eq(load(NULL), -EINVAL);
	settings_print(settings, &printed);
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&printed), "# ./nexus-worker.conf:2\nurl = " QUEUE "\n"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&printed), "[database]\n# default: the file"));
}
END_TEST

START_TEST(a_section_remembers_where_its_type_was_named_first)
{
	test_write("nexus-worker.conf", MINIMAL "[job a]\n[job *]\n[job a]\ntimeout = 3s\n");
	expect_loaded(load(NULL));
	ck_assert_str_eq(settings_job_for(settings, "a")->origin, "./nexus-worker.conf:5");
	ck_assert_str_eq(settings_job_for(settings, "b")->origin, "./nexus-worker.conf:6");
}
END_TEST

START_TEST(a_configuration_that_was_asked_for_must_be_there)
{
	static const char missing[] = "other.conf: cannot be read: No such file or directory\n";
	const char *const environment[] = {"SQS_QUEUE_URL=" QUEUE, "DATABASE_URL=" DATABASE, NULL};
	struct settings_request request = {.config = "other.conf", .environment = environment};

	test_write("nexus-worker.conf", "[log]\nlevel = error\n");
	ck_assert_int_eq(load_request(request), -EINVAL);
	expect_problems(missing);

	test_write("other.conf", "[worker]\nconcurrency = 3\n");
	ck_assert_int_eq(mkdir("other.conf.d", 0700), 0);
	test_write("other.conf.d/a.conf", "[worker]\nmemory = 3M\n");
	expect_loaded(load_request(request));
	ck_assert_uint_eq(settings->worker.concurrency, 3);
	ck_assert_uint_eq(settings->worker.memory_bytes, 3 << 20);
	ck_assert_int_eq(settings->log.level, LOG_INFO);

	request.config = ".";
	ck_assert_int_eq(load_request(request), -EINVAL);
	expect_problems(".: cannot be read: Is a directory\n");
}
END_TEST

static void expect_closed(struct settings_request request, const char *problem)
{
	ck_assert_int_eq(chmod(".", 0755), 0);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	int r = load_request(request);
	ck_assert_int_eq(seteuid(getuid()), 0);
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_ptr_nonnull(strstr(strbuf_str(&problems), problem));
}

START_TEST(of_a_file_that_is_not_ours_to_read_it_is_said_who_may)
{
	test_write("nexus-worker.conf", MINIMAL);
	ck_assert_int_eq(chmod("nexus-worker.conf", 0), 0);
	expect_closed((struct settings_request){},
		"./nexus-worker.conf: cannot be read: Permission denied; root and the group "
		"nexus-worker may, once systemd-tmpfiles --create nexus-worker.conf has set its "
		"modes\n");
	/* What lies elsewhere no package sets modes of. */
	expect_closed((struct settings_request){.config = "nexus-worker.conf"},
		"nexus-worker.conf: cannot be read: Permission denied; let the user that this runs "
		"as read it\n");
}
END_TEST

START_TEST(the_database_may_be_named_in_a_file_of_its_own)
{
	test_write("database-url", "postgresql://etc/d\n");
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE));
	ck_assert_str_eq(settings->database.url, "postgresql://etc/d");
	ck_assert_str_eq(origin("database", "url"), "./database-url");

	ck_assert_int_eq(mkdir("credentials", 0700), 0);
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "CREDENTIALS_DIRECTORY=credentials"));
	ck_assert_str_eq(settings->database.url, "postgresql://etc/d");

	test_write("credentials/database-url", "postgresql://credential/d");
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "CREDENTIALS_DIRECTORY=credentials"));
	ck_assert_str_eq(settings->database.url, "postgresql://credential/d");
	ck_assert_str_eq(origin("database", "url"), "credentials/database-url");

	test_write("nexus-worker.conf", "[database]\nurl = postgresql://file/d\n");
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "CREDENTIALS_DIRECTORY=credentials"));
	ck_assert_str_eq(settings->database.url, "postgresql://file/d");
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "DATABASE_URL=postgresql://environment/d"));
	ck_assert_str_eq(settings->database.url, "postgresql://environment/d");
}
END_TEST

START_TEST(a_bad_database_file_is_a_problem_only_when_it_is_needed)
{
	test_write("database-url", "\n\r\n");
	ck_assert_int_eq(load("SQS_QUEUE_URL=" QUEUE), -EINVAL);
	expect_problems("./database-url: is empty, accepted is the database's URL\n");
	expect_loaded(load("SQS_QUEUE_URL=" QUEUE, "DATABASE_URL=" DATABASE));

	test_write_bytes("database-url", "a=secret\0b", 10);
	ck_assert_int_eq(load("SQS_QUEUE_URL=" QUEUE), -EINVAL);
	expect_problems("./database-url: holds a NUL, accepted is the database's URL\n");

	/* At its end, too: as a file is left behind that was never written out. */
	test_write_bytes("database-url", "a=secret\0\n\0", 11);
	ck_assert_int_eq(load("SQS_QUEUE_URL=" QUEUE), -EINVAL);
	expect_problems("./database-url: holds a NUL, accepted is the database's URL\n");

	test_write("database-url", "a=secret\nb=secret\n");
	ck_assert_int_eq(load("SQS_QUEUE_URL=" QUEUE), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(strbuf_str(&problems), "./database-url: url: the value is more "
					      "than one line, accepted is "));
	ck_assert_ptr_null(strstr(strbuf_str(&problems), "secret"));

	ck_assert_int_eq(unlink("database-url"), 0);
	ck_assert_int_eq(mkdir("database-url", 0700), 0);
	ck_assert_int_eq(load("SQS_QUEUE_URL=" QUEUE), -EINVAL);
	expect_problems("./database-url: cannot be read: Is a directory\n");
}
END_TEST

/* Queue URL, more environment, the region and the endpoint that follow, and where they are from. */
static const struct {
	const char *url, *more;
	const char *region, *region_from, *endpoint, *endpoint_from;
} derived[] = {
	{"https://sqs.eu-west-1.amazonaws.com/123456789012/n", "AWS_REGION=us-east-1", "eu-west-1",
		"[queue] url", "https://sqs.eu-west-1.amazonaws.com", "[queue] url"},
	{"https://sqs.eu-west-1.amazonaws.com/123456789012/n", "NEXUS_QUEUE_REGION=us-east-1",
		"us-east-1", "environment NEXUS_QUEUE_REGION",
		"https://sqs.eu-west-1.amazonaws.com", "[queue] url"},
	{"https://queue.amazonaws.com/123456789012/n", "AWS_REGION=eu-west-1", "us-east-1",
		"[queue] url", "https://queue.amazonaws.com", "[queue] url"},
	{"http://127.0.0.1:9/1/n", "AWS_REGION=eu-west-1", "eu-west-1", "environment AWS_REGION",
		"http://127.0.0.1:9", "[queue] url"},
	{"http://127.0.0.1:9/1/n", "AWS_DEFAULT_REGION=eu-west-1", "eu-west-1",
		"environment AWS_DEFAULT_REGION", "http://127.0.0.1:9", "[queue] url"},
	{"http://127.0.0.1:9/1/n", "AWS_REGION=", "us-west-2", "the AWS profile",
		"http://127.0.0.1:9", "[queue] url"},
	{"http://emulator:9/1/n", "AWS_ENDPOINT_URL=https://proxy:8/", "us-west-2",
		"the AWS profile", "https://proxy:8", "environment AWS_ENDPOINT_URL"},
};

START_TEST(region_and_endpoint_follow_from_what_there_is)
{
	struct strbuf url = STRBUF_INIT;

	strbuf_printf(&url, "SQS_QUEUE_URL=%s", derived[_i].url);
	expect_loaded(load_request((struct settings_request){
		.environment = (const char *const[]){strbuf_str(&url), derived[_i].more,
			"DATABASE_URL=" DATABASE, NULL},
		.profile_region = "us-west-2",
	}));
	ck_assert_str_eq(settings->queue.region, derived[_i].region);
	ck_assert_str_eq(origin("queue", "region"), derived[_i].region_from);
	ck_assert_str_eq(settings->queue.endpoint, derived[_i].endpoint);
	ck_assert_str_eq(origin("queue", "endpoint"), derived[_i].endpoint_from);
	strbuf_done(&url);
}
END_TEST

START_TEST(types_have_sections_and_all_others_the_star)
{
	test_write("nexus-worker.conf",
		MINIMAL "[worker]\njob_timeout = 10s\n"
			"[job thumb]\ntimeout = 5min\n[job a b]\n"
			"max_concurrency = 2\n[job empty]\n[job *]\ntimeout = 7s\n");
	test_write("nexus-worker.conf.d/a.conf", "[job thumb]\nmax_concurrency = 3\n");
	expect_loaded(load(NULL));

	ck_assert_uint_eq(settings->n_jobs, 4);
	ck_assert_str_eq(settings->jobs[0].type, "a b");
	ck_assert_str_eq(settings->jobs[1].type, "empty");
	ck_assert_str_eq(settings->jobs[2].type, "thumb");
	ck_assert_str_eq(settings->jobs[3].type, "*");

	const struct settings_job *job = settings_job_for(settings, "thumb");
	ck_assert_uint_eq(job->timeout, 300 * USEC_PER_SEC);
	ck_assert_uint_eq(job->max_concurrency, 3);
	job = settings_job_for(settings, "a b");
	ck_assert_uint_eq(job->timeout, 10 * USEC_PER_SEC);
	ck_assert_uint_eq(job->max_concurrency, 2);
	ck_assert_ptr_eq(settings_job_for(settings, "empty"), &settings->jobs[1]);
	for (const char *const *type = (const char *const[]){"", "!", "b", "f", "z", "*", NULL};
		*type; type++)
		ck_assert_ptr_eq(settings_job_for(settings, *type), &settings->jobs[3]);
	ck_assert_uint_eq(settings->jobs[3].timeout, 7 * USEC_PER_SEC);
}
END_TEST

START_TEST(what_is_printed_gives_the_same_settings_again)
{
	struct strbuf first = STRBUF_INIT, second = STRBUF_INIT;

	test_write("nexus-worker.conf", MINIMAL
		"[queue]\nwait_time = 3\nvisibility_timeout = 90s\n[worker]\nmemory = 1025\n");
	ck_assert_int_eq(load(NULL), -EINVAL);
	test_write("nexus-worker.conf", MINIMAL
		"[queue]\nwait_time = 3\nvisibility_timeout = 90s\n[worker]\n"
		"memory = 1048577\nprefetch_time = 1500us\njob_timeout = 90min\n"
		"[log]\nlevel = debug\nformat = json\n[job x]\ntimeout = 1h 1ms\n[job y]\n");
	expect_loaded(load("NEXUS_WORKER_CONCURRENCY=7"));
	settings_print(settings, &first);

	test_write("nexus-worker.conf", strbuf_str(&first));
	expect_loaded(load(NULL));
	expect_warnings("");
	settings_print(settings, &second);

	/* But for the places where values come from. */
	for (struct strbuf *b = &first; b; b = b == &first ? &second : NULL) {
		struct strbuf values = STRBUF_INIT;
		for (char *line = strtok(b->data, "\n"); line; line = strtok(NULL, "\n"))
			if (line[0] != '#')
				strbuf_printf(&values, "%s\n", line);
		strbuf_done(b);
		*b = values;
	}
	ck_assert_str_eq(strbuf_str(&first), strbuf_str(&second));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&first), "\nurl = postgresql://nexus:***@db.e"));
	ck_assert_ptr_nonnull(strstr(strbuf_str(&first), "\nconcurrency = 7\n"));
	strbuf_done(&first);
	strbuf_done(&second);
}
END_TEST

START_TEST(only_what_needs_a_restart_is_named_after_a_reload)
{
	struct strbuf names = STRBUF_INIT;

	test_write("nexus-worker.conf", MINIMAL);
	expect_loaded(load(NULL));
	struct settings *old = TAKE_PTR(settings);
	expect_loaded(load("NEXUS_LOG_LEVEL=debug", "NEXUS_WORKER_PREFETCH_MAX=99",
		"DATABASE_URL=postgres://other/d", "NEXUS_QUEUE_VISIBILITY_TIMEOUT=9s"));
	settings_restart_keys(old, settings, &names);
	ck_assert_str_eq(strbuf_str(&names), "");

	expect_loaded(load("NEXUS_QUEUE_URL=https://sqs.eu-west-1.amazonaws.com/123456789012/n",
		"NEXUS_QUEUE_WAIT_TIME=1s", "NEXUS_QUEUE_MAX_POLLERS=2",
		"NEXUS_WORKER_CONCURRENCY=2"));
	settings_restart_keys(old, settings, &names);
	ck_assert_str_eq(strbuf_str(&names),
		"[queue] url, [queue] region, [queue] endpoint, [queue] wait_time, "
		"[queue] max_pollers, [worker] concurrency");
	settings_free(old);
	strbuf_done(&names);
}
END_TEST

START_TEST(a_variable_that_looks_like_ours_is_warned_of)
{
	test_write("nexus-worker.conf", MINIMAL);
	expect_loaded(load("NEXUS_QUEUE_ULR=x", "NEXUS_WORKER_THREADS=3", "NEXUS_API_KEY=secret",
		"NEXUS_WROKER_CONCURRENCY=3", "NEXUS_=1", "NEXUSQUEUE=1", "NEXUS_JOB_ID=1",
		"NEXUS_LOG_LEVEL=info",
		"NEXUS_A_VERY_VERY_VERY_VERY_VERY_VERY_VERY_VERY_VERY_VERY_VERY_LONG_NAME=1"));
	expect_warnings("environment NEXUS_QUEUE_ULR: not a setting, did you mean "
			"NEXUS_QUEUE_URL?\n"
			"environment NEXUS_WORKER_THREADS: not a setting\n"
			"environment NEXUS_WROKER_CONCURRENCY: not a setting, did you mean "
			"NEXUS_WORKER_CONCURRENCY?\n");
}
END_TEST

START_TEST(settings_that_do_not_go_together_are_warned_of)
{
	test_write("nexus-worker.conf", MINIMAL "[queue]\nendpoint = http://10.0.0.1:80\n"
						"region = us-east-1\n[worker]\nprefetch_max = 3\n");
	expect_loaded(load(NULL));
	expect_warnings(
		"./nexus-worker.conf:7: region: not the region in the queue's URL; requests "
		"are signed for this one\n"
		"./nexus-worker.conf:6: endpoint: http:// to another machine: messages pass "
		"the network in the clear\n"
		"./nexus-worker.conf:9: prefetch_max: less than concurrency: some threads "
		"will never have a job\n");
}
END_TEST

START_TEST(a_megabyte_of_garbage_is_refused_in_a_hundred_lines)
{
	struct strbuf text = STRBUF_INIT;
	unsigned n_lines = 0;

	strbuf_puts(&text, "[worker]\n");
	while (text.len < 1 << 20)
		strbuf_puts(&text, "concurrenci = 3\n");
	test_write("nexus-worker.conf", strbuf_str(&text));
	ck_assert_int_eq(load(NULL), -EINVAL);
	for (const char *c = strbuf_str(&problems); *c; c++)
		n_lines += *c == '\n';
	ck_assert_uint_eq(n_lines, 101);

	for (size_t i = 0; i < text.len; i++)
		text.data[i] = (char)(i * 2654435761u >> 13);
	test_write_bytes("nexus-worker.conf", text.data, text.len);
	ck_assert_int_eq(load(NULL), -EINVAL);
	ck_assert_uint_lt(problems.len, 64 << 10);
	strbuf_done(&text);
}
END_TEST

START_TEST(a_line_that_is_none_is_enough_to_refuse_it_all)
{
	test_write("nexus-worker.conf", MINIMAL "nonsense\n");
	ck_assert_int_eq(load(NULL), -EINVAL);
	expect_problems("./nexus-worker.conf:5: neither \"[section]\" nor \"key = value\" nor a "
			"comment\n");
}
END_TEST

START_TEST(a_long_value_is_quoted_up_to_a_whole_character)
{
	static const char start[] = "environment NEXUS_LOG_LEVEL: \"aaaaaaaaaabbbbbbbbbbcccccccccc"
				    "ddddddddd…\" is not known";

	test_write("nexus-worker.conf", MINIMAL);
	ck_assert_int_eq(
		load("NEXUS_LOG_LEVEL=aaaaaaaaaabbbbbbbbbbccccccccccddddddddd\xc3\xa4"), -EINVAL);
	ck_assert_msg(strncmp(strbuf_str(&problems), start, strlen(start)) == 0, "%s",
		strbuf_str(&problems));
}
END_TEST

START_TEST(levels_and_formats_have_the_names_that_the_log_knows)
{
	const struct key *level = keys_find("log", "level");

	for (const struct value_name *n = level->rule.names; n->name; n++)
		ck_assert_str_eq(log_level_name(n->number), n->name);
	for (int i = LOG_ERR; i <= LOG_DEBUG; i++) {
		struct strbuf wrong = STRBUF_INIT;
		struct settings some;
		ck_assert_int_eq(keys_read(level, &some, log_level_name(i), &wrong), 0);
		ck_assert_int_eq(some.log.level, i);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tcase = tcase_create("settings");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_least_that_is_needed_leaves_everything_else_at_its_default);
	tcase_add_test(tcase, the_later_source_wins_and_is_remembered);
	tcase_add_test(tcase, an_empty_value_puts_the_default_back);
	tcase_add_test(tcase, our_own_variable_beats_the_other_names_and_those_the_file);
	tcase_add_test(tcase, without_a_file_the_environment_is_enough);
	tcase_add_test(tcase, every_key_has_its_variable);
	tcase_add_test(tcase, of_a_file_that_cannot_be_read_nothing_is_said_to_be_missing);
	tcase_add_test(tcase, what_is_not_whole_can_be_printed);
	tcase_add_test(tcase, a_section_remembers_where_its_type_was_named_first);
	tcase_add_test(tcase, a_configuration_that_was_asked_for_must_be_there);
	tcase_add_test(tcase, of_a_file_that_is_not_ours_to_read_it_is_said_who_may);
	tcase_add_test(tcase, the_database_may_be_named_in_a_file_of_its_own);
	tcase_add_test(tcase, a_bad_database_file_is_a_problem_only_when_it_is_needed);
	tcase_add_loop_test(tcase, region_and_endpoint_follow_from_what_there_is, 0, N_OF(derived));
	tcase_add_test(tcase, types_have_sections_and_all_others_the_star);
	tcase_add_test(tcase, what_is_printed_gives_the_same_settings_again);
	tcase_add_test(tcase, only_what_needs_a_restart_is_named_after_a_reload);
	tcase_add_test(tcase, a_variable_that_looks_like_ours_is_warned_of);
	tcase_add_test(tcase, settings_that_do_not_go_together_are_warned_of);
	tcase_add_test(tcase, a_megabyte_of_garbage_is_refused_in_a_hundred_lines);
	tcase_add_test(tcase, a_line_that_is_none_is_enough_to_refuse_it_all);
	tcase_add_test(tcase, a_long_value_is_quoted_up_to_a_whole_character);
	tcase_add_test(tcase, levels_and_formats_have_the_names_that_the_log_knows);
	suite_add_tcase(suite, tcase);
	return test_suite_run(suite);
}
