/* One training step: the parts of a batch forward and backward, their gradients as a tree, the update. */
#include "train/trainer.h"

kz_gather trainer_gathering(const trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_cursor *at,
                            float *x)
{
    return (kz_gather){.rows = rows,
                       .width = t->data->features,
                       .row = view->row + first,
                       .at = at,
                       .from = view->x,
                       .bytes = view->split->element == KZ_U8 ? 1 : 4,
                       .mean = t->mean,
                       .factor = t->factor,
                       .divisor = t->data->scale_x.divisor,
                       .x = x};
}

/* Where the rows of a batch from `first` on are, scaled: as gathered, or as fetched. */
static float *features_of(const trainer *t, const part_view *view, const fetched *f, int64_t first)
{
    return f && view->x_outside ? f->x + first * t->data->features : t->x;
}

/* Their losses and scores, from the outputs z, and t->dz. */
static kz_loss losing(const trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_cursor *at,
                      const float *z)
{
    return (kz_loss){.which = t->loss,
                     .rows = rows,
                     .outputs = t->outputs,
                     .z = z,
                     .row = view->row + first,
                     .at = at,
                     .label = view->label,
                     .value = view->value,
                     .raw = view->raw,
                     .mean = t->target_mean,
                     .deviation = t->target_deviation,
                     .dz = t->dz,
                     .row_loss = t->row_loss,
                     .row_score = t->row_score};
}

/* Gathers rows, runs them through the model and scores them into `out`, of which the rows' and the sums' places are set. */
static kz_status forward_into(trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_model_step *at,
                              const fetched *f, const kz_loss *out)
{
    const kz_cursor *from = at ? at->at : NULL;
    int64_t skipped = at ? first : 0; /* rows of what was fetched */
    float *z = NULL, *x = features_of(t, view, f, skipped);
    kz_status st = KZ_OK;
    kz_gather gather = trainer_gathering(t, view, first, rows, from, x);
    if (!(f && view->x_outside)) KZ_TRY(t->dev->ops->gather(t->dev, &gather));
    KZ_TRY(kz_model_forward(t->model, rows, x, at, &z));
    kz_loss loss = losing(t, view, first, rows, from, z);
    if (f && view->y_outside) {
        loss.row = t->number + skipped;
        loss.at = NULL;
        loss.label = f->label;
        loss.value = f->value;
        loss.raw = f->raw;
    }
    loss.row_loss = out->row_loss;
    loss.row_score = out->row_score;
    loss.sum_loss = out->sum_loss;
    loss.sum_score = out->sum_score;
    KZ_TRY(t->dev->ops->loss(t->dev, &loss));
done:
    return st;
}

/* Gathers rows first .. first + rows - 1 of the view, runs them through the model and scores them; t->dz <- their
 * gradients.  at: the training step (dropout), whose cursor `first` counts from; or NULL. */
kz_status trainer_forward(trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_model_step *at,
                          const fetched *f, double *row_loss, double *row_score)
{
    kz_loss out = {.row_loss = row_loss, .row_score = row_score};
    return forward_into(t, view, first, rows, at, f, &out);
}

/* Part `part` of the batch, its rows first .. first + rows - 1: gradient of the sum of their losses, and the sums. */
static kz_status run_part(trainer *t, const fetched *f, int64_t first, int64_t rows, int64_t part, float *gradient)
{
    kz_model_step at = {.seed = t->cfg->seed, .at = t->cursor, .first_row = first};
    kz_loss out = {.row_loss = t->row_loss,
                   .row_score = t->row_score,
                   .sum_loss = t->part_loss + part,
                   .sum_score = t->part_score + part};
    kz_status st = KZ_OK;
    KZ_TRY(forward_into(t, &t->train, first, rows, &at, f, &out));
    KZ_TRY(kz_model_backward(t->model, rows, features_of(t, &t->train, f, first), &at, t->dz, gradient));
done:
    return st;
}

/* A batch of `rows` rows, from the cursor on. */
typedef struct {
    trainer *t;
    int64_t rows;
    const fetched *f;
} queued_step;

