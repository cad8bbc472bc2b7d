#include "job/job.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* id and type share one allocation. */
int job_init(struct job *job, char *body, const char *id, const char *type)
{
	size_t id_size = strlen(id) + 1, type_size = strlen(type) + 1;
	char *names = malloc(id_size + type_size);

	if (!names) {
		free(body);
		return -ENOMEM;
	}
	*job = (struct job){.body = body, .must_end_at = USEC_INFINITY};
	job->id = memcpy(names, id, id_size);
	job->type = memcpy(names + id_size, type, type_size);
	return 0;
}

void job_done(struct job *job)
{
	free(job->body);
	free((char *)job->id);
	free(job->error);
	*job = (struct job){0};
}

/* The length of the UTF-8 sequence at s, 0 if it is not one (RFC 3629). */
static size_t utf8_sequence(const unsigned char *s)
{
	static const struct {
		unsigned char lead_min, lead_max, second_min, second_max, len;
	} forms[] = {
		{0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (s[0] < forms[i].lead_min || s[0] > forms[i].lead_max)
			continue;
		if (s[1] < forms[i].second_min || s[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* Replaces what is not UTF-8, a sequence cut at the end included. */
static void utf8_repair(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t len = utf8_sequence(s);
		if (len == 0)
			*s = '?';
		s += len ? len : 1;
	}
}

void job_set_error(struct job *job, const char *format, ...)
{
	char text[JOB_ERROR_MAX + 1];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	utf8_repair(text);
	free(job->error);
	/* Without memory for the text the outcome still stands. */
	job->error = strdup(text);
}

const char *job_outcome_name(enum job_outcome outcome)
{
	switch (outcome) {
	case JOB_COMPLETED:
		return "completed";
	case JOB_FAILED:
		return "failed";
	case JOB_TIMEOUT:
		return "timeout";
	case JOB_MISSING:
		return "missing";
	case JOB_REJECTED:
		return "rejected";
	case JOB_DUPLICATE:
		return "duplicate";
	case JOB_ELSEWHERE:
		return "elsewhere";
	case JOB_LOST:
		return "lost";
	case JOB_ABANDONED:
		return "abandoned";
	}
	return "unknown";
}
