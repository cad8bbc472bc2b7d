#include "handler/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/cgroup.h"
#include "base/landlock.h"
#include "base/spawn.h"
#include "base/words.h"
#include "handler/variables.h"

/* Between the signal that a program may take note of and the one that it cannot. */
#define CPU_PATIENCE 5 /* seconds */

#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"

struct child_plan {
	const struct child_means *means;
	char **argv;
	char *directory;
	struct variables environment;
	bool pass_aws_credentials;
	struct child_limits limits;
	bool limit_address_space;
};

/* Says it, and returns r. */
static __attribute__((format(printf, 3, 4))) int tell(
	char ret_error[CHILD_ERROR_MAX], int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ret_error, CHILD_ERROR_MAX, format, args);
	va_end(args);
	return r;
}

/* ---- What a section says ---- */

/* One block, as words_split() makes it. */
static char **copy_argv(const char *const *argv)
{
	size_t n = 0, size = 0;

	for (; argv[n]; n++)
		size += strlen(argv[n]) + 1;
	char **copy = malloc((n + 1) * sizeof *copy + size);
	if (!copy)
		return NULL;
	char *at = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		copy[i] = at;
		at = stpcpy(at, argv[i]) + 1;
	}
	copy[n] = NULL;
	return copy;
}

int child_words(const struct child_settings *settings, char ret_error[CHILD_ERROR_MAX], char ***ret)
{
	_cleanup_free_ char **words = NULL;
	const char *reason = NULL;
	int r = 0;

	if (settings->program)
		r = words_split(settings->program, &words, &reason);
	else
		words = copy_argv(settings->argv);
	if (r == -EINVAL)
		return tell(ret_error, r, "program: %s", reason);
	if (r < 0 || !words)
		return tell(ret_error, -ENOMEM, "out of memory");
	if (!words[0])
		return tell(ret_error, -EINVAL, "program: it names none");
	if (words[0][0] != '/')
		return tell(ret_error, -EINVAL,
			"program: %s is not an absolute path, and no PATH is searched", words[0]);
	*ret = TAKE_PTR(words);
	return 0;
}

static int put_each(struct variables *environment, const char *const *words)
{
	int r = 0;

	for (; r == 0 && words && *words; words++)
		r = variables_put(environment, *words);
	return r;
}

/* What programs get that the section does not name. */
static int plan_usual(struct child_plan *plan, const struct child_settings *settings)
{
	struct variables *e = &plan->environment;

	int r = variables_set(e, "PATH", USUAL_PATH);
	r = r < 0 ? r : variables_set(e, "LANG", "C.UTF-8");
	r = r < 0 ? r : variables_set(e, "HOME", plan->directory);
	r = r < 0 ? r : put_each(e, settings->usual);
	if (r == 0 && settings->database_url)
		r = variables_set(e, "DATABASE_URL", settings->database_url);
	if (r < 0)
		return r;
	if (settings->pass_aws_credentials)
		return put_each(e, (const char *const *)plan->means->credentials.words);
	/* Or an SDK would take the machine's own role, which may be the daemon's. */
	return variables_set(e, "AWS_EC2_METADATA_DISABLED", "true");
}

static int plan_environment(struct child_plan *plan, const struct child_settings *settings,
	char ret_error[CHILD_ERROR_MAX])
{
	char text[VARIABLES_ERROR_MAX] = "out of memory";

	int r = plan_usual(plan, settings);
	if (r == 0 && settings->environment_file) {
		r = variables_read(&plan->environment, settings->environment_file, text);
		if (r < 0)
			return tell(ret_error, r == -ENOMEM ? r : -EINVAL,
				"environment_file: %.480s", text);
	}
	if (r == 0 && settings->environment)
		r = variables_put_words(&plan->environment, settings->environment, text);
	return r < 0 ? tell(ret_error, r, "environment: %.480s", text) : 0;
}

