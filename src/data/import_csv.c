/* CSV and TSV: rows, quotes, cells.  RFC 4180, with any one-character delimiter, spaces around cells, line breaks inside
 * quotes, and LF, CRLF or CR at the end of a line. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

typedef struct {
    const char *s;
    int64_t n;
    bool quoted;
} cell_text;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* ---- where rows end ---- */

/* The closing quote of the text that s opens; NULL where it is not closed before end, or end may hide a second quote. */
static const char *closing_quote(const char *s, const char *end)
{
    for (s = s + 1; s < end; s += 2) {
        s = memchr(s, '"', (size_t)(end - s));
        if (!s || s + 1 == end) return NULL;
        if (s[1] != '"') return s;
    }
    return NULL;
}

/* Behind the end of the row at s; NULL: not before end. */
static const char *row_end(const kz_table *t, const char *s, const char *end)
{
    const char *line = memchr(s, t->eol, (size_t)(end - s));
    if (!line) return NULL;
    if (!memchr(s, '"', (size_t)(line - s)) || (t->comment && *s == t->comment)) return line + 1;
    for (;; s++) {
        while (s < end && is_space(*s) && *s != t->delimiter && *s != t->eol) s++;
        if (s < end && *s == '"') {
            s = closing_quote(s, end);
            if (!s) return NULL;
        }
        while (s < end && *s != t->delimiter && *s != t->eol) s++;
        if (s >= end) return NULL;
        if (*s == t->eol) return s + 1;
    }
}

static int64_t csv_cut(const kz_table *t, const char *s, int64_t n)
{
    const char *end = s + n, *at = s, *next;
    next = n > KZ_PIECE_BYTES ? memchr(s + KZ_PIECE_BYTES - 1, t->eol, (size_t)(n - KZ_PIECE_BYTES + 1))
                              : memrchr(s, t->eol, (size_t)n);
    if (!next && n <= KZ_PIECE_BYTES) return 0;
    if (next && !memchr(s, '"', (size_t)(next - s))) return next + 1 - s;
    while (at - s < KZ_PIECE_BYTES && (next = row_end(t, at, end))) at = next;
    return at - s;
}

/* ---- cells ---- */

/* The text of the cell at *at, without spaces around it or quotes; *at moves on to its delimiter or end of line. */
static bool take_cell(const kz_table *t, kz_piece *p, const char **at, const char *end, int64_t *line, cell_text *out)
{
    const char *s = *at, *stop;
    while (is_space(*s) && *s != t->delimiter && *s != t->eol) s++;
    out->quoted = *s == '"';
    if (!out->quoted) {
        for (stop = s; *stop != t->delimiter && *stop != t->eol;) stop++;
        *at = stop;
        while (stop > s && is_space(stop[-1])) stop--;
        *out = (cell_text){s, stop - s, false};
        return true;
    }
    stop = closing_quote(s, end);
    if (!stop) {
        kz_piece_fail(p, *line,
                      "a text in quotes is not closed before the end of the file; close it, or double quotes "
                      "that are meant as they stand");
        return false;
    }
    *out = (cell_text){s + 1, stop - s - 1, true};
    for (const char *c = s; (c = memchr(c, t->eol, (size_t)(stop - c))); c++) ++*line;
    if (memchr(out->s, '"', (size_t)out->n)) {
        p->scratch.n = 0;
        for (const char *c = out->s; c < stop; c++) {
            if (kz_text_add_bytes(&p->scratch, c, 1) != KZ_OK) {
                kz_piece_fail(p, *line, "%s", kz_error_message());
                p->status = KZ_E_MEM;
                return false;
            }
            c += *c == '"';
        }
        *out = (cell_text){p->scratch.s, p->scratch.n, true};
    }
    for (s = stop + 1; is_space(*s) && *s != t->delimiter && *s != t->eol;) s++;
    if (*s != t->delimiter && *s != t->eol) {
        kz_piece_fail(p, *line, "there is text behind a closing quote; quotes inside a text in quotes are doubled");
        return false;
    }
    *at = s;
    return true;
}

