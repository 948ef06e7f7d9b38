/* kernels/gather/gather.h — a batch from a data set: rows picked, converted to binary32 and scaled in one pass.
 *
 * x' = ((float)x - mean[j]) * factor[j], rounded after each; or (float)x / divisor; or (float)x. */
#ifndef KZ_GATHER_GATHER_H
#define KZ_GATHER_GATHER_H

#include "kernels/arith/cursor.h"
#include "kernels/arith/variants.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    int64_t rows, width;
    const int64_t *row;  /* (rows): which row of the source; from at->begin on */
    const kz_cursor *at; /* or NULL */
    const void *from;    /* (*, width) */
    int bytes;           /* of an element: 1 is uint8, 4 is binary32 */
    const float *mean;   /* (width), or NULL */
    const float *factor;
    float divisor; /* used where > 0 */
    float *x;      /* (rows, width) */
} kz_gather;

typedef void kz_gather_fn(const kz_gather *g, int64_t row0, int64_t row1);

#define KZ_DECLARE(how, attribute) kz_gather_fn kz_gather_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
