#include "gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 256, TIMES_CACHE = 4 };

void gpu_check(cudaError_t e, const char *what)
{
    if (e == cudaSuccess) return;
    fprintf(stderr, "bench-gpu: %s: %s (%s)\n", what, cudaGetErrorString(e), cudaGetErrorName(e));
    exit(1);
}

void gpu_ok(kz_status st)
{
    if (st == KZ_OK) return;
    fprintf(stderr, "bench-gpu: %s\n", kz_error_message());
    exit(kz_status_exit(st));
}

json_t *gpu_us(double seconds)
{
    return seconds > 0 ? json_real(1e6 * seconds) : json_null();
}

bool gpu_wanted(const gpu_bench *b, const char *name, const char *shape)
{
    return !b->only || strstr(name, b->only) || strstr(shape, b->only);
}

int64_t gpu_extent(const gpu_bench *b, int64_t n)
{
    return n <= 64 ? n : n / b->shrink > 64 ? n / b->shrink : 64;
}

/* ---- slots ---- */

int64_t gpu_take(gpu_slot *s, int64_t bytes)
{
    int64_t at = s->bytes;
    s->bytes += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return at;
}

int64_t gpu_slots(const gpu_bench *b, const gpu_slot *s)
{
    int64_t slots = b->arena_bytes / s->bytes;
    return slots > MOST_SLOTS ? MOST_SLOTS : slots;
}

json_t *gpu_no_room(const gpu_bench *b, const gpu_slot *s)
{
    return json_sprintf("a set of its arrays takes %lld bytes, there is room for %lld", (long long)s->bytes,
                        (long long)b->arena_bytes);
}

bool gpu_slots_cold(const gpu_bench *b, const gpu_slot *s)
{
    return !b->real || gpu_slots(b, s) * s->bytes >= TIMES_CACHE * b->cache_bytes;
}

void gpu_refill(const gpu_bench *b)
{
    static float *fresh;
    static int64_t n;
    if (!fresh) {
        uint64_t state = 88172645463325252u;
        n = b->arena_bytes < (64 << 20) ? b->arena_bytes : 64 << 20;
        gpu_ok(kz_calloc(&fresh, n / 4, sizeof *fresh, "the arena's first values")); /* kept until the program ends */
        for (int64_t i = 0; i < n / 4; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17; /* xorshift64 */
            fresh[i] = ((float)(state >> 40) + 0.5f) * 0x1p-23f - 1.0f;
        }
    }
    gpu_check(cudaDeviceSynchronize(), "what was queued before");
    gpu_check(cudaMemcpy(b->arena, fresh, (size_t)n, cudaMemcpyHostToDevice), "filling the arena");
    for (int64_t at = n; at < b->arena_bytes; at += n) {
        int64_t left = b->arena_bytes - at < n ? b->arena_bytes - at : n;
        gpu_check(cudaMemcpy(b->arena + at, b->arena, (size_t)left, cudaMemcpyDeviceToDevice), "filling the arena");
    }
    gpu_check(cudaDeviceSynchronize(), "filling the arena");
}

void gpu_put(const gpu_bench *b, const gpu_slot *s, int64_t at, const void *from, int64_t bytes)
{
    for (int64_t i = 0; i < gpu_slots(b, s); i++)
        gpu_check(cudaMemcpy(b->arena + i * s->bytes + at, from, (size_t)bytes, cudaMemcpyHostToDevice), "copying");
    gpu_check(cudaDeviceSynchronize(), "copying"); /* as below */
}

/* The module's stream does not wait for the copies of the others: neither for one's begin, where zeros are on their way to
 * the same memory, nor for its end, before which a copy of memory that is not pinned may return. */
