/* The document kaizen.datacheck/1: docs/data-check.md describes it. */
#include "data/check_impl.h"

#include <math.h>

enum { MOST_FEATURES = 1000, MOST_CLASSES = 1000 }; /* that are told one by one */

static kz_status no_memory(void)
{
    return KZ_FAIL(KZ_E_MEM, "data check: no memory for the result");
}

/* Number or null. */
static json_t *integer(int64_t v)
{
    return v < 0 ? json_null() : json_integer(v);
}

static json_t *text(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

/* A path, as far as it is UTF-8. */
static json_t *path_json(const char *path)
{
    char clean[4096];
    snprintf(clean, sizeof clean, "%s", path);
    return json_string(kz_check_clean(clean));
}

/* ---- findings ---- */

static json_t *item_json(const kz_checked *c, const kz_finding_item *i)
{
    char name[96];
    json_t *j = json_pack("{s:s}", "text", i->text);
    if (i->row >= 0) json_object_set_new(j, "row", json_integer(i->row));
    if (i->feature >= 0) {
        json_object_set_new(j, "feature", json_integer(i->feature));
        if (i->feature < c->features)
            json_object_set_new(j, "name", json_string(kz_checked_feature(c, i->feature, name)));
    }
    if (i->class_number >= 0) json_object_set_new(j, "class", json_integer(i->class_number));
    if (i->other >= 0) json_object_set_new(j, "other", json_integer(i->other));
    if (i->other_split) json_object_set_new(j, "other_split", json_string(i->other_split));
    if (!isnan(i->value)) json_object_set_new(j, "value", kz_json_number(i->value));
    return j;
}

static json_t *finding_json(const kz_checked *c, const kz_finding *f)
{
    json_t *items = json_array();
    for (int i = 0; i < f->items; i++) json_array_append_new(items, item_json(c, &f->item[i]));
    return json_pack("{s:s, s:s, s:b, s:o, s:s, s:I, s:o, s:o, s:s, s:s, s:o}", "id", f->id, "severity",
                     kz_severity_name(f->severity), "allowed", f->allowed, "where", text(f->where), "found", f->found,
                     "count", (json_int_t)f->count, "value", kz_json_number(f->value), "threshold",
                     kz_json_number(f->threshold), "rule", f->rule, "remedy", f->remedy, "items", items);
}

static json_t *findings_json(const kz_data_check *k)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < k->findings.n; i++)
        json_array_append_new(list, finding_json(&k->now, &k->findings.list[i]));
    return list;
}

/* ---- splits and classes ---- */

static json_t *array_json(const kz_array *a)
{
    json_t *shape = json_array();
    for (int i = 0; i < a->rank; i++) json_array_append_new(shape, json_integer(a->extent[i]));
    return json_pack("{s:o, s:s, s:o}", "object", path_json(a->object), "type", kz_stored_name(a->stored), "shape",
                     shape);
}

static json_t *splits_json(const kz_checked *c)
{
    json_t *list = json_array();
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_checked_split *s = &c->split[i];
        if (!s->there) continue;
        json_t *j = json_pack("{s:s, s:I, s:o, s:o}", "name", kz_split_names[i], "rows", (json_int_t)s->rows, "x",
                              array_json(&s->x), "y", array_json(&s->y));
        if (s->count && c->classes <= MOST_CLASSES) {
            json_t *count = json_array();
            for (int64_t k = 0; k < c->classes; k++) json_array_append_new(count, json_integer(s->count[k]));
            json_object_set_new(j, "class_rows", count);
        }
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *class_names_json(const kz_checked *c)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < c->n_class_names && i < c->classes && i < MOST_CLASSES; i++)
        json_array_append_new(list, json_string(c->class_names[i]));
    return list;
}

/* ---- features ---- */

static json_t *histogram_json(const uint32_t count[KZ_HISTOGRAM])
{
    json_t *list = json_array();
    for (int i = 0; i < KZ_HISTOGRAM; i++) json_array_append_new(list, json_integer(count[i]));
    return list;
}

static json_t *drift_json(const kz_feature *x, int other, const char *split)
{
    const kz_feature_drift *d = &x->other[other];
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "split", split, "psi", kz_json_number(d->psi), "psi_p",
                     kz_json_number(d->psi_p), "ks", kz_json_number(d->ks), "ks_p", kz_json_number(d->ks_p),
                     "histogram", histogram_json(x->histogram[other]));
}

