#include "ctl/screen.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "ctl/cell.h"
#include "ctl/ctl.h"
#include "ctl/listing.h"

/* ECMA-48, and DEC's private modes as every terminal of today has them. */
#define SECOND_SCREEN "\033[?1049h"
#define FIRST_SCREEN  "\033[?1049l"
#define HIDE_CURSOR   "\033[?25l"
#define SHOW_CURSOR   "\033[?25h"
/* Without it a character that is wider than we think would push a line onto the next. */
#define NO_WRAP     "\033[?7l"
#define WRAP        "\033[?7h"
#define HOME        "\033[H"
#define CLEAR_LINE  "\033[K"
#define CLEAR_BELOW "\033[J"
#define RESET       "\033[0m"

#define HEIGHT_USUAL 24

static const char *const styles[] = {
	[SCREEN_PLAIN] = "",
	[SCREEN_TITLE] = "\033[1m",
	[SCREEN_BAD] = "\033[31m",
};

struct screen {
	bool live;
	bool entered;
	bool colours;
	bool has_keys; /* stdin is a terminal, and was as saved says */
	struct termios saved;
	unsigned width;
	unsigned height; /* UINT_MAX: there is no end */
	struct strbuf frame;
	unsigned n_lines; /* in it */
};

/* ---- The terminal ---- */

static int write_all(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* Ctrl-C and Ctrl-Z are signals as ever; Ctrl-S would hold us, and nobody see why. */
static void take_keys(struct screen *screen)
{
	screen->has_keys = tcgetattr(STDIN_FILENO, &screen->saved) == 0;
	if (!screen->has_keys)
		return;
	struct termios keys = screen->saved;
	keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	keys.c_iflag &= ~(tcflag_t)IXON;
	keys.c_cc[VMIN] = 1;
	keys.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &keys);
}

void screen_measure(struct screen *screen)
{
	struct winsize size;

	screen->width = listing_width();
	screen->height = UINT_MAX;
	if (!screen->live)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0) {
		screen->height = HEIGHT_USUAL;
		return;
	}
	screen->width = size.ws_col;
	screen->height = size.ws_row;
}

void screen_enter(struct screen *screen)
{
	if (!screen->live || screen->entered)
		return;
	static const char enter[] = SECOND_SCREEN HIDE_CURSOR NO_WRAP;
	take_keys(screen);
	write_all(enter, strlen(enter));
	screen->entered = true;
	screen_measure(screen);
}

void screen_leave(struct screen *screen)
{
	if (!screen->entered)
		return;
	static const char leave[] = RESET WRAP SHOW_CURSOR FIRST_SCREEN;
	write_all(leave, strlen(leave));
	if (screen->has_keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &screen->saved);
	screen->entered = false;
}

/* ---- Its life ---- */

struct screen *screen_new(bool live)
{
	struct screen *screen = calloc(1, sizeof *screen);

	if (!screen) {
		ctl_fail(EXIT_FAILURE, "out of memory");
		return NULL;
	}
	screen->live = live;
	screen->colours = listing_colours();
	screen->frame = STRBUF_INIT;
	screen_measure(screen);
	screen_enter(screen);
	return screen;
}

struct screen *screen_free(struct screen *screen)
{
	if (!screen)
		return NULL;
	screen_leave(screen);
	strbuf_done(&screen->frame);
	free(screen);
	return NULL;
}

/* ---- A frame ---- */

unsigned screen_room(const struct screen *screen)
{
	return screen->height - screen->n_lines;
}

static void screen_put_cell(struct screen *screen, enum screen_style style, const char *cell)
{
	bool styled = screen->colours && styles[style][0];
	unsigned width = cell_width(cell);
	bool cut = width > screen->width;
	size_t n = cut ? cell_cut(cell, screen->width - 1, &width) : strlen(cell);

	if (styled)
		strbuf_puts(&screen->frame, styles[style]);
	strbuf_append(&screen->frame, cell, n);
	if (cut)
		strbuf_puts(&screen->frame, "…");
	if (styled)
		strbuf_puts(&screen->frame, RESET);
}

void screen_put(struct screen *screen, enum screen_style style, const char *format, ...)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	va_list args;

	if (screen_room(screen) == 0)
		return;
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	_cleanup_free_ char *cell = cell_new(strbuf_str(&text));
	if (screen->live)
		strbuf_puts(
			&screen->frame, screen->n_lines == 0 ? HOME CLEAR_LINE : "\n" CLEAR_LINE);
	screen_put_cell(screen, style, cell ? cell : "");
	if (!screen->live)
		strbuf_putc(&screen->frame, '\n');
	screen->n_lines++;
}

int screen_show(struct screen *screen)
{
	if (screen->live && screen_room(screen) > 0)
		strbuf_puts(&screen->frame, "\n" CLEAR_BELOW);
	int r = screen->frame.error;
	if (r == 0)
		r = write_all(strbuf_str(&screen->frame), screen->frame.len);
	strbuf_reset(&screen->frame);
	screen->n_lines = 0;
	return r;
}
