/*
 * Scope-bound ownership: a variable marked with one of these is released when it leaves its
 * scope, on every path. TAKE_PTR() hands the value on and disarms the variable.
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* DEFINE_CLEANUP(struct x *, x_free) makes x_freep() for _cleanup_(x_freep) struct x *x = NULL. */
#define DEFINE_CLEANUP(type, f)                                                                    \
	static inline void f##p(type *p)                                                           \
	{                                                                                          \
		if (*p)                                                                            \
			f(*p);                                                                     \
	}

#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *_where = &(p);                                                      \
		__typeof__(p) _what = *_where;                                                     \
		*_where = NULL;                                                                    \
		_what;                                                                             \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int *_where = &(fd);                                                               \
		int _what = *_where;                                                               \
		*_where = -1;                                                                      \
		_what;                                                                             \
	})

#define _cleanup_free_  _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The object that holds this member: for nodes that live inside what they link. */
#define container_of(ptr, type, member)                                                            \
	((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))
