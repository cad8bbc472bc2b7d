#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/file.h"
#include "ctl/versions.h"

static const char *lab;
static char bundle[64];
static struct versions *versions;
static char text[VERSIONS_TEXT_MAX];
static char *kept[8];
static size_t n_kept;

static void setup(void)
{
	lab = test_folder_enter();
	snprintf(bundle, sizeof bundle, "%s/thumbnails", lab);
	text[0] = '\0';
}

static void teardown(void)
{
	versions = versions_close(versions);
	while (n_kept > 0)
		free(kept[--n_kept]);
	test_folder_leave();
}

static void open_it(void)
{
	versions_close(versions);
	ck_assert_int_eq(versions_open(bundle, true, &versions, text), 0);
}

static void write_file(const char *folder, const char *content)
{
	char path[256];

	snprintf(path, sizeof path, "%s/code", folder);
	test_write(path, content);
}

/* One more version, which runs from then on. */
static const char *deploy(const char *content)
{
	const char *path, *name;
	int fd;

	ck_assert_int_eq(versions_stage(versions, &fd, &path, text), 0);
	close(fd);
	write_file(path, content);
	ck_assert_int_eq(versions_keep(versions, &name, text), 0);
	ck_assert_uint_lt(n_kept, N_OF(kept));
	kept[n_kept] = strdup(name);
	ck_assert_int_eq(versions_switch(versions, kept[n_kept], text), 0);
	return kept[n_kept++];
}

static void assert_runs(const char *content)
{
	_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
	char path[256];

	snprintf(path, sizeof path, "%s/code", bundle);
	ck_assert_int_eq(file_read(path, 100, &got), 0);
	ck_assert_str_eq(strbuf_str(&got), content);
}

static bool nothing_is_in_use(void *userdata, const char *path)
{
	(void)userdata;
	(void)path;
	return false;
}

static bool ends_as(void *userdata, const char *path)
{
	const char *name = userdata;

	return strcmp(path + strlen(path) - strlen(name), name) == 0;
}

START_TEST(the_bundle_is_what_was_switched_to_last)
{
	open_it();
	ck_assert_str_eq(versions_current(versions), "");
	ck_assert_ptr_null(versions_previous(versions));
	const char *first = deploy("one");
	assert_runs("one");
	ck_assert_str_eq(versions_current(versions), first);
	ck_assert_int_gt(versions_since(versions), 0);
	ck_assert_uint_eq(versions_size(versions, first), 3);
	const char *second = deploy("two");
	assert_runs("two");
	ck_assert_str_eq(versions_previous(versions), first);
	ck_assert_int_eq(versions_switch(versions, first, text), 0);
	assert_runs("one");
	ck_assert_ptr_null(versions_previous(versions));

	open_it(); /* all of it is on disk */
	const char *const *names;
	ck_assert_uint_eq(versions_list(versions, &names), 2);
	ck_assert_str_eq(names[0], second);
	ck_assert_str_eq(names[1], first);
	ck_assert_str_eq(versions_current(versions), first);
}
END_TEST

