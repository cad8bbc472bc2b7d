/*
 * A fuzzer's main where libFuzzer's is not: goes once through the fuzzer's seeds, those of the
 * program's name or the files that are given. Reports in TAP; a promise that is broken aborts, and
 * the line before it names the seed.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/file.h"
#include "fuzz.h"

#define PREFIX "fuzz_"
#define SEEDS  "tests/fuzz/seeds"

static bool replay(const char *path)
{
	struct strbuf input = STRBUF_INIT;

	printf("# %s\n", path);
	fflush(stdout);
	int r = file_read(path, STRBUF_CEILING_DEFAULT, &input);
	if (r < 0) {
		printf("# cannot be read: %s\n", strerrordesc_np(-r));
		return false;
	}
	/* In memory of its own, for a buffer has room behind its end. */
	uint8_t *data = malloc(input.len ? input.len : 1);
	if (!data)
		abort();
	memcpy(data, strbuf_str(&input), input.len);
	LLVMFuzzerTestOneInput(data, input.len);
	free(data);
	strbuf_done(&input);
	return true;
}

static int is_seed(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* How many there are; -1: one could not be read. */
static int replay_all(const char *name)
{
	char path[PATH_MAX];
	struct dirent **seeds;
	bool good = true;

	snprintf(path, sizeof path, SEEDS "/%s", name);
	int n = scandir(path, &seeds, is_seed, alphasort);
	if (n < 0) {
		printf("# %s: %s\n", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, SEEDS "/%s/%s", name, seeds[i]->d_name);
		good = replay(path) && good;
		free(seeds[i]);
	}
	free(seeds);
	return good ? n : -1;
}

int main(int argc, char **argv)
{
	const char *prefix = strstr(program_invocation_short_name, PREFIX);
	const char *name = prefix ? prefix + strlen(PREFIX) : "";
	bool good = true;

	for (int i = 1; i < argc; i++)
		good = replay(argv[i]) && good;
	if (argc == 1)
		good = replay_all(name) > 0;
	printf("1..1\n%s 1 - every seed of %s is read as its parser promises\n",
		good ? "ok" : "not ok", name);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
