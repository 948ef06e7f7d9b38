/* What the machine can do: fused multiply-adds a second, and bytes a second from each level of its memory. */
#include "bench.h"

#include <stdlib.h>
#include <unistd.h>

typedef float lanes __attribute__((vector_size(32), aligned(4)));

enum { CHAINS = 12, TURNS = 20000, FLOPS_OF_TURN = 2 * CHAINS * 8 };

typedef struct {
    kz_team *team;
    int64_t n, piece;
    int turns; /* passes over a piece */
    float *x, *to;
    _Atomic int sink;
} limit_job;

#if defined(__x86_64__)
__attribute__((target("avx2,fma")))
#endif
static void
fma_piece(void *context, int64_t begin, int64_t end)
{
    limit_job *job = context;
    lanes acc[CHAINS] = {0}, x = {0}, y = {0};
    for (int l = 0; l < 8; l++) x[l] = 0.9999f, y[l] = 1e-4f;
    for (int64_t i = begin; i < end; i++)
        for (int t = 0; t < TURNS; t++) {
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++) {
                lanes sum;
                for (int l = 0; l < 8; l++) sum[l] = fmaf(acc[c][l], x[l], y[l]);
                acc[c] = sum;
            }
        }
    float total = 0;
    for (int c = 0; c < CHAINS; c++) total += acc[c][0];
    job->sink += total > 1e30f;
}

static void fma_all(void *context)
{
    limit_job *job = context;
    kz_team_run(job->team, kz_team_threads(job->team), 1, fma_piece, job);
}

#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
static void
scale_piece(void *context, int64_t begin, int64_t end)
{
    const limit_job *job = context;
    for (int turn = 0; turn < job->turns; turn++)
        for (int64_t i = begin; i < end; i++) job->x[i] *= 1.0000001f;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void copy_piece(void *context, int64_t begin, int64_t end)
{
    typedef float aligned_lanes __attribute__((vector_size(32)));
    const limit_job *job = context;
    int64_t i = begin;
    for (; i + 8 <= end; i += 8) __builtin_ia32_movntps256(job->to + i, *(const aligned_lanes *)(job->x + i));
    for (; i < end; i++) job->to[i] = job->x[i];
    __builtin_ia32_sfence();
}
#else
static void copy_piece(void *context, int64_t begin, int64_t end)
{
    const limit_job *job = context;
    for (int64_t i = begin; i < end; i++) job->to[i] = job->x[i];
}
#endif

static void scale_all(void *context)
{
    limit_job *job = context;
    kz_team_run(job->team, job->n, job->piece, scale_piece, job);
}

static void copy_all(void *context)
{
    limit_job *job = context;
    kz_team_run(job->team, job->n, job->piece, copy_piece, job);
}

static int64_t cache_bytes(int name, int64_t otherwise)
{
    long bytes = sysconf(name);
    return bytes > 0 ? bytes : otherwise;
}

/* Bytes per second of an array of `bytes` for each thread, scaled in place: reads and writes. */
static double level(const bench *b, limit_job *job, int64_t bytes)
{
    bench_case c = {scale_all, job, 0, 0};
    job->n = b->threads * bytes / (int64_t)sizeof(float);
    job->piece = bytes / (int64_t)sizeof(float) / 16 * 16;
    job->turns = 100;
    bench_run(b, 1, &c);
    return 2.0 * job->turns * (double)job->n * sizeof(float) / c.seconds;
}

void bench_limits(bench *b)
{
    int64_t l1 = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, 32 << 10), l2 = cache_bytes(_SC_LEVEL2_CACHE_SIZE, 512 << 10);
    int64_t l3 = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 8 << 20), large = 8 * l3 / (int64_t)sizeof(float);
    limit_job job = {.x = bench_floats(large), .to = bench_memory(large * (int64_t)sizeof(float))};
    bench_check(kz_team_create(&job.team, b->threads));
    bench_case fma = {fma_all, &job, 0, 0};
    bench_run(b, 1, &fma);
    b->fma = (double)b->threads * FLOPS_OF_TURN * TURNS / fma.seconds;
    json_t *levels =
        json_pack("{s:f, s:f, s:f}", "L1_gb_per_s", 1e-9 * level(b, &job, l1 / 2), "L2_gb_per_s",
                  1e-9 * level(b, &job, l2 / 2), "L3_gb_per_s", 1e-9 * level(b, &job, l3 / 4 / b->threads));
    bench_case passes[] = {{scale_all, &job, 0, 0}, {copy_all, &job, 0, 0}};
    job.n = large;
    job.turns = 1;
    job.piece = (large / b->threads + 15) / 16 * 16;
    bench_run(b, 2, passes);
    double bytes = 2.0 * (double)large * sizeof(float);
    b->memory = bytes / (passes[0].seconds < passes[1].seconds ? passes[0].seconds : passes[1].seconds);
    json_t *j = json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:o}", "name", "limits", "threads", b->threads,
                          "fma_gflop_per_s", 1e-9 * b->fma, "memory_gb_per_s", 1e-9 * b->memory, "scale_gb_per_s",
                          1e-9 * bytes / passes[0].seconds, "copy_gb_per_s", 1e-9 * bytes / passes[1].seconds, "levels",
                          levels);
    printf("limits on %d threads: %.1f GF/s; %.2f GB/s (in place %.2f, copy past the caches %.2f); L1 %.1f, L2 %.1f, "
           "L3 %.1f GB/s\n",
           b->threads, 1e-9 * b->fma, 1e-9 * b->memory, 1e-9 * bytes / passes[0].seconds,
           1e-9 * bytes / passes[1].seconds, json_real_value(json_object_get(levels, "L1_gb_per_s")),
           json_real_value(json_object_get(levels, "L2_gb_per_s")),
           json_real_value(json_object_get(levels, "L3_gb_per_s")));
    json_array_append_new(b->rows, j);
    kz_team_destroy(&job.team);
    bench_free(job.x);
    bench_free(job.to);
}
