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

#include "kernels/arith/cuda_pieces.h"
#include "kernels/cuda/launchers.h"
#include "kernels/matmul/matmul_part_cuda.h"

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

    /* totals <- all slices' chains, added in order. */
    __device__ __forceinline__ void add_chains()
    {
        part.take(quads_of(0), false);
        part.take_all(quads_of(1), static_cast<int64_t>(g.tiles) * (T::QUADS * T::THREADS), g.chains - 1);
        if (sums) sum_total = *sum_of(0);
        for (int c = 1; c < g.chains && sums; c++) sum_total += *sum_of(c);
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
        if (!kz_arrive_last(g.arrivals + work.tile, static_cast<unsigned>(g.slices),
                            reinterpret_cast<unsigned *>(shared)))
            return; /* the totals' place serves for the note */
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
