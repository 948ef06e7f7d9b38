/* What arrays must be like to be trained on, and what the data set is. */
#include "data/data_impl.h"
#include "kernels/loss/loss.h"

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

/* ---- classes ---- */

kz_labels kz_labels_seen(int64_t limit)
{
    return (kz_labels){.limit = limit > 0 ? limit : INT64_MAX, .over_row = -1};
}

void kz_labels_add(kz_labels *l, const int32_t *label, int64_t n)
{
    if (l->seen == 0 && n > 0) l->first = label[0];
    for (int64_t i = 0; i < n; i++) {
        if (label[i] > l->most) l->most = label[i];
        if (label[i] != l->first) l->differ = true;
        if (label[i] < l->limit || l->over_row >= 0) continue;
        l->over_row = l->seen + i;
        l->over_label = label[i];
    }
    l->seen += n;
}

enum { MOST_CLASSES = 1 << 20 }; /* as many as a layer may have units */

kz_status kz_classes_said(const kz_opening *o, int64_t *said)
{
    double n = 0;
    bool any;
    kz_status st = kz_hdf5_number(o->file, "classes", &n, &any);
    if (st != KZ_OK) return st;
    if (any && !(n >= 2 && n <= MOST_CLASSES && n == (double)(int64_t)n))
        return KZ_FAIL(KZ_E_DATA, "%s: attribute classes is %.17g, wanted a whole number from 2 to %d",
                       kz_hdf5_path(o->file), n, MOST_CLASSES);
    *said = any ? (int64_t)n : 0;
    return KZ_OK;
}

kz_status kz_classes_of_train(const kz_opening *o, int64_t said, const kz_labels *train)
{
    kz_data *d = o->data;
    d->classes = said ? said : train->most + 1;
    if (d->classes > MOST_CLASSES)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: %s holds class %lld, and %d classes are the most; renumber the classes from 0, or for a "
                       "regression set model.loss: squared_error",
                       kz_hdf5_path(o->file), o->y[KZ_TRAIN].object, (long long)d->classes - 1, MOST_CLASSES);
    if (!train->differ)
        return KZ_FAIL(KZ_E_DATA, "%s: %s holds class %d only; two classes are needed to learn from",
                       kz_hdf5_path(o->file), o->y[KZ_TRAIN].object, train->first);
    return KZ_OK;
}

kz_status kz_classes_fit(const kz_opening *o, int64_t said, int split, const kz_labels *l)
{
    if (l->over_row < 0) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: %s holds class %d at row %lld (from 0), but %s %lld classes, from 0",
                   kz_hdf5_path(o->file), o->y[split].object, l->over_label, (long long)l->over_row,
                   said ? "the attribute classes says" : "the rows of train have", (long long)o->data->classes);
}

kz_status kz_classes_named(const kz_opening *o)
{
    kz_data *d = o->data;
    char **names = NULL;
    int64_t n = 0;
    kz_status st = KZ_OK;
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

kz_status kz_check_classes(kz_opening *o)
{
    kz_data *d = o->data;
    const kz_split *split[KZ_SPLITS] = {&d->train, &d->valid, &d->test};
    kz_labels train = kz_labels_seen(0);
    int64_t said;
    kz_status st = KZ_OK;
    KZ_TRY(kz_classes_said(o, &said));
    kz_labels_add(&train, d->train.label, d->train.rows);
    KZ_TRY(kz_classes_of_train(o, said, &train));
    for (int i = 0; i < KZ_SPLITS; i++) {
        kz_labels l = kz_labels_seen(d->classes);
        if (!o->x[i].object) continue;
        kz_labels_add(&l, split[i]->label, split[i]->rows);
        KZ_TRY(kz_classes_fit(o, said, i, &l));
    }
    KZ_TRY(kz_classes_named(o));
done:
    return st;
}
