/* `kaizen data check`: opens, reads, applies the rules, in this order. */
#include "data/check_impl.h"

#include <string.h>

kz_data_check_options kz_data_check_defaults(void)
{
    return (kz_data_check_options){.memory = (int64_t)8 << 30, .max_psi = 0.25, .threads = 1, .hash_mask = UINT64_MAX};
}

static kz_status check_options(const kz_data_check_options *o)
{
    if (!o->path) return KZ_FAIL(KZ_E_ARG, "data check: no file");
    if (!(o->max_psi > 0)) return KZ_FAIL(KZ_E_ARG, "data check: max_psi is %g, must be > 0", o->max_psi);
    for (int64_t i = 0; i < o->n_allow; i++) {
        const char *const *id = kz_data_check_ids();
        while (*id && strcmp(*id, o->allow[i]) != 0) id++;
        if (!*id) return KZ_FAIL(KZ_E_ARG, "data check: no finding '%s'", o->allow[i]);
    }
    return KZ_OK;
}

/* Rows that will be read: once for the hashes, once for the features; a few more passes show as such. */
static int64_t rows_of(const kz_checked *c)
{
    int64_t n = 0;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (c->split[i].there) n += 2 * c->split[i].rows;
    return c->usable ? 2 * n : 0;
}

/* ---- the file by itself ---- */

static kz_status measure_features(kz_check_run *run, kz_data_check *k)
{
    kz_columns_job job = {.alone = true};
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++) {
        job.source[i] = &k->now;
        job.split[i] = i;
        job.there[i] = k->now.split[i].there;
    }
    KZ_TRY(kz_check_columns(run, &job, &k->table));
    if (k->table.stride > 1)
        KZ_TRY(kz_findings_add(&k->findings, KZ_RULE_SAMPLED, KZ_FINDING_NOTE, "", 1,
                               "distributions are of one row in %lld", (long long)k->table.stride));
    KZ_TRY(kz_check_features(&k->now, &k->table, &k->findings));
    for (int i = KZ_TRAIN + 1; i < KZ_SPLITS; i++)
        if (job.there[i])
            KZ_TRY(kz_check_drift(&k->now, &k->table, i, kz_split_names[i], k->options.max_psi, &k->findings));
done:
    return st;
}

/* What is predicted, in two splits. */
static kz_status compare_targets(const kz_checked *c, const kz_checked_split *base, const kz_checked_split *other,
                                 const char *where, const kz_data_check_options *o, kz_findings *f)
{
    if (c->classification) return kz_check_balance(c, f, base, other, where, o->max_psi);
    return kz_check_target_drift(c, base, other, where, o->max_psi, f);
}

static kz_status check_file(kz_check_run *run, kz_data_check *k)
{
    kz_checked *c = &k->now;
    kz_status st = KZ_OK;
    if (!c->usable) return KZ_OK;
    KZ_TRY(kz_check_pass(run, c, &k->findings));
    KZ_TRY(kz_check_labels(c, &k->findings));
    KZ_TRY(measure_features(run, k));
    KZ_TRY(kz_check_rows(run, c, &k->table, &k->findings));
    for (int i = KZ_TRAIN + 1; i < KZ_SPLITS; i++)
        if (c->split[i].there)
            KZ_TRY(compare_targets(c, &c->split[KZ_TRAIN], &c->split[i], kz_split_names[i], &k->options, &k->findings));
done:
    return st;
}

/* ---- against the old version ---- */

static kz_status compare_split(kz_check_run *run, kz_data_check *k, int i)
{
    static const char *const names[KZ_SPLITS] = {"train since the old version", "valid since the old version",
                                                 "test since the old version"};
    kz_columns_job job = {.source = {&k->old, &k->now}, .split = {i, i}, .there = {true, true}};
    kz_status st = KZ_OK;
    KZ_TRY(kz_check_columns(run, &job, &k->version[i]));
    KZ_TRY(kz_check_drift(&k->now, &k->version[i], 1, names[i], k->options.max_psi, &k->findings));
    if (k->now.classes < k->old.classes) goto done; /* told as a schema that broke */
    KZ_TRY(compare_targets(&k->now, &k->old.split[i], &k->now.split[i], names[i], &k->options, &k->findings));
done:
    return st;
}

