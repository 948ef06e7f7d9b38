/* A training step of a small network by one thread block.
 *
 * The network's parameters, the batch, its activations and gradients lie in shared memory from the beginning of the step to its
 * end: only rows, parameters, moments and coefficients are read, and parameters, moments, cursor and tally written.  A
 * launch that waits for another one costs 1.3 to 2 microseconds, and a step has 9 and more of them; one multiprocessor
 * computes the step of a 64-32-10 network in less time than that (docs/gpu.md). */
#include "kernels/cuda/launchers.h"
#include "kernels/dense/dense_cuda.h"
#include "kernels/loss/loss_cuda.h"
#include "kernels/norm/norm_cuda.h"
#include "kernels/optim/optim_cuda.h"
#include "kernels/step/step_product_cuda.h"

namespace {

enum {
    THREADS = KZ_STEP_THREADS,
    AT_ONCE = 8,
    MOST_TENSORS = 2 * KZ_STEP_LAYERS,
    MOST_ROWS = KZ_SUM_BLOCK, /* their sums are one block's */
    MOST_FMAS = 1500000       /* with more, what one multiprocessor takes is more than the launches cost */
};

/* What the block's threads tell each other. */
typedef struct {
    kz_cursor at;
    kz_tally tally;
    kz_optim_coef coef;
    double loss, score, norm;
    int64_t offset[MOST_TENSORS + 1];
} notes;

/* Where a layer lies in shared memory, in floats; rows of (rows, units) arrays and of w are whole fours. */
typedef struct {
    int pitch;             /* of y, kept, dz and w */
    int turned;            /* w (inputs, pitch): the weights, k outermost */
    int weight;            /* (units, pitch of the layer below), but for the first layer's */
    int bias, y, kept, dz; /* kept is y without dropout */
} place;

typedef struct {
    int bytes, squares;                   /* in all; sums of blocks */
    int row_loss, row_score, square, row; /* in numbers of 8 bytes */
    int x, x_pitch, label, g;             /* in floats */
    place layer[KZ_STEP_LAYERS];
} layout;

/* A multiple of 4 floats, and an odd one: 8 neighbouring rows then begin in different banks. */
int pitch_of(int64_t n)
{
    int fours = static_cast<int>((n + 3) / 4);
    return 4 * (fours % 2 ? fours : fours + 1);
}

/* `count` more numbers of `size` bytes, in 16s; where they begin, counted in such numbers. */
int put(int64_t *bytes, int64_t count, int64_t size)
{
    int64_t begin = *bytes / size;
    *bytes += (count * size + 15) / 16 * 16;
    return static_cast<int>(begin);
}

layout lay_out(const kz_step &s)
{
    layout p = {};
    int64_t rows = s.gather.rows, bytes = 0;
    kz_tensors all = {s.tensors, s.parameters, nullptr};
    put(&bytes, sizeof(notes), 1);
    p.row_loss = put(&bytes, rows, 8), p.row_score = put(&bytes, rows, 8);
    p.square = put(&bytes, kz_norm_room(all), 8), p.row = put(&bytes, rows, 8);
    p.x_pitch = pitch_of(s.gather.width);
    p.x = put(&bytes, rows * p.x_pitch, 4), p.label = put(&bytes, rows, 4), p.g = put(&bytes, s.parameters, 4);
    for (int64_t i = 0; i < s.layers; i++) {
        const kz_dense &d = s.layer[i];
        place &l = p.layer[i];
        l.pitch = pitch_of(d.units);
        l.turned = put(&bytes, d.inputs * l.pitch, 4);
        l.weight = i > 0 ? put(&bytes, d.units * p.layer[i - 1].pitch, 4) : 0;
        l.bias = put(&bytes, l.pitch, 4);
        l.y = put(&bytes, rows * l.pitch, 4), l.dz = put(&bytes, rows * l.pitch, 4);
        l.kept = d.dropout.threshold ? put(&bytes, rows * l.pitch, 4) : l.y;
    }
    p.bytes = static_cast<int>(bytes);
    return p;
}

/* The step at work: views into shared memory. */
struct step_work {
    const kz_step &s;
    const layout &p;
    float *f; /* all of it */
    double *d;
    notes *n;
    int thread, rows;

