/* cuda_on_cpu.h — what tests ask of the stand-in for the CUDA runtime beyond CUDA's own interface. */
#ifndef KZ_CUDA_ON_CPU_H
#define KZ_CUDA_ON_CPU_H

#include "cuda_runtime.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The order in which everything runs that CUDA leaves open, from 0; results must not depend on it.  At first what
 * KAIZEN_CUDA_ORDER says, or 0.  Waits for all that is queued.
 * Bit 0: asynchronous copies within a kernel are carried out when waited for, not when issued.
 * Bit 1: what is queued on a stream is carried out when something waits for it, not when it is queued.
 * Blocks of a grid and threads of a block run in natural order for 0, in reverse for 1, else in an order that `order`
 * seeds and that changes from barrier to barrier.  Eight orders (0 to 7) show each combination twice. */
void kz_cuda_on_cpu_order(unsigned order);

/* Device memory in bytes; 0: what KAIZEN_CUDA_MEMORY says, or 4 GiB. */
void kz_cuda_on_cpu_memory(size_t bytes);

/* Number of allocations (device and pinned memory), streams, events and graphs that exist. */
int64_t kz_cuda_on_cpu_alive(void);

/* What was refused last; empty if nothing was since the last reset.  It is also written to stderr. */
const char *kz_cuda_on_cpu_message(void);

/* Forgets errors, the sticky one too, frees everything, and takes order and memory from the environment again. */
void kz_cuda_on_cpu_reset(void);

#ifdef __cplusplus
}
#endif
#endif
