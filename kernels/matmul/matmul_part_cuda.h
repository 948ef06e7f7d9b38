/* kernels/matmul/matmul_part_cuda.h — a thread's part of a tile of a product: its outputs' chains, in registers. */
#ifndef KZ_MATMUL_MATMUL_PART_CUDA_H
#define KZ_MATMUL_MATMUL_PART_CUDA_H

#include "kernels/matmul/matmul_copy_cuda.h"
#include "kernels/matmul/matmul_plan_cuda.h"

/* The sizes of a kernel. */
template <int ROWS_, int COLUMNS_, int R_, int ROW_GROUPS_, int COLUMN_GROUPS_, int DEPTH_, int BLOCKS_, int A_LAYOUT_,
          int B_LAYOUT_>
struct kz_tile {
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, R = R_, ROW_GROUPS = ROW_GROUPS_;
    static constexpr int COLUMN_GROUPS = COLUMN_GROUPS_, DEPTH = DEPTH_, BLOCKS = BLOCKS_;
    static constexpr int A_LAYOUT = A_LAYOUT_, B_LAYOUT = B_LAYOUT_;

    static constexpr int HIGH = ROWS / (R * ROW_GROUPS), WIDE = COLUMNS / (4 * COLUMN_GROUPS); /* threads */
    static constexpr int THREADS = HIGH * WIDE;
    static constexpr int QUADS = ROW_GROUPS * R * COLUMN_GROUPS; /* of a thread: 4 neighbouring outputs each */
    static constexpr int A_ROW = ROWS + (A_LAYOUT == KZ_ALONG_K ? 4 : 0);
    static constexpr int B_ROW = COLUMNS + (B_LAYOUT == KZ_ALONG_K ? 4 : 0);
    static constexpr int STAGE = DEPTH * (A_ROW + B_ROW), TOTALS = ROWS * COLUMNS; /* floats */
    /* As many stages as leave room for BLOCKS thread blocks in the 228 KB of sm_90, 1 KB of each being the system's, and
     * for one in the 100 KB of sm_86 and sm_89, which run the code of sm_80. */
    static constexpr int ROOM =
        ((228 << 10) / BLOCKS < 100 << 10 ? (228 << 10) / BLOCKS : 100 << 10) / 4 - 256 - TOTALS;
    static constexpr int STAGES = ROOM / STAGE < 4 ? ROOM / STAGE : 4;
    static constexpr size_t BYTES = sizeof(float) * (TOTALS + STAGES * STAGE);
    static_assert(STAGES >= 2 && KZ_MATMUL_BLOCK % DEPTH == 0 && THREADS % 32 == 0, "sizes");
};

/* to[N] <- from: N = 1, 2 or 4 neighbours in one load. */
template <int N> static __device__ __forceinline__ void kz_load_row(const float *from, float *to);
template <> __device__ __forceinline__ void kz_load_row<1>(const float *from, float *to)
{
    to[0] = from[0];
}
template <> __device__ __forceinline__ void kz_load_row<2>(const float *from, float *to)
{
    float2 v = *reinterpret_cast<const float2 *>(from);
    to[0] = v.x, to[1] = v.y;
}
template <> __device__ __forceinline__ void kz_load_row<4>(const float *from, float *to)
{
    float4 v = *reinterpret_cast<const float4 *>(from);
    to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}

/* to[4] <- from, 0 where there are fewer than 4; `wide`: from is aligned to 16 bytes, and so may be copied at once. */
static __device__ __forceinline__ void kz_load_quad(const float *from, int count, bool wide, float *to)
{
    if (wide && count >= 4) {
        float4 v = *reinterpret_cast<const float4 *>(from);
        to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++) to[j] = j < count ? from[j] : 0.0f;
}

static __device__ __forceinline__ void kz_store_quad(float *to, int count, bool wide, const float *from)
{
    if (wide && count >= 4) {
        float4 v = {from[0], from[1], from[2], from[3]};
        *reinterpret_cast<float4 *>(to) = v;
        return;
    }
    KZ_UNROLL
    for (int j = 0; j < 4; j++)
        if (j < count) to[j] = from[j];
}

