/* Everything a run needs before its first step: the config's open ends closed, device, model, optimiser, buffers. */
#include "train/trainer.h"

#include <string.h>

/* Where the file has the split: the resolved config says it, and no longer leaves it out. */
static kz_status resolve_split(kz_config_split *split, const kz_data_arrays *at)
{
    kz_status st = KZ_OK;
    if (!split->left_out) return KZ_OK;
    split->left_out = false;
    if (!at->x) {
        kz_free(&split->x);
        kz_free(&split->y);
        return KZ_OK;
    }
    KZ_TRY(kz_config_set_string(&split->x, at->x));
    KZ_TRY(kz_config_set_string(&split->y, at->y));
done:
    return st;
}

static kz_status resolve_splits(kz_config *cfg, const kz_data *data)
{
    const char *target = cfg->train.target.metric;
    kz_status st = KZ_OK;
    KZ_TRY(resolve_split(&cfg->data.train, &data->train_at));
    KZ_TRY(resolve_split(&cfg->data.valid, &data->valid_at));
    KZ_TRY(resolve_split(&cfg->data.test, &data->test_at));
    if (target && strncmp(target, "test.", 5) == 0 && !data->test_at.x)
        return KZ_FAIL(KZ_E_CONFIG,
                       "train.target.metric: %s cannot be computed, %s has no test arrays under a name that is known; "
                       "name them in data.test, or watch train.%s",
                       target, data->path, target + 5);
done:
    return st;
}

/* Closes what the config left to the data: splits, loss, target scaling, units of the last layer, absolute path. */
static kz_status resolve(trainer *t)
{
    kz_config *cfg = t->cfg;
    const kz_data *data = t->data;
    kz_config_layer *last = &cfg->model.layers[cfg->model.n_layers - 1];
    const char *wanted = cfg->model.loss ? cfg->model.loss : data->classification ? "cross_entropy" : "squared_error";
    t->loss = kz_loss_named(wanted);
    if (t->loss == KZ_LOSSES) return KZ_FAIL(KZ_E_NAME, "model.loss: no loss '%s'", wanted);
    cfg->model.loss = kz_loss_name(t->loss);
    if (kz_loss_is_of_classes(t->loss) && strcmp(last->activation, "identity") != 0)
        return KZ_FAIL(KZ_E_CONFIG,
                       "model.layers[%lld].activation: '%s', but %s works on the outputs before any activation; "
                       "leave the last layer's activation out",
                       (long long)cfg->model.n_layers - 1, last->activation, wanted);
    if (t->loss == KZ_LOSS_binary_cross_entropy && data->classes != 2)
        return KZ_FAIL(KZ_E_CONFIG, "model.loss: binary_cross_entropy is for 2 classes, %s has %lld; use cross_entropy",
                       data->path, (long long)data->classes);
    t->outputs = t->loss == KZ_LOSS_binary_cross_entropy ? 1 : data->classification ? data->classes : data->targets;
    if (strcmp(cfg->data.scale_target, "auto") == 0)
        cfg->data.scale_target = data->classification ? "none" : "standard";
    kz_status st = resolve_splits(cfg, data);
    return st == KZ_OK ? kz_config_set_string(&cfg->data.path, data->path) : st;
}

kz_status trainer_share(trainer *t, const void **out, const void *host, int64_t n, size_t size, const char *what)
{
    if (!host) return KZ_OK;
    return t->dev->ops->share(t->dev, out, host, (size_t)n * size, what);
}

/* Rows of the arrays behind a split: train and what was drawn from it for validation have them in common. */
static int64_t rows_behind(const trainer *t, const kz_split *s)
{
    return s->index ? t->data->train.rows + t->data->valid.rows : s->rows;
}

/* The features come last: what is small has a place in a GPU's memory then. */
static kz_status view_features(trainer *t, part_view *view)
{
    const kz_split *s = view->split;
    int64_t n = rows_behind(t, s);
    if (s->rows == 0 || s->streamed) return KZ_OK;
    return trainer_share(t, &view->x, s->x, n * t->data->features, s->element == KZ_U8 ? 1 : 4, "features");
}

static kz_status view_split(trainer *t, part_view *view)
{
    kz_status st = KZ_OK;
    const kz_split *s = view->split;
    int64_t n = s->streamed ? 0 : rows_behind(t, s), *row = NULL;
    if (s->rows == 0) return KZ_OK;
    if (s->streamed) {
        view->total_square = s->total_square;
        if (t->dev->gpu) return KZ_OK; /* they come with its windows */
        return t->dev->ops->alloc(t->dev, &view->row, (size_t)t->data->stream_rows * sizeof *view->row, "row numbers");
    }
    KZ_TRY(trainer_share(t, (const void **)&view->label, s->label, n, sizeof *s->label, "labels"));
    KZ_TRY(trainer_share(t, (const void **)&view->value, s->value, n * t->data->targets, sizeof *s->value, "targets"));
    KZ_TRY(trainer_share(t, (const void **)&view->raw, s->raw, n * t->data->targets, sizeof *s->raw, "targets"));
    KZ_TRY(t->dev->ops->alloc(t->dev, &view->row, (size_t)s->rows * sizeof *view->row, "row numbers"));
    KZ_TRY(kz_calloc(&row, s->rows, sizeof *row, "row numbers"));
    for (int64_t r = 0; r < s->rows; r++) row[r] = s->index ? s->index[r] : r;
    KZ_TRY(t->dev->ops->upload(t->dev, view->row, row, (size_t)s->rows * sizeof *row));
    if (!t->data->classification) view->total_square = trainer_total_square(t->data, s);
done:
    kz_free(&row);
    return st;
}