static json_t *feature_json(const kz_checked *c, const kz_feature *x, int64_t feature)
{
    char name[96];
    json_t *drift = json_array();
    for (int i = 1; i < KZ_SPLITS; i++)
        if (x->other[i].rows > 0) json_array_append_new(drift, drift_json(x, i, kz_split_names[i]));
    return json_pack("{s:I, s:s, s:o, s:o, s:o, s:I, s:o, s:{s:o, s:o, s:o}, s:o}", "feature", (json_int_t)feature,
                     "name", kz_checked_feature(c, feature, name), "min", kz_json_number(x->low), "median",
                     kz_json_number(x->median), "max", kz_json_number(x->high), "distinct", (json_int_t)x->distinct,
                     "target_alone", kz_json_number(x->alone), "histogram", "from", kz_json_number(x->from), "to",
                     kz_json_number(x->to), "train", histogram_json(x->histogram[0]), "drift", drift);
}

static json_t *features_json(const kz_data_check *k)
{
    json_t *list = json_array();
    for (int64_t j = 0; j < k->table.n && j < MOST_FEATURES; j++)
        json_array_append_new(list, feature_json(&k->now, &k->table.feature[j], j));
    return list;
}

/* ---- the old version ---- */

static json_t *version_json(const kz_data_check *k)
{
    json_t *rows = json_array(), *drift = json_array();
    for (int i = 0; i < KZ_SPLITS && k->compared; i++) {
        const kz_version_rows *r = &k->rows[i];
        if (r->old_rows == 0) continue;
        json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "split", kz_split_names[i],
                                              "old_rows", (json_int_t)r->old_rows, "rows", (json_int_t)r->rows,
                                              "unchanged", (json_int_t)r->unchanged, "added", (json_int_t)r->added,
                                              "removed", (json_int_t)r->removed, "target_changed",
                                              (json_int_t)r->relabelled, "same_order", r->same_order));
        for (int64_t j = 0; j < k->version[i].n && j < MOST_FEATURES; j++) {
            json_t *d = drift_json(&k->version[i].feature[j], 1, kz_split_names[i]);
            json_object_set_new(d, "feature", json_integer(j));
            json_array_append_new(drift, d);
        }
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "file", path_json(k->old.path), "digest", text(k->old.digest), "rows",
                     rows, "drift", drift);
}

/* ---- the whole ---- */

static const char *verdict_of(const kz_data_check *k)
{
    if (kz_data_check_count(k, KZ_FINDING_ERROR) > 0) return "errors";
    return kz_data_check_count(k, KZ_FINDING_WARNING) > 0 ? "warnings" : "clean";
}

static json_t *counts_json(const kz_data_check *k)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "errors", (json_int_t)kz_data_check_count(k, KZ_FINDING_ERROR), "warnings",
                     (json_int_t)kz_data_check_count(k, KZ_FINDING_WARNING), "notes",
                     (json_int_t)kz_data_check_count(k, KZ_FINDING_NOTE), "allowed",
                     (json_int_t)kz_data_check_allowed(k));
}

kz_status kz_data_check_json(json_t **out, const kz_data_check *k)
{
    const kz_checked *c = &k->now;
    json_t *j =
        json_pack("{s:s, s:o, s:s, s:o, s:o, s:s, s:I, s:o, s:f, s:I, s:o, s:o, s:o, s:o}", "schema",
                  "kaizen.datacheck/1", "file", path_json(c->path), "verdict", verdict_of(k), "counts", counts_json(k),
                  "digest", text(c->digest), "task", c->classification ? "classification" : "regression", "features",
                  (json_int_t)c->features, "classes", integer(c->classification ? c->classes : -1), "max_psi",
                  k->options.max_psi, "row_stride", (json_int_t)(k->table.stride), "class_names", class_names_json(c),
                  "splits", splits_json(c), "findings", findings_json(k), "feature_list", features_json(k));
    if (!j) return no_memory();
    if (k->options.against && json_object_set_new(j, "against", version_json(k)) < 0) {
        json_decref(j);
        return no_memory();
    }
    *out = j;
    return KZ_OK;
}
