/* The values of one array: a sample is read, timed and summarised, as a whole, by column and by class. */
#include "data/inspect_impl.h"

#include <math.h>
#include <string.h>

enum {
    SAMPLE_BYTES = 64 << 20,
    SAMPLE_CHUNKS = 100000,
    SPANS = 16,
    PIECE_MAX = 1 << 30, /* bytes that must be read at once: a row, or a chunk of rows */
    BINS = 32,
    COLUMN_BINS = 12,
    GATHERED = 1 << 22, /* values of columns that are put together */
    GROUP_MAX = 16,
    COLUMNS_MAX = 1024, /* of a table, that are described one by one */
    CLASSES_MAX = 1000,
};

kz_status kz_inspect_set(json_t *object, const char *key, json_t *value)
{
    if (value && json_object_set_new(object, key, value) == 0) return KZ_OK;
    return KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
}

/* ---- the sample ---- */

/* Chunks side by side that hold the same rows. */
static double chunks_across(const kz_array *a, const kz_node *node)
{
    double n = 1;
    for (int i = 1; i < a->rank && node->chunk[0] > 0; i++) n *= ceil((double)a->extent[i] / (double)node->chunk[i]);
    return n;
}

kz_sample kz_sample_of(const kz_array *a, const kz_node *node)
{
    int64_t rows = kz_array_rows(a), unit = a->chunk_rows;
    double row = (double)kz_array_row(a) * (double)kz_stored_size(a->stored), most = SAMPLE_BYTES / row;
    if (node->chunk[0] > 0) most = fmin(most, SAMPLE_CHUNKS / chunks_across(a, node) * (double)unit);
    if ((double)rows <= most || rows <= unit) return (kz_sample){1, rows, rows, rows};
    int64_t span = (int64_t)(most / SPANS) / unit * unit;
    if (span < unit) span = unit;
    int64_t spans = most >= 2 * (double)span ? (int64_t)(most / (double)span) : 1;
    if (spans > SPANS) spans = SPANS;
    kz_sample s = {spans, span, rows / spans / unit * unit, 0};
    if (s.step < s.rows) s.step = s.rows;
    for (int64_t i = 0; i < s.spans; i++)
        s.total += i * s.step + s.rows <= rows ? s.rows : rows > i * s.step ? rows - i * s.step : 0;
    return s;
}

static kz_status read_sample(void **out, kz_hdf5 *file, const kz_array *a, const kz_sample *s, double *seconds)
{
    int64_t columns = kz_array_row(a), size = kz_stored_size(a->stored), rows = kz_array_rows(a), done_rows = 0;
    void *values = NULL;
    double bytes = (double)s->rows * (double)columns * (double)size;
    kz_status st = KZ_OK;
    if (bytes > PIECE_MAX || a->chunk_bytes > PIECE_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: the rows of %s can only be read %.1f GiB at a time; store it in smaller chunks",
                       kz_hdf5_path(file), a->object, fmax(bytes, (double)a->chunk_bytes) / 0x1p30);
    KZ_TRY(kz_calloc(&values, s->total * columns, (size_t)size, a->object));
    double start = kz_clock();
    for (int64_t i = 0; i < s->spans; i++) {
        int64_t first = i * s->step, end = first + s->rows < rows ? first + s->rows : rows, n,
                block = kz_array_block(a);
        for (; first < end; first += n) {
            n = end - first < block ? end - first : block;
            KZ_TRY(kz_hdf5_read(file, a, first, n, (uint8_t *)values + done_rows * columns * size));
            done_rows += n;
        }
    }
    *seconds = kz_clock() - start;
    *out = values;
    values = NULL; /* given away */
done:
    kz_free(&values);
    return st;
}

/* ---- numbers ---- */

