/* A data set that is larger than data.memory: all that has to be known of it before it is trained on, from passes over
 * its file.  The first pass hashes, checks, and adds up; the second one has the means. */
#include "data/data_impl.h"

#include <string.h>

/* Rows of an array that are a split: train, what is drawn from it for validation, or all of another array. */
typedef struct {
    kz_split *split;
    bool held_out;         /* those that are held out, else the others */
    bool scaled;           /* train's: scales come from it */
    kz_column_sums *x, *y; /* sums, or of squares in the second pass; NULL: not wanted */
    const double *x_mean;  /* NULL in the first pass */
    double *y_mean;        /* (targets) */
    float most;            /* the largest |x|, with `largest` */
    bool largest;
    kz_total_square *total; /* second pass */
    int64_t stored;         /* rows of a split in memory that are stored so far */
} part;

typedef struct {
    kz_opening *o;
    kz_data *data;
    part part[2];
    int parts;
    const uint8_t *held_out; /* of this array; NULL: none is */
    kz_labels labels;
    int64_t *index; /* rows of a block that are one part's */
} scan;

/* ---- rows of a block that are a part's ---- */

enum { INDEX_MOST = 1024 };

/* index[*n] <- those of rows begin .. end - 1 that are the part's, counted from `base`. */
static void choose(scan *s, const part *p, int64_t base, int64_t begin, int64_t end, int64_t *n)
{
    *n = 0;
    for (int64_t r = begin; r < end; r++)
        if (kz_is_held_out(s->held_out, r) == p->held_out) s->index[(*n)++] = r - base;
}

static void store(const void *values, size_t bytes, const int64_t *index, int64_t n, const void *array, int64_t at)
{
    uint8_t *out = (uint8_t *)(uintptr_t)array;
    for (int64_t i = 0; i < n; i++)
        memcpy(out + (size_t)(at + i) * bytes, (const uint8_t *)values + (size_t)index[i] * bytes, bytes);
}

/* ---- what is done with blocks ---- */

static void take_x_part(scan *s, part *p, const void *values, int64_t n)
{
    int64_t features = s->data->features;
    bool u8 = p->split->element == KZ_U8;
    kz_column_rows rows = {.x = values, .stride = features, .u8 = u8, .index = s->index, .rows = n, .mean = p->x_mean};
    if (p->x) kz_column_sums_add(p->x, &rows);
    if (p->largest) p->most = kz_scale_largest(&rows, p->most);
    if (p->split->streamed) return;
    store(values, (size_t)features * (u8 ? 1 : sizeof(float)), s->index, n, p->split->x, p->stored);
    p->stored += n;
}

static void take_x(void *context, const void *values, int64_t first, int64_t rows)
{
    scan *s = context;
    int64_t n;
    for (int64_t begin = first; begin < first + rows; begin += INDEX_MOST)
        for (int i = 0; i < s->parts; i++) {
            int64_t end = begin + INDEX_MOST < first + rows ? begin + INDEX_MOST : first + rows;
            choose(s, &s->part[i], first, begin, end, &n);
            take_x_part(s, &s->part[i], values, n);
        }
}

static void take_y_part(scan *s, part *p, const void *values, int64_t n)
{
    int64_t targets = s->data->targets;
    const float *y = values;
    bool classes = s->data->classification;
    kz_column_rows rows = {
        .x = values, .stride = targets, .index = s->index, .rows = n, .mean = p->total ? p->y_mean : NULL};
    if (p->y) kz_column_sums_add(p->y, &rows);
    for (int64_t i = 0; p->total && i < n; i++) kz_total_square_add(p->total, y + s->index[i] * targets);
    if (p->split->streamed || p->total) return;
    store(values, classes ? sizeof(int32_t) : (size_t)targets * sizeof(float), s->index, n,
          classes ? (const void *)p->split->label : p->split->raw, p->stored);
    p->stored += n;
}