    __device__ __forceinline__ step_work(const kz_step &s_, const layout &p_, float *shared)
        : s(s_), p(p_), f(shared), d(reinterpret_cast<double *>(shared)), n(reinterpret_cast<notes *>(shared)),
          thread(static_cast<int>(threadIdx.x)), rows(static_cast<int>(s_.gather.rows))
    {
    }

    __device__ __forceinline__ int64_t *row_numbers() const
    {
        return reinterpret_cast<int64_t *>(d) + p.row;
    }

    __device__ __forceinline__ int32_t *labels() const
    {
        return reinterpret_cast<int32_t *>(f + p.label);
    }

    /* Weights, both ways round, and biases.  Several loads of a thread are under way, here and below. */
    __device__ __forceinline__ void load_layer(int i) const
    {
        const kz_dense &l = s.layer[i];
        int inputs = static_cast<int>(l.inputs), units = static_cast<int>(l.units), pitch = p.layer[i].pitch;
        KZ_NO_UNROLL
        for (int e0 = thread; e0 < inputs * units; e0 += AT_ONCE * THREADS) {
            float w[AT_ONCE];
            KZ_UNROLL
            for (int k = 0; k < AT_ONCE; k++)
                w[k] = e0 + k * THREADS < inputs * units ? l.weight[e0 + k * THREADS] : 0.0f;
            KZ_UNROLL
            for (int k = 0; k < AT_ONCE; k++) {
                int e = e0 + k * THREADS, unit = e / inputs, input = e % inputs;
                if (e >= inputs * units) continue;
                f[p.layer[i].turned + input * pitch + unit] = w[k];
                if (i > 0) f[p.layer[i].weight + unit * p.layer[i - 1].pitch + input] = w[k];
            }
        }
        for (int e = thread; e < units; e += THREADS) f[p.layer[i].bias + e] = l.bias[e];
    }

    /* The rows that the row numbers name. */
    template <class T> __device__ __forceinline__ void load_x(const T *from) const
    {
        const kz_gather &g = s.gather;
        int width = static_cast<int>(g.width);
        KZ_NO_UNROLL
        for (int e0 = thread; e0 < rows * width; e0 += AT_ONCE * THREADS) {
            T raw[AT_ONCE];
            KZ_UNROLL
            for (int i = 0; i < AT_ONCE; i++) {
                int e = e0 + i * THREADS;
                raw[i] = e < rows * width ? from[row_numbers()[e / width] * g.width + e % width] : T(0);
            }
            KZ_UNROLL
            for (int i = 0; i < AT_ONCE; i++) {
                int e = e0 + i * THREADS, column = e % width;
                if (e >= rows * width) continue;
                float x = static_cast<float>(raw[i]);
                if (g.mean) x = (x - g.mean[column]) * g.factor[column];
                else if (g.divisor > 0.0f) x = x / g.divisor;
                f[p.x + e / width * p.x_pitch + column] = x;
            }
        }
    }

