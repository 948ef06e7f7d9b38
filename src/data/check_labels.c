/* Labels: are they class numbers, and are the classes where they should be. */
#include "data/check_impl.h"

#include <math.h>

enum {
    MOST_CLASSES = 1 << 20, /* as many as a layer may have units */
    FEW_CLASSES = 20        /* so many may be lonely: tiny sets are not judged */
};

/* ---- each label ---- */

typedef enum { FINE, NOT_WHOLE, NEGATIVE, TOO_LARGE } fault;

static fault fault_of(double v, int64_t classes)
{
    if (!isfinite(v) || v != floor(v)) return NOT_WHOLE;
    if (v < 0) return NEGATIVE;
    return v < (double)classes ? FINE : TOO_LARGE;
}

static const kz_rule rule_of[] = {
    [NOT_WHOLE] = KZ_RULE_FRACTION, [NEGATIVE] = KZ_RULE_NEGATIVE, [TOO_LARGE] = KZ_RULE_RANGE};

/* "3 of 120 labels are 3 or more; the attribute classes says 3" */
static kz_status report(const kz_checked *c, kz_findings *f, int split, fault which, int64_t n)
{
    const kz_checked_split *s = &c->split[split];
    char limit[96];
    kz_status st = KZ_OK;
    snprintf(limit, sizeof limit, "not below %lld, the number of classes %s", (long long)c->classes,
             c->classes_said ? "by the attribute" : "in train");
    const char *what[] = {[NOT_WHOLE] = "not whole numbers", [NEGATIVE] = "negative", [TOO_LARGE] = limit};
    KZ_TRY(kz_findings_add(f, rule_of[which], KZ_FINDING_ERROR, kz_split_names[split], n, "%lld of %lld labels are %s",
                           (long long)n, (long long)s->rows, what[which]));
    for (int64_t i = 0; i < s->rows; i++) {
        if (fault_of(s->target[i], c->classes) != which) continue;
        kz_finding_item item = kz_finding_item_none();
        item.row = i;
        double v = isnan(s->target[i]) ? NAN : s->target[i]; /* without a sign */
        item.value = isfinite(v) ? v : NAN;
        KZ_TRY(kz_finding_add_item(f, item, "row %lld: %.*g", (long long)i, v == floor(v) ? 17 : 6, v));
    }
done:
    return st;
}

static kz_status take_labels(kz_checked *c, kz_findings *f, int split)
{
    kz_checked_split *s = &c->split[split];
    int64_t faults[4] = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&s->label, s->rows, sizeof *s->label, "labels"));
    KZ_TRY(kz_calloc(&s->count, c->classes > 0 ? c->classes : 1, sizeof *s->count, "classes"));
    for (int64_t i = 0; i < s->rows; i++) {
        fault found = fault_of(s->target[i], c->classes);
        faults[found]++;
        s->label[i] = found == FINE ? (int32_t)s->target[i] : -1;
        if (found == FINE) s->count[s->label[i]]++;
    }
    for (int k = NOT_WHOLE; k <= TOO_LARGE; k++)
        if (faults[k] > 0) KZ_TRY(report(c, f, split, (fault)k, faults[k]));
done:
    return st;
}

/* ---- how many classes ---- */

static kz_status count_classes(kz_checked *c, kz_findings *f)
{
    const kz_checked_split *s = &c->split[KZ_TRAIN];
    double n = 0, largest = -1;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < s->rows; i++)
        if (fault_of(s->target[i], INT32_MAX) == FINE && s->target[i] > largest) largest = s->target[i];
    KZ_TRY(kz_hdf5_number(c->file, "classes", &n, &c->classes_said));
    if (c->classes_said && !(n >= 2 && n <= MOST_CLASSES && n == floor(n))) {
        c->classes_said = false;
        KZ_TRY(kz_findings_add(f, KZ_RULE_CLASSES, KZ_FINDING_ERROR, "", 1,
                               "attribute classes is %.17g, wanted a whole number from 2 to %d", n, MOST_CLASSES));
    }
    c->classes = c->classes_said ? (int64_t)n : largest < MOST_CLASSES ? (int64_t)largest + 1 : MOST_CLASSES;
    if (c->n_class_names > 0 && c->n_class_names < c->classes)
        KZ_TRY(kz_findings_add(f, KZ_RULE_CLASS_NAMES, KZ_FINDING_ERROR, "", 1,
                               "attribute class_names has %lld names for %lld classes", (long long)c->n_class_names,
                               (long long)c->classes));
done:
    return st;
}

/* ---- which classes are where ---- */

