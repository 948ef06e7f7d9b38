/* kz/stats.h — estimates and tests for measurements: what bench, gate and compare decide by.  docs/statistics.md says
 * which is used for what, and why.
 *
 * A sample is an array of n binary64 values in the caller's unit, borrowed and left as it is; estimates are in the same
 * unit.  p-values, levels and shares lie in [0, 1].  Everything is a fixed sequence of operations without libm, so the
 * same sample gives the same bits on every machine; random signs are Philox's and depend on the seed alone.
 *
 * An infinity is a value like others for everything that works by order and ranks; two of opposite sign add up to 0.
 * NaN never is.  Failures: KZ_E_FAIL where the sample cannot give the answer (no value, a NaN, too few for the level:
 * "could not measure"), KZ_E_ARG for an argument that no caller should pass, KZ_E_MEM; *out is then untouched. */
#ifndef KZ_STATS_H
#define KZ_STATS_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KZ_STATS_EXACT_PAIRS = 200, /* signed ranks: exact up to so many pairs, else a normal approximation */
    KZ_STATS_EXACT_BOTH = 100,  /* rank sums: likewise, both samples together */
    KZ_STATS_EXACT_FLIPS = 20,  /* sign flips: all 2^n up to so many pairs, else a random choice of them */
    KZ_STATS_FLIP_PAIRS = 2000, /* sign flips: most pairs */
};

/* ---- one sample ---- */

/* The quantile of order q in [0, 1], linear between order statistics (Hyndman and Fan 1996, type 7); infinite where one
 * of its two neighbours is. */
kz_status kz_stats_quantile(double *out, const double *x, int64_t n, double q);
kz_status kz_stats_median(double *out, const double *x, int64_t n);
/* Spread that a minority of wild values cannot move: the median of |x - median|, times 1.4826 so that it estimates the
 * standard deviation of a normal distribution.  Fails also where it is infinite. */
kz_status kz_stats_spread(double *out, const double *x, int64_t n);

/* ---- tests and intervals: what they give ---- */

typedef struct {
    double statistic; /* see the test */
    double greater;   /* p-value against "the true location is at most the margin" */
    double less;      /* p-value against "the true location is at least the margin" */
    double two_sided; /* twice the smaller, at most 1 */
    int64_t n;        /* observations that count */
    int64_t zeros;    /* pairs left out as they do not differ from the margin */
    int64_t flips;    /* kz_stats_sign_flip alone: patterns of signs looked at */
    bool exact;       /* by the whole distribution, not approximated or sampled */
} kz_stats_test;

typedef struct {
    double estimate;  /* Hodges-Lehmann */
    double low, high; /* closed interval; either end alone is a one-sided bound of confidence (1 + confidence) / 2 */
    double attained;  /* its confidence, at least what was asked for (where not exact, by the normal approximation) */
    bool exact;       /* by the whole distribution */
} kz_stats_interval;

/* ---- paired samples: d[i] = ln(b[i] / a[i]) or b[i] - a[i] ---- */

/* out[i] = ln(b[i] / a[i]).  Fails: KZ_E_FAIL where one is not positive and finite. */
kz_status kz_stats_log_ratios(double *out, const double *a, const double *b, int64_t n);

/* The median of the n (n + 1) / 2 averages (d[i] + d[j]) / 2, i <= j (Hodges and Lehmann 1963).  Time O(n log n). */
kz_status kz_stats_hodges_lehmann(double *out, const double *d, int64_t n);

/* The same with the interval of at least `confidence` that the signed-rank test gives: its ends are averages as well.
 * Holds for any distribution symmetric about its centre.  Fails: KZ_E_FAIL where even the whole range is too little. */
kz_status kz_stats_paired_interval(kz_stats_interval *out, const double *d, int64_t n, double confidence);

/* Wilcoxon's signed-rank test of d against the margin.  Statistic: the sum of the ranks of |d - margin| where
 * d > margin; equal ones share the mean of their ranks, those equal to the margin are left out.  Exact also with ties:
 * the distribution over all 2^n signs of the ranks as they are. */
kz_status kz_stats_signed_rank(kz_stats_test *out, const double *d, int64_t n, double margin);

/* Fisher's sign-flip test of d against the margin: how many of the 2^n ways to sign d - margin have a sum at least (or
 * at most) as large as the true signs.  Statistic: the mean of d - margin.  Sums are exact: values are first rounded to
 * multiples of 2^-51 of the power of two below the largest.  With more than KZ_STATS_EXACT_FLIPS pairs `flips` patterns
 * are drawn by `seed`, and p = (hits + 1) / (flips + 1).  Finite values only; n <= KZ_STATS_FLIP_PAIRS. */
kz_status kz_stats_sign_flip(kz_stats_test *out, const double *d, int64_t n, double margin, int64_t flips,
                             uint64_t seed);

/* Fewest pairs whose signed-rank or sign-flip test can reach the one-sided level alpha: least n with 2^-n <= alpha. */
int64_t kz_stats_pairs_least(double alpha);

/* Pairs with which the signed-rank test at one-sided level alpha finds a true centre of `effect` against `margin` with
 * probability `power`, for values of standard deviation `spread` (normal approximation; efficiency 3 / pi); never
 * fewer than kz_stats_pairs_least.  Fails: KZ_E_ARG unless effect > margin. */
