/* kz/train.h — a run: from a config to trained weights and a run directory. */
#ifndef KZ_TRAIN_H
#define KZ_TRAIN_H

#include "kz/base.h"
#include "kz/config.h"
#include "kz/data.h"
#include "kz/device.h"
#include "kz/record.h"

#include <signal.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { KZ_DATA_ARRAYS = 12 }; /* that a run has, at most */

/* What a run will do, known once the data are open and the buffers made. */
typedef struct {
    const kz_config *cfg; /* resolved */
    const kz_data *data;
    const char *device, *isa; /* "cpu", "avx2" */
    const kz_gpu *gpu;        /* NULL: a CPU */
    const char *device_note;  /* "": nothing to say of the choice of it */
    int threads;
    int64_t outputs, parameters, steps, steps_per_epoch;
    int64_t memory_bytes, disk_bytes; /* at most, estimated: data, weights, moments, buffers; files of the run */
    int64_t gpu_bytes, gpu_free;      /* likewise in a GPU's memory, with the data that will lie there */
    int64_t gpu_outside;              /* bytes of data for which there is no room: they stay in the machine's memory */
    const char *gpu_left[KZ_DATA_ARRAYS]; /* with dry_run, which: "train features", ... */
    int n_gpu_left;
    int64_t disk_free;               /* where the run is written; -1: unknown, or nothing is written */
    bool resumed;                    /* a run that is taken up ... */
    int64_t epochs_done, steps_done; /* ... after that */
    const char *directory;           /* of the run; NULL where none is written */
} kz_train_plan;

/* Calls during a run, on the thread that called kz_train; each may be NULL. */
typedef struct {
    void *context;
    void (*begin)(void *context, const kz_train_plan *plan);
    void (*step)(void *context, int64_t steps_done);
    /* weights (n): host memory, after the epoch.  Not KZ_OK ends the run. */
    kz_status (*epoch)(void *context, const kz_epoch *epoch, const float *weights, int64_t n);
    void (*note)(void *context, const char *text); /* something odd that the run copes with */
    void (*checkpoint)(void *context, const char *name, int64_t epochs, int64_t steps); /* is being written */
} kz_train_watch;

typedef struct {
    const char *directory; /* the run directory; NULL: the config's output */
    bool resume;           /* goes on with the run in `directory` */
    bool no_record;        /* writes nothing */
    bool dry_run;          /* stops after `begin` */
    const char *isa;       /* see kz_device_create */
    const volatile sig_atomic_t
        *stop;                   /* a signal's number once it came: the run ends after a checkpoint; may be NULL */
    volatile sig_atomic_t *save; /* not 0 once a checkpoint is asked for; set back to 0; may be NULL */
    kz_train_watch watch;
} kz_train_options;

typedef struct {
    kz_run run;
    char *directory;              /* owned; NULL without record */
    json_t *json;                 /* run.json, owned; NULL without record */
    char weights[KZ_DIGEST_TEXT]; /* digest of the weights kept */
} kz_train_result;                /* zero-initialise; kz_train_result_free */

/* Trains as cfg says, and fills in what cfg left open (loss, units, scaling, absolute data path).
 * Fails: as kz_data_open, kz_device_create, kz_model_create, kz_record_create; kz_record_resume; KZ_E_OUTPUT (not
 * enough room on the disk); KZ_E_DIVERGED (*result filled in, the record says where); KZ_E_INTERRUPTED (stopped by `stop`
 * after a checkpoint; likewise), without a record KZ_E_SIGINT or KZ_E_SIGTERM. */
kz_status kz_train(kz_config *cfg, const kz_train_options *options, kz_train_result *result);
void kz_train_result_free(kz_train_result *result);

#ifdef __cplusplus
}
#endif
#endif
