/* kernels/cuda/launchers.h — the operations of kz_device_ops as CUDA launches: each queues its kernels on a stream and
 * returns what the launch returned.  Pointers are the device's unless the comment says host; structures are copied.
 * None allocates, waits, or reads the device, so that all of them can be recorded into a graph.  No rows or elements:
 * nothing is launched.  The same bits as the CPU's: docs/arithmetic.md. */
#ifndef KZ_CUDA_LAUNCHERS_H
#define KZ_CUDA_LAUNCHERS_H

#include "kernels/arith/cursor.h"
#include "kernels/dense/dense.h"
#include "kernels/gather/gather.h"
#include "kernels/loss/loss.h"
#include "kernels/optim/optim_f32.h"
#include "kernels/step/step.h"

#include <cuda_runtime.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where kernels are queued, and memory for what they keep between two launches; one launch at a time uses it. */
typedef struct {
    cudaStream_t stream;
    float *scratch;         /* uninitialised; block totals of a product over k, block sums */
    int64_t scratch_floats; /* with fewer a product is cut into fewer parts: another schedule, the same bits */
    int multiprocessors;    /* of the device: how many blocks fill it */
    int64_t shared;         /* bytes of shared memory that a block can have */
    unsigned
        *arrivals; /* (KZ_CUDA_ARRIVALS): zeroed once; every launch leaves zeros.  NULL: no product is cut over k, and
                    * what the last block would do is a launch of its own, or one block's */
} kz_cuda_queue;

enum { KZ_CUDA_ARRIVALS = 4096 };

cudaError_t kz_gather_f32__cuda(const kz_gather *g, const kz_cuda_queue *q);
/* And the sums over the rows, of none +0, where they are wanted.  Of many rows they need scratch as kz_sum_f64. */
cudaError_t kz_loss_f32__cuda(const kz_loss *l, const kz_cuda_queue *q);

cudaError_t kz_dense_forward_f32__cuda(const kz_dense *d, const float *x, const kz_cuda_queue *q);
cudaError_t kz_dense_slope_f32__cuda(const kz_dense *d, float *dz, const kz_cuda_queue *q);
/* dw (units, inputs) <- dzT x;  db (units) <- dzT 1. */
cudaError_t kz_dense_weights_f32__cuda(const kz_dense *d, const float *dz, const float *x, float *dw, float *db,
                                       const kz_cuda_queue *q);
/* dx (rows, inputs) <- dz w, then dense_slope for the layer below. */
cudaError_t kz_dense_input_f32__cuda(const kz_dense *d, const float *dz, const kz_dense *below, float *dx,
                                     const kz_cuda_queue *q);

/* Of nothing it is +0, which is written.  Beyond 32768 elements it needs 2 floats of scratch for each 1024, and again for
 * each 1024 of their sums; with less: cudaErrorInvalidValue. */
cudaError_t kz_sum_f64__cuda(int64_t n, const double *x, double *out, const kz_cuda_queue *q);
cudaError_t kz_add_f32__cuda(int64_t n, const float *b, float *a, const kz_cuda_queue *q);

/* g <- g x inverse, *norm <- its norm over `count` tensors, offset (count + 1) on the device; of nothing it is +0, which
 * is written.  `square` has room for kz_norm_squares(n, count) numbers.  Then, unless end (host) is NULL, the cursor's step
 * joins the tally, and the cursor moves past it and its rows. */
int64_t kz_norm_squares(int64_t n, int64_t count);
cudaError_t kz_mean_norm_f32__cuda(int64_t count, const int64_t *offset, int64_t n, float inverse, float *g,
                                   double *square, double *norm, const kz_step_totals *end, const kz_cuda_queue *q);

/* theta <- updated by optimiser `which` with coefficients coef[tally->step mod coefs], unless tally->bad_step is set.
 * state: host, of device pointers. */
cudaError_t kz_optim_f32__cuda(int which, const kz_optim_coef *coef, int64_t coefs, const kz_tally *tally,
                               const double *norm, int64_t n, const float *g, float *theta, float *const *state,
                               const kz_cuda_queue *q);

/* A whole step by one thread block: as the operations above do it one after the other, but of what they leave only
 * parameters, moments, cursor and tally are written.  *fits <- false, and nothing is queued: the step is too large for
 * that, or of a kind that it does not do. */
cudaError_t kz_step_f32__cuda(const kz_step *s, bool *fits, const kz_cuda_queue *q);

#ifdef __cplusplus
}
#endif
#endif
