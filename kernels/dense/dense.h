/* kernels/dense/dense.h — what a dense layer does beside its matrix products: bias, activation, dropout, and their slopes.
 *
 * y = f x activation(total + bias), each operation rounded, f the dropout factor.  Elementwise: reads the total (and
 * with dropout writes the value before it), 8 to 12 bytes per element, so memory bounds it. */
#ifndef KZ_DENSE_DENSE_H
#define KZ_DENSE_DENSE_H

#include "kernels/arith/cursor.h"
#include "kernels/arith/variants.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The list, as numbers: KZ_ACTIVATION_relu, ... */
enum {
#define KZ_ACTIVATION(name, formula) KZ_ACTIVATION_##name,
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    KZ_ACTIVATIONS
};

/* Dropout of one part of a batch.  Element `first + row * units + unit` of its stream is kept where its word is at least
 * `threshold` = floor(p 2^32), and then multiplied by `factor` = (float)(1 / (1 - p)); else by 0. */
typedef struct {
    uint32_t threshold; /* 0: no dropout */
    float factor;
    uint64_t seed, first;
    uint32_t layer;
    const kz_cursor *at; /* the step; not NULL with dropout */
} kz_dropout;

/* One dense layer at work on `rows` rows. */
typedef struct {
    int64_t rows, inputs, units;
    const float *weight; /* (units, inputs) */
    const float *bias;   /* (units) */
    bool first, last;    /* its x is the batch; its y is what the loss reads.  What lies between layers, whose elements
                          * nobody else looks at, a device may store in a form of its own */
    int activation;
    kz_dropout dropout;
    float *y;    /* (rows, units): the layer's outputs */
    float *kept; /* (rows, units): their value before dropout; y itself where there is none */
} kz_dense;

/* On rows row0 .. row1 - 1, columns column0 .. column1 - 1. */
typedef void kz_dense_forward_fn(const kz_dense *d, int64_t row0, int64_t row1, int64_t column0, int64_t column1);
/* The same for dz <- (dz x dropout factor) x slope. */
typedef void kz_dense_slope_fn(const kz_dense *d, float *dz, int64_t row0, int64_t row1, int64_t column0,
                               int64_t column1);

#define KZ_DECLARE(how, attribute)                                                                                     \
    kz_dense_forward_fn kz_dense_forward_f32__##how;                                                                   \
    kz_dense_slope_fn kz_dense_slope_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
