/* kernels/arith/host_math.h — binary64 exp, log, pow, sin and cos of pi x, and the normal quantile.
 *
 * Schedules, gains and random normals come from these and not from libm, whose bits change with version and CPU.  Each
 * is one fixed sequence of + - * / and sqrt in binary64, so it gives the same bits everywhere.  Errors, in units in the
 * last place of the result where that is a normal number: exp and pow 0.75, log 0.51, sinpi and cospi 1.5, checked by
 * tests/kernels/host_math_test.cpp.  A subnormal result is rounded twice and may be one unit off.
 *
 * Polynomials: minimax (Remez exchange in 240-bit arithmetic), then rounded coefficient by coefficient to binary64. */
#ifndef KZ_ARITH_HOST_MATH_H
#define KZ_ARITH_HOST_MATH_H

#include "kernels/arith/arith.h"

/* A number as the unevaluated sum hi + lo, |lo| at most half an ulp of hi where not said otherwise. */
typedef struct {
    double hi, lo;
} kz_double_pair;

/* a b exactly (T. J. Dekker, Numerische Mathematik 18, 1971); |a|, |b|, |a b| within 2^+-450. */
KZ_FN_BOTH kz_double_pair kz_pair_product(double a, double b)
{
    const double split = 0x1p27 + 1.0;
    double a_head = split * a - (split * a - a);
    double b_head = split * b - (split * b - b);
    double a_tail = a - a_head;
    double b_tail = b - b_head;
    kz_double_pair p;
    p.hi = a * b;
    p.lo = ((a_head * b_head - p.hi) + a_head * b_tail + a_tail * b_head) + a_tail * b_tail;
    return p;
}

/* a + b exactly; |a| >= |b| or a = 0. */
KZ_FN_BOTH kz_double_pair kz_pair_sum(double a, double b)
{
    kz_double_pair s;
    s.hi = a + b;
    s.lo = b - (s.hi - a);
    return s;
}

/* 2^k, -1022 <= k <= 1023. */
KZ_FN_BOTH double kz_power_of_two(int64_t k)
{
    return kz_double_of_bits((uint64_t)(k + 1023) << 52);
}

/* e^(x.hi + x.lo) = 2^k e^r, k = x / ln 2 to the nearest integer; e^r = 1 + r + r^2 P(r), P of degree 10, error 2^-64.
 * The sum 1 + r is exact in two parts, so that all but the last rounding come to less than 0.25 ulp: a result that
 * binary64 can represent is exact.  x is limited to +-1100, where the result is 0 or infinite; NaN passes. */
KZ_FN_BOTH double kz_exp_of_pair(kz_double_pair x)
{
    const double ln2_hi = 0x1.62e42fefa3000p-1; /* 41 bits: k ln2_hi is exact */
    const double ln2_lo = 0x1.3de6af278ece6p-42;
    const double inverse_ln2 = 0x1.71547652b82fep+0;
    const double to_integer = 0x1.8p+52; /* t + this has t, rounded to an integer, in its low bits */
    const double limit = 1100.0;
    double wide = x.hi > limit ? limit : x.hi;
    wide = wide < -limit ? -limit : wide;
    double shifted = wide * inverse_ln2 + to_integer;
    double k = shifted - to_integer;
    kz_double_pair r = kz_pair_sum(wide - k * ln2_hi, x.lo - k * ln2_lo);
    double z = r.hi;
    double p = 0x1.1f9dcf1ba7077p-29;
    p = p * z + 0x1.af6cd8ad20cc5p-26;
    p = p * z + 0x1.27e4bf45c5149p-22;
    p = p * z + 0x1.71ddef8d3ae3dp-19;
    p = p * z + 0x1.a01a01b44b2aep-16;
    p = p * z + 0x1.a01a01b3bdacbp-13;
    p = p * z + 0x1.6c16c16c135afp-10;
    p = p * z + 0x1.111111110ebacp-7;
    p = p * z + 0x1.555555555555ep-5;
    p = p * z + 0x1.555555555555cp-3;
    p = p * z + 0x1.0000000000000p-1;
    kz_double_pair sum = kz_pair_sum(1.0, z);
    double y = sum.hi + (sum.lo + (z * z * p + r.lo * sum.hi));
    int64_t exponent = (int64_t)(kz_bits_f64(shifted) - kz_bits_f64(to_integer));
    int64_t half = exponent / 2; /* in two steps, as 2^k itself may be out of range */
    if (y != y) return y;
    return y * kz_power_of_two(half) * kz_power_of_two(exponent - half);
}

