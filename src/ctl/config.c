#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf/keys.h"
#include "ctl/config_compare.h"
#include "ctl/ctl.h"
#include "ctl/listing.h"
#include "ctl/when.h"
#include "ctl/wrap.h"

const char ctl_config_help[] =
	"Usage: nexusctl config [SETTING]\n"
	"\n"
	"Shows every setting, its value (secrets masked) and where it came from, whether\n"
	"a change needs a reload or a restart; and where the daemon that runs on this\n"
	"machine still has another value. With SETTING all there is to say of that one.\n"
	"\n"
	"The runbook's way to change one: edit the file, or a job type's\n"
	"environment_file; look at nexusctl config; then systemctl reload nexus-worker.\n"
	"\n"
	"A value that came from the environment of this shell, or of the daemon, is told\n"
	"as such: a reload changes neither. What the daemon has is seen by root only.\n"
	"\n"
	"With --json each line has setting, value, origin (null: the default), applies\n"
	"(reload or restart), running (the daemon's value; null: not known, or it has\n"
	"none) and pending (whether a reload or restart would change it; null: not\n"
	"known). Settings that only the daemon still has are there with value null.\n"
	"\n"
	"Examples: nexusctl config\n"
	"          nexusctl config queue.visibility_timeout\n"
	"          nexusctl config 'job send-email.timeout'\n"
	"          nexusctl --json config | jq 'select(.pending)'\n"
	"\n"
	"Exit status: 0 shown, 64 no such setting, 78 there are mistakes in the\n"
	"configuration, which are shown.\n";

#define NOTE_INDENT 2
#define TITLE_WIDTH 9

struct view {
	const struct ctl *ctl;
	const struct settings *settings;
	struct running running;
	const struct key *key; /* the one that is shown; NULL: all */
	const char *section;
	struct listing *listing;
	size_t n_notes;
};

/* One setting, in words. */
struct shown {
	struct strbuf name;
	struct strbuf value; /* masked */
	struct comparison compared;
};

static void shown_done(struct shown *shown)
{
	strbuf_done(&shown->name);
	strbuf_done(&shown->value);
}

static void view_look(const struct view *view, const struct settings_item *item, struct shown *ret)
{
	*ret = (struct shown){.name = STRBUF_INIT, .value = STRBUF_INIT};
	settings_item_name(item, &ret->name);
	keys_write_masked(item->key, item->base, &ret->value);
	compare(&view->running, item, strbuf_str(&ret->name), strbuf_str(&ret->value),
		&ret->compared);
}

static const char *applies(const struct settings_item *item)
{
	return item->key->flags & KEY_RESTART ? "restart" : "reload";
}

static json_t *shown_json(const struct settings_item *item, const struct shown *shown)
{
	const struct comparison *c = &shown->compared;

	return json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:o}", "setting", strbuf_str(&shown->name),
		"value", strbuf_str(&shown->value), "origin", item->origin, "applies",
		applies(item), "running", c->running, "pending",
		c->known ? json_boolean(c->pending) : json_null());
}

/* ---- All of them ---- */

static void view_add(void *userdata, const struct settings_item *item)
{
	struct view *view = userdata;
	_cleanup_(shown_done) struct shown shown;

	view_look(view, item, &shown);
	const char *cells[] = {strbuf_str(&shown.name), strbuf_str(&shown.value),
		item->origin ? item->origin : "default", applies(item)};
	listing_add(view->listing, cells, shown_json(item, &shown));
}

static void view_note(struct view *view, const char *name, const char *text)
{
	if (view->n_notes++ == 0)
		putchar('\n');
	wrap_print(stdout, NOTE_INDENT, "! %s%s", name, text);
}

static void view_note_item(void *userdata, const struct settings_item *item)
{
	struct view *view = userdata;
	_cleanup_(shown_done) struct shown shown;

	view_look(view, item, &shown);
	if (shown.compared.note[0])
		view_note(view, strbuf_str(&shown.name), shown.compared.note);
}

static void forget(void *userdata, const struct settings_item *item)
{
	_cleanup_strbuf_ struct strbuf name = STRBUF_INIT;

	settings_item_name(item, &name);
	json_object_del(userdata, strbuf_str(&name));
}

/* What only the daemon still has: of sections that are gone, or of another kind now. */
static void view_show_gone(struct view *view)
{
	json_auto_t *gone = json_copy(view->running.seen.settings);
	const char *name;
	json_t *theirs;

	settings_walk(view->settings, forget, gone);
	json_object_foreach (gone, name, theirs) {
		const char *value = json_string_value(json_object_get(theirs, "value"));
		if (view->ctl->json)
			listing_put_json(json_pack("{s:s, s:n, s:n, s:s, s:s?, s:b}", "setting",
				name, "value", "origin", "applies", "reload", "running", value,
				"pending", 1));
		else if (strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".kind") == 0)
			view_note(view, name, ": its section is gone; a reload takes it away");
	}
}

