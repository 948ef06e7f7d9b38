/* A team of POSIX threads that shares out ranges.
 *
 * Between two jobs a worker spins a little (a training step is a chain of short jobs) and then sleeps, so that a team
 * larger than the machine, or one beside a busy neighbour, does not burn the cores it waits for. */
#include "kz/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { SPINS = 400, MOST_THREADS = 1024 }; /* spins: some 5 to 20 microseconds, what waking a thread costs */

typedef struct {
    kz_team *team;
    int id;
    pthread_t thread;
} worker;

struct kz_team {
    int threads, started; /* started: workers beside the caller */
    bool spin;            /* false when there are more threads than cores */
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    _Atomic uint64_t job; /* number of the job; a change wakes the workers */
    _Atomic int busy;     /* workers that have not finished it */
    bool stop;
    kz_team_fn *fn; /* the job: fn over [0, n) in pieces */
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

static void run_piece(const kz_team *t, int id)
{
    int64_t begin = t->piece * id, end = begin + t->piece;
    if (end > t->n) end = t->n;
    if (begin < end) t->fn(t->context, begin, end);
}

/* Waits until the job number differs from `seen`; gives the new one. */
static uint64_t wait_for_job(kz_team *t, uint64_t seen)
{
    for (int i = 0; t->spin && i < SPINS; i++) {
        if (atomic_load_explicit(&t->job, memory_order_acquire) != seen) return atomic_load(&t->job);
        pause_cpu();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->job) == seen) pthread_cond_wait(&t->wake, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return atomic_load(&t->job);
}

static void *worker_main(void *argument)
{
    const worker *w = argument;
    kz_team *t = w->team;
    for (uint64_t seen = 0;;) {
        seen = wait_for_job(t, seen);
        if (t->stop) return NULL;
        run_piece(t, w->id);
        if (atomic_fetch_sub(&t->busy, 1) > 1) continue;
        pthread_mutex_lock(&t->lock); /* the last one: the caller may be asleep */
        pthread_cond_signal(&t->finished);
        pthread_mutex_unlock(&t->lock);
    }
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
    for (int i = 0; t->spin && i < SPINS; i++) {
        if (atomic_load_explicit(&t->busy, memory_order_acquire) == 0) return;
        pause_cpu();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->busy) > 0) pthread_cond_wait(&t->finished, &t->lock);
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
    t->piece = (grains + t->started) / (t->started + 1) * grain;
    atomic_store(&t->busy, t->started);
    announce(t);
    run_piece(t, 0);
    wait_until_finished(t);
}

static void do_nothing(void *context, int64_t begin, int64_t end)
{
    (void)context;
    (void)begin;
    (void)end;
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
    t->spin = threads > 1 && threads <= kz_cpu_count(); /* which reads files: not for a team of one */
    KZ_TRY(kz_calloc(&t->workers, threads, sizeof *t->workers, "thread team"));
    while (t->started < threads - 1) {
        worker *w = &t->workers[t->started];
        *w = (worker){.team = t, .id = t->started + 1};
        int failed = pthread_create(&w->thread, NULL, worker_main, w);
        if (failed) {
            st = KZ_FAIL(KZ_E_FAIL, "thread %d of %d could not be started: %s; use fewer threads", w->id + 1, threads,
                         strerror(failed));
            goto done;
        }
        t->started++;
    }
    /* At rest before it is given away: a process forked while a thread starts inherits locks that nobody opens. */
    kz_team_run(t, threads, 1, do_nothing, NULL);
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
