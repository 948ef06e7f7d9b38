/* data/data_impl.h — private to src/data: what passes between its files.
 *
 * hdf5*.c alone see HDF5.  They run in a process of their own, the reader process; reader.c puts it behind the functions
 * kz_hdf5_... below.  What passes is plain data (names, extents, values) and a status with its message. */
#ifndef KZ_DATA_IMPL_H
#define KZ_DATA_IMPL_H

#include "data/column_sums.h"
#include "data/total_square.h"
#include "kz/data.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- arrays of a file ---- */

/* X(constant, name in messages and digests, C type of a value once read, HDF5's name of that C type) */
#define KZ_STORED_LIST(X)                                                                                              \
    X(KZ_STORED_INT8, "int8", int8_t, H5T_NATIVE_INT8)                                                                 \
    X(KZ_STORED_INT16, "int16", int16_t, H5T_NATIVE_INT16)                                                             \
    X(KZ_STORED_INT32, "int32", int32_t, H5T_NATIVE_INT32)                                                             \
    X(KZ_STORED_INT64, "int64", int64_t, H5T_NATIVE_INT64)                                                             \
    X(KZ_STORED_UINT8, "uint8", uint8_t, H5T_NATIVE_UINT8)                                                             \
    X(KZ_STORED_UINT16, "uint16", uint16_t, H5T_NATIVE_UINT16)                                                         \
    X(KZ_STORED_UINT32, "uint32", uint32_t, H5T_NATIVE_UINT32)                                                         \
    X(KZ_STORED_UINT64, "uint64", uint64_t, H5T_NATIVE_UINT64)                                                         \
    X(KZ_STORED_FLOAT16, "float16", float, H5T_NATIVE_FLOAT)                                                           \
    X(KZ_STORED_FLOAT32, "float32", float, H5T_NATIVE_FLOAT)                                                           \
    X(KZ_STORED_FLOAT64, "float64", double, H5T_NATIVE_DOUBLE)                                                         \
    X(KZ_STORED_FLOAT128, "float128", double, H5T_NATIVE_DOUBLE)

typedef enum {
#define KZ_STORED_ENUM(constant, name, type, hdf5) constant,
    KZ_STORED_LIST(KZ_STORED_ENUM)
#undef KZ_STORED_ENUM
} kz_stored;

const char *kz_stored_name(kz_stored stored);
int64_t kz_stored_size(kz_stored stored); /* bytes of a value once read */
bool kz_stored_integer(kz_stored stored);

enum { KZ_RANK_MAX = 4 }; /* rows and the three dimensions of an image */

typedef struct {
    const char *object; /* as the config names it, borrowed; NULL: not used */
    int id;             /* for kz_hdf5_read */
    kz_stored stored;
    int rank; /* extents before it; all from `rank` on are 1 */
    int64_t extent[KZ_RANK_MAX];
    int64_t chunk_rows;  /* rows best read together, at least 1 */
    int64_t chunk_bytes; /* memory to read a chunk; 0 if not chunked */
} kz_array;

int64_t kz_array_rows(const kz_array *a);
int64_t kz_array_row(const kz_array *a);                /* values per row */
void kz_array_extents(char out[96], const kz_array *a); /* "1437x8x8" */

/* ---- reader.c: an HDF5 file, read only, by the HDF5 library in a process of its own; one thread per file ---- */

typedef struct kz_hdf5 kz_hdf5;

enum { KZ_OBJECT_MAX = 4096 }; /* bytes of the name of an object or attribute, with its NUL */

typedef struct {
    int64_t memory;     /* bytes that what is read may take: data.memory; 0: 8 GiB */
    bool allow_filters; /* loads the plug-in filters that are installed: data.allow_filters */
    bool sampled;       /* rows are read here and there: more may be declared than the file can hold */
} kz_hdf5_options;

/* Opens the file in a new reader process, which ends with kz_hdf5_close or with us; no thread may be inside the HDF5
 * library then.  What goes wrong in it (a crash, a time-out, too much memory) is KZ_E_DATA of this call or a later one.
 * Fails: KZ_E_DATA (not HDF5, damaged, being written), KZ_E_INPUT (cannot be opened), KZ_E_MEM, KZ_E_FAIL (no process). */
kz_status kz_hdf5_open(kz_hdf5 **out, const char *path); /* with the defaults */
kz_status kz_hdf5_open_with(kz_hdf5 **out, const char *path, const kz_hdf5_options *options);
const char *kz_hdf5_path(const kz_hdf5 *file);
void kz_hdf5_close(kz_hdf5 **file);

