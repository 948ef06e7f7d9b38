/* data/column_sums.h — the sum of each column of a matrix whose rows come bit by bit; the same bits however they come. */
#ifndef KZ_COLUMN_SUMS_H
#define KZ_COLUMN_SUMS_H

#include "kz/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kz_column_sums kz_column_sums;

/* Rows to be added: of x or, with a mean, of (x - mean)^2, all in binary64. */
typedef struct {
    const void *x; /* (*, stride): the columns are the first ones */
    int64_t stride;
    bool u8;              /* its elements, else binary32 */
    const int64_t *index; /* (rows): which rows of x; NULL: the first ones */
    int64_t rows;
    const double *mean; /* (columns), or NULL */
} kz_column_rows;

kz_status kz_column_sums_create(kz_column_sums **out, int64_t rows, int64_t columns); /* of at most `rows` rows */
double kz_column_sums_bytes(int64_t rows, int64_t columns);                           /* that it takes */
void kz_column_sums_add(kz_column_sums *s, const kz_column_rows *m);
void kz_column_sums_end(kz_column_sums *s, double *sums); /* sums[columns]; nothing can be added afterwards */
void kz_column_sums_destroy(kz_column_sums **s);

#ifdef __cplusplus
}
#endif
#endif
