/*
 * Linked into build/nexus-worker-starved in place of what our own code allocates with: libraries
 * keep theirs. The plan is a file that a test shares with the daemon and writes while that runs;
 * NEXUS_STARVE names it. Without one nothing fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PLACES_MAX 1024

/* As tests/lab/starve.py has it. */
struct plan {
	_Atomic(uint64_t) n_asked;
	_Atomic(uint64_t) fails_at; /* the allocation of that number fails; 0: none */
	_Atomic(uint64_t) every;    /* and each so-many-th after it; 0: none */
	_Atomic(uint64_t) n_failed;
	_Atomic(uint64_t) places[PLACES_MAX]; /* who asked for the last that failed */
};

extern const char __ehdr_start[];
static struct plan *plan;

__attribute__((constructor)) static void starve_open(void)
{
	const char *path = getenv("NEXUS_STARVE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *shared = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	plan = shared == MAP_FAILED ? NULL : shared;
}

static bool starve(const void *place)
{
	if (!plan)
		return false;
	uint64_t n = atomic_fetch_add(&plan->n_asked, 1) + 1;
	uint64_t at = atomic_load(&plan->fails_at), every = atomic_load(&plan->every);

	if (at == 0 || n < at ||
		!atomic_compare_exchange_strong(&plan->fails_at, &at, every ? n + every : 0))
		return false;
	uint64_t number = atomic_fetch_add(&plan->n_failed, 1);
	atomic_store(
		&plan->places[number % PLACES_MAX], (uint64_t)((const char *)place - __ehdr_start));
	errno = ENOMEM;
	return true;
}

/* What the linker's --wrap calls the real ones, and has ours called by. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
char *__real_realpath(const char *path, char *resolved);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
char *__wrap_realpath(const char *path, char *resolved);
__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **ret, const char *format, ...);
__attribute__((format(printf, 3, 4))) int __wrap___asprintf_chk(
	char **ret, int flag, const char *format, ...);

#define HERE __builtin_return_address(0)

void *__wrap_malloc(size_t size)
{
	return starve(HERE) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return starve(HERE) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return starve(HERE) ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return starve(HERE) ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *text)
{
	return starve(HERE) ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return starve(HERE) ? NULL : __real_strndup(text, len);
}

char *__wrap_realpath(const char *path, char *resolved)
{
	return starve(HERE) ? NULL : __real_realpath(path, resolved);
}

int __wrap_asprintf(char **ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = starve(HERE) ? -1 : vasprintf(ret, format, args);
	va_end(args);
	return len;
}

int __wrap___asprintf_chk(char **ret, int flag, const char *format, ...)
{
	va_list args;

	(void)flag;
	va_start(args, format);
	int len = starve(HERE) ? -1 : vasprintf(ret, format, args);
	va_end(args);
	return len;
}
