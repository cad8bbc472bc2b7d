/*
 * What all runtimes of one job type have: the program, its environment as Lambda would have it, and
 * the names by which the function knows itself.
 *
 * Owns copies of all that it was made from. Does not change, so any thread may use it. Its means
 * are borrowed.
 */
#pragma once

#include "handler/lambda.h"

struct runtime_plan;

/* Reads the environment_file. 0, or a negative errno and one line. */
int runtime_plan_new(const struct lambda_options *options, char ret_error[CHILD_ERROR_MAX],
	struct runtime_plan **ret);
struct runtime_plan *runtime_plan_free(struct runtime_plan *plan);
DEFINE_CLEANUP(struct runtime_plan *, runtime_plan_free)

/* All borrowed. */
const char *runtime_plan_type(const struct runtime_plan *plan);
const char *runtime_plan_bundle(const struct runtime_plan *plan);
const char *runtime_plan_arn(const struct runtime_plan *plan);
uint64_t runtime_plan_output(const struct runtime_plan *plan);

/*
 * Starts the program on the code in folder, with port as its Runtime API. Output goes to out and
 * err. 0, or a negative errno and one line.
 */
int runtime_plan_start(const struct runtime_plan *plan, const char *folder, uint16_t port, int out,
	int err, char ret_error[CHILD_ERROR_MAX], struct child *ret);

/*
 * The file that handler ("dir/file.export") names in folder, or else the package, looked for as
 * Lambda does. Returns owned. -EINVAL: that is no handler's name; -ENOENT: there is none; -ENOMEM.
 */
int runtime_plan_find_module(const char *folder, const char *handler, char **ret);
/* Node, as it is found in PATH's usual folders; our bootstrap. Returned owned; -ENOENT, -ENOMEM. */
int runtime_plan_find_node(char **ret);
int runtime_plan_find_bootstrap(char **ret);
