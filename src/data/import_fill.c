/* What stands for missing values: mean, median or mode of the column, over the rows of train alone, so that nothing of
 * the test rows enters the training. */
#include "data/import_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DISTINCT = 1 << 20, FEW_ROWS = 4096, KEY_BITS = 64 };

/* A sum with its lost parts (Neumaier 1974): the same for any cutting of the rows, since these are added in order. */
typedef struct {
    double sum, lost;
    int64_t n;
} total;

/* The k-th smallest number of a column, found a digit at a time from the top of its order-preserving key. */
typedef struct {
    uint64_t prefix;
    int64_t rank;   /* among the numbers that have the prefix */
    int64_t *count; /* (2^digit_bits) */
} selection;

typedef struct {
    kz_table *t;
    kz_splitter *s;
    total *mean;            /* (columns) */
    selection (*median)[2]; /* (columns): the lower and the upper middle */
    int digit, digit_bits;  /* 16 bits; 8 for few rows, whose tables should not be larger than they are */
    kz_words *mode;         /* (columns): of numbers, by their bytes; of words their counts */
} filler;

static bool needs(const kz_column *c, kz_fill fill)
{
    return c->seen.missing > 0 && c->role == KZ_ROLE_FEATURE && c->fill == fill;
}

static void add(total *t, double v)
{
    double sum = t->sum + v;
    t->lost += fabs(t->sum) >= fabs(v) ? (t->sum - sum) + v : (v - sum) + t->sum;
    t->sum = sum;
    t->n++;
}

/* Unsigned numbers in the order of the binary64 that they stand for. */
static uint64_t key_of(double v)
{
    uint64_t bits;
    v += 0.0; /* -0 is 0 */
    memcpy(&bits, &v, sizeof bits);
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static double number_of(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~(1ull << 63) : ~key;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void count_key(const filler *f, selection *m, uint64_t key)
{
    int shift = KEY_BITS - f->digit_bits * (f->digit + 1);
    if (f->digit > 0 && key >> (shift + f->digit_bits) != m->prefix) return;
    m->count[key >> shift & ((1u << f->digit_bits) - 1)]++;
}

static kz_status count_mode(kz_column *c, kz_words *words, double v)
{
    int64_t word;
    kz_status st = KZ_OK;
    if (words->n > MOST_DISTINCT)
        return KZ_FAIL(KZ_E_DATA,
                       "column %s has over %d distinct numbers, too many to find the most frequent; say "
                       "--missing-action '%s=median'",
                       c->name, MOST_DISTINCT, c->name);
    v += 0.0;
    KZ_TRY(kz_words_add(words, (const char *)&v, sizeof v, &word));
    words->count[word]++;
done:
    return st;
}

static kz_status fill_block(void *context, kz_block *b)
{
    filler *f = context;
    int64_t n = f->t->n_columns;
    kz_status st = KZ_OK;
    KZ_TRY(kz_splitter_block(f->s, b));
    for (int64_t c = 0; c < n; c++) {
        kz_column *column = &f->t->column[c];
        bool mean = needs(column, KZ_FILL_MEAN) && f->digit == 0, median = needs(column, KZ_FILL_MEDIAN),
             mode = needs(column, KZ_FILL_MODE) && f->digit == 0;
        for (int64_t k = 0; (mean || median || mode) && k < b->n; k++)
            for (int64_t i = 0; i < b->piece[k].rows; i++) {
                double v = b->piece[k].cells[i * n + c];
                if (b->piece[k].fate[i] != KZ_FATE_TRAIN || v != v) continue;
                if (f->digit == 0) f->mean[c].n++;
                if (mean) f->mean[c].n--, add(&f->mean[c], v);
                if (mode) KZ_TRY(count_mode(column, &f->mode[c], v));
                for (int m = 0; m < 2 && median; m++) count_key(f, &f->median[c][m], key_of(v));
            }
    }
done:
    return st;
}

/* The digit that the rank falls into becomes part of the prefix. */
static void narrow(selection *m, int digit_bits)
{
    int64_t digit = 0;
    while (m->rank >= m->count[digit]) m->rank -= m->count[digit++];
    m->prefix = m->prefix << digit_bits | (uint64_t)digit;
    memset(m->count, 0, sizeof *m->count << digit_bits);
}

/* Of equally frequent ones the smallest number, or the first word in order. */
static double most_frequent(const kz_column *c, const kz_words *w)
{
    double best = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < w->n; i++) {
        double v;
        memcpy(&v, kz_words_text(w, i), sizeof v);
        bool before = c->text ? c->words.rank[(int64_t)v] < c->words.rank[(int64_t)best] : v < best;
        if (w->count[i] < count || (w->count[i] == count && !before)) continue;
        best = v;
        count = w->count[i];
    }
    return best;
}

static kz_status make(filler *f)
{
    int64_t n = f->t->n_columns;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&f->mean, n, sizeof *f->mean, "columns"));
    KZ_TRY(kz_calloc(&f->median, n, sizeof *f->median, "columns"));
    KZ_TRY(kz_calloc(&f->mode, n, sizeof *f->mode, "columns"));
    for (int64_t c = 0; c < n; c++)
        for (int m = 0; m < 2 && needs(&f->t->column[c], KZ_FILL_MEDIAN); m++)
            KZ_TRY(kz_calloc(&f->median[c][m].count, (int64_t)1 << f->digit_bits, sizeof(int64_t), "medians"));
