/* data/inspect_impl.h — private to src/data/inspect*.c: what `kaizen data inspect` finds out of one array. */
#ifndef KZ_INSPECT_IMPL_H
#define KZ_INSPECT_IMPL_H

#include "data/summary.h"

/* Rows of an array that are looked at: `spans` of them, each `rows` long (the last may be shorter), `step` apart. */
typedef struct {
    int64_t spans, rows, step, total; /* total: rows in all */
} kz_sample;

/* All rows, or where they are more than 64 MiB or 100,000 chunks, 16 spans of whole chunks evenly over the array. */
kz_sample kz_sample_of(const kz_array *a, const kz_node *node);

/* What is known besides the array itself. */
typedef struct {
    const char *role; /* "train/x", "test/y"; NULL: none that we know */
    bool of_classes;  /* the task or the type says that targets are classes */
    bool task_unsaid; /* the file does not say its task */
    char **class_names, **feature_names;
    int64_t n_class_names, n_feature_names;
} kz_inspect_about;

/* *out <- values of the array, as in the schema's "arrays"; new.  Fails: KZ_E_DATA, KZ_E_MEM. */
kz_status kz_inspect_array(json_t **out, kz_hdf5 *file, const kz_node *node, const kz_inspect_about *about);

/* inspect_reading.c: *out <- how fast it was read, whether that is slow, and what to do; new. */
kz_status kz_inspect_reading(json_t **out, const kz_hdf5 *file, const kz_array *a, const kz_node *node, double bytes,
                             double seconds);

/* object[key] <- value, which it takes over; KZ_E_MEM where value is NULL. */
kz_status kz_inspect_set(json_t *object, const char *key, json_t *value);

#endif
