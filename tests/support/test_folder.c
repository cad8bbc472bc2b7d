#include "test_folder.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANY "XXXXXX"

static char folder[] = "/tmp/nexus-test." ANY;
static char before[PATH_MAX];

const char *test_folder_enter(void)
{
	strcpy(folder + sizeof folder - sizeof ANY, ANY);
	ck_assert_ptr_nonnull(getcwd(before, sizeof before));
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	return folder;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

void test_folder_leave(void)
{
	ck_assert_int_eq(chdir(before), 0);
	ck_assert_int_eq(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void test_write_bytes(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
}

void test_write(const char *path, const char *text)
{
	test_write_bytes(path, text, strlen(text));
}

void test_write_program(const char *path, const char *text)
{
	test_write(path, text);
	ck_assert_int_eq(chmod(path, 0700), 0);
}
