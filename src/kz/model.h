/* kz/model.h — layers and losses over a device: initial weights, forward, backward. */
#ifndef KZ_MODEL_H
#define KZ_MODEL_H

#include "kz/base.h"
#include "kz/config.h"
#include "kz/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A named part of the parameters, under PyTorch's name and shape. */
typedef struct {
    char name[24]; /* "0.weight", "0.bias" */
    int rank;      /* 2: (units, inputs); 1: (units) */
    int64_t shape[2];
    int64_t offset, n; /* first element in the parameters, and how many */
} kz_tensor;

typedef struct kz_model kz_model; /* owns parameters and the buffers of one part of a batch */

/* Makes the layers of cfg for rows of `inputs` values, with `outputs` units in the last layer, for parts of at most
 * max_rows rows.  The device must outlive it.  Fails: KZ_E_CONFIG (units, activation or loss do not fit the data), KZ_E_MEM. */
kz_status kz_model_create(kz_model **out, kz_device *dev, const kz_config *cfg, int64_t inputs, int64_t outputs,
                          int64_t max_rows);
void kz_model_destroy(kz_model **model);
/* The same checks without taking the memory; *parameters <- their number. */
kz_status kz_model_check(kz_device *dev, const kz_config *cfg, int64_t inputs, int64_t outputs, int64_t *parameters);

int64_t kz_model_parameters(const kz_model *model);                   /* their number */
const kz_tensor *kz_model_tensors(const kz_model *model, int64_t *n); /* in digest order; borrowed */
float *kz_model_weights(kz_model *model);                             /* (parameters), on the device; borrowed */

/* Initial weights: the config's init, by seed, layer and element (docs/arithmetic.md, rule 9); biases +0. */
kz_status kz_model_init(kz_model *model, uint64_t seed, const char *init);

/* Dropout of one training step: row r of the part is row first_row + r of the batch.  NULL stands for evaluation. */
typedef struct {
    uint64_t seed;
    const kz_cursor *at; /* the step; on the device */
    int64_t first_row;
} kz_model_step;

/* *z <- outputs (rows, outputs) for x (rows, inputs); both on the device, *z borrowed until the next call. */
kz_status kz_model_forward(kz_model *model, int64_t rows, const float *x, const kz_model_step *step, float **z);

/* layer[] <- the layers at work on `rows` rows, first to last; their number, or 0 if that is more than `most`. */
int64_t kz_model_layers(const kz_model *model, int64_t rows, const kz_model_step *step, int64_t most, kz_dense *layer);

/* grad (parameters) <- gradient of the sum over the rows of the loss, from dz (rows, outputs) at the outputs of the last
 * forward, which had the same x and step; destroys dz. */
kz_status kz_model_backward(kz_model *model, int64_t rows, const float *x, const kz_model_step *step, float *dz,
                            float *grad);

#ifdef __cplusplus
}
#endif
#endif
