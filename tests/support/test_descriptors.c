#include "test_descriptors.h"

#include <check.h>
#include <dirent.h>

unsigned test_descriptors(void)
{
	DIR *all = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(all);
	while (readdir(all))
		n++;
	closedir(all);
	return n;
}
