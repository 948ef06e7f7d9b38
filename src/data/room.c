/* What of a data set stays in memory, and how the rest is streamed.  Sizes are counted as doubles: untrusted extents
 * cannot overflow them. */
#include "data/data_impl.h"

#include <math.h>
#include <string.h>

enum { PIECE_LEAST = 4096, PIECE_MOST = 4 << 20, IN_ORDER_MOST = 32 << 20 };

static const char *const names[KZ_SPLITS] = {"train", "valid", "test"};

/* ---- what things take ---- */

static double size_of(const kz_array *a, int64_t rows, double size)
{
    return (double)rows * (double)kz_array_row(a) * size;
}

static kz_as y_as(const kz_opening *o)
{
    return o->data->classification ? KZ_AS_LABEL : KZ_AS_F32;
}

/* Rows of split i's array in memory. */
static double held(const kz_opening *o, int i, int64_t rows)
{
    const kz_array *x = &o->x[i], *y = &o->y[i];
    return size_of(x, rows, x->stored == KZ_STORED_UINT8 ? 1 : sizeof(float)) +
           size_of(y, rows, o->data->classification ? sizeof(int32_t) : 2 * sizeof(float));
}

/* A block is held where the reader process puts it, and once more where its values are not the ones kept. */
static double work_of(const kz_array *a, kz_as as)
{
    double block = size_of(a, kz_array_block(a), (double)kz_stored_size(a->stored));
    return block * (kz_array_kept(a, as) ? 1 : 2) + (double)a->chunk_bytes;
}

/* All of it at the peak: arrays, one block being read, and the row numbers of a drawn validation split. */
static double all_held(const kz_opening *o)
{
    double bytes = 0, work = 0;
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_array *x = &o->x[i], *y = &o->y[i];
        if (!x->object) continue;
        bytes += held(o, i, kz_array_rows(x));
        work = fmax(work, work_of(x, x->stored == KZ_STORED_UINT8 ? KZ_AS_U8 : KZ_AS_F32));
        work = fmax(work, work_of(y, y_as(o)));
    }
    if (o->cfg->data.valid.fraction > 0) bytes += (double)kz_array_rows(&o->x[KZ_TRAIN]) * 2 * sizeof(int64_t);
    return bytes + work;
}

/* ---- what streaming takes ---- */

/* One question: two answers in the memory of both processes; in a pass a copy that is ours, and its values converted. */
static double piece_of(const kz_opening *o, const kz_array *a, kz_as as, bool pass)
{
    int64_t rows = kz_array_block_of(a, o->room.piece);
    double stored = size_of(a, rows, (double)kz_stored_size(a->stored));
    double kept = kz_array_kept(a, as) ? 0 : size_of(a, rows, sizeof(float));
    return (pass ? 3 * stored + kept : 2 * stored) + (double)a->chunk_bytes;
}

static double pieces(const kz_opening *o, bool pass)
{
    double most = 0;
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_array *x = &o->x[i], *y = &o->y[i];
        if (!x->object) continue;
        most = fmax(most, piece_of(o, x, x->stored == KZ_STORED_UINT8 ? KZ_AS_U8 : KZ_AS_F32, pass));
        most = fmax(most, piece_of(o, y, y_as(o), pass));
    }
    return most;
}

/* The passes before the training: drawing rows of validation; sums of columns, and of squares. */
static double passes(const kz_opening *o)
{
    const kz_data *d = o->data;
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]);
    double drawing = o->room.valid_rows > 0 ? sizeof(int32_t) * (double)rows : 0, sums = 0;
    if (!d->classification) {
        sums = 2 * (kz_column_sums_bytes(rows, d->targets) + kz_total_square_bytes(rows, d->targets));
        sums += 6 * sizeof(double) * (double)d->targets;
    }
    if (strcmp(o->cfg->data.scale, "standard") == 0)
        sums += kz_column_sums_bytes(rows, d->features) + 2 * sizeof(double) * (double)d->features;
    return fmax(drawing, pieces(o, true) + sums);
}

/* A row in a window: its values, and where it lies, which the device knows too. */
static double window_row(const kz_opening *o)
{
    double most = held(o, KZ_TRAIN, 1);
    for (int i = 0; i < KZ_SPLITS; i++)
        if (o->x[i].object && o->room.streamed[i]) most = fmax(most, held(o, i, 1));
    return 2 * most + 3 * sizeof(int64_t);
}

