/*
 * How a value is written: reading it, writing it, and saying what is accepted. Pure.
 *
 * Numbers take units, "1h 30min" or "64K" (powers of 1024); without one, durations are seconds, as
 * systemd has it, and sizes are bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct value_rule;

struct value_type {
	/*
	 * Reads text into field. 0, or -ENOMEM, or -EINVAL and what is wrong as the rest of a
	 * sentence ("is more than 20s") in wrong; field is then left alone.
	 */
	int (*read)(
		const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong);
	/* Writes what read() takes for the same value; nothing for a text that is not set. */
	void (*write)(const struct value_rule *rule, const void *field, struct strbuf *out);
	/* The same for people to see, without what may be secret; NULL: nothing may be. */
	void (*mask)(const void *field, struct strbuf *out);
	/* What is accepted, as the rest of a sentence; NULL: accept() makes it of the rule. */
	const char *accepted;
	void (*accept)(const struct value_rule *rule, struct strbuf *out);
	/*
	 * Makes the field what it is without a value, a text NULL and a word 0, and wipes and frees
	 * what it owns; NULL: for a field that always has a value.
	 */
	void (*clear)(void *field);
};

struct value_name {
	const char *name;
	int number;
};

struct value_rule {
	const struct value_type *type;
	uint64_t min, max;              /* of a number */
	bool or_zero;                   /* 0 is accepted too, below min */
	uint64_t step;                  /* of a duration: it must be a multiple */
	const struct value_name *names; /* of a name: what it may be; ends with a NULL */
};

/* Appends what is accepted, as the rest of a sentence. */
void value_accept(const struct value_rule *rule, struct strbuf *out);
/* For read(): says what is wrong; -EINVAL. */
int value_refuse(const char *reason, struct strbuf *wrong);

extern const struct value_type value_duration;  /* usec_t */
extern const struct value_type value_size;      /* uint64_t bytes */
extern const struct value_type value_count;     /* unsigned */
extern const struct value_type value_word;      /* int or an enum */
extern const struct value_type value_switch;    /* bool; as systemd has it */
extern const struct value_type value_queue_url; /* char *, owned, as are those below */
extern const struct value_type value_endpoint;
extern const struct value_type value_region;
extern const struct value_type value_database_url;
extern const struct value_type value_program;     /* as struct settings_job has it */
extern const struct value_type value_path;        /* an absolute one */
extern const struct value_type value_handler;     /* a Lambda function's, FILE.FUNCTION */
extern const struct value_type value_service_url; /* a URL that jobs are sent to */
extern const struct value_type value_environment; /* KEY=VALUE words */
extern const struct value_type value_listen;      /* as conf/listen has it */

#define VALUE_URL_MAX     2048
#define VALUE_SECRET_MAX  4096
#define VALUE_PROGRAM_MAX 4096
#define VALUE_HANDLER_MAX 128 /* as Lambda has it */
