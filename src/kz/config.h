/* kz/config.h — the config of a run: one schema table, from which parser, reference, JSON Schema and digest come. */
#ifndef KZ_CONFIG_H
#define KZ_CONFIG_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names (`type`, `activation`, `loss`, ...) point to constant strings of the schema; every char * is owned by the
 * config.  A number that may be left out and was is KZ_UNSET; a name or string left out is NULL. */
#define KZ_UNSET (-1)

typedef struct {
    const char *type;       /* "dense" */
    int64_t units;          /* outputs; KZ_UNSET: the data say (last layer only) */
    const char *activation; /* "identity", "relu", ... */
    double dropout;         /* share of outputs dropped, in [0, 1) */
} kz_config_layer;

typedef struct {
    char *x, *y;     /* paths inside the HDF5 file; NULL: this split is not given that way */
    double fraction; /* valid only: share drawn from train; 0: none */
    bool left_out;   /* of the config: the file may say where it is; x and y are then the defaults */
} kz_config_split;

typedef struct {
    char *path; /* as written */
    kz_config_split train, valid, test;
    const char *scale;            /* "none", "unit", "standard" */
    const char *scale_target;     /* "auto", "none", "standard" */
    int64_t window, window_block; /* rows; KZ_UNSET without shuffle: window */
    int64_t memory;               /* bytes */
    bool allow_filters;           /* loads HDF5's plug-in filters */
} kz_config_data;

typedef struct {
    kz_config_layer *layers;
    int64_t n_layers;
    const char *loss; /* NULL: from the task */
    const char *init;
} kz_config_model;

typedef struct {
    const char *name;     /* "constant", "cosine" */
    int64_t warmup_steps; /* linear from lr / warmup_steps */
    double final_lr;      /* where it would be after the last step */
} kz_config_schedule;

typedef struct {
    const char *name; /* a key of kernels/optim/optim_list.inc */
    double lr;
    double momentum, dampening;
    bool nesterov;
    double beta1, beta2, eps;
    double weight_decay;
    double clip_norm, clip_value; /* KZ_UNSET: no clipping */
    kz_config_schedule schedule;
} kz_config_optimizer;

typedef struct {
    char *metric;     /* "valid.loss"; NULL: no early stopping */
    int64_t patience; /* epochs without improvement */
    double min_delta; /* what counts as improvement */
} kz_config_early_stop;

typedef struct {
    char *metric;  /* "valid.accuracy"; NULL: no target */
    bool at_least; /* else at most */
    double value;
} kz_config_target;

typedef struct {
    int64_t every_epochs, every_steps; /* not above 0: not by this; all three: no checkpoints but for a signal's */
    double every_minutes;
    int64_t keep; /* how many of the newest stay; 0 without checkpoints */
} kz_config_checkpoint;

typedef struct {
    int64_t epochs, batch, micro_batches;
    const char *shuffle; /* "full", "window", "none" */
    kz_config_early_stop early_stop;
    kz_config_target target;
    kz_config_checkpoint checkpoint;
    double max_minutes; /* KZ_UNSET: no limit */
} kz_config_train;

typedef struct {
    char *kind;             /* "auto", "cpu", "cuda", "cuda:1" */
    const char *arithmetic; /* "reproducible", "fast" */
    const char *precision;  /* "tf32", "bf16" with fast; else NULL */
    int64_t threads;        /* 0: all this process may use */
} kz_config_device;

typedef struct {
    char *file; /* the file it came from, as given; NULL: from text */
    char *name;
    uint64_t seed;
    kz_config_data data;
    kz_config_model model;
    kz_config_optimizer optimizer;
    kz_config_train train;
    kz_config_device device;
    char *output;
} kz_config;

/* Reads and checks `path`, with each `set` ("optimizer.lr=0.01", "model.layers[0].units=64", "data.valid=none") put over
 * it first.  *out is yours to destroy.  Fails: KZ_E_INPUT; KZ_E_CONFIG: every error in one go in *report, each as
 * "file:line:column: error: ...", the line, a caret and where possible a suggestion; *out is then untouched. */
kz_status kz_config_load(kz_config **out, const char *path, const char *const *sets, int64_t n_sets, kz_text *report);
/* The same from text; `name` stands for the file in messages. */
kz_status kz_config_parse(kz_config **out, const char *name, const char *text, const char *const *sets, int64_t n_sets,
                          kz_text *report);
void kz_config_destroy(kz_config **cfg);

/* Replaces a string of the config (an owned one), e.g. kz_config_set_string(&cfg->output, dir). */
kz_status kz_config_set_string(char **field, const char *value);

kz_status kz_config_quote(kz_text *out, const char *text);    /* the text as a YAML scalar, in quotes where needed */
kz_status kz_config_yaml(kz_text *out, const kz_config *cfg); /* complete, loads again to the same values */
kz_status kz_config_json(json_t **out, const kz_config *cfg); /* the same as a JSON object, schema order */
/* SHA-256 over the keys that can change bits, as compact JSON in schema order (docs/config.md marks them). */
kz_status kz_config_digest(char out[KZ_DIGEST_TEXT], const kz_config *cfg);

/* What keeps a run that began with `began` from going on with `now`: a line for each key that can change bits and differs,
 * "  train.batch: 32 when the run began, now 64"; nothing if it may go on.  A key that `now` leaves open agrees.
 * train.epochs may rise under a schedule that does not use the total. */
kz_status kz_config_difference(kz_text *out, const kz_config *began, const kz_config *now);

kz_status kz_config_reference(kz_text *out);   /* docs/config.md */
kz_status kz_config_json_schema(kz_text *out); /* docs/config.schema.json, draft 2020-12 */

#ifdef __cplusplus
}
#endif
#endif
