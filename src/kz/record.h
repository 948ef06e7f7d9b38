/* kz/record.h — the run directory: config.yaml, metrics.jsonl, run.json, model.safetensors, and the digests. */
#ifndef KZ_RECORD_H
#define KZ_RECORD_H

#include "kz/base.h"
#include "kz/config.h"
#include "kz/data.h"
#include "kz/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Metrics of one split; what a task does not have is NaN (written as null or left out). */
typedef struct {
    int64_t rows; /* 0: the split does not exist, and the rest means nothing */
    double loss, accuracy, rmse, r2;
} kz_metrics;

/* The value of "loss", "accuracy", "rmse" or "r2"; NaN for any other key. */
double kz_metrics_get(const kz_metrics *m, const char *key);

typedef struct {
    int64_t epoch, step;     /* finished so far; the first line has epoch 1 */
    kz_metrics train, valid; /* train: running means of the epoch */
    double lr;               /* of the epoch's last step */
    double samples_per_s, seconds;
} kz_epoch;

typedef struct {
    const char *status;     /* "completed", "interrupted", "diverged", "failed" */
    const char *stopped_by; /* "epochs", "early_stop", "target", "time", "divergence", "signal", "error" */
    const char *error;      /* one line, or NULL */
    kz_metrics train, valid,
        test; /* of the weights kept; train: running means of their epoch, else over the whole split */
    int64_t epochs, steps, samples;
    int64_t best_epoch;      /* whose weights were kept; 0: the last one's */
    int64_t diverged_step;   /* step (from 0) at or after which something was not finite; -1: all was */
    const char *diverged_in; /* "step": its loss or gradient norm; "valid", "test": the loss of that split */
    double target_seconds;   /* training time until the target was met; NaN: not met or none set */
    double seconds_total, seconds_train, seconds_eval, seconds_data; /* wall time */
    double seconds_checkpoint;                                       /* that the training waited for checkpoints */
    bool streamed;                        /* data larger than data.memory: since this process began, ... */
    int64_t stream_windows, stream_bytes; /* ... windows filled, bytes read for them */
    double stream_waited;                 /* ... seconds that training and evaluation waited for them */
    const char *device, *isa;             /* what computed: "cpu", "avx2" */
    const kz_gpu *gpu;                    /* NULL: a CPU */
    int threads;
} kz_run;

typedef struct kz_record kz_record; /* a directory being written, and a thread that hashes and writes beside training */

/* Makes the directory: exactly `directory` if given (it must not exist or be empty), else
 * <output>/<name>/<UTC time>-<first 8 of the config digest>/ with a suffix on collision; writes config.yaml (with the
 * data's absolute path).  cfg (resolved: units, loss, ... filled in), data and tensors must outlive the record.
 * Fails: KZ_E_OUTPUT, KZ_E_MEM. */
kz_status kz_record_create(kz_record **out, const kz_config *cfg, const kz_data *data, const char *directory,
                           const kz_tensor *tensors, int64_t n_tensors);
/* Whether kz_record_create could make the directory, as far as that can be told without making it.  Fails: KZ_E_OUTPUT. */
kz_status kz_record_check(const kz_config *cfg, const char *directory);
/* Bytes free where the directory is or would be made; -1 if unknown. */
int64_t kz_record_room(const kz_config *cfg, const char *directory);
const char *kz_record_directory(const kz_record *rec); /* borrowed */
/* Once, right after create or resume: the run's energy takes in that of this GPU too, or says why not.  NULL: no GPU. */
void kz_record_measure_gpu(kz_record *rec, const kz_gpu *gpu);
enum { KZ_METER_REASON = 192 };
/* Whether the library by which a GPU's energy is measured (NVML) is there and starts; else reason <- why not. */
bool kz_record_gpu_meter(char reason[KZ_METER_REASON]);

/* Queues a finished epoch with a copy of its weights (host memory): digest, trajectory, one whole line of metrics.jsonl.
 * A failure of earlier lines is returned here. */
kz_status kz_record_epoch(kz_record *rec, const kz_epoch *epoch, const float *weights, int64_t n);

/* A run between two steps: all that it needs to go on. */
typedef struct {
    int64_t epoch, step, samples; /* finished so far */
    bool inside;                  /* the next epoch has begun, or is the first: the file is named by the step too */
    double loss, score;           /* of the epoch under way: sums over its rows so far ... */
    double epoch_seconds;         /* ... and the time of its steps */
    const char *stopped_by;  /* "epochs": there may be more to train; else what ended it: nothing but the end is left */
    kz_metrics train, valid; /* of the last finished epoch */
    /* With early stopping: */
    int64_t best_epoch, epochs_since_best; /* best_epoch 0: none so far, and the other three mean nothing */
    double best_value;
    kz_metrics best_train;
    /* So far, over all parts of the run: */
    double target_seconds, seconds_total, seconds_train, seconds_eval, seconds_data, seconds_checkpoint;
    double rank; /* the lower the better: the checkpoint with the lowest stays; NaN: not to be ranked */
    /* In host memory, the record's own; see kz_record_checkpoint_room. */
    int64_t n; /* weights */
    int arrays;
    float *weights, *optimizer, *best; /* (n), (arrays, n), (n) or NULL without early stopping */
} kz_checkpoint;