/* e^x */
KZ_FN_BOTH double kz_exp_f64(double x)
{
    kz_double_pair pair = {x, 0.0};
    return kz_exp_of_pair(pair);
}

/* ln x with relative error 2^-62, for finite x > 0.
 * x = 2^k m, sqrt(1/2) <= m < sqrt(2); with s = (m - 1) / (m + 1) and z = s^2
 *     ln x = k ln 2 + 2 atanh s = k ln 2 + 2 (s + s z/3 + s z^2 Q(z)),
 * Q of degree 6 with error 2^-66; the first three terms as pairs. */
KZ_FN_BOTH kz_double_pair kz_log_pair(double x)
{
    const double ln2_hi = 0x1.62e42fefa3000p-1; /* 41 bits: k ln2_hi is exact */
    const double ln2_lo = 0x1.3de6af278ece6p-42;
    const double third_hi = 0x1.5555555555555p-2;
    const double third_lo = 0x1.5555555555555p-56;
    const uint64_t one = 0x3ff0000000000000u;
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdu;
    double subnormal_shift = x < 0x1p-1022 ? 54.0 : 0.0;
    uint64_t bits = kz_bits_f64(x < 0x1p-1022 ? x * 0x1p54 : x) + (one - sqrt_half);
    double k = (double)((int64_t)(bits >> 52) - 1023) - subnormal_shift;
    double m = kz_double_of_bits((bits & 0x000fffffffffffffu) + sqrt_half);

    double f = m - 1.0;
    kz_double_pair denominator = {m + 1.0, 0.0};
    denominator.lo = m - (denominator.hi - 1.0);
    double s = f / denominator.hi;
    kz_double_pair back = kz_pair_product(s, denominator.hi);
    double s_lo = ((f - back.hi) - back.lo - s * denominator.lo) / denominator.hi;

    kz_double_pair z = kz_pair_product(s, s);
    z.lo += 2.0 * s * s_lo;
    kz_double_pair t = kz_pair_product(z.hi, third_hi);
    t.lo += z.hi * third_lo + z.lo * third_hi;
    kz_double_pair cubic = kz_pair_product(s, t.hi);
    cubic.lo += s * t.lo + s_lo * t.hi;
    double q = 0x1.0e523f7a30a1dp-4;
    q = q * z.hi + 0x1.0f7e48b8398cep-4;
    q = q * z.hi + 0x1.3b1efd5c7f478p-4;
    q = q * z.hi + 0x1.745ce9869a22fp-4;
    q = q * z.hi + 0x1.c71c722e6ac50p-4;
    q = q * z.hi + 0x1.2492492457238p-3;
    q = q * z.hi + 0x1.9999999999b36p-3;
    double rest = s_lo + cubic.lo + s * z.hi * z.hi * q;

    kz_double_pair head = kz_pair_sum(k * ln2_hi, 2.0 * s);
    kz_double_pair body = kz_pair_sum(head.hi, 2.0 * cubic.hi);
    return kz_pair_sum(body.hi, head.lo + body.lo + (2.0 * rest + k * ln2_lo));
}

/* ln x; -infinity at 0, NaN below. */
KZ_FN_BOTH double kz_log_f64(double x)
{
    const double infinity = (double)INFINITY;
    if (!(x > 0.0)) return x == 0.0 ? -infinity : (double)NAN;
    if (!(x < infinity)) return x;
    return kz_log_pair(x).hi;
}

/* x^y = e^(y ln x) for x >= 0; NaN below.  Exact where binary64 can represent the result, so for small powers of small
 * integers.  y beyond 2^70 counts as 2^70: unless x = 1 the result is 0 or infinite there. */
