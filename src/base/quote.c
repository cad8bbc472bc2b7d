#include "base/quote.h"

#include <string.h>

void quote_text(const char *text, char *ret, size_t size)
{
	size_t len = 0;

	for (; *text && len < size - 4; text++)
		ret[len++] = *text >= ' ' && *text <= '~' ? *text : '?';
	strcpy(ret + len, *text ? "..." : "");
}
