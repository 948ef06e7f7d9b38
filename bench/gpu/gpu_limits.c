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

static cudaError_t multiply_add(void *context, char *slot, const kz_cuda_queue *q)
{
    const limit_case *c = context;
    return peak_fma(c->blocks, c->turns, 0.9999f, (float *)(void *)slot, q->stream);
}

void gpu_limits(gpu_bench *b)
{
    gpu_slot copied = {0}, nothing = {0};
    limit_case c = {.bytes = b->arena_bytes / 4, .blocks = 8 * b->cuda->queue.multiprocessors, .turns = 2000};
    gpu_case measured[2] = {{.fn = copy, .context = &c}, {.fn = multiply_add, .context = &c}};
    if (!b->real) c.blocks = 2, c.turns = 2;
    (void)gpu_take(&copied, c.bytes);
    c.to = gpu_take(&copied, c.bytes);
    (void)gpu_take(&nothing, 256);
    gpu_run(b, &copied, 1, measured);
    gpu_run(b, &nothing, 1, measured + 1);
    double flops = 2.0 * c.blocks * PEAK_THREADS * (double)c.turns * PEAK_STEPS * PEAK_CHAINS;
    b->memory = 2.0 * (double)c.bytes / measured[0].cold.median;
    b->fma = flops / measured[1].hot.median;
    b->limits =
        json_pack("{s:f, s:f, s:f, s:f, s:I}", "copy_gb_per_s", 1e-9 * b->memory, "copy_best_gb_per_s",
                  2e-9 * (double)c.bytes / measured[0].cold.best, "fp32_tflop_per_s", 1e-12 * b->fma,
                  "fp32_best_tflop_per_s", 1e-12 * flops / measured[1].hot.best, "copied_bytes", (json_int_t)c.bytes);
    printf("limits: copy %.0f GB/s (read and written), binary32 %.2f TF/s\n", 1e-9 * b->memory, 1e-12 * b->fma);
}
