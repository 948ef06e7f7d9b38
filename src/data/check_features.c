/* Rules over the distributions of features: constant, extreme, merged by binary32, drifting, giving the target away. */
#include "data/check_impl.h"

#include <math.h>

static const double GIVES_AWAY = 0.98, RHO = 0.99, SURE = 0.001, KS_WARNING = 0.2, KS_NOTE = 0.1;
enum { FEW_ROWS = 50 }; /* too few to tell a feature that gives the target away from a good one */

/* ---- the worst few of many ---- */

/* Adds the features with the largest strength > 0 to the last finding, in that order; `describe` puts them into words. */
typedef void describe_fn(char out[160], const kz_feature *f, int other);

static kz_status add_worst(const kz_checked *c, const kz_feature_table *t, const double *strength, int other,
                           describe_fn *describe, kz_findings *f)
{
    char name[96], text[160];
    double last = INFINITY;
    int64_t last_feature = -1;
    kz_status st = KZ_OK;
    for (int listed = 0; listed < KZ_FINDING_ITEMS; listed++) {
        int64_t worst = -1;
        for (int64_t j = 0; j < t->n; j++) {
            bool left = strength[j] < last || (strength[j] == last && j > last_feature);
            if (strength[j] > 0 && left && (worst < 0 || strength[j] > strength[worst])) worst = j;
        }
        if (worst < 0) break;
        last = strength[worst];
        last_feature = worst;
        kz_finding_item item = kz_finding_item_none();
        item.feature = worst;
        item.value = strength[worst];
        describe(text, &t->feature[worst], other);
        KZ_TRY(kz_finding_add_item(f, item, "%s%s", kz_checked_feature(c, worst, name), text));
    }
done:
    return st;
}

static int64_t count_strong(const double *strength, int64_t n, double *most)
{
    int64_t found = 0;
    *most = 0;
    for (int64_t j = 0; j < n; j++) {
        found += strength[j] > 0;
        if (strength[j] > *most) *most = strength[j];
    }
    return found;
}

/* ---- each by itself ---- */

static double constant(const kz_feature *x)
{
    return x->rows > 0 && x->distinct == 1 ? 1 : 0;
}

static void describe_constant(char out[160], const kz_feature *x, int other)
{
    (void)other;
    snprintf(out, 160, ": always %.6g", x->low);
}

/* How many ranges of the middle 98 of 100 values the farthest one lies from the median. */
static double extreme(const kz_feature *x)
{
    double range = x->p99 - x->p1;
    double away = fmax(x->high - x->median, x->median - x->low);
    return range > 0 && away / range > 1000 ? away / range : 0;
}

static void describe_extreme(char out[160], const kz_feature *x, int other)
{
    (void)other;
    snprintf(out, 160, ": %.6g, while 98 of 100 lie in %.6g .. %.6g",
             x->high - x->median > x->median - x->low ? x->high : x->low, x->p1, x->p99);
}

static double merged(const kz_feature *x)
{
    return 2 * x->distinct32 <= x->distinct && x->distinct > 1 ? (double)x->distinct / (double)x->distinct32 : 0;
}

static void describe_merged(char out[160], const kz_feature *x, int other)
{
    (void)other;
    snprintf(out, 160, ": %lld different values become %lld", (long long)x->distinct, (long long)x->distinct32);
}

static double given_away(const kz_feature *x)
{
    if (!(x->rows >= FEW_ROWS)) return 0;
    if (isnan(x->accuracy)) return fabs(x->alone) >= RHO ? fabs(x->alone) : 0; /* NaN is not */
    return x->alone >= GIVES_AWAY ? x->alone : 0;
}

static void describe_given_away(char out[160], const kz_feature *x, int other)
{
    (void)other;
    if (isnan(x->accuracy)) snprintf(out, 160, ": Spearman's rho with the target is %.4f", x->alone);
    else snprintf(out, 160, ": predicts the class of %.4g%% of rows by itself", 100 * x->accuracy);
}

typedef struct {
    kz_rule rule;
    double (*strength)(const kz_feature *);
    describe_fn *describe;
    const char *found; /* after "3 of 64 features " */
    double threshold;  /* NaN: there is none */
} feature_rule;