KZ_FN_BOTH double kz_pow_f64(double x, double y)
{
    const double infinity = (double)INFINITY;
    const double limit = 0x1p70;
    const double tiny = 0x1p-200; /* x^y = 1 + y ln x = 1 there */
    if (y == 0.0 || x == 1.0) return 1.0;
    if (x != x || y != y || x < 0.0) return (double)NAN;
    if (x == 0.0 || x == infinity) return (x == 0.0) == (y > 0.0) ? 0.0 : infinity;
    if (y > -tiny && y < tiny) return 1.0;
    y = y > limit ? limit : y < -limit ? -limit : y;
    kz_double_pair log_x = kz_log_pair(x);
    kz_double_pair product = kz_pair_product(y, log_x.hi);
    product.lo += y * log_x.lo;
    if (product.hi > 1100.0) return infinity;
    if (product.hi < -1100.0) return 0.0;
    return kz_exp_of_pair(product);
}

/* sin(pi r), |r| <= 1/4: pi r + r^3 S(r^2), S of degree 6 with error 2^-68, pi in two parts. */
KZ_FN_BOTH double kz_sinpi_reduced(double r)
{
    const double pi_hi = 0x1.921fb54442d18p+1;
    const double pi_lo = 0x1.1a62633145c07p-53;
    double z = r * r;
    double p = -0x1.6c63caed33906p-16;
    p = p * z + 0x1.e8eef007d79b2p-12;
    p = p * z - 0x1.e3074b7df2200p-8;
    p = p * z + 0x1.50783485eeb30p-4;
    p = p * z - 0x1.32d2cce62ade5p-1;
    p = p * z + 0x1.466bc6775aadbp+1;
    p = p * z - 0x1.4abbce625be53p+2;
    return r * pi_hi + (r * pi_lo + r * z * p);
}

/* cos(pi r), |r| <= 1/4: 1 - pi^2/2 r^2 + r^4 C(r^2), C of degree 5 with error 2^-64. */
KZ_FN_BOTH double kz_cospi_reduced(double r)
{
    const double half_pi_square = 0x1.3bd3cc9be45dep+2;
    double z = r * r;
    double p = -0x1.b2a256ee60697p-14;
    p = p * z + 0x1.f9cd21746190ep-10;
    p = p * z - 0x1.a6d1edbcb8514p-6;
    p = p * z + 0x1.e1f506852a297p-3;
    p = p * z - 0x1.55d3c7e3ca708p+0;
    p = p * z + 0x1.03c1f081b5abcp+2;
    return 1.0 - (half_pi_square * z - z * z * p);
}

/* sin(pi (a + quarters / 2)), finite a >= 0: a = 2 n + j / 2 + r, all exact, |r| <= 1/4; |j| <= 2. */
KZ_FN_BOTH double kz_sinpi_shifted(double a, int quarters)
{
    const double to_integer = 0x1p52; /* t + this - this = t rounded to an integer, 0 <= t <= 2^52 */
    const double all_even = 0x1p53;   /* from here on binary64 numbers are even */
    double turn = a < all_even ? a - 2.0 * ((0.5 * a + to_integer) - to_integer) : 0.0;
    double j = (2.0 * turn + 1.5 * to_integer) - 1.5 * to_integer;
    double r = turn - 0.5 * j;
    int quadrant = ((int)j + quarters) & 3;
    double y = quadrant & 1 ? kz_cospi_reduced(r) : kz_sinpi_reduced(r);
    return quadrant & 2 ? -y : y;
}

/* sin(pi x); NaN at the infinities.  Zeros are exact and have the sign of x. */
KZ_FN_BOTH double kz_sinpi_f64(double x)
{
    double a = x < 0.0 ? -x : x;
    if (!(a < (double)INFINITY)) return (double)NAN;
    if (a == 0.0) return x;
    double y = kz_sinpi_shifted(a, 0);
    y = y == 0.0 ? 0.0 : y;
    return x < 0.0 ? -y : y;
}

/* cos(pi x); NaN at the infinities.  Zeros are exact and positive. */
KZ_FN_BOTH double kz_cospi_f64(double x)
{
    double a = x < 0.0 ? -x : x;
    if (!(a < (double)INFINITY)) return (double)NAN;
    double y = kz_sinpi_shifted(a, 1);
    return y == 0.0 ? 0.0 : y;
}