/* Waits until no checkpoint is being written; c->weights, optimizer, best, n, arrays <- buffers to fill in.
 * Fails: as the checkpoint before did. */
kz_status kz_record_checkpoint_room(kz_record *rec, kz_checkpoint *c);
/* Hands over the checkpoint whose buffers were filled in, for the epochs given to kz_record_epoch so far, and returns.
 * Beside the training it is hashed, written and synced, as their lines are before; then all but the `keep` newest and the
 * best one are removed.  Failures (KZ_E_OUTPUT, KZ_E_MEM; the older ones are then untouched) come with the next call. */
kz_status kz_record_checkpoint(kz_record *rec, const kz_checkpoint *c);
/* Waits until it is written. */
kz_status kz_record_checkpoint_wait(kz_record *rec);
/* "checkpoint-000012.safetensors", or with `inside` "checkpoint-000012.step-0000000345.safetensors": names sort by progress. */
#define KZ_CHECKPOINT_NAME 64
void kz_checkpoint_name(char out[KZ_CHECKPOINT_NAME], const kz_checkpoint *c);

/* ---- going on with a run ---- */

/* Told of what was found on the way: "checkpoint-000012.safetensors is damaged ...: the one before it is used". */
typedef void kz_record_note(void *context, const char *text);

/* As kz_record_create for a run that `directory` holds: locks it, takes its newest checkpoint that is whole, and cuts
 * metrics.jsonl back to it.  *from <- that checkpoint, its arrays valid until the next kz_record_checkpoint_room; where the
 * run was stopped before its first, all 0 and from->n = 0: it begins.
 * Fails: KZ_E_OUTPUT (in use by another process, cannot be written), KZ_E_CONFIG (another config: says what differs),
 * KZ_E_DATA (checkpoints, and none is whole; other data; another arithmetic), KZ_E_INPUT (no run there), KZ_E_MEM. */
kz_status kz_record_resume(kz_record **out, const kz_config *cfg, const kz_data *data, const char *directory,
                           const kz_tensor *tensors, int64_t n_tensors, kz_checkpoint *from, kz_record_note *note,
                           void *context);

/* *out <- the newest run directory under <output>/<name>/ that is not finished, not in use, and whose config is cfg as far
 * as bits go; NULL if there is none.  Yours to kz_free. */
kz_status kz_record_find(char **out, const kz_config *cfg);
bool kz_record_is_run(const char *directory); /* it has a config.yaml */
/* Removes what a run that was killed before it had a config.yaml has left, so that one can begin there. */
void kz_record_clear(const char *directory);
/* *out <- run.json of a directory; NULL if it has none. */
kz_status kz_record_read(json_t **out, const char *directory);

/* Waits for what is queued, then writes model.safetensors (unless weights is NULL) and run.json, last and synced. */
kz_status kz_record_finish(kz_record *rec, const kz_run *run, const float *weights, int64_t n);

/* After finish: "sha256:...", borrowed. */
const char *kz_record_weights_digest(const kz_record *rec);
const char *kz_record_trajectory_digest(const kz_record *rec);
const char *kz_record_config_digest(const kz_record *rec); /* from create on */
const json_t *kz_record_json(const kz_record *rec);        /* run.json as written */

void kz_record_destroy(kz_record **rec); /* stops the thread; a run not finished leaves no run.json */

/* chain <- SHA-256 of chain and the digest of these weights, which also goes to digest[32]: one epoch of a trajectory, which
 * begins with 32 zero bytes. */
void kz_trajectory_extend(uint8_t chain[32], uint8_t digest[32], const float *weights, int64_t n, kz_sha256 *hash);

/* The digest of n weights: little-endian binary32 in tensor order, any NaN as 0x7fc00000. */
void kz_weights_digest(uint8_t out[32], const float *weights, int64_t n, kz_sha256 *hash);

/* The version of the arithmetic: raised by a change that moves a golden digest, with a line in the CHANGELOG. */
enum { KZ_ARITHMETIC = 1 };

json_t *kz_machine_json(void); /* CPU model, cores, instruction sets, caches, memory, kernel, hostname left out */
json_t *kz_build_json(void);   /* version, commit, compiler, flags, features, arithmetic */

#ifdef __cplusplus
}
#endif
#endif
