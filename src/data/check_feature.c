/* One feature: its distribution, its drift, and what it tells about the target by itself. */
#include "data/check_impl.h"

#include <math.h>
#include <string.h>

kz_status kz_feature_scratch_create(kz_feature_scratch *s, int64_t rows, int64_t classes)
{
    kz_status st = KZ_OK;
    *s = (kz_feature_scratch){.base = NULL};
    KZ_TRY(kz_sorter_create(&s->sorter, rows));
    KZ_TRY(kz_calloc(&s->base, rows, sizeof *s->base, "a feature"));
    KZ_TRY(kz_calloc(&s->other, rows, sizeof *s->other, "a feature"));
    KZ_TRY(kz_calloc(&s->group, rows, sizeof *s->group, "a feature"));
    KZ_TRY(kz_calloc(&s->group_label, rows, sizeof *s->group_label, "a feature"));
    KZ_TRY(kz_calloc(&s->tally, classes, sizeof *s->tally, "classes"));
done:
    return st;
}

void kz_feature_scratch_free(kz_feature_scratch *s)
{
    kz_sorter_free(&s->sorter);
    kz_free(&s->base);
    kz_free(&s->other);
    kz_free(&s->group);
    kz_free(&s->group_label);
    kz_free(&s->tally);
}

/* ---- distribution ---- */

static void describe(kz_feature *out, const double *x, int64_t n)
{
    out->rows = n;
    out->low = out->high = out->median = out->p1 = out->p99 = NAN;
    if (n == 0) return;
    out->low = x[0];
    out->high = x[n - 1];
    out->median = x[(n - 1) / 2];
    out->p1 = x[(n - 1) / 100];
    out->p99 = x[n - 1 - (n - 1) / 100];
    out->distinct = out->distinct32 = 1;
    for (int64_t i = 1; i < n; i++) {
        out->distinct += x[i] != x[i - 1];
        out->distinct32 += (float)x[i] != (float)x[i - 1];
    }
}

/* Bins of equal width over the middle 98 of 100 values of the base, or over all where these are one. */
static void set_bins(kz_feature *out)
{
    bool middle = out->p99 > out->p1;
    out->from = middle ? out->p1 : out->low;
    out->to = middle ? out->p99 : out->high;
}

static void fill_histogram(const kz_feature *f, uint32_t count[KZ_HISTOGRAM], const double *x, int64_t n)
{
    double width = (f->to - f->from) / KZ_HISTOGRAM;
    for (int64_t i = 0; i < n; i++) {
        double at = width > 0 && isfinite(width) ? (x[i] - f->from) / width : x[i] > f->to ? KZ_HISTOGRAM : 0;
        count[at < 0 ? 0 : at < KZ_HISTOGRAM ? (int)at : KZ_HISTOGRAM - 1]++;
    }
}

static void compare(kz_feature_drift *out, const double *base, int64_t n, const double *other, int64_t m)
{
    double edge[KZ_PSI_BINS];
    int64_t a[KZ_PSI_BINS], b[KZ_PSI_BINS];
    *out = (kz_feature_drift){m, 0, 1, 0, 1};
    if (n == 0 || m == 0) return;
    int edges = kz_psi_edges(base, n, edge);
    kz_psi_counts(base, n, edge, edges, a);
    kz_psi_counts(other, m, edge, edges, b);
    out->psi = kz_psi(a, b, edges + 1, &out->psi_p);
    out->ks = kz_ks_statistic(base, n, other, m);
    out->ks_p = kz_ks_p(out->ks, n, m);
}

/* ---- the target by the value alone ---- */

/* Rows of one half (of even or of odd number) as groups of equal value, each with its commonest label; s->sorter holds
 * the order of all.  Returns how many groups. */
static int64_t group_half(kz_feature_scratch *s, const int32_t *label, int64_t n, uint32_t odd)
{
    const uint32_t *row = s->sorter.index;
    int64_t groups = 0;
    for (int64_t i = 0, end; i < n; i = end) {
        int32_t best = -1;
        for (end = i; end < n && s->base[end] == s->base[i]; end++) {
            int32_t k = label[row[end]];
            if (row[end] % 2 != odd || k < 0) continue;
            int64_t votes = ++s->tally[k];
            if (best < 0 || votes > s->tally[best] || (votes == s->tally[best] && k < best)) best = k;
        }
        for (int64_t j = i; j < end; j++)
            if (label[row[j]] >= 0) s->tally[label[row[j]]] = 0;
        if (best < 0) continue;
        s->group[groups] = s->base[i];
        s->group_label[groups++] = best;
    }
    return groups;
}

