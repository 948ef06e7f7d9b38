/* A step's end: its loss and score join the epoch's, and the cursor moves on. */
#include "kernels/cuda/launchers.h"

#include "kernels/arith/cuda_ops.h"
#include "kernels/sum/tree.h"

/* One thread: a handful of loads, one after the other; their latency bounds it. */
static __global__ void tally_step(int64_t rows, int64_t parts, const double *part_loss, const double *part_score,
                                  const double *norm, kz_cursor *at, kz_tally *tally)
{
    kz_tally_step(kz_tree_f64(parts, part_loss), kz_tree_f64(parts, part_score), *norm, rows, at, tally);
}

extern "C" cudaError_t kz_tally__cuda(int64_t rows, int64_t parts, const double *part_loss, const double *part_score,
                                      const double *norm, kz_cursor *at, kz_tally *tally, const kz_cuda_queue *q)
{
    return KZ_LAUNCH(tally_step, dim3(1), dim3(1), 0, q->stream, rows, parts, part_loss, part_score, norm, at, tally);
}
