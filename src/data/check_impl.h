/* data/check_impl.h — private to src/data: what passes between the files of `kaizen data check` (check_*.c).
 *
 * data_check.c calls: check_source.c (opens the arrays), check_pass.c (reads every value once: hashes, digest, what is not
 * finite), check_labels.c, check_rows.c (equal rows), check_columns.c (each feature's distribution, by check_feature.c
 * and check_statistics.c), check_features.c (rules over these), check_versions.c (against an older file). */
#ifndef KZ_CHECK_IMPL_H
#define KZ_CHECK_IMPL_H

#include "data/data_impl.h"
#include "kz/data_check.h"

/* ---- rules and findings: check_findings.c ---- */

typedef enum {
#define KZ_RULE(constant, id, rule, remedy) KZ_RULE_##constant,
#include "data/check_rules.inc"
#undef KZ_RULE
} kz_rule;

typedef struct {
    kz_finding *list;
    kz_rule *rule; /* (n): of each */
    int64_t n, room;
} kz_findings;

/* Adds a finding and makes it the one that kz_finding_add_item adds to; `found` is a format. */
kz_status kz_findings_add(kz_findings *f, kz_rule rule, kz_severity severity, const char *where, int64_t count,
                          const char *found, ...) __attribute__((format(printf, 6, 7)));
void kz_finding_measure(kz_findings *f, double value, double threshold);
/* One more thing of the last finding; beyond KZ_FINDING_ITEMS it is dropped.  item.text is a format's result. */
kz_status kz_finding_add_item(kz_findings *f, kz_finding_item item, const char *text, ...)
    __attribute__((format(printf, 3, 4)));
kz_finding_item kz_finding_item_none(void); /* all that does not apply */
char *kz_check_clean(char *s); /* in place: '?' for what is no UTF-8, or a control character; gives s back */
void kz_findings_allow(kz_findings *f, const char *const *ids, int64_t n);
void kz_findings_sort(kz_findings *f); /* worst first */
void kz_findings_free(kz_findings *f);

/* ---- a file as it is checked: check_source.c ---- */

typedef struct {
    bool there;
    kz_array x, y;
    int64_t rows;
    uint64_t *x_hash;   /* (rows): of the features, -0 as +0 and every type widened */
    double *target;     /* (rows, targets), as stored */
    int32_t *label;     /* (rows): class number, -1 where it is none; NULL for regression */
    int64_t *count;     /* (classes): rows of each class; NULL for regression */
    int64_t *bad;       /* (features): values that are not finite */
    int64_t bad_values; /* the sum of these */
} kz_checked_split;

typedef struct {
    kz_hdf5 *file;
    const char *path;
    kz_layout layout; /* owns the names of the arrays */
    kz_checked_split split[KZ_SPLITS];
    bool usable; /* train is there, and every split has the shape of train */
    bool classification, image;
    int64_t features, targets;
    int64_t classes;   /* 0 for regression, and where the labels do not say */
    bool classes_said; /* by the attribute */
    char **feature_names, **class_names;
    int64_t n_feature_names, n_class_names;
    uint64_t *column_hash; /* (features): of all splits */
    char digest[KZ_DIGEST_TEXT];
} kz_checked;

extern const char *const kz_split_names[KZ_SPLITS]; /* "train" "valid" "test" */

/* Opens the file and its arrays; what is wrong with them becomes findings. */
kz_status kz_checked_open(kz_checked *c, kz_findings *f, const char *path, const kz_data_check_options *options);
void kz_checked_close(kz_checked *c);
/* "petal width", "[3,14]" of an image, "feature 7". */
const char *kz_checked_feature(const kz_checked *c, int64_t feature, char out[96]);
const char *kz_checked_class(const kz_checked *c, int64_t class_number, char out[96]); /* "3 (cat)" */

/* ---- reading: check_pass.c ---- */

typedef struct {
    const kz_data_check_options *options;
    int64_t done, total; /* rows read and to read, for the progress */
    kz_team *team;
} kz_check_run;