/* How many rows of the other half have the label of the nearest group; of two as near, the lower. */
static int64_t predict_half(const kz_feature_scratch *s, const int32_t *label, int64_t n, uint32_t odd, int64_t groups)
{
    const uint32_t *row = s->sorter.index;
    int64_t right = 0;
    for (int64_t i = 0, g = 0; groups > 0 && i < n; i++) {
        if (row[i] % 2 == odd || label[row[i]] < 0) continue;
        while (g + 1 < groups && fabs(s->group[g + 1] - s->base[i]) < fabs(s->group[g] - s->base[i])) g++;
        right += s->group_label[g] == label[row[i]];
    }
    return right;
}

static void predict_class(kz_feature *out, kz_feature_scratch *s, const kz_feature_input *in, int64_t n)
{
    int64_t used = 0, most = 0, right = 0;
    for (int64_t i = 0; i < n; i++)
        if (in->label[s->sorter.index[i]] >= 0) {
            int64_t votes = ++s->tally[in->label[s->sorter.index[i]]];
            if (votes > most) most = votes;
            used++;
        }
    memset(s->tally, 0, (size_t)in->classes * sizeof *s->tally);
    if (used == 0 || most == used) return;
    for (uint32_t odd = 0; odd < 2; odd++) {
        int64_t groups = group_half(s, in->label, n, odd);
        right += predict_half(s, in->label, n, odd, groups);
    }
    out->accuracy = (double)right / (double)used;
    out->alone = 1 - (double)(used - right) / (double)(used - most);
}

/* out[i] <- rank of the i-th of n ascending values: equal ones share their mean. */
static void rank_sorted(double *out, const double *x, int64_t n)
{
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && x[end] == x[i];) end++;
        for (int64_t j = i; j < end; j++) out[j] = 0.5 * (double)(i + end + 1);
    }
}

void kz_mean_ranks(double *rank, const double *x, int64_t n, kz_sorter *s, double *sorted)
{
    int64_t m = kz_sort_values(s, x, n, sorted);
    for (int64_t i = 0; i < n; i++) rank[i] = NAN; /* of what is not finite */
    for (int64_t i = 0, end; i < m; i = end) {
        for (end = i; end < m && sorted[end] == sorted[i];) end++;
        for (int64_t j = i; j < end; j++) rank[s->index[j]] = 0.5 * (double)(i + end + 1);
    }
}

/* Spearman's: the correlation of the ranks. */
static double correlation(const double *rank, const uint32_t *row, const double *y, int64_t n)
{
    double mean = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(y[row[i]])) continue;
        mean += rank[i];
        mean_y += y[row[i]];
        m++;
    }
    if (m < 2) return 0;
    mean /= (double)m;
    mean_y /= (double)m;
    for (int64_t i = 0; i < n; i++) {
        if (isnan(y[row[i]])) continue;
        double a = rank[i] - mean, b = y[row[i]] - mean_y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void predict_value(kz_feature *out, kz_feature_scratch *s, const kz_feature_input *in, int64_t n)
{
    rank_sorted(s->other, s->base, n);
    out->alone = 0;
    for (int64_t t = 0; t < in->targets; t++) {
        double rho = correlation(s->other, s->sorter.index, in->rank + t * in->split[0].rows, n);
        if (fabs(rho) > fabs(out->alone)) out->alone = rho;
    }
}

/* ---- the whole ---- */

void kz_feature_measure(kz_feature *out, const kz_feature_input *in, int64_t column, kz_feature_scratch *s)
{
    const kz_columns *base = &in->split[0];
    int64_t n = kz_sort_values(&s->sorter, base->values + column * base->rows, base->rows, s->base);
    *out = (kz_feature){.alone = NAN, .accuracy = NAN};
    describe(out, s->base, n);
    set_bins(out);
    if (n > 0) fill_histogram(out, out->histogram[0], s->base, n);
    if (out->distinct > 1 && in->label) predict_class(out, s, in, n);
    if (out->distinct > 1 && in->rank) predict_value(out, s, in, n);
    for (int k = 1; k < KZ_SPLITS; k++) {
        const kz_columns *other = &in->split[k];
        if (other->rows == 0) continue;
        int64_t m = kz_sort_values(&s->sorter, other->values + column * other->rows, other->rows, s->other);
        compare(&out->other[k], s->base, n, s->other, m);
        if (n > 0) fill_histogram(out, out->histogram[k], s->other, m);
    }
}
