/* data/import_impl.h — private to src/data/import*.c and src/data/impl: what passes between them.
 *
 * A table (CSV, LIBSVM) is read in pieces of whole rows, cut by content alone, so that nothing depends on threads or
 * memory.  A piece becomes binary64 cells: numbers, numbers of words, and NaN where a value is missing.  The passes
 * over the cells are: look (kinds, ranges, words), count (rows of each split), fill (what stands for missing values),
 * write.  Arrays (IDX, NPY) need none of that and go from file to file by blocks of rows. */
#ifndef KZ_IMPORT_IMPL_H
#define KZ_IMPORT_IMPL_H

#include "data/data_impl.h"
#include "kz/data_import.h"

/* ---- import_bytes*.c: where bytes come from ---- */

typedef struct kz_bytes kz_bytes;
struct kz_bytes {
    const char *name; /* for messages */
    int64_t size;     /* bytes as stored; -1: unknown */
    int64_t at;       /* bytes consumed, as stored: for the progress */
    /* *got < n only at the end */
    kz_status (*read)(kz_bytes *b, void *out, int64_t n, int64_t *got);
    kz_status (*seek)(kz_bytes *b, int64_t offset); /* packed or recoded ones: to 0 alone */
    void (*close)(kz_bytes *b);
};

kz_status kz_bytes_open(kz_bytes **out, const char *path); /* a regular file; gzip is unpacked */
kz_status kz_bytes_file(kz_bytes **out, const char *path); /* a regular file as it is */
kz_status kz_bytes_memory(kz_bytes **out, const char *name, const void *bytes, int64_t n); /* borrowed */
kz_status kz_bytes_gunzip(kz_bytes **out, kz_bytes *inner);                                /* owns inner, on success */
/* Text in UTF-16 (by its mark, or as told) or Latin-1 as UTF-8, without a byte order mark; owns inner, on success. */
kz_status kz_bytes_utf8(kz_bytes **out, kz_bytes *inner, const char *encoding);
/* Exactly n bytes; `what` is missing otherwise. */
kz_status kz_bytes_exact(kz_bytes *b, void *out, int64_t n, const char *what);
void kz_bytes_close(kz_bytes **b);

/* ---- import_number.c ---- */

/* Reads the decimal number at s: sign, digits with a point, exponent; rounded correctly to binary64, infinite where it
 * is too large.  Returns the first byte behind it, or NULL if there is none.  *digits <- significant ones. */
const char *kz_number_read(const char *s, const char *end, char point, double *out, int *digits);

/* ---- import_words.c: the distinct texts of a column ---- */

typedef struct {
    kz_text text;    /* all of them, each with its NUL */
    int64_t *at;     /* (n): where each begins in text */
    int64_t *length; /* (n) */
    int64_t *count;  /* (n): rows that have it */
    int64_t *rank;   /* (n): its place in the order of the bytes, once sorted */
    int64_t n, room;
    int32_t *slot; /* (slots): a word's number, or -1 */
    int64_t slots;
} kz_words;

int64_t kz_words_find(const kz_words *w, const char *s, int64_t n);             /* -1: not there */
kz_status kz_words_add(kz_words *w, const char *s, int64_t n, int64_t *number); /* or finds it */
kz_status kz_words_sort(kz_words *w);                                           /* fills rank */
const char *kz_words_text(const kz_words *w, int64_t number);
void kz_words_free(kz_words *w);

bool kz_text_is_date(const char *s,
                     int64_t n); /* 2024-01-31, 31.1.2024, 1/31/24, 31-Jan-2024, 10:15, ...; s ends with a NUL */
bool kz_text_is_grouped(const char *s, int64_t n);            /* "1,234,567.5" */
bool kz_text_is_measure(const char *s, int64_t n);            /* 10%, $5.50, 3 €; s ends with a NUL */
bool kz_text_is_infinite(const char *s, int64_t n);           /* inf, -Infinity, ... */
bool kz_text_is_utf8(const char *s, int64_t n, int64_t *bad); /* *bad: where it is not */

