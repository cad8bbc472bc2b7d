#include "ctl/listing.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ctl/cell.h"

#define WIDTH_USUAL    80
#define WIDTH_MIN      40
#define GAP            2
#define ELASTIC_LEAST  8
#define SECTION_INDENT 2

struct listing {
	bool json;
	const struct listing_column *columns;
	size_t n_columns;
	char **cells; /* n_columns for each row */
	size_t n_rows;
	size_t capacity;
	unsigned widths[LISTING_COLUMNS_MAX];
	bool failed; /* for want of memory */
};

unsigned listing_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < WIDTH_MIN)
		return WIDTH_USUAL;
	return size.ws_col;
}

bool listing_colours(void)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && no[0]) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

/* ---- Cells ---- */

static void cell_print(
	const struct listing_column *column, const char *cell, unsigned width, bool last)
{
	unsigned own = cell_width(cell);
	bool cut = own > width && column->elastic;
	size_t n = cut ? cell_cut(cell, width - 1, &own) : strlen(cell);
	int blanks = own + cut < width ? (int)(width - own - cut) : 0;

	if (column->right)
		printf("%*s", blanks, "");
	printf("%.*s%s", (int)n, cell, cut ? "…" : "");
	if (!last)
		printf("%*s", (column->right ? 0 : blanks) + GAP, "");
}

/* ---- Text ---- */

/* The bytes of it that go onto a line: whole words, or as much of one as there is room for. */
static size_t text_break(const char *line, unsigned width)
{
	unsigned used;
	size_t end = cell_cut(line, width, &used);

	if (!line[end])
		return end;
	for (size_t i = end; i > 0; i--)
		if (line[i] == ' ' && line[i - 1] != ' ')
			return i;
	return end;
}

static void text_print(const char *line, unsigned indent)
{
	do {
		size_t len = text_break(line, listing_width() - indent);
		printf("%*s%.*s\n", (int)indent, "", (int)len, line);
		line += len;
		line += strspn(line, " ");
	} while (*line);
}

void listing_put_text(const char *text, unsigned indent)
{
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		_cleanup_free_ char *line = cell_new_of(text, len);
		if (line)
			text_print(line, indent);
	}
}

void listing_put_field(const char *name, const char *text)
{
	if (!text)
		return;
	printf("%-9s ", name);
	ctl_put_line(stdout, text);
}

void listing_put_section(const char *name, const char *text)
{
	if (!text)
		return;
	printf("\n%s\n", name);
	listing_put_text(text, SECTION_INDENT);
}

void listing_put_json_section(const char *name, const char *text)
{
	json_auto_t *json = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	_cleanup_free_ char *indented =
		json ? json_dumps(json, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;

	listing_put_section(name, indented ? indented : text);
}

/* ---- The whole ---- */

struct listing *listing_new(
	const struct ctl *ctl, const struct listing_column *columns, size_t n_columns)
{
	struct listing *listing = calloc(1, sizeof *listing);

	if (!listing) {
		ctl_fail(EXIT_FAILURE, "out of memory");
		return NULL;
	}
	listing->json = ctl->json;
	listing->columns = columns;
	listing->n_columns = n_columns;
	for (size_t i = 0; i < n_columns; i++)
		listing->widths[i] = cell_width(columns[i].title);
	return listing;
}

static char **listing_grow(struct listing *listing)
{
	if (listing->n_rows == listing->capacity) {
		size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
		char **cells =
			reallocarray(listing->cells, capacity * listing->n_columns, sizeof *cells);
		if (!cells)
			return NULL;
		listing->cells = cells;
		listing->capacity = capacity;
	}
	return &listing->cells[listing->n_rows * listing->n_columns];
}

static void listing_keep(struct listing *listing, const char *const *cells)
{
	char **row = listing_grow(listing);

	for (size_t i = 0; row && i < listing->n_columns; i++) {
		row[i] = cell_new(cells[i] ? cells[i] : "-");
		if (!row[i])
			listing->failed = true;
		else if (cell_width(row[i]) > listing->widths[i])
			listing->widths[i] = cell_width(row[i]);
	}
	if (!row)
		listing->failed = true;
	else
		listing->n_rows++;
}

void listing_put_json(json_t *json)
{
	/* Of what a text may hold JSON itself escapes the first 32 control characters only. */
	json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}

void listing_add(struct listing *listing, const char *const *cells, json_t *json)
{
	if (listing->json) {
		listing->failed |= !json;
		listing_put_json(json);
		listing->n_rows++;
		return;
	}
	json_decref(json);
	listing_keep(listing, cells);
}

/* The last elastic column gives way first: it tells the most, and in its first words. */
static void listing_fit(struct listing *listing)
{
	unsigned room = listing_width(), needed = 0;

	for (size_t i = 0; i < listing->n_columns; i++)
		needed += listing->widths[i] + (i > 0 ? GAP : 0);
	for (size_t i = listing->n_columns; i-- > 0 && needed > room;) {
		unsigned width = listing->widths[i];
		if (!listing->columns[i].elastic || width <= ELASTIC_LEAST)
			continue;
		unsigned less = width - ELASTIC_LEAST;
		if (less > needed - room)
			less = needed - room;
		listing->widths[i] -= less;
		needed -= less;
	}
}

/* cells: NULL: the titles. */
static void listing_print(const struct listing *listing, const char *const *cells)
{
	size_t last = listing->n_columns - 1;

	for (size_t i = 0; i <= last; i++)
		cell_print(&listing->columns[i], cells ? cells[i] : listing->columns[i].title,
			listing->widths[i], i == last);
	putchar('\n');
}

static void listing_print_all(struct listing *listing)
{
	listing_fit(listing);
	listing_print(listing, NULL);
	for (size_t i = 0; i < listing->n_rows; i++)
		listing_print(
			listing, (const char *const *)&listing->cells[i * listing->n_columns]);
}

int listing_end(struct listing *listing, const char *nothing)
{
	if (listing->failed)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	if (!listing->json && listing->n_rows == 0)
		puts(nothing);
	else if (!listing->json)
		listing_print_all(listing);
	if (fflush(stdout) != 0)
		return ctl_fail(EXIT_FAILURE, "standard output: %m");
	return EXIT_SUCCESS;
}

struct listing *listing_free(struct listing *listing)
{
	if (!listing)
		return NULL;
	for (size_t i = 0; i < listing->n_rows * listing->n_columns && listing->cells; i++)
		free(listing->cells[i]);
	free(listing->cells);
	free(listing);
	return NULL;
}