/* ---- What is known of the daemon ---- */

static void view_sum_up(const struct view *view)
{
	char since[WHEN_MAX];

	putchar('\n');
	if (view->running.seen.settings)
		wrap_print(stdout, 0, "The daemon read its settings at %s%s",
			when_utc(view->running.seen.written_at, since),
			view->n_notes ? "." : ", and has all of this.");
	else if (view->running.error == -ENOENT)
		wrap_print(stdout, 0,
			"No daemon runs here that has written down what it has: what a reload "
			"would change is not known.");
	else
		wrap_print(stdout, 0,
			"What the daemon has cannot be read (%s): what a reload would change is "
			"not known.",
			strerror(-view->running.error));
}

static int view_all(struct view *view)
{
	static const struct listing_column columns[] = {
		{"SETTING", false, false},
		{"VALUE", false, true},
		{"FROM", false, true},
		{"NEEDS", false, false},
	};

	_cleanup_(listing_freep) struct listing *listing = listing_new(view->ctl, columns, 4);
	if (!listing)
		return EXIT_FAILURE;
	view->listing = listing;
	settings_walk(view->settings, view_add, view);
	int status = listing_end(listing, "");
	if (!view->ctl->json)
		settings_walk(view->settings, view_note_item, view);
	if (view->running.seen.settings)
		view_show_gone(view);
	if (!view->ctl->json)
		view_sum_up(view);
	return status;
}

/* ---- One of them ---- */

static void put(const char *title, const char *text, const char *more)
{
	wrap_print(stdout, TITLE_WIDTH, "%-*s%s%s", TITLE_WIDTH, title, text, more);
}

static void view_one(void *userdata, const struct settings_item *item)
{
	struct view *view = userdata;
	_cleanup_(shown_done) struct shown shown = {0};
	const struct key *key = item->key;

	if (key != view->key || strcmp(item->section, view->section) != 0)
		return;
	view->n_notes++;
	view_look(view, item, &shown);
	if (view->ctl->json) {
		listing_put_json(shown_json(item, &shown));
		return;
	}
	put("setting", strbuf_str(&shown.name), "");
	put("value", strbuf_str(&shown.value), "");
	put("from", item->origin ? item->origin : "the default", "");
	put("default",
		key->fallback_words ? key->fallback_words
				    : (key->fallback ? key->fallback : "none"),
		"");
	put("needs", "a ", applies(item));
	put("meaning", key->words, "");
	if (shown.compared.note[0])
		wrap_print(stdout, NOTE_INDENT, "! %s%s", strbuf_str(&shown.name),
			shown.compared.note);
}

/* "queue.url", "job send-email.timeout" */
static int view_find(struct view *view, char *name)
{
	char *dot = strrchr(name, '.');

	if (dot) {
		*dot = '\0';
		bool of_job = strncmp(name, KEY_JOB " ", strlen(KEY_JOB " ")) == 0;
		view->section = name;
		view->key = keys_find(of_job ? KEY_JOB : name, dot + 1);
	}
	if (view->key)
		settings_walk(view->settings, view_one, view);
	if (view->n_notes > 0)
		return EXIT_SUCCESS;
	if (dot)
		*dot = '.';
	return ctl_usage("config", "%s: no such setting; nexusctl config lists them", name);
}

/* ---- The command ---- */

int ctl_config(const struct ctl *ctl, int argc, char **argv)
{
	static const struct option options[] = {{0}};
	_cleanup_strbuf_ struct strbuf problems = STRBUF_INIT, warnings = STRBUF_INIT;
	_cleanup_(settings_freep) struct settings *settings = NULL;
	struct view view = {.ctl = ctl};

	optind = 0;
	if (getopt_long(argc, argv, "", options, NULL) >= 0)
		return ctl_usage("config", NULL);
	if (argc - optind > 1)
		return ctl_usage("config", "%s: one setting at a time", argv[optind + 1]);
	int r = ctl_load(ctl, &problems, &warnings, &settings);
	fputs(strbuf_str(&warnings), stderr);
	fputs(strbuf_str(&problems), stderr);
	if (!settings)
		return ctl_fail(EXIT_FAILURE, "%s", strerror(-r));
	view.settings = settings;
	running_read(ctl->config, &view.running);
	int status = argv[optind] ? view_find(&view, argv[optind]) : view_all(&view);
	running_done(&view.running);
	return status == EXIT_SUCCESS && r < 0 ? EX_CONFIG : status;
}
