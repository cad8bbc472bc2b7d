#include "ctl/schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TABLE "background_jobs"
#define TYPE  "job_status"

static const char make_enum[] =
	"CREATE TYPE " TYPE " AS ENUM ('pending', 'processing', 'completed', 'failed')";
static const char make_table[] = "CREATE TABLE " TABLE " ("
				 " id text PRIMARY KEY,"
				 " type text NOT NULL,"
				 " payload jsonb NOT NULL,"
				 " status " TYPE " NOT NULL DEFAULT 'pending',"
				 " attempts integer NOT NULL DEFAULT 0,"
				 " error text,"
				 " started_at timestamp,"
				 " completed_at timestamp,"
				 " created_at timestamp NOT NULL DEFAULT now(),"
				 " updated_at timestamp NOT NULL DEFAULT now())";
static const char make_index[] = "CREATE INDEX ON " TABLE " (status, created_at)";

static const char *const labels[] = {"pending", "processing", "completed", "failed"};
#define N_LABELS (sizeof labels / sizeof labels[0])

#define TIMESTAMP "timestamp without time zone"

/* A fence is kept in a timestamp to the microsecond: fewer digits would never find it again. */
static const struct {
	const char *name;
	const char *type;
	const char *other; /* as good; or NULL */
} columns[] = {
	{"id", "text", "character varying"},
	{"type", "text", "character varying"},
	{"payload", "jsonb", NULL},
	{"status", TYPE, NULL},
	{"attempts", "integer", NULL},
	{"error", "text", "character varying"},
	{"started_at", TIMESTAMP, TIMESTAMP "(6)"},
	{"completed_at", TIMESTAMP, TIMESTAMP "(6)"},
	{"created_at", TIMESTAMP, TIMESTAMP "(6)"},
	{"updated_at", TIMESTAMP, TIMESTAMP "(6)"},
};
#define N_COLUMNS (sizeof columns / sizeof columns[0])
static_assert(N_COLUMNS + 4 <= SCHEMA_FACTS_MAX, "every column may differ");

static struct schema_fact *schema_add(
	struct schema *schema, const char *kind, const char *name, enum schema_state state)
{
	struct schema_fact *fact = &schema->facts[schema->n_facts++];

	*fact = (struct schema_fact){.kind = kind, .name = name, .state = state};
	return fact;
}

/* ---- Looking ---- */

static bool is_true(const PGresult *result, int column)
{
	return strcmp(PQgetvalue(result, 0, column), "t") == 0;
}

/* Labels are asked for with a blank on each side. */
static int schema_look_at_enum(struct database *database, struct schema *schema)
{
	_cleanup_result_ PGresult *result = database_try(database,
		"SELECT to_regtype('" TYPE "') IS NOT NULL,"
		" (SELECT ' ' || string_agg(enumlabel, ' ') || ' ' FROM pg_enum"
		" WHERE enumtypid = to_regtype('" TYPE "'))",
		NULL, 0);
	struct schema_fact *fact;
	char label[16];

	if (!result)
		return -1;
	fact = schema_add(schema, "enum", TYPE, is_true(result, 0) ? SCHEMA_THERE : SCHEMA_MISSING);
	if (fact->state == SCHEMA_MISSING)
		fact->make = make_enum;
	for (size_t i = 0; i < N_LABELS && fact->state == SCHEMA_THERE; i++) {
		snprintf(label, sizeof label, " %s ", labels[i]);
		if (strstr(PQgetvalue(result, 0, 1), label))
			continue;
		fact->state = SCHEMA_DIFFERS;
		snprintf(fact->text, sizeof fact->text, "has no value '%s'", labels[i]);
		snprintf(fact->fix, sizeof fact->fix, "ALTER TYPE " TYPE " ADD VALUE '%s'",
			labels[i]);
	}
	return 0;
}

static int schema_look_at_table(struct database *database, struct schema *schema, bool *ret_there)
{
	_cleanup_result_ PGresult *result = database_try(database,
		"SELECT relkind IN ('r', 'p') FROM pg_class WHERE oid = to_regclass('" TABLE "')",
		NULL, 0);
	struct schema_fact *fact;

	if (!result)
		return -1;
	*ret_there = PQntuples(result) > 0;
	fact = schema_add(schema, "table", TABLE, *ret_there ? SCHEMA_THERE : SCHEMA_MISSING);
	if (!*ret_there) {
		fact->make = make_table;
	} else if (!is_true(result, 0)) {
		fact->state = SCHEMA_DIFFERS;
		snprintf(fact->text, sizeof fact->text, "is no table: rows are locked and updated");
	}
	return 0;
}

