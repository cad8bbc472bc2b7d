/*
 * Small files read whole: settings, profiles, tokens. Blocks as long as the file system does, so
 * what is read here is local and read at start, at a reload, or when a credential is due.
 */
#pragma once

#include "base/strbuf.h"

/*
 * Everything in the file at path, which may be a pipe: one that nobody writes to is empty. Returns
 * owned: ret is set anew and is the caller's to release (strbuf_wipe() where it may hold a secret);
 * on failure it is left alone. 0, -EFBIG for more than ceiling bytes, or the negative errno of
 * opening or reading.
 */
int file_read(const char *path, size_t ceiling, struct strbuf *ret);