void *gpu_device_array(gpu_bench *b, const void *from, int64_t bytes)
{
    void *to = NULL;
    gpu_ok(kz_cuda_alloc(&b->cuda->base, &to, (size_t)bytes, "an operand"));
    if (!from) return to;
    gpu_check(cudaDeviceSynchronize(), "clearing an operand");
    gpu_check(cudaMemcpy(to, from, (size_t)bytes, cudaMemcpyHostToDevice), "copying an operand");
    gpu_check(cudaDeviceSynchronize(), "copying an operand");
    return to;
}

void *gpu_host_array(int64_t n, size_t size)
{
    void *x = NULL;
    gpu_ok(kz_calloc(&x, n, size, "an operand"));
    return x;
}

/* ---- timing ---- */

/* One way to time one case: a graph of `calls` calls launched `times` times, or, without a graph, calls launched. */
typedef struct {
    cudaGraphExec_t graph;
    int64_t calls, times;
    double window[WINDOWS];
} way;

static double elapsed(cudaEvent_t from, cudaEvent_t to)
{
    float ms = 0;
    gpu_check(cudaEventSynchronize(to), "a measured call");
    gpu_check(cudaEventElapsedTime(&ms, from, to), "reading the time");
    return ms > 0 ? 1e-3 * (double)ms : 1e-9; /* the clock of events has steps */
}

static void launch(const gpu_bench *b, const gpu_case *c, const way *w)
{
    if (c->first && !w->graph)
        gpu_check(c->first(c->context, b->arena, &b->cuda->queue), "launching what comes before a kernel");
    for (int64_t i = 0; i < w->times; i++) {
        if (w->graph) gpu_check(cudaGraphLaunch(w->graph, b->cuda->queue.stream), "launching a graph");
        else gpu_check(c->fn(c->context, b->arena, &b->cuda->queue), "launching a kernel");
    }
}

/* Seconds of a call. */
static double window(const gpu_bench *b, const gpu_case *c, const way *w, const cudaEvent_t event[2])
{
    gpu_check(cudaEventRecord(event[0], b->cuda->queue.stream), "recording an event");
    launch(b, c, w);
    gpu_check(cudaEventRecord(event[1], b->cuda->queue.stream), "recording an event");
    return elapsed(event[0], event[1]) / (double)(w->calls * w->times);
}

static void record(const gpu_bench *b, const gpu_slot *s, const gpu_case *c, int64_t slots, way *w)
{
    cudaStream_t stream = b->cuda->queue.stream;
    cudaGraph_t graph = NULL;
    gpu_check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "beginning a graph");
    if (c->first) gpu_check(c->first(c->context, b->arena, &b->cuda->queue), "recording what comes before a kernel");
    for (int64_t i = 0; i < w->calls; i++)
        gpu_check(c->fn(c->context, b->arena + i % slots * s->bytes, &b->cuda->queue), "recording a kernel");
    gpu_check(cudaStreamEndCapture(stream, &graph), "ending a graph");
    gpu_check(cudaGraphInstantiate(&w->graph, graph, 0), "instantiating a graph");
    gpu_check(cudaGraphDestroy(graph), "freeing a graph");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static gpu_time summary(const gpu_bench *b, way *w)
{
    qsort(w->window, (size_t)b->windows, sizeof *w->window, by_size);
    return (gpu_time){.median = w->window[b->windows / 2], .best = w->window[0]};
}

static int64_t at_least_one(double n, int64_t most)
{
    return n >= (double)most ? most : n > 1 ? (int64_t)n : 1;
}

