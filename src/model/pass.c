/* Forward and backward through the layers. */
#include "model/model_impl.h"

/* Layer i at work on `rows` rows; step NULL: without dropout. */
static kz_dense at_work(const kz_model *m, int64_t i, int64_t rows, const kz_model_step *step)
{
    const dense_layer *l = &m->layers[i];
    kz_dense d = {.rows = rows,
                  .inputs = l->inputs,
                  .units = l->units,
                  .weight = m->theta + l->weight,
                  .bias = m->theta + l->bias,
                  .first = i == 0,
                  .last = i == m->n_layers - 1,
                  .activation = l->activation,
                  .y = l->y,
                  .kept = l->y};
    uint32_t threshold = step ? (uint32_t)(l->dropout * 0x1p32) : 0;
    if (threshold > 0) { /* below 2^-32 nothing is dropped and the factor rounds to 1 */
        d.kept = l->kept;
        d.dropout = (kz_dropout){.threshold = threshold,
                                 .factor = (float)(1.0 / (1.0 - l->dropout)),
                                 .seed = step->seed,
                                 .first = (uint64_t)(step->first_row * l->units),
                                 .layer = (uint32_t)i,
                                 .at = step->at};
    }
    return d;
}

int64_t kz_model_layers(const kz_model *m, int64_t rows, const kz_model_step *step, int64_t most, kz_dense *layer)
{
    if (m->n_layers > most) return 0;
    for (int64_t i = 0; i < m->n_layers; i++) layer[i] = at_work(m, i, rows, step);
    return m->n_layers;
}

kz_status kz_model_forward(kz_model *m, int64_t rows, const float *x, const kz_model_step *step, float **z)
{
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < m->n_layers; i++) {
        kz_dense d = at_work(m, i, rows, step);
        KZ_TRY(m->dev->ops->dense_forward(m->dev, &d, x));
        x = d.y;
    }
    *z = m->layers[m->n_layers - 1].y;
done:
    return st;
}

kz_status kz_model_backward(kz_model *m, int64_t rows, const float *x, const kz_model_step *step, float *dz,
                            float *grad)
{
    kz_status st = KZ_OK;
    kz_dense here = at_work(m, m->n_layers - 1, rows, step);
    KZ_TRY(m->dev->ops->dense_slope(m->dev, &here, dz));
    for (int64_t i = m->n_layers - 1; i >= 0; i--) {
        const dense_layer *l = &m->layers[i];
        kz_dense below = i > 0 ? at_work(m, i - 1, rows, step) : here;
        KZ_TRY(m->dev->ops->dense_weights(m->dev, &here, dz, i > 0 ? below.y : x, grad + l->weight, grad + l->bias));
        if (i == 0) break;
        KZ_TRY(m->dev->ops->dense_input(m->dev, &here, dz, &below, l->dx));
        dz = l->dx;
        here = below;
    }
done:
    return st;
}
