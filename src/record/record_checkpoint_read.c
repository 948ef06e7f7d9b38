/* Reading a checkpoint, which may be torn, tampered with, or a stranger's: nothing of it is believed before it is checked. */
#include "record_impl.h"

#include <math.h>
#include <string.h>

typedef struct {
    const kz_safetensors *file;
    const char *path;
} source;

static kz_status bad(const source *s, const char *key, const char *wanted)
{
    return KZ_FAIL(KZ_E_DATA, "%s: '%s' is missing, or is not %s", s->path, key, wanted);
}

/* A whole number of 0 .. most. */
static kz_status read_count(const source *s, const char *key, int64_t most, int64_t *out)
{
    const char *text = kz_safetensors_metadata(s->file, key);
    if (!text || !kz_parse_int(text, out) || *out < 0 || *out > most) return bad(s, key, "a count");
    return KZ_OK;
}

static double number_of(const json_t *j)
{
    return json_is_number(j) ? json_number_value(j) : (double)NAN;
}

/* A number, or null for NaN. */
static kz_status read_number(const source *s, const char *key, double *out)
{
    const char *text = kz_safetensors_metadata(s->file, key);
    json_t *j = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    bool good = json_is_number(j) || json_is_null(j);
    *out = number_of(j);
    json_decref(j);
    return good ? KZ_OK : bad(s, key, "a number");
}

/* *out <- the object or list that the text is. */
static kz_status read_json(const source *s, const char *key, json_t **out)
{
    const char *text = kz_safetensors_metadata(s->file, key);
    *out = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    return *out ? KZ_OK : bad(s, key, "JSON");
}

static kz_status read_metrics(const source *s, const char *key, kz_metrics *m)
{
    json_t *j = NULL;
    kz_status st = read_json(s, key, &j);
    if (st != KZ_OK) return st;
    m->rows = json_integer_value(json_object_get(j, "rows"));
    if (m->rows < 0) m->rows = 0;
    m->loss = number_of(json_object_get(j, "loss"));
    m->accuracy = number_of(json_object_get(j, "accuracy"));
    m->rmse = number_of(json_object_get(j, "rmse"));
    m->r2 = number_of(json_object_get(j, "r2"));
    json_decref(j);
    return KZ_OK;
}

static kz_status read_timing(const source *s, kz_checkpoint *c)
{
    json_t *j = NULL;
    kz_status st = read_json(s, "timing", &j);
    if (st != KZ_OK) return st;
    struct {
        const char *key;
        double *out;
    } times[] = {{"total_s", &c->seconds_total},
                 {"train_s", &c->seconds_train},
                 {"eval_s", &c->seconds_eval},
                 {"data_s", &c->seconds_data},
                 {"epoch_s", &c->epoch_seconds},
                 {"target_s", &c->target_seconds},
                 {"checkpoint_s", &c->seconds_checkpoint}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        double x = number_of(json_object_get(j, times[i].key));
        if (!(x >= 0) && times[i].out != &c->target_seconds) st = bad(s, "timing", "times");
        else *times[i].out = x;
    }
    json_decref(j);
    return st;
}

static kz_status read_digest(const source *s, const char *key, char out[KZ_DIGEST_TEXT])
{
    const char *text = kz_safetensors_metadata(s->file, key);
    if (!text || strlen(text) != KZ_DIGEST_TEXT - 1 || strncmp(text, "sha256:", 7) != 0 ||
        strspn(text + 7, "0123456789abcdef") != 64)
        return bad(s, key, "a digest");
    memcpy(out, text, KZ_DIGEST_TEXT);
    return KZ_OK;
}

static kz_status read_config(const source *s, kz_config **out)
{
    kz_text report = {0};
    const char *text = kz_safetensors_metadata(s->file, "config");
    if (!text) return bad(s, "config", "a config");
    kz_status st = kz_config_parse(out, "config", text, NULL, 0, &report);
    kz_text_free(&report);
    return st == KZ_E_CONFIG ? bad(s, "config", "a config that this version reads") : st;
}