/* Opens the array `object` and describes it; it is closed with the file.  Refuses what is no plain array of numbers
 * inside the file.  `key` is the remedy's end: where the config names it ("data.train").  Fails: KZ_E_DATA, KZ_E_MEM. */
kz_status kz_hdf5_array(kz_hdf5 *file, const char *object, const char *key, kz_array *out);

/* out <- rows first .. first + n - 1, as values of the C type of a->stored. */
kz_status kz_hdf5_read(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, void *out);

/* Rows here and there. */
typedef struct {
    int64_t first, n;
} kz_range;
enum { KZ_RANGES_MAX = 256 };
typedef struct {
    const kz_array *array;
    bool stays; /* the rows go to this byte of kz_hdf5_stays, else to where the next but one answer goes as well */
    int64_t at;
    int n;
    kz_range range[KZ_RANGES_MAX];
} kz_ranges;

/* Memory of *bytes for rows that stay, at least data.memory where addresses are not limited.  Takes what is used of it. */
uint8_t *kz_hdf5_stays(const kz_hdf5 *file, int64_t *bytes);

/* *out <- the rows of all ranges, one after the other, borrowed until the next call for this file.  The process can
 * change them at any time: what must not change after a look at it has to be copied first.  next: what will be asked for
 * after it, which is read meanwhile; or NULL.  Fails: as kz_hdf5_read; KZ_E_MEM (more than data.memory). */
kz_status kz_hdf5_ahead(kz_hdf5 *file, const kz_ranges *next); /* reads them until kz_hdf5_read_ranges asks for them */
kz_status kz_hdf5_read_ranges(kz_hdf5 *file, const kz_ranges *now, const kz_ranges *next, const void **out);

/* The file is read once more, from its beginning: it has the time for that once more. */
void kz_hdf5_again(kz_hdf5 *file);

/* Fails with KZ_E_DATA if the file has been written to, or cut short, since it was opened. */
kz_status kz_hdf5_unchanged(const kz_hdf5 *file);

/* Attributes of the root.  Texts: *n = 0 if there is none; (*out)[n] and each text yours to kz_free (kz_texts_free);
 * valid UTF-8 without control characters, whatever the file holds. */
kz_status kz_hdf5_texts(kz_hdf5 *file, const char *attribute, char ***out, int64_t *n);
kz_status kz_hdf5_number(kz_hdf5 *file, const char *attribute, double *out, bool *found);
void kz_texts_free(char ***texts, int64_t n);

/* hdf5_attribute.c: *out <- text as valid UTF-8 of at most n bytes: control characters and stray bytes become '?'. */
kz_status kz_hdf5_clean(char **out, const char *text, size_t n);

/* reader_file.c: *fd <- the regular file at path, which holds HDF5, locked as HDF5 does; its *bytes.  Yours to close. */
kz_status kz_reader_file_open(int *fd, int64_t *bytes, const char *path);

/* ---- reader_tree.c: what is in a file ---- */

enum {
    KZ_NODE_RANK = 8,     /* extents of a node that are kept */
    KZ_NODES_MAX = 10000, /* nodes of a file that are listed: with as many there may be more */
};

typedef enum {
    KZ_NODE_GROUP,
    KZ_NODE_DATASET,
    KZ_NODE_TYPE, /* a named type */
    KZ_NODE_SOFT,
    KZ_NODE_EXTERNAL,
    KZ_NODE_OTHER,     /* a link of another kind, or one whose object is damaged */
    KZ_NODE_ATTRIBUTE, /* of the object listed last that is none; path: "<object's path>@<name>" */
} kz_node_kind;

typedef struct {
    kz_node_kind kind;
    char *path;   /* "/train/x", clean UTF-8 */
    char *target; /* of a link; of an attribute: its value as text; of a group or array listed before: where; or NULL */
    char type[48];   /* "uint8", "float32, big-endian", "boolean of int8", "string", ...; "" if no array or attribute */
    char layout[16]; /* "contiguous", "chunked", "compact", "virtual", "external" */
    char filters[96];                                  /* "shuffle, gzip 4", "filter 32015 (Zstandard)"; "" if none */
    int rank;                                          /* may be over KZ_NODE_RANK */
    int64_t extent[KZ_NODE_RANK], chunk[KZ_NODE_RANK]; /* chunk all 0 where not chunked */
    int64_t stored_bytes;
    bool readable; /* kz_hdf5_array would take it: a plain array of numbers */
} kz_node;

