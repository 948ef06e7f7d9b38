/* record_impl.h — the parts of a record: directory, writer thread, energy meter, and the contents of the files. */
#ifndef KZ_RECORD_IMPL_H
#define KZ_RECORD_IMPL_H

#include "kz/record.h"
#include "safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- record_directory.c ---- */

/* Makes the directory, as kz_record_create says.  started: "2026-01-31T09:05:00Z".  *out is yours to kz_free, after a
 * failure too; *made: it was not there before. */
kz_status kz_record_directory_make(char **out, bool *made, const kz_config *cfg, const char *config_digest,
                                   const char *started, const char *directory);
kz_status kz_record_directory_sync(const char *path); /* its entries are then on the disk */

/* ---- energy.c: Intel's and AMD's counters (RAPL), one per CPU package ---- */

enum { KZ_ENERGY_PACKAGES = 16 };

typedef struct {
    int packages; /* that are read; 0: none, and `reason` says why */
    struct {
        char path[128];
        int64_t range, last; /* microjoules: where the counter wraps, and its last value */
    } package[KZ_ENERGY_PACKAGES];
    double joules; /* since the start */
    char reason[160];
} kz_energy;

void kz_energy_start(kz_energy *e, const char *powercap); /* "/sys/class/powercap" */
void kz_energy_sample(kz_energy *e);                      /* at least once per wrap: every few minutes */
json_t *kz_energy_json(const kz_energy *e);

/* ---- record_writer.c: the thread that hashes weights and writes metrics.jsonl ---- */

typedef struct kz_record_writer kz_record_writer;

/* Opens the new file `path` and starts the thread, for epochs of n weights.  The thread also samples *energy, which must
 * outlive it and is its own until it is stopped.  Fails: KZ_E_OUTPUT, KZ_E_MEM, KZ_E_FAIL. */
kz_status kz_record_writer_create(kz_record_writer **out, const char *path, bool classification, int64_t n,
                                  kz_energy *energy);
/* Copies and queues; waits only while both buffers are in use.  Gives the first failure so far. */
kz_status kz_record_writer_push(kz_record_writer *w, const kz_epoch *epoch, const float *weights);
/* Once: waits for what is queued, ends the thread, syncs and closes the file.  Gives the first failure. */
kz_status kz_record_writer_stop(kz_record_writer *w);
void kz_record_writer_destroy(kz_record_writer **w);

/* Waits until all that was pushed is written, and syncs it: weights <- digest of the last epoch's (at least one was pushed),
 * trajectory <- so far.  Gives the first failure. */
kz_status kz_record_writer_settle(kz_record_writer *w, uint8_t weights[32], uint8_t trajectory[32]);

/* After stop: digest of the last epoch's weights (false: there was none), and the trajectory. */
bool kz_record_writer_weights(const kz_record_writer *w, uint8_t out[32]);
void kz_record_writer_trajectory(const kz_record_writer *w, uint8_t out[32]);

/* ---- contents; a json_t * is NULL when memory is out ---- */

json_t *kz_record_text_json(const char *s);                        /* NULL is null; what is not UTF-8 becomes '?' */
json_t *kz_metrics_json(const kz_metrics *m, bool classification); /* no rows: null */

/* Metadata of safetensors files (record_metadata.c): value is taken over; NULL is KZ_E_MEM, so that what follows may assume
 * that all went well.  put_json: its compact JSON becomes the string. */
kz_status kz_record_put(json_t *metadata, const char *key, json_t *value);
kz_status kz_record_put_json(json_t *metadata, const char *key, json_t *value, int digits);
/* t's part of an array over all parameters, under that name; all borrowed. */
kz_safetensor kz_record_safetensor(const kz_tensor *t, const char *name, const float *parameters);

/* model.safetensors.  cfg has the data's absolute path; digest: of the weights. */
kz_status kz_record_model_write(const char *path, const kz_config *cfg, const kz_data *data, const kz_tensor *tensors,
                                int64_t n_tensors, const float *weights, const char *digest);

/* checkpoint-<epoch>.safetensors in `directory`, synced; then, with prune, only the `keep` newest stay. */
typedef struct {
    const kz_config *cfg; /* has the data's absolute path */
    const kz_tensor *tensors;
    int64_t n_tensors;
    const char *data_digest, *weights_digest, *trajectory_digest;
} kz_checkpoint_facts;
kz_status kz_record_checkpoint_write(const char *directory, const kz_checkpoint *c, const kz_checkpoint_facts *facts);
kz_status kz_record_checkpoint_prune(const char *directory, int64_t keep);

typedef struct {
    const kz_config *cfg;
    const kz_run *run;
    bool classification;
    const char *config_digest, *data_digest, *weights_digest, *trajectory_digest; /* "": none */
    const char *started;
    const kz_energy *energy;
} kz_run_facts;

kz_status kz_run_json(json_t **out, const kz_run_facts *facts);

/* Adds cores, packages, NUMA nodes and caches to the machine's CPU; 0 when done (topology_hwloc.c, topology_sysfs.c). */
int kz_topology_add(json_t *cpu);

#ifdef __cplusplus
}
#endif
#endif
