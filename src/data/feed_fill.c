/* The windows of a pass: which rows, in which order, and the unfinished batch of the window before. */
#include "data/feed_impl.h"
#include "kernels/arith/philox.h"

#include <string.h>

/* ---- memory ---- */

static int64_t element_of(const kz_data *d, int array)
{
    return d->own->x[array].stored == KZ_STORED_UINT8 ? 1 : (int64_t)sizeof(float);
}

/* The largest of the arrays that are streamed: splits may be stored differently. */
static int64_t element_most(const kz_data *d)
{
    int64_t most = 1;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (d->own->x[i].object && d->own->room.streamed[i] && element_of(d, i) > most) most = element_of(d, i);
    return most;
}

static kz_status create_slot(kz_filler *f, kz_slot_rows *s)
{
    const kz_data *d = f->data;
    int64_t rows = d->own->room.slot_rows;
    size_t element = (size_t)element_most(d);
    bool scaled = strcmp(d->scale_y.kind, "none") != 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&s->row, rows, sizeof *s->row, "rows of a window"));
    if (!f->in_place) KZ_TRY(kz_calloc(&s->x, rows * d->features, element, "features of a window"));
    if (d->classification) {
        KZ_TRY(kz_calloc(&s->label, rows, sizeof *s->label, "labels of a window"));
    } else {
        KZ_TRY(kz_calloc(&s->raw, rows * d->targets, sizeof *s->raw, "targets of a window"));
        if (!scaled) s->value = s->raw;
        else KZ_TRY(kz_calloc(&s->value, rows * d->targets, sizeof *s->value, "scaled targets of a window"));
    }
done:
    return st;
}

/* Where the reader process can put rows. */
static kz_status place_slots(kz_filler *f)
{
    const kz_data *d = f->data;
    int64_t bytes, row = d->features * element_most(d);
    uint8_t *stays = kz_hdf5_stays(d->own->file, &bytes);
    int64_t slot = d->own->room.slot_rows * row;
    if (2 * slot > bytes)
        return KZ_FAIL(KZ_E_MEM, "%s: no memory for windows of %lld rows", d->path, (long long)d->own->room.slot_rows);
    for (int i = 0; i < 2; i++) {
        f->slot[i].at = i * slot;
        f->slot[i].x = stays + f->slot[i].at;
    }
    return KZ_OK;
}

static void destroy_slot(const kz_filler *f, kz_slot_rows *s)
{
    if (f->in_place) s->x = NULL; /* the file's */
    if (s->value == s->raw) s->value = NULL;
    kz_free(&s->row);
    kz_free(&s->x);
    kz_free(&s->label);
    kz_free(&s->value);
    kz_free(&s->raw);
}

bool kz_filler_memory(const kz_filler *f, int i, const void **at, size_t *bytes)
{
    const kz_data *d = f->data;
    size_t rows = (size_t)d->own->room.slot_rows, targets = (size_t)d->targets * sizeof(float);
    int n = 0;
    for (int slot = 0; slot < 2; slot++) {
        const kz_slot_rows *s = &f->slot[slot];
        const struct {
            const void *at;
            size_t row;
        } piece[] = {{s->x, (size_t)(d->features * element_most(d))},
                     {s->row, sizeof *s->row},
                     {s->label, sizeof *s->label},
                     {s->raw, targets},
                     {s->value == s->raw ? NULL : s->value, targets}};
        for (size_t k = 0; k < sizeof piece / sizeof *piece; k++) {
            if (!piece[k].at || n++ != i) continue;
            *at = piece[k].at;
            *bytes = rows * piece[k].row;
            return true;
        }
    }
    return false;
}

static int array_of(const kz_data *d, int split)
{
    return split == KZ_VALID && d->own->room.valid_rows > 0 ? KZ_TRAIN : split;
}

static kz_status create_blocks(kz_filler *f, int split)
{
    const kz_room *r = &f->data->own->room;
    const uint8_t *held_out = f->data->own->held_out;
    int array = array_of(f->data, split);
    int64_t rows = kz_array_rows(&f->data->own->x[array]);
    kz_blocks *b = &f->blocks[split];
    kz_status st = KZ_OK;
    bool some = array == KZ_TRAIN && held_out;
    KZ_TRY(split == KZ_TRAIN ? kz_blocks_create(b, rows, r->block, r->window / r->block)
                             : kz_blocks_create(b, rows, r->in_order, 1));
    for (int64_t k = 0, begin = 0; k < b->n; k++, begin += b->rows) {
        int64_t end = begin + b->rows < rows ? begin + b->rows : rows;
        if (!some) b->begin[k + 1] = end - begin;
        for (int64_t i = begin; some && i < end; i++)
            b->begin[k + 1] += kz_is_held_out(held_out, i) == (split == KZ_VALID);
    }
    kz_blocks_counted(b);
done:
    return st;
}

