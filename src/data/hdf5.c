/* Files as the HDF5 library has them, in the reader process: open, read rows, close; its errors become ours. */
#include "data/hdf5_impl.h"

#include <string.h>

/* ---- errors ---- */

static bool starved;

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *out)
{
    if (error->maj_num == H5E_RESOURCE && error->min_num == H5E_NOSPACE) starved = true;
    if (n == 0 && error->desc) snprintf(out, 256, "%s", error->desc);
    return 0;
}

void kz_hdf5_message(char out[256])
{
    snprintf(out, 256, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, out);
    H5Eclear2(H5E_DEFAULT);
}

bool kz_lib_starved(void)
{
    bool was = starved;
    starved = false;
    return was;
}

kz_status kz_hdf5_fail(const kz_lib *file, const char *object, const char *source, int line)
{
    char why[256];
    kz_hdf5_message(why);
    return kz_error_set(KZ_E_DATA, source, line, "%s: %s cannot be read, the file may be damaged: %s (HDF5)",
                        file->path, object, why);
}

/* ---- open and close ---- */

static kz_status refuse(const char *path, const char *why)
{
    unsigned long long there, base, end;
    if (sscanf(why, "truncated file: eof = %llu, sblock->base_addr = %llu, stored_eof = %llu", &there, &base, &end) ==
        3)
        return KZ_FAIL(KZ_E_DATA, "%s: is cut short: %llu of %llu bytes are there; fetch it again", path, there,
                       base + end);
    return KZ_FAIL(KZ_E_DATA, "%s: cannot be read as HDF5, it may be damaged or cut short: %s; fetch it again", path,
                   why);
}

/* No chunk cache: each chunk is read once.  Without it HDF5 reads a chunk that is not packed from its place by the size
 * it must have; into a cache it would read the size that the file claims, and take more from there. */
static kz_status open_file(hid_t *out, const char *path, int fd, int64_t bytes)
{
    char why[256];
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_cache(access, 0, 0, 0, 0) >= 0 && kz_hdf5_set_driver(access, fd, bytes) >= 0)
        *out = H5Fopen("/file", H5F_ACC_RDONLY, access); /* its name is of no use to the library */
    if (*out < 0) kz_hdf5_message(why);                  /* before another call loses it */
    if (access >= 0) H5Pclose(access);
    return *out < 0 ? refuse(path, why) : KZ_OK;
}

void kz_lib_prepare(bool allow_filters)
{
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    if (allow_filters) kz_hdf5_load_filters();
}

kz_status kz_lib_open(kz_lib **out, const char *path, int fd, int64_t bytes, bool allow_filters)
{
    kz_lib *file = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&file, 1, sizeof *file, "HDF5 file"));
    file->id = H5I_INVALID_HID;
    file->bytes = bytes;
    file->allow_filters = allow_filters;
    KZ_TRY(kz_strdup(&file->path, path));
    KZ_TRY(open_file(&file->id, path, fd, bytes));
    *out = file;
    file = NULL; /* given away */
done:
    kz_lib_close(&file);
    return st;
}

void kz_lib_close(kz_lib **file)
{
    if (!*file) return;
    kz_hdf5_reader_destroy(&(*file)->reader);
    for (int i = 0; i < (*file)->n_arrays; i++) H5Dclose((*file)->array[i]);
    if ((*file)->id >= 0) H5Fclose((*file)->id);
    kz_free(&(*file)->array);
    kz_free(&(*file)->path);
    kz_free(file);
}

/* ---- rows ---- */

/* Parts of an array in chunks may be left out; but what not even the densest packing of the whole file could hold was
 * never written, and to read it would take time and memory for nothing. */
static kz_status check_written(const kz_lib *file, const kz_array *a)
{
    enum { DENSEST = 1100, UNASKED = 16 << 20 }; /* deflate packs 1032 bytes into one; few bytes do no harm */
    char declared[24], there[24];
    double bytes = (double)kz_array_rows(a) * (double)kz_array_row(a) * (double)kz_stored_size(a->stored);
    if (bytes <= UNASKED + (double)DENSEST * (double)file->bytes) return KZ_OK;
    kz_format_size(declared, bytes);
    kz_format_size(there, (double)file->bytes);
    return KZ_FAIL(KZ_E_DATA,
                   "%s: %s declares %s of values in a file of %s: most of them were never written; write them, or "
                   "shorten it to the rows that there are",
                   file->path, a->object, declared, there);
}

hid_t kz_hdf5_memory_type(kz_stored stored)
{
    switch (stored) {
#define KZ_STORED_CASE(constant, name, type, hdf5)                                                                     \
    case constant: return hdf5;
        KZ_STORED_LIST(KZ_STORED_CASE)
#undef KZ_STORED_CASE
    }
    return H5I_INVALID_HID;
}

/* The memory type has the size and the sign of the stored one, so that HDF5 changes byte order only, but for float16
 * (exact in binary32) and for floats wider than binary64 (rounded to it). */
kz_status kz_lib_read(kz_lib *file, const kz_array *a, int64_t first, int64_t n, void *out)
{
    const char *object = a->object;
    hsize_t start[KZ_RANK_MAX] = {(hsize_t)first}, count[KZ_RANK_MAX] = {(hsize_t)n};
    hid_t in_file = -1, in_memory = -1;
    kz_status st = KZ_OK;
    if (a->chunk_bytes > 0) {
        if (!file->sampled) KZ_TRY(check_written(file, a));
        return kz_hdf5_read_chunks(file, a, first, n, out);
    }
    if (H5Dget_offset(file->array[a->id]) == HADDR_UNDEF) /* not contiguous: what HDF5 leaves out is 0 */
        memset(out, 0, (size_t)(n * kz_array_row(a) * kz_stored_size(a->stored)));
    for (int i = 1; i < a->rank; i++) count[i] = (hsize_t)a->extent[i];
    KZ_HDF5(in_file = H5Dget_space(file->array[a->id]));
    KZ_HDF5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, count, NULL));
    KZ_HDF5(in_memory = H5Screate_simple(a->rank, count, NULL));
    KZ_HDF5(H5Dread(file->array[a->id], kz_hdf5_memory_type(a->stored), in_memory, in_file, H5P_DEFAULT, out));
done:
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return st;
}
