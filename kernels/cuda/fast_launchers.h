/* kernels/cuda/fast_launchers.h — what `arithmetic: fast` queues beside the library's products; as in launchers.h.
 *
 * An array of bfloat16 has rows kz_bf16_stride apart.  What lies between two rows is neither read nor written. */
#ifndef KZ_CUDA_FAST_LAUNCHERS_H
#define KZ_CUDA_FAST_LAUNCHERS_H

#include "kernels/arith/bf16.h"
#include "kernels/cuda/launchers.h"

#ifdef __cplusplus
extern "C" {
#endif

/* to (rows, width) <- from (rows, width), rounded; rows of `to` are `stride` apart. */
cudaError_t kz_cast_bf16__cuda(int64_t rows, int64_t width, const float *from, kz_bf16 *to, int64_t stride,
                               const kz_cuda_queue *q);

/* What a product has left undone of dense_forward.  In d->kept (d->y without dropout) are totals with or without bias:
 * kept <- activation(kept + bias), y <- dropout(kept).  bias NULL: it is there already.  Where d->activation is identity
 * and there is neither bias nor dropout nothing is launched.  _bf16: both arrays are. */
cudaError_t kz_dense_finish_f32__cuda(const kz_dense *d, const float *bias, const kz_cuda_queue *q);
cudaError_t kz_dense_finish_bf16__cuda(const kz_dense *d, const float *bias, const kz_cuda_queue *q);

/* kz_dense_slope_f32__cuda for dz and d->kept in bfloat16. */
cudaError_t kz_dense_slope_bf16__cuda(const kz_dense *d, kz_bf16 *dz, const kz_cuda_queue *q);

/* db (units) <- sums over the rows of dz, in a fixed order; rows of dz are `stride` apart. */
cudaError_t kz_bias_gradient_f32__cuda(int64_t rows, int64_t units, const float *dz, int64_t stride, float *db,
                                       const kz_cuda_queue *q);
cudaError_t kz_bias_gradient_bf16__cuda(int64_t rows, int64_t units, const kz_bf16 *dz, int64_t stride, float *db,
                                        const kz_cuda_queue *q);

/* As kz_optim_f32__cuda; copy[n] <- the parameters, rounded.  After a bad step both stay. */
cudaError_t kz_optim_copy_bf16__cuda(int which, const kz_optim_coef *coef, int64_t coefs, const kz_tally *tally,
                                     const double *norm, int64_t n, const float *g, float *theta, float *const *state,
                                     kz_bf16 *copy, const kz_cuda_queue *q);

#ifdef __cplusplus
}
#endif
#endif
