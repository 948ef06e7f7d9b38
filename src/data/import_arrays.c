/* IDX, NPY and NPZ: arrays that are x and y already, checked and written by blocks of rows. */
#include "data/import_impl.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BLOCK_VALUES = 1 << 20 };

typedef struct {
    const kz_import_options *o;
    kz_import_result *r;
    kz_array_set set;
    kz_array_rows_in rows;
    int64_t memory, targets, row; /* row: values of a row of x */
    double *y[2];                 /* (rows, targets) of train and test */
    double *block;
    uint8_t *stage;
    double least, most; /* of x */
    bool whole, inexact;
    kz_words classes;
    int64_t *left, *wanted; /* (strata): rows of each not yet seen, and those of them to be drawn for test */
    int64_t strata;
    kz_stored x, y_stored;
    kz_hdf5_writer *w;
    int x_id[KZ_IMPORT_SPLITS], y_id[KZ_IMPORT_SPLITS];
    int64_t done[KZ_IMPORT_SPLITS];
    int64_t bytes_done;
} arrays;

static int64_t block_rows(int64_t row)
{
    int64_t n = BLOCK_VALUES / row;
    return n < 1 ? 1 : n;
}

/* fn over all rows of an array, by blocks. */
typedef kz_status rows_fn(arrays *a, const kz_array_in *in, int64_t first, int64_t n, const double *values, int part);

static kz_status for_rows(arrays *a, int role, const char *what, rows_fn *fn)
{
    const kz_array_in *in = &a->set.role[role];
    int64_t rows = in->extent[0], row = kz_array_in_row(in), most = block_rows(row);
    kz_status st = KZ_OK;
    KZ_TRY(kz_rows_begin(&a->rows, in, a->memory));
    for (int64_t i = 0; i < rows; i += most) {
        int64_t n = rows - i < most ? rows - i : most;
        KZ_TRY(kz_import_stopped(a->o));
        KZ_TRY(kz_rows_read(&a->rows, n, a->block));
        KZ_TRY(fn(a, in, i, n, a->block, role / 2));
        if (a->o->progress) a->o->progress(a->o->context, a->bytes_done + in->bytes->at, a->set.bytes, what);
    }
    KZ_TRY(kz_rows_end(&a->rows));
    a->bytes_done += in->bytes->at;
done:
    return st;
}

/* ---- looking ---- */

static kz_status check_value(const kz_array_in *in, int64_t i, double v)
{
    int64_t row = kz_array_in_row(in);
    if (!isfinite(v) || fabs(v) > FLT_MAX)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: holds %g at row %lld, value %lld of the row (from 0); values must be finite and fit "
                       "into binary32: fill it in or leave the row out, for example with numpy.isfinite",
                       in->name, isnan(v) ? NAN : v, (long long)(i / row), (long long)(i % row));
    if (kz_stored_integer(in->stored) && fabs(v) >= 0x1p53)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: holds %.17g at row %lld; whole numbers from 2^53 on lose digits: is it an identifier?",
                       in->name, v, (long long)(i / row));
    return KZ_OK;
}

static kz_status look_x(arrays *a, const kz_array_in *in, int64_t first, int64_t n, const double *v, int part)
{
    int64_t row = kz_array_in_row(in);
    double least = a->least, most = a->most, bad = 0, fraction = 0, inexact = 0;
    (void)part;
    for (int64_t i = 0; i < n * row; i++) {
        double x = v[i], whole = (fabs(x) + 0x1p52) - 0x1p52, limit = FLT_MAX;
        least = x < least ? x : least;
        most = x > most ? x : most;
        bad = fabs(x) <= limit ? bad : 1;
        fraction = fabs(x) < 0x1p51 && fabs(x) != whole ? 1 : fraction;
        inexact = (double)(float)x != x ? 1 : inexact;
    }
    a->least = least;
    a->most = most;
    a->whole = a->whole && fraction == 0;
    a->inexact = a->inexact || inexact > 0;
    if (bad == 0 && !(kz_stored_integer(in->stored) && (least <= -0x1p53 || most >= 0x1p53))) return KZ_OK;
    for (int64_t i = 0; i < n * row; i++) {
        kz_status st = check_value(in, first * row + i, v[i]);
        if (st != KZ_OK) return st;
    }
    return KZ_OK;
}

