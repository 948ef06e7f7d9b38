/* Decimal text to binary64, rounded correctly, by the means that suffice:
 *   up to 2^53 times a power of ten up to 10^22: one exact operation (Clinger, PLDI 1990);
 *   up to 19 digits: their product with a 128-bit power of five (Lemire, Number parsing at a gigabyte per second, 2021);
 *   what is left: strtod in the C locale. */
#include "data/import_impl.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { LEAST_POWER = -54, MOST_POWER = 54, LONGEST = 1100 };

/* 5^q scaled to 2^127 <= power < 2^128: cut off for q >= 0, rounded up for q < 0. */
static uint64_t power_high[MOST_POWER - LEAST_POWER + 1], power_low[MOST_POWER - LEAST_POWER + 1];
static locale_t c_locale;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool ready;

static void set_power(int q, wide power)
{
    power_high[q - LEAST_POWER] = (uint64_t)(power >> 64);
    power_low[q - LEAST_POWER] = (uint64_t)power;
}

/* 5^54 < 2^126, so that all of this is exact in 128 bits. */
static void make_powers(void)
{
    wide five = 1;
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    for (int q = 0; q <= MOST_POWER; q++, five *= 5) {
        wide scaled = five, quotient = 0, rest = 1;
        while (!(scaled >> 127)) scaled <<= 1;
        set_power(q, scaled);
        if (q == 0) continue;
        while (!(quotient >> 127)) { /* 2^k / 5^q, bit by bit, until it has 128 bits */
            rest <<= 1;
            quotient <<= 1;
            if (rest >= five) {
                rest -= five;
                quotient |= 1;
            }
        }
        set_power(-q, quotient + 1);
    }
    atomic_store_explicit(&ready, true, memory_order_release);
}

/* w 10^q, correctly rounded; false where 128 bits cannot decide. */
static bool scale(uint64_t w, int q, double *out)
{
    int zeros = __builtin_clzll(w), i = q - LEAST_POWER;
    w <<= zeros;
    wide first = (wide)w * power_high[i];
    uint64_t upper = (uint64_t)(first >> 64), lower = (uint64_t)first;
    if ((upper & 0x1ff) == 0x1ff) {
        uint64_t second = (uint64_t)(((wide)w * power_low[i]) >> 64);
        lower += second;
        upper += lower < second;
        if (lower == UINT64_MAX && (q < -27 || q > 55)) return false;
    }
    int upper_bit = (int)(upper >> 63), shift = upper_bit + 64 - 52 - 3;
    uint64_t mantissa = upper >> shift;
    int exponent = (((152170 + 65536) * q) >> 16) + 63 + upper_bit - zeros + 1023;
    /* exactly between two numbers: only where 5^|q| divides a 64-bit product */
    if (lower <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == upper) mantissa &= ~1ull;
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    if (mantissa >= 2ull << 52) {
        mantissa = 1ull << 52;
        exponent++;
    }
    if (exponent <= 0 || exponent >= 2047) return false;
    uint64_t bits = (mantissa & ~(1ull << 52)) | (uint64_t)exponent << 52;
    memcpy(out, &bits, sizeof bits);
    return true;
}

static const double exact_power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The text itself, for what the fast ways leave over; s[n] is what was recognised as a number. */
static bool slowly(const char *s, int64_t n, char point, double *out)
{
    char copy[LONGEST + 1];
    if (n > LONGEST) return false;
    memcpy(copy, s, (size_t)n);
    copy[n] = '\0';
    char *mark = point == '.' ? NULL : memchr(copy, point, (size_t)n);
    if (mark) *mark = '.';
    *out = strtod_l(copy, NULL, c_locale);
    return true;
}

static inline uint64_t load8(const char *s)
{
    uint64_t v;
    memcpy(&v, s, sizeof v);
    return v;
}

