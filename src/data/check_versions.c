/* Two versions of a data set: schemas, rows that came, went or changed their target. */
#include "data/check_impl.h"

#include <string.h>

/* ---- schemas ---- */

static kz_status compare_arrays(const kz_array *old, const kz_array *new_one, bool y, const char *where, kz_findings *f,
                                bool *comparable)
{
    char was[96], is[96];
    bool same = y ? kz_array_row(old) == kz_array_row(new_one) : old->rank == new_one->rank;
    kz_status st = KZ_OK;
    for (int i = 1; !y && i < KZ_RANK_MAX; i++) same &= old->extent[i] == new_one->extent[i];
    if (!same) {
        *comparable = false;
        kz_array_extents(was, old);
        kz_array_extents(is, new_one);
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_SHAPE, KZ_FINDING_ERROR, where, 1, "%s is %s, was %s",
                               new_one->object, is, was));
    }
    if (old->stored != new_one->stored)
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_TYPE, KZ_FINDING_WARNING, where, 1, "%s is %s, was %s",
                               new_one->object, kz_stored_name(new_one->stored), kz_stored_name(old->stored)));
done:
    return st;
}

static kz_status compare_splits(const kz_checked *old, const kz_checked *new_one, kz_findings *f, bool *comparable)
{
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_checked_split *was = &old->split[i], *is = &new_one->split[i];
        if (was->there && is->there) {
            KZ_TRY(compare_arrays(&was->x, &is->x, false, kz_split_names[i], f, comparable));
            KZ_TRY(compare_arrays(&was->y, &is->y, true, kz_split_names[i], f, comparable));
        } else if (was->there) {
            KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_SPLIT, KZ_FINDING_ERROR, kz_split_names[i], was->rows,
                                   "%s is gone, it had %lld rows", kz_split_names[i], (long long)was->rows));
        } else if (is->there) {
            KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_NEW_SPLIT, KZ_FINDING_NOTE, kz_split_names[i], is->rows,
                                   "%s is new, with %lld rows", kz_split_names[i], (long long)is->rows));
        }
    }
done:
    return st;
}

/* Names that are not what they were, place by place; `kind` is "feature" or "class". */
static kz_status compare_names(char *const *old, int64_t n_old, char *const *new_one, int64_t n_new, kz_rule rule,
                               kz_findings *f)
{
    bool classes = rule == KZ_RULE_VERSION_CLASSES;
    const char *kind = classes ? "class" : "feature";
    int64_t least = n_old < n_new ? n_old : n_new, changed = 0;
    kz_status st = KZ_OK;
    if (least == 0) return KZ_OK; /* one of them has no names */
    for (int64_t i = 0; i < least; i++) changed += strcmp(old[i], new_one[i]) != 0;
    int64_t gone = n_old - least;
    if (changed + gone == 0) return KZ_OK;
    KZ_TRY(kz_findings_add(f, rule, KZ_FINDING_ERROR, "", changed + gone,
                           "%lld of %lld %s names are not what they were", (long long)(changed + gone),
                           (long long)n_old, kind));
    for (int64_t i = 0; i < n_old; i++) {
        if (i < least && strcmp(old[i], new_one[i]) == 0) continue;
        kz_finding_item item = kz_finding_item_none();
        *(classes ? &item.class_number : &item.feature) = i;
        KZ_TRY(kz_finding_add_item(f, item, "%s %lld: '%.64s', was '%.64s'", kind, (long long)i,
                                   i < least ? new_one[i] : "", old[i]));
    }
done:
    return st;
}

kz_status kz_check_schema(const kz_checked *old, const kz_checked *new_one, kz_findings *f, bool *comparable)
{
    kz_status st = KZ_OK;
    *comparable = old->usable && new_one->usable;
    if (old->classification != new_one->classification) {
        *comparable = false;
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_TASK, KZ_FINDING_ERROR, "", 1, "it is a %s, was a %s",
                               new_one->classification ? "classification" : "regression",
                               old->classification ? "classification" : "regression"));
    }
    KZ_TRY(compare_splits(old, new_one, f, comparable));
    KZ_TRY(compare_names(old->feature_names, old->n_feature_names, new_one->feature_names, new_one->n_feature_names,
                         KZ_RULE_VERSION_FEATURES, f));
    KZ_TRY(compare_names(old->class_names, old->n_class_names, new_one->class_names, new_one->n_class_names,
                         KZ_RULE_VERSION_CLASSES, f));
    if (*comparable && new_one->classes < old->classes)
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_CLASSES, KZ_FINDING_ERROR, "", old->classes - new_one->classes,
                               "there are %lld classes, were %lld", (long long)new_one->classes,
                               (long long)old->classes));
