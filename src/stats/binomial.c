/* The binomial distribution, the interval of Clopper and Pearson, and whether p-values are uniform. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"

/* ln n! - ln(sqrt(2 pi n) (n / e)^n), n >= 1: Stirling's series, or from n! itself where that is an exact double. */
static double stirling_error(int64_t n)
{
    const double half_log_two_pi = 0.91893853320467274178;
    enum { BY_SERIES = 16 };
    double x = (double)n, square = x * x, factorial = 1;
    if (n >= BY_SERIES)
        return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - 1.0 / 1188 / square) / square) / square) / square) /
               x;
    for (int64_t i = 2; i <= n; i++) factorial *= (double)i;
    return kz_log_f64(factorial) - (x + 0.5) * kz_log_f64(x) + x - half_log_two_pi;
}

/* x ln(x / m) + m - x for x, m > 0, without cancellation where x is near m. */
static double deviance(double x, double m)
{
    double v = (x - m) / (x + m), square = v * v;
    if (v < -0.1 || v > 0.1) return x * kz_log_f64(x / m) + m - x;
    double sum = (x - m) * v, power = 2 * x * v * square, last = sum + 1;
    for (int k = 3; sum != last; k += 2) {
        last = sum;
        sum += power / k;
        power *= square;
    }
    return sum;
}

/* n ln(1 - p), with the rounding of 1 - p made good. */
static double log_none(int64_t n, double p)
{
    kz_double_pair q = kz_pair_sum(1.0, -p);
    return (double)n * (kz_log_f64(q.hi) + q.lo / q.hi);
}

/* P(X = k), 0 < p < 1: C. Loader, Fast and accurate computation of binomial probabilities, 2000. */
static double point(int64_t k, int64_t n, double p)
{
    const double two_pi = 6.2831853071795864769;
    if (k == 0) return kz_exp_f64(log_none(n, p));
    if (k == n) return kz_exp_f64((double)n * kz_log_f64(p));
    double hits = (double)k, misses = (double)(n - k), all = (double)n;
    double exponent = stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(hits, all * p) -
                      deviance(misses, all * (1 - p));
    return kz_exp_f64(exponent) * sqrt(all / (two_pi * hits * misses));
}

/* P(X >= k) for k above the mean, or with p and k - > n - k exchanged (odds inverted) P(X <= k) below it: the terms
 * fall from `first` on, so their sum stops where they no longer count. */
static double tail(double first, int64_t hits, int64_t misses, double odds)
{
    double sum = first, term = first;
    for (; misses > 0 && term > sum * 0x1p-60; hits++, misses--) {
        term *= (double)misses / (double)(hits + 1) * odds;
        sum += term;
    }
    return sum < 1 ? sum : 1;
}

static double at_least(int64_t k, int64_t n, double p);

static double at_most(int64_t k, int64_t n, double p)
{
    if (k < 0 || k >= n) return k >= n;
    if (!(p > 0 && p < 1)) return p <= 0;
    if ((double)k > (double)n * p) return 1 - at_least(k + 1, n, p);
    return tail(point(k, n, p), n - k, k, (1 - p) / p);
}

static double at_least(int64_t k, int64_t n, double p)
{
    if (k <= 0 || k > n) return k <= 0;
    if (!(p > 0 && p < 1)) return p >= 1;
    if ((double)k <= (double)n * p) return 1 - at_most(k - 1, n, p);
    return tail(point(k, n, p), k, n - k, p / (1 - p));
}

static kz_status check_trials(int64_t n, double p)
{
    if (n < 1) return KZ_FAIL(KZ_E_FAIL, "binomial distribution: %lld trials", (long long)n);
    if (!(p >= 0 && p <= 1)) return KZ_FAIL(KZ_E_ARG, "binomial distribution: probability %g", p);
    return KZ_OK;
}

kz_status kz_stats_at_least(double *out, int64_t k, int64_t n, double p)
{
    kz_status st = KZ_OK;
    KZ_TRY(check_trials(n, p));
    *out = at_least(k, n, p);
done:
    return st;
}

kz_status kz_stats_at_most(double *out, int64_t k, int64_t n, double p)
{
    kz_status st = KZ_OK;
    KZ_TRY(check_trials(n, p));
    *out = at_most(k, n, p);
done:
    return st;
}

/* The p at which `tail_of(k, n, p)` crosses alpha, by halving the binary64 numbers of [0, 1]; it rises with p or falls. */
static double crossing(double (*tail_of)(int64_t, int64_t, double), bool rises, int64_t k, int64_t n, double alpha)
{
    uint64_t low = 0, high = kz_bits_f64(1.0);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if ((tail_of(k, n, kz_double_of_bits(middle)) >= alpha) == rises) high = middle;
        else low = middle + 1;
    }
    return kz_double_of_bits(low);
}

kz_status kz_stats_share(kz_stats_interval *out, int64_t k, int64_t n, double confidence)
{
    double alpha = (1 - confidence) / 2;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check_inside(confidence, "confidence of an interval"));
    if (n < 1) return KZ_FAIL(KZ_E_FAIL, "share: no trials");
    if (k < 0 || k > n) return KZ_FAIL(KZ_E_ARG, "share: %lld of %lld", (long long)k, (long long)n);
    out->estimate = (double)k / (double)n;
    out->low = k > 0 ? crossing(at_least, true, k, n, alpha) : 0;
    out->high = k < n ? crossing(at_most, false, k, n, alpha) : 1;
    out->attained = confidence;
    out->exact = true;
done:
    return st;
}

kz_status kz_stats_uniform(double *excess, double *chance, const double *p, int64_t n)
{
    double *sorted = NULL, most = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_sorted(&sorted, p, n, 1, "p-values"));
    if (sorted[0] < 0 || sorted[n - 1] > 1) {
        st = KZ_FAIL(KZ_E_ARG, "p-values: from %g to %g, must be in [0, 1]", sorted[0], sorted[n - 1]);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        double above = (double)(i + 1) / (double)n - sorted[i];
        most = above > most ? above : most;
    }
    *excess = most;
    *chance = kz_exp_f64(-2 * (double)n * most * most);
done:
    kz_free(&sorted);
    return st;
}
