/* Which walls of the reader process stand here: a process of its own puts them up and runs against them.  A kernel, an
 * emulator or a build without one of them is no failure; the others hold alone. */
#include "data/reader_protocol.h"
#include "kz/data.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_PROCESS = 0, TRIED = 1, MEMORY = 2, FILES = 4, CALLS = 8 };
enum { ROOM = 64 << 20 };

/* Takes twice what it may, opens a file, and makes a call that the filter does not list. */
static void __attribute__((noreturn)) try_walls(void)
{
    int held = TRIED;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    kz_sandbox_limits(ROOM, ROOM);
    void *more = mmap(NULL, 2 * (size_t)ROOM, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (more == MAP_FAILED) held |= MEMORY;
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) held |= FILES;
    if (kz_sandbox_filter() && syscall(SYS_getppid) < 0 && errno == EPERM) held |= CALLS;
    _exit(held);
}

static int find_walls(void)
{
    int status = 0;
    pid_t done, pid = fork();
    if (pid == 0) try_walls();
    if (pid < 0) return NO_PROCESS;
    do done = waitpid(pid, &status, 0);
    while (done < 0 && errno == EINTR);
    return done == pid && WIFEXITED(status) ? WEXITSTATUS(status) : NO_PROCESS;
}

static json_t *wall(int held, int which, const char *source, const char *reason)
{
    if (held == NO_PROCESS) reason = "no process could be started to try it";
    return json_pack("{s:s, s:b, s:s?}", "source", source, "available", (held & which) != 0, "reason",
                     held & which ? NULL : reason);
}

json_t *kz_data_walls(void)
{
#ifdef KZ_HAVE_SECCOMP
    const char *no_filter = "the kernel, or what emulates it, has no seccomp";
#else
    const char *no_filter = "built without libseccomp";
#endif
    const char *no_limit =
        KZ_UNDER_SANITIZER ? "not with a sanitizer" : "the kernel, or what emulates it, keeps no limit";
    int held = find_walls();
    return json_pack("{s:o, s:o, s:o}", "memory", wall(held, MEMORY, "RLIMIT_AS", no_limit), "files",
                     wall(held, FILES, "RLIMIT_NOFILE", "the kernel, or what emulates it, keeps no limit"), "calls",
                     wall(held, CALLS, "seccomp", no_filter));
}
