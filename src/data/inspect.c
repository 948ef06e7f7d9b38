/* What is in a file, as the document kaizen.inspect/1: objects, splits, values. */
#include "data/inspect_impl.h"

#include <string.h>
#include <sys/stat.h>

enum { VALUES_MOST = 8 }; /* arrays whose values are shown where none is named and no split is known */

static const char *const roles[KZ_SPLITS][2] = {{"train/x", "train/y"}, {"valid/x", "valid/y"}, {"test/x", "test/y"}};
static const char *const splits[KZ_SPLITS] = {"train", "valid", "test"};

typedef struct {
    const char *path;
    kz_hdf5 *file;
    kz_node *nodes;
    int64_t n;
    kz_layout layout; /* empty where `problem` says why */
    kz_text problem;
    kz_inspect_about about;
    char **task;
    int64_t n_task;
    json_t *out;
} inspection;

/* ---- objects ---- */

static json_t *integers(const int64_t *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n && i < KZ_NODE_RANK; i++) json_array_append_new(list, json_integer(values[i]));
    return list;
}

static const char *kind_name(kz_node_kind kind)
{
    static const char *const names[] = {"group", "array", "type", "soft link", "external link", "unknown", "attribute"};
    return names[kind];
}

static double unpacked_bytes(const kz_node *node)
{
    static const struct {
        const char *type;
        double size;
    } sizes[] = {{"int8", 1},    {"uint8", 1},   {"int16", 2},          {"uint16", 2},  {"int32", 4},
                 {"uint32", 4},  {"int64", 8},   {"uint64", 8},         {"float16", 2}, {"bfloat16", 2},
                 {"float32", 4}, {"float64", 8}, {"boolean of int8", 1}};
    size_t n = strcspn(node->type, ",");
    double bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (strlen(sizes[i].type) == n && memcmp(sizes[i].type, node->type, n) == 0) bytes = sizes[i].size;
    for (int i = 0; i < node->rank && i < KZ_NODE_RANK; i++) bytes *= (double)node->extent[i];
    return bytes;
}

static kz_status describe_array(json_t *j, const kz_node *node)
{
    double bytes = unpacked_bytes(node);
    kz_status st = KZ_OK;
    KZ_TRY(kz_inspect_set(j, "type", json_string(node->type)));
    KZ_TRY(kz_inspect_set(j, "shape", integers(node->extent, node->rank)));
    KZ_TRY(kz_inspect_set(j, "layout", json_string(node->layout)));
    KZ_TRY(kz_inspect_set(j, "chunk", node->chunk[0] > 0 ? integers(node->chunk, node->rank) : json_null()));
    KZ_TRY(kz_inspect_set(j, "filters", json_string(node->filters)));
    KZ_TRY(kz_inspect_set(j, "stored_bytes", json_integer(node->stored_bytes)));
    KZ_TRY(kz_inspect_set(j, "bytes", bytes > 0 && bytes < 0x1p62 ? json_integer((json_int_t)bytes) : json_null()));
    KZ_TRY(kz_inspect_set(j, "readable", json_boolean(node->readable)));
done:
    return st;
}

static kz_status add_objects(inspection *in)
{
    json_t *list = json_array(), *last = NULL, *attributes = NULL; /* of the object listed last */
    const char *name;
    kz_status st = KZ_OK;
    size_t above = 0;
    for (int64_t i = 0; i < in->n; i++) {
        const kz_node *node = &in->nodes[i];
        if (node->kind == KZ_NODE_ATTRIBUTE) {
            name = strlen(node->path) > above ? node->path + above + 1 : node->path;
            json_object_set_new(attributes, name, node->target ? json_string(node->target) : json_null());
            continue;
        }
        above = strlen(node->path);
        attributes = json_object();
        last = json_pack("{s:s, s:s}", "path", node->path, "kind", kind_name(node->kind));
        json_array_append_new(list, last);
        st = kz_inspect_set(last, "attributes", attributes);
        if (st == KZ_OK && node->target) st = kz_inspect_set(last, "target", json_string(node->target));
        if (st == KZ_OK && node->kind == KZ_NODE_DATASET) st = describe_array(last, node);
        KZ_TRY(st);
    }
    KZ_TRY(kz_inspect_set(in->out, "objects", json_incref(list)));
    KZ_TRY(kz_inspect_set(in->out, "complete", json_boolean(in->n < KZ_NODES_MAX)));
done:
    json_decref(list);
    return st;
}

