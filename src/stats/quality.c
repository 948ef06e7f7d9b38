/* Quality of trainings, paired by seed, and time to a target; a lost run is worse than every other. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"

/* NaN, -infinity and, for ratios, what is not positive are refused; +infinity is a lost run. */
static kz_status check_losses(const double *x, int64_t n, kz_stats_pairing pairing, const char *what)
{
    double least = pairing == KZ_BY_RATIO ? 0 : -(double)INFINITY;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check(x, n, what));
    for (int64_t i = 0; i < n; i++)
        if (!(x[i] > least))
            return KZ_FAIL(KZ_E_FAIL, "%s: value %lld of %lld is %g, must be above %g", what, (long long)i + 1,
                           (long long)n, x[i], least);
done:
    return st;
}

/* d of the pairs of which at most one run is lost, and the counts. */
static void differences(double *d, kz_stats_quality *q, const double *a, const double *b, int64_t n,
                        kz_stats_pairing pairing)
{
    const double infinity = (double)INFINITY;
    for (int64_t i = 0; i < n; i++) {
        bool lost_a = a[i] == infinity, lost_b = b[i] == infinity;
        q->lost_a += lost_a && !lost_b;
        q->lost_b += lost_b && !lost_a;
        q->both += lost_a && lost_b;
        if (lost_a && lost_b) continue;
        if (lost_a || lost_b) d[q->n++] = lost_b ? infinity : -infinity;
        else d[q->n++] = pairing == KZ_BY_RATIO ? kz_log_f64(b[i]) - kz_log_f64(a[i]) : b[i] - a[i];
    }
}

kz_status kz_stats_compare_quality(kz_stats_quality *out, const double *a, const double *b, int64_t n,
                                   kz_stats_pairing pairing, double margin, double confidence)
{
    kz_stats_quality q = {0};
    kz_stats_test worse, better;
    double *d = NULL;
    kz_status st = KZ_OK;
    if (!(margin >= 0 && margin < (double)INFINITY))
        return KZ_FAIL(KZ_E_ARG, "margin of quality is %g, must be >= 0", margin);
    KZ_TRY(check_losses(a, n, pairing, "losses of the baseline"));
    KZ_TRY(check_losses(b, n, pairing, "losses"));
    KZ_TRY(kz_calloc(&d, n, sizeof *d, "differences of losses"));
    differences(d, &q, a, b, n, pairing);
    if (q.n == 0) {
        st = KZ_FAIL(KZ_E_FAIL, "quality: both runs of all %lld seeds diverged or missed the target", (long long)n);
        goto done;
    }
    KZ_TRY(kz_stats_paired_interval(&q.d, d, q.n, confidence));
    KZ_TRY(kz_stats_signed_rank(&worse, d, q.n, margin));
    KZ_TRY(kz_stats_signed_rank(&better, d, q.n, -margin));
    q.not_worse = worse.less;
    q.worse = worse.greater;
    q.too_good = better.less;
    *out = q;
done:
    kz_free(&d);
    return st;
}

kz_status kz_stats_quality_margin(double *out, const double *a, int64_t n, double share, double spreads)
{
    double median, spread;
    kz_status st = KZ_OK;
    if (!(share >= 0 && share < (double)INFINITY && spreads >= 0 && spreads < (double)INFINITY))
        return KZ_FAIL(KZ_E_ARG, "margin of quality: share %g, spreads %g, must be >= 0", share, spreads);
    KZ_TRY(kz_stats_median(&median, a, n));
    KZ_TRY(kz_stats_spread(&spread, a, n));
    median = share * (median < 0 ? -median : median);
    spread *= spreads;
    *out = median > spread ? median : spread;
done:
    return st;
}

kz_status kz_stats_time_to_target(kz_stats_reached *out, const double *times, int64_t n, double confidence)
{
    kz_stats_reached r = {0};
    kz_status st = KZ_OK;
    KZ_TRY(check_losses(times, n, KZ_BY_DIFFERENCE, "times to the target"));
    for (int64_t i = 0; i < n; i++) r.reached += times[i] < (double)INFINITY;
    KZ_TRY(kz_stats_share(&r.share, r.reached, n, confidence));
    KZ_TRY(kz_stats_median(&r.median, times, n));
    *out = r;
done:
    return st;
}
