/* A record: the run directory from its making to run.json, which is written last and says that all the rest is there. */
#include "record_impl.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static kz_status path_in(char **out, const kz_record *rec, const char *name)
{
    return kz_path_join(out, rec->directory, name);
}

static kz_status write_text(const kz_record *rec, const char *name, const kz_text *text, bool sync)
{
    char *path = NULL;
    kz_status st = path_in(&path, rec, name);
    if (st == KZ_OK) st = kz_file_replace(path, kz_text_str(text), text->n, sync);
    kz_free(&path);
    return st;
}

kz_status kz_record_write_config(const kz_record *rec)
{
    kz_text yaml = {0};
    kz_status st = kz_config_yaml(&yaml, &rec->cfg);
    if (st == KZ_OK) st = write_text(rec, "config.yaml", &yaml, true);
    kz_text_free(&yaml);
    return st;
}

kz_status kz_record_start(kz_record *rec, const kz_record_past *past, int64_t kept_epoch, double kept_rank)
{
    char *path = NULL;
    kz_checkpoint_facts facts = {.cfg = &rec->cfg,
                                 .tensors = rec->tensors,
                                 .n_tensors = rec->n_tensors,
                                 .data_digest = rec->data->digest,
                                 .started = rec->started,
                                 .resumed = rec->resumed,
                                 .kept_epoch = kept_epoch,
                                 .kept_rank = kept_rank};
    kz_status st = KZ_OK;
    KZ_TRY(path_in(&path, rec, "metrics.jsonl"));
    KZ_TRY(kz_record_writer_create(&rec->writer, path, rec->data->classification, rec->n, &rec->energy, past));
    if (!rec->checkpoints)
        KZ_TRY(kz_checkpoint_writer_create(&rec->checkpoints, &rec->cfg, rec->tensors, rec->n_tensors));
    KZ_TRY(kz_checkpoint_writer_start(rec->checkpoints, rec->writer, rec->directory, &facts));
done:
    kz_free(&path);
    return st;
}

kz_status kz_record_prepare(kz_record **out, const kz_config *cfg, const kz_data *data, const kz_tensor *tensors,
                            int64_t n_tensors)
{
    kz_record *rec = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&rec, 1, sizeof *rec, "run record"));
    rec->cfg = *cfg;
    rec->cfg.data.path = data->path;
    rec->data = data;
    rec->tensors = tensors;
    rec->n_tensors = n_tensors;
    rec->lock = -1;
    for (int64_t i = 0; i < n_tensors; i++) rec->n += tensors[i].n;
    kz_clock_utc(rec->started);
    KZ_TRY(kz_config_digest(rec->config_digest, cfg));
    rec->resumed = json_array();
    if (!rec->resumed) st = KZ_FAIL(KZ_E_MEM, "run record: out of memory");
    *out = rec;
    rec = NULL;
done:
    kz_record_destroy(&rec);
    return st;
}

kz_status kz_record_create(kz_record **out, const kz_config *cfg, const kz_data *data, const char *directory,
                           const kz_tensor *tensors, int64_t n_tensors)
{
    kz_record *rec = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_prepare(&rec, cfg, data, tensors, n_tensors));
    KZ_TRY(kz_record_directory_make(&rec->directory, &rec->made, cfg, rec->config_digest, rec->started, directory));
    KZ_TRY(kz_record_directory_lock(&rec->lock, rec->directory));
    kz_energy_start(&rec->energy, "/sys/class/powercap");
    KZ_TRY(
        kz_record_start(rec, NULL, 0, NAN)); /* its file is exclusive: two runs in one directory are found out here */
    KZ_TRY(kz_record_write_config(rec));
    KZ_TRY(kz_record_directory_sync(rec->directory));
    rec->complete = true;
    *out = rec;
    rec = NULL;
done:
    kz_record_destroy(&rec);
    return st;
}

void kz_record_measure_gpu(kz_record *rec, const kz_gpu *gpu)
{
    if (gpu) kz_record_writer_measure_gpu(rec->writer, gpu);
}

const char *kz_record_directory(const kz_record *rec)
{
    return rec->directory;
}

kz_status kz_record_epoch(kz_record *rec, const kz_epoch *epoch, const float *weights, int64_t n)
{
    if (n != rec->n) return KZ_FAIL(KZ_E_ARG, "%lld weights, the tensors hold %lld", (long long)n, (long long)rec->n);
    if (rec->stopped) return KZ_FAIL(KZ_E_ARG, "%s: the run is finished", rec->directory);
    return kz_record_writer_push(rec->writer, epoch, weights);
}

static kz_status check_running(const kz_record *rec)
{
    return rec->stopped ? KZ_FAIL(KZ_E_ARG, "%s: the run is finished", rec->directory) : KZ_OK;
}

kz_status kz_record_checkpoint_room(kz_record *rec, kz_checkpoint *c)
{
    kz_status st = check_running(rec);
    if (st == KZ_OK) st = kz_checkpoint_writer_wait(rec->checkpoints);
    if (st == KZ_OK) kz_checkpoint_writer_buffers(rec->checkpoints, c);
    return st;
}

