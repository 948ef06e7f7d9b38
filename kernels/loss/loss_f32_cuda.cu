/* Loss, gradient and score of rows, and the sums over the rows. */
#include "kernels/cuda/launchers.h"
#include "kernels/loss/loss_cuda.h"

enum { THREADS = 128, MOST_WARPS = 8 /* of a row of many classes */, FEW_VALUES = 4 };

/* ---- sums over the rows ---- */

enum { BLOCKS_OF_A_WARP = 4 /* block sums that a warp takes: with more, two launches cost less than waiting for it */ };

/* Of a thread block of l's kernel. */
static int64_t warps_of(const kz_loss &l)
{
    int64_t warps = kz_blocks_for(l.outputs, KZ_WARP);
    if (l.which == KZ_LOSS_squared_error && l.outputs > FEW_VALUES) return 1;
    if (l.which != KZ_LOSS_cross_entropy || l.outputs <= KZ_WARP) return THREADS / KZ_WARP;
    return warps < MOST_WARPS ? warps : int64_t(MOST_WARPS);
}

/* What the last thread block needs for the sums: a note and the sums of blocks of 1024 rows. */
static size_t bytes_for_sums(const kz_loss &l)
{
    return l.sum_loss ? sizeof(double) * static_cast<size_t>(1 + 2 * kz_blocks_for(l.rows, KZ_SUM_BLOCK)) : 0;
}

/* l's sums by the last of the grid's thread blocks that comes here: a warp to each 1024 rows, in turn. */
KZ_FN void sum_rows(const kz_loss &l, unsigned *arrivals, double *shared)
{
    if (!l.sum_loss) return;
    double *part = shared + 1;
    if (!kz_arrive_last(arrivals, gridDim.x, reinterpret_cast<unsigned *>(shared))) return;
    int blocks = static_cast<int>((l.rows + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK);
    for (int b = kz_warp_of_block(); b < 2 * blocks; b += kz_warps_of_block()) {
        int64_t begin = static_cast<int64_t>(b / 2) * KZ_SUM_BLOCK;
        const double *x = b % 2 ? l.row_score : l.row_loss;
        double sum = kz_sum_by_warp(kz_in_block(l.rows, begin), x + begin);
        if (kz_lane() == 0) part[b % 2 * blocks + b / 2] = sum;
    }
    __syncthreads();
    if (kz_warp_of_block() > 0) return;
    double loss = kz_sum_by_warp(blocks, part), score = kz_sum_by_warp(blocks, part + blocks);
    if (kz_lane() == 0) *l.sum_loss = loss, *l.sum_score = score;
}

/* ---- cross entropy ---- */

/* Reads z and writes dz, 8 bytes per output, and 28 bytes for a row; an exp per output, some 25 operations in binary64, and
 * a logarithm per row, twice that, which all its lanes compute: with few rows the latency of these bounds it, with many
 * binary64 does. */
static __global__ void __launch_bounds__(THREADS) few_classes(kz_loss l, int shift, unsigned *arrivals)
{
    KZ_SHARED(double, shared);
    kz_loss_of_few_classes(l, l.outputs, shift, kz_thread_of_grid());
    sum_rows(l, arrivals, shared);
}

enum { MOST_CLASSES = KZ_SUM_BLOCK * KZ_SUM_BLOCK };

/* What the warps of a block tell each other about a row. */
typedef struct {
    float most[MOST_WARPS];
    int beaten[MOST_WARPS];
    float sum;
    float part[1]; /* sums of 1024 outputs; as many as there are */
} row_notes;

/* The largest output of a row, in all threads; *beaten <- whether y is. */
KZ_FN float survey(int64_t n, const float *z, int32_t y, row_notes *notes, bool *beaten)
{
    float most = z[0], own = z[y];
    bool lost = false;
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) {
        float x = z[j];
        most = kz_larger(most, x);
        lost = lost || kz_beats(j, x, y, own);
    }
    for (int mask = KZ_WARP / 2; mask > 0; mask /= 2) most = kz_larger(most, kz_shuffle_xor(most, mask));
    unsigned any = kz_ballot(lost);
    if (kz_lane() == 0) notes->most[kz_warp_of_block()] = most, notes->beaten[kz_warp_of_block()] = any != 0;
    __syncthreads();
    *beaten = false;
    for (int w = 0; w < kz_warps_of_block(); w++) {
        most = kz_larger(most, notes->most[w]);
        *beaten = *beaten || notes->beaten[w];
    }
    return most;
}

