/* Checkpoints: when, and what of the run goes into them.  src/record writes them. */
#include "train/trainer.h"

bool trainer_has_checkpoints(const trainer *t)
{
    return t->cfg->train.checkpoint.every_epochs > 0 && !t->options->no_record;
}

/* Those that stay and the one being written, or all that the run writes if they are fewer. */
int64_t trainer_checkpoint_bytes(const trainer *t)
{
    const kz_config_train *c = &t->cfg->train;
    if (!trainer_has_checkpoints(t)) return 0;
    int64_t all = (c->epochs + c->checkpoint.every_epochs - 1) / c->checkpoint.every_epochs;
    int64_t files = all < c->checkpoint.keep + 1 ? all : c->checkpoint.keep + 1;
    int64_t values = 1 + kz_optim_arrays_of(t->cfg->optimizer.name) + (c->early_stop.metric != NULL);
    return files * (values * t->parameters * 4 + 65536);
}

/* It is written here, on the training thread, so that nothing is copied twice while there is one writer of epochs; the
 * writer's thread gets it together with resuming. */
kz_status trainer_checkpoint(trainer *t, const kz_epoch *e, bool last)
{
    int arrays = kz_optim_arrays(t->optim);
    kz_status st = KZ_OK;
    if (!trainer_has_checkpoints(t)) return KZ_OK;
    if (!last && e->epoch % t->cfg->train.checkpoint.every_epochs != 0) return KZ_OK;
    if (t->run.diverged_step >= 0) return KZ_OK; /* it must not push out one from which the run can go on */
    for (int i = 0; i < arrays; i++)
        KZ_TRY(t->dev->ops->download(t->dev, t->state + i * t->parameters, kz_optim_array(t->optim, i),
                                     (size_t)t->parameters * sizeof *t->state));
    kz_checkpoint c = {.epoch = e->epoch,
                       .step = t->run.steps,
                       .samples = t->run.samples,
                       .weights = t->weights,
                       .n = t->parameters,
                       .optimizer = t->state,
                       .arrays = arrays,
                       .best_epoch = t->run.best_epoch,
                       .epochs_since_best = t->epochs_since_best,
                       .best_value = t->best_value,
                       .best = t->best};
    KZ_TRY(kz_record_checkpoint(t->record, &c));
done:
    return st;
}
