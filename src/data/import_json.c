/* What became of each column, kept in the file (/columns) and later in the model: kaizen.columns/1. */
#include "data/import_impl.h"

static json_t *words_json(const kz_column *c)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < c->words.n; i++) json_array_append_new(list, json_null());
    for (int64_t i = 0; i < c->words.n; i++)
        json_array_set_new(list, (size_t)c->words.rank[i], json_string(kz_words_text(&c->words, i)));
    return list;
}

static json_t *missing_json(const kz_column *c)
{
    static const char *const action[] = {"error", "drop", "mean", "median", "mode", "category"};
    json_t *value = json_null();
    if (c->seen.missing > 0 && c->fill > KZ_FILL_DROP && c->fill < KZ_FILL_CATEGORY && c->role == KZ_ROLE_FEATURE) {
        json_decref(value);
        value = c->text ? json_string(kz_words_text(&c->words, (int64_t)c->value)) : kz_json_number(c->value);
    }
    return json_pack("{s:I, s:s, s:o}", "cells", (json_int_t)c->seen.missing, "action", action[c->fill], "value",
                     value);
}

static json_t *feature_json(const kz_column *c)
{
    bool onehot = c->text && c->as == KZ_AS_ONEHOT;
    json_t *j = json_pack("{s:s, s:I, s:s, s:I, s:I, s:o}", "name", c->name, "column", (json_int_t)c->field + 1, "kind",
                          onehot    ? "onehot"
                          : c->text ? "codes"
                                    : "number",
                          "first", (json_int_t)c->first, "features", (json_int_t)c->wide, "missing", missing_json(c));
    if (c->text) json_object_set_new(j, "values", words_json(c));
    if (!c->text && c->seen.least <= c->seen.most) {
        json_object_set_new(j, "least", kz_json_number(c->seen.least));
        json_object_set_new(j, "most", kz_json_number(c->seen.most));
    }
    return j;
}

static json_t *target_json(const kz_column *c, bool classification)
{
    json_t *j = json_pack("{s:s, s:I, s:s, s:o}", "name", c->name, "column", (json_int_t)c->field + 1, "kind",
                          classification ? "class" : "number", "missing", missing_json(c));
    if (classification) json_object_set_new(j, "values", words_json(c));
    return j;
}

static json_t *dropped_json(const kz_table *t)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < t->fields; i++)
        if (t->column_of[i] < 0) json_array_append_new(list, json_string(t->field_name[i]));
    return list;
}

static json_t *missing_texts_json(const kz_table *t)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < t->n_missing; i++) json_array_append_new(list, json_string(t->missing[i]));
    return list;
}

kz_status kz_import_columns_json(const kz_table *t, const kz_import_result *r, json_t **out)
{
    json_t *columns = json_array(), *targets = json_array();
    if (t->target_first) { /* LIBSVM: columns have no names and nothing to tell */
        json_decref(columns);
        json_decref(targets);
        return KZ_OK;
    }
    for (int64_t i = 0; i < t->n_columns; i++) {
        const kz_column *c = &t->column[i];
        if (c->role == KZ_ROLE_FEATURE) json_array_append_new(columns, feature_json(c));
        if (c->role == KZ_ROLE_TARGET) json_array_append_new(targets, target_json(c, r->classification));
    }
    *out = json_pack("{s:s, s:o, s:o, s:o, s:o}", "schema", "kaizen.columns/1", "columns", columns, "targets", targets,
                     "left_out", dropped_json(t), "missing_texts", missing_texts_json(t));
    return *out ? KZ_OK : KZ_FAIL(KZ_E_MEM, "columns: no memory, or a name that is not UTF-8");
}
