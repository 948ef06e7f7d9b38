/* LIBSVM (svmlight): lines of a label and index:value pairs in ascending order, as dense rows. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

enum { MOST_FEATURES = 1 << 17, BYTES_PER_FEATURE = 4096, PIECE_CELLS = 256 << 10 };

/* ---- the features there are: a look at all indices ---- */

typedef struct {
    int64_t least, most, index; /* index: of the digits being read; -1: no index */
    bool comment, label;        /* label: the first word of a line is */
} indices;

static void see_indices(indices *x, char eol, const char *s, int64_t n)
{
    for (const char *end = s + n; s < end; s++) {
        char c = *s;
        if (c == eol) {
            x->index = -1;
            x->comment = false;
            x->label = true;
        } else if (x->comment) {
            continue;
        } else if (c == '#') {
            x->comment = true;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            x->index = 0;
            x->label = false;
        } else if (c == ':' && x->index >= 0 && !x->label) {
            if (x->index < x->least) x->least = x->index;
            if (x->index > x->most) x->most = x->index;
            x->index = -1;
        } else if (c >= '0' && c <= '9' && x->index >= 0) {
            if (x->index < (int64_t)1 << 40) x->index = x->index * 10 + (c - '0');
        } else {
            x->index = -1;
        }
    }
}

/* Reads all files through the table's buffer, whose head is not needed. */
static kz_status find_indices(kz_table *t, indices *x)
{
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < t->n_files; i++) {
        kz_bytes *b = t->file[i].bytes;
        int64_t got = t->buffer_room;
        x->index = -1;
        x->comment = false;
        x->label = true;
        KZ_TRY(b->seek(b, 0));
        while (got == t->buffer_room) {
            KZ_TRY(kz_import_stopped(t->o));
            KZ_TRY(b->read(b, t->buffer, t->buffer_room, &got));
            see_indices(x, t->eol, t->buffer, got);
        }
    }
done:
    return st;
}

static kz_status libsvm_open(kz_table *t, const char *head, int64_t n, bool whole)
{
    indices x = {.least = INT64_MAX, .most = -1};
    const char *name = t->file[0].bytes->name;
    char text[24];
    kz_status st = KZ_OK;
    (void)head, (void)n, (void)whole;
    KZ_TRY(find_indices(t, &x));
    t->first_index = t->o->zero_based || x.least == 0 ? 0 : 1;
    int64_t features = x.most - t->first_index + 1;
    if (t->o->features > 0 && features > t->o->features)
        return KZ_FAIL(KZ_E_DATA, "%s: holds index %lld, but --features says that there are %lld from %lld on", name,
                       (long long)x.most, (long long)t->o->features, (long long)t->first_index);
    if (features < t->o->features) features = t->o->features;
    if (features < 1) return KZ_FAIL(KZ_E_DATA, "%s: holds no index:value pair; is it a LIBSVM file?", name);
    int64_t most = t->memory / BYTES_PER_FEATURE < MOST_FEATURES ? t->memory / BYTES_PER_FEATURE : MOST_FEATURES;
    if (features > most)
        return KZ_FAIL(KZ_E_DATA, "%s: has %lld features; rows are stored dense, for which %lld are the most%s", name,
                       (long long)features, (long long)most, most < MOST_FEATURES ? " with this --memory" : "");
    t->fields = features + 1;
    t->target_first = true;
    KZ_TRY(kz_calloc(&t->field_name, t->fields, sizeof *t->field_name, "column names"));
    KZ_TRY(kz_strdup(&t->field_name[0], "label"));
    for (int64_t i = 1; i < t->fields; i++) {
        snprintf(text, sizeof text, "%lld", (long long)(i - 1 + t->first_index));
        KZ_TRY(kz_strdup(&t->field_name[i], text));
    }
    KZ_TRY(kz_columns_make(t));
done:
    return st;
}

/* ---- rows ---- */

