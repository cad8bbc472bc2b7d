#include "base/utf8.h"

/* The well-formed sequences of two bytes and more: RFC 3629, section 4. */
static const struct utf8_form {
	unsigned char lead_min, lead_max, second_min, second_max, len;
} utf8_forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2},
	{0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3},
	{0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4},
	{0xf4, 0xf4, 0x80, 0x8f, 4},
};

static size_t utf8_match(const struct utf8_form *form, const unsigned char *s, size_t len)
{
	if (form->len > len || s[1] < form->second_min || s[1] > form->second_max)
		return 0;
	for (size_t i = 2; i < form->len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return form->len;
}

size_t utf8_sequence(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	if (len == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof utf8_forms / sizeof utf8_forms[0]; i++)
		if (s[0] >= utf8_forms[i].lead_min && s[0] <= utf8_forms[i].lead_max)
			return utf8_match(&utf8_forms[i], s, len);
	return 0;
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
