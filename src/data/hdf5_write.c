/* A new HDF5 file: arrays written by rows, attributes, and its name only once all is there.
 *
 * The same calls give the same bytes: no times are stored, and the format does not depend on the library's defaults. */
#include "data/hdf5_impl.h"
#include "data/import_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARRAYS = 8,
    CHUNK_BYTES = 512 << 10,
    DENSE_BYTES = 1 << 20 /* of an attribute: what is read back */
};

struct kz_hdf5_writer {
    char *path, *temporary;
    kz_hdf5_sink sink;
    hid_t file, array[ARRAYS];
    kz_stored stored[ARRAYS];
    int rank[ARRAYS];
    hsize_t extent[ARRAYS][KZ_RANK_MAX];
    int n_arrays;
    bool force;
};

static kz_status write_fail(const kz_hdf5_writer *w, const char *object, const char *source, int line)
{
    char why[256];
    if (w->sink.error)
        return kz_error_set(KZ_E_OUTPUT, source, line, "%s: %s cannot be written: %s", w->path, object,
                            strerror(w->sink.error));
    kz_hdf5_message(why);
    return kz_error_set(KZ_E_OUTPUT, source, line, "%s: %s cannot be written: %s (HDF5)", w->path, object, why);
}

#define WRITE(call) KZ_TRY((call) < 0 || w->sink.error ? write_fail(w, object, __FILE__, __LINE__) : KZ_OK)

static kz_status check_place(const char *path, bool force)
{
    struct stat info;
    if (stat(path, &info) != 0) return KZ_OK;
    if (!S_ISREG(info.st_mode)) return KZ_FAIL(KZ_E_OUTPUT, "%s: is not a regular file; name another with --out", path);
    if (!force)
        return KZ_FAIL(KZ_E_OUTPUT, "%s: exists already; --force replaces it, or name another with --out", path);
    return KZ_OK;
}

/* Version 2 of the object headers, which can hold attributes over 64 KiB, read since HDF5 1.8. */
static kz_status create_file(kz_hdf5_writer *w)
{
    const char *object = "the file";
    hid_t access = -1, creation = -1;
    kz_status st = KZ_OK;
    WRITE(access = H5Pcreate(H5P_FILE_ACCESS));
    WRITE(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110));
    WRITE(creation = H5Pcreate(H5P_FILE_CREATE));
    WRITE(H5Pset_obj_track_times(creation, false));
    w->sink.fd = open(w->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->sink.fd < 0) {
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be made: %s", w->path, strerror(errno));
        kz_free(&w->temporary); /* not ours */
        goto done;
    }
    WRITE(kz_hdf5_set_sink(access, &w->sink));
    WRITE(w->file = H5Fcreate(w->temporary, H5F_ACC_TRUNC, creation, access));
done:
    if (creation >= 0) H5Pclose(creation);
    if (access >= 0) H5Pclose(access);
    return st;
}

kz_status kz_hdf5_create(kz_hdf5_writer **out, const char *path, bool force)
{
    kz_text temporary = {0};
    kz_hdf5_writer *w = NULL;
    kz_status st = KZ_OK;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* prints nothing */
    KZ_TRY(check_place(path, force));
    KZ_TRY(kz_calloc(&w, 1, sizeof *w, "HDF5 writer"));
    w->file = w->sink.fd = -1;
    w->force = force;
    KZ_TRY(kz_strdup(&w->path, path));
    KZ_TRY(kz_text_add(&temporary, "%s.tmp-%ld", path, (long)getpid()));
    w->temporary = temporary.s;
    temporary = (kz_text){0}; /* given away */
    KZ_TRY(create_file(w));
    *out = w;
    w = NULL; /* given away */
done:
    kz_text_free(&temporary);
    kz_hdf5_writer_destroy(&w);
    return st;
}

/* ---- arrays ---- */

static hid_t file_type(kz_stored stored)
{
    switch (stored) {
    case KZ_STORED_INT8: return H5T_STD_I8LE;
    case KZ_STORED_INT16: return H5T_STD_I16LE;
    case KZ_STORED_INT32: return H5T_STD_I32LE;
    case KZ_STORED_INT64: return H5T_STD_I64LE;
    case KZ_STORED_UINT8: return H5T_STD_U8LE;
    case KZ_STORED_UINT16: return H5T_STD_U16LE;
    case KZ_STORED_UINT32: return H5T_STD_U32LE;
    case KZ_STORED_UINT64: return H5T_STD_U64LE;
    case KZ_STORED_FLOAT64: return H5T_IEEE_F64LE;
    default: return H5T_IEEE_F32LE;
    }
}

