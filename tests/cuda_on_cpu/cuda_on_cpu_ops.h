/* cuda_on_cpu_ops.h — the CPU twin of kernels/arith/cuda_ops.h: the same names, the threads of a block being fibres.
 *
 * What is wrong (a barrier that not all threads reach, a copy that is misaligned) ends the launch with a message and
 * a sticky error, as on a GPU.  The bodies are in sim_block.cpp and sim_launch.cpp. */
#ifndef KZ_CUDA_ON_CPU_OPS_H
#define KZ_CUDA_ON_CPU_OPS_H

#ifndef __cplusplus
#error "kernels are C++: compile .cu files with -x c++"
#endif

#include "cuda_runtime.h"
#include "kernels/arith/arith.h"

#include <functional>
#include <stdint.h>
#include <tuple>
#include <type_traits>

#define __global__ __attribute__((unused))
#define __device__ __attribute__((unused))
#define __host__
#ifdef __SANITIZE_ADDRESS__ /* else the products would compile for minutes */
#define __forceinline__ inline
#else
#define __forceinline__ inline __attribute__((always_inline))
#endif
#define __launch_bounds__(...)

/* Loops stay loops where unrolling them is not possible, or what sanitizers add to each turn would take minutes. */
#if defined(__clang__) || !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KZ_UNROLL
#define KZ_NO_UNROLL
#else
#define KZ_UNROLL _Pragma("GCC unroll 16")
#define KZ_NO_UNROLL _Pragma("GCC unroll 1")
#endif

enum { KZ_WARP = 32, KZ_STATIC_SHARED = 48 << 10 /* a block gets more only if the kernel asks for it */ };

namespace kz_sim {

#define KZ_SIM_LOCAL __attribute__((visibility("hidden")))

/* Of the thread that runs; set again whenever another one does. */
extern KZ_SIM_LOCAL uint3 thread_at, block_at;
extern KZ_SIM_LOCAL dim3 block_size, grid_size;
extern KZ_SIM_LOCAL unsigned char *shared_memory;

struct launch {
    const char *name; /* "" where it is not known */
    const void *kernel;
    dim3 grid, block;
    size_t shared;
};

/* What a kernel is given, as far as it matters here: a pointer, a structure that may hold pointers, or a number. */
struct argument {
    const void *at;
    size_t bytes;
    bool pointer, structure;
};

/* Bytes between the members of a structure may be left from anything; the compiler that knows them sets them to 0. */
#if defined(__has_builtin) && !defined(__clang__)
#if __has_builtin(__builtin_clear_padding)
#define KZ_SIM_CLEARS_PADDING 1
#endif
#endif
#ifndef KZ_SIM_CLEARS_PADDING
#define KZ_SIM_CLEARS_PADDING 0
#endif

template <class T> static inline void clear_padding(T *x)
{
#if KZ_SIM_CLEARS_PADDING
    __builtin_clear_padding(x);
#else
    (void)x;
#endif
}

cudaError_t queue_launch(const launch &what, cudaStream_t stream, const argument *arguments, int count,
                         std::function<void()> body);

void block_barrier(const char *file, int line);
/* Waits for the lanes of the warp; returns their 32 values. */
const uint64_t *warp_exchange(uint64_t value, const char *operation, const char *file, int line);
int lane_of_warp(void);
void copy_async(void *shared, const void *global, size_t bytes, bool valid);
void copy_commit(void);
void copy_wait(int pending);
[[noreturn]] void refuse_lane(const char *operation, int value, const char *file, int line);

template <class T> static inline uint64_t to_word(T x)
{
    static_assert(std::is_arithmetic<T>::value && (sizeof(T) == 4 || sizeof(T) == 8),
                  "CUDA shuffles numbers of 4 and 8 bytes");
    uint64_t word = 0;
    memcpy(&word, &x, sizeof x);
    return word;
}

template <class T> static inline T from_word(uint64_t word)
{
    T x;
    memcpy(&x, &word, sizeof x);
    return x;
}

/* x of the lane `lane XOR mask`, `lane + delta` or `from`; the own one where there is no such lane. */
template <class T>
static inline T shuffle(T x, int operand, const char *operation, int (*source)(int, int), const char *file, int line)
{
    if (operand < 0 || operand >= KZ_WARP) refuse_lane(operation, operand, file, line);
    const uint64_t *words = warp_exchange(to_word(x), operation, file, line);
    return from_word<T>(words[source(lane_of_warp(), operand)]);
}

} // namespace kz_sim

static const uint3 &threadIdx __attribute__((unused)) = kz_sim::thread_at;
static const uint3 &blockIdx __attribute__((unused)) = kz_sim::block_at;
static const dim3 &blockDim __attribute__((unused)) = kz_sim::block_size;
static const dim3 &gridDim __attribute__((unused)) = kz_sim::grid_size;
static constexpr int warpSize __attribute__((unused)) = KZ_WARP;

