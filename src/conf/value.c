#include "conf/value.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

int value_refuse(const char *reason, struct strbuf *wrong)
{
	strbuf_puts(wrong, reason);
	return -EINVAL;
}

void value_accept(const struct value_rule *rule, struct strbuf *out)
{
	if (rule->type->accepted)
		strbuf_puts(out, rule->type->accepted);
	else
		rule->type->accept(rule, out);
}

/* From the largest to the smallest; the last ends the table. */
struct value_unit {
	const char *name;
	uint64_t factor;
	uint64_t write_from; /* the least value that is written in it; 0: none, it is only read */
};

/* As people write them: 60s, but 5min; 90min, but 1h. */
static const struct value_unit duration_units[] = {
	{"d", 24 * USEC_PER_HOUR, 0},
	{"h", USEC_PER_HOUR, USEC_PER_HOUR},
	{"min", USEC_PER_MIN, 2 * USEC_PER_MIN},
	{"m", USEC_PER_MIN, 0},
	{"s", USEC_PER_SEC, USEC_PER_SEC},
	{"sec", USEC_PER_SEC, 0},
	{"", USEC_PER_SEC, 0},
	{"ms", USEC_PER_MSEC, USEC_PER_MSEC},
	{"us", 1, 1},
	{NULL, 0, 0},
};

static const struct value_unit size_units[] = {
	{"T", UINT64_C(1) << 40, UINT64_C(1) << 40},
	{"G", UINT64_C(1) << 30, UINT64_C(1) << 30},
	{"M", UINT64_C(1) << 20, UINT64_C(1) << 20},
	{"K", UINT64_C(1) << 10, UINT64_C(1) << 10},
	{"", 1, 1},
	{NULL, 0, 0},
};

static const struct value_unit plain_units[] = {{"", 1, 1}, {NULL, 0, 0}};

static const struct value_unit *value_find_unit(
	const struct value_unit *units, const char *name, size_t len)
{
	for (; units->name; units++)
		if (strlen(units->name) == len && strncmp(units->name, name, len) == 0)
			return units;
	return NULL;
}

/* Adds one number with its unit, at *text, which moves behind it, to *sum. */
static int value_add_amount(
	const struct value_unit *units, bool is_first, const char **text, uint64_t *sum)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *p = *text;
	uint64_t number;
	char *end;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(p, &end, 10);
	if (errno == ERANGE)
		return -ERANGE;

	p = end + strspn(end, " \t");
	size_t len = strspn(p, letters);
	const struct value_unit *unit = value_find_unit(units, p, len);
	if (!unit)
		return -EINVAL;
	if (__builtin_mul_overflow(number, unit->factor, &number) ||
		__builtin_add_overflow(*sum, number, sum))
		return -ERANGE;
	p += len;
	*text = p + strspn(p, " \t");
	/* Without a unit it stands alone: "5min 20" could mean anything. */
	return len == 0 && (!is_first || **text) ? -EINVAL : 0;
}

static void value_write_amount(const struct value_unit *units, uint64_t amount, struct strbuf *out)
{
	if (amount == 0) {
		strbuf_putc(out, '0');
		return;
	}
	for (; units->name; units++)
		if (units->write_from && amount >= units->write_from &&
			amount % units->factor == 0) {
			strbuf_printf(out, "%llu%s", (unsigned long long)(amount / units->factor),
				units->name);
			return;
		}
}

static int value_read_amount(const struct value_unit *units, const struct value_rule *rule,
	const char *text, uint64_t *ret, struct strbuf *wrong)
{
	uint64_t sum = 0;
	int r = value_add_amount(units, true, &text, &sum);

	while (r == 0 && *text)
		r = value_add_amount(units, false, &text, &sum);

	if (r == -EINVAL) {
		strbuf_puts(wrong, "is not ");
		strbuf_puts(wrong, units == duration_units ? "a duration"
				   : units == size_units   ? "a size"
							   : "a whole number");
		return r;
	}
	if (r == -ERANGE || sum > rule->max) {
		strbuf_puts(wrong, "is more than ");
		value_write_amount(units, rule->max, wrong);
		return -EINVAL;
	}
	if (sum < rule->min && !(rule->or_zero && sum == 0)) {
		strbuf_puts(wrong, "is less than ");
		value_write_amount(units, rule->min, wrong);
		return -EINVAL;
	}
	if (rule->step && sum % rule->step) {
		strbuf_puts(wrong, "is not a multiple of ");
		value_write_amount(units, rule->step, wrong);
		return -EINVAL;
	}
	*ret = sum;
	return 0;
}

