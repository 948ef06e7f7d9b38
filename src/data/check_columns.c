/* Features side by side: columns gathered from the rows, as many at a time as memory allows, and measured by a team. */
#include "data/check_impl.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { MOST_PASSES = 8 };           /* over the file, before rows are sampled instead */
static const double SOME = 1 << 30; /* bytes that are taken without asking whether less would do */

typedef struct {
    kz_check_run *run;
    const kz_columns_job *job;
    kz_feature_table *out;
    kz_feature_input in;
    int64_t stride, group; /* rows and columns at a time */
    double *values[KZ_SPLITS];
    double *rank;
    int32_t *label;
    kz_feature_scratch *scratch; /* (threads) */
    int threads;
    _Atomic int next;       /* scratch that is free */
    int64_t first, columns; /* the group at hand */
    int reading;            /* which of the sources */
} columns_work;

static const kz_checked_split *split_of(const kz_columns_job *job, int k)
{
    return &job->source[k]->split[job->split[k]];
}

/* ---- which rows ---- */

/* With a stride s one row of every s is used, and which of them is drawn from the number of the s rows, so that no
 * pattern in the order of the rows can hide from it. */
static int64_t sampled_rows(int64_t rows, int64_t stride)
{
    return (rows + stride - 1) / stride;
}

static bool is_sampled(int64_t row, int64_t rows, int64_t stride)
{
    int64_t window = row / stride, size = rows - window * stride < stride ? rows - window * stride : stride;
    return stride == 1 || row % stride == (int64_t)(kz_check_mix((uint64_t)window) % (uint64_t)size);
}

/* Bytes for one column of every source, and for all that does not depend on columns. */
static double column_bytes(const kz_columns_job *job, int64_t stride)
{
    double rows = 0;
    for (int k = 0; k < KZ_SPLITS; k++)
        if (job->there[k]) rows += (double)sampled_rows(split_of(job, k)->rows, stride);
    return rows * sizeof(double);
}

static double scratch_bytes(const columns_work *w, int64_t stride)
{
    double rows = 0;
    for (int k = 0; k < KZ_SPLITS; k++)
        if (w->job->there[k]) rows = fmax(rows, (double)sampled_rows(split_of(w->job, k)->rows, stride));
    return rows * (56.0 * w->threads + 12 + 8.0 * (double)w->job->source[0]->targets);
}

static kz_status choose_rows(columns_work *w)
{
    double allowed = (double)w->run->options->memory / 2, columns = (double)w->out->n;
    for (w->stride = 1;; w->stride *= 2) {
        double room = allowed - scratch_bytes(w, w->stride), each = column_bytes(w->job, w->stride);
        double at_once = floor(fmin(room, SOME) / each);
        if (at_once * MOST_PASSES < columns) at_once = floor(room / each);
        if (at_once >= 1 && at_once * MOST_PASSES >= columns) {
            w->group = (int64_t)fmin(at_once, columns);
            w->out->stride = w->stride;
            return KZ_OK;
        }
        if (w->stride > (int64_t)1 << 32)
            return KZ_FAIL(KZ_E_DATA, "%s: its features need more memory than --memory allows; raise --memory",
                           w->job->source[0]->path);
    }
}

/* ---- gathering ---- */

static void take_columns(void *context, int64_t row, const double *values, const int64_t *rest)
{
    columns_work *w = context;
    int k = w->reading;
    (void)rest;
    if (!is_sampled(row, split_of(w->job, k)->rows, w->stride)) return;
    double *out = w->values[k] + row / w->stride;
    int64_t rows = w->in.split[k].rows;
    for (int64_t j = 0; j < w->columns; j++) out[j * rows] = values[w->first + j];
}

