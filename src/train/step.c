/* One training step: the parts of a batch forward and backward, their gradients as a tree, the update. */
#include "train/trainer.h"

/* Gathers rows first .. first + rows - 1 of the view, runs them through the model and scores them; t->dz <- their
 * gradients.  at: the training step (dropout), or NULL. */
kz_status trainer_forward(trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_model_step *at,
                          double *row_loss, double *row_score)
{
    float *z = NULL;
    kz_status st = KZ_OK;
    kz_gather gather = {.rows = rows,
                        .width = t->data->features,
                        .row = view->row + first,
                        .from = view->x,
                        .bytes = view->split->element == KZ_U8 ? 1 : 4,
                        .mean = t->mean,
                        .factor = t->factor,
                        .divisor = t->data->scale_x.divisor,
                        .x = t->x};
    KZ_TRY(t->dev->ops->gather(t->dev, &gather));
    KZ_TRY(kz_model_forward(t->model, rows, t->x, at, &z));
    kz_loss loss = {.which = t->loss,
                    .rows = rows,
                    .outputs = t->outputs,
                    .z = z,
                    .row = view->row + first,
                    .label = view->label,
                    .value = view->value,
                    .raw = view->raw,
                    .mean = t->target_mean,
                    .deviation = t->target_deviation,
                    .dz = t->dz,
                    .row_loss = row_loss,
                    .row_score = row_score};
    KZ_TRY(t->dev->ops->loss(t->dev, &loss));
done:
    return st;
}

/* Part `part` of the batch, its rows first .. first + rows - 1: gradient of the sum of their losses, and the sums. */
static kz_status run_part(trainer *t, int64_t step, int64_t begin, int64_t first, int64_t rows, int64_t part,
                          float *gradient)
{
    kz_model_step at = {.seed = t->cfg->seed, .step = (uint32_t)step, .first_row = first};
    kz_status st = KZ_OK;
    KZ_TRY(trainer_forward(t, &t->train, begin + first, rows, &at, t->row_loss, t->row_score));
    KZ_TRY(t->dev->ops->sum(t->dev, rows, t->row_loss, t->part_loss + part));
    KZ_TRY(t->dev->ops->sum(t->dev, rows, t->row_score, t->part_score + part));
    KZ_TRY(kz_model_backward(t->model, rows, t->x, &at, t->dz, gradient));
done:
    return st;
}

/* Part i holds rows floor(i b / m) .. floor((i + 1) b / m) - 1.  Gradients are added as a tree of adjacent pairs, found as
 * a binary counter finds its carries; what is left at the end merges from the right: an odd last one passes up. */
kz_status trainer_step(trainer *t, int64_t step, int64_t begin, int64_t rows)
{
    const kz_device_ops *ops = t->dev->ops;
    int64_t parts = t->cfg->train.micro_batches;
    int depth = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < parts; i++) {
        int64_t first = i * rows / parts, end = (i + 1) * rows / parts;
        KZ_TRY(trainer_go_on(t)); /* no weight has changed yet */
        KZ_TRY(run_part(t, step, begin, first, end - first, i, t->gradient[depth++]));
        for (int64_t rest = i; rest & 1; rest >>= 1, depth--)
            KZ_TRY(ops->add(t->dev, t->parameters, t->gradient[depth - 1], t->gradient[depth - 2]));
    }
    for (; depth > 1; depth--) KZ_TRY(ops->add(t->dev, t->parameters, t->gradient[depth - 1], t->gradient[depth - 2]));
    KZ_TRY(ops->finish_gradient(t->dev, t->n_tensors, t->tensor_offset, (float)(1.0 / (double)rows), t->gradient[0],
                                t->norm));
    KZ_TRY(ops->tally(t->dev, step, parts, t->part_loss, t->part_score, t->norm, t->tally));
    KZ_TRY(kz_optim_step(t->optim, step, t->tally, t->norm, t->gradient[0], kz_model_weights(t->model)));
done:
    return st;
}
