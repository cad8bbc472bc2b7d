/*
 * The bytes of one log line in each of the log's forms. Pure; base/log owns where they go.
 *
 * Each writes at most size bytes and returns how many: never a NUL, always a whole line. What has
 * no room is cut at a character and marked "…", or left out if it is a field with no room at all.
 * size is at least LOG_LINE_MIN.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"

#define LOG_LINE_MIN  512
#define LOG_VALUE_MAX 1024 /* bytes of one field's value */

struct log_line {
	usec_t time; /* CLOCK_REALTIME */
	int priority;
	const char *message;
	const struct log_field *fields;
	size_t n_fields;
};

enum log_text_style {
	LOG_TEXT_PLAIN,
	LOG_TEXT_COLOUR,
	LOG_TEXT_SYSLOG, /* sd-daemon(3): "<6>message"; who reads it has a clock of its own */
};

size_t log_line_text(
	const struct log_line *line, enum log_text_style style, char *buffer, size_t size);

/* RFC 8259, valid whatever bytes the texts hold (U+FFFD stands for what is not UTF-8). */
size_t log_line_json(const struct log_line *line, char *buffer, size_t size);

/* systemd's native journal protocol: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */
size_t log_line_journal(
	const struct log_line *line, const char *identifier, char *buffer, size_t size);
