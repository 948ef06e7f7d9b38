/* dw (units, inputs) <- dzT x;  db (units) <- dzT 1 */
#include "kernels/dense/dense.h"
#include "kernels/matmul/matmul_cuda.h"

namespace {

struct finish_weights {
    static constexpr bool SUMS = true; /* db: 1 addition beside `inputs` multiply-adds */
    float *dw, *db;
    int inputs;
    bool wide;

    struct needs {};

    __device__ __forceinline__ needs read_quad(int, int) const
    {
        return needs();
    }

    __device__ __forceinline__ void end_quad(int unit, int input, const float4 &total, const needs &) const
    {
        float v[4] = {total.x, total.y, total.z, total.w};
        kz_store_quad(dw + static_cast<int64_t>(unit) * inputs + input, inputs - input, wide, v);
    }

    __device__ __forceinline__ void end_sum(int unit, float total) const
    {
        db[unit] = total;
    }
};

} // namespace

cudaError_t kz_dense_weights_f32__cuda(const kz_dense *d, const float *dz, const float *x, float *dw, float *db,
                                       const kz_cuda_queue *q)
{
    if (d->units == 0) return cudaSuccess;
    if (!kz_tiled_fits(d->units, d->inputs, d->rows, false)) return cudaErrorInvalidValue;
    kz_tiled g = {};
    g.m = static_cast<int>(d->units), g.n = static_cast<int>(d->inputs), g.k = static_cast<int>(d->rows);
    g.a = dz;
    g.b = x;
    finish_weights finish = {dw, db, g.n, kz_is_wide(dw, d->inputs)};
    if (kz_is_wide(dz, d->units) && kz_is_wide(x, d->inputs)) return kz_tiled_launch<KZ_WIDE, KZ_WIDE>(g, finish, q);
    return kz_tiled_launch<KZ_NARROW, KZ_NARROW>(g, finish, q);
}
