/* Rows that are there more than once, in a split or across splits; and features that repeat another one. */
#include "data/check_impl.h"

#include <string.h>

typedef struct {
    const kz_checked *c;
    kz_findings *f;
    const kz_equal_rows *equal;
} rows_check;

static bool same_target(const kz_checked *c, kz_row_place a, kz_row_place b)
{
    const double *x = c->split[a.split].target + a.row * c->targets, *y = c->split[b.split].target + b.row * c->targets;
    if (a.target != b.target) return false;
    for (int64_t j = 0; j < c->targets; j++)
        if (kz_value_bits(x[j]) != kz_value_bits(y[j])) return false;
    return true;
}

/* Where the rows of `split` begin in the group, and how many they are. */
static int64_t rows_of(const kz_equal_rows *e, int64_t group, int split, int64_t *n)
{
    int64_t i = e->first[group], end = e->first[group + 1];
    while (i < end && e->place[i].split < split) i++;
    *n = 0;
    while (i + *n < end && e->place[i + *n].split == split) ++*n;
    return i;
}

/* ---- within a split ---- */

/* Rows of equal targets are neighbours: is row i like the one before? */
static bool repeats(const rows_check *k, int64_t first, int64_t i)
{
    return i > first && same_target(k->c, k->equal->place[i], k->equal->place[i - 1]);
}

static bool conflicting(const rows_check *k, int64_t first, int64_t n)
{
    return n > 1 && !same_target(k->c, k->equal->place[first], k->equal->place[first + n - 1]);
}

static kz_status report_repeats(const rows_check *k, int split, int64_t n)
{
    const kz_equal_rows *e = k->equal;
    int64_t rows = k->c->split[split].rows, m, listed = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_findings_add(k->f, KZ_RULE_DUPLICATE, KZ_FINDING_WARNING, kz_split_names[split], n,
                           "%lld of %lld rows (%.3g%%) repeat an earlier row and its target", (long long)n,
                           (long long)rows, 100 * (double)n / (double)rows));
    for (int64_t g = 0; g < e->groups && listed < KZ_FINDING_ITEMS; g++) {
        int64_t first = rows_of(e, g, split, &m);
        for (int64_t i = first, as = first; i < first + m && listed < KZ_FINDING_ITEMS; i++) {
            if (!repeats(k, first, i)) {
                as = i;
                continue;
            }
            listed++;
            kz_finding_item item = kz_finding_item_none();
            item.row = e->place[i].row;
            item.other = e->place[as].row;
            item.other_split = kz_split_names[split];
            KZ_TRY(kz_finding_add_item(k->f, item, "row %lld is row %lld", (long long)item.row, (long long)item.other));
        }
    }
done:
    return st;
}

static kz_status report_conflicts(const rows_check *k, int split, int64_t n)
{
    const kz_equal_rows *e = k->equal;
    int64_t m;
    kz_status st = KZ_OK;
    KZ_TRY(kz_findings_add(k->f, KZ_RULE_CONFLICT, k->c->classification ? KZ_FINDING_WARNING : KZ_FINDING_NOTE,
                           kz_split_names[split], n,
                           "%lld rows have the same features as another row and another target", (long long)n));
    for (int64_t g = 0; g < e->groups && k->f->list[k->f->n - 1].items < KZ_FINDING_ITEMS; g++) {
        int64_t first = rows_of(e, g, split, &m);
        if (!conflicting(k, first, m)) continue;
        kz_finding_item item = kz_finding_item_none();
        item.row = e->place[first].row;
        item.other = e->place[first + m - 1].row;
        item.other_split = kz_split_names[split];
        const double *y = k->c->split[split].target;
        KZ_TRY(kz_finding_add_item(k->f, item, "rows %lld and %lld: %g and %g", (long long)item.row,
                                   (long long)item.other, y[item.row * k->c->targets], y[item.other * k->c->targets]));
    }
done:
    return st;
}

static kz_status check_split(const rows_check *k, int split)
{
    int64_t repeated = 0, conflicts = 0, n;
    kz_status st = KZ_OK;
    for (int64_t g = 0; g < k->equal->groups; g++) {
        int64_t first = rows_of(k->equal, g, split, &n);
        if (n < 2) continue;
        for (int64_t i = first; i < first + n; i++) repeated += repeats(k, first, i);
        if (conflicting(k, first, n)) conflicts += n;
    }
    if (repeated > 0) KZ_TRY(report_repeats(k, split, repeated));
    if (conflicts > 0) KZ_TRY(report_conflicts(k, split, conflicts));
done:
    return st;
}

/* ---- across splits ---- */

/* The row of `base` that row i equals: one with the same target where there is one, found by halving. */
static int64_t partner(const rows_check *k, int64_t i, int64_t first, int64_t n, bool *agrees)
{
    const kz_row_place *place = k->equal->place;
    int64_t low = first, high = first + n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (place[middle].target < place[i].target) low = middle + 1;
        else high = middle;
    }
    *agrees = low < first + n && same_target(k->c, place[i], place[low]);
    return *agrees ? low : first;
}

