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
    double windows = trainer_streams(t) ? 2 * trainer_window_bytes(t) : 0;
    double pieces = t->dev->gpu && trainer_streams(t) ? 16 * (double)t->data->stream_rows : 0;
    return copies(t, parameters) + sizeof(float) * (layers + parameters * (double)device_buffers(t)) +
           parameters / 128 + 24 * rows_in_memory(t) + windows + pieces;
}

/* ---- the data on a GPU ---- */

typedef struct {
    const void *host;
    double bytes;
    const char *name;
    bool features;
} data_array;

/* Those in memory, in the order in which they are shared, each once. */
static int list_arrays(const trainer *t, data_array list[KZ_DATA_ARRAYS])
{
    static const char *const name[3][4] = {
        {"train features", "train labels", "train scaled targets", "train targets"},
        {"valid features", "valid labels", "valid scaled targets", "valid targets"},
        {"test features", "test labels", "test scaled targets", "test targets"},
    };
    const kz_data *d = t->data;
    const kz_split *split[] = {&d->train, &d->valid, &d->test};
    int n = 0;
    for (int features = 0; features < 2; features++)
        for (int i = 0; i < 3; i++) {
            const kz_split *s = split[i];
            double rows = (double)(s->index ? d->train.rows + d->valid.rows : s->rows),
                   targets = 4 * (double)d->targets;
            data_array all[] = {{s->x, (double)d->features * (s->element == KZ_U8 ? 1 : 4), name[i][0], true},
                                {s->label, 4, name[i][1], false},
                                {s->value, targets, name[i][2], false},
                                {s->raw, targets, name[i][3], false}};
            for (int k = 0; k < 4; k++) {
                bool known = !all[k].host || s->rows == 0 || all[k].features != (features == 1);
                for (int j = 0; j < n && !known; j++) known = list[j].host == all[k].host;
                if (known) continue;
                list[n] = all[k];
                list[n++].bytes *= rows;
            }
        }
    return n;
}

/* What is left outside of these arrays with so much room; x, y: features, targets are. */
static data_places place(const data_array *list, int n, double room, bool *x, bool *y)
{
    data_places p = {.inside = 0};
    *x = *y = false;
    for (int i = 0; i < n; i++) {
        if (list[i].bytes <= KZ_SMALL || list[i].bytes + p.inside <= room) {
            p.inside += list[i].bytes;
            continue;
        }
        p.outside += list[i].bytes;
        p.left[p.n_left++] = list[i].name;
        *x = *x || list[i].features;
        *y = *y || !list[i].features;
    }
    return p;
}

data_places trainer_places(const trainer *t)
{
    data_array list[KZ_DATA_ARRAYS];
    bool x, y;
    int n = list_arrays(t, list);
    if (!t->dev->gpu) return (data_places){.inside = 0};
    double room = (double)t->dev->gpu->free - trainer_device_memory(t) - KZ_GPU_SLACK;
    data_places p = place(list, n, room, &x, &y);
    if (p.n_left == 0) return p;
    double fetch = trainer_fetch_bytes(t, true, y); /* the features are what is large */
    p = place(list, n, room - fetch, &x, &y);
    p.fetch = fetch;
    return p;
}

/* ---- checks ---- */

double trainer_memory(const trainer *t)
{
    double parameters, host;
    (void)layer_elements(t, &parameters);
    host = (double)t->data->stream_bytes + sizeof(float) * parameters * (double)host_buffers(t) +
           16 * rows_in_memory(t) + (double)PER_THREAD * t->dev->threads + SLACK;
    if (t->dev->gpu && trainer_streams(t)) host += 8 * (double)t->data->stream_rows; /* losses of a window */
    return t->dev->gpu ? host : host + trainer_device_memory(t);
}

static kz_status check_gpu_memory(const trainer *t)
{
    char needed[24], available[24];
    const kz_gpu *gpu = t->dev->gpu;
    double planned = trainer_device_memory(t) + trainer_places(t).fetch;
    if (!gpu || planned <= (double)gpu->free) return KZ_OK;
    kz_format_size(needed, planned);
    kz_format_size(available, (double)gpu->free);
    return KZ_FAIL(KZ_E_MEM,
                   "%s: the run needs %s of GPU memory beside the data, and %s are free on %s; use smaller layers, a "
                   "smaller train.batch or more train.micro_batches%s",
                   t->cfg->name, needed, available, gpu->model,
                   trainer_streams(t) ? ", or smaller windows (data.window; else data.memory)" : "");
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