static kz_status look_y(arrays *a, const kz_array_in *in, int64_t first, int64_t n, const double *v, int part)
{
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n * a->targets; i++) KZ_TRY(check_value(in, first * a->targets + i, v[i]));
    memcpy(a->y[part] + first * a->targets, v, (size_t)(n * a->targets) * sizeof *v);
done:
    return st;
}

static bool is_whole(double v)
{
    return fabs(v) < 0x1p53 && v == (double)(int64_t)v;
}

static int64_t class_of(const arrays *a, double v)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%lld", (long long)v);
    int64_t word = kz_words_find(&a->classes, text, n);
    return word < 0 ? -1 : a->classes.rank[word];
}

/* Classes: as asked; else whole numbers stored as such, or few of them. */
static kz_status find_classes(arrays *a, bool *few)
{
    int64_t last = INT64_MIN, word;
    char text[32];
    kz_status st = KZ_OK;
    *few = a->targets == 1;
    for (int part = 0; part < 2; part++)
        for (int64_t i = 0; a->y[part] && *few && i < a->set.role[2 * part].extent[0]; i++) {
            double v = a->y[part][i];
            *few = is_whole(v) && a->classes.n <= KZ_MOST_WORDS;
            if (!*few || (int64_t)v == last) continue;
            last = (int64_t)v;
            int n = snprintf(text, sizeof text, "%lld", (long long)last);
            KZ_TRY(kz_words_add(&a->classes, text, n, &word));
        }
    KZ_TRY(kz_words_sort(&a->classes));
done:
    return st;
}

static kz_status decide(arrays *a)
{
    const kz_array_in *y = &a->set.role[KZ_TRAIN_Y];
    bool few, plain = true, said = a->o->task != NULL;
    char number[24];
    kz_status st = KZ_OK;
    KZ_TRY(find_classes(a, &few));
    bool classes = said ? strcmp(a->o->task, "classification") == 0
                        : few && (kz_stored_integer(y->stored) || a->classes.n <= KZ_FEW_CLASSES);
    if (classes && !few)
        return KZ_FAIL(KZ_E_DATA, "%s: holds no class numbers: they are whole, one per row, and at most %d", y->name,
                       KZ_MOST_WORDS);
    a->r->classification = classes;
    if (!classes) {
        a->r->targets = a->targets;
        if (a->o->stratify)
            return KZ_FAIL(KZ_E_USAGE, "--stratify: the rows of a regression have no classes; leave it out");
        goto done;
    }
    if (a->classes.n < 2) return KZ_FAIL(KZ_E_DATA, "%s: holds one class only; two are needed to learn from", y->name);
    a->r->classes = a->classes.n;
    if (!said && !kz_stored_integer(y->stored))
        KZ_TRY(kz_import_note(a->r,
                              "%s holds %lld whole numbers: taken as classes; --task regression takes them as numbers",
                              y->name, (long long)a->classes.n));
    for (int64_t i = 0; i < a->classes.n && plain; i++) {
        snprintf(number, sizeof number, "%lld", (long long)a->classes.rank[i]);
        plain = strcmp(number, kz_words_text(&a->classes, i)) == 0;
    }
    if (plain) goto done;
    KZ_TRY(kz_calloc(&a->r->class_names, a->r->classes, sizeof *a->r->class_names, "class names"));
    for (int64_t i = 0; i < a->classes.n; i++)
        KZ_TRY(kz_strdup(&a->r->class_names[a->classes.rank[i]], kz_words_text(&a->classes, i)));
    KZ_TRY(kz_import_note(a->r, "classes %s to %s are numbered 0 to %lld; class_names keeps theirs",
                          a->r->class_names[0], a->r->class_names[a->r->classes - 1], (long long)a->r->classes - 1));
done:
    return st;
}

