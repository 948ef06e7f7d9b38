/* The walls of the reader process: no files, no network, no other programs, so much memory and no more. */
#include "data/reader_protocol.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- limits: they hold on any kernel ---- */

static int64_t used_at_start, allowed, at_most;

static int64_t address_space(void)
{
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return 0;
    if (fscanf(f, "%lld", &pages) != 1) pages = 0;
    fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static void limit(int what, int64_t now, int64_t most)
{
    struct rlimit old, new = {.rlim_cur = (rlim_t)now, .rlim_max = (rlim_t)most};
    if (getrlimit((__rlimit_resource_t)what, &old) != 0) return;
    if (new.rlim_max > old.rlim_max) new.rlim_max = old.rlim_max; /* it cannot be raised */
    if (new.rlim_cur > new.rlim_max) new.rlim_cur = new.rlim_max;
    setrlimit((__rlimit_resource_t)what, &new);
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t out;
    return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

/* The sanitizers' addresses leave nothing for a limit on them to hold.  No descriptor beyond those open, whatever call would make it; no core, for it would hold our memory. */
void kz_sandbox_limits(int64_t now, int64_t most)
{
    used_at_start = address_space();
    allowed = now;
    at_most = most;
    if (!KZ_UNDER_SANITIZER && used_at_start > 0) limit(RLIMIT_AS, sum(used_at_start, now), sum(used_at_start, most));
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_NOFILE, 0, 0);
    limit(RLIMIT_NPROC, 0, 0);
}

void kz_sandbox_allow(int64_t bytes)
{
    if (bytes <= allowed) return;
    allowed = bytes < at_most ? bytes : at_most;
    if (!KZ_UNDER_SANITIZER && used_at_start > 0)
        limit(RLIMIT_AS, sum(used_at_start, allowed), sum(used_at_start, at_most));
}

int64_t kz_sandbox_allowed(void)
{
    return allowed;
}

/* ---- system calls ---- */

#ifdef KZ_HAVE_SECCOMP
#include <errno.h>
#include <seccomp.h>
#include <sys/mman.h>

static const int free_calls[] = {
    SCMP_SYS(read),       SCMP_SYS(pread64),      SCMP_SYS(lseek),         SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),    SCMP_SYS(sendto),       SCMP_SYS(sendmsg),       SCMP_SYS(poll),
    SCMP_SYS(ppoll),      SCMP_SYS(brk),          SCMP_SYS(munmap),        SCMP_SYS(mremap),
    SCMP_SYS(madvise),    SCMP_SYS(futex),        SCMP_SYS(exit),          SCMP_SYS(exit_group),
    SCMP_SYS(getpid),     SCMP_SYS(gettid),       SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(time),       SCMP_SYS(getrandom),    SCMP_SYS(sched_yield),   SCMP_SYS(restart_syscall),
    SCMP_SYS(getrusage),  SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack)};

/* Memory that is no file's and never becomes a program; signals to itself (abort); its own limits. */
static int add_bound_calls(scmp_filter_ctx filter)
{
    scmp_datum_t self = (scmp_datum_t)getpid();
    int bad = 0;
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
    if (KZ_UNDER_SANITIZER)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, 2, 0));
    return bad;
}

/* What is not listed fails with EPERM; the library says what then went wrong. */
bool kz_sandbox_filter(void)
{
    int bad = 0;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter) return false;
    for (size_t i = 0; i < sizeof free_calls / sizeof *free_calls; i++)
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, free_calls[i], 0);
    bad |= add_bound_calls(filter);
    if (!bad) bad = seccomp_load(filter); /* with no_new_privs */
    seccomp_release(filter);
    return !bad;
}

#else

bool kz_sandbox_filter(void)
{
    return false;
}

#endif
