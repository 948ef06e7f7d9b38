/* What a dense layer does beside products that a library computes: activation, dropout, their slopes, bias gradients. */
#include "kernels/cast/quad_cuda.h"
#include "kernels/cuda/fast_launchers.h"
#include "kernels/dense/dense_cuda.h"

namespace {

enum { THREADS = 256, BLOCKS = 8 /* of a multiprocessor */ };

/* Rows of a layer's outputs as they lie in memory. */
template <class T> struct rows_of {
    T *base;
    int64_t stride;
    bool wide;

    __device__ __forceinline__ void load(int64_t row, int64_t column, int count, float *v) const
    {
        kz_load_four(base + row * stride + column, count, wide, v);
    }
    __device__ __forceinline__ void store(int64_t row, int64_t column, int count, const float *v) const
    {
        kz_store_four(base + row * stride + column, count, wide, v);
    }
};

template <class T> int64_t stride_of(int64_t units)
{
    return sizeof(T) == sizeof(float) ? units : kz_bf16_stride(units);
}

template <class T> rows_of<T> rows_at(void *base, int64_t units)
{
    T *p = static_cast<T *>(base);
    return {p, stride_of<T>(units), kz_rows_are_wide(p, stride_of<T>(units))};
}

struct place {
    int64_t row, column;
    int count;
};

/* Where quad i of rows of `units` is. */
__device__ __forceinline__ place place_of_quad(int64_t i, int64_t quads, int64_t units)
{
    int64_t row = kz_row_of_quad(i, quads), column = (i - row * quads) * 4, left = units - column;
    return {row, column, left < 4 ? static_cast<int>(left) : 4};
}

/* Reads and writes the value before dropout, with dropout writes y: 4 to 6 bytes per output in bfloat16, 8 to 12 in
 * binary32; an activation (tanh, sigmoid: some 40 of binary64) and with dropout a quarter of Philox's 10 rounds: memory
 * bounds it. */
template <class T>
static __global__ void finish_all(kz_dense d, const float *bias, rows_of<T> kept, rows_of<T> y, int64_t quads)
{
    uint32_t step = kz_drop_step(d.dropout);
    for (int64_t i = kz_thread_of_grid(); i < d.rows * quads; i += kz_threads_of_grid()) {
        place at = place_of_quad(i, quads, d.units);
        float v[4], b[4];
        kept.load(at.row, at.column, at.count, v);
        if (bias) {
            kz_load_four(bias + at.column, at.count, false, b);
            KZ_UNROLL
            for (int j = 0; j < 4; j++) v[j] += b[j];
        }
        if (bias || d.activation != KZ_ACTIVATION_identity) {
            kz_activate_quad(d.activation, v);
            kept.store(at.row, at.column, at.count, v);
        }
        if (!d.dropout.threshold) continue;
        kz_drop_quad(d.dropout, step, d.dropout.first + static_cast<uint64_t>(at.row * d.units + at.column), v);
        y.store(at.row, at.column, at.count, v);
    }
}

/* 6 bytes per element; with dropout a quarter of Philox's 10 rounds besides, some 20 instructions: memory bounds it. */
static __global__ void slope_all(kz_dense d, rows_of<kz_bf16> dz, rows_of<kz_bf16> kept, int64_t quads)
{
    uint32_t step = kz_drop_step(d.dropout);
    for (int64_t i = kz_thread_of_grid(); i < d.rows * quads; i += kz_threads_of_grid()) {
        place at = place_of_quad(i, quads, d.units);
        float v[4], old[4];
        dz.load(at.row, at.column, at.count, v);
        kept.load(at.row, at.column, at.count, old);
        if (d.dropout.threshold)
            kz_drop_quad(d.dropout, step, d.dropout.first + static_cast<uint64_t>(at.row * d.units + at.column), v);
        kz_slope_quad(d.activation, old, v);
        dz.store(at.row, at.column, at.count, v);
    }
}

dim3 grid_of(int64_t elements, const kz_cuda_queue *q)
{
    int64_t blocks = kz_blocks_for(elements, THREADS), most = int64_t(BLOCKS) * q->multiprocessors;
    return kz_grid(blocks < most ? blocks : most);
}

template <class T> cudaError_t queue_finish(const kz_dense *d, const float *bias, const kz_cuda_queue *q)
{
    int64_t quads = kz_blocks_for(d->units, 4);
    if (d->rows == 0 || d->units == 0) return cudaSuccess;
    if (!bias && d->activation == KZ_ACTIVATION_identity && !d->dropout.threshold) return cudaSuccess;
    return KZ_LAUNCH(finish_all<T>, grid_of(d->rows * quads, q), dim3(THREADS), 0, q->stream, *d, bias,
                     rows_at<T>(d->kept, d->units), rows_at<T>(d->y, d->units), quads);
}

/* ---- bias gradients ---- */

enum { COLUMNS = 32, GROUPS = 8 };

/* A block has 32 columns; group g of 32 threads adds rows g, g + 8, ... of them, then the groups are added in order.  Reads
 * each element once, 2 or 4 bytes and 1 addition: memory bounds it, or with few units latency. */
template <class T>
static __global__ void sum_columns(int64_t rows, int64_t units, const T *dz, int64_t stride, float *db)
{
    KZ_SHARED(float, part);
    int lane = static_cast<int>(threadIdx.x) % COLUMNS, group = static_cast<int>(threadIdx.x) / COLUMNS;
    int64_t column = static_cast<int64_t>(blockIdx.x) * COLUMNS + lane;
    float sum = 0;
    for (int64_t row = group; row < rows && column < units; row += GROUPS) {
        float v[4];
        kz_load_four(dz + row * stride + column, 1, false, v);
        sum += v[0];
    }
    part[group * COLUMNS + lane] = sum;
    __syncthreads();
    if (group != 0 || column >= units) return;
    for (int g = 1; g < GROUPS; g++) sum += part[g * COLUMNS + lane];
    db[column] = sum;
}

template <class T>
cudaError_t queue_sum(int64_t rows, int64_t units, const T *dz, int64_t stride, float *db, const kz_cuda_queue *q)
{
    if (units == 0) return cudaSuccess;
    return KZ_LAUNCH(sum_columns<T>, kz_grid(kz_blocks_for(units, COLUMNS)), dim3(COLUMNS * GROUPS),
                     sizeof(float) * COLUMNS * GROUPS, q->stream, rows, units, dz, stride, db);
}

} // namespace

