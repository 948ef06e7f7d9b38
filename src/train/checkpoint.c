/* Checkpoints: when, what of the run goes into them, and how a run is taken up from one.  src/record writes and reads
 * them. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

/* Files at most: those that stay, the best, and the one being written; fewer where the run writes fewer in all.  Without
 * checkpoints a signal writes one. */
int64_t trainer_checkpoint_bytes(const trainer *t)
{
    const kz_config_train *c = &t->cfg->train;
    int64_t all = INT64_MAX, files = c->checkpoint.keep + 2;
    if (t->options->no_record) return 0;
    if (c->checkpoint.every_steps <= 0 && !(c->checkpoint.every_minutes > 0) && c->checkpoint.every_epochs > 0)
        all = (c->epochs + c->checkpoint.every_epochs - 1) / c->checkpoint.every_epochs + 1;
    if (c->checkpoint.keep <= 0) files = 1;
    if (all < files) files = all;
    int64_t values = 1 + kz_optim_arrays_of(t->cfg->optimizer.name) + (c->early_stop.metric != NULL);
    return files * (values * t->parameters * 4 + 65536);
}

/* The lower the better; NaN where nothing ranks. */
static double rank_of(const trainer *t, const kz_metrics *valid)
{
    const char *metric = t->cfg->train.early_stop.metric;
    if (!metric) return valid->rows > 0 ? valid->loss : (double)NAN;
    if (t->run.best_epoch > 0 && t->epochs_since_best == 0) return trainer_rank(metric, t->best_value);
    return (double)NAN; /* no better than one that was ranked */
}

/* Copies the run, between two steps, into the record's buffers. */
kz_status trainer_checkpoint_fill(trainer *t, kz_checkpoint *c)
{
    size_t bytes = (size_t)t->parameters * sizeof(float);
    bool started = t->run.steps > t->run.epochs * t->steps_per_epoch;
    kz_tally tally = {0};
    kz_status st = KZ_OK;
    *c = (kz_checkpoint){.epoch = t->run.epochs,
                         .step = t->run.steps,
                         .samples = t->run.samples,
                         .inside = started || t->run.epochs == 0,
                         .stopped_by = t->run.stopped_by,
                         .train = t->run.train,
                         .valid = t->run.valid,
                         .best_epoch = t->run.best_epoch,
                         .epochs_since_best = t->epochs_since_best,
                         .best_value = t->best_value,
                         .best_train = t->best_train,
                         .target_seconds = t->run.target_seconds,
                         .seconds_total = trainer_seconds(t),
                         .seconds_train = t->run.seconds_train,
                         .seconds_eval = t->run.seconds_eval,
                         .seconds_data = t->run.seconds_data,
                         .seconds_checkpoint = t->run.seconds_checkpoint,
                         .epoch_seconds = t->epoch_seconds};
    c->rank = c->inside ? (double)NAN : rank_of(t, &t->run.valid);
    if (started) {
        KZ_TRY(t->dev->ops->download(t->dev, &tally, t->tally, sizeof tally));
        c->loss = tally.loss;
        c->score = tally.score;
    }
    KZ_TRY(kz_record_checkpoint_room(t->record, c));
    KZ_TRY(t->dev->ops->download(t->dev, c->weights, kz_model_weights(t->model), bytes));
    for (int i = 0; i < c->arrays; i++)
        KZ_TRY(t->dev->ops->download(t->dev, c->optimizer + i * c->n, kz_optim_array(t->optim, i), bytes));
    if (c->best) memcpy(c->best, t->best, bytes);
done:
    return st;
}

kz_status trainer_checkpoint_write(trainer *t, const kz_checkpoint *c)
{
    char name[KZ_CHECKPOINT_NAME];
    kz_status st = kz_record_checkpoint(t->record, c);
    if (st != KZ_OK) return st;
    t->checkpoint_step = c->step;
    t->checkpoint_epoch = c->epoch;
    t->checkpoint_time = kz_clock();
    kz_checkpoint_name(name, c);
    if (t->options->watch.checkpoint) t->options->watch.checkpoint(t->options->watch.context, name, c->epoch, c->step);
    return KZ_OK;
}

static kz_status checkpoint(trainer *t)
{
    kz_checkpoint c;
    double start = kz_clock();
    kz_tally tally = {.bad_step = -1};
    kz_status st = KZ_OK;
    if (t->checkpoint_step == t->run.steps && t->checkpoint_epoch == t->run.epochs) return KZ_OK; /* there it is */
    if (t->dev->ahead) {
        KZ_TRY(t->dev->ops->download(t->dev, &tally, t->tally, sizeof tally));
        double waited = kz_clock() - start; /* for steps, and not for the checkpoint */
        t->epoch_seconds += waited;
        t->run.seconds_train += waited;
        start += waited;
        t->diverged = tally.bad_step >= 0;
        if (t->diverged) return KZ_OK; /* from here no run could go on */
    }
    KZ_TRY(trainer_checkpoint_fill(t, &c));
    KZ_TRY(trainer_checkpoint_write(t, &c));
done:
    t->run.seconds_checkpoint += kz_clock() - start;
    return st;
}

