/* dx (rows, inputs) <- dz w, and then dz <- (dz x dropout factor) x slope(kept) of the layer below; the latter alone too. */
#include "kernels/dense/dense_cuda.h"
#include "kernels/matmul/matmul_cuda.h"

namespace {

enum { SLOPE_THREADS = 256 };

/* What comes after the total, per output: reads the layer's kept value, writes dx, 8 bytes. */
struct finish_input {
    static constexpr bool SUMS = false;
    kz_dense below;
    float *dx;
    bool wide;

    struct needs {
        float kept[4];
        uint32_t step;
    };

    __device__ __forceinline__ needs read_quad(int row, int column) const
    {
        needs r;
        kz_load_quad(below.kept + row * below.units + column, static_cast<int>(below.units) - column, wide, r.kept);
        r.step = kz_drop_step(below.dropout);
        return r;
    }

    __device__ __forceinline__ void end_quad(int row, int column, const float4 &total, const needs &r) const
    {
        float v[4] = {total.x, total.y, total.z, total.w};
        int64_t at = row * below.units + column;
        if (below.dropout.threshold)
            kz_drop_quad(below.dropout, r.step, below.dropout.first + static_cast<uint64_t>(at), v);
        kz_slope_quad(below.activation, r.kept, v);
        kz_store_quad(dx + at, static_cast<int>(below.units) - column, wide, v);
    }
};

/* 12 bytes per element; with dropout a quarter of Philox's 10 rounds besides, some 20 instructions: memory bounds it. */
static __global__ void dense_slope(kz_dense d, float *dz, int64_t n, bool wide)
{
    int64_t step = static_cast<int64_t>(gridDim.x) * blockDim.x * 4;
    for (int64_t at = (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 4; at < n; at += step) {
        float v[4], kept[4];
        int count = n - at < 4 ? static_cast<int>(n - at) : 4;
        kz_load_quad(dz + at, count, wide, v);
        kz_load_quad(d.kept + at, count, wide, kept);
        if (d.dropout.threshold)
            kz_drop_quad(d.dropout, kz_drop_step(d.dropout), d.dropout.first + static_cast<uint64_t>(at), v);
        kz_slope_quad(d.activation, kept, v);
        kz_store_quad(dz + at, count, wide, v);
    }
}

} // namespace

cudaError_t kz_dense_slope_f32__cuda(const kz_dense *d, float *dz, const kz_cuda_queue *q)
{
    int64_t n = d->rows * d->units, blocks = kz_pieces(n, 4 * SLOPE_THREADS),
            fill = 8 * (q->multiprocessors > 0 ? q->multiprocessors : 1);
    if (n == 0 || (d->activation == KZ_ACTIVATION_identity && !d->dropout.threshold)) return cudaSuccess;
    bool wide = kz_is_wide(dz, 4) && kz_is_wide(d->kept, 4);
    dim3 grid(static_cast<unsigned>(blocks < fill ? blocks : fill));
    return KZ_LAUNCH(dense_slope, grid, dim3(SLOPE_THREADS), 0, q->stream, *d, dz, n, wide);
}

cudaError_t kz_dense_input_f32__cuda(const kz_dense *d, const float *dz, const kz_dense *below, float *dx,
                                     const kz_cuda_queue *q)
{
    if (d->rows == 0 || d->inputs == 0) return cudaSuccess;
    if (!kz_tiled_fits(d->rows, d->inputs, d->units, true)) return cudaErrorInvalidValue;
    kz_tiled g = {};
    g.m = static_cast<int>(d->rows), g.n = static_cast<int>(d->inputs), g.k = static_cast<int>(d->units);
    g.a = dz;
    g.b = d->weight;
    finish_input finish = {*below, dx, kz_is_wide(dx, d->inputs) && kz_is_wide(below->kept, d->inputs)};
    if (kz_is_wide(d->weight, d->inputs)) return kz_tiled_launch<KZ_ALONG_K, KZ_WIDE>(g, finish, q);
    return kz_tiled_launch<KZ_ALONG_K, KZ_NARROW>(g, finish, q);
}
