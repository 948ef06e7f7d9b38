/* Opens a file to be checked: which arrays, what task, what names. */
#include "data/check_impl.h"
#include "kernels/loss/loss.h"

#include <stdlib.h>
#include <string.h>

const char *const kz_split_names[KZ_SPLITS] = {"train", "valid", "test"};

/* ---- arrays ---- */

static kz_status open_array(kz_checked *c, kz_findings *f, int split, bool y, bool *opened)
{
    const char *object = y ? c->layout.y[split] : c->layout.x[split];
    char key[96];
    snprintf(key, sizeof key, "data.%s of a config, given with --config", kz_split_names[split]);
    kz_status st = kz_hdf5_array(c->file, object, key, y ? &c->split[split].y : &c->split[split].x);
    *opened = st == KZ_OK;
    if (st != KZ_E_DATA) return st;
    return kz_findings_add(f, KZ_RULE_ARRAY, KZ_FINDING_ERROR, kz_split_names[split], 1, "%s", kz_error_message());
}

static kz_status open_split(kz_checked *c, kz_findings *f, int i)
{
    const char *x = c->layout.x[i], *y = c->layout.y[i];
    bool has_x, has_y = false;
    kz_status st = KZ_OK;
    if (!x != !y)
        return KZ_FAIL(KZ_E_CONFIG, "data.%s: %s is named but %s is not; give both", kz_split_names[i], x ? "x" : "y",
                       x ? "y" : "x");
    if (!x) return KZ_OK;
    KZ_TRY(open_array(c, f, i, false, &has_x));
    if (has_x) KZ_TRY(open_array(c, f, i, true, &has_y));
    c->split[i].there = has_x && has_y;
    if (c->split[i].there) c->split[i].rows = kz_array_rows(&c->split[i].x);
done:
    return st;
}

/* Names that are not our own, and splits of which only a half is there, are told. */
static kz_status tell_layout(const kz_layout *l, kz_findings *f)
{
    kz_text line = {0};
    kz_status st = KZ_OK;
    if (!l->other_names && !strstr(kz_text_str(&l->note), " but no ")) return KZ_OK;
    for (const char *note = kz_text_str(&l->note); *note;) {
        size_t n = strcspn(note, "\n");
        KZ_TRY(kz_text_add(&line, "%s%.*s", line.n ? "; " : "", (int)n, note));
        note += n + (note[n] == '\n');
    }
    KZ_TRY(kz_findings_add(f, KZ_RULE_LAYOUT, KZ_FINDING_NOTE, "", 1, "%s", line.s));
done:
    kz_text_free(&line);
    return st;
}

static kz_status open_arrays(kz_checked *c, kz_findings *f, const kz_config *cfg)
{
    kz_status st = kz_layout_find(&c->layout, c->file, cfg ? &cfg->data : NULL);
    if (st == KZ_E_DATA) return kz_findings_add(f, KZ_RULE_ARRAY, KZ_FINDING_ERROR, "", 1, "%s", kz_error_message());
    if (st != KZ_OK) return st;
    KZ_TRY(tell_layout(&c->layout, f));
    for (int i = 0; i < KZ_SPLITS; i++) KZ_TRY(open_split(c, f, i));
done:
    return st;
}

/* ---- shapes ---- */

static bool same_row(const kz_array *a, const kz_array *b)
{
    return a->rank == b->rank && memcmp(a->extent + 1, b->extent + 1, sizeof a->extent - sizeof *a->extent) == 0;
}

