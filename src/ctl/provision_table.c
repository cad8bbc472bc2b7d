#include <string.h>

#include "ctl/database.h"
#include "ctl/provision.h"
#include "ctl/schema.h"

static void tell(struct provision *p, const struct schema_fact *fact)
{
	static const char *const results[] = {
		[SCHEMA_THERE] = "there",
		[SCHEMA_MISSING] = "made",
		[SCHEMA_DIFFERS] = "differs",
	};
	const struct news news = {
		.result = fact->make && p->dry_run ? "would make" : results[fact->state],
		.kind = fact->kind,
		.name = fact->name,
		.detail = fact->text[0] ? fact->text : NULL,
		.fix = fact->fix[0] ? fact->fix : NULL,
	};

	p->differs |= fact->state == SCHEMA_DIFFERS;
	news_tell(p->ctl, &news);
}

static int failed(const struct database *database)
{
	const char *sqlstate = database_sqlstate(database);

	if (strcmp(sqlstate, "42501") == 0)
		return ctl_fail(EXIT_FAILURE,
			"the job table cannot be made: the role %s may not create in this schema; "
			"grant it CREATE there, or let the web application make its table",
			PQuser(database_connection(database)));
	/* Of an enum (its name is a table's and a type's too), or of the table. */
	if (strcmp(sqlstate, "42710") == 0 || strcmp(sqlstate, "42P07") == 0 ||
		strcmp(sqlstate, "23505") == 0)
		return ctl_fail(EXIT_FAILURE,
			"the job table was made by somebody else at this moment: try again, to be "
			"told what differs");
	return ctl_fail(EXIT_FAILURE, "%s", database_error(database));
}

int provision_table(struct provision *p, const struct settings *settings)
{
	_cleanup_(database_closep) struct database *database = NULL;
	struct schema schema;
	bool makes = false;

	int status = database_open(settings, &database);
	if (status != EXIT_SUCCESS)
		return status;
	if (schema_look(database, &schema) < 0)
		return failed(database);
	for (size_t i = 0; i < schema.n_facts; i++)
		makes |= schema.facts[i].make != NULL;
	if (makes && !p->dry_run && schema_make(database, &schema) < 0)
		return failed(database);
	for (size_t i = 0; i < schema.n_facts; i++)
		tell(p, &schema.facts[i]);
	return EXIT_SUCCESS;
}
