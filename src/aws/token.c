#include "aws/token.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

bool token_trim(struct strbuf *token)
{
	strbuf_cut_line_ends(token);
	for (size_t i = 0; i < token->len; i++)
		if (token->data[i] < ' ' || token->data[i] > '~')
			return false;
	return true;
}

int token_read(const char *path, size_t ceiling, const char *what, struct strbuf *ret,
	char ret_text[static CREDENTIALS_TEXT_MAX])
{
	_cleanup_(strbuf_wipe) struct strbuf token = STRBUF_INIT;

	int r = file_read(path, ceiling, &token);
	/* Not -ENOENT, which would say that nothing is configured. */
	if (r < 0)
		return credentials_failed(ret_text,
			r == -ENOENT ? -EAGAIN : credentials_file_error(r),
			"%s: the token file %s cannot be read: %s: correct its path or mode, or "
			"see to what writes it",
			what, path, strerrordesc_np(-r));
	if (!token_trim(&token))
		return credentials_failed(ret_text, -EINVAL,
			"%s: the token file %s holds a line end or another character that no token "
			"has",
			what, path);
	if (token.len == 0)
		return credentials_failed(ret_text, -EAGAIN,
			"%s: the token file %s is empty: see to what writes it", what, path);
	*ret = token;
	token = STRBUF_INIT;
	return 0;
}
