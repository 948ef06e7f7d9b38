/* Splits that are read while they are used: windows from the feed to the device.
 *
 * Where the device's memory is the host's, a window is used where it lies.  A GPU has two of its own, and while the rows of
 * one are used the next one is sent into the other: as soon as the feed has filled it and the rows before are used up.  The
 * feed has its window back once it is sent. */
#include "train/trainer.h"

#include "kernels/sum/sum.h"

#include <string.h>

bool trainer_is_streamed(const part_view *view)
{
    return view->split && view->split->streamed;
}

bool trainer_streams(const trainer *t)
{
    return t->data->train.streamed || t->data->valid.streamed || t->data->test.streamed;
}

static int64_t element_of(const kz_split *s)
{
    return s->element == KZ_U8 ? 1 : (int64_t)sizeof(float);
}

/* ---- a GPU's windows ---- */

static int64_t window_element(const trainer *t)
{
    const kz_split *split[] = {&t->data->train, &t->data->valid, &t->data->test};
    int64_t most = 1;
    for (int i = 0; i < 3; i++)
        if (split[i]->streamed && element_of(split[i]) > most) most = element_of(split[i]);
    return most;
}

static bool scaled_targets(const kz_data *d)
{
    return strcmp(d->scale_y.kind, "none") != 0;
}

double trainer_window_bytes(const trainer *t)
{
    const kz_data *d = t->data;
    double row = sizeof(int64_t) + (double)d->features * (double)window_element(t);
    if (!t->dev->gpu) return 0;
    if (d->classification) row += sizeof(int32_t);
    else row += (double)d->targets * sizeof(float) * (scaled_targets(d) ? 2 : 1);
    return row * (double)d->stream_rows;
}

static kz_status create_window(trainer *t, device_window *w)
{
    const kz_device_ops *ops = t->dev->ops;
    const kz_data *d = t->data;
    size_t rows = (size_t)d->stream_rows, targets = (size_t)d->targets * sizeof(float);
    kz_status st = KZ_OK;
    KZ_TRY(ops->alloc(t->dev, &w->x, rows * (size_t)(d->features * window_element(t)), "a window's features"));
    KZ_TRY(ops->alloc(t->dev, &w->row, rows * sizeof *w->row, "a window's row numbers"));
    if (d->classification) {
        KZ_TRY(ops->alloc(t->dev, &w->label, rows * sizeof *w->label, "a window's labels"));
    } else {
        KZ_TRY(ops->alloc(t->dev, &w->raw, rows * targets, "a window's targets"));
        if (scaled_targets(d)) KZ_TRY(ops->alloc(t->dev, &w->value, rows * targets, "a window's scaled targets"));
    }
done:
    return st;
}

kz_status trainer_stream_create(trainer *t)
{
    const void *at;
    size_t bytes;
    kz_status st = KZ_OK;
    t->shown = -1;
    if (!trainer_streams(t)) return KZ_OK;
    KZ_TRY(kz_feed_create(&t->feed, t->data, t->cfg));
    t->piece_rows = t->dev->gpu ? t->data->stream_rows : t->max_rows;
    KZ_TRY(kz_calloc(&t->piece, t->piece_rows, sizeof *t->piece, "losses of rows"));
    if (!t->dev->gpu) return KZ_OK;
    for (; kz_feed_memory(t->feed, t->pins, &at, &bytes); t->pins++)
        KZ_TRY(t->dev->ops->pin(t->dev, at, bytes, "windows"));
    for (int i = 0; i < 2; i++) {
        KZ_TRY(create_window(t, &t->window[i]));
        KZ_TRY(t->dev->ops->leave(t->dev, i)); /* after the zeros that it was made of */
    }
done:
    return st;
}

void trainer_stream_release(trainer *t)
{
    const kz_device_ops *ops = t->dev->ops;
    const void *at;
    size_t bytes;
    for (int i = 0; i < 2; i++) {
        device_window *w = &t->window[i];
        void *arrays[] = {&w->x, &w->label, &w->value, &w->raw, &w->row};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) ops->release(t->dev, arrays[k]);
    }
    while (t->pins > 0)
        if (kz_feed_memory(t->feed, --t->pins, &at, &bytes)) ops->unpin(t->dev, at, bytes);
    kz_feed_destroy(&t->feed);
}