/* *done <- whether the device has done all of it at once: it may where the batch is one part. */
static kz_status queue_whole(trainer *t, int64_t rows, bool *done)
{
    kz_model_step at = {.seed = t->cfg->seed, .at = t->cursor};
    kz_step s = {.gather = trainer_gathering(t, &t->train, 0, rows, t->cursor, t->x),
                 .tensors = t->n_tensors,
                 .parameters = t->parameters,
                 .offset = t->tensor_offset,
                 .at = t->cursor,
                 .tally = t->tally};
    *done = false;
    if (t->cfg->train.micro_batches > 1) return KZ_OK;
    s.layers = kz_model_layers(t->model, rows, &at, KZ_STEP_LAYERS, s.layer);
    if (s.layers == 0) return KZ_OK;
    s.loss = losing(t, &t->train, 0, rows, t->cursor, s.layer[s.layers - 1].y);
    kz_optim_join(t->optim, kz_model_weights(t->model), &s);
    return t->dev->ops->step(t->dev, &s, done);
}

/* Part i holds rows floor(i b / m) .. floor((i + 1) b / m) - 1.  Gradients are added as a tree of adjacent pairs, found as
 * a binary counter finds its carries; what is left at the end merges from the right: an odd last one passes up. */
static kz_status queue_step(void *context)
{
    const queued_step *q = context;
    trainer *t = q->t;
    const kz_device_ops *ops = t->dev->ops;
    int64_t parts = t->cfg->train.micro_batches, rows = q->rows;
    kz_step_totals totals = {rows, parts, t->part_loss, t->part_score, t->cursor, t->tally};
    int depth = 0;
    bool done = false;
    kz_status st = KZ_OK;
    KZ_TRY(trainer_go_on(t));
    if (!q->f) KZ_TRY(queue_whole(t, rows, &done)); /* it gathers itself */
    if (done) return KZ_OK;
    for (int64_t i = 0; i < parts; i++) {
        int64_t first = i * rows / parts, end = (i + 1) * rows / parts;
        KZ_TRY(trainer_go_on(t)); /* no weight has changed yet */
        KZ_TRY(run_part(t, q->f, first, end - first, i, t->gradient[depth++]));
        for (int64_t rest = i; rest & 1; rest >>= 1, depth--)
            KZ_TRY(ops->add(t->dev, t->parameters, t->gradient[depth - 1], t->gradient[depth - 2]));
    }
    for (; depth > 1; depth--) KZ_TRY(ops->add(t->dev, t->parameters, t->gradient[depth - 1], t->gradient[depth - 2]));
    KZ_TRY(ops->finish_gradient(t->dev, t->n_tensors, t->tensor_offset, t->parameters, (float)(1.0 / (double)rows),
                                t->gradient[0], t->norm, &totals));
    KZ_TRY(kz_optim_step(t->optim, t->tally, t->norm, t->gradient[0], kz_model_weights(t->model)));
done:
    return st;
}

/* Where the step begins differs from where the last one ended: after a resume, and where row numbers begin anew. */
static kz_status place_cursor(trainer *t, kz_cursor at)
{
    if (t->at.begin == at.begin && t->at.step == at.step) return KZ_OK;
    t->at = at;
    return t->dev->ops->upload(t->dev, t->cursor, &at, sizeof at);
}

/* While the step computes, the rows of the next one come. */
static kz_status fetch_for_step(trainer *t, int64_t begin, int64_t rows, const fetched **f)
{
    int64_t next = begin + rows, left = t->train.split->rows - next, batch = t->cfg->train.batch;
    kz_status st = KZ_OK;
    KZ_TRY(trainer_fetch_enter(t, &t->train, begin, rows, f));
    KZ_TRY(trainer_fetch(t, &t->train, next, left < batch ? left : batch));
done:
    return st;
}

kz_status trainer_step(trainer *t, int64_t step, int64_t begin, int64_t rows)
{
    const part_view *v = &t->train;
    queued_step q = {.t = t, .rows = rows};
    kz_status st = KZ_OK;
    KZ_TRY(kz_optim_prepare(t->optim, step));
    KZ_TRY(place_cursor(t, (kz_cursor){.begin = begin, .step = step}));
    KZ_TRY(fetch_for_step(t, begin, rows, &q.f));
    struct { /* all that differs between the queues of two steps */
        int64_t rows;
        const void *x, *label, *value, *raw, *row, *fetched;
    } key = {rows, v->x, v->label, v->value, v->raw, v->row, q.f};
    t->at = (kz_cursor){.begin = begin + rows, .step = step + 1};
    st = t->dev->ops->repeat(t->dev, &key, sizeof key, queue_step, &q);
    kz_status left = trainer_fetch_leave(t, q.f);
    if (st == KZ_OK) st = left;
done:
    if (st != KZ_OK) t->at.step = -1; /* wherever the cursor is, the next step sets it */
    return st;
}
