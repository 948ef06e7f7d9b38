/* kz_data_import: options checked, the format found, and off to it. */
#include "data/import_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD = 4096, LEAST_MEMORY = 64 << 20 };

kz_import_options kz_import_defaults(void)
{
    return (kz_import_options){.seed = 1};
}

/* ---- options ---- */

static kz_status check_word(const char *option, const char *value, const char *const *allowed, const char *listed)
{
    if (!value) return KZ_OK;
    for (const char *const *a = allowed; *a; a++)
        if (strcmp(*a, value) == 0) return KZ_OK;
    const char *near = kz_suggest(value, allowed);
    return KZ_FAIL(KZ_E_USAGE, "%s: '%s' is no choice%s%s%s; there are: %s", option, value,
                   near ? "; did you mean " : "", near ? near : "", near ? "?" : "", listed);
}

static kz_status check_character(const char *option, const char *value)
{
    if (!value || (strlen(value) == 1 && (unsigned char)*value < 128 && !isalnum((unsigned char)*value) &&
                   *value != '"' && *value != '\n' && *value != '\r'))
        return KZ_OK;
    return KZ_FAIL(KZ_E_USAGE, "%s: '%s' must be one ASCII character, and no letter, digit or quote", option, value);
}

static kz_status check_words(const kz_import_options *o)
{
    static const char *const formats[] = {"csv", "tsv", "libsvm", "idx", "npy", "npz", NULL},
                             *const tasks[] = {"classification", "regression", NULL},
                             *const encodings[] = {"utf-8", "utf-16", "latin-1", NULL},
                             *const weights[] = {"none", "balanced", NULL}, *const packing[] = {"none", "gzip", NULL},
                             *const types[] = {"auto",  "uint8",  "int8",  "uint16",  "int16",   "uint32",
                                               "int32", "uint64", "int64", "float32", "float64", NULL};
    kz_status st = KZ_OK;
    KZ_TRY(check_word("--format", o->format, formats, "csv tsv libsvm idx npy npz"));
    KZ_TRY(check_word("--task", o->task, tasks, "classification regression"));
    KZ_TRY(check_word("--encoding", o->encoding, encodings, "utf-8 utf-16 latin-1"));
    KZ_TRY(check_word("--class-weights", o->class_weights, weights, "none balanced"));
    KZ_TRY(check_word("--compress", o->compress, packing, "none gzip"));
    KZ_TRY(check_word("--dtype", o->dtype, types,
                      "auto uint8 int8 uint16 int16 uint32 int32 uint64 int64 float32 float64"));
    if (o->delimiter && strcmp(o->delimiter, "tab") != 0) KZ_TRY(check_character("--delimiter", o->delimiter));
    KZ_TRY(check_character("--comment", o->comment));
    if (o->decimal && strcmp(o->decimal, ".") != 0 && strcmp(o->decimal, ",") != 0)
        return KZ_FAIL(KZ_E_USAGE, "--decimal: '%s' must be . or ,", o->decimal);
    if (o->decimal && o->delimiter && strcmp(o->decimal, o->delimiter) == 0)
        return KZ_FAIL(KZ_E_USAGE, "--decimal and --delimiter are both '%s'", o->decimal);
done:
    return st;
}

static kz_status check_numbers(const kz_import_options *o)
{
    int ways = (o->test > 0) + (o->split_column != NULL) + (o->test_file != NULL);
    if (o->test != 0 && !(o->test > 0 && o->test < 1))
        return KZ_FAIL(KZ_E_USAGE, "--test: %g must be above 0 and below 1", o->test);
    if (ways > 1) return KZ_FAIL(KZ_E_USAGE, "--test, --split-column and --test-file exclude each other");
    if (o->stratify && !(o->test > 0)) return KZ_FAIL(KZ_E_USAGE, "--stratify: works with --test FRACTION");
    if (o->memory != 0 && o->memory < LEAST_MEMORY)
        return KZ_FAIL(KZ_E_USAGE, "--memory: %lld bytes are too few, %d at least", (long long)o->memory, LEAST_MEMORY);
    return KZ_OK;
}

/* ---- the format ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* Label and index:value pairs: the first line with text has a colon between digits in its second word. */
static bool looks_like_libsvm(const char *s, int64_t n)
{
    const char *end = s + n;
    while (s < end && (*s == '#' || *s == '\n' || *s == '\r')) {
        while (s < end && *s != '\n') s++;
        if (s < end) s++;
    }
    while (s < end && *s != ' ' && *s != '\n') {
        if (!strchr("+-.,eE0123456789", *s)) return false;
        s++;
    }
    while (s < end && *s == ' ') s++;
    const char *digits = s;
    while (s < end && isdigit((unsigned char)*s)) s++;
    return s > digits && s < end && *s == ':';
}