/* ---- columns ---- */

typedef enum { KZ_ROLE_FEATURE, KZ_ROLE_TARGET, KZ_ROLE_SPLIT } kz_role;
typedef enum { KZ_FILL_ERROR, KZ_FILL_DROP, KZ_FILL_MEAN, KZ_FILL_MEDIAN, KZ_FILL_MODE, KZ_FILL_CATEGORY } kz_fill;
typedef enum { KZ_AS_ONEHOT, KZ_AS_CODES, KZ_AS_ERROR } kz_category;

enum { KZ_SMALL = 512, KZ_MOST_WORDS = 10000, KZ_MOST_ONEHOT = 100, KZ_FEW_CLASSES = 20 };
enum { KZ_FIELD_BYTES = 4096, KZ_WORD_BYTES = 256 }; /* what a column and a word take besides cells, at most */
enum { KZ_SAMPLE = 48 };                             /* bytes of a text that a message shows */

/* What a column was seen to hold, in one piece or in all. */
typedef struct {
    double least, most;               /* of its numbers; least > most: none */
    int64_t missing;                  /* cells */
    int64_t infinite;                 /* cells */
    int64_t infinite_line;            /* of the first */
    int64_t odd_line;                 /* the first line with a text in a column of numbers; 0: none */
    const char *infinite_in, *odd_in; /* the files of those lines */
    char odd[KZ_SAMPLE], infinite_text[KZ_SAMPLE];
    int digits;    /* significant ones, at most */
    bool fraction; /* some number is not whole */
    bool inexact;  /* some number is not a binary32 */
} kz_seen;

typedef struct {
    char *name;
    int64_t field; /* its place in a line */
    kz_role role;
    kz_fill fill;
    kz_category as;
    bool fill_given, as_given;
    bool text;          /* holds words, not numbers */
    bool too_many;      /* more words than are kept */
    kz_words words;     /* of a text column, and of a target of whole numbers (as text) */
    int64_t *small;     /* (KZ_SMALL): rows of a target with the whole numbers from -KZ_SMALL / 2 on */
    int64_t words_line; /* where the first word stands */
    const char *words_in;
    kz_seen seen;
    double value;        /* that stands for the missing: a number, or a word's number */
    int64_t first, wide; /* features: where it begins in a row of x, and how many places it takes */
} kz_column;

/* ---- tables ---- */

typedef struct {
    int64_t cell, line, at, n; /* the cell; its line in the piece; its text in piece->novel */
} kz_novel;

typedef struct {
    const char *s; /* whole rows, each with its end of line */
    int64_t n;
    double *cells; /* (rows, columns of the table) */
    int64_t rows, room;
    int64_t lines;   /* ends of line */
    kz_seen *seen;   /* (columns) */
    double *ranges;  /* (5, columns): least, most, fraction, inexact, missing */
    kz_text words;   /* bytes of novel words */
    kz_text scratch; /* a quoted text without its doubled quotes */
    kz_novel *novel;
    int64_t n_novel, novel_room;
    uint8_t *fate; /* (rows): see kz_fate */
    int64_t fate_room;
    int64_t at[KZ_IMPORT_SPLITS]; /* where its rows go in the block's parts */
    kz_status status;             /* a failure: its message lacks file and line */
    int64_t bad_line;             /* in the piece, from 0 */
    int64_t bad_rows;             /* rows before it */
    char bad[256];
} kz_piece;

enum { KZ_PIECE_BYTES = 64 << 10, KZ_BLOCK_PIECES = 32 };

typedef struct {
    kz_piece *piece;
    int64_t n;
    bool test; /* its rows are of the test file */
} kz_block;

typedef struct kz_table kz_table;
typedef kz_status kz_block_fn(void *context, kz_block *block);

