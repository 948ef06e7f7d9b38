/* Where bytes come from: a file, or memory. */
#include "data/import_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- files ---- */

typedef struct {
    kz_bytes base;
    char *path;
    int fd;
} file_bytes;

static kz_status file_read(kz_bytes *b, void *out, int64_t n, int64_t *got)
{
    file_bytes *f = (file_bytes *)b;
    *got = 0;
    while (*got < n) {
        ssize_t done = read(f->fd, (char *)out + *got, (size_t)(n - *got));
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be read: %s", b->name, strerror(errno));
        if (done == 0) break;
        *got += done;
    }
    b->at += *got;
    return KZ_OK;
}

static kz_status file_seek(kz_bytes *b, int64_t offset)
{
    file_bytes *f = (file_bytes *)b;
    if (lseek(f->fd, offset, SEEK_SET) < 0)
        return KZ_FAIL(KZ_E_INPUT, "%s: cannot be read: %s", b->name, strerror(errno));
    b->at = offset;
    return KZ_OK;
}

static void file_close(kz_bytes *b)
{
    file_bytes *f = (file_bytes *)b;
    if (f->fd >= 0) close(f->fd);
    kz_free(&f->path);
}

kz_status kz_bytes_file(kz_bytes **out, const char *path)
{
    file_bytes *f = NULL;
    struct stat info;
    kz_status st = KZ_OK;
    if (stat(path, &info) != 0) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return KZ_FAIL(KZ_E_INPUT, "%s: is a folder; name the files in it", path);
    if (!S_ISREG(info.st_mode))
        return KZ_FAIL(KZ_E_INPUT, "%s: is not a regular file; it is read more than once: copy the data into one",
                       path);
    KZ_TRY(kz_calloc(&f, 1, sizeof *f, "input file"));
    f->fd = -1;
    f->base = (kz_bytes){.size = info.st_size, .read = file_read, .seek = file_seek, .close = file_close};
    KZ_TRY(kz_strdup(&f->path, path));
    f->base.name = f->path;
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0) {
        st = KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
        goto done;
    }
    posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = &f->base;
    f = NULL; /* given away */
done:
    kz_bytes_close((kz_bytes **)&f);
    return st;
}

kz_status kz_bytes_open(kz_bytes **out, const char *path)
{
    uint8_t head[2];
    int64_t got = 0;
    kz_bytes *file = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_bytes_file(&file, path));
    KZ_TRY(file->read(file, head, sizeof head, &got));
    KZ_TRY(file->seek(file, 0));
    if (got == 2 && head[0] == 0x1f && head[1] == 0x8b) {
        KZ_TRY(kz_bytes_gunzip(out, file));
    } else {
        *out = file;
    }
    file = NULL; /* given away */
done:
    kz_bytes_close(&file);
    return st;
}

/* ---- memory ---- */

typedef struct {
    kz_bytes base;
    const char *bytes;
} memory_bytes;

static kz_status memory_read(kz_bytes *b, void *out, int64_t n, int64_t *got)
{
    const memory_bytes *m = (const memory_bytes *)b;
    *got = n < b->size - b->at ? n : b->size - b->at;
    if (*got > 0) memcpy(out, m->bytes + b->at, (size_t)*got);
    b->at += *got;
    return KZ_OK;
}

static kz_status memory_seek(kz_bytes *b, int64_t offset)
{
    b->at = offset < b->size ? offset : b->size;
    return KZ_OK;
}

static void memory_close(kz_bytes *b)
{
    (void)b; /* borrowed */
}

kz_status kz_bytes_memory(kz_bytes **out, const char *name, const void *bytes, int64_t n)
{
    memory_bytes *m = NULL;
    kz_status st = kz_calloc(&m, 1, sizeof *m, "input");
    if (st != KZ_OK) return st;
    m->base = (kz_bytes){.name = name, .size = n, .read = memory_read, .seek = memory_seek, .close = memory_close};
    m->bytes = bytes;
    *out = &m->base;
    return KZ_OK;
}

/* ---- both ---- */

kz_status kz_bytes_exact(kz_bytes *b, void *out, int64_t n, const char *what)
{
    int64_t got = 0;
    kz_status st = b->read(b, out, n, &got);
    if (st == KZ_OK && got < n)
        st = KZ_FAIL(KZ_E_DATA, "%s: ends within %s; it is cut short, fetch it again", b->name, what);
    return st;
}

void kz_bytes_close(kz_bytes **b)
{
    if (!*b) return;
    (*b)->close(*b);
    kz_free(b);
}