static void take_y(void *context, const void *values, int64_t first, int64_t rows)
{
    scan *s = context;
    int64_t n;
    if (s->data->classification) kz_labels_add(&s->labels, values, rows);
    for (int64_t begin = first; begin < first + rows; begin += INDEX_MOST)
        for (int i = 0; i < s->parts; i++) {
            int64_t end = begin + INDEX_MOST < first + rows ? begin + INDEX_MOST : first + rows;
            choose(s, &s->part[i], first, begin, end, &n);
            take_y_part(s, &s->part[i], values, n);
        }
}

/* ---- splits ---- */

static const char *const roles[KZ_SPLITS][2] = {{"train/x", "train/y"}, {"valid/x", "valid/y"}, {"test/x", "test/y"}};

static kz_split *split_of(kz_data *d, int i)
{
    return i == KZ_TRAIN ? &d->train : i == KZ_VALID ? &d->valid : &d->test;
}

static kz_as y_as(const kz_data *d)
{
    return d->classification ? KZ_AS_LABEL : KZ_AS_F32;
}

static kz_status hold_split(kz_data *d, kz_split *s, const kz_array *x, const kz_array *y)
{
    void *values = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_data_hold(d, &values, s->rows * d->features, s->element == KZ_U8 ? 1 : sizeof(float), x->object));
    s->x = values;
    KZ_TRY(kz_data_hold(d, &values, s->rows * kz_array_row(y), sizeof(float), y->object));
    if (d->classification) s->label = values;
    else s->value = s->raw = values;
done:
    return st;
}

/* The parts of array i. */
static kz_status begin_scan(scan *s, int i)
{
    kz_opening *o = s->o;
    kz_data *d = s->data;
    const kz_room *r = &o->room;
    bool drawn = i == KZ_TRAIN && r->valid_rows > 0;
    kz_status st = KZ_OK;
    s->parts = drawn ? 2 : 1;
    s->held_out = drawn ? d->own->held_out : NULL;
    s->part[0] = (part){.split = split_of(d, i), .scaled = i == KZ_TRAIN};
    s->part[1] = (part){.split = &d->valid, .held_out = true};
    for (int k = 0; k < s->parts; k++) {
        kz_split *split = s->part[k].split;
        int64_t all = kz_array_rows(&o->x[i]);
        split->rows = k == 1 ? r->valid_rows : drawn ? all - r->valid_rows : all;
        split->element = o->x[i].stored == KZ_STORED_UINT8 ? KZ_U8 : KZ_F32;
        split->streamed = r->streamed[k == 1 ? KZ_VALID : i];
        if (!split->streamed) KZ_TRY(hold_split(d, split, &o->x[i], &o->y[i]));
    }
done:
    return st;
}

static kz_status finish_y(scan *s, part *p)
{
    const kz_data *d = s->data;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&p->y_mean, d->targets, sizeof *p->y_mean, "means of targets"));
    kz_column_sums_end(p->y, p->y_mean);
    kz_column_sums_destroy(&p->y);
    for (int64_t j = 0; j < d->targets; j++) p->y_mean[j] /= (double)p->split->rows;
done:
    return st;
}

static kz_status first_pass_x(scan *s, int i, double *mean)
{
    kz_opening *o = s->o;
    kz_data *d = s->data;
    part *train = &s->part[0];
    kz_as as = train->split->element == KZ_U8 ? KZ_AS_U8 : KZ_AS_F32;
    kz_status st = KZ_OK;
    if (mean) KZ_TRY(kz_column_sums_create(&train->x, train->split->rows, d->features));
    train->largest = train->scaled && train->split->streamed && strcmp(o->cfg->data.scale, "unit") == 0;
    KZ_TRY(kz_array_pass(o, &o->x[i], roles[i][0], as, take_x, s));
    if (mean) {
        kz_column_sums_end(train->x, mean);
        for (int64_t j = 0; j < d->features; j++) mean[j] /= (double)train->split->rows;
    }
    if (train->largest) kz_scale_unit(d, train->most);
done:
    kz_column_sums_destroy(&train->x);
    return st;
}

