#include "handler/runtime_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/spawn.h"

#define MIB (1024 * 1024)

/* Beside the program in the tree that it was built in; where it was installed, beside its folder.
 */
static const char *const bootstraps[] = {
	"lib/nexus-worker/bootstrap.mjs",
	"../lib/nexus-worker/bootstrap.mjs",
};

/* Where Node looks for packages that are not in the bundle; Lambda's layers and runtime have them.
 */
#define LAYERS_MODULES   "/opt/nodejs/node_modules"
#define RUNTIMES_MODULES "/var/runtime/node_modules"

struct runtime_plan {
	struct child_plan *child;
	char *type;
	char *bundle;
	char *arn;
	uint64_t output;
	bool own_directory; /* the section names one to work in */
};

/* ---- Finding things ---- */

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int runtime_plan_find_node(char **ret)
{
	return spawn_find("node", NULL, ret);
}

int runtime_plan_find_bootstrap(char **ret)
{
	char folder[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);

	if (n < 0)
		return -errno;
	folder[n] = '\0';
	char *slash = strrchr(folder, '/');
	if (!slash)
		return -ENOENT;
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof bootstraps / sizeof bootstraps[0]; i++) {
		_cleanup_free_ char *path = NULL;
		if (asprintf(&path, "%s%s", folder, bootstraps[i]) < 0)
			return -ENOMEM;
		if (!is_file(path))
			continue;
		*ret = realpath(path, NULL);
		return *ret ? 0 : -errno;
	}
	return -ENOENT;
}

/* name, of len bytes, in folder, as it is or with an ending. */
static int find_file(const char *folder, const char *name, size_t len, char **ret)
{
	static const char *const endings[] = {"", ".js", ".mjs", ".cjs"};

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		_cleanup_free_ char *path = NULL;
		if (asprintf(&path, "%s/%.*s%s", folder, (int)len, name, endings[i]) < 0)
			return -ENOMEM;
		if (is_file(path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return -ENOENT;
}

/* As require() does it: a folder is a package, too. */
static int find_package(const char *modules, const char *name, size_t len, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%.*s", modules, (int)len, name) < 0)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return find_file(modules, name, len, ret);
	*ret = TAKE_PTR(path);
	return 0;
}

int runtime_plan_find_module(const char *folder, const char *handler, char **ret)
{
	const char *last = strrchr(handler, '/');
	const char *name = last ? last + 1 : handler;
	const char *point = strchr(name, '.');
	_cleanup_free_ char *own = NULL;

	if (!point || point == name || !point[1] || strstr(handler, ".."))
		return -EINVAL;
	if (asprintf(&own, "%s/node_modules", folder) < 0)
		return -ENOMEM;
	int r = find_file(folder, handler, (size_t)(point - handler), ret);
	const char *const modules[] = {own, LAYERS_MODULES, RUNTIMES_MODULES};
	for (size_t i = 0; r == -ENOENT && i < sizeof modules / sizeof modules[0]; i++)
		r = find_package(modules[i], name, (size_t)(point - name), ret);
	return r;
}

/* ---- The plan ---- */

/* A log group and stream, as Lambda names them: for functions that print or compare those. */
static void put_log_names(struct strbuf *words, const char *type)
{
	unsigned char bytes[16] = {0};
	time_t now = time(NULL);
	char date[16] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm))
		strftime(date, sizeof date, "%Y/%m/%d", &tm);
	RAND_bytes(bytes, sizeof bytes);
	strbuf_printf(words, "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/%s", type);
	strbuf_putc(words, '\0');
	strbuf_printf(words, "AWS_LAMBDA_LOG_STREAM_NAME=%s/[$LATEST]", date);
	for (size_t i = 0; i < sizeof bytes; i++)
		strbuf_printf(words, "%02x", bytes[i]);
	strbuf_putc(words, '\0');
}

static void put_words(struct strbuf *words, const struct lambda_options *o)
{
	static const char *const always[] = {
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_XRAY_CONTEXT_MISSING=LOG_ERROR",
		"LAMBDA_RUNTIME_DIR=/var/runtime",
		("NODE_PATH=" LAYERS_MODULES ":" RUNTIMES_MODULES),
		"PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin",
		"TZ=:UTC",
	};

	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
		strbuf_puts(words, always[i]);
		strbuf_putc(words, '\0');
	}
	strbuf_printf(words, "_HANDLER=%s", o->handler);
	strbuf_putc(words, '\0');
	strbuf_printf(words, "AWS_LAMBDA_FUNCTION_NAME=%s", o->type);
	strbuf_putc(words, '\0');
	strbuf_printf(
		words, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=%" PRIu64, o->child.limits.memory / MIB);
	strbuf_putc(words, '\0');
	put_log_names(words, o->type);
}

#define WORDS_MAX 16

/* Words that each end with a NUL, as an array. */
static void point_to(const struct strbuf *text, const char *ret[static WORDS_MAX + 1])
{
	const char *at = strbuf_str(text), *end = at + text->len;
	size_t n = 0;

	for (; at < end && n < WORDS_MAX; at += strlen(at) + 1)
		ret[n++] = at;
	ret[n] = NULL;
}

