/* Errors of a config: collected while it is read, printed at the end by place, each with its line and a caret. */
#include "config/config_tree.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN = 100, BEFORE = 60 }; /* characters of a long line that are shown, and those before the caret */

/* ---- text ---- */

static bool follows(const char *s, int64_t n, int64_t count)
{
    if (n <= count) return false;
    for (int64_t i = 1; i <= count; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80) return false;
    return true;
}

int64_t kz_config_character(const char *s, int64_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    if (n <= 0) return 0;
    if (u[0] < 0x80) return (u[0] >= 0x20 && u[0] != 0x7f) || u[0] == '\t' || u[0] == '\n' || u[0] == '\r';
    if (u[0] >= 0xc2 && u[0] <= 0xdf && follows(s, n, 1)) return u[0] == 0xc2 && u[1] < 0xa0 && u[1] != 0x85 ? 0 : 2;
    if (u[0] >= 0xe0 && u[0] <= 0xef && follows(s, n, 2)) {
        bool overlong = u[0] == 0xe0 && u[1] < 0xa0, surrogate = u[0] == 0xed && u[1] >= 0xa0;
        return overlong || surrogate ? 0 : 3;
    }
    if (u[0] >= 0xf0 && u[0] <= 0xf4 && follows(s, n, 3)) {
        bool overlong = u[0] == 0xf0 && u[1] < 0x90, too_high = u[0] == 0xf4 && u[1] >= 0x90;
        return overlong || too_high ? 0 : 4;
    }
    return 0;
}

const char *kz_config_short(char out[KZ_CONFIG_SHORT], const char *text)
{
    const int64_t room = KZ_CONFIG_SHORT - 4;
    int64_t n = (int64_t)strlen(text), kept = 0;
    while (kept < n) {
        int64_t width = kz_config_character(text + kept, n - kept);
        if (width == 0) width = 1;
        if (kept + width > room) break;
        kept += width;
    }
    snprintf(out, KZ_CONFIG_SHORT, "%.*s%s", (int)kept, text, kept < n ? "..." : "");
    return out;
}

/* Adds s with line ends, tabs and broken bytes made harmless; *columns gets what it takes on a screen. */
static kz_status add_safely(kz_text *t, const char *s, int64_t n, int64_t *columns)
{
    kz_status st = KZ_OK;
    int64_t added = 0; /* bytes of s that are in t */
    *columns = 0;
    for (int64_t i = 0, width; i < n; i += width) {
        unsigned char c = (unsigned char)s[i];
        width = kz_config_character(s + i, n - i);
        bool bare = width > 1 ? !(c == 0xc2 && (unsigned char)s[i + 1] == 0x85) : width == 1 && c != '\n' && c != '\r';
        *columns += bare ? 1 : 4;
        if (bare && c != '\t') continue;
        width = 1;
        KZ_TRY(kz_text_add_bytes(t, s + added, i - added));
        if (bare) KZ_TRY(kz_text_add(t, " "));
        else KZ_TRY(kz_text_add(t, "\\x%02x", c));
        added = i + 1;
    }
    KZ_TRY(kz_text_add_bytes(t, s + added, n - added));
done:
    return st;
}

/* ---- collecting ---- */

static kz_status grow(kz_config_reader *r)
{
    kz_config_error *errors = NULL;
    if (r->n_errors < r->room_errors) return KZ_OK;
    int64_t room = r->room_errors ? 2 * r->room_errors : 8;
    kz_status st = kz_calloc(&errors, room, sizeof *errors, "config errors");
    if (st != KZ_OK) return st;
    if (r->n_errors) memcpy(errors, r->errors, (size_t)r->n_errors * sizeof *errors);
    kz_free(&r->errors);
    r->errors = errors;
    r->room_errors = room;
    return KZ_OK;
}

static kz_status add_formatted(kz_text *t, const char *format, va_list args)
{
    char line[512]; /* names and values come through kz_config_short */
    vsnprintf(line, sizeof line, format, args);
    return kz_text_add(t, "%s", line);
}

static kz_status record(kz_config_reader *r, kz_config_place place, const char *format, va_list args)
{
    kz_status st = grow(r);
    if (st != KZ_OK) return st;
    kz_config_error *e = &r->errors[r->n_errors];
    *e = (kz_config_error){.place = place, .number = r->n_errors};
    r->n_errors++;
    return add_formatted(&e->message, format, args);
}

kz_status kz_config_error_at(kz_config_reader *r, kz_config_place place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    kz_status st = record(r, place, format, args);
    va_end(args);
    return st;
}

kz_status kz_config_error_in(kz_config_reader *r, kz_config_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    kz_status st = record(r, node->place, format, args);
    va_end(args);
    node->bad = true;
    return st;
}

kz_status kz_config_help(kz_config_reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    kz_status st = add_formatted(&r->errors[r->n_errors - 1].help, format, args);
    va_end(args);
    return st;
}

/* ---- printing ---- */

typedef struct {
    int64_t line, column; /* from 1, columns in characters */
    int64_t begin, end;   /* bytes of that line */
} position;

static int64_t step(const kz_config_source *s, int64_t i)
{
    int64_t width = kz_config_character(s->text + i, s->n - i);
    return width > 0 ? width : 1;
}