static int64_t rows_in_memory(const part_view *view)
{
    return view->split->streamed ? 0 : view->split->rows;
}

/* All arrays of the data as the device sees them. */
static kz_status view_data(trainer *t)
{
    part_view *all[] = {&t->train, &t->valid, &t->test};
    int64_t fetch = (int64_t)trainer_places(t).fetch;
    kz_status st = KZ_OK;
    t->dev->reserve = fetch + 8 * (rows_in_memory(&t->train) + rows_in_memory(&t->valid) + rows_in_memory(&t->test));
    for (int i = 0; i < 3; i++) KZ_TRY(view_split(t, all[i]));
    t->dev->reserve = fetch;
    for (int i = 0; i < 3; i++) KZ_TRY(view_features(t, all[i]));
    t->dev->reserve = 0;
    KZ_TRY(trainer_fetch_create(t));
done:
    return st;
}

void trainer_unshare(trainer *t, part_view *view)
{
    const kz_device_ops *ops = t->dev->ops;
    ops->unshare(t->dev, &view->x);
    ops->unshare(t->dev, (const void **)&view->label);
    ops->unshare(t->dev, (const void **)&view->value);
    ops->unshare(t->dev, (const void **)&view->raw);
}

static void release_view(trainer *t, part_view *view)
{
    bool of_window = t->dev->gpu && trainer_is_streamed(view);
    trainer_unshare(t, view);
    if (of_window) view->row = NULL;
    t->dev->ops->release(t->dev, &view->row);
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int trainer_gradients(const trainer *t)
{
    int n = 0;
    for (int64_t parts = t->cfg->train.micro_batches; parts > 0; parts >>= 1) n++;
    return n;
}

static kz_status make_device_buffers(trainer *t)
{
    kz_device *dev = t->dev;
    const kz_data *d = t->data;
    int64_t rows = largest(largest(t->max_rows, rows_in_memory(&t->train)),
                           largest(rows_in_memory(&t->valid), rows_in_memory(&t->test)));
    rows = largest(rows, t->piece_rows);
    size_t f32 = sizeof(float), f64 = sizeof(double), parts = (size_t)t->cfg->train.micro_batches;
    kz_status st = KZ_OK;
    KZ_TRY(trainer_share(t, (const void **)&t->mean, d->scale_x.mean, d->features, f32, "feature means"));
    KZ_TRY(trainer_share(t, (const void **)&t->factor, d->scale_x.factor, d->features, f32, "feature factors"));
    KZ_TRY(trainer_share(t, (const void **)&t->target_mean, d->target_mean, d->targets, f64, "target means"));
    KZ_TRY(trainer_share(t, (const void **)&t->target_deviation, d->target_deviation, d->targets, f64,
                         "target deviations"));
    KZ_TRY(dev->ops->alloc(dev, &t->x, (size_t)(t->max_rows * d->features) * f32, "batch"));
    KZ_TRY(dev->ops->alloc(dev, &t->dz, (size_t)(t->max_rows * t->outputs) * f32, "gradients at the outputs"));
    KZ_TRY(dev->ops->alloc(dev, &t->row_loss, (size_t)rows * f64, "row losses"));
    KZ_TRY(dev->ops->alloc(dev, &t->row_score, (size_t)rows * f64, "row scores"));
    KZ_TRY(dev->ops->alloc(dev, &t->part_loss, parts * f64, "part losses"));
    KZ_TRY(dev->ops->alloc(dev, &t->part_score, parts * f64, "part scores"));
    KZ_TRY(dev->ops->alloc(dev, &t->norm, f64, "gradient norm"));
    KZ_TRY(dev->ops->alloc(dev, &t->sums, 2 * f64, "sums"));
    KZ_TRY(dev->ops->alloc(dev, &t->tally, sizeof *t->tally, "tally"));
    KZ_TRY(dev->ops->alloc(dev, &t->cursor, sizeof *t->cursor, "cursor"));
    for (int i = 0; i < trainer_gradients(t); i++)
        KZ_TRY(dev->ops->alloc(dev, &t->gradient[i], (size_t)t->parameters * f32, "gradients"));
    KZ_TRY(dev->ops->upload(dev, t->tally, &(kz_tally){.bad_step = -1}, sizeof(kz_tally)));
done:
    return st;
}

static kz_status make_host_buffers(trainer *t)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&t->order, rows_in_memory(&t->train), sizeof *t->order, "row order"));
    KZ_TRY(kz_calloc(&t->weights, t->parameters, sizeof *t->weights, "weights of the epoch"));
    if (t->cfg->train.early_stop.metric)
        KZ_TRY(kz_calloc(&t->best, t->parameters, sizeof *t->best, "weights of the best epoch"));
