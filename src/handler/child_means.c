#include "handler/child_means.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cgroup.h"
#include "base/landlock.h"

/* Only what the machine lacks is done without. */
static int hide(struct child_means *means, const char *const *hidden)
{
	static const char cost[] = "programs that do jobs can read what this process can";

	/* With our user's right to write there a program could lift its limits, leave its cgroup
	 * before that is killed, and kill ours. */
	static const char *const sealed[] = {"/sys/fs/cgroup", NULL};

	if (!hidden || !*hidden)
		return 0;
	int r = landlock_new(hidden, sealed, &means->landlock);
	if (r == -EOPNOTSUPP)
		snprintf(means->landlock_fault, CHILD_ERROR_MAX,
			"the kernel has no Landlock (Linux 5.19, switched on): %s, its "
			"configuration too",
			cost);
	else if (r == -EPERM)
		snprintf(means->landlock_fault, CHILD_ERROR_MAX,
			"Landlock is filtered (SystemCallFilter= lacks the calls landlock_...): "
			"%s, its configuration too",
			cost);
	else if (r < 0 && r != -ENOMEM)
		snprintf(means->landlock_fault, CHILD_ERROR_MAX,
			"Landlock cannot be set up (%s): %s", strerrordesc_np(-r), cost);
	return r == -ENOMEM ? r : 0;
}

static int divide(struct child_means *means)
{
	static const char cost[] = "limits hold for each process alone, and a process that leaves "
				   "its program's process group outlives the job";

	int r = cgroup_new(&means->cgroup);
	if (r == -EOPNOTSUPP)
		snprintf(means->cgroup_fault, CHILD_ERROR_MAX,
			"no cgroup is delegated to this process (the drop-in delegate.conf does "
			"that): %s",
			cost);
	else if (r < 0 && r != -ENOMEM)
		snprintf(means->cgroup_fault, CHILD_ERROR_MAX,
			"the delegated cgroup cannot be used (%s): %s", strerrordesc_np(-r), cost);
	else if (r == 0 && !cgroup_has_memory(means->cgroup))
		snprintf(means->cgroup_fault, CHILD_ERROR_MAX,
			"the delegated cgroup has no controller for memory: its limits hold for "
			"each process alone");
	return r == -ENOMEM ? r : 0;
}

static int set_credentials(struct child_means *means, const struct child_means_options *options)
{
	struct variables *e = &means->credentials;

	if (!options->credentials_uri)
		return 0;
	int r = variables_set(e, "AWS_CONTAINER_CREDENTIALS_FULL_URI", options->credentials_uri);
	if (r == 0 && options->credentials_token)
		r = variables_set(
			e, "AWS_CONTAINER_AUTHORIZATION_TOKEN", options->credentials_token);
	/* Else an SDK that fails there would take the machine's own role. */
	return r < 0 ? r : variables_set(e, "AWS_EC2_METADATA_DISABLED", "true");
}

int child_means_new(const struct child_means_options *options, struct child_means **ret)
{
	_cleanup_(child_means_freep) struct child_means *means = calloc(1, sizeof *means);

	if (!means)
		return -ENOMEM;
	int r = set_credentials(means, options);
	if (r == 0 && options->region)
		r = child_means_set_region(means, options->region);
	if (r == 0)
		r = hide(means, options->hidden);
	if (r == 0)
		r = divide(means);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(means);
	return 0;
}

static void region_free(struct variables *region)
{
	if (region)
		variables_done(region);
	free(region);
}

struct child_means *child_means_free(struct child_means *means)
{
	if (!means)
		return NULL;
	landlock_free(means->landlock);
	cgroup_free(means->cgroup);
	variables_done(&means->credentials);
	region_free(atomic_load(&means->region));
	free(means);
	return NULL;
}

int child_means_set_region(struct child_means *means, const char *region)
{
	struct variables *words = calloc(1, sizeof *words);

	if (!words)
		return -ENOMEM;
	int r = variables_set(words, "AWS_REGION", region);
	r = r < 0 ? r : variables_set(words, "AWS_DEFAULT_REGION", region);
	if (r < 0) {
		region_free(words);
		return r;
	}
	atomic_store(&means->region, words);
	return 0;
}

const char *child_means_landlock_fault(const struct child_means *means)
{
	return means->landlock_fault[0] ? means->landlock_fault : NULL;
}

const char *child_means_cgroup_fault(const struct child_means *means)
{
	return means->cgroup_fault[0] ? means->cgroup_fault : NULL;
}

bool child_means_limit_memory(const struct child_means *means)
{
	return means->cgroup && cgroup_has_memory(means->cgroup);
}
