/* A data set, from the config to memory. */
#include "data/data_impl.h"

#include <string.h>

enum { COLUMNS_BYTES_MAX = 16 << 20, FEW_CLASSES = 20 };

kz_status kz_data_hold(kz_data *data, void *out, int64_t n, size_t size, const char *what)
{
    kz_status st = kz_calloc(out, n, size, what);
    if (st != KZ_OK) return st;
    memcpy(&data->own->held[data->own->n_held++], out, sizeof(void *));
    data->bytes += n * (int64_t)size;
    return KZ_OK;
}

void kz_data_destroy(kz_data **data)
{
    kz_data *d = *data;
    if (!d) return;
    for (int i = 0; d->own && i < d->own->n_held; i++) kz_free(&d->own->held[i]);
    if (d->own) kz_hdf5_close(&d->own->file);
    kz_free(&d->own);
    kz_texts_free(&d->class_names, d->classes);
    kz_data_arrays *at[] = {&d->train_at, &d->valid_at, &d->test_at};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        kz_free(&at[i]->x);
        kz_free(&at[i]->y);
    }
    kz_free(&d->note);
    kz_free(&d->name);
    kz_free(&d->columns);
    kz_free(&d->path);
    kz_free(data);
}

/* ---- arrays ---- */

static kz_status open_split(kz_opening *o, int i, const char *key)
{
    char where[64];
    const char *x = o->layout.x[i], *y = o->layout.y[i];
    kz_status st = KZ_OK;
    if (!x != !y)
        return KZ_FAIL(KZ_E_CONFIG, "%s: %s is named but %s is not; give both", key, x ? "x" : "y", x ? "y" : "x");
    if (!x) return KZ_OK;
    snprintf(where, sizeof where, "%s%s", key, i == KZ_TRAIN ? "" : ", or set it to none");
    KZ_TRY(kz_hdf5_array(o->file, x, where, &o->x[i]));
    KZ_TRY(kz_hdf5_array(o->file, y, where, &o->y[i]));
done:
    return st;
}

static kz_status open_arrays(kz_opening *o)
{
    const kz_config_data *c = &o->cfg->data;
    kz_status st = KZ_OK;
    if (!c->train.left_out && !c->train.x)
        return KZ_FAIL(KZ_E_CONFIG, "data.train: no x and y are named; there is nothing to train on");
    KZ_TRY(kz_layout_find(&o->layout, o->file, c));
    KZ_TRY(open_split(o, KZ_TRAIN, "data.train"));
    KZ_TRY(open_split(o, KZ_VALID, "data.valid"));
    KZ_TRY(open_split(o, KZ_TEST, "data.test"));
done:
    return st;
}

/* Labels that are measured, or number the rows, are told before a model is trained to tell so many classes apart. */
static kz_status note_classes(kz_opening *o)
{
    const kz_data *d = o->data;
    int64_t rows = d->train.rows;
    kz_text *note = &o->layout.note;
    if (!d->classification || d->classes <= FEW_CLASSES || 2 * d->classes <= rows) return KZ_OK;
    return kz_text_add(note,
                       "%s%lld classes in %lld rows of train; if y is measured, set the file's attribute task to "
                       "regression, or model.loss: squared_error",
                       note->n ? "\n" : "", (long long)d->classes, (long long)rows);
}

/* The names go with the data set. */
static kz_status keep_layout(kz_opening *o)
{
    kz_data *d = o->data;
    kz_data_arrays *at[KZ_SPLITS] = {&d->train_at, &d->valid_at, &d->test_at};
    for (int i = 0; i < KZ_SPLITS; i++) {
        *at[i] = (kz_data_arrays){o->layout.x[i], o->layout.y[i]};
        o->layout.x[i] = o->layout.y[i] = NULL; /* given away */
    }
    kz_status st = note_classes(o);
    if (st != KZ_OK) return st;
    return kz_strdup(&d->note, kz_text_str(&o->layout.note));
}

static kz_status load_x(const kz_opening *o, kz_split *s, const kz_array *x, const char *role)
{
    void *values = NULL;
    kz_status st = KZ_OK;
    s->rows = kz_array_rows(x);
    s->element = x->stored == KZ_STORED_UINT8 ? KZ_U8 : KZ_F32;
    KZ_TRY(
        kz_data_hold(o->data, &values, s->rows * kz_array_row(x), s->element == KZ_U8 ? 1 : sizeof(float), x->object));
    s->x = values;
    KZ_TRY(kz_array_load(o, x, role, s->element == KZ_U8 ? KZ_AS_U8 : KZ_AS_F32, values));
done:
    return st;
}

static kz_status load_y(const kz_opening *o, kz_split *s, const kz_array *y, const char *role)
{
    void *values = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_data_hold(o->data, &values, s->rows * kz_array_row(y), sizeof(float), y->object));
    KZ_TRY(kz_array_load(o, y, role, o->data->classification ? KZ_AS_LABEL : KZ_AS_F32, values));
    if (o->data->classification) s->label = values;
    else s->value = s->raw = values;
