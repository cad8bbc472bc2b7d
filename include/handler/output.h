/*
 * What a program writes to stdout and stderr, line by line into the log, with the job that it was
 * written for.
 *
 * A line has NEXUS_JOB_ID, NEXUS_JOB_TYPE, NEXUS_ATTEMPT and NEXUS_STREAM as fields, and the job
 * and the stream in its text, "job=ID stdout: TEXT". stdout is information, stderr a notice:
 * programs say there what they do, and only their end tells whether it was bad. A line that
 * begins with "<N>" has the priority N, as in sd-daemon(3). Lines longer than the log's own are cut
 * into pieces. Beyond the ceiling what comes is read and dropped, and one line says how much that
 * was. The last line of stderr with something in it is kept, whether logged or not; of Node.js that
 * aborts it is the one that says why, "FATAL ERROR: ...", not the trace of its stack.
 *
 * This is the one file of its room that writes to the log: a line is to be there when it is
 * written, not when its job ends, and to hand each to another thread would cost more than the log.
 *
 * Owns nothing but itself. One thread at a time; never blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OUTPUT_LINE_MAX 2048 /* bytes of a piece: with job and stream it fits the log's line */
#define OUTPUT_LAST_MAX 1024 /* bytes of the last line that are kept */

enum output_stream {
	OUTPUT_STDOUT,
	OUTPUT_STDERR,
};
#define OUTPUT_N_STREAMS (OUTPUT_STDERR + 1)

struct output_line {
	char text[OUTPUT_LINE_MAX + 1];
	size_t len;
	bool continues; /* its beginning has been logged */
	int priority;
};

struct output {
	const char *type;   /* borrowed: of the jobs that it does */
	const char *job_id; /* borrowed; NULL: between two jobs */
	int attempt;
	uint64_t ceiling; /* bytes of all streams that are logged for a job; 0: all */
	uint64_t n_bytes;
	struct output_line lines[OUTPUT_N_STREAMS];
	char last[OUTPUT_LAST_MAX + 1];
};

/* Borrows type for as long as output is used. */
void output_init(struct output *output, const char *type, uint64_t ceiling);

/*
 * From here on it is written for this job, borrowed until the next call of this or output_end();
 * NULL: for none. What came before, which may lack the end of its line, is not.
 */
void output_begin(struct output *output, const char *job_id, int attempt);
/* Logs what lacks the end of its line, and how much was dropped. What is written then is for none.
 */
void output_end(struct output *output);

void output_take(
	struct output *output, enum output_stream stream, const char *bytes, size_t n_bytes);
/* Reads once from a descriptor that does not block: what read(2) says, or a negative errno. */
ssize_t output_read(struct output *output, enum output_stream stream, int fd);
/*
 * Reads what is there, as what output_read() said last tells: 0 or a negative errno; or, more than
 * 0, no end was met within as much as the largest pipe holds. Who goes on writing holds nobody up.
 */
ssize_t output_drain(struct output *output, enum output_stream stream, int fd);

/*
 * The last line of stderr since output_begin() that is not blank, without the blanks around it; ""
 * if there is none; "FATAL ERROR: ..." stays the last one. As it was written: maybe no UTF-8.
 * Borrowed until the next output_begin().
 */
const char *output_last(const struct output *output);
