/* What arrays must be like to be trained on, and what the data set is. */
#include "data/data_impl.h"
#include "kernels/loss/loss.h"

#include <math.h>
#include <string.h>

/* ---- shapes ---- */

static kz_status check_rows(const kz_opening *o, const kz_array *x, const kz_array *y)
{
    if (kz_array_rows(x) == kz_array_rows(y)) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: %s has %lld rows but %s has %lld; each row of features needs its row of targets",
                   kz_hdf5_path(o->file), x->object, (long long)kz_array_rows(x), y->object,
                   (long long)kz_array_rows(y));
}

static kz_status check_y_rank(const kz_opening *o, const kz_array *y)
{
    char found[96];
    if (y->rank <= 2) return KZ_OK;
    kz_array_extents(found, y);
    return KZ_FAIL(KZ_E_DATA, "%s: %s is %s, wanted N, Nx1 or NxM targets", kz_hdf5_path(o->file), y->object, found);
}

/* A row of x must have the same dimensions in every split: as many values in another order would be no error to see. */
static kz_status check_like_train(const kz_opening *o, const kz_array *a, const kz_array *train)
{
    char found[96], wanted[96];
    if (a->rank == train->rank && memcmp(a->extent + 1, train->extent + 1, sizeof a->extent - sizeof *a->extent) == 0)
        return KZ_OK;
    kz_array_extents(found, a);
    kz_array_extents(wanted, train);
    return KZ_FAIL(KZ_E_DATA, "%s: %s is %s but %s is %s; all dimensions but the first must be the same",
                   kz_hdf5_path(o->file), a->object, found, train->object, wanted);
}

kz_status kz_check_shapes(const kz_opening *o)
{
    kz_data *d = o->data;
    const kz_array *x = &o->x[KZ_TRAIN], *y = &o->y[KZ_TRAIN];
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!o->x[i].object) continue;
        KZ_TRY(check_y_rank(o, &o->y[i]));
        KZ_TRY(check_rows(o, &o->x[i], &o->y[i]));
        KZ_TRY(check_like_train(o, &o->x[i], x));
        if (kz_array_row(&o->y[i]) != kz_array_row(y)) KZ_TRY(check_like_train(o, &o->y[i], y));
    }
    d->features = kz_array_row(x);
    d->targets = kz_array_row(y);
    d->rank = x->rank > 1 ? x->rank - 1 : 1;
    for (int i = 0; i < d->rank; i++) d->shape[i] = x->extent[i + 1];
done:
    return st;
}

/* ---- task ---- */

/* The loss says it; else the file's attribute `task`; else whole numbers are classes. */
static kz_status decide_task(const kz_opening *o, bool *classification)
{
    const char *loss = o->cfg->model.loss;
    char **task = NULL;
    int64_t n = 0;
    kz_status st = KZ_OK;
    if (loss) {
        *classification = kz_loss_is_of_classes(kz_loss_named(loss));
        return KZ_OK;
    }
    *classification = kz_stored_integer(o->y[KZ_TRAIN].stored);
    KZ_TRY(kz_hdf5_texts(o->file, "task", &task, &n));
    if (n == 0) goto done;
    *classification = strcmp(task[0], "classification") == 0;
    if (!*classification && strcmp(task[0], "regression") != 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: attribute task is '%s', wanted classification or regression; set model.loss",
                     kz_hdf5_path(o->file), task[0]);
done:
    kz_texts_free(&task, n);
    return st;
}

kz_status kz_check_task(kz_opening *o)
{
    char found[96];
    const kz_array *y = &o->y[KZ_TRAIN];
    kz_status st = decide_task(o, &o->data->classification);
    if (st != KZ_OK || !o->data->classification) return st;
    if (o->data->targets > 1) {
        kz_array_extents(found, y);
        return KZ_FAIL(KZ_E_DATA,
                       "%s: %s is %s, wanted one class number per row; store the number of the class where rows mark "
                       "it, or for a regression set model.loss: squared_error",
                       kz_hdf5_path(o->file), y->object, found);
    }
    o->data->targets = 0;
    return KZ_OK;
}

/* ---- memory ---- */

/* Counted as doubles: untrusted extents cannot overflow them. */
static double size_of(const kz_array *a, int64_t rows, double size)
{
    return (double)rows * (double)kz_array_row(a) * size;
}

/* A block is held where the reader process puts it, and once more where its values are not the ones kept. */
static double work_of(const kz_array *a, kz_as as)
{
    double block = size_of(a, kz_array_block(a), (double)kz_stored_size(a->stored));
    return block * (kz_array_kept(a, as) ? 1 : 2) + (double)a->chunk_bytes;
}

