/* Order statistics of the sums of a value of one sorted sample and one of another, without making the sums.
 *
 * How many sums are at most t takes one walk along both samples, as a rounded sum does not fall when a summand grows.
 * So the k-th smallest is found by halving the ordered binary64 numbers: at most 64 walks, and it is exact. */
#include "stats/stats_impl.h"

#include "kernels/arith/arith.h"

/* Binary64 numbers in ascending order, as integers. */
static uint64_t order_of(double x)
{
    uint64_t u = kz_bits_f64(x);
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static double double_at(uint64_t order)
{
    return kz_double_of_bits(order >> 63 ? order & ~(UINT64_C(1) << 63) : ~order);
}

static int64_t count_at_most(const kz_stats_sums *s, double t)
{
    int64_t count = 0, diagonal = 0, j = s->m;
    for (int64_t i = 0; i < s->n; i++) {
        while (j > 0 && kz_stats_add(s->a[i], s->b[j - 1]) > t) j--;
        count += j;
        diagonal += s->walsh && kz_stats_add(s->a[i], s->a[i]) <= t;
    }
    return s->walsh ? (count + diagonal) / 2 : count;
}

int64_t kz_stats_sums_count(const kz_stats_sums *s)
{
    return s->walsh ? s->n * (s->n + 1) / 2 : s->n * s->m;
}

double kz_stats_sums_at(const kz_stats_sums *s, int64_t k)
{
    uint64_t low = order_of(-(double)INFINITY), high = order_of((double)INFINITY);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (count_at_most(s, double_at(middle)) >= k) high = middle;
        else low = middle + 1;
    }
    return double_at(low) + 0.0;
}

double kz_stats_sums_median(const kz_stats_sums *s)
{
    int64_t count = kz_stats_sums_count(s);
    double low = kz_stats_sums_at(s, (count + 1) / 2);
    double high = count % 2 ? low : kz_stats_sums_at(s, count / 2 + 1);
    return low == high ? low : kz_stats_add(0.5 * low, 0.5 * high);
}

void kz_stats_sums_interval(kz_stats_interval *out, const kz_stats_sums *s, int64_t k)
{
    out->estimate = kz_stats_sums_median(s);
    out->low = kz_stats_sums_at(s, k);
    out->high = kz_stats_sums_at(s, kz_stats_sums_count(s) + 1 - k);
}
