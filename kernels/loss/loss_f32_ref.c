/* Loss, gradient and score.  Rows of few outputs are taken many at once, so that vectors are filled across rows. */
#include "kernels/loss/loss.h"

#include "kernels/loss/binary_cross_entropy.h"
#include "kernels/loss/cross_entropy.h"
#include "kernels/loss/squared_error.h"

enum { STRIP = 64 }; /* rows of one output */

KZ_BODY void widen(const float *x, int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (double)x[i];
}

/* ---- cross entropy ---- */

/* Rows r .. r + n - 1, n <= KZ_ROWS_AT_ONCE.  Where some are missing, copies are padded with zeros. */
KZ_BODY void few_classes(const kz_loss *l, int64_t r, int64_t n)
{
    enum { ROWS = KZ_ROWS_AT_ONCE };
    float z[KZ_FEW_CLASSES][ROWS], y[ROWS] = {0}, loss[ROWS], right[ROWS], copy[ROWS * KZ_FEW_CLASSES];
    const float *from = l->z + r * l->outputs;
    float *to = l->dz + r * l->outputs;
    int64_t outputs = l->outputs;
    if (n < ROWS) {
        memset(copy, 0, sizeof copy);
        memcpy(copy, from, (size_t)(n * outputs) * sizeof *copy);
        from = copy;
    }
    for (int64_t i = 0; i < n; i++) y[i] = (float)l->label[l->row[r + i]];
    memset(z[0], 0, sizeof z[0]); /* there is an output: gcc cannot know */
    for (int64_t j = 0; j < outputs; j++) {
        KZ_AS_LOOP
        for (int64_t i = 0; i < ROWS; i++) z[j][i] = from[i * outputs + j];
    }
    kz_cross_entropy_rows(outputs, z, y, loss, right);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < outputs; j++) to[i * outputs + j] = z[j][i];
    widen(loss, n, l->row_loss + r);
    widen(right, n, l->row_score + r);
}

KZ_BODY void cross_entropy(const kz_loss *l, int64_t row0, int64_t row1)
{
    int64_t n = l->outputs;
    if (n <= KZ_FEW_CLASSES) {
        for (int64_t r = row0; r < row1; r += KZ_ROWS_AT_ONCE)
            few_classes(l, r, row1 - r < KZ_ROWS_AT_ONCE ? row1 - r : KZ_ROWS_AT_ONCE);
        return;
    }
    for (int64_t r = row0; r < row1; r++) {
        const float *z = l->z + r * n;
        int32_t y = l->label[l->row[r]];
        l->row_loss[r] = (double)kz_cross_entropy(n, z, y, l->dz + r * n);
        l->row_score[r] = kz_is_right(n, z, y) ? 1.0 : 0.0;
    }
}

/* ---- two classes ---- */

KZ_BODY void binary_cross_entropy(const kz_loss *l, int64_t row0, int64_t row1)
{
    for (int64_t r = row0; r < row1; r += STRIP) {
        int64_t n = row1 - r < STRIP ? row1 - r : STRIP;
        const float *z = l->z + r;
        float loss[STRIP], *dz = l->dz + r;
        int32_t y[STRIP];
        for (int64_t i = 0; i < n; i++) y[i] = l->label[l->row[r + i]];
        for (int64_t i = 0; i < n; i++) loss[i] = kz_binary_cross_entropy(z[i], y[i], dz + i);
        widen(loss, n, l->row_loss + r);
        for (int64_t i = 0; i < n; i++) l->row_score[r + i] = (z[i] > 0.0f) == (y[i] == 1) ? 1.0 : 0.0;
    }
}

/* ---- regression ---- */

KZ_BODY double squared_distance(const kz_loss *l, const float *z, const float *raw)
{
    double total = 0.0;
    for (int64_t j = 0; j < l->outputs; j++) {
        double d = l->deviation[j] * (double)z[j] + l->mean[j] - (double)raw[j];
        total += d * d;
    }
    return total;
}

/* One output. */
KZ_BODY void one_squared_error(const kz_loss *l, int64_t row0, int64_t row1)
{
    double mean = l->mean[0], deviation = l->deviation[0];
    for (int64_t r = row0; r < row1; r += STRIP) {
        int64_t n = row1 - r < STRIP ? row1 - r : STRIP;
        const float *z = l->z + r;
        float value[STRIP], raw[STRIP], loss[STRIP], *dz = l->dz + r;
        for (int64_t i = 0; i < n; i++) value[i] = l->value[l->row[r + i]], raw[i] = l->raw[l->row[r + i]];
        for (int64_t i = 0; i < n; i++) loss[i] = kz_squared_error(1, z + i, value + i, dz + i);
        widen(loss, n, l->row_loss + r);
        for (int64_t i = 0; i < n; i++) {
            double d = deviation * (double)z[i] + mean - (double)raw[i];
            l->row_score[r + i] = d * d;
        }
    }
}

KZ_BODY void squared_error(const kz_loss *l, int64_t row0, int64_t row1)
{
    int64_t n = l->outputs;
    if (n == 1) {
        one_squared_error(l, row0, row1);
        return;
    }
    for (int64_t r = row0; r < row1; r++) {
        int64_t at = l->row[r] * n;
        l->row_loss[r] = (double)kz_squared_error(n, l->z + r * n, l->value + at, l->dz + r * n);
        l->row_score[r] = squared_distance(l, l->z + r * n, l->raw + at);
    }
}

KZ_BODY void loss(const kz_loss *all, int64_t row0, int64_t row1)
{
    kz_loss here = *all, *l = &here;
    here.row += kz_begin(all->at);
    switch (l->which) {
#define KZ_LOSS(name, targets, text)                                                                                   \
    case KZ_LOSS_##name:                                                                                               \
        name(l, row0, row1);                                                                                           \
        break;
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    }
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_loss_f32__##how(const kz_loss *l, int64_t row0, int64_t row1)                                    \
    {                                                                                                                  \
        loss(l, row0, row1);                                                                                           \
    }
KZ_VARIANTS(KZ_DEFINE)
