/* Device memory and pinned host memory: the heap's, exactly as large as asked for, so that AddressSanitizer sees where
 * it ends; NaN at first.  Host memory that is registered is pinned in whole pages, as CUDA pins it. */
#include "sim_impl.h"

#include <map>
#include <stdlib.h>
#include <string.h>
#include <vector>

namespace kz_sim {

struct region {
    uintptr_t begin, end;
    place where;
};

/* The caller's memory, and the pages it lies in. */
struct registration {
    uintptr_t begin, end, first_page, pages_end;
};

constexpr uintptr_t PAGE = 4096;

static std::map<uintptr_t, region> regions; /* by their end */
static std::vector<registration> registered;
static size_t device_bytes; /* of device memory in use */
static region latest[64];   /* looked up last, by page: each asynchronous copy asks */

enum { ALIGNMENT = 256 };

/* The region that begins at or before p and ends after it; NULL: none. */
static const region *region_of(uintptr_t p)
{
    region &known = latest[p / 4096 % (sizeof latest / sizeof *latest)];
    if (p >= known.begin && p < known.end) return &known;
    auto found = regions.upper_bound(p);
    if (found == regions.end() || p < found->second.begin) return nullptr;
    known = found->second;
    return &known;
}

/* Where the registration that holds `at` ends, at most `end`; 0: there is none.  A copy may not go from one to the next. */
static uintptr_t registered_to(uintptr_t at, uintptr_t end)
{
    for (const registration &r : registered)
        if (r.first_page <= at && at < r.pages_end) return r.pages_end < end ? r.pages_end : end;
    return 0;
}

place place_of(const void *p, size_t bytes, bool *whole)
{
    uintptr_t at = reinterpret_cast<uintptr_t>(p);
    const region *r = region_of(at);
    *whole = r && bytes <= r->end - at;
    if (r) return r->where;
    if (uintptr_t to = registered_to(at, at + (bytes ? bytes : 1))) {
        *whole = to >= at + bytes;
        return place::pinned;
    }
    auto next = regions.upper_bound(at); /* begins outside, but may reach into one */
    *whole = next == regions.end() || next->second.begin >= at + bytes;
    return place::host;
}

void fill_with_nan(void *p, size_t bytes)
{
    static uint32_t pattern[1024 + 64];
    static unsigned of = ~0u;
    if (of != current().order) {
        of = current().order;
        for (size_t i = 0; i < sizeof pattern / sizeof *pattern; i++) {
            uint32_t w = static_cast<uint32_t>(word_of_order(i));
            pattern[i] = 0x7ff40000u | (w & 0x8003ffffu);
        }
    }
    char *to = static_cast<char *>(p);
    while (bytes) {
        size_t step = bytes < 4096 ? bytes : 4096;
        memcpy(to, pattern + random_word(1) % 32 * 2, step);
        to += step;
        bytes -= step;
    }
}

static cudaError_t take(void **out, size_t size, place where)
{
    void *p = nullptr;
    if (posix_memalign(&p, ALIGNMENT, size) != 0) return noted(cudaErrorMemoryAllocation);
    fill_with_nan(p, size);
    uintptr_t at = reinterpret_cast<uintptr_t>(p);
    regions[at + size] = {at, at + size, where};
    if (where == place::device) device_bytes += size;
    *out = p;
    return cudaSuccess;
}

/* The region that begins at p and is of the kind; regions.end(): none. */
static std::map<uintptr_t, region>::iterator exactly(void *p, place where)
{
    uintptr_t at = reinterpret_cast<uintptr_t>(p);
    auto found = regions.upper_bound(at);
    if (found == regions.end() || found->second.begin != at || found->second.where != where) return regions.end();
    return found;
}

static void give_back(std::map<uintptr_t, region>::iterator r)
{
    size_t size = r->second.end - r->second.begin;
    if (r->second.where == place::device) device_bytes -= size;
    void *p = reinterpret_cast<void *>(r->second.begin);
    fill_with_nan(p, size);
    free(p);
    for (region &known : latest) known = {};
    regions.erase(r);
}

void free_all_memory(void)
{
    while (!regions.empty()) give_back(regions.begin());
    registered.clear();
}

int64_t memory_alive(void)
{
    return static_cast<int64_t>(regions.size() + registered.size());
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaMemGetInfo(size_t *free, size_t *total)
{
    guard lock(device_lock);
    *total = current().memory;
    *free = *total > device_bytes ? *total - device_bytes : 0;
    return sticky();
}

cudaError_t cudaMalloc(void **devPtr, size_t size)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaMalloc");
    if (e == cudaSuccess) e = sticky();
    if (e != cudaSuccess) return e;
    *devPtr = nullptr;
    if (size == 0) return cudaSuccess;
    if (device_bytes > current().memory || size > current().memory - device_bytes)
        return noted(cudaErrorMemoryAllocation);
    return take(devPtr, size, place::device);
}

cudaError_t cudaFree(void *devPtr)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaFree");
    if (e != cudaSuccess || !devPtr) return e;
    auto found = exactly(devPtr, place::device);
    if (found == regions.end()) return refuse(cudaErrorInvalidValue, "cudaFree: %p is not allocated", devPtr);
    e = carry_out_all(); /* waits for what may still use it */
    give_back(found);
    return e;
}

