#include "ctl/tree.h"

#include <errno.h>
#include <ftw.h>
#include <unistd.h>

/* How many folders are open at a time. */
#define N_OPEN 16

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	return flag == FTW_DP ? rmdir(path) : unlink(path);
}

int tree_remove(const char *path)
{
	return nftw(path, remove_one, N_OPEN, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -errno;
}

/* nftw() hands nothing through to what it calls. */
static uint64_t size_seen;

static int add_size(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)path;
	(void)ftw;
	if (flag == FTW_F)
		size_seen += (uint64_t)st->st_size;
	return 0;
}

uint64_t tree_size(const char *path)
{
	size_seen = 0;
	nftw(path, add_size, N_OPEN, FTW_PHYS);
	return size_seen;
}