static kz_status check_split(kz_checked *c, kz_findings *f, int i)
{
    char found[96], wanted[96];
    const kz_array *x = &c->split[i].x, *y = &c->split[i].y, *train = &c->split[KZ_TRAIN].x;
    kz_status st = KZ_OK;
    if (kz_array_rows(x) != kz_array_rows(y)) {
        c->usable = false;
        KZ_TRY(kz_findings_add(f, KZ_RULE_ROWS, KZ_FINDING_ERROR, kz_split_names[i], 1, "%s has %lld rows, %s has %lld",
                               x->object, (long long)kz_array_rows(x), y->object, (long long)kz_array_rows(y)));
    }
    const kz_array *pairs[2][2] = {{x, train}, {y, &c->split[KZ_TRAIN].y}};
    for (int k = 0; k < 2; k++) {
        const kz_array *a = pairs[k][0], *b = pairs[k][1];
        bool like_train = k == 0 ? same_row(a, b) : kz_array_row(a) == kz_array_row(b);
        if (like_train && (k == 0 || a->rank <= 2)) continue;
        c->usable = false;
        kz_array_extents(found, a);
        kz_array_extents(wanted, b);
        if (like_train)
            KZ_TRY(kz_findings_add(f, KZ_RULE_SHAPE, KZ_FINDING_ERROR, kz_split_names[i], 1,
                                   "%s is %s, wanted N, Nx1 or NxM targets", a->object, found));
        else
            KZ_TRY(kz_findings_add(f, KZ_RULE_SHAPE, KZ_FINDING_ERROR, kz_split_names[i], 1, "%s is %s but %s is %s",
                                   a->object, found, b->object, wanted));
    }
done:
    return st;
}

static kz_status check_shapes(kz_checked *c, kz_findings *f)
{
    const kz_array *x = &c->split[KZ_TRAIN].x;
    kz_status st = KZ_OK;
    c->usable = c->split[KZ_TRAIN].there;
    if (!c->usable) return KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (c->split[i].there) KZ_TRY(check_split(c, f, i));
    c->features = kz_array_row(x);
    c->targets = kz_array_row(&c->split[KZ_TRAIN].y);
    c->image = x->rank >= 3;
    if (!c->split[KZ_VALID].there && !c->split[KZ_TEST].there)
        KZ_TRY(kz_findings_add(f, KZ_RULE_NO_TEST, KZ_FINDING_NOTE, "", 1, "there are no rows beside those of train"));
done:
    return st;
}

/* ---- attributes ---- */

/* The loss says it; else the attribute task; else whole numbers are classes: as data sets are opened to be trained on. */
static kz_status decide_task(kz_checked *c, kz_findings *f, const kz_config *cfg)
{
    char **task = NULL;
    int64_t n = 0;
    kz_status st = KZ_OK;
    c->classification = kz_stored_integer(c->split[KZ_TRAIN].y.stored);
    if (cfg && cfg->model.loss) {
        c->classification = kz_loss_is_of_classes(kz_loss_named(cfg->model.loss));
    } else {
        KZ_TRY(kz_hdf5_texts(c->file, "task", &task, &n));
        bool classes = n > 0 && strcmp(task[0], "classification") == 0;
        bool values = n > 0 && strcmp(task[0], "regression") == 0;
        if (classes || values) c->classification = classes;
        else if (n > 0)
            KZ_TRY(kz_findings_add(f, KZ_RULE_TASK, KZ_FINDING_ERROR, "", 1, "attribute task is '%.200s'", task[0]));
    }
    if (c->usable && c->classification && c->targets > 1) {
        c->usable = false;
        KZ_TRY(kz_findings_add(f, KZ_RULE_TARGETS, KZ_FINDING_ERROR, kz_split_names[KZ_TRAIN], 1,
                               "%s holds %lld values per row", c->split[KZ_TRAIN].y.object, (long long)c->targets));
    }
done:
    kz_texts_free(&task, n);
    return st;
}

typedef struct {
    const char *text;
    int64_t number;
} named;