/* Eight digits at once, the first in the lowest byte. */
static inline bool all_digits(uint64_t v)
{
    return ((v & 0xf0f0f0f0f0f0f0f0) | (((v + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) == 0x3333333333333333;
}

static inline uint32_t eight_digits(uint64_t v)
{
    v -= 0x3030303030303030;
    v = v * 10 + (v >> 8);                                                 /* pairs */
    uint64_t even = (v & 0x000000ff000000ff) * (100 + (1000000ull << 32)); /* pairs 0 and 2 */
    uint64_t odd = ((v >> 16) & 0x000000ff000000ff) * (1 + (10000ull << 32));
    return (uint32_t)((even + odd) >> 32);
}

/* Adds the digits at s to *w (modulo 2^64: the caller counts them). */
static inline const char *read_digits(const char *s, const char *end, uint64_t *w)
{
    while (end - s >= 8 && all_digits(load8(s))) {
        *w = *w * 100000000 + eight_digits(load8(s));
        s += 8;
    }
    for (; s < end && (unsigned char)(*s - '0') < 10; s++) *w = *w * 10 + (uint64_t)(*s - '0');
    return s;
}

/* The exponent part at s, if it is whole: "e-5". */
static const char *read_exponent(const char *s, const char *end, int64_t *exponent)
{
    const char *p = s + 1;
    bool negative = false;
    int64_t e = 0;
    if (p < end && (*p == '-' || *p == '+')) negative = *p++ == '-';
    const char *digits = p;
    for (; p < end && (unsigned char)(*p - '0') < 10; p++)
        if (e < 100000) e = e * 10 + (*p - '0');
    if (p == digits) return s;
    *exponent += negative ? -e : e;
    return p;
}

/* Over 19 digits: those that count are read again, and the rest make it a little more. */
static bool long_number(const char *s, const char *end, char point, int64_t exponent10, double *out)
{
    uint64_t w = 0;
    int64_t kept = 0, dropped = 0;
    bool started = false, more = false;
    double low, high;
    for (; s < end && ((unsigned char)(*s - '0') < 10 || *s == point); s++) {
        if (*s == point) continue;
        started = started || *s != '0';
        if (!started) continue;
        if (kept < 19) {
            w = w * 10 + (uint64_t)(*s - '0');
            kept++;
        } else {
            dropped++;
            more = more || *s != '0';
        }
    }
    exponent10 += dropped;
    if (w == 0) {
        *out = 0;
        return true;
    }
    if (exponent10 < LEAST_POWER || exponent10 > MOST_POWER || !scale(w, (int)exponent10, &low)) return false;
    if (more && (!scale(w + 1, (int)exponent10, &high) || high > low)) return false;
    *out = low;
    return true;
}

const char *kz_number_read(const char *s, const char *end, char point, double *out, int *digits)
{
    const char *begin = s, *first, *mark = NULL;
    uint64_t w = 0;
    int64_t exponent = 0, count;
    double v;
    if (__builtin_expect(!atomic_load_explicit(&ready, memory_order_acquire), false)) pthread_once(&once, make_powers);
    bool negative = s < end && *s == '-';
    if (s < end && (*s == '-' || *s == '+')) s++;
    first = s;
    s = read_digits(s, end, &w);
    count = s - first;
    if (s < end && *s == point) {
        mark = s;
        s = read_digits(s + 1, end, &w);
        exponent = -(s - mark - 1);
        count -= exponent;
    }
    if (count == 0) return NULL;
    const char *last = s;
    if (s < end && (*s == 'e' || *s == 'E')) s = read_exponent(s, end, &exponent);
    if (count > 19) { /* zeros in front do not count */
        for (const char *p = first; p < last && (*p == '0' || p == mark); p++) count -= p != mark;
        if (count > 19) {
            *digits = count > 1000 ? 1000 : (int)count;
            if (!long_number(first, last, point, exponent, &v) && !slowly(begin, s - begin, point, &v)) return NULL;
            *out = negative ? -fabs(v) : fabs(v);
            return s;
        }
    }
    *digits = w < 10000000 ? 7 : (int)count; /* "0.001" has few */
    if (w <= 1ull << 53 && exponent >= -22 && exponent <= 22)
        v = exponent < 0 ? (double)w / exact_power[-exponent] : (double)w * exact_power[exponent];
    else if (w == 0) v = 0;
    else if (exponent < LEAST_POWER || exponent > MOST_POWER || !scale(w, (int)exponent, &v)) {
        if (!slowly(begin, s - begin, point, &v)) return NULL;
        v = fabs(v);
    }
    *out = negative ? -v : v;
    return s;
}