/* *out <- the root group and what it leads to, every group before its members and these by name, *n in all; yours to
 * kz_nodes_free.  No link is followed; what hard links lead to twice is entered once; groups are entered 64 deep.  What
 * cannot be found out of a damaged object is left out.  Attributes are listed where they are asked for.  Fails: KZ_E_DATA (not even the root can be read), KZ_E_MEM. */
kz_status kz_hdf5_tree(kz_hdf5 *file, bool attributes, kz_node **out, int64_t *n);
void kz_nodes_free(kz_node **nodes, int64_t n);

/* ---- find.c ---- */

const char *kz_data_looks_like(const uint8_t *head, int64_t n); /* "CSV text; ..." with the remedy, of no HDF5 file */

/* ---- layout.c: which arrays of a file are the splits ---- */

enum { KZ_TRAIN, KZ_VALID, KZ_TEST, KZ_SPLITS };

typedef struct {
    char *x[KZ_SPLITS], *y[KZ_SPLITS]; /* paths in the file; NULL: no such split */
    kz_text note;                      /* what was found and not found, a line each, the last without its line feed */
    bool other_names;                  /* a split lies under names that are not our own */
} kz_layout;

/* What the config says stands; what it leaves out is looked for in the file: /train/x, /valid/x, /test/x and the like
 * first, then the names of docs/data.md.  c NULL: all is left out.  Fails: KZ_E_DATA (nothing to train on; several
 * arrays could be the one looked for), KZ_E_MEM; *out is then untouched. */
kz_status kz_layout_find(kz_layout *out, kz_hdf5 *file, const kz_config_data *c);
void kz_layout_free(kz_layout *l);

/* *x, *y <- two arrays that could be the features and targets to train on, for a suggestion; NULL: none. */
void kz_layout_guess(const kz_node *nodes, int64_t n, const kz_node **x, const kz_node **y);

/* ---- room.c: what stays in memory, and how the rest is streamed ---- */

typedef struct {
    bool any;
    bool streamed[KZ_SPLITS]; /* splits; a drawn valid split lies in the array of train */
    int64_t valid_rows;       /* of a drawn one, else 0 */
    int64_t block, window;    /* rows of the array of train; block = window where it is read in order */
    int64_t in_order;         /* rows of a window of the other splits */
    int64_t slot_rows;        /* room for a window and an unfinished batch */
    int64_t piece;            /* bytes of one question to the reader process, unless a chunk is larger */
    double bytes;             /* of a feed */
} kz_room;

/* ---- one opening: open.c calls the others in this order ---- */

typedef struct {
    const kz_config *cfg;
    kz_data *data; /* what is being made */
    kz_hdf5 *file;
    kz_sha256 *hash;
    kz_layout layout;
    kz_array x[KZ_SPLITS], y[KZ_SPLITS];
    kz_room room;
} kz_opening;

/* check.c */
kz_status kz_check_shapes(const kz_opening *o); /* of all arrays; sets data's shape, features and targets */
kz_status kz_check_task(kz_opening *o);         /* sets data->classification */
kz_status kz_check_classes(kz_opening *o);      /* sets data->classes and class_names; every label is below */

/* The labels of an array, seen once in order. */
typedef struct {
    int64_t seen, most;      /* rows; the largest label */
    int32_t first;           /* the first label */
    bool differ;             /* there are two classes at least */
    int64_t limit, over_row; /* the first row with a label of `limit` or more, which is over_label; -1: none */
    int32_t over_label;
} kz_labels;
kz_labels kz_labels_seen(int64_t limit); /* none; limit 0: there is none */
void kz_labels_add(kz_labels *l, const int32_t *label, int64_t n);

/* The same as kz_check_classes in steps: *n <- what the attribute says, 0 if nothing; of train; of each split. */
kz_status kz_classes_said(const kz_opening *o, int64_t *n);
kz_status kz_classes_of_train(const kz_opening *o, int64_t said, const kz_labels *train);
kz_status kz_classes_fit(const kz_opening *o, int64_t said, int split, const kz_labels *l);
kz_status kz_classes_named(const kz_opening *o);

/* room.c */
kz_status kz_room_plan(kz_opening *o); /* sets o->room; adds to the layout's note */

/* stream.c: all that kz_data_open does of a data set with streamed splits, from its arrays to its scales. */
kz_status kz_stream_open(kz_opening *o);

/* digest.c: out <- all values of the array, as features, class numbers or targets; they enter the digest as `role`. */
typedef enum { KZ_AS_U8, KZ_AS_F32, KZ_AS_LABEL } kz_as;
kz_status kz_array_load(const kz_opening *o, const kz_array *a, const char *role, kz_as as, void *out);
int64_t kz_array_block(const kz_array *a);                   /* rows that kz_array_load reads at a time */
int64_t kz_array_block_of(const kz_array *a, int64_t bytes); /* in about so many bytes: whole chunks, at least one */