static kz_status add_summary(json_t *j, const kz_summary *s)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_inspect_set(j, "nan", json_integer(s->nan)));
    KZ_TRY(kz_inspect_set(j, "infinite", json_integer(s->infinite)));
    KZ_TRY(kz_inspect_set(j, "zeros", json_integer(s->zeros)));
    KZ_TRY(kz_inspect_set(j, "min", kz_json_number(s->min)));
    KZ_TRY(kz_inspect_set(j, "max", kz_json_number(s->max)));
    KZ_TRY(kz_inspect_set(j, "mean", kz_json_number(s->mean)));
    KZ_TRY(kz_inspect_set(j, "deviation", kz_json_number(s->deviation)));
    KZ_TRY(kz_inspect_set(j, "whole", json_boolean(s->whole)));
done:
    return st;
}

static kz_status add_histogram(json_t *j, const kz_histogram *h)
{
    json_t *counts = json_array(), *histogram = NULL;
    kz_status st = KZ_OK;
    for (int i = 0; i < h->bins; i++) json_array_append_new(counts, json_integer(h->count[i]));
    histogram =
        json_pack("{s:o, s:o, s:O}", "from", kz_json_number(h->from), "to", kz_json_number(h->to), "counts", counts);
    KZ_TRY(kz_inspect_set(j, "histogram", histogram));
done:
    json_decref(counts);
    return st;
}

static kz_status add_column(json_t *list, const kz_values *column, const char *name)
{
    kz_summary s = kz_summarise(column);
    kz_histogram h = kz_histogram_of(column, &s, COLUMN_BINS);
    json_t *one = json_object();
    kz_status st = KZ_OK;
    KZ_TRY(kz_inspect_set(one, "name", name ? json_string(name) : json_null()));
    KZ_TRY(add_summary(one, &s));
    KZ_TRY(add_histogram(one, &h));
    if (json_array_append(list, one) != 0) st = KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
done:
    json_decref(one);
    return st;
}

/* A few columns at a time are put together first: a column's values lie far apart, and are looked at several times. */
static kz_status add_columns(json_t *j, const kz_values *v, int64_t columns, const kz_inspect_about *about)
{
    int64_t rows = v->n / columns, group = GATHERED / rows;
    double *gathered = NULL, x[GROUP_MAX];
    json_t *list = json_array();
    kz_status st = KZ_OK;
    if (group > GROUP_MAX) group = GROUP_MAX;
    if (group < 1) group = 1;
    KZ_TRY(kz_calloc(&gathered, rows * group, sizeof *gathered, "columns"));
    for (int64_t first = 0; first < columns; first += group) {
        int64_t n = columns - first < group ? columns - first : group;
        for (int64_t row = 0; row < rows; row++) {
            kz_values_get(x, v, row * columns + first, n);
            for (int64_t i = 0; i < n; i++) gathered[i * rows + row] = x[i];
        }
        for (int64_t i = 0; i < n; i++) {
            kz_values column = {KZ_STORED_FLOAT64, gathered, i * rows, 1, rows};
            KZ_TRY(
                add_column(list, &column, first + i < about->n_feature_names ? about->feature_names[first + i] : NULL));
        }
    }
    KZ_TRY(kz_inspect_set(j, "columns", json_incref(list)));
done:
    kz_free(&gathered);
    json_decref(list);
    return st;
}

/* Rows that have a NaN. */
static int64_t rows_missing(const kz_values *v, int64_t columns)
{
    double x[256];
    int64_t n = 0;
    for (int64_t row = 0; row < v->n / columns; row++) {
        bool missing = false;
        for (int64_t i = 0, part; i < columns && !missing; i += part) {
            part = columns - i < 256 ? columns - i : 256;
            kz_values_get(x, v, row * columns + i, part);
            for (int64_t k = 0; k < part; k++) missing = missing || isnan(x[k]);
        }
        n += missing;
    }
    return n;
}

