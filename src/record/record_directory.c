/* Run directories: never shared, never overwritten. */
#include "record_impl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MOST_COLLISIONS = 10000 };

static kz_status check_empty(const char *path)
{
    struct dirent *entry;
    bool empty = true;
    DIR *dir = opendir(path);
    if (!dir) return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be opened: %s", path, strerror(errno));
    while ((entry = readdir(dir)) && empty) empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    if (empty) return KZ_OK;
    int fd = -1;
    kz_status st = kz_record_directory_lock(&fd, path); /* a run that is going on must not be emptied away */
    if (fd >= 0) close(fd);
    if (st != KZ_OK) return st;
    return KZ_FAIL(KZ_E_OUTPUT, "%s: is not empty; empty it, or give --out another folder", path);
}

static kz_status make_given(char **out, bool *made, const char *directory)
{
    kz_status st = kz_strdup(out, directory);
    if (st != KZ_OK) return st;
    *made = !kz_file_exists(directory);
    st = kz_mkdirs(directory);
    if (st == KZ_OK && !*made) st = check_empty(directory);
    if (st == KZ_OK && access(directory, W_OK | X_OK) != 0)
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written to: %s", directory, strerror(errno));
    return st;
}

/* The name is one folder whatever it holds. */
kz_status kz_record_directory_parent(char **out, const kz_config *cfg)
{
    char *name = NULL;
    kz_status st = kz_strdup(&name, cfg->name && *cfg->name ? cfg->name : "run");
    if (st != KZ_OK) return st;
    for (char *p = name; *p; p++)
        if (*p == '/' || iscntrl((unsigned char)*p)) *p = '_';
    if (*name == '.') *name = '_';
    st = kz_path_join(out, cfg->output, name);
    kz_free(&name);
    return st;
}

/* *path <- <parent>/<YYYYmmddTHHMMSSZ>-<8 hexadecimal digits>[-<attempt>] */
static kz_status name_attempt(kz_text *path, const char *parent, const char *started, const char *digest, int attempt)
{
    char when[24];
    int n = 0;
    for (const char *p = started; *p && n < 23; p++)
        if (*p != '-' && *p != ':') when[n++] = *p;
    when[n] = '\0';
    path->n = 0;
    kz_status st = kz_text_add(path, "%s/%s-%.8s", parent, when, digest + strlen("sha256:"));
    return st == KZ_OK && attempt > 1 ? kz_text_add(path, "-%d", attempt) : st;
}

static kz_status make_named(char **out, const char *parent, const char *started, const char *digest)
{
    kz_text path = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_mkdirs(parent));
    for (int attempt = 1;; attempt++) {
        KZ_TRY(name_attempt(&path, parent, started, digest, attempt));
        if (mkdir(path.s, 0777) == 0) break;
        if (errno == EEXIST && attempt < MOST_COLLISIONS) continue;
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: the run directory cannot be made: %s", path.s, strerror(errno));
        goto done;
    }
    *out = path.s;
    path.s = NULL; /* given away */
done:
    kz_text_free(&path);
    return st;
}

kz_status kz_record_directory_make(char **out, bool *made, const kz_config *cfg, const char *config_digest,
                                   const char *started, const char *directory)
{
    char *parent = NULL;
    if (directory) return make_given(out, made, directory);
    kz_status st = kz_record_directory_parent(&parent, cfg);
    if (st == KZ_OK) st = make_named(out, parent, started, config_digest);
    *made = st == KZ_OK;
    kz_free(&parent);
    return st;
}

kz_status kz_record_directory_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* EINVAL: a file system that has no such thing */
    int why = errno;
    if (fd >= 0) close(fd);
    return synced ? KZ_OK : KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be synced to the disk: %s", path, strerror(why));
}

kz_status kz_record_directory_lock(int *fd, const char *path)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0) return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be opened: %s", path, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return KZ_OK;
    bool taken = errno == EWOULDBLOCK;
    close(*fd);
    *fd = -1;
    if (!taken) return KZ_OK; /* a file system without locks */
    return KZ_FAIL(KZ_E_OUTPUT, "%s: another process is training in it; wait for its end, or stop it", path);
}

/* "metrics.jsonl.tmp-123" */
static bool is_temporary(const char *name)
{
    const char *at = strstr(name, ".tmp-");
    return at && at > name && at[5] && strspn(at + 5, "0123456789") == strlen(at + 5);
}

void kz_record_directory_clean(const char *path)
{
    struct dirent *entry;
    DIR *dir = opendir(path);
    if (!dir) return;
    while ((entry = readdir(dir)))
        if (is_temporary(entry->d_name)) unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

/* The nearest folder of the path that exists, the path itself or one above it. */
static kz_status nearest_folder(char **out, const char *path)
{
    char *above = NULL;
    kz_status st = kz_path_absolute(out, path);
    while (st == KZ_OK && !kz_file_exists(*out)) {
        st = kz_path_directory(&above, *out);
        kz_free(out);
        *out = above;
    }
    return st;
}

kz_status kz_record_check(const kz_config *cfg, const char *directory)
{
    char *folder = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(nearest_folder(&folder, directory ? directory : cfg->output));
    if (access(folder, W_OK | X_OK) != 0) {
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written to: %s", folder, strerror(errno));
        goto done;
    }
    if (directory && kz_file_exists(directory)) KZ_TRY(check_empty(directory));
done:
    kz_free(&folder);
    return st;
}

int64_t kz_record_room(const kz_config *cfg, const char *directory)
{
    struct statvfs info;
    char *folder = NULL;
    int64_t room = -1, bytes;
    kz_status st = nearest_folder(&folder, directory ? directory : cfg->output);
    if (st == KZ_OK && statvfs(folder, &info) == 0 &&
        !__builtin_mul_overflow((int64_t)info.f_bavail, (int64_t)info.f_frsize, &bytes))
        room = bytes;
    kz_free(&folder);
    return room;
}
