/* A run from its config to its record. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* The model, whose metadata have two numbers as text for each feature and three for each target; lines of metrics; the rest;
 * checkpoints. */
static int64_t disk_bytes(const trainer *t)
{
    enum { NUMBER = 32, LINE = 512, REST = 65536 };
    int64_t numbers = 2 * t->data->features + (t->data->classification ? 0 : 3 * t->data->targets);
    return 4 * t->parameters + NUMBER * numbers + LINE * t->cfg->train.epochs + REST + trainer_checkpoint_bytes(t);
}

/* What the run will do and take; called before the first step. */
static kz_train_plan plan_of(const trainer *t)
{
    data_places places = trainer_places(t);
    kz_train_plan plan = {.cfg = t->cfg,
                          .data = t->data,
                          .device = t->dev->ops->name,
                          .isa = t->dev->variant,
                          .gpu = t->dev->gpu,
                          .device_note = t->dev->note,
                          .threads = t->dev->threads,
                          .outputs = t->outputs,
                          .parameters = t->parameters,
                          .steps = t->steps,
                          .steps_per_epoch = t->steps_per_epoch,
                          .memory_bytes = (int64_t)t->memory,
                          .disk_bytes = disk_bytes(t),
                          .gpu_bytes =
                              t->dev->gpu ? (int64_t)(trainer_device_memory(t) + places.inside + places.fetch) : 0,
                          .gpu_free = t->dev->gpu ? t->dev->gpu->free : 0,
                          .gpu_outside = t->options->dry_run ? (int64_t)places.outside : t->dev->outside,
                          .disk_free = t->disk_free,
                          .resumed = t->options->resume,
                          .epochs_done = t->run.epochs,
                          .steps_done = t->run.steps,
                          .directory = t->record ? kz_record_directory(t->record) : NULL};
    if (t->options->dry_run) memcpy(plan.gpu_left, places.left, sizeof places.left);
    if (t->options->dry_run) plan.n_gpu_left = places.n_left;
    return plan;
}

static kz_status divergence(const trainer *t)
{
    const char *name = t->cfg->name, *in = t->run.diverged_in;
    long long step = t->run.diverged_step, epoch = step / t->steps_per_epoch + 1;
    if (strcmp(in, "step") == 0)
        return KZ_FAIL(KZ_E_DIVERGED,
                       "%s: the loss or the gradient norm of step %lld (from 0, in epoch %lld) is not finite; lower "
                       "optimizer.lr, set optimizer.clip_norm, or scale the data",
                       name, step, epoch);
    return KZ_FAIL(KZ_E_DIVERGED,
                   "%s: the %s loss after epoch %lld is not finite; lower optimizer.lr, or look for extreme values in "
                   "the rows of data.%s",
                   name, in, epoch, in);
}

/* How a loop that came to its end ended: the status of the program, with a message for people. */
static kz_status verdict(trainer *t)
{
    if (t->run.diverged_step >= 0) {
        t->run.status = "diverged";
        return divergence(t);
    }
    if (strcmp(t->run.stopped_by, "signal") == 0) {
        t->run.status = "interrupted";
        if (t->record)
            return KZ_FAIL(KZ_E_INTERRUPTED, "%s: stopped by a signal after step %lld of %lld; go on with --resume %s",
                           t->cfg->name, (long long)t->run.steps, (long long)t->steps, kz_record_directory(t->record));
        return KZ_FAIL(*t->options->stop == SIGINT ? KZ_E_SIGINT : KZ_E_SIGTERM,
                       "%s: stopped by a signal after step %lld of %lld", t->cfg->name, (long long)t->run.steps,
                       (long long)t->steps);
    }
    t->run.status = "completed";
    return KZ_OK;
}

static void count_stream(trainer *t)
{
    kz_feed_counts c = {.windows = 0};
    if (t->feed) c = kz_feed_counted(t->feed);
    t->run.streamed = t->feed != NULL;
    t->run.stream_windows = c.windows;
    t->run.stream_bytes = c.bytes;
    t->run.stream_waited = c.waited;
}

