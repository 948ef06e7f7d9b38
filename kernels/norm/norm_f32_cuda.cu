/* The mean of a gradient, its norm, and the end of the step. */
#include "kernels/cuda/launchers.h"
#include "kernels/norm/norm_cuda.h"
#include "kernels/sum/tree_cuda.h"

enum {
    WARPS = 8 /* of a block */,
    FEW = 512 /* tensors, whose offsets a block keeps: a search reads one after the other */
};

/* A warp to each block of 1024, in turn; the last thread block adds their sums up and ends the step.  Reads and writes g: 8
 * bytes per element, 1 flop in binary32 and 2 in binary64, so memory bounds it; a warp's accesses are 128 neighbouring
 * bytes, aligned or not, and several of each lane are under way. */
static __global__ void __launch_bounds__(WARPS *KZ_WARP)
    mean_norm(kz_tensors all, float inverse, float *g, double *square, double *norm, kz_step_totals end,
              unsigned *arrivals)
{
    KZ_SHARED(int64_t, offset);
    if (all.count < FEW) {
        for (int64_t t = threadIdx.x; t <= all.count; t += WARPS * KZ_WARP) offset[1 + t] = all.offset[t];
        all.offset = offset + 1;
        __syncthreads();
    }
    int64_t places = kz_norm_places(all, 1), warps = static_cast<int64_t>(gridDim.x) * WARPS;
    for (int64_t p = static_cast<int64_t>(blockIdx.x) * WARPS + kz_warp_of_block(); p < places; p += warps)
        kz_mean_at(all, p, inverse, g, square);
    if (gridDim.x > 1) {
        if (!kz_arrive_last(arrivals, gridDim.x, reinterpret_cast<unsigned *>(offset))) return;
    } else {
        __syncthreads();
    }
    double root = kz_norm_of_squares(all, square);
    if (kz_warp_of_block() > 0) return;
    if (kz_lane() == 0) *norm = root;
    if (!end.tally) return;
    double loss = kz_tree_by_warp(end.parts, end.part_loss), score = kz_tree_by_warp(end.parts, end.part_score);
    if (kz_lane() == 0) kz_tally_step(loss, score, root, end.rows, end.at, end.tally);
}

extern "C" int64_t kz_norm_squares(int64_t n, int64_t count)
{
    return kz_norm_room({count, n, nullptr});
}

extern "C" cudaError_t kz_mean_norm_f32__cuda(int64_t count, const int64_t *offset, int64_t n, float inverse, float *g,
                                              double *square, double *norm, const kz_step_totals *end,
                                              const kz_cuda_queue *q)
{
    kz_tensors all = {count, n, offset};
    kz_step_totals none = {};
    if (end && end->parts > KZ_TREE_MOST) return cudaErrorInvalidValue;
    int64_t blocks = kz_blocks_for(kz_norm_places(all, 1), WARPS);
    return KZ_LAUNCH(mean_norm, kz_grid(q->arrivals && blocks > 1 ? blocks : 1), dim3(WARPS * KZ_WARP),
                     sizeof(int64_t) * static_cast<size_t>(count < FEW ? count + 2 : 1), q->stream, all, inverse, g,
                     square, norm, end ? *end : none, q->arrivals);
}