static kz_status decide_type(arrays *a)
{
    const kz_array_in *x = &a->set.role[KZ_TRAIN_X];
    const char *said = a->o->dtype && strcmp(a->o->dtype, "auto") != 0 ? a->o->dtype : NULL;
    a->x = kz_stored_integer(x->stored) ? kz_stored_for(a->least, a->most) : KZ_STORED_FLOAT32;
    if (said) (void)kz_stored_named(said, &a->x);
    if (kz_stored_integer(a->x) && !(a->whole && kz_stored_holds(a->x, a->least) && kz_stored_holds(a->x, a->most)))
        return KZ_FAIL(KZ_E_DATA, "%s: holds numbers from %.9g to %.9g%s; --dtype %s cannot keep them: say auto",
                       x->name, a->least, a->most, a->whole ? "" : ", some not whole", said);
    a->y_stored = a->r->classification        ? KZ_STORED_INT32
                  : a->x == KZ_STORED_FLOAT64 ? KZ_STORED_FLOAT64
                                              : KZ_STORED_FLOAT32;
    a->r->dtype = kz_stored_name(a->x);
    a->r->target_dtype = kz_stored_name(a->y_stored);
    if (!a->inexact || a->x != KZ_STORED_FLOAT32) return KZ_OK;
    return kz_import_note(a->r,
                          "float32 keeps about 7 digits, and %s has more; --dtype float64 keeps them, but training "
                          "computes in float32",
                          x->name);
}

/* ---- splitting ---- */

static int64_t stratum(const arrays *a, int64_t i)
{
    return a->o->stratify ? class_of(a, a->y[0][i]) : 0;
}

static kz_status draw(arrays *a)
{
    int64_t rows = a->set.role[KZ_TRAIN_X].extent[0], chosen = 0;
    bool test_given = a->set.role[KZ_TEST_X].bytes != NULL;
    kz_status st = KZ_OK;
    if (a->o->test > 0 && test_given)
        return KZ_FAIL(KZ_E_USAGE, "--test: the files have rows of test already; leave it out");
    a->strata = a->o->stratify ? a->r->classes : 1;
    KZ_TRY(kz_calloc(&a->left, a->strata, sizeof *a->left, "splits of rows"));
    KZ_TRY(kz_calloc(&a->wanted, a->strata, sizeof *a->wanted, "splits of rows"));
    for (int64_t i = 0; i < rows; i++) a->left[stratum(a, i)]++;
    for (int64_t k = 0; k < a->strata; k++) {
        a->wanted[k] = (int64_t)floor(a->o->test * (double)a->left[k] + 0.5);
        chosen += a->wanted[k];
    }
    if (a->o->test > 0 && (chosen == 0 || chosen == rows))
        return KZ_FAIL(KZ_E_DATA, "%s: --test %g of %lld rows are %lld, which leaves none to %s", a->set.role[0].name,
                       a->o->test, (long long)rows, (long long)chosen, chosen ? "train on" : "test with");
    a->r->rows[KZ_FATE_TRAIN] = rows - chosen;
    a->r->rows[KZ_FATE_TEST] = test_given ? a->set.role[KZ_TEST_X].extent[0] : chosen;
done:
    return st;
}

/* ---- writing ---- */

