/* Several tests at once: adjusted p-values, and levels that are spent over looks at a growing sample. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"

#include <stdlib.h>

typedef struct {
    double p;
    int64_t index;
} numbered;

static int by_p(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    int order = (x->p > y->p) - (x->p < y->p);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static kz_status sorted_p(numbered **out, const double *p, int64_t m, const char *what)
{
    numbered *list = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check(p, m, what));
    for (int64_t i = 0; i < m; i++)
        if (!(p[i] >= 0 && p[i] <= 1))
            return KZ_FAIL(KZ_E_ARG, "%s: p-value %lld is %g, must be in [0, 1]", what, (long long)i + 1, p[i]);
    KZ_TRY(kz_calloc(&list, m, sizeof *list, what));
    for (int64_t i = 0; i < m; i++) list[i] = (numbered){p[i], i};
    qsort(list, (size_t)m, sizeof *list, by_p);
    *out = list;
done:
    return st;
}

/* S. Holm, Scandinavian Journal of Statistics 6, 1979: max over j <= i of (m - j + 1) p_(j). */
kz_status kz_stats_holm(double *out, const double *p, int64_t m)
{
    numbered *list = NULL;
    double highest = 0;
    kz_status st = KZ_OK;
    KZ_TRY(sorted_p(&list, p, m, "Holm's adjustment"));
    for (int64_t i = 0; i < m; i++) {
        double adjusted = (double)(m - i) * list[i].p;
        highest = adjusted > highest ? adjusted : highest;
        out[list[i].index] = highest < 1 ? highest : 1;
    }
done:
    kz_free(&list);
    return st;
}

/* Y. Benjamini, Y. Hochberg, Journal of the Royal Statistical Society B 57, 1995: min over j >= i of m p_(j) / j. */
kz_status kz_stats_false_discovery(double *out, const double *p, int64_t m)
{
    numbered *list = NULL;
    double lowest = 1;
    kz_status st = KZ_OK;
    KZ_TRY(sorted_p(&list, p, m, "false discovery rate"));
    for (int64_t i = m - 1; i >= 0; i--) {
        double adjusted = list[i].p * ((double)m / (double)(i + 1));
        lowest = adjusted < lowest ? adjusted : lowest;
        out[list[i].index] = lowest;
    }
done:
    kz_free(&list);
    return st;
}

/* What is spent of alpha up to the share t of the planned sample, at look k of n. */
static double spent(kz_stats_spending how, double alpha, double t, int64_t k, int64_t n)
{
    const double e = 2.7182818284590452354;
    if (k == n) return alpha;
    if (how == KZ_SPEND_POCOCK) return alpha * kz_log_f64(1 + (e - 1) * t);
    if (how == KZ_SPEND_OBRIEN_FLEMING) return 2 * kz_stats_normal_upper(-kz_normal_quantile_f64(alpha / 2) / sqrt(t));
    return alpha * (double)k / (double)n;
}

kz_status kz_stats_spend(double *levels, kz_stats_spending how, double alpha, const int64_t *sizes, int64_t looks)
{
    double before = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check_inside(alpha, "level to spend"));
    if (looks < 1) return KZ_FAIL(KZ_E_ARG, "level to spend: %lld looks", (long long)looks);
    for (int64_t i = 0; i < looks; i++)
        if (sizes[i] < 1 || (i > 0 && sizes[i] <= sizes[i - 1]))
            return KZ_FAIL(KZ_E_ARG, "look %lld is at %lld pairs, must be later than the one before", (long long)i + 1,
                           (long long)sizes[i]);
    for (int64_t i = 0; i < looks; i++) {
        double until = spent(how, alpha, (double)sizes[i] / (double)sizes[looks - 1], i + 1, looks);
        levels[i] = until - before;
        before = until;
    }
done:
    return st;
}
