/*
 * A text that proves to somebody who asks, as an administrator or an agent has left it for us: in a
 * file, which whoever writes it renews, or in a variable. The line ends behind it are an editor's.
 */
#pragma once

#include "aws/credentials.h"
#include "base/strbuf.h"

/* Takes the line ends off. False: it has a character that no token has. */
bool token_trim(struct strbuf *token);

/*
 * Reads the file, without the line ends. Returns owned: ret is set anew and is the caller's to
 * wipe. -EAGAIN: it is not there or empty, and whoever writes it may be about to; -EINVAL: it may
 * not be read, has more than ceiling bytes, or holds no token; as credentials_file_error() for the
 * rest. Then ret_text begins with what and says so.
 */
int token_read(const char *path, size_t ceiling, const char *what, struct strbuf *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX]);