done:
    return st;
}

/* ---- rows ---- */

/* Rows of one or more splits, sorted by the hash of their features, then by that of their targets. */
typedef struct {
    uint64_t *x, *y;
    uint32_t *row;
    int64_t n;
} sorted_rows;

static kz_status sort_rows(sorted_rows *out, const kz_checked *c, int split)
{
    const kz_checked_split *s = &c->split[split];
    kz_sorter sorter = {.room = 0};
    uint32_t *by_target = NULL;
    kz_status st = KZ_OK;
    if (!s->there) return KZ_OK;
    out->n = s->rows;
    KZ_TRY(kz_sorter_create(&sorter, out->n));
    KZ_TRY(kz_calloc(&out->x, out->n, sizeof *out->x, "rows"));
    KZ_TRY(kz_calloc(&out->y, out->n, sizeof *out->y, "rows"));
    KZ_TRY(kz_calloc(&out->row, out->n, sizeof *out->row, "rows"));
    KZ_TRY(kz_calloc(&by_target, out->n, sizeof *by_target, "rows"));
    for (int64_t i = 0; i < out->n; i++) sorter.key[i] = kz_check_target(c, split, i);
    kz_sort_keys(&sorter, out->n);
    memcpy(by_target, sorter.index, (size_t)out->n * sizeof *by_target);
    for (int64_t i = 0; i < out->n; i++) sorter.key[i] = s->x_hash[by_target[i]];
    kz_sort_keys(&sorter, out->n);
    for (int64_t i = 0; i < out->n; i++) {
        out->x[i] = sorter.key[i];
        out->row[i] = by_target[sorter.index[i]];
        out->y[i] = kz_check_target(c, split, out->row[i]);
    }
done:
    kz_sorter_free(&sorter);
    kz_free(&by_target);
    return st;
}

static void free_rows(sorted_rows *r)
{
    kz_free(&r->x);
    kz_free(&r->y);
    kz_free(&r->row);
}

/* Rows of equal features, old[i .. i_end) and new_one[j .. j_end): what of them stayed, and what changed its target. */
static void match_group(const sorted_rows *old, int64_t i, int64_t i_end, const sorted_rows *new_one, int64_t j,
                        int64_t j_end, kz_version_rows *out, kz_finding_item *first)
{
    int64_t gone = i_end - i, came = j_end - j, left = -1, left_new = -1;
    while (i < i_end || j < j_end) {
        bool both = i < i_end && j < j_end;
        if (both && old->y[i] == new_one->y[j]) {
            gone--;
            came--;
            out->unchanged++;
            i++;
            j++;
        } else if (j == j_end || (both && old->y[i] < new_one->y[j])) {
            left = left < 0 ? old->row[i] : left;
            i++;
        } else {
            left_new = left_new < 0 ? new_one->row[j] : left_new;
            j++;
        }
    }
    int64_t changed = gone < came ? gone : came;
    out->relabelled += changed;
    out->removed += gone - changed;
    out->added += came - changed;
    if (changed > 0) {
        *first = kz_finding_item_none();
        first->row = left_new;
        first->other = left;
    }
}

static kz_status match(const sorted_rows *old, const sorted_rows *new_one, kz_version_rows *out,
                       kz_finding_item items[KZ_FINDING_ITEMS], int *n_items)
{
    int64_t i = 0, j = 0;
    while (i < old->n || j < new_one->n) {
        uint64_t x = j == new_one->n || (i < old->n && old->x[i] < new_one->x[j]) ? old->x[i] : new_one->x[j];
        int64_t i_end = i, j_end = j;
        kz_finding_item item = {.row = -1};
        while (i_end < old->n && old->x[i_end] == x) i_end++;
        while (j_end < new_one->n && new_one->x[j_end] == x) j_end++;
        match_group(old, i, i_end, new_one, j, j_end, out, &item);
        if (item.row >= 0) { /* the lowest rows are kept, in order */
            int at = *n_items < KZ_FINDING_ITEMS ? (*n_items)++ : KZ_FINDING_ITEMS;
            for (; at > 0 && items[at - 1].row > item.row; at--)
                if (at < KZ_FINDING_ITEMS) items[at] = items[at - 1];
            if (at < KZ_FINDING_ITEMS) items[at] = item;
        }
        i = i_end;
        j = j_end;
    }
    return KZ_OK;
}

