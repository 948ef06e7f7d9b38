/* Files and paths. */
#include "kz/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static kz_status read_all(kz_text *out, int fd, const char *path, int64_t limit)
{
    char block[1 << 16];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return KZ_FAIL(KZ_E_FAIL, "%s: cannot be read: %s", path, strerror(errno));
        if (n == 0) return kz_text_add_bytes(out, "", 0);
        if (out->n + n > limit)
            return KZ_FAIL(KZ_E_DATA, "%s: larger than the %lld bytes allowed", path, (long long)limit);
        kz_status st = kz_text_add_bytes(out, block, n);
        if (st != KZ_OK) return st;
    }
}

kz_status kz_file_read(kz_text *out, const char *path, int64_t limit)
{
    struct stat info;
    kz_text text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return KZ_FAIL(KZ_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    kz_status st = KZ_OK;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) st = KZ_FAIL(KZ_E_INPUT, "%s: is a folder, not a file", path);
    else st = read_all(&text, fd, path, limit);
    close(fd);
    if (st == KZ_OK) st = kz_text_add_bytes(out, kz_text_str(&text), text.n);
    kz_text_free(&text);
    return st;
}

static bool write_all(int fd, const char *bytes, int64_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, (size_t)n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        bytes += done;
        n -= done;
    }
    return true;
}

kz_status kz_file_replace(const char *path, const void *bytes, int64_t n, bool sync)
{
    kz_text temporary = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_text_add(&temporary, "%s.tmp-%ld", path, (long)getpid()));
    int fd = open(temporary.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be made: %s", temporary.s, strerror(errno));
        goto done;
    }
    bool written = write_all(fd, bytes, n) && (!sync || fsync(fd) == 0);
    int write_errno = errno;
    if (close(fd) != 0 && written) {
        written = false;
        write_errno = errno;
    }
    if (!written) st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written: %s", path, strerror(write_errno));
    else if (rename(temporary.s, path) != 0)
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be renamed into place: %s", path, strerror(errno));
    if (st != KZ_OK) unlink(temporary.s);
done:
    kz_text_free(&temporary);
    return st;
}

kz_status kz_mkdirs(const char *path)
{
    char *copy = NULL;
    kz_status st = kz_strdup(&copy, path);
    if (st != KZ_OK) return st;
    for (char *p = copy + 1; st == KZ_OK && *copy; p++) {
        bool last = *p == '\0';
        if (!last && *p != '/') continue;
        *p = '\0';
        struct stat info;
        if (mkdir(copy, 0777) != 0 && !(errno == EEXIST && stat(copy, &info) == 0 && S_ISDIR(info.st_mode)))
            st = KZ_FAIL(KZ_E_OUTPUT, "%s: the folder cannot be made: %s", copy,
                         strerror(errno == EEXIST ? ENOTDIR : errno));
        if (last) break;
        *p = '/';
    }
    kz_free(&copy);
    return st;
}

kz_status kz_path_join(char **out, const char *directory, const char *name)
{
    kz_text t = {0};
    size_t n = strlen(directory);
    bool slash = n > 0 && directory[n - 1] != '/';
    kz_status st = kz_text_add(&t, "%s%s%s", directory, slash ? "/" : "", name);
    if (st == KZ_OK) *out = t.s;
    return st;
}

/* Against the working directory, as text. */
static kz_status path_from_here(char **out, const char *path)
{
    if (path[0] == '/') return kz_strdup(out, path);
    char *here = getcwd(NULL, 0);
    if (!here) return KZ_FAIL(KZ_E_FAIL, "the working directory cannot be read: %s", strerror(errno));
    kz_status st = kz_path_join(out, here, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    free(here);
    return st;
}

kz_status kz_path_absolute(char **out, const char *path)
{
    char *real = realpath(path, NULL);
    if (!real) return path_from_here(out, path);
    kz_status st = kz_strdup(out, real);
    free(real);
    return st;
}

kz_status kz_path_directory(char **out, const char *path)
{
    const char *slash = strrchr(path, '/');
    kz_status st = kz_strdup(out, slash ? path : ".");
    if (st == KZ_OK && slash) (*out)[slash == path ? 1 : slash - path] = '\0';
    return st;
}

bool kz_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}
