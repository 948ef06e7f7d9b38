/* Numbers from text, whole or not at all, and numbers for people.  The program never calls setlocale, but a library it is
 * linked into might: strtod is therefore given the C locale explicitly. */
#include "kz/base.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool kz_parse_int(const char *s, int64_t *out)
{
    const char *digits = s + (*s == '-' || *s == '+');
    char *end;
    if (!isdigit((unsigned char)*digits)) return false;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (errno || *end) return false;
    *out = v;
    return true;
}

/* Decimal digits with an optional point and exponent: strtod alone would also take "inf", "nan" and "0x1p3". */
static bool looks_decimal(const char *s)
{
    size_t n = strspn(s, "+-0123456789.eE");
    return n > 0 && s[n] == '\0' && strpbrk(s, "0123456789");
}

bool kz_parse_double(const char *s, double *out)
{
    char *end;
    if (!looks_decimal(s)) return false;
    pthread_once(&c_locale_once, make_c_locale);
    double v = strtod_l(s, &end, c_locale);
    if (end == s || *end || !isfinite(v)) return false;
    *out = v;
    return true;
}

bool kz_parse_size(const char *s, int64_t *out)
{
    static const struct {
        const char *unit;
        double bytes;
    } units[] = {{"", 1},     {"B", 1},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40},
                 {"KB", 1e3}, {"kB", 1e3}, {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12}};
    char number[32];
    double v;
    size_t n = strspn(s, "0123456789.");
    if (n == 0 || n >= sizeof number) return false;
    memcpy(number, s, n);
    number[n] = '\0';
    if (!kz_parse_double(number, &v)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(s + n, units[i].unit) != 0) continue;
        v *= units[i].bytes;
        if (!(v < 0x1p62) || v != (double)(int64_t)v) return false;
        *out = (int64_t)v;
        return true;
    }
    return false;
}

void kz_format_size(char out[24], double bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    while (bytes >= 1024 && u < 4) {
        bytes /= 1024;
        u++;
    }
    snprintf(out, 24, u ? "%.1f %s" : "%.0f %s", bytes, units[u]);
}

void kz_format_duration(char out[24], double seconds)
{
    if (!(seconds >= 0)) seconds = 0;
    if (seconds > 0 && seconds < 0.00995) snprintf(out, 24, "%.1f ms", seconds * 1e3);
    else if (seconds < 1) snprintf(out, 24, "%.0f ms", seconds * 1e3);
    else if (seconds < 60) snprintf(out, 24, "%.1f s", seconds);
    else if (seconds < 3600) snprintf(out, 24, "%d min %02d s", (int)(seconds / 60), (int)seconds % 60);
    else if (seconds < 100 * 3600) snprintf(out, 24, "%d h %02d min", (int)(seconds / 3600), (int)(seconds / 60) % 60);
    else snprintf(out, 24, "%.0f days", fmin(seconds, 1e12) / 86400);
}

void kz_format_count(char out[24], int64_t n)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), used = 0;
    bool fits = length + length / 3 < 24;
    for (int i = 0; i < length; i++) {
        if (fits && i > 0 && digits[i - 1] != '-' && (length - i) % 3 == 0) out[used++] = ' ';
        out[used++] = digits[i];
    }
    out[used] = '\0';
}
