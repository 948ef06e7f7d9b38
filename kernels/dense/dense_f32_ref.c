/* Bias, activation and dropout, and the way back, for every activation of the list. */
#include "kernels/dense/dense.h"

#include "kernels/activation/identity.h"
#include "kernels/activation/relu.h"
#include "kernels/activation/sigmoid.h"
#include "kernels/activation/tanh.h"
#include "kernels/arith/philox.h"

enum { STRIP = 256 }; /* dropout factors made at a time */

/* factor[n] <- the dropout factors of elements first .. first + n - 1. */
KZ_BODY void dropout_factors(const kz_dropout *d, uint64_t first, int64_t n, float *factor)
{
    kz_stream stream = kz_stream_of(d->seed, KZ_FOR_DROPOUT, d->layer, d->step);
    for (int64_t i = 0; i < n;) {
        uint64_t element = first + (uint64_t)i;
        philox4x32_ctr_t words = kz_random_block(stream, element / 4);
        for (uint64_t w = element % 4; w < 4 && i < n; w++, i++)
            factor[i] = words.v[w] >= d->threshold ? d->factor : 0.0f;
    }
}

/* y[n] holds totals on the way in; f: dropout factors, or NULL. */
KZ_BODY void forward_strip(int activation, int64_t n, const float *bias, const float *f, float *kept, float *y)
{
    switch (activation) {
#define KZ_ACTIVATION(name, formula)                                                                                   \
    case KZ_ACTIVATION_##name:                                                                                         \
        for (int64_t j = 0; j < n; j++) kept[j] = kz_##name(y[j] + bias[j]);                                           \
        break;
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    }
    if (f)
        for (int64_t j = 0; j < n; j++) y[j] = kept[j] * f[j];
}

KZ_BODY void slope_strip(int activation, int64_t n, const float *f, const float *kept, float *dz)
{
    if (f)
        for (int64_t j = 0; j < n; j++) dz[j] *= f[j];
    switch (activation) {
#define KZ_ACTIVATION(name, formula)                                                                                   \
    case KZ_ACTIVATION_##name:                                                                                         \
        for (int64_t j = 0; j < n; j++) dz[j] *= kz_##name##_slope(kept[j]);                                           \
        break;
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    }
}

KZ_BODY void dense_forward(const kz_dense *d, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    float factors[STRIP], *f = d->dropout.threshold ? factors : NULL;
    for (int64_t r = row0; r < row1; r++)
        for (int64_t j = column0; j < column1; j += STRIP) {
            int64_t n = column1 - j < STRIP ? column1 - j : STRIP, at = r * d->units + j;
            if (f) dropout_factors(&d->dropout, d->dropout.first + (uint64_t)at, n, f);
            forward_strip(d->activation, n, d->bias + j, f, d->kept + at, d->y + at);
        }
}

KZ_BODY void dense_slope(const kz_dense *d, float *dz, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    float factors[STRIP], *f = d->dropout.threshold ? factors : NULL;
    for (int64_t r = row0; r < row1; r++)
        for (int64_t j = column0; j < column1; j += STRIP) {
            int64_t n = column1 - j < STRIP ? column1 - j : STRIP, at = r * d->units + j;
            if (f) dropout_factors(&d->dropout, d->dropout.first + (uint64_t)at, n, f);
            slope_strip(d->activation, n, f, d->kept + at, dz + at);
        }
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_dense_forward_f32__##how(const kz_dense *d, int64_t row0, int64_t row1, int64_t column0,         \
                                               int64_t column1)                                                        \
    {                                                                                                                  \
        dense_forward(d, row0, row1, column0, column1);                                                                \
    }                                                                                                                  \
    attribute void kz_dense_slope_f32__##how(const kz_dense *d, float *dz, int64_t row0, int64_t row1,                 \
                                             int64_t column0, int64_t column1)                                         \
    {                                                                                                                  \
        dense_slope(d, dz, row0, row1, column0, column1);                                                              \
    }
KZ_VARIANTS(KZ_DEFINE)