cudaError_t kz_dense_finish_f32__cuda(const kz_dense *d, const float *bias, const kz_cuda_queue *q)
{
    return queue_finish<float>(d, bias, q);
}

cudaError_t kz_dense_finish_bf16__cuda(const kz_dense *d, const float *bias, const kz_cuda_queue *q)
{
    return queue_finish<kz_bf16>(d, bias, q);
}

cudaError_t kz_dense_slope_bf16__cuda(const kz_dense *d, kz_bf16 *dz, const kz_cuda_queue *q)
{
    int64_t quads = kz_blocks_for(d->units, 4);
    if (d->rows == 0 || d->units == 0) return cudaSuccess;
    if (d->activation == KZ_ACTIVATION_identity && !d->dropout.threshold) return cudaSuccess;
    return KZ_LAUNCH(slope_all, grid_of(d->rows * quads, q), dim3(THREADS), 0, q->stream, *d,
                     rows_at<kz_bf16>(dz, d->units), rows_at<kz_bf16>(d->kept, d->units), quads);
}

cudaError_t kz_bias_gradient_f32__cuda(int64_t rows, int64_t units, const float *dz, int64_t stride, float *db,
                                       const kz_cuda_queue *q)
{
    return queue_sum(rows, units, dz, stride, db, q);
}

cudaError_t kz_bias_gradient_bf16__cuda(int64_t rows, int64_t units, const kz_bf16 *dz, int64_t stride, float *db,
                                        const kz_cuda_queue *q)
{
    return queue_sum(rows, units, dz, stride, db, q);
}