static kz_status take_targets(columns_work *w)
{
    const kz_checked *c = w->job->source[0];
    const kz_checked_split *s = split_of(w->job, 0);
    int64_t n = w->in.split[0].rows;
    double *column = w->scratch[0].other;
    kz_status st = KZ_OK;
    if (!w->job->alone) return KZ_OK;
    if (c->classification) KZ_TRY(kz_calloc(&w->label, n, sizeof *w->label, "labels"));
    else KZ_TRY(kz_calloc(&w->rank, n, (size_t)c->targets * sizeof *w->rank, "ranks"));
    for (int64_t t = 0; t < c->targets; t++) {
        for (int64_t i = 0; i < s->rows; i++) {
            if (!is_sampled(i, s->rows, w->stride)) continue;
            if (w->label) w->label[i / w->stride] = s->label[i];
            else column[i / w->stride] = s->target[i * c->targets + t];
        }
        if (w->rank) kz_mean_ranks(w->rank + t * n, column, n, &w->scratch[0].sorter, w->scratch[0].base);
    }
    w->in.label = w->label;
    w->in.rank = w->rank;
    w->in.classes = c->classes;
    w->in.targets = c->targets;
done:
    return st;
}

static kz_status prepare(columns_work *w)
{
    int64_t most = 0;
    kz_status st = KZ_OK;
    for (int k = 0; k < KZ_SPLITS; k++) {
        if (!w->job->there[k]) continue;
        int64_t rows = sampled_rows(split_of(w->job, k)->rows, w->stride);
        KZ_TRY(kz_calloc(&w->values[k], w->group, (size_t)rows * sizeof(double), "features"));
        w->in.split[k] = (kz_columns){rows, w->values[k]};
        if (rows > most) most = rows;
    }
    if (most > UINT32_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: has more rows than can be sorted; lower --memory, so that they are sampled",
                       w->job->source[0]->path);
    KZ_TRY(kz_calloc(&w->scratch, w->threads, sizeof *w->scratch, "features"));
    for (int i = 0; i < w->threads; i++)
        KZ_TRY(kz_feature_scratch_create(&w->scratch[i], most, w->job->source[0]->classes));
    KZ_TRY(take_targets(w));
done:
    return st;
}

/* ---- measuring ---- */

static void measure(void *context, int64_t begin, int64_t end)
{
    columns_work *w = context;
    kz_feature_scratch *s = &w->scratch[atomic_fetch_add(&w->next, 1)]; /* a team asks once per thread at most */
    for (int64_t j = begin; j < end; j++) kz_feature_measure(&w->out->feature[w->first + j], &w->in, j, s);
}

static kz_status measure_group(columns_work *w)
{
    kz_status st = KZ_OK;
    for (int k = 0; k < KZ_SPLITS; k++) {
        if (!w->job->there[k]) continue;
        w->reading = k;
        KZ_TRY(kz_check_read(w->run, w->job->source[k]->file, &split_of(w->job, k)->x, NULL, take_columns, w));
    }
    w->next = 0;
    kz_team_run(w->run->team, w->columns, 1, measure, w);
done:
    return st;
}

kz_status kz_check_columns(kz_check_run *run, const kz_columns_job *job, kz_feature_table *out)
{
    columns_work w = {.run = run, .job = job, .out = out, .threads = kz_team_threads(run->team)};
    kz_status st = KZ_OK;
    out->n = job->source[0]->features;
    KZ_TRY(kz_calloc(&out->feature, out->n, sizeof *out->feature, "features"));
    KZ_TRY(choose_rows(&w));
    KZ_TRY(prepare(&w));
    for (w.first = 0; w.first < out->n; w.first += w.columns) {
        w.columns = out->n - w.first < w.group ? out->n - w.first : w.group;
        KZ_TRY(measure_group(&w));
    }
done:
    for (int k = 0; k < KZ_SPLITS; k++) kz_free(&w.values[k]);
    for (int i = 0; w.scratch && i < w.threads; i++) kz_feature_scratch_free(&w.scratch[i]);
    kz_free(&w.scratch);
    kz_free(&w.rank);
    kz_free(&w.label);
    return st;
}

void kz_feature_table_free(kz_feature_table *t)
{
    kz_free(&t->feature);
}