/* Windows that are sent are the feed's again.  wait: until all are. */
static kz_status give_back(trainer *t, bool wait)
{
    kz_status st = KZ_OK;
    for (int i = 0; i < 2; i++) {
        bool sent = false;
        if (!t->window[i].lent) continue;
        KZ_TRY(t->dev->ops->filled(t->dev, i, wait, &sent));
        if (sent) kz_feed_give_back(t->feed, &t->window[i].from);
        t->window[i].lent = !sent;
    }
done:
    return st;
}

typedef struct {
    trainer *t;
    device_window *to;
    int64_t element;
} sending;

static kz_status send_window(void *context)
{
    const sending *s = context;
    const kz_data *d = s->t->data;
    const device_window *to = s->to;
    const kz_window *from = &to->from;
    size_t held = (size_t)from->held, targets = (size_t)d->targets * sizeof(float);
    const struct {
        void *to;
        const void *from;
        size_t bytes;
    } array[] = {{to->row, from->row, (size_t)from->rows * sizeof *from->row},
                 {to->x, from->x, held * (size_t)(d->features * s->element)},
                 {to->label, from->label, held * sizeof *from->label},
                 {to->raw, from->raw, held * targets},
                 {to->value, from->value, held * targets}};
    kz_status st = KZ_OK;
    for (size_t i = 0; i < sizeof array / sizeof *array; i++)
        if (array[i].to) KZ_TRY(s->t->dev->ops->send(s->t->dev, array[i].to, array[i].from, array[i].bytes));
done:
    return st;
}

/* Until the feed has a window, or none any more. */
static kz_status wait_for_feed(const trainer *t)
{
    kz_status st = KZ_OK;
    while (!kz_feed_wait(t->feed, 0.1)) KZ_TRY(trainer_go_on(t));
done:
    return st;
}

/* The next window on its way to the GPU, if it is not yet.  wait: until the feed has it, else only if it has. */
static kz_status bring(trainer *t, const part_view *view, bool wait)
{
    int place = t->shown == 0 ? 1 : 0;
    device_window *w = &t->window[place];
    sending job = {t, w, element_of(view->split)};
    kz_status st = KZ_OK;
    KZ_TRY(give_back(t, wait && !t->brought));
    if (t->brought) goto done;
    if (wait) KZ_TRY(wait_for_feed(t));
    else if (!kz_feed_has(t->feed)) goto done;
    KZ_TRY(kz_feed_next(t->feed, &w->from));
    if (w->from.rows == 0) goto done;
    KZ_TRY(t->dev->ops->fill(t->dev, place, send_window, &job));
    w->lent = t->brought = true;
done:
    return st;
}

/* The window that is on its way, in the view; *none: there is none. */
static kz_status show_sent(trainer *t, part_view *view, bool *none)
{
    kz_status st = KZ_OK;
    if (t->shown >= 0) KZ_TRY(t->dev->ops->leave(t->dev, t->shown));
    KZ_TRY(bring(t, view, true));
    *none = !t->brought;
    if (*none) goto done;
    t->shown = t->shown == 0 ? 1 : 0;
    t->brought = false;
    KZ_TRY(t->dev->ops->enter(t->dev, t->shown));
    const device_window *w = &t->window[t->shown];
    view->x = w->x;
    view->label = w->label;
    view->raw = w->raw;
    view->value = w->value ? w->value : w->raw;
    view->row = w->row;
    view->first = w->from.first;
    view->held = w->from.rows;
done:
    return st;
}

/* ---- windows that are used where they lie ---- */

static kz_status show_in_place(trainer *t, part_view *view, bool *none)
{
    const kz_data *d = t->data;
    kz_window *w = &t->window[0].from;
    kz_status st = KZ_OK;
    trainer_unshare(t, view);
    if (w->rows > 0) kz_feed_give_back(t->feed, w);
    KZ_TRY(wait_for_feed(t));
    KZ_TRY(kz_feed_next(t->feed, w));
    *none = w->rows == 0;
    if (*none) goto done;
    KZ_TRY(trainer_share(t, &view->x, w->x, w->held * d->features, (size_t)element_of(view->split), "features"));
    KZ_TRY(trainer_share(t, (const void **)&view->label, w->label, w->held, sizeof *w->label, "labels"));
    KZ_TRY(trainer_share(t, (const void **)&view->value, w->value, w->held * d->targets, sizeof(float), "targets"));
    KZ_TRY(trainer_share(t, (const void **)&view->raw, w->raw, w->held * d->targets, sizeof(float), "targets"));
    KZ_TRY(t->dev->ops->upload(t->dev, view->row, w->row, (size_t)w->rows * sizeof *w->row));
    view->first = w->first;
    view->held = w->rows;
done:
    return st;
}

