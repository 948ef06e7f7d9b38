/* Small kernels for the tests of the stand-in runtime: see planted.h. */
#include "planted.h"

#include "kernels/arith/cuda_ops.h"

/* ---- right ---- */

/* y[i] <- 2 y[i] */
static __global__ void double_each(int64_t n, const float *, float *y)
{
    int64_t step = (int64_t)blockDim.x * gridDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) y[i] *= 2.0f;
}

/* y[block] <- sum of as many elements of x as the block has threads (256) */
static __global__ void __launch_bounds__(256) sum_blocks(int64_t n, const float *__restrict__ x, float *__restrict__ y)
{
    KZ_SHARED(float, part);
    int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    float v = i < n ? x[i] : 0.0f;
    KZ_UNROLL
    for (int delta = 16; delta > 0; delta /= 2) v += kz_shuffle_down(v, delta);
    if (threadIdx.x % KZ_WARP == 0) part[threadIdx.x / KZ_WARP] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
        float s = 0.0f;
        for (int w = 0; w < 8; w++) s += part[w];
        y[blockIdx.x] = s;
    }
}

/* y[i] <- x[i - 2], around, through shared memory */
static __global__ void turn_twice(int64_t, const float *x, float *y)
{
    KZ_SHARED(float, s);
    unsigned t = threadIdx.x, before = (t + blockDim.x - 1) % blockDim.x;
    s[t] = x[t];
    for (int i = 0; i < 2; i++) {
        __syncthreads();
        float v = s[before];
        __syncthreads();
        s[t] = v;
    }
    y[t] = s[t];
}

/* y[i], y[32 + i], ...: x by each kind of shuffle, as numbers of 4 and 8 bytes */
static __global__ void shuffle_all(int64_t n, const float *x, float *y)
{
    int lane = (int)threadIdx.x;
    float v = x[lane];
    int64_t wide = ((int64_t)lane << 40) + lane;
    y[lane] = kz_shuffle_down(v, 3);
    y[32 + lane] = kz_shuffle_xor(v, 5);
    y[64 + lane] = kz_shuffle(v, 7);
    y[96 + lane] = (float)kz_shuffle_xor((double)v, 31);
    y[128 + lane] = (float)(kz_shuffle_down(wide, 1) >> 40);
    y[160 + lane] = (float)kz_shuffle((int)n - lane, (lane + 1) % 32);
}

/* y[i] <- how many lanes of the warp have x > 0 */
static __global__ void vote(int64_t, const float *x, float *y)
{
    unsigned bits = kz_ballot(x[threadIdx.x] > 0.0f), count = 0;
    for (int i = 0; i < KZ_WARP; i++) count += bits >> i & 1;
    y[threadIdx.x] = (float)count;
}

enum { STAGES = 3 };

/* y[i] <- 3 x[i], i < n, zeros beyond; x comes in stages of 4 numbers for each thread, two of them ahead */
static __global__ void fetch_staged(int64_t n, const float *x, float *y)
{
    KZ_SHARED(float, s);
    int width = 4 * (int)blockDim.x, mine = 4 * (int)threadIdx.x;
    int64_t turns = (n + width - 1) / width;
    for (int64_t turn = 0; turn < turns + STAGES - 1; turn++) {
        int64_t at = turn * width + mine;
        float *to = s + turn % STAGES * width + mine;
        if (turn < turns) {
            if (at + 4 <= n) kz_copy_async_16(to, x + at, true);
            else
                for (int i = 0; i < 4; i++) kz_copy_async_4(to + i, x + (at + i < n ? at + i : 0), at + i < n);
        }
        kz_copy_commit();
        kz_copy_wait<STAGES - 1>();
        if (turn < STAGES - 1) continue;
        const float *from = s + (turn - (STAGES - 1)) % STAGES * width + mine;
        for (int i = 0; i < 4; i++) y[at - (STAGES - 1) * width + i] = 3.0f * from[i];
    }
    kz_copy_wait<0>();
}

/* y[0], as an integer, += number of threads */
static __global__ void count_atomic(int64_t, const float *, float *y)
{
    (void)kz_atomic_add(reinterpret_cast<unsigned *>(y), 1);
}

/* y[1 + k] <- the number of the k-th thread that came; y[0], as an integer, counts them */
static __global__ void take_tickets(int64_t, const float *, float *y)
{
    unsigned mine = kz_atomic_add(reinterpret_cast<unsigned *>(y), 1);
    y[1 + mine] = (float)(blockIdx.x * blockDim.x + threadIdx.x);
}

/* y[i] <- i, the number of the thread over all three dimensions */
static __global__ void write_index(int64_t, const float *, float *y)
{
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    unsigned i = block * (blockDim.x * blockDim.y * blockDim.z) + thread;
    y[i] = (float)i;
}

struct copied {
    int64_t n;
    const float *from;
    double unused;
    float *to;
};

/* y[i] <- x[i], by a structure that holds the pointers */
static __global__ void copy_given(copied c)
{
    if (threadIdx.x < c.n) c.to[threadIdx.x] = c.from[threadIdx.x];
}

cudaError_t planted_copy_by_structure(const planted &p)
{
    const copied c = {p.n, p.x, 1.0, p.y};
    return KZ_LAUNCH(copy_given, p.blocks, p.threads, p.shared, p.stream, c);
}

/* ---- races: the bits depend on the order ---- */

/* No barrier between. */
static __global__ void read_neighbour(int64_t, const float *x, float *y)
{
    KZ_SHARED(float, s);
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[(threadIdx.x + 1) % blockDim.x];
}

