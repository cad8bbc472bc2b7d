/*
 * Where nexusctl top shows what it sees, a frame after the other.
 *
 * Live: a terminal's second screen, without cursor; a frame takes the place of the one before, and
 * is never wider or higher than the terminal. Keys come one by one and unseen. What was there
 * before comes back with screen_leave() and at the end. Otherwise: lines on stdout, as many as
 * there are. Whatever text is put there is shown, not obeyed (ctl/cell). Main thread; blocks as
 * long as the terminal does.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"

struct screen;

enum screen_style {
	SCREEN_PLAIN,
	SCREEN_TITLE,
	SCREEN_BAD,
};

/* NULL: no memory, which was said. Live needs stdout to be a terminal. */
struct screen *screen_new(bool live);
/* Restores the terminal. Returns NULL. */
struct screen *screen_free(struct screen *screen);
DEFINE_CLEANUP(struct screen *, screen_free)

/* Before a stop, and behind it. Entering asks for the terminal's size too. */
void screen_leave(struct screen *screen);
void screen_enter(struct screen *screen);

/* The terminal has another size now. */
void screen_measure(struct screen *screen);
/* The lines that still fit into this frame. */
unsigned screen_room(const struct screen *screen);

/* One line of the frame, cut where the terminal ends; dropped where there is no room for it. */
void screen_put(struct screen *screen, enum screen_style style, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Shows the frame and begins the next. 0, or a negative errno. */
int screen_show(struct screen *screen);