done:
    return st;
}

static kz_status load_arrays(kz_opening *o)
{
    static const char *const role[KZ_SPLITS][2] = {
        {"train/x", "train/y"}, {"valid/x", "valid/y"}, {"test/x", "test/y"}};
    kz_split *split[KZ_SPLITS] = {&o->data->train, &o->data->valid, &o->data->test};
    uint8_t sha256[32];
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!o->x[i].object) continue;
        KZ_TRY(load_x(o, split[i], &o->x[i], role[i][0]));
        KZ_TRY(load_y(o, split[i], &o->y[i], role[i][1]));
    }
    kz_sha256_end(o->hash, sha256);
    kz_digest_text(o->data->digest, sha256);
    if (o->data->classification) KZ_TRY(kz_check_classes(o));
done:
    return st;
}

/* Whoever streams the data reads on. */
static void keep_file(kz_opening *o)
{
    struct kz_data_private *own = o->data->own;
    own->file = o->file;
    o->file = NULL; /* given away */
    own->room = o->room;
    memcpy(own->x, o->x, sizeof own->x);
    memcpy(own->y, o->y, sizeof own->y);
}

/* ---- the whole ---- */

static kz_status read_name(const kz_opening *o)
{
    char **names = NULL;
    int64_t n = 0;
    kz_status st = kz_hdf5_texts(o->file, "name", &names, &n);
    if (st == KZ_OK && n > 0) st = kz_strdup(&o->data->name, names[0]);
    kz_texts_free(&names, n);
    return st;
}

/* The JSON text that `kaizen data import` stores: bytes of /columns, announced by the attribute of that name. */
static kz_status read_columns(const kz_opening *o)
{
    char **schema = NULL, *text = NULL;
    int64_t n = 0;
    kz_array a = {0};
    json_t *json = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_texts(o->file, "columns", &schema, &n));
    if (n != 1 || strcmp(schema[0], "kaizen.columns/1") != 0) goto done;
    KZ_TRY(kz_hdf5_array(o->file, "/columns", "its attribute columns", &a));
    int64_t bytes = kz_array_rows(&a) * kz_array_row(&a);
    if (a.stored == KZ_STORED_UINT8 && a.rank == 1 && bytes <= COLUMNS_BYTES_MAX) {
        KZ_TRY(kz_calloc(&text, bytes + 1, 1, "columns"));
        KZ_TRY(kz_hdf5_read(o->file, &a, 0, bytes, text));
        json = json_loadb(text, (size_t)bytes, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!json_is_object(json)) {
        st = KZ_FAIL(KZ_E_DATA,
                     "%s: /columns is not the JSON text that attribute columns promises; import the data again, "
                     "or delete the attribute",
                     o->data->path);
        goto done;
    }
    o->data->columns = text;
    text = NULL; /* given away */
done:
    json_decref(json);
    kz_free(&text);
    kz_texts_free(&schema, n);
    return st;
}

static kz_status read_file(kz_opening *o)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_sha256_create(&o->hash));
    KZ_TRY(kz_hdf5_open_with(
        &o->file, o->data->path,
        &(kz_hdf5_options){.memory = o->cfg->data.memory, .allow_filters = o->cfg->data.allow_filters}));
    KZ_TRY(open_arrays(o));
    KZ_TRY(kz_check_shapes(o));
    KZ_TRY(kz_check_task(o));
    KZ_TRY(kz_room_plan(o));
    if (o->room.any) KZ_TRY(kz_stream_open(o));
    else KZ_TRY(load_arrays(o));
    KZ_TRY(read_name(o));
    KZ_TRY(keep_layout(o));
    KZ_TRY(read_columns(o));
    if (o->room.any) keep_file(o);
done:
    kz_layout_free(&o->layout);
    kz_hdf5_close(&o->file);
    kz_sha256_destroy(&o->hash);
    return st;
}

kz_status kz_data_open(kz_data **out, const kz_config *cfg)
{
    kz_opening o = {.cfg = cfg};
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&o.data, 1, sizeof *o.data, "data set"));
    KZ_TRY(kz_calloc(&o.data->own, 1, sizeof *o.data->own, "data set"));
    KZ_TRY(kz_data_find(&o.data->path, cfg));
    KZ_TRY(read_file(&o));
    if (!o.room.any) {
        if (o.data->valid.rows == 0 && cfg->data.valid.fraction > 0) KZ_TRY(kz_split_valid(o.data, cfg));
        KZ_TRY(kz_scale_features(o.data, cfg->data.scale));
        KZ_TRY(kz_scale_targets(o.data, cfg->data.scale_target));
    }
    *out = o.data;
    o.data = NULL; /* given away */
done:
    kz_data_destroy(&o.data);
    return st;
}
