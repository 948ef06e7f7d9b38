/* record_impl.h — the parts of a record: directory, writer thread, energy meter, and the contents of the files. */
#ifndef KZ_RECORD_IMPL_H
#define KZ_RECORD_IMPL_H

#include "kz/record.h"
#include "safetensors.h"

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- record.c ---- */

typedef struct kz_record_writer kz_record_writer;
typedef struct kz_checkpoint_writer kz_checkpoint_writer;

enum { KZ_ENERGY_PACKAGES = 16 };

#define KZ_NVML_LIBRARY "libnvidia-ml.so.1"

/* energy_gpu.c: NVIDIA's library for its GPUs' meters; functions give 0 or a status that `explain` puts into words */
typedef struct {
    void *library; /* NULL: not loaded */
    int (*start)(void);
    int (*stop)(void);
    const char *(*explain)(int status);
    int (*find)(const char *bus, void **device);
    int (*energy)(void *device, unsigned long long *millijoules);
    int (*limit)(void *device, unsigned *milliwatts);
} kz_nvml;

typedef struct {
    bool used; /* a GPU, by some part of the run */
    kz_nvml nvml;
    void *device;                 /* that is read; NULL: none */
    int64_t last;                 /* its counter, millijoules, ... */
    double sampled;               /* ... and when, by kz_clock */
    double joules, seconds;       /* measured, in earlier parts of the run too */
    double watts_limit;           /* of the device; NaN: unknown */
    char reason[KZ_METER_REASON]; /* why some part was not measured; "": all was */
} kz_energy_gpu;

/* energy.c: Intel's and AMD's counters (RAPL), one per CPU package; and the GPU */
typedef struct {
    int packages; /* that are read; 0: none, and `reason` says why */
    struct {
        char path[128];
        int64_t range, last; /* microjoules: where the counter wraps, and its last value */
    } package[KZ_ENERGY_PACKAGES];
    double joules; /* since the start */
    char reason[KZ_METER_REASON];
    kz_energy_gpu gpu;
} kz_energy;

/* What a run took up to some point, as checkpoints keep it.  NaN: some part of it was not measured. */
typedef struct {
    double cpu_joules;
    double gpu_joules, gpu_seconds; /* both 0: no GPU was used so far */
} kz_energy_past;

/* Where a run goes on: epochs finished, their trajectory, and the digest of the last one's weights. */
typedef struct {
    int64_t epochs;
    uint8_t trajectory[32], weights[32];
} kz_record_past;

struct kz_record {
    kz_config cfg; /* a copy of the struct alone, with the data's absolute path; all strings are borrowed */
    const kz_data *data;
    const kz_tensor *tensors;
    int64_t n_tensors, n; /* n: weights */
    char *directory;
    int lock;            /* the directory, locked; -1: it cannot be */
    bool made, complete; /* made: the directory was not there before; complete: it stays */
    char started[24];
    char config_digest[KZ_DIGEST_TEXT], weights_digest[KZ_DIGEST_TEXT], trajectory_digest[KZ_DIGEST_TEXT];
    kz_record_writer *writer;
    kz_checkpoint_writer *checkpoints;
    bool stopped; /* the writers were */
    kz_energy energy;
    json_t *resumed; /* a list: where the run was taken up again */
    json_t *json;
};

/* A record without directory and writers. */
kz_status kz_record_prepare(kz_record **out, const kz_config *cfg, const kz_data *data, const kz_tensor *tensors,
                            int64_t n_tensors);
/* Both writers, in the directory; past: NULL for a run that begins. */
kz_status kz_record_start(kz_record *rec, const kz_record_past *past, int64_t kept_epoch, double kept_rank);
kz_status kz_record_write_config(const kz_record *rec);

/* ---- record_directory.c ---- */

/* Makes the directory, as kz_record_create says.  started: "2026-01-31T09:05:00Z".  *out is yours to kz_free, after a
 * failure too; *made: it was not there before. */
kz_status kz_record_directory_make(char **out, bool *made, const kz_config *cfg, const char *config_digest,
                                   const char *started, const char *directory);
kz_status kz_record_directory_sync(const char *path); /* its entries are then on the disk */
/* *out <- <output>/<name>. */
kz_status kz_record_directory_parent(char **out, const kz_config *cfg);
/* *fd <- the directory, locked for this process until it is closed; -1 where the file system has no locks.
 * Fails: KZ_E_OUTPUT (another process has it). */
kz_status kz_record_directory_lock(int *fd, const char *path);
void kz_record_directory_clean(const char *path); /* removes half-written files of processes that were killed */

/* ---- record_lines.c: metrics.jsonl as it was left ---- */

