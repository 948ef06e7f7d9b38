/* Scaling and squared norm of a gradient, by blocks. */
#include "kernels/norm/norm.h"

KZ_BODY double block_of(int64_t n, float inverse, float *g)
{
    double lane[KZ_SUM_LANES] = {0};
    int64_t i = 0;
    for (; i + KZ_SUM_LANES <= n; i += KZ_SUM_LANES)
        for (int l = 0; l < KZ_SUM_LANES; l++) {
            float x = g[i + l] * inverse;
            g[i + l] = x;
            lane[l] += (double)x * (double)x;
        }
    for (int l = 0; i + l < n; l++) {
        float x = g[i + l] * inverse;
        g[i + l] = x;
        lane[l] += (double)x * (double)x;
    }
    KZ_SUM_FOLD(lane);
    return lane[0];
}

KZ_BODY void mean_norm(int64_t n, float inverse, float *g, double *square, int64_t block0, int64_t block1)
{
    for (int64_t b = block0; b < block1; b++) {
        int64_t at = b * KZ_SUM_BLOCK;
        square[b] = block_of(n - at < KZ_SUM_BLOCK ? n - at : KZ_SUM_BLOCK, inverse, g + at);
    }
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_mean_norm_f32__##how(int64_t n, float inverse, float *g, double *square, int64_t block0,         \
                                           int64_t block1)                                                             \
    {                                                                                                                  \
        mean_norm(n, inverse, g, square, block0, block1);                                                              \
    }
KZ_VARIANTS(KZ_DEFINE)
