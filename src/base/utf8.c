#include "base/utf8.h"

#include <stdbool.h>

static bool follows(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* RFC 3629, section 4: the second byte's range is narrower behind some first bytes. */
size_t utf8_sequence(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4 || len < 2 || !follows(s[1]))
		return 0;
	if (s[0] < 0xe0)
		return 2;
	if (len < 3 || !follows(s[2]))
		return 0;
	if (s[0] < 0xf0)
		return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ? 0 : 3;
	if (len < 4 || !follows(s[3]))
		return 0;
	return (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f) ? 0 : 4;
}

uint32_t utf8_decode(const char *text, size_t len)
{
	static const unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *s = (const unsigned char *)text;
	uint32_t code_point = s[0] & lead_mask[len];

	for (size_t i = 1; i < len; i++)
		code_point = code_point << 6 | (s[i] & 0x3f);
	return code_point;
}

bool utf8_steers(uint32_t code_point)
{
	return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
	       code_point == 0x61c || (code_point >= 0x200e && code_point <= 0x200f) ||
	       (code_point >= 0x2028 && code_point <= 0x202e) ||
	       (code_point >= 0x2066 && code_point <= 0x2069);
}

size_t utf8_encode(uint32_t code_point, char ret[4])
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t len = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--) {
		ret[i] = (char)(0x80 | (code_point & 0x3f));
		code_point >>= 6;
	}
	ret[0] = (char)(lead[len] | code_point);
	return len;
}

size_t utf8_cut(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;

	/* No character has more than three bytes behind its first. */
	size_t cut = max;
	while (cut > 0 && max - cut < 3 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return ((unsigned char)text[cut] & 0xc0) == 0x80 ? max : cut;
}
