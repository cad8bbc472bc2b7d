#include <assert.h>
#include <stddef.h>

#include "conf/keys.h"

static const struct value_name levels[] = {
	{"error", LOG_ERR},
	{"warning", LOG_WARNING},
	{"notice", LOG_NOTICE},
	{"info", LOG_INFO},
	{"debug", LOG_DEBUG},
	{NULL, 0},
};

static const struct value_name formats[] = {
	{"auto", LOG_FORMAT_AUTO},
	{"journal", LOG_FORMAT_JOURNAL},
	{"text", LOG_FORMAT_TEXT},
	{"json", LOG_FORMAT_JSON},
	{NULL, 0},
};

static const struct value_name dead_letters[] = {
	{"off", SETTINGS_DEAD_LETTER_OFF},
	{"send", SETTINGS_DEAD_LETTER_SEND},
	{NULL, 0},
};

static const struct value_name kinds[] = {
	{"builtin", SETTINGS_BUILTIN},
	{"command", SETTINGS_COMMAND},
	{"lambda", SETTINGS_LAMBDA},
	{"http", SETTINGS_HTTP},
	{NULL, 0},
};

static const struct value_name rows[] = {
	{"worker", SETTINGS_ROWS_WORKER},
	{"handler", SETTINGS_ROWS_HANDLER},
	{NULL, 0},
};

static const struct value_name runtimes[] = {
	{"nodejs", SETTINGS_NODEJS},
	{"provided", SETTINGS_PROVIDED},
	{NULL, 0},
};

/* A field of struct settings has the name of its section and key. */
#define SETTING(part, key)                                                                         \
	.section = #part, .name = #key, .offset = offsetof(struct settings, part.key)
#define SETTING_OF_JOB(key) NAMED_SETTING_OF_JOB(#key, key)
#define NAMED_SETTING_OF_JOB(words, field)                                                         \
	.section = KEY_JOB, .name = (words), .offset = offsetof(struct settings_job, field)
#define DURATION(low, high) .rule = {.type = &value_duration, .min = (low), .max = (high)}
#define SECONDS(low, high)                                                                         \
	.rule = {.type = &value_duration, .min = (low), .max = (high), .step = USEC_PER_SEC}
#define DURATION_OR_0(low, high)                                                                   \
	.rule = {.type = &value_duration, .min = (low), .max = (high), .or_zero = true}
#define COUNT(low, high) .rule = {.type = &value_count, .min = (low), .max = (high)}
#define WORD(list)       .rule = {.type = &value_word, .names = (list)}
#define SIZE(low, high)  .rule = {.type = &value_size, .min = (low), .max = (high)}
#define SIZE_OR_0(low, high)                                                                       \
	.rule = {.type = &value_size, .min = (low), .max = (high), .or_zero = true}
#define TEXT(kind) .rule = {.type = &value_##kind}
#define SWITCH     .rule = {.type = &value_switch}

#define COMMAND  .kinds = KEY_KIND(SETTINGS_COMMAND)
#define LAMBDA   .kinds = KEY_KIND(SETTINGS_LAMBDA)
#define HTTP     .kinds = KEY_KIND(SETTINGS_HTTP)
#define PROGRAMS .kinds = KEY_KIND(SETTINGS_COMMAND) | KEY_KIND(SETTINGS_LAMBDA)

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* SQS keeps no message hidden for longer, so no job can be held for longer. */
#define LONGEST (12 * USEC_PER_HOUR)

