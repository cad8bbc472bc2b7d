/*
 * What all fuzzers have. Each is one file, fuzz_NAME.c, that gives one parser whatever bytes
 * libFuzzer invents and asserts what the parser's header promises. Its seeds lie in seeds/NAME,
 * one input a file: meaningful ones, and those that found something once.
 *
 * `make fuzz` lets libFuzzer vary the seeds (tests/fuzz/run); in `make check` each fuzzer is a
 * program of its own that only goes through them (replay.c).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* libFuzzer's; always 0. data ends where size says, so that a sanitizer sees a step too far. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input. */
struct fuzz_input {
	const char *at;
	size_t len;
};

static inline struct fuzz_input fuzz_input(const uint8_t *data, size_t size)
{
	return (struct fuzz_input){(const char *)data, size};
}

/* A copy with a NUL behind it, where its memory ends; owned. */
static inline char *fuzz_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

/* Takes the next line off the input: a copy without its end, owned. The last one may lack it. */
static inline char *fuzz_take_line(struct fuzz_input *input)
{
	const char *end = input->len > 0 ? memchr(input->at, '\n', input->len) : NULL;
	size_t len = end ? (size_t)(end - input->at) : input->len;
	char *line = fuzz_copy(input->at, len);
	size_t taken = end ? len + 1 : len;

	input->at += taken;
	input->len -= taken;
	return line;
}
