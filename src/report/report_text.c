/* Text in HTML and in Markdown, and values out of JSON. */
#include "report/report_impl.h"

#include <string.h>
#include <strings.h>

const char *kz_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t kz_json_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

kz_status kz_html_add(kz_text *out, const char *text)
{
    kz_status st = KZ_OK;
    for (size_t n; *text && st == KZ_OK; text += n) {
        n = strcspn(text, "&<>\"'");
        st = kz_text_add_bytes(out, text, (int64_t)n);
        if (st != KZ_OK || !text[n]) break;
        st = kz_text_add(out, "&#%d;", text[n]);
        n++;
    }
    return st;
}

/* What means something in Markdown is written as a character reference, which no dialect looks into: markup, tables,
 * mentions, and the beginnings that become links by themselves. */
kz_status kz_markdown_add(kz_text *out, const char *text)
{
    static const char marks[] = "\\`*_{}[]<>|~#@&!$";
    kz_status st = KZ_OK;
    for (; *text && st == KZ_OK; text++) {
        bool link = strncmp(text, ":/", 2) == 0 || strncasecmp(text, "www.", 4) == 0;
        bool mark = strchr(marks, *text) != NULL;
        st = mark || link ? kz_text_add(out, "&#%d;", *text) : kz_text_add_bytes(out, text, 1);
    }
    return st;
}
