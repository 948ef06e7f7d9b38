/* kz/data_import.h — HDF5 data sets from other files: CSV and TSV, LIBSVM, IDX, NPY and NPZ. */
#ifndef KZ_DATA_IMPORT_H
#define KZ_DATA_IMPORT_H

#include "kz/base.h"

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Texts as a user gave them: borrowed. */
typedef struct {
    const char *const *text;
    int64_t n;
} kz_words_given;

/* All texts may be NULL: then the default counts.  A choice is "ACTION" for all columns or "COLUMN=ACTION" for one; a
 * column is a name or a number from 1, -1 being the last. */
typedef struct {
    kz_words_given inputs;     /* files; several of one table are read one after the other */
    const char *out;           /* the HDF5 file */
    const char *format;        /* "csv", "tsv", "libsvm", "idx", "npy", "npz"; NULL: by name and content */
    const char *test_file;     /* a table whose rows are all of test */
    const char *delimiter;     /* one character, or "tab"; NULL: found out among , ; tab | */
    const char *encoding;      /* "utf-8", "utf-16", "latin-1"; NULL: UTF-8, and UTF-16 by its mark */
    const char *comment;       /* lines that begin with this character are left out; NULL: there are none */
    const char *decimal;       /* "." or ","; NULL: "." */
    int header;                /* 1: the first line names the columns, -1: it does not, 0: it does, and is no numbers */
    kz_words_given missing;    /* texts that mean a missing value, beside "", NA, N/A, NaN, nan, null, NULL and ? */
    kz_words_given fill;       /* choices: error, drop, mean, median, mode, category */
    kz_words_given categories; /* choices: onehot, codes, error */
    kz_words_given target;     /* columns; several are a regression */
    kz_words_given columns;    /* the features; none: all but the targets */
    kz_words_given drop;       /* columns that are left out */
    const char *task;          /* "classification", "regression"; NULL: as the target looks */
    int64_t features;          /* LIBSVM: at least so many; 0: as the file says */
    bool zero_based;           /* LIBSVM: indices count from 0 */
    const char *train_x, *train_y, *test_x, *test_y; /* arrays: files, or names inside the NPZ */
    const char *split_column;                        /* its values are train, valid and test */
    double test;                                     /* fraction of the rows for test, in (0, 1); 0: none */
    bool stratify;                                   /* the fraction holds within each class */
    uint64_t seed;                                   /* draws the rows of test */
    const char *dtype;                   /* of x: "auto", "uint8" ... "int64", "float32", "float64"; NULL: auto */
    int64_t memory;                      /* bytes this may take at most; 0: 8 GiB or half of what is free */
    const char *class_weights;           /* "none", "balanced"; NULL: none */
    const char *compress;                /* "none", "gzip"; NULL: none */
    const char *name, *source, *license; /* attributes; name NULL: of the one input */
    int threads;                         /* 0: all cores; changes no byte of the result */
    bool force;                          /* replaces a file that exists */
    bool dry_run;                        /* reads and checks everything, writes nothing */
    /* Of 0 .. total bytes are done; may be NULL. */
    void (*progress)(void *context, int64_t done, int64_t total, const char *what);
    void *context;
    volatile sig_atomic_t *stop; /* a signal's number ends the import; may be NULL */
} kz_import_options;

kz_import_options kz_import_defaults(void);

enum { KZ_IMPORT_SPLITS = 3 }; /* train, valid, test */

typedef struct {
    char *out;          /* absolute path of the file */
    const char *format; /* as in the options */
    bool classification;
    int64_t rows[KZ_IMPORT_SPLITS]; /* written */
    int64_t dropped, filled;        /* rows left out, values filled in */
    int64_t features, targets, classes;
    int64_t shape[3]; /* of a row of x; rank of them used */
    int rank;
    const char *dtype, *target_dtype;      /* of x and y */
    char **class_names;                    /* (classes), or NULL */
    int64_t *class_rows[KZ_IMPORT_SPLITS]; /* (classes): rows of each class; NULL for regression */
    double *class_weights;                 /* (classes), or NULL */
    int64_t bytes;                         /* of the file; 0 for a dry run */
    int64_t input_bytes;
    double seconds;
    char **notes; /* (n_notes): what was decided without being told */
    int64_t n_notes;
    json_t *columns; /* what became of each column, as stored in the file; NULL: no table */
} kz_import_result;

/* Makes o->out.  The same inputs and options give the same bytes of the file, whatever the threads and the memory.
 * After a failure there is no file, and a file that was there is untouched.  *r is overwritten; free it with
 * kz_import_result_free, also after a failure.
 * Fails: KZ_E_USAGE (options that exclude each other or name nothing), KZ_E_INPUT, KZ_E_DATA (with line and remedy),
 * KZ_E_OUTPUT, KZ_E_MEM, KZ_E_SIGINT, KZ_E_SIGTERM. */
kz_status kz_data_import(kz_import_result *r, const kz_import_options *o);
void kz_import_result_free(kz_import_result *r);

#ifdef __cplusplus
}
#endif
#endif