kz_status kz_stats_pairs_needed(int64_t *out, double spread, double effect, double margin, double alpha, double power);

/* ---- two samples that are not paired ---- */

/* The test of Mann, Whitney and Wilcoxon.  Statistic: U, the pairs (i, j) with y[j] > x[i], a tie counting one half.
 * `greater` is small where y is the larger.  Exact also with ties. */
kz_status kz_stats_rank_sum(kz_stats_test *out, const double *x, int64_t n, const double *y, int64_t m);
/* How much larger y is than x: the median of the n m differences y[j] - x[i], with the interval of that test. */
kz_status kz_stats_shift_interval(kz_stats_interval *out, const double *x, int64_t n, const double *y, int64_t m,
                                  double confidence);
/* Whether a series in order of time moved: its second half against its first (an odd middle value left out). */
kz_status kz_stats_drift(kz_stats_test *test, kz_stats_interval *shift, const double *x, int64_t n, double confidence);

/* ---- several tests at once ---- */

/* out[i] = p[i], adjusted: rejecting where out[i] <= alpha errs at all with probability alpha at most (Holm 1979). */
kz_status kz_stats_holm(double *out, const double *p, int64_t m);
/* Likewise for the expected share of errors among the rejected, of independent tests (Benjamini and Hochberg 1995). */
kz_status kz_stats_false_discovery(double *out, const double *p, int64_t m);

/* How much of alpha has been spent at the share t of the planned sample. */
typedef enum {
    KZ_SPEND_EQUALLY,        /* alpha k / n at look k of n */
    KZ_SPEND_POCOCK,         /* alpha ln(1 + (e - 1) t): early and late looks nearly alike */
    KZ_SPEND_OBRIEN_FLEMING, /* 2 - 2 Phi(z / sqrt t), z the 1 - alpha / 2 quantile of Phi: hardly anything early */
} kz_stats_spending;

/* The level at which to test at each of `looks` looks, sizes[] ascending and the last one the planned sample: what is
 * spent since the look before (Lan and DeMets 1983).  They sum to alpha, so that whatever depends on what, some look
 * errs with probability alpha at most. */
kz_status kz_stats_spend(double *levels, kz_stats_spending how, double alpha, const int64_t *sizes, int64_t looks);

/* ---- shares ---- */

/* P(X >= k) and P(X <= k), X binomial of n trials with probability p in [0, 1]; relative error below 1e-12. */
kz_status kz_stats_at_least(double *out, int64_t k, int64_t n, double p);
kz_status kz_stats_at_most(double *out, int64_t k, int64_t n, double p);
/* The interval of Clopper and Pearson (1934) for the probability, k of n seen. */
kz_status kz_stats_share(kz_stats_interval *out, int64_t k, int64_t n, double confidence);

/* Whether n independent p-values are as they must be, P(p <= t) <= t: *excess is the most by which the share of values
 * <= t exceeds t, *chance = exp(-2 n excess^2) bounds the probability of that much where it is at most 1/2 (Smirnov
 * 1944, Massart 1990); above it nothing is odd. */
kz_status kz_stats_uniform(double *excess, double *chance, const double *p, int64_t n);

/* ---- quality of trainings, paired by seed ---- */

typedef enum { KZ_BY_DIFFERENCE, KZ_BY_RATIO } kz_stats_pairing; /* d = b - a, or ln(b / a) of positive values */

typedef struct {
    int64_t n;                    /* pairs that count: all but those where both are infinite */
    int64_t lost_a, lost_b, both; /* infinite in a alone, in b alone, in both */
    kz_stats_interval d;          /* centre of d */
    double not_worse;             /* p-value against "b is worse by the margin or more": small shows b good enough */
    double worse;                 /* p-value against "b is worse by the margin at most": small shows b worse */
    double too_good;              /* p-value against "b is better by the margin at most": small wants an explanation */
} kz_stats_quality;

/* Compares losses a[n] and b[n] (or times, or steps, to a target), smaller being better, pair i of one seed.  A run that
 * diverged or never reached the target is +infinity and counts as worse than every other.  margin >= 0 in units of d.
 * Fails also where fewer pairs are left than the interval needs. */
kz_status kz_stats_compare_quality(kz_stats_quality *out, const double *a, const double *b, int64_t n,
                                   kz_stats_pairing pairing, double margin, double confidence);

/* The margin of losses: the larger of share * |median| and spreads * kz_stats_spread of the losses a of the baseline. */
kz_status kz_stats_quality_margin(double *out, const double *a, int64_t n, double share, double spreads);

typedef struct {
    int64_t reached;         /* finite ones */
    kz_stats_interval share; /* of runs that reach the target */
    double median;           /* time or steps; infinite where half never do */
} kz_stats_reached;

/* Sums up times (or steps) to a target, all runs under one limit; +infinity: not reached within it. */
kz_status kz_stats_time_to_target(kz_stats_reached *out, const double *times, int64_t n, double confidence);

/* ---- the normal distribution ---- */

double kz_stats_normal_upper(double z); /* P(Z >= z), relative error below 1e-12 */

#ifdef __cplusplus
}
#endif
#endif
