#include "base/exposition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 32
#define NAME_MAX   64

void exposition_family(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_value(struct strbuf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			strbuf_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			strbuf_putc(out, '\\');
		strbuf_putc(out, *value);
	}
}

/* The shortest that is read back as the same; the program never leaves the C locale. */
static const char *number(double value, char buffer[NUMBER_MAX])
{
	if (isinf(value))
		return value > 0 ? "+Inf" : "-Inf";
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(buffer, NUMBER_MAX, "%.*g", digits, value);
		if (strtod(buffer, NULL) == value)
			break;
	}
	return buffer;
}

void exposition_sample(struct strbuf *out, const char *name, const struct exposition_label *labels,
	size_t n_labels, double value)
{
	char text[NUMBER_MAX];

	strbuf_puts(out, name);
	for (size_t i = 0; i < n_labels; i++) {
		strbuf_printf(out, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
		put_value(out, labels[i].value);
		strbuf_putc(out, '"');
	}
	strbuf_printf(out, "%s %s\n", n_labels > 0 ? "}" : "", number(value, text));
}

void exposition_histogram(struct strbuf *out, const char *name,
	const struct exposition_label *label, const struct histogram *histogram,
	const struct histogram_bounds *bounds, double unit)
{
	char full[NAME_MAX], le[NUMBER_MAX];
	size_t n_labels = label ? 1 : 0;
	uint64_t n = 0;

	snprintf(full, sizeof full, "%s_bucket", name);
	for (size_t i = 0; i <= bounds->n; i++) {
		struct exposition_label labels[2];

		if (label)
			labels[0] = *label;
		labels[n_labels] = (struct exposition_label){"le",
			number(i < bounds->n ? (double)bounds->bounds[i] / unit : INFINITY, le)};
		n += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
		exposition_sample(out, full, labels, n_labels + 1, (double)n);
	}
	snprintf(full, sizeof full, "%s_sum", name);
	exposition_sample(out, full, label, n_labels,
		(double)atomic_load_explicit(&histogram->sum, memory_order_relaxed) / unit);
	snprintf(full, sizeof full, "%s_count", name);
	exposition_sample(out, full, label, n_labels, (double)n);
}