kz_status kz_filler_create(kz_filler *f, kz_data *data, const kz_config *cfg)
{
    kz_status st = KZ_OK;
    f->data = data;
    f->cfg = cfg;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (data->own->room.streamed[i]) KZ_TRY(create_blocks(f, i));
    f->in_place = true;
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_array *x = &data->own->x[i];
        kz_as as = element_of(data, i) == 1 ? KZ_AS_U8 : KZ_AS_F32;
        if (x->object && data->own->room.streamed[i]) f->in_place = f->in_place && kz_array_kept(x, as);
    }
    if (f->in_place) KZ_TRY(place_slots(f));
    for (int i = 0; i < 2; i++) KZ_TRY(create_slot(f, &f->slot[i]));
done:
    return st;
}

void kz_filler_destroy(kz_filler *f)
{
    for (int i = 0; i < KZ_SPLITS; i++) kz_blocks_free(&f->blocks[i]);
    for (int i = 0; i < 2; i++) destroy_slot(f, &f->slot[i]);
}

/* ---- a pass ---- */

static bool shuffled(const kz_filler *f)
{
    return f->split == KZ_TRAIN && strcmp(f->cfg->train.shuffle, "window") == 0;
}

kz_status kz_filler_begin(kz_filler *f, const kz_pass *pass)
{
    const kz_data *d = f->data;
    f->pass = *pass;
    f->split = pass->split == &d->train ? KZ_TRAIN : pass->split == &d->valid ? KZ_VALID : KZ_TEST;
    f->array = array_of(d, f->split);
    f->started = false;
    kz_blocks *b = &f->blocks[f->split];
    if (shuffled(f)) kz_blocks_shuffle(b, f->cfg->seed, pass->epoch);
    for (f->window = 0; f->window + 1 < b->windows && b->first[f->window + 1] <= pass->position;) f->window++;
    kz_hdf5_again(d->own->file);
    return KZ_OK;
}

static void copy_row(const kz_data *d, int array, kz_slot_rows *to, int64_t at, const kz_slot_rows *from, int64_t row)
{
    size_t x = (size_t)(d->features * element_of(d, array));
    size_t y = (size_t)d->targets * sizeof(float);
    memcpy((uint8_t *)to->x + (size_t)at * x, (const uint8_t *)from->x + (size_t)row * x, x);
    if (to->label) to->label[at] = from->label[row];
    if (to->raw) memcpy(to->raw + at * d->targets, from->raw + row * d->targets, y);
    if (to->value != to->raw) memcpy(to->value + at * d->targets, from->value + row * d->targets, y);
}

/* Rows that are left of the window before. */
static int64_t left_over(const kz_filler *f, const kz_slot_rows *before)
{
    return f->started ? before->total - before->usable : 0;
}

/* They go behind the `held` rows of s, and come first in its order. */
static void carry(const kz_filler *f, kz_slot_rows *s, const kz_slot_rows *before)
{
    for (int64_t i = 0; i < left_over(f, before); i++) {
        copy_row(f->data, f->array, s, s->held, before, before->row[before->usable + i]);
        s->row[i] = s->held++;
    }
}

kz_status kz_filler_next(kz_filler *f, int slot, bool *more)
{
    kz_slot_rows *s = &f->slot[slot];
    const kz_blocks *b = &f->blocks[f->split];
    int64_t w = f->window, first = b->first[w], n = b->first[w + 1] - first;
    int64_t carried = left_over(f, &f->slot[!slot]), *order = s->row + carried;
    kz_status st = KZ_OK;
    KZ_TRY(kz_filler_ask(f, &f->reading, s, w));
    kz_filler_choose(f, w, order);
    if (shuffled(f)) kz_permute_these(order, n, f->cfg->seed, KZ_FOR_WINDOW, f->pass.epoch, first);
    KZ_TRY(kz_filler_read(f, &f->reading, s));
    carry(f, s, &f->slot[!slot]);
    int64_t skipped = !f->started && f->pass.position > first ? f->pass.position - first : 0;
    if (skipped > n) skipped = n;
    memmove(order, order + skipped, (size_t)(n - skipped) * sizeof *order);
    f->window++;
    f->started = true;
    *more = f->window < b->windows;
    s->first = first + skipped - carried;
    s->total = carried + n - skipped;
    s->usable = *more ? s->total - s->total % f->pass.batch : s->total;
    f->windows++;
done:
    return st;
}

kz_window kz_filler_window(const kz_filler *f, int slot)
{
    const kz_slot_rows *s = &f->slot[slot];
    return (kz_window){.slot = slot,
                       .first = s->first,
                       .rows = s->usable,
                       .row = s->row,
                       .held = s->held,
                       .x = s->x,
                       .label = s->label,
                       .value = s->value,
                       .raw = s->raw};
}
