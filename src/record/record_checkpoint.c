/* Checkpoint files: weights, the optimiser's state, and where the run was; their names, and the end of old ones. */
#include "record_impl.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- names ---- */

static void name_of(char out[KZ_CHECKPOINT_NAME], int64_t epoch, bool inside, int64_t step)
{
    int n = snprintf(out, KZ_CHECKPOINT_NAME, "checkpoint-%06lld", (long long)epoch);
    if (inside) n += snprintf(out + n, (size_t)(KZ_CHECKPOINT_NAME - n), ".step-%010lld", (long long)step);
    snprintf(out + n, (size_t)(KZ_CHECKPOINT_NAME - n), ".safetensors");
}

void kz_checkpoint_name(char out[KZ_CHECKPOINT_NAME], const kz_checkpoint *c)
{
    name_of(out, c->epoch, c->inside, c->step);
}

bool kz_checkpoint_key_of(kz_checkpoint_key *out, const char *name)
{
    char again[KZ_CHECKPOINT_NAME];
    long long epoch = -1, step = -1;
    int read = sscanf(name, "checkpoint-%18lld.step-%18lld", &epoch, &step);
    if (read < 1 || epoch < 0 || (read == 1 && epoch == 0) || (read == 2 && step < 0)) return false;
    name_of(again, epoch, read == 2, step);
    *out = (kz_checkpoint_key){epoch, read == 2 ? step : 0};
    return strcmp(name, again) == 0;
}

int kz_checkpoint_key_compare(const void *a, const void *b)
{
    const kz_checkpoint_key *x = a, *y = b;
    if (x->epoch != y->epoch) return x->epoch < y->epoch ? 1 : -1;
    return x->step < y->step ? 1 : x->step > y->step ? -1 : 0;
}

kz_status kz_record_checkpoint_list(kz_checkpoint_key **out, int64_t *n, const char *directory)
{
    int64_t room = 0;
    kz_checkpoint_key key;
    struct dirent *entry;
    kz_status st = KZ_OK;
    DIR *dir = opendir(directory);
    *n = 0;
    if (!dir) return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be opened: %s", directory, strerror(errno));
    while (readdir(dir)) room++;
    rewinddir(dir);
    KZ_TRY(kz_calloc(out, room, sizeof **out, "checkpoint names"));
    while ((entry = readdir(dir)) && *n < room)
        if (kz_checkpoint_key_of(&key, entry->d_name)) (*out)[(*n)++] = key;
    qsort(*out, (size_t)*n, sizeof **out, kz_checkpoint_key_compare);
done:
    closedir(dir);
    return st;
}

/* ---- metadata ---- */

typedef char tensor_name[64]; /* "optimizer.0." and a name */

static kz_status put_count(json_t *metadata, const char *key, int64_t n)
{
    return kz_record_put_json(metadata, key, json_integer(n), 17);
}

static kz_status put_number(json_t *metadata, const char *key, double x)
{
    return kz_record_put_json(metadata, key, kz_json_number(x), 17);
}

static json_t *metrics_json(const kz_metrics *m)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "rows", (json_int_t)m->rows, "loss", kz_json_number(m->loss),
                     "accuracy", kz_json_number(m->accuracy), "rmse", kz_json_number(m->rmse), "r2",
                     kz_json_number(m->r2));
}

static kz_status put_best(json_t *metadata, const kz_checkpoint *c)
{
    kz_status st = KZ_OK;
    KZ_TRY(put_number(metadata, "early_stop.best_value", c->best_epoch > 0 ? c->best_value : (double)NAN));
    KZ_TRY(put_count(metadata, "early_stop.best_epoch", c->best_epoch));
    KZ_TRY(put_count(metadata, "early_stop.epochs_since_best", c->epochs_since_best));
    KZ_TRY(kz_record_put_json(metadata, "early_stop.best_train", metrics_json(&c->best_train), 17));
done:
    return st;
}

static json_t *timing_json(const kz_checkpoint *c)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "total_s", kz_json_number(c->seconds_total), "train_s",
                     kz_json_number(c->seconds_train), "eval_s", kz_json_number(c->seconds_eval), "data_s",
                     kz_json_number(c->seconds_data), "checkpoint_s", kz_json_number(c->seconds_checkpoint), "epoch_s",
                     kz_json_number(c->epoch_seconds), "target_s", kz_json_number(c->target_seconds));
}

/* What has been measured so far. */
static kz_status put_history(json_t *metadata, const kz_checkpoint *c, const kz_checkpoint_facts *f)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_put(metadata, "stopped_by", json_string(c->stopped_by)));
    KZ_TRY(kz_record_put_json(metadata, "metrics.train", metrics_json(&c->train), 17));
    KZ_TRY(kz_record_put_json(metadata, "metrics.valid", metrics_json(&c->valid), 17));
    KZ_TRY(kz_record_put_json(metadata, "timing", timing_json(c), 17));
    KZ_TRY(kz_record_put(metadata, "started", json_string(f->started)));
    KZ_TRY(put_number(metadata, "energy.cpu_joules", f->energy.cpu_joules));
    KZ_TRY(put_number(metadata, "energy.gpu_joules", f->energy.gpu_joules));
    KZ_TRY(put_number(metadata, "energy.gpu_seconds", f->energy.gpu_seconds));
    KZ_TRY(put_count(metadata, "kept.epoch", f->kept_epoch));
    KZ_TRY(put_number(metadata, "kept.rank", f->kept_rank));
    KZ_TRY(kz_record_put_json(metadata, "resumed", f->resumed ? json_deep_copy(f->resumed) : json_array(), 17));
    if (!c->inside) goto done;
    KZ_TRY(put_number(metadata, "epoch.loss", c->loss));
    KZ_TRY(put_number(metadata, "epoch.score", c->score));
