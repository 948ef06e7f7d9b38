/* Which rows are of train, of valid and of test. */
#include "data/import_impl.h"
#include "kernels/arith/philox.h"

#include <math.h>
#include <string.h>

enum { FOR_TEST = 5 }; /* a purpose of its own: the same seed draws other rows for valid */

bool kz_draw(uint64_t seed, int64_t row, int64_t left, int64_t wanted)
{
    uint64_t bits = kz_random_u64(kz_stream_of(seed, FOR_TEST, 0, 0), (uint64_t)row);
    return kz_scale_u64(bits, (uint64_t)left) < (uint64_t)wanted;
}

/* ---- one row ---- */

static bool is_dropped(const kz_table *t, const double *row)
{
    for (int64_t c = 0; c < t->n_columns; c++)
        if (t->column[c].fill == KZ_FILL_DROP && row[c] != row[c]) return true;
    return false;
}

static int64_t stratum_of(const kz_splitter *s, const double *row)
{
    return s->by < 0 ? 0 : kz_target_word(&s->t->column[s->by], row[s->by]);
}

static kz_fate fate_of(kz_splitter *s, const double *row, bool test)
{
    if (is_dropped(s->t, row)) return KZ_FATE_DROP;
    if (test) return KZ_FATE_TEST;
    if (s->split >= 0) return (kz_fate)s->split_of_word[(int64_t)row[s->split]];
    if (!(s->fraction > 0)) return KZ_FATE_TRAIN;
    int64_t i = stratum_of(s, row);
    bool drawn = kz_draw(s->seed, s->row++, s->left[i]--, s->wanted[i]);
    s->wanted[i] -= drawn;
    return drawn ? KZ_FATE_TEST : KZ_FATE_TRAIN;
}

void kz_splitter_begin(kz_splitter *s)
{
    s->row = 0;
    for (int64_t i = 0; i < s->strata; i++) {
        s->left[i] = s->all[i];
        s->wanted[i] = s->chosen[i];
    }
}

kz_status kz_splitter_block(kz_splitter *s, kz_block *b)
{
    kz_status st = KZ_OK;
    for (int64_t k = 0; k < b->n; k++) {
        kz_piece *p = &b->piece[k];
        if (p->fate_room < p->rows) {
            kz_free(&p->fate);
            KZ_TRY(kz_calloc(&p->fate, p->rows, 1, "splits of rows"));
            p->fate_room = p->rows;
        }
        for (int64_t i = 0; i < p->rows; i++) p->fate[i] = (uint8_t)fate_of(s, p->cells + i * s->t->n_columns, b->test);
    }
done:
    return st;
}

/* ---- counting ---- */

static kz_status count_block(void *context, kz_block *b)
{
    kz_splitter *s = context;
    for (int64_t k = 0; k < b->n; k++) {
        const kz_piece *p = &b->piece[k];
        for (int64_t i = 0; i < p->rows; i++) {
            const double *row = p->cells + i * s->t->n_columns;
            if (is_dropped(s->t, row)) s->dropped++;
            else if (b->test) s->rows[KZ_FATE_TEST]++;
            else if (s->split >= 0) s->rows[s->split_of_word[(int64_t)row[s->split]]]++;
            else s->all[stratum_of(s, row)]++;
        }
    }
    return KZ_OK;
}

/* "train", "val", ... -> the split; -1: none of them. */
static int split_named(const char *word)
{
    static const struct {
        const char *word;
        int split;
    } known[] = {{"train", KZ_FATE_TRAIN}, {"training", KZ_FATE_TRAIN},   {"valid", KZ_FATE_VALID},
                 {"val", KZ_FATE_VALID},   {"validation", KZ_FATE_VALID}, {"dev", KZ_FATE_VALID},
                 {"test", KZ_FATE_TEST},   {"testing", KZ_FATE_TEST}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].word, word) == 0) return known[i].split;
    return -1;
}