/* A cell that should be a number and could not be read on the way. */
static void number_cell(const kz_table *t, kz_piece *p, int64_t c, int64_t line, cell_text cell, double *out)
{
    kz_seen *seen = &p->seen[c];
    int digits = 0;
    while (cell.n > 0 && is_space(*cell.s)) cell.s++, cell.n--;
    while (cell.n > 0 && is_space(cell.s[cell.n - 1])) cell.n--;
    const char *stop = cell.n ? kz_number_read(cell.s, cell.s + cell.n, t->point, out, &digits) : NULL;
    bool infinite = (stop == cell.s + cell.n && stop && isinf(*out)) || kz_text_is_infinite(cell.s, cell.n);
    if (stop && stop == cell.s + cell.n && !infinite) {
        if (digits > seen->digits) seen->digits = digits;
        return;
    }
    *out = NAN;
    int n = (int)(cell.n < KZ_SAMPLE - 1 ? cell.n : KZ_SAMPLE - 1);
    if (infinite && seen->infinite++ == 0) {
        seen->infinite_line = line + 1;
        snprintf(seen->infinite_text, KZ_SAMPLE, "%.*s", n, cell.s);
    } else if (!infinite && seen->odd_line == 0) {
        seen->odd_line = line + 1;
        snprintf(seen->odd, KZ_SAMPLE, "%.*s", n, cell.s);
    }
}

static bool word_cell(const kz_table *t, kz_piece *p, int64_t c, int64_t line, cell_text cell, double *out)
{
    const kz_column *column = &t->column[c];
    int64_t word = column->too_many ? 0 : kz_words_find(&column->words, cell.s, cell.n);
    *out = (double)word;
    if (word >= 0) return true;
    *out = 0;
    for (int64_t i = 0; i < cell.n; i++)
        if ((unsigned char)cell.s[i] < ' ' && !is_space(cell.s[i]) && cell.s[i] != '\n') {
            kz_piece_fail(p, line, "holds the control character 0x%02x; is it a text file?", (unsigned)cell.s[i]);
            return false;
        }
    return kz_piece_novel(p, out - p->cells, line, cell.s, cell.n);
}

static bool slow_cell(const kz_table *t, kz_piece *p, int64_t c, const char **s, const char *end, int64_t *line,
                      double *row)
{
    cell_text cell;
    int64_t first = *line;
    if (!take_cell(t, p, s, end, line, &cell)) return false;
    if (c < 0) return true;
    row[c] = NAN;
    if (kz_text_is_missing(t, cell.s, cell.n)) return true;
    if (t->column[c].text) return word_cell(t, p, c, first, cell, &row[c]);
    number_cell(t, p, c, first, cell, &row[c]);
    return true;
}

/* ---- rows ---- */

static int64_t count_fields(const kz_table *t, kz_piece *p, const char *s, const char *end)
{
    cell_text cell;
    int64_t line = 0, fields = 1;
    while (take_cell(t, p, &s, end, &line, &cell) && *s == t->delimiter) fields++, s++;
    return fields;
}

static const char *ragged(const kz_table *t, kz_piece *p, const char *s, const char *end, int64_t line)
{
    int64_t fields = count_fields(t, p, s, end);
    if (p->status == KZ_OK)
        kz_piece_fail(p, line, "has %lld field%s where %s has %lld; correct the line%s", (long long)fields,
                      fields == 1 ? "" : "s", t->header ? "the header" : "the first line", (long long)t->fields,
                      fields > t->fields ? ", or put texts that hold the delimiter in quotes" : "");
    return NULL;
}

/* One row of cells; returns the beginning of the next, or NULL after a failure.  The piece ends with an end of line. */
static const char *parse_row(const kz_table *t, kz_piece *p, const char *s, const char *end, int64_t *line, double *row)
{
    const char *begin = s, delimiter = t->delimiter, eol = t->eol;
    int64_t first = *line;
    for (int64_t field = 0;; field++, s++) {
        if (field == t->fields) return ragged(t, p, begin, end, first);
        int64_t c = t->column_of[field];
        if (c >= 0 && !t->column[c].text && !t->missing_numbers) {
            int digits;
            const char *q = kz_number_read(s, end, t->point, &row[c], &digits);
            if (q && *q == '\r' && q[1] == eol) q++;
            if (q && (*q == delimiter || *q == eol) && fabs(row[c]) <= 0x1.fffffffffffffp1023) {
                if (digits > p->seen[c].digits) p->seen[c].digits = digits;
                s = q;
                goto next;
            }
        }
        if (!slow_cell(t, p, c, &s, end, line, row)) return NULL;
    next:
        if (*s != eol) continue;
        if (field + 1 != t->fields) return ragged(t, p, begin, end, first);
        ++*line;
        return s + 1;
    }
}

