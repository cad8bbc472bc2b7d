#include <archive.h>
#include <archive_entry.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/test_folder.h"
#include "../support/test_suite.h"
#include "base/file.h"
#include "ctl/unzip.h"

#define ZIP    "bundle.zip"
#define FOLDER "folder"

static int folder;
static char text[UNZIP_TEXT_MAX];

static void setup(void)
{
	test_folder_enter();
	ck_assert_int_eq(mkdir(FOLDER, 0755), 0);
	folder = open(FOLDER, O_RDONLY | O_DIRECTORY);
	ck_assert_int_ge(folder, 0);
	text[0] = '\0';
}

static void teardown(void)
{
	close(folder);
	test_folder_leave();
}

struct member {
	const char *name;
	unsigned type;
	unsigned mode;
	const char *content; /* or a link's target */
};

static void add(struct archive *zip, const struct member *member)
{
	struct archive_entry *entry = archive_entry_new();
	bool file = member->type == AE_IFREG;

	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_filetype(entry, member->type);
	archive_entry_set_perm(entry, member->mode);
	if (file)
		archive_entry_set_size(entry, (la_int64_t)strlen(member->content));
	if (member->type == AE_IFLNK)
		archive_entry_set_symlink(entry, member->content);
	ck_assert_int_eq(archive_write_header(zip, entry), ARCHIVE_OK);
	if (file)
		archive_write_data(zip, member->content, strlen(member->content));
	archive_entry_free(entry);
}

static int unpack(const struct member *members, size_t n)
{
	struct archive *zip = archive_write_new();

	archive_write_set_format_zip(zip);
	ck_assert_int_eq(archive_write_open_filename(zip, ZIP), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++)
		add(zip, &members[i]);
	archive_write_close(zip);
	archive_write_free(zip);
	return unzip(ZIP, folder, text);
}
#define UNPACK(...)                                                                                \
	unpack((const struct member[]){__VA_ARGS__},                                               \
		sizeof((const struct member[]){__VA_ARGS__}) / sizeof(struct member))

static void assert_file(const char *name, unsigned mode, const char *content)
{
	_cleanup_strbuf_ struct strbuf got = STRBUF_INIT;
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, FOLDER "/%s", name);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, mode);
	ck_assert_int_eq(file_read(path, 1000, &got), 0);
	ck_assert_str_eq(strbuf_str(&got), content);
}

START_TEST(files_and_folders_come_out_as_they_went_in)
{
	char here[4096], after[4096];

	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(UNPACK({"handler.mjs", AE_IFREG, 0600, "export"},
				 {"node_modules/", AE_IFDIR, 0700, ""},
				 {"node_modules/pg/index.js", AE_IFREG, 0644, "pg"},
				 {"bootstrap", AE_IFREG, 0700, "#!/bin/sh"},
				 {"node_modules/.bin/pg", AE_IFLNK, 0777, "../pg/index.js"},
				 {"gr\xc3\xbc\xc3\x9f.txt", AE_IFREG, 0644, "hello"}),
		0);
	assert_file("handler.mjs", 0644, "export");
	assert_file("node_modules/pg/index.js", 0644, "pg");
	assert_file("node_modules/.bin/pg", 0644, "pg");
	assert_file("bootstrap", 0755, "#!/bin/sh");
	assert_file("gr\xc3\xbc\xc3\x9f.txt", 0644, "hello");
	ck_assert_ptr_nonnull(getcwd(after, sizeof after));
	ck_assert_str_eq(here, after);
}
END_TEST

static const struct {
	struct member member;
	const char *shown;
} LEAVERS[] = {
	{{"../out", AE_IFREG, 0644, "x"}, "../out leaves"},
	{{"a/../../out", AE_IFREG, 0644, "x"}, "a/../../out leaves"},
	{{"/tmp/nexus-unzip-absolute", AE_IFREG, 0644, "x"}, "nexus-unzip-absolute leaves"},
	{{"a\\..\\..\\out", AE_IFREG, 0644, "x"}, "out leaves"},
	{{"out", AE_IFLNK, 0777, "../zip"}, "the link out points out"},
	{{"a/out", AE_IFLNK, 0777, "../../zip"}, "the link a/out points out"},
	{{"out", AE_IFLNK, 0777, "/etc/passwd"}, "the link out points out"},
	/* Nothing that only looks like a folder on the way counts as one. */
	{{"./././out", AE_IFLNK, 0777, "../../zip"}, "out points out"},
	{{"a//out", AE_IFLNK, 0777, "../../zip"}, "out points out"},
};

