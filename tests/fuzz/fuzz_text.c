/*
 * Texts of others that end up in a log line or in a row: base/log_line, base/quote, job/job,
 * handler/sqsd_answer, handler/output. An input is a line, a header's value, and then the text.
 */
#include <assert.h>
#include <jansson.h>

#include "base/log_line.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "handler/output.h"
#include "handler/sqsd_answer.h"
#include "job/job.h"
#include "net/http_date.h"

static void assert_utf8(const char *text, size_t len)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_sequence(text + at, len - at);
		assert(n > 0);
	}
}

/* One line, and nothing that moves a terminal's cursor. */
static void assert_log_line(const char *line, size_t len, size_t size)
{
	assert(len > 0 && len <= size && line[len - 1] == '\n');
	assert_utf8(line, len);
	for (size_t i = 0; i + 1 < len; i++)
		assert((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
}

static void write_log_line(const char *text, const char *value)
{
	const struct log_field fields[] = {{"NEXUS_JOB_ID", value}, {"NEXUS_OUTCOME", text}};
	const struct log_line line = {
		.time = 1, .priority = LOG_ERR, .message = text, .fields = fields, .n_fields = 2};
	const size_t size = LOG_LINE_MIN + strlen(value) % 512;
	_cleanup_free_ char *buffer = malloc(size);

	assert(buffer);
	assert_log_line(buffer, log_line_text(&line, LOG_TEXT_PLAIN, buffer, size), size);
	assert_log_line(buffer, log_line_text(&line, LOG_TEXT_SYSLOG, buffer, size), size);
	size_t len = log_line_json(&line, buffer, size);
	assert_log_line(buffer, len, size);
	json_t *json = json_loadb(buffer, len, 0, NULL);
	assert(json_is_object(json));
	json_decref(json);
	assert(log_line_journal(&line, "fuzz", buffer, size) <= size);
}

static void set_error(const char *text)
{
	struct job job = {.error = NULL};

	job_set_error(&job, "it said: %s", text);
	assert(job.error && strlen(job.error) <= JOB_ERROR_MAX);
	assert_utf8(job.error, strlen(job.error));
	free(job.error);
}

static void read_answer(const char *type, const char *body, size_t len)
{
	char line[SQSD_ANSWER_LINE_MAX + 1];
	usec_t pause = sqsd_answer_retry_after(type), moment;

	memset(line, 'x', sizeof line);
	sqsd_answer_line(type, body, len, line);
	assert(memchr(line, '\0', sizeof line) && !strpbrk(line, "\r\n"));
	assert_utf8(line, strlen(line));
	assert(pause == 0 || (pause >= USEC_PER_SEC && pause <= 12 * USEC_PER_HOUR));
	assert(!http_date_read(type, &moment) || moment % USEC_PER_SEC == 0);
}

/* In pieces, as reads have them. */
static void take_output(const char *bytes, size_t len, size_t piece)
{
	struct output output;

	log_set_level(-1);
	output_init(&output, "resize", 512);
	output_begin(&output, "job-1", 1);
	for (size_t at = 0; at < len; at += piece)
		output_take(&output, at % 2 ? OUTPUT_STDOUT : OUTPUT_STDERR, bytes + at,
			len - at < piece ? len - at : piece);
	output_end(&output);
	assert(strlen(output_last(&output)) <= OUTPUT_LAST_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = fuzz_input(data, size);
	_cleanup_free_ char *value = fuzz_take_line(&input);
	_cleanup_free_ char *text = fuzz_copy(input.at, input.len);
	char quoted[64];

	write_log_line(text, value);
	set_error(text);
	read_answer(value, text, input.len);
	take_output(text, input.len, 1 + strlen(value));
	quote_text(text, quoted, 4 + strlen(value) % 60);
	assert(strlen(quoted) < 4 + strlen(value) % 60);
	for (const char *c = quoted; *c; c++)
		assert(*c >= ' ' && *c <= '~');
	return 0;
}