int child_plan_new(const struct child_settings *settings, const struct child_means *means,
	char ret_error[CHILD_ERROR_MAX], struct child_plan **ret)
{
	_cleanup_(child_plan_freep) struct child_plan *plan = calloc(1, sizeof *plan);
	const char *directory = settings->working_directory;

	if (plan)
		plan->directory = strdup(directory ? directory : "/");
	if (!plan || !plan->directory)
		return tell(ret_error, -ENOMEM, "out of memory");
	plan->means = means;
	plan->limits = settings->limits;
	plan->limit_address_space = settings->limit_address_space;
	plan->pass_aws_credentials = settings->pass_aws_credentials;
	int r = child_words(settings, ret_error, &plan->argv);
	r = r < 0 ? r : plan_environment(plan, settings, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

struct child_plan *child_plan_free(struct child_plan *plan)
{
	if (!plan)
		return NULL;
	variables_done(&plan->environment);
	free(plan->argv);
	free(plan->directory);
	free(plan);
	return NULL;
}

/* ---- Starting one ---- */

static bool has_key_of(const char *const *words, const char *word)
{
	for (; words && *words; words++)
		if (variables_same_key(*words, word))
			return true;
	return false;
}

/* Adds to all what is in words, but not what words that win have. */
static const char **add_words(const char **at, const char *const *words, const char *const *winners)
{
	*at = NULL;
	for (; words && *words; words++)
		if (!has_key_of(winners, *words)) {
			*at++ = *words;
			*at = NULL; /* the winners may be what is at hand so far */
		}
	return at;
}

static size_t count_words(const char *const *words)
{
	size_t n = 0;

	while (words && words[n])
		n++;
	return n;
}

/* Returns owned, an array of borrowed words; NULL: out of memory. */
static const char **merge_environment(const struct child_plan *plan, const char *const *more)
{
	const char *const *own = (const char *const *)plan->environment.words;
	const struct variables *known = atomic_load(&plan->means->region);
	const char *const *region =
		plan->pass_aws_credentials && known ? (const char *const *)known->words : NULL;
	const char **all = malloc(
		(count_words(own) + count_words(more) + count_words(region) + 1) * sizeof *all);

	if (!all)
		return NULL;
	const char **at = add_words(all, more, NULL);
	at = add_words(at, own, more);
	/* Who names one of these two wins with all before it. */
	add_words(at, region, all);
	return all;
}

#define LIMITS_MAX 4

static size_t limit(const struct child_plan *plan, struct spawn_limit ret[LIMITS_MAX])
{
	const struct child_limits *limits = &plan->limits;
	uint64_t cpu = (limits->cpu_time + USEC_PER_SEC - 1) / USEC_PER_SEC;
	size_t n = 0;

	if (limits->cpu_time)
		ret[n++] = (struct spawn_limit){RLIMIT_CPU, cpu, cpu + CPU_PATIENCE};
	if (limits->open_files)
		ret[n++] =
			(struct spawn_limit){RLIMIT_NOFILE, limits->open_files, limits->open_files};
	if (limits->file_size)
		ret[n++] = (struct spawn_limit){RLIMIT_FSIZE, limits->file_size, limits->file_size};
	if (limits->memory && plan->limit_address_space && !child_means_limit_memory(plan->means))
		ret[n++] = (struct spawn_limit){RLIMIT_AS, limits->memory, limits->memory};
	return n;
}

/* Why execve() said so: for ENOENT is also said of a script whose interpreter is not there. */
static int refuse_program(const char *path, int r, char ret_error[CHILD_ERROR_MAX])
{
	if (r == -ENOENT && access(path, F_OK) == 0)
		return tell(ret_error, r,
			"cannot run %s: the interpreter that it names is not there", path);
	if (r == -ENOEXEC)
		return tell(ret_error, r,
			"cannot run %s: it is no program, and does not begin with #!", path);
	return tell(ret_error, r, "cannot run %s: %s", path, strerrordesc_np(-r));
}

static int start_confined(const struct child_plan *plan, const struct child_start *start,
	const struct spawn_confines *confines, char ret_error[CHILD_ERROR_MAX], pid_t *ret)
{
	_cleanup_free_ const char **environment = merge_environment(plan, start->environment);
	struct spawn what = {
		.path = plan->argv[0],
		.argv = (const char *const *)plan->argv,
		.environment = environment,
		.in = start->in,
		.out = start->out,
		.err = start->err,
		.confines = confines,
	};

	if (!environment)
		return tell(ret_error, -ENOMEM, "out of memory");
	int r = spawn_start(&what, ret);
	return r < 0 ? refuse_program(what.path, r, ret_error) : 0;
}

int child_start(const struct child_plan *plan, const struct child_start *start,
	char ret_error[CHILD_ERROR_MAX], struct child *ret)
{
	const struct child_means *means = plan->means;
	struct spawn_limit limits[LIMITS_MAX];
	_cleanup_close_ int ruleset = -1;
	struct child child = {.plan = plan};

	const char *path = start->directory ? start->directory : plan->directory;
	_cleanup_close_ int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return tell(
			ret_error, -errno, "cannot work in %s: %s", path, strerrordesc_np(errno));
	if (means->landlock)
		ruleset = landlock_ruleset(means->landlock);
	if (means->landlock && ruleset < 0)
		return tell(ret_error, ruleset, "cannot hide what is secret: %s",
			strerrordesc_np(-ruleset));
	int r = means->cgroup ? cgroup_leaf_new(means->cgroup, plan->limits.memory, &child.leaf)
			      : 0;
	if (r < 0)
		return tell(ret_error, r, "cannot make a cgroup: %s", strerrordesc_np(-r));
	const struct spawn_confines confines = {
		.directory = directory,
		.cgroup = child.leaf ? cgroup_leaf_fd(child.leaf) : -1,
		.ruleset = ruleset,
		.limits = limits,
		.n_limits = limit(plan, limits),
	};
	r = start_confined(plan, start, &confines, ret_error, &child.pid);
	if (r < 0) {
		child_done(&child);
		return r;
	}
	*ret = child;
	return 0;
}

/* ---- Ending one ---- */

void child_signal(const struct child *child, int signal)
{
	kill(-child->pid, signal);
}

void child_kill(const struct child *child)
{
	child_signal(child, SIGKILL);
	if (child->leaf)
		cgroup_leaf_kill(child->leaf);
}

static usec_t usec_of(const struct timeval *tv)
{
	return (usec_t)tv->tv_sec * USEC_PER_SEC + (usec_t)tv->tv_usec;
}

void child_reap(struct child *child, siginfo_t *ret)
{
	struct rusage usage = {0};

	/* As long as it is there, dead or alive, no other process group has its id. */
	while (waitid(P_PID, (id_t)child->pid, ret, WEXITED | WNOWAIT) < 0 && errno == EINTR)
		;
	child_kill(child);
	while (wait4(child->pid, NULL, 0, &usage) < 0 && errno == EINTR)
		;
	child->peak_memory = (uint64_t)usage.ru_maxrss * 1024;
	child->cpu_time = usec_of(&usage.ru_utime) + usec_of(&usage.ru_stime);
}

void child_done(struct child *child)
{
	child->leaf = cgroup_leaf_free(child->leaf);
}

/* As people write it: "256M"; the largest unit that fits without rest. */
static const char *tell_bytes(uint64_t bytes, char ret[32])
{
	static const char units[] = "KMGT";
	size_t unit = 0;

	while (unit < sizeof units - 1 && bytes > 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(ret, 32, "%" PRIu64 "%.*s", bytes, unit > 0, units + unit - (unit > 0));
	return ret;
}

void child_tell_end(const struct child *child, const siginfo_t *info, char ret[CHILD_ERROR_MAX])
{
	const struct child_limits *limits = &child->plan->limits;
	const char *name = sigabbrev_np(info->si_status);
	bool cpu_is_over = limits->cpu_time && child->cpu_time >= limits->cpu_time;
	char limit[CLOCK_DURATION_MAX];

	if (info->si_code == CLD_EXITED)
		tell(ret, 0, "exited with status %d", info->si_status);
	else if (child->leaf && limits->memory && cgroup_leaf_out_of_memory(child->leaf))
		tell(ret, 0, "killed: it took more than %s of memory",
			tell_bytes(limits->memory, limit));
	else if (info->si_status == SIGXCPU || (info->si_status == SIGKILL && cpu_is_over))
		tell(ret, 0, "killed: it used more than %s of CPU time",
			clock_format_duration(limits->cpu_time, limit));
	else if (info->si_status == SIGXFSZ)
		tell(ret, 0, "killed: it wrote a file of more than %s",
			tell_bytes(limits->file_size, limit));
	else if (name)
		tell(ret, 0, "killed by SIG%s", name);
	else
		tell(ret, 0, "killed by signal %d", info->si_status);
}
