/* kernels/matmul/matmul_cuda.h — C = A B on a GPU, tile by tile: what the dense layer's kernels are made of.
 *
 * The sums are those of matmul.h: an output's chain over a block of 256 k is computed by one thread, from +0, k
 * ascending; chains are added in order.  k is never padded (fmaf(0, 0, -0) is +0): the last step over k is as short as it
 * must be.  Rows and columns outside of the matrices are computed on other rows' numbers and thrown away.
 *
 * A thread block computes a tile of C from slices of A and B in shared memory, `depth` k at a time, which asynchronous
 * copies bring while the slices before are worked on.  A slice lies there with k outermost: 4 neighbouring rows (columns)
 * are then one load of 16 bytes.  An operand that is contiguous along k is transposed by copies of 4 bytes, a thread's
 * k being its number mod 8: a warp then reads whole sectors of 32 bytes and, rows of the slice being 4 floats longer than
 * the tile, writes 32 different banks.
 *
 * Totals over the blocks of k wait in shared memory, 4 bytes an output.  In registers they would double the
 * accumulators' 64 and halve the thread blocks on a multiprocessor to one, whose warps then wait together at each
 * barrier; in C itself they would be moved through the second-level cache once a block.  Two thread blocks of 128 x 128 find
 * room for them (2 x 113 KB of sm_90's 228), and a block of k has 16384 multiply-adds a thread to pay for 64 additions.
 * The end of a tile (bias, activation, dropout) reads them from there too, in a loop that needs no accumulator: so it
 * takes no part in how many registers the inner loop may use.
 *
 * Where tiles are too few to fill the GPU, `slices` thread blocks share a tile's blocks of k.  They write each chain to
 * scratch; the last one to arrive, by an atomic counter that it then sets back, adds them in order and ends the tile.
 *
 * 2 m n k flops.  A tile of R x C reads 4 (R + C) bytes per k for 2 R C flops: 64 flops per byte at 128 x 128, so that the
 * multiply-adds bound it, where the tiles fill the GPU and k is long. */
#ifndef KZ_MATMUL_MATMUL_CUDA_H
#define KZ_MATMUL_MATMUL_CUDA_H

#include "kernels/arith/cuda_ops.h"
#include "kernels/cuda/launchers.h"
#include "kernels/matmul/matmul_plan_cuda.h"

/* Whole numbers of 16 bytes can be copied: rows of `columns` floats from p on. */
static inline bool kz_is_wide(const void *p, int64_t columns)
{
    return columns > 0 && columns % 4 == 0 && reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

/* Extents that the kernels can count in 32 bits; along_k: so also the elements of a tile's rows, k of them each. */
static inline bool kz_tiled_fits(int64_t m, int64_t n, int64_t k, bool along_k)
{
    const int64_t most = INT32_MAX - 1024;
    return m <= most && n <= most && k <= (along_k ? INT64_C(1) << 25 : most);
}

/* A product, as its kernel gets it. */
typedef struct {
    int m, n, k;
    const float *a, *b;              /* A is (m, k) or, transposed, (k, m); B is (k, n) or (n, k): row by row */
    int tile_columns;                /* of the result */
    int tiles, slices, chains, each; /* `each` chains are a slice's; the last one may have fewer */
    float *chain;       /* slices > 1: (chains, tiles, outputs of a tile), then (chains, tile rows, rows) for sums */
    unsigned *arrivals; /* (tiles), 0 */
} kz_tiled;

/* How an operand lies in memory: contiguous along k, or along the rows of A (columns of B) with kz_is_wide or without. */
enum { KZ_ALONG_K, KZ_WIDE, KZ_NARROW };

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
    /* As many stages as leave room for BLOCKS thread blocks in the 228 KB of sm_90, 1 KB of each being the system's. */
    static constexpr int ROOM = ((228 << 10) / BLOCKS - 1024) / 4 - TOTALS;
    static constexpr int STAGES = ROOM / STAGE < 4 ? ROOM / STAGE : 4;
    static constexpr size_t BYTES = sizeof(float) * (TOTALS + STAGES * STAGE);
    static_assert(STAGES >= 2 && KZ_MATMUL_BLOCK % DEPTH == 0 && THREADS % 32 == 0, "sizes");
};

/* Copies an operand's part of each stage in turn: LENGTH rows (of A; columns of B) by DEPTH of k. */
template <int LENGTH, int ROW, int DEPTH, int THREADS, int LAYOUT> struct kz_copier;

