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

double trainer_rank(const char *metric, double value)
{
    return larger_is_better(metric) ? -value : value;
}

double trainer_seconds(const trainer *t)
{
    return t->past_seconds + kz_clock() - t->started;
}

kz_status trainer_go_on(const trainer *t)
{
    const volatile sig_atomic_t *stop = t->options->stop;
    return stop && *stop ? KZ_FAIL(KZ_E_INTERRUPTED, "%s: stopped by a signal", t->cfg->name) : KZ_OK;
}

/* The epoch's order of the rows of train, on the device. */
static kz_status order_rows(trainer *t, int64_t epoch)
{
    const kz_split *s = t->train.split;
    const kz_config *cfg = t->cfg;
    kz_windows windows = {.array_rows = s->rows + (s->index ? t->data->valid.rows : 0),
                          .rows = s->rows,
                          .index = s->index,
                          .block = cfg->data.window_block,
                          .window = cfg->data.window};
    kz_status st = KZ_OK;
    if (strcmp(cfg->train.shuffle, "none") == 0) return KZ_OK; /* in order since the set-up */
    if (strcmp(cfg->train.shuffle, "full") == 0) kz_data_shuffle(t->order, s->rows, cfg->seed, (uint32_t)epoch);
    else KZ_TRY(kz_data_shuffle_windows(t->order, &windows, cfg->seed, (uint32_t)epoch));
    for (int64_t i = 0; s->index && i < s->rows; i++) t->order[i] = s->index[t->order[i]];
    KZ_TRY(t->dev->ops->upload(t->dev, t->train.row, t->order, (size_t)s->rows * sizeof *t->order));
    KZ_TRY(trainer_fetch_anew(t));
done:
    return st;
}

static kz_status read_tally(trainer *t, kz_tally *tally)
{
    return t->dev->ops->download(t->dev, tally, t->tally, sizeof *tally);
}

/* A device that works ahead is waited for here, and not after every step.  What it was given after a step that was not
 * finite it has not done, and a signal or bad data that came meanwhile change nothing about that. */
static kz_status look_back(trainer *t, const kz_run *before, kz_tally *tally, kz_status st)
{
    double start = kz_clock();
    if (!t->dev->ahead || st == KZ_E_FAIL || st == KZ_E_MEM) return st; /* the device itself may have failed */
    kz_status read = read_tally(t, tally);
    if (read != KZ_OK) return read;
    t->epoch_seconds += kz_clock() - start;
    t->run.seconds_train += kz_clock() - start;
    if (tally->bad_step < 0) return st;
    kz_error_clear();
    t->run.samples = before->samples + (tally->bad_step - before->steps) * t->cfg->train.batch;
    t->run.steps = tally->bad_step;
    return KZ_OK;
}