/* Writes what there is to write, also after a failure; the first failure is the one that counts. */
static kz_status finish(trainer *t, kz_status st)
{
    char message[2048];
    if (!t->record) return st;
    snprintf(message, sizeof message, "%s", kz_error_message());
    t->run.error = st == KZ_OK ? NULL : message;
    if (strcmp(t->run.status, "failed") == 0) t->run.stopped_by = "error";
    bool has_weights = t->weights && strcmp(t->run.status, "failed") != 0;
    kz_status written = kz_record_finish(t->record, &t->run, has_weights ? t->weights : NULL, t->parameters);
    t->run.error = NULL; /* its text ends here */
    if (st != KZ_OK) return KZ_FAIL(st, "%s", message);
    if (written != KZ_OK) t->run.status = "failed";
    return written;
}

static kz_status fill_result(trainer *t, kz_train_result *r)
{
    kz_status st = KZ_OK;
    kz_sha256 *hash = NULL;
    uint8_t digest[32];
    r->run = t->run;
    r->run.isa = NULL; /* they go with the device */
    r->run.gpu = NULL;
    KZ_TRY(kz_sha256_create(&hash));
    kz_weights_digest(digest, t->weights, t->parameters, hash);
    kz_digest_text(r->weights, digest);
    if (t->record) {
        KZ_TRY(kz_strdup(&r->directory, kz_record_directory(t->record)));
        r->json = json_incref((json_t *)kz_record_json(t->record));
    }
done:
    kz_sha256_destroy(&hash);
    return st;
}

static kz_status open_record(trainer *t)
{
    int64_t n;
    const kz_train_options *o = t->options;
    const kz_tensor *tensors = kz_model_tensors(t->model, &n);
    kz_checkpoint from;
    kz_status st = KZ_OK;
    if (!o->resume) return kz_record_create(&t->record, t->cfg, t->data, o->directory, tensors, n);
    KZ_TRY(kz_record_resume(&t->record, t->cfg, t->data, o->directory, tensors, n, &from, o->watch.note,
                            o->watch.context));
    KZ_TRY(trainer_restore(t, &from));
done:
    return st;
}

/* Room on the disk, before anything is written there; a run that is taken up has most of its files already. */
static kz_status check_disk(trainer *t)
{
    char wanted[24], found[24];
    t->disk_free = kz_record_room(t->cfg, t->options->directory);
    kz_train_plan plan = plan_of(t);
    if (t->options->resume || plan.disk_free < 0 || plan.disk_bytes <= plan.disk_free) return KZ_OK;
    kz_format_size(wanted, (double)plan.disk_bytes);
    kz_format_size(found, (double)plan.disk_free);
    return KZ_FAIL(KZ_E_OUTPUT,
                   "%s: the run may need %s of disk, and %s are free; make room, lower train.checkpoint.keep, or give "
                   "--out a folder on another disk",
                   t->options->directory ? t->options->directory : t->cfg->output, wanted, found);
}

static kz_status prepare_record(trainer *t)
{
    const kz_train_options *o = t->options;
    kz_status st = KZ_OK;
    t->disk_free = -1;
    if (o->no_record) goto done;
    if (o->dry_run && !o->resume) KZ_TRY(kz_record_check(t->cfg, o->directory));
    KZ_TRY(check_disk(t));
    if (o->dry_run) goto done;
    KZ_TRY(open_record(t));
    kz_record_measure_gpu(t->record, t->dev->gpu);
done:
    return st;
}

kz_status kz_train(kz_config *cfg, const kz_train_options *options, kz_train_result *result)
{
    trainer t = {.cfg = cfg, .options = options, .started = kz_clock(), .checkpoint_step = -1};
    kz_status st = KZ_OK;
    t.run = (kz_run){.status = "failed", .stopped_by = "epochs", .diverged_step = -1, .target_seconds = NAN};
    KZ_TRY(trainer_setup(&t));
    t.run.device = t.dev->ops->name;
    t.run.isa = t.dev->variant;
    t.run.gpu = t.dev->gpu;
    t.run.threads = t.dev->threads;
    KZ_TRY(prepare_record(&t));
    if (options->watch.begin) {
        kz_train_plan plan = plan_of(&t);
        options->watch.begin(options->watch.context, &plan);
    }
    if (options->dry_run) goto done;
    st = trainer_loop(&t);
    if (st == KZ_OK) st = verdict(&t);
    t.run.seconds_total = trainer_seconds(&t);
    count_stream(&t);
    st = finish(&t, st);
    kz_status filled = fill_result(&t, result);
    if (st == KZ_OK) st = filled;
done:
    kz_record_destroy(&t.record);
    trainer_release(&t);
    return st;
}

void kz_train_result_free(kz_train_result *result)
{
    kz_free(&result->directory);
    json_decref(result->json);
    result->json = NULL;
}
