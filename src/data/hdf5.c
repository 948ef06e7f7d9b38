/* Files through the HDF5 library: open, read rows, close; its errors become ours. */
#include "data/hdf5_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- errors ---- */

static herr_t innermost(unsigned n, const H5E_error2_t *error, void *out)
{
    if (n == 0 && error->desc) snprintf(out, 256, "%s", error->desc);
    return 0;
}

void kz_hdf5_message(char out[256])
{
    snprintf(out, 256, "no reason given");
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, out);
    H5Eclear2(H5E_DEFAULT);
}

kz_status kz_hdf5_fail(const kz_hdf5 *file, const char *object, const char *source, int line)
{
    char why[256];
    kz_hdf5_message(why);
    return kz_error_set(KZ_E_DATA, source, line, "%s: %s cannot be read, the file may be damaged: %s (HDF5)",
                        file->path, object, why);
}

/* ---- open and close ---- */

/* Some file systems (NFS, read-only ones) know no locks; a lock that another program holds is another matter. */
static bool no_locks_here(const char *why)
{
    static const char before[] = "lock file, errno = ";
    const char *found = strstr(why, before);
    long code = found ? strtol(found + strlen(before), NULL, 10) : 0;
    return code > 0 && code != EAGAIN && code != EACCES;
}

static kz_status refuse(const char *path, const char *why)
{
    if (strstr(why, "already open for"))
        return KZ_FAIL(KZ_E_DATA,
                       "%s: is marked as being written; if no program writes it any more, repair a copy with "
                       "`h5clear -s --increment=0 COPY`",
                       path);
    if (strstr(why, "lock file"))
        return KZ_FAIL(KZ_E_DATA, "%s: is open for writing in another program; wait until that has closed it", path);
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
static hid_t open_with(const char *path, bool lock, char why[256])
{
    hid_t out = -1, access = H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_cache(access, 0, 0, 0, 0) >= 0 && (lock || H5Pset_file_locking(access, false, true) >= 0))
        out = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (out < 0) kz_hdf5_message(why); /* before another call loses it */
    if (access >= 0) H5Pclose(access);
    return out;
}

static kz_status open_file(hid_t *out, const char *path)
{
    char why[256];
    *out = open_with(path, true, why);
    if (*out < 0 && no_locks_here(why)) *out = open_with(path, false, why);
    return *out < 0 ? refuse(path, why) : KZ_OK;
}

/* Says what a file is that HDF5 does not know.  A pipe or a device is not opened: it could keep us waiting for ever. */
static kz_status check_signature(const char *path)
{
    uint8_t head[4096];
    struct stat info;
    bool known = stat(path, &info) == 0;
    if (known && S_ISDIR(info.st_mode))
        return KZ_FAIL(KZ_E_INPUT, "%s: is a folder; name the HDF5 file itself in data.path", path);
    if (known && !S_ISREG(info.st_mode))
        return KZ_FAIL(KZ_E_INPUT, "%s: is not a regular file; copy the data into one", path);
    FILE *f = fopen(path, "rb");
    if (!f) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    bool bad = ferror(f) != 0;
    int reason = errno;
    fclose(f);
    if (bad) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be read: %s", path, strerror(reason));
    if (n == 0) return KZ_FAIL(KZ_E_DATA, "%s: is empty; write it again or fetch it again", path);
    if (H5Fis_hdf5(path) > 0) return KZ_OK;
    H5Eclear2(H5E_DEFAULT);
    return KZ_FAIL(KZ_E_DATA, "%s: is not an HDF5 file; it looks like %s", path, kz_data_looks_like(head, (int64_t)n));
}

kz_status kz_hdf5_open(kz_hdf5 **out, const char *path)
{
    kz_hdf5 *file = NULL;
    kz_status st = KZ_OK;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* prints nothing */
    H5PLset_loading_state(0);              /* a file names its filters; none is loaded on its word */
    KZ_TRY(check_signature(path));
    KZ_TRY(kz_calloc(&file, 1, sizeof *file, "HDF5 file"));
    file->id = H5I_INVALID_HID;
    KZ_TRY(kz_strdup(&file->path, path));
    KZ_TRY(open_file(&file->id, path));
    *out = file;
    file = NULL; /* given away */
done:
    kz_hdf5_close(&file);
    return st;
}

const char *kz_hdf5_path(const kz_hdf5 *file)
{
    return file->path;
}

void kz_hdf5_close(kz_hdf5 **file)
{
    if (!*file) return;
    kz_hdf5_reader_destroy(&(*file)->reader);
    for (int i = 0; i < (*file)->n_arrays; i++) H5Dclose((*file)->array[i]);
    if ((*file)->id >= 0) H5Fclose((*file)->id);
    kz_free(&(*file)->path);
    kz_free(file);
}

/* ---- rows ---- */

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
kz_status kz_hdf5_read(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, void *out)
{
    const char *object = a->object;
    hsize_t start[KZ_RANK_MAX] = {(hsize_t)first}, count[KZ_RANK_MAX] = {(hsize_t)n};
    hid_t in_file = -1, in_memory = -1;
    kz_status st = KZ_OK;
    if (a->chunk_bytes > 0) return kz_hdf5_read_chunks(file, a, first, n, out);
    memset(out, 0, (size_t)(n * kz_array_row(a) * kz_stored_size(a->stored))); /* what HDF5 leaves out is 0 */
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