static inline void __syncthreads(const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    kz_sim::block_barrier(file, line);
}

/* Fibres change only where they wait, so that what one wrote is there for the others. */
static inline void __threadfence(void)
{
}

/* The block's dynamic shared memory, uninitialised, aligned to 16 bytes: `type *name`. */
#define KZ_SHARED(type, name) type *name = reinterpret_cast<type *>(kz_sim::shared_memory)

/* Queues kernel(arguments...) on `stream`: `shared` bytes of dynamic shared memory.  Returns what CUDA would. */
template <class... P, class... A>
static inline cudaError_t kz_launch_named(const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t shared,
                                          cudaStream_t stream, A... argument)
{
    static_assert(sizeof...(P) == sizeof...(A), "as many arguments as the kernel takes");
    static_assert((std::is_trivially_copyable<P>::value && ... && true), "kernels take plain values");
    static_assert((sizeof(P) + ... + 0) <= 4096, "CUDA passes at most 4096 bytes");
    const void *function = reinterpret_cast<const void *>(kernel);
    if (shared > KZ_STATIC_SHARED) {
        cudaError_t e =
            cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
        if (e != cudaSuccess) return e;
    }
    std::tuple<P...> values(static_cast<P>(argument)...);
    return std::apply(
        [&](P &...value) {
            (kz_sim::clear_padding(&value), ...);
            const kz_sim::argument seen[] = {{&value, sizeof value, std::is_pointer<P>::value,
                                              std::is_class<P>::value && KZ_SIM_CLEARS_PADDING != 0}...,
                                             {}};
            return kz_sim::queue_launch({name, function, grid, block, shared}, stream, seen,
                                        static_cast<int>(sizeof...(P)),
                                        [kernel, values] { std::apply(kernel, values); });
        },
        values);
}

template <class... P, class... A>
static inline cudaError_t kz_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream,
                                    A... argument)
{
    return kz_launch_named("", kernel, grid, block, shared, stream, argument...);
}
#define KZ_LAUNCH(kernel, ...) kz_launch_named(#kernel, kernel, __VA_ARGS__)

/* x of lane + delta, or of lane ^ mask; all 32 lanes of the warp take part. */
template <class T>
static inline T kz_shuffle_down(T x, int delta, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    return kz_sim::shuffle(
        x, delta, "kz_shuffle_down", [](int lane, int by) { return lane + by < KZ_WARP ? lane + by : lane; }, file,
        line);
}

template <class T>
static inline T kz_shuffle_xor(T x, int mask, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    return kz_sim::shuffle(
        x, mask, "kz_shuffle_xor", [](int lane, int by) { return lane ^ by; }, file, line);
}

/* x of the lane `from`. */
template <class T>
static inline T kz_shuffle(T x, int from, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    return kz_sim::shuffle(
        x, from, "kz_shuffle", [](int, int lane) { return lane; }, file, line);
}

/* A bit for each lane of the warp whose `condition` is not 0. */
static inline unsigned kz_ballot(int condition, const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    const uint64_t *words = kz_sim::warp_exchange(condition != 0, "kz_ballot", file, line);
    unsigned bits = 0;
    for (int i = 0; i < KZ_WARP; i++) bits |= static_cast<unsigned>(words[i]) << i;
    return bits;
}

/* Waits for the lanes of the warp; what they wrote before can be read after. */
static inline void kz_warp_sync(const char *file = __builtin_FILE(), int line = __builtin_LINE())
{
    (void)kz_sim::warp_exchange(0, "kz_warp_sync", file, line);
}

/* *to += x; returns what was there. */
static inline unsigned kz_atomic_add(unsigned *to, unsigned x)
{
    return __atomic_fetch_add(to, x, __ATOMIC_RELAXED);
}

/* Starts copying 4 or 16 bytes from global memory to shared memory, both aligned to as much; with valid = 0 zeros are
 * written and nothing is read. */
static inline void kz_copy_async_4(void *shared, const void *global, bool valid)
{
    kz_sim::copy_async(shared, global, 4, valid);
}

static inline void kz_copy_async_16(void *shared, const void *global, bool valid)
{
    kz_sim::copy_async(shared, global, 16, valid);
}

/* Ends a group of this thread's copies; may be empty. */
static inline void kz_copy_commit(void)
{
    kz_sim::copy_commit();
}

/* Waits for all groups of this thread but the `pending` last ones. */
template <int pending> static inline void kz_copy_wait(void)
{
    static_assert(pending >= 0 && pending < 8, "CUDA counts groups from 0 to 7");
    kz_sim::copy_wait(pending);
}

#endif
