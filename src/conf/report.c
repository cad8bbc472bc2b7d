#include "conf/report.h"

#include <errno.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void report_line(
	struct strbuf *out, const char *format, va_list args)
{
	strbuf_vprintf(out, format, args);
	strbuf_putc(out, '\n');
}

void report_problem(struct report *report, const char *format, ...)
{
	bool is_full = report_is_full(report);
	va_list args;

	report->n_problems++;
	if (is_full)
		return;
	va_start(args, format);
	report_line(report->problems, format, args);
	va_end(args);
}

void report_warning(struct report *report, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_line(report->warnings, format, args);
	va_end(args);
}

static const char *report_who_may(const struct report *report, const char *path)
{
	size_t len = strlen(report->directory);

	if (strncmp(path, report->directory, len) == 0 && path[len] == '/')
		return "; root and the group nexus-worker may, once systemd-tmpfiles --create "
		       "nexus-worker.conf has set its modes";
	return "; let the user that this runs as read it";
}

void report_unreadable(struct report *report, const char *path, int r)
{
	report_problem(report, "%s: cannot be read: %s%s", path, strerror(-r),
		r == -EACCES ? report_who_may(report, path) : "");
}

bool report_is_full(const struct report *report)
{
	return report->n_problems >= REPORT_PROBLEMS_MAX;
}

void report_end(struct report *report)
{
	if (report->n_problems > REPORT_PROBLEMS_MAX)
		strbuf_printf(report->problems, "and %u problems more\n",
			report->n_problems - REPORT_PROBLEMS_MAX);
}