/* Held at the peak: all arrays, one block being read, and the row numbers of a drawn validation split. */
kz_status kz_check_memory(const kz_opening *o)
{
    double bytes = 0, work = 0, allowed = (double)o->cfg->data.memory;
    char needed[24], limit[24];
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_array *x = &o->x[i], *y = &o->y[i];
        if (!x->object) continue;
        bytes += size_of(x, kz_array_rows(x), x->stored == KZ_STORED_UINT8 ? 1 : sizeof(float));
        bytes += size_of(y, kz_array_rows(y), o->data->classification ? sizeof(int32_t) : 2 * sizeof(float));
        work = fmax(work, work_of(x, x->stored == KZ_STORED_UINT8 ? KZ_AS_U8 : KZ_AS_F32));
        work = fmax(work, work_of(y, o->data->classification ? KZ_AS_LABEL : KZ_AS_F32));
    }
    if (o->cfg->data.valid.fraction > 0) bytes += (double)kz_array_rows(&o->x[KZ_TRAIN]) * 2 * sizeof(int64_t);
    if (bytes + work <= allowed) return KZ_OK;
    kz_format_size(needed, bytes + work);
    kz_format_size(limit, allowed);
    return KZ_FAIL(KZ_E_DATA,
                   "%s: its arrays need %s of memory, data.memory allows %s; raise data.memory (this version holds "
                   "all data in memory)",
                   kz_hdf5_path(o->file), needed, limit);
}

/* ---- classes ---- */

static int64_t largest_label(const kz_split *s)
{
    int32_t most = 0;
    for (int64_t i = 0; i < s->rows; i++)
        if (s->label[i] > most) most = s->label[i];
    return most;
}

/* `said` completes the sentence: where the number of classes comes from. */
static kz_status check_labels(const kz_opening *o, const kz_split *s, const kz_array *y, const char *said)
{
    for (int64_t i = 0; i < s->rows; i++)
        if (s->label[i] >= o->data->classes)
            return KZ_FAIL(KZ_E_DATA, "%s: %s holds class %d at row %lld (from 0), but %s %lld classes, from 0",
                           kz_hdf5_path(o->file), y->object, s->label[i], (long long)i, said,
                           (long long)o->data->classes);
    return KZ_OK;
}

static bool all_equal(const kz_split *s)
{
    int64_t i = 1;
    while (i < s->rows && s->label[i] == s->label[0]) i++;
    return i >= s->rows;
}

enum { MOST_CLASSES = 1 << 20 }; /* as many as a layer may have units */

static kz_status count_classes(const kz_opening *o, bool *said)
{
    double n = 0;
    kz_data *d = o->data;
    kz_status st = kz_hdf5_number(o->file, "classes", &n, said);
    if (st != KZ_OK) return st;
    if (*said && !(n >= 2 && n <= MOST_CLASSES && n == (double)(int64_t)n))
        return KZ_FAIL(KZ_E_DATA, "%s: attribute classes is %.17g, wanted a whole number from 2 to %d",
                       kz_hdf5_path(o->file), n, MOST_CLASSES);
    d->classes = *said ? (int64_t)n : largest_label(&d->train) + 1;
    if (d->classes > MOST_CLASSES)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: %s holds class %lld, and %d classes are the most; renumber the classes from 0, or for a "
                       "regression set model.loss: squared_error",
                       kz_hdf5_path(o->file), o->y[KZ_TRAIN].object, (long long)d->classes - 1, MOST_CLASSES);
    if (all_equal(&d->train))
        return KZ_FAIL(KZ_E_DATA, "%s: %s holds class %d only; two classes are needed to learn from",
                       kz_hdf5_path(o->file), o->y[KZ_TRAIN].object, d->train.label[0]);
    return KZ_OK;
}

kz_status kz_check_classes(kz_opening *o)
{
    kz_data *d = o->data;
    const kz_split *split[KZ_SPLITS] = {&d->train, &d->valid, &d->test};
    char **names = NULL, said[96];
    int64_t n = 0;
    bool attribute;
    kz_status st = KZ_OK;
    KZ_TRY(count_classes(o, &attribute));
    snprintf(said, sizeof said, "%s", attribute ? "the attribute classes says" : "the rows of train have");
    for (int i = 0; i < KZ_SPLITS; i++)
        if (o->x[i].object) KZ_TRY(check_labels(o, split[i], &o->y[i], said));
    KZ_TRY(kz_hdf5_texts(o->file, "class_names", &names, &n));
    if (n > 0 && n < d->classes) {
        st = KZ_FAIL(KZ_E_DATA,
                     "%s: attribute class_names has %lld names, but there are %lld classes; name each, or delete it",
                     kz_hdf5_path(o->file), (long long)n, (long long)d->classes);
        goto done;
    }
    if (n == 0) goto done;
    for (; n > d->classes; n--) kz_free(&names[n - 1]); /* names of classes that do not occur */
    d->class_names = names;
    names = NULL; /* given away */
done:
    kz_texts_free(&names, n);
    return st;
}
