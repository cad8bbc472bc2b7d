/*
 * Command lines, and programs' environments in a line or a file: base/words, handler/variables.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "fuzz.h"
#include "handler/variables.h"

/* What seeds have where a secret would be: nothing of a line is quoted. */
#define SECRET "hunter2"

static void assert_variables(const struct variables *v)
{
	for (size_t i = 0; i < v->n_words; i++) {
		assert(words_key_len(v->words[i]) > 0);
		for (size_t j = 0; j < i; j++)
			assert(!variables_same_key(v->words[i], v->words[j]));
	}
	assert(v->n_words == 0 || !v->words[v->n_words]);
}

static void assert_error(int r, const char *error)
{
	assert(r == 0 ? !*error : r == -EINVAL && *error);
	assert(strlen(error) < VARIABLES_ERROR_MAX && !strstr(error, SECRET));
}

static void split(const char *line)
{
	const char *reason = NULL;
	char **words = NULL;
	size_t bytes = 0;

	int r = words_split(line, &words, &reason);
	assert(r == 0 ? !reason : r == -EINVAL && *reason && !words);
	for (size_t i = 0; r == 0 && words[i]; i++)
		bytes += strlen(words[i]);
	assert(bytes <= strlen(line));
	free(words);
}

static void put_words(const char *line)
{
	char error[VARIABLES_ERROR_MAX] = "";
	struct variables v = {0};

	assert_error(variables_put_words(&v, line, error), error);
	assert_variables(&v);
	variables_done(&v);
}

static void read_file(const uint8_t *data, size_t size)
{
	char error[VARIABLES_ERROR_MAX] = "", path[32];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct variables v = {0};

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	assert_error(variables_read(&v, path, error), error);
	assert_variables(&v);
	variables_done(&v);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *line = fuzz_copy((const char *)data, size);

	split(line);
	put_words(line);
	read_file(data, size);
	return 0;
}
