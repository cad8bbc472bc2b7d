#include "aws/xml.h"

#include <errno.h>
#include <expat.h>
#include <malloc.h>
#include <string.h>

struct reading {
	XML_Parser parser;
	struct xml_field *fields;
	size_t n_fields;
	struct xml_field *at; /* whose text is next; NULL: nobody's */
	struct strbuf path;   /* of the element that is open: "/Root/Child" */
	bool has_root;
	int error; /* why we stopped the parser */
	const char *what;
};

/* ---- Memory that forgets ---- */

static void release(void *memory)
{
	if (memory)
		explicit_bzero(memory, malloc_usable_size(memory));
	free(memory);
}

static void *resize(void *memory, size_t size)
{
	size_t old_size = memory ? malloc_usable_size(memory) : 0;
	void *copy = malloc(size);

	if (!copy)
		return NULL;
	if (memory)
		memcpy(copy, memory, old_size < size ? old_size : size);
	release(memory);
	return copy;
}

static const XML_Memory_Handling_Suite wiped_memory = {
	.malloc_fcn = malloc,
	.realloc_fcn = resize,
	.free_fcn = release,
};

/* ---- What the parser meets ---- */

static void stop(struct reading *r, int error, const char *what)
{
	if (r->error < 0)
		return;
	r->error = error;
	r->what = what;
	XML_StopParser(r->parser, XML_FALSE);
}

static const char *without_prefix(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : name;
}

/* The field that the open element is; NULL: none. */
static struct xml_field *find_field(const struct reading *r)
{
	const char *path = strbuf_str(&r->path);

	for (size_t i = 0; i < r->n_fields; i++) {
		size_t len = strlen(r->fields[i].path);
		const char *end = len < r->path.len ? path + r->path.len - len : NULL;
		if (end && end[-1] == '/' && strcmp(end, r->fields[i].path) == 0)
			return &r->fields[i];
	}
	return NULL;
}

static void on_start(void *userdata, const char *name, const char **attributes)
{
	struct reading *r = userdata;

	(void)attributes;
	name = without_prefix(name);
	if (!r->has_root && strcasecmp(name, "html") == 0) {
		stop(r, -EBADMSG, "an HTML page");
		return;
	}
	r->has_root = true;
	if (strbuf_printf(&r->path, "/%s", name) < 0) {
		stop(r, r->path.error == -ENOMEM ? -ENOMEM : -EBADMSG, "XML nested too deep");
		return;
	}
	r->at = find_field(r);
	if (r->at && r->at->is_there)
		stop(r, -EBADMSG, "XML that says the same thing twice");
	else if (r->at)
		r->at->is_there = true;
}

static void on_end(void *userdata, const char *name)
{
	struct reading *r = userdata;

	strbuf_truncate(&r->path, r->path.len - strlen(without_prefix(name)) - 1);
	r->at = find_field(r);
}

static void on_text(void *userdata, const char *text, int len)
{
	struct reading *r = userdata;

	if (r->at && strbuf_append(&r->at->text, text, (size_t)len) < 0)
		stop(r, r->at->text.error == -ENOMEM ? -ENOMEM : -EBADMSG,
			"XML with far too long a text");
}

static void on_doctype(
	void *userdata, const char *name, const char *system, const char *public, int has_subset)
{
	(void)system;
	(void)public;
	(void)has_subset;
	stop(userdata, -EBADMSG,
		strcasecmp(name, "html") == 0 ? "an HTML page" : "XML with a document type");
}

/* ---- The document ---- */

static bool is_blank(const char *xml, size_t len)
{
	while (len > 0 && xml[len - 1] && strchr(" \t\r\n", xml[len - 1]))
		len--;
	return len == 0;
}

static const char *name_error(const struct reading *r, const char *xml, size_t len)
{
	switch (XML_GetErrorCode(r->parser)) {
	case XML_ERROR_NO_ELEMENTS:
		if (is_blank(xml, len))
			return "empty";
		return r->has_root ? "XML that ends early" : "no XML";
	case XML_ERROR_UNCLOSED_TOKEN:
	case XML_ERROR_UNCLOSED_CDATA_SECTION:
	case XML_ERROR_PARTIAL_CHAR:
		return "XML that ends early";
	case XML_ERROR_UNDEFINED_ENTITY:
		return "XML with an entity of its own";
	default:
		return r->has_root ? "XML with a mistake in it" : "no XML";
	}
}

static int parse(struct reading *r, const char *xml, size_t len)
{
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (XML_Parse(r->parser, xml, (int)len, XML_TRUE) == XML_STATUS_OK || r->error < 0)
		return r->error;
	if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
		return -ENOMEM;
	r->what = name_error(r, xml, len);
	return -EBADMSG;
}

int xml_read(const char *xml, size_t len, struct xml_field *fields, size_t n_fields,
	const char **ret_what)
{
	struct reading r = {.fields = fields, .n_fields = n_fields, .what = "too large"};

	for (size_t i = 0; i < n_fields; i++) {
		fields[i].is_there = false;
		strbuf_init(&fields[i].text, XML_TEXT_MAX);
	}
	strbuf_init(&r.path, XML_PATH_MAX);
	r.parser = len <= XML_BYTES_MAX ? XML_ParserCreate_MM("UTF-8", &wiped_memory, NULL) : NULL;

	int error = r.parser ? parse(&r, xml, len) : len > XML_BYTES_MAX ? -EBADMSG : -ENOMEM;
	if (error < 0)
		*ret_what = error == -ENOMEM ? "more than memory holds" : r.what;
	XML_ParserFree(r.parser);
	strbuf_done(&r.path);
	return error;
}

void xml_wipe(struct xml_field *fields, size_t n_fields)
{
	for (size_t i = 0; i < n_fields; i++)
		strbuf_wipe(&fields[i].text);
}
