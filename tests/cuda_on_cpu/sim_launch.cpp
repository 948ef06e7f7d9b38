/* Launches: what CUDA checks before a kernel is queued, and the grid of blocks. */
#include "sim_impl.h"

#include <map>
#include <memory>
#include <string.h>
#include <sys/mman.h>

namespace kz_sim {

static std::map<const void *, int> shared_allowed; /* by kernel, where more than KZ_STATIC_SHARED was asked for */

void forget_attributes(void)
{
    shared_allowed.clear();
}

static cudaError_t check_shape(const launch &what)
{
    const dim3 &b = what.block, &g = what.grid;
    if (!b.x || !b.y || !b.z || b.x > MOST_THREADS || b.y > MOST_THREADS || b.z > 64 ||
        uint64_t{b.x} * b.y * b.z > MOST_THREADS)
        return refuse(cudaErrorInvalidConfiguration,
                      "kernel %s: a block of %u x %u x %u threads, at most %u are possible", what.name, b.x, b.y, b.z,
                      MOST_THREADS);
    if (!g.x || !g.y || !g.z || g.x > 2147483647u || g.y > 65535 || g.z > 65535)
        return refuse(cudaErrorInvalidConfiguration, "kernel %s: a grid of %u x %u x %u blocks is not possible",
                      what.name, g.x, g.y, g.z);
    auto allowed = shared_allowed.find(what.kernel);
    size_t most = allowed == shared_allowed.end() ? size_t{KZ_STATIC_SHARED} : static_cast<size_t>(allowed->second);
    if (what.shared > most)
        return refuse(cudaErrorInvalidValue, "kernel %s: %zu bytes of shared memory, %zu are allowed", what.name,
                      what.shared, most);
    return cudaSuccess;
}

/* Is that a host address?  Numbers that look like one are not mapped. */
static bool is_host_address(uint64_t word)
{
    const uint64_t lowest = 0x550000000000u,
                   highest = 0x7fffffffffffu; /* where Linux puts programs, heaps and stacks */
    unsigned char resident;
    bool whole;
    if (word < lowest || word > highest) return false;
    uintptr_t page = static_cast<uintptr_t>(word) / 4096 * 4096;
    return place_of(reinterpret_cast<const void *>(word), 1, &whole) == place::host &&
           mincore(reinterpret_cast<void *>(page), 1, &resident) == 0;
}

/* The pointers that a kernel is given must be the device's, those within structures too. */
static cudaError_t check_arguments(const launch &what, const argument *arguments, int count)
{
    for (int i = 0; i < count; i++) {
        const argument &a = arguments[i];
        const void *p;
        bool whole;
        if (a.pointer) memcpy(&p, a.at, sizeof p);
        if (a.pointer && p && place_of(p, 1, &whole) == place::host)
            return refuse(cudaErrorIllegalAddress, "kernel %s: argument %d is %p, which is not in device memory",
                          what.name, i + 1, p);
        for (size_t at = 0; a.structure && at + sizeof(uint64_t) <= a.bytes; at += sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, static_cast<const char *>(a.at) + at, sizeof word);
            if (is_host_address(word))
                return refuse(
                    cudaErrorIllegalAddress,
                    "kernel %s: argument %d, a structure, holds a host address at byte %zu; a pointer that the "
                    "kernel does not use must be NULL",
                    what.name, i + 1, at);
        }
    }
    return cudaSuccess;
}

cudaError_t queue_launch(const launch &what, cudaStream_t stream, const argument *arguments, int count,
                         std::function<void()> body)
{
    guard lock(device_lock);
    cudaError_t e = check_shape(what);
    if (e == cudaSuccess) e = check_arguments(what, arguments, count);
    if (e != cudaSuccess) return e;
    return enqueue(stream, what.name, [what, body] { return run_grid(what, body); });
}

cudaError_t run_grid(const launch &what, const std::function<void()> &body)
{
    cudaError_t e = begin_blocks(what, &body);
    int64_t x = what.grid.x, y = what.grid.y, blocks = x * y * what.grid.z;
    permutation order(blocks, random_word(static_cast<uint64_t>(blocks)));
    for (int64_t i = 0; i < blocks && e == cudaSuccess; i++) {
        int64_t b = order.next();
        e = run_block(
            {static_cast<unsigned>(b % x), static_cast<unsigned>(b / x % y), static_cast<unsigned>(b / x / y)});
    }
    return e;
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaFuncSetAttribute(const void *func, enum cudaFuncAttribute attr, int value)
{
    guard lock(device_lock);
    if (attr == cudaFuncAttributePreferredSharedMemoryCarveout) return cudaSuccess;
    if (attr != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || static_cast<size_t>(value) > MOST_SHARED)
        return refuse(cudaErrorInvalidValue,
                      "cudaFuncSetAttribute: %d bytes of shared memory, at most %zu are possible", value, MOST_SHARED);
    shared_allowed[func] = value;
    return cudaSuccess;
}
