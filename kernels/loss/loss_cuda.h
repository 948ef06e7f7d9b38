/* kernels/loss/loss_cuda.h — losses of rows of few outputs, by a thread or some lanes each.
 *
 * Rows of z and dz lie `pitch` floats apart, in global or in shared memory. */
#ifndef KZ_LOSS_LOSS_CUDA_H
#define KZ_LOSS_LOSS_CUDA_H

#include "kernels/arith/cuda_pieces.h"
#include "kernels/loss/binary_cross_entropy.h"
#include "kernels/loss/cross_entropy.h"
#include "kernels/loss/loss.h"
#include "kernels/loss/squared_error.h"

/* Which of the targets is row r's. */
KZ_FN int64_t kz_target_of(const kz_loss &l, int64_t r)
{
    return l.row ? l.row[kz_begin(l.at) + r] : r;
}

/* ---- cross entropy ---- */

/* Whether z[y] is where a walk through the row ends that only leaves an output for a larger one (kz_is_right): a NaN is
 * left by none and entered by none.  `beaten`: an output before y is no smaller, or one after it larger. */
KZ_FN bool kz_walk_ends_at(float first, float own, int32_t y, bool beaten)
{
    return first != first ? y == 0 : own == own && !beaten;
}

KZ_FN bool kz_beats(int64_t j, float z, int32_t y, float own)
{
    return j < y ? z >= own : j > y && z > own;
}

/* Lanes of a row: 2^shift >= outputs, at least 2. */
KZ_FN_BOTH int kz_class_shift(int64_t outputs)
{
    int shift = 1;
    while (1 << shift < outputs) shift++;
    return shift;
}

/* Up to 32 classes: 2^shift lanes to a row, an output to a lane; all lanes of the warp come.  `thread`: of all that do;
 * those beyond the rows compute nothing. */
KZ_FN void kz_loss_of_few_classes(const kz_loss &l, int64_t pitch, int shift, int64_t thread)
{
    const int group = 1 << shift, j = static_cast<int>(threadIdx.x) & (group - 1), first = kz_lane() - j;
    int64_t r = thread >> shift, n = l.outputs;
    bool is_row = r < l.rows, is_output = is_row && j < n;
    int32_t y = is_row ? l.label[kz_target_of(l, r)] : 0;
    float z = is_output ? l.z[r * pitch + j] : -INFINITY, most = z;
    for (int mask = group / 2; mask > 0; mask /= 2) most = kz_larger(most, kz_shuffle_xor(most, mask));
    float e = is_output ? kz_exp_f32(z - most) : 0.0f, s = e;
    for (int half = group / 2; half > 0; half /= 2) s += kz_shuffle_down(s, half); /* lanes beyond the group are +0 */
    s = kz_shuffle(s, first);
    float own = kz_shuffle(z, first + y), start = kz_shuffle(z, first);
    unsigned beaten = kz_ballot(is_output && kz_beats(j, z, y, own)) >> first;
    if (group < KZ_WARP) beaten &= (1u << group) - 1u;
    float loss = kz_log_f32(s) - (own - most);
    if (is_output) l.dz[r * pitch + j] = e / s - (j == y ? 1.0f : 0.0f);
    if (is_row && j == 0) {
        l.row_loss[r] = static_cast<double>(loss);
        l.row_score[r] = kz_walk_ends_at(start, own, y, beaten != 0) ? 1.0 : 0.0;
    }
}

/* ---- two classes ---- */

KZ_FN void kz_loss_of_two_classes(const kz_loss &l, int64_t pitch, int64_t r)
{
    float z = l.z[r * pitch], dz;
    int32_t y = l.label[kz_target_of(l, r)];
    l.row_loss[r] = static_cast<double>(kz_binary_cross_entropy(z, y, &dz));
    l.dz[r * pitch] = dz;
    l.row_score[r] = (z > 0.0f) == (y == 1) ? 1.0 : 0.0;
}

/* ---- regression ---- */

/* The squared error in original units. */
KZ_FN double kz_square_in_units(const kz_loss &l, int64_t j, float z, float raw)
{
    double d = l.deviation[j] * static_cast<double>(z) + l.mean[j] - static_cast<double>(raw);
    return d * d;
}

KZ_FN void kz_loss_of_few_values(const kz_loss &l, int64_t pitch, int64_t r)
{
    int64_t n = l.outputs, at = kz_target_of(l, r) * n;
    const float *z = l.z + r * pitch;
    double score = 0.0;
    l.row_loss[r] = static_cast<double>(kz_squared_error(n, z, l.value + at, l.dz + r * pitch));
    for (int64_t j = 0; j < n; j++) score += kz_square_in_units(l, j, z[j], l.raw[at + j]);
    l.row_score[r] = score;
}

#endif