done:
    return st;
}

/* Where each tensor begins, on the device. */
static kz_status place_tensors(trainer *t)
{
    const kz_tensor *tensors = kz_model_tensors(t->model, &t->n_tensors);
    size_t bytes = (size_t)(t->n_tensors + 1) * sizeof *t->tensor_offset;
    int64_t *offset = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&offset, t->n_tensors + 1, sizeof *offset, "tensor offsets"));
    for (int64_t i = 0; i < t->n_tensors; i++) offset[i] = tensors[i].offset;
    offset[t->n_tensors] = t->parameters;
    KZ_TRY(t->dev->ops->alloc(t->dev, &t->tensor_offset, bytes, "tensor offsets"));
    KZ_TRY(t->dev->ops->upload(t->dev, t->tensor_offset, offset, bytes));
done:
    kz_free(&offset);
    return st;
}

static kz_status count_steps(trainer *t)
{
    const kz_config_train *c = &t->cfg->train;
    t->steps_per_epoch = (t->data->train.rows + c->batch - 1) / c->batch;
    t->steps = t->steps_per_epoch * c->epochs;
    if (t->steps_per_epoch > UINT32_MAX / c->epochs)
        return KZ_FAIL(KZ_E_CONFIG, "train.epochs: %lld of %lld steps are more than 2^32 steps; use larger batches",
                       (long long)c->epochs, (long long)t->steps_per_epoch);
    int64_t batch = c->batch < t->data->train.rows ? c->batch : t->data->train.rows;
    int64_t part = (batch + c->micro_batches - 1) / c->micro_batches;
    t->max_rows = largest(part, EVAL_ROWS);
    return KZ_OK;
}

/* All that can be wrong with the config, the data and the machine, before memory is taken for the run. */
static kz_status check(trainer *t)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_device_create(&t->dev, &t->cfg->device, t->options->isa));
    double start = kz_clock();
    KZ_TRY(kz_data_open(&t->data, t->cfg));
    t->run.seconds_data = kz_clock() - start;
    KZ_TRY(resolve(t));
    KZ_TRY(count_steps(t));
    KZ_TRY(kz_model_check(t->dev, t->cfg, t->data->features, t->outputs, &t->parameters));
    KZ_TRY(kz_optim_check(&t->cfg->optimizer, t->steps));
    t->cfg->model.layers[t->cfg->model.n_layers - 1].units = t->outputs;
    KZ_TRY(trainer_check_memory(t));
    t->memory = trainer_memory(t) + (double)kz_peak_memory();
done:
    return st;
}

kz_status trainer_setup(trainer *t)
{
    kz_status st = KZ_OK;
    t->ahead = -1;
    KZ_TRY(check(t));
    if (t->options->dry_run) goto done;
    KZ_TRY(kz_model_create(&t->model, t->dev, t->cfg, t->data->features, t->outputs, t->max_rows));
    KZ_TRY(kz_optim_create(&t->optim, t->dev, &t->cfg->optimizer, t->parameters, t->steps));
    t->train.split = &t->data->train;
    t->valid.split = &t->data->valid;
    t->test.split = &t->data->test;
    KZ_TRY(trainer_stream_create(t));
    KZ_TRY(make_device_buffers(t));
    KZ_TRY(make_host_buffers(t));
    KZ_TRY(place_tensors(t));
    KZ_TRY(view_data(t));
    KZ_TRY(kz_model_init(t->model, t->cfg->seed, t->cfg->model.init));
done:
    return st;
}

void trainer_release(trainer *t)
{
    if (t->dev) {
        const kz_device_ops *ops = t->dev->ops;
        release_view(t, &t->train);
        release_view(t, &t->valid);
        release_view(t, &t->test);
        ops->unshare(t->dev, (const void **)&t->mean);
        ops->unshare(t->dev, (const void **)&t->factor);
        ops->unshare(t->dev, (const void **)&t->target_mean);
        ops->unshare(t->dev, (const void **)&t->target_deviation);
        void *buffers[] = {&t->x,    &t->dz,   &t->row_loss, &t->row_score, &t->part_loss,    &t->part_score,
                           &t->norm, &t->sums, &t->tally,    &t->cursor,    &t->tensor_offset};
        for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) ops->release(t->dev, buffers[i]);
        for (int i = 0; i < GRADIENTS; i++) ops->release(t->dev, &t->gradient[i]);
        trainer_fetch_release(t);
        trainer_stream_release(t); /* after what the device had of the feed's windows */
    }
    kz_free(&t->order);
    kz_free(&t->piece);
    kz_free(&t->weights);
    kz_free(&t->best);
    kz_optim_destroy(&t->optim);
    kz_model_destroy(&t->model);
    kz_data_destroy(&t->data);
    kz_device_destroy(&t->dev);
}