static kz_status first_pass_y(scan *s, int i)
{
    kz_opening *o = s->o;
    const kz_data *d = s->data;
    kz_status st = KZ_OK;
    for (int k = 0; k < s->parts; k++) {
        s->part[k].stored = 0;
        if (!d->classification && s->part[k].split->streamed)
            KZ_TRY(kz_column_sums_create(&s->part[k].y, s->part[k].split->rows, d->targets));
    }
    KZ_TRY(kz_array_pass(o, &o->y[i], roles[i][1], y_as(d), take_y, s));
    for (int k = 0; k < s->parts; k++)
        if (s->part[k].y) KZ_TRY(finish_y(s, &s->part[k]));
done:
    return st;
}

/* ---- the second pass ---- */

static kz_status second_pass_x(scan *s, double *mean)
{
    kz_opening *o = s->o;
    kz_data *d = s->data;
    part *train = &s->part[0];
    kz_as as = train->split->element == KZ_U8 ? KZ_AS_U8 : KZ_AS_F32;
    double *deviation = NULL;
    int parts = s->parts;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&deviation, d->features, sizeof *deviation, "deviations"));
    KZ_TRY(kz_column_sums_create(&train->x, train->split->rows, d->features));
    train->x_mean = mean;
    s->parts = 1; /* what is held out is stored */
    KZ_TRY(kz_array_pass(o, &o->x[KZ_TRAIN], NULL, as, take_x, s));
    kz_column_sums_end(train->x, deviation);
    for (int64_t j = 0; j < d->features; j++) deviation[j] = kz_scale_deviation(deviation[j], train->split->rows);
    KZ_TRY(kz_scale_standard(d, &d->scale_x, mean, deviation, d->features));
done:
    s->parts = parts;
    kz_column_sums_destroy(&train->x);
    kz_free(&deviation);
    return st;
}

static kz_status scale_targets(kz_data *d, part *train)
{
    kz_status st = KZ_OK;
    memcpy(d->target_mean, train->y_mean, (size_t)d->targets * sizeof *d->target_mean);
    kz_column_sums_end(train->y, d->target_deviation);
    for (int64_t j = 0; j < d->targets; j++)
        d->target_deviation[j] = kz_scale_deviation(d->target_deviation[j], train->split->rows);
    KZ_TRY(kz_scale_standard(d, &d->scale_y, d->target_mean, d->target_deviation, d->targets));
done:
    return st;
}

/* Squares of the targets of a regression. */
static kz_status second_pass_y(scan *s, int i)
{
    kz_opening *o = s->o;
    kz_data *d = s->data;
    bool standard = s->part[0].scaled && strcmp(o->cfg->data.scale_target, "none") != 0;
    kz_status st = KZ_OK;
    for (int k = 0; k < s->parts; k++) {
        part *p = &s->part[k];
        if (!p->split->streamed) continue;
        KZ_TRY(kz_total_square_create(&p->total, p->split->rows, d->targets, p->y_mean));
        if (k == 0 && standard) KZ_TRY(kz_column_sums_create(&p->y, p->split->rows, d->targets));
    }
    if (s->parts == 2 && !s->part[1].total) s->parts = 1;
    KZ_TRY(kz_array_pass(o, &o->y[i], NULL, KZ_AS_F32, take_y, s));
    for (int k = 0; k < s->parts; k++) s->part[k].split->total_square = kz_total_square_end(s->part[k].total);
    if (standard) KZ_TRY(scale_targets(d, &s->part[0]));
done:
    return st;
}

static void end_scan(scan *s)
{
    for (int k = 0; k < 2; k++) {
        kz_column_sums_destroy(&s->part[k].y);
        kz_total_square_destroy(&s->part[k].total);
        kz_free(&s->part[k].y_mean);
    }
}

/* ---- the whole ---- */