/* Whole rows up to 512 KiB; a wider row is cut along its first dimension that allows it. */
static void chunk_of(hsize_t out[KZ_RANK_MAX], const hsize_t *extent, int rank, int64_t size)
{
    int64_t row = size;
    for (int i = 0; i < rank; i++) out[i] = extent[i] ? extent[i] : 1;
    for (int i = 1; i < rank; i++) row *= (int64_t)out[i];
    int64_t rows = CHUNK_BYTES / row;
    if (rows < 1) rows = 1;
    if ((int64_t)out[0] > rows) out[0] = (hsize_t)rows;
    for (int i = 1; i < rank && row > CHUNK_BYTES; i++) {
        int64_t rest = row / (int64_t)out[i], keep = CHUNK_BYTES / rest;
        if (keep < 1) keep = 1;
        out[i] = (hsize_t)keep;
        row = rest * keep;
    }
}

static kz_status creation_of(kz_hdf5_writer *w, const char *object, int i, bool gzip, hid_t *out)
{
    hsize_t chunk[KZ_RANK_MAX] = {0};
    kz_status st = KZ_OK;
    WRITE(*out = H5Pcreate(H5P_DATASET_CREATE));
    WRITE(H5Pset_obj_track_times(*out, false));
    WRITE(H5Pset_fill_time(*out, H5D_FILL_TIME_NEVER)); /* every value is written */
    if (!gzip) {
        WRITE(H5Pset_alloc_time(*out, H5D_ALLOC_TIME_EARLY));
        goto done;
    }
    chunk_of(chunk, w->extent[i], w->rank[i], kz_stored_size(w->stored[i]));
    WRITE(H5Pset_chunk(*out, w->rank[i], chunk));
    if (kz_stored_size(w->stored[i]) > 1) WRITE(H5Pset_shuffle(*out));
    WRITE(H5Pset_deflate(*out, 1));
done:
    return st;
}

/* The group of "/train/x", unless there is one: made here, since one made on the way would store its time. */
static kz_status make_group(kz_hdf5_writer *w, const char *object)
{
    const char *slash = strchr(object + 1, '/');
    char name[32];
    hid_t creation = -1, group = -1;
    htri_t found;
    kz_status st = KZ_OK;
    if (!slash) return KZ_OK;
    snprintf(name, sizeof name, "%.*s", (int)(slash - object), object);
    WRITE(found = H5Lexists(w->file, name, H5P_DEFAULT));
    if (found) return KZ_OK;
    WRITE(creation = H5Pcreate(H5P_GROUP_CREATE));
    WRITE(H5Pset_obj_track_times(creation, false));
    WRITE(group = H5Gcreate2(w->file, name, H5P_DEFAULT, creation, H5P_DEFAULT));
done:
    if (group >= 0) H5Gclose(group);
    if (creation >= 0) H5Pclose(creation);
    return st;
}

kz_status kz_hdf5_writer_array(kz_hdf5_writer *w, const char *object, kz_stored stored, int rank, const int64_t *extent,
                               bool gzip, int *id)
{
    hid_t creation = -1, space = -1, access = -1;
    int i = w->n_arrays;
    bool empty = false;
    kz_status st = KZ_OK;
    w->stored[i] = stored;
    w->rank[i] = rank;
    for (int k = 0; k < rank; k++) {
        w->extent[i][k] = (hsize_t)extent[k];
        empty = empty || extent[k] == 0;
    }
    KZ_TRY(creation_of(w, object, i, gzip && !empty, &creation));
    KZ_TRY(make_group(w, object));
    WRITE(access = H5Pcreate(H5P_DATASET_ACCESS));
    WRITE(H5Pset_chunk_cache(access, 521, 8 * CHUNK_BYTES, 1.0));
    WRITE(space = H5Screate_simple(rank, w->extent[i], NULL));
    WRITE(w->array[i] = H5Dcreate2(w->file, object, file_type(stored), space, H5P_DEFAULT, creation, access));
    w->n_arrays++;
    *id = i;
done:
    if (space >= 0) H5Sclose(space);
    if (access >= 0) H5Pclose(access);
    if (creation >= 0) H5Pclose(creation);
    return st;
}

kz_status kz_hdf5_writer_rows(kz_hdf5_writer *w, int id, int64_t first, int64_t n, const void *values)
{
    const char *object = "an array";
    hsize_t start[KZ_RANK_MAX] = {(hsize_t)first}, count[KZ_RANK_MAX] = {(hsize_t)n};
    hid_t in_file = -1, in_memory = -1;
    kz_status st = KZ_OK;
    if (n == 0) return KZ_OK;
    for (int i = 1; i < w->rank[id]; i++) count[i] = w->extent[id][i];
    WRITE(in_file = H5Dget_space(w->array[id]));
    WRITE(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, count, NULL));
    WRITE(in_memory = H5Screate_simple(w->rank[id], count, NULL));
    WRITE(H5Dwrite(w->array[id], kz_hdf5_memory_type(w->stored[id]), in_memory, in_file, H5P_DEFAULT, values));
done:
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return st;
}

/* ---- attributes ---- */

static kz_status write_attribute(kz_hdf5_writer *w, const char *object, hid_t type, hid_t memory, hid_t space,
                                 const void *values)
{
    hid_t attribute = -1;
    kz_status st = KZ_OK;
    WRITE(attribute = H5Acreate2(w->file, object, type, space, H5P_DEFAULT, H5P_DEFAULT));
    WRITE(H5Awrite(attribute, memory, values));
done:
    if (attribute >= 0) H5Aclose(attribute);
    return st;
}

