/*
 * The actions that write a queue's policy, a statement at a time. The policy is kept and shown, but
 * this is one account, and its keys say what each may do: it lets nobody in.
 */

#include <string.h>

#include "actions.h"
#include "input.h"
#include "must.h"

#define PERMISSION_LABEL_MAX      80
#define PERMISSION_ACTIONS_MAX    7
#define PERMISSION_STATEMENTS_MAX 20

static bool permission_bad(
	const char *value, const char *parameter, const char *reason, struct failure *failure)
{
	return failure_set(failure, FAILURE_INVALID_PARAMETER,
		"Value %.100s for parameter %s is invalid. Reason: %s", value, parameter, reason);
}

static bool permission_read_label(struct call *call, const char **ret)
{
	if (!input_required(call->input, "Label", ret, &call->failure))
		return false;
	return input_is_name(*ret, PERMISSION_LABEL_MAX) ||
	       permission_bad(*ret, "Label",
		       "Can only include alphanumeric characters, hyphens, or underscores. 1 to "
		       "80 in length",
		       &call->failure);
}

/* The accounts as the principals of a statement; owned. NULL: refused. */
static json_t *permission_read_accounts(struct call *call)
{
	const json_t *ids = NULL, *id;
	json_t *principals;
	size_t i;

	if (!input_member(call->input, "AWSAccountIds", JSON_ARRAY, &ids, &call->failure))
		return NULL;
	if (json_array_size(ids) == 0) {
		input_missing("AWSAccountIds", &call->failure);
		return NULL;
	}
	principals = json_array();
	json_array_foreach (ids, i, id) {
		const char *text = json_is_string(id) ? json_string_value(id) : "";
		if (strlen(text) != 12 || strspn(text, "0123456789") != 12) {
			permission_bad(text, "PrincipalId", "Unable to verify.", &call->failure);
			json_decref(principals);
			return NULL;
		}
		json_array_append_new(principals, json_sprintf("arn:aws:iam::%s:root", text));
	}
	return principals;
}

/* The actions as a statement has them; owned. NULL: refused. */
static json_t *permission_read_actions(struct call *call)
{
	const json_t *names = NULL, *name;
	json_t *actions;
	size_t i;

	if (!input_member(call->input, "Actions", JSON_ARRAY, &names, &call->failure))
		return NULL;
	if (json_array_size(names) == 0) {
		input_missing("Actions", &call->failure);
		return NULL;
	}
	if (json_array_size(names) > PERMISSION_ACTIONS_MAX) {
		failure_set(&call->failure, FAILURE_OVER_LIMIT,
			"%zu Actions were found, maximum allowed is %d.", json_array_size(names),
			PERMISSION_ACTIONS_MAX);
		return NULL;
	}
	actions = json_array();
	json_array_foreach (names, i, name) {
		const char *text = json_is_string(name) ? json_string_value(name) : "";
		if (strcmp(text, "*") != 0 && !action_find(text)) {
			permission_bad(text, "ActionName",
				"It is neither * nor the name of an action.", &call->failure);
			json_decref(actions);
			return NULL;
		}
		json_array_append_new(actions, json_sprintf("SQS:%s", text));
	}
	return actions;
}

/* The queue's policy, or a new one; owned. */
static json_t *permission_policy(const struct local_queue *queue)
{
	const char *text = json_string_value(json_object_get(queue->settings.texts, "Policy"));
	json_t *policy = text ? json_loads(text, 0, NULL) : NULL;

	return policy ? policy
		      : json_pack("{s:s, s:s+, s:[]}", "Version", "2012-10-17", "Id", queue->arn,
				"/SQSDefaultPolicy", "Statement");
}

/* Takes the policy. One without statements is none. */
static void permission_keep(struct local_queue *queue, json_t *policy)
{
	if (json_array_size(json_object_get(policy, "Statement")) > 0) {
		_cleanup_free_ char *text = json_dumps(policy, JSON_COMPACT);
		json_object_set_new(queue->settings.texts, "Policy", json_string(text));
	} else {
		json_object_del(queue->settings.texts, "Policy");
	}
	json_decref(policy);
}

/* Where in the policy the statement of that label is; their number: nowhere. */
static size_t permission_find(const json_t *policy, const char *label)
{
	const json_t *statements = json_object_get(policy, "Statement");
	size_t i = 0;

	while (i < json_array_size(statements)) {
		const json_t *one = json_array_get(statements, i);
		const char *sid = json_string_value(json_object_get(one, "Sid"));
		if (sid && strcmp(sid, label) == 0)
			break;
		i++;
	}
	return i;
}

/* Takes the policy and the statement. */
static bool permission_add(struct call *call, json_t *policy, const char *label, json_t *statement)
{
	json_t *statements = json_object_get(policy, "Statement");
	size_t n = json_array_size(statements);
	bool ok = true;

	if (permission_find(policy, label) < n)
		ok = permission_bad(label, "Label", "Already exists.", &call->failure);
	else if (n >= PERMISSION_STATEMENTS_MAX)
		ok = failure_set(&call->failure, FAILURE_OVER_LIMIT,
			"A policy can have at most %d statements.", PERMISSION_STATEMENTS_MAX);
	if (!ok) {
		json_decref(statement);
		json_decref(policy);
		return false;
	}
	json_array_append_new(statements, statement);
	permission_keep(call->queue, policy);
	return true;
}

bool action_add_permission(struct call *call)
{
	const char *label = NULL;
	json_t *principals, *actions;

	if (!permission_read_label(call, &label))
		return false;
	principals = permission_read_accounts(call);
	if (!principals)
		return false;
	actions = permission_read_actions(call);
	if (!actions) {
		json_decref(principals);
		return false;
	}
	return permission_add(call, permission_policy(call->queue), label,
		json_pack("{s:s, s:s, s:{s:o}, s:o, s:s}", "Sid", label, "Effect", "Allow",
			"Principal", "AWS", principals, "Action", actions, "Resource",
			call->queue->arn));
}

bool action_remove_permission(struct call *call)
{
	const char *label = NULL;

	if (!permission_read_label(call, &label))
		return false;

	json_t *policy = permission_policy(call->queue);
	size_t at = permission_find(policy, label);
	if (json_array_remove(json_object_get(policy, "Statement"), at) < 0) {
		json_decref(policy);
		return permission_bad(label, "Label", "can't find label.", &call->failure);
	}
	permission_keep(call->queue, policy);
	return true;
}
