/* kernels/sum/tree.h — parts of a batch as a tree of adjacent pairs; an odd last one passes up unchanged (rule 4). */
#ifndef KZ_SUM_TREE_H
#define KZ_SUM_TREE_H

#include "kernels/arith/arith.h"

/* The tree's sum of x[n], 0 for n = 0.  Pairs are found as a binary counter finds its carries: after element i, as many
 * merges as i has trailing ones; what is left at the end merges from the right. */
KZ_FN double kz_tree_f64(int64_t n, const double *x)
{
    double stack[64];
    int depth = 0;
    for (int64_t i = 0; i < n; i++) {
        stack[depth++] = x[i];
        for (int64_t rest = i; rest & 1; rest >>= 1, depth--) stack[depth - 2] += stack[depth - 1];
    }
    for (; depth > 1; depth--) stack[depth - 2] += stack[depth - 1];
    return n > 0 ? stack[0] : 0.0;
}

#endif
