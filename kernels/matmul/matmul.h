/* kernels/matmul/matmul.h — C = A B, each output a fixed chain of fused multiply-adds.
 *
 * C(i, j) sums A(i, p) B(p, j) over p ascending in blocks of 256: within a block acc = fmaf(a, b, acc) from +0; the first
 * block's chain is the total, later ones are added to it in order.  Tiling, packing and the number of threads change
 * nothing.  Transposes are strides.  2 m n k flops; reads 4 (m k + k n) bytes, writes 4 m n. */
#ifndef KZ_MATMUL_MATMUL_H
#define KZ_MATMUL_MATMUL_H

#include "kernels/arith/arith.h"
#include "kernels/arith/variants.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { KZ_MATMUL_BLOCK = 256 }; /* of p: part of the arithmetic */

/* Columns of B and rows of A, at most, that are packed for a block: they change no bit.  `wide` columns are a share of the
 * last-level cache (960: 960 KiB), `high` rows a part of the second-level one (126: 126 KiB); a call may ask for less. */
enum { KZ_MATMUL_WIDE = 960, KZ_MATMUL_HIGH = 252 };
enum { KZ_MATMUL_SCRATCH = KZ_MATMUL_BLOCK * (KZ_MATMUL_WIDE + KZ_MATMUL_HIGH) + 32 }; /* floats */

typedef struct {
    int64_t m, n, k;
    const float *a;
    int64_t a_row, a_k; /* A(i, p) = a[i * a_row + p * a_k] */
    const float *b;
    int64_t b_k, b_column; /* B(p, j) = b[p * b_k + j * b_column] */
    float *c;              /* (m, n), row by row */
    float *scratch;        /* (KZ_MATMUL_SCRATCH): this call's alone */
    int64_t wide, high;    /* what is packed at a time; 0: the most */
    /* Called with each part of C once it holds its totals, while it is still in a cache; or NULL. */
    void (*finish)(const void *job, int64_t row0, int64_t row1, int64_t column0, int64_t column1);
    const void *job;
} kz_matmul;

/* Rows row0 .. row1 - 1 and columns column0 .. column1 - 1 of C. */
typedef void kz_matmul_fn(const kz_matmul *g, int64_t row0, int64_t row1, int64_t column0, int64_t column1);
/* sum[j] <- column j of x (rows, columns), for column0 <= j < column1: the product of ones and x, by the same rule. */
typedef void kz_column_sum_fn(int64_t rows, int64_t columns, const float *x, float *sum, int64_t column0,
                              int64_t column1);

#define KZ_DECLARE(how, attribute)                                                                                     \
    kz_matmul_fn kz_matmul_f32__##how;                                                                                 \
    kz_column_sum_fn kz_column_sum_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
