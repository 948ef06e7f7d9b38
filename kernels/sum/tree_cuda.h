/* kernels/sum/tree_cuda.h — the tree of kernels/sum/tree.h by a warp. */
#ifndef KZ_SUM_TREE_CUDA_H
#define KZ_SUM_TREE_CUDA_H

#include "kernels/arith/cuda_pieces.h"
#include "kernels/sum/tree.h"

/* The tree over the lanes 0 .. n - 1; it is lane 0's.  Those of a pair are `step` apart; one without a partner stays. */
KZ_FN double kz_tree_of_lanes(int64_t n, double x)
{
    KZ_UNROLL
    for (int step = 1; step < KZ_WARP; step *= 2) {
        double other = kz_shuffle_down(x, step);
        if (kz_lane() % (2 * step) == 0 && kz_lane() + step < n) x += other;
    }
    return x;
}

/* kz_tree_f64 for n <= 32^LEVELS, which is lane 0's: a lane to each 32^(LEVELS - 1), whose tree is whole but for the last
 * one's.  For few elements bound by the latency of a load and some shuffles. */
template <int LEVELS> struct kz_tree_levels {
    KZ_FN double of(int64_t n, const double *x)
    {
        const int64_t each = int64_t{1} << 5 * (LEVELS - 1);
        double mine = 0.0;
        KZ_NO_UNROLL
        for (int64_t i = 0; i * each < n; i++) {
            int64_t left = n - i * each;
            double sum = kz_shuffle(kz_tree_levels<LEVELS - 1>::of(left < each ? left : each, x + i * each), 0);
            if (kz_lane() == i) mine = sum;
        }
        return kz_tree_of_lanes((n + each - 1) / each, mine);
    }
};

template <> struct kz_tree_levels<1> {
    KZ_FN double of(int64_t n, const double *x)
    {
        return kz_tree_of_lanes(n, kz_lane() < n ? x[kz_lane()] : 0.0);
    }
};

enum { KZ_TREE_LEVELS = 5, KZ_TREE_MOST = 1 << 5 * KZ_TREE_LEVELS };

/* n <= KZ_TREE_MOST */
KZ_FN double kz_tree_by_warp(int64_t n, const double *x)
{
    return n <= KZ_WARP ? kz_tree_levels<1>::of(n, x) : kz_tree_levels<KZ_TREE_LEVELS>::of(n, x);
}

#endif
