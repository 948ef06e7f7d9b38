/* Arrays of an HDF5 file: opened safely, described, and refused with a remedy where they cannot be used. */
#include "data/hdf5_impl.h"

#include <string.h>

/* ---- the way to the array: component by component, so that no link leads out of the file ---- */

enum { NAMES_SHOWN = 8 };

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *names)
{
    (void)group, (void)info;
    char *clean = NULL;
    kz_text *t = names;
    if (kz_hdf5_clean(&clean, name, strlen(name)) != KZ_OK) return -1;
    kz_status st = kz_text_add(t, "%s'%s'", t->n ? ", " : "", clean);
    kz_free(&clean);
    return st == KZ_OK ? 0 : -1;
}

static herr_t add_few_names(hid_t group, const char *name, const H5L_info_t *info, void *names)
{
    kz_text *t = names;
    int64_t shown = 0;
    for (int64_t i = 0; i < t->n; i++) shown += t->s[i] == '\'';
    return shown >= 2 * NAMES_SHOWN ? 1 : add_name(group, name, info, names);
}

enum { LINKS_MAX = 16 }; /* soft links followed on one way: more are a cycle, or as bad as one */

/* A way through the file, one component after the other. */
typedef struct {
    const kz_lib *file;
    const char *object, *key; /* as asked for; where the config names it */
    char *rest;               /* components still to go */
    kz_text where, said;      /* path of `here`; the object for messages, with the target of its last soft link */
    hid_t here;
    int links;
} way;

static const char *path_of(const way *w)
{
    return w->where.n ? w->where.s : "/";
}

static const char *name_of(const way *w)
{
    return w->said.n ? w->said.s : w->object;
}

static kz_status no_such(const way *w)
{
    kz_text names = {0};
    H5Literate(w->here, H5_INDEX_NAME, H5_ITER_INC, NULL, add_few_names, &names);
    kz_status st = KZ_FAIL(KZ_E_DATA, "%s: there is no %s: the group %s holds %s; name the array in %s", w->file->path,
                           name_of(w), path_of(w), names.n ? names.s : "nothing", w->key);
    kz_text_free(&names);
    return st;
}

/* Goes on at the target of the soft link `name`, a text of `size` bytes, instead of at `name`. */
static kz_status turn_off(way *w, const char *name, size_t size)
{
    const kz_lib *file = w->file;
    const char *object = w->object;
    char *target = NULL, *clean = NULL;
    kz_text rest = {0};
    kz_status st = KZ_OK;
    if (++w->links > LINKS_MAX || size > KZ_OBJECT_MAX)
        return KZ_FAIL(
            KZ_E_DATA, "%s: %s passes through %s; name the array itself in %s", file->path, object,
            size > KZ_OBJECT_MAX ? "a soft link that is too long" : "more than 16 soft links, or in a circle", w->key);
    KZ_TRY(kz_calloc(&target, (int64_t)size + 1, 1, "a soft link"));
    KZ_HDF5(H5Lget_val(w->here, name, target, size, H5P_DEFAULT));
    KZ_TRY(kz_text_add(&rest, "%s/%s", target, w->rest));
    if (rest.n > 2 * KZ_OBJECT_MAX)
        KZ_TRY(KZ_FAIL(KZ_E_DATA, "%s: %s passes through soft links that are too long; name the array itself in %s",
                       file->path, object, w->key));
    KZ_TRY(kz_hdf5_clean(&clean, target, strlen(target)));
    kz_text_free(&w->said);
    KZ_TRY(kz_text_add(&w->said, "%s (by the soft link to %s)", object, clean));
    kz_free(&w->rest);
    KZ_TRY(kz_strdup(&w->rest, rest.s));
    if (target[0] == '/') {
        H5Oclose(w->here);
        w->here = -1;
        KZ_HDF5(w->here = H5Gopen2(file->id, "/", H5P_DEFAULT));
        kz_text_free(&w->where);
    }
done:
    kz_free(&target);
    kz_free(&clean);
    kz_text_free(&rest);
    return st;
}

