/* Private to src/model. */
#ifndef KZ_MODEL_IMPL_H
#define KZ_MODEL_IMPL_H

#include "kz/model.h"

/* A dense layer: its place in the parameters and its buffers for one part of a batch. */
typedef struct {
    int64_t inputs, units;
    int activation;
    double dropout;
    int64_t weight, bias; /* offsets in the parameters */
    float *y;             /* (max_rows, units) outputs */
    float *kept;          /* (max_rows, units) before dropout; NULL without dropout: y serves */
    float *dx;            /* (max_rows, inputs) gradient at its inputs; NULL for the first layer */
} dense_layer;

struct kz_model {
    kz_device *dev; /* borrowed */
    dense_layer *layers;
    int64_t n_layers, inputs, outputs, max_rows;
    kz_tensor *tensors; /* weight, bias, weight, bias, ... */
    int64_t parameters;
    float *theta; /* (parameters) on the device */
};

#endif