static const feature_rule feature_rules[] = {
    {KZ_RULE_CONSTANT, constant, describe_constant, "are constant", NAN},
    {KZ_RULE_OUTLIERS, extreme, describe_extreme, "have values far beyond all others", 1000},
    {KZ_RULE_PRECISION, merged, describe_merged, "lose most of their different values in binary32", 2},
    {KZ_RULE_LABEL_IN_FEATURE, given_away, describe_given_away, "give the target away by themselves", 0.98}};

static kz_status apply(const kz_checked *c, const kz_feature_table *t, const feature_rule *r, double *strength,
                       kz_findings *f)
{
    double most, threshold = r->threshold;
    bool usual = r->rule == KZ_RULE_CONSTANT && c->image; /* the border of images */
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < t->n; j++) strength[j] = r->strength(&t->feature[j]);
    int64_t n = count_strong(strength, t->n, &most);
    if (n == 0) return KZ_OK;
    if (r->rule == KZ_RULE_LABEL_IN_FEATURE && !c->classification) threshold = RHO;
    KZ_TRY(kz_findings_add(f, r->rule, usual ? KZ_FINDING_NOTE : KZ_FINDING_WARNING, "train", n,
                           "%lld of %lld features %s", (long long)n, (long long)t->n, r->found));
    if (!isnan(threshold)) kz_finding_measure(f, most, threshold);
    KZ_TRY(add_worst(c, t, strength, 0, r->describe, f));
done:
    return st;
}

kz_status kz_check_features(const kz_checked *c, const kz_feature_table *t, kz_findings *f)
{
    double *strength = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&strength, t->n, sizeof *strength, "features"));
    for (size_t i = 0; i < sizeof feature_rules / sizeof *feature_rules; i++)
        KZ_TRY(apply(c, t, &feature_rules[i], strength, f));
done:
    kz_free(&strength);
    return st;
}

/* ---- drift ---- */

typedef struct {
    double psi, ks; /* thresholds */
} limits;

/* Large, and sure: how many times the threshold. */
static double drift(const kz_feature_drift *d, double psi_p, double ks_p, limits at)
{
    double by_psi = d->psi > at.psi && psi_p < SURE ? d->psi / at.psi : 0;
    double by_ks = d->ks > at.ks && ks_p < SURE ? d->ks / at.ks : 0;
    return by_psi > by_ks ? by_psi : by_ks;
}

static void describe_drift(char out[160], const kz_feature *x, int other)
{
    const kz_feature_drift *d = &x->other[other];
    snprintf(out, 160, ": PSI %.3g, KS %.3g (p %.1g)", d->psi, d->ks, d->ks_p);
}

static kz_status report_drift(const kz_checked *c, const kz_feature_table *t, int other, const char *where,
                              kz_severity severity, double max_psi, const double *strength, kz_findings *f)
{
    double most, worst = 0;
    kz_status st = KZ_OK;
    int64_t n = count_strong(strength, t->n, &most);
    if (n == 0) return KZ_OK;
    for (int64_t j = 0; j < t->n; j++)
        if (strength[j] > 0 && t->feature[j].other[other].psi > worst) worst = t->feature[j].other[other].psi;
    KZ_TRY(kz_findings_add(f, KZ_RULE_DRIFT, severity, where, n, "%lld of %lld features are distributed %s",
                           (long long)n, (long long)t->n,
                           severity == KZ_FINDING_WARNING ? "differently" : "a little differently"));
    kz_finding_measure(f, worst, max_psi);
    KZ_TRY(add_worst(c, t, strength, other, describe_drift, f));
done:
    return st;
}

