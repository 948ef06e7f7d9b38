/* stats_impl.h — private to stats: checked samples, ranks, and order statistics of sums. */
#ifndef KZ_STATS_IMPL_H
#define KZ_STATS_IMPL_H

#include "kz/stats.h"

/* ---- samples (sample.c) ---- */

/* n >= 1 and no NaN, else KZ_E_FAIL; `what` names the sample. */
kz_status kz_stats_check(const double *x, int64_t n, const char *what);
kz_status kz_stats_check_inside(double x, const char *what); /* 0 < x < 1, else KZ_E_ARG */

/* A copy of scale * x in ascending order, checked; -0 as +0.  *out is yours to kz_free. */
kz_status kz_stats_sorted(double **out, const double *x, int64_t n, double scale, const char *what);

/* a + b, and 0 for two infinities of opposite sign: does not fall in either. */
double kz_stats_add(double a, double b);
double kz_stats_quantile_sorted(const double *x, int64_t n, double q);

/* twice[i] = twice the rank (from 1) of x[i], equal values sharing the mean of theirs: an integer.
 * *ties = sum of t^3 - t over groups of t equal values. */
kz_status kz_stats_ranks(int64_t *twice, double *ties, const double *x, int64_t n);
/* Divides integers by 2 if all are even; returns by how many steps 1 is then counted, 2 or 1. */
int64_t kz_stats_halve(int64_t *twice, int64_t n);

/* ---- tests (sample.c) ---- */

/* p-values from probability[s], s = 0 .. total, of a statistic that came out as s; all of them sum to `sum`. */
void kz_stats_tails(kz_stats_test *test, const double *probability, int64_t total, int64_t s, double sum);
/* p-values from a normal approximation, corrected for continuity by `step` / 2. */
void kz_stats_tails_normal(kz_stats_test *test, double mean, double variance, double step);
/* Most k with 1 - 2 P(statistic <= k - 1) >= confidence, and that probability *p; k = 0 if there is none. */
int64_t kz_stats_critical(double *p, const double *probability, int64_t total, double sum, double confidence);
int64_t kz_stats_critical_normal(double *p, double mean, double variance, double confidence);

/* ---- sums of a value of each of two sorted samples (pair_sums.c) ---- */

typedef struct {
    const double *a, *b; /* ascending, n and m values */
    int64_t n, m;
    bool walsh; /* a = b halved values of one sample: each pair i <= j once */
} kz_stats_sums;

int64_t kz_stats_sums_count(const kz_stats_sums *sums);
double kz_stats_sums_at(const kz_stats_sums *sums, int64_t k); /* the k-th smallest, k from 1 */
double kz_stats_sums_median(const kz_stats_sums *sums);
/* estimate, low and high: the median and the k-th from both ends. */
void kz_stats_sums_interval(kz_stats_interval *out, const kz_stats_sums *sums, int64_t k);

#endif
