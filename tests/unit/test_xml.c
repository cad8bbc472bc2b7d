#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../support/test_suite.h"
#include "aws/xml.h"

enum {
	CODE,
	MESSAGE,
	N
};

static struct xml_field fields[N];
static const char *what;

static void setup(void)
{
	memset(fields, 0, sizeof fields);
	fields[CODE].path = "Error/Code";
	fields[MESSAGE].path = "Error/Message";
}

static void teardown(void)
{
	xml_wipe(fields, N);
}

static int read_text(const char *xml)
{
	return xml_read(xml, strlen(xml), fields, N, &what);
}

static void assert_read(const char *xml, const char *code, const char *message)
{
	what = "untouched";
	ck_assert_msg(read_text(xml) == 0, "%s: %s", xml, what);
	ck_assert_str_eq(strbuf_str(&fields[CODE].text), code);
	ck_assert_str_eq(strbuf_str(&fields[MESSAGE].text), message);
	ck_assert_str_eq(what, "untouched");
	xml_wipe(fields, N);
}

static void assert_refused(const char *xml, const char *as)
{
	ck_assert_msg(read_text(xml) == -EBADMSG, "%s", xml);
	ck_assert_str_eq(what, as);
	xml_wipe(fields, N);
}

START_TEST(the_texts_that_are_asked_for_are_found_in_any_order_and_under_any_root)
{
	assert_read("<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>", "NoSuchKey",
		"gone");
	assert_read("<?xml version=\"1.0\"?>\n<ErrorResponse><RequestId>7</RequestId><Error>\n"
		    "  <Message>gone</Message><Type>Sender</Type><Code>NoSuchKey</Code>\n"
		    "</Error></ErrorResponse>\n",
		"NoSuchKey", "gone");
}
END_TEST

START_TEST(an_element_of_that_name_elsewhere_is_another)
{
	assert_read("<R><Code>no</Code><Warning><Code>no</Code></Warning>"
		    "<Error><Code>yes</Code><Detail><Message>no</Message></Detail></Error></R>",
		"yes", "");
	assert_read("<R><MyError><Code>no</Code></MyError></R>", "", "");
	ck_assert(!fields[CODE].is_there);
}
END_TEST

START_TEST(a_field_whose_path_is_the_whole_name_of_the_root_is_found_too)
{
	fields[CODE].path = "Error";
	assert_read("<Error>text</Error>", "text", "");
}
END_TEST

START_TEST(namespaces_and_attributes_do_not_matter)
{
	assert_read("<a:Error xmlns:a=\"urn:x\" xmlns=\"urn:y\"><b:Code at='1'>c</b:Code>"
		    "<Message>m</Message></a:Error>",
		"c", "m");
}
END_TEST

START_TEST(what_xml_writes_otherwise_is_read_as_it_is_meant)
{
	assert_read("<Error><Code>a&lt;&amp;&#x42;&#228;&quot;</Code>"
		    "<Message>1<![CDATA[<b>&amp;]]>2<!-- 3 --><?pi 4?>5</Message></Error>",
		"a<&B\xc3\xa4\"", "1<b>&amp;25");
}
END_TEST

START_TEST(only_an_elements_own_text_counts)
{
	assert_read("<Error><Code>a<b>no</b>c</Code><Message/></Error>", "ac", "");
	ck_assert(fields[MESSAGE].is_there);
}
END_TEST

START_TEST(what_is_said_twice_is_refused)
{
	assert_refused("<Error><Code>a</Code><Code>b</Code></Error>",
		"XML that says the same thing twice");
	assert_refused("<R><Error><Code/></Error><Error><Code>b</Code></Error></R>",
		"XML that says the same thing twice");
}
END_TEST

START_TEST(a_document_type_is_refused_before_its_entities_grow)
{
	static const char *const documents[] = {
		"<!DOCTYPE Error><Error><Code>a</Code></Error>",
		"<!DOCTYPE Error SYSTEM \"file:///etc/passwd\"><Error><Code>a</Code></Error>",
		"<!DOCTYPE e [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Error><Code>&x;</Code>"
		"</Error>",
		"<!DOCTYPE e [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/\"> %p;]><Error/>",
		"<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lollollollollollollol\">"
		"<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">"
		"<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;\">"
		"<!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;\">"
		"]><Error><Code>&g;</Code></Error>",
	};

	for (size_t i = 0; i < N_OF(documents); i++) {
		assert_refused(documents[i], "XML with a document type");
		ck_assert_uint_eq(fields[CODE].text.len, 0);
	}
	assert_refused("<Error><Code>&mine;</Code></Error>", "XML with an entity of its own");
}
END_TEST

START_TEST(a_web_page_is_told_apart)
{
	assert_refused("<!doctype html><html><p>Log in<br></html>", "no XML");
	assert_refused("<!DOCTYPE html><html><p>Log in<br></html>", "an HTML page");
	assert_refused("\n<HTML><body>Log in</body></HTML>", "an HTML page");
	assert_refused("{\"Code\":\"a\"}", "no XML");
	assert_refused("AccessDenied", "no XML");
}
END_TEST

START_TEST(nothing_is_empty)
{
	assert_refused("", "empty");
	assert_refused(" \r\n\t", "empty");
	assert_refused("<!-- only -->", "no XML");
}
END_TEST

