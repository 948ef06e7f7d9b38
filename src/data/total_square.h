/* data/total_square.h — the total of r2 (docs/arithmetic.md, rule 11) over rows that come bit by bit.
 *
 * It is the sum by rule 3 of (y - mean)^2, all rows of the first target, then all of the second, and so on.  Rows come
 * with all targets, so each target has a block under way; a block that two targets share is kept until the end. */
#ifndef KZ_TOTAL_SQUARE_H
#define KZ_TOTAL_SQUARE_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kz_total_square kz_total_square;

kz_status kz_total_square_create(kz_total_square **out, int64_t rows, int64_t targets, const double *mean);
double kz_total_square_bytes(int64_t rows, int64_t targets);  /* that it takes */
void kz_total_square_add(kz_total_square *t, const float *y); /* the next row: y[targets] */
double kz_total_square_end(kz_total_square *t);               /* once all rows are there */
void kz_total_square_destroy(kz_total_square **t);

#ifdef __cplusplus
}
#endif
#endif