/* Contiguous along k. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_ALONG_K> {
    static constexpr int STEP = THREADS / 8, COUNT = LENGTH / STEP; /* a thread's rows: every STEP-th */
    const float *base;
    unsigned from[COUNT]; /* after base */
    int to, p;

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int k)
    {
        int t = static_cast<int>(threadIdx.x), row = t / 8, last = rows - 1 - row0;
        p = t % 8;
        to = p * ROW + row;
        base = x + static_cast<int64_t>(row0) * k + k0;
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++) {
            int at = row + i * STEP;
            from[i] =
                static_cast<unsigned>(at < last ? at : last) * static_cast<unsigned>(k) + static_cast<unsigned>(p);
        }
    }

    /* The next DEPTH of k, of which `left` are to be had. */
    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++) {
            const float *x = base + from[i];
            KZ_UNROLL
            for (int j = 0; j < DEPTH; j += 8) kz_copy_async_4(stage + to + j * ROW + i * STEP, x + j, p + j < left);
        }
        base += DEPTH;
    }
};

/* In whole numbers of 16 bytes: where the matrix ends before the tile, its last ones again. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_WIDE> {
    static constexpr int CHUNKS = LENGTH / 4, STEP = THREADS / CHUNKS, COUNT = DEPTH / STEP;
    const float *from;
    int64_t step;
    int to, p;

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int)
    {
        int t = static_cast<int>(threadIdx.x), at = row0 + t % CHUNKS * 4;
        p = t / CHUNKS;
        to = p * ROW + t % CHUNKS * 4;
        from = x + static_cast<int64_t>(k0 + p) * rows + (at < rows ? at : rows - 4);
        step = static_cast<int64_t>(STEP) * rows;
    }

    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++, from += step)
            kz_copy_async_16(stage + to + i * STEP * ROW, from, p + i * STEP < left);
    }
};

/* In single elements. */
template <int LENGTH, int ROW, int DEPTH, int THREADS> struct kz_copier<LENGTH, ROW, DEPTH, THREADS, KZ_NARROW> {
    static constexpr int LANES = LENGTH / 4, STEP = THREADS / LANES, COUNT = DEPTH / STEP;
    const float *from;
    int64_t step;
    int to, p, width; /* columns from this thread's first one on */

    __device__ __forceinline__ kz_copier(const float *x, int row0, int rows, int k0, int)
    {
        int t = static_cast<int>(threadIdx.x), at = row0 + t % LANES;
        p = t / LANES;
        to = p * ROW + t % LANES;
        width = rows - at;
        from = x + static_cast<int64_t>(k0 + p) * rows + at;
        step = static_cast<int64_t>(STEP) * rows;
    }

    __device__ __forceinline__ void copy(float *stage, int left)
    {
        KZ_UNROLL
        for (int i = 0; i < COUNT; i++, from += step) KZ_UNROLL
        for (int j = 0; j < LENGTH; j += LANES)
            kz_copy_async_4(stage + to + i * STEP * ROW + j, from + j, j < width && p + i * STEP < left);
    }
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
        for (int i = 0; i < HEIGHT; i++) KZ_UNROLL
        for (int j = 0; j < WIDTH; j++) acc[i][j] = 0.0f;
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
        for (int i = 0; i < HEIGHT; i++) KZ_UNROLL
        for (int j = 0; j < WIDTH; j++) acc[i][j] = fmaf(x[i], y[j], acc[i][j]);
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

/* A tile's thread block at work: its part of k, chain after chain.  `sum` is the chain of one of A's rows alone (of a
 * product with ones), by the first ROWS threads of the tiles of column 0. */
template <class T, class Finish> struct kz_tile_work {
    const kz_tiled &g;
    float *stages;
    float4 *totals; /* (QUADS, THREADS) */
    int tile, slice;
    bool sums;
    float sum, sum_total;
    kz_part<T> part;
    static constexpr bool EARLY =
        T::QUADS <= 2; /* what the end reads is read at the beginning: there are registers for it */
    typename Finish::needs early[EARLY ? T::QUADS : 1] = {};

    __device__ __forceinline__ kz_tile_work(const kz_tiled &g_, float *shared)
        : g(g_), stages(shared + T::TOTALS), totals(reinterpret_cast<float4 *>(shared)), sum(0.0f), sum_total(0.0f)
    {
        tile = static_cast<int>(blockIdx.x) / g.slices;
        slice = static_cast<int>(blockIdx.x) % g.slices;
        sums = Finish::SUMS && tile % g.tile_columns == 0 && static_cast<int>(threadIdx.x) < T::ROWS;
    }

    __device__ __forceinline__ float4 *quads_of(int chain) const
    {
        return reinterpret_cast<float4 *>(g.chain) +
               (static_cast<int64_t>(chain) * g.tiles + tile) * (T::QUADS * T::THREADS);
    }

    __device__ __forceinline__ float *sum_of(int chain) const
    {
        int64_t tile_rows = g.tiles / g.tile_columns;
        return g.chain + static_cast<int64_t>(g.chains) * g.tiles * T::TOTALS +
               (chain * tile_rows + tile / g.tile_columns) * T::ROWS + threadIdx.x;
    }

    /* The chains of block `chain` are complete: they become, or are added to, the totals, or go to scratch. */
    __device__ __forceinline__ void end_chain(int chain)
    {
        if (g.slices > 1) {
            part.put(quads_of(chain));
            if (sums) *sum_of(chain) = sum;
        } else {
            if (chain > 0) part.take(totals, true);
            part.put(totals);
            sum_total = chain > 0 ? sum_total + sum : sum;
        }
        part.clear();
        sum = 0.0f;
    }

    __device__ __forceinline__ void run_sum(const float *stage, int count)
    {
        if constexpr (Finish::SUMS)
            if (sums)
                for (int p = 0; p < count; p++) sum += stage[p * T::A_ROW + threadIdx.x];
    }

    /* The chains first .. end - 1. */
    __device__ __forceinline__ void run(int first, int end)
    {
        constexpr int AHEAD = T::STAGES - 1, PER_CHAIN = KZ_MATMUL_BLOCK / T::DEPTH, B = T::DEPTH * T::A_ROW;
        int k0 = first * KZ_MATMUL_BLOCK, row = tile / g.tile_columns * T::ROWS;
        int column = tile % g.tile_columns * T::COLUMNS;
        int all = (end * KZ_MATMUL_BLOCK < g.k ? end * KZ_MATMUL_BLOCK : g.k) - k0;
        int whole = all / T::DEPTH, rest = all % T::DEPTH, to_copy = all;
        kz_copier<T::ROWS, T::A_ROW, T::DEPTH, T::THREADS, T::A_LAYOUT> a(g.a, row, g.m, k0, g.k);
        kz_copier<T::COLUMNS, T::B_ROW, T::DEPTH, T::THREADS, T::B_LAYOUT> b(g.b, column, g.n, k0, g.k);
        float *to = stages, *from = stages;
        for (int s = 0; s < AHEAD; s++, to += T::STAGE, to_copy -= T::DEPTH) {
            if (to_copy > 0) a.copy(to, to_copy), b.copy(to + B, to_copy);
            kz_copy_commit();
        }
        KZ_NO_UNROLL
        for (int s = 1; s <= whole; s++, to_copy -= T::DEPTH) {
            kz_copy_wait<AHEAD - 1>();
            __syncthreads(); /* this stage has arrived, and nobody reads the one before any more */
            if (to_copy > 0) a.copy(to, to_copy), b.copy(to + B, to_copy);
            kz_copy_commit();
            part.run(from, from + B);
            run_sum(from, T::DEPTH);
            to = to == stages + AHEAD * T::STAGE ? stages : to + T::STAGE;
            from = from == stages + AHEAD * T::STAGE ? stages : from + T::STAGE;
            if (s % PER_CHAIN == 0) end_chain(first++);
        }
        kz_copy_wait<0>();
        __syncthreads();
        part.run_some(from, from + B, rest);
        run_sum(from, rest);
        if (first < end) end_chain(first);
    }

    /* Is this the last of the tile's thread blocks to come here?  Then all that they wrote can be read. */
    __device__ __forceinline__ bool arrive_last()
    {
        unsigned *last = reinterpret_cast<unsigned *>(totals);
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0) *last = kz_atomic_add(g.arrivals + tile, 1) + 1;
        __syncthreads();
        bool is = *last == static_cast<unsigned>(g.slices);
        if (is && threadIdx.x == 0) g.arrivals[tile] = 0;
        __threadfence();
        __syncthreads();
        return is;
    }

    /* totals <- all slices' chains, added in order. */
    __device__ __forceinline__ void add_chains()
    {
        part.take(quads_of(0), false);
        if (sums) sum_total = *sum_of(0);
        KZ_NO_UNROLL
        for (int c = 1; c < g.chains; c++) {
            part.take(quads_of(c), true);
            if (sums) sum_total += *sum_of(c);
        }
        part.put(totals);
    }

    /* Where this thread's quad q is in C; false: outside. */
    __device__ __forceinline__ bool place(int q, int *i, int *j) const
    {
        int group = q / (T::R * T::COLUMN_GROUPS), r = q / T::COLUMN_GROUPS % T::R, across = q % T::COLUMN_GROUPS;
        *i = tile / g.tile_columns * T::ROWS + (group * T::HIGH + part.row) * T::R + r;
        *j = tile % g.tile_columns * T::COLUMNS + (across * T::WIDE + part.column) * 4;
        return *i < g.m && *j < g.n;
    }

    __device__ __forceinline__ void begin(const Finish &finish)
    {
        int i, j;
        if constexpr (EARLY) {
            KZ_UNROLL
            for (int q = 0; q < T::QUADS; q++)
                if (place(q, &i, &j)) early[q] = finish.read_quad(i, j);
        }
    }

    /* Hands each total to `finish`, 4 neighbours at a time. */
    __device__ __forceinline__ void end(const Finish &finish)
    {
        int i, j;
        if constexpr (Finish::SUMS) {
            i = tile / g.tile_columns * T::ROWS + static_cast<int>(threadIdx.x);
            if (sums && i < g.m) finish.end_sum(i, sum_total);
        }
        if constexpr (EARLY) {
            KZ_UNROLL
            for (int q = 0; q < T::QUADS; q++)
                if (place(q, &i, &j)) finish.end_quad(i, j, totals[q * T::THREADS + threadIdx.x], early[q]);
        } else {
            KZ_NO_UNROLL
            for (int q = 0; q < T::QUADS; q++)
                if (place(q, &i, &j))
                    finish.end_quad(i, j, totals[q * T::THREADS + threadIdx.x], finish.read_quad(i, j));
        }
    }
};