typedef struct {
    kz_text text;
    int64_t n;              /* whole lines from epoch 1 on, one per epoch */
    int64_t *end;           /* (n) bytes up to the end of each line */
    uint8_t (*weights)[32]; /* (n) digests in them */
} kz_record_lines;

kz_status kz_record_lines_read(kz_record_lines *out, const char *path); /* no file: none.  kz_record_lines_free it */
void kz_record_lines_free(kz_record_lines *lines);
/* chain <- the trajectory of the first n epochs. */
kz_status kz_record_lines_trajectory(const kz_record_lines *lines, int64_t n, uint8_t chain[32]);
/* *m <- metrics "train" or "valid" of an epoch from 1, rows: 1 where it has them. */
kz_status kz_record_lines_metrics(const kz_record_lines *lines, int64_t epoch, const char *split, kz_metrics *m);
/* Cuts the file back to its first n lines, by renaming; nothing is done where that is all of it. */
kz_status kz_record_lines_cut(const kz_record_lines *lines, int64_t n, const char *path);

/* ---- energy.c ---- */

void kz_energy_start(kz_energy *e, const char *powercap);        /* "/sys/class/powercap" */
void kz_energy_resume(kz_energy *e, const kz_energy_past *past); /* after the start: earlier parts of the run */
void kz_energy_sample(kz_energy *e);                             /* at least once per wrap: every few minutes */
kz_energy_past kz_energy_so_far(const kz_energy *e);
json_t *kz_energy_json(const kz_energy *e);
void kz_energy_stop(kz_energy *e); /* what was measured stays */

/* ---- energy_gpu.c ---- */

/* Once, after kz_energy_start; library: KZ_NVML_LIBRARY. */
void kz_energy_gpu_start(kz_energy_gpu *e, const kz_gpu *gpu, const char *library);
void kz_energy_gpu_sample(kz_energy_gpu *e);
double kz_energy_gpu_joules(const kz_energy_gpu *e);    /* NaN: a part was not measured */
const char *kz_energy_gpu_text(const kz_energy_gpu *e); /* how it was measured, or why not */
void kz_energy_gpu_stop(kz_energy_gpu *e);

/* ---- record_writer.c: the thread that hashes weights and writes metrics.jsonl ---- */

/* Opens the file `path`, which is new unless there is a past, and starts the thread, for epochs of n weights.  The thread
 * also samples *energy, which must outlive it and is its own until it is stopped.  Fails: KZ_E_OUTPUT, KZ_E_MEM,
 * KZ_E_FAIL. */
kz_status kz_record_writer_create(kz_record_writer **out, const char *path, bool classification, int64_t n,
                                  kz_energy *energy, const kz_record_past *past);
/* Copies and queues; waits only while both buffers are in use.  Gives the first failure so far. */
kz_status kz_record_writer_push(kz_record_writer *w, const kz_epoch *epoch, const float *weights);
void kz_record_writer_measure_gpu(kz_record_writer *w, const kz_gpu *gpu); /* from now on; once */
/* Once: waits for what is queued, ends the thread, syncs and closes the file.  Gives the first failure. */
kz_status kz_record_writer_stop(kz_record_writer *w);
void kz_record_writer_destroy(kz_record_writer **w);

/* For checkpoints, one at a time.  mark: remembers trajectory and energy after the epochs pushed so far, once they are
 * written.  marked, from any thread: waits for that, syncs the lines.  Gives the first failure. */
void kz_record_writer_mark(kz_record_writer *w);
kz_status kz_record_writer_marked(kz_record_writer *w, uint8_t trajectory[32], kz_energy_past *energy);

/* After stop: digest of the last epoch's weights (false: there was none), and the trajectory. */
bool kz_record_writer_weights(const kz_record_writer *w, uint8_t out[32]);
void kz_record_writer_trajectory(const kz_record_writer *w, uint8_t out[32]);

/* ---- contents; a json_t * is NULL when memory is out ---- */

json_t *kz_record_text_json(const char *s);                        /* NULL is null; what is not UTF-8 becomes '?' */
json_t *kz_metrics_json(const kz_metrics *m, bool classification); /* no rows: null */

/* Starts a thread that no signal interrupts (record_writer.c); what: its name in a message. */
kz_status kz_record_thread(pthread_t *thread, void *(*run)(void *), void *argument, const char *what);

/* Metadata of safetensors files (record_metadata.c): value is taken over; NULL is KZ_E_MEM, so that what follows may assume
 * that all went well.  put_json: its compact JSON becomes the string. */
kz_status kz_record_put(json_t *metadata, const char *key, json_t *value);
kz_status kz_record_put_json(json_t *metadata, const char *key, json_t *value, int digits);
/* t's part of an array over all parameters, under that name; all borrowed. */
kz_safetensor kz_record_safetensor(const kz_tensor *t, const char *name, const float *parameters);

