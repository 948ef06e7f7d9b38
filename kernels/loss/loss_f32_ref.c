/* Loss, gradient and score, row by row. */
#include "kernels/loss/loss.h"

#include "kernels/loss/binary_cross_entropy.h"
#include "kernels/loss/cross_entropy.h"
#include "kernels/loss/squared_error.h"

/* The class of the largest output; of equal ones the lowest. */
KZ_BODY int64_t largest(int64_t n, const float *z)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (z[j] > z[best]) best = j;
    return best;
}

KZ_BODY double squared_distance(const kz_loss *l, const float *z, const float *raw)
{
    double total = 0.0;
    for (int64_t j = 0; j < l->outputs; j++) {
        double d = l->deviation[j] * (double)z[j] + l->mean[j] - (double)raw[j];
        total += d * d;
    }
    return total;
}

KZ_BODY void loss(const kz_loss *l, int64_t row0, int64_t row1)
{
    int64_t n = l->outputs;
    for (int64_t r = row0; r < row1; r++) {
        const float *z = l->z + r * n;
        float *dz = l->dz + r * n;
        int64_t at = l->row[r];
        switch (l->which) {
        case KZ_LOSS_cross_entropy:
            l->row_loss[r] = (double)kz_cross_entropy(n, z, l->label[at], dz);
            l->row_score[r] = largest(n, z) == l->label[at] ? 1.0 : 0.0;
            break;
        case KZ_LOSS_binary_cross_entropy:
            l->row_loss[r] = (double)kz_binary_cross_entropy(z[0], l->label[at], dz);
            l->row_score[r] = (z[0] > 0.0f) == (l->label[at] == 1) ? 1.0 : 0.0;
            break;
        case KZ_LOSS_squared_error:
            l->row_loss[r] = (double)kz_squared_error(n, z, l->value + at * n, dz);
            l->row_score[r] = squared_distance(l, z, l->raw + at * n);
            break;
        }
    }
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_loss_f32__##how(const kz_loss *l, int64_t row0, int64_t row1)                                    \
    {                                                                                                                  \
        loss(l, row0, row1);                                                                                           \
    }
KZ_VARIANTS(KZ_DEFINE)
