/* planted.h — small kernels for the tests of the stand-in runtime: right ones, and ones with a known fault.
 *
 * In a .cu file of their own, since the sanitizers do not instrument the test program itself.  One launcher for all:
 * blocks of `threads` threads, `shared` bytes of shared memory; x and y mean what the kernel says. */
#ifndef KZ_TESTS_CUDA_PLANTED_H
#define KZ_TESTS_CUDA_PLANTED_H

#include <cuda_runtime.h>
#include <stdint.h>

/* X(name): what it does to y (n numbers) is said at its kernel. */
#define PLANTED_PLAIN(X)                                                                                               \
    X(double_each)                                                                                                     \
    X(sum_blocks) X(turn_twice) X(shuffle_all) X(vote) X(fetch_staged) X(count_atomic) X(take_tickets) X(write_index)
#define PLANTED_RACES(X)                                                                                               \
    X(read_neighbour) X(read_neighbour_in_warp) X(read_before_wait) X(last_block_wins) X(arrive_too_early)
#define PLANTED_FAULTS(X)                                                                                              \
    X(barrier_in_branch)                                                                                               \
    X(barrier_in_both_branches)                                                                                        \
    X(barrier_after_return)                                                                                            \
    X(shuffle_in_branch)                                                                                               \
    X(shuffle_from_lane_40)                                                                                            \
    X(copy_not_waited)                                                                                                 \
    X(copy_not_committed) X(copy_misaligned) X(copy_beyond_shared) X(copy_beyond_global) X(copy_over_shared)
#define PLANTED_ACCESSES(X)                                                                                            \
    X(write_beyond_global) X(read_before_global) X(write_beyond_shared) X(read_beyond_shared) X(read_unset_shared)

struct planted {
    dim3 blocks, threads;
    size_t shared;
    int64_t n;
    const float *x;
    float *y;
    cudaStream_t stream;
};

#define PLANTED_DECLARE(name) cudaError_t planted_##name(const planted &p);
PLANTED_PLAIN(PLANTED_DECLARE)
PLANTED_RACES(PLANTED_DECLARE)
PLANTED_FAULTS(PLANTED_DECLARE)
PLANTED_ACCESSES(PLANTED_DECLARE)
PLANTED_DECLARE(copy_by_structure)
#undef PLANTED_DECLARE

#endif
