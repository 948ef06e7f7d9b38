/* kernels/arith/elementary.h — correctly rounded binary32 exp, expm1, log, log1p, tanh, sigmoid, erf, softplus.
 *
 * Each function returns the binary32 number nearest to the mathematical value (ties to even), for every binary32
 * input, and is therefore defined by mathematics and not by this text.  All steps are + - * / and selections in
 * binary64, with one rounding to binary32 at the end: no table, no branch, no libm call, so loops over them vectorise.
 *
 * Rounding errors before the last rounding stay below 2^-51 relative.  That alone leaves a few inputs per function
 * undecided, so some last additions are rounded to odd.  tests/proofs/elementary_proof.c checks all 2^32 inputs of
 * every function, and results/elementary_proof.json holds its outcome.  Any change to an operation or a coefficient
 * calls for a new run of it.
 *
 * Polynomials: minimax (Remez exchange in 240-bit arithmetic, weighted by the term's share of the result), then
 * rounded coefficient by coefficient to binary64.  The error given is that of the polynomial in exact arithmetic.
 * Reductions: log as in W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980, with the
 * constant ln 2 in two parts; the leading part has 11 zero bits at its end so that its multiples are exact. */
#ifndef KZ_ARITH_ELEMENTARY_H
#define KZ_ARITH_ELEMENTARY_H

#include "kernels/arith/arith.h"

#define KZ_LN2_HI 0x1.62e42fefa3800p-1  /* ln 2 to 42 bits */
#define KZ_LN2_LO 0x1.ef35793c76730p-45 /* ln 2 - KZ_LN2_HI */
#define KZ_INV_LN2 0x1.71547652b82fep+0 /* 1 / ln 2 */
#define KZ_TO_INTEGER 0x1.8p+52         /* t + this - this = t rounded to an integer, |t| < 2^51 */

/* Beyond it e^x is infinite in binary32, e^-x is 0 and the others are at their limits: e^-104 < 2^-150. */
#define KZ_EXP_LIMIT 104.0

/* x limited to [-limit, limit]; NaN passes. */
KZ_FN double kz_limit(double x, double limit)
{
    x = x > limit ? limit : x;
    return x < -limit ? -limit : x;
}

/* e^x = scale (1 + q) with scale = 2^k, k = x / ln 2 to the nearest integer, q = e^r - 1, |r| <= ln 2 / 2;
 * |x| <= KZ_EXP_LIMIT or NaN.  q = r + r^2 P(r), P of degree 9 with error 2^-58 in q.  Returns q. */
KZ_FN double kz_exp_reduced(double x, double *scale)
{
    double shifted = x * KZ_INV_LN2 + KZ_TO_INTEGER;
    double k = shifted - KZ_TO_INTEGER;
    double r = (x - k * KZ_LN2_HI) - k * KZ_LN2_LO;
    double p = 0x1.af853d6f8e1e4p-26;
    p = p * r + 0x1.28b04ed203c96p-22;
    p = p * r + 0x1.71dddffd8c258p-19;
    p = p * r + 0x1.a019968e72514p-16;
    p = p * r + 0x1.a01a01baca147p-13;
    p = p * r + 0x1.6c16c185a8f33p-10;
    p = p * r + 0x1.111111110d68bp-7;
    p = p * r + 0x1.555555555002ap-5;
    p = p * r + 0x1.5555555555561p-3;
    p = p * r + 0x1.000000000000bp-1;
    *scale = kz_double_of_bits((kz_bits_f64(shifted) + 1023) << 52); /* the low bits of shifted hold k */
    return r + (r * r) * p;
}

/* e^x, |x| limited. */
KZ_FN double kz_exp_wide(double x)
{
    double scale;
    double q = kz_exp_reduced(kz_limit(x, KZ_EXP_LIMIT), &scale);
    return scale * (1.0 + q);
}

/* e^x - 1 with a small relative error, |x| limited; +0 for -0. */
KZ_FN double kz_expm1_wide(double x)
{
    double scale;
    double q = kz_exp_reduced(kz_limit(x, KZ_EXP_LIMIT), &scale);
    return scale * q + (scale - 1.0);
}

/* log(1 + f) - f + lo, sqrt(1/2) <= 1 + f <= sqrt(2), lo a small addend.
 * With s = f / (2 + f): log(1 + f) = 2 atanh s = f - f^2/2 + s (f^2/2 + R), R = 2 atanh(s) / s - 2 = z Q(z), z = s^2;
 * Q of degree 6, relative error 2^-59. */
