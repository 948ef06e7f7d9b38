/* What ties several keys together.  A rule is silent where one of its keys has an error of its own. */
#include "config/config_schema.h"

#include <string.h>

/* Is nothing wrong at this path, nor above it?  What is left out is right. */
static bool sound(const kz_config_reader *r, const char *path, int64_t index)
{
    bool bad;
    kz_config_find(r->root, path, index, &bad);
    return !bad;
}

static kz_config_place place_of(const kz_config_reader *r, const char *path, int64_t index)
{
    bool bad;
    const kz_config_node *node = kz_config_find(r->root, path, index, &bad);
    return node ? node->place : r->root->place;
}

static kz_status check_batch(kz_config_reader *r)
{
    const kz_config_train *train = &r->cfg->train;
    kz_status st = KZ_OK;
    if (!sound(r, "train.batch", 0) || !sound(r, "train.micro_batches", 0)) return KZ_OK;
    if (train->micro_batches <= train->batch) return KZ_OK;
    KZ_TRY(kz_config_error_at(r, place_of(r, "train.micro_batches", 0),
                              "train.micro_batches: %lld is more than the batch of %lld",
                              (long long)train->micro_batches, (long long)train->batch));
    KZ_TRY(kz_config_help(r, "write a whole number from 1 to %lld, or raise train.batch", (long long)train->batch));
done:
    return st;
}

static kz_status check_nesterov(kz_config_reader *r)
{
    const kz_config_optimizer *o = &r->cfg->optimizer;
    kz_status st = KZ_OK;
    if (!o->nesterov || !sound(r, "optimizer.momentum", 0) || !sound(r, "optimizer.dampening", 0)) return KZ_OK;
    kz_config_place place = place_of(r, "optimizer.nesterov", 0);
    if (!(o->momentum > 0)) {
        KZ_TRY(kz_config_error_at(r, place, "optimizer.nesterov: needs a momentum greater than 0"));
        KZ_TRY(kz_config_help(r, "set optimizer.momentum, e.g. to 0.9"));
    }
    if (o->dampening > 0) {
        KZ_TRY(kz_config_error_at(r, place, "optimizer.nesterov: needs dampening 0, not %g", o->dampening));
        KZ_TRY(kz_config_help(r, "leave optimizer.dampening out"));
    }
done:
    return st;
}

static kz_status check_layers(kz_config_reader *r)
{
    const kz_config_model *model = &r->cfg->model;
    char standard[KZ_CONFIG_STANDARD];
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < model->n_layers; i++) {
        const kz_config_layer *layer = &model->layers[i];
        const kz_config_choice *choice = kz_config_chosen(kz_config_key_of("model.layers"), layer);
        bool has_units = choice && kz_config_uses(choice, kz_config_key_of("model.layers[].units"), standard);
        bool last = i == model->n_layers - 1;
        if (!last && has_units && layer->units == KZ_UNSET && sound(r, "model.layers[].units", i)) {
            KZ_TRY(kz_config_error_at(r, place_of(r, "model.layers[]", i), "model.layers[%lld].units is missing",
                                      (long long)i));
            KZ_TRY(kz_config_help(r, "add units: a whole number, e.g. 64; only the last layer's come from the data"));
        }
        if (last && layer->dropout > 0 && sound(r, "model.layers[].dropout", i)) {
            KZ_TRY(kz_config_error_at(
                r, place_of(r, "model.layers[].dropout", i),
                "model.layers[%lld].dropout: the last layer's outputs are the answer, none may be dropped",
                (long long)i));
            KZ_TRY(kz_config_help(r, "leave it out, or move it to an earlier layer"));
        }
    }
done:
    return st;
}

/* Only with arithmetic: fast, which has tf32 unless it is given. */
static kz_status check_precision(kz_config_reader *r)
{
    kz_config_device *device = &r->cfg->device;
    kz_status st = KZ_OK;
    if (!sound(r, "device.arithmetic", 0) || !sound(r, "device.precision", 0)) return KZ_OK;
    bool fast = strcmp(device->arithmetic, "fast") == 0;
    if (fast && !device->precision) device->precision = "tf32";
    if (fast || !device->precision) return KZ_OK;
    KZ_TRY(kz_config_error_at(r, place_of(r, "device.precision", 0), "device.precision: only with arithmetic: fast"));
    KZ_TRY(kz_config_help(r, "leave it out, or set device.arithmetic to fast and give up equal bits"));
done:
    return st;
}