/* Goes to the member `name` of where the way has come to. */
static kz_status step(way *w, const char *name)
{
    const kz_lib *file = w->file;
    const char *object = name_of(w);
    H5L_info_t link;
    hid_t next = -1;
    kz_status st = KZ_OK;
    if (H5Iget_type(w->here) != H5I_GROUP)
        return KZ_FAIL(KZ_E_DATA, "%s: there is no %s: %s is not a group; name the array in %s", file->path, object,
                       path_of(w), w->key);
    htri_t found = H5Lexists(w->here, name, H5P_DEFAULT);
    if (found == 0) return no_such(w);
    KZ_HDF5(found);
    KZ_HDF5(H5Lget_info(w->here, name, &link, H5P_DEFAULT));
    if (link.type == H5L_TYPE_SOFT) return turn_off(w, name, link.u.val_size);
    if (link.type != H5L_TYPE_HARD)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: %s passes through '%s', which is %s link; links that leave the file are not followed: name "
                       "the array itself in %s, or copy it into the file with h5copy",
                       file->path, object, name, link.type == H5L_TYPE_EXTERNAL ? "an external" : "a user-defined",
                       w->key);
    KZ_HDF5(next = H5Oopen(w->here, name, H5P_DEFAULT));
    H5Oclose(w->here);
    w->here = next;
    /* the object's own spelling as far as no link was taken */
    KZ_TRY(kz_text_add(&w->where, "%s%s", w->where.n || w->object[0] == '/' || w->links ? "/" : "", name));
done:
    return st;
}

static kz_status walk(way *w)
{
    char *part = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_strdup(&w->rest, w->object));
    for (;;) {
        char *from = w->rest + strspn(w->rest, "/");
        size_t n = strcspn(from, "/");
        if (n == 0) break;
        kz_free(&part);
        KZ_TRY(kz_calloc(&part, (int64_t)n + 1, 1, "name of an object"));
        memcpy(part, from, n);
        memmove(w->rest, from + n, strlen(from + n) + 1);
        if (strcmp(part, ".") != 0) KZ_TRY(step(w, part)); /* "." is the group itself, and ".." a name like others */
    }
done:
    kz_free(&part);
    return st;
}

static kz_status follow(const kz_lib *file, const char *object, const char *key, hid_t *out)
{
    way w = {.file = file, .object = object, .key = key, .here = -1};
    kz_status st = KZ_OK;
    KZ_HDF5(w.here = H5Gopen2(file->id, "/", H5P_DEFAULT));
    KZ_TRY(walk(&w));
    if (H5Iget_type(w.here) == H5I_DATASET) {
        *out = w.here;
        w.here = -1; /* given away */
    } else if (H5Iget_type(w.here) == H5I_GROUP) {
        st = KZ_FAIL(KZ_E_DATA, "%s: %s is a group; name an array in it in %s", file->path, name_of(&w), key);
    } else {
        st = KZ_FAIL(KZ_E_DATA, "%s: %s is a type, not an array; name an array in %s", file->path, name_of(&w), key);
    }
done:
    if (w.here >= 0) H5Oclose(w.here);
    kz_free(&w.rest);
    kz_text_free(&w.where);
    kz_text_free(&w.said);
    return st;
}

/* ---- type and extents ---- */

static const char *class_name(H5T_class_t class)
{
    switch (class) {
    case H5T_STRING: return "strings";
    case H5T_COMPOUND: return "compound records";
    case H5T_REFERENCE: return "references";
    case H5T_VLEN: return "lists of varying length";
    case H5T_ARRAY: return "an array in each element";
    case H5T_OPAQUE: return "opaque bytes";
    case H5T_BITFIELD: return "bit fields";
    case H5T_TIME: return "times";
    default: return "values of an unknown type";
    }
}

/* Numbers of odd widths (24 bits, 3 bytes) are read as the next wider type, which holds them exactly; -1: none does. */
static int stored_type(H5T_class_t class, size_t size, bool is_signed)
{
    int log2 = size <= 1 ? 0 : size <= 2 ? 1 : size <= 4 ? 2 : 3;
    if (class == H5T_INTEGER && size <= 8) return (is_signed ? KZ_STORED_INT8 : KZ_STORED_UINT8) + log2;
    if (class == H5T_FLOAT && size <= 16)
        return size <= 2 ? KZ_STORED_FLOAT16 : size <= 8 ? KZ_STORED_FLOAT16 + log2 - 1 : KZ_STORED_FLOAT128;
    return -1;
}