/* A text format: one row of import_formats.inc. */
typedef struct {
    /* Reads the head of the first file: makes t->columns, and t->skip lines that hold no row. */
    kz_status (*open)(kz_table *t, const char *head, int64_t n, bool whole);
    /* Bytes of the next piece at s: whole rows, at least KZ_PIECE_BYTES if there are; 0: no whole row. */
    int64_t (*cut)(const kz_table *t, const char *s, int64_t n);
    /* Fills cells, rows, lines, seen and novel of the piece. */
    void (*parse)(const kz_table *t, kz_piece *p);
    /* The head of a further file must fit the first; *skip <- its lines that hold no row. */
    kz_status (*again)(kz_table *t, const char *name, const char *head, int64_t n, int64_t *skip);
} kz_table_format;

/* A file of the table. */
typedef struct {
    kz_bytes *bytes;
    bool test;
    int64_t skip; /* lines before its first row; -1: not looked at yet */
} kz_table_file;

struct kz_table {
    const kz_import_options *o;
    const kz_table_format *format;
    kz_team *team;
    kz_table_file *file;
    int64_t n_files;
    int64_t bytes_total;
    int64_t memory; /* allowed */

    char delimiter, point, comment; /* comment 0: none */
    char eol;                       /* '\n', or '\r' of old Macintoshes */
    bool header;
    int64_t fields;     /* in a line */
    char **field_name;  /* (fields) */
    int32_t *column_of; /* (fields): its column, or -1 */
    kz_column *column;
    int64_t n_columns;
    const char **missing; /* texts that mean a missing value */
    int64_t *missing_length;
    int64_t n_missing;
    bool missing_numbers; /* one of them looks like a number */
    int64_t first_index;  /* LIBSVM: 0 or 1 */
    bool target_first;    /* LIBSVM: the first field is the target */

    bool looking;       /* the pass that fills seen and novel */
    bool kinds_only;    /* a text was found where numbers were expected: the rest of the pass looks for more such */
    bool one_block;     /* the pass ends after a block */
    int64_t rows;       /* after the look */
    int64_t word_bytes; /* that the words of all columns take, about */
    char *buffer;       /* a block of the file, and what follows it; a room set before kz_table_open counts */
    int64_t buffer_room;
    kz_piece piece[KZ_BLOCK_PIECES];
    const char *what; /* the pass, for the progress */

    /* cells kept in memory, if they fit: `caching` while the look fills it, `cached` after */
    bool caching, cached;
    kz_piece *kept;
    int64_t n_kept, kept_room, kept_bytes, kept_most;
    int64_t *kept_file; /* (n_files + 1): where the pieces of each file begin */
};