static kz_status check_labels(const scan *s, int i, int64_t said)
{
    kz_status st = KZ_OK;
    if (!s->data->classification) return KZ_OK;
    if (i == KZ_TRAIN) KZ_TRY(kz_classes_of_train(s->o, said, &s->labels));
    KZ_TRY(kz_classes_fit(s->o, said, i, &s->labels));
done:
    return st;
}

/* Everything about array i. */
static kz_status scan_array(scan *s, int i, int64_t said)
{
    kz_opening *o = s->o;
    const kz_data *d = s->data;
    double *mean = NULL;
    bool standard = i == KZ_TRAIN && strcmp(o->cfg->data.scale, "standard") == 0;
    kz_status st = KZ_OK;
    memset(s->part, 0, sizeof s->part);
    KZ_TRY(begin_scan(s, i));
    if (standard && o->room.streamed[i]) KZ_TRY(kz_calloc(&mean, d->features, sizeof *mean, "means"));
    s->labels = kz_labels_seen(i == KZ_TRAIN ? said : d->classes);
    KZ_TRY(first_pass_x(s, i, mean));
    KZ_TRY(first_pass_y(s, i));
    KZ_TRY(check_labels(s, i, said));
    if (mean) KZ_TRY(second_pass_x(s, mean));
    if (!d->classification && o->room.streamed[i]) KZ_TRY(second_pass_y(s, i));
done:
    end_scan(s);
    kz_free(&mean);
    return st;
}

static kz_status draw_valid(kz_opening *o)
{
    kz_data *d = o->data;
    int64_t rows = kz_array_rows(&o->x[KZ_TRAIN]);
    kz_status st = KZ_OK;
    if (o->room.valid_rows == 0) return KZ_OK;
    KZ_TRY(kz_data_hold(d, &d->own->held_out, rows / 8 + 1, 1, "validation rows"));
    KZ_TRY(kz_split_draw(d->own->held_out, rows, o->room.valid_rows, o->cfg->seed));
done:
    return st;
}

/* The arrays of train in memory, with its validation rows: as a data set that fits. */
static kz_status scale_in_memory(kz_opening *o)
{
    kz_data *d = o->data;
    kz_status st = KZ_OK;
    if (o->room.valid_rows > 0) KZ_TRY(kz_split_valid(d, o->cfg));
    KZ_TRY(kz_scale_features(d, o->cfg->data.scale));
    KZ_TRY(kz_scale_targets(d, o->cfg->data.scale_target));
done:
    return st;
}

kz_status kz_stream_open(kz_opening *o)
{
    kz_data *d = o->data;
    scan s = {.o = o, .data = d};
    bool streamed = o->room.streamed[KZ_TRAIN];
    int64_t said = 0, valid_rows = o->room.valid_rows;
    uint8_t sha256[32];
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&s.index, INDEX_MOST, sizeof *s.index, "rows of a block"));
    if (d->classification) KZ_TRY(kz_classes_said(o, &said));
    else if (streamed) KZ_TRY(kz_scale_hold_targets(d));
    if (streamed) KZ_TRY(draw_valid(o));
    d->scale_x.kind = d->scale_y.kind = "none";
    if (!streamed) o->room.valid_rows = 0; /* they are told apart later */
    for (int i = 0; i < KZ_SPLITS; i++)
        if (o->x[i].object) KZ_TRY(scan_array(&s, i, said));
    o->room.valid_rows = valid_rows;
    kz_sha256_end(o->hash, sha256);
    kz_digest_text(d->digest, sha256);
    if (d->classification) KZ_TRY(kz_classes_named(o));
    if (!streamed) KZ_TRY(scale_in_memory(o));
    else if (!d->classification && strcmp(d->scale_y.kind, "none") != 0) KZ_TRY(kz_scale_target_values(d));
    d->stream_bytes = (int64_t)o->room.bytes;
    d->stream_rows = o->room.slot_rows;
done:
    kz_free(&s.index);
    return st;
}
