/* Paired samples: log-ratios, Hodges-Lehmann, Wilcoxon's signed ranks, and how many pairs are needed. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"

kz_status kz_stats_log_ratios(double *out, const double *a, const double *b, int64_t n)
{
    const double infinity = (double)INFINITY;
    if (n < 0) return KZ_FAIL(KZ_E_ARG, "log-ratios: %lld pairs", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        double ratio = b[i] / a[i];
        if (!(a[i] > 0 && a[i] < infinity && b[i] > 0 && b[i] < infinity && ratio > 0 && ratio < infinity))
            return KZ_FAIL(KZ_E_FAIL, "log-ratios: pair %lld is %g and %g, must be positive and finite",
                           (long long)i + 1, a[i], b[i]);
    }
    for (int64_t i = 0; i < n; i++) out[i] = kz_log_f64(b[i] / a[i]);
    return KZ_OK;
}

/* Averages of pairs are sums of halved values; halved is a sorted copy, the caller's to free. */
static kz_status walsh_averages(kz_stats_sums *sums, double **halved, const double *d, int64_t n)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_sorted(halved, d, n, 0.5, "paired sample"));
    *sums = (kz_stats_sums){.a = *halved, .b = *halved, .n = n, .m = n, .walsh = true};
done:
    return st;
}

kz_status kz_stats_hodges_lehmann(double *out, const double *d, int64_t n)
{
    kz_stats_sums sums;
    double *halved = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(walsh_averages(&sums, &halved, d, n));
    *out = kz_stats_sums_median(&sums);
done:
    kz_free(&halved);
    return st;
}

/* probability[s] = P(S = s), s = 0 .. total, S the sum of those of n weights that a fair coin picks.  Each weight halves
 * and adds, so the relative error stays below n 2^-53.  *out is the caller's to free. */
static kz_status coin_sums(double **out, int64_t *total, const int64_t *weights, int64_t n)
{
    double *probability = NULL;
    int64_t sum = 0;
    kz_status st = KZ_OK;
    *total = 0;
    for (int64_t i = 0; i < n; i++) *total += weights[i];
    KZ_TRY(kz_calloc(&probability, *total + 1, sizeof *probability, "signed-rank distribution"));
    probability[0] = 1;
    for (int64_t i = 0; i < n; i++) {
        int64_t w = weights[i];
        sum += w;
        for (int64_t s = sum; s >= w; s--) probability[s] = 0.5 * probability[s] + 0.5 * probability[s - w];
        for (int64_t s = 0; s < w; s++) probability[s] *= 0.5;
    }
    *out = probability;
done:
    return st;
}

/* Exact tails over all signs of the doubled ranks, of which `positive` is the sum over the positive ones. */
static kz_status exact_signed_rank(kz_stats_test *test, int64_t *twice, int64_t n, int64_t positive)
{
    double *probability = NULL;
    int64_t total, step = kz_stats_halve(twice, n);
    kz_status st = KZ_OK;
    KZ_TRY(coin_sums(&probability, &total, twice, n));
    kz_stats_tails(test, probability, total, step == 1 ? positive / 2 : positive, 1);
done:
    kz_free(&probability);
    return st;
}

kz_status kz_stats_signed_rank(kz_stats_test *out, const double *d, int64_t n, double margin)
{
    kz_stats_test test = {0};
    double *size = NULL, ties;
    int64_t *twice = NULL, *sign = NULL, positive = 0;
    kz_status st = KZ_OK;
    if (!(margin > -(double)INFINITY && margin < (double)INFINITY))
        return KZ_FAIL(KZ_E_ARG, "signed-rank test: margin %g", margin);
    KZ_TRY(kz_stats_check(d, n, "signed-rank test"));
    KZ_TRY(kz_calloc(&size, n, sizeof *size, "signed-rank test"));
    KZ_TRY(kz_calloc(&sign, n, sizeof *sign, "signed-rank test"));
    KZ_TRY(kz_calloc(&twice, n, sizeof *twice, "signed-rank test"));
    for (int64_t i = 0; i < n; i++) {
        double above = d[i] - margin;
        test.zeros += above == 0;
        if (above == 0) continue;
        sign[test.n] = above > 0;
        size[test.n++] = above > 0 ? above : -above;
    }
    KZ_TRY(kz_stats_ranks(twice, &ties, size, test.n));
    for (int64_t i = 0; i < test.n; i++) positive += sign[i] * twice[i];
    test.statistic = 0.5 * (double)positive;
    if (test.n <= KZ_STATS_EXACT_PAIRS) {
        KZ_TRY(exact_signed_rank(&test, twice, test.n, positive));
    } else {
        double k = (double)test.n;
        kz_stats_tails_normal(&test, k * (k + 1) / 4, k * (k + 1) * (2 * k + 1) / 24 - ties / 48, 1);
    }
    *out = test;
done:
    kz_free(&size);
    kz_free(&sign);
    kz_free(&twice);
    return st;
}

