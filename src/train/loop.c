/* The epochs: shuffle, steps, evaluation, early stopping, target. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

static const char *key_of(const char *metric)
{
    const char *dot = strchr(metric, '.');
    return dot ? dot + 1 : metric;
}

/* "valid.loss" of this epoch; NaN where there is none. */
static double metric_of(const kz_epoch *e, const kz_metrics *test, const char *metric)
{
    const kz_metrics *m = strncmp(metric, "valid.", 6) == 0  ? &e->valid
                          : strncmp(metric, "test.", 5) == 0 ? test
                                                             : &e->train;
    return m->rows > 0 ? kz_metrics_get(m, key_of(metric)) : NAN;
}

static bool larger_is_better(const char *metric)
{
    return strcmp(key_of(metric), "accuracy") == 0 || strcmp(key_of(metric), "r2") == 0;
}

/* The epoch's order of the rows of train, on the device. */
static kz_status order_rows(trainer *t, int64_t epoch)
{
    const kz_split *s = t->train.split;
    if (strcmp(t->cfg->train.shuffle, "none") == 0) return KZ_OK; /* in order since the set-up */
    kz_data_shuffle(t->order, s->rows, t->cfg->seed, (uint32_t)epoch);
    for (int64_t i = 0; s->index && i < s->rows; i++) t->order[i] = s->index[t->order[i]];
    return t->dev->ops->upload(t->dev, t->train.row, t->order, (size_t)s->rows * sizeof *t->order);
}

static kz_status read_tally(trainer *t, kz_tally *tally)
{
    return t->dev->ops->download(t->dev, tally, t->tally, sizeof *tally);
}

/* All steps of an epoch (from 0); stops early when a signal came or a step was not finite. */
static kz_status run_steps(trainer *t, int64_t epoch, kz_tally *tally)
{
    const kz_train_options *o = t->options;
    int64_t rows = t->train.split->rows, batch = t->cfg->train.batch;
    kz_status st = KZ_OK;
    *tally = (kz_tally){.bad_step = -1};
    KZ_TRY(t->dev->ops->upload(t->dev, t->tally, tally, sizeof *tally));
    KZ_TRY(order_rows(t, epoch));
    for (int64_t begin = 0; begin < rows; begin += batch) {
        int64_t n = rows - begin < batch ? rows - begin : batch;
        KZ_TRY(trainer_step(t, t->run.steps, begin, n));
        KZ_TRY(read_tally(t, tally));
        if (tally->bad_step >= 0) break;
        t->run.steps++;
        t->run.samples += n;
        if (o->watch.step) o->watch.step(o->watch.context, t->run.steps);
        if (o->stop && *o->stop) break;
    }
done:
    return st;
}

/* Keeps the weights of the best epoch so far; says whether patience is at its end. */
static bool out_of_patience(trainer *t, const kz_epoch *e)
{
    const kz_config_early_stop *c = &t->cfg->train.early_stop;
    if (!c->metric) return false;
    double value = metric_of(e, &e->train, c->metric);
    double gain = larger_is_better(c->metric) ? value - t->best_value : t->best_value - value;
    bool better = t->run.best_epoch == 0 ? !isnan(value) : gain > c->min_delta;
    if (!better) return ++t->epochs_since_best >= c->patience;
    t->best_value = value;
    t->run.best_epoch = e->epoch;
    t->best_train = e->train;
    t->epochs_since_best = 0;
    memcpy(t->best, t->weights, (size_t)t->parameters * sizeof *t->weights);
    return false;
}

static bool target_met(trainer *t, const kz_epoch *e, const kz_metrics *test)
{
    const kz_config_target *c = &t->cfg->train.target;
    if (!c->metric) return false;
    double value = metric_of(e, test, c->metric);
    if (c->at_least ? !(value >= c->value) : !(value <= c->value)) return false;
    t->run.target_seconds = t->run.seconds_train;
    return true;
}

static void diverge(trainer *t, int64_t step, const char *in)
{
    t->run.diverged_step = step;
    t->run.diverged_in = in;
    t->run.stopped_by = "divergence";
}

