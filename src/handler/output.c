#include "handler/output.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utf8.h"

#define CHUNK_SIZE (64u << 10)
#define N_FIELDS   4

#define PIPE_MAX (16 * CHUNK_SIZE) /* /proc/sys/fs/pipe-max-size */

static const char *stream_name(enum output_stream stream)
{
	switch (stream) {
	case OUTPUT_STDOUT:
		return "stdout";
	case OUTPUT_STDERR:
		return "stderr";
	}
	return NULL;
}

static int usual_priority(enum output_stream stream)
{
	return stream == OUTPUT_STDERR ? LOG_NOTICE : LOG_INFO;
}

/* stream: NULL for what we say ourselves. */
static void output_log(
	const struct output *output, const char *stream, int priority, const char *text)
{
	const char *job = output->job_id;
	char attempt[16];
	const struct log_field fields[N_FIELDS] = {
		{"NEXUS_JOB_ID", job},
		{"NEXUS_JOB_TYPE", output->type},
		{"NEXUS_ATTEMPT", job ? attempt : NULL},
		{"NEXUS_STREAM", stream},
	};

	snprintf(attempt, sizeof attempt, "%d", output->attempt);
	log_event(priority, fields, N_FIELDS, "%s=%s %s: %s", job ? "job" : "type",
		job ? job : output->type, stream ? stream : "output", text);
}

/* ---- Lines ---- */

/* Why V8 aborts, out of memory above all: behind that a trace of its stack follows. */
static bool is_last_word(const char *text)
{
	static const char fatal[] = "FATAL ERROR: ";

	return strncmp(text, fatal, sizeof fatal - 1) == 0;
}

static void keep_last(struct output *output, const char *text, size_t len)
{
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len == 0 || is_last_word(output->last))
		return;
	len = utf8_cut(text, len, OUTPUT_LAST_MAX);
	memcpy(output->last, text, len);
	output->last[len] = '\0';
}

/* Takes "<N>" off the beginning of a line. How long that is. */
static size_t take_priority(struct output_line *line)
{
	if (line->len < 3 || line->text[0] != '<' || line->text[2] != '>' || line->text[1] < '0' ||
		line->text[1] > '7')
		return 0;
	line->priority = line->text[1] - '0' < LOG_ERR ? LOG_ERR : line->text[1] - '0';
	return 3;
}

/* Logs the first len bytes of what is there, as a whole line or a piece of one. */
static void end_piece(struct output *output, enum output_stream stream, size_t len)
{
	struct output_line *line = &output->lines[stream];
	bool wanted = output->ceiling == 0 || output->n_bytes <= output->ceiling;
	size_t from = 0;

	if (!line->continues) {
		line->priority = usual_priority(stream);
		from = take_priority(line);
		if (stream == OUTPUT_STDERR)
			keep_last(output, line->text + from, len - from);
	}
	if (wanted) {
		char after = line->text[len];
		line->text[len] = '\0';
		output_log(output, stream_name(stream), line->priority, line->text + from);
		line->text[len] = after;
	}
	line->len -= len;
	memmove(line->text, line->text + len, line->len);
}

static void end_line(struct output *output, enum output_stream stream)
{
	struct output_line *line = &output->lines[stream];

	if (line->len > 0 && line->text[line->len - 1] == '\r')
		line->len--;
	if (line->len > 0)
		end_piece(output, stream, line->len);
	line->continues = false;
}

/* As much as the line has room for. A NUL would end it in the log. */
static size_t add(struct output_line *line, const char *bytes, size_t n_bytes)
{
	size_t room = OUTPUT_LINE_MAX - line->len;
	size_t n = n_bytes < room ? n_bytes : room;
	char *to = line->text + line->len;

	memcpy(to, bytes, n);
	for (char *nul = to; (nul = memchr(nul, '\0', n - (size_t)(nul - to)));)
		*nul = '?';
	line->len += n;
	return n;
}

void output_take(
	struct output *output, enum output_stream stream, const char *bytes, size_t n_bytes)
{
	struct output_line *line = &output->lines[stream];

	while (n_bytes > 0) {
		const char *end = memchr(bytes, '\n', n_bytes);
		size_t rest = end ? (size_t)(end - bytes) : n_bytes;
		size_t n = add(line, bytes, rest);
		output->n_bytes += n;
		bytes += n;
		n_bytes -= n;
		if (n < rest) {
			end_piece(output, stream, utf8_cut(line->text, line->len, line->len - 1));
			line->continues = true;
		} else if (end) {
			output->n_bytes++;
			bytes++;
			n_bytes--;
			end_line(output, stream);
		}
	}
}

ssize_t output_read(struct output *output, enum output_stream stream, int fd)
{
	char chunk[CHUNK_SIZE];
	ssize_t n;

	do {
		n = read(fd, chunk, sizeof chunk);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	output_take(output, stream, chunk, (size_t)n);
	return n;
}

ssize_t output_drain(struct output *output, enum output_stream stream, int fd)
{
	size_t n_bytes = 0;
	ssize_t n;

	do {
		n = output_read(output, stream, fd);
		n_bytes += n > 0 ? (size_t)n : 0;
	} while (n > 0 && n_bytes < PIPE_MAX);
	return n;
}

/* ---- Jobs ---- */

void output_init(struct output *output, const char *type, uint64_t ceiling)
{
	*output = (struct output){.type = type, .ceiling = ceiling};
}

static void say_dropped(struct output *output)
{
	char text[128];

	if (output->ceiling == 0 || output->n_bytes <= output->ceiling)
		return;
	snprintf(text, sizeof text,
		"of %" PRIu64 " bytes those beyond %" PRIu64 " were not logged (key output)",
		output->n_bytes, output->ceiling);
	output_log(output, NULL, LOG_WARNING, text);
}

void output_end(struct output *output)
{
	for (int stream = 0; stream < OUTPUT_N_STREAMS; stream++)
		end_line(output, (enum output_stream)stream);
	say_dropped(output);
	output->job_id = NULL;
	output->n_bytes = 0;
}

void output_begin(struct output *output, const char *job_id, int attempt)
{
	output_end(output);
	output->job_id = job_id;
	output->attempt = attempt;
	output->last[0] = '\0';
}

const char *output_last(const struct output *output)
{
	return output->last;
}
