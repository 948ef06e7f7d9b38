/* Private to src/train: a run in progress. */
#ifndef KZ_TRAINER_H
#define KZ_TRAINER_H

#include "kz/data_stream.h"
#include "kz/model.h"
#include "kz/optim.h"
#include "kz/train.h"

enum { GRADIENTS = 64, EVAL_ROWS = 512 };

/* A split as the device sees it. */
typedef struct {
    const kz_split *split;
    const void *x; /* device views of the split's arrays */
    const int32_t *label;
    const float *value, *raw;
    int64_t *row;              /* (rows) on the device: where each row lies; for train in the epoch's order */
    int64_t first, held;       /* streamed: row[0] is at this place of the order; as many are there */
    bool x_outside, y_outside; /* features, targets: in the machine's memory, beyond the GPU's */
    double total_square;       /* regression: sum over rows and targets of (y - mean)^2, original units */
} part_view;

/* A GPU's window of a streamed split; the other devices use the feed's own. */
typedef struct {
    void *x;
    int32_t *label;
    float *value, *raw; /* value: NULL where targets are not scaled */
    int64_t *row;
    kz_window from; /* the feed's */
    bool lent;      /* that one is still being sent */
} device_window;

/* Rows of a view outside, brought over: x scaled, each row in its turn; those arrays that are not outside are NULL. */
typedef struct {
    float *x;
    int32_t *label;
    float *value, *raw;
    const part_view *of; /* whose; NULL: nobody's */
    int64_t first, rows; /* which */
} fetched;

typedef struct {
    kz_config *cfg;
    const kz_train_options *options;
    kz_data *data;
    kz_device *dev;
    kz_model *model;
    kz_optim *optim;
    kz_record *record; /* NULL: nothing is written */
    int loss;          /* of loss_list.inc */
    int64_t outputs, parameters, steps, steps_per_epoch, max_rows;
    part_view train, valid, test;
    kz_feed *feed; /* NULL: all splits are in memory */
    int64_t ahead; /* epoch whose first window it fills already; -1: none */
    double *piece; /* (piece_rows) of a streamed evaluation, on the host */
    int64_t piece_rows;
    device_window window[2];
    int shown;    /* the window in the view; -1: none */
    bool brought; /* the other one is on its way, or there */
    int pins;     /* pieces of the feed's memory that are pinned */
    fetched place[2];
    bool fetches;    /* some view is outside */
    int fetch_last;  /* the one that was filled last */
    int64_t *number; /* (rows of a place) 0, 1, ... on the device */
    /* on the device */
    const float *mean, *factor;                   /* (features) scaling, or NULL */
    const double *target_mean, *target_deviation; /* (targets), or NULL */
    float *x, *dz;                                /* (max_rows, features), (max_rows, outputs) */
    double *row_loss, *row_score;                 /* (rows of the largest split) */
    double *part_loss, *part_score, *norm, *sums; /* (micro_batches) x 2, (1), (2) */
    float *gradient[GRADIENTS];                   /* (parameters) each: unfinished subtrees over the parts */
    kz_tally *tally;
    kz_cursor *cursor;      /* the next step */
    int64_t *tensor_offset; /* (tensors + 1) */
    /* on the host */
    kz_cursor at;   /* what the device's cursor is once the queue is done */
    bool diverged;  /* found out at a checkpoint, of a device that works ahead */
    int64_t *order; /* (rows of train) */
    int64_t n_tensors;
    float *weights, *best; /* (parameters): after the epoch; of the best epoch, or NULL */
    double best_value;
    int64_t epochs_since_best;
    double started;      /* kz_clock() at the start */
    double past_seconds; /* of the parts of the run before this one */
    double memory;       /* bytes at most, with the data and the program */
    int64_t disk_free;   /* -1: unknown */
    /* checkpoints */
    int64_t checkpoint_step, checkpoint_epoch; /* of the last one; step -1: none yet */
    double checkpoint_time;                    /* when, by kz_clock */
    double epoch_seconds;                      /* of the steps of the epoch under way, so far */
    kz_tally resumed_tally;                    /* of the epoch that a checkpoint was made in */
    kz_checkpoint end;                         /* has_end: the run after its last epoch, before the best weights */
    bool has_end;
    kz_metrics best_train;
    kz_run run;
} trainer;

/* setup.c */
kz_status trainer_setup(trainer *t);
void trainer_release(trainer *t);
/* Gradient buffers that the tree over the parts can need at once: one per binary digit of their number. */
int trainer_gradients(const trainer *t);

/* View of host memory on the device; NULL stays NULL. */
kz_status trainer_share(trainer *t, const void **out, const void *host, int64_t n, size_t size, const char *what);
void trainer_unshare(trainer *t, part_view *view);