/* After the steps of an epoch: weights to the host, metrics, record.  *over: nothing more to train. */
static kz_status finish_epoch(trainer *t, kz_epoch *e, bool *over)
{
    const kz_train_options *o = t->options;
    kz_metrics test = {0};
    const char *target = t->cfg->train.target.metric;
    kz_status st = KZ_OK;
    KZ_TRY(t->dev->ops->download(t->dev, t->weights, kz_model_weights(t->model), (size_t)t->parameters * 4));
    KZ_TRY(trainer_evaluate(t, &t->valid, &e->valid));
    if (target && strncmp(target, "test.", 5) == 0) KZ_TRY(trainer_evaluate(t, &t->test, &test));
    if (t->record) KZ_TRY(kz_record_epoch(t->record, e, t->weights, t->parameters));
    if (o->watch.epoch) KZ_TRY(o->watch.epoch(o->watch.context, e, t->weights, t->parameters));
    t->run.epochs = e->epoch;
    t->run.train = e->train;
    t->run.valid = e->valid;
    bool patience_over = out_of_patience(t, e); /* also keeps the best weights: so it comes first */
    if (target_met(t, e, &test)) t->run.stopped_by = "target";
    else if (patience_over) t->run.stopped_by = "early_stop";
    if (e->valid.rows > 0 && !isfinite(e->valid.loss)) diverge(t, t->run.steps - 1, "valid");
    *over = strcmp(t->run.stopped_by, "epochs") != 0;
    KZ_TRY(trainer_checkpoint(t, e, *over || e->epoch == t->cfg->train.epochs));
done:
    return st;
}

/* Weights of the best epoch back, and the metrics of what is kept. */
static kz_status keep_best(trainer *t)
{
    kz_status st = KZ_OK;
    bool restore = t->run.best_epoch > 0 && t->run.best_epoch != t->run.epochs;
    if (restore) {
        size_t bytes = (size_t)t->parameters * sizeof *t->best;
        memcpy(t->weights, t->best, bytes);
        KZ_TRY(t->dev->ops->upload(t->dev, kz_model_weights(t->model), t->best, bytes));
        KZ_TRY(trainer_evaluate(t, &t->valid, &t->run.valid));
        t->run.train = t->best_train;
    }
    KZ_TRY(trainer_evaluate(t, &t->test, &t->run.test));
    if (t->run.test.rows > 0 && !isfinite(t->run.test.loss)) diverge(t, t->run.steps - 1, "test");
done:
    return st;
}

/* One epoch (from 0).  *over: nothing more to train. */
static kz_status run_epoch(trainer *t, int64_t epoch, bool *over)
{
    const kz_train_options *o = t->options;
    kz_tally tally;
    double start = kz_clock();
    kz_status st = KZ_OK;
    KZ_TRY(run_steps(t, epoch, &tally));
    double seconds = kz_clock() - start;
    t->run.seconds_train += seconds;
    if (tally.bad_step >= 0) diverge(t, tally.bad_step, "step");
    else if (o->stop && *o->stop) t->run.stopped_by = "signal";
    *over = strcmp(t->run.stopped_by, "epochs") != 0;
    if (*over) {
        t->run.best_epoch = 0; /* the weights are those of the last step, and no epoch's metrics are theirs */
        t->run.train = t->run.valid = (kz_metrics){0};
        goto done;
    }
    kz_epoch e = {.epoch = epoch + 1,
                  .step = t->run.steps,
                  .train = trainer_metrics(t, &t->train, tally.loss, tally.score),
                  .lr = kz_optim_rate(&t->cfg->optimizer, t->run.steps - 1, t->steps),
                  .samples_per_s = (double)t->train.split->rows / seconds,
                  .seconds = seconds};
    KZ_TRY(finish_epoch(t, &e, over));
    if (t->run.diverged_step >= 0) t->run.best_epoch = 0;
done:
    return st;
}

kz_status trainer_loop(trainer *t)
{
    kz_status st = KZ_OK;
    bool over = false;
    for (int64_t epoch = 0; epoch < t->cfg->train.epochs && !over; epoch++) KZ_TRY(run_epoch(t, epoch, &over));
    if (strcmp(t->run.stopped_by, "signal") != 0 && t->run.diverged_step < 0) KZ_TRY(keep_best(t));
    else KZ_TRY(t->dev->ops->download(t->dev, t->weights, kz_model_weights(t->model), (size_t)t->parameters * 4));
done:
    return st;
}
