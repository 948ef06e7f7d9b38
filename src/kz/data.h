/* kz/data.h — HDF5 data sets: open, check, split, scale, shuffle.  HDF5 itself stays inside this module. */
#ifndef KZ_DATA_H
#define KZ_DATA_H

#include "kz/base.h"
#include "kz/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { KZ_U8, KZ_F32 } kz_element; /* how features are held: uint8 stays uint8, all else becomes binary32 */

/* One split, rows first.  A valid split drawn from train shares its arrays and names its rows. */
typedef struct {
    int64_t rows;         /* rows of this split */
    const int64_t *index; /* (rows): where each row lies in x and y; NULL: in order */
    const void *x;        /* (*, features), elements of type `element` */
    kz_element element;
    const int32_t *label; /* (*): class numbers from 0; NULL for regression */
    const float *value;   /* (*, targets): scaled targets; NULL for classification */
    const float *raw;     /* (*, targets): targets in original units; NULL for classification */
    bool streamed;        /* not in memory: all of these are NULL, and a feed has the rows (kz/data_stream.h) */
    double total_square; /* streamed regression: sum over rows and targets of (raw - mean)^2, as trainer_total_square */
} kz_split;

/* x' = ((float)x - mean[j]) * factor[j], rounded after each operation; with `divisor` > 0 instead x' = (float)x / divisor;
 * kind "none": x' = (float)x and mean and factor are NULL. */
typedef struct {
    const char *kind; /* "none", "unit", "standard" */
    float *mean, *factor;
    float divisor;
} kz_scale;

/* Where a split lies in the file: paths of its arrays; NULL where it has none of its own. */
typedef struct {
    char *x, *y;
} kz_data_arrays;

typedef struct {
    char *path;          /* absolute */
    char *name;          /* the file's attribute `name`, or NULL */
    char *columns;       /* JSON: the columns that x was made of (kaizen.columns/1), or NULL */
    bool classification; /* else regression */
    int64_t features;    /* per row, all dimensions but the first multiplied */
    int64_t shape[3];    /* of one row; rank of them used */
    int rank;
    int64_t classes;             /* classification: number of classes */
    char **class_names;          /* (classes), or NULL */
    int64_t targets;             /* regression: values per row */
    kz_split train, valid, test; /* rows = 0 where there is none */
    kz_data_arrays train_at, valid_at, test_at;
    char *note;       /* what the config left out and the file says, in lines; "" if it says nothing of note */
    kz_scale scale_x; /* from the rows of train */
    kz_scale scale_y; /* regression; "none" or "standard" */
    /* (targets), binary64: original = deviation * z + mean; 0 and 1 if not scaled */
    double *target_mean, *target_deviation;
    char digest[KZ_DIGEST_TEXT]; /* of type, shape and values of the arrays used: see below */
    int64_t bytes;               /* memory held */
    int64_t stream_bytes;        /* that a feed will take; 0: all is held */
    int64_t stream_rows;         /* rows of one of its windows, at most */
    struct kz_data_private *own;
} kz_data;

/* Standard scaling: mean = sum / n and deviation = sqrt(sum((x - mean)^2) / n), both sums over the rows of train in
 * their order by rule 3, in binary64; 1 stands for a deviation of 0 and for one whose reciprocal binary32 cannot hold.
 * Then kz_scale.mean = (float)mean and factor = (float)(1 / deviation).  Targets: value = (raw - mean) * factor in
 * binary32; target_mean and target_deviation are the binary64 values.  Without scaling `value` is `raw`.
 *
 * digest: SHA-256 over the arrays read from the file, in the order train/x train/y valid/x valid/y test/x test/y, those
 * that are used.  Each is a line of ASCII: role, stored type, extents, a line feed, as in "train/x uint8 1437 8 8\n";
 * then the values in the order of the file, little-endian in the width of the type.  Types: int8 int16 int32 int64,
 * uint8 to uint64, float16 float32 float64 float128; enumerations count as their integers, odd widths as the next wider
 * type; float16 is hashed as the binary32 it equals, float128 (any float over 8 bytes) as binary64.  So byte order,
 * chunks, filters and the names of file and arrays do not matter.  A valid split drawn from train adds nothing. */

/* Opens cfg->data.path (looked for beside the config file, then in the working directory), finds the splits that the
 * config leaves out (docs/data.md), reads and checks what is used, draws the validation rows by the seed, and computes the
 * scaling from the rows of train.  What does not fit into data.memory is read through once or twice for that, and is then
 * streamed: train first of all stays in memory, then valid, then test.
 * Fails: KZ_E_INPUT (no such file), KZ_E_DATA (file, object, found, wanted, remedy), KZ_E_CONFIG (the config and the data
 * do not fit, e.g. a validation fraction that leaves no row, or two windows larger than data.memory), KZ_E_MEM. */
kz_status kz_data_open(kz_data **out, const kz_config *cfg);
void kz_data_destroy(kz_data **data);

/* *out <- the absolute path of cfg->data.path, looked for as kz_data_open does.  Fails: KZ_E_INPUT, naming what was tried. */
kz_status kz_data_find(char **out, const kz_config *cfg);

/* *out <- what is in the HDF5 file `path`, a document of the schema kaizen.inspect/1 (docs/data.md); yours to
 * json_decref.  objects: the arrays whose values are looked at; n = 0: those of the splits.  An array that cannot be
 * read has a "problem" instead of values.  allow_filters: HDF5's plug-in filters are loaded.
 * Fails: KZ_E_INPUT, KZ_E_DATA, KZ_E_USAGE (too many objects), KZ_E_MEM. */
kz_status kz_data_inspect(json_t **out, const char *path, const char *const *objects, int64_t n_objects,
                          bool allow_filters);

/* What holds the process that reads HDF5 files in check, tried here: {"memory": {"source", "available", "reason"},
 * "files": ..., "calls": ...}.  Without one of them the others hold alone.  NULL: no memory. */
json_t *kz_data_walls(void);

/* order[n] <- a permutation of 0..n-1 for this seed and epoch (from 0): Fisher-Yates over Philox, docs/arithmetic.md. */
void kz_data_shuffle(int64_t *order, int64_t n, uint64_t seed, uint32_t epoch);

/* How shuffle: window cuts an array of rows. */
typedef struct {
    int64_t array_rows;    /* of the array that train lies in, with those of a drawn validation split */
    int64_t rows;          /* of train */
    const int64_t *index;  /* (rows): where each lies in the array, ascending; NULL: in order */
    int64_t block, window; /* rows of the array; window is a multiple of block */
} kz_windows;

/* order[rows] <- the rows of train, numbered from 0, as shuffle: window visits them in this epoch (from 0).
 * Fails: KZ_E_MEM. */
kz_status kz_data_shuffle_windows(int64_t *order, const kz_windows *w, uint64_t seed, uint32_t epoch);

#ifdef __cplusplus
}
#endif
#endif