/* Only with shuffle: window, which has 64 blocks of 1024 rows unless one of the two is given. */
static kz_status check_window(kz_config_reader *r)
{
    enum { BLOCK = 1024, BLOCKS = 64 };
    kz_config_data *data = &r->cfg->data;
    const char *odd = data->window != KZ_UNSET ? "data.window" : "data.window_block";
    bool any = data->window != KZ_UNSET || data->window_block != KZ_UNSET;
    kz_status st = KZ_OK;
    if (!sound(r, "train.shuffle", 0) || !sound(r, "data.window", 0) || !sound(r, "data.window_block", 0)) return KZ_OK;
    bool used = strcmp(r->cfg->train.shuffle, "window") == 0;
    if (!used && any) {
        KZ_TRY(kz_config_error_at(r, place_of(r, odd, 0), "%s: only with train.shuffle: window", odd));
        KZ_TRY(kz_config_help(r, "leave it out, or set train.shuffle to window"));
    }
    if (!used) return st;
    if (data->window_block == KZ_UNSET)
        data->window_block = data->window == KZ_UNSET || data->window >= BLOCK ? BLOCK : data->window;
    if (data->window == KZ_UNSET) data->window = BLOCKS * data->window_block;
    int64_t rest = data->window % data->window_block;
    if (rest == 0) return st;
    KZ_TRY(kz_config_error_at(r, place_of(r, "data.window", 0), "data.window: %lld rows are no multiple of %lld, %s",
                              (long long)data->window, (long long)data->window_block, "data.window_block"));
    KZ_TRY(kz_config_help(r, "write %lld", (long long)(data->window - rest + data->window_block)));
done:
    return st;
}

/* A metric needs its split. */
static kz_status check_metric(kz_config_reader *r, const char *path, const char *metric)
{
    const kz_config_data *data = &r->cfg->data;
    kz_status st = KZ_OK;
    if (!metric || !sound(r, path, 0)) return KZ_OK;
    bool no_valid = strncmp(metric, "valid.", 6) == 0 && !data->valid.x && !(data->valid.fraction > 0);
    bool no_test = strncmp(metric, "test.", 5) == 0 && !data->test.x;
    const char *split = no_valid ? "data.valid" : "data.test";
    if (!no_valid && !no_test) return KZ_OK;
    if (no_valid && (!sound(r, "data.valid.fraction", 0) || !sound(r, "data.valid.x", 0))) return KZ_OK;
    if (no_test && !sound(r, "data.test.x", 0)) return KZ_OK;
    KZ_TRY(kz_config_error_at(r, place_of(r, path, 0), "%s: %s cannot be computed, %s is none", path, metric, split));
    if (no_valid) KZ_TRY(kz_config_help(r, "set data.valid to {fraction: 0.1}, or watch train%s", strchr(metric, '.')));
    else KZ_TRY(kz_config_help(r, "set data.test to {x: /test/x, y: /test/y}, or watch train%s", strchr(metric, '.')));
done:
    return st;
}

/* A checkpoint after every epoch, where checkpoints are wanted and nothing says when. */
static void close_checkpoint(kz_config_reader *r)
{
    kz_config_checkpoint *c = &r->cfg->train.checkpoint;
    if (c->keep > 0 && c->every_epochs <= 0 && c->every_steps <= 0 && !(c->every_minutes > 0)) c->every_epochs = 1;
}

kz_status kz_config_check_rules(kz_config_reader *r)
{
    kz_status st = KZ_OK;
    close_checkpoint(r);
    KZ_TRY(check_batch(r));
    KZ_TRY(check_nesterov(r));
    KZ_TRY(check_layers(r));
    KZ_TRY(check_precision(r));
    KZ_TRY(check_window(r));
    KZ_TRY(check_metric(r, "train.early_stop.metric", r->cfg->train.early_stop.metric));
    KZ_TRY(check_metric(r, "train.target.metric", r->cfg->train.target.metric));
done:
    return st;
}