static position locate(const kz_config_source *s, int64_t at)
{
    position p = {.line = 1, .column = 1};
    if (s->n >= 3 && memcmp(s->text, "\xef\xbb\xbf", 3) == 0) p.begin = 3; /* byte order mark */
    for (int64_t i = p.begin; i < at; i++) {
        bool line_end = s->text[i] == '\n' || (s->text[i] == '\r' && s->text[i + 1] != '\n');
        if (line_end) p.begin = i + 1;
        if (line_end) p.line++;
    }
    for (p.end = p.begin; p.end < s->n && s->text[p.end] != '\n' && s->text[p.end] != '\r';) p.end++;
    for (int64_t i = p.begin; i < at && i < p.end; i += step(s, i)) p.column++;
    return p;
}

int64_t kz_config_line(const kz_config_source *s, int64_t at)
{
    return locate(s, at).line;
}

/* The line, or the part of it around the place, and below it the caret. */
static kz_status add_excerpt(kz_text *out, const kz_config_source *s, kz_config_place place, position p, bool numbered)
{
    kz_text before = {0}, marked = {0}, after = {0};
    kz_status st = KZ_OK;
    int64_t begin = p.begin, skip = p.column - 1 > BEFORE ? p.column - 1 - BEFORE : 0, columns, width, ignored, end;
    for (; skip > 0; skip--) begin += step(s, begin);
    const char *left = begin > p.begin ? "..." : "";
    int64_t at = place.begin < p.end ? place.begin : p.end, until = place.end < p.end ? place.end : p.end;
    end = begin;
    for (int i = 0; i < SHOWN && end < p.end; i++) end += step(s, end);
    if (until > end) until = end;
    if (at < begin) at = begin;
    if (until < at) until = at;
    KZ_TRY(add_safely(&before, s->text + begin, at - begin, &columns));
    KZ_TRY(add_safely(&marked, s->text + at, until - at, &width));
    KZ_TRY(add_safely(&after, s->text + until, end - until, &ignored));
    if (numbered) KZ_TRY(kz_text_add(out, "%5lld | ", (long long)p.line));
    else KZ_TRY(kz_text_add(out, "  "));
    KZ_TRY(kz_text_add(out, "%s%s%s%s%s\n", left, kz_text_str(&before), kz_text_str(&marked), kz_text_str(&after),
                       end < p.end ? "..." : ""));
    KZ_TRY(kz_text_add(out, "%s%*s^", numbered ? "      | " : "  ", (int)(columns + (int64_t)strlen(left)), ""));
    for (int64_t i = 1; i < width; i++) KZ_TRY(kz_text_add(out, "~"));
    KZ_TRY(kz_text_add(out, "\n"));
done:
    kz_text_free(&before);
    kz_text_free(&marked);
    kz_text_free(&after);
    return st;
}

static kz_status add_error(kz_text *out, const kz_config_reader *r, const kz_config_error *e)
{
    char cut[KZ_CONFIG_SHORT];
    kz_status st = KZ_OK;
    int64_t columns;
    const kz_config_source *s = &r->sources[e->place.source];
    position p = locate(s, e->place.begin);
    if (s->name) {
        KZ_TRY(kz_text_add(out, "%s:%lld:%lld: ", s->name, (long long)p.line, (long long)p.column));
    } else {
        KZ_TRY(kz_text_add(out, "--set "));
        kz_config_short(cut, s->text);
        KZ_TRY(add_safely(out, cut, (int64_t)strlen(cut), &columns));
        KZ_TRY(kz_text_add(out, ": "));
    }
    KZ_TRY(kz_text_add(out, "error: "));
    KZ_TRY(add_safely(out, e->message.s, e->message.n, &columns));
    KZ_TRY(kz_text_add(out, "\n"));
    KZ_TRY(add_excerpt(out, s, e->place, p, s->name != NULL));
    if (e->help.n == 0) goto done;
    KZ_TRY(kz_text_add(out, "  help: "));
    KZ_TRY(add_safely(out, e->help.s, e->help.n, &columns));
    KZ_TRY(kz_text_add(out, "\n"));
done:
    return st;
}

static int by_place(const void *a, const void *b)
{
    const kz_config_error *x = a, *y = b;
    if (x->place.source != y->place.source) return x->place.source < y->place.source ? -1 : 1;
    if (x->place.begin != y->place.begin) return x->place.begin < y->place.begin ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

kz_status kz_config_report(kz_config_reader *r, kz_text *report)
{
    kz_status st = KZ_OK;
    if (r->n_errors == 0) return KZ_OK;
    qsort(r->errors, (size_t)r->n_errors, sizeof *r->errors, by_place);
    int64_t n = r->n_errors < KZ_CONFIG_MAX_ERRORS ? r->n_errors : KZ_CONFIG_MAX_ERRORS;
    for (int64_t i = 0; i < n; i++) KZ_TRY(add_error(report, r, &r->errors[i]));
    if (r->n_errors > n) KZ_TRY(kz_text_add(report, "and %lld more\n", (long long)(r->n_errors - n)));
done:
    return st;
}