static double feed_bytes(const kz_opening *o, double slot_rows)
{
    double blocks = 0;
    const kz_room *r = &o->room;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (o->x[i].object && r->streamed[i])
            blocks += 3 * sizeof(int64_t) *
                      (ceil((double)kz_array_rows(&o->x[i]) / (double)(i == KZ_TRAIN ? r->block : r->in_order)) + 2);
    return slot_rows * window_row(o) + blocks + pieces(o, false);
}

static double base_bytes(const kz_opening *o)
{
    const kz_room *r = &o->room;
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]);
    double bytes = r->valid_rows > 0 ? (double)rows / 8 : 0; /* which rows are held out */
    for (int i = 0; i < KZ_SPLITS; i++) {
        bool drawn = i == KZ_VALID && r->valid_rows > 0;
        if (r->streamed[i] || (!drawn && !o->x[i].object)) continue;
        if (drawn && !r->streamed[KZ_TRAIN]) continue; /* lies in the array of train */
        bytes += held(o, drawn ? KZ_TRAIN : i, drawn ? r->valid_rows : kz_array_rows(&o->x[i]));
    }
    if (r->valid_rows > 0 && !r->streamed[KZ_TRAIN]) bytes += (double)rows * sizeof(int64_t);
    return bytes;
}

static double need(const kz_opening *o)
{
    return base_bytes(o) + fmax(passes(o), feed_bytes(o, (double)o->room.slot_rows));
}

/* ---- windows ---- */

static int64_t batch_of(const kz_opening *o)
{
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]) - o->room.valid_rows, batch = o->cfg->train.batch;
    return batch < 1 ? 1 : batch < rows ? batch : rows;
}

/* Rows of a window whose size changes no bit: some MiB, less where memory is small. */
static int64_t free_window(const kz_opening *o, int64_t rows)
{
    double bytes = fmin((double)o->cfg->data.memory / 8, IN_ORDER_MOST);
    double n = fmax(1, floor(bytes / window_row(o)));
    return n < (double)rows ? (int64_t)n : rows;
}

static void set_windows(kz_opening *o)
{
    kz_room *r = &o->room;
    const kz_config_data *c = &o->cfg->data;
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]), most = 1;
    bool by_window = o->cfg->train.shuffle && strcmp(o->cfg->train.shuffle, "window") == 0;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (o->x[i].object && kz_array_rows(&o->x[i]) > most) most = kz_array_rows(&o->x[i]);
    r->block = by_window ? c->window_block : free_window(o, rows);
    r->window = by_window ? c->window : r->block;
    int64_t window = r->window < rows ? r->window : rows;
    r->slot_rows = r->streamed[KZ_TRAIN] ? window + batch_of(o) - 1 : free_window(o, most);
    r->in_order = r->slot_rows;
}

/* ---- refusals ---- */

static kz_status refuse(const kz_opening *o, double bytes, const char *remedy)
{
    char needed[24], limit[24];
    kz_format_size(needed, bytes);
    kz_format_size(limit, (double)o->cfg->data.memory);
    return KZ_FAIL(KZ_E_DATA, "%s: its arrays need %s of memory, data.memory allows %s; raise data.memory%s",
                   kz_hdf5_path(o->file), needed, limit, remedy);
}

/* Rows that a window of train really has. */
static int64_t window_rows(const kz_opening *o)
{
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]);
    return o->room.window < rows ? o->room.window : rows;
}

/* Names the largest window that fits. */
static kz_status refuse_window(const kz_opening *o)
{
    char needed[24], limit[24], window[24], fits[96] = "";
    const kz_room *r = &o->room;
    double allowed = (double)o->cfg->data.memory - base_bytes(o);
    double rows = floor((allowed - feed_bytes(o, 0)) / window_row(o)) - (double)(batch_of(o) - 1);
    int64_t blocks = passes(o) <= allowed && rows >= (double)r->block ? (int64_t)(rows / (double)r->block) : 0;
    bool by_window = strcmp(o->cfg->train.shuffle, "window") == 0;
    kz_format_size(needed, need(o));
    kz_format_size(limit, (double)o->cfg->data.memory);
    kz_format_size(window, (double)window_rows(o) * held(o, KZ_TRAIN, 1));
    if (!by_window)
        return KZ_FAIL(KZ_E_CONFIG, "%s: reading it while training needs %s of memory, data.memory allows %s; raise it",
                       kz_hdf5_path(o->file), needed, limit);
    if (blocks > 0)
        snprintf(fits, sizeof fits, "; set data.window: %lld, which fits, or", (long long)(blocks * r->block));
    else if (passes(o) <= allowed && rows >= 1)
        snprintf(fits, sizeof fits, "; lower data.window and data.window_block, at most %lld rows fit, or",
                 (long long)rows);
    else if (passes(o) <= allowed) snprintf(fits, sizeof fits, "; not one row fits:");
    else snprintf(fits, sizeof fits, ";");
    return KZ_FAIL(KZ_E_CONFIG,
                   "%s: a window of %lld rows (data.window) takes %s; two of them and what else is held need %s of "
                   "memory, data.memory allows %s%s raise data.memory",
                   kz_hdf5_path(o->file), (long long)window_rows(o), window, needed, limit, fits);
}

