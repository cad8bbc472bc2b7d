#include <string.h>

#include "ctl/choice.h"
#include "ctl/dlq.h"
#include "ctl/listing.h"
#include "ctl/when.h"

static void show_sent(const struct dead *dead)
{
	char sent[WHEN_MAX], age[WHEN_MAX];

	printf("%-9s %s, %s ago\n", "sent", when_utc(dead->letter->sent_at, sent),
		when_age(dead_age(dead), age));
}

static void show_row(const struct dead *dead)
{
	char state[ROW_STATE_MAX], age[WHEN_MAX];

	printf("%-9s %s", "row", dead_state(dead, state));
	if (dead->has_row)
		printf(", updated %s ago", when_age(dead->row.age, age));
	putchar('\n');
}

static void show_attributes(const struct letter *letter)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < letter->n_attributes; i++) {
		const struct sqs_message_attribute *a = &letter->attributes[i];
		const char *value = a->string_value ? a->string_value : a->binary_value;
		strbuf_printf(&text, "%s (%s): %s\n", a->name, a->data_type, value ? value : "");
	}
	listing_put_section("attributes", text.data);
}

static void show(const struct dead *dead)
{
	char receives[16];

	snprintf(receives, sizeof receives, "%u", dead->letter->receives);
	listing_put_field("message", dead->letter->message_id);
	listing_put_field("job", dead->letter->job_id);
	listing_put_field("type", dead->letter->type);
	show_sent(dead);
	listing_put_field("receives", receives);
	show_row(dead);
	listing_put_section("error", dead_error(dead));
	show_attributes(dead->letter);
	listing_put_json_section("body", dead->letter->body);
}

/* A job may have several. */
static void show_all(const struct dlq *dlq)
{
	for (size_t i = 0; i < dlq->dead->n_letters; i++) {
		const struct dead *dead = &dlq->dead->letters[i];
		if (dlq->desk.ctl->json)
			listing_put_json(dead_json(dead));
		else {
			fputs(i > 0 ? "\n" : "", stdout);
			show(dead);
		}
	}
}

static int show_parse(struct choice *choice, int argc, char **argv)
{
	static const struct option options[] = {CHOICE_OPTIONS, {0}};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		int status = choice_option(choice, c, optarg);
		if (status != EXIT_SUCCESS)
			return status;
	}
	return choice_take_id(choice, "show", argc, argv);
}

int dlq_show(const struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(choice_done) struct choice choice = CHOICE_INIT;
	_cleanup_(dlq_close) struct dlq dlq = {0};
	int rows = EXIT_SUCCESS;

	int status = show_parse(&choice, argc, argv);
	if (status == EXIT_SUCCESS)
		status = dlq_open(&dlq, ctl);
	if (status == EXIT_SUCCESS)
		status = dlq_look(&dlq, &choice, &rows);
	if (status == EXIT_SUCCESS)
		status = dlq_missing(&dlq, &choice);
	if (status != EXIT_SUCCESS)
		return status;
	show_all(&dlq);
	return rows;
}
