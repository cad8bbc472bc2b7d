/*
 * In a cgroup that the test makes and marks as systemd marks what it delegates. Where that cannot
 * be done (no cgroup v2, or not root) nothing is run, and that is said.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "../support/test_suite.h"
#include "base/cgroup.h"

static char before[256]; /* the cgroup that we come from */
static char ours[300];
static struct cgroup *cgroup;

static int put(const char *folder, const char *name, const char *value)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

static bool find_cgroup(void)
{
	static const char *const mounts[] = {"/sys/fs/cgroup/unified", "/sys/fs/cgroup"};
	char line[128], own[128] = "";
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (!file)
		return false;
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "0::%127s", own) == 1)
			break;
	fclose(file);
	for (size_t i = 0; i < 2; i++) {
		char control[300];
		snprintf(before, sizeof before, "%s%s", mounts[i], own);
		snprintf(control, sizeof control, "%s/cgroup.subtree_control", before);
		if (access(control, W_OK) == 0)
			return true;
	}
	return false;
}

static void leave(void)
{
	char path[512];

	put(before, "cgroup.procs", "0");
	snprintf(path, sizeof path, "%s/daemon", ours);
	rmdir(path);
	rmdir(ours);
}

/* Whether there is one that we may move into. */
static bool enter(bool delegated)
{
	snprintf(ours, sizeof ours, "%s/test-cgroup-%d", before, (int)getpid());
	if (mkdir(ours, 0755) < 0)
		return false;
	if ((delegated && setxattr(ours, "user.delegate", "1", 1, 0) < 0) ||
		put(ours, "cgroup.procs", "0") < 0) {
		rmdir(ours);
		return false;
	}
	return true;
}

static void setup(void)
{
	ck_assert(enter(true));
	ck_assert_int_eq(cgroup_new(&cgroup), 0);
}

static void teardown(void)
{
	cgroup_free(cgroup);
	leave();
}

/* What is in one file below ours. */
static const char *get(const char *name)
{
	static char text[512];
	char path[512];

	snprintf(path, sizeof path, "%s/%s", ours, name);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static bool is_there(const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", ours, name);
	return access(path, F_OK) == 0;
}

/* A process of its own session that is in the leaf and stays. */
static pid_t start_in(const struct cgroup_leaf *leaf)
{
	int ready[2];
	char c;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		setsid();
		/* Whatever becomes of the test. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(cgroup_leaf_fd(leaf), "0", 1) == 1)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return child;
}

static void assert_killed(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

START_TEST(this_process_moves_into_a_leaf_of_its_own)
{
	ck_assert_int_eq(strtol(get("daemon/cgroup.procs"), NULL, 10), getpid());
	ck_assert_str_eq(get("cgroup.procs"), "");
}
END_TEST

START_TEST(what_is_in_a_leaf_is_killed_whatever_its_group)
{
	struct cgroup_leaf *leaf = NULL;

	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &leaf), 0);
	pid_t child = start_in(leaf);
	ck_assert_int_eq(strtol(get("job-0/cgroup.procs"), NULL, 10), child);
	cgroup_leaf_kill(leaf);
	assert_killed(child);
	ck_assert(!cgroup_leaf_out_of_memory(leaf));
	cgroup_leaf_free(leaf);
}
END_TEST

START_TEST(a_leaf_is_used_again_once_it_is_empty)
{
	struct cgroup_leaf *first = NULL, *second = NULL, *third = NULL;

	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &first), 0);
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &second), 0);
	ck_assert_ptr_ne(first, second);
	pid_t child = start_in(second);
	cgroup_leaf_free(second);
	assert_killed(child);
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &third), 0);
	ck_assert_ptr_eq(third, second);
	ck_assert(!is_there("job-2"));
	cgroup_leaf_free(first);
	cgroup_leaf_free(third);
}
END_TEST

/* A leaf in which something lives that nobody of us put there while it was idle. */
START_TEST(a_leaf_that_is_not_empty_waits)
{
	struct cgroup_leaf *first = NULL, *second = NULL;

	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &first), 0);
	cgroup_leaf_free(first);
	pid_t child = start_in(first);
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &second), 0);
	ck_assert_ptr_ne(first, second);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	assert_killed(child);
	cgroup_leaf_free(second);
}
END_TEST