static void prepare(const gpu_bench *b, const gpu_slot *s, const gpu_case *c, const cudaEvent_t event[2], way ways[3])
{
    int64_t slots = gpu_slots(b, s);
    way one = {.calls = 1, .times = 1};
    (void)window(b, c, &one, event); /* the code is loaded here */
    double once = window(b, c, &one, event), twice = window(b, c, &one, event);
    if (twice < once) once = twice;
    double calls = b->window_s / once;
    ways[0] = (way){.calls = b->real ? at_least_one(calls, MOST_CALLS) : 2};
    ways[1] = (way){.calls = slots * at_least_one(calls / (double)slots, MOST_CALLS / slots + 1)};
    ways[2] = (way){.calls = 1, .times = at_least_one(calls, MOST_CALLS)};
    if (!b->real) ways[1].calls = 2, ways[2].times = 1;
    record(b, s, c, 1, &ways[0]);
    record(b, s, c, slots, &ways[1]);
    for (int w = 0; w < 2; w++) ways[w].times = b->real ? at_least_one(calls / (double)ways[w].calls, 1000) : 1;
}

void gpu_run(const gpu_bench *b, const gpu_slot *s, int n, gpu_case *cases)
{
    way ways[CASES][3];
    cudaEvent_t event[2];
    for (int e = 0; e < 2; e++) gpu_check(cudaEventCreate(&event[e]), "making an event");
    for (int i = 0; i < n; i++) prepare(b, s, &cases[i], event, ways[i]);
    for (int v = -1; v < b->windows; v++) /* the first one warms up */
        for (int i = 0; i < n; i++)
            for (int w = 0; w < 3; w++) {
                double seconds = window(b, &cases[i], &ways[i][w], event);
                if (v >= 0) ways[i][w].window[v] = seconds;
            }
    for (int i = 0; i < n; i++) {
        cases[i].hot = summary(b, &ways[i][0]);
        cases[i].cold = gpu_slots_cold(b, s) ? summary(b, &ways[i][1]) : (gpu_time){0, 0};
        cases[i].queued = summary(b, &ways[i][2]);
        for (int w = 0; w < 2; w++) gpu_check(cudaGraphExecDestroy(ways[i][w].graph), "freeing a graph");
    }
    for (int e = 0; e < 2; e++) gpu_check(cudaEventDestroy(event[e]), "freeing an event");
}

void gpu_unmeasured(gpu_bench *b, const char *name, const char *shape, double bytes, double flops, json_t *reason)
{
    printf("%-28s %-26s not measured: %s\n", name, shape, json_string_value(reason));
    json_array_append_new(b->kernels,
                          json_pack("{s:s, s:s, s:f, s:f, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:n, s:o}", "name", name,
                                    "shape", shape, "bytes", bytes, "flops", flops, "us_cold", "us_cold_best", "us_hot",
                                    "us_queued", "of", "gb_per_s", "bandwidth_share", "fp32_share", "reason", reason));
}

void gpu_measure(gpu_bench *b, const char *name, const char *shape, const gpu_slot *s, gpu_case *c, double bytes,
                 double flops)
{
    if (gpu_slots(b, s) < 1) {
        gpu_unmeasured(b, name, shape, bytes, flops, gpu_no_room(b, s));
        return;
    }
    gpu_run(b, s, 1, c);
    bool cold = c->cold.median > 0;
    double seconds = cold ? c->cold.median : c->hot.median, rate = bytes / seconds;
    json_t *j = json_pack("{s:s, s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:s, s:f, s:f, s:f}", "name", name, "shape", shape,
                          "bytes", bytes, "flops", flops, "us_cold", gpu_us(c->cold.median), "us_cold_best",
                          gpu_us(c->cold.best), "us_hot", gpu_us(c->hot.median), "us_queued", gpu_us(c->queued.median),
                          "of", cold ? "cold" : "hot: too small for slots beyond the cache", "gb_per_s", 1e-9 * rate,
                          "bandwidth_share", rate / b->memory, "fp32_share", flops / seconds / b->fma);
    json_array_append_new(b->kernels, j);
    printf("%-28s %-26s %9.2f us %s %9.2f us hot %8.1f GB/s  %.3f of the copy's\n", name, shape, 1e6 * seconds,
           cold ? "cold" : "hot ", 1e6 * c->hot.median, 1e-9 * rate, rate / b->memory);
    fflush(stdout);
}
