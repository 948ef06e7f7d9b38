/* Loss, gradient and score of rows. */
#include "kernels/arith/cuda_pieces.h"
#include "kernels/cuda/launchers.h"

#include "kernels/loss/binary_cross_entropy.h"
#include "kernels/loss/cross_entropy.h"
#include "kernels/loss/squared_error.h"

enum { THREADS = 128 };

KZ_FN int64_t target_of(const kz_loss &l, int64_t r)
{
    return l.row[kz_begin(l.at) + r];
}

/* ---- cross entropy ---- */

/* Whether z[y] is where a walk through the row ends that only leaves an output for a larger one (kz_is_right): a NaN is
 * left by none and entered by none.  `beaten`: an output before y is no smaller, or one after it larger. */
KZ_FN bool is_right(float first, float own, int32_t y, bool beaten)
{
    return first != first ? y == 0 : own == own && !beaten;
}

KZ_FN bool beats(int64_t j, float z, int32_t y, float own)
{
    return j < y ? z >= own : j > y && z > own;
}

/* Up to 32 classes: 2^shift lanes to a row, an output to a lane.  Reads z and writes dz, 8 bytes, and 28
 * bytes for a row; an exp per output, some 25 operations in binary64, and a logarithm per row, twice that, which all lanes
 * compute: with few rows the latency of these bounds it, with many binary64 does. */
static __global__ void __launch_bounds__(THREADS) few_classes(kz_loss l, int shift)
{
    const int group = 1 << shift, j = static_cast<int>(threadIdx.x) & (group - 1), first = kz_lane() - j;
    int64_t r = kz_thread_of_grid() >> shift, n = l.outputs;
    bool is_row = r < l.rows, is_output = is_row && j < n;
    int32_t y = is_row ? l.label[target_of(l, r)] : 0;
    float z = is_output ? l.z[r * n + j] : -INFINITY, most = z;
    for (int mask = group / 2; mask > 0; mask /= 2) most = kz_larger(most, kz_shuffle_xor(most, mask));
    float e = is_output ? kz_exp_f32(z - most) : 0.0f, s = e;
    for (int half = group / 2; half > 0; half /= 2) s += kz_shuffle_down(s, half); /* lanes beyond the group are +0 */
    s = kz_shuffle(s, first);
    float own = kz_shuffle(z, first + y), start = kz_shuffle(z, first);
    unsigned beaten = kz_ballot(is_output && beats(j, z, y, own)) >> first;
    if (group < KZ_WARP) beaten &= (1u << group) - 1u;
    float loss = kz_log_f32(s) - (own - most);
    if (is_output) l.dz[r * n + j] = e / s - (j == y ? 1.0f : 0.0f);
    if (is_row && j == 0) {
        l.row_loss[r] = static_cast<double>(loss);
        l.row_score[r] = is_right(start, own, y, beaten != 0) ? 1.0 : 0.0;
    }
}

enum { MOST_WARPS = 8, MOST_CLASSES = KZ_SUM_BLOCK * KZ_SUM_BLOCK };

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
        lost = lost || beats(j, x, y, own);
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
static __global__ void __launch_bounds__(MOST_WARPS *KZ_WARP) many_classes(kz_loss l)
{
    KZ_SHARED(row_notes, notes);
    int64_t r = static_cast<int64_t>(blockIdx.x), n = l.outputs;
    const float *z = l.z + r * n;
    float *dz = l.dz + r * n;
    int32_t y = l.label[target_of(l, r)];
    bool beaten;
    float most = survey(n, z, y, notes, &beaten);
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) dz[j] = kz_exp_f32(z[j] - most);
    __syncthreads();
    float s = sum_of_row(n, dz, notes);
    for (int64_t j = threadIdx.x; j < n; j += blockDim.x) dz[j] = dz[j] / s - (j == y ? 1.0f : 0.0f);
    if (threadIdx.x > 0) return;
    l.row_loss[r] = static_cast<double>(kz_log_f32(s) - (z[y] - most));
    l.row_score[r] = is_right(z[0], z[y], y, beaten) ? 1.0 : 0.0;
}

static cudaError_t queue_cross_entropy(const kz_loss &l, const kz_cuda_queue *q)
{
    if (l.outputs <= KZ_WARP) {
        int shift = 1;
        while (1 << shift < l.outputs) shift++;
        return KZ_LAUNCH(few_classes, kz_grid(kz_blocks_for(l.rows, THREADS >> shift)), dim3(THREADS), 0, q->stream, l,
                         shift);
    }
    if (l.outputs > MOST_CLASSES) return cudaErrorInvalidValue; /* as kz_sum_f32 */
    int64_t parts = kz_blocks_for(l.outputs, KZ_SUM_BLOCK), warps = kz_blocks_for(l.outputs, KZ_WARP);
    if (warps > MOST_WARPS) warps = MOST_WARPS;
    return KZ_LAUNCH(many_classes, kz_grid(l.rows), dim3(static_cast<unsigned>(warps * KZ_WARP)),
                     sizeof(row_notes) + static_cast<size_t>(parts) * sizeof(float), q->stream, l);
}