kz_status kz_record_checkpoint(kz_record *rec, const kz_checkpoint *c)
{
    kz_status st = check_running(rec);
    return st == KZ_OK ? kz_checkpoint_writer_push(rec->checkpoints, c) : st;
}

kz_status kz_record_checkpoint_wait(kz_record *rec)
{
    kz_status st = check_running(rec);
    return st == KZ_OK ? kz_checkpoint_writer_wait(rec->checkpoints) : st;
}

/* ---- the end ---- */

/* Of the weights kept or, where none are, of the last epoch's. */
static kz_status make_digests(kz_record *rec, const float *weights)
{
    uint8_t digest[32];
    kz_sha256 *hash = NULL;
    kz_record_writer_trajectory(rec->writer, digest);
    kz_digest_text(rec->trajectory_digest, digest);
    bool any = kz_record_writer_weights(rec->writer, digest);
    if (weights) {
        kz_status st = kz_sha256_create(&hash);
        if (st != KZ_OK) return st;
        kz_weights_digest(digest, weights, rec->n, hash);
        kz_sha256_destroy(&hash);
    }
    if (weights || any) kz_digest_text(rec->weights_digest, digest);
    return KZ_OK;
}

static kz_status write_model(const kz_record *rec, const float *weights)
{
    char *path = NULL;
    kz_status st = path_in(&path, rec, "model.safetensors");
    if (st == KZ_OK)
        st = kz_record_model_write(path, &rec->cfg, rec->data, rec->tensors, rec->n_tensors, weights,
                                   rec->weights_digest);
    kz_free(&path);
    return st;
}

static kz_status write_run(kz_record *rec, const kz_run *run)
{
    kz_text text = {0};
    json_t *json = NULL;
    kz_run_facts facts = {
        .cfg = &rec->cfg,
        .run = run,
        .classification = rec->data->classification,
        .config_digest = rec->config_digest,
        .data_digest = rec->data->digest,
        .weights_digest = rec->weights_digest,
        .trajectory_digest = rec->trajectory_digest,
        .started = rec->started,
        .energy = &rec->energy,
        .resumed = rec->resumed,
    };
    kz_status st = KZ_OK;
    KZ_TRY(kz_run_json(&json, &facts));
    KZ_TRY(kz_json_dump(&text, json, true));
    KZ_TRY(kz_text_add_bytes(&text, "\n", 1));
    KZ_TRY(write_text(rec, "run.json", &text, true));
    rec->json = json_incref(json);
    KZ_TRY(kz_record_directory_sync(rec->directory));
done:
    json_decref(json);
    kz_text_free(&text);
    return st;
}

kz_status kz_record_finish(kz_record *rec, const kz_run *run, const float *weights, int64_t n)
{
    char error[1024];
    kz_run told = *run;
    if (weights && n != rec->n)
        return KZ_FAIL(KZ_E_ARG, "%lld weights, the tensors hold %lld", (long long)n, (long long)rec->n);
    if (rec->stopped) return KZ_FAIL(KZ_E_ARG, "%s: the run is finished", rec->directory);
    rec->stopped = true;
    kz_status checkpoints = kz_checkpoint_writer_wait(rec->checkpoints);
    snprintf(error, sizeof error, "%s", checkpoints == KZ_OK ? "" : kz_error_message());
    kz_checkpoint_writer_destroy(&rec->checkpoints);
    kz_status st = kz_record_writer_stop(rec->writer);
    if (checkpoints != KZ_OK) st = KZ_FAIL(checkpoints, "%s", error);
    kz_energy_sample(&rec->energy);
    if (st == KZ_OK) st = make_digests(rec, weights);
    if (st == KZ_OK && weights) st = write_model(rec, weights);
    if (st == KZ_OK) return write_run(rec, run);
    snprintf(error, sizeof error, "%s", kz_error_message()); /* a run whose record is not whole has failed */
    told.status = "failed";
    told.error = error;
    (void)write_run(rec, &told);
    return KZ_FAIL(st, "%s", error);
}

const char *kz_record_weights_digest(const kz_record *rec)
{
    return rec->weights_digest;
}

const char *kz_record_trajectory_digest(const kz_record *rec)
{
    return rec->trajectory_digest;
}

const char *kz_record_config_digest(const kz_record *rec)
{
    return rec->config_digest;
}

const json_t *kz_record_json(const kz_record *rec)
{
    return rec->json;
}

/* Takes back what a create that failed has made. */
static void remove_made(const kz_record *rec, bool files)
{
    static const char *const names[] = {"metrics.jsonl", "config.yaml"};
    char path[4096];
    for (size_t i = 0; files && i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", rec->directory, names[i]);
        unlink(path);
    }
    if (rec->made) rmdir(rec->directory);
}

void kz_record_destroy(kz_record **record)
{
    kz_record *rec = *record;
    if (!rec) return;
    bool files = rec->writer != NULL; /* without it they are another run's */
    kz_checkpoint_writer_destroy(&rec->checkpoints);
    kz_record_writer_destroy(&rec->writer);
    kz_energy_stop(&rec->energy);
    if (rec->directory && !rec->complete) remove_made(rec, files);
    if (rec->lock >= 0) close(rec->lock);
    json_decref(rec->resumed);
    json_decref(rec->json);
    kz_free(&rec->directory);
    kz_free(record);
}
