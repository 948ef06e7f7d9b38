/* The normal distribution's upper tail. */
#include "kz/stats.h"

#include "kernels/arith/host_math.h"

static double density(double z)
{
    const double factor = 0.3989422804014326779; /* 1 / sqrt(2 pi) */
    return factor * kz_exp_f64(-0.5 * z * z);
}

/* Abramowitz and Stegun 26.2.11, 1/2 - f(z) (z + z^3/3 + z^5/15 + ...), up to 1.5; above it 26.2.14,
 * f(z) / (z + 1 / (z + 2 / (z + ...))): 200 steps leave less than 2^-53 there. */
double kz_stats_normal_upper(double z)
{
    const double near = 1.5, underflow = 39;
    enum { STEPS = 200 };
    if (z < 0) return 1 - kz_stats_normal_upper(-z);
    if (z > underflow) return 0;
    if (z <= near) {
        double sum = 0, term = z;
        for (int k = 3; sum + term != sum; k += 2) {
            sum += term;
            term *= z * z / k;
        }
        return 0.5 - density(z) * sum;
    }
    double fraction = z;
    for (int k = STEPS; k >= 1; k--) fraction = z + k / fraction;
    return density(z) / fraction;
}
