/* kernels/matmul/matmul_plan_cuda.h — how a product is cut for a GPU: into tiles of one of four sizes, and over k.
 *
 * No cut changes a bit of the result.  The cut is the one of least estimated time on the busiest multiprocessor; the
 * estimate counts issued instructions, and has not been fitted to a GPU yet. */
#ifndef KZ_MATMUL_MATMUL_PLAN_CUDA_H
#define KZ_MATMUL_MATMUL_PLAN_CUDA_H

#include "kernels/matmul/matmul.h"

#include <stdbool.h>

/* X(name, rows, columns, r, row groups, column groups, depth, blocks, busy, alone), the largest first.
 *
 * A thread owns r x 4 outputs in each of its groups; k is taken `depth` at a time; `blocks` thread blocks share a
 * multiprocessor.  In cycles per k, from the instructions of the inner loop (docs/gpu.md): `busy` is what a thread block
 * adds to the time of a full multiprocessor, `alone` what it takes by itself, bound by latency. */
#define KZ_MATMUL_TILES(X)                                                                                             \
    X(huge, 128, 128, 4, 2, 2, 16, 2, 142, 150)                                                                        \
    X(large, 64, 64, 4, 2, 1, 16, 4, 38, 46)                                                                           \
    X(small, 32, 32, 2, 1, 1, 32, 5, 13, 20)                                                                           \
    X(tiny, 16, 16, 1, 1, 1, 32, 8, 5, 14)

enum {
#define KZ_TILE(name, ...) KZ_TILE_##name,
    KZ_MATMUL_TILES(KZ_TILE)
#undef KZ_TILE
        KZ_TILE_COUNT
};

typedef struct {
    int tile;              /* KZ_TILE_... */
    int64_t rows, columns; /* of the result, in tiles */
    int64_t chains,
        slices; /* blocks of 256 along k, and by how many thread blocks a tile's are computed; 0 < slices <= chains */
    double cycles; /* estimate */
} kz_matmul_plan;

static inline int64_t kz_pieces(int64_t n, int64_t piece)
{
    return (n + piece - 1) / piece;
}

/* Floats of scratch that a plan with several slices needs: each chain of each output, and of each row's sum. */
static inline int64_t kz_matmul_plan_scratch(const kz_matmul_plan *p, int64_t tile_rows, int64_t tile_columns)
{
    return p->chains * p->rows * tile_rows * (p->columns * tile_columns + 1);
}

/* Cycles from the first instruction to the last: a thread block's start and end, its copies' first arrival, a word
 * from the second-level cache per multiprocessor, and what a launch waits for the last of the slices. */
enum { KZ_BLOCK_CYCLES = 1500, KZ_SLICE_CYCLES = 1500, KZ_L2_BYTES_PER_CYCLE = 40 };

/* Completes p, whose tile and slices are set, for one tile size. */
static inline void kz_matmul_plan_estimate(kz_matmul_plan *p, int64_t k, int64_t processors, int64_t tile_rows,
                                           int64_t tile_columns, int64_t blocks, int64_t busy, int64_t alone)
{
    int64_t each = kz_pieces(p->chains, p->slices); /* chains of a slice */
    p->slices = kz_pieces(p->chains, each);
    int64_t tiles = p->rows * p->columns, most = kz_pieces(tiles * p->slices, processors);
    double depth = (double)(each * KZ_MATMUL_BLOCK < k ? each * KZ_MATMUL_BLOCK : k);
    double rounds = (double)kz_pieces(most, blocks), issue = (double)(most * busy), wait = rounds * (double)alone;
    double move = (double)(most * (tile_rows + tile_columns) * 4) / KZ_L2_BYTES_PER_CYCLE;
    double step = issue > wait ? issue : wait;
    p->cycles = depth * (step > move ? step : move) + rounds * KZ_BLOCK_CYCLES;
    if (p->slices > 1)
        p->cycles +=
            KZ_SLICE_CYCLES +
            (double)(kz_pieces(tiles, processors) * p->chains * tile_rows * tile_columns * 4) / KZ_L2_BYTES_PER_CYCLE;
}

/* The cut of an m x n x k product, m > 0, for a device of so many multiprocessors, with so much scratch and so many arrival
 * counters.  Without columns there still is one of tiles: sums over A's rows are its. */
static inline kz_matmul_plan kz_matmul_plan_make(int64_t m, int64_t n, int64_t k, int64_t processors, int64_t scratch,
                                                 int64_t arrivals)
{
    kz_matmul_plan best = {-1, 0, 0, 0, 0, 0.0};
    if (processors < 1) processors = 1;
#define KZ_TILE(name, tile_rows, tile_columns, r, row_groups, column_groups, depth, blocks, busy, alone)               \
    {                                                                                                                  \
        int64_t rows = kz_pieces(m, tile_rows), columns = n > 0 ? kz_pieces(n, tile_columns) : 1;                      \
        int64_t chains = k > 0 ? kz_pieces(k, KZ_MATMUL_BLOCK) : 1;                                                    \
        int64_t slices[] = {1, processors / (rows * columns), processors * blocks / (rows * columns), chains};         \
        for (int i = 0; i < 4; i++) {                                                                                  \
            int64_t some = slices[i] < 1 ? 1 : slices[i] > chains ? chains : slices[i];                                \
            kz_matmul_plan p = {KZ_TILE_##name, rows, columns, chains, some, 0.0};                                     \
            kz_matmul_plan_estimate(&p, k, processors, tile_rows, tile_columns, blocks, busy, alone);                  \
            bool fits = p.slices == 1 || (rows * columns <= arrivals &&                                                \
                                          kz_matmul_plan_scratch(&p, tile_rows, tile_columns) <= scratch);             \
            if (fits && (best.tile < 0 || p.cycles < best.cycles)) best = p;                                           \
        }                                                                                                              \
    }
    KZ_MATMUL_TILES(KZ_TILE)
#undef KZ_TILE
    return best;
}

#endif
