/* The first pass over a table: what every column holds. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

/* ---- one piece ---- */

/* Least, most, and whether something is no whole number or no binary32, over all columns at once: rows of cells lie
 * together, so that the inner loop becomes vectors.  NaN passes every comparison by. */
void kz_look_ranges(const kz_table *t, kz_piece *p)
{
    const int64_t n = t->n_columns;
    double *restrict least = p->ranges, *restrict most = least + n, *restrict fraction = most + n,
                     *restrict inexact = fraction + n, *restrict missing = inexact + n;
    for (int64_t c = 0; c < n; c++) {
        least[c] = INFINITY;
        most[c] = -INFINITY;
        fraction[c] = inexact[c] = missing[c] = 0;
    }
    for (int64_t i = 0; i < p->rows; i++) {
        const double *restrict row = p->cells + i * n;
        for (int64_t c = 0; c < n; c++) {
            double v = row[c], a = fabs(v), whole = (a + 0x1p52) - 0x1p52;
            double rest = a < 0x1p52 ? a - whole : 0, error = (double)(float)v - v;
            least[c] = v < least[c] ? v : least[c];
            most[c] = v > most[c] ? v : most[c];
            fraction[c] = rest != 0 ? 1 : fraction[c];
            inexact[c] = error < 0 || error > 0 ? 1 : inexact[c];
            missing[c] += v == v ? 0.0 : 1.0;
        }
    }
    for (int64_t c = 0; c < n; c++) {
        kz_seen *s = &p->seen[c];
        s->least = least[c];
        s->most = most[c];
        s->fraction = fraction[c] > 0;
        s->inexact = inexact[c] > 0;
        s->missing = (int64_t)missing[c];
    }
}

static void merge_seen(kz_seen *all, const kz_seen *s, const char *name, int64_t line)
{
    if (s->least < all->least) all->least = s->least;
    if (s->most > all->most) all->most = s->most;
    if (s->digits > all->digits) all->digits = s->digits;
    all->fraction |= s->fraction;
    all->inexact |= s->inexact;
    all->missing += s->missing;
    if (s->infinite && !all->infinite) {
        all->infinite_line = line + s->infinite_line;
        all->infinite_in = name;
        memcpy(all->infinite_text, s->infinite_text, KZ_SAMPLE);
    }
    all->infinite += s->infinite;
    if (!s->odd_line || all->odd_line) return;
    all->odd_line = line + s->odd_line;
    all->odd_in = name;
    memcpy(all->odd, s->odd, KZ_SAMPLE);
}

static kz_status merge_words(kz_table *t, const kz_piece *p, const char *name, int64_t line)
{
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < p->n_novel; i++) {
        const kz_novel *w = &p->novel[i];
        kz_column *c = &t->column[w->cell % t->n_columns];
        int64_t number = 0, before = c->words.n;
        if (!c->too_many) KZ_TRY(kz_words_add(&c->words, p->words.s + w->at, w->n, &number));
        if (c->words.n == 1 && number == 0 && !c->words_line) {
            c->words_line = line + w->line + 1;
            c->words_in = name;
        }
        if (c->words.n > before) t->word_bytes += KZ_WORD_BYTES + 3 * w->n;
        if (t->word_bytes > t->memory / 2)
            return KZ_FAIL(KZ_E_DATA,
                           "%s: line %lld: the different texts of all columns take more than --memory leaves room for, "
                           "and column %s has more of them; leave such columns out with --drop '%s', or raise --memory",
                           name, (long long)(line + w->line + 1), c->name, c->name);
        if (c->words.n > KZ_MOST_WORDS) c->too_many = true;
        p->cells[w->cell] = (double)number;
    }
done:
    return st;
}

kz_status kz_look_merge(kz_table *t, kz_piece *p, const char *name, int64_t line)
{
    for (int64_t c = 0; c < t->n_columns; c++) {
        merge_seen(&t->column[c].seen, &p->seen[c], name, line);
        if (!t->column[c].seen.odd_line) continue;
        t->kinds_only = true;
        kz_look_drop(t);
    }
    return t->kinds_only ? KZ_OK : merge_words(t, p, name, line);
}

/* ---- cells kept in memory ---- */

void kz_look_drop(kz_table *t)
{
    for (int64_t i = 0; i < t->n_kept; i++) kz_piece_free(&t->kept[i]);
    t->n_kept = t->kept_bytes = 0;
    t->caching = t->cached = false;
}

kz_status kz_look_keep(kz_table *t, kz_piece *p)
{
    kz_piece *more = NULL;
    kz_status st = KZ_OK;
    int64_t bytes = p->room * t->n_columns * (int64_t)sizeof(double) + (int64_t)sizeof *p;
    if (t->kept_bytes + bytes > t->kept_most) {
        kz_look_drop(t);
        return KZ_OK;
    }
    if (t->n_kept == t->kept_room) {
        int64_t room = t->kept_room ? 2 * t->kept_room : 8;
        KZ_TRY(kz_calloc(&more, room, sizeof *more, "cells of a table"));
        if (t->n_kept) memcpy(more, t->kept, (size_t)t->n_kept * sizeof *more);
        kz_free(&t->kept);
        t->kept = more;
        t->kept_room = room;
    }
    t->kept[t->n_kept++] = (kz_piece){.cells = p->cells, .rows = p->rows, .room = p->room};
    t->kept_bytes += bytes;
    p->cells = NULL;
    p->rows = p->room = 0;
done:
    return st;
}