static kz_status find_format(const char **out, const char *path)
{
    static const struct {
        const char *end, *format;
    } known[] = {{".csv", "csv"},    {".tsv", "tsv"},         {".tab", "tsv"}, {".libsvm", "libsvm"},
                 {".svm", "libsvm"}, {".svmlight", "libsvm"}, {".npy", "npy"}, {".npz", "npz"}};
    char head[HEAD];
    kz_bytes *bytes = NULL;
    int64_t n = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_bytes_open(&bytes, path));
    KZ_TRY(bytes->read(bytes, head, HEAD, &n));
    char *name = strdup(path);
    if (name && ends_with(name, ".gz")) name[strlen(name) - 3] = '\0';
    *out = NULL;
    if (n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0) *out = "npy";
    else if (n >= 4 && memcmp(head, "PK\x03\x04", 4) == 0) *out = "npz";
    else if (n >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] >= 1 && head[3] <= 4)
        *out = "idx";
    for (size_t i = 0; !*out && name && i < sizeof known / sizeof *known; i++)
        if (ends_with(name, known[i].end)) *out = known[i].format;
    free(name);
    if (*out) goto done;
    if (looks_like_libsvm(head, n)) *out = "libsvm";
    else if (n >= 8 && memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: is an HDF5 file already; name it in data.path", path);
    else if (memchr(head, 0, (size_t)n) &&
             !(n >= 2 && (memcmp(head, "\xff\xfe", 2) == 0 || memcmp(head, "\xfe\xff", 2) == 0)))
        st = KZ_FAIL(KZ_E_DATA, "%s: is none of CSV, TSV, LIBSVM, IDX, NPY and NPZ; --format forces one", path);
    else *out = "csv";
done:
    kz_bytes_close(&bytes);
    return st;
}

static const char *first_file(const kz_import_options *o)
{
    return o->inputs.n > 0 ? o->inputs.text[0] : o->train_x;
}

/* --force must not replace what is read. */
static kz_status check_out(const kz_import_options *o, const char *out)
{
    const char *more[] = {o->test_file, o->train_x, o->train_y, o->test_x, o->test_y};
    enum { MORE = sizeof more / sizeof *more };
    struct stat made, in;
    if (stat(out, &made) != 0) return KZ_OK;
    for (int64_t i = 0; i < o->inputs.n + MORE; i++) {
        const char *path = i < o->inputs.n ? o->inputs.text[i] : more[i - o->inputs.n];
        if (!path || stat(path, &in) != 0 || in.st_dev != made.st_dev || in.st_ino != made.st_ino) continue;
        return KZ_FAIL(KZ_E_OUTPUT, "%s: is one of the inputs, which is not replaced; name another file with --out",
                       out);
    }
    return KZ_OK;
}

/* An option that has no meaning for a format is a mistake, and never passed over. */
static kz_status check_format(const kz_import_options *o, const char *format)
{
    bool csv = strcmp(format, "csv") == 0 || strcmp(format, "tsv") == 0, libsvm = strcmp(format, "libsvm") == 0;
    const char *text = o->delimiter   ? "--delimiter"
                       : o->decimal   ? "--decimal"
                       : o->comment   ? "--comment"
                       : o->missing.n ? "--missing"
                       : o->header    ? (o->header > 0 ? "--header" : "--no-header")
                                      : NULL;
    const char *sparse = o->features > 0 ? "--features" : o->zero_based ? "--zero-based" : NULL;
    if (!csv && text) return KZ_FAIL(KZ_E_USAGE, "%s: is for CSV and TSV; the input is read as %s", text, format);
    if (!csv && !libsvm && o->encoding)
        return KZ_FAIL(KZ_E_USAGE, "--encoding: is for text; the input is read as %s", format);
    if (!libsvm && sparse)
        return KZ_FAIL(KZ_E_USAGE, "%s: is for LIBSVM; the input is read as %s, --format libsvm forces it", sparse,
                       format);
    return KZ_OK;
}

static kz_status import(kz_import_result *r, const kz_import_options *o)
{
    const char *format = o->format;
    kz_status st = KZ_OK;
    KZ_TRY(check_words(o));
    KZ_TRY(check_numbers(o));
    if (!first_file(o)) return KZ_FAIL(KZ_E_USAGE, "no file is named; name one, or --train-x and --train-y");
    if (!o->out) return KZ_FAIL(KZ_E_USAGE, "--out FILE is missing");
    KZ_TRY(kz_path_absolute(&r->out, o->out));
    if (!o->dry_run && !o->force && kz_file_exists(r->out))
        return KZ_FAIL(KZ_E_OUTPUT, "%s: exists already; --force replaces it, or name another with --out", r->out);
    KZ_TRY(check_out(o, r->out));
    if (!format) KZ_TRY(find_format(&format, first_file(o)));
    r->format = format;
    KZ_TRY(check_format(o, format));
    bool arrays = strcmp(format, "idx") == 0 || strncmp(format, "np", 2) == 0;
    KZ_TRY(arrays ? kz_import_arrays(r, o, format) : kz_import_table(r, o, format));
done:
    return st;
}

