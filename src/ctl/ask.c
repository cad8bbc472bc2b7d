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

int ask(bool yes, const char *format, ...)
{
	_cleanup_strbuf_ struct strbuf question = STRBUF_INIT;
	va_list args;

	if (yes)
		return EXIT_SUCCESS;
	va_start(args, format);
	strbuf_vprintf(&question, format, args);
	va_end(args);
	if (!isatty(STDIN_FILENO))
		return ctl_fail(EXIT_FAILURE,
			"%s Nobody can be asked (stdin is no terminal): --yes goes ahead",
			strbuf_str(&question));
	fflush(stdout);
	fprintf(stderr, "%s [y/N] ", strbuf_str(&question));
	if (!answered_yes())
		return ctl_fail(EXIT_FAILURE, "nothing was changed");
	return EXIT_SUCCESS;
}
