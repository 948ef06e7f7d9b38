/* Bias, activation and dropout, and the way back, for every activation of the list. */
#include "kernels/dense/dense.h"

#include "kernels/activation/identity.h"
#include "kernels/activation/relu.h"
#include "kernels/activation/sigmoid.h"
#include "kernels/activation/tanh.h"
#include "kernels/arith/philox.h"

enum { STRIP = 256 };                   /* dropout factors made at a time */
enum { DRAWN = 4 * KZ_BLOCKS_AT_ONCE }; /* random words of them */

/* to[DRAWN] <- the dropout factors of the elements from 4 block on. */
KZ_BODY void draw_factors(const kz_dropout *d, kz_stream stream, uint64_t block, float *to)
{
    uint32_t word[4][KZ_BLOCKS_AT_ONCE], threshold = d->threshold;
    float factor = d->factor;
    kz_random_blocks(stream, block, word);
    KZ_AS_LOOP
    for (int b = 0; b < KZ_BLOCKS_AT_ONCE; b++)
        for (int w = 0; w < 4; w++) to[4 * b + w] = word[w][b] >= threshold ? factor : 0.0f;
}

/* factor[n] <- the dropout factors of elements first .. first + n - 1; the first block may begin before them, and the
 * last end after them. */
KZ_BODY void dropout_factors(const kz_dropout *d, uint64_t first, int64_t n, float *factor)
{
    kz_stream stream = kz_stream_of(d->seed, KZ_FOR_DROPOUT, d->layer, (uint32_t)d->at->step);
    for (int64_t i = -(int64_t)(first % 4); i < n; i += DRAWN) {
        uint64_t block = (first + (uint64_t)i) / 4;
        if (i >= 0 && i + DRAWN <= n) {
            draw_factors(d, stream, block, factor + i);
            continue;
        }
        float some[DRAWN];
        draw_factors(d, stream, block, some);
        for (int64_t j = i < 0 ? 0 : i; j < n && j < i + DRAWN; j++) factor[j] = some[j - i];
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

/* Elements at .. at + n - 1 of the layer's outputs, bias[i] being that of element at + i; n <= STRIP. */
KZ_BODY void forward_elements(const kz_dense *d, int64_t at, int64_t n, const float *bias)
{
    float factors[STRIP], *f = d->dropout.threshold ? factors : NULL;
    if (f) dropout_factors(&d->dropout, d->dropout.first + (uint64_t)at, n, f);
    forward_strip(d->activation, n, bias, f, d->kept + at, d->y + at);
}

/* Whole rows of few units: strips run on from one row to the next, along copies of the bias. */
KZ_BODY void forward_rows(const kz_dense *d, int64_t row0, int64_t row1)
{
    float bias[STRIP];
    int64_t strip = STRIP / d->units * d->units;
    for (int64_t i = 0; i < strip; i += d->units) memcpy(bias + i, d->bias, (size_t)d->units * sizeof *bias);
    for (int64_t at = row0 * d->units, end = row1 * d->units; at < end; at += strip)
        forward_elements(d, at, end - at < strip ? end - at : strip, bias);
}

KZ_BODY void dense_forward(const kz_dense *d, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    if (column0 == 0 && column1 == d->units && d->units <= STRIP / 4) {
        forward_rows(d, row0, row1);
        return;
    }
    for (int64_t r = row0; r < row1; r++)
        for (int64_t j = column0; j < column1; j += STRIP)
            forward_elements(d, r * d->units + j, column1 - j < STRIP ? column1 - j : STRIP, d->bias + j);
}

KZ_BODY void slope_elements(const kz_dense *d, float *dz, int64_t begin, int64_t end)
{
    float factors[STRIP], *f = d->dropout.threshold ? factors : NULL;
    for (int64_t at = begin; at < end; at += STRIP) {
        int64_t n = end - at < STRIP ? end - at : STRIP;
        if (f) dropout_factors(&d->dropout, d->dropout.first + (uint64_t)at, n, f);
        slope_strip(d->activation, n, f, d->kept + at, dz + at);
    }
}

KZ_BODY void dense_slope(const kz_dense *d, float *dz, int64_t row0, int64_t row1, int64_t column0, int64_t column1)
{
    if (column0 == 0 && column1 == d->units) {
        slope_elements(d, dz, row0 * d->units, row1 * d->units);
        return;
    }
    for (int64_t r = row0; r < row1; r++) slope_elements(d, dz, r * d->units + column0, r * d->units + column1);
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