/* The sum of a row, in all threads: a warp to each 1024, in turn. */
KZ_FN float sum_of_row(int64_t n, const float *e, row_notes *notes)
{
    int64_t blocks = (n + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    for (int64_t b = kz_warp_of_block(); b < blocks; b += kz_warps_of_block()) {
        int64_t begin = b * KZ_SUM_BLOCK;
        float sum = kz_sum_by_warp(kz_in_block(n, begin), e + begin);
        if (kz_lane() == 0) notes->part[b] = sum;
    }
    __syncthreads();
    if (kz_warp_of_block() == 0) {
        float sum = kz_sum_by_warp(static_cast<int>(blocks), notes->part);
        if (kz_lane() == 0) notes->sum = sum;
    }
    __syncthreads();
    return notes->sum;
}

/* More than 32 classes: a block to a row.  Per output: z is read twice, dz written, read twice and written again, of which
 * all but 8 bytes stay in the caches; an exp, some 25 operations in binary64, and a division.  On an H100 binary64 and
 * memory bound it about alike. */
static __global__ void __launch_bounds__(MOST_WARPS *KZ_WARP) many_classes(kz_loss l, unsigned *arrivals)
{
    KZ_SHARED(row_notes, notes);
    int64_t r = static_cast<int64_t>(blockIdx.x), n = l.outputs;
    const float *z = l.z + r * n;
    float *dz = l.dz + r * n;
    int32_t y = l.label[kz_target_of(l, r)];
    bool beaten;
    float most = survey(n, z, y, notes, &beaten);
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) dz[j] = kz_exp_f32(z[j] - most);
    __syncthreads();
    float s = sum_of_row(n, dz, notes);
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) dz[j] = dz[j] / s - (j == y ? 1.0f : 0.0f);
    if (threadIdx.x == 0) {
        l.row_loss[r] = static_cast<double>(kz_log_f32(s) - (z[y] - most));
        l.row_score[r] = kz_walk_ends_at(z[0], z[y], y, beaten) ? 1.0 : 0.0;
    }
    __syncthreads(); /* the notes have been read */
    sum_rows(l, arrivals, reinterpret_cast<double *>(notes));
}

static cudaError_t queue_cross_entropy(const kz_loss &l, const kz_cuda_queue *q)
{
    if (l.outputs <= KZ_WARP) {
        int shift = kz_class_shift(l.outputs);
        return KZ_LAUNCH(few_classes, kz_grid(kz_blocks_for(l.rows, THREADS >> shift)), dim3(THREADS),
                         bytes_for_sums(l), q->stream, l, shift, q->arrivals);
    }
    if (l.outputs > MOST_CLASSES) return cudaErrorInvalidValue; /* as kz_sum_f32 */
    int64_t parts = kz_blocks_for(l.outputs, KZ_SUM_BLOCK);
    size_t bytes = sizeof(row_notes) + static_cast<size_t>(parts) * sizeof(float), sums = bytes_for_sums(l);
    return KZ_LAUNCH(many_classes, kz_grid(l.rows), dim3(static_cast<unsigned>(warps_of(l) * KZ_WARP)),
                     bytes > sums ? bytes : sums, q->stream, l, q->arrivals);
}

/* ---- two classes ---- */

/* A thread to a row.  44 bytes, and some 100 operations in binary64, which bound it where latency does not. */
static __global__ void __launch_bounds__(THREADS) two_classes(kz_loss l, unsigned *arrivals)
{
    KZ_SHARED(double, shared);
    int64_t r = kz_thread_of_grid();
    if (r < l.rows) kz_loss_of_two_classes(l, 1, r);
    sum_rows(l, arrivals, shared);
}

static cudaError_t queue_binary_cross_entropy(const kz_loss &l, const kz_cuda_queue *q)
{
    return KZ_LAUNCH(two_classes, kz_grid(kz_blocks_for(l.rows, THREADS)), dim3(THREADS), bytes_for_sums(l), q->stream,
                     l, q->arrivals);
}

/* ---- regression ---- */

/* Few outputs: a thread to a row.  16 bytes per output and 24 per row; their latency bounds it, or memory. */
static __global__ void __launch_bounds__(THREADS) few_values(kz_loss l, unsigned *arrivals)
{
    KZ_SHARED(double, shared);
    int64_t r = kz_thread_of_grid();
    if (r < l.rows) kz_loss_of_few_values(l, l.outputs, r);
    sum_rows(l, arrivals, shared);
}

enum { TILE_ROWS = 4, TILE_COLUMNS = 128, EACH = TILE_COLUMNS / KZ_WARP /* columns of a lane */ };

/* A column more than needed: the rows' elements lie in different banks. */
typedef struct {
    double square[TILE_ROWS][TILE_COLUMNS + 1]; /* in original units */
    float d[TILE_ROWS][TILE_COLUMNS + 1];
} error_tile;