static int by_name(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_number(const void *a, const void *b)
{
    const named *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Names that an earlier one has as well; empty ones are none. */
static kz_status check_repeats(kz_findings *f, char *const *names, int64_t n, const char *attribute)
{
    named *list = NULL;
    int64_t repeats = 0;
    kz_status st = KZ_OK;
    if (n < 2) return KZ_OK;
    KZ_TRY(kz_calloc(&list, n, sizeof *list, attribute));
    for (int64_t i = 0; i < n; i++) list[i] = (named){names[i], i};
    qsort(list, (size_t)n, sizeof *list, by_name);
    for (int64_t i = 1; i < n; i++)
        if (*list[i].text && strcmp(list[i].text, list[i - 1].text) == 0) list[repeats++].number = list[i].number;
    if (repeats == 0) goto done;
    qsort(list, (size_t)repeats, sizeof *list, by_number);
    KZ_TRY(kz_findings_add(f, KZ_RULE_REPEATED_NAMES, KZ_FINDING_NOTE, "", repeats,
                           "attribute %s has %lld name%s that an earlier one has as well", attribute,
                           (long long)repeats, repeats == 1 ? "" : "s"));
    for (int64_t i = 0; i < repeats; i++)
        KZ_TRY(kz_finding_add_item(f, kz_finding_item_none(), "number %lld: %.64s", (long long)list[i].number,
                                   names[list[i].number]));
done:
    kz_free(&list);
    return st;
}

static kz_status read_names(kz_checked *c, kz_findings *f)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_texts(c->file, "feature_names", &c->feature_names, &c->n_feature_names));
    KZ_TRY(kz_hdf5_texts(c->file, "class_names", &c->class_names, &c->n_class_names));
    if (c->usable && c->n_feature_names > 0 && c->n_feature_names != c->features)
        KZ_TRY(kz_findings_add(f, KZ_RULE_FEATURE_NAMES, KZ_FINDING_WARNING, "", 1,
                               "attribute feature_names has %lld names for %lld features",
                               (long long)c->n_feature_names, (long long)c->features));
    KZ_TRY(check_repeats(f, c->feature_names, c->n_feature_names, "feature_names"));
    KZ_TRY(check_repeats(f, c->class_names, c->n_class_names, "class_names"));
done:
    return st;
}

kz_status kz_checked_open(kz_checked *c, kz_findings *f, const char *path, const kz_data_check_options *options)
{
    kz_status st = KZ_OK;
    *c = (kz_checked){.path = path};
    KZ_TRY(kz_hdf5_open_with(&c->file, path, &(kz_hdf5_options){.allow_filters = options->allow_filters}));
    KZ_TRY(open_arrays(c, f, options->cfg));
    if (c->split[KZ_TRAIN].there) {
        KZ_TRY(check_shapes(c, f));
        KZ_TRY(decide_task(c, f, options->cfg));
    }
    KZ_TRY(read_names(c, f));
done:
    return st;
}

void kz_checked_close(kz_checked *c)
{
    for (int i = 0; i < KZ_SPLITS; i++) {
        kz_checked_split *s = &c->split[i];
        kz_free(&s->x_hash);
        kz_free(&s->target);
        kz_free(&s->label);
        kz_free(&s->count);
        kz_free(&s->bad);
    }
    kz_free(&c->column_hash);
    kz_texts_free(&c->feature_names, c->n_feature_names);
    kz_texts_free(&c->class_names, c->n_class_names);
    kz_layout_free(&c->layout);
    kz_hdf5_close(&c->file);
}

/* ---- names for people ---- */

const char *kz_checked_feature(const kz_checked *c, int64_t feature, char out[96])
{
    const kz_array *x = &c->split[KZ_TRAIN].x;
    if (c->n_feature_names == c->features && *c->feature_names[feature]) {
        snprintf(out, 96, "%.90s", c->feature_names[feature]);
    } else if (x->rank >= 3) {
        int n = snprintf(out, 96, "[");
        int64_t rest = feature, size = c->features;
        for (int i = 1; i < x->rank; i++) {
            size /= x->extent[i];
            n += snprintf(out + n, 96 - (size_t)n, "%s%lld", i > 1 ? "," : "", (long long)(rest / size));
            rest %= size;
        }
        snprintf(out + n, 96 - (size_t)n, "]");
    } else {
        snprintf(out, 96, "feature %lld", (long long)feature);
    }
    return kz_check_clean(out); /* a name may have been cut in a character */
}

const char *kz_checked_class(const kz_checked *c, int64_t class_number, char out[96])
{
    if (class_number < c->n_class_names && *c->class_names[class_number])
        snprintf(out, 96, "%lld (%.64s)", (long long)class_number, c->class_names[class_number]);
    else snprintf(out, 96, "%lld", (long long)class_number);
    return kz_check_clean(out);
}