/* Classes that are new have no rows in the old version. */
static kz_status widen_counts(kz_checked *old, int64_t classes)
{
    int64_t *count = NULL;
    for (int i = 0; i < KZ_SPLITS && classes > old->classes; i++) {
        if (!old->split[i].count) continue;
        kz_status st = kz_calloc(&count, classes, sizeof *count, "classes");
        if (st != KZ_OK) return st;
        memcpy(count, old->split[i].count, (size_t)old->classes * sizeof *count);
        kz_free(&old->split[i].count);
        old->split[i].count = count;
    }
    if (classes > old->classes) old->classes = classes;
    return KZ_OK;
}

/* The old version is read, and judged by nothing but the new one. */
static kz_status check_versions(kz_check_run *run, kz_data_check *k)
{
    kz_findings unasked = {.n = 0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_checked_open(&k->old, &unasked, k->options.against, &k->options));
    if (k->old.usable) KZ_TRY(kz_check_pass(run, &k->old, &unasked));
    if (k->old.usable) KZ_TRY(kz_check_labels(&k->old, &unasked));
    if (!k->old.usable && unasked.n > 0)
        KZ_TRY(kz_findings_add(&k->findings, KZ_RULE_VERSION_SHAPE, KZ_FINDING_ERROR, "", 1,
                               "the old version cannot be read: %.800s", unasked.list[0].found));
    if (!k->old.usable || !k->now.usable) goto done;
    KZ_TRY(kz_check_schema(&k->old, &k->now, &k->findings, &k->compared));
    if (!k->compared) goto done;
    KZ_TRY(widen_counts(&k->old, k->now.classes));
    KZ_TRY(kz_check_version_rows(&k->old, &k->now, &k->findings, k->rows));
    for (int i = 0; i < KZ_SPLITS; i++)
        if (k->old.split[i].there && k->now.split[i].there) KZ_TRY(compare_split(run, k, i));
done:
    kz_findings_free(&unasked);
    return st;
}

/* ---- the whole ---- */

kz_status kz_data_check_run(kz_data_check **out, const kz_data_check_options *options)
{
    kz_data_check *k = NULL;
    kz_check_run run = {.options = options};
    kz_status st = KZ_OK;
    KZ_TRY(check_options(options));
    KZ_TRY(kz_calloc(&k, 1, sizeof *k, "data check"));
    k->options = *options;
    KZ_TRY(kz_team_create(&run.team, options->threads));
    KZ_TRY(kz_checked_open(&k->now, &k->findings, options->path, options));
    run.total = rows_of(&k->now) * (options->against ? 2 : 1);
    KZ_TRY(check_file(&run, k));
    if (options->against) KZ_TRY(check_versions(&run, k));
    kz_findings_allow(&k->findings, options->allow, options->n_allow);
    kz_findings_sort(&k->findings);
    *out = k;
    k = NULL; /* given away */
done:
    kz_data_check_destroy(&k);
    kz_team_destroy(&run.team);
    return st;
}

void kz_data_check_destroy(kz_data_check **check)
{
    kz_data_check *k = *check;
    if (!k) return;
    kz_checked_close(&k->now);
    kz_checked_close(&k->old);
    kz_findings_free(&k->findings);
    kz_feature_table_free(&k->table);
    for (int i = 0; i < KZ_SPLITS; i++) kz_feature_table_free(&k->version[i]);
    kz_free(check);
}

const kz_finding *kz_data_check_findings(const kz_data_check *check, int64_t *n)
{
    *n = check->findings.n;
    return check->findings.list;
}

int64_t kz_data_check_count(const kz_data_check *check, kz_severity severity)
{
    int64_t n = 0;
    for (int64_t i = 0; i < check->findings.n; i++)
        n += check->findings.list[i].severity == severity && !check->findings.list[i].allowed;
    return n;
}

int64_t kz_data_check_allowed(const kz_data_check *check)
{
    int64_t n = 0;
    for (int64_t i = 0; i < check->findings.n; i++) n += check->findings.list[i].allowed;
    return n;
}
