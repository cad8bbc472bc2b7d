/*
 * The actions of STS: what a request asks for, checked and done. The texts of the refusals are
 * AWS's where they are known.
 */
#pragma once

#include "base/strbuf.h"
#include "failure.h"
#include "keys.h"

struct service;

/* One request, read and, if its action wants that, authenticated. */
struct sts_call {
	struct service *service;  /* borrows */
	const json_t *form;       /* borrows: an object of strings */
	const struct key *caller; /* borrows; NULL: unsigned */
	struct strbuf result;     /* owned: the XML inside the ...Result */
	struct failure failure;
};

typedef bool sts_fn(struct sts_call *call);

struct sts_action {
	const char *name;
	sts_fn *run; /* adds to result or, returning false, sets failure */
	bool is_signed;
};

/* A constant; NULL: STS, as far as it is here, knows no such action. */
const struct sts_action *sts_action_find(const char *name);

/* sts.c: <name>text</name>, escaped. */
void sts_element(struct strbuf *out, const char *name, const char *text);
