/* What tells two samples apart: population stability index, chi-square and Kolmogorov-Smirnov tests, Holm's correction.
 *
 * These are for reports: binary64 by fixed sequences (kernels/arith/host_math.h), so the digits printed are the same
 * everywhere.  docs/data-check.md has the formulas and where they come from. */
#include "data/check_impl.h"
#include "kernels/arith/host_math.h"

#include <math.h>

/* ---- chi-square ---- */

/* ln gamma(a), a > 0: Stirling's series from 20 up, reached by gamma(a + 1) = a gamma(a). */
static double log_gamma(double a)
{
    double product = 1;
    while (a < 20) {
        product *= a;
        a += 1;
    }
    double b = 1 / (a * a);
    double series = (1.0 / 12 + b * (-1.0 / 360 + b * (1.0 / 1260 + b * (-1.0 / 1680)))) / a;
    return (a - 0.5) * kz_log_f64(a) - a + 0.91893853320467274178 + series - kz_log_f64(product);
}

/* The regularised upper incomplete gamma function: a series below a + 1, a continued fraction above it. */
static double upper_gamma(double a, double x)
{
    enum { TERMS = 10000 };
    const double tiny = 1e-300, enough = 1e-15;
    double front = kz_exp_f64(a * kz_log_f64(x) - x - log_gamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int i = 1; i < TERMS && term > sum * enough; i++) sum += term *= x / (a + i);
        return 1 - front * sum;
    }
    double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
    for (int i = 1; i < TERMS; i++) { /* Lentz's method */
        double an = -i * (i - a);
        b += 2;
        d = an * d + b;
        if (fabs(d) < tiny) d = tiny;
        c = b + an / c;
        if (fabs(c) < tiny) c = tiny;
        d = 1 / d;
        h *= c * d;
        if (fabs(c * d - 1) < enough) break;
    }
    return front * h;
}

double kz_chi_square_sf(double statistic, double degrees)
{
    if (!(statistic > 0)) return 1;
    double p = upper_gamma(degrees / 2, statistic / 2);
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

/* ---- Kolmogorov-Smirnov ---- */

double kz_kolmogorov_sf(double lambda)
{
    const double pi = 3.14159265358979323846;
    double sum = 0;
    if (!(lambda > 0)) return 1;
    if (lambda < 1.18) { /* each series where few terms are enough */
        double t = kz_exp_f64(-pi * pi / (8 * lambda * lambda));
        for (int k = 1; k <= 9; k += 2) sum += kz_pow_f64(t, (double)k * k);
        return 1 - 2.50662827463100050242 / lambda * sum;
    }
    for (int k = 1; k <= 8; k++) sum += (k % 2 ? 1 : -1) * kz_exp_f64(-2.0 * k * k * lambda * lambda);
    return 2 * sum < 1 ? 2 * sum : 1;
}

double kz_ks_p(double d, int64_t n, int64_t m)
{
    double root = sqrt((double)n * (double)m / ((double)n + (double)m));
    return kz_kolmogorov_sf((root + 0.12 + 0.11 / root) * d);
}

double kz_ks_statistic(const double *a, int64_t n, const double *b, int64_t m)
{
    double most = 0;
    for (int64_t i = 0, j = 0; i < n && j < m;) {
        double x = a[i] < b[j] ? a[i] : b[j];
        while (i < n && a[i] == x) i++;
        while (j < m && b[j] == x) j++;
        double d = fabs((double)i / (double)n - (double)j / (double)m);
        if (d > most) most = d;
    }
    return most;
}

/* ---- population stability index ---- */

int kz_psi_edges(const double *a, int64_t n, double edge[KZ_PSI_BINS])
{
    int edges = 0;
    for (int k = 1; k < KZ_PSI_BINS; k++) {
        double x = a[(k * n + KZ_PSI_BINS - 1) / KZ_PSI_BINS - 1];
        if (edges == 0 || x > edge[edges - 1]) edge[edges++] = x;
    }
    return edges;
}

/* Bin i holds edge[i - 1] < x <= edge[i]. */
void kz_psi_counts(const double *a, int64_t n, const double *edge, int edges, int64_t *count)
{
    int bin = 0;
    for (int k = 0; k <= edges; k++) count[k] = 0;
    for (int64_t i = 0; i < n; i++) {
        while (bin < edges && a[i] > edge[bin]) bin++;
        count[bin]++;
    }
}

double kz_psi(const int64_t *a, const int64_t *b, int64_t bins, double *p)
{
    double n = 0, m = 0, used = 0, psi = 0, chi_square = 0;
    for (int64_t k = 0; k < bins; k++) {
        n += (double)a[k];
        m += (double)b[k];
        used += a[k] + b[k] > 0;
    }
    *p = 1;
    if (!(n > 0 && m > 0) || used < 2) return 0;
    for (int64_t k = 0; k < bins; k++) {
        double x = (double)a[k], y = (double)b[k];
        if (a[k] + b[k] == 0) continue;
        double share = (x + 0.5) / (n + 0.5 * used), other = (y + 0.5) / (m + 0.5 * used);
        psi += (other - share) * kz_log_f64(other / share);
        double expected = (x + y) * n / (n + m); /* in a, and the rest in b, by the same amount off */
        chi_square += (x - expected) * (x - expected) * (1 / expected + 1 / (x + y - expected));
    }
    *p = kz_chi_square_sf(chi_square, used - 1);
    return psi;
}

/* ---- many tests at once ---- */

/* Ascending; equal ones by their place, so that there is one order. */
static bool before(const double *p, uint32_t a, uint32_t b)
{
    return p[a] < p[b] || (p[a] == p[b] && a < b);
}

static void sift(const double *p, uint32_t *order, int64_t at, int64_t n)
{
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(p, order[child], order[child + 1])) child++;
        if (!before(p, order[at], order[child])) return;
        uint32_t swap = order[at];
        order[at] = order[child];
        order[child] = swap;
    }
}

void kz_holm(double *p, int64_t n, uint32_t *order)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) order[i] = (uint32_t)i;
    for (int64_t i = n / 2; i-- > 0;) sift(p, order, i, n);
    for (int64_t i = n; i-- > 1;) {
        uint32_t swap = order[0];
        order[0] = order[i];
        order[i] = swap;
        sift(p, order, 0, i);
    }
    for (int64_t i = 0; i < n; i++) {
        double adjusted = (double)(n - i) * p[order[i]];
        if (adjusted > most) most = adjusted;
        p[order[i]] = most < 1 ? most : 1;
    }
}