KZ_FN double kz_log1p_rest(double f, double lo)
{
    double s = f / (2.0 + f);
    double z = s * s;
    double half_square = 0.5 * f * f;
    double q = 0x1.2f15bb849ad27p-3;
    q = q * z + 0x1.39a02eee8e9e8p-3;
    q = q * z + 0x1.74664d75f9803p-3;
    q = q * z + 0x1.c71c51c671291p-3;
    q = q * z + 0x1.249249423e4bep-2;
    q = q * z + 0x1.999999997f8a8p-2;
    q = q * z + 0x1.5555555555593p-1;
    return (s * (half_square + z * q) + lo) - half_square;
}

/* y = 2^k m, sqrt(1/2) <= m < sqrt(2), for a positive normal y; any other y gives some finite k and m.  Returns m. */
KZ_FN double kz_log_reduced(double y, double *k)
{
    const uint64_t one = 0x3ff0000000000000u;
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdu;
    const uint64_t two_52 = 0x4330000000000000u; /* its low bits count units */
    uint64_t u = kz_bits_f64(y) + (one - sqrt_half);
    *k = kz_double_of_bits((u >> 52) | two_52) - (0x1p52 + 1023.0);
    return kz_double_of_bits((u & 0x000fffffffffffffu) + sqrt_half);
}

/* a + b rounded to odd: towards zero, then the last bit set if anything was cut off.  A later rounding to binary32 thus
 * sees on which side of a midpoint the exact sum lies (S. Boldo and G. Melquiond, IEEE Trans. Computers 57, 2008).
 * |a| >= |b| or a = 0. */
KZ_FN double kz_add_to_odd(double a, double b)
{
    double sum = a + b;
    double rest = b - (sum - a); /* exact */
    uint64_t bits = kz_bits_f64(sum);
    bits -= rest * sum < 0.0 ? 1u : 0u;
    bits |= rest != 0.0 ? 1u : 0u;
    return kz_double_of_bits(bits);
}

/* k ln 2 + log(1 + f), rounded to odd. */
KZ_FN double kz_log_sum(double k, double f)
{
    double base = k * KZ_LN2_HI;
    double head = base + f;
    double cut = f - (head - base); /* exact: k = 0 or |base| >= |f| */
    return kz_add_to_odd(head, kz_log1p_rest(f, k * KZ_LN2_LO + cut));
}

/* The logarithm r at the ends of its domain, y being its argument, NaN included. */
KZ_FN float kz_log_ends(double y, double r)
{
    r = y < (double)INFINITY ? r : y;
    return (float)(y > 0.0 ? r : y == 0.0 ? -(double)INFINITY : (double)NAN);
}

/* e^x */
KZ_FN float kz_exp_f32(float x)
{
    return (float)kz_exp_wide((double)x);
}

/* e^x - 1 */
KZ_FN float kz_expm1_f32(float x)
{
    double y = kz_expm1_wide((double)x);
    return x == 0.0f ? x : (float)y;
}

/* ln x */
KZ_FN float kz_log_f32(float x)
{
    double k;
    double m = kz_log_reduced((double)x, &k);
    return kz_log_ends((double)x, kz_log_sum(k, m - 1.0));
}

/* ln(1 + x).  Where k = 0 the sum 1 + x may be inexact, so f is x itself. */
KZ_FN float kz_log1p_f32(float x)
{
    double y = 1.0 + (double)x;
    double k;
    double m = kz_log_reduced(y, &k);
    double r = kz_log_sum(k, m == y ? (double)x : m - 1.0);
    return x == 0.0f ? x : kz_log_ends(y, r);
}

/* tanh x = (e^2x - 1) / (e^2x + 1), of |x|; 1 from 10 on. */
KZ_FN float kz_tanh_f32(float x)
{
    const uint32_t sign = 0x80000000u;
    double a = (double)kz_float_of_bits(kz_bits_f32(x) & ~sign);
    double q = kz_expm1_wide(kz_limit(2.0 * a, 20.0));
    return kz_float_of_bits(kz_bits_f32((float)(q / (q + 2.0))) | (kz_bits_f32(x) & sign));
}

/* 1 / (1 + e^-x) = 1/2 + t, t = (e^x - 1) / (2 (e^x - 1) + 4); below -1, where that cancels, e^x / (1 + e^x).
 * Near 0, t = x/4 - x^3/48, where 1/2 + x/4 is often the midpoint of two binary32 numbers: hence rounding to odd. */
KZ_FN float kz_sigmoid_f32(float x)
{
    double wide = (double)x;
    double scale;
    double q = kz_exp_reduced(kz_limit(wide, KZ_EXP_LIMIT), &scale);
    double less_one = scale * q + (scale - 1.0);
    double e = scale + scale * q;
    int low = wide < -1.0;
    double numerator = low ? e : less_one;
    double denominator = low ? 1.0 + e : 2.0 * less_one + 4.0;
    return (float)kz_add_to_odd(low ? 0.0 : 0.5, numerator / denominator);
}