static kz_status read_split_column(kz_splitter *s)
{
    kz_column *c = &s->t->column[s->split];
    kz_status st = KZ_OK;
    if (c->seen.missing)
        return KZ_FAIL(KZ_E_DATA, "%s: the split column %s is empty in %lld rows; each must say train, valid or test",
                       s->t->file[0].bytes->name, c->name, (long long)c->seen.missing);
    KZ_TRY(kz_calloc(&s->split_of_word, c->words.n, 1, "splits of rows"));
    for (int64_t i = 0; i < c->words.n; i++) {
        int split = split_named(kz_words_text(&c->words, i));
        if (split < 0) {
            st = KZ_FAIL(KZ_E_DATA, "%s: the split column %s holds '%.60s'; it must say train, valid or test",
                         s->t->file[0].bytes->name, c->name, kz_words_text(&c->words, i));
            goto done;
        }
        s->split_of_word[i] = (uint8_t)split;
    }
done:
    return st;
}

static kz_status choose(kz_splitter *s)
{
    int64_t rows = 0, chosen = 0;
    for (int64_t i = 0; i < s->strata; i++) {
        s->chosen[i] = (int64_t)floor(s->fraction * (double)s->all[i] + 0.5);
        rows += s->all[i];
        chosen += s->chosen[i];
    }
    s->rows[KZ_FATE_TRAIN] += rows - chosen;
    s->rows[KZ_FATE_TEST] += chosen;
    if (s->fraction > 0 && (chosen == 0 || chosen == rows))
        return KZ_FAIL(KZ_E_DATA, "%s: --test %g of %lld rows are %lld, which leaves none to %s",
                       s->t->file[0].bytes->name, s->fraction, (long long)rows, (long long)chosen,
                       chosen ? "train on" : "test with");
    if (s->rows[KZ_FATE_TRAIN] == 0)
        return KZ_FAIL(KZ_E_DATA, "%s: no rows are left to train on%s", s->t->file[0].bytes->name,
                       s->dropped ? ": --missing-action drop leaves out the others" : "");
    return KZ_OK;
}

kz_status kz_splitter_make(kz_splitter *s, kz_table *t)
{
    bool counts = false, drops = false;
    kz_status st = KZ_OK;
    *s = (kz_splitter){.t = t, .split = -1, .by = -1, .strata = 1, .fraction = t->o->test, .seed = t->o->seed};
    for (int64_t c = 0; c < t->n_columns; c++) {
        if (t->column[c].role == KZ_ROLE_SPLIT) s->split = c;
        if (t->column[c].role == KZ_ROLE_TARGET && t->o->stratify) s->by = c;
        drops = drops || (t->column[c].fill == KZ_FILL_DROP && t->column[c].seen.missing > 0);
    }
    if (s->split >= 0) KZ_TRY(read_split_column(s));
    if (s->by >= 0) s->strata = t->column[s->by].words.n;
    KZ_TRY(kz_calloc(&s->all, s->strata, sizeof *s->all, "splits of rows"));
    KZ_TRY(kz_calloc(&s->chosen, s->strata, sizeof *s->chosen, "splits of rows"));
    KZ_TRY(kz_calloc(&s->left, s->strata, sizeof *s->left, "splits of rows"));
    KZ_TRY(kz_calloc(&s->wanted, s->strata, sizeof *s->wanted, "splits of rows"));
    counts = drops || s->split >= 0 || s->by >= 0 || t->file[t->n_files - 1].test;
    if (counts) KZ_TRY(kz_table_scan(t, "counting", count_block, s));
    else s->all[0] = t->rows;
    KZ_TRY(choose(s));
done:
    return st;
}

void kz_splitter_free(kz_splitter *s)
{
    kz_free(&s->all);
    kz_free(&s->chosen);
    kz_free(&s->left);
    kz_free(&s->wanted);
    kz_free(&s->split_of_word);
}
