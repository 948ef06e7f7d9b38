/* A library for LD_PRELOAD that makes one system call of a program go wrong, the n-th of those that touch files under the
 * folder FAULT_DIR, or one of its allocations.
 *
 *   FAULT_AT    which one, from 1; 0 or unset: none, they are only counted
 *   FAULT_HOW   kill: SIGKILL before the call; kill-after: after it; short: half of a write, then SIGKILL;
 *               else an errno by name: ENOSPC, EIO, EACCES, EDQUOT, EINTR
 *   FAULT_CALLS only these calls, such as "write,fsync"; unset: all
 *   FAULT_LOG   a file to which the calls are appended, one line each: "12 write run/metrics.jsonl"
 *   FAULT_FOR   how many calls in a row go wrong; default 1, 0: all from FAULT_AT on
 *   FAULT_ALLOC which allocation of kz_calloc fails, from 1, but for those of the reader of data files, which is another
 *               process; 0: none, and their number is written to FAULT_LOG at the end */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int error_named(const char *how)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(errors[i].name, how) == 0) return errors[i].number;
    return 0;
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

static int under_folder(const char *path)
{
    const char *folder = getenv("FAULT_DIR");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

/* Is the call in the list of FAULT_CALLS? */
static int wanted(const char *call)
{
    const char *list = getenv("FAULT_CALLS");
    size_t n = strlen(call);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, call, n) == 0 && (at[n] == ',' || at[n] == '\0')) return 1;
    return !list;
}

static void log_call(long number, const char *call, const char *path)
{
    char line[512];
    const char *file = getenv("FAULT_LOG");
    int fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (fd < 0) return;
    int n = snprintf(line, sizeof line, "%ld %s %s\n", number, call, path);
    syscall(SYS_write, fd, line, (size_t)n);
    syscall(SYS_close, fd);
}

enum { GO_ON, FAIL, KILL_AFTER, SHORT };

/* What is to happen to this call; errno is set for FAIL. */
static int fate(const char *call, const char *path)
{
    const char *at = getenv("FAULT_AT"), *how = getenv("FAULT_HOW"), *times = getenv("FAULT_FOR");
    if (!under_folder(path) || !wanted(call)) return GO_ON;
    pthread_mutex_lock(&lock);
    long number = ++calls, first = at ? atol(at) : 0, n = times ? atol(times) : 1;
    log_call(number, call, path);
    pthread_mutex_unlock(&lock);
    if (first <= 0 || number < first || (n > 0 && number >= first + n) || !how) return GO_ON;
    if (strcmp(how, "kill") == 0) die();
    if (strcmp(how, "kill-after") == 0) return KILL_AFTER;
    if (strcmp(how, "short") == 0) return SHORT;
    errno = error_named(how);
    return FAIL;
}

static const char *path_of(int fd, char out[4096])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, 4095);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

/* Runs a call that fails with -1. */
#define GUARDED(name, path, call)                                                                                      \
    do {                                                                                                               \
        int how_ = fate(#name, path);                                                                                  \
        if (how_ == FAIL) return -1;                                                                                   \
        __typeof__(call) result_ = call;                                                                               \
        if (how_ == KILL_AFTER || how_ == SHORT) die();                                                                \
        return result_;                                                                                                \
    } while (0)

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    GUARDED(open, path, REAL(open)(path, flags, mode));
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    GUARDED(open, path, REAL(open64)(path, flags, mode));
}

ssize_t write(int fd, const void *data, size_t n)
{
    char path[4096];
    int how = fd > 2 ? fate("write", path_of(fd, path)) : GO_ON;
    if (how == FAIL) return -1;
    if (how == SHORT) n /= 2;
    ssize_t done = REAL(write)(fd, data, n);
    if (how == KILL_AFTER || how == SHORT) die();
    return done;
}

ssize_t read(int fd, void *data, size_t n)
{
    char path[4096];
    GUARDED(read, path_of(fd, path), REAL(read)(fd, data, n));
}

ssize_t pread(int fd, void *data, size_t n, off_t at)
{
    char path[4096];
    GUARDED(pread, path_of(fd, path), REAL(pread)(fd, data, n, at));
}

ssize_t pread64(int fd, void *data, size_t n, off64_t at)
{
    char path[4096];
    GUARDED(pread, path_of(fd, path), REAL(pread64)(fd, data, n, at));
}

int fsync(int fd)
{
    char path[4096];
    GUARDED(fsync, path_of(fd, path), REAL(fsync)(fd));
}

int fdatasync(int fd)
{
    char path[4096];
    GUARDED(fdatasync, path_of(fd, path), REAL(fdatasync)(fd));
}

int ftruncate(int fd, off_t n)
{
    char path[4096];
    GUARDED(ftruncate, path_of(fd, path), REAL(ftruncate)(fd, n));
}

int close(int fd)
{
    char path[4096];
    int how = fd > 2 ? fate("close", path_of(fd, path)) : GO_ON;
    int result = REAL(close)(fd); /* also where it is to fail: the descriptor is gone either way */
    if (how == KILL_AFTER || how == SHORT) die();
    if (how != FAIL) return result;
    errno = EIO;
    return -1;
}

int rename(const char *from, const char *to)
{
    GUARDED(rename, to, REAL(rename)(from, to));
}

int unlink(const char *path)
{
    GUARDED(unlink, path, REAL(unlink)(path));
}

int unlinkat(int folder, const char *name, int flags)
{
    char path[4096];
    GUARDED(unlink, path_of(folder, path), REAL(unlinkat)(folder, name, flags));
}

int mkdir(const char *path, mode_t mode)
{
    GUARDED(mkdir, path, REAL(mkdir)(path, mode));
}

DIR *opendir(const char *path)
{
    int how = fate("opendir", path);
    if (how == FAIL) return NULL;
    DIR *result = REAL(opendir)(path);
    if (how == KILL_AFTER || how == SHORT) die();
    return result;
}

/* ---- memory: kz_calloc is the only one that asks for aligned memory ---- */

static long allocations;
static pid_t first_process;

__attribute__((constructor)) static void begin(void)
{
    first_process = getpid();
}

__attribute__((destructor)) static void end(void)
{
    const char *which = getenv("FAULT_ALLOC");
    if (which && atol(which) == 0 && getpid() == first_process) log_call(allocations, "allocations", "");
}

void *aligned_alloc(size_t alignment, size_t n)
{
    const char *which = getenv("FAULT_ALLOC");
    long number = getpid() == first_process ? __atomic_add_fetch(&allocations, 1, __ATOMIC_SEQ_CST) : 0;
    void *p = NULL;
    if (which && number > 0 && number == atol(which)) errno = ENOMEM;
    else if (posix_memalign(&p, alignment, n) != 0) errno = ENOMEM;
    return p;
}
