/* Fisher's sign-flip test on exact integer sums.  R. A. Fisher, The Design of Experiments, 1935, section 21. */
#include "stats/stats_impl.h"

#include "kernels/arith/host_math.h"
#include "kernels/arith/philox.h"

enum {
    FOR_FLIPS = 64, /* a purpose of its own beside those of kernels/arith/philox.h */
    FRACTION = 51,  /* the largest value becomes an integer below 2^52 */
};

typedef struct {
    int64_t *twice;            /* twice the size of each value that is not 0 */
    int64_t n, zeros;          /* how many of each */
    int64_t highest, observed; /* the sum with all signs positive, and with the true ones */
} signed_sizes;

static int64_t exponent_of(double x)
{
    return (int64_t)(kz_bits_f64(x) >> 52 & 0x7ff) - 1023;
}

/* d - margin as integers, in units of 2^-51 of the power of two below the largest. */
static kz_status signed_sizes_of(signed_sizes *s, double *mean, const double *d, int64_t n, double margin)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++) {
        double above = d[i] - margin, size = above < 0 ? -above : above;
        if (!(size < (double)INFINITY))
            return KZ_FAIL(KZ_E_FAIL, "sign-flip test: value %lld of %lld is %g, must be finite", (long long)i + 1,
                           (long long)n, d[i]);
        largest = size > largest ? size : largest;
    }
    int64_t shift = FRACTION - exponent_of(largest); /* in two steps, as 2^shift may be out of range */
    double first = kz_power_of_two(shift / 2), second = kz_power_of_two(shift - shift / 2);
    for (int64_t i = 0; i < n; i++) {
        double scaled = (d[i] - margin) * first * second;
        int64_t value = (int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
        s->observed += value;
        s->highest += value < 0 ? -value : value;
        if (value) s->twice[s->n++] = 2 * (value < 0 ? -value : value);
    }
    s->zeros = n - s->n;
    *mean = (double)s->observed / (double)n * kz_power_of_two(-(shift / 2)) * kz_power_of_two(shift / 2 - shift);
    return KZ_OK;
}

/* All 2^n patterns, each from the one before by one sign (Gray code). */
static void flip_all(kz_stats_test *test, const signed_sizes *s)
{
    int64_t sum = s->highest, greater = 0, less = 0;
    uint64_t patterns = UINT64_C(1) << s->n, minus = 0;
    for (uint64_t pattern = 1;; pattern++) {
        greater += sum >= s->observed;
        less += sum <= s->observed;
        if (pattern == patterns) break;
        int which = __builtin_ctzll(pattern);
        minus ^= UINT64_C(1) << which;
        sum += minus >> which & 1 ? -s->twice[which] : s->twice[which];
    }
    test->flips = (int64_t)patterns;
    test->greater = (double)greater / (double)patterns;
    test->less = (double)less / (double)patterns;
    test->exact = true;
}

/* Patterns drawn: value i of pattern f is negative where bit i mod 64 of the random number f ceil(n / 64) + i / 64 is 1. */
static void flip_some(kz_stats_test *test, const signed_sizes *s, int64_t flips, uint64_t seed)
{
    kz_stream stream = kz_stream_of(seed, FOR_FLIPS, 0, 0);
    int64_t greater = 0, less = 0, words = (s->n + 63) / 64;
    for (int64_t f = 0; f < flips; f++) {
        int64_t sum = s->highest;
        uint64_t bits = 0;
        for (int64_t i = 0; i < s->n; i++, bits >>= 1) {
            if (i % 64 == 0) bits = kz_random_u64(stream, (uint64_t)(f * words + i / 64));
            sum -= s->twice[i] & -(int64_t)(bits & 1);
        }
        greater += sum >= s->observed;
        less += sum <= s->observed;
    }
    test->flips = flips;
    test->greater = (double)(greater + 1) / (double)(flips + 1);
    test->less = (double)(less + 1) / (double)(flips + 1);
    test->exact = false;
}

kz_status kz_stats_sign_flip(kz_stats_test *out, const double *d, int64_t n, double margin, int64_t flips,
                             uint64_t seed)
{
    kz_stats_test test = {0};
    signed_sizes sizes = {0};
    kz_status st = KZ_OK;
    if (flips < 1) return KZ_FAIL(KZ_E_ARG, "sign-flip test: %lld patterns", (long long)flips);
    KZ_TRY(kz_stats_check(d, n, "sign-flip test"));
    if (n > KZ_STATS_FLIP_PAIRS)
        return KZ_FAIL(KZ_E_ARG, "sign-flip test: %lld pairs, at most %d", (long long)n, KZ_STATS_FLIP_PAIRS);
    KZ_TRY(kz_calloc(&sizes.twice, n, sizeof *sizes.twice, "sign-flip test"));
    KZ_TRY(signed_sizes_of(&sizes, &test.statistic, d, n, margin));
    test.n = sizes.n;
    test.zeros = sizes.zeros;
    if (sizes.n <= KZ_STATS_EXACT_FLIPS) flip_all(&test, &sizes);
    else flip_some(&test, &sizes, flips, seed);
    double smaller = test.less < test.greater ? test.less : test.greater;
    test.two_sided = smaller < 0.5 ? 2 * smaller : 1;
    *out = test;
done:
    kz_free(&sizes.twice);
    return st;
}