/* ---- splits ---- */

static json_t *pair(const char *x, const char *y)
{
    return json_pack("{s:s, s:s}", "x", x, "y", y);
}

/* "data:\n  path: ...\n  train: {x: /a, y: /b}\n": what a config needs to say, or could. */
static kz_status add_paste(inspection *in, const char *const x[KZ_SPLITS], const char *const y[KZ_SPLITS])
{
    kz_text text = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(&text, "data:\n  path: "));
    KZ_TRY(kz_config_quote(&text, in->path));
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!x[i] || !y[i]) continue;
        KZ_TRY(kz_text_add(&text, "\n  %s: {x: ", splits[i]));
        KZ_TRY(kz_config_quote(&text, x[i]));
        KZ_TRY(kz_text_add(&text, ", y: "));
        KZ_TRY(kz_config_quote(&text, y[i]));
        KZ_TRY(kz_text_add(&text, "}"));
    }
    if (!x[KZ_TEST]) KZ_TRY(kz_text_add(&text, "\n  test: none"));
    KZ_TRY(kz_inspect_set(in->out, "paste", json_string(kz_text_str(&text))));
done:
    kz_text_free(&text);
    return st;
}

static kz_status add_splits(inspection *in)
{
    const kz_layout *l = &in->layout;
    const char *x[KZ_SPLITS] = {l->x[0], l->x[1], l->x[2]}, *y[KZ_SPLITS] = {l->y[0], l->y[1], l->y[2]};
    const kz_node *guess_x, *guess_y;
    json_t *found = json_object();
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (x[i]) json_object_set_new(found, splits[i], pair(x[i], y[i]));
    KZ_TRY(kz_inspect_set(in->out, "splits", json_incref(found)));
    KZ_TRY(kz_inspect_set(in->out, "note", json_string(kz_text_str(&l->note))));
    KZ_TRY(kz_inspect_set(in->out, "problem", in->problem.n ? json_string(in->problem.s) : json_null()));
    if (in->problem.n) {
        kz_layout_guess(in->nodes, in->n, &guess_x, &guess_y);
        x[KZ_TRAIN] = guess_x ? guess_x->path : NULL;
        y[KZ_TRAIN] = guess_y ? guess_y->path : NULL;
    }
    if (x[KZ_TRAIN] && y[KZ_TRAIN] && (in->problem.n || l->other_names)) KZ_TRY(add_paste(in, x, y));
    else KZ_TRY(kz_inspect_set(in->out, "paste", json_null()));
done:
    json_decref(found);
    return st;
}

/* ---- values ---- */

static kz_status add_array(inspection *in, json_t *list, const kz_node *node)
{
    json_t *one = NULL;
    char *problem = NULL;
    kz_status st = KZ_OK;
    in->about.role = NULL;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (in->layout.x[i]) {
            if (strcmp(node->path, in->layout.x[i]) == 0) in->about.role = roles[i][0];
            if (strcmp(node->path, in->layout.y[i]) == 0) in->about.role = roles[i][1];
        }
    bool whole_type = strncmp(node->type, "float", 5) != 0;
    in->about.of_classes = in->n_task ? strcmp(in->task[0], "classification") == 0 : whole_type;
    in->about.task_unsaid = in->n_task == 0;
    kz_array unused;
    if (node->readable) st = kz_inspect_array(&one, in->file, node, &in->about);
    else st = kz_hdf5_array(in->file, node->path, "data of a config", &unused); /* which says why not */
    if (st == KZ_E_DATA) {                                                      /* the others may be sound */
        KZ_TRY(kz_hdf5_clean(&problem, kz_error_message(), strlen(kz_error_message())));
        one = json_pack("{s:s, s:s?, s:s}", "path", node->path, "role", in->about.role, "problem", problem);
        kz_error_clear();
        st = KZ_OK;
    }
    KZ_TRY(st);
    if (one && json_array_append_new(list, one) != 0) st = KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
done:
    kz_free(&problem);
    return st;
}

static const kz_node *node_at(const inspection *in, const char *path)
{
    for (int64_t i = 0; i < in->n; i++) {
        const char *name = in->nodes[i].path;
        if (in->nodes[i].kind != KZ_NODE_ATTRIBUTE && strcmp(name + (*path != '/'), path) == 0) return &in->nodes[i];
    }
    return NULL;
}

