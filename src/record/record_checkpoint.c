/* checkpoint-<epoch>.safetensors: weights, the optimiser's state, and where the run was; and the end of old ones. */
#include "record_impl.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- writing ---- */

typedef char tensor_name[64]; /* "optimizer.0." and a name */

static void name_of(char out[48], int64_t epoch)
{
    snprintf(out, 48, "checkpoint-%06lld.safetensors", (long long)epoch);
}

static kz_status put_count(json_t *metadata, const char *key, int64_t n)
{
    return kz_record_put_json(metadata, key, json_integer(n), 17);
}

static kz_status put_best(json_t *metadata, const kz_checkpoint *c)
{
    json_t *value = c->best_epoch > 0 ? kz_json_number(c->best_value) : json_null();
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_put_json(metadata, "early_stop.best_value", value, 17));
    KZ_TRY(put_count(metadata, "early_stop.best_epoch", c->best_epoch));
    KZ_TRY(put_count(metadata, "early_stop.epochs_since_best", c->epochs_since_best));
done:
    return st;
}

static kz_status make_metadata(json_t *metadata, const kz_checkpoint *c, const kz_checkpoint_facts *f)
{
    json_t *config = NULL;
    kz_status st = KZ_OK;
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
done:
    return st;
}

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
    char *path = NULL, name[48];
    kz_status st = KZ_OK;
    json_t *metadata = json_object();
    KZ_TRY(kz_calloc(&list, most, sizeof *list, "tensor list"));
    KZ_TRY(kz_calloc(&names, most, sizeof *names, "tensor names"));
    name_of(name, c->epoch);
    KZ_TRY(kz_path_join(&path, directory, name));
    KZ_TRY(make_metadata(metadata, c, f));
    KZ_TRY(kz_safetensors_write(path, metadata, list, add_tensors(list, names, c, f), true));
done:
    json_decref(metadata);
    kz_free(&path);
    kz_free(&names);
    kz_free(&list);
    return st;
}

/* ---- removing ---- */

/* The epoch in a checkpoint's name; 0 for any other. */
static int64_t epoch_of(const char *name)
{
    char again[48];
    long long epoch = 0;
    if (sscanf(name, "checkpoint-%18lld", &epoch) != 1 || epoch <= 0) return 0;
    name_of(again, epoch);
    return strcmp(name, again) == 0 ? epoch : 0;
}

/* Counts the checkpoints; oldest <- the name of the one with the lowest epoch. */
static kz_status find_oldest(const char *directory, int64_t *n, char oldest[256])
{
    int64_t lowest = INT64_MAX;
    struct dirent *entry;
    DIR *dir = opendir(directory);
    if (!dir) return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be opened: %s", directory, strerror(errno));
    *n = 0;
    while ((entry = readdir(dir))) {
        int64_t epoch = epoch_of(entry->d_name);
        *n += epoch > 0;
        if (epoch == 0 || epoch > lowest) continue;
        lowest = epoch;
        snprintf(oldest, 256, "%s", entry->d_name);
    }
    closedir(dir);
    return KZ_OK;
}

kz_status kz_record_checkpoint_prune(const char *directory, int64_t keep)
{
    char oldest[256];
    char *path = NULL;
    int64_t n = 0;
    kz_status st = KZ_OK;
    for (;;) {
        KZ_TRY(find_oldest(directory, &n, oldest));
        if (n <= keep) break;
        KZ_TRY(kz_path_join(&path, directory, oldest));
        if (unlink(path) != 0) {
            st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be removed: %s", path, strerror(errno));
            goto done;
        }
        kz_free(&path);
    }
done:
    kz_free(&path);
    return st;
}