/* import_table.c.  Files were opened by the caller; kz_table_open reads the head of the first. */
kz_status kz_table_open(kz_table *t);
kz_status kz_table_scan(kz_table *t, const char *what, kz_block_fn *fn, void *context);
kz_status kz_table_look(kz_table *t); /* kinds, ranges and words of all columns */
void kz_table_close(kz_table *t);
/* A failure inside a piece, for its parser: line counts from 0 in the piece. */
void kz_piece_fail(kz_piece *p, int64_t line, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Makes room for one more row of cells; *row points to it.  false: no memory (the piece has failed). */
bool kz_piece_row(kz_piece *p, int64_t columns, double **row);
bool kz_text_is_missing(const kz_table *t, const char *s, int64_t n);
bool kz_piece_novel(kz_piece *p, int64_t cell, int64_t line, const char *s, int64_t n);
void kz_piece_free(kz_piece *p);
/* import_look.c, for import_table.c: takes what a piece has seen into the columns, its lines beginning at `line`. */
kz_status kz_look_merge(kz_table *t, kz_piece *p, const char *name, int64_t line);
void kz_look_ranges(const kz_table *t, kz_piece *p);
kz_status kz_look_keep(kz_table *t, kz_piece *p); /* in memory, as long as they fit */
void kz_look_drop(kz_table *t);
/* The class text of a whole number, and the word's number of a target's cell. */
int64_t kz_target_word(const kz_column *c, double v);
/* Stops between blocks when a signal came. */
kz_status kz_import_stopped(const kz_import_options *o);

/* import_csv.c, impl/import_libsvm.c */
extern const kz_table_format kz_format_csv, kz_format_libsvm;

/* import_columns.c */
kz_status kz_columns_make(kz_table *t); /* from field_name and the options */
/* *field <- the field that `word` names, by name or number.  Fails: KZ_E_USAGE, with the columns there are. */
kz_status kz_columns_named(const kz_table *t, const char *option, const char *word, int64_t *field);
void kz_column_free(kz_column *c);

/* ---- splits ---- */

typedef enum { KZ_FATE_TRAIN, KZ_FATE_VALID, KZ_FATE_TEST, KZ_FATE_DROP } kz_fate;

typedef struct {
    kz_table *t;
    int64_t split;  /* column that says it; -1 */
    int64_t by;     /* target column to stratify by; -1 */
    int64_t strata; /* 1, or words of that column */
    double fraction;
    uint64_t seed;
    int64_t *all, *chosen;  /* (strata): rows that a draw is made of, and how many of them are test */
    int64_t *left, *wanted; /* (strata): the same, of the rows not yet seen in this pass */
    int64_t row;            /* rows of the draw seen in this pass */
    int64_t rows[KZ_IMPORT_SPLITS], dropped;
    int64_t valid_word[KZ_IMPORT_SPLITS][4];
    uint8_t *split_of_word;
} kz_splitter;

/* import_split.c: fills all and chosen, by a pass if that takes one; then rows of each split are known. */
kz_status kz_splitter_make(kz_splitter *s, kz_table *t);
void kz_splitter_begin(kz_splitter *s);                   /* of a pass */
kz_status kz_splitter_block(kz_splitter *s, kz_block *b); /* fills fate of every piece */
void kz_splitter_free(kz_splitter *s);

/* The j-th of `left` rows goes to test if this is true; exactly `wanted` of them do, each choice equally likely:
 * selection sampling (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S), with number `row` of the seed. */
bool kz_draw(uint64_t seed, int64_t row, int64_t left, int64_t wanted);

/* import_fill.c: sets value of each column that has values to fill in, from the rows of train. */
kz_status kz_fill_find(kz_table *t, kz_splitter *s);

/* ---- what is made ---- */

kz_status kz_import_note(kz_import_result *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* import_decide.c: after the look; refuses what cannot be imported, and decides task, layout and types. */
kz_status kz_import_decide(kz_table *t, kz_import_result *r);
kz_status kz_import_names(const kz_table *t, char ***out, int64_t *n);                         /* feature names */
kz_status kz_import_dtype(const kz_table *t, kz_import_result *r, kz_stored *x, kz_stored *y); /* after the fill */

/* import_write.c, import_json.c, import_store.c, import_result.c */
kz_status kz_import_write(kz_table *t, kz_splitter *s, kz_import_result *r);
kz_status kz_import_columns_json(const kz_table *t, const kz_import_result *r, json_t **out);
/* Attributes of every imported file, and /columns if r->columns. */
typedef struct kz_hdf5_writer kz_hdf5_writer;
kz_status kz_import_attributes(kz_hdf5_writer *w, const kz_import_options *o, const kz_import_result *r,
                               char *const *feature_names, int64_t n_names);
kz_status kz_import_balance(kz_import_result *r, const kz_import_options *o);
/* out[n] of the stored type <- in[n]; all of them fit. */
void kz_store(void *out, kz_stored stored, const double *in, int64_t n);
bool kz_stored_named(const char *name, kz_stored *out);
bool kz_stored_holds(kz_stored stored, double v);
/* The narrowest integer type that holds least .. most; float64 beyond 64 bits. */
kz_stored kz_stored_for(double least, double most);

/* import_arrays.c: IDX, NPY and NPZ */
kz_status kz_import_arrays(kz_import_result *r, const kz_import_options *o, const char *format);
kz_status kz_import_table(kz_import_result *r, const kz_import_options *o, const char *format);
/* The same with files that are open; *t must be zero but for them, buffer_room and memory.  Closes the table. */
kz_status kz_import_table_of(kz_table *t, kz_import_result *r, const kz_import_options *o, const char *format);

/* An array in a file, opened by a format of import_arrays.inc. */
typedef struct {
    const char *name; /* for messages: the file's, or the member's */
    kz_bytes *bytes;  /* at the first value after a seek to `offset` */
    int64_t offset;
    kz_stored stored;
    bool big_endian, fortran;
    int file_size; /* bytes of a value in the file: 2 for float16, 1 for bool */
    bool boolean;
    int rank;
    int64_t extent[KZ_RANK_MAX];
} kz_array_in;

kz_status kz_idx_open(kz_array_in *out, kz_bytes *bytes); /* reads the head; bytes stay the caller's on failure */
kz_status kz_npy_open(kz_array_in *out, kz_bytes *bytes);
/* Checks rank and extents, so that rows times row bytes cannot overflow. */
kz_status kz_array_in_check(kz_array_in *a);
int64_t kz_array_in_row(const kz_array_in *a); /* values per row */
/* Rows in order as binary64: begin, then as often as wanted.  Holds the whole array where its columns lie together. */
typedef struct {
    const kz_array_in *a;
    uint8_t *raw; /* of a block, or of all */
    int64_t raw_room, row;
} kz_array_rows_in;
kz_status kz_rows_begin(kz_array_rows_in *r, const kz_array_in *a, int64_t memory);
kz_status kz_rows_read(kz_array_rows_in *r, int64_t n, double *out);
kz_status kz_rows_end(kz_array_rows_in *r); /* the array must end where its head says */
void kz_rows_free(kz_array_rows_in *r);

typedef struct kz_zip kz_zip;
kz_status kz_zip_open(kz_zip **out, kz_bytes *bytes); /* owns bytes, on success */
int64_t kz_zip_members(const kz_zip *z);
const char *kz_zip_name(const kz_zip *z, int64_t i);
kz_status kz_zip_member(kz_bytes **out, kz_zip *z, int64_t i); /* z must outlive it; one at a time is read */
void kz_zip_close(kz_zip **z);

/* import_roles.c: which array is which */
enum { KZ_TRAIN_X, KZ_TRAIN_Y, KZ_TEST_X, KZ_TEST_Y, KZ_ROLES };
typedef struct {
    kz_array_in role[KZ_ROLES]; /* bytes NULL: there is none */
    kz_bytes **open;            /* all that was opened */
    int64_t n_open, room;
    kz_zip *zip;
    int64_t bytes; /* of all files */
} kz_array_set;
kz_status kz_array_set_open(kz_array_set *set, const kz_import_options *o, const char *format);
void kz_array_set_free(kz_array_set *set);

/* ---- hdf5_write.c ---- */

kz_status kz_hdf5_create(kz_hdf5_writer **out, const char *path, bool force);
kz_status kz_hdf5_writer_array(kz_hdf5_writer *w, const char *object, kz_stored stored, int rank, const int64_t *extent,
                               bool gzip, int *id);
kz_status kz_hdf5_writer_rows(kz_hdf5_writer *w, int id, int64_t first, int64_t n, const void *values);
kz_status kz_hdf5_writer_text(kz_hdf5_writer *w, const char *attribute, const char *text);
/* As an attribute; as a data set of the same name where they take over 1 MiB. */
kz_status kz_hdf5_writer_texts(kz_hdf5_writer *w, const char *name, char *const *texts, int64_t n);
kz_status kz_hdf5_writer_numbers(kz_hdf5_writer *w, const char *attribute, const double *values, int64_t n);
kz_status kz_hdf5_writer_integer(kz_hdf5_writer *w, const char *attribute, int32_t value);
/* Closed, on the disk, and under its name.  *bytes <- its size. */
kz_status kz_hdf5_writer_commit(kz_hdf5_writer *w, int64_t *bytes);
void kz_hdf5_writer_destroy(kz_hdf5_writer **w); /* removes what was not committed */

#endif