/* The errors, and dz, of `rows` rows from `first` on, columns j0 .. n - 1 of a tile; at[i]: row i's targets. */
KZ_FN void errors_of_tile(const kz_loss &l, int64_t first, int rows, int64_t j0, const int64_t *at, float twice,
                          error_tile *tile)
{
    float z[TILE_ROWS][EACH], value[TILE_ROWS][EACH], raw[TILE_ROWS][EACH];
    int64_t n = l.outputs, j = j0 + kz_lane();
    KZ_UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        KZ_UNROLL
        for (int c = 0; c < EACH; c++) {
            bool is_output = i < rows && j + c * KZ_WARP < n;
            z[i][c] = is_output ? l.z[(first + i) * n + j + c * KZ_WARP] : 0.0f;
            value[i][c] = is_output ? l.value[at[i] + j + c * KZ_WARP] : 0.0f;
            raw[i][c] = is_output ? l.raw[at[i] + j + c * KZ_WARP] : 0.0f;
        }
    }
    KZ_UNROLL
    for (int i = 0; i < TILE_ROWS; i++) {
        KZ_UNROLL
        for (int c = 0; c < EACH; c++) {
            if (i >= rows || j + c * KZ_WARP >= n) continue;
            float d = z[i][c] - value[i][c];
            l.dz[(first + i) * n + j + c * KZ_WARP] = twice * d;
            tile->d[i][kz_lane() + c * KZ_WARP] = d;
            tile->square[i][kz_lane() + c * KZ_WARP] = kz_square_in_units(l, j + c * KZ_WARP, z[i][c], raw[i][c]);
        }
    }
}

/* Many outputs: a warp to 4 rows.  It computes tiles of them side by side, then a lane to a row adds the tile's errors in
 * order.  16 bytes per output; that chain of additions in binary64 bounds it, until there are rows enough for memory. */
static __global__ void __launch_bounds__(KZ_WARP) many_values(kz_loss l, float share, float twice, unsigned *arrivals)
{
    KZ_SHARED(error_tile, tile);
    int lane = kz_lane();
    int64_t first = static_cast<int64_t>(blockIdx.x) * TILE_ROWS, n = l.outputs, at[TILE_ROWS];
    int rows = l.rows - first < TILE_ROWS ? static_cast<int>(l.rows - first) : TILE_ROWS;
    float loss = 0.0f;
    double score = 0.0;
    KZ_UNROLL
    for (int i = 0; i < TILE_ROWS; i++) at[i] = i < rows ? kz_target_of(l, first + i) * n : 0;
    for (int64_t j0 = 0; j0 < n; j0 += TILE_COLUMNS) {
        int columns = n - j0 < TILE_COLUMNS ? static_cast<int>(n - j0) : TILE_COLUMNS;
        errors_of_tile(l, first, rows, j0, at, twice, tile);
        kz_warp_sync();
        for (int j = 0; lane < rows && j < columns; j++) {
            loss = fmaf(tile->d[lane][j], tile->d[lane][j], loss);
            score += tile->square[lane][j];
        }
        kz_warp_sync();
    }
    if (lane < rows) {
        l.row_loss[first + lane] = static_cast<double>(loss * share);
        l.row_score[first + lane] = score;
    }
    sum_rows(l, arrivals, reinterpret_cast<double *>(tile));
}

static cudaError_t queue_squared_error(const kz_loss &l, const kz_cuda_queue *q)
{
    if (l.outputs <= FEW_VALUES)
        return KZ_LAUNCH(few_values, kz_grid(kz_blocks_for(l.rows, THREADS)), dim3(THREADS), bytes_for_sums(l),
                         q->stream, l, q->arrivals);
    double n = static_cast<double>(l.outputs);
    return KZ_LAUNCH(many_values, kz_grid(kz_blocks_for(l.rows, TILE_ROWS)), dim3(KZ_WARP), sizeof(error_tile),
                     q->stream, l, static_cast<float>(1.0 / n), static_cast<float>(2.0 / n), q->arrivals);
}

/* ---- the list ---- */

static cudaError_t queue_rows(const kz_loss &l, const kz_cuda_queue *q)
{
    switch (l.which) {
#define KZ_LOSS(name, targets, text)                                                                                   \
    case KZ_LOSS_##name:                                                                                               \
        return queue_##name(l, q);
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    default: return cudaErrorInvalidValue;
    }
}

extern "C" cudaError_t kz_loss_f32__cuda(const kz_loss *l, const kz_cuda_queue *q)
{
    kz_loss rows = *l;
    bool apart =
        !q->arrivals || l->rows <= 0 || 2 * kz_blocks_for(l->rows, KZ_SUM_BLOCK) > BLOCKS_OF_A_WARP * warps_of(rows);
    if (apart) rows.sum_loss = rows.sum_score = nullptr;
    cudaError_t e = l->rows > 0 ? queue_rows(rows, q) : cudaSuccess;
    if (e == cudaSuccess && l->sum_loss && apart) e = kz_sum_f64__cuda(l->rows, l->row_loss, l->sum_loss, q);
    if (e == cudaSuccess && l->sum_loss && apart) e = kz_sum_f64__cuda(l->rows, l->row_score, l->sum_score, q);
    return e;
}