kz_status kz_check_drift(const kz_checked *c, const kz_feature_table *t, int other, const char *where, double max_psi,
                         kz_findings *f)
{
    limits warning = {max_psi, KS_WARNING}, note = {max_psi < 0.1 ? max_psi : 0.1, KS_NOTE};
    double *psi_p = NULL, *ks_p = NULL, *strong = NULL, *weak = NULL;
    uint32_t *order = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&psi_p, t->n, sizeof *psi_p, "features"));
    KZ_TRY(kz_calloc(&ks_p, t->n, sizeof *ks_p, "features"));
    KZ_TRY(kz_calloc(&strong, t->n, sizeof *strong, "features"));
    KZ_TRY(kz_calloc(&weak, t->n, sizeof *weak, "features"));
    KZ_TRY(kz_calloc(&order, t->n, sizeof *order, "features"));
    for (int64_t j = 0; j < t->n; j++) {
        psi_p[j] = t->feature[j].other[other].psi_p;
        ks_p[j] = t->feature[j].other[other].ks_p;
    }
    kz_holm(psi_p, t->n, order);
    kz_holm(ks_p, t->n, order);
    for (int64_t j = 0; j < t->n; j++) {
        const kz_feature_drift *d = &t->feature[j].other[other];
        strong[j] = drift(d, psi_p[j], ks_p[j], warning);
        weak[j] = strong[j] > 0 ? 0 : drift(d, psi_p[j], ks_p[j], note);
    }
    KZ_TRY(report_drift(c, t, other, where, KZ_FINDING_WARNING, warning.psi, strong, f));
    KZ_TRY(report_drift(c, t, other, where, KZ_FINDING_NOTE, note.psi, weak, f));
done:
    kz_free(&psi_p);
    kz_free(&ks_p);
    kz_free(&strong);
    kz_free(&weak);
    kz_free(&order);
    return st;
}

/* ---- targets of a regression ---- */

static kz_status one_target(const kz_checked_split *base, const kz_checked_split *other, int64_t target,
                            int64_t targets, const char *where, double max_psi, kz_feature_scratch *s, kz_findings *f)
{
    limits warning = {max_psi, KS_WARNING}, note = {max_psi < 0.1 ? max_psi : 0.1, KS_NOTE};
    const kz_checked_split *pair[2] = {base, other};
    double *sorted[2] = {s->base, s->other}, edge[KZ_PSI_BINS];
    int64_t n[2], count[2][KZ_PSI_BINS];
    kz_feature_drift d = {0};
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < pair[k]->rows; i++) s->group[i] = pair[k]->target[i * targets + target];
        n[k] = kz_sort_values(&s->sorter, s->group, pair[k]->rows, sorted[k]);
    }
    if (n[0] == 0 || n[1] == 0) return KZ_OK;
    int edges = kz_psi_edges(s->base, n[0], edge);
    for (int k = 0; k < 2; k++) kz_psi_counts(sorted[k], n[k], edge, edges, count[k]);
    d.psi = kz_psi(count[0], count[1], edges + 1, &d.psi_p);
    d.ks = kz_ks_statistic(s->base, n[0], s->other, n[1]);
    d.ks_p = kz_ks_p(d.ks, n[0], n[1]);
    bool strong = drift(&d, d.psi_p * (double)targets, d.ks_p * (double)targets, warning) > 0;
    if (!strong && !(drift(&d, d.psi_p * (double)targets, d.ks_p * (double)targets, note) > 0)) return KZ_OK;
    kz_status st = kz_findings_add(f, KZ_RULE_TARGET_DRIFT, strong ? KZ_FINDING_WARNING : KZ_FINDING_NOTE, where, 1,
                                   "target %lld is distributed %sdifferently: PSI %.3g, KS %.3g (p %.1g)",
                                   (long long)target, strong ? "" : "a little ", d.psi, d.ks, d.ks_p);
    if (st == KZ_OK) kz_finding_measure(f, d.psi, strong ? warning.psi : note.psi);
    return st;
}

kz_status kz_check_target_drift(const kz_checked *c, const kz_checked_split *base, const kz_checked_split *other,
                                const char *where, double max_psi, kz_findings *f)
{
    kz_feature_scratch s = {.base = NULL};
    kz_status st = KZ_OK;
    KZ_TRY(kz_feature_scratch_create(&s, base->rows > other->rows ? base->rows : other->rows, 0));
    for (int64_t t = 0; t < c->targets; t++) KZ_TRY(one_target(base, other, t, c->targets, where, max_psi, &s, f));
done:
    kz_feature_scratch_free(&s);
    return st;
}