/* A line without a row: empty, or a comment.  Returns behind it, or NULL if it is a row. */
static const char *skip_line(const kz_table *t, const char *s, const char *end)
{
    const char *p = s;
    if (t->comment && *s == t->comment) return (const char *)memchr(s, t->eol, (size_t)(end - s)) + 1;
    if (!is_space(*s) && *s != t->eol) return NULL;
    while (is_space(*p) && *p != t->delimiter && *p != t->eol) p++;
    return *p == t->eol ? p + 1 : NULL;
}

static int64_t lines_in(const kz_table *t, const char *s, int64_t n)
{
    int64_t lines = 0;
    for (const char *end = s + n; (s = memchr(s, t->eol, (size_t)(end - s))); s++) lines++;
    return lines;
}

static bool check_bytes(const kz_table *t, kz_piece *p)
{
    int64_t bad;
    const char *zero = memchr(p->s, 0, (size_t)p->n);
    if (zero) {
        kz_piece_fail(p, lines_in(t, p->s, zero - p->s),
                      "holds a zero byte; is it a text file? UTF-16 is read with "
                      "--encoding utf-16");
        return false;
    }
    if (kz_text_is_utf8(p->s, p->n, &bad)) return true;
    kz_piece_fail(p, lines_in(t, p->s, bad),
                  "holds the byte 0x%02x, which is not UTF-8; say --encoding latin-1 if it is that, or convert the "
                  "file with iconv",
                  (unsigned)(uint8_t)p->s[bad]);
    return false;
}

static void csv_parse(const kz_table *t, kz_piece *p)
{
    const char *s = p->s, *end = s + p->n, *next;
    int64_t line = 0;
    double *row;
    if (!check_bytes(t, p)) return;
    while (s < end) {
        if ((next = skip_line(t, s, end))) {
            line++;
            s = next;
            continue;
        }
        if (!kz_piece_row(p, t->n_columns, &row)) return;
        s = parse_row(t, p, s, end, &line, row);
        if (!s) return;
        p->rows++;
    }
    p->lines = line;
}

/* ---- the head of a file ---- */

/* Names of the fields of the line at *s; *s moves behind it. */
static kz_status read_names(const kz_table *t, const char **s, const char *end, int64_t line, char ***out, int64_t *n)
{
    kz_piece p = {0};
    cell_text cell;
    char **names = NULL;
    int64_t lines = line;
    kz_status st = KZ_OK;
    *n = count_fields(t, &p, *s, end);
    if (p.status == KZ_OK) KZ_TRY(kz_calloc(&names, *n, sizeof *names, "column names"));
    for (int64_t i = 0; i < *n && p.status == KZ_OK; i++, ++*s) {
        if (!take_cell(t, &p, s, end, &lines, &cell)) break;
        int64_t bad;
        if (!kz_text_is_utf8(cell.s, cell.n, &bad))
            kz_piece_fail(&p, line,
                          "holds a byte that is not UTF-8; say --encoding latin-1 if it is that, or convert "
                          "the file with iconv");
        if (p.status != KZ_OK) break;
        KZ_TRY(kz_calloc(&names[i], cell.n + 1, 1, "column name"));
        if (cell.n) memcpy(names[i], cell.s, (size_t)cell.n);
        for (char *c = names[i]; *c; c++)
            if ((unsigned char)*c < ' ') *c = ' ';
    }
    if (p.status != KZ_OK) {
        st = p.status;
        (void)KZ_FAIL(st, "%s: line %lld: %s", t->file[0].bytes->name, (long long)line + 1, p.bad);
        goto done;
    }
    *out = names;
    names = NULL; /* given away */
done:
    kz_texts_free(&names, *n);
    kz_text_free(&p.scratch);
    return st;
}

/* Fields of the first lines under this delimiter: how many, if it is the same in all; else 0. */
static int64_t same_fields(kz_table *t, char delimiter, const char *s, const char *end)
{
    int64_t fields = 0;
    t->delimiter = delimiter;
    for (int lines = 0; lines < 50 && s < end; lines++) {
        const char *next = skip_line(t, s, end);
        if (!next) {
            next = row_end(t, s, end);
            if (!next) break;
            kz_piece p = {0};
            int64_t n = count_fields(t, &p, s, next);
            kz_text_free(&p.scratch);
            if (p.status != KZ_OK || (fields && n != fields)) return 0;
            fields = n;
        }
        s = next;
    }
    return fields;
}

