/* bench.h — how kernels are measured here.
 *
 * A case is called often enough to fill a window of some milliseconds; the fastest of many windows counts, since what a
 * neighbour takes only adds.  What is to be compared takes turns, window by window, in one process. */
#ifndef BENCH_H
#define BENCH_H

#include "device/device_impl.h"

#include <jansson.h>

typedef void bench_fn(void *context);

typedef struct {
    bench_fn *fn;
    void *context;
    int64_t times;  /* calls of one window */
    double seconds; /* of one call, in the fastest window so far; 0: none */
} bench_case;

typedef struct {
    double window_s; /* length of a window */
    int windows;     /* of each case */
    int threads;
    kz_device *dev;
    /* measured on `threads` threads: bytes/s by the size of the array, the best a pass over memory can do, and flops/s */
    double memory, fma;
    const char *only; /* part of a case's name, or NULL */
    json_t *rows;     /* results */
} bench;

/* Measures the cases in turns. */
void bench_run(const bench *b, int64_t n, bench_case *cases);

/* A row of the table: share is of the limit that binds: the memory's, or the arithmetic's where flops / fma is more. */
typedef struct {
    const char *name;
    char shape[64];
    double bytes, flops; /* of one call */
    double elements;
    double seconds;
    const char *other; /* tool that did the same in `other_s`, or NULL */
    double other_s;
    bool cached; /* the data stay in the caches: no share of the memory's limit is told */
} bench_row;

void bench_add(bench *b, const bench_row *row);
bool bench_wanted(const bench *b, const char *name);

/* n floats in (-1, 1), never 0, from a fixed sequence; ends the program where there is no memory. */
float *bench_floats(int64_t n);
void *bench_memory(int64_t bytes); /* zeroed; bench_free it */
void bench_free(void *memory);
void bench_check(kz_status st); /* ends the program with the message */

void bench_limits(bench *b);   /* fills memory and fma */
void bench_products(bench *b); /* against OpenBLAS, if its library is there */
void bench_passes(bench *b);

#endif