/* ---- notes ---- */

static kz_status note_streamed(kz_opening *o)
{
    char size[24], window[24], limit[24];
    const kz_room *r = &o->room;
    kz_text *note = &o->layout.note;
    kz_status st = KZ_OK;
    kz_format_size(limit, (double)o->cfg->data.memory);
    for (int i = 0; i < KZ_SPLITS; i++) {
        bool drawn = i == KZ_VALID && r->valid_rows > 0;
        if (!r->streamed[i]) continue;
        int64_t rows = drawn ? r->valid_rows : kz_array_rows(&o->x[i]) - (i == KZ_TRAIN ? r->valid_rows : 0);
        int64_t step = i == KZ_TRAIN ? window_rows(o) : r->in_order;
        kz_format_size(size, held(o, drawn ? KZ_TRAIN : i, rows));
        kz_format_size(window, held(o, KZ_TRAIN, step));
        KZ_TRY(kz_text_add(note, "%s%s, %s, is read while it is used, %lld rows (%s) at a time; data.memory allows %s",
                           note->n ? "\n" : "", names[i], size, (long long)step, window, limit));
    }
done:
    return st;
}

static kz_status note_chunks(kz_opening *o)
{
    const kz_array *x = &o->x[KZ_TRAIN];
    int64_t block = o->room.block, chunk = x->chunk_rows, near = (block + chunk / 2) / chunk * chunk;
    if (!o->room.streamed[KZ_TRAIN] || block == o->room.window || x->chunk_bytes == 0 || block % chunk == 0)
        return KZ_OK;
    return kz_text_add(
        &o->layout.note,
        "\nthe chunks of %s have %lld rows: data.window_block: %lld would be read faster than %lld, which "
        "cuts them",
        x->object, (long long)chunk, (long long)(near > 0 ? near : chunk), (long long)block);
}

/* ---- the plan ---- */

/* Train first of all, then valid, then test stay in memory, each if there is room beside what is streamed. */
static void choose(kz_opening *o, double allowed)
{
    kz_room *r = &o->room;
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!r->streamed[i]) continue;
        r->streamed[i] = false;
        if (i == KZ_TRAIN && r->valid_rows > 0) r->streamed[KZ_VALID] = false;
        set_windows(o);
        if (need(o) <= allowed) continue;
        r->streamed[i] = true;
        if (i == KZ_TRAIN && r->valid_rows > 0) r->streamed[KZ_VALID] = true;
        set_windows(o);
    }
}

kz_status kz_room_plan(kz_opening *o)
{
    const kz_config *cfg = o->cfg;
    kz_room *r = &o->room;
    double allowed = (double)cfg->data.memory, all = all_held(o);
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]);
    kz_status st = KZ_OK;
    if (all <= allowed) return KZ_OK;
    double piece = fmin(fmax(allowed / 32, PIECE_LEAST), PIECE_MOST);
    r->piece = (int64_t)piece;
    if (!o->x[KZ_VALID].object && cfg->data.valid.fraction > 0)
        KZ_TRY(kz_split_rows(&r->valid_rows, rows, cfg->data.valid.fraction));
    for (int i = 0; i < KZ_SPLITS; i++) r->streamed[i] = o->x[i].object || (i == KZ_VALID && r->valid_rows > 0);
    set_windows(o);
    choose(o, allowed);
    bool full = !cfg->train.shuffle || strcmp(cfg->train.shuffle, "full") == 0;
    if (r->streamed[KZ_TRAIN] && full)
        return refuse(o, all, ", or set train.shuffle: window, which reads them while training");
    for (int i = 0; i < KZ_SPLITS; i++) r->any = r->any || r->streamed[i];
    if (need(o) > allowed) return r->streamed[KZ_TRAIN] ? refuse_window(o) : refuse(o, all, "");
    r->bytes = feed_bytes(o, (double)r->slot_rows);
    KZ_TRY(note_streamed(o));
    KZ_TRY(note_chunks(o));
done:
    return st;
}