static kz_status write_run(arrays *a, int f, const double *x, const double *y, int64_t n)
{
    kz_status st = KZ_OK;
    double label;
    uint8_t value[8];
    if (!a->w) goto counted;
    kz_store(a->stage, a->x, x, n * a->row);
    KZ_TRY(kz_hdf5_writer_rows(a->w, a->x_id[f], a->done[f], n, a->stage));
    size_t size = (size_t)kz_stored_size(a->y_stored);
    for (int64_t i = 0; i < n * a->targets; i++) {
        label = a->r->classification ? (double)class_of(a, y[i]) : y[i];
        kz_store(value, a->y_stored, &label, 1);
        memcpy(a->stage + (size_t)i * size, value, size);
    }
    KZ_TRY(kz_hdf5_writer_rows(a->w, a->y_id[f], a->done[f], n, a->stage));
counted:
    for (int64_t i = 0; a->r->classification && i < n; i++) a->r->class_rows[f][class_of(a, y[i])]++;
    a->done[f] += n;
done:
    return st;
}

/* Runs of rows that go to the same split. */
static kz_status write_x(arrays *a, const kz_array_in *in, int64_t first, int64_t n, const double *v, int part)
{
    kz_status st = KZ_OK;
    int64_t begin = 0;
    int fate = part ? KZ_FATE_TEST : KZ_FATE_TRAIN;
    (void)in;
    for (int64_t i = 0; i <= n; i++) {
        int next = part ? KZ_FATE_TEST : KZ_FATE_TRAIN;
        if (i < n && !part && a->o->test > 0) {
            int64_t k = stratum(a, first + i);
            if (kz_draw(a->o->seed, first + i, a->left[k]--, a->wanted[k])) a->wanted[k]--, next = KZ_FATE_TEST;
        }
        if (i == 0) fate = next;
        if (i < n && next == fate) continue;
        KZ_TRY(write_run(a, fate, v + begin * a->row, a->y[part] + (first + begin) * a->targets, i - begin));
        begin = i;
        fate = next;
    }
done:
    return st;
}

static kz_status make_arrays(arrays *a)
{
    static const char *const name[KZ_IMPORT_SPLITS][2] = {
        {"/train/x", "/train/y"}, {"/valid/x", "/valid/y"}, {"/test/x", "/test/y"}};
    const kz_array_in *in = &a->set.role[KZ_TRAIN_X];
    bool gzip = a->o->compress && strcmp(a->o->compress, "gzip") == 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_hdf5_create(&a->w, a->r->out, a->o->force));
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++) {
        int64_t x[KZ_RANK_MAX], y[2] = {a->r->rows[f], a->targets};
        if (a->r->rows[f] == 0) continue;
        memcpy(x, in->extent, sizeof x);
        x[0] = a->r->rows[f];
        if (in->rank == 1) x[1] = 1;
        KZ_TRY(kz_hdf5_writer_array(a->w, name[f][0], a->x, in->rank == 1 ? 2 : in->rank, x, gzip, &a->x_id[f]));
        KZ_TRY(kz_hdf5_writer_array(a->w, name[f][1], a->y_stored, a->targets > 1 ? 2 : 1, y, gzip, &a->y_id[f]));
    }
done:
    return st;
}

static kz_status write_file(arrays *a)
{
    const kz_array_in *in = &a->set.role[KZ_TRAIN_X];
    kz_status st = KZ_OK;
    a->r->features = a->row;
    a->r->rank = in->rank > 1 ? in->rank - 1 : 1;
    for (int i = 0; i < a->r->rank; i++) a->r->shape[i] = in->extent[i + 1];
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++)
        if (a->r->classification) KZ_TRY(kz_calloc(&a->r->class_rows[f], a->r->classes, sizeof(int64_t), "classes"));
    if (!a->o->dry_run) KZ_TRY(make_arrays(a));
    KZ_TRY(for_rows(a, KZ_TRAIN_X, "writing", write_x));
    if (a->set.role[KZ_TEST_X].bytes) KZ_TRY(for_rows(a, KZ_TEST_X, "writing", write_x));
    KZ_TRY(kz_import_balance(a->r, a->o));
    if (!a->w) goto done;
    KZ_TRY(kz_import_attributes(a->w, a->o, a->r, NULL, 0));
    KZ_TRY(kz_import_stopped(a->o));
    KZ_TRY(kz_hdf5_writer_commit(a->w, &a->r->bytes));