cudaError_t cudaMallocHost(void **ptr, size_t size)
{
    return cudaHostAlloc(ptr, size, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void **pHost, size_t size, unsigned int)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaHostAlloc");
    if (e == cudaSuccess) e = sticky();
    if (e != cudaSuccess) return e;
    *pHost = nullptr;
    return size ? take(pHost, size, place::pinned) : cudaSuccess;
}

cudaError_t cudaFreeHost(void *ptr)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaFreeHost");
    if (e != cudaSuccess || !ptr) return e;
    auto found = exactly(ptr, place::pinned);
    if (found == regions.end()) return refuse(cudaErrorInvalidValue, "cudaFreeHost: %p is not allocated", ptr);
    e = carry_out_all();
    give_back(found);
    return e;
}

cudaError_t cudaHostRegister(void *ptr, size_t size, unsigned int)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaHostRegister");
    if (e == cudaSuccess) e = sticky();
    if (e != cudaSuccess) return e;
    if (!ptr || size == 0) return refuse(cudaErrorInvalidValue, "cudaHostRegister: nothing to register");
    uintptr_t at = reinterpret_cast<uintptr_t>(ptr);
    registration mine = {at, at + size, at / PAGE * PAGE, (at + size + PAGE - 1) / PAGE * PAGE};
    const region *r0 = region_of(at); /* other memory of ours may share a page here: on a GPU's machine it does not */
    bool taken = r0 && at + size <= r0->end;
    for (const registration &r : registered)
        taken = taken || (r.first_page < mine.pages_end && mine.first_page < r.pages_end);
    if (taken)
        return refuse(cudaErrorHostMemoryAlreadyRegistered,
                      "cudaHostRegister: %p is not the host's, or has a page that is registered already", ptr);
    registered.push_back(mine);
    return cudaSuccess;
}

cudaError_t cudaHostUnregister(void *ptr)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaHostUnregister");
    if (e != cudaSuccess) return e;
    for (size_t i = 0; i < registered.size(); i++) {
        if (registered[i].begin != reinterpret_cast<uintptr_t>(ptr)) continue;
        e = carry_out_all();
        registered.erase(registered.begin() + static_cast<std::ptrdiff_t>(i));
        return e;
    }
    return refuse(cudaErrorHostMemoryNotRegistered, "cudaHostUnregister: %p is not registered", ptr);
}

cudaError_t cudaHostGetDevicePointer(void **pDevice, void *pHost, unsigned int flags)
{
    guard lock(device_lock);
    bool whole;
    if (flags != 0 || place_of(pHost, 1, &whole) != place::pinned)
        return refuse(cudaErrorInvalidValue, "cudaHostGetDevicePointer: %p is not pinned", pHost);
    *pDevice = pHost;
    return sticky();
}
