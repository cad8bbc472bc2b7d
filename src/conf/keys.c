#include "conf/keys.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"

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

static const struct value_name kinds[] = {
	{"builtin", SETTINGS_BUILTIN},
	{NULL, 0},
};

/* A field of struct settings has the name of its section and key. */
#define SETTING(part, key)                                                                         \
	.section = #part, .name = #key, .offset = offsetof(struct settings, part.key)
#define SETTING_OF_JOB(key)                                                                        \
	.section = KEY_JOB, .name = #key, .offset = offsetof(struct settings_job, key)
#define DURATION(low, high) .rule = {.type = &value_duration, .min = (low), .max = (high)}
#define SECONDS(low, high)                                                                         \
	.rule = {.type = &value_duration, .min = (low), .max = (high), .step = USEC_PER_SEC}
#define COUNT(low, high) .rule = {.type = &value_count, .min = (low), .max = (high)}
#define WORD(list)       .rule = {.type = &value_word, .names = (list)}

/* SQS keeps no message hidden for longer, so no job can be held for longer. */
#define LONGEST (12 * USEC_PER_HOUR)

const struct key keys[] = {
	{
		SETTING(queue, url),
		.rule = {.type = &value_queue_url},
		.other_names = {"SQS_QUEUE_URL"},
		.flags = KEY_REQUIRED | KEY_RESTART,
		.words = "The URL of the queue that jobs are taken from.",
	},
	{
		SETTING(queue, region),
		.rule = {.type = &value_region},
		.flags = KEY_RESTART,
		.fallback_words = "the region in the URL, else AWS_REGION, AWS_DEFAULT_REGION, "
				  "the AWS profile's, the metadata service's",
		.words = "The region that requests are signed for.",
	},
	{
		SETTING(queue, endpoint),
		.rule = {.type = &value_endpoint},
		.other_names = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"},
		.flags = KEY_RESTART,
		.fallback_words = "scheme and host of the URL",
		.words = "Where requests are sent. Must be given when the URL's host is not one of "
			 "AWS's, for signed requests go there.",
	},
	{
		SETTING(queue, wait_time),
		SECONDS(0, 20 * USEC_PER_SEC),
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
		.fallback = "64",
		.words = "At most so many requests for messages at a time; one while idle.",
	},
	{
		SETTING(database, url),
		.rule = {.type = &value_database_url},
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
		.rule = {.type = &value_size, .min = 1 << 20, .max = UINT64_C(1) << 40},
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
		SETTING_OF_JOB(kind),
		WORD(kinds),
		.fallback = "builtin",
		.words = "Who does the job: builtin is the handler in the daemon that has the "
			 "type's "
			 "name.",
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
};

const size_t n_keys = sizeof keys / sizeof keys[0];
static_assert(sizeof keys / sizeof keys[0] <= SETTINGS_KEYS_MAX, "SETTINGS_KEYS_MAX is too small");

const struct key_section key_sections[] = {
	{"queue", "The queue that jobs come from. Credentials for it are found as all AWS programs "
		  "find theirs."},
	{"database", "The database that keeps what became of them."},
	{"worker", "How much is done at a time, and for how long."},
	{"log", "What is written to the log."},
	{KEY_JOB,
		"A section [job TYPE] for each type of job that needs its own; the section [job *] "
		"holds for all types that have none."},
};

const size_t n_key_sections = sizeof key_sections / sizeof key_sections[0];

bool keys_is_of_job(const struct key *key)
{
	return strcmp(key->section, KEY_JOB) == 0;
}

const char *keys_header(const char *section)
{
	return strcmp(section, KEY_JOB) == 0 ? KEY_JOB " TYPE" : section;
}

const struct key *keys_find(const char *section, const char *name)
{
	for (const struct key *k = keys; k < keys + n_keys; k++)
		if (strcmp(k->section, section) == 0 && strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

const struct key *keys_nearest(const char *section, const char *name)
{
	const struct key *best = NULL;
	size_t least = NEAREST_WORD_MAX;

	for (const struct key *k = keys; k < keys + n_keys; k++) {
		/* A key in the wrong section is as good a guess as one letter in the right one. */
		size_t distance =
			nearest_distance(name, k->name) + (strcmp(k->section, section) != 0);
		if (distance < least && nearest_is_slip(name, k->name)) {
			least = distance;
			best = k;
		}
	}
	return best;
}

const char *keys_nearest_section(const char *name)
{
	const char *best = NULL;
	size_t least = NEAREST_WORD_MAX;

	for (size_t i = 0; i < n_key_sections; i++) {
		size_t distance = nearest_distance(name, key_sections[i].name);
		if (distance < least && nearest_is_slip(name, key_sections[i].name)) {
			least = distance;
			best = key_sections[i].name;
		}
	}
	return best;
}

bool keys_environment(const struct key *key, char ret_name[KEY_ENVIRONMENT_MAX])
{
	if (keys_is_of_job(key))
		return false;
	int len = snprintf(ret_name, KEY_ENVIRONMENT_MAX, "NEXUS_%s_%s", key->section, key->name);
	assert(len > 0 && len < KEY_ENVIRONMENT_MAX);
	for (char *c = ret_name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
	return true;
}

int keys_read(const struct key *key, void *base, const char *text, struct strbuf *wrong)
{
	return key->rule.type->read(&key->rule, text, (char *)base + key->offset, wrong);
}

void keys_write(const struct key *key, const void *base, struct strbuf *out)
{
	key->rule.type->write(&key->rule, (const char *)base + key->offset, out);
}

int keys_read_fallback(const struct key *key, void *base)
{
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;

	if (!key->fallback) {
		key->rule.type->clear((char *)base + key->offset);
		return 0;
	}
	int r = keys_read(key, base, key->fallback, &wrong);
	assert(r != -EINVAL);
	return r;
}

void keys_place(const struct key *key, const char *origin, struct strbuf *out)
{
	/* A variable and an option name the key already. */
	if (strncmp(origin, "environment ", 12) == 0 || origin[0] == '-')
		strbuf_printf(out, "%s: ", origin);
	else
		strbuf_printf(out, "%s: %s: ", origin, key->name);
}

int keys_note(const struct key *key, char **origins, const char *from)
{
	char **origin = &origins[key - keys];
	char *copy = NULL;

	if (from) {
		copy = strdup(from);
		if (!copy)
			return -ENOMEM;
	}
	free(*origin);
	*origin = copy;
	return 0;
}
