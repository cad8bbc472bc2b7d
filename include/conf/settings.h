/*
 * The settings of the daemon: plain data, read and checked in one go.
 *
 * Where they come from, later wins: built-in default, nexus-worker.conf (or --config FILE), the
 * drop-ins beside it (FILE.d, the files that end in .conf, by name), the environment, the command
 * line. An empty value means: not given; in a file it puts the default back. Keys, their types,
 * defaults and words stand in one table (conf/keys).
 *
 * Owns: all its strings, the database URL among them, which is wiped when it is freed. An object
 * does not change once loaded, and may then be read by any thread. Loading reads small local files
 * and blocks on them; it logs nothing, and what it has to say comes back as text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

struct key;

#define SETTINGS_DIRECTORY "/etc/nexus-worker"
#define SETTINGS_TYPE_MAX  64 /* bytes of a job's type, as of a message's */
#define SETTINGS_KEYS_MAX  64 /* rows of the key table, at most */

enum settings_kind {
	SETTINGS_BUILTIN, /* compiled in; the handler has the type's name */
	SETTINGS_COMMAND, /* a program for each job */
	SETTINGS_LAMBDA,  /* programs that stay, and speak the Lambda Runtime API */
	SETTINGS_HTTP,    /* a service that is asked as aws-sqsd asks it */
};

/* Who writes the job's row. */
enum settings_rows {
	SETTINGS_ROWS_BY_KIND, /* not given; in settings that are checked it is one of the others */
	SETTINGS_ROWS_WORKER,
	SETTINGS_ROWS_HANDLER,
};

/* Where a message goes whose failure is permanent. */
enum settings_dead_letter {
	SETTINGS_DEAD_LETTER_OFF,  /* nowhere: the queue's redrive policy moves it in the end */
	SETTINGS_DEAD_LETTER_SEND, /* to the dead letter queue, at once */
};

enum settings_runtime {
	SETTINGS_NODEJS,
	SETTINGS_PROVIDED, /* the bundle's own program, bootstrap */
};

/*
 * [job TYPE]. What the section's kind does not take has its default. Texts are NULL where there is
 * none to give.
 */
struct settings_job {
	char type[SETTINGS_TYPE_MAX + 1]; /* "*": all that have no section of their own */
	enum settings_kind kind;
	bool kind_unread; /* it was given, but could not be read: never so in checked settings */
	enum settings_rows rows;
	usec_t timeout;
	unsigned max_concurrency; /* 0: no limit but the threads */
	usec_t base_delay;        /* 0: a failed job returns when its visibility ends */
	usec_t max_delay;

	char *program; /* command: words as base/words has them, the first an absolute path */

	char *bundle; /* lambda: an absolute path */
	char *handler;
	enum settings_runtime runtime;
	unsigned max_jobs; /* a runtime is replaced after so many; 0: never */
	usec_t max_age;    /* and after so long; 0: never */

	char *url; /* http: secret; https, or http to this machine */

	/* Of command and lambda. */
	char *environment;      /* secret; KEY=VALUE words as base/words has them */
	char *environment_file; /* an absolute path */
	bool pass_database_url;
	bool pass_aws_credentials;
	char *working_directory; /* an absolute path */
	uint64_t memory_bytes;   /* 0: no limit */
	unsigned open_files;
	uint64_t output_bytes; /* of a job's output, into the log */

	/* Of command. */
	usec_t cpu_time;          /* whole seconds; 0: no limit */
	uint64_t file_size_bytes; /* 0: no limit */

	char *origin;                     /* "FILE:LINE"; NULL: "*", which no file names */
	char *origins[SETTINGS_KEYS_MAX]; /* by place in the key table */
};

struct settings {
	struct {
		char *url;
		char *region;              /* "": nothing here names it; the metadata service may */
		char *endpoint;            /* scheme://host[:port] */
		usec_t wait_time;          /* whole seconds */
		usec_t visibility_timeout; /* whole seconds; 0: the queue's own */
		unsigned max_pollers;
	} queue;
	struct {
		char *url; /* secret; one line, not yet read as libpq does */
	} database;
	struct {
		unsigned concurrency;
		usec_t prefetch_time;
		unsigned prefetch_max;
		uint64_t memory_bytes;
		usec_t job_timeout;
		usec_t drain_timeout;
	} worker;
	struct {
		usec_t base_delay; /* 0: a failed job returns when its visibility ends */
		usec_t max_delay;
		enum settings_dead_letter dead_letter;
	} retry;
	struct {
		int level; /* LOG_ERR … LOG_DEBUG */
		enum log_format format;
		unsigned completed_per_second;
	} log;
	struct {
		char *listen; /* NULL: off; as conf/listen has it */
	} metrics;

	/* By type; the last, always there, is "*". */
	struct settings_job *jobs;
	size_t n_jobs;

	/* By place in the key table: "FILE:LINE", "environment NAME", …; NULL: the default. */
	char *origins[SETTINGS_KEYS_MAX];
};

/* An option of the command line that has a key, with its value: {"--log-level", "debug"}. */
struct settings_argument {
	const char *option;
	const char *value;
};

/* Where to look. All is borrowed for the length of the call; what is NULL is not there. */
struct settings_request {
	const char *config; /* --config; must exist. NULL: the directory's, which may not */
	const char *const *environment; /* "NAME=value", ends with a NULL: as environ */
	const char *profile_region;     /* of the AWS profile: taken when nothing else names one */
	const struct settings_argument *arguments;
	size_t n_arguments;
	const char *directory; /* NULL: SETTINGS_DIRECTORY */
};

/*
 * Returns owned settings that are complete and checked; or -EINVAL, one line in problems for
 * every mistake there is ("FILE:LINE: key: what is wrong, what is accepted", or "environment
 * NAME: …"), and owned settings that are only fit to be printed. -ENOMEM otherwise. Lines in
 * warnings are for the log, and come either way. No line quotes a URL or anything else that may
 * hold a secret.
 */
int settings_load(const struct settings_request *request, struct strbuf *problems,
	struct strbuf *warnings, struct settings **ret);

/* Wipes what is secret. Returns NULL. */
struct settings *settings_free(struct settings *settings);
DEFINE_CLEANUP(struct settings *, settings_free)

/* The section for jobs of this type: its own or "*"; never NULL. Borrowed. */
const struct settings_job *settings_job_for(const struct settings *settings, const char *type);

/* The section whose jobs may run for the longest. Borrowed. */
const struct settings_job *settings_longest_job(const struct settings *settings);

/*
 * Whether all that is set for their types is the same, wherever it was given; the files and
 * directories that it names are not looked at.
 */
bool settings_job_equal(const struct settings_job *a, const struct settings_job *b);

/* One setting; borrowed until the callback returns. */
struct settings_item {
	const struct key *key;
	const char *section; /* as a file's header has it: "queue", "job send-email" */
	const void *base;    /* what the key is read and written in */
	const char *origin;  /* NULL: the default */
};

typedef void settings_item_fn(void *userdata, const struct settings_item *item);

/* Each setting, section by section: what the kind of a job's section does not take is left out. */
void settings_walk(const struct settings *settings, settings_item_fn *told, void *userdata);

/* Appends its name, "queue.url" or "job send-email.timeout". */
void settings_item_name(const struct settings_item *item, struct strbuf *out);

/*
 * A configuration file that gives these settings, each value behind a comment that says where it
 * came from; what may be secret is masked.
 */
void settings_print(const struct settings *settings, struct strbuf *out);

/* Appends the names of changed keys that need a restart, separated by ", "; nothing if none. */
void settings_restart_keys(
	const struct settings *old, const struct settings *new, struct strbuf *out);