/* No kz_warp_sync between. */
static __global__ void read_neighbour_in_warp(int64_t, const float *x, float *y)
{
    KZ_SHARED(float, s);
    s[threadIdx.x] = 0.0f;
    kz_warp_sync();
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[threadIdx.x ^ 1];
}

/* Waits for all groups but one, and reads that one. */
static __global__ void read_before_wait(int64_t, const float *x, float *y)
{
    KZ_SHARED(float, s);
    kz_copy_async_4(s + threadIdx.x, x + threadIdx.x, true);
    kz_copy_commit();
    kz_copy_wait<1>();
    y[threadIdx.x] = s[threadIdx.x];
    kz_copy_wait<0>();
}

/* All blocks write the same number. */
static __global__ void last_block_wins(int64_t, const float *, float *y)
{
    y[threadIdx.x] = (float)blockIdx.x;
}

/* y[1] <- sum of y[2 ...], into which x was copied, by the last block to come: whose own threads it does not wait for.
 * y[0], as an integer, counts blocks. */
static __global__ void arrive_too_early(int64_t n, const float *x, float *y)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    y[2 + i] = x[i];
    if (threadIdx.x > 0) return;
    __threadfence();
    if (kz_atomic_add(reinterpret_cast<unsigned *>(y), 1) + 1 < gridDim.x) return;
    __threadfence();
    for (int64_t j = 0; j < n; j++) y[1] += y[2 + j];
}

/* ---- faults: refused ---- */

static __global__ void barrier_in_branch(int64_t, const float *, float *y)
{
    if (threadIdx.x < 16) __syncthreads();
    y[threadIdx.x] = 1.0f;
}

static __global__ void barrier_in_both_branches(int64_t, const float *, float *y)
{
    if (threadIdx.x % 2) {
        y[threadIdx.x] = 1.0f;
        __syncthreads();
    } else {
        y[threadIdx.x] = 2.0f;
        __syncthreads();
    }
}

static __global__ void barrier_after_return(int64_t n, const float *, float *y)
{
    if (threadIdx.x + 1 >= n) return;
    __syncthreads();
    y[threadIdx.x] = 1.0f;
}

static __global__ void shuffle_in_branch(int64_t, const float *x, float *y)
{
    if (threadIdx.x % KZ_WARP < 16) y[threadIdx.x] = kz_shuffle_down(x[threadIdx.x], 1);
    __syncthreads();
}

static __global__ void shuffle_from_lane_40(int64_t, const float *x, float *y)
{
    y[threadIdx.x] = kz_shuffle(x[threadIdx.x], 40);
}

static __global__ void copy_not_waited(int64_t, const float *x, float *)
{
    KZ_SHARED(float, s);
    kz_copy_async_4(s + threadIdx.x, x + threadIdx.x, true);
    kz_copy_commit();
}

static __global__ void copy_not_committed(int64_t, const float *x, float *)
{
    KZ_SHARED(float, s);
    kz_copy_async_4(s + threadIdx.x, x + threadIdx.x, true);
    kz_copy_wait<0>();
}

static __global__ void copy_misaligned(int64_t, const float *x, float *)
{
    KZ_SHARED(float, s);
    kz_copy_async_16(s + 4 * threadIdx.x, x + 1 + 4 * threadIdx.x, true);
    kz_copy_commit();
    kz_copy_wait<0>();
}

/* To just behind the shared memory. */
static __global__ void copy_beyond_shared(int64_t n, const float *x, float *)
{
    KZ_SHARED(float, s);
    kz_copy_async_4(s + n, x, true);
    kz_copy_commit();
    kz_copy_wait<0>();
}

/* From just behind x. */
static __global__ void copy_beyond_global(int64_t n, const float *x, float *)
{
    KZ_SHARED(float, s);
    kz_copy_async_4(s + threadIdx.x, x + n, true);
    kz_copy_commit();
    kz_copy_wait<0>();
}

/* Not into shared memory at all. */
static __global__ void copy_over_shared(int64_t, const float *x, float *y)
{
    kz_copy_async_4(y, x, true);
    kz_copy_commit();
    kz_copy_wait<0>();
}

/* ---- accesses that no rule allows ---- */

static __global__ void write_beyond_global(int64_t n, const float *, float *y)
{
    if (threadIdx.x == 0) y[n] = 1.0f;
}

static __global__ void read_before_global(int64_t, const float *x, float *y)
{
    const float *before = x - 1;
    y[threadIdx.x] = before[0];
}

static __global__ void write_beyond_shared(int64_t n, const float *, float *)
{
    KZ_SHARED(float, s);
    s[n + threadIdx.x] = 1.0f;
}

static __global__ void read_beyond_shared(int64_t n, const float *, float *y)
{
    KZ_SHARED(float, s);
    y[threadIdx.x] = s[n + threadIdx.x];
}

static __global__ void read_unset_shared(int64_t, const float *, float *y)
{
    KZ_SHARED(float, s);
    y[threadIdx.x] = s[threadIdx.x];
}

#define PLANTED_LAUNCH(name)                                                                                           \
    cudaError_t planted_##name(const planted &p)                                                                       \
    {                                                                                                                  \
        return KZ_LAUNCH(name, p.blocks, p.threads, p.shared, p.stream, p.n, p.x, p.y);                                \
    }
PLANTED_PLAIN(PLANTED_LAUNCH)
PLANTED_RACES(PLANTED_LAUNCH)
PLANTED_FAULTS(PLANTED_LAUNCH)
PLANTED_ACCESSES(PLANTED_LAUNCH)
