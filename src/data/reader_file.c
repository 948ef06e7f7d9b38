/* The file before the HDF5 library sees it: opened, known as HDF5, and locked against programs that write it. */
#include "data/data_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

/* HDF5's superblock is at 0 or, behind a user block, at 512, 1024, 2048, ...; -1: there is none. */
static int64_t find_superblock(int fd, int64_t bytes)
{
    uint8_t found[sizeof signature];
    for (int64_t at = 0; at <= bytes - (int64_t)sizeof found; at = at ? 2 * at : 512)
        if (pread(fd, found, sizeof found, (off_t)at) == (ssize_t)sizeof found &&
            memcmp(found, signature, sizeof found) == 0)
            return at;
    return -1;
}

/* Version 3 of the superblock has flags: a writer has it open, or one that lets others read (SWMR). */
static kz_status check_mark(int fd, int64_t superblock, const char *path)
{
    enum { VERSION = 8, FLAGS = 11, WRITER = 1, SWMR_WRITER = 4 };
    uint8_t head[12] = {0};
    if (pread(fd, head, sizeof head, (off_t)superblock) != (ssize_t)sizeof head || head[VERSION] != 3) return KZ_OK;
    if (!(head[FLAGS] & (WRITER | SWMR_WRITER))) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA,
                   "%s: is marked as being written; if no program writes it any more, repair a copy with "
                   "`h5clear -s --increment=0 COPY`",
                   path);
}

static kz_status check_signature(int fd, int64_t bytes, const char *path, int64_t *superblock)
{
    uint8_t head[4096];
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    if (n == 0) return KZ_FAIL(KZ_E_DATA, "%s: is empty; write it again or fetch it again", path);
    *superblock = find_superblock(fd, bytes);
    if (*superblock >= 0) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: is not an HDF5 file; it looks like %s", path, kz_data_looks_like(head, n));
}

/* The HDF5 library's own lock, and its own switch.  Some file systems (NFS, read-only ones) know no locks; a lock that
 * another program holds is another matter.  The lock goes with the last copy of the descriptor. */
static kz_status lock(int fd, const char *path)
{
    const char *use = getenv("HDF5_USE_FILE_LOCKING");
    if (use && (strcmp(use, "FALSE") == 0 || strcmp(use, "0") == 0)) return KZ_OK;
    if (flock(fd, LOCK_SH | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EACCES)) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA, "%s: is open for writing in another program; wait until that has closed it", path);
}

/* A pipe or a device is neither waited for nor read: it could keep us waiting for ever. */
kz_status kz_reader_file_open(int *out, int64_t *bytes, const char *path)
{
    struct stat info;
    int64_t superblock = -1;
    kz_status st = KZ_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool known = fd >= 0 ? fstat(fd, &info) == 0 : stat(path, &info) == 0;
    int reason = errno;
    if (known && S_ISDIR(info.st_mode)) {
        st = KZ_FAIL(KZ_E_INPUT, "%s: is a folder; name the HDF5 file itself in data.path", path);
    } else if (known && !S_ISREG(info.st_mode)) {
        st = KZ_FAIL(KZ_E_INPUT, "%s: is not a regular file; copy the data into one", path);
    } else if (fd < 0 || !known) {
        st = KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", path, strerror(reason));
    } else {
        KZ_TRY(check_signature(fd, info.st_size, path, &superblock));
        KZ_TRY(lock(fd, path));
        KZ_TRY(check_mark(fd, superblock, path));
        *bytes = info.st_size;
        *out = fd;
        fd = -1; /* given away */
    }
done:
    if (fd >= 0) close(fd);
    return st;
}
