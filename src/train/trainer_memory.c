/* What a run takes of memory, known before any of it is taken.  In binary64: the product may not fit into 64 bits. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

enum { PER_THREAD = 128 << 10, SLACK = 2 << 20 }; /* stack that is touched; libraries' own buffers */

/* Buffers as long as the parameters: on the device theta, gradients and moments ... */
static int64_t device_buffers(const trainer *t)
{
    return 1 + trainer_gradients(t) + kz_optim_arrays_of(t->cfg->optimizer.name);
}

/* ... on the host the initial weights, those of the epoch, perhaps of the best, the recorder's two copies, and a
 * checkpoint's weights, moments and perhaps best. */
static int64_t host_buffers(const trainer *t)
{
    int64_t moments = kz_optim_arrays_of(t->cfg->optimizer.name);
    int64_t best = t->cfg->train.early_stop.metric != NULL;
    return 2 + best + (t->options->no_record ? 0 : 2 + 1 + moments + best);
}

/* Elements of the layers' buffers for one part of a batch, and *parameters. */
static double layer_elements(const trainer *t, double *parameters)
{
    double inputs = (double)t->data->features, rows = (double)t->max_rows;
    double elements = rows * (inputs + (double)t->outputs);
    *parameters = 0;
    for (int64_t i = 0; i < t->cfg->model.n_layers; i++) {
        const kz_config_layer *l = &t->cfg->model.layers[i];
        double units = (double)(i == t->cfg->model.n_layers - 1 ? t->outputs : l->units);
        *parameters += (inputs + 1) * units;
        elements += rows * (units * (l->dropout > 0 ? 2 : 1) + (i > 0 ? inputs : 0));
        inputs = units;
    }
    return elements;
}

/* Row numbers, losses and scores of the splits that are not streamed. */
static double rows_in_memory(const trainer *t)
{
    const kz_data *d = t->data;
    const kz_split *split[] = {&d->train, &d->valid, &d->test};
    double rows = 0;
    for (int i = 0; i < 3; i++) rows += split[i]->streamed ? 0 : (double)split[i]->rows;
    return rows;
}

/* What bf16 arithmetic keeps a second time: parameters, batch, gradients at the outputs; rows of whole 16 bytes. */
static double copies(const trainer *t, double parameters)
{
    const kz_gpu *gpu = t->dev->gpu;
    if (!gpu || strcmp(gpu->precision, "bf16") != 0) return 0;
    return 2 * (parameters + (double)t->max_rows * (double)(t->data->features + t->outputs + 14));
}

double trainer_device_memory(const trainer *t)
{
    double parameters, layers = layer_elements(t, &parameters);
    return copies(t, parameters) + sizeof(float) * (layers + parameters * (double)device_buffers(t)) +
           parameters / 128 + 24 * rows_in_memory(t);
}

double trainer_memory(const trainer *t)
{
    double parameters, host;
    (void)layer_elements(t, &parameters);
    host = (double)t->data->stream_bytes + sizeof(float) * parameters * (double)host_buffers(t) +
           16 * rows_in_memory(t) + (double)PER_THREAD * t->dev->threads + SLACK;
    return t->dev->gpu ? host : host + trainer_device_memory(t);
}

static kz_status check_gpu_memory(const trainer *t)
{
    char needed[24], available[24];
    const kz_gpu *gpu = t->dev->gpu;
    double planned = trainer_device_memory(t);
    if (!gpu || planned <= (double)gpu->free) return KZ_OK;
    kz_format_size(needed, planned);
    kz_format_size(available, (double)gpu->free);
    return KZ_FAIL(KZ_E_MEM,
                   "%s: the run needs %s of GPU memory beside the data, and %s are free on %s; use smaller layers, a "
                   "smaller train.batch or more train.micro_batches",
                   t->cfg->name, needed, available, gpu->model);
}

kz_status trainer_check_memory(const trainer *t)
{
    char needed[24], available[24];
    int64_t free_bytes = kz_available_memory();
    double planned = trainer_memory(t);
    kz_status st = check_gpu_memory(t);
    if (st != KZ_OK) return st;
    if (free_bytes <= 0 || planned <= (double)free_bytes) return KZ_OK;
    kz_format_size(needed, planned);
    kz_format_size(available, (double)free_bytes);
    return KZ_FAIL(
        KZ_E_MEM,
        "%s: the run needs %s of memory beside the data, and %s are available; use smaller layers, a smaller "
        "train.batch or more train.micro_batches",
        t->cfg->name, needed, available);
}