static kz_status read_early_stop(const source *s, kz_checkpoint *c)
{
    kz_status st = KZ_OK;
    KZ_TRY(read_count(s, "early_stop.best_epoch", c->epoch, &c->best_epoch));
    KZ_TRY(read_count(s, "early_stop.epochs_since_best", c->epoch, &c->epochs_since_best));
    KZ_TRY(read_number(s, "early_stop.best_value", &c->best_value));
    if (kz_safetensors_metadata(s->file, "early_stop.best_train"))
        KZ_TRY(read_metrics(s, "early_stop.best_train", &c->best_train));
done:
    return st;
}

static const char *stop_named(const char *name)
{
    static const char *const names[] = {"epochs", "early_stop", "target", "time"};
    for (size_t i = 0; name && i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return names[i];
    return NULL;
}

/* Joules and seconds are positive or, where they were not measured, NaN. */
static kz_status read_energy(const source *s, kz_energy_past *past)
{
    kz_status st = KZ_OK;
    KZ_TRY(read_number(s, "energy.cpu_joules", &past->cpu_joules));
    if (!(past->cpu_joules >= 0)) past->cpu_joules = (double)NAN;
    if (!kz_safetensors_metadata(s->file, "energy.gpu_joules")) goto done; /* from before there were GPUs */
    KZ_TRY(read_number(s, "energy.gpu_joules", &past->gpu_joules));
    KZ_TRY(read_number(s, "energy.gpu_seconds", &past->gpu_seconds));
    if (!(past->gpu_joules >= 0 && past->gpu_seconds >= 0)) past->gpu_joules = (double)NAN;
done:
    return st;
}

/* What the first kind of checkpoint did not have. */
static kz_status read_history(const source *s, kz_checkpoint *c, kz_checkpoint_past *past)
{
    const char *started = kz_safetensors_metadata(s->file, "started");
    kz_status st = KZ_OK;
    c->stopped_by = "epochs";
    c->target_seconds = (double)NAN;
    past->kept_rank = (double)NAN;
    past->energy.cpu_joules = (double)NAN;
    past->whole = kz_safetensors_metadata(s->file, "stopped_by") != NULL;
    if (!past->whole) goto done;
    c->stopped_by = stop_named(kz_safetensors_metadata(s->file, "stopped_by"));
    if (!c->stopped_by) return bad(s, "stopped_by", "what ends a run");
    if (!started || strlen(started) >= sizeof past->started) return bad(s, "started", "a time");
    memcpy(past->started, started, strlen(started) + 1);
    KZ_TRY(read_metrics(s, "metrics.train", &c->train));
    KZ_TRY(read_metrics(s, "metrics.valid", &c->valid));
    KZ_TRY(read_timing(s, c));
    KZ_TRY(read_energy(s, &past->energy));
    KZ_TRY(read_count(s, "kept.epoch", c->epoch, &past->kept_epoch));
    KZ_TRY(read_number(s, "kept.rank", &past->kept_rank));
    KZ_TRY(read_json(s, "resumed", &past->resumed));
    if (!json_is_array(past->resumed)) st = bad(s, "resumed", "a list");
    if (st == KZ_OK && c->inside) KZ_TRY(read_number(s, "epoch.loss", &c->loss));
    if (st == KZ_OK && c->inside) KZ_TRY(read_number(s, "epoch.score", &c->score));
done:
    return st;
}

static kz_status read_metadata(const source *s, kz_checkpoint *c, kz_checkpoint_past *past)
{
    enum { MOST = 1 << 30 };
    const char *schema = kz_safetensors_metadata(s->file, "kaizen.schema");
    kz_status st = KZ_OK;
    if (!schema || strcmp(schema, "kaizen.checkpoint/1") != 0)
        return bad(s, "kaizen.schema", "kaizen.checkpoint/1: it is no checkpoint of this version");
    KZ_TRY(read_count(s, "kaizen.arithmetic", MOST, &past->arithmetic));
    KZ_TRY(read_digest(s, "kaizen.data", past->data_digest));
    KZ_TRY(read_digest(s, "kaizen.trajectory", past->trajectory_digest));
    KZ_TRY(read_count(s, "epoch", MOST, &c->epoch));
    KZ_TRY(read_count(s, "step", UINT32_MAX, &c->step));
    KZ_TRY(read_count(s, "samples", INT64_MAX, &c->samples));
    KZ_TRY(read_config(s, &past->cfg));
    c->inside = c->epoch == 0 || kz_safetensors_metadata(s->file, "epoch.loss");
    if (past->cfg->train.early_stop.metric) KZ_TRY(read_early_stop(s, c));
    KZ_TRY(read_history(s, c, past));
done:
    return st;
}

/* ---- tensors ---- */

static kz_status read_array(const source *s, const kz_tensor *tensors, int64_t n, const char *prefix, float *to)
{
    char name[64];
    for (int64_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, tensors[i].name);
        kz_safetensor want = kz_record_safetensor(&tensors[i], name, to);
        kz_status st = kz_safetensors_read(s->file, &want, to + tensors[i].offset);
        if (st != KZ_OK) return st;
    }
    return KZ_OK;
}