/* The steps of an epoch (from 0) that are left; stops early when one was not finite. */
static kz_status run_steps(trainer *t, int64_t epoch, kz_tally *tally)
{
    const kz_train_options *o = t->options;
    int64_t rows = t->train.split->rows, batch = t->cfg->train.batch;
    int64_t done = t->run.steps - epoch * t->steps_per_epoch;
    kz_run before = t->run;
    kz_status st = KZ_OK;
    *tally = done > 0 ? t->resumed_tally : (kz_tally){.bad_step = -1};
    KZ_TRY(t->dev->ops->upload(t->dev, t->tally, tally, sizeof *tally));
    if (trainer_is_streamed(&t->train)) KZ_TRY(trainer_stream_begin(t, &t->train, epoch, done * batch));
    else KZ_TRY(order_rows(t, epoch));
    for (int64_t begin = done * batch; begin < rows; begin += batch) {
        int64_t n = rows - begin < batch ? rows - begin : batch;
        double start = kz_clock();
        KZ_TRY(trainer_go_on(t));
        if (trainer_is_streamed(&t->train)) KZ_TRY(trainer_stream_rows(t, &t->train, begin));
        KZ_TRY(trainer_step(t, t->run.steps, begin - t->train.first, n));
        if (!t->dev->ahead) KZ_TRY(read_tally(t, tally));
        t->epoch_seconds += kz_clock() - start;
        t->run.seconds_train += kz_clock() - start;
        if (tally->bad_step >= 0) break;
        t->run.steps++;
        t->run.samples += n;
        if (o->watch.step) o->watch.step(o->watch.context, t->run.steps);
        KZ_TRY(trainer_checkpoint_after_step(t));
        if (t->diverged) break;
    }
    if (tally->bad_step < 0 && !t->diverged) KZ_TRY(trainer_stream_ahead(t, epoch + 1));
done:
    return look_back(t, &before, tally, st);
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

static bool out_of_time(const trainer *t)
{
    double most = t->cfg->train.max_minutes;
    return most > 0 && trainer_seconds(t) >= 60 * most;
}

static kz_status test_for_target(trainer *t, kz_metrics *test)
{
    const char *target = t->cfg->train.target.metric;
    *test = (kz_metrics){0};
    return target && strncmp(target, "test.", 5) == 0 ? trainer_evaluate(t, &t->test, test) : KZ_OK;
}

kz_status trainer_decide_again(trainer *t)
{
    const kz_config_early_stop *c = &t->cfg->train.early_stop;
    kz_epoch e = {.epoch = t->run.epochs, .train = t->run.train, .valid = t->run.valid};
    kz_metrics test;
    kz_status st = KZ_OK;
    if (strcmp(t->run.stopped_by, "time") == 0 && !out_of_time(t)) t->run.stopped_by = "epochs";
    if (strcmp(t->run.stopped_by, "epochs") != 0) goto done;
    KZ_TRY(test_for_target(t, &test));
    if (target_met(t, &e, &test)) t->run.stopped_by = "target";
    else if (c->metric && t->epochs_since_best >= c->patience) t->run.stopped_by = "early_stop";
done:
    return st;
}

/* After the steps of an epoch: weights to the host, metrics, record.  *over: nothing more to train. */
static kz_status finish_epoch(trainer *t, kz_epoch *e, bool *over)
{
    const kz_train_options *o = t->options;
    kz_metrics test;
    kz_status st = KZ_OK;
    KZ_TRY(t->dev->ops->download(t->dev, t->weights, kz_model_weights(t->model), (size_t)t->parameters * 4));
    KZ_TRY(trainer_evaluate(t, &t->valid, &e->valid));
    KZ_TRY(test_for_target(t, &test));
    if (t->record) KZ_TRY(kz_record_epoch(t->record, e, t->weights, t->parameters));
    if (o->watch.epoch) KZ_TRY(o->watch.epoch(o->watch.context, e, t->weights, t->parameters));
    t->run.epochs = e->epoch;
    t->epoch_seconds = 0;
    t->run.train = e->train;
    t->run.valid = e->valid;
    bool patience_over = out_of_patience(t, e); /* also keeps the best weights: so it comes first */
    if (target_met(t, e, &test)) t->run.stopped_by = "target";
    else if (patience_over) t->run.stopped_by = "early_stop";
    else if (e->epoch < t->cfg->train.epochs && out_of_time(t)) t->run.stopped_by = "time";
    if (e->valid.rows > 0 && !isfinite(e->valid.loss)) diverge(t, t->run.steps - 1, "valid");
    *over = strcmp(t->run.stopped_by, "epochs") != 0;
    KZ_TRY(trainer_checkpoint_after_epoch(t, *over || e->epoch == t->cfg->train.epochs));
done:
    return st;
}

/* Weights of the best epoch back, and the metrics of what is kept. */
static kz_status keep_best(trainer *t)
{
    kz_status st = KZ_OK;
    bool restore = t->run.best_epoch > 0 && t->run.best_epoch != t->run.epochs;
    if (restore) {
        if (t->record) KZ_TRY(trainer_checkpoint_fill(t, &t->end)); /* for a signal from here on */
        t->has_end = t->record != NULL;
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
    kz_tally tally;
    kz_status st = KZ_OK;
    KZ_TRY(run_steps(t, epoch, &tally));
    if (tally.bad_step >= 0) {
        diverge(t, tally.bad_step, "step");
        t->run.train = t->run.valid = (kz_metrics){0}; /* no epoch's metrics are those of these weights */
        *over = true;
        goto done;
    }
    kz_epoch e = {.epoch = epoch + 1,
                  .step = t->run.steps,
                  .train = trainer_metrics(t, &t->train, tally.loss, tally.score),
                  .lr = kz_optim_rate(&t->cfg->optimizer, t->run.steps - 1, t->steps),
                  .samples_per_s = (double)t->train.split->rows / t->epoch_seconds,
                  .seconds = t->epoch_seconds};
    KZ_TRY(finish_epoch(t, &e, over));
done:
    if (t->run.diverged_step >= 0) t->run.best_epoch = 0;
    return st;
}

/* What there is to say of a run that a signal ended: the weights are those of the last step, and no epoch's metrics are
 * theirs. */
static kz_status end_by_signal(trainer *t)
{
    kz_status st = KZ_OK;
    kz_error_clear();
    KZ_TRY(trainer_checkpoint_at_signal(t));
    t->run.stopped_by = "signal";
    t->run.best_epoch = 0;
    t->run.train = t->run.valid = t->run.test = (kz_metrics){0};
    if (t->has_end) memcpy(t->weights, t->end.weights, (size_t)t->parameters * 4);
    else KZ_TRY(t->dev->ops->download(t->dev, t->weights, kz_model_weights(t->model), (size_t)t->parameters * 4));
done:
    return st;
}

kz_status trainer_loop(trainer *t)
{
    kz_status st = KZ_OK;
    bool over = strcmp(t->run.stopped_by, "epochs") != 0; /* a run taken up at its end */
    t->checkpoint_time = kz_clock();
    for (int64_t epoch = t->run.epochs; epoch < t->cfg->train.epochs && !over; epoch++)
        KZ_TRY(run_epoch(t, epoch, &over));
    if (t->run.diverged_step < 0) KZ_TRY(keep_best(t));
    else KZ_TRY(t->dev->ops->download(t->dev, t->weights, kz_model_weights(t->model), (size_t)t->parameters * 4));
done:
    return st == KZ_E_INTERRUPTED ? end_by_signal(t) : st;
}