/* A row may be a few bytes and thousands of cells: pieces are cut by both. */
static int64_t libsvm_cut(const kz_table *t, const char *s, int64_t n)
{
    const char *at = s, *end = s + n;
    int64_t rows = PIECE_CELLS / t->n_columns;
    if (rows < 1) rows = 1;
    for (; rows > 0 && at - s < KZ_PIECE_BYTES; rows--) {
        const char *next = at < end ? memchr(at, t->eol, (size_t)(end - at)) : NULL;
        if (!next) break;
        at = next + 1;
    }
    return at - s;
}

static bool is_blank(const kz_table *t, char c)
{
    return c == ' ' || c == '\t' || (c == '\r' && t->eol != '\r');
}

/* The number at s, which must end at a blank, a comment or the end of the line. */
static const char *number_at(const kz_table *t, kz_piece *p, const char *s, const char *end, int64_t column,
                             double *out)
{
    int digits = 0;
    double v;
    const char *q = kz_number_read(s, end, t->point, &v, &digits);
    if (!q || !(is_blank(t, *q) || *q == t->eol || *q == '#')) return NULL;
    if (column < 0) return q;
    kz_seen *seen = &p->seen[column];
    *out = v;
    if (digits > seen->digits) seen->digits = digits;
    return isfinite(v) ? q : NULL;
}

static void bad_word(const kz_table *t, kz_piece *p, int64_t line, const char *what, const char *s)
{
    int n = 0;
    while (n < 40 && !is_blank(t, s[n]) && s[n] != t->eol) n++;
    if (n >= 4 && memcmp(s, "qid:", 4) == 0)
        kz_piece_fail(p, line,
                      "holds a query number (qid), as ranking has them; that task is not supported: remove the "
                      "qid words to train on the labels alone");
    else kz_piece_fail(p, line, "'%.*s' is %s", n, s, what);
}

static const char *parse_row(const kz_table *t, kz_piece *p, const char *s, const char *end, int64_t line, double *row)
{
    int64_t last = -1;
    const char *q = number_at(t, p, s, end, t->column_of[0], &row[t->column_of[0]]);
    if (!q) {
        bad_word(t, p, line, "no label: one number is wanted", s);
        return NULL;
    }
    for (s = q; *s != t->eol;) {
        if (is_blank(t, *s)) {
            s++;
            continue;
        }
        if (*s == '#') return memchr(s, t->eol, (size_t)(end - s));
        int64_t index = 0;
        const char *digits = s;
        while (*s >= '0' && *s <= '9' && s - digits < 12) index = index * 10 + (*s++ - '0');
        int64_t field = index - t->first_index + 1;
        if (s == digits || *s != ':') {
            bad_word(t, p, line, "no index:value pair", digits);
            return NULL;
        }
        if (field < 1 || field >= t->fields || index <= last) {
            bad_word(t, p, line,
                     index <= last ? "out of order: indices ascend, each once" : "beyond the indices there are",
                     digits);
            return NULL;
        }
        last = index;
        int64_t column = t->column_of[field];
        q = number_at(t, p, s + 1, end, column, column < 0 ? row : &row[column]);
        if (!q) {
            bad_word(t, p, line, "no index:value pair with a finite number", digits);
            return NULL;
        }
        s = q;
    }
    return s;
}

static void libsvm_parse(const kz_table *t, kz_piece *p)
{
    const char *s = p->s, *end = s + p->n;
    double *row;
    for (; s < end; s++, p->lines++) {
        while (is_blank(t, *s)) s++;
        if (*s == t->eol) continue;
        if (*s == '#') {
            s = memchr(s, t->eol, (size_t)(end - s));
            continue;
        }
        if (!kz_piece_row(p, t->n_columns, &row)) return;
        memset(row, 0, (size_t)t->n_columns * sizeof *row);
        s = parse_row(t, p, s, end, p->lines, row);
        if (!s) return;
        p->rows++;
    }
}

static kz_status libsvm_again(kz_table *t, const char *name, const char *head, int64_t n, int64_t *skip)
{
    (void)t, (void)name, (void)head, (void)n;
    *skip = 0;
    return KZ_OK;
}

const kz_table_format kz_format_libsvm = {libsvm_open, libsvm_cut, libsvm_parse, libsvm_again};