done:
    return st;
}

static kz_status pass(filler *f)
{
    kz_splitter_begin(f->s);
    kz_status st = kz_table_scan(f->t, "filling in", fill_block, f);
    for (int64_t c = 0; st == KZ_OK && c < f->t->n_columns; c++) {
        selection *m = f->median[c];
        int64_t n = f->mean[c].n;
        if (!needs(&f->t->column[c], KZ_FILL_MEDIAN) || n == 0) continue;
        if (f->digit == 0) m[0].rank = (n - 1) / 2, m[1].rank = n / 2;
        narrow(&m[0], f->digit_bits);
        narrow(&m[1], f->digit_bits);
    }
    return st;
}

static kz_status finish(filler *f)
{
    for (int64_t i = 0; i < f->t->n_columns; i++) {
        kz_column *c = &f->t->column[i];
        const total *sum = &f->mean[i];
        if (!(needs(c, KZ_FILL_MEAN) || needs(c, KZ_FILL_MEDIAN) || needs(c, KZ_FILL_MODE))) continue;
        if (sum->n == 0)
            return KZ_FAIL(KZ_E_DATA,
                           "column %s has no value in the rows of train, so there is nothing to fill in; leave "
                           "it out with --drop '%s'",
                           c->name, c->name);
        if (c->fill == KZ_FILL_MEAN) c->value = (sum->sum + sum->lost) / (double)sum->n;
        if (c->fill == KZ_FILL_MEDIAN) {
            double low = number_of(f->median[i][0].prefix), high = number_of(f->median[i][1].prefix);
            c->value = low == high ? low : low / 2 + high / 2;
        }
        if (c->fill == KZ_FILL_MODE) c->value = most_frequent(c, &f->mode[i]);
        if (!isfinite(c->value))
            return KZ_FAIL(KZ_E_DATA,
                           "column %s: the mean of its numbers is too large; say --missing-action '%s=median'", c->name,
                           c->name);
    }
    return KZ_OK;
}

kz_status kz_fill_find(kz_table *t, kz_splitter *s)
{
    filler f = {.t = t, .s = s, .digit_bits = t->rows <= FEW_ROWS ? 8 : 16};
    bool any = false, medians = false;
    kz_status st = KZ_OK;
    for (int64_t c = 0; c < t->n_columns; c++) {
        medians = medians || needs(&t->column[c], KZ_FILL_MEDIAN);
        any = any || medians || needs(&t->column[c], KZ_FILL_MEAN) || needs(&t->column[c], KZ_FILL_MODE);
    }
    if (!any) return KZ_OK;
    KZ_TRY(make(&f));
    for (f.digit = 0; f.digit < (medians ? KEY_BITS / f.digit_bits : 1); f.digit++) KZ_TRY(pass(&f));
    KZ_TRY(finish(&f));
done:
    for (int64_t c = 0; f.median && c < t->n_columns; c++)
        for (int m = 0; m < 2; m++) kz_free(&f.median[c][m].count);
    for (int64_t c = 0; f.mode && c < t->n_columns; c++) kz_words_free(&f.mode[c]);
    kz_free(&f.mean);
    kz_free(&f.median);
    kz_free(&f.mode);
    return st;
}