/* ---- passes ---- */

kz_status trainer_stream_begin(trainer *t, part_view *view, int64_t epoch, int64_t position)
{
    int64_t rows = view->split->rows, batch = t->cfg->train.batch;
    kz_pass pass = {.split = view->split, .epoch = (uint32_t)epoch, .position = position, .batch = 1};
    part_view *all[] = {&t->train, &t->valid, &t->test};
    kz_status st = KZ_OK;
    if (view == &t->train) pass.batch = batch < rows ? batch : rows;
    bool under_way = view == &t->train && t->ahead == epoch && position == 0;
    t->ahead = -1;
    if (under_way) return KZ_OK;
    KZ_TRY(give_back(t, true)); /* the feed's windows are about to be filled again */
    for (int i = 0; i < 3; i++)
        if (trainer_is_streamed(all[i])) trainer_unshare(t, all[i]);
    if (!t->dev->gpu && t->window[0].from.rows > 0) kz_feed_give_back(t->feed, &t->window[0].from);
    t->window[0].from.rows = 0;
    t->brought = false;
    view->first = position;
    view->held = 0;
    KZ_TRY(kz_feed_begin(t->feed, &pass));
done:
    return st;
}

/* While splits in memory are evaluated, the next epoch's first window is filled. */
kz_status trainer_stream_ahead(trainer *t, int64_t epoch)
{
    kz_status st = KZ_OK;
    if (!trainer_is_streamed(&t->train) || epoch >= t->cfg->train.epochs) return KZ_OK;
    if (trainer_is_streamed(&t->valid) || trainer_is_streamed(&t->test)) return KZ_OK;
    KZ_TRY(trainer_stream_begin(t, &t->train, epoch, 0));
    t->ahead = epoch;
done:
    return st;
}

kz_status trainer_stream_send_ahead(trainer *t)
{
    return t->ahead >= 0 && t->dev->gpu ? bring(t, &t->train, false) : KZ_OK;
}

kz_status trainer_stream_rows(trainer *t, part_view *view, int64_t begin)
{
    bool gpu = t->dev->gpu != NULL, none = false;
    kz_status st = KZ_OK;
    if (gpu) KZ_TRY(bring(t, view, false));
    while (begin >= view->first + view->held) {
        KZ_TRY(gpu ? show_sent(t, view, &none) : show_in_place(t, view, &none));
        if (none) return KZ_FAIL(KZ_E_FAIL, "%s: rows %lld on are missing", t->data->path, (long long)begin);
    }
done:
    return st;
}

/* ---- evaluation ---- */

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

/* Rows first .. first + rows - 1 of the view, whose losses and scores are waited for together. */
static kz_status evaluate_piece(trainer *t, const part_view *view, int64_t first, int64_t rows)
{
    kz_status st = KZ_OK;
    for (int64_t done = 0, n; done < rows; done += n) {
        n = rows - done < t->max_rows ? rows - done : t->max_rows;
        KZ_TRY(trainer_go_on(t));
        KZ_TRY(trainer_forward(t, view, first + done, n, NULL, NULL, t->row_loss + done, t->row_score + done));
    }
done:
    return st;
}

kz_status trainer_stream_evaluate(trainer *t, part_view *view, double sums[2])
{
    kz_running_sum sum[2];
    int64_t n = view->split->rows;
    kz_status st = KZ_OK;
    memset(sum, 0, sizeof sum);
    KZ_TRY(trainer_stream_begin(t, view, 0, 0));
    for (int64_t first = 0, rows; first < n; first += rows) {
        KZ_TRY(trainer_stream_rows(t, view, first));
        int64_t left = view->first + view->held - first;
        rows = left < t->piece_rows ? left : t->piece_rows;
        KZ_TRY(evaluate_piece(t, view, first - view->first, rows));
        if (t->dev->gpu) KZ_TRY(bring(t, view, false)); /* before the host waits */
        KZ_TRY(add_piece(t, rows, sum));
    }
    sums[0] = kz_running_sum_end(&sum[0]);
    sums[1] = kz_running_sum_end(&sum[1]);
done:
    return st;
}
