/* A file driver for the HDF5 library that reads from a descriptor: the library opens no file, whatever a file says. */
#include "data/hdf5_impl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int fd;
    haddr_t bytes;
} source;

typedef struct {
    H5FD_t base; /* HDF5's part */
    source from;
    haddr_t eoa;
} driver_file;

static bool opened; /* one file in a process: a name that the file gives is never opened */
static driver_file the_file;

static herr_t fail(const char *function, int line, const char *why)
{
    H5Epush2(H5E_DEFAULT, __FILE__, function, (unsigned)line, H5E_ERR_CLS, H5E_IO, H5E_READERROR, "%s", why);
    return -1;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t maxaddr)
{
    const source *from = H5Pget_driver_info(access);
    (void)name, (void)maxaddr;
    if (!from || opened || flags & H5F_ACC_RDWR) {
        fail(__func__, __LINE__, "another file must not be opened");
        return NULL;
    }
    opened = true;
    the_file.from = *from;
    return &the_file.base;
}

static herr_t driver_close(H5FD_t *file)
{
    (void)file;
    return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b)
{
    int x = ((const driver_file *)a)->from.fd, y = ((const driver_file *)b)->from.fd;
    return x < y ? -1 : x > y;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)file)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t eoa)
{
    (void)type;
    ((driver_file *)file)->eoa = eoa;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)file)->from.bytes;
}

/* Beyond the end of the file all is 0, as with HDF5's own driver. */
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, void *out)
{
    const driver_file *f = (const driver_file *)file;
    uint8_t *to = out;
    (void)type, (void)transfer;
    if (at > INT64_MAX || n > INT64_MAX - at) return fail(__func__, __LINE__, "an address lies beyond any file");
    while (n > 0) {
        ssize_t got = pread(f->from.fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(__func__, __LINE__, strerror(errno));
        if (got == 0) break;
        to += got;
        at += (haddr_t)got;
        n -= (size_t)got;
    }
    memset(to, 0, n);
    return 0;
}

static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, const void *in)
{
    (void)file, (void)type, (void)transfer, (void)at, (void)n, (void)in;
    return fail(__func__, __LINE__, "the file is only read");
}

static const H5FD_class_t driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = 512, /* of the range left to programs */
#endif
    .name = "kaizen",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(source),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t kz_hdf5_set_driver(hid_t access, int fd, int64_t bytes)
{
    source from = {.fd = fd, .bytes = (haddr_t)bytes};
    hid_t id = H5FDregister(&driver);
    herr_t done = id < 0 ? -1 : H5Pset_driver(access, id, &from);
    if (id >= 0) H5Idec_ref(id); /* the access list keeps it */
    return done;
}
