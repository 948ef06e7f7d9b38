/* kernels/step/step.h — a whole training step of a batch in one part, for devices that can do it at once. */
#ifndef KZ_STEP_STEP_H
#define KZ_STEP_STEP_H

#include "kernels/arith/cursor.h"
#include "kernels/dense/dense.h"
#include "kernels/gather/gather.h"
#include "kernels/loss/loss.h"
#include "kernels/optim/optim_f32.h"

enum { KZ_STEP_LAYERS = 8 };

/* What the operations of one step are given: gather; forward, first layer to last; loss; backward, last to first; the mean
 * gradient and its norm; tally; update.  Arrays between them need not be written. */
typedef struct {
    kz_gather gather;
    int64_t layers;
    kz_dense layer[KZ_STEP_LAYERS];
    kz_loss loss;
    int64_t tensors, parameters;
    const int64_t *offset; /* (tensors + 1): where the tensors of the parameters begin */
    kz_cursor *at;
    kz_tally *tally;
    int optimizer; /* of optim_list.inc */
    const kz_optim_coef *coef;
    int64_t coefs;
    float *theta, *state[KZ_OPTIM_MOST_ARRAYS];
} kz_step;

#endif
