/* Rows of splits that lie outside of the GPU's memory: brought over beside the queue, one batch ahead, by turns into two
 * places.  The gather that brings them is the one that converts and scales them, so that the bits are the same. */
#include "train/trainer.h"

enum { FIRST_PLACE = 2 }; /* of the device's: windows have those before */

static bool is_fetched(const part_view *view)
{
    return view->x_outside || view->y_outside;
}

/* Rows that a place has room for: a whole batch of train, or a piece of an evaluation. */
static int64_t fetch_rows(const trainer *t)
{
    int64_t rows = t->data->train.rows, batch = t->cfg->train.batch < rows ? t->cfg->train.batch : rows;
    return batch > t->max_rows ? batch : t->max_rows;
}

double trainer_fetch_bytes(const trainer *t, bool x, bool y)
{
    const kz_data *d = t->data;
    double row = x ? 4.0 * (double)d->features : 0;
    if (y) row += d->classification ? sizeof(int32_t) : 2 * sizeof(float) * (double)d->targets;
    if (!x && !y) return 0;
    return (double)fetch_rows(t) * (2 * row + (y ? sizeof(int64_t) : 0));
}

/* Numbers 0, 1, ...: the targets that are fetched lie in the order of the rows. */
static kz_status number_rows(trainer *t)
{
    int64_t n = fetch_rows(t), *number = NULL;
    size_t bytes = (size_t)n * sizeof *number;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&number, n, sizeof *number, "row numbers"));
    for (int64_t i = 0; i < n; i++) number[i] = i;
    KZ_TRY(t->dev->ops->alloc(t->dev, &t->number, bytes, "row numbers"));
    KZ_TRY(t->dev->ops->upload(t->dev, t->number, number, bytes));
done:
    kz_free(&number);
    return st;
}

kz_status trainer_fetch_create(trainer *t)
{
    const kz_device_ops *ops = t->dev->ops;
    const kz_data *d = t->data;
    part_view *all[] = {&t->train, &t->valid, &t->test};
    bool x = false, y = false;
    kz_status st = KZ_OK;
    for (int i = 0; i < 3; i++) {
        part_view *v = all[i];
        v->x_outside = ops->is_outside(t->dev, v->x);
        v->y_outside =
            ops->is_outside(t->dev, v->label) || ops->is_outside(t->dev, v->value) || ops->is_outside(t->dev, v->raw);
        x = x || v->x_outside;
        y = y || v->y_outside;
    }
    size_t rows = (size_t)fetch_rows(t), targets = rows * (size_t)d->targets * sizeof(float);
    for (int i = 0; i < 2 && (x || y); i++) {
        fetched *f = &t->place[i];
        if (x) KZ_TRY(ops->alloc(t->dev, &f->x, rows * (size_t)d->features * sizeof *f->x, "fetched features"));
        if (y && d->classification) KZ_TRY(ops->alloc(t->dev, &f->label, rows * sizeof *f->label, "fetched labels"));
        if (y && !d->classification) KZ_TRY(ops->alloc(t->dev, &f->value, targets, "fetched targets"));
        if (y && !d->classification) KZ_TRY(ops->alloc(t->dev, &f->raw, targets, "fetched targets"));
    }
    if (y) KZ_TRY(number_rows(t));
    t->fetches = x || y;
    KZ_TRY(trainer_fetch_anew(t));
done:
    return st;
}

void trainer_fetch_release(trainer *t)
{
    for (int i = 0; i < 2; i++) {
        fetched *f = &t->place[i];
        void *arrays[] = {&f->x, &f->label, &f->value, &f->raw};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) t->dev->ops->release(t->dev, arrays[k]);
    }
    t->dev->ops->release(t->dev, &t->number);
}

typedef struct {
    trainer *t;
    const part_view *view;
    int64_t first, rows;
    fetched *to;
} fetching;

/* 4-byte numbers as they are: binary32 to binary32 changes no bit, those of a class number neither. */
static kz_status fetch_numbers(const fetching *job, const void *from, int64_t width, void *to)
{
    kz_gather g = {
        .rows = job->rows, .width = width, .row = job->view->row + job->first, .from = from, .bytes = 4, .x = to};
    return from ? job->t->dev->ops->gather(job->t->dev, &g) : KZ_OK;
}

static kz_status queue_fetch(void *context)
{
    const fetching *job = context;
    const part_view *view = job->view;
    trainer *t = job->t;
    kz_status st = KZ_OK;
    if (view->x_outside) {
        kz_gather g = trainer_gathering(t, view, job->first, job->rows, NULL, job->to->x);
        KZ_TRY(t->dev->ops->gather(t->dev, &g));
    }
    if (view->y_outside) {
        KZ_TRY(fetch_numbers(job, view->label, 1, job->to->label));
        KZ_TRY(fetch_numbers(job, view->value, t->data->targets, job->to->value));
        KZ_TRY(fetch_numbers(job, view->raw, t->data->targets, job->to->raw));
    }
done:
    return st;
}

static bool holds(const fetched *f, const part_view *view, int64_t first, int64_t rows)
{
    return f->of == view && f->first == first && f->rows == rows;
}

kz_status trainer_fetch(trainer *t, const part_view *view, int64_t first, int64_t rows)
{
    int place = t->fetch_last == 0 ? 1 : 0;
    fetched *f = &t->place[place];
    fetching job = {t, view, first, rows, f};
    kz_status st = KZ_OK;
    if (!is_fetched(view) || rows <= 0) return KZ_OK;
    f->of = NULL;
    KZ_TRY(t->dev->ops->fill(t->dev, FIRST_PLACE + place, queue_fetch, &job));
    f->of = view;
    f->first = first;
    f->rows = rows;
    t->fetch_last = place;
done:
    return st;
}

kz_status trainer_fetch_enter(trainer *t, const part_view *view, int64_t first, int64_t rows, const fetched **out)
{
    kz_status st = KZ_OK;
    *out = NULL;
    if (!is_fetched(view)) return KZ_OK;
    if (!holds(&t->place[t->fetch_last], view, first, rows)) KZ_TRY(trainer_fetch(t, view, first, rows));
    KZ_TRY(t->dev->ops->enter(t->dev, FIRST_PLACE + t->fetch_last));
    *out = &t->place[t->fetch_last];
done:
    return st;
}

kz_status trainer_fetch_leave(trainer *t, const fetched *f)
{
    return f ? t->dev->ops->leave(t->dev, FIRST_PLACE + (int)(f - t->place)) : KZ_OK;
}

kz_status trainer_fetch_anew(trainer *t)
{
    kz_status st = KZ_OK;
    for (int i = 0; i < 2 && t->fetches; i++) {
        t->place[i].of = NULL;
        KZ_TRY(t->dev->ops->leave(t->dev, FIRST_PLACE + i));
    }
done:
    return st;
}