/* erf(a) / a - 1 as a polynomial in z = a^2, 0 <= a <= 1.125, relative error of erf 2^-58. */
KZ_FN double kz_erf_small(double z)
{
    double p = 0x1.cf2dfaa4e6149p-35;
    p = p * z - 0x1.2c34547bca0fep-30;
    p = p * z + 0x1.f3426de15bafep-27;
    p = p * z - 0x1.5ea94303091c9p-23;
    p = p * z + 0x1.b9cfb1d218729p-20;
    p = p * z - 0x1.f4d08b29b995ep-17;
    p = p * z + 0x1.f9a30dd11be02p-14;
    p = p * z - 0x1.c02db315f16d1p-11;
    p = p * z + 0x1.565bcd08ed293p-8;
    p = p * z - 0x1.b82ce3126167ep-6;
    p = p * z + 0x1.ce2f21a0422b7p-4;
    p = p * z - 0x1.812746b0379d9p-2;
    return p * z + 0x1.06eba8214db68p-3;
}

/* 1 - erf(a), 1.125 <= a <= 3.9375, error 2^-57: a polynomial in u = a - 2.53125, in two chains of alternate terms. */
KZ_FN double kz_erf_tail(double a)
{
    double u = a - 2.53125;
    double w = u * u;
    double even = -0x1.1e801853d4bd4p-41;
    double odd = 0x1.285c9124ed4cep-40;
    even = even * w + 0x1.7c72ea8eb90c1p-37;
    odd = odd * w - 0x1.5534e828b1faep-35;
    even = even * w - 0x1.3d5aa634f86abp-34;
    odd = odd * w + 0x1.5fbb9add55f86p-31;
    even = even * w - 0x1.92fb76942f6ccp-31;
    odd = odd * w - 0x1.5baa0da86220ap-28;
    even = even * w + 0x1.680a060f9c666p-26;
    odd = odd * w - 0x1.72ef8fc26b114p-28;
    even = even * w - 0x1.8e37263fecf48p-23;
    odd = odd * w + 0x1.27283371ddcc5p-21;
    even = even * w + 0x1.a4a901f52017ep-24;
    odd = odd * w - 0x1.3bec25abe2ffbp-18;
    even = even * w + 0x1.983fbef06edd9p-17;
    odd = odd * w - 0x1.ced9fdd26f82bp-23;
    even = even * w - 0x1.4e4a0040cce95p-14;
    odd = odd * w + 0x1.d8db2d191b20ep-13;
    even = even * w - 0x1.9657fabcc0a73p-13;
    odd = odd * w - 0x1.3a1598d485ae0p-11;
    even = even * w + 0x1.5e6645866e738p-9;
    odd = odd * w - 0x1.6f4662f6a80e9p-8;
    even = even * w + 0x1.f914f2c604b7dp-8;
    odd = odd * w - 0x1.e066bed09a6cfp-8;
    even = even * w + 0x1.34c7442de17e5p-8;
    odd = odd * w - 0x1.e7f232d9e2509p-10;
    even = even * w + 0x1.68a8e4b2fc873p-12;
    return even + odd * u;
}

/* erf x = 2/sqrt(pi) times the integral of e^-t^2 from 0 to x, of |x|; 1 from 3.9375 on. */
KZ_FN float kz_erf_f32(float x)
{
    const uint32_t sign = 0x80000000u;
    double a = kz_limit((double)kz_float_of_bits(kz_bits_f32(x) & ~sign), 3.9375);
    double y = a < 1.125 ? a + a * kz_erf_small(a * a) : 1.0 - kz_erf_tail(a);
    return kz_float_of_bits(kz_bits_f32((float)y) | (kz_bits_f32(x) & sign));
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + E), E = e^-|x| <= 1; 1 + E is halved above sqrt(2).  Returns ln(1 + E). */
KZ_FN double kz_softplus_rest(double x)
{
    double e = kz_exp_wide(x > 0.0 ? -x : x);
    double k = e > 0x1.a827999fcef32p-2 ? 1.0 : 0.0;
    double f = k > 0.0 ? 0.5 * (e - 1.0) : e;
    return kz_log_sum(k, f);
}

KZ_FN float kz_softplus_f32(float x)
{
    double wide = (double)x;
    return (float)((wide > 0.0 ? wide : 0.0) + kz_softplus_rest(wide));
}

/* softplus(x), and *minus <- softplus(-x): the same two numbers, from one exponential. */
KZ_FN float kz_softplus_both_f32(float x, float *minus)
{
    double wide = (double)x;
    double rest = kz_softplus_rest(wide);
    *minus = (float)((wide < 0.0 ? -wide : 0.0) + rest);
    return (float)((wide > 0.0 ? wide : 0.0) + rest);
}

#endif
