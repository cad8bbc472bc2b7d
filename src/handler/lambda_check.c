#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/spawn.h"
#include "handler/child_check.h"
#include "handler/lambda.h"
#include "handler/runtime_plan.h"

static int check_nodejs(const struct lambda_options *o, struct strbuf *problems)
{
	_cleanup_free_ char *node = NULL, *bootstrap = NULL, *module = NULL;
	int n = 0;

	if (runtime_plan_find_node(&node) < 0) {
		strbuf_puts(problems, "runtime: node is in none of /usr/local/bin, /usr/bin, /bin, "
				      "accepted is Node.js 18 or later in one of them\n");
		n++;
	}
	if (runtime_plan_find_bootstrap(&bootstrap) < 0) {
		strbuf_puts(problems, "runtime: lib/nexus-worker/bootstrap.mjs is not beside the "
				      "program, which is to be installed again\n");
		n++;
	}
	switch (runtime_plan_find_module(o->bundle, o->handler, &module)) {
	case -EINVAL:
		strbuf_printf(problems,
			"handler: %s is no handler's name, accepted is FILE.EXPORT below the "
			"bundle, without ..\n",
			o->handler);
		return n + 1;
	case -ENOENT:
		strbuf_printf(problems,
			"handler: %s: the bundle %s has no such module (with .js, .mjs, .cjs or no "
			"ending), accepted is FILE.EXPORT for a file that is there\n",
			o->handler, o->bundle);
		return n + 1;
	default:
		return n;
	}
}

static int check_provided(const struct lambda_options *o, struct strbuf *problems)
{
	_cleanup_free_ char *path = NULL, *found = NULL;

	if (asprintf(&path, "%s/bootstrap", o->bundle) < 0)
		return -ENOMEM;
	int r = spawn_find(path, NULL, &found);
	if (r == 0 || r == -ENOMEM)
		return r;
	strbuf_printf(problems,
		"bundle: %s: %s, accepted is a bundle with a program of that name\n", path,
		r == -EACCES ? "not executable" : strerrordesc_np(-r));
	return 1;
}

/* What a runtime's program is is not the section's to say: any that is there will do. */
static int check_child(const struct lambda_options *o, struct strbuf *problems)
{
	struct child_settings child = o->child;

	child.program = NULL;
	child.argv = (const char *const[]){"/proc/self/exe", NULL};
	return child_check(&child, problems);
}

int lambda_check(const struct lambda_options *options, struct strbuf *problems)
{
	struct stat st;
	int n = 0;

	if (stat(options->bundle, &st) < 0) {
		int error = errno;

		strbuf_printf(problems,
			"bundle: %s: %s%s, accepted is an unpacked bundle's folder (nexusctl "
			"deploy %s ZIP makes it)\n",
			options->bundle, strerrordesc_np(error),
			child_check_hidden(options->bundle), options->type);
		n++;
	} else if (!S_ISDIR(st.st_mode)) {
		strbuf_printf(problems, "bundle: %s: not a folder, accepted is an unpacked one\n",
			options->bundle);
		n++;
	} else {
		int r = options->runtime == LAMBDA_NODEJS ? check_nodejs(options, problems)
							  : check_provided(options, problems);
		if (r < 0)
			return r;
		n += r;
	}
	int r = check_child(options, problems);
	return r < 0 ? r : n + r;
}
