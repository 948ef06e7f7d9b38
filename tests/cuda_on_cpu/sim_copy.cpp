/* Copies and fills.  Pageable host memory is read before the call returns, as CUDA stages it; pinned memory when the copy
 * is carried out. */
#include "sim_stream.h"

#include <string.h>

namespace kz_sim {

static const char *name_of(place p)
{
    return p == place::device ? "device" : "host";
}

/* Whether the places are those that the kind says; sets them. */
static cudaError_t check_copy(const char *what, const void *dst, const void *src, size_t count, cudaMemcpyKind kind,
                              place *to, place *from)
{
    bool whole_to, whole_from;
    *to = place_of(dst, count, &whole_to);
    *from = place_of(src, count, &whole_from);
    if (!dst || !src) return refuse(cudaErrorInvalidValue, "%s: NULL", what);
    if (!whole_to && (*to != place::host))
        return refuse(cudaErrorInvalidValue, "%s: %zu bytes to %p go beyond what is allocated there", what, count, dst);
    if (!whole_from && (*from != place::host))
        return refuse(cudaErrorInvalidValue, "%s: %zu bytes from %p go beyond what is allocated there", what, count,
                      src);
    if (!whole_to || !whole_from)
        return refuse(cudaErrorInvalidValue, "%s: %zu bytes, which reach into other memory", what, count);
    if (static_cast<unsigned>(kind) > cudaMemcpyDefault)
        return refuse(cudaErrorInvalidMemcpyDirection, "%s: kind %d", what, static_cast<int>(kind));
    if (kind == cudaMemcpyDefault) return cudaSuccess;
    place wanted_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice ? place::device : place::host;
    place wanted_from =
        kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice ? place::device : place::host;
    if ((*to == place::device) != (wanted_to == place::device) ||
        (*from == place::device) != (wanted_from == place::device))
        return refuse(cudaErrorInvalidValue, "%s: from %s to %s memory, but its kind says from %s to %s", what,
                      name_of(*from), name_of(*to), name_of(wanted_from), name_of(wanted_to));
    return cudaSuccess;
}

/* *returned: whether the host waits for it. */
static cudaError_t queue_copy(const char *what, void *dst, const void *src, size_t count, cudaMemcpyKind kind,
                              cudaStream_t stream, bool blocking)
{
    place to, from;
    cudaStream_t s = stream_of(stream, what);
    if (!s) return cudaErrorInvalidResourceHandle;
    if (count == 0) return sticky();
    cudaError_t e = check_copy(what, dst, src, count, kind, &to, &from);
    if (e != cudaSuccess) return e;
    if (s->captures.active && (to == place::host || from == place::host))
        return spoil(s, cudaErrorStreamCaptureUnsupported, "a copy of host memory that is not pinned");
    if (from == place::host && to == place::device) {
        const char *bytes = static_cast<const char *>(src);
        auto staged = std::make_shared<std::vector<char>>(bytes, bytes + count);
        return enqueue(stream, what, [dst, staged] {
            memcpy(dst, staged->data(), staged->size());
            return cudaSuccess;
        });
    }
    e = enqueue(stream, what, [dst, src, count] {
        memmove(dst, src, count);
        return cudaSuccess;
    });
    bool waits =
        to == place::host || from == place::host || (blocking && !(to == place::device && from == place::device));
    return e == cudaSuccess && waits ? carry_out_stream(s) : e;
}

static cudaError_t queue_fill(const char *what, void *p, int value, size_t count, cudaStream_t stream)
{
    bool whole;
    if (count == 0) return sticky();
    if (place_of(p, count, &whole) == place::host || !whole)
        return refuse(cudaErrorInvalidValue, "%s: %zu bytes at %p are not within device memory", what, count, p);
    return enqueue(stream, what, [p, value, count] {
        memset(p, value, count);
        return cudaSuccess;
    });
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    guard lock(device_lock);
    return queue_copy("cudaMemcpyAsync", dst, src, count, kind, stream, false);
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t count, enum cudaMemcpyKind kind)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaMemcpy");
    return e != cudaSuccess ? e : queue_copy("cudaMemcpy", dst, src, count, kind, nullptr, true);
}

cudaError_t cudaMemsetAsync(void *devPtr, int value, size_t count, cudaStream_t stream)
{
    guard lock(device_lock);
    return queue_fill("cudaMemsetAsync", devPtr, value, count, stream);
}

cudaError_t cudaMemset(void *devPtr, int value, size_t count)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaMemset");
    return e != cudaSuccess ? e : queue_fill("cudaMemset", devPtr, value, count, nullptr);
}
