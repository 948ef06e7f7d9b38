/* model.safetensors: the weights under PyTorch's names, and all that applying them to raw data needs. */
#include "record_impl.h"
#include "safetensors.h"

#include <string.h>

/* n values of one kind: from f, or from d, or all the same. */
static json_t *numbers(int64_t n, const float *f, const double *d, double same)
{
    json_t *list = json_array();
    int bad = 0;
    for (int64_t i = 0; i < n && !bad; i++)
        bad = json_array_append_new(list, kz_json_number(f ? (double)f[i] : d ? d[i] : same));
    if (!bad) return list;
    json_decref(list);
    return NULL;
}

static kz_status put_scale(json_t *metadata, const kz_data *data)
{
    const kz_scale *s = &data->scale_x;
    bool unit = strcmp(s->kind, "unit") == 0;
    double factor = unit ? (double)(1.0f / s->divisor) : 1;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_put(metadata, "scale.kind", json_string(s->kind)));
    KZ_TRY(kz_record_put_json(metadata, "scale.mean", numbers(data->features, s->mean, NULL, 0), 9));
    KZ_TRY(kz_record_put_json(metadata, "scale.factor", numbers(data->features, s->factor, NULL, factor), 9));
    if (unit) KZ_TRY(kz_record_put_json(metadata, "scale.divisor", kz_json_number((double)s->divisor), 9));
done:
    return st;
}

/* Prediction in original units = z / factor + mean = deviation * z + mean. */
static kz_status put_regression(json_t *metadata, const kz_data *data)
{
    double *factor = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&factor, data->targets, sizeof *factor, "target factors"));
    for (int64_t i = 0; i < data->targets; i++) factor[i] = 1 / data->target_deviation[i];
    KZ_TRY(kz_record_put(metadata, "task", json_string("regression")));
    KZ_TRY(kz_record_put_json(metadata, "target.mean", numbers(data->targets, NULL, data->target_mean, 0), 17));
    KZ_TRY(kz_record_put_json(metadata, "target.factor", numbers(data->targets, NULL, factor, 0), 17));
    KZ_TRY(
        kz_record_put_json(metadata, "target.deviation", numbers(data->targets, NULL, data->target_deviation, 0), 17));
done:
    kz_free(&factor);
    return st;
}

static kz_status put_classification(json_t *metadata, const kz_data *data)
{
    kz_status st = kz_record_put(metadata, "task", json_string("classification"));
    if (st != KZ_OK || !data->class_names) return st;
    json_t *names = json_array();
    int bad = 0;
    for (int64_t i = 0; i < data->classes; i++)
        bad |= json_array_append_new(names, kz_record_text_json(data->class_names[i]));
    if (bad) json_decref(names);
    return kz_record_put_json(metadata, "class_names", bad ? NULL : names, 17);
}

static kz_status put_inputs(json_t *metadata, const kz_data *data)
{
    char features[24];
    json_t *shape = json_array();
    int bad = 0;
    for (int i = 0; i < data->rank; i++) bad |= json_array_append_new(shape, json_integer(data->shape[i]));
    if (bad) json_decref(shape);
    snprintf(features, sizeof features, "%lld", (long long)data->features);
    kz_status st = kz_record_put_json(metadata, "shape", bad ? NULL : shape, 17);
    return st != KZ_OK ? st : kz_record_put(metadata, "features", json_string(features));
}

static kz_status make_metadata(json_t *metadata, const kz_config *cfg, const kz_data *data, const char *digest)
{
    json_t *config = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_put(metadata, "format", json_string("pt")));
    KZ_TRY(kz_record_put(metadata, "kaizen.schema", json_string("kaizen.model/1")));
    KZ_TRY(kz_record_put(metadata, "kaizen.weights", json_string(digest)));
    KZ_TRY(kz_config_json(&config, cfg));
    KZ_TRY(kz_record_put_json(metadata, "config", config, 17));
    KZ_TRY(put_inputs(metadata, data));
    KZ_TRY(data->classification ? put_classification(metadata, data) : put_regression(metadata, data));
    KZ_TRY(put_scale(metadata, data));
    if (data->columns) KZ_TRY(kz_record_put(metadata, "kaizen.columns", json_string(data->columns)));
done:
    return st;
}

kz_status kz_record_model_write(const char *path, const kz_config *cfg, const kz_data *data, const kz_tensor *tensors,
                                int64_t n_tensors, const float *weights, const char *digest)
{
    kz_safetensor *list = NULL;
    kz_status st = KZ_OK;
    json_t *metadata = json_object();
    KZ_TRY(kz_calloc(&list, n_tensors, sizeof *list, "tensor list"));
    for (int64_t i = 0; i < n_tensors; i++) list[i] = kz_record_safetensor(&tensors[i], tensors[i].name, weights);
    KZ_TRY(make_metadata(metadata, cfg, data, digest));
    KZ_TRY(kz_safetensors_write(path, metadata, list, n_tensors, 9));
done:
    json_decref(metadata);
    kz_free(&list);
    return st;
}
