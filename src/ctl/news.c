#include "ctl/news.h"

#include <stdio.h>

#include "ctl/listing.h"
#include "ctl/wrap.h"

#define LINE_INDENT 12

void news_tell(const struct ctl *ctl, const struct news *news)
{
	const char *attribute = news->attribute, *detail = news->detail, *fix = news->fix;

	if (ctl->json)
		listing_put_json(json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?}", "result",
			news->result, "kind", news->kind, "name", news->name, "attribute",
			attribute, "detail", detail, "fix", fix));
	else
		wrap_print(stdout, LINE_INDENT, "%-11s %s %s%s%s%s%s%s%s", news->result, news->kind,
			news->name, attribute || detail ? ": " : "", attribute ? attribute : "",
			attribute && detail ? " " : "", detail ? detail : "", fix ? ": " : "",
			fix ? fix : "");
}
