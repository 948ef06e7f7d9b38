#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double window(bench_case *c)
{
    double begin = kz_clock();
    for (int64_t i = 0; i < c->times; i++) c->fn(c->context);
    return (kz_clock() - begin) / (double)c->times;
}

enum { TURN = 5 }; /* windows of one case before it is the next one's turn */

/* Workers of another tool's team spin for a while after its last call (OpenBLAS's for 2^28 cycles): they must not take
 * the cores from what is measured next. */
static void let_spinning_end(const bench *b, int64_t n)
{
    if (n > 1 && b->threads > 1) nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
}

void bench_run(const bench *b, int64_t n, bench_case *cases)
{
    for (int64_t i = 0; i < n; i++) {
        let_spinning_end(b, n);
        cases[i].times = 1;
        double once = window(&cases[i]); /* with the page faults, and untimed */
        for (once = window(&cases[i]); once * (double)cases[i].times < b->window_s / 2; once = window(&cases[i]))
            cases[i].times *= 2;
        cases[i].seconds = once;
    }
    for (int w = 0; w < b->windows; w += TURN)
        for (int64_t i = 0; i < n; i++) {
            let_spinning_end(b, n);
            cases[i].fn(cases[i].context); /* wakes the team, untimed */
            for (int turn = 0; turn < TURN && w + turn < b->windows; turn++) {
                double s = window(&cases[i]);
                if (s < cases[i].seconds) cases[i].seconds = s;
            }
        }
}

bool bench_wanted(const bench *b, const char *name)
{
    return !b->only || strstr(name, b->only);
}

void bench_add(bench *b, const bench_row *row)
{
    double by_memory = row->cached ? 0 : row->bytes / b->memory, by_fma = row->flops / b->fma;
    bool memory_binds = by_memory > by_fma;
    double share = (memory_binds ? by_memory : by_fma) / row->seconds;
    double elements = row->elements > 0 ? row->elements : 1;
    json_t *j = json_pack("{s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:s, s:f}", "name", row->name, "shape", row->shape,
                          "threads", b->threads, "us", 1e6 * row->seconds, "bytes_per_element", row->bytes / elements,
                          "flops_per_element", row->flops / elements, "gb_per_s", 1e-9 * row->bytes / row->seconds,
                          "gflop_per_s", 1e-9 * row->flops / row->seconds, "limit", memory_binds ? "memory" : "fma",
                          "share", share);
    printf("%-22s %-24s %d  %10.2f us  %7.2f GB/s  %7.2f GF/s  %.2f of %s", row->name, row->shape, b->threads,
           1e6 * row->seconds, 1e-9 * row->bytes / row->seconds, 1e-9 * row->flops / row->seconds, share,
           memory_binds ? "memory" : "fma");
    if (row->other) {
        json_object_set_new(j, "against", json_string(row->other));
        json_object_set_new(j, "ratio", json_real(row->other_s / row->seconds));
        printf("  %.2f times %s", row->other_s / row->seconds, row->other);
    }
    puts("");
    fflush(stdout);
    json_array_append_new(b->rows, j);
}

void bench_check(kz_status st)
{
    if (st == KZ_OK) return;
    fprintf(stderr, "bench-kernels: %s\n", kz_error_message());
    exit(kz_status_exit(st));
}

void *bench_memory(int64_t bytes)
{
    static size_t allocations; /* none begins at the same place in a page as the last, as the device's do not */
    size_t shift = 1088 * (allocations++ % 8) + 64;
    char *raw = aligned_alloc(64, ((size_t)bytes + shift + 63) / 64 * 64);
    if (!raw) bench_check(KZ_FAIL(KZ_E_MEM, "no memory for %lld bytes", (long long)bytes));
    memcpy(raw + shift - sizeof raw, &raw, sizeof raw);
    memset(raw + shift, 0, (size_t)bytes);
    return raw + shift;
}

void bench_free(void *memory)
{
    char *raw;
    memcpy(&raw, (char *)memory - sizeof raw, sizeof raw);
    free(raw);
}

float *bench_floats(int64_t n)
{
    float *x = bench_memory(n * (int64_t)sizeof *x);
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i < n; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17; /* xorshift64 */
        x[i] = ((float)(state >> 40) + 0.5f) * 0x1p-23f - 1.0f;
    }
    return x;
}