/* trainer_stream.c */
bool trainer_is_streamed(const part_view *view);
bool trainer_streams(const trainer *t); /* any split */
kz_status trainer_stream_create(trainer *t);
void trainer_stream_release(trainer *t);
double trainer_window_bytes(const trainer *t); /* of one on a GPU */
/* Begins a pass, of train by an epoch's order from a place in it; then the rows from `begin` on are in the view. */
kz_status trainer_stream_begin(trainer *t, part_view *view, int64_t epoch, int64_t position);
kz_status trainer_stream_rows(trainer *t, part_view *view, int64_t begin);
/* The next epoch's first window: begun; sent, if it is there. */
kz_status trainer_stream_ahead(trainer *t, int64_t epoch);
kz_status trainer_stream_send_ahead(trainer *t);
kz_status trainer_stream_evaluate(trainer *t, part_view *view, double sums[2]); /* losses and scores of all rows */

double trainer_fetch_bytes(const trainer *t, bool x, bool y); /* of both places, on the GPU */
kz_status trainer_fetch_create(trainer *t);                   /* once the arrays are shared */
void trainer_fetch_release(trainer *t);
/* Begins to fetch rows first .. first + rows - 1 of the view's order, after those that were fetched before are left. */
kz_status trainer_fetch(trainer *t, const part_view *view, int64_t first, int64_t rows);
/* *out <- where these rows are, fetched now if they were not yet; NULL: the view is not outside. */
kz_status trainer_fetch_enter(trainer *t, const part_view *view, int64_t first, int64_t rows, const fetched **out);
kz_status trainer_fetch_leave(trainer *t, const fetched *f); /* what uses them is queued */
/* After row numbers have changed: what was fetched has all been used by then, so that nothing reads the old ones. */
kz_status trainer_fetch_anew(trainer *t);

/* trainer_memory.c */
double trainer_memory(const trainer *t);        /* bytes that the run will take beside the data, of the machine ... */
double trainer_device_memory(const trainer *t); /* ... and in the device's own memory, which a CPU's is part of */
/* Where a run's arrays will be, by what is free on a GPU; `share` decides by what is free then. */
typedef struct {
    double inside, outside;           /* bytes on the GPU, and left in the machine's memory */
    double fetch;                     /* of the places that what is outside is brought to */
    const char *left[KZ_DATA_ARRAYS]; /* what is outside: "train features", ... */
    int n_left;
} data_places;
data_places trainer_places(const trainer *t);
kz_status trainer_check_memory(const trainer *t); /* KZ_E_MEM if that is more than there is */

/* step.c: one batch, `rows` rows from place `begin` of train's row numbers on */
kz_status trainer_step(trainer *t, int64_t step, int64_t begin, int64_t rows);

/* f: where the rows are, if they were fetched: the batch of the step, or these rows alone; else NULL. */
kz_status trainer_forward(trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_model_step *at,
                          const fetched *f, double *row_loss, double *row_score);
kz_gather trainer_gathering(const trainer *t, const part_view *view, int64_t first, int64_t rows, const kz_cursor *at,
                            float *x);

/* evaluate.c */
kz_status trainer_evaluate(trainer *t, part_view *view, kz_metrics *out);
kz_metrics trainer_metrics(const trainer *t, const part_view *view, double loss, double score);
double trainer_total_square(const kz_data *data, const kz_split *split);

/* checkpoint.c */
int64_t trainer_checkpoint_bytes(const trainer *t); /* largest space that they take on the disk together */
/* Writes one if it is due: between two steps; after an epoch that is recorded (last: nothing more to train). */
kz_status trainer_checkpoint_after_step(trainer *t);
kz_status trainer_checkpoint_after_epoch(trainer *t, bool last);
kz_status trainer_checkpoint_at_signal(trainer *t); /* in any case, and waits until it is on the disk */
kz_status trainer_checkpoint_fill(trainer *t, kz_checkpoint *c);
kz_status trainer_checkpoint_write(trainer *t, const kz_checkpoint *c);
/* The run as the checkpoint has it.  Fails: KZ_E_DATA (no place of this run). */
kz_status trainer_restore(trainer *t, const kz_checkpoint *c);

/* KZ_E_INTERRUPTED once a signal came: asked before every part of a batch and of an evaluation, whose results are then
 * dropped, so that the run stands between two steps. */
kz_status trainer_go_on(const trainer *t);
double trainer_seconds(const trainer *t);              /* wall time of all parts of the run so far */
double trainer_rank(const char *metric, double value); /* the lower the better */

/* For a run taken up after an epoch: whether that ended it.  Its checkpoint says so, but not what has been raised since, and
 * those of the first kind said nothing. */
kz_status trainer_decide_again(trainer *t);

/* loop.c: all epochs; fills in t->run */
kz_status trainer_loop(trainer *t);

#endif
