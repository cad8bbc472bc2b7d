#include "ctl/dead.h"

const char *dead_id(const struct dead *dead)
{
	return dead->letter->job_id ? dead->letter->job_id : dead->letter->message_id;
}

const char *dead_error(const struct dead *dead)
{
	if (dead->has_row && dead->row.error)
		return dead->row.error;
	const char *reason = letter_attribute(dead->letter, "NexusReason");
	return reason ? reason : dead->letter->reason;
}

const char *dead_state(const struct dead *dead, char buffer[static ROW_STATE_MAX])
{
	if (!dead->has_row)
		return dead->asked ? "no row" : "-";
	return row_state(&dead->row, buffer);
}

usec_t dead_age(const struct dead *dead)
{
	return usec_sub(clock_realtime(), dead->letter->sent_at);
}

/* {name: {"DataType": …, "StringValue": …}}: what `aws sqs send-message` takes. */
static json_t *dead_attributes(const struct letter *letter)
{
	json_t *all = json_object();

	for (size_t i = 0; i < letter->n_attributes; i++) {
		const struct sqs_message_attribute *a = &letter->attributes[i];
		json_t *one = json_pack("{s:s, s:s*, s:s*}", "DataType", a->data_type,
			"StringValue", a->string_value, "BinaryValue", a->binary_value);
		json_object_set_new(all, a->name, one);
	}
	return all;
}

json_t *dead_json(const struct dead *dead)
{
	json_t *json = letter_json(dead->letter);

	json_object_update_new(json, json_pack("{s:s?, s:o, s:o}", "error", dead_error(dead),
					     "attributes", dead_attributes(dead->letter), "row",
					     dead->has_row ? row_json(&dead->row) : json_null()));
	return json;
}