/* Was one asked for, or is the last one long ago? */
static bool asked_for(trainer *t)
{
    const kz_config_checkpoint *c = &t->cfg->train.checkpoint;
    volatile sig_atomic_t *save = t->options->save;
    bool asked = save && *save;
    if (asked) *save = 0;
    return asked || (c->every_minutes > 0 && kz_clock() - t->checkpoint_time >= 60 * c->every_minutes);
}

static bool every(int64_t n, int64_t count)
{
    return n > 0 && count % n == 0;
}

kz_status trainer_checkpoint_after_step(trainer *t)
{
    const kz_config_checkpoint *c = &t->cfg->train.checkpoint;
    if (!t->record || t->run.steps == (t->run.epochs + 1) * t->steps_per_epoch)
        return KZ_OK; /* the epoch's end is near */
    bool asked = asked_for(t);
    return asked || every(c->every_steps, t->run.steps) ? checkpoint(t) : KZ_OK;
}

kz_status trainer_checkpoint_after_epoch(trainer *t, bool last)
{
    const kz_config_checkpoint *c = &t->cfg->train.checkpoint;
    if (!t->record || t->run.diverged_step >= 0)
        return KZ_OK; /* it must not push out one that the run can go on from */
    bool wanted = c->every_epochs > 0 || c->every_steps > 0 || c->every_minutes > 0;
    bool due = every(c->every_epochs, t->run.epochs) || every(c->every_steps, t->run.steps) || (last && wanted);
    bool asked = asked_for(t);
    return asked || due ? checkpoint(t) : KZ_OK;
}

kz_status trainer_checkpoint_at_signal(trainer *t)
{
    kz_status st = KZ_OK;
    if (!t->record) return KZ_OK;
    if (t->has_end) { /* the weights have been replaced by the best ones since */
        if (t->checkpoint_step != t->end.step || t->checkpoint_epoch != t->end.epoch)
            KZ_TRY(trainer_checkpoint_write(t, &t->end));
    } else {
        KZ_TRY(checkpoint(t));
    }
    KZ_TRY(kz_record_checkpoint_wait(t->record));
done:
    return st;
}

/* ---- the other way ---- */

/* Where the run is, and what it has cost. */
static void restore_place(trainer *t, const kz_checkpoint *c, bool inside)
{
    t->run.epochs = c->epoch;
    t->run.steps = c->step;
    t->run.samples = c->samples;
    t->run.stopped_by = c->stopped_by;
    t->run.train = c->train;
    t->run.valid = c->valid;
    t->run.target_seconds = c->target_seconds;
    t->run.seconds_train = c->seconds_train;
    t->run.seconds_eval = c->seconds_eval;
    t->run.seconds_data += c->seconds_data;
    t->run.seconds_checkpoint = c->seconds_checkpoint;
    t->past_seconds = c->seconds_total;
    t->epoch_seconds = inside ? c->epoch_seconds : 0;
    t->resumed_tally = (kz_tally){.loss = inside ? c->loss : 0, .score = inside ? c->score : 0, .bad_step = -1};
    t->run.best_epoch = c->best_epoch;
    t->best_value = c->best_value;
    t->best_train = c->best_train;
    t->epochs_since_best = c->epochs_since_best;
}

static kz_status restore_arrays(trainer *t, const kz_checkpoint *c)
{
    size_t bytes = (size_t)t->parameters * sizeof(float);
    kz_status st = KZ_OK;
    KZ_TRY(t->dev->ops->upload(t->dev, kz_model_weights(t->model), c->weights, bytes));
    for (int i = 0; i < c->arrays; i++)
        KZ_TRY(t->dev->ops->upload(t->dev, kz_optim_array(t->optim, i), c->optimizer + i * c->n, bytes));
    memcpy(t->weights, c->weights, bytes);
    if (t->best && c->best) memcpy(t->best, c->best, bytes);
done:
    return st;
}

kz_status trainer_restore(trainer *t, const kz_checkpoint *c)
{
    int64_t inside = c->step - c->epoch * t->steps_per_epoch;
    kz_status st = KZ_OK;
    if (c->n == 0) return KZ_OK; /* there was none: the run begins */
    if (inside < 0 || inside > t->steps_per_epoch || c->epoch > t->cfg->train.epochs)
        return KZ_FAIL(KZ_E_DATA, "%s: its checkpoint is at epoch %lld and step %lld, which this run does not have",
                       kz_record_directory(t->record), (long long)c->epoch, (long long)c->step);
    t->checkpoint_step = c->step;
    t->checkpoint_epoch = c->epoch;
    restore_place(t, c, inside > 0);
    KZ_TRY(restore_arrays(t, c));
    if (c->epoch > 0 && inside == 0) KZ_TRY(trainer_decide_again(t));
done:
    return st;
}