/* An index that is missing on a table that is there is made by who knows how large that is. */
static int schema_look_at_indexes(struct database *database, struct schema *schema)
{
	_cleanup_result_ PGresult *result = database_try(database,
		"SELECT bool_or(indisunique AND indnkeyatts = 1 AND first = 'id'),"
		" bool_or(first = 'status' AND second = 'created_at')"
		" FROM (SELECT *, pg_get_indexdef(indexrelid, 1, true) AS first,"
		" pg_get_indexdef(indexrelid, 2, true) AS second FROM pg_index"
		" WHERE indrelid = to_regclass('" TABLE "') AND indisvalid AND indpred IS NULL)"
		" AS indexes",
		NULL, 0);

	if (!result)
		return -1;
	struct schema_fact *key = schema_add(schema, "primary key", "id", SCHEMA_THERE);
	struct schema_fact *index =
		schema_add(schema, "index", "(status, created_at)", SCHEMA_THERE);
	if (!is_true(result, 0)) {
		key->state = SCHEMA_DIFFERS;
		snprintf(key->text, sizeof key->text, "is not there: rows are found by it");
		snprintf(key->fix, sizeof key->fix, "ALTER TABLE " TABLE " ADD PRIMARY KEY (id)");
	}
	if (!is_true(result, 1)) {
		index->state = SCHEMA_DIFFERS;
		snprintf(index->text, sizeof index->text, "is not there");
		snprintf(index->fix, sizeof index->fix,
			"CREATE INDEX CONCURRENTLY ON " TABLE " (status, created_at)");
	}
	return 0;
}

static void schema_fix_column(struct schema_fact *fact, const char *wanted, const char *type)
{
	bool zoned = type && strcmp(type, "timestamp with time zone") == 0;

	if (!type)
		snprintf(fact->fix, sizeof fact->fix, "ALTER TABLE " TABLE " ADD COLUMN %s %s",
			fact->name, wanted);
	else
		snprintf(fact->fix, sizeof fact->fix,
			"ALTER TABLE " TABLE " ALTER COLUMN %s TYPE %s%s%s%s", fact->name, wanted,
			zoned ? " USING " : "", zoned ? fact->name : "",
			zoned ? " AT TIME ZONE 'UTC'" : "");
}

static void schema_judge_column(struct schema *schema, size_t i, const char *type)
{
	const char *wanted = columns[i].type, *other = columns[i].other;
	struct schema_fact *fact;

	if (type && (strcmp(type, wanted) == 0 || (other && strcmp(type, other) == 0)))
		return;
	fact = schema_add(schema, "column", columns[i].name, SCHEMA_DIFFERS);
	if (type)
		snprintf(fact->text, sizeof fact->text, "is of type %.64s, not %s", type, wanted);
	else
		snprintf(fact->text, sizeof fact->text, "is not there");
	schema_fix_column(fact, wanted, type);
}

static int schema_look_at_columns(struct database *database, struct schema *schema)
{
	_cleanup_result_ PGresult *result = database_try(database,
		"SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
		" WHERE attrelid = to_regclass('" TABLE "') AND attnum > 0 AND NOT attisdropped",
		NULL, 0);

	if (!result)
		return -1;
	for (size_t i = 0; i < N_COLUMNS; i++) {
		const char *type = NULL;
		for (int row = 0; row < PQntuples(result); row++)
			if (strcmp(PQgetvalue(result, row, 0), columns[i].name) == 0)
				type = PQgetvalue(result, row, 1);
		schema_judge_column(schema, i, type);
	}
	return 0;
}

int schema_look(struct database *database, struct schema *ret)
{
	bool there = false;

	*ret = (struct schema){0};
	int r = schema_look_at_enum(database, ret);
	if (r == 0)
		r = schema_look_at_table(database, ret, &there);
	if (r == 0 && !there)
		schema_add(ret, "index", "(status, created_at)", SCHEMA_MISSING)->make = make_index;
	if (r == 0 && there)
		r = schema_look_at_indexes(database, ret);
	if (r == 0 && there)
		r = schema_look_at_columns(database, ret);
	return r;
}

/* ---- Making and dropping ---- */

static int schema_execute(struct database *database, const char *statement)
{
	_cleanup_result_ PGresult *result = database_try(database, statement, NULL, 0);

	return result ? 0 : -1;
}

/* One transaction, which a failure leaves to end with the connection. */
static int schema_execute_all(
	struct database *database, const char *const *statements, size_t n_statements)
{
	int r = schema_execute(database, "BEGIN");

	for (size_t i = 0; i < n_statements && r == 0; i++)
		r = schema_execute(database, statements[i]);
	return r == 0 ? schema_execute(database, "COMMIT") : r;
}

int schema_make(struct database *database, const struct schema *schema)
{
	const char *statements[SCHEMA_FACTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < schema->n_facts; i++)
		if (schema->facts[i].make)
			statements[n++] = schema->facts[i].make;
	return schema_execute_all(database, statements, n);
}

int schema_drop(struct database *database)
{
	static const char *const statements[] = {"DROP TABLE " TABLE, "DROP TYPE " TYPE};

	return schema_execute_all(database, statements, 2);
}
