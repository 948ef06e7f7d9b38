/* The writer of checkpoints: one thread with a copy of the run's state.  Training fills in the copy and goes on; it waits
 * only while the checkpoint before is still being written. */
#include "record_impl.h"

#include "kz/optim.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

struct kz_checkpoint_writer {
    kz_record_writer *lines; /* outlives it */
    char *directory;
    kz_checkpoint_facts facts; /* all but what changes; what it points to outlives the writer */
    int64_t keep;
    kz_sha256 *hash;

    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    kz_checkpoint job; /* its arrays are the writer's own; the thread's while `queued` */
    bool queued, stop;
    kz_status failed; /* the first failure, and its message */
    char message[1024];
};

/* ---- the thread ---- */

/* Of those after a whole epoch the best one stays; the newer one of equals does not push it out. */
static void rank(kz_checkpoint_facts *f, const kz_checkpoint *c)
{
    if (c->inside || isnan(c->rank)) return;
    if (f->kept_epoch > 0 && !(c->rank < f->kept_rank)) return;
    f->kept_epoch = c->epoch;
    f->kept_rank = c->rank;
}

static kz_status write_job(kz_checkpoint_writer *w)
{
    uint8_t weights[32], trajectory[32];
    char weights_text[KZ_DIGEST_TEXT], trajectory_text[KZ_DIGEST_TEXT];
    kz_checkpoint_facts facts = w->facts;
    kz_status st = KZ_OK;
    KZ_TRY(kz_record_writer_marked(w->lines, trajectory, &facts.energy)); /* its lines are then on the disk */
    kz_weights_digest(weights, w->job.weights, w->job.n, w->hash);
    kz_digest_text(weights_text, weights);
    kz_digest_text(trajectory_text, trajectory);
    facts.weights_digest = weights_text;
    facts.trajectory_digest = trajectory_text;
    rank(&facts, &w->job);
    KZ_TRY(kz_record_checkpoint_write(w->directory, &w->job, &facts));
    w->facts.kept_epoch = facts.kept_epoch;
    w->facts.kept_rank = facts.kept_rank;
    kz_checkpoint_key made = {w->job.epoch, w->job.inside ? w->job.step : 0};
    KZ_TRY(kz_record_checkpoint_prune(w->directory, &made, w->keep, facts.kept_epoch));
done:
    return st;
}

static void *writer_main(void *argument)
{
    kz_checkpoint_writer *w = argument;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->queued && !w->stop) pthread_cond_wait(&w->changed, &w->lock);
        if (!w->queued) break;
        pthread_mutex_unlock(&w->lock);
        kz_status st = write_job(w);
        pthread_mutex_lock(&w->lock);
        if (st != KZ_OK && w->failed == KZ_OK) {
            w->failed = st;
            snprintf(w->message, sizeof w->message, "%s", kz_error_message());
        }
        w->queued = false;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- the caller's side ---- */

static kz_status start_thread(kz_checkpoint_writer *w)
{
    kz_status st = kz_record_thread(&w->thread, writer_main, w, "the thread that writes checkpoints");
    w->running = st == KZ_OK;
    return st;
}

kz_status kz_checkpoint_writer_create(kz_checkpoint_writer **out, const kz_config *cfg, const kz_tensor *tensors,
                                      int64_t n_tensors)
{
    kz_checkpoint_writer *w = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&w, 1, sizeof *w, "checkpoint writer"));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    KZ_TRY(kz_sha256_create(&w->hash));
    kz_checkpoint *job = &w->job;
    for (int64_t i = 0; i < n_tensors; i++) job->n += tensors[i].n;
    job->arrays = kz_optim_arrays_of(cfg->optimizer.name);
    KZ_TRY(kz_calloc(&job->weights, job->n, sizeof(float), "weights of a checkpoint"));
    KZ_TRY(kz_calloc(&job->optimizer, job->arrays * job->n, sizeof(float), "optimiser state of a checkpoint"));
    if (cfg->train.early_stop.metric)
        KZ_TRY(kz_calloc(&job->best, job->n, sizeof(float), "best weights of a checkpoint"));
    *out = w;
    w = NULL;
done:
    kz_checkpoint_writer_destroy(&w);
    return st;
}

kz_status kz_checkpoint_writer_start(kz_checkpoint_writer *w, kz_record_writer *lines, const char *directory,
                                     const kz_checkpoint_facts *facts)
{
    int64_t keep = facts->cfg->train.checkpoint.keep;
    w->lines = lines;
    w->facts = *facts;
    w->keep = keep > 0 ? keep : 2;
    kz_status st = kz_strdup(&w->directory, directory);
    return st == KZ_OK ? start_thread(w) : st;
}

kz_status kz_checkpoint_writer_wait(kz_checkpoint_writer *w)
{
    char message[sizeof w->message];
    pthread_mutex_lock(&w->lock);
    while (w->queued) pthread_cond_wait(&w->changed, &w->lock);
    kz_status st = w->failed;
    snprintf(message, sizeof message, "%s", w->message);
    pthread_mutex_unlock(&w->lock);
    return st == KZ_OK ? KZ_OK : KZ_FAIL(st, "%s", message);
}

void kz_checkpoint_writer_buffers(kz_checkpoint_writer *w, kz_checkpoint *c)
{
    c->n = w->job.n;
    c->arrays = w->job.arrays;
    c->weights = w->job.weights;
    c->optimizer = w->job.optimizer;
    c->best = w->job.best;
}

kz_status kz_checkpoint_writer_push(kz_checkpoint_writer *w, const kz_checkpoint *c)
{
    kz_status st = kz_checkpoint_writer_wait(w);
    if (st != KZ_OK) return st;
    if (c->weights != w->job.weights)
        return KZ_FAIL(KZ_E_ARG, "%s: the checkpoint was not filled in where there is room for it", w->directory);
    kz_record_writer_mark(w->lines);
    pthread_mutex_lock(&w->lock);
    w->job = *c;
    w->queued = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return KZ_OK;
}

void kz_checkpoint_writer_destroy(kz_checkpoint_writer **writer)
{
    kz_checkpoint_writer *w = *writer;
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->running) pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    kz_sha256_destroy(&w->hash);
    kz_free(&w->directory);
    kz_free(&w->job.weights);
    kz_free(&w->job.optimizer);
    kz_free(&w->job.best);
    kz_free(writer);
}
