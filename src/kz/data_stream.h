/* kz/data_stream.h — rows of a split that is larger than data.memory, read while they are used.
 *
 * A feed has two windows: one is being used, the other is being filled by a thread, which asks the reader process.  It
 * makes one pass over one split at a time; train comes in the order of train.shuffle, the others in that of the file. */
#ifndef KZ_DATA_STREAM_H
#define KZ_DATA_STREAM_H

#include "kz/data.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kz_feed kz_feed;

/* Of the splits of `data`, whose .streamed are to be read; cfg and data must outlive it.  One feed of a data set at a
 * time.  Fails: KZ_E_MEM, KZ_E_FAIL (no thread). */
kz_status kz_feed_create(kz_feed **out, kz_data *data, const kz_config *cfg);
void kz_feed_destroy(kz_feed **feed);

typedef struct {
    const kz_split *split; /* of the data set */
    uint32_t epoch;        /* from 0: of its order, for train */
    int64_t position;      /* rows of that order that are left out, whole batches */
    int64_t batch;         /* what is handed out is whole batches of so many rows, but at the end */
} kz_pass;

/* Begins a pass: its first window is being filled from now on.  The one before ends; its windows have to be given back.
 * Fails: KZ_E_ARG (one is still borrowed). */
kz_status kz_feed_begin(kz_feed *feed, const kz_pass *pass);

/* Some of a split's rows, in the order of the pass. */
typedef struct {
    int slot;            /* of the feed's two */
    int64_t first, rows; /* place of the first one in that order, how many; 0 rows: the pass is at its end */
    const int64_t *row;  /* (rows): where each lies in these arrays: */
    int64_t held;        /* of so many rows */
    const void *x;
    const int32_t *label;
    const float *value, *raw; /* as in kz_split */
} kz_window;

/* *out <- the next window, borrowed until it is given back; waits until it is filled.  With both windows
 * borrowed there is no next one.  Fails: KZ_E_DATA. */
kz_status kz_feed_next(kz_feed *feed, kz_window *out);
void kz_feed_give_back(kz_feed *feed, const kz_window *window);

/* Waits for that, but not longer than so many seconds; true: it is there, or the pass has ended or failed. */
bool kz_feed_wait(kz_feed *feed, double seconds);
/* Whether a window is there. */
bool kz_feed_has(kz_feed *feed);

/* Piece i, from 0, of the memory that windows lie in as long as there is the feed; false: there are no more. */
bool kz_feed_memory(const kz_feed *feed, int i, const void **at, size_t *bytes);

typedef struct {
    int64_t windows, bytes; /* filled; read from arrays, as they are in memory */
    double waited;          /* seconds in kz_feed_next and kz_feed_wait */
} kz_feed_counts;

kz_feed_counts kz_feed_counted(kz_feed *feed);

#ifdef __cplusplus
}
#endif
#endif