static void value_accept_range(
	const struct value_unit *units, const struct value_rule *rule, struct strbuf *out)
{
	strbuf_puts(out, " from ");
	value_write_amount(units, rule->min, out);
	strbuf_puts(out, " to ");
	value_write_amount(units, rule->max, out);
	if (rule->or_zero)
		strbuf_puts(out, ", or 0");
}

static int value_duration_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	return value_read_amount(duration_units, rule, text, field, wrong);
}

static void value_duration_write(
	const struct value_rule *rule, const void *field, struct strbuf *out)
{
	(void)rule;
	value_write_amount(duration_units, *(const usec_t *)field, out);
}

static void value_duration_accept(const struct value_rule *rule, struct strbuf *out)
{
	strbuf_puts(out, rule->step ? "a duration in whole seconds (30s, 5min, 1h)"
				    : "a duration (250ms, 30s, 5min, 1h)");
	value_accept_range(duration_units, rule, out);
}

const struct value_type value_duration = {
	.read = value_duration_read,
	.write = value_duration_write,
	.accept = value_duration_accept,
};

static int value_size_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	return value_read_amount(size_units, rule, text, field, wrong);
}

static void value_size_write(const struct value_rule *rule, const void *field, struct strbuf *out)
{
	(void)rule;
	value_write_amount(size_units, *(const uint64_t *)field, out);
}

static void value_size_accept(const struct value_rule *rule, struct strbuf *out)
{
	strbuf_puts(out, "a size (64K, 1M, 1G)");
	value_accept_range(size_units, rule, out);
}

const struct value_type value_size = {
	.read = value_size_read,
	.write = value_size_write,
	.accept = value_size_accept,
};

static int value_count_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	uint64_t count;
	int r = value_read_amount(plain_units, rule, text, &count, wrong);

	if (r == 0)
		*(unsigned *)field = (unsigned)count;
	return r;
}

static void value_count_write(const struct value_rule *rule, const void *field, struct strbuf *out)
{
	(void)rule;
	strbuf_printf(out, "%u", *(const unsigned *)field);
}

static void value_count_accept(const struct value_rule *rule, struct strbuf *out)
{
	strbuf_puts(out, "a whole number");
	value_accept_range(plain_units, rule, out);
}

const struct value_type value_count = {
	.read = value_count_read,
	.write = value_count_write,
	.accept = value_count_accept,
};

static void value_word_accept(const struct value_rule *rule, struct strbuf *out)
{
	for (const struct value_name *n = rule->names; n->name; n++) {
		if (n > rule->names)
			strbuf_puts(out, n[1].name ? ", " : " or ");
		strbuf_puts(out, n->name);
	}
}

static int value_word_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	for (const struct value_name *n = rule->names; n->name; n++)
		if (strcmp(n->name, text) == 0) {
			*(int *)field = n->number;
			return 0;
		}
	return value_refuse("is not known", wrong);
}

static void value_word_write(const struct value_rule *rule, const void *field, struct strbuf *out)
{
	for (const struct value_name *n = rule->names; n->name; n++)
		if (n->number == *(const int *)field)
			strbuf_puts(out, n->name);
}

static void value_word_clear(void *field)
{
	*(int *)field = 0;
}

const struct value_type value_word = {
	.read = value_word_read,
	.write = value_word_write,
	.accept = value_word_accept,
	.clear = value_word_clear,
};

static const struct {
	const char *name;
	bool on;
} value_switch_names[] = {
	{"yes", true},
	{"no", false},
	{"true", true},
	{"false", false},
	{"on", true},
	{"off", false},
	{"1", true},
	{"0", false},
};

#define N_SWITCH_NAMES (sizeof value_switch_names / sizeof value_switch_names[0])

static int value_switch_read(
	const struct value_rule *rule, const char *text, void *field, struct strbuf *wrong)
{
	(void)rule;
	for (size_t i = 0; i < N_SWITCH_NAMES; i++)
		if (strcasecmp(value_switch_names[i].name, text) == 0) {
			*(bool *)field = value_switch_names[i].on;
			return 0;
		}
	return value_refuse("is neither yes nor no", wrong);
}

static void value_switch_write(const struct value_rule *rule, const void *field, struct strbuf *out)
{
	(void)rule;
	strbuf_puts(out, *(const bool *)field ? "yes" : "no");
}

const struct value_type value_switch = {
	.read = value_switch_read,
	.write = value_switch_write,
	.accepted = "yes or no (also true, false, on, off, 1, 0)",
};