/* A thread's part of a tile: quad q is 4 neighbouring columns of one row. */
template <class T> struct kz_part {
    static constexpr int HEIGHT = T::R * T::ROW_GROUPS, WIDTH = 4 * T::COLUMN_GROUPS;
    float acc[HEIGHT][WIDTH];
    int row, column; /* among the tile's threads */

    /* Neighbouring lanes differ in their row, the next ones in their column: pairs of lanes load the same columns and
     * pairs of pairs the same rows, so that a load of 16 bytes of a warp takes as few turns of the banks as it can. */
    __device__ __forceinline__ kz_part()
    {
        constexpr int across = T::WIDE < 8 ? T::WIDE : 8, down = 32 / across;
        int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
        row = warp / (T::WIDE / across) * down + lane / (2 * across) * 2 + lane % 2;
        column = warp % (T::WIDE / across) * across + lane / 2 % across;
        clear();
    }

    __device__ __forceinline__ void clear()
    {
        KZ_UNROLL
        for (int i = 0; i < HEIGHT; i++) {
            KZ_UNROLL
            for (int j = 0; j < WIDTH; j++) acc[i][j] = 0.0f;
        }
    }

    __device__ __forceinline__ void load(const float *a, const float *b, int p, float *x, float *y) const
    {
        KZ_UNROLL
        for (int g = 0; g < T::ROW_GROUPS; g++)
            kz_load_row<T::R>(a + p * T::A_ROW + (g * T::HIGH + row) * T::R, x + g * T::R);
        KZ_UNROLL
        for (int g = 0; g < T::COLUMN_GROUPS; g++)
            kz_load_row<4>(b + p * T::B_ROW + (g * T::WIDE + column) * 4, y + g * 4);
    }

    __device__ __forceinline__ void multiply(const float *x, const float *y)
    {
        KZ_UNROLL
        for (int i = 0; i < HEIGHT; i++) {
            KZ_UNROLL
            for (int j = 0; j < WIDTH; j++) acc[i][j] = fmaf(x[i], y[j], acc[i][j]);
        }
    }

    /* acc <- the chains over DEPTH more of k; what a step needs is loaded during the step before. */
    __device__ __forceinline__ void run(const float *a, const float *b)
    {
        float x[2][HEIGHT], y[2][WIDTH];
        load(a, b, 0, x[0], y[0]);
        KZ_UNROLL
        for (int p = 0; p < T::DEPTH; p++) {
            if (p + 1 < T::DEPTH) load(a, b, p + 1, x[(p + 1) % 2], y[(p + 1) % 2]);
            multiply(x[p % 2], y[p % 2]);
        }
    }

    /* The same over `count` more, first in fours: a step alone waits for its loads. */
    __device__ __forceinline__ void run_some(const float *a, const float *b, int count)
    {
        float x[HEIGHT], y[WIDTH];
        int p = 0;
        KZ_NO_UNROLL
        for (; p + 4 <= count; p += 4) {
            KZ_UNROLL
            for (int i = 0; i < 4; i++) {
                load(a, b, p + i, x, y);
                multiply(x, y);
            }
        }
        KZ_NO_UNROLL
        for (; p < count; p++) {
            load(a, b, p, x, y);
            multiply(x, y);
        }
    }

    __device__ __forceinline__ float4 quad(int q) const
    {
        int i = q / T::COLUMN_GROUPS, j = q % T::COLUMN_GROUPS * 4;
        float4 v = {acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3]};
        return v;
    }

    /* to (QUADS, THREADS) <- the chains, for this thread alone. */
    __device__ __forceinline__ void put(float4 *to) const
    {
        KZ_UNROLL
        for (int q = 0; q < T::QUADS; q++) to[q * T::THREADS + threadIdx.x] = quad(q);
    }

    /* acc <- acc + from, from + stride, ..., `count` of them in order; of small tiles several are loaded at once. */
    __device__ __forceinline__ void take_all(const float4 *from, int64_t stride, int count)
    {
        constexpr int AT_ONCE = T::QUADS <= 2 ? 4 : 1;
        KZ_NO_UNROLL
        for (int c = 0; c < count; c += AT_ONCE, from += AT_ONCE * stride) {
            float4 v[AT_ONCE][T::QUADS];
            KZ_UNROLL
            for (int i = 0; i < AT_ONCE; i++) {
                KZ_UNROLL
                for (int q = 0; q < T::QUADS; q++)
                    if (c + i < count) v[i][q] = from[i * stride + q * T::THREADS + threadIdx.x];
            }
            KZ_UNROLL
            for (int i = 0; i < AT_ONCE; i++) {
                KZ_UNROLL
                for (int q = 0; q < T::QUADS; q++) {
                    float *to = &acc[q / T::COLUMN_GROUPS][q % T::COLUMN_GROUPS * 4];
                    if (c + i < count) to[0] += v[i][q].x, to[1] += v[i][q].y, to[2] += v[i][q].z, to[3] += v[i][q].w;
                }
            }
        }
    }

    /* acc <- from, or from + acc: which of them is the total makes no difference. */
    __device__ __forceinline__ void take(const float4 *from, bool add)
    {
        KZ_UNROLL
        for (int q = 0; q < T::QUADS; q++) {
            float4 v = from[q * T::THREADS + threadIdx.x];
            float *to = &acc[q / T::COLUMN_GROUPS][q % T::COLUMN_GROUPS * 4];
            to[0] = add ? v.x + to[0] : v.x, to[1] = add ? v.y + to[1] : v.y;
            to[2] = add ? v.z + to[2] : v.z, to[3] = add ? v.w + to[3] : v.w;
        }
    }
};

#endif