kz_status kz_data_import(kz_import_result *r, const kz_import_options *o)
{
    double begin = kz_clock();
    *r = (kz_import_result){0};
    kz_status st = import(r, o);
    r->seconds = kz_clock() - begin;
    return st;
}

/* ---- tables ---- */

static kz_status open_files(kz_table *t, const kz_import_options *o)
{
    kz_status st = KZ_OK;
    t->n_files = o->inputs.n + (o->test_file != NULL);
    KZ_TRY(kz_calloc(&t->file, t->n_files, sizeof *t->file, "input files"));
    for (int64_t i = 0; i < t->n_files; i++) {
        kz_bytes *bytes = NULL;
        t->file[i].test = i == o->inputs.n;
        KZ_TRY(kz_bytes_open(&bytes, i < o->inputs.n ? o->inputs.text[i] : o->test_file));
        st = kz_bytes_utf8(&t->file[i].bytes, bytes, o->encoding);
        if (st != KZ_OK) kz_bytes_close(&bytes);
        KZ_TRY(st);
    }
done:
    return st;
}

static kz_status list_missing(kz_table *t)
{
    static const char *const always[] = {"NA", "N/A", "NaN", "nan", "null", "NULL", "?"};
    enum { ALWAYS = sizeof always / sizeof *always };
    const kz_words_given *more = &t->o->missing;
    double v;
    int digits;
    kz_status st = KZ_OK;
    t->n_missing = ALWAYS + more->n;
    KZ_TRY(kz_calloc(&t->missing, t->n_missing, sizeof *t->missing, "missing values"));
    KZ_TRY(kz_calloc(&t->missing_length, t->n_missing, sizeof *t->missing_length, "missing values"));
    for (int64_t i = 0; i < t->n_missing; i++) {
        const char *s = i < ALWAYS ? always[i] : more->text[i - ALWAYS];
        int64_t n = (int64_t)strlen(s);
        t->missing[i] = s;
        t->missing_length[i] = n;
        t->missing_numbers = t->missing_numbers || kz_number_read(s, s + n, t->point, &v, &digits);
    }
done:
    return st;
}

/* What --memory leaves for cells: the rest takes lines, words, rows to be written, and the libraries. */
static void set_memory(kz_table *t, const kz_import_options *o)
{
    int64_t available = kz_available_memory(), rest = (int64_t)96 << 20;
    t->memory = o->memory;
    if (t->memory == 0) {
        t->memory = (int64_t)8 << 30;
        if (available > 0 && available / 2 < t->memory) t->memory = available / 2;
    }
    t->kept_most = t->memory > rest ? t->memory - rest : 0;
}

kz_status kz_import_table_of(kz_table *t, kz_import_result *r, const kz_import_options *o, const char *format)
{
    kz_splitter s = {0};
    kz_status st = KZ_OK;
    t->o = o;
    t->format = strcmp(format, "libsvm") == 0 ? &kz_format_libsvm : &kz_format_csv;
    t->point = o->decimal ? *o->decimal : '.';
    t->comment = o->comment ? *o->comment : '\0';
    if (strcmp(format, "tsv") == 0) t->delimiter = '\t';
    if (o->delimiter) t->delimiter = strcmp(o->delimiter, "tab") == 0 ? '\t' : *o->delimiter;
    KZ_TRY(kz_team_create(&t->team, o->threads > 0 ? o->threads : kz_cpu_count()));
    KZ_TRY(list_missing(t));
    KZ_TRY(kz_table_open(t));
    r->input_bytes = t->bytes_total;
    KZ_TRY(kz_table_look(t));
    KZ_TRY(kz_import_decide(t, r));
    KZ_TRY(kz_splitter_make(&s, t));
    KZ_TRY(kz_fill_find(t, &s));
    KZ_TRY(kz_import_write(t, &s, r));
done:
    kz_splitter_free(&s);
    kz_table_close(t);
    return st;
}

kz_status kz_import_table(kz_import_result *r, const kz_import_options *o, const char *format)
{
    kz_table *t = NULL;
    kz_status st = KZ_OK;
    if (o->train_x || o->train_y || o->test_x || o->test_y)
        return KZ_FAIL(KZ_E_USAGE, "--train-x, --train-y, --test-x and --test-y name arrays; a table is one file");
    KZ_TRY(kz_calloc(&t, 1, sizeof *t, "table"));
    set_memory(t, o);
    st = open_files(t, o);
    if (st == KZ_OK) st = kz_import_table_of(t, r, o, format);
    else kz_table_close(t);
done:
    kz_free(&t);
    return st;
}
