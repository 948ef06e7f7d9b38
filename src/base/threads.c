/* A team of POSIX threads that shares out ranges.
 *
 * Between two jobs a worker spins a little (a training step is a chain of short jobs) and then sleeps, so that a team
 * larger than the machine, or one beside a busy neighbour, does not burn the cores it waits for.
 *
 * Where a team has as many threads as there are CPUs, each worker keeps to one that is not its caller's.  Left to itself,
 * Linux wakes a worker where it last ran, and while the CPUs that share a cache are busy it looks for no other: once a
 * worker has come to its caller's CPU (after the caller slept), both take turns there and the other CPU idles. */
#include "kz/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 1024 };

/* Seconds a thread spins before it sleeps: twice what waking one costs in a virtual machine (50 microseconds), so that one
 * late wake-up does not make the other side sleep, and so every job of a chain late. */
static const double spin_s = 1e-4;

typedef struct {
    kz_team *team;
    int id, cpu; /* cpu: the only one it runs on; -1: any */
    pthread_t thread;
} worker;

struct kz_team {
    int threads, started; /* started: workers beside the caller */
    bool spin;            /* false when there are more threads than cores */
    int caller_cpu;       /* no worker's; -1: workers run anywhere */
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    _Atomic uint64_t job;    /* number of the job; a change wakes the workers */
    _Atomic uint64_t *taken; /* (threads): the last job of which somebody took this piece */
    _Atomic int left;        /* pieces that are not done; at first: workers that have not started */
    _Atomic bool stop;
    kz_team_fn *fn; /* the job: fn over [0, n) in pieces, one per thread */
    void *context;
    int64_t n, piece;
};

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void one_less(kz_team *t)
{
    if (atomic_fetch_sub(&t->left, 1) > 1) return;
    pthread_mutex_lock(&t->lock); /* the caller may be asleep */
    pthread_cond_signal(&t->finished);
    pthread_mutex_unlock(&t->lock);
}

/* Piece `i` of job number `job`, unless somebody has taken it.  Whoever comes late, when the job is over, finds all taken
 * and touches nothing else of it. */
static void try_piece(kz_team *t, uint64_t job, int i)
{
    uint64_t last = atomic_load_explicit(&t->taken[i], memory_order_relaxed);
    if (last >= job || !atomic_compare_exchange_strong(&t->taken[i], &last, job)) return;
    int64_t begin = t->piece * i, end = begin + t->piece;
    if (end > t->n) end = t->n;
    if (begin < end) t->fn(t->context, begin, end);
    one_less(t);
}

/* The thread's own piece first, which is the same part of each job, and then those whose threads have not come yet. */
static void take_part(kz_team *t, uint64_t job, int own)
{
    for (int i = 0; i < t->threads; i++) try_piece(t, job, (own + i) % t->threads);
}

/* Waits until the job number differs from `seen`; gives the new one. */
static uint64_t wait_for_job(kz_team *t, uint64_t seen)
{
    for (double begin = kz_clock(); t->spin && kz_clock() - begin < spin_s; pause_cpu())
        if (atomic_load_explicit(&t->job, memory_order_acquire) != seen) return atomic_load(&t->job);
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->job) == seen) pthread_cond_wait(&t->wake, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return atomic_load(&t->job);
}

static void *worker_main(void *argument)
{
    const worker *w = argument;
    kz_team *t = w->team;
    one_less(t);
    for (uint64_t seen = 0;;) {
        seen = wait_for_job(t, seen);
        if (t->stop) return NULL;
        take_part(t, seen, w->id);
    }
}

static void keep_to(worker *w, int cpu)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (pthread_setaffinity_np(w->thread, sizeof one, &one) == 0) w->cpu = cpu;
}

/* Gives every worker a CPU of its own, if the team has one thread for each that it may use. */
static void spread(kz_team *t)
{
    cpu_set_t set;
    t->caller_cpu = sched_getcpu();
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) != t->threads || t->caller_cpu < 0 ||
        !CPU_ISSET((size_t)t->caller_cpu, &set)) {
        t->caller_cpu = -1;
        return;
    }
    for (int i = 0, cpu = 0; i < t->started; i++, cpu++) {
        while (!CPU_ISSET((size_t)cpu, &set) || cpu == t->caller_cpu) cpu++;
        keep_to(&t->workers[i], cpu);
    }
}

