#include "base/json_scan.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

void json_scan_init(struct json_scan *scan, const char *text, size_t len, unsigned depth_max)
{
	*scan = (struct json_scan){.at = text, .end = text + len, .depth_max = depth_max};
}

char json_scan_peek(struct json_scan *scan)
{
	for (; scan->at < scan->end; scan->at++) {
		char c = *scan->at;
		if (c > ' ' || (c != ' ' && c != '\t' && c != '\n' && c != '\r'))
			return c;
	}
	return '\0';
}

static bool scan_at_end(const struct json_scan *scan)
{
	return scan->at == scan->end;
}

static bool scan_digit(const struct json_scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Takes c if it is next. */
static bool scan_take(struct json_scan *scan, char c)
{
	if (scan_at_end(scan) || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* At least one. */
static bool scan_digits(struct json_scan *scan)
{
	if (!scan_digit(scan))
		return false;
	while (scan_digit(scan))
		scan->at++;
	return true;
}

static enum json_fault scan_number(struct json_scan *scan)
{
	scan_take(scan, '-');
	if (scan_take(scan, '0')) {
		if (scan_digit(scan))
			return JSON_BAD_NUMBER;
	} else if (!scan_digits(scan)) {
		return JSON_BAD_NUMBER;
	}
	if (scan_take(scan, '.') && !scan_digits(scan))
		return JSON_BAD_NUMBER;
	if (scan_take(scan, 'e') || scan_take(scan, 'E')) {
		if (!scan_take(scan, '-'))
			scan_take(scan, '+');
		if (!scan_digits(scan))
			return JSON_BAD_NUMBER;
	}
	return JSON_OK;
}

static enum json_fault scan_word(struct json_scan *scan, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return JSON_NO_VALUE;
	scan->at += len;
	return JSON_OK;
}

/* The value of n hexadecimal digits, or -1. */
static int32_t hex_value(const char *text, size_t n)
{
	int32_t value = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* What the letter behind a backslash stands for; '\0': no such escape ("u" is not among them). */
static char escape_value(char letter)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? values[found - letters] : '\0';
}

/* Behind the backslash. */
static enum json_fault scan_escape(struct json_scan *scan)
{
	if (scan_at_end(scan))
		return JSON_CUT_SHORT;
	char letter = *scan->at++;
	if (escape_value(letter))
		return JSON_OK;
	if (letter != 'u')
		return JSON_BAD_ESCAPE;
	if (scan->end - scan->at < 4)
		return JSON_CUT_SHORT;
	if (hex_value(scan->at, 4) < 0)
		return JSON_BAD_ESCAPE;
	scan->at += 4;
	return JSON_OK;
}

/*
 * How many of eight bytes, from the first on, stand for themselves in a string. Each subtraction
 * sets the highest bit of a byte that does not. Its borrow may do so for bytes above as well, so
 * that the lowest is the one to trust.
 */
static size_t plain_of_eight(const char *at)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	memcpy(&word, at, sizeof word);
	word = le64toh(word);
	uint64_t control = word - ones * 0x20;
	uint64_t quote = (word ^ ones * '"') - ones;
	uint64_t backslash = (word ^ ones * '\\') - ones;
	uint64_t special = (word | control | quote | backslash) & ones * 0x80;
	return special ? (size_t)__builtin_ctzll(special) / 8 : 8;
}

/* Most bytes of most messages. */
static void scan_plain(struct json_scan *scan)
{
	const char *at = scan->at, *end = scan->end;

	while (end - at >= 8) {
		size_t n = plain_of_eight(at);
		at += n;
		if (n < 8)
			break;
	}
	while (at < end && (unsigned char)*at - 0x20u < 0x60 && *at != '"' && *at != '\\')
		at++;
	scan->at = at;
}

/* Characters beyond ASCII seldom come alone. False if these bytes are none. */
static bool scan_multibyte(struct json_scan *scan)
{
	while (scan->at < scan->end && (unsigned char)*scan->at >= 0x80) {
		size_t n = utf8_sequence(scan->at, (size_t)(scan->end - scan->at));
		if (n == 0)
			return false;
		scan->at += n;
	}
	return true;
}

enum json_fault json_scan_string(struct json_scan *scan, struct json_string *ret)
{
	if (json_scan_peek(scan) != '"')
		return JSON_NO_VALUE;
	const char *raw = ++scan->at;
	for (;;) {
		scan_plain(scan);
		if (scan_at_end(scan))
			return JSON_CUT_SHORT;
		if (scan_take(scan, '"'))
			break;
		if (scan_take(scan, '\\')) {
			enum json_fault fault = scan_escape(scan);
			if (fault != JSON_OK)
				return fault;
			continue;
		}
		if ((unsigned char)*scan->at < 0x20)
			return JSON_RAW_CONTROL;
		if (!scan_multibyte(scan))
			return JSON_BAD_UTF8;
	}
	*ret = (struct json_string){raw, (size_t)(scan->at - 1 - raw)};
	return JSON_OK;
}

enum json_fault json_scan_enter(struct json_scan *scan)
{
	if (scan->depth == scan->depth_max)
		return JSON_TOO_DEEP;
	scan->depth++;
	scan->at++;
	scan->entered = true;
	return JSON_OK;
}

/* The comma or the end behind an element; before the first there may be the end only. */
static enum json_fault scan_separator(struct json_scan *scan, char close, bool *ret_more)
{
	bool first = scan->entered;
	char next = json_scan_peek(scan);

	scan->entered = false;
	if (scan_at_end(scan))
		return JSON_CUT_SHORT;
	if (next == close) {
		scan->depth--;
		scan->at++;
	} else if (!first && !scan_take(scan, ',')) {
		return JSON_NO_SEPARATOR;
	}
	*ret_more = next != close;
	return JSON_OK;
}

/* A member's name and the colon. */
static enum json_fault scan_name(struct json_scan *scan, struct json_string *ret)
{
	if (json_scan_peek(scan) != '"')
		return scan_at_end(scan) ? JSON_CUT_SHORT : JSON_NO_NAME;
	enum json_fault fault = json_scan_string(scan, ret);
	if (fault != JSON_OK)
		return fault;
	if (json_scan_peek(scan) != ':')
		return scan_at_end(scan) ? JSON_CUT_SHORT : JSON_NO_COLON;
	scan->at++;
	return JSON_OK;
}

enum json_fault json_scan_member(
	struct json_scan *scan, bool *ret_more, struct json_string *ret_name)
{
	struct json_string name = {0};
	bool more;
	enum json_fault fault = scan_separator(scan, '}', &more);

	if (fault == JSON_OK && more)
		fault = scan_name(scan, &name);
	if (fault != JSON_OK)
		return fault;
	*ret_more = more;
	*ret_name = name;
	return JSON_OK;
}

enum json_fault json_scan_element(struct json_scan *scan, bool *ret_more)
{
	return scan_separator(scan, ']', ret_more);
}

static enum json_fault scan_object(struct json_scan *scan)
{
	enum json_fault fault = json_scan_enter(scan);
	bool more = true;

	while (fault == JSON_OK) {
		struct json_string name;
		fault = json_scan_member(scan, &more, &name);
		if (fault != JSON_OK || !more)
			break;
		fault = json_scan_value(scan);
	}
	return fault;
}

static enum json_fault scan_array(struct json_scan *scan)
{
	enum json_fault fault = json_scan_enter(scan);
	bool more = true;

	while (fault == JSON_OK) {
		fault = json_scan_element(scan, &more);
		if (fault != JSON_OK || !more)
			break;
		fault = json_scan_value(scan);
	}
	return fault;
}

enum json_fault json_scan_value(struct json_scan *scan)
{
	struct json_string string;
	char c = json_scan_peek(scan);

	if (scan_at_end(scan))
		return JSON_CUT_SHORT;
	switch (c) {
	case '{':
		return scan_object(scan);
	case '[':
		return scan_array(scan);
	case '"':
		return json_scan_string(scan, &string);
	case 't':
		return scan_word(scan, "true");
	case 'f':
		return scan_word(scan, "false");
	case 'n':
		return scan_word(scan, "null");
	default:
		return c == '-' || scan_digit(scan) ? scan_number(scan) : JSON_NO_VALUE;
	}
}

enum json_fault json_scan_end(struct json_scan *scan)
{
	json_scan_peek(scan);
	return scan_at_end(scan) ? JSON_OK : JSON_TRAILING;
}

/* A \u escape, two of them for what is beyond U+FFFF (RFC 8259, section 7); -1 for half a pair. */
static int32_t decode_u(const char **at, const char *end)
{
	int32_t high = hex_value(*at, 4);

	*at += 4;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return -1;
	int32_t low = hex_value(*at + 2, 4);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*at += 6;
	return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

/* What the escape at *at (behind the backslash) means, in UTF-8: its length, or -EILSEQ. */
static int decode_escape(const char **at, const char *end, char ret[4])
{
	char letter = *(*at)++;

	if (letter != 'u') {
		ret[0] = escape_value(letter);
		return 1;
	}
	int32_t code_point = decode_u(at, end);
	return code_point < 0 ? -EILSEQ : (int)utf8_encode((uint32_t)code_point, ret);
}

int json_string_decode(const struct json_string *string, char *ret, size_t size)
{
	const char *at = string->raw, *end = string->raw + string->raw_len;
	size_t len = 0;

	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));
		size_t plain_len = (size_t)((escape ? escape : end) - at);

		if (plain_len > size - len)
			return -ENOBUFS;
		memcpy(ret + len, at, plain_len);
		len += plain_len;
		if (!escape)
			break;

		char bytes[4];
		at = escape + 1;
		int n = decode_escape(&at, end, bytes);
		if (n < 0)
			return n;
		if ((size_t)n > size - len)
			return -ENOBUFS;
		memcpy(ret + len, bytes, (size_t)n);
		len += (size_t)n;
	}
	return (int)len;
}
