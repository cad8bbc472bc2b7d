#include "batch.h"

#include <string.h>

#include "input.h"

#define BATCH_ID_MAX 80

bool batch_single(struct call *call, entry_fn *fn)
{
	json_t *result = json_object();

	if (!fn(call, call->input, result, &call->failure)) {
		json_decref(result);
		return false;
	}
	if (json_object_size(result) > 0)
		call->output = result;
	else
		json_decref(result);
	return true;
}

static bool batch_check_ids(const json_t *entries, struct failure *failure)
{
	const char *ids[BATCH_MAX];
	const json_t *entry;
	size_t i;

	json_array_foreach (entries, i, entry) {
		ids[i] = "";
		if (!json_is_object(entry))
			return failure_set(
				failure, FAILURE_SERIALIZATION, "an entry must be a structure");
		if (!input_string(entry, "Id", &ids[i], failure))
			return false;
		if (!input_is_name(ids[i], BATCH_ID_MAX))
			return failure_set(failure, FAILURE_ENTRY_ID_INVALID,
				"A batch entry id can only contain alphanumeric characters, "
				"hyphens and underscores. It can be at most 80 letters long.");
		for (size_t j = 0; j < i; j++) {
			if (strcmp(ids[i], ids[j]) == 0)
				return failure_set(failure, FAILURE_ENTRY_ID_REPEATED,
					"Id %s repeated.", ids[i]);
		}
	}
	return true;
}

bool batch_check(struct call *call, const char *name, const json_t **ret_entries)
{
	const json_t *entries = NULL;

	if (!input_member(call->input, "Entries", JSON_ARRAY, &entries, &call->failure))
		return false;

	size_t n = json_array_size(entries);
	if (n == 0)
		return failure_set(&call->failure, FAILURE_EMPTY_BATCH,
			"There should be at least one %s in the request.", name);
	if (n > BATCH_MAX)
		return failure_set(&call->failure, FAILURE_TOO_MANY_ENTRIES,
			"Maximum number of entries per request are %d. You have sent %zu.",
			BATCH_MAX, n);
	if (!batch_check_ids(entries, &call->failure))
		return false;
	*ret_entries = entries;
	return true;
}

static void batch_add(json_t *output, const char *member, json_t *result)
{
	json_t *list = json_object_get(output, member);

	if (!list) {
		list = json_array();
		json_object_set_new(output, member, list);
	}
	json_array_append_new(list, result);
}

/* Takes the result, which has the entry's id. */
static void batch_add_failed(json_t *output, json_t *result, const struct refusal *refusal)
{
	json_object_set_new(result, "SenderFault", json_boolean(refusal->sender_fault));
	json_object_set_new(result, "Code", json_string(refusal->code));
	json_object_set_new(result, "Message", json_string(refusal->message));
	batch_add(output, "Failed", result);
}

bool batch_run(struct call *call, const json_t *entries, entry_fn *fn)
{
	const json_t *entry;
	size_t i;

	call->output = json_object();
	json_array_foreach (entries, i, entry) {
		struct failure failure = {FAILURE_NONE, ""};
		json_t *result = json_pack("{s:O}", "Id", json_object_get(entry, "Id"));

		if (i < call->refusal.n_entries) {
			batch_add_failed(call->output, result, &call->refusal);
			continue;
		}
		if (fn(call, entry, result, &failure)) {
			batch_add(call->output, "Successful", result);
			continue;
		}
		const struct failure_kind *kind = failure_kind(failure.code);
		batch_add_failed(call->output, result,
			&(struct refusal){
				.code = kind->query_code,
				.message = failure.text,
				.sender_fault = !kind->ours,
			});
	}
	return true;
}
