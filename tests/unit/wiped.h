/*
 * Counts what is wiped: stands in the place of the C library's explicit_bzero(), in the one file of
 * a program that includes it.
 */
#pragma once

#include <check.h>
#include <string.h>

#define SECRET "the secret of it all"
static unsigned n_wiped; /* pieces of memory with that in them */

/* By the name that it has with _FORTIFY_SOURCE or without. */
#if __USE_FORTIFY_LEVEL > 0
void __explicit_bzero_chk(void *data, size_t len, size_t size)
#else
void explicit_bzero(void *data, size_t len)
#endif
{
#if __USE_FORTIFY_LEVEL > 0
	ck_assert_uint_le(len, size);
#endif
	/* The compiler takes it that nobody reads what is to be wiped. */
	const void *volatile before = data;

	if (memmem(before, len, SECRET, strlen(SECRET)))
		n_wiped++;
	memset(data, 0, len);
}