static kz_status check_between(const rows_check *k, int base, int split)
{
    const kz_equal_rows *e = k->equal;
    int64_t n, m, found = 0, agreeing = 0, rows = k->c->split[split].rows;
    bool agrees;
    kz_status st = KZ_OK;
    for (int64_t g = 0; g < e->groups; g++) {
        int64_t train = rows_of(e, g, base, &n), held = rows_of(e, g, split, &m);
        if (n == 0 || m == 0) continue;
        found += m;
        for (int64_t i = held; i < held + m; i++) {
            partner(k, i, train, n, &agrees);
            agreeing += agrees;
        }
    }
    if (found == 0) return KZ_OK;
    KZ_TRY(kz_findings_add(k->f, KZ_RULE_LEAKAGE, KZ_FINDING_WARNING, kz_split_names[split], found,
                           "%lld of %lld rows (%.3g%%) are in %s as well, %lld of them with the same target",
                           (long long)found, (long long)rows, 100 * (double)found / (double)rows, kz_split_names[base],
                           (long long)agreeing));
    kz_finding_measure(k->f, (double)found / (double)rows, 0);
    for (int64_t g = 0; g < e->groups && k->f->list[k->f->n - 1].items < KZ_FINDING_ITEMS; g++) {
        int64_t train = rows_of(e, g, base, &n), held = rows_of(e, g, split, &m);
        for (int64_t i = held; n > 0 && i < held + m; i++) {
            kz_finding_item item = kz_finding_item_none();
            item.row = e->place[i].row;
            item.other = e->place[partner(k, i, train, n, &agrees)].row;
            item.other_split = kz_split_names[base];
            KZ_TRY(kz_finding_add_item(k->f, item, "row %lld is row %lld of %s%s", (long long)item.row,
                                       (long long)item.other, kz_split_names[base],
                                       agrees ? "" : ", with another target"));
        }
    }
done:
    return st;
}

/* ---- features ---- */

/* twin[j] <- the first column with the hash of column j, -1: itself. */
static kz_status find_twins(const kz_checked *c, uint64_t mask, int64_t *twin)
{
    kz_sorter s = {.room = 0};
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < c->features; j++) twin[j] = -1;
    if (c->features > UINT32_MAX) return KZ_OK;
    KZ_TRY(kz_sorter_create(&s, c->features));
    for (int64_t j = 0; j < c->features; j++) s.key[j] = c->column_hash[j] & mask;
    kz_sort_keys(&s, c->features);
    for (int64_t i = 1, first = 0; i < c->features; i++) {
        if (s.key[i] != s.key[first]) first = i;
        else twin[s.index[i]] = s.index[first];
    }
done:
    kz_sorter_free(&s);
    return st;
}

static kz_status report_twins(const kz_checked *c, const int64_t *twin, kz_findings *f)
{
    int64_t n = 0;
    char name[96], other[96];
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < c->features; j++) n += twin[j] >= 0;
    if (n == 0) return KZ_OK;
    KZ_TRY(kz_findings_add(f, KZ_RULE_SAME_FEATURE, c->image ? KZ_FINDING_NOTE : KZ_FINDING_WARNING, "", n,
                           "%lld of %lld features repeat another one in every row", (long long)n,
                           (long long)c->features));
    for (int64_t j = 0; j < c->features && f->list[f->n - 1].items < KZ_FINDING_ITEMS; j++) {
        if (twin[j] < 0) continue;
        kz_finding_item item = kz_finding_item_none();
        item.feature = j;
        item.other = twin[j];
        KZ_TRY(kz_finding_add_item(f, item, "%s is %s", kz_checked_feature(c, j, name),
                                   kz_checked_feature(c, twin[j], other)));
    }
done:
    return st;
}

/* Columns that do not vary are told of once, as constant. */
static void drop_constant(const kz_checked *c, const kz_feature_table *t, int64_t *twin)
{
    for (int64_t j = 0; j < c->features; j++)
        if (twin[j] >= 0 && t->feature[j].distinct <= 1) twin[j] = -1;
}

kz_status kz_check_rows(kz_check_run *run, const kz_checked *c, const kz_feature_table *t, kz_findings *f)
{
    kz_equal_rows equal = {.n = 0};
    rows_check k = {c, f, &equal};
    int64_t *twin = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&twin, c->features, sizeof *twin, "features of equal hash"));
    KZ_TRY(find_twins(c, run->options->hash_mask, twin));
    drop_constant(c, t, twin);
    KZ_TRY(kz_check_verify(run, c, twin, &equal));
    KZ_TRY(report_twins(c, twin, f));
    for (int i = 0; i < KZ_SPLITS; i++) KZ_TRY(check_split(&k, i));
    for (int i = KZ_TRAIN + 1; i < KZ_SPLITS; i++) KZ_TRY(check_between(&k, KZ_TRAIN, i));
    KZ_TRY(check_between(&k, KZ_VALID, KZ_TEST));
done:
    kz_free(&twin);
    kz_equal_rows_free(&equal);
    return st;
}
