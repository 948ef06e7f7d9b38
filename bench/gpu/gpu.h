/* gpu.h — how the GPU's kernels are measured.
 *
 * A case queues one call of a launcher on the data of a slot.  It is timed three ways, by events: `hot`, one slot again and
 * again in a replayed graph; `cold`, in a graph that goes through so many slots that what a call reads has left the
 * second-level cache since; `queued`, launched one by one.  What is to be compared takes turns, window by window.
 *
 * The same sources are built twice: with CUDA, and with the stand-in that executes kernels on the CPU, which measures
 * nothing and only shows that all of this works. */
#ifndef BENCH_GPU_H
#define BENCH_GPU_H

#include "device/cuda/cuda_impl.h"

#include <jansson.h>

/* MOST_IN_ORDER: no more calls than these follow one call of `first`. */
enum { WINDOWS = 15, CASES = 2, MOST_SLOTS = 512, MOST_CALLS = 256, MOST_IN_ORDER = MOST_SLOTS + MOST_CALLS };

typedef struct {
    kz_cuda *cuda;
    bool real;       /* a GPU; else the stand-in */
    int windows;     /* of each way to time, at most WINDOWS */
    double window_s; /* length of a window */
    int64_t shrink;  /* extents are divided by it: 1 on a GPU */
    char *arena;     /* (arena_bytes): floats in (-1, 1), never 0; slots are cut from it */
    int64_t arena_bytes, cache_bytes;
    double memory, fma; /* measured: bytes/s of the faster copy, read and written; flops/s */
    const char *only;   /* part of a case's name or shape, or NULL */
    const char *cublas; /* path of its library, or NULL: where it is looked for is said in gpu_cublas.c */
    json_t *limits, *kernels, *products;
} gpu_bench;

/* Queues one call on the data that begin at `slot`. */
typedef cudaError_t gpu_fn(void *context, char *slot, const kz_cuda_queue *q);

typedef struct {
    double median, best; /* seconds of a call; 0: not measured */
} gpu_time;

typedef struct {
    gpu_fn *fn;
    gpu_fn *first; /* queued, and timed, once before the calls of a graph or a window; or NULL */
    void *context;
    gpu_time hot, cold, queued;
} gpu_case;

/* What cases of one slot size work on: arrays are taken from a slot one after the other. */
typedef struct {
    int64_t bytes; /* of a slot, so far */
} gpu_slot;

/* Where an array of a slot begins, in bytes from its start. */
int64_t gpu_take(gpu_slot *s, int64_t bytes);
int64_t gpu_slots(const gpu_bench *b, const gpu_slot *s);   /* 0: the arena is smaller than a slot */
json_t *gpu_no_room(const gpu_bench *b, const gpu_slot *s); /* that reason, for a row without times */
/* Do all slots together exceed the cache by so much that each is cold when its turn comes? */
bool gpu_slots_cold(const gpu_bench *b, const gpu_slot *s);
/* The arena as it was at first: never zeros, whatever was computed there. */
void gpu_refill(const gpu_bench *b);
/* Copies host memory to the same place of every slot. */
void gpu_put(const gpu_bench *b, const gpu_slot *s, int64_t at, const void *from, int64_t bytes);

/* Measures n <= CASES cases on the same slots, of which there are some, in turns. */
void gpu_run(const gpu_bench *b, const gpu_slot *s, int n, gpu_case *cases);
/* Adds the case's row to the kernels; bytes and flops are of one call.  Without room its times are null. */
void gpu_measure(gpu_bench *b, const char *name, const char *shape, const gpu_slot *s, gpu_case *c, double bytes,
                 double flops);
/* A row without times; takes the reason. */
void gpu_unmeasured(gpu_bench *b, const char *name, const char *shape, double bytes, double flops, json_t *reason);

/* Memory beside the arena: of the GPU, a copy of `from` or zeros; of the host, zeros. */
void *gpu_device_array(gpu_bench *b, const void *from, int64_t bytes);
void *gpu_host_array(int64_t n, size_t size);

bool gpu_wanted(const gpu_bench *b, const char *name, const char *shape);
int64_t gpu_extent(const gpu_bench *b, int64_t n); /* n on a GPU; less, but not 0, on the stand-in */
void gpu_check(cudaError_t e, const char *what);   /* ends the program with the message */
void gpu_ok(kz_status st);                         /* likewise */
json_t *gpu_us(double seconds);                    /* microseconds; null for 0 */

void gpu_limits(gpu_bench *b);         /* fills memory and fma */
void gpu_passes(gpu_bench *b);         /* every kernel but the products and the whole step */
void gpu_steps(gpu_bench *b);          /* a training step by one thread block */
json_t *gpu_products(gpu_bench *b);    /* against cuBLAS; the summary */
json_t *gpu_state(const gpu_bench *b); /* clocks, temperature, power and throttle reasons, by NVML; or why not */

/* cuBLAS, loaded where it is found. */
typedef struct gpu_cublas gpu_cublas;
/* NULL where it is not there: `reason` says why. */
gpu_cublas *gpu_cublas_open(const gpu_bench *b, char reason[512]);
/* Row-major c (m, n) <- a b in binary32, without TF32; a_t, b_t: the operand lies transposed. */
cudaError_t gpu_cublas_sgemm(gpu_cublas *blas, bool a_t, bool b_t, int m, int n, int k, const float *a, const float *x,
                             float *c);
json_t *gpu_cublas_json(const gpu_cublas *blas, const char *reason);
void gpu_cublas_close(gpu_cublas **blas);

#endif
