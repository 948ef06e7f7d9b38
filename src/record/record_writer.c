/* The writer: one thread that hashes each epoch's weights, chains the trajectory and appends the line to metrics.jsonl.
 * Training hands over copies in two buffers, so it waits only when it is two epochs ahead. */
#include "record_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 2, SYNC_SECONDS = 10, SAMPLE_SECONDS = 60 };

struct kz_record_writer {
    char *path; /* of metrics.jsonl */
    int fd;
    bool classification;
    int64_t n; /* weights per epoch */
    kz_energy *energy;

    /* The thread's alone until it has ended. */
    kz_sha256 *hash;
    uint8_t weights[32], trajectory[32];
    double synced, sampled; /* when, by kz_clock */

    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct {
        kz_epoch epoch;
        float *weights; /* (n) */
    } slot[SLOTS];
    int64_t pushed, finished; /* epochs; the difference is what is queued */
    struct {
        int64_t epoch; /* after it; -1: no mark */
        bool made;
        uint8_t trajectory[32];
        kz_energy_past energy;
    } mark;
    bool stop;
    kz_status failed; /* the first failure, and its message */
    char message[1024];
};

/* ---- the thread ---- */

static json_t *line_json(const kz_record_writer *w, const kz_epoch *e)
{
    char digest[KZ_DIGEST_TEXT];
    kz_digest_text(digest, w->weights);
    json_t *j = json_object();
    int bad = json_object_set_new(j, "epoch", json_integer(e->epoch));
    bad |= json_object_set_new(j, "step", json_integer(e->step));
    bad |= json_object_set_new(j, "train", kz_metrics_json(&e->train, w->classification));
    if (e->valid.rows > 0) bad |= json_object_set_new(j, "valid", kz_metrics_json(&e->valid, w->classification));
    bad |= json_object_set_new(j, "lr", kz_json_number(e->lr));
    bad |= json_object_set_new(j, "samples_per_s", kz_json_number(e->samples_per_s));
    bad |= json_object_set_new(j, "seconds", kz_json_number(e->seconds));
    bad |= json_object_set_new(j, "weights", json_string(digest));
    if (!bad) return j;
    json_decref(j);
    return NULL;
}

/* Appends with one write; what a full disk has cut is taken back, so that only whole lines stay. */
static kz_status append(const kz_record_writer *w, const kz_text *line)
{
    ssize_t done;
    off_t before = lseek(w->fd, 0, SEEK_END);
    do done = write(w->fd, line->s, (size_t)line->n);
    while (done < 0 && errno == EINTR);
    if (done == line->n) return KZ_OK;
    const char *why = done < 0 ? strerror(errno) : "the disk is full";
    if (done > 0 && ftruncate(w->fd, before) != 0) why = "the disk is full, and its last line is cut";
    return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be written: %s", w->path, why);
}

static kz_status sync_lines(kz_record_writer *w)
{
    w->synced = kz_clock();
    if (fdatasync(w->fd) == 0 || errno == EINVAL) return KZ_OK;
    return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be synced to the disk: %s", w->path, strerror(errno));
}

static kz_status write_line(kz_record_writer *w, const kz_epoch *epoch)
{
    kz_text line = {0};
    kz_status st = KZ_OK;
    json_t *j = line_json(w, epoch);
    if (!j) {
        st = KZ_FAIL(KZ_E_MEM, "%s: out of memory for a line", w->path);
        goto done;
    }
    KZ_TRY(kz_json_dump(&line, j, false));
    KZ_TRY(kz_text_add_bytes(&line, "\n", 1));
    KZ_TRY(append(w, &line));
    if (kz_clock() - w->synced >= SYNC_SECONDS) KZ_TRY(sync_lines(w));
done:
    json_decref(j);
    kz_text_free(&line);
    return st;
}

/* With the lock held. */
static void sample_energy(kz_record_writer *w)
{
    double now = kz_clock();
    if (now - w->sampled < SAMPLE_SECONDS) return;
    kz_energy_sample(w->energy);
    w->sampled = now;
}

/* Waits, with the lock held, for an epoch or the end; false: the end, and nothing is left to do. */
static bool wait_for_epoch(kz_record_writer *w)
{
    while (w->finished == w->pushed && !w->stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += SAMPLE_SECONDS;
        pthread_cond_timedwait(&w->changed, &w->lock, &until);
        sample_energy(w);
    }
    return w->finished < w->pushed;
}

/* With the lock held, between two epochs: makes the mark if its epoch is the last one written. */
static void make_mark(kz_record_writer *w)
{
    if (w->mark.made || w->mark.epoch != w->finished) return;
    kz_energy_sample(w->energy);
    w->sampled = kz_clock();
    w->mark.energy = kz_energy_so_far(w->energy);
    memcpy(w->mark.trajectory, w->trajectory, 32);
    w->mark.made = true;
}

static void keep_failure(kz_record_writer *w, kz_status st)
{
    if (st == KZ_OK || w->failed != KZ_OK) return;
    w->failed = st;
    snprintf(w->message, sizeof w->message, "%s", kz_error_message());
}

