/* What every import ends with: notes, class balance, attributes. */
#include "data/import_impl.h"

#include <string.h>

void kz_import_result_free(kz_import_result *r)
{
    kz_free(&r->out);
    kz_texts_free(&r->class_names, r->class_names ? r->classes : 0);
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) kz_free(&r->class_rows[f]);
    kz_free(&r->class_weights);
    kz_texts_free(&r->notes, r->n_notes);
    json_decref(r->columns);
    *r = (kz_import_result){0};
}

kz_status kz_import_note(kz_import_result *r, const char *format, ...)
{
    char line[1024], **more = NULL;
    va_list args;
    kz_status st = KZ_OK;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    KZ_TRY(kz_calloc(&more, r->n_notes + 1, sizeof *more, "notes"));
    if (r->n_notes) memcpy(more, r->notes, (size_t)r->n_notes * sizeof *more);
    kz_free(&r->notes);
    r->notes = more;
    KZ_TRY(kz_strdup(&r->notes[r->n_notes], line));
    r->n_notes++;
done:
    return st;
}

/* Weight of class k: rows / (classes * rows of k), over train; scikit-learn's "balanced". */
kz_status kz_import_balance(kz_import_result *r, const kz_import_options *o)
{
    kz_status st = KZ_OK;
    int64_t classes = 0;
    if (!r->classification) {
        if (o->class_weights && strcmp(o->class_weights, "balanced") == 0)
            return KZ_FAIL(KZ_E_USAGE, "--class-weights: a regression has no classes; leave it out");
        return KZ_OK;
    }
    for (int64_t k = 0; k < r->classes; k++) {
        if (r->class_rows[0][k] > 0) classes++;
        else if (r->class_rows[1][k] + r->class_rows[2][k] > 0)
            KZ_TRY(kz_import_note(r, "class %lld (%s) has no rows in train", (long long)k,
                                  r->class_names ? r->class_names[k] : "no name"));
    }
    if (classes < 2)
        return KZ_FAIL(KZ_E_DATA, "the rows of train hold %lld class%s; two are needed to learn from",
                       (long long)classes, classes == 1 ? "" : "es");
    if (!o->class_weights || strcmp(o->class_weights, "none") == 0) return KZ_OK;
    KZ_TRY(kz_calloc(&r->class_weights, r->classes, sizeof *r->class_weights, "class weights"));
    for (int64_t k = 0; k < r->classes; k++) {
        int64_t rows = r->class_rows[0][k];
        if (rows > 0) r->class_weights[k] = (double)r->rows[0] / ((double)classes * (double)rows);
    }
done:
    return st;
}

/* The name of the one input, without folder and extension; not that of the output, which may be renamed. */
static kz_status default_name(char **out, const kz_import_options *o)
{
    const char *path = o->inputs.n == 1 ? o->inputs.text[0] : NULL, *slash = path ? strrchr(path, '/') : NULL;
    if (!path) return KZ_OK;
    kz_status st = kz_strdup(out, slash ? slash + 1 : path);
    char *dot = st == KZ_OK ? strchr(*out + 1, '.') : NULL;
    if (dot) *dot = '\0';
    return st;
}

/* The JSON text as bytes: no attribute holds so much, and it is read as any array is. */
static kz_status write_columns(kz_hdf5_writer *w, const json_t *columns)
{
    kz_text text = {0};
    int id;
    kz_status st = KZ_OK;
    KZ_TRY(kz_json_dump_digits(&text, columns, 17));
    KZ_TRY(kz_hdf5_writer_array(w, "/columns", KZ_STORED_UINT8, 1, &text.n, false, &id));
    KZ_TRY(kz_hdf5_writer_rows(w, id, 0, text.n, text.s));
    KZ_TRY(kz_hdf5_writer_text(w, "columns", "kaizen.columns/1"));
done:
    kz_text_free(&text);
    return st;
}

kz_status kz_import_attributes(kz_hdf5_writer *w, const kz_import_options *o, const kz_import_result *r,
                               char *const *feature_names, int64_t n_names)
{
    char *name = NULL;
    kz_status st = KZ_OK;
    if (!o->name) KZ_TRY(default_name(&name, o));
    if (o->name || name) KZ_TRY(kz_hdf5_writer_text(w, "name", o->name ? o->name : name));
    KZ_TRY(kz_hdf5_writer_text(w, "task", r->classification ? "classification" : "regression"));
    if (r->classification) KZ_TRY(kz_hdf5_writer_integer(w, "classes", (int32_t)r->classes));
    if (r->class_names) KZ_TRY(kz_hdf5_writer_texts(w, "class_names", r->class_names, r->classes));
    if (r->class_weights) KZ_TRY(kz_hdf5_writer_numbers(w, "class_weights", r->class_weights, r->classes));
    if (n_names > 0) KZ_TRY(kz_hdf5_writer_texts(w, "feature_names", feature_names, n_names));
    if (o->source) KZ_TRY(kz_hdf5_writer_text(w, "source", o->source));
    if (o->license) KZ_TRY(kz_hdf5_writer_text(w, "license", o->license));
    KZ_TRY(kz_hdf5_writer_text(w, "created_by", "kaizen data import"));
    if (r->columns) KZ_TRY(write_columns(w, r->columns));
done:
    kz_free(&name);
    return st;
}