bool kz_hdf5_number_is_sound(hid_t type)
{
    size_t bits = 8 * H5Tget_size(type), precision = H5Tget_precision(type), sign, exponent, n_exponent, fraction, n;
    int offset = H5Tget_offset(type);
    if (precision == 0 || precision > bits || offset < 0 || (size_t)offset > bits - precision) return false;
    if (H5Tget_class(type) != H5T_FLOAT) return true;
    if (H5Tget_fields(type, &sign, &exponent, &n_exponent, &fraction, &n) < 0) return false;
    return sign < bits && n_exponent > 0 && n_exponent <= bits && exponent <= bits - n_exponent && n > 0 && n <= bits &&
           fraction <= bits - n;
}

/* Enumerations (h5py's booleans) count as the integers they are made of. */
static kz_status describe_type(const kz_lib *file, const char *object, hid_t set, kz_stored *out)
{
    hid_t type = -1, base = -1;
    kz_status st = KZ_OK;
    KZ_HDF5(type = H5Dget_type(set));
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_ENUM) {
        KZ_HDF5(base = H5Tget_super(type));
        class = H5Tget_class(base);
    }
    hid_t number = base >= 0 ? base : type;
    bool numeric = class == H5T_INTEGER || class == H5T_FLOAT;
    int stored = stored_type(class, H5Tget_size(number), numeric && H5Tget_sign(number) == H5T_SGN_2);
    if (numeric && (!kz_hdf5_number_is_sound(number) || H5Tget_size(number) != H5Tget_size(type)))
        st = KZ_FAIL(KZ_E_DATA, "%s: %s holds numbers whose bits lie outside of them; the file is damaged", file->path,
                     object);
    else if (stored >= 0) *out = (kz_stored)stored;
    else if (numeric)
        st = KZ_FAIL(KZ_E_DATA, "%s: %s holds %s of %zu bytes, wanted integers of up to 8 bytes or floats of up to 16",
                     file->path, object, class == H5T_INTEGER ? "integers" : "floats", H5Tget_size(number));
    else
        st = KZ_FAIL(KZ_E_DATA, "%s: %s holds %s, wanted integers or floats; store it as numbers", file->path, object,
                     class_name(class));
done:
    if (base >= 0) H5Tclose(base);
    if (type >= 0) H5Tclose(type);
    return st;
}