    /* All that the step reads but moments and, of regression, targets: no load waits for more than two others. */
    __device__ __forceinline__ void load() const
    {
        const kz_cursor at = *s.at;
        for (int i = 0; i < static_cast<int>(s.layers); i++) load_layer(i);
        for (int r = thread; r < rows; r += THREADS) row_numbers()[r] = s.gather.row[at.begin + r];
        if (thread == THREADS - 1) n->at = at, n->tally = *s.tally; /* threads that rarely have a row */
        if (thread == THREADS - 1 - KZ_WARP) n->coef = s.coef[at.step % s.coefs];
        int t = THREADS - 1 - 2 * KZ_WARP - thread; /* MOST_TENSORS is less than THREADS by far */
        if (t >= 0 && t <= static_cast<int>(s.tensors)) n->offset[t] = s.offset[t];
        __syncthreads();
        int32_t label[MOST_ROWS / THREADS];
        KZ_UNROLL
        for (int i = 0; i < MOST_ROWS / THREADS; i++) {
            int r = thread + i * THREADS;
            label[i] = s.loss.label && r < rows ? s.loss.label[row_numbers()[r]] : 0;
        }
        if (s.gather.bytes == 1) load_x(static_cast<const uint8_t *>(s.gather.from));
        else load_x(static_cast<const float *>(s.gather.from));
        KZ_UNROLL
        for (int i = 0; i < MOST_ROWS / THREADS; i++)
            if (thread + i * THREADS < rows) labels()[thread + i * THREADS] = label[i];
        __syncthreads();
    }

    /* y of layer i. */
    __device__ __forceinline__ void forward(int i) const
    {
        const kz_dense &l = s.layer[i];
        const place &at = p.layer[i];
        kz_step_product g = {rows,
                             static_cast<int>(l.units),
                             static_cast<int>(l.inputs),
                             f + (i > 0 ? p.layer[i - 1].y : p.x),
                             f + at.turned,
                             i > 0 ? p.layer[i - 1].pitch : p.x_pitch,
                             at.pitch};
        uint32_t step = static_cast<uint32_t>(n->at.step);
        auto keep = [&](int row, int column, const float *v) {
            kz_store_quad(f + at.y + row * at.pitch + column, 4, true, v);
        };
        kz_step_multiply<true>(g, thread, keep, [&](int row, int column) {
            float v[4], *y = f + at.y + row * at.pitch + column;
            kz_load_quad(y, 4, true, v);
            KZ_UNROLL
            for (int c = 0; c < 4; c++) v[c] += f[at.bias + column + c];
            kz_activate_quad(l.activation, v);
            if (l.dropout.threshold) {
                kz_store_quad(f + at.kept + row * at.pitch + column, 4, true, v);
                kz_drop_quad(l.dropout, step, l.dropout.first + static_cast<uint64_t>(row * l.units + column), v);
            }
            kz_store_quad(y, 4, true, v);
        });
        __syncthreads();
    }

    /* Losses, scores and dz of the rows; then their sums, by two warps, beside what follows. */
    __device__ __forceinline__ void lose() const
    {
        const place &at = p.layer[s.layers - 1];
        kz_loss l = s.loss;
        l.z = f + at.y, l.dz = f + at.dz;
        l.row_loss = d + p.row_loss, l.row_score = d + p.row_score;
        l.at = nullptr;
        l.row = row_numbers();
        if (l.label) l.label = labels(), l.row = nullptr;
        if (l.which == KZ_LOSS_cross_entropy) {
            int shift = kz_class_shift(l.outputs);
            for (int t = thread; t - kz_lane() < rows << shift; t += THREADS) /* whole warps */
                kz_loss_of_few_classes(l, at.pitch, shift, t);
        }
        for (int r = thread; r < rows && l.which == KZ_LOSS_binary_cross_entropy; r += THREADS)
            kz_loss_of_two_classes(l, at.pitch, r);
        for (int r = thread; r < rows && l.which == KZ_LOSS_squared_error; r += THREADS)
            kz_loss_of_few_values(l, at.pitch, r);
        __syncthreads();
        if (kz_warp_of_block() > 1) return;
        bool first = kz_warp_of_block() == 0;
        double sum = kz_sum_by_warp(rows, first ? l.row_loss : l.row_score);
        if (kz_lane() == 0) *(first ? &n->loss : &n->score) = sum;
    }