/* How many rows each class has. */
static kz_status add_classes(json_t *j, const kz_values *v, const kz_summary *s, const kz_inspect_about *about)
{
    int64_t classes = (int64_t)s->max + 1, *count = NULL;
    double x;
    json_t *list = json_array();
    kz_status st = KZ_OK;
    if (about->n_class_names > classes && about->n_class_names <= CLASSES_MAX) classes = about->n_class_names;
    KZ_TRY(kz_calloc(&count, classes, sizeof *count, "classes"));
    for (int64_t i = 0; i < v->n; i++) {
        kz_values_get(&x, v, i, 1);
        count[(int64_t)x]++;
    }
    for (int64_t i = 0; i < classes; i++)
        json_array_append_new(list, json_pack("{s:I, s:s?, s:I}", "class", (json_int_t)i, "name",
                                              i < about->n_class_names ? about->class_names[i] : NULL, "rows",
                                              (json_int_t)count[i]));
    KZ_TRY(kz_inspect_set(j, "classes", json_incref(list)));
done:
    kz_free(&count);
    json_decref(list);
    return st;
}

static bool are_classes(const kz_array *a, const kz_summary *s, const kz_inspect_about *about)
{
    bool targets = about->role && strchr(about->role, 'y') && kz_array_row(a) == 1;
    return targets && about->of_classes && s->whole && s->nan == 0 && s->infinite == 0 && s->min >= 0 &&
           s->max < CLASSES_MAX;
}

static bool could_be_classes(const kz_array *a, const kz_summary *s, const kz_inspect_about *about)
{
    kz_inspect_about with = *about;
    with.of_classes = true;
    return !kz_stored_integer(a->stored) && about->task_unsaid && are_classes(a, s, &with);
}

static kz_status add_values(json_t *j, const kz_values *v, const kz_array *a, const kz_inspect_about *about)
{
    int64_t columns = kz_array_row(a);
    kz_summary s = kz_summarise(v);
    kz_histogram h = kz_histogram_of(v, &s, BINS);
    kz_status st = KZ_OK;
    KZ_TRY(add_summary(j, &s));
    KZ_TRY(kz_inspect_set(j, "rows_with_nan", json_integer(s.nan > 0 ? rows_missing(v, columns) : 0)));
    KZ_TRY(add_histogram(j, &h));
    if (are_classes(a, &s, about)) KZ_TRY(add_classes(j, v, &s, about));
    if (could_be_classes(a, &s, about))
        KZ_TRY(kz_inspect_set(j, "note",
                              json_string("whole numbers in a float type: targets of a regression, unless "
                                          "the file's attribute task or model.loss says classes")));
    if (a->rank == 2 && columns > 1 && columns <= COLUMNS_MAX) KZ_TRY(add_columns(j, v, columns, about));
done:
    return st;
}

kz_status kz_inspect_array(json_t **out, kz_hdf5 *file, const kz_node *node, const kz_inspect_about *about)
{
    kz_array a;
    void *values = NULL;
    double seconds = 0;
    json_t *j = NULL, *reading = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_array(file, node->path, "--object", &a));
    kz_sample sample = kz_sample_of(&a, node);
    KZ_TRY(read_sample(&values, file, &a, &sample, &seconds));
    kz_values v = {a.stored, values, 0, 1, sample.total * kz_array_row(&a)};
    j = json_pack("{s:s, s:s?, s:I, s:I, s:I}", "path", node->path, "role", about->role, "rows",
                  (json_int_t)kz_array_rows(&a), "rows_read", (json_int_t)sample.total, "values_per_row",
                  (json_int_t)kz_array_row(&a));
    if (!j) st = KZ_FAIL(KZ_E_MEM, "inspect: no memory for the result");
    KZ_TRY(st);
    KZ_TRY(add_values(j, &v, &a, about));
    KZ_TRY(kz_inspect_reading(&reading, file, &a, node, (double)v.n * (double)kz_stored_size(a.stored), seconds));
    KZ_TRY(kz_inspect_set(j, "reading", reading));
    *out = j;
    j = NULL; /* given away */
done:
    json_decref(j);
    kz_free(&values);
    return st;
}