START_TEST(what_would_leave_the_folder_is_refused_by_name)
{
	const struct member good = {"good", AE_IFREG, 0644, "x"};

	ck_assert_int_eq(UNPACK(good, LEAVERS[_i].member), -EPERM);
	ck_assert_ptr_nonnull(strstr(text, "refused: "));
	ck_assert_ptr_nonnull(strstr(text, LEAVERS[_i].shown));
	ck_assert_int_ne(access("out", F_OK), 0);
	ck_assert_int_ne(access("/tmp/nexus-unzip-absolute", F_OK), 0);
}
END_TEST

/* Each of them stays inside by itself. */
START_TEST(links_that_leave_the_folder_together_are_refused)
{
	ck_assert_int_eq(UNPACK({"a/up", AE_IFLNK, 0777, ".."},
				 {"out", AE_IFLNK, 0777, "a/up/../../etc/passwd"},
				 {"good", AE_IFREG, 0644, "x"}),
		-EPERM);
	ck_assert_ptr_nonnull(strstr(text, "refused: the link out points out"));
}
END_TEST

START_TEST(a_link_that_leads_nowhere_stays)
{
	ck_assert_int_eq(UNPACK({"b/link", AE_IFLNK, 0777, "../c/none"},
				 {"loop", AE_IFLNK, 0777, "loop"}, {"good", AE_IFREG, 0644, "x"}),
		0);
}
END_TEST

START_TEST(nothing_is_written_through_a_link)
{
	ck_assert_int_eq(mkdir(FOLDER "/target", 0755), 0);
	ck_assert_int_lt(
		UNPACK({"link", AE_IFLNK, 0777, "target"}, {"link/file", AE_IFREG, 0644, "x"}), 0);
	ck_assert_int_ne(access(FOLDER "/target/file", F_OK), 0);
}
END_TEST

START_TEST(a_zip_of_too_many_entries_is_refused)
{
	const struct member again = {"folder/", AE_IFDIR, 0755, ""};
	struct member *members = calloc(UNZIP_FILES_MAX + 1, sizeof *members);

	ck_assert_ptr_nonnull(members);
	for (unsigned i = 0; i <= UNZIP_FILES_MAX; i++)
		members[i] = again;
	ck_assert_int_eq(unpack(members, UNZIP_FILES_MAX + 1), -EFBIG);
	ck_assert_ptr_nonnull(strstr(text, "refused: it has more than 100000 entries"));
	free(members);
}
END_TEST

START_TEST(what_is_no_zip_is_said_so)
{
	test_write(ZIP, "this is not a ZIP file, whatever its name says");
	ck_assert_int_lt(unzip(ZIP, folder, text), 0);
	ck_assert_ptr_nonnull(strstr(text, "bundle.zip: "));
	ck_assert_int_eq(unzip("/no/such.zip", folder, text), -ENOENT);
	ck_assert_str_eq(text, "/no/such.zip: No such file or directory");
}
END_TEST

START_TEST(a_zip_that_was_cut_off_is_an_error)
{
	struct stat st;

	ck_assert_int_eq(UNPACK({"a", AE_IFREG, 0644, "xxxxxxxxxxxxxxxxxxxx"},
				 {"b", AE_IFREG, 0644, "yyyyyyyyyyyyyyyyyyyy"}),
		0);
	ck_assert_int_eq(stat(ZIP, &st), 0);
	ck_assert_int_eq(truncate(ZIP, st.st_size / 2), 0);
	ck_assert_int_lt(unzip(ZIP, folder, text), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unzip");
	TCase *all = tcase_create("all");

	tcase_set_timeout(
		all, 60); /* a hundred thousand entries take a second, of a quiet machine */
	tcase_add_checked_fixture(all, setup, teardown);
	tcase_add_test(all, files_and_folders_come_out_as_they_went_in);
	tcase_add_loop_test(all, what_would_leave_the_folder_is_refused_by_name, 0, N_OF(LEAVERS));
	tcase_add_test(all, links_that_leave_the_folder_together_are_refused);
	tcase_add_test(all, a_link_that_leads_nowhere_stays);
	tcase_add_test(all, nothing_is_written_through_a_link);
	tcase_add_test(all, a_zip_of_too_many_entries_is_refused);
	tcase_add_test(all, what_is_no_zip_is_said_so);
	tcase_add_test(all, a_zip_that_was_cut_off_is_an_error);
	suite_add_tcase(suite, all);
	return test_suite_run(suite);
}