done:
    return st;
}

static kz_status make_metadata(json_t *metadata, const kz_checkpoint *c, const kz_checkpoint_facts *f)
{
    json_t *config = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_put(metadata, KZ_SAFETENSORS_SEAL, json_string(KZ_SAFETENSORS_UNSEALED)));
    KZ_TRY(kz_record_put(metadata, "format", json_string("pt")));
    KZ_TRY(kz_record_put(metadata, "kaizen.schema", json_string("kaizen.checkpoint/1")));
    KZ_TRY(put_count(metadata, "kaizen.arithmetic", KZ_ARITHMETIC));
    KZ_TRY(kz_record_put(metadata, "kaizen.weights", json_string(f->weights_digest)));
    KZ_TRY(kz_record_put(metadata, "kaizen.trajectory", json_string(f->trajectory_digest)));
    KZ_TRY(kz_record_put(metadata, "kaizen.data", json_string(f->data_digest)));
    KZ_TRY(put_count(metadata, "epoch", c->epoch));
    KZ_TRY(put_count(metadata, "step", c->step));
    KZ_TRY(put_count(metadata, "samples", c->samples));
    KZ_TRY(kz_config_json(&config, f->cfg));
    KZ_TRY(kz_record_put_json(metadata, "config", config, 17));
    if (f->cfg->train.early_stop.metric) KZ_TRY(put_best(metadata, c));
    KZ_TRY(put_history(metadata, c, f));
done:
    return st;
}

/* ---- tensors ---- */

/* Adds the tensors of one array over all parameters, named with the prefix. */
static void add_array(kz_safetensor **next, tensor_name **name, const kz_checkpoint_facts *f, const char *prefix,
                      const float *parameters)
{
    for (int64_t i = 0; i < f->n_tensors; i++) {
        snprintf(**name, sizeof **name, "%s%s", prefix, f->tensors[i].name);
        *(*next)++ = kz_record_safetensor(&f->tensors[i], *(*name)++, parameters);
    }
}

static int64_t add_tensors(kz_safetensor *list, tensor_name *names, const kz_checkpoint *c,
                           const kz_checkpoint_facts *f)
{
    kz_safetensor *next = list;
    char prefix[32];
    add_array(&next, &names, f, "", c->weights);
    for (int i = 0; i < c->arrays; i++) {
        snprintf(prefix, sizeof prefix, "optimizer.%d.", i);
        add_array(&next, &names, f, prefix, c->optimizer + i * c->n);
    }
    if (f->cfg->train.early_stop.metric && c->best_epoch > 0) add_array(&next, &names, f, "best.", c->best);
    return next - list;
}

/* Synced every time: what is removed next may be all that a loss of power would have left. */
kz_status kz_record_checkpoint_write(const char *directory, const kz_checkpoint *c, const kz_checkpoint_facts *f)
{
    int64_t most = f->n_tensors * (2 + c->arrays);
    kz_safetensor *list = NULL;
    tensor_name *names = NULL;
    char *path = NULL, name[KZ_CHECKPOINT_NAME];
    kz_status st = KZ_OK;
    json_t *metadata = json_object();
    KZ_TRY(kz_calloc(&list, most, sizeof *list, "tensor list"));
    KZ_TRY(kz_calloc(&names, most, sizeof *names, "tensor names"));
    kz_checkpoint_name(name, c);
    KZ_TRY(kz_path_join(&path, directory, name));
    KZ_TRY(make_metadata(metadata, c, f));
    KZ_TRY(kz_safetensors_write(path, metadata, list, add_tensors(list, names, c, f), true));
    KZ_TRY(kz_record_directory_sync(directory));
done:
    json_decref(metadata);
    kz_free(&path);
    kz_free(&names);
    kz_free(&list);
    return st;
}

/* ---- removing ---- */

kz_status kz_record_checkpoint_prune(const char *directory, const kz_checkpoint_key *newest, int64_t keep, int64_t kept)
{
    kz_checkpoint_key *keys = NULL;
    char *path = NULL, name[KZ_CHECKPOINT_NAME];
    int64_t n = 0, ahead = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_checkpoint_list(&keys, &n, directory));
    while (ahead < n && kz_checkpoint_key_compare(&keys[ahead], newest) < 0) ahead++;
    for (int64_t i = n - 1; i >= 0; i--) {
        bool inside = keys[i].step > 0 || keys[i].epoch == 0;
        if (i >= ahead && (i < ahead + keep || (!inside && keys[i].epoch == kept))) continue;
        name_of(name, keys[i].epoch, inside, keys[i].step);
        KZ_TRY(kz_path_join(&path, directory, name));
        if (unlink(path) != 0 && errno != EISDIR) { /* a folder of that name is none of ours */
            st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be removed: %s", path, strerror(errno));
            goto done;
        }
        kz_free(&path);
    }
done:
    kz_free(&path);
    kz_free(&keys);
    return st;
}