/* ---- two classes ---- */

/* A thread to a row.  44 bytes, and some 100 operations in binary64, which bound it where latency does not. */
static __global__ void __launch_bounds__(THREADS) two_classes(kz_loss l)
{
    int64_t r = kz_thread_of_grid();
    if (r >= l.rows) return;
    float z = l.z[r], dz;
    int32_t y = l.label[target_of(l, r)];
    l.row_loss[r] = static_cast<double>(kz_binary_cross_entropy(z, y, &dz));
    l.dz[r] = dz;
    l.row_score[r] = (z > 0.0f) == (y == 1) ? 1.0 : 0.0;
}

static cudaError_t queue_binary_cross_entropy(const kz_loss &l, const kz_cuda_queue *q)
{
    return KZ_LAUNCH(two_classes, kz_grid(kz_blocks_for(l.rows, THREADS)), dim3(THREADS), 0, q->stream, l);
}

/* ---- regression ---- */

/* The squared error in original units. */
KZ_FN double square_in_units(const kz_loss &l, int64_t j, float z, float raw)
{
    double d = l.deviation[j] * static_cast<double>(z) + l.mean[j] - static_cast<double>(raw);
    return d * d;
}

/* Few outputs: a thread to a row.  16 bytes per output and 24 per row; their latency bounds it, or memory. */
static __global__ void __launch_bounds__(THREADS) few_values(kz_loss l)
{
    int64_t r = kz_thread_of_grid(), n = l.outputs;
    if (r >= l.rows) return;
    int64_t at = target_of(l, r) * n;
    const float *z = l.z + r * n;
    double score = 0.0;
    l.row_loss[r] = static_cast<double>(kz_squared_error(n, z, l.value + at, l.dz + r * n));
    for (int64_t j = 0; j < n; j++) score += square_in_units(l, j, z[j], l.raw[at + j]);
    l.row_score[r] = score;
}

enum { FEW_VALUES = 4, TILE_ROWS = 4, TILE_COLUMNS = 128, EACH = TILE_COLUMNS / KZ_WARP /* columns of a lane */ };

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
            tile->square[i][kz_lane() + c * KZ_WARP] = square_in_units(l, j + c * KZ_WARP, z[i][c], raw[i][c]);
        }
    }
}

/* Many outputs: a warp to 4 rows.  It computes tiles of them side by side, then a lane to a row adds the tile's errors in
 * order.  16 bytes per output; that chain of additions in binary64 bounds it, until there are rows enough for memory. */
static __global__ void __launch_bounds__(KZ_WARP) many_values(kz_loss l, float share, float twice)
{
    KZ_SHARED(error_tile, tile);
    int lane = kz_lane();
    int64_t first = static_cast<int64_t>(blockIdx.x) * TILE_ROWS, n = l.outputs, at[TILE_ROWS];
    int rows = l.rows - first < TILE_ROWS ? static_cast<int>(l.rows - first) : TILE_ROWS;
    float loss = 0.0f;
    double score = 0.0;
    KZ_UNROLL
    for (int i = 0; i < TILE_ROWS; i++) at[i] = i < rows ? target_of(l, first + i) * n : 0;
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
    if (lane >= rows) return;
    l.row_loss[first + lane] = static_cast<double>(loss * share);
    l.row_score[first + lane] = score;
}

static cudaError_t queue_squared_error(const kz_loss &l, const kz_cuda_queue *q)
{
    if (l.outputs <= FEW_VALUES)
        return KZ_LAUNCH(few_values, kz_grid(kz_blocks_for(l.rows, THREADS)), dim3(THREADS), 0, q->stream, l);
    double n = static_cast<double>(l.outputs);
    return KZ_LAUNCH(many_values, kz_grid(kz_blocks_for(l.rows, TILE_ROWS)), dim3(KZ_WARP), sizeof(error_tile),
                     q->stream, l, static_cast<float>(1.0 / n), static_cast<float>(2.0 / n));
}

extern "C" cudaError_t kz_loss_f32__cuda(const kz_loss *l, const kz_cuda_queue *q)
{
    if (l->rows <= 0) return cudaSuccess;
    switch (l->which) {
#define KZ_LOSS(name, targets, text)                                                                                   \
    case KZ_LOSS_##name:                                                                                               \
        return queue_##name(*l, q);
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    default: return cudaErrorInvalidValue;
    }
}
