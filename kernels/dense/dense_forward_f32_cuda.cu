/* y <- dropout(activation(x wT + bias)) */
#include "kernels/dense/dense_cuda.h"
#include "kernels/matmul/matmul_cuda.h"

namespace {

/* What comes after the total, per output: reads the bias, writes y and, with dropout, the value before it, 4 to 8 bytes. */
struct finish_forward {
    static constexpr bool SUMS = false;
    kz_dense d;
    bool wide; /* rows of outputs and the bias are whole numbers of 16 bytes */

    struct needs {
        float bias[4];
        uint32_t step;
    };

    __device__ __forceinline__ needs read_quad(int, int column) const
    {
        needs r;
        kz_load_quad(d.bias + column, static_cast<int>(d.units) - column, wide, r.bias);
        r.step = kz_drop_step(d.dropout);
        return r;
    }

    __device__ __forceinline__ void end_quad(int row, int column, const float4 &total, const needs &r) const
    {
        float v[4] = {total.x, total.y, total.z, total.w};
        int64_t at = row * d.units + column;
        int count = static_cast<int>(d.units) - column;
        KZ_UNROLL
        for (int j = 0; j < 4; j++) v[j] += r.bias[j];
        kz_activate_quad(d.activation, v);
        if (d.dropout.threshold) {
            kz_store_quad(d.kept + at, count, wide, v);
            kz_drop_quad(d.dropout, r.step, d.dropout.first + static_cast<uint64_t>(at), v);
        }
        kz_store_quad(d.y + at, count, wide, v);
    }
};

} // namespace

cudaError_t kz_dense_forward_f32__cuda(const kz_dense *d, const float *x, const kz_cuda_queue *q)
{
    if (d->rows == 0 || d->units == 0) return cudaSuccess;
    if (!kz_tiled_fits(d->rows, d->units, d->inputs, true)) return cudaErrorInvalidValue;
    kz_tiled g = {};
    g.m = static_cast<int>(d->rows), g.n = static_cast<int>(d->units), g.k = static_cast<int>(d->inputs);
    g.a = x;
    g.b = d->weight;
    finish_forward finish = {*d, kz_is_wide(d->y, d->units) && kz_is_wide(d->kept, d->units) &&
                                     kz_is_wide(d->bias, d->units)};
    return kz_tiled_launch<KZ_ALONG_K, KZ_ALONG_K>(g, finish, q);
}