/* Reads an array block by block.  Calls row(context, i, values, rest) for each row: its values in binary64, and `rest` what
 * that leaves of wider integers (NULL where nothing can be left). */
typedef void kz_row_fn(void *context, int64_t row, const double *values, const int64_t *rest);
kz_status kz_check_read(kz_check_run *run, kz_hdf5 *file, const kz_array *a, kz_sha256 *digest, kz_row_fn *fn,
                        void *context);
/* Every array once: hashes, digest, targets; findings of what is not finite. */
kz_status kz_check_pass(kz_check_run *run, kz_checked *c, kz_findings *f);
uint64_t kz_check_mix(uint64_t z); /* a bijection that spreads every bit */
uint64_t kz_value_bits(double v);  /* the same for values that compare equal, and for every NaN */

/* ---- check_labels.c ---- */

kz_status kz_check_labels(kz_checked *c, kz_findings *f);
/* Shares of classes in `other` against those of `base`; `where` names the pair. */
kz_status kz_check_balance(const kz_checked *c, kz_findings *f, const kz_checked_split *base,
                           const kz_checked_split *other, const char *where, double max_psi);

/* ---- check_rows.c, check_verify.c ---- */

struct kz_feature_table;
kz_status kz_check_rows(kz_check_run *run, const kz_checked *c, const struct kz_feature_table *t, kz_findings *f);

/* Groups of rows that are equal value by value. */
typedef struct {
    int split;
    int64_t row;
    uint64_t target; /* hash of its targets; of a single one its bits */
} kz_row_place;
typedef struct {
    kz_row_place *place; /* (n), group by group; in a group by split, target and row */
    int64_t *first;      /* (groups + 1) */
    int64_t n, groups;
} kz_equal_rows;
/* Also clears twin[j] (features) where column j does not equal column twin[j] after all; -1: has none. */
kz_status kz_check_verify(kz_check_run *run, const kz_checked *c, int64_t *twin, kz_equal_rows *out);
uint64_t kz_check_target(const kz_checked *c, int split, int64_t row); /* kz_row_place.target */
void kz_equal_rows_free(kz_equal_rows *e);

/* ---- check_sort.c ---- */

typedef struct {
    uint64_t *key, *key2;
    uint32_t *index, *index2;
    int64_t room;
} kz_sorter;
kz_status kz_sorter_create(kz_sorter *s, int64_t room);
void kz_sorter_free(kz_sorter *s);
/* s->index[n] <- 0..n-1 in ascending order of s->key, which is sorted as well; equal ones keep their order. */
void kz_sort_keys(kz_sorter *s, int64_t n);
/* Finite values of x into s->key order: out[i] ascending, s->index[i] where each came from.  Returns how many. */
int64_t kz_sort_values(kz_sorter *s, const double *x, int64_t n, double *out);

/* ---- check_statistics.c: docs/data-check.md has the formulas ---- */

enum { KZ_PSI_BINS = 10 };
double kz_chi_square_sf(double statistic, double degrees); /* P(chi-square >= statistic) */
double kz_kolmogorov_sf(double lambda);                    /* P(K >= lambda) */
double kz_ks_p(double d, int64_t n, int64_t m);            /* two-sided, by Stephens' approximation */
double kz_ks_statistic(const double *a, int64_t n, const double *b, int64_t m); /* of ascending values */
int kz_psi_edges(const double *a, int64_t n, double edge[KZ_PSI_BINS]);         /* inner edges by deciles; how many */
void kz_psi_counts(const double *a, int64_t n, const double *edge, int edges, int64_t *count); /* (edges + 1) */
/* Over bins that either has; *p of the chi-square test that both have the same shares. */
double kz_psi(const int64_t *a, const int64_t *b, int64_t bins, double *p);
void kz_holm(double *p, int64_t n, uint32_t *order); /* adjusts in place; order: room for n */

/* ---- one feature: check_feature.c ---- */

enum { KZ_HISTOGRAM = 16 };