/* model.safetensors.  cfg has the data's absolute path; digest: of the weights. */
kz_status kz_record_model_write(const char *path, const kz_config *cfg, const kz_data *data, const kz_tensor *tensors,
                                int64_t n_tensors, const float *weights, const char *digest);

/* Reading and writing of one checkpoint file (record_checkpoint.c, record_checkpoint_read.c). */
typedef struct {
    const kz_config *cfg; /* has the data's absolute path */
    const kz_tensor *tensors;
    int64_t n_tensors;
    const char *data_digest, *weights_digest, *trajectory_digest;
    const char *started;
    const json_t *resumed; /* a list, or NULL */
    kz_energy_past energy;
    int64_t kept_epoch; /* of the best checkpoint; 0: none */
    double kept_rank;
} kz_checkpoint_facts;

/* Synced. */
kz_status kz_record_checkpoint_write(const char *directory, const kz_checkpoint *c, const kz_checkpoint_facts *facts);
/* A checkpoint file's name: what it says, and in which order they were made. */
typedef struct {
    int64_t epoch, step; /* step: 0 after a whole epoch */
} kz_checkpoint_key;
bool kz_checkpoint_key_of(kz_checkpoint_key *out, const char *name); /* false: it is no checkpoint's */
int kz_checkpoint_key_compare(const void *a, const void *b);         /* newest first, for qsort */
/* Leaves `newest`, which was just made, the keep - 1 before it, and the one after epoch `kept` (0: none).  What lies ahead
 * of it was passed over when the run was taken up: it goes too, or it would push out those that are whole. */
kz_status kz_record_checkpoint_prune(const char *directory, const kz_checkpoint_key *newest, int64_t keep,
                                     int64_t kept);
/* *out <- the keys of a directory's checkpoints, newest first; yours to kz_free. */
kz_status kz_record_checkpoint_list(kz_checkpoint_key **out, int64_t *n, const char *directory);

/* What a checkpoint says beyond kz_checkpoint. */
typedef struct {
    kz_config *cfg;
    json_t *resumed; /* a list */
    char data_digest[KZ_DIGEST_TEXT], trajectory_digest[KZ_DIGEST_TEXT], started[24];
    int64_t arithmetic;
    kz_energy_past energy;
    int64_t kept_epoch;
    double kept_rank;
    bool whole; /* false: of the first kind, without metrics, timing and all of the above from `started` on */
} kz_checkpoint_past;
/* Reads and verifies a file that is not trusted; c has the buffers and their sizes.  Fails: KZ_E_DATA (damaged, or of
 * another shape), KZ_E_INPUT, KZ_E_FAIL, KZ_E_MEM. */
kz_status kz_record_checkpoint_read(const char *path, const kz_tensor *tensors, int64_t n_tensors, kz_checkpoint *c,
                                    kz_checkpoint_past *past);
void kz_checkpoint_past_free(kz_checkpoint_past *past);

/* ---- checkpoint_writer.c: the thread that writes checkpoints ---- */

/* Makes the buffers for runs of cfg over these tensors. */
kz_status kz_checkpoint_writer_create(kz_checkpoint_writer **out, const kz_config *cfg, const kz_tensor *tensors,
                                      int64_t n_tensors);
/* Starts the thread.  What facts point to must outlive it, and so must lines. */
kz_status kz_checkpoint_writer_start(kz_checkpoint_writer *w, kz_record_writer *lines, const char *directory,
                                     const kz_checkpoint_facts *facts);
/* The buffers, once nothing is being written.  wait alone: the first failure. */
kz_status kz_checkpoint_writer_wait(kz_checkpoint_writer *w);
void kz_checkpoint_writer_buffers(kz_checkpoint_writer *w, kz_checkpoint *c);
kz_status kz_checkpoint_writer_push(kz_checkpoint_writer *w, const kz_checkpoint *c);
void kz_checkpoint_writer_destroy(kz_checkpoint_writer **w); /* after what is queued */

typedef struct {
    const kz_config *cfg;
    const kz_run *run;
    bool classification;
    const char *config_digest, *data_digest, *weights_digest, *trajectory_digest; /* "": none */
    const char *started;
    const kz_energy *energy;
    const json_t *resumed; /* a list */
} kz_run_facts;

kz_status kz_run_json(json_t **out, const kz_run_facts *facts);

/* Adds cores, packages, NUMA nodes and caches to the machine's CPU; 0 when done (topology_hwloc.c, topology_sysfs.c). */
int kz_topology_add(json_t *cpu);

#ifdef __cplusplus
}
#endif
#endif
