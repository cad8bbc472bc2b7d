#include "ctl/ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ctl/ctl.h"

static bool answered_yes(void)
{
	char line[16];

	if (!fgets(line, sizeof line, stdin))
		return false;
	return strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0;
}

static __attribute__((format(printf, 2, 0))) int ask_unless(
	const char *option, const char *format, va_list args)
{
	_cleanup_strbuf_ struct strbuf question = STRBUF_INIT;

	strbuf_vprintf(&question, format, args);
	if (!isatty(STDIN_FILENO))
		return ctl_fail(EXIT_FAILURE,
			"%s Nobody can be asked (stdin is no terminal): %s goes ahead",
			strbuf_str(&question), option);
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", strbuf_str(&question));
	if (!answered_yes())
		return ctl_fail(EXIT_FAILURE, "nothing was changed");
	return EXIT_SUCCESS;
}

int ask(bool yes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int status = yes ? EXIT_SUCCESS : ask_unless("--yes", format, args);
	va_end(args);
	return status;
}

int ask_apart(bool given, const char *option, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int status = given ? EXIT_SUCCESS : ask_unless(option, format, args);
	va_end(args);
	return status;
}