static bool in_same_order(const kz_checked *old, const kz_checked *new_one, int split)
{
    const kz_checked_split *was = &old->split[split], *is = &new_one->split[split];
    if (was->rows != is->rows) return false;
    for (int64_t i = 0; i < is->rows; i++)
        if (was->x_hash[i] != is->x_hash[i] || kz_check_target(old, split, i) != kz_check_target(new_one, split, i))
            return false;
    return true;
}

static kz_status report_split(const kz_checked *old, const kz_checked *new_one, int split, const kz_version_rows *r,
                              const kz_finding_item *items, int n_items, kz_findings *f)
{
    const char *where = kz_split_names[split];
    kz_status st = KZ_OK;
    if (r->relabelled > 0) {
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_LABELS, KZ_FINDING_WARNING, where, r->relabelled,
                               "%lld of %lld rows kept their features and changed their target",
                               (long long)r->relabelled, (long long)r->rows));
        for (int i = 0; i < n_items; i++)
            KZ_TRY(kz_finding_add_item(f, items[i], "row %lld: %g, was %g (row %lld)", (long long)items[i].row,
                                       new_one->split[split].target[items[i].row * new_one->targets],
                                       old->split[split].target[items[i].other * old->targets],
                                       (long long)items[i].other));
    }
    if (r->added + r->removed > 0 || (!r->same_order && r->relabelled == 0))
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_ROWS, KZ_FINDING_NOTE, where, r->added + r->removed,
                               r->added + r->removed > 0
                                   ? "%lld rows added and %lld removed, %lld unchanged of %lld"
                                   : "%lld added and %lld removed: all %lld of %lld rows are there, in another order",
                               (long long)r->added, (long long)r->removed, (long long)r->unchanged,
                               (long long)r->old_rows));
done:
    return st;
}

/* Goes on in r, from *at, to the features x: are they there?  x must ascend from call to call. */
static bool holds(const sorted_rows *r, int64_t *at, uint64_t x)
{
    while (*at < r->n && r->x[*at] < x) ++*at;
    return *at < r->n && r->x[*at] == x;
}

/* Held-out rows of the new version that train of the old one has, and that were not held out then. */
static kz_status check_moved(const kz_checked *old, const kz_checked *new_one, int split, kz_findings *f)
{
    sorted_rows train = {.n = 0}, was = {.n = 0}, is = {.n = 0};
    int64_t n = 0, in_train = 0, in_split = 0;
    kz_status st = KZ_OK;
    KZ_TRY(sort_rows(&train, old, KZ_TRAIN));
    KZ_TRY(sort_rows(&was, old, split));
    KZ_TRY(sort_rows(&is, new_one, split));
    for (int64_t i = 0; i < is.n; i++) n += holds(&train, &in_train, is.x[i]) && !holds(&was, &in_split, is.x[i]);
    if (n > 0)
        KZ_TRY(kz_findings_add(f, KZ_RULE_VERSION_LEAKAGE, KZ_FINDING_WARNING, kz_split_names[split], n,
                               "%lld of %lld rows come from train of the old version", (long long)n, (long long)is.n));
done:
    free_rows(&train);
    free_rows(&was);
    free_rows(&is);
    return st;
}

kz_status kz_check_version_rows(const kz_checked *old, const kz_checked *new_one, kz_findings *f,
                                kz_version_rows out[KZ_SPLITS])
{
    sorted_rows was = {.n = 0}, is = {.n = 0};
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++) {
        kz_finding_item items[KZ_FINDING_ITEMS];
        int n_items = 0;
        if (!old->split[i].there || !new_one->split[i].there) continue;
        free_rows(&was);
        free_rows(&is);
        KZ_TRY(sort_rows(&was, old, i));
        KZ_TRY(sort_rows(&is, new_one, i));
        out[i] = (kz_version_rows){.old_rows = was.n, .rows = is.n};
        KZ_TRY(match(&was, &is, &out[i], items, &n_items));
        out[i].same_order = in_same_order(old, new_one, i);
        KZ_TRY(report_split(old, new_one, i, &out[i], items, n_items, f));
    }
    for (int i = KZ_TRAIN + 1; i < KZ_SPLITS; i++)
        if (new_one->split[i].there) KZ_TRY(check_moved(old, new_one, i, f));
done:
    free_rows(&was);
    free_rows(&is);
    return st;
}