static kz_status check_weights(const source *s, const kz_checkpoint *c)
{
    uint8_t digest[32];
    char found[KZ_DIGEST_TEXT], wanted[KZ_DIGEST_TEXT];
    kz_sha256 *hash = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(read_digest(s, "kaizen.weights", wanted));
    KZ_TRY(kz_sha256_create(&hash));
    kz_weights_digest(digest, c->weights, c->n, hash);
    kz_digest_text(found, digest);
    if (strcmp(found, wanted) != 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: is damaged: its weights are not those of the digest in it", s->path);
done:
    kz_sha256_destroy(&hash);
    return st;
}

static kz_status read_arrays(const source *s, const kz_tensor *tensors, int64_t n_tensors, kz_checkpoint *c,
                             const kz_checkpoint_past *past)
{
    char prefix[32];
    kz_status st = KZ_OK;
    KZ_TRY(read_array(s, tensors, n_tensors, "", c->weights));
    KZ_TRY(check_weights(s, c));
    for (int i = 0; i < c->arrays; i++) {
        snprintf(prefix, sizeof prefix, "optimizer.%d.", i);
        KZ_TRY(read_array(s, tensors, n_tensors, prefix, c->optimizer + i * c->n));
    }
    if (c->best && past->cfg->train.early_stop.metric && c->best_epoch > 0)
        KZ_TRY(read_array(s, tensors, n_tensors, "best.", c->best));
done:
    return st;
}

kz_status kz_record_checkpoint_read(const char *path, const kz_tensor *tensors, int64_t n_tensors, kz_checkpoint *c,
                                    kz_checkpoint_past *past)
{
    kz_safetensors *file = NULL;
    bool sealed;
    kz_status st = KZ_OK;
    kz_checkpoint fresh = {.n = c->n,
                           .arrays = c->arrays,
                           .weights = c->weights,
                           .optimizer = c->optimizer,
                           .best = c->best,
                           .rank = (double)NAN};
    *past = (kz_checkpoint_past){0};
    *c = fresh;
    KZ_TRY(kz_safetensors_open(&file, path));
    source s = {file, path};
    KZ_TRY(kz_safetensors_verify(file, &sealed));
    KZ_TRY(read_metadata(&s, c, past));
    if (past->whole && !sealed) { /* only the first kind had none */
        st = bad(&s, KZ_SAFETENSORS_SEAL, "a digest");
        goto done;
    }
    KZ_TRY(read_arrays(&s, tensors, n_tensors, c, past));
done:
    kz_safetensors_close(&file);
    if (st != KZ_OK) kz_checkpoint_past_free(past);
    return st;
}

void kz_checkpoint_past_free(kz_checkpoint_past *past)
{
    kz_config_destroy(&past->cfg);
    json_decref(past->resumed);
    past->resumed = NULL;
}
