/* kz/data_check.h — is a data set right to train on?  Findings as data, and as a JSON document. */
#ifndef KZ_DATA_CHECK_H
#define KZ_DATA_CHECK_H

#include "kz/base.h"
#include "kz/config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* error: training on it would be wrong, or is refused; warning: it is possible, and the result may mislead; note: known,
 * and harmless as such. */
typedef enum { KZ_FINDING_ERROR, KZ_FINDING_WARNING, KZ_FINDING_NOTE } kz_severity;

const char *kz_severity_name(kz_severity severity); /* "error" */

/* One of the things that a finding is about.  What does not apply is -1, NaN or NULL. */
typedef struct {
    int64_t row, feature, class_number;
    const char *other_split; /* where `other` lies */
    int64_t other;           /* the row or feature that it equals */
    double value;            /* what the rule looks at */
    char *text;              /* for people: "row 17 is row 3 of train" */
} kz_finding_item;

enum { KZ_FINDING_ITEMS = 10 }; /* listed of each finding at most; `count` has them all */

/* One rule that one split, or two of them, break. */
typedef struct {
    const char *id; /* "leakage": a row of data/check_rules.inc */
    kz_severity severity;
    bool allowed;          /* by --allow: listed, and not counted */
    const char *where;     /* "train", "test", "old train" ...; "" where it is the file's */
    int64_t count;         /* rows, features, classes or values, as the rule has them */
    double value;          /* the worst of them, as the rule measures it; NaN: nothing to measure */
    double threshold;      /* that it passed; NaN: none */
    char *found;           /* a sentence for people */
    const char *rule;      /* what is right, with its threshold */
    const char *remedy;    /* what to do */
    kz_finding_item *item; /* (items) the first, or the worst first */
    int items;
} kz_finding;

typedef struct {
    const char *path;         /* the HDF5 file */
    const char *against;      /* an older version of it; NULL: none */
    const kz_config *cfg;     /* names arrays and task; NULL: /train, /valid and /test, as far as they are there */
    int64_t memory;           /* bytes it may take */
    bool allow_filters;       /* loads HDF5's plug-in filters */
    double max_psi;           /* a population stability index above it is a warning, > 0 */
    const char *const *allow; /* (n_allow): ids of findings that are known and accepted */
    int64_t n_allow;
    int threads;
    uint64_t hash_mask; /* all ones but in tests, which make hashes collide by it */
    void (*progress)(void *context, int64_t done, int64_t total); /* rows read; NULL: nobody asks */
    void *context;
} kz_data_check_options;

/* 8 GiB, 0.25, one thread, nothing allowed; path and all else are NULL. */
kz_data_check_options kz_data_check_defaults(void);

/* The id that allow names, or NULL: unknown.  ids: NULL-terminated, in the order of the rules. */
const char *const *kz_data_check_ids(void);

typedef struct kz_data_check kz_data_check; /* owns all that it gives out */

/* Reads the file block by block and applies every rule.  What is wrong with the data is a finding, not a failure; the
 * same data give the same findings in the same order on any number of threads.
 * Fails: KZ_E_INPUT, KZ_E_DATA (no HDF5 file, damaged, more memory needed than allowed), KZ_E_MEM, KZ_E_ARG. */
kz_status kz_data_check_run(kz_data_check **out, const kz_data_check_options *options);
void kz_data_check_destroy(kz_data_check **check); /* *check may be NULL */

const kz_finding *kz_data_check_findings(const kz_data_check *check, int64_t *n); /* worst first */
int64_t kz_data_check_count(const kz_data_check *check, kz_severity severity);    /* of those not allowed */
int64_t kz_data_check_allowed(const kz_data_check *check);

/* The document of schema kaizen.datacheck/1 (docs/data-check.md); yours to json_decref.  Fails: KZ_E_MEM. */
kz_status kz_data_check_json(json_t **out, const kz_data_check *check);

#ifdef __cplusplus
}
#endif
#endif