START_TEST(whatever_is_cut_off_ends_early_or_is_no_xml_and_never_read)
{
	static const char whole[] = "<?xml version='1.0'?><Error><Code><![CDATA[a]]>\xc3\xa4&lt;"
				    "</Code><Message>b</Message></Error>";

	ck_assert_int_eq(read_text(whole), 0);
	xml_wipe(fields, N);
	for (size_t len = 0; len < sizeof whole - 1; len++) {
		ck_assert_msg(xml_read(whole, len, fields, N, &what) == -EBADMSG, "%zu", len);
		ck_assert_msg(
			len < 22 || strcmp(what, "XML that ends early") == 0, "%zu: %s", len, what);
		xml_wipe(fields, N);
	}
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_refused_whatever_the_document_calls_them)
{
	assert_refused("<Error><Code>a\xff</Code></Error>", "XML with a mistake in it");
	assert_refused("<Error><Code>\xc0\xaf</Code></Error>", "XML with a mistake in it");
	assert_refused("<Error><Code>\xed\xa0\x80</Code></Error>", "XML with a mistake in it");
	assert_refused("<Error><Code>&#0;</Code></Error>", "XML with a mistake in it");
	assert_refused("<?xml version='1.0' encoding='ISO-8859-1'?><Error><Code>\xe4</Code>"
		       "</Error>",
		"XML with a mistake in it");
	ck_assert_int_eq(
		xml_read("<Error><Code>a\0b</Code></Error>", 32, fields, N, &what), -EBADMSG);
}
END_TEST

START_TEST(mistakes_are_refused)
{
	assert_refused("<Error><Code>a</Message></Error>", "XML with a mistake in it");
	assert_refused("<Error/><Error/>", "XML with a mistake in it");
	assert_refused("<Error><Code a='1' a='2'/></Error>", "XML with a mistake in it");
}
END_TEST

/* The text n times over, in a buffer that the next call overwrites. */
static const char *times(const char *text, size_t n)
{
	static char all[(2u << 20) + 1];
	size_t len = strlen(text);

	ck_assert_uint_lt(n * len, sizeof all);
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	all[n * len] = '\0';
	return all;
}

START_TEST(depth_has_a_ceiling)
{
	assert_refused(times("<a>", 100000), "XML nested too deep");

	/* Names as long as that are the same. */
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;
	strbuf_printf(&xml, "<%s/>", times("a", XML_PATH_MAX));
	assert_refused(strbuf_str(&xml), "XML nested too deep");
	strbuf_reset(&xml);
	strbuf_printf(&xml, "<%s/>", times("a", XML_PATH_MAX - 1));
	assert_read(strbuf_str(&xml), "", "");
}
END_TEST

START_TEST(a_texts_length_has_a_ceiling)
{
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;

	strbuf_printf(&xml, "<Error><Code>%s</Code></Error>", times("x", XML_TEXT_MAX));
	ck_assert_int_eq(read_text(strbuf_str(&xml)), 0);
	ck_assert_uint_eq(fields[CODE].text.len, XML_TEXT_MAX);
	xml_wipe(fields, N);

	strbuf_reset(&xml);
	strbuf_printf(&xml, "<Error><Code>%s</Code></Error>", times("x", XML_TEXT_MAX + 1));
	assert_refused(strbuf_str(&xml), "XML with far too long a text");
	/* What nobody asked for may be longer. */
	strbuf_reset(&xml);
	strbuf_printf(&xml, "<Error><Other>%s</Other></Error>", times("x", XML_TEXT_MAX + 1));
	assert_read(strbuf_str(&xml), "", "");
}
END_TEST

START_TEST(a_documents_size_has_a_ceiling)
{
	_cleanup_strbuf_ struct strbuf xml = STRBUF_INIT;

	strbuf_printf(&xml, "<Error>%s</Error>", times(" ", XML_BYTES_MAX - 15));
	assert_read(strbuf_str(&xml), "", "");
	strbuf_putc(&xml, '\n');
	assert_refused(strbuf_str(&xml), "too large");
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("xml");
	TCase *c = tcase_create("xml");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, the_texts_that_are_asked_for_are_found_in_any_order_and_under_any_root);
	tcase_add_test(c, an_element_of_that_name_elsewhere_is_another);
	tcase_add_test(c, a_field_whose_path_is_the_whole_name_of_the_root_is_found_too);
	tcase_add_test(c, namespaces_and_attributes_do_not_matter);
	tcase_add_test(c, what_xml_writes_otherwise_is_read_as_it_is_meant);
	tcase_add_test(c, only_an_elements_own_text_counts);
	tcase_add_test(c, what_is_said_twice_is_refused);
	tcase_add_test(c, a_document_type_is_refused_before_its_entities_grow);
	tcase_add_test(c, a_web_page_is_told_apart);
	tcase_add_test(c, nothing_is_empty);
	tcase_add_test(c, whatever_is_cut_off_ends_early_or_is_no_xml_and_never_read);
	tcase_add_test(c, bytes_that_are_no_utf8_are_refused_whatever_the_document_calls_them);
	tcase_add_test(c, mistakes_are_refused);
	tcase_add_test(c, depth_has_a_ceiling);
	tcase_add_test(c, a_texts_length_has_a_ceiling);
	tcase_add_test(c, a_documents_size_has_a_ceiling);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return test_suite_run(suite());
}