/* Texts of fixed length, padded with NUL. */
static kz_status make_type(kz_hdf5_writer *w, const char *object, size_t length, hid_t *type)
{
    kz_status st = KZ_OK;
    WRITE(*type = H5Tcopy(H5T_C_S1));
    WRITE(H5Tset_size(*type, length ? length : 1));
    WRITE(H5Tset_strpad(*type, H5T_STR_NULLPAD));
    WRITE(H5Tset_cset(*type, H5T_CSET_UTF8));
done:
    return st;
}

kz_status kz_hdf5_writer_text(kz_hdf5_writer *w, const char *object, const char *text)
{
    hid_t type = -1, space = -1;
    kz_status st = KZ_OK;
    KZ_TRY(make_type(w, object, strlen(text), &type));
    WRITE(space = H5Screate(H5S_SCALAR));
    KZ_TRY(write_attribute(w, object, type, type, space, text));
done:
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    return st;
}

static kz_status write_text_array(kz_hdf5_writer *w, const char *object, hid_t type, hid_t space, const char *flat)
{
    hid_t creation = -1, set = -1;
    kz_status st = KZ_OK;
    WRITE(creation = H5Pcreate(H5P_DATASET_CREATE));
    WRITE(H5Pset_obj_track_times(creation, false));
    WRITE(set = H5Dcreate2(w->file, object, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    WRITE(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, flat));
done:
    if (set >= 0) H5Dclose(set);
    if (creation >= 0) H5Pclose(creation);
    return st;
}

kz_status kz_hdf5_writer_texts(kz_hdf5_writer *w, const char *object, char *const *texts, int64_t n)
{
    hid_t type = -1, space = -1;
    size_t length = 1;
    hsize_t extent = (hsize_t)n;
    char *flat = NULL;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n; i++)
        if (strlen(texts[i]) > length) length = strlen(texts[i]);
    KZ_TRY(kz_calloc(&flat, n, length, object));
    for (int64_t i = 0; i < n; i++) memcpy(flat + (size_t)i * length, texts[i], strlen(texts[i]));
    KZ_TRY(make_type(w, object, length, &type));
    WRITE(space = H5Screate_simple(1, &extent, NULL));
    if ((double)n * (double)length <= DENSE_BYTES) KZ_TRY(write_attribute(w, object, type, type, space, flat));
    else KZ_TRY(write_text_array(w, object, type, space, flat));
done:
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    kz_free(&flat);
    return st;
}

kz_status kz_hdf5_writer_numbers(kz_hdf5_writer *w, const char *object, const double *values, int64_t n)
{
    hid_t space = -1;
    hsize_t extent = (hsize_t)n;
    kz_status st = KZ_OK;
    WRITE(space = H5Screate_simple(1, &extent, NULL));
    KZ_TRY(write_attribute(w, object, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, space, values));
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

kz_status kz_hdf5_writer_integer(kz_hdf5_writer *w, const char *object, int32_t value)
{
    hid_t space = -1;
    kz_status st = KZ_OK;
    WRITE(space = H5Screate(H5S_SCALAR));
    KZ_TRY(write_attribute(w, object, H5T_STD_I32LE, H5T_NATIVE_INT32, space, &value));
done:
    if (space >= 0) H5Sclose(space);
    return st;
}

/* ---- the end ---- */

static kz_status close_file(kz_hdf5_writer *w, const char *object)
{
    herr_t bad = 0;
    for (int i = 0; i < w->n_arrays; i++) bad |= H5Dclose(w->array[i]);
    w->n_arrays = 0;
    bad |= H5Fclose(w->file);
    w->file = -1;
    return bad < 0 || w->sink.error ? write_fail(w, object, __FILE__, __LINE__) : KZ_OK;
}

kz_status kz_hdf5_writer_commit(kz_hdf5_writer *w, int64_t *bytes)
{
    struct stat info;
    kz_status st = KZ_OK;
    KZ_TRY(close_file(w, "the file"));
    if (fsync(w->sink.fd) != 0 || fstat(w->sink.fd, &info) != 0)
        return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written: %s", w->path, strerror(errno));
    KZ_TRY(check_place(w->path, w->force)); /* another may have made it meanwhile */
    if (rename(w->temporary, w->path) != 0)
        return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be renamed into place: %s", w->path, strerror(errno));
    kz_free(&w->temporary);
    *bytes = info.st_size;
done:
    return st;
}

void kz_hdf5_writer_destroy(kz_hdf5_writer **writer)
{
    kz_hdf5_writer *w = *writer;
    if (!w) return;
    if (w->file >= 0) (void)close_file(w, "the file");
    if (w->sink.fd >= 0) close(w->sink.fd);
    if (w->temporary) unlink(w->temporary);
    kz_free(&w->temporary);
    kz_free(&w->path);
    kz_free(writer);
}
