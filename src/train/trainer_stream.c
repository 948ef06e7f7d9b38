/* Splits that are read while they are used: windows from the feed to the device. */
#include "train/trainer.h"

#include "kernels/sum/sum.h"

#include <string.h>

bool trainer_is_streamed(const part_view *view)
{
    return view->split && view->split->streamed;
}

bool trainer_streams(const trainer *t)
{
    return trainer_is_streamed(&t->train) || trainer_is_streamed(&t->valid) || trainer_is_streamed(&t->test);
}

void trainer_stream_begin(trainer *t, part_view *view, int64_t epoch, int64_t position)
{
    int64_t rows = view->split->rows, batch = t->cfg->train.batch;
    kz_pass pass = {.split = view->split, .epoch = (uint32_t)epoch, .position = position, .batch = 1};
    if (view == &t->train) pass.batch = batch < rows ? batch : rows;
    if (view == &t->train && t->ahead == epoch && position == 0) {
        t->ahead = -1;
        return; /* it is under way */
    }
    t->ahead = -1;
    part_view *all[] = {&t->train, &t->valid, &t->test};
    for (int i = 0; i < 3; i++) /* the windows of the pass before, of whichever split, are about to be filled again */
        if (trainer_is_streamed(all[i])) trainer_unshare(t, all[i]);
    view->first = position;
    view->held = 0;
    kz_feed_begin(t->feed, &pass);
}

/* While splits in memory are evaluated, the next epoch's first window is filled. */
void trainer_stream_ahead(trainer *t, int64_t epoch)
{
    if (!trainer_is_streamed(&t->train) || epoch >= t->cfg->train.epochs) return;
    if (trainer_is_streamed(&t->valid) || trainer_is_streamed(&t->test)) return;
    trainer_stream_begin(t, &t->train, epoch, 0);
    t->ahead = epoch;
}

static kz_status show_window(trainer *t, part_view *view, const kz_window *w)
{
    const kz_device_ops *ops = t->dev->ops;
    const kz_data *d = t->data;
    kz_status st = KZ_OK;
    KZ_TRY(trainer_share(t, &view->x, w->x, w->held * d->features, view->split->element == KZ_U8 ? 1 : 4, "features"));
    KZ_TRY(trainer_share(t, (const void **)&view->label, w->label, w->held, sizeof *w->label, "labels"));
    KZ_TRY(trainer_share(t, (const void **)&view->value, w->value, w->held * d->targets, sizeof(float), "targets"));
    KZ_TRY(trainer_share(t, (const void **)&view->raw, w->raw, w->held * d->targets, sizeof(float), "targets"));
    KZ_TRY(ops->upload(t->dev, view->row, w->row, (size_t)w->rows * sizeof *w->row));
    view->first = w->first;
    view->held = w->rows;
done:
    return st;
}

kz_status trainer_stream_rows(trainer *t, part_view *view, int64_t begin)
{
    kz_window w;
    kz_status st = KZ_OK;
    while (begin >= view->first + view->held) {
        trainer_unshare(t, view);
        while (!kz_feed_wait(t->feed, 0.1)) KZ_TRY(trainer_go_on(t));
        KZ_TRY(kz_feed_next(t->feed, &w));
        if (w.rows == 0) return KZ_FAIL(KZ_E_FAIL, "%s: rows %lld on are missing", t->data->path, (long long)begin);
        KZ_TRY(show_window(t, view, &w));
    }
done:
    return st;
}

static kz_status add_piece(trainer *t, int64_t rows, kz_running_sum sum[2])
{
    kz_status st = KZ_OK;
    KZ_TRY(t->dev->ops->download(t->dev, t->piece, t->row_loss, (size_t)rows * sizeof *t->piece));
    for (int64_t i = 0; i < rows; i++) kz_running_sum_add(&sum[0], t->piece[i]);
    KZ_TRY(t->dev->ops->download(t->dev, t->piece, t->row_score, (size_t)rows * sizeof *t->piece));
    for (int64_t i = 0; i < rows; i++) kz_running_sum_add(&sum[1], t->piece[i]);
done:
    return st;
}

kz_status trainer_stream_evaluate(trainer *t, part_view *view, double sums[2])
{
    kz_running_sum sum[2];
    int64_t n = view->split->rows;
    kz_status st = KZ_OK;
    memset(sum, 0, sizeof sum);
    trainer_stream_begin(t, view, 0, 0);
    for (int64_t first = 0, rows; first < n; first += rows) {
        KZ_TRY(trainer_stream_rows(t, view, first));
        int64_t left = view->first + view->held - first;
        rows = left < t->max_rows ? left : t->max_rows;
        KZ_TRY(trainer_go_on(t));
        KZ_TRY(trainer_forward(t, view, first - view->first, rows, NULL, t->row_loss, t->row_score));
        KZ_TRY(add_piece(t, rows, sum));
    }
    sums[0] = kz_running_sum_end(&sum[0]);
    sums[1] = kz_running_sum_end(&sum[1]);
done:
    return st;
}
