#include "ctl/deed.h"

#include <stdlib.h>

#include "base/strbuf.h"
#include "ctl/progress.h"

/* ---- The command line ---- */

int deed_option(struct deed *deed, int option, const char *text)
{
	switch (option) {
	case 'a':
		deed->all = true;
		return EXIT_SUCCESS;
	case 'y':
		deed->yes = true;
		return EXIT_SUCCESS;
	case 'n':
		deed->dry_run = true;
		return EXIT_SUCCESS;
	default:
		return choice_option(&deed->choice, option, text);
	}
}

bool deed_has_choice(const struct deed *deed)
{
	return deed->choice.n_ids > 0 || deed->choice.type || deed->choice.error;
}

int deed_parse_rest(struct deed *deed, int argc, char **argv)
{
	if (optind < argc && deed->choice.n_ids == 0)
		return ctl_usage("dlq", "%s: ids stand behind --job", argv[optind]);
	while (optind < argc)
		if (choice_add_id(&deed->choice, argv[optind++]) != EXIT_SUCCESS)
			return EXIT_FAILURE;
	return deed->all && deed_has_choice(deed)
		       ? ctl_usage("dlq", "--all, or some of them: not both")
		       : EXIT_SUCCESS;
}

/* ---- What becomes of a letter ---- */

static json_t *deed_json(const struct dead *dead, const char *action, const char *reason)
{
	const struct letter *letter = dead->letter;

	return json_pack("{s:s, s:s?, s:s?, s:s, s:s?}", "message_id", letter->message_id, "job_id",
		letter->job_id, "type", letter->type, "action", action, "reason", reason);
}

struct listing *deed_listing_new(const struct ctl *ctl)
{
	static const struct listing_column columns[] = {
		{.title = "job"},
		{.title = "type", .elastic = true},
		{.title = "row"},
		{.title = "would be", .elastic = true},
	};

	return listing_new(ctl, columns, sizeof columns / sizeof columns[0]);
}

void deed_list(
	struct listing *listing, const struct dead *dead, const char *action, const char *reason)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char state[ROW_STATE_MAX];

	strbuf_printf(&text, "%s%s%s", action, reason ? ": " : "", reason ? reason : "");
	const char *const cells[] = {
		dead_id(dead), dead->letter->type, dead_state(dead, state), strbuf_str(&text)};
	listing_add(listing, cells, deed_json(dead, action, reason));
}

void deed_tell(const struct ctl *ctl, const struct dead *dead, const char *action)
{
	if (ctl->json)
		listing_put_json(deed_json(dead, action, NULL));
}

void deed_complain(
	const struct ctl *ctl, const struct dead *dead, const char *action, const char *reason)
{
	progress_end();
	ctl_fail(0, "%s: %s: %s", dead_id(dead), action, reason);
	if (ctl->json)
		listing_put_json(deed_json(dead, action, reason));
}
