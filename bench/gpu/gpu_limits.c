/* What the GPU can do: bytes a second of a copy within its memory, multiply-adds a second. */
#include "gpu.h"

#include "gpu_peak.h"

#include <stdio.h>

typedef struct {
    int64_t bytes, to; /* of a slot's two halves */
    int blocks, turns;
} limit_case;

static cudaError_t copy(void *context, char *slot, const kz_cuda_queue *q)
{
    const limit_case *c = context;
    return cudaMemcpyAsync(slot + c->to, slot, (size_t)c->bytes, cudaMemcpyDeviceToDevice, q->stream);
}

static cudaError_t copy_by_kernel(void *context, char *slot, const kz_cuda_queue *q)
{
    const limit_case *c = context;
    return peak_copy(c->blocks, c->bytes / 4, (const float *)(const void *)slot, (float *)(void *)(slot + c->to),
                     q->stream);
}

static cudaError_t multiply_add(void *context, char *slot, const kz_cuda_queue *q)
{
    const limit_case *c = context;
    return peak_fma(c->blocks, c->turns, 0.9999f, (float *)(void *)slot, q->stream);
}

/* CUDA's own copy may be slower than a kernel: the faster of the two is the limit. */
void gpu_limits(gpu_bench *b)
{
    gpu_slot copied = {0}, nothing = {0};
    limit_case c = {.bytes = b->arena_bytes / 4, .blocks = 8 * b->cuda->queue.multiprocessors, .turns = 2000};
    gpu_case copies[2] = {{.fn = copy, .context = &c}, {.fn = copy_by_kernel, .context = &c}};
    gpu_case fmas = {.fn = multiply_add, .context = &c};
    if (!b->real) c.blocks = 2, c.turns = 2;
    (void)gpu_take(&copied, c.bytes);
    c.to = gpu_take(&copied, c.bytes);
    (void)gpu_take(&nothing, 256);
    gpu_run(b, &copied, 2, copies);
    gpu_run(b, &nothing, 1, &fmas);
    double flops = 2.0 * c.blocks * PEAK_THREADS * (double)c.turns * PEAK_STEPS * PEAK_CHAINS;
    double bytes = 2.0 * (double)c.bytes, own = bytes / copies[0].cold.median, kernel = bytes / copies[1].cold.median;
    bool by_kernel = kernel > own;
    b->memory = by_kernel ? kernel : own;
    b->fma = flops / fmas.hot.median;
    b->limits =
        json_pack("{s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:I}", "copy_gb_per_s", 1e-9 * b->memory, "copy_by",
                  by_kernel ? "kernel" : "cudaMemcpyAsync", "memcpy_gb_per_s", 1e-9 * own, "memcpy_best_gb_per_s",
                  1e-9 * bytes / copies[0].cold.best, "kernel_gb_per_s", 1e-9 * kernel, "kernel_best_gb_per_s",
                  1e-9 * bytes / copies[1].cold.best, "fp32_tflop_per_s", 1e-12 * b->fma, "fp32_best_tflop_per_s",
                  1e-12 * flops / fmas.hot.best, "copied_bytes", (json_int_t)c.bytes);
    printf("limits: copy %.0f GB/s (read and written; cudaMemcpyAsync %.0f, a kernel %.0f), binary32 %.2f TF/s\n",
           1e-9 * b->memory, 1e-9 * own, 1e-9 * kernel, 1e-12 * b->fma);
}