    /* 4 of layer i's dz <- (dz x dropout factor) x slope. */
    __device__ __forceinline__ void slope(int i, int row, int column) const
    {
        const kz_dense &l = s.layer[i];
        const place &at = p.layer[i];
        float v[4], kept[4], *dz = f + at.dz + row * at.pitch + column;
        kz_load_quad(dz, 4, true, v);
        kz_load_quad(f + at.kept + row * at.pitch + column, 4, true, kept);
        if (l.dropout.threshold)
            kz_drop_quad(l.dropout, static_cast<uint32_t>(n->at.step),
                         l.dropout.first + static_cast<uint64_t>(row * l.units + column), v);
        kz_slope_quad(l.activation, kept, v);
        kz_store_quad(dz, 4, true, v);
    }

    __device__ __forceinline__ void slope_of_last(void) const
    {
        int i = static_cast<int>(s.layers) - 1, across = static_cast<int>(s.layer[i].units + 3) / 4;
        if (s.layer[i].activation == KZ_ACTIVATION_identity && !s.layer[i].dropout.threshold) return;
        for (int e = thread; e < rows * across; e += THREADS) slope(i, e / across, e % across * 4);
        __syncthreads();
    }

    /* Gradients of layer i's weights and biases, and dz of the layer below: both from dz.  The first threads begin with
     * the weights, the last ones with biases and dz. */
    __device__ __forceinline__ void backward(int i) const
    {
        const kz_dense &l = s.layer[i];
        const place &at = p.layer[i];
        int inputs = static_cast<int>(l.inputs), units = static_cast<int>(l.units), below = i > 0 ? i - 1 : 0;
        const place &under = p.layer[below];
        const float *dz = f + at.dz;
        float *dw = f + p.g + (l.weight - s.theta), *db = f + p.g + (l.bias - s.theta);
        kz_step_product weights = {
            units, inputs, rows, dz, f + (i > 0 ? under.y : p.x), at.pitch, i > 0 ? under.pitch : p.x_pitch};
        auto store = [&](int unit, int input, const float *v) {
            kz_store_quad(dw + unit * inputs + input, inputs - input, false, v);
        };
        kz_step_multiply<false>(weights, thread, store, [](int, int) {});
        for (int unit = THREADS - 1 - thread; unit < units; unit += THREADS) {
            float total = 0.0f;
            for (int r0 = 0; r0 < rows; r0 += KZ_MATMUL_BLOCK) {
                float sum = 0.0f;
                for (int r = r0; r < rows && r < r0 + KZ_MATMUL_BLOCK; r++) sum += dz[r * at.pitch + unit];
                total = r0 > 0 ? total + sum : sum;
            }
            db[unit] = total;
        }
        if (i > 0) {
            kz_step_product input = {rows, inputs, units, dz, f + at.weight, at.pitch, under.pitch};
            auto keep = [&](int row, int column, const float *v) {
                kz_store_quad(f + under.dz + row * under.pitch + column, 4, true, v);
            };
            kz_step_multiply<true>(input, THREADS - 1 - thread, keep,
                                   [&](int row, int column) { slope(below, row, column); });
        }
        __syncthreads();
    }

    /* The mean gradient, its norm and the tally. */
    __device__ __forceinline__ void end() const
    {
        kz_tensors all = {s.tensors, s.parameters, n->offset};
        int64_t places = kz_norm_places(all, 1);
        float inverse = static_cast<float>(1.0 / static_cast<double>(rows));
        for (int64_t i = kz_warp_of_block(); i < places; i += kz_warps_of_block())
            kz_mean_at(all, i, inverse, f + p.g, d + p.square);
        __syncthreads();
        double norm = kz_norm_of_squares(all, d + p.square);
        if (thread == 0) {
            n->norm = norm;
            kz_tally_step(n->loss, n->score, norm, rows, &n->at, &n->tally);
            *s.at = n->at, *s.tally = n->tally;
        }
        __syncthreads();
    }