/* The same without keeping them: `sink` gets them in blocks of about so many bytes.  role NULL: they have been hashed and
 * checked before. */
typedef void kz_array_sink(void *context, const void *values, int64_t first, int64_t rows);
kz_status kz_array_pass(const kz_opening *o, const kz_array *a, const char *role, kz_as as, kz_array_sink *sink,
                        void *context);

/* out[n] <- values as they are stored.  Labels: false if one is no class number below `classes`. */
void kz_values_to_floats(float *out, kz_stored stored, const void *in, int64_t n);
bool kz_values_to_labels(int32_t *out, kz_stored stored, const void *in, int64_t n, int64_t classes);
bool kz_array_kept(const kz_array *a, kz_as as); /* the values read are the ones kept: no room of their own */
void kz_array_hash_head(kz_sha256 *hash, const char *role, const kz_array *a); /* "train/x uint8 1437 8 8\n" */

/* ---- order.c: in which order rows are visited ---- */

/* order[n] <- a permutation of 0..n-1: Fisher-Yates by the random numbers first + 1 .. first + n - 1, of 64 bits, for
 * this purpose (kernels/arith/philox.h) and epoch. */
void kz_permute(int64_t *order, int64_t n, uint64_t seed, uint32_t purpose, uint32_t epoch, int64_t first);
/* The same of the numbers that are there. */
void kz_permute_these(int64_t *order, int64_t n, uint64_t seed, uint32_t purpose, uint32_t epoch, int64_t first);

/* An array of rows, some of which are visited, cut into blocks, of which several make a window. */
typedef struct {
    int64_t array_rows;
    int64_t rows;       /* of a block; the last one may have fewer */
    int64_t per_window; /* blocks; the last window may have fewer */
    int64_t n, windows;
    int64_t *begin; /* (n + 1): of the rows that are visited, how many lie before the block */
    int64_t *order; /* (n): the blocks, window by window; ascending within a window */
    int64_t *first; /* (windows + 1): at which place of the epoch the window begins */
} kz_blocks;

/* Fill in begin[1 .. n] with the number of rows visited in each block, then call kz_blocks_counted. */
kz_status kz_blocks_create(kz_blocks *b, int64_t array_rows, int64_t rows, int64_t per_window);
void kz_blocks_counted(kz_blocks *b);                                /* and in order */
void kz_blocks_shuffle(kz_blocks *b, uint64_t seed, uint32_t epoch); /* a new order of the blocks */
void kz_blocks_free(kz_blocks *b);

/* split.c, scale.c */
kz_status kz_split_valid(kz_data *data, const kz_config *cfg);
kz_status kz_split_rows(int64_t *valid_rows, int64_t rows, double fraction); /* KZ_E_CONFIG where one part is empty */
kz_status kz_split_draw(uint8_t *held_out, int64_t rows, int64_t valid_rows, uint64_t seed);
double kz_scale_deviation(double squares, int64_t rows);     /* 1 where it is of no use */
float kz_scale_largest(const kz_column_rows *m, float most); /* |x| of whole rows, or `most` */
void kz_scale_unit(kz_data *data, float most);
kz_status kz_scale_standard(kz_data *data, kz_scale *scale, const double *mean, const double *deviation, int64_t n);
kz_status kz_scale_features(kz_data *data, const char *kind);
kz_status kz_scale_targets(kz_data *data, const char *kind);
kz_status kz_scale_hold_targets(kz_data *data);  /* target_mean and target_deviation: 0 and 1 */
kz_status kz_scale_target_values(kz_data *data); /* `value` of all splits in memory, by scale_y */

/* ---- memory held by a kz_data ---- */

enum { KZ_HELD_MAX = 24 };

struct kz_data_private {
    void *held[KZ_HELD_MAX];
    int n_held;
    /* for a feed */
    kz_hdf5 *file;
    kz_array x[KZ_SPLITS], y[KZ_SPLITS];
    kz_room room;
    uint8_t *held_out; /* a bit for each row of train's array: it is of the drawn valid split; NULL: none is */
};

static inline bool kz_is_held_out(const uint8_t *held_out, int64_t row)
{
    return held_out && (held_out[row / 8] >> row % 8 & 1);
}

/* As kz_calloc; freed with the data set and counted in its bytes. */
kz_status kz_data_hold(kz_data *data, void *out, int64_t n, size_t size, const char *what);

#ifdef __cplusplus
}
#endif

#endif