static void find_delimiter(kz_table *t, const char *s, const char *end)
{
    static const char candidates[] = ",\t;|";
    char best = ',';
    int64_t most = 1, count = 0, most_count = 0;
    for (const char *c = candidates; *c; c++) {
        int64_t n = *c == t->point ? 0 : same_fields(t, *c, s, end);
        if (n <= most) continue;
        most = n;
        best = *c;
    }
    const char *line = memchr(s, t->eol, (size_t)(end - s));
    for (const char *c = candidates; most == 1 && line && *c;
         c++, count = 0) { /* ragged lines: what the first has most of */
        if (*c == t->point) continue;
        for (const char *at = s; at < line; at++) count += *at == *c;
        if (count <= most_count) continue;
        most_count = count;
        best = *c;
    }
    t->delimiter = best;
}

static bool all_numbers(const kz_table *t, char *const *names, int64_t n)
{
    double v;
    int digits;
    for (int64_t i = 0; i < n; i++) {
        size_t length = strlen(names[i]);
        const char *stop = kz_number_read(names[i], names[i] + length, t->point, &v, &digits);
        if (length == 0 || stop != names[i] + length) return false;
    }
    return true;
}

static kz_status find_header(kz_table *t, const char *name, int64_t line)
{
    bool numbers = all_numbers(t, t->field_name, t->fields);
    t->header = t->o->header >= 0;
    if (t->header && numbers && t->o->header == 0)
        return KZ_FAIL(
            KZ_E_DATA,
            "%s: line %lld holds numbers where the names of the columns belong; say --no-header if it is the "
            "first row, or --header if these are names",
            name, (long long)line + 1);
    for (int64_t i = 0; i < t->fields; i++) {
        char made[32];
        snprintf(made, sizeof made, "c%lld", (long long)i + 1);
        if (t->header && *t->field_name[i]) continue;
        kz_free(&t->field_name[i]);
        kz_status st = kz_strdup(&t->field_name[i], made);
        if (st != KZ_OK) return st;
    }
    return KZ_OK;
}

static kz_status find_names(const kz_table *t, const char **s, const char *end, int64_t *line, char ***names,
                            int64_t *n, const char *name)
{
    const char *next;
    while (*s < end && (next = skip_line(t, *s, end))) *s = next, ++*line;
    if (*s == end) return KZ_FAIL(KZ_E_DATA, "%s: holds no line with text; is it the right file?", name);
    return read_names(t, s, end, *line, names, n);
}

static kz_status csv_open(kz_table *t, const char *head, int64_t n, bool whole)
{
    const char *s = head, *end = head + n, *first, *name = t->file[0].bytes->name;
    int64_t line = 0;
    kz_status st = KZ_OK;
    while (!whole && end > head && end[-1] != t->eol) end--;
    if (end == head)
        return KZ_FAIL(KZ_E_DATA, "%s: its first line is longer than %lld bytes; is it a text file?", name,
                       (long long)n);
    if (memchr(head, 0, (size_t)(n < 4096 ? n : 4096)))
        return KZ_FAIL(KZ_E_DATA, "%s: holds zero bytes, so it is no text; it looks like %s", name,
                       kz_data_looks_like((const uint8_t *)head, n < 4096 ? n : 4096));
    if (!t->delimiter) find_delimiter(t, s, end);
    KZ_TRY(find_names(t, &s, end, &line, &t->field_name, &t->fields, name));
    first = s;
    KZ_TRY(find_header(t, name, line));
    t->file[0].skip = t->header ? lines_in(t, head, first - head) : 0;
    KZ_TRY(kz_columns_make(t));
done:
    return st;
}

static kz_status csv_again(kz_table *t, const char *name, const char *head, int64_t n, int64_t *skip)
{
    const char *s = head, *end = head + n;
    char **names = NULL;
    int64_t line = 0, fields = 0;
    kz_status st = KZ_OK;
    *skip = 0;
    if (!t->header) return KZ_OK;
    KZ_TRY(find_names(t, &s, end, &line, &names, &fields, name));
    *skip = lines_in(t, head, s - head);
    for (int64_t i = 0; i < fields && i < t->fields; i++)
        if (strcmp(names[i], t->field_name[i]) != 0 && *names[i]) {
            st = KZ_FAIL(KZ_E_DATA, "%s: column %lld is '%s', but '%s' in %s; the files must have the same columns",
                         name, (long long)i + 1, names[i], t->field_name[i], t->file[0].bytes->name);
            goto done;
        }
    if (fields != t->fields)
        st = KZ_FAIL(KZ_E_DATA, "%s: has %lld columns, but %s has %lld; the files must have the same columns", name,
                     (long long)fields, t->file[0].bytes->name, (long long)t->fields);
done:
    kz_texts_free(&names, fields);
    return st;
}

const kz_table_format kz_format_csv = {csv_open, csv_cut, csv_parse, csv_again};
