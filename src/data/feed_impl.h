/* data/feed_impl.h — private to src/data/feed*.c: what a feed's thread does, one window after the other. */
#ifndef KZ_FEED_IMPL_H
#define KZ_FEED_IMPL_H

#include "data/data_impl.h"
#include "kz/data_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A window in memory: the rows of its blocks in the order of the file, also those of another split among them, then those
 * of an unfinished batch before it. */
typedef struct {
    void *x;    /* where the reader process puts it, if it is kept as it is read */
    int64_t at; /* its place there */
    int32_t *label;
    float *value, *raw;          /* value: raw itself where targets are not scaled */
    int64_t *row;                /* (total): the order of the pass */
    int64_t first;               /* place of row[0] in it */
    int64_t total, usable, held; /* usable: whole batches; held: rows in the arrays */
} kz_slot_rows;

/* feed_read.c: the rows of a window's blocks, in the order of the file.  Begin, read until it is done, in one go. */
typedef struct {
    const kz_blocks *blocks;
    int64_t block, end; /* places in blocks->order */
    int64_t row, stop;  /* rows of the array that are next, up to the first one that is not wanted */
} kz_walk;

typedef struct {
    kz_walk x, y;
    int64_t most_x, most_y, at;
    kz_ranges question[2];
    int turn; /* of the one that is asked */
} kz_reading;

typedef struct {
    kz_data *data;
    const kz_config *cfg;
    kz_blocks blocks[KZ_SPLITS]; /* of each streamed split */
    kz_slot_rows slot[2];
    kz_reading reading;
    bool in_place; /* x is kept as it is read */
    int64_t windows, bytes;
    bool (*cancelled)(void *asked_of);
    void *asked_of;
    /* the pass */
    kz_pass pass;
    int split, array; /* the array its rows are in */
    int64_t window;   /* the next one */
    bool started;     /* a window has been filled: its unfinished batch goes on */
} kz_filler;

kz_status kz_filler_create(kz_filler *f, kz_data *data, const kz_config *cfg);
void kz_filler_destroy(kz_filler *f);
kz_status kz_filler_begin(kz_filler *f, const kz_pass *pass);
/* Fills the slot with the next window; the other slot has the one before.  *more: it was not the last one. */
kz_status kz_filler_next(kz_filler *f, int slot, bool *more);
kz_window kz_filler_window(const kz_filler *f, int slot);
/* See kz_feed_memory. */
bool kz_filler_memory(const kz_filler *f, int i, const void **at, size_t *bytes);

kz_status kz_filler_ask(kz_filler *f, kz_reading *r, const kz_slot_rows *s, int64_t window); /* and goes on */
kz_status kz_filler_read(kz_filler *f, kz_reading *r, kz_slot_rows *s);                      /* s->held rows */
/* order <- which of the rows of the window's blocks are the split's, ascending. */
void kz_filler_choose(const kz_filler *f, int64_t window, int64_t *order);

#ifdef __cplusplus
}
#endif
#endif
