/* A chain of dense layers: shapes, parameters, buffers. */
#include "model/model_impl.h"

#include <string.h>

static const char *const activations[] = {
#define KZ_ACTIVATION(name, formula) #name,
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
};

static kz_status find_activation(int *out, const char *name)
{
    for (int i = 0; i < KZ_ACTIVATIONS; i++) {
        if (strcmp(activations[i], name) != 0) continue;
        *out = i;
        return KZ_OK;
    }
    return KZ_FAIL(KZ_E_NAME, "activation: no activation '%s'", name);
}

static void place_tensor(kz_model *m, int64_t which, int64_t number, const char *part, int rank, int64_t rows,
                         int64_t columns)
{
    kz_tensor *t = &m->tensors[which];
    snprintf(t->name, sizeof t->name, "%d.%s", (int)number, part);
    t->rank = rank;
    t->shape[0] = rows;
    t->shape[1] = columns;
    t->offset = m->parameters;
    t->n = rows * columns;
    m->parameters += t->n;
}

/* Shape and parameters of layer i. */
static kz_status shape_layer(kz_model *m, int64_t i, const kz_config_layer *cfg, int64_t inputs, int64_t outputs)
{
    dense_layer *l = &m->layers[i];
    bool last = i == m->n_layers - 1;
    if (last && cfg->units != KZ_UNSET && cfg->units != outputs)
        return KZ_FAIL(
            KZ_E_CONFIG,
            "model.layers[%lld].units: %lld, but the data and the loss need %lld outputs; leave units out of "
            "the last layer, or set %lld",
            (long long)i, (long long)cfg->units, (long long)outputs, (long long)outputs);
    l->inputs = inputs;
    l->units = last ? outputs : cfg->units;
    l->dropout = cfg->dropout;
    kz_status st = find_activation(&l->activation, cfg->activation);
    l->weight = m->parameters;
    place_tensor(m, 2 * i, i, "weight", 2, l->units, inputs);
    l->bias = m->parameters;
    place_tensor(m, 2 * i + 1, i, "bias", 1, l->units, 1);
    return st;
}

static kz_status make_buffers(kz_model *m)
{
    kz_status st = KZ_OK;
    kz_device *dev = m->dev;
    KZ_TRY(dev->ops->alloc_parameters(dev, &m->theta, m->parameters));
    for (int64_t i = 0; i < m->n_layers; i++) {
        dense_layer *l = &m->layers[i];
        size_t out = (size_t)(m->max_rows * l->units) * sizeof(float);
        size_t in = (size_t)(m->max_rows * l->inputs) * sizeof(float);
        KZ_TRY(dev->ops->alloc(dev, &l->y, out, "layer outputs"));
        if (l->dropout > 0) KZ_TRY(dev->ops->alloc(dev, &l->kept, out, "layer outputs before dropout"));
        if (i > 0) KZ_TRY(dev->ops->alloc(dev, &l->dx, in, "gradients between layers"));
    }
done:
    return st;
}

/* The model without its buffers. */
static kz_status shape_model(kz_model **out, kz_device *dev, const kz_config *cfg, int64_t inputs, int64_t outputs,
                             int64_t max_rows)
{
    kz_model *m = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&m, 1, sizeof *m, "model"));
    m->dev = dev;
    m->n_layers = cfg->model.n_layers;
    m->inputs = inputs;
    m->outputs = outputs;
    m->max_rows = max_rows;
    KZ_TRY(kz_calloc(&m->layers, m->n_layers, sizeof *m->layers, "layers"));
    KZ_TRY(kz_calloc(&m->tensors, 2 * m->n_layers, sizeof *m->tensors, "tensor table"));
    for (int64_t i = 0; i < m->n_layers; i++)
        KZ_TRY(shape_layer(m, i, &cfg->model.layers[i], i > 0 ? m->layers[i - 1].units : inputs, outputs));
    *out = m;
    m = NULL;
done:
    kz_model_destroy(&m);
    return st;
}

kz_status kz_model_check(kz_device *dev, const kz_config *cfg, int64_t inputs, int64_t outputs, int64_t *parameters)
{
    kz_model *m = NULL;
    kz_status st = shape_model(&m, dev, cfg, inputs, outputs, 0);
    if (st == KZ_OK) *parameters = m->parameters;
    kz_model_destroy(&m);
    return st;
}

kz_status kz_model_create(kz_model **out, kz_device *dev, const kz_config *cfg, int64_t inputs, int64_t outputs,
                          int64_t max_rows)
{
    kz_model *m = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(shape_model(&m, dev, cfg, inputs, outputs, max_rows));
    KZ_TRY(make_buffers(m));
    *out = m;
    m = NULL;
done:
    kz_model_destroy(&m);
    return st;
}

void kz_model_destroy(kz_model **model)
{
    kz_model *m = *model;
    if (!m) return;
    for (int64_t i = 0; m->layers && i < m->n_layers; i++) {
        m->dev->ops->release(m->dev, &m->layers[i].y);
        m->dev->ops->release(m->dev, &m->layers[i].kept);
        m->dev->ops->release(m->dev, &m->layers[i].dx);
    }
    m->dev->ops->release(m->dev, &m->theta);
    kz_free(&m->layers);
    kz_free(&m->tensors);
    kz_free(model);
}

int64_t kz_model_parameters(const kz_model *model)
{
    return model->parameters;
}

const kz_tensor *kz_model_tensors(const kz_model *model, int64_t *n)
{
    *n = 2 * model->n_layers;
    return model->tensors;
}

float *kz_model_weights(kz_model *model)
{
    return model->theta;
}
