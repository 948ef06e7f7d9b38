/* Binary32 to bfloat16. */
#include "kernels/cast/quad_cuda.h"
#include "kernels/cuda/fast_launchers.h"

enum { THREADS = 256, BLOCKS = 8 /* of a multiprocessor */ };

typedef struct {
    int64_t rows, width, stride, quads; /* quads of a row */
    const float *from;
    kz_bf16 *to;
    bool wide_from, wide_to;
} cast;

/* 4 numbers at a time: 6 bytes and some 5 integer instructions per number, so memory bounds it. */
static __global__ void cast_all(cast c)
{
    for (int64_t i = kz_thread_of_grid(); i < c.rows * c.quads; i += kz_threads_of_grid()) {
        int64_t row = kz_row_of_quad(i, c.quads), column = (i - row * c.quads) * 4, left = c.width - column;
        float x[4];
        int count = left < 4 ? static_cast<int>(left) : 4;
        kz_load_four(c.from + row * c.width + column, count, c.wide_from, x);
        kz_store_four(c.to + row * c.stride + column, count, c.wide_to, x);
    }
}

extern "C" cudaError_t kz_cast_bf16__cuda(int64_t rows, int64_t width, const float *from, kz_bf16 *to, int64_t stride,
                                          const kz_cuda_queue *q)
{
    if (rows <= 0 || width <= 0) return cudaSuccess;
    bool wide_from = rows == 1 ? kz_is_aligned(from, 16) : kz_rows_are_wide(from, width);
    bool wide_to = rows == 1 ? kz_is_aligned(to, 8) : kz_rows_are_wide(to, stride);
    cast c = {rows, width, stride, kz_blocks_for(width, 4), from, to, wide_from, wide_to};
    int64_t blocks = kz_blocks_for(rows * c.quads, THREADS), most = int64_t(BLOCKS) * q->multiprocessors;
    return KZ_LAUNCH(cast_all, kz_grid(blocks < most ? blocks : most), dim3(THREADS), 0, q->stream, c);
}