static kz_status check_train(const kz_checked *c, kz_findings *f)
{
    const kz_checked_split *s = &c->split[KZ_TRAIN];
    int64_t used = 0, lonely = 0, only = 0;
    char name[96];
    for (int64_t k = 0; k < c->classes; k++) {
        lonely += s->count[k] == 1;
        used += s->count[k] > 0;
        if (s->count[k] > 0) only = k;
    }
    if (lonely > FEW_CLASSES && 2 * lonely > s->rows)
        return kz_findings_add(f, KZ_RULE_LONELY, KZ_FINDING_WARNING, "train", lonely,
                               "%lld of %lld rows are the only one of their class", (long long)lonely,
                               (long long)s->rows);
    if (used >= 2) return KZ_OK;
    if (used == 0)
        return kz_findings_add(f, KZ_RULE_ONE_CLASS, KZ_FINDING_ERROR, "train", 0, "no row of train has a class");
    return kz_findings_add(f, KZ_RULE_ONE_CLASS, KZ_FINDING_ERROR, "train", 1, "all rows of train are of class %s",
                           kz_checked_class(c, only, name));
}

/* Classes that only one of the two has. */
static kz_status compare_classes(const kz_checked *c, kz_findings *f, int split, kz_rule rule)
{
    bool unseen = rule == KZ_RULE_UNSEEN;
    const int64_t *train = c->split[KZ_TRAIN].count, *held = c->split[split].count;
    const int64_t *with = unseen ? held : train, *without = unseen ? train : held;
    int64_t n = 0, rows = 0;
    char name[96];
    kz_status st = KZ_OK;
    for (int64_t k = 0; k < c->classes; k++)
        if (with[k] > 0 && without[k] == 0) {
            n++;
            rows += with[k];
        }
    if (n == 0) return KZ_OK;
    KZ_TRY(kz_findings_add(f, rule, unseen ? KZ_FINDING_WARNING : KZ_FINDING_NOTE, kz_split_names[split], n,
                           "%lld of %lld classes have no row in %s, and %lld rows in %s", (long long)n,
                           (long long)c->classes, unseen ? "train" : kz_split_names[split], (long long)rows,
                           unseen ? kz_split_names[split] : "train"));
    for (int64_t k = 0; k < c->classes; k++) {
        if (with[k] == 0 || without[k] > 0) continue;
        kz_finding_item item = kz_finding_item_none();
        item.class_number = k;
        item.value = (double)with[k];
        KZ_TRY(kz_finding_add_item(f, item, "class %s: %lld rows", kz_checked_class(c, k, name), (long long)with[k]));
    }
done:
    return st;
}

static double share(const int64_t *count, int64_t k, double rows)
{
    return rows > 0 ? (double)count[k] / rows : 0;
}

kz_status kz_check_balance(const kz_checked *c, kz_findings *f, const kz_checked_split *base,
                           const kz_checked_split *other, const char *where, double max_psi)
{
    double p, psi = kz_psi(base->count, other->count, c->classes, &p);
    double note = max_psi < 0.1 ? max_psi : 0.1, limit = psi > max_psi ? max_psi : note;
    double n = (double)base->rows, m = (double)other->rows;
    char name[96];
    kz_status st = KZ_OK;
    if (!(psi > note && p < 0.001)) return KZ_OK;
    KZ_TRY(kz_findings_add(f, KZ_RULE_CLASS_SHIFT, psi > max_psi ? KZ_FINDING_WARNING : KZ_FINDING_NOTE, where, 1,
                           "the shares of the classes differ: population stability index %.3g, p %.1g", psi, p));
    kz_finding_measure(f, psi, limit);
    for (int listed = 0; listed < KZ_FINDING_ITEMS && listed < c->classes; listed++) { /* the farthest apart first */
        int64_t worst = -1;
        double most = 0, last = listed ? f->list[f->n - 1].item[listed - 1].value : INFINITY;
        int64_t last_class = listed ? f->list[f->n - 1].item[listed - 1].class_number : -1;
        for (int64_t k = 0; k < c->classes; k++) {
            double d = fabs(share(other->count, k, m) - share(base->count, k, n));
            bool later = d < fabs(last) || (d == fabs(last) && k > last_class);
            if (later && d > most) {
                most = d;
                worst = k;
            }
        }
        if (worst < 0) break;
        kz_finding_item item = kz_finding_item_none();
        item.class_number = worst;
        item.value = share(other->count, worst, m) - share(base->count, worst, n);
        KZ_TRY(kz_finding_add_item(f, item, "class %s: %.3g%%, was %.3g%%", kz_checked_class(c, worst, name),
                                   100 * share(other->count, worst, m), 100 * share(base->count, worst, n)));
    }
done:
    return st;
}

kz_status kz_check_labels(kz_checked *c, kz_findings *f)
{
    kz_status st = KZ_OK;
    if (!c->classification) return KZ_OK;
    KZ_TRY(count_classes(c, f));
    for (int i = 0; i < KZ_SPLITS; i++)
        if (c->split[i].there) KZ_TRY(take_labels(c, f, i));
    KZ_TRY(check_train(c, f));
    for (int i = KZ_TRAIN + 1; i < KZ_SPLITS; i++) {
        if (!c->split[i].there) continue;
        KZ_TRY(compare_classes(c, f, i, KZ_RULE_UNSEEN));
        KZ_TRY(compare_classes(c, f, i, KZ_RULE_ABSENT));
    }
done:
    return st;
}
