#include <string.h>

#include "ctl/choice.h"
#include "ctl/dlq.h"
#include "ctl/listing.h"
#include "ctl/when.h"

struct list {
	struct choice choice;
	bool only_groups;
	const struct dead **letters; /* those that are meant, in the order of their groups */
	size_t n_letters;
};

/* ---- The letters ---- */

static int list_letters(const struct list *list, const struct ctl *ctl)
{
	static const struct listing_column columns[] = {
		{.title = "job"},
		{.title = "type", .elastic = true},
		{.title = "age", .right = true},
		{.title = "recv", .right = true},
		{.title = "row"},
		{.title = "error", .elastic = true},
	};
	_cleanup_(listing_freep) struct listing *listing =
		listing_new(ctl, columns, sizeof columns / sizeof columns[0]);

	if (!listing)
		return EXIT_FAILURE;
	for (size_t i = 0; i < list->n_letters; i++) {
		const struct dead *dead = list->letters[i];
		char age[WHEN_MAX], receives[16], state[ROW_STATE_MAX];
		snprintf(receives, sizeof receives, "%u", dead->letter->receives);
		const char *const cells[] = {dead_id(dead), dead->letter->type,
			when_age(dead_age(dead), age), receives, dead_state(dead, state),
			dead_error(dead)};
		listing_add(listing, cells, dead_json(dead));
	}
	return listing_end(listing, "no dead letters");
}

/* ---- Their groups ---- */

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* Those of a type and an error stand together, the oldest first. */
static int compare_letters(const void *left, const void *right)
{
	const struct dead *a = *(const struct dead *const *)left;
	const struct dead *b = *(const struct dead *const *)right;
	int order = compare_texts(a->letter->type, b->letter->type);

	if (order == 0)
		order = compare_texts(dead_error(a), dead_error(b));
	if (order == 0)
		order = (a->letter->sent_at > b->letter->sent_at) -
			(a->letter->sent_at < b->letter->sent_at);
	return order;
}

static bool is_same_group(const struct dead *a, const struct dead *b)
{
	return compare_texts(a->letter->type, b->letter->type) == 0 &&
	       compare_texts(dead_error(a), dead_error(b)) == 0;
}

static void list_group(struct listing *listing, const struct dead *first, size_t n)
{
	const char *error = dead_error(first);
	char count[24], age[WHEN_MAX], sent[WHEN_MAX];

	snprintf(count, sizeof count, "%zu", n);
	const char *const cells[] = {
		count, first->letter->type, when_age(dead_age(first), age), error};
	listing_add(listing, cells,
		json_pack("{s:I, s:s?, s:s?, s:s}", "count", (json_int_t)n, "type",
			first->letter->type, "error", error, "oldest_sent_at",
			when_utc(first->letter->sent_at, sent)));
}

static int list_groups(const struct list *list, const struct ctl *ctl)
{
	static const struct listing_column columns[] = {
		{.title = "count", .right = true},
		{.title = "type", .elastic = true},
		{.title = "oldest", .right = true},
		{.title = "error", .elastic = true},
	};
	_cleanup_(listing_freep) struct listing *listing =
		listing_new(ctl, columns, sizeof columns / sizeof columns[0]);

	if (!listing)
		return EXIT_FAILURE;
	for (size_t i = 0, n; i < list->n_letters; i += n) {
		for (n = 1; i + n < list->n_letters; n++)
			if (!is_same_group(list->letters[i], list->letters[i + n]))
				break;
		list_group(listing, list->letters[i], n);
	}
	return listing_end(listing, "no dead letters");
}

/* ---- The command ---- */

static int list_sort(struct list *list, const struct dead_letters *dead)
{
	list->letters = calloc(dead->n_letters + 1, sizeof list->letters[0]);
	if (!list->letters)
		return ctl_fail(EXIT_FAILURE, "out of memory");
	for (size_t i = 0; i < dead->n_letters; i++)
		list->letters[list->n_letters++] = &dead->letters[i];
	qsort(list->letters, list->n_letters, sizeof list->letters[0], compare_letters);
	return EXIT_SUCCESS;
}

static int list_show(const struct list *list, const struct ctl *ctl)
{
	int status = EXIT_SUCCESS;

	if (!list->only_groups)
		status = list_letters(list, ctl);
	if (status == EXIT_SUCCESS && !list->only_groups && !ctl->json && list->n_letters > 0)
		putchar('\n');
	/* What programs can count themselves they are not told unasked. */
	if (status == EXIT_SUCCESS && (list->only_groups || (!ctl->json && list->n_letters > 0)))
		status = list_groups(list, ctl);
	return status;
}

static int list_parse(struct list *list, int argc, char **argv)
{
	static const struct option options[] = {
		CHOICE_OPTIONS, {"group", no_argument, NULL, 'g'}, {0}};
	int c, status;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (c == 'g')
			list->only_groups = true;
		status = c == 'g' ? EXIT_SUCCESS : choice_option(&list->choice, c, optarg);
		if (status != EXIT_SUCCESS)
			return status;
	}
	return optind < argc ? ctl_usage("dlq", "%s: list takes no ids: nexusctl dlq show ID",
				       argv[optind])
			     : EXIT_SUCCESS;
}

static void list_done(struct list *list)
{
	choice_done(&list->choice);
	free(list->letters);
}

int dlq_list(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(list_done) struct list list = {.choice = CHOICE_INIT};
	_cleanup_(dlq_close) struct dlq dlq = {0};
	int rows = EXIT_SUCCESS;

	int status = list_parse(&list, argc, argv);
	if (status == EXIT_SUCCESS)
		status = dlq_open(&dlq, ctl);
	if (status == EXIT_SUCCESS)
		status = dlq_look(&dlq, &list.choice, &rows);
	if (status == EXIT_SUCCESS)
		status = list_sort(&list, dlq.dead);
	if (status == EXIT_SUCCESS)
		status = list_show(&list, ctl);
	return status == EXIT_SUCCESS ? rows : status;
}