static void *writer_main(void *argument)
{
    kz_record_writer *w = argument;
    pthread_mutex_lock(&w->lock);
    while (wait_for_epoch(w)) {
        int slot = (int)(w->finished % SLOTS);
        bool writing = w->failed == KZ_OK; /* no line after one that is missing */
        pthread_mutex_unlock(&w->lock);
        kz_trajectory_extend(w->trajectory, w->weights, w->slot[slot].weights, w->n, w->hash);
        kz_status st = writing ? write_line(w, &w->slot[slot].epoch) : KZ_OK;
        pthread_mutex_lock(&w->lock);
        sample_energy(w);
        keep_failure(w, st);
        w->finished++;
        make_mark(w);
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- the caller's side ---- */

static void init_locks(kz_record_writer *w)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Signals are for the thread that trains. */
kz_status kz_record_thread(pthread_t *thread, void *(*run)(void *), void *argument, const char *what)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) return KZ_FAIL(KZ_E_FAIL, "%s could not be started: %s", what, strerror(failed));
    return KZ_OK;
}

static kz_status start_thread(kz_record_writer *w)
{
    kz_status st = kz_record_thread(&w->thread, writer_main, w, "the writer's thread");
    w->running = st == KZ_OK;
    return st;
}

kz_status kz_record_writer_create(kz_record_writer **out, const char *path, bool classification, int64_t n,
                                  kz_energy *energy, const kz_record_past *past)
{
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (past ? 0 : O_EXCL);
    kz_record_writer *w = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&w, 1, sizeof *w, "metrics writer"));
    w->classification = classification;
    w->n = n;
    w->energy = energy;
    w->fd = -1;
    w->synced = w->sampled = kz_clock();
    w->mark.epoch = -1;
    if (past) {
        w->pushed = w->finished = past->epochs;
        memcpy(w->trajectory, past->trajectory, 32);
        memcpy(w->weights, past->weights, 32);
    }
    init_locks(w);
    KZ_TRY(kz_strdup(&w->path, path));
    KZ_TRY(kz_sha256_create(&w->hash));
    for (int i = 0; i < SLOTS; i++) KZ_TRY(kz_calloc(&w->slot[i].weights, n, sizeof(float), "copy of the weights"));
    w->fd = open(path, flags, 0666);
    if (w->fd < 0) {
        st = KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be made: %s", path, strerror(errno));
        goto done;
    }
    KZ_TRY(start_thread(w));
    *out = w;
    w = NULL;
done:
    kz_record_writer_destroy(&w);
    return st;
}

kz_status kz_record_writer_push(kz_record_writer *w, const kz_epoch *epoch, const float *weights)
{
    pthread_mutex_lock(&w->lock);
    while (w->pushed - w->finished == SLOTS) pthread_cond_wait(&w->changed, &w->lock);
    int slot = (int)(w->pushed % SLOTS);
    kz_status st = w->failed;
    pthread_mutex_unlock(&w->lock);
    w->slot[slot].epoch = *epoch;
    memcpy(w->slot[slot].weights, weights, (size_t)w->n * sizeof *weights);
    pthread_mutex_lock(&w->lock);
    w->pushed++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return st == KZ_OK ? KZ_OK : KZ_FAIL(st, "%s", w->message);
}

void kz_record_writer_measure_gpu(kz_record_writer *w, const kz_gpu *gpu)
{
    pthread_mutex_lock(&w->lock);
    kz_energy_gpu_start(&w->energy->gpu, gpu, KZ_NVML_LIBRARY);
    pthread_mutex_unlock(&w->lock);
}

void kz_record_writer_mark(kz_record_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->mark.epoch = w->pushed;
    w->mark.made = false;
    make_mark(w);
    pthread_mutex_unlock(&w->lock);
}

kz_status kz_record_writer_marked(kz_record_writer *w, uint8_t trajectory[32], kz_energy_past *energy)
{
    char message[sizeof w->message];
    pthread_mutex_lock(&w->lock);
    while (!w->mark.made) pthread_cond_wait(&w->changed, &w->lock);
    memcpy(trajectory, w->mark.trajectory, 32);
    *energy = w->mark.energy;
    kz_status st = w->failed;
    snprintf(message, sizeof message, "%s", w->message);
    pthread_mutex_unlock(&w->lock);
    if (st != KZ_OK) return KZ_FAIL(st, "%s", message);
    if (fdatasync(w->fd) == 0 || errno == EINVAL) return KZ_OK; /* beside the thread, which may be appending */
    return KZ_FAIL(KZ_E_OUTPUT, "%s: cannot be synced to the disk: %s", w->path, strerror(errno));
}

/* The thread finishes what is queued and ends. */
static void end_thread(kz_record_writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->running) pthread_join(w->thread, NULL);
    w->running = false;
}

kz_status kz_record_writer_stop(kz_record_writer *w)
{
    end_thread(w);
    keep_failure(w, sync_lines(w));
    close(w->fd);
    w->fd = -1;
    return w->failed == KZ_OK ? KZ_OK : KZ_FAIL(w->failed, "%s", w->message);
}

void kz_record_writer_destroy(kz_record_writer **writer)
{
    kz_record_writer *w = *writer;
    if (!w) return;
    end_thread(w);
    if (w->fd >= 0) close(w->fd);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    for (int i = 0; i < SLOTS; i++) kz_free(&w->slot[i].weights);
    kz_sha256_destroy(&w->hash);
    kz_free(&w->path);
    kz_free(writer);
}

bool kz_record_writer_weights(const kz_record_writer *w, uint8_t out[32])
{
    memcpy(out, w->weights, 32);
    return w->finished > 0;
}

void kz_record_writer_trajectory(const kz_record_writer *w, uint8_t out[32])
{
    memcpy(out, w->trajectory, 32);
}