/* k such that the k-th average from either end bounds the interval. */
static kz_status walsh_critical(int64_t *k, double *p, int64_t n, double confidence)
{
    double *probability = NULL;
    int64_t *ranks = NULL, total;
    kz_status st = KZ_OK;
    if (n > KZ_STATS_EXACT_PAIRS) {
        double pairs = (double)n;
        *k = kz_stats_critical_normal(p, pairs * (pairs + 1) / 4, pairs * (pairs + 1) * (2 * pairs + 1) / 24,
                                      confidence);
        return KZ_OK;
    }
    KZ_TRY(kz_calloc(&ranks, n, sizeof *ranks, "signed-rank interval"));
    for (int64_t i = 0; i < n; i++) ranks[i] = i + 1;
    KZ_TRY(coin_sums(&probability, &total, ranks, n));
    *k = kz_stats_critical(p, probability, total, 1, confidence);
done:
    kz_free(&ranks);
    kz_free(&probability);
    return st;
}

kz_status kz_stats_paired_interval(kz_stats_interval *out, const double *d, int64_t n, double confidence)
{
    kz_stats_sums sums;
    double *halved = NULL, p;
    int64_t k;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check_inside(confidence, "confidence of an interval"));
    KZ_TRY(walsh_averages(&sums, &halved, d, n));
    KZ_TRY(walsh_critical(&k, &p, n, confidence));
    if (k < 1) {
        st = KZ_FAIL(KZ_E_FAIL, "paired interval: %lld pairs, confidence %g needs %lld", (long long)n, confidence,
                     (long long)kz_stats_pairs_least((1 - confidence) / 2));
        goto done;
    }
    kz_stats_sums_interval(out, &sums, k);
    out->attained = 1 - 2 * p;
    out->exact = n <= KZ_STATS_EXACT_PAIRS;
done:
    kz_free(&halved);
    return st;
}

int64_t kz_stats_pairs_least(double alpha)
{
    int64_t n = 0;
    double p = 1;
    while (!(p <= alpha) && p > 0) {
        p *= 0.5;
        n++;
    }
    return n;
}

kz_status kz_stats_pairs_needed(int64_t *out, double spread, double effect, double margin, double alpha, double power)
{
    const double efficiency = 0.95492965855137201; /* 3 / pi: against the mean, of normal values (Pitman) */
    const double most = 0x1p53;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check_inside(alpha, "level of a test"));
    KZ_TRY(kz_stats_check_inside(power, "power of a test"));
    if (!(spread >= 0 && spread < (double)INFINITY)) return KZ_FAIL(KZ_E_ARG, "spread is %g, must be >= 0", spread);
    if (!(effect > margin)) return KZ_FAIL(KZ_E_ARG, "effect %g, must be above the margin %g", effect, margin);
    double z = -kz_normal_quantile_f64(alpha) - kz_normal_quantile_f64(1 - power);
    double ratio = z > 0 ? z * spread / (effect - margin) : 0;
    double pairs = ratio * ratio / efficiency;
    int64_t least = kz_stats_pairs_least(alpha), n = pairs < most ? (int64_t)pairs : (int64_t)most;
    n += (double)n < pairs && pairs < most;
    *out = n > least ? n : least;
done:
    return st;
}
