/* kernels/arith/cursor.h — where the training stands.
 *
 * It lies on the device and is moved there, so that operations that were queued once, and perhaps recorded, serve every
 * step: what differs between two steps is read through it. */
#ifndef KZ_ARITH_CURSOR_H
#define KZ_ARITH_CURSOR_H

#include "kernels/arith/arith.h"

typedef struct {
    int64_t begin; /* of the row numbers: the first row of the step's batch */
    int64_t step;  /* from 0, over all epochs */
} kz_cursor;

/* Running totals of an epoch. */
typedef struct {
    double loss, score; /* sums over the epoch's rows, steps added in order */
    int64_t bad_step;   /* first step whose loss or gradient norm was not finite; -1: none */
    int64_t step;       /* the one that was looked at last */
} kz_tally;

/* A step's totals on their way into the tally, and where that and the cursor lie. */
typedef struct {
    int64_t rows, parts;
    const double *part_loss, *part_score; /* (parts): sums over the rows of each */
    kz_cursor *at;
    kz_tally *tally;
} kz_step_totals;

/* 0 where there is no cursor: rows in the order of their numbers, from the first on. */
KZ_FN int64_t kz_begin(const kz_cursor *at)
{
    return at ? at->begin : 0;
}

/* Adds the cursor's step, whose loss, score and gradient norm these are, to the tally, and moves the cursor past its rows.
 * After a step that was not finite nothing is added. */
KZ_FN void kz_tally_step(double loss, double score, double norm, int64_t rows, kz_cursor *at, kz_tally *tally)
{
    if (tally->bad_step < 0) {
        if (loss - loss != 0.0 || norm - norm != 0.0) tally->bad_step = at->step; /* infinite, or NaN */
        tally->loss += loss;
        tally->score += score;
    }
    tally->step = at->step;
    at->step++;
    at->begin += rows;
}

#endif
