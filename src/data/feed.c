/* A feed: two windows, and a thread that fills one while the other is used. */
#include "data/feed_impl.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

typedef enum { EMPTY, FULL, USED } state;

struct kz_feed {
    kz_filler fill; /* the thread's, but between passes */
    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    state slot[2];
    int64_t serial[2], published; /* of full slots: the smaller one is handed out first */
    kz_pass pass;
    bool wanted, busy, cancel, stop; /* a pass is to begin; is under way; is to end; the thread is to end */
    kz_status failed;                /* of this pass, and its message */
    char message[2048];
    kz_feed_counts counts;
};

/* ---- the thread ---- */

/* Until the slot may be written; false: the pass is to end. */
static bool wait_empty(kz_feed *f, int slot)
{
    pthread_mutex_lock(&f->lock);
    while (f->slot[slot] != EMPTY && !f->cancel) pthread_cond_wait(&f->changed, &f->lock);
    bool go_on = !f->cancel;
    pthread_mutex_unlock(&f->lock);
    return go_on;
}

/* A window without a whole batch is not handed out: its rows go on into the next one. */
static void publish(kz_feed *f, int slot)
{
    pthread_mutex_lock(&f->lock);
    f->counts.windows = f->fill.windows;
    f->counts.bytes = f->fill.bytes;
    f->serial[slot] = f->published++;
    if (f->fill.slot[slot].usable > 0) f->slot[slot] = FULL;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static bool cancelled(void *feed)
{
    kz_feed *f = feed;
    pthread_mutex_lock(&f->lock);
    bool yes = f->cancel;
    pthread_mutex_unlock(&f->lock);
    return yes;
}

static kz_status run_pass(kz_feed *f, const kz_pass *pass)
{
    kz_status st = KZ_OK;
    bool more = true;
    KZ_TRY(kz_filler_begin(&f->fill, pass));
    for (int slot = 0; more && wait_empty(f, slot); slot = !slot) {
        KZ_TRY(kz_filler_next(&f->fill, slot, &more));
        publish(f, slot);
    }
done:
    return st;
}

static void *feed_main(void *argument)
{
    kz_feed *f = argument;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->wanted && !f->stop) pthread_cond_wait(&f->changed, &f->lock);
        if (f->stop) break;
        kz_pass pass = f->pass;
        f->wanted = false;
        pthread_mutex_unlock(&f->lock);
        kz_status st = run_pass(f, &pass);
        pthread_mutex_lock(&f->lock);
        if (st != KZ_OK && !f->cancel) {
            f->failed = st;
            snprintf(f->message, sizeof f->message, "%s", kz_error_message());
        }
        f->busy = false;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- begin and end ---- */

/* Signals are for the other threads. */
static kz_status start_thread(kz_feed *f)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&f->thread, NULL, feed_main, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) return KZ_FAIL(KZ_E_FAIL, "no thread to read data while training: %s", strerror(error));
    f->running = true;
    return KZ_OK;
}

kz_status kz_feed_create(kz_feed **out, kz_data *data, const kz_config *cfg)
{
    kz_feed *f = NULL;
    pthread_condattr_t monotonic;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&f, 1, sizeof *f, "feed"));
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    KZ_TRY(kz_filler_create(&f->fill, data, cfg));
    f->fill.cancelled = cancelled;
    f->fill.asked_of = f;
    KZ_TRY(start_thread(f));
    *out = f;
    f = NULL; /* given away */
done:
    kz_feed_destroy(&f);
    return st;
}

/* The thread has nothing to do then, and all slots are empty. */
static void end_pass(kz_feed *f)
{
    f->cancel = true;
    pthread_cond_broadcast(&f->changed);
    while (f->busy) pthread_cond_wait(&f->changed, &f->lock);
    f->cancel = false;
    f->slot[0] = f->slot[1] = EMPTY;
}

void kz_feed_destroy(kz_feed **feed)
{
    kz_feed *f = *feed;
    if (!f) return;
    pthread_mutex_lock(&f->lock);
    end_pass(f);
    f->stop = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (f->running) pthread_join(f->thread, NULL);
    kz_filler_destroy(&f->fill);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    kz_free(feed);
}

/* ---- passes ---- */

kz_status kz_feed_begin(kz_feed *f, const kz_pass *pass)
{
    pthread_mutex_lock(&f->lock);
    if (f->slot[0] == USED || f->slot[1] == USED) {
        pthread_mutex_unlock(&f->lock);
        return KZ_FAIL(KZ_E_ARG, "a pass over a data set begins while a window of the last one is borrowed");
    }
    end_pass(f);
    f->pass = *pass;
    f->wanted = f->busy = true;
    f->failed = KZ_OK;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return KZ_OK;
}

/* The slot that is handed out next; -1: none is full. */
static int next_full(const kz_feed *f)
{
    bool first = f->slot[0] == FULL, second = f->slot[1] == FULL;
    if (first && second) return f->serial[0] < f->serial[1] ? 0 : 1;
    return first ? 0 : second ? 1 : -1;
}

/* Nothing to wait for: a window, the end, or a failure. */
static bool ready(const kz_feed *f)
{
    return next_full(f) >= 0 || !f->busy;
}

void kz_feed_give_back(kz_feed *f, const kz_window *window)
{
    pthread_mutex_lock(&f->lock);
    if (f->slot[window->slot] == USED) f->slot[window->slot] = EMPTY;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

bool kz_feed_has(kz_feed *f)
{
    pthread_mutex_lock(&f->lock);
    bool has = next_full(f) >= 0;
    pthread_mutex_unlock(&f->lock);
    return has;
}

bool kz_feed_memory(const kz_feed *f, int i, const void **at, size_t *bytes)
{
    return kz_filler_memory(&f->fill, i, at, bytes);
}

bool kz_feed_wait(kz_feed *f, double seconds)
{
    double start = kz_clock(), end = start + seconds;
    struct timespec until = {.tv_sec = (time_t)end, .tv_nsec = (long)((end - (double)(time_t)end) * 1e9)};
    pthread_mutex_lock(&f->lock);
    while (!ready(f) && pthread_cond_timedwait(&f->changed, &f->lock, &until) != ETIMEDOUT) continue;
    bool there = ready(f);
    f->counts.waited += kz_clock() - start;
    pthread_mutex_unlock(&f->lock);
    return there;
}

kz_status kz_feed_next(kz_feed *f, kz_window *out)
{
    double start = kz_clock();
    kz_status st = KZ_OK;
    *out = (kz_window){.rows = 0};
    pthread_mutex_lock(&f->lock);
    while (!ready(f)) pthread_cond_wait(&f->changed, &f->lock);
    int slot = next_full(f);
    if (slot >= 0) {
        f->slot[slot] = USED;
        *out = kz_filler_window(&f->fill, slot);
    } else if (f->failed != KZ_OK) {
        st = KZ_FAIL(f->failed, "%s", f->message);
    }
    f->counts.waited += kz_clock() - start;
    pthread_mutex_unlock(&f->lock);
    return st;
}

kz_feed_counts kz_feed_counted(kz_feed *f)
{
    pthread_mutex_lock(&f->lock);
    kz_feed_counts counts = f->counts;
    pthread_mutex_unlock(&f->lock);
    return counts;
}
