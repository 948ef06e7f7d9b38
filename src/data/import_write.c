/* The last pass over a table: cells to rows of x and y, made by the team, written in the order of the file. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

enum { STAGE_BYTES = 16 << 20 };

typedef struct {
    kz_table *t;
    kz_splitter *s;
    kz_import_result *r;
    kz_hdf5_writer *w; /* NULL: a dry run */
    kz_stored x, y;
    int64_t targets; /* values of y per row */
    int x_id[KZ_IMPORT_SPLITS], y_id[KZ_IMPORT_SPLITS];
    int64_t done[KZ_IMPORT_SPLITS];
    uint8_t *x_stage[KZ_IMPORT_SPLITS], *y_stage[KZ_IMPORT_SPLITS]; /* rows about to be written */
    int64_t room[KZ_IMPORT_SPLITS];                                 /* rows that they hold */
    double *row;                                                    /* (pieces, features + targets) */
    kz_piece *piece;                                                /* of the batch */
    const kz_piece *first;
    int64_t filled[KZ_BLOCK_PIECES];
} output;

/* ---- one row ---- */

static void put_words(const kz_column *c, double v, double *x)
{
    int64_t word = (int64_t)v, place = word < c->words.n ? c->words.rank[word] : word;
    if (c->as == KZ_AS_ONEHOT) {
        for (int64_t k = 0; k < c->wide; k++) x[c->first + k] = 0;
        x[c->first + place] = 1;
    } else {
        x[c->first] = (double)place;
    }
}

/* x <- the features, y <- the targets; returns how many values were filled in. */
static int64_t make_row(const output *o, const double *cell, double *x, double *y)
{
    int64_t filled = 0;
    for (int64_t i = 0; i < o->t->n_columns; i++) {
        const kz_column *c = &o->t->column[i];
        double v = cell[i];
        if (c->role == KZ_ROLE_TARGET) {
            *y++ = o->r->classification ? (double)c->words.rank[kz_target_word(c, v)] : v;
        } else if (c->role == KZ_ROLE_FEATURE) {
            if (v != v) {
                v = c->value;
                filled++;
            }
            if (c->text) put_words(c, v, x);
            else x[c->first] = v;
        }
    }
    return filled;
}

static void make_pieces(void *context, int64_t begin, int64_t end)
{
    output *o = context;
    int64_t features = o->r->features, x_row = features * kz_stored_size(o->x),
            y_row = o->targets * kz_stored_size(o->y);
    for (int64_t k = begin; k < end; k++) {
        kz_piece *p = &o->piece[k];
        double *x = o->row + (p - o->first) * (features + o->targets), *y = x + features;
        int64_t at[KZ_IMPORT_SPLITS], filled = 0;
        memcpy(at, p->at, sizeof at);
        for (int64_t i = 0; i < p->rows; i++) {
            int f = p->fate[i];
            if (f == KZ_FATE_DROP) continue;
            filled += make_row(o, p->cells + i * o->t->n_columns, x, y);
            kz_store(o->x_stage[f] + at[f] * x_row, o->x, x, features);
            kz_store(o->y_stage[f] + at[f] * y_row, o->y, y, o->targets);
            at[f]++;
        }
        o->filled[p - o->first] = filled;
    }
}

/* ---- a batch: as many pieces as the stage holds ---- */

static kz_status stage(output *o, const int64_t rows[KZ_IMPORT_SPLITS])
{
    kz_status st = KZ_OK;
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        if (rows[f] <= o->room[f]) continue;
        kz_free(&o->x_stage[f]);
        kz_free(&o->y_stage[f]);
        o->room[f] = rows[f];
        KZ_TRY(kz_calloc(&o->x_stage[f], rows[f] * o->r->features, (size_t)kz_stored_size(o->x), "rows to be written"));
        KZ_TRY(kz_calloc(&o->y_stage[f], rows[f] * o->targets, (size_t)kz_stored_size(o->y), "rows to be written"));
    }
done:
    return st;
}