static int plan_child(struct runtime_plan *plan, const struct lambda_options *o,
	const char *const *argv, char error[CHILD_ERROR_MAX])
{
	_cleanup_strbuf_ struct strbuf words = STRBUF_INIT;
	const char *usual[WORDS_MAX + 1];
	struct child_settings child = o->child;

	put_words(&words, o);
	if (words.error < 0)
		return words.error;
	point_to(&words, usual);
	child.program = NULL;
	child.argv = argv;
	child.usual = usual;
	if (!child.working_directory)
		child.working_directory = o->bundle;
	return child_plan_new(&child, o->means, error, &plan->child);
}

static int plan_nodejs(
	struct runtime_plan *plan, const struct lambda_options *o, char error[CHILD_ERROR_MAX])
{
	_cleanup_free_ char *node = NULL, *bootstrap = NULL;
	char heap[48];
	const char *argv[4] = {0};
	size_t n = 0;

	if (runtime_plan_find_node(&node) < 0 || runtime_plan_find_bootstrap(&bootstrap) < 0) {
		snprintf(error, CHILD_ERROR_MAX, "runtime: %s",
			node ? "lib/nexus-worker/bootstrap.mjs is not beside the program: "
			       "reinstall it"
			     : "node is in none of /usr/local/bin, /usr/bin, /bin: install "
			       "Node.js");
		return -EINVAL;
	}
	argv[n++] = node;
	/* Where no cgroup limits its memory it is told to limit its heap itself. */
	if (o->child.limits.memory && !child_means_limit_memory(o->means)) {
		snprintf(heap, sizeof heap, "--max-old-space-size=%" PRIu64,
			o->child.limits.memory / MIB);
		argv[n++] = heap;
	}
	argv[n++] = bootstrap;
	return plan_child(plan, o, argv, error);
}

static int plan_provided(
	struct runtime_plan *plan, const struct lambda_options *o, char error[CHILD_ERROR_MAX])
{
	_cleanup_free_ char *bootstrap = NULL;

	/* Through the link: what it names when the program is started is what runs. */
	if (asprintf(&bootstrap, "%s/bootstrap", o->bundle) < 0)
		return -ENOMEM;
	return plan_child(plan, o, (const char *const[]){bootstrap, NULL}, error);
}

int runtime_plan_new(const struct lambda_options *options, char ret_error[CHILD_ERROR_MAX],
	struct runtime_plan **ret)
{
	_cleanup_(runtime_plan_freep) struct runtime_plan *plan = calloc(1, sizeof *plan);
	int r = -ENOMEM;

	snprintf(ret_error, CHILD_ERROR_MAX, "out of memory");
	if (!plan)
		return r;
	plan->output = options->output;
	plan->own_directory = options->child.working_directory;
	plan->type = strdup(options->type);
	plan->bundle = strdup(options->bundle);
	if (!plan->type || !plan->bundle ||
		asprintf(&plan->arn, "arn:aws:lambda:local:000000000000:function:%s",
			options->type) < 0)
		return r;
	switch (options->runtime) {
	case LAMBDA_NODEJS:
		r = plan_nodejs(plan, options, ret_error);
		break;
	case LAMBDA_PROVIDED:
		r = plan_provided(plan, options, ret_error);
		break;
	}
	if (r == 0)
		*ret = TAKE_PTR(plan);
	return r;
}

struct runtime_plan *runtime_plan_free(struct runtime_plan *plan)
{
	if (!plan)
		return NULL;
	child_plan_free(plan->child);
	free(plan->type);
	free(plan->bundle);
	free(plan->arn);
	free(plan);
	return NULL;
}

const char *runtime_plan_type(const struct runtime_plan *plan)
{
	return plan->type;
}

const char *runtime_plan_bundle(const struct runtime_plan *plan)
{
	return plan->bundle;
}

const char *runtime_plan_arn(const struct runtime_plan *plan)
{
	return plan->arn;
}

uint64_t runtime_plan_output(const struct runtime_plan *plan)
{
	return plan->output;
}

int runtime_plan_start(const struct runtime_plan *plan, const char *folder, uint16_t port, int out,
	int err, char ret_error[CHILD_ERROR_MAX], struct child *ret)
{
	_cleanup_free_ char *api = NULL, *root = NULL, *libraries = NULL;
	_cleanup_close_ int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (asprintf(&api, "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%u", port) < 0 ||
		asprintf(&root, "LAMBDA_TASK_ROOT=%s", folder) < 0 ||
		asprintf(&libraries, "LD_LIBRARY_PATH=%s:%s/lib:/opt/lib", folder, folder) < 0 ||
		in < 0) {
		snprintf(ret_error, CHILD_ERROR_MAX, "out of memory or descriptors");
		return -ENOMEM;
	}
	const struct child_start start = {
		.environment = (const char *const[]){api, root, libraries, NULL},
		.directory = plan->own_directory ? NULL : folder,
		.in = in,
		.out = out,
		.err = err,
	};
	return child_start(plan->child, &start, ret_error, ret);
}
