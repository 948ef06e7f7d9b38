/* Samples: checks, order, ranks, and the tails of a test's distribution. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"

#include <stdlib.h>

kz_status kz_stats_check(const double *x, int64_t n, const char *what)
{
    if (n < 0) return KZ_FAIL(KZ_E_ARG, "%s: %lld values", what, (long long)n);
    if (n == 0) return KZ_FAIL(KZ_E_FAIL, "%s: no values", what);
    for (int64_t i = 0; i < n; i++)
        if (x[i] != x[i])
            return KZ_FAIL(KZ_E_FAIL, "%s: value %lld of %lld is not a number", what, (long long)i + 1, (long long)n);
    return KZ_OK;
}

kz_status kz_stats_check_inside(double x, const char *what)
{
    if (x > 0 && x < 1) return KZ_OK;
    return KZ_FAIL(KZ_E_ARG, "%s is %g, must be between 0 and 1", what, x);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

kz_status kz_stats_sorted(double **out, const double *x, int64_t n, double scale, const char *what)
{
    double *sorted = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_check(x, n, what));
    KZ_TRY(kz_calloc(&sorted, n, sizeof *sorted, what));
    for (int64_t i = 0; i < n; i++) sorted[i] = scale * x[i] + 0.0;
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    *out = sorted;
    sorted = NULL;
done:
    kz_free(&sorted);
    return st;
}

double kz_stats_add(double a, double b)
{
    double sum = a + b;
    return sum == sum ? sum : 0.0;
}

double kz_stats_quantile_sorted(const double *x, int64_t n, double q)
{
    double place = (double)(n - 1) * q;
    int64_t below = (int64_t)place;
    if (below >= n - 1) return x[n - 1];
    double share = place - (double)below, a = x[below], b = x[below + 1];
    if (share == 0 || a == b) return a;
    return kz_stats_add((1 - share) * a, share * b);
}

kz_status kz_stats_quantile(double *out, const double *x, int64_t n, double q)
{
    double *sorted = NULL;
    kz_status st = KZ_OK;
    if (!(q >= 0 && q <= 1)) return KZ_FAIL(KZ_E_ARG, "quantile: order %g, must be in [0, 1]", q);
    KZ_TRY(kz_stats_sorted(&sorted, x, n, 1, "quantile"));
    *out = kz_stats_quantile_sorted(sorted, n, q);
done:
    kz_free(&sorted);
    return st;
}

kz_status kz_stats_median(double *out, const double *x, int64_t n)
{
    return kz_stats_quantile(out, x, n, 0.5);
}

kz_status kz_stats_spread(double *out, const double *x, int64_t n)
{
    const double normal = 1.4826022185056018; /* 1 / the normal distribution's upper quartile */
    double *sorted = NULL, median, deviation;
    kz_status st = KZ_OK;
    KZ_TRY(kz_stats_sorted(&sorted, x, n, 1, "spread"));
    median = kz_stats_quantile_sorted(sorted, n, 0.5);
    for (int64_t i = 0; i < n; i++) {
        double d = kz_stats_add(sorted[i], -median);
        sorted[i] = d < 0 ? -d : d;
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    deviation = kz_stats_quantile_sorted(sorted, n, 0.5);
    if (!(deviation < (double)INFINITY) || !(median > -(double)INFINITY && median < (double)INFINITY)) {
        st = KZ_FAIL(KZ_E_FAIL, "spread: half of %lld values or more are infinite", (long long)n);
        goto done;
    }
    *out = normal * deviation;
done:
    kz_free(&sorted);
    return st;
}

/* ---- ranks ---- */

typedef struct {
    double value;
    int64_t index;
} place;

static int by_place(const void *a, const void *b)
{
    const place *x = a, *y = b;
    int order = (x->value > y->value) - (x->value < y->value);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

kz_status kz_stats_ranks(int64_t *twice, double *ties, const double *x, int64_t n)
{
    place *places = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&places, n, sizeof *places, "ranks"));
    for (int64_t i = 0; i < n; i++) places[i] = (place){x[i], i};
    qsort(places, (size_t)n, sizeof *places, by_place);
    *ties = 0;
    for (int64_t first = 0, next; first < n; first = next) {
        next = first + 1;
        while (next < n && places[next].value == places[first].value) next++;
        double t = (double)(next - first);
        *ties += t * t * t - t;
        for (int64_t i = first; i < next; i++) twice[places[i].index] = first + next + 1;
    }
done:
    kz_free(&places);
    return st;
}

int64_t kz_stats_halve(int64_t *twice, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (twice[i] % 2) return 2;
    for (int64_t i = 0; i < n; i++) twice[i] /= 2;
    return 1;
}

/* ---- tails ---- */

static void finish(kz_stats_test *test)
{
    double smaller = test->less < test->greater ? test->less : test->greater;
    test->two_sided = smaller < 0.5 ? 2 * smaller : 1;
}

void kz_stats_tails(kz_stats_test *test, const double *probability, int64_t total, int64_t s, double sum)
{
    double less = 0, greater = 0; /* from the far ends, where the small ones are */
    for (int64_t i = 0; i <= s; i++) less += probability[i];
    for (int64_t i = total; i >= s; i--) greater += probability[i];
    test->less = less < sum ? less / sum : 1;
    test->greater = greater < sum ? greater / sum : 1;
    test->exact = true;
    finish(test);
}

void kz_stats_tails_normal(kz_stats_test *test, double mean, double variance, double step)
{
    double above = test->statistic - mean, deviation = sqrt(variance);
    test->greater = variance > 0 ? kz_stats_normal_upper((above - step / 2) / deviation) : 1;
    test->less = variance > 0 ? kz_stats_normal_upper((-above - step / 2) / deviation) : 1;
    test->exact = false;
    finish(test);
}

int64_t kz_stats_critical(double *p, const double *probability, int64_t total, double sum, double confidence)
{
    double below = 0;
    int64_t k = 0;
    *p = 0;
    while (k <= total && 1 - 2 * ((below + probability[k]) / sum) >= confidence) {
        below += probability[k++];
        *p = below / sum;
    }
    return k;
}

int64_t kz_stats_critical_normal(double *p, double mean, double variance, double confidence)
{
    double deviation = sqrt(variance);
    double last = mean - 0.5 + kz_normal_quantile_f64((1 - confidence) / 2) * deviation;
    int64_t k = last >= 0 ? (int64_t)last + 1 : 0;
    *p = k > 0 ? kz_stats_normal_upper((mean - (double)k + 0.5) / deviation) : 0;
    return k;
}
