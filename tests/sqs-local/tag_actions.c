/* The actions on a queue's tags. */

#include "actions.h"
#include "input.h"
#include "tags.h"

bool action_tag_queue(struct call *call)
{
	const json_t *tags = NULL;

	if (!input_member(call->input, "Tags", JSON_OBJECT, &tags, &call->failure))
		return false;
	if (json_object_size(tags) == 0)
		return input_missing("Tags", &call->failure);
	return tags_add(call->queue->tags, tags, call->queue->name, &call->failure);
}

bool action_untag_queue(struct call *call)
{
	const json_t *names = NULL, *name;
	size_t i;

	if (!input_member(call->input, "TagKeys", JSON_ARRAY, &names, &call->failure))
		return false;
	if (json_array_size(names) == 0)
		return input_missing("TagKeys", &call->failure);
	json_array_foreach (names, i, name) {
		if (!json_is_string(name))
			return failure_set(
				&call->failure, FAILURE_SERIALIZATION, "TagKeys must be strings");
		if (!tags_check_name(json_string_value(name), &call->failure))
			return false;
	}
	json_array_foreach (names, i, name)
		json_object_del(call->queue->tags, json_string_value(name));
	return true;
}

bool action_list_tags(struct call *call)
{
	call->output = json_object();
	if (json_object_size(call->queue->tags) > 0)
		json_object_set(call->output, "Tags", call->queue->tags);
	return true;
}