typedef struct {
    int64_t rows; /* finite values; 0: no such split */
    double psi, psi_p, ks, ks_p;
} kz_feature_drift;

typedef struct {
    double low, high, median, p1, p99; /* of the base; NaN without a finite value */
    int64_t rows, distinct, distinct32;
    double alone;                      /* how well it predicts the target by itself, at most 1; NaN: not measured */
    double accuracy;                   /* classification: of that prediction */
    kz_feature_drift other[KZ_SPLITS]; /* [0] is unused: the base */
    double from, to;                   /* of the histogram; values outside count in its ends */
    uint32_t histogram[KZ_SPLITS][KZ_HISTOGRAM];
} kz_feature;

typedef struct {
    int64_t rows;         /* rows held of it; 0: none */
    const double *values; /* (columns, rows) */
} kz_columns;

typedef struct {
    kz_columns split[KZ_SPLITS]; /* [0] the base */
    const int32_t *label;        /* (base rows), as sampled; NULL: not a classification */
    const double *rank;          /* (targets, base rows): mean ranks of the targets; NULL: not a regression */
    int64_t classes, targets;
} kz_feature_input;

typedef struct {
    kz_sorter sorter;
    double *base, *other; /* sorted values */
    double *group;        /* values of groups of rows, and their labels */
    int32_t *group_label;
    int64_t *tally; /* (classes), zero between uses */
} kz_feature_scratch;
kz_status kz_feature_scratch_create(kz_feature_scratch *s, int64_t rows, int64_t classes);
void kz_feature_scratch_free(kz_feature_scratch *s);
void kz_feature_measure(kz_feature *out, const kz_feature_input *in, int64_t column, kz_feature_scratch *s);
/* rank[n] <- 1 for the least, equal ones share their mean. */
void kz_mean_ranks(double *rank, const double *x, int64_t n, kz_sorter *s, double *sorted);

/* ---- all features: check_columns.c, check_features.c ---- */

typedef struct kz_feature_table {
    kz_feature *feature; /* (n) */
    int64_t n;
    int64_t stride; /* 1: every row; else one of so many */
} kz_feature_table;

/* base against each of others (NULL: none), which may lie in another file. */
typedef struct {
    const kz_checked *source[KZ_SPLITS];
    int split[KZ_SPLITS];
    bool there[KZ_SPLITS];
    bool alone; /* measure how well each predicts the target of the base */
} kz_columns_job;
kz_status kz_check_columns(kz_check_run *run, const kz_columns_job *job, kz_feature_table *out);
void kz_feature_table_free(kz_feature_table *t);

kz_status kz_check_features(const kz_checked *c, const kz_feature_table *t, kz_findings *f);
/* Drift of features; other: index in kz_feature.other. */
kz_status kz_check_drift(const kz_checked *c, const kz_feature_table *t, int other, const char *where, double max_psi,
                         kz_findings *f);
/* Drift of the targets of a regression. */
kz_status kz_check_target_drift(const kz_checked *c, const kz_checked_split *base, const kz_checked_split *other,
                                const char *where, double max_psi, kz_findings *f);

/* ---- two versions: check_versions.c ---- */

typedef struct {
    int64_t old_rows, rows, unchanged, added, removed, relabelled;
    bool same_order;
} kz_version_rows;

/* False in *comparable where the schemas differ so much that values cannot be compared. */
kz_status kz_check_schema(const kz_checked *old, const kz_checked *new_one, kz_findings *f, bool *comparable);
kz_status kz_check_version_rows(const kz_checked *old, const kz_checked *new_one, kz_findings *f,
                                kz_version_rows out[KZ_SPLITS]);

/* ---- the whole: data_check.c, check_json.c ---- */

struct kz_data_check {
    kz_data_check_options options;
    kz_checked now, old;
    kz_findings findings;
    kz_feature_table table;
    kz_feature_table version[KZ_SPLITS]; /* old split against the new one */
    kz_version_rows rows[KZ_SPLITS];
    bool compared; /* with --against, and the versions can be compared */
};

#endif
