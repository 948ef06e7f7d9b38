/* sim_impl.h — what the parts of the stand-in share.
 *
 * One lock holds the whole device: an interface function takes it, and a kernel runs under it. */
#ifndef KZ_CUDA_ON_CPU_SIM_IMPL_H
#define KZ_CUDA_ON_CPU_SIM_IMPL_H

#include "cuda_on_cpu.h"
#include "cuda_on_cpu_ops.h"

#include <functional>
#include <mutex>
#include <stdint.h>

namespace kz_sim {

/* ---- sim_device.cpp: errors, order ---- */

using guard = std::lock_guard<std::recursive_mutex>;
extern std::recursive_mutex device_lock;

struct settings {
    unsigned order;
    bool late_copies, late_streams;
    size_t memory; /* bytes of the device */
};
const settings &current(void);

/* Says on stderr what is wrong; for kz_cuda_on_cpu_message. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Notes e as this host thread's last error, and returns it. */
cudaError_t noted(cudaError_t e);

/* As above, after saying what is wrong. */
cudaError_t refuse(cudaError_t e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The error that the device is in after a kernel failed, until it is reset; cudaSuccess: none. */
cudaError_t sticky(void);
void set_sticky(cudaError_t e);

/* A number that depends on the order and on `of`; random_word's also on how often that was called. */
uint64_t word_of_order(uint64_t of);
uint64_t random_word(uint64_t of);

/* The numbers 0 .. n - 1 in the order that was asked for; where it is seeded, another one with each seed. */
struct permutation {
    int64_t n, factor, at;
    permutation(int64_t n_, uint64_t seed);
    int64_t next(void)
    {
        int64_t i = at;
        at += factor;
        if (at >= n) at -= n;
        return i;
    }
};

/* ---- sim_memory.cpp ---- */

enum class place { host, pinned, device };

/* Where `bytes` bytes at p are; host too where they are nobody's or reach beyond their allocation: then *whole = false. */
place place_of(const void *p, size_t bytes, bool *whole);

/* NaN to whoever reads it as binary32 or binary64, other bits each time. */
void fill_with_nan(void *p, size_t bytes);

void free_all_memory(void);
int64_t memory_alive(void);

/* ---- sim_block.cpp: a block of threads ---- */

constexpr size_t MOST_SHARED = 227 << 10; /* of a block, on sm_90 */
constexpr unsigned MOST_THREADS = 1024;

/* Runs one block after the other with the same kernel. */
cudaError_t begin_blocks(const launch &what, const std::function<void()> *body);
cudaError_t run_block(uint3 at);

/* ---- sim_launch.cpp ---- */

cudaError_t run_grid(const launch &what, const std::function<void()> &body);
void forget_attributes(void);

/* ---- sim_stream.cpp ---- */

/* Whether an operation that waits, allocates or frees may be done now: not while this thread, or any in the global
 * mode, captures a stream.  It is refused and the capture spoiled otherwise. */
cudaError_t not_while_capturing(const char *what);

/* Puts `run` at the end of the stream's queue, or into the graph that it captures. */
cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<cudaError_t()> run);

cudaError_t carry_out_all(void);
cudaError_t carry_out_stream(cudaStream_t stream);
bool is_stream(cudaStream_t stream);
void forget_streams(void);
int64_t streams_alive(void);

/* ---- sim_event.cpp, sim_graph.cpp ---- */

void forget_events(void);
int64_t events_alive(void);
void forget_graphs(void);
int64_t graphs_alive(void);

} // namespace kz_sim
#endif