static kz_status write_batch(output *o, int64_t n, const int64_t rows[KZ_IMPORT_SPLITS])
{
    kz_status st = KZ_OK;
    KZ_TRY(stage(o, rows));
    kz_team_run(o->t->team, n, 1, make_pieces, o);
    for (int64_t k = 0; k < n; k++) o->r->filled += o->filled[o->piece + k - o->first];
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        for (int64_t i = 0; o->r->classification && i < rows[f]; i++)
            o->r->class_rows[f][((int32_t *)o->y_stage[f])[i]]++;
        if (o->w && rows[f] > 0) {
            KZ_TRY(kz_hdf5_writer_rows(o->w, o->x_id[f], o->done[f], rows[f], o->x_stage[f]));
            KZ_TRY(kz_hdf5_writer_rows(o->w, o->y_id[f], o->done[f], rows[f], o->y_stage[f]));
        }
        o->done[f] += rows[f];
    }
done:
    return st;
}

static kz_status write_block(void *context, kz_block *b)
{
    output *o = context;
    int64_t row = o->r->features * kz_stored_size(o->x), begin = 0, rows[KZ_IMPORT_SPLITS] = {0}, all = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_splitter_block(o->s, b));
    o->first = b->piece;
    for (int64_t k = 0; k < b->n; k++) {
        kz_piece *p = &b->piece[k];
        memcpy(p->at, rows, sizeof rows);
        for (int64_t i = 0; i < p->rows; i++) {
            if (p->fate[i] == KZ_FATE_DROP) o->r->dropped++;
            else rows[p->fate[i]]++, all++;
        }
        if (k + 1 < b->n && all * row < STAGE_BYTES) continue;
        o->piece = b->piece + begin;
        KZ_TRY(write_batch(o, k + 1 - begin, rows));
        memset(rows, 0, sizeof rows);
        begin = k + 1;
        all = 0;
    }
done:
    return st;
}

/* ---- the file ---- */

static kz_status make_arrays(output *o)
{
    static const char *const name[KZ_IMPORT_SPLITS][2] = {
        {"/train/x", "/train/y"}, {"/valid/x", "/valid/y"}, {"/test/x", "/test/y"}};
    const char *compress = o->t->o->compress;
    bool gzip = compress && strcmp(compress, "gzip") == 0;
    kz_status st = KZ_OK;
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        int64_t x[2] = {o->s->rows[f], o->r->features}, y[2] = {o->s->rows[f], o->targets};
        if (o->s->rows[f] == 0) continue;
        KZ_TRY(kz_hdf5_writer_array(o->w, name[f][0], o->x, 2, x, gzip, &o->x_id[f]));
        KZ_TRY(kz_hdf5_writer_array(o->w, name[f][1], o->y, o->targets > 1 ? 2 : 1, y, gzip, &o->y_id[f]));
    }
done:
    return st;
}

static kz_status write_all(output *o, char *const *names, int64_t n_names)
{
    const kz_import_options *options = o->t->o;
    kz_status st = KZ_OK;
    if (!options->dry_run) {
        KZ_TRY(kz_hdf5_create(&o->w, o->r->out, options->force));
        KZ_TRY(make_arrays(o));
    }
    kz_splitter_begin(o->s);
    KZ_TRY(kz_table_scan(o->t, "writing", write_block, o));
    KZ_TRY(kz_import_columns_json(o->t, o->r, &o->r->columns));
    KZ_TRY(kz_import_balance(o->r, options));
    if (!o->w) goto done;
    KZ_TRY(kz_import_attributes(o->w, options, o->r, names, n_names));
    KZ_TRY(kz_import_stopped(options));
    KZ_TRY(kz_hdf5_writer_commit(o->w, &o->r->bytes));
done:
    kz_hdf5_writer_destroy(&o->w);
    return st;
}

kz_status kz_import_write(kz_table *t, kz_splitter *s, kz_import_result *r)
{
    output o = {.t = t, .s = s, .r = r, .targets = r->classification ? 1 : r->targets};
    char **names = NULL;
    int64_t n_names = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_import_dtype(t, r, &o.x, &o.y));
    if (!t->target_first) KZ_TRY(kz_import_names(t, &names, &n_names)); /* LIBSVM has no names */
    KZ_TRY(kz_calloc(&o.row, KZ_BLOCK_PIECES * (r->features + o.targets), sizeof *o.row, "rows to be written"));
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        r->rows[f] = s->rows[f];
        if (r->classification) KZ_TRY(kz_calloc(&r->class_rows[f], r->classes, sizeof(int64_t), "classes"));
    }
    KZ_TRY(write_all(&o, names, n_names));
done:
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        kz_free(&o.x_stage[f]);
        kz_free(&o.y_stage[f]);
    }
    kz_free(&o.row);
    kz_texts_free(&names, n_names);
    return st;
}