template <class T, class Finish>
static __global__ void __launch_bounds__(T::THREADS, T::BLOCKS) kz_tiled_product(kz_tiled g, Finish finish)
{
    KZ_SHARED(float, shared);
    kz_tile_work<T, Finish> work(g, shared);
    int first = work.slice * g.each, end = first + g.each;
    work.begin(finish);
    work.run(first, end < g.chains ? end : g.chains);
    if (g.slices > 1) {
        if (!work.arrive_last()) return;
        work.add_chains();
    }
    work.end(finish);
}

/* Queues the product, each total to be handed to `finish`; g's extents and operands are set. */
template <int A_LAYOUT, int B_LAYOUT, class Finish>
static cudaError_t kz_tiled_launch(kz_tiled g, const Finish &finish, const kz_cuda_queue *q)
{
    uintptr_t unaligned = reinterpret_cast<uintptr_t>(q->scratch) % 16;
    int64_t skipped = unaligned ? static_cast<int64_t>(16 - unaligned) / 4 : 0;
    kz_matmul_plan plan = kz_matmul_plan_make(g.m, g.n, g.k, q->multiprocessors, q->scratch_floats - skipped,
                                              q->arrivals ? KZ_CUDA_ARRIVALS : 0);
    g.chain = q->scratch + skipped;
    g.arrivals = q->arrivals;
    g.tile_columns = static_cast<int>(plan.columns);
    g.tiles = static_cast<int>(plan.rows * plan.columns);
    g.slices = static_cast<int>(plan.slices);
    g.chains = static_cast<int>(plan.chains);
    g.each = static_cast<int>(kz_pieces(plan.chains, plan.slices));
    dim3 grid(static_cast<unsigned>(plan.rows * plan.columns * plan.slices));
    switch (plan.tile) {
#define KZ_TILE(name, rows, columns, r, row_groups, column_groups, depth, blocks, busy, alone)                         \
    case KZ_TILE_##name: {                                                                                             \
        using T = kz_tile<rows, columns, r, row_groups, column_groups, depth, blocks, A_LAYOUT, B_LAYOUT>;             \
        return KZ_LAUNCH((kz_tiled_product<T, Finish>), grid, dim3(T::THREADS), T::BYTES, q->stream, g, finish);       \
    }
        KZ_MATMUL_TILES(KZ_TILE)
#undef KZ_TILE
    }
    return cudaErrorInvalidValue;
}

#endif