/* The caller has moved to a worker's CPU: that worker takes the one it left. */
static void follow_caller(kz_team *t)
{
    int cpu = t->caller_cpu < 0 ? -1 : sched_getcpu();
    if (cpu == t->caller_cpu) return;
    for (int i = 0; i < t->started; i++)
        if (t->workers[i].cpu == cpu) keep_to(&t->workers[i], t->caller_cpu);
    t->caller_cpu = cpu;
}

static void announce(kz_team *t)
{
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->job, 1);
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

static void wait_until_finished(kz_team *t)
{
    for (double begin = kz_clock(); t->spin && kz_clock() - begin < spin_s; pause_cpu())
        if (atomic_load_explicit(&t->left, memory_order_acquire) == 0) return;
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->left) > 0) pthread_cond_wait(&t->finished, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void kz_team_run(kz_team *t, int64_t n, int64_t grain, kz_team_fn *fn, void *context)
{
    if (n <= 0) return;
    int64_t grains = (n + grain - 1) / grain;
    if (t->started == 0 || grains <= 1) {
        fn(context, 0, n);
        return;
    }
    t->fn = fn;
    t->context = context;
    t->n = n;
    t->piece = (grains + t->threads - 1) / t->threads * grain;
    atomic_store(&t->left, t->threads);
    follow_caller(t);
    announce(t);
    take_part(t, atomic_load(&t->job), 0);
    wait_until_finished(t);
}

kz_status kz_team_create(kz_team **out, int threads)
{
    kz_team *t = NULL;
    kz_status st = KZ_OK;
    if (threads < 1 || threads > MOST_THREADS)
        return KZ_FAIL(KZ_E_ARG, "threads: %d, must be 1 to %d", threads, MOST_THREADS);
    KZ_TRY(kz_calloc(&t, 1, sizeof *t, "thread team"));
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, NULL);
    pthread_cond_init(&t->finished, NULL);
    t->threads = threads;
    t->caller_cpu = -1;
    t->left = threads - 1;
    t->spin = threads > 1 && threads <= kz_cpu_count(); /* which reads files: not for a team of one */
    KZ_TRY(kz_calloc(&t->workers, threads, sizeof *t->workers, "thread team"));
    KZ_TRY(kz_calloc(&t->taken, threads, sizeof *t->taken, "thread team"));
    while (t->started < threads - 1) {
        worker *w = &t->workers[t->started];
        *w = (worker){.team = t, .id = t->started + 1, .cpu = -1};
        int failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (failed) {
            st = KZ_FAIL(KZ_E_FAIL, "thread %d of %d could not be started: %s; use fewer threads", w->id + 1, threads,
                         strerror(failed));
            goto done;
        }
        t->started++;
    }
    /* At rest before it is given away: a process forked while a thread starts inherits locks that nobody opens. */
    wait_until_finished(t);
    if (t->spin) spread(t);
    *out = t;
    t = NULL;
done:
    kz_team_destroy(&t);
    return st;
}

int kz_team_threads(const kz_team *team)
{
    return team->threads;
}

void kz_team_destroy(kz_team **team)
{
    kz_team *t = *team;
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_mutex_unlock(&t->lock);
    announce(t);
    for (int i = 0; i < t->started; i++) pthread_join(t->workers[i].thread, NULL);
    pthread_cond_destroy(&t->finished);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    kz_free(&t->taken);
    kz_free(&t->workers);
    kz_free(team);
}

/* Cores' worth of CPU time per second that the control group (version 2) allows; 0 if it sets no limit. */
static int cgroup_quota(void)
{
    long long quota, period;
    char line[64] = ""; /* "150000 100000" or "max 100000" */
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f) return 0;
    bool got = fgets(line, sizeof line, f) && sscanf(line, "%18lld %18lld", &quota, &period) == 2;
    fclose(f);
    return got && quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int kz_cpu_count(void)
{
    cpu_set_t set;
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN), quota = cgroup_quota();
    if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
    if (quota > 0 && quota < cores) cores = quota;
    return cores < 1 ? 1 : cores;
}