    template <class F> __device__ __forceinline__ void update(void) const
    {
        const kz_optim_coef c = n->coef;
        float scale = kz_clip_scale(&c, n->norm);
        int count = static_cast<int>(s.parameters);
        KZ_NO_UNROLL
        for (int i0 = thread; i0 < count; i0 += AT_ONCE * THREADS) {
            float theta[AT_ONCE], own[AT_ONCE][F::moments];
            KZ_UNROLL
            for (int j = 0; j < AT_ONCE; j++) {
                int i = i0 + j * THREADS;
                theta[j] = i < count ? s.theta[i] : 0.0f;
                KZ_UNROLL
                for (int k = 0; k < F::moments; k++) own[j][k] = i < count ? s.state[k][i] : 0.0f;
            }
            KZ_UNROLL
            for (int j = 0; j < AT_ONCE; j++) {
                int i = i0 + j * THREADS;
                if (i >= count) continue;
                F::apply(&c, kz_clipped(&c, scale, f[p.g + i]), &theta[j], own[j]);
                s.theta[i] = theta[j];
                KZ_UNROLL
                for (int k = 0; k < F::moments; k++) s.state[k][i] = own[j][k];
            }
        }
    }
};

/* Per row and weight 2 or 3 multiply-adds, from shared memory; 28 bytes per parameter and 1 or 4 per element of x from
 * global memory.  For the smallest networks bound by latency, of 4 loads one after the other, some 12 barriers, and exp and
 * log; for others by shared memory, which feeds the multiply-adds at half their rate or more. */
static __global__ void __launch_bounds__(THREADS, 1) whole_step(kz_step s, layout p)
{
    KZ_SHARED(float, shared);
    step_work work(s, p, shared);
    int layers = static_cast<int>(s.layers);
    work.load();
    KZ_NO_UNROLL
    for (int i = 0; i < layers; i++) work.forward(i);
    work.lose();
    work.slope_of_last();
    KZ_NO_UNROLL
    for (int i = layers - 1; i >= 0; i--) work.backward(i);
    work.end();
    if (work.n->tally.bad_step >= 0) return;
    switch (s.optimizer) {
#define KZ_OPTIM(name, arrays, keys, text)                                                                             \
    case KZ_OPTIM_##name:                                                                                              \
        work.update<kz_##name##_formula>();                                                                            \
        break;
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
    }
}

/* Multiply-adds of a step, where each extent is small enough that they can be counted; else more than MOST_FMAS. */
int64_t fmas_of(const kz_step &s)
{
    int64_t fmas = 0;
    for (int64_t i = 0; i < s.layers; i++) {
        const kz_dense &d = s.layer[i];
        if (d.inputs > MOST_FMAS || d.units > MOST_FMAS || d.inputs * d.units > MOST_FMAS) return INT64_MAX;
        fmas += s.gather.rows * d.inputs * d.units * (i > 0 ? 3 : 2);
    }
    return fmas;
}

bool is_small(const kz_step &s)
{
    return s.layers > 0 && s.layers <= KZ_STEP_LAYERS && s.tensors <= MOST_TENSORS && s.gather.rows > 0 &&
           s.gather.rows <= MOST_ROWS && s.gather.width <= MOST_FMAS && s.loss.outputs <= KZ_WARP &&
           s.loss.which < KZ_LOSSES && s.optimizer < KZ_OPTIMS && s.parameters <= MOST_FMAS && fmas_of(s) <= MOST_FMAS;
}

} // namespace

extern "C" cudaError_t kz_step_f32__cuda(const kz_step *s, bool *fits, const kz_cuda_queue *q)
{
    *fits = false;
    if (!is_small(*s)) return cudaSuccess;
    layout p = lay_out(*s);
    if (p.bytes > q->shared) return cudaSuccess;
    *fits = true;
    return KZ_LAUNCH(whole_step, dim3(1), dim3(THREADS), static_cast<size_t>(p.bytes), q->stream, *s, p);
}
