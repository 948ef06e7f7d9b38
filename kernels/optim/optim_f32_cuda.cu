/* The optimisers of the list: one pass over parameters, gradient and moments. */
#include "kernels/cast/quad_cuda.h"
#include "kernels/cuda/fast_launchers.h"
#include "kernels/optim/optim_cuda.h"

enum { THREADS = 128, BLOCKS = 8 /* of a multiprocessor, which holds all of them at once */ };

typedef struct {
    const kz_optim_coef *coef; /* (coefs) */
    int64_t coefs;
    const kz_tally *tally;
    const double *norm;
    int64_t n;
    const float *g;
    float *theta, *state[KZ_OPTIM_MOST_ARRAYS];
    kz_bf16 *copy; /* (n) of the parameters, rounded; or NULL */
} update;

/* What all threads of a block need of the step. */
typedef struct {
    kz_optim_coef c;
    float scale; /* of clipping by norm */
    int sound;   /* no step so far was bad */
} step_now;

KZ_FN void look_up(const update &u, step_now *now)
{
    now->sound = u.tally->bad_step < 0;
    now->c = u.coef[u.tally->step % u.coefs];
    now->scale = kz_clip_scale(&now->c, *u.norm);
}

/* V neighbouring parameters in registers. */
template <class F, int V> struct elements {
    float g[V], p[V], s[F::moments][V];

    __device__ __forceinline__ void load(const update &u, int64_t i)
    {
        kz_load<V>(u.g + i, g);
        kz_load<V>(u.theta + i, p);
        KZ_UNROLL
        for (int k = 0; k < F::moments; k++) kz_load<V>(u.state[k] + i, s[k]);
    }
    __device__ __forceinline__ void step(const kz_optim_coef *c, float scale)
    {
        KZ_UNROLL
        for (int e = 0; e < V; e++) {
            float own[F::moments];
            for (int k = 0; k < F::moments; k++) own[k] = s[k][e];
            F::apply(c, kz_clipped(c, scale, g[e]), p + e, own);
            for (int k = 0; k < F::moments; k++) s[k][e] = own[k];
        }
    }
    __device__ __forceinline__ void store(const update &u, int64_t i) const
    {
        kz_store<V>(u.theta + i, p);
        KZ_UNROLL
        for (int k = 0; k < F::moments; k++) kz_store<V>(u.state[k] + i, s[k]);
        if (!u.copy) return;
        if constexpr (V == 4) kz_store_four(u.copy + i, V, true, p);
        else u.copy[i] = kz_bf16_of(p[0]);
    }
};

/* V parameters at a time.  Bytes and flops per parameter are in the formulas' headers, 20 to 28 (2 more with a copy) and 6
 * to 25 with the root and the division: memory bounds it.  The first loads are under way while the step's coefficients are
 * looked up. */
template <class F, int V> static __global__ void __launch_bounds__(THREADS, BLOCKS) step_all(update u)
{
    KZ_SHARED(step_now, now);
    int64_t whole = u.n / V * V, i = kz_thread_of_grid() * V, rest = whole + kz_thread_of_grid();
    elements<F, V> x = {};
    if (i < whole) x.load(u, i);
    if (threadIdx.x == 0) look_up(u, now);
    __syncthreads();
    if (!now->sound) return;
    const kz_optim_coef c = now->c;
    const float scale = now->scale;
    while (i < whole) {
        x.step(&c, scale);
        x.store(u, i);
        i += kz_threads_of_grid() * V;
        if (i < whole) x.load(u, i);
    }
    if (rest < u.n) {
        elements<F, 1> last;
        last.load(u, rest);
        last.step(&c, scale);
        last.store(u, rest);
    }
}

template <class F> static cudaError_t queue_step(const update &u, const kz_cuda_queue *q)
{
    bool four = kz_is_aligned(u.g, 16) && kz_is_aligned(u.theta, 16) && kz_is_aligned(u.copy, 8);
    for (int k = 0; k < F::moments; k++) four = four && kz_is_aligned(u.state[k], 16);
    int64_t blocks = kz_blocks_for(u.n, THREADS * (four ? 4 : 1)), most = int64_t(BLOCKS) * q->multiprocessors;
    return KZ_LAUNCH((four ? step_all<F, 4> : step_all<F, 1>), kz_grid(blocks < most ? blocks : most), dim3(THREADS),
                     sizeof(step_now), q->stream, u);
}

extern "C" cudaError_t kz_optim_f32__cuda(int which, const kz_optim_coef *coef, int64_t coefs, const kz_tally *tally,
                                          const double *norm, int64_t n, const float *g, float *theta,
                                          float *const *state, const kz_cuda_queue *q)
{
    return kz_optim_copy_bf16__cuda(which, coef, coefs, tally, norm, n, g, theta, state, nullptr, q);
}

extern "C" cudaError_t kz_optim_copy_bf16__cuda(int which, const kz_optim_coef *coef, int64_t coefs,
                                                const kz_tally *tally, const double *norm, int64_t n, const float *g,
                                                float *theta, float *const *state, kz_bf16 *copy,
                                                const kz_cuda_queue *q)
{
    if (n <= 0) return cudaSuccess;
    update u = {coef, coefs, tally, norm, n, g, theta, {}, copy};
    switch (which) {
#define KZ_OPTIM(name, arrays, keys, text)                                                                             \
    case KZ_OPTIM_##name:                                                                                              \
        for (int k = 0; k < arrays; k++) u.state[k] = state[k];                                                        \
        return queue_step<kz_##name##_formula>(u, q);
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
    default: return cudaErrorInvalidValue;
    }
}
