/* kernels/dense/dense_cuda.h — activation, dropout and their slopes on a GPU, 4 neighbouring outputs of a layer at a time.
 *
 * A block of Philox gives the words of 4 elements from a multiple of 4 on: neighbours that begin there draw one, others
 * two. */
#ifndef KZ_DENSE_DENSE_CUDA_H
#define KZ_DENSE_DENSE_CUDA_H

#include "kernels/activation/identity.h"
#include "kernels/activation/relu.h"
#include "kernels/activation/sigmoid.h"
#include "kernels/activation/tanh.h"
#include "kernels/arith/cuda_ops.h"
#include "kernels/arith/philox.h"
#include "kernels/dense/dense.h"

/* The step whose random numbers a layer takes; without dropout it has none. */
static __device__ __forceinline__ uint32_t kz_drop_step(const kz_dropout &d)
{
    return d.threshold ? static_cast<uint32_t>(d.at->step) : 0;
}

/* v[4] times the dropout factors of the elements from `element` on, of which some may be nobody's. */
static __device__ __forceinline__ void kz_drop_quad(const kz_dropout &d, uint32_t step, uint64_t element, float *v)
{
    kz_stream stream = kz_stream_of(d.seed, KZ_FOR_DROPOUT, d.layer, step);
    philox4x32_ctr_t low = kz_random_block(stream, element / 4);
    uint32_t w0 = low.v[0], w1 = low.v[1], w2 = low.v[2], w3 = low.v[3];
    int skip = static_cast<int>(element % 4);
    if (skip > 0) {
        philox4x32_ctr_t high = kz_random_block(stream, element / 4 + 1);
        w0 = skip == 1 ? w1 : skip == 2 ? w2 : w3;
        w1 = skip == 1 ? low.v[2] : skip == 2 ? low.v[3] : high.v[0];
        w2 = skip == 1 ? low.v[3] : skip == 2 ? high.v[0] : high.v[1];
        w3 = skip == 1 ? high.v[0] : skip == 2 ? high.v[1] : high.v[2];
    }
    v[0] *= w0 >= d.threshold ? d.factor : 0.0f;
    v[1] *= w1 >= d.threshold ? d.factor : 0.0f;
    v[2] *= w2 >= d.threshold ? d.factor : 0.0f;
    v[3] *= w3 >= d.threshold ? d.factor : 0.0f;
}

/* v[4] <- activation(v) */
static __device__ __forceinline__ void kz_activate_quad(int activation, float *v)
{
    switch (activation) {
#define KZ_ACTIVATION(name, formula)                                                                                   \
    case KZ_ACTIVATION_##name:                                                                                         \
        KZ_UNROLL                                                                                                      \
        for (int j = 0; j < 4; j++) v[j] = kz_##name(v[j]);                                                            \
        break;
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    }
}

/* v[4] <- v x slope(kept) */
static __device__ __forceinline__ void kz_slope_quad(int activation, const float *kept, float *v)
{
    switch (activation) {
#define KZ_ACTIVATION(name, formula)                                                                                   \
    case KZ_ACTIVATION_##name:                                                                                         \
        KZ_UNROLL                                                                                                      \
        for (int j = 0; j < 4; j++) v[j] *= kz_##name##_slope(kept[j]);                                                \
        break;
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
    }
}

#endif
