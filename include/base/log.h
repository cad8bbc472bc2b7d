/*
 * The log: each call is one line, to the journal, as text or as JSON. It does not wait for whoever
 * reads it, with one exception: a warning, or worse, waits until a journal that is behind takes it,
 * but not for long, and all of them together for no more than half of each second.
 *
 * What the journal, a pipe or a socket has not taken then is dropped and counted, and a line
 * that says how many were precedes the next one that passes: at most once a second, for it costs a
 * place itself. (A file and a terminal are written as they come.) A line that is too long is cut,
 * and ends in "…". Whatever bytes a line is made of, it stays one line and does nothing to a
 * terminal: control characters are written out.
 *
 * Owns: the journal socket. There is no lock: a line is formed on the caller's stack and leaves in
 * one system call. Any thread may log, and set level and format, at any time; log_open() and
 * log_close() belong to the main thread while it is alone. Before log_open() and after log_close()
 * lines go to stderr as text. The program ignores SIGPIPE. errno is kept, and %m means it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h> /* LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG */

enum log_format {
	LOG_FORMAT_AUTO,    /* journal if stderr is the journal's ($JOURNAL_STREAM), else text */
	LOG_FORMAT_JOURNAL, /* systemd's native protocol, with fields */
	LOG_FORMAT_TEXT,    /* stderr, for people: UTC time, level, message */
	LOG_FORMAT_JSON,    /* stderr, one object a line, with fields */
};

struct log_options {
	enum log_format format;
	int level;                  /* LOG_ERR … LOG_DEBUG: this, and what is more important */
	const char *identifier;     /* SYSLOG_IDENTIFIER */
	const char *journal_socket; /* NULL: journald's own */
};

/*
 * Named as the journal wants it: capitals, digits and "_", for ours NEXUS_…, or MESSAGE_ID for an
 * event of the catalog. JSON calls NEXUS_JOB_ID "job_id", and MESSAGE_ID "event_id". Text leaves
 * fields out: what a person is to see belongs in the message. A field without value (NULL) is
 * left out everywhere.
 */
struct log_field {
	const char *name;
	const char *value;
};

/*
 * 0, or a negative errno: the format wants the journal, and that is not there; the log is open all
 * the same and writes text.
 */
int log_open(const struct log_options *options);
/* Waits, if lines were dropped and that has not been said, up to a second for room to say it. */
void log_close(void);

void log_set_level(int level);
/* 0, or a negative errno and the format stays as it was: the journal is not there. */
int log_set_format(enum log_format format);

/* error, warning, notice, info, debug. */
const char *log_level_name(int level);

/* Borrows fields until it returns. Nothing is formatted, or evaluated, below the level. */
#define log_event(priority, fields, n_fields, ...)                                                 \
	(log_enabled(priority) ? log_write(priority, fields, n_fields, __VA_ARGS__) : (void)0)

#define log_error(...)   log_event(LOG_ERR, NULL, 0, __VA_ARGS__)
#define log_warning(...) log_event(LOG_WARNING, NULL, 0, __VA_ARGS__)
#define log_notice(...)  log_event(LOG_NOTICE, NULL, 0, __VA_ARGS__)
#define log_info(...)    log_event(LOG_INFO, NULL, 0, __VA_ARGS__)
#define log_debug(...)   log_event(LOG_DEBUG, NULL, 0, __VA_ARGS__)

/* What the macros are made of: whether a line is wanted at the level, and writing it at any. */
bool log_enabled(int priority);
void log_write(int priority, const struct log_field *fields, size_t n_fields, const char *format,
	...) __attribute__((format(printf, 4, 5)));
