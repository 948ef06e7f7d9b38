/* Arrays of an HDF5 file: opened safely, described, and refused with a remedy where they cannot be used. */
#include "data/hdf5_impl.h"

#include <string.h>

/* ---- the way to the array: hard links only, component by component, so that nothing leads out of the file ---- */

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

static kz_status no_such(const kz_hdf5 *file, const char *object, const char *key, hid_t group, const char *where)
{
    kz_text names = {0};
    H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_few_names, &names);
    kz_status st = KZ_FAIL(KZ_E_DATA, "%s: there is no %s: the group %s holds %s; name the array in %s", file->path,
                           object, where, names.n ? names.s : "nothing", key);
    kz_text_free(&names);
    return st;
}

/* Goes from the group `here` to its member `name`; *next is the caller's to close.  `where` is here's path. */
static kz_status step(const kz_hdf5 *file, const char *object, const char *key, hid_t here, const char *where,
                      const char *name, hid_t *next)
{
    H5L_info_t link;
    kz_status st = KZ_OK;
    if (H5Iget_type(here) != H5I_GROUP)
        return KZ_FAIL(KZ_E_DATA, "%s: there is no %s: %s is not a group; name the array in %s", file->path, object,
                       where, key);
    htri_t found = H5Lexists(here, name, H5P_DEFAULT);
    if (found == 0) return no_such(file, object, key, here, where);
    KZ_HDF5(found);
    KZ_HDF5(H5Lget_info(here, name, &link, H5P_DEFAULT));
    if (link.type != H5L_TYPE_HARD)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: %s passes through '%s', which is %s link; links are not followed, since they can leave "
                       "the file: name the array itself in %s, or copy it into the file with h5copy",
                       file->path, object, name, link.type == H5L_TYPE_SOFT ? "a soft" : "an external", key);
    KZ_HDF5(*next = H5Oopen(here, name, H5P_DEFAULT));
done:
    return st;
}

static kz_status follow(const kz_hdf5 *file, const char *object, const char *key, hid_t *out)
{
    char *part = NULL, *where = NULL;
    hid_t here = -1, next = -1;
    kz_status st = KZ_OK;
    KZ_TRY(kz_strdup(&part, object));
    KZ_TRY(kz_strdup(&where, object));
    KZ_HDF5(here = H5Gopen2(file->id, "/", H5P_DEFAULT));
    for (size_t i = strspn(part, "/"), n; part[i]; i += n + strspn(part + i + n, "/")) {
        n = strcspn(part + i, "/");
        char end = part[i + n];
        part[i + n] = '\0';
        snprintf(where, i + 1, "%s", object); /* what comes before the part */
        for (size_t j = i; j > 1 && where[j - 1] == '/'; j--) where[j - 1] = '\0';
        KZ_TRY(step(file, object, key, here, *where ? where : "/", part + i, &next));
        part[i + n] = end;
        H5Oclose(here);
        here = next;
        next = -1;
    }
    if (H5Iget_type(here) == H5I_DATASET) {
        *out = here;
        here = -1; /* given away */
    } else if (H5Iget_type(here) == H5I_GROUP) {
        st = KZ_FAIL(KZ_E_DATA, "%s: %s is a group; name an array in it in %s", file->path, object, key);
    } else {
        st = KZ_FAIL(KZ_E_DATA, "%s: %s is a type, not an array; name an array in %s", file->path, object, key);
    }
done:
    if (here >= 0) H5Oclose(here);
    kz_free(&part);
    kz_free(&where);
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

/* Enumerations (h5py's booleans) count as the integers they are made of. */
static kz_status describe_type(const kz_hdf5 *file, const char *object, hid_t set, kz_stored *out)
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
    if (stored >= 0) *out = (kz_stored)stored;
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

static kz_status describe_extents(const kz_hdf5 *file, const char *object, hid_t set, kz_array *a)
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

static const char *filter_name(H5Z_filter_t id)
{
    switch (id) {
    case 307: return " (bzip2)";
    case 32000: return " (LZF)";
    case 32001: return " (Blosc)";
    case 32004: return " (LZ4)";
    case 32008: return " (bitshuffle)";
    case 32013: return " (ZFP)";
    case 32015: return " (Zstandard)";
    case 32026: return " (Blosc2)";
    default: return "";
    }
}

static kz_status check_filters(const kz_hdf5 *file, const char *object, hid_t made)
{
    int n;
    kz_status st = KZ_OK;
    KZ_HDF5(n = H5Pget_nfilters(made));
    for (int i = 0; i < n; i++) {
        size_t values = 0;
        H5Z_filter_t id;
        KZ_HDF5(id = H5Pget_filter2(made, (unsigned)i, NULL, &values, NULL, 0, NULL, NULL));
        if (H5Zfilter_avail(id) <= 0)
            return KZ_FAIL(KZ_E_DATA,
                           "%s: %s is packed by filter %d%s, which is not built in; repack it where it can be read: "
                           "h5repack -f SHUF -f GZIP=1 OLD.h5 NEW.h5",
                           file->path, object, id, filter_name(id));
    }
done:
    return st;
}

static kz_status describe_chunks(const kz_hdf5 *file, const char *object, hid_t made, kz_array *a)
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
static kz_status check_storage(const kz_hdf5 *file, const char *object, hid_t set, hid_t made, kz_array *a)
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

kz_status kz_hdf5_array(kz_hdf5 *file, const char *object, const char *key, kz_array *out)
{
    kz_array a = {.object = object, .id = file->n_arrays};
    hid_t set = -1, made = -1;
    kz_status st = KZ_OK;
    KZ_TRY(follow(file, object, key, &set));
    KZ_TRY(describe_type(file, object, set, &a.stored));
    KZ_TRY(describe_extents(file, object, set, &a));
    KZ_HDF5(made = H5Dget_create_plist(set));
    KZ_TRY(check_storage(file, object, set, made, &a));
    KZ_TRY(check_filters(file, object, made));
    file->array[file->n_arrays++] = set;
    set = -1; /* given away */
    *out = a;
done:
    if (made >= 0) H5Pclose(made);
    if (set >= 0) H5Dclose(set);
    return st;
}
