/* Two samples that are not paired: the rank-sum test, the shift between them, drift of a series. */
#include "stats/stats_impl.h"

#include <math.h>

/* counts[s] = in how many ways k of the n weights sum to s, s = 0 .. total.  *out is the caller's to free.  Additions of
 * positive numbers alone: relative error below n 2^-53. */
static kz_status subset_sums(double **out, int64_t *total, const int64_t *weights, int64_t n, int64_t k)
{
    double *counts = NULL;
    int64_t width, sum = 0;
    kz_status st = KZ_OK;
    *total = 0;
    for (int64_t i = 0; i < n; i++) *total += weights[i];
    width = *total + 1;
    KZ_TRY(kz_calloc(&counts, (k + 1) * width, sizeof *counts, "rank-sum distribution"));
    counts[0] = 1;
    for (int64_t i = 0; i < n; i++) {
        int64_t w = weights[i];
        for (int64_t c = i < k ? i + 1 : k; c >= 1; c--) { /* c of the first i + 1; a row needs the old one before it */
            double *row = counts + c * width + w;
            const double *before = counts + (c - 1) * width;
            for (int64_t s = 0; s <= sum; s++) row[s] += before[s];
        }
        sum += w;
    }
    for (int64_t s = 0; s < width; s++) counts[s] = counts[k * width + s];
    *out = counts;
    counts = NULL;
done:
    kz_free(&counts);
    return st;
}

static double sum_of(const double *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i];
    return sum;
}

/* twice: doubled ranks of x, then of y; the smaller sample is the subset whose rank sum is looked at. */
static kz_status exact_rank_sum(kz_stats_test *test, int64_t *twice, int64_t n, int64_t m)
{
    double *counts = NULL;
    int64_t total, observed = 0, first = m <= n ? n : 0, k = m <= n ? m : n;
    kz_status st = KZ_OK;
    kz_stats_halve(twice, n + m);
    for (int64_t i = first; i < first + k; i++) observed += twice[i];
    KZ_TRY(subset_sums(&counts, &total, twice, n + m, k));
    kz_stats_tails(test, counts, total, observed, sum_of(counts, total + 1));
    if (m > n) { /* x's sum is large where y's is small */
        double greater = test->greater;
        test->greater = test->less;
        test->less = greater;
    }
done:
    kz_free(&counts);
    return st;
}

kz_status kz_stats_rank_sum(kz_stats_test *out, const double *x, int64_t n, const double *y, int64_t m)
{
    kz_stats_test test = {.n = n + m};
    double *both = NULL, ties;
    int64_t *twice = NULL, of_y = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check(x, n, "rank-sum test, first sample"));
    KZ_TRY(kz_stats_check(y, m, "rank-sum test, second sample"));
    KZ_TRY(kz_calloc(&both, n + m, sizeof *both, "rank-sum test"));
    KZ_TRY(kz_calloc(&twice, n + m, sizeof *twice, "rank-sum test"));
    for (int64_t i = 0; i < n; i++) both[i] = x[i];
    for (int64_t i = 0; i < m; i++) both[n + i] = y[i];
    KZ_TRY(kz_stats_ranks(twice, &ties, both, n + m));
    for (int64_t i = n; i < n + m; i++) of_y += twice[i];
    test.statistic = 0.5 * (double)(of_y - m * (m + 1));
    if (n + m <= KZ_STATS_EXACT_BOTH) {
        KZ_TRY(exact_rank_sum(&test, twice, n, m));
    } else {
        double pairs = (double)n * (double)m, all = (double)(n + m);
        kz_stats_tails_normal(&test, pairs / 2, pairs / 12 * ((all + 1) - ties / (all * (all - 1))), 1);
    }
    *out = test;
done:
    kz_free(&both);
    kz_free(&twice);
    return st;
}

/* k such that the k-th difference from either end bounds the interval: U + k (k + 1) / 2 is a rank sum. */
static kz_status shift_critical(int64_t *critical, double *p, int64_t n, int64_t m, double confidence)
{
    double *counts = NULL, pairs = (double)n * (double)m;
    int64_t *ranks = NULL, total, k = n < m ? n : m, least = k * (k + 1) / 2;
    kz_status st = KZ_OK;
    if (n + m > KZ_STATS_EXACT_BOTH) {
        *critical = kz_stats_critical_normal(p, pairs / 2, pairs / 12 * (double)(n + m + 1), confidence);
        return KZ_OK;
    }
    KZ_TRY(kz_calloc(&ranks, n + m, sizeof *ranks, "shift interval"));
    for (int64_t i = 0; i < n + m; i++) ranks[i] = i + 1;
    KZ_TRY(subset_sums(&counts, &total, ranks, n + m, k));
    *critical = kz_stats_critical(p, counts + least, total - least, sum_of(counts, total + 1), confidence);
done:
    kz_free(&ranks);
    kz_free(&counts);
    return st;
}

kz_status kz_stats_shift_interval(kz_stats_interval *out, const double *x, int64_t n, const double *y, int64_t m,
                                  double confidence)
{
    double *minus_x = NULL, *sorted_y = NULL, p;
    int64_t k;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check_inside(confidence, "confidence of an interval"));
    KZ_TRY(kz_stats_sorted(&minus_x, x, n, -1, "shift, first sample"));
    KZ_TRY(kz_stats_sorted(&sorted_y, y, m, 1, "shift, second sample"));
    KZ_TRY(shift_critical(&k, &p, n, m, confidence));
    if (k < 1) {
        st = KZ_FAIL(KZ_E_FAIL, "shift interval: %lld and %lld values are too few for confidence %g", (long long)n,
                     (long long)m, confidence);
        goto done;
    }
    kz_stats_sums sums = {.a = minus_x, .b = sorted_y, .n = n, .m = m};
    kz_stats_sums_interval(out, &sums, k);
    out->attained = 1 - 2 * p;
    out->exact = n + m <= KZ_STATS_EXACT_BOTH;
done:
    kz_free(&minus_x);
    kz_free(&sorted_y);
    return st;
}

kz_status kz_stats_drift(kz_stats_test *test, kz_stats_interval *shift, const double *x, int64_t n, double confidence)
{
    int64_t half = n / 2;
    kz_stats_test moved;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check(x, n, "drift of a series"));
    KZ_TRY(kz_stats_rank_sum(&moved, x, half, x + (n - half), half));
    KZ_TRY(kz_stats_shift_interval(shift, x, half, x + (n - half), half, confidence));
    *test = moved;
done:
    return st;
}