START_TEST(nothing_is_left_in_the_end)
{
	struct cgroup_leaf *first = NULL, *second = NULL;

	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &first), 0);
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &second), 0);
	cgroup_leaf_free(first);
	cgroup_leaf_free(second);
	cgroup = cgroup_free(cgroup);
	ck_assert(!is_there("job-0"));
	ck_assert(!is_there("job-1"));
}
END_TEST

START_TEST(a_directory_that_another_left_is_passed_over)
{
	struct cgroup_leaf *leaf = NULL;
	char left[512];

	snprintf(left, sizeof left, "%s/job-0", ours);
	ck_assert_int_eq(mkdir(left, 0755), 0);
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 0, &leaf), 0);
	ck_assert(is_there("job-1"));
	cgroup_leaf_free(leaf);
	ck_assert_int_eq(rmdir(left), 0);
}
END_TEST

/* Reads anonymous memory until it is killed or has had all of it. */
static void eat(const struct cgroup_leaf *leaf, size_t n_bytes)
{
	if (write(cgroup_leaf_fd(leaf), "0", 1) != 1)
		_exit(1);
	char *memory = malloc(n_bytes);
	if (memory)
		memset(memory, 1, n_bytes);
	_exit(memory ? 0 : 1);
}

START_TEST(one_that_takes_too_much_memory_is_killed_and_that_is_told)
{
	struct cgroup_leaf *leaf = NULL, *next = NULL;

	ck_assert_int_eq(cgroup_leaf_new(cgroup, 16u << 20, &leaf), 0);
	pid_t child = fork();
	if (child == 0)
		eat(leaf, 64u << 20);
	assert_killed(child);
	ck_assert(cgroup_leaf_out_of_memory(leaf));
	cgroup_leaf_free(leaf);

	/* The next one is not to blame for it. */
	ck_assert_int_eq(cgroup_leaf_new(cgroup, 128u << 20, &next), 0);
	ck_assert(!cgroup_leaf_out_of_memory(next));
	cgroup_leaf_free(next);
}
END_TEST

START_TEST(what_is_not_delegated_is_left_alone)
{
	ck_assert(enter(false));
	ck_assert_int_eq(cgroup_new(&cgroup), -EOPNOTSUPP);
	ck_assert_ptr_null(cgroup);
	ck_assert(!is_there("daemon"));
	leave();
}
END_TEST

/* A first try, in a process of its own: whether it can be done here, and memory be limited. */
static int try_it(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		if (!enter(true))
			_exit(1);
		bool memory = cgroup_new(&cgroup) == 0 && cgroup_has_memory(cgroup);
		cgroup_free(cgroup);
		leave();
		_exit(memory ? 0 : 2);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

int main(void)
{
	Suite *suite = suite_create("cgroup");
	TCase *leaves = tcase_create("leaves");
	TCase *alone = tcase_create("alone");
	int can = find_cgroup() ? try_it() : 1;

	tcase_add_checked_fixture(leaves, setup, teardown);
	if (can == 1) {
		printf("not run: cgroups (none can be made here)\n");
	} else {
		tcase_add_test(leaves, this_process_moves_into_a_leaf_of_its_own);
		tcase_add_test(leaves, what_is_in_a_leaf_is_killed_whatever_its_group);
		tcase_add_test(leaves, a_leaf_is_used_again_once_it_is_empty);
		tcase_add_test(leaves, a_leaf_that_is_not_empty_waits);
		tcase_add_test(leaves, nothing_is_left_in_the_end);
		tcase_add_test(leaves, a_directory_that_another_left_is_passed_over);
		tcase_add_test(alone, what_is_not_delegated_is_left_alone);
	}
	if (can == 0)
		tcase_add_test(leaves, one_that_takes_too_much_memory_is_killed_and_that_is_told);
	else
		printf("not run: a cgroup's limit of memory (there is no controller for it)\n");
	suite_add_tcase(suite, leaves);
	suite_add_tcase(suite, alone);
	return test_suite_run(suite);
}
