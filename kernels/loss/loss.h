/* kernels/loss/loss.h — losses, their gradients and the scores of rows. */
#ifndef KZ_LOSS_LOSS_H
#define KZ_LOSS_LOSS_H

#include "kernels/arith/cursor.h"
#include "kernels/arith/variants.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The list, as numbers: KZ_LOSS_cross_entropy, ... */
enum {
#define KZ_LOSS(name, targets, text) KZ_LOSS_##name,
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    KZ_LOSSES
};

int kz_loss_named(const char *name);  /* KZ_LOSSES if there is none */
const char *kz_loss_name(int which);  /* a constant */
int kz_loss_is_of_classes(int which); /* its targets are class numbers, else values */

typedef struct {
    int which; /* of the list */
    int64_t rows, outputs;
    const float *z;                 /* (rows, outputs) */
    const int64_t *row;             /* (rows): which row of the targets; from at->begin on */
    const kz_cursor *at;            /* or NULL */
    const int32_t *label;           /* (*): class numbers, for classification */
    const float *value, *raw;       /* (*, outputs): scaled targets, and in original units, for regression */
    const double *mean, *deviation; /* (outputs): original = deviation z + mean */
    float *dz;                      /* (rows, outputs) */
    double *row_loss;               /* (rows): the binary32 loss, widened */
    double *row_score; /* (rows): 1 if the class is right, else 0; regression: sum of squared errors, original units */
    double *sum_loss; /* or NULL, as sum_score then is: the sum of row_loss; by the device's operation, no CPU kernel */
    double *sum_score;
} kz_loss;

typedef void kz_loss_fn(const kz_loss *l, int64_t row0, int64_t row1);

#define KZ_DECLARE(how, attribute) kz_loss_fn kz_loss_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