/* AS241, coefficients a and b: the quantile over q, r = 0.425^2 - q^2. */
KZ_FN_BOTH double kz_quantile_middle(double r)
{
    double numerator = 2.5090809287301226727e+3;
    numerator = numerator * r + 3.3430575583588128105e+4;
    numerator = numerator * r + 6.7265770927008700853e+4;
    numerator = numerator * r + 4.5921953931549871457e+4;
    numerator = numerator * r + 1.3731693765509461125e+4;
    numerator = numerator * r + 1.9715909503065514427e+3;
    numerator = numerator * r + 1.3314166789178437745e+2;
    numerator = numerator * r + 3.3871328727963666080e+0;
    double denominator = 5.2264952788528545610e+3;
    denominator = denominator * r + 2.8729085735721942674e+4;
    denominator = denominator * r + 3.9307895800092710610e+4;
    denominator = denominator * r + 2.1213794301586595867e+4;
    denominator = denominator * r + 5.3941960214247511077e+3;
    denominator = denominator * r + 6.8718700749205790830e+2;
    denominator = denominator * r + 4.2313330701600911252e+1;
    denominator = denominator * r + 1.0;
    return numerator / denominator;
}

/* AS241, coefficients c and d, r = sqrt(-ln tail) - 1.6 <= 3.4. */
KZ_FN_BOTH double kz_quantile_near(double r)
{
    double numerator = 7.74545014278341407640e-4;
    numerator = numerator * r + 2.27238449892691845833e-2;
    numerator = numerator * r + 2.41780725177450611770e-1;
    numerator = numerator * r + 1.27045825245236838258e+0;
    numerator = numerator * r + 3.64784832476320460504e+0;
    numerator = numerator * r + 5.76949722146069140550e+0;
    numerator = numerator * r + 4.63033784615654529590e+0;
    numerator = numerator * r + 1.42343711074968357734e+0;
    double denominator = 1.05075007164441684324e-9;
    denominator = denominator * r + 5.47593808499534494600e-4;
    denominator = denominator * r + 1.51986665636164571966e-2;
    denominator = denominator * r + 1.48103976427480074590e-1;
    denominator = denominator * r + 6.89767334985100004550e-1;
    denominator = denominator * r + 1.67638483018380384940e+0;
    denominator = denominator * r + 2.05319162663775882187e+0;
    denominator = denominator * r + 1.0;
    return numerator / denominator;
}

/* AS241, coefficients e and f, r = sqrt(-ln tail) - 5. */
KZ_FN_BOTH double kz_quantile_far(double r)
{
    double numerator = 2.01033439929228813265e-7;
    numerator = numerator * r + 2.71155556874348757815e-5;
    numerator = numerator * r + 1.24266094738807843860e-3;
    numerator = numerator * r + 2.65321895265761230930e-2;
    numerator = numerator * r + 2.96560571828504891230e-1;
    numerator = numerator * r + 1.78482653991729133580e+0;
    numerator = numerator * r + 5.46378491116411436990e+0;
    numerator = numerator * r + 6.65790464350110377720e+0;
    double denominator = 2.04426310338993978564e-15;
    denominator = denominator * r + 1.42151175831644588870e-7;
    denominator = denominator * r + 1.84631831751005468180e-5;
    denominator = denominator * r + 7.86869131145613259100e-4;
    denominator = denominator * r + 1.48753612908506148525e-2;
    denominator = denominator * r + 1.36929880922735805310e-1;
    denominator = denominator * r + 5.99832206555887937690e-1;
    denominator = denominator * r + 1.0;
    return numerator / denominator;
}

/* The u-quantile of the standard normal distribution, 0 < u < 1: M. J. Wichura, Algorithm AS 241 (PPND16), Applied
 * Statistics 37, 1988; relative error about 1e-16.  u = 0 and u = 1, which a uniform number's last rounding can give,
 * count as 2^-54 and 1 - 2^-54; NaN outside [0, 1]. */
KZ_FN_BOTH double kz_normal_quantile_f64(double u)
{
    double q = u - 0.5;
    if (q >= -0.425 && q <= 0.425) return q * kz_quantile_middle(0.180625 - q * q);
    double tail = q < 0.0 ? u : 1.0 - u;
    tail = tail == 0.0 ? 0x1p-54 : tail;
    double r = sqrt(-kz_log_f64(tail));
    double y = r <= 5.0 ? kz_quantile_near(r - 1.6) : kz_quantile_far(r - 5.0);
    return q < 0.0 ? -y : y;
}

#endif
