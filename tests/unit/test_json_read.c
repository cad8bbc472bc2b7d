#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../support/test_suite.h"
#include "base/cleanup.h"
#include "base/json_read.h"

/* One of each kind. */
struct things {
	const char *text;
	const char *bytes;
	size_t bytes_len;
	uint64_t number;
	bool flag;
	unsigned n_elements;
	unsigned n_members;
	const char *names[2];
	size_t n_names;
};

static int read_element(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct things *t = userdata;

	ck_assert_ptr_null(name);
	t->n_elements++;
	return json_read_skip(r);
}

static int read_named(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct things *t = userdata;
	const char **next = &t->names[t->n_names++];
	int e = json_read_name(r, name, next);

	return e < 0 ? e : json_read_text(r, &t->text, NULL);
}

static int read_member(struct json_read *r, const struct json_string *name, void *userdata)
{
	struct things *t = userdata;

	t->n_members++;
	if (json_string_is(name, "text"))
		return json_read_text(r, &t->text, NULL);
	if (json_string_is(name, "bytes"))
		return json_read_text(r, &t->bytes, &t->bytes_len);
	if (json_string_is(name, "number"))
		return json_read_number(r, &t->number);
	if (json_string_is(name, "flag"))
		return json_read_bool(r, &t->flag);
	if (json_string_is(name, "list"))
		return json_read_array(r, read_element, t);
	if (json_string_is(name, "inside"))
		return json_read_object(r, read_member, t);
	if (json_string_is(name, "named"))
		return json_read_object(r, read_named, t);
	if (json_string_is(name, "stop"))
		return -ECANCELED;
	return json_read_skip(r);
}

/* Copies to memory that ends where the text does. The texts are the caller's. */
static int read_things(const char *json, struct things *t, enum json_fault *fault, char **texts)
{
	size_t len = strlen(json);
	char *exact = malloc(len ? len : 1);
	struct json_read r;

	memcpy(exact, json, len);
	memset(t, 0, sizeof *t);
	ck_assert_int_eq(json_read_init(&r, exact, len), 0);
	int e = json_read_object(&r, read_member, t);
	e = e < 0 ? e : json_read_end(&r);
	*fault = r.fault;
	*texts = json_read_take_texts(&r);
	json_read_done(&r);
	free(exact);
	return e;
}

START_TEST(each_kind_of_value_is_read)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;

	ck_assert_int_eq(
		read_things(" {\"text\" : \"a\\u00e9\\n\", \"bytes\":\"x\\u0000y\",\"number\":"
			    "\"18446744073709551615\",\"flag\":true,\"list\":[1,null,{},\"x\"],"
			    "\"inside\":{\"other\":[[]]},\"unknown\":-1e5} ",
			&t, &fault, &texts),
		0);
	ck_assert_str_eq(t.text, "a\xc3\xa9\n");
	ck_assert_uint_eq(t.bytes_len, 3);
	ck_assert_mem_eq(t.bytes, "x\0y", 4);
	ck_assert_uint_eq(t.number, UINT64_MAX);
	ck_assert(t.flag);
	ck_assert_uint_eq(t.n_elements, 3);
	ck_assert_uint_eq(t.n_members, 8);
}
END_TEST

START_TEST(names_that_are_not_known_beforehand_are_read)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;

	/* As short as can be, too: a sanitizer sees a step too far. */
	ck_assert_int_eq(
		read_things("{\"named\":{\"c\\u006flor\":\"red\",\"\":\"\"}}", &t, &fault, &texts),
		0);
	ck_assert_str_eq(t.names[0], "color");
	ck_assert_str_eq(t.names[1], "");
	ck_assert_str_eq(t.text, "");
}
END_TEST

START_TEST(null_is_as_good_as_absent)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;

	ck_assert_int_eq(read_things("{\"text\":null,\"number\":null,\"flag\":null,\"list\":null}",
				 &t, &fault, &texts),
		0);
	ck_assert_uint_eq(t.n_members, 0);
	ck_assert_ptr_null(t.text);
}
END_TEST

static const struct {
	const char *json;
	enum json_fault fault;
} bad[] = {
	/* Another shape: */
	{"[]", JSON_OK},
	{"5", JSON_OK},
	{"{\"text\":5}", JSON_OK},
	{"{\"text\":\"a\\u0000b\"}", JSON_OK},
	{"{\"text\":{}}", JSON_OK},
	{"{\"number\":\"\"}", JSON_OK},
	{"{\"number\":\"5 \"}", JSON_OK},
	{"{\"number\":-1}", JSON_OK},
	{"{\"number\":1.0}", JSON_OK},
	{"{\"number\":1e3}", JSON_OK},
	{"{\"number\":18446744073709551616}", JSON_OK},
	{"{\"number\":true}", JSON_OK},
	{"{\"number\":{}}", JSON_OK},
	{"{\"flag\":\"true\"}", JSON_OK},
	{"{\"flag\":1}", JSON_OK},
	{"{\"list\":{}}", JSON_OK},
	{"{\"inside\":[]}", JSON_OK},
	{"{\"named\":{\"a\\u0000b\":\"\"}}", JSON_OK},
	/* Not JSON: */
	{"{\"named\":{\"\\ud800\":\"\"}}", JSON_BAD_ESCAPE},
	{"", JSON_CUT_SHORT},
	{"{\"text\":\"a", JSON_CUT_SHORT},
	{"{\"list\":[1", JSON_CUT_SHORT},
	{"{\"list\":[1 2]}", JSON_NO_SEPARATOR},
	{"{\"number\":01}", JSON_BAD_NUMBER},
	{"{\"flag\":tru}", JSON_NO_VALUE},
	{"{\"text\":nul}", JSON_NO_VALUE},
	{"{\"text\":\"\\ud800\"}", JSON_BAD_ESCAPE},
	{"{\"text\":\"\xff\"}", JSON_BAD_UTF8},
	{"{} x", JSON_TRAILING},
};

START_TEST(what_is_not_as_asked_for_is_refused)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;
	int e = read_things(bad[_i].json, &t, &fault, &texts);

	ck_assert_msg(e == -EBADMSG && fault == bad[_i].fault, "%s: %d, fault %d", bad[_i].json, e,
		fault);
}
END_TEST

START_TEST(what_a_member_function_returns_ends_the_reading)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;

	ck_assert_int_eq(
		read_things("{\"inside\":{\"stop\":1},\"text\":\"a\"}", &t, &fault, &texts),
		-ECANCELED);
	ck_assert_ptr_null(t.text);
}
END_TEST

START_TEST(all_texts_fit_into_as_many_bytes_as_the_json_has)
{
	struct things t;
	enum json_fault fault;
	_cleanup_free_ char *texts = NULL;

	/* Nothing but strings, each as short as can be: a sanitizer sees a step too far. */
	ck_assert_int_eq(
		read_things("{\"text\":\"\",\"text\":\"a\",\"bytes\":\"\",\"text\":\"ab\"}", &t,
			&fault, &texts),
		0);
	ck_assert_str_eq(t.text, "ab");
	ck_assert_str_eq(t.bytes, "");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("json_read");
	TCase *c = tcase_create("json_read");

	tcase_add_test(c, each_kind_of_value_is_read);
	tcase_add_test(c, names_that_are_not_known_beforehand_are_read);
	tcase_add_test(c, null_is_as_good_as_absent);
	tcase_add_loop_test(c, what_is_not_as_asked_for_is_refused, 0, N_OF(bad));
	tcase_add_test(c, what_a_member_function_returns_ends_the_reading);
	tcase_add_test(c, all_texts_fit_into_as_many_bytes_as_the_json_has);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}