const struct key keys[] = {
	{
		SETTING(queue, url),
		TEXT(queue_url),
		.other_names = {"SQS_QUEUE_URL"},
		.flags = KEY_REQUIRED | KEY_RESTART,
		.words = "The URL of the queue that jobs are taken from.",
	},
	{
		SETTING(queue, region),
		TEXT(region),
		.flags = KEY_RESTART,
		.fallback_words = "the region in the URL, else AWS_REGION, AWS_DEFAULT_REGION, "
				  "the AWS profile's, the metadata service's",
		.words = "The region that requests are signed for.",
	},
	{
		SETTING(queue, endpoint),
		TEXT(endpoint),
		.other_names = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"},
		.flags = KEY_RESTART,
		.fallback_words = "scheme and host of the URL",
		.words = "Where requests are sent. Must be given when the URL's host is not one of "
			 "AWS's, for signed requests go there.",
	},
	{
		SETTING(queue, wait_time),
		SECONDS(0, 20 * USEC_PER_SEC),
		.flags = KEY_RESTART,
		.fallback = "20s",
		.words = "How long a request for messages waits at the queue while it is empty.",
	},
	{
		SETTING(queue, visibility_timeout),
		SECONDS(0, LONGEST),
		.fallback = "0",
		.fallback_words = "the queue's own",
		.words = "How long a message stays hidden from other receivers; it is extended for "
			 "as long as its job runs here. What is set is asked for in each receive.",
	},
	{
		SETTING(queue, max_pollers),
		COUNT(1, 1024),
		.flags = KEY_RESTART,
		.fallback = "64",
		.words = "At most so many requests for messages at a time; one while idle.",
	},
	{
		SETTING(database, url),
		TEXT(database_url),
		.other_names = {"DATABASE_URL"},
		.flags = KEY_REQUIRED | KEY_PRIVATE,
		.fallback_words = "the file $CREDENTIALS_DIRECTORY/database-url, else "
				  "/etc/nexus-worker/database-url",
		.words = "The Postgres database that holds the jobs' rows, as libpq takes it. With "
			 "a "
			 "password in it, it is better kept in the file that is the default.",
	},
	{
		SETTING(worker, concurrency),
		COUNT(1, 1024),
		.flags = KEY_RESTART,
		.fallback = "16",
		.words = "So many jobs run at a time, each in a thread.",
	},
	{
		SETTING(worker, prefetch_time),
		DURATION(0, USEC_PER_MIN),
		.fallback = "250ms",
		.words = "Messages are fetched ahead for as much work as the threads get to within "
			 "this time; 0: for idle threads only.",
	},
	{
		SETTING(worker, prefetch_max),
		COUNT(1, 120000),
		.fallback = "1000",
		.words = "At most so many messages in hand, running and waiting ones together.",
	},
	{
		.section = "worker",
		.name = "memory",
		.offset = offsetof(struct settings, worker.memory_bytes),
		SIZE(MIB, TIB),
		.fallback = "64M",
		.words = "At most so many bytes of message bodies in hand.",
	},
	{
		SETTING(worker, job_timeout),
		DURATION(USEC_PER_MSEC, LONGEST),
		.fallback = "30s",
		.words = "A job that runs for longer is cancelled and fails.",
	},
	{
		SETTING(worker, drain_timeout),
		DURATION(0, LONGEST),
		.fallback = "60s",
		.words =
			"When told to stop, the daemon lets jobs finish for so long. Under systemd "
			"TimeoutStopSec= has to be longer by half a minute.",
	},
	{
		SETTING(retry, base_delay),
		DURATION(0, LONGEST),
		.fallback = "0",
		.fallback_words = "off: a failed job returns when its visibility ends",
		.words = "How long a failed job waits for its next attempt, give or take a little; "
			 "twice as long after each further failure.",
	},
	{
		SETTING(retry, max_delay),
		DURATION(USEC_PER_SEC, LONGEST),
		.fallback = "15min",
		.words = "But no failed job waits for longer.",
	},
	{
		SETTING(retry, dead_letter),
		WORD(dead_letters),
		.fallback = "off",
		.words = "With send, a message that is not valid and one whose job has failed for "
			 "good go to the queue's dead letter queue at once, with the reason as "
			 "attributes. That needs sqs:SendMessage on it.",
	},
	{
		SETTING(log, level),
		WORD(levels),
		.option = "--log-level",
		.fallback = "info",
		.words = "Lines of this importance and above are written.",
	},
	{
		SETTING(log, format),
		WORD(formats),
		.fallback = "auto",
		.words = "auto is the journal's native protocol under systemd and text elsewhere; "
			 "json writes one object a line.",
	},
	{
		SETTING(log, completed_per_second),
		COUNT(0, 1000000),
		.fallback = "1000",
		.words = "A line each for so many completed jobs a second, then one summary a "
			 "second. All other outcomes are always written.",
	},
	{
		SETTING(metrics, listen),
		TEXT(listen),
		.flags = KEY_RESTART,
		.fallback_words = "off",
		.words = "The address and port on which /metrics, /healthz and /readyz are served "
			 "to whoever can reach it, such as 127.0.0.1:9464.",
	},
	{
		SETTING_OF_JOB(kind),
		WORD(kinds),
		.fallback = "builtin",
		.words = "Who does the job: builtin is the handler in the daemon that has the "
			 "type's name, command a program that is started for each job, lambda a "
			 "bundle as AWS Lambda runs it, http a service on this machine or another.",
	},
	{
		SETTING_OF_JOB(timeout),
		DURATION(0, LONGEST),
		.fallback = "0",
		.fallback_words = "job_timeout of [worker]",
		.words = "A job of this type that runs for longer is cancelled and fails.",
	},
	{
		SETTING_OF_JOB(max_concurrency),
		COUNT(0, 1024),
		.fallback = "0",
		.fallback_words = "as many as there are threads",
		.words = "At most so many jobs of this type run at a time.",
	},
	{
		SETTING_OF_JOB(rows),
		WORD(rows),
		.fallback_words = "handler for lambda, worker for all others",
		.words = "Who writes what became of a job into its row: the worker, or the handler "
			 "itself.",
	},
	{
		SETTING_OF_JOB(base_delay),
		DURATION(0, LONGEST),
		.fallback = "0",
		.fallback_words = "base_delay of [retry]",
		.words = "As base_delay of [retry], for jobs of this type.",
	},
	{
		SETTING_OF_JOB(max_delay),
		DURATION_OR_0(USEC_PER_SEC, LONGEST),
		.fallback = "0",
		.fallback_words = "max_delay of [retry]",
		.words = "As max_delay of [retry], for jobs of this type.",
	},
	{
		SETTING_OF_JOB(program),
		TEXT(program),
		COMMAND,
		.flags = KEY_REQUIRED,
		.words = "The program that is started for each job, and its arguments. The payload "
			 "is its standard input.",
	},
	{
		SETTING_OF_JOB(bundle),
		TEXT(path),
		LAMBDA,
		.flags = KEY_REQUIRED,
		.words = "The directory with the function's code.",
	},
	{
		SETTING_OF_JOB(handler),
		TEXT(handler),
		LAMBDA,
		.fallback = "handler.handler",
		.words = "The function in the bundle that is called.",
	},
	{
		SETTING_OF_JOB(runtime),
		WORD(runtimes),
		LAMBDA,
		.fallback = "nodejs",
		.words = "What runs the bundle: nodejs, or with provided the program bootstrap in "
			 "it.",
	},
	{
		SETTING_OF_JOB(max_jobs),
		COUNT(0, 1000000000),
		LAMBDA,
		.fallback = "10000",
		.words = "A runtime that has done so many jobs is replaced; 0: never.",
	},
	{
		SETTING_OF_JOB(max_age),
		DURATION(0, 30 * 24 * USEC_PER_HOUR),
		LAMBDA,
		.fallback = "1h",
		.words = "A runtime that has run for so long is replaced; 0: never.",
	},
	{
		SETTING_OF_JOB(url),
		TEXT(service_url),
		HTTP,
		.flags = KEY_REQUIRED | KEY_PRIVATE,
		.words = "Where jobs are posted to.",
	},
	{
		SETTING_OF_JOB(environment),
		TEXT(environment),
		PROGRAMS,
		.flags = KEY_PRIVATE,
		.words = "Variables for the program, beside those that the daemon sets.",
	},
	{
		SETTING_OF_JOB(environment_file),
		TEXT(path),
		PROGRAMS,
		.words = "A file of KEY=VALUE lines, for variables that do not belong in this one.",
	},
	{
		SETTING_OF_JOB(pass_database_url),
		SWITCH,
		PROGRAMS,
		.fallback = "no",
		.words = "Whether the program has the database's URL as DATABASE_URL.",
	},
	{
		SETTING_OF_JOB(pass_aws_credentials),
		SWITCH,
		PROGRAMS,
		.fallback = "yes",
		.words = "Whether the program may ask the daemon for its AWS credentials, as AWS's "
			 "SDKs do by themselves.",
	},
	{
		SETTING_OF_JOB(working_directory),
		TEXT(path),
		PROGRAMS,
		.fallback_words = "/ for command, the bundle for lambda",
		.words = "The directory that the program starts in.",
	},
	{
		NAMED_SETTING_OF_JOB("memory", memory_bytes),
		SIZE_OR_0(3 * MIB, TIB),
		PROGRAMS,
		.fallback = "0",
		.fallback_words = "no limit for command, 256M for lambda",
		.words = "At most so much memory for a program and all that it starts.",
	},
	{
		SETTING_OF_JOB(open_files),
		COUNT(16, 1 << 20),
		PROGRAMS,
		.fallback = "1024",
		.words = "At most so many open files for each process.",
	},
	{
		NAMED_SETTING_OF_JOB("output", output_bytes),
		SIZE(0, GIB),
		PROGRAMS,
		.fallback = "1M",
		.words = "Of what a job writes to standard output and standard error so much goes "
			 "into the log; the rest is dropped, which a line says.",
	},
	{
		SETTING_OF_JOB(cpu_time),
		SECONDS(0, LONGEST),
		COMMAND,
		.fallback = "0",
		.fallback_words = "no limit",
		.words = "At most so much processor time for each process.",
	},
	{
		NAMED_SETTING_OF_JOB("file_size", file_size_bytes),
		SIZE(0, 16 * TIB),
		COMMAND,
		.fallback = "0",
		.fallback_words = "no limit",
		.words = "No file that the program writes may be larger.",
	},
};

const size_t n_keys = sizeof keys / sizeof keys[0];
static_assert(sizeof keys / sizeof keys[0] <= SETTINGS_KEYS_MAX, "SETTINGS_KEYS_MAX is too small");

const struct key_section key_sections[] = {
	{"queue", "The queue that jobs come from. Credentials for it are found as all AWS programs "
		  "find theirs."},
	{"database", "The database that keeps what became of them."},
	{"worker", "How much is done at a time, and for how long."},
	{"retry", "When a job that has failed is tried again, and what becomes of one that "
		  "cannot succeed."},
	{"log", "What is written to the log."},
	{"metrics", "What is told to Prometheus and to whoever probes."},
	{KEY_JOB,
		"A section [job TYPE] for each type of job that needs its own; the section [job *] "
		"holds for all types that have none."},
};

const size_t n_key_sections = sizeof key_sections / sizeof key_sections[0];