static kz_status describe_extents(const kz_lib *file, const char *object, hid_t set, kz_array *a)
{
    hsize_t extent[H5S_MAX_RANK] = {0};
    hid_t space = -1;
    kz_status st = KZ_OK;
    KZ_HDF5(space = H5Dget_space(set));
    KZ_HDF5(a->rank = H5Sget_simple_extent_dims(space, extent, NULL));
    if (a->rank < 1 || a->rank > KZ_RANK_MAX) {
        st = KZ_FAIL(KZ_E_DATA, "%s: %s has %d dimensions, wanted 1 to %d, rows first", file->path, object, a->rank,
                     KZ_RANK_MAX);
        goto done;
    }
    int64_t bytes = kz_stored_size(a->stored); /* 8 at least: room for every later form of a value */
    if (bytes < 8) bytes = 8;
    for (int i = 0; i < KZ_RANK_MAX; i++) {
        a->extent[i] = i < a->rank ? (int64_t)extent[i] : 1;
        if (a->extent[i] == 0) {
            st = KZ_FAIL(KZ_E_DATA, "%s: %s is empty: extent %d is 0", file->path, object, i);
            goto done;
        }
        if (a->extent[i] < 0 || __builtin_mul_overflow(bytes, a->extent[i], &bytes)) {
            st = KZ_FAIL(KZ_E_DATA, "%s: %s claims more values than can be addressed; the file is damaged", file->path,
                         object);
            goto done;
        }
    }
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

/* ---- storage ---- */

static kz_status describe_chunks(const kz_lib *file, const char *object, hid_t made, kz_array *a)
{
    hsize_t chunk[H5S_MAX_RANK] = {0};
    int filters;
    kz_status st = KZ_OK;
    KZ_HDF5(H5Pget_chunk(made, a->rank, chunk));
    KZ_HDF5(filters = H5Pget_nfilters(made));
    a->chunk_bytes = kz_stored_size(a->stored) * (filters > 0 ? 2 : 1); /* packed and unpacked */
    for (int i = 0; i < a->rank; i++) {
        if ((int64_t)chunk[i] <= 0 || __builtin_mul_overflow(a->chunk_bytes, (int64_t)chunk[i], &a->chunk_bytes))
            return KZ_FAIL(KZ_E_DATA, "%s: %s claims chunks larger than can be addressed; the file is damaged",
                           file->path, object);
    }
    a->chunk_rows = (int64_t)chunk[0] < a->extent[0] ? (int64_t)chunk[0] : a->extent[0];
done:
    return st;
}

/* Values kept elsewhere are refused: a file from a stranger must not make us read another file. */
static kz_status check_storage(const kz_lib *file, const char *object, hid_t set, hid_t made, kz_array *a)
{
    hsize_t declared = (hsize_t)(kz_array_rows(a) * kz_array_row(a));
    hid_t type = -1;
    int files;
    kz_status st = KZ_OK;
    H5D_layout_t layout = H5Pget_layout(made);
    KZ_HDF5(layout == H5D_LAYOUT_ERROR ? -1 : 0);
    if (layout == H5D_VIRTUAL)
        return KZ_FAIL(KZ_E_DATA, "%s: %s is a virtual data set, made of other ones; copy its values into the file",
                       file->path, object);
    KZ_HDF5(files = H5Pget_external_count(made));
    if (files > 0)
        return KZ_FAIL(KZ_E_DATA, "%s: %s keeps its values in other files; copy them into this one with h5repack",
                       file->path, object);
    a->chunk_rows = 1;
    if (layout == H5D_CHUNKED) return describe_chunks(file, object, made, a);
    KZ_HDF5(type = H5Dget_type(set));
    hsize_t stored = H5Dget_storage_size(set);
    if (stored / H5Tget_size(type) < declared)
        st = KZ_FAIL(KZ_E_DATA, "%s: %s declares %llu values but stores only %llu bytes; write the file again",
                     file->path, object, (unsigned long long)declared, (unsigned long long)stored);
done:
    if (type >= 0) H5Tclose(type);
    return st;
}

static kz_status open_array(const kz_lib *file, const char *object, const char *key, hid_t *out, kz_array *a)
{
    hid_t set = -1, made = -1;
    kz_status st = KZ_OK;
    KZ_TRY(follow(file, object, key, &set));
    KZ_TRY(describe_type(file, object, set, &a->stored));
    KZ_TRY(describe_extents(file, object, set, a));
    KZ_HDF5(made = H5Dget_create_plist(set));
    KZ_TRY(check_storage(file, object, set, made, a));
    KZ_TRY(kz_hdf5_check_filters(file, object, made));
    *out = set;
    set = -1; /* given away */
done:
    if (made >= 0) H5Pclose(made);
    if (set >= 0) H5Dclose(set);
    return st;
}

/* Twice the room for the sets that are open. */
static kz_status grow(kz_lib *file)
{
    hid_t *more = NULL;
    int room = file->room ? 2 * file->room : 8;
    if (file->n_arrays == KZ_LIB_ARRAYS_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: more than %d of its arrays are asked for", file->path, KZ_LIB_ARRAYS_MAX);
    kz_status st = kz_calloc(&more, room, sizeof *more, "arrays of an HDF5 file");
    if (st != KZ_OK) return st;
    if (file->n_arrays > 0) memcpy(more, file->array, (size_t)file->n_arrays * sizeof *more);
    kz_free(&file->array);
    file->array = more;
    file->room = room;
    return KZ_OK;
}

kz_status kz_lib_array(kz_lib *file, const char *object, const char *key, kz_array *out)
{
    kz_array a = {.object = object, .id = file->n_arrays};
    kz_status st = KZ_OK;
    if (file->n_arrays == file->room) KZ_TRY(grow(file));
    KZ_TRY(open_array(file, object, key, &file->array[file->n_arrays], &a));
    file->n_arrays++;
    *out = a;
done:
    return st;
}

kz_status kz_lib_readable(const kz_lib *file, const char *object, bool *out)
{
    hid_t set = -1;
    kz_array a = {.object = object};
    kz_status st = open_array(file, object, "", &set, &a);
    if (set >= 0) H5Dclose(set);
    if (st == KZ_E_MEM) return st;
    if (st != KZ_OK) kz_error_clear(); /* it is an answer */
    *out = st == KZ_OK;
    return KZ_OK;
}
