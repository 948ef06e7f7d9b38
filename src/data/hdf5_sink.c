/* A file driver for the HDF5 library that writes to a descriptor.  The library's own driver gives up half-way where a
 * disk is full, and the library then crashes when the program ends: it cannot close what it could not write.  So the
 * first failure is kept, what is written after it goes nowhere, and closing always works. */
#include "data/hdf5_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    kz_hdf5_sink *sink;
} target;

static H5FD_t *sink_open(const char *name, unsigned flags, hid_t access, haddr_t maxaddr)
{
    const target *to = H5Pget_driver_info(access);
    (void)name, (void)flags, (void)maxaddr;
    if (!to) return NULL;
    to->sink->eoa = to->sink->eof = 0;
    return &to->sink->base;
}

static herr_t sink_close(H5FD_t *file)
{
    (void)file;
    return 0;
}

static int sink_compare(const H5FD_t *a, const H5FD_t *b)
{
    uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
    return x < y ? -1 : x > y;
}

static herr_t sink_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t sink_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const kz_hdf5_sink *)file)->eoa;
}

static herr_t sink_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t eoa)
{
    (void)type;
    ((kz_hdf5_sink *)file)->eoa = eoa;
    return 0;
}

static haddr_t sink_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const kz_hdf5_sink *)file)->eof;
}

static void keep_error(kz_hdf5_sink *sink)
{
    if (!sink->error) sink->error = errno ? errno : EIO;
}

static herr_t sink_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, void *out)
{
    kz_hdf5_sink *f = (kz_hdf5_sink *)file;
    char *to = out;
    (void)type, (void)transfer;
    while (n > 0) {
        ssize_t got = pread(f->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) keep_error(f);
        if (got <= 0) break;
        to += got;
        at += (haddr_t)got;
        n -= (size_t)got;
    }
    memset(to, 0, n);
    return 0;
}

static herr_t sink_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, const void *in)
{
    kz_hdf5_sink *f = (kz_hdf5_sink *)file;
    const char *from = in;
    (void)type, (void)transfer;
    if (at + n > f->eof) f->eof = at + n;
    while (n > 0 && !f->error) {
        ssize_t done = pwrite(f->fd, from, n, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            if (done == 0) errno = ENOSPC;
            keep_error(f);
            break;
        }
        from += done;
        at += (haddr_t)done;
        n -= (size_t)done;
    }
    return 0;
}

static herr_t sink_truncate(H5FD_t *file, hid_t transfer, hbool_t closing)
{
    kz_hdf5_sink *f = (kz_hdf5_sink *)file;
    (void)transfer, (void)closing;
    if (f->eoa == f->eof) return 0;
    if (!f->error && ftruncate(f->fd, (off_t)f->eoa) != 0) keep_error(f);
    f->eof = f->eoa;
    return 0;
}

static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = 513, /* of the range left to programs */
#endif
    .name = "kaizen-sink",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG, /* what a failure left open is closed with the file */
    .fapl_size = sizeof(target),
    .open = sink_open,
    .close = sink_close,
    .cmp = sink_compare,
    .query = sink_query,
    .get_eoa = sink_get_eoa,
    .set_eoa = sink_set_eoa,
    .get_eof = sink_get_eof,
    .read = sink_read,
    .write = sink_write,
    .truncate = sink_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t kz_hdf5_set_sink(hid_t access, kz_hdf5_sink *sink)
{
    target to = {.sink = sink};
    hid_t id = H5FDregister(&driver);
    herr_t done = id < 0 ? -1 : H5Pset_driver(access, id, &to);
    if (id >= 0) H5Idec_ref(id); /* the access list keeps it */
    return done;
}
