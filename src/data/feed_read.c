/* The rows of a window from the file: a few questions to the reader process, each read while the one before is stored. */
#include "data/feed_impl.h"

#include <string.h>

static bool walk_on(kz_walk *w)
{
    while (w->row == w->stop && w->block < w->end) {
        int64_t k = w->blocks->order[w->block++];
        w->row = k * w->blocks->rows;
        w->stop = w->row + w->blocks->rows;
        /* blocks that lie side by side are read together */
        while (w->block < w->end && w->blocks->order[w->block] * w->blocks->rows == w->stop) {
            w->block++;
            w->stop += w->blocks->rows;
        }
        if (w->stop > w->blocks->array_rows) w->stop = w->blocks->array_rows;
    }
    return w->row < w->stop;
}

static kz_walk walk_window(const kz_blocks *b, int64_t window)
{
    int64_t end = (window + 1) * b->per_window;
    return (kz_walk){.blocks = b, .block = window * b->per_window, .end = end < b->n ? end : b->n};
}

/* q <- the next rows, at most `most` of them; a chunk is cut only where a block cuts it. */
static void ask(kz_ranges *q, const kz_array *a, kz_walk *w, int64_t most)
{
    int64_t room = most;
    *q = (kz_ranges){.array = a};
    while (q->n < KZ_RANGES_MAX && room > 0 && walk_on(w)) {
        int64_t n = w->stop - w->row < room ? w->stop - w->row : room, end = w->row + n;
        if (end < w->stop && end - end % a->chunk_rows > w->row) n -= end % a->chunk_rows;
        else if (end < w->stop && q->n > 0) return; /* not even one whole chunk fits any more */
        q->range[q->n++] = (kz_range){w->row, n};
        w->row += n;
        room -= n;
    }
}

/* ---- storing ---- */

static kz_status changed(const kz_filler *f, const kz_array *a)
{
    return KZ_FAIL(KZ_E_DATA,
                   "%s: %s holds other values than before: it was written to while it was being read; leave it alone "
                   "and begin again",
                   f->data->path, a->object);
}

static void store_x(const kz_filler *f, kz_slot_rows *s, int64_t at, const kz_array *a, const uint8_t *in, int64_t n)
{
    int64_t columns = f->data->features;
    size_t size = (size_t)kz_stored_size(a->stored);
    kz_as as = a->stored == KZ_STORED_UINT8 ? KZ_AS_U8 : KZ_AS_F32;
    if (kz_array_kept(a, as)) memcpy((uint8_t *)s->x + (size_t)(at * columns) * size, in, (size_t)(n * columns) * size);
    else kz_values_to_floats((float *)s->x + at * columns, a->stored, in, n * columns);
}

static kz_status store_y(const kz_filler *f, kz_slot_rows *s, int64_t at, const kz_array *a, const uint8_t *in,
                         int64_t n)
{
    const kz_data *d = f->data;
    const float *mean = d->scale_y.mean, *factor = d->scale_y.factor;
    if (d->classification)
        return kz_values_to_labels(s->label + at, a->stored, in, n, d->classes) ? KZ_OK : changed(f, a);
    float *raw = s->raw + at * d->targets, *value = s->value + at * d->targets;
    kz_values_to_floats(raw, a->stored, in, n * d->targets);
    for (int64_t i = 0; value != raw && i < n; i++)
        for (int64_t j = 0; j < d->targets; j++)
            value[i * d->targets + j] = (raw[i * d->targets + j] - mean[j]) * factor[j];
    return KZ_OK;
}

/* All of y, then all of x: labels are looked at while features are read. */
static void next_question(kz_ranges *q, const kz_filler *f, kz_reading *p)
{
    const struct kz_data_private *own = f->data->own;
    const kz_array *x = &own->x[f->array];
    ask(q, &own->y[f->array], &p->y, p->most_y);
    if (q->n > 0) return;
    ask(q, x, &p->x, p->most_x);
    q->stays = f->in_place;
    q->at = p->at;
    for (int i = 0; i < q->n; i++) p->at += q->range[i].n * kz_array_row(x) * kz_stored_size(x->stored);
}

/* at: rows stored so far. */
static kz_status store_answer(kz_filler *f, kz_slot_rows *s, const kz_ranges *q, const uint8_t *in, int64_t *at)
{
    bool is_x = q->array == &f->data->own->x[f->array];
    int64_t rows = 0;
    kz_status st = KZ_OK;
    for (int i = 0; i < q->n; i++) rows += q->range[i].n;
    f->bytes += rows * kz_array_row(q->array) * kz_stored_size(q->array->stored);
    if (!is_x) KZ_TRY(store_y(f, s, *at, q->array, in, rows));
    else if (!f->in_place) store_x(f, s, *at, q->array, in, rows);
    *at += rows;
done:
    return st;
}

enum { IN_PLACE_BYTES = 16 << 20 }; /* nothing is held of it but the window itself */

kz_status kz_filler_ask(kz_filler *f, kz_reading *r, const kz_slot_rows *s, int64_t window)
{
    const struct kz_data_private *own = f->data->own;
    const kz_blocks *b = &f->blocks[f->split];
    const kz_array *x = &own->x[f->array], *y = &own->y[f->array];
    r->x = r->y = walk_window(b, window);
    r->most_x = kz_array_block_of(x, f->in_place ? IN_PLACE_BYTES : own->room.piece);
    r->most_y = kz_array_block_of(y, own->room.piece);
    r->at = s->at;
    r->turn = 0;
    next_question(&r->question[0], f, r);
    return kz_hdf5_ahead(own->file, &r->question[0]);
}

kz_status kz_filler_read(kz_filler *f, kz_reading *r, kz_slot_rows *s)
{
    const struct kz_data_private *own = f->data->own;
    const void *in;
    int64_t stored[2] = {0, 0};
    kz_status st = KZ_OK;
    for (; r->question[r->turn].n > 0 && !f->cancelled(f->asked_of); r->turn = !r->turn) {
        const kz_ranges *now = &r->question[r->turn], *next = &r->question[!r->turn];
        next_question(&r->question[!r->turn], f, r);
        KZ_TRY(kz_hdf5_read_ranges(own->file, now, next->n > 0 ? next : NULL, &in));
        KZ_TRY(store_answer(f, s, now, in, &stored[now->array == &own->x[f->array]]));
    }
    KZ_TRY(kz_hdf5_unchanged(own->file));
    s->held = stored[1];
done:
    return st;
}

void kz_filler_choose(const kz_filler *f, int64_t window, int64_t *order)
{
    const uint8_t *held_out = f->array == KZ_TRAIN ? f->data->own->held_out : NULL;
    bool wanted = f->split == KZ_VALID && held_out;
    kz_walk w = walk_window(&f->blocks[f->split], window);
    for (int64_t at = 0; walk_on(&w); w.row = w.stop)
        for (int64_t r = w.row; r < w.stop; r++, at++)
            if (kz_is_held_out(held_out, r) == wanted) *order++ = at;
}