START_TEST(a_directory_made_by_hand_becomes_a_version)
{
	const char *const *names;
	struct stat st;

	ck_assert_int_eq(mkdir(bundle, 0755), 0);
	write_file(bundle, "by hand");
	open_it();
	ck_assert_str_eq(versions_current(versions), "");
	const char *first = deploy("one");
	assert_runs("one");
	ck_assert_int_eq(lstat(bundle, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_uint_eq(versions_list(versions, &names), 2);
	ck_assert_int_eq(versions_switch(versions, names[strcmp(names[0], first) == 0], text), 0);
	assert_runs("by hand");
}
END_TEST

START_TEST(three_are_kept_and_the_one_that_runs_or_is_in_use)
{
	const char *const *names;
	const char *deployed[5];

	open_it();
	for (size_t i = 0; i < 5; i++)
		deployed[i] = deploy("x");
	ck_assert_int_eq(versions_switch(versions, deployed[0], text), 0);
	ck_assert_int_eq(versions_prune(versions, ends_as, (void *)deployed[1], text), 0);
	ck_assert_uint_eq(versions_list(versions, &names), 5);
	ck_assert_int_eq(versions_prune(versions, nothing_is_in_use, NULL, text), 0);
	ck_assert_uint_eq(versions_list(versions, &names), 4);
	ck_assert_str_eq(names[3], deployed[0]);
	ck_assert_int_eq(versions_switch(versions, deployed[4], text), 0);
	ck_assert_int_eq(versions_prune(versions, nothing_is_in_use, NULL, text), 0);
	ck_assert_uint_eq(versions_list(versions, &names), 3);
	ck_assert_str_eq(names[2], deployed[2]);
	assert_runs("x");
}
END_TEST

START_TEST(what_was_staged_and_not_kept_is_gone)
{
	const char *path;
	char *copy;
	int fd;

	open_it();
	ck_assert_int_eq(versions_stage(versions, &fd, &path, text), 0);
	close(fd);
	write_file(path, "half");
	copy = strdup(path);
	versions = versions_close(versions);
	ck_assert_int_ne(access(copy, F_OK), 0);
	free(copy);
}
END_TEST

START_TEST(one_deployment_at_a_time)
{
	struct versions *second = NULL;

	open_it();
	ck_assert_int_eq(versions_open(bundle, true, &second, text), -EBUSY);
	ck_assert_ptr_nonnull(strstr(text, "another deployment is under way"));
	ck_assert_int_eq(versions_open(bundle, false, &second, text), 0);
	versions_close(second);
}
END_TEST

START_TEST(looking_makes_nothing)
{
	char folder[96];

	snprintf(folder, sizeof folder, "%s.versions", bundle);
	ck_assert_int_eq(versions_open(bundle, false, &versions, text), 0);
	ck_assert_int_ne(access(folder, F_OK), 0);
}
END_TEST

START_TEST(whoever_runs_the_code_may_look_for_it_whatever_the_umask_is)
{
	char folder[128];
	struct stat st;

	mode_t mask = umask(077);
	open_it();
	umask(mask);
	snprintf(folder, sizeof folder, "%s.versions", bundle);
	ck_assert_int_eq(stat(folder, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
}
END_TEST

static void assert_refused(void)
{
	ck_assert_int_eq(versions_open(bundle, true, &versions, text), -EPERM);
	ck_assert_ptr_nonnull(strstr(text, ": others than root can change it"));
}

START_TEST(root_writes_nowhere_that_others_can_change)
{
	char folder[80], elsewhere[96];

	open_it();
	snprintf(folder, sizeof folder, "%s.versions", bundle);
	versions = versions_close(versions);
	ck_assert_int_eq(chmod(lab, 0777), 0);
	assert_refused();
	ck_assert_int_eq(chmod(lab, 0755), 0);
	ck_assert_int_eq(chown(lab, 65534, 0), 0);
	assert_refused();
	ck_assert_int_eq(chown(lab, 0, 0), 0);
	ck_assert_int_eq(chown(folder, 65534, 0), 0);
	assert_refused();
	ck_assert_int_eq(chown(folder, 0, 0), 0);
	open_it();

	versions = versions_close(versions);
	snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", lab);
	ck_assert_int_eq(mkdir(elsewhere, 0755), 0);
	ck_assert_int_eq(chown(elsewhere, 65534, 0), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(symlink(elsewhere, folder), 0);
	assert_refused();
}
END_TEST

START_TEST(a_missing_place_is_said_so)
{
	ck_assert_int_eq(versions_open("/no/such/place", true, &versions, text), -ENOENT);
	ck_assert_str_eq(text,
		"/no/such/place.versions: cannot be made: No such file or directory; "
		"make the directory that it is to be in");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("versions");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, the_bundle_is_what_was_switched_to_last);
	tcase_add_test(all, a_directory_made_by_hand_becomes_a_version);
	tcase_add_test(all, three_are_kept_and_the_one_that_runs_or_is_in_use);
	tcase_add_test(all, what_was_staged_and_not_kept_is_gone);
	tcase_add_test(all, one_deployment_at_a_time);
	tcase_add_test(all, looking_makes_nothing);
	tcase_add_test(all, whoever_runs_the_code_may_look_for_it_whatever_the_umask_is);
	if (geteuid() == 0)
		tcase_add_test(all, root_writes_nowhere_that_others_can_change);
	tcase_add_test(all, a_missing_place_is_said_so);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