/* ---- words of whole-number targets ---- */

static void number_text(char out[32], double v)
{
    snprintf(out, 32, "%lld", (long long)v);
}

static bool whole(double v)
{
    return fabs(v) <= 0x1p53 && v == (double)(int64_t)v;
}

int64_t kz_target_word(const kz_column *c, double v)
{
    char text[32];
    if (c->text) return (int64_t)v;
    number_text(text, v);
    return kz_words_find(&c->words, text, (int64_t)strlen(text));
}

static kz_status add_target(kz_column *c, double v, int64_t count)
{
    char text[32];
    int64_t number;
    number_text(text, v);
    kz_status st = kz_words_add(&c->words, text, (int64_t)strlen(text), &number);
    if (st == KZ_OK) c->words.count[number] += count;
    if (c->words.n > KZ_MOST_WORDS) c->too_many = true;
    return st;
}

static kz_status count_target(kz_column *c, const kz_piece *p, int64_t column, int64_t columns)
{
    const int half = KZ_SMALL / 2;
    kz_status st = KZ_OK;
    if (c->seen.fraction || c->too_many) return KZ_OK;
    for (int64_t i = 0; i < p->rows; i++) {
        double v = p->cells[i * columns + column];
        if (v >= -half && v < half && v == (double)(int64_t)v) c->small[(int64_t)v + half]++;
        else if (whole(v) && !c->too_many) KZ_TRY(add_target(c, v, 1));
    }
done:
    return st;
}

/* ---- the pass ---- */

static kz_status look_block(void *context, kz_block *b)
{
    kz_table *t = context;
    kz_status st = KZ_OK;
    if (t->kinds_only) return KZ_OK;
    for (int64_t k = 0; k < b->n; k++) {
        const kz_piece *p = &b->piece[k];
        t->rows += p->rows;
        for (int64_t c = 0; c < t->n_columns; c++) {
            kz_column *column = &t->column[c];
            if (!column->text) {
                if (column->role == KZ_ROLE_TARGET) KZ_TRY(count_target(column, p, c, t->n_columns));
                continue;
            }
            int64_t *count = column->words.count;
            for (int64_t i = 0; i < p->rows && count && !column->too_many; i++) {
                double v = p->cells[i * t->n_columns + c];
                if (v >= 0) count[(int64_t)v]++;
            }
        }
    }
done:
    return st;
}

static kz_status reset(kz_table *t)
{
    kz_status st = KZ_OK;
    t->rows = t->word_bytes = 0;
    t->kinds_only = false;
    kz_look_drop(t);
    t->caching = t->kept_most > 0 && !t->one_block;
    for (int64_t c = 0; c < t->n_columns; c++) {
        kz_column *column = &t->column[c];
        kz_seen *s = &column->seen;
        /* what showed that a column holds text is kept for messages */
        kz_seen fresh = {.least = INFINITY, .most = -INFINITY, .odd_in = s->odd_in};
        memcpy(fresh.odd, s->odd, KZ_SAMPLE);
        if (column->text && s->odd_line) column->words_line = s->odd_line, column->words_in = s->odd_in;
        *s = fresh;
        kz_words_free(&column->words);
        column->too_many = false;
        kz_free(&column->small);
        if (column->role == KZ_ROLE_TARGET)
            KZ_TRY(kz_calloc(&column->small, KZ_SMALL, sizeof *column->small, "target"));
    }
done:
    return st;
}

static kz_status pass(kz_table *t, bool one_block)
{
    kz_status st = KZ_OK;
    t->one_block = one_block;
    KZ_TRY(reset(t));
    KZ_TRY(kz_table_scan(t, "reading", look_block, t));
    for (int64_t c = 0; c < t->n_columns; c++)
        if (t->column[c].seen.odd_line) t->column[c].text = true;
done:
    t->one_block = false;
    return st;
}

/* The first block says which columns hold text; if a later one shows more of them, the pass is made again. */
kz_status kz_table_look(kz_table *t)
{
    kz_status st = KZ_OK;
    t->looking = true;
    KZ_TRY(pass(t, true));
    do KZ_TRY(pass(t, false));
    while (t->kinds_only);
    t->cached = t->caching;
    t->looking = t->caching = false;
    for (int64_t c = 0; c < t->n_columns; c++) {
        kz_column *column = &t->column[c];
        for (int64_t i = 0; column->small && i < KZ_SMALL; i++)
            if (column->small[i] && !column->text)
                KZ_TRY(add_target(column, (double)i - 0.5 * KZ_SMALL, column->small[i]));
        if (column->text || column->role == KZ_ROLE_TARGET) KZ_TRY(kz_words_sort(&column->words));
    }
    if (t->rows == 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: holds no rows%s", t->file[0].bytes->name, t->header ? " below its header" : "");
done:
    return st;
}