static kz_status add_named(inspection *in, json_t *list, const char *const *objects, int64_t n)
{
    kz_array unused;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n; i++) {
        const kz_node *node = node_at(in, objects[i]);
        if (!node || !node->readable) { /* reading it says why not */
            KZ_TRY(kz_hdf5_array(in->file, objects[i], "--object", &unused));
            return KZ_FAIL(KZ_E_DATA, "%s: %s is not among the objects that are listed; name another in --object",
                           in->path, objects[i]);
        }
        KZ_TRY(add_array(in, list, node));
    }
done:
    return st;
}

/* Those of the splits; where none is known, the first few that can be read. */
static kz_status add_values(inspection *in, const char *const *objects, int64_t n_objects)
{
    json_t *list = json_array();
    int64_t readable = 0;
    kz_status st = KZ_OK;
    if (n_objects > 0) KZ_TRY(add_named(in, list, objects, n_objects));
    for (int i = 0; i < KZ_SPLITS && n_objects == 0; i++)
        for (int part = 0; part < 2; part++) {
            const char *path = part ? in->layout.y[i] : in->layout.x[i];
            const kz_node *node = path ? node_at(in, path) : NULL;
            if (node) KZ_TRY(add_array(in, list, node));
        }
    for (int64_t i = 0; i < in->n; i++) {
        if (!in->nodes[i].readable) continue;
        readable++;
        if (in->problem.n && n_objects == 0 && readable <= VALUES_MOST) KZ_TRY(add_array(in, list, &in->nodes[i]));
    }
    KZ_TRY(kz_inspect_set(in->out, "arrays", json_incref(list)));
    KZ_TRY(kz_inspect_set(in->out, "readable_arrays", json_integer(readable)));
done:
    json_decref(list);
    return st;
}

/* ---- the whole ---- */

/* Arrays that cannot be told apart are a finding here, not a failure. */
static kz_status find_layout(inspection *in)
{
    kz_status st = kz_layout_find(&in->layout, in->file, NULL);
    char *problem = NULL;
    if (st != KZ_E_DATA) return st;
    st = kz_hdf5_clean(&problem, kz_error_message(), strlen(kz_error_message()));
    if (st == KZ_OK) st = kz_text_add(&in->problem, "%s", problem);
    kz_free(&problem);
    kz_error_clear();
    return st;
}

static kz_status read_attributes(inspection *in)
{
    kz_inspect_about *a = &in->about;
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_texts(in->file, "task", &in->task, &in->n_task));
    KZ_TRY(kz_hdf5_texts(in->file, "class_names", &a->class_names, &a->n_class_names));
    KZ_TRY(kz_hdf5_texts(in->file, "feature_names", &a->feature_names, &a->n_feature_names));
done:
    return st;
}

kz_status kz_data_inspect(json_t **out, const char *path, const char *const *objects, int64_t n_objects,
                          bool allow_filters)
{
    inspection in = {.path = NULL};
    char *clean = NULL;
    struct stat info;
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_clean(&clean, path, strlen(path)));
    in.path = clean;
    KZ_TRY(kz_hdf5_open_with(&in.file, path, &(kz_hdf5_options){.allow_filters = allow_filters, .sampled = true}));
    KZ_TRY(kz_hdf5_tree(in.file, true, &in.nodes, &in.n));
    KZ_TRY(find_layout(&in));
    KZ_TRY(read_attributes(&in));
    in.out = json_pack("{s:s, s:s, s:I}", "schema", "kaizen.inspect/1", "file", clean, "file_bytes",
                       (json_int_t)(stat(path, &info) == 0 ? info.st_size : 0));
    if (!in.out) st = KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
    KZ_TRY(st);
    KZ_TRY(add_objects(&in));
    KZ_TRY(add_splits(&in));
    KZ_TRY(add_values(&in, objects, n_objects));
    *out = in.out;
    in.out = NULL; /* given away */
done:
    json_decref(in.out);
    kz_texts_free(&in.task, in.n_task);
    kz_texts_free(&in.about.class_names, in.about.n_class_names);
    kz_texts_free(&in.about.feature_names, in.about.n_feature_names);
    kz_layout_free(&in.layout);
    kz_text_free(&in.problem);
    kz_nodes_free(&in.nodes, in.n);
    kz_hdf5_close(&in.file);
    kz_free(&clean);
    return st;
}