done:
    kz_hdf5_writer_destroy(&a->w);
    return st;
}

/* ---- the whole ---- */

static kz_status refuse_options(const kz_import_options *o)
{
    const char *table = o->target.n       ? "--target"
                        : o->columns.n    ? "--columns"
                        : o->drop.n       ? "--drop"
                        : o->split_column ? "--split-column"
                        : o->test_file    ? "--test-file"
                        : o->fill.n       ? "--missing-action"
                        : o->categories.n ? "--categorical"
                                          : NULL;
    if (!table) return KZ_OK;
    return KZ_FAIL(KZ_E_USAGE, "%s: is for tables; arrays have no columns with names", table);
}

static kz_status look(arrays *a)
{
    kz_status st = KZ_OK;
    a->row = kz_array_in_row(&a->set.role[KZ_TRAIN_X]);
    a->targets = kz_array_in_row(&a->set.role[KZ_TRAIN_Y]);
    int64_t values = block_rows(a->row) * a->row, y = block_rows(a->targets) * a->targets;
    int64_t widest = values > y ? values : y, rows = 0;
    for (int i = 0; i < KZ_ROLES; i += 2) rows += a->set.role[i].bytes ? a->set.role[i].extent[0] : 0;
    if ((double)rows * (double)a->targets * 8 + (double)widest * 24 > (double)a->memory)
        return KZ_FAIL(KZ_E_DATA, "%s: its rows and targets do not fit into --memory; raise it", a->set.role[0].name);
    KZ_TRY(kz_calloc(&a->block, widest, sizeof *a->block, "rows of an array"));
    KZ_TRY(kz_calloc(&a->stage, block_rows(a->row) * (a->targets > a->row ? a->targets : a->row), 8,
                     "rows to be written"));
    for (int part = 0; part < 2; part++) {
        const kz_array_in *in = &a->set.role[2 * part];
        if (!in->bytes) continue;
        KZ_TRY(kz_calloc(&a->y[part], in->extent[0] * a->targets, sizeof *a->y[part], "targets"));
        KZ_TRY(for_rows(a, 2 * part + 1, "reading", look_y));
        bool small = kz_stored_size(in->stored) == 1 && kz_stored_integer(in->stored);
        if (!small) KZ_TRY(for_rows(a, 2 * part, "reading", look_x));
        else if (in->stored == KZ_STORED_INT8) a->least = fmin(a->least, INT8_MIN), a->most = fmax(a->most, INT8_MAX);
        else a->most = fmax(a->most, UINT8_MAX);
    }
done:
    return st;
}

kz_status kz_import_arrays(kz_import_result *r, const kz_import_options *o, const char *format)
{
    arrays a = {.o = o, .r = r, .whole = true};
    kz_status st = KZ_OK;
    int64_t available = kz_available_memory();
    KZ_TRY(refuse_options(o));
    a.memory = o->memory ? o->memory : (int64_t)8 << 30;
    if (!o->memory && available > 0 && available / 2 < a.memory) a.memory = available / 2;
    KZ_TRY(kz_array_set_open(&a.set, o, format));
    r->input_bytes = a.set.bytes;
    KZ_TRY(look(&a));
    KZ_TRY(decide(&a));
    KZ_TRY(decide_type(&a));
    KZ_TRY(draw(&a));
    a.bytes_done = 0;
    KZ_TRY(write_file(&a));
done:
    kz_rows_free(&a.rows);
    kz_free(&a.y[0]);
    kz_free(&a.y[1]);
    kz_free(&a.block);
    kz_free(&a.stage);
    kz_free(&a.left);
    kz_free(&a.wanted);
    kz_words_free(&a.classes);
    kz_array_set_free(&a.set);
    return st;
}
