/* Streams: queues that are carried out at once, or only when something waits for them, as the order says. */
#include "sim_stream.h"

#include <algorithm>

namespace kz_sim {

enum { LONGEST_QUEUE = 1024 }; /* then CUDA's host waits as well */

static CUstream_st legacy = {&services_of_device, true, 0, {}, {}};
static std::vector<cudaStream_t> streams; /* those that were created */
static uint64_t last_number;

/* Whether a stream is carried out late: all are, or, so that one runs ahead of another, every other one. */
static bool is_late(cudaStream_t s)
{
    const settings &now = current();
    return now.late_streams && (now.order < 6 || s == &legacy || (s->serial + static_cast<int>(now.order)) % 2 == 0);
}

cudaStream_t stream_of(cudaStream_t handle, const char *what)
{
    if (!handle) return &legacy;
    if (std::find(streams.begin(), streams.end(), handle) != streams.end()) return handle;
    (void)refuse(cudaErrorInvalidResourceHandle, "%s: %p is no stream", what, static_cast<void *>(handle));
    return nullptr;
}

bool is_stream(cudaStream_t stream)
{
    return stream == &legacy || std::find(streams.begin(), streams.end(), stream) != streams.end();
}

cudaError_t spoil(cudaStream_t stream, cudaError_t e, const char *what)
{
    stream->captures.spoiled = true;
    return refuse(e, "%s cannot be captured: %s", what, cudaGetErrorString(e));
}

cudaError_t not_while_capturing(const char *what)
{
    for (cudaStream_t s : streams) {
        const capture &c = s->captures;
        if (!c.active || c.mode == cudaStreamCaptureModeRelaxed) continue;
        if (c.mode == cudaStreamCaptureModeGlobal || c.by == std::this_thread::get_id())
            return spoil(s, cudaErrorStreamCaptureUnsupported, what);
    }
    return cudaSuccess;
}

/* What the legacy stream and the blocking ones wait for in each other before operation `number` of s. */
static void carry_out_legacy(cudaStream_t s, uint64_t number)
{
    if (s == &legacy) {
        for (cudaStream_t other : streams)
            if (other->blocking) carry_out(other, number - 1);
    } else if (s->blocking) {
        carry_out(&legacy, number - 1);
    }
}

void carry_out(cudaStream_t stream, uint64_t until)
{
    while (!stream->queue.empty() && stream->queue.front().number <= until) {
        const operation &next = stream->queue.front();
        std::shared_ptr<record> after = next.after;
        if (after && !after->done) carry_out(after->in, after->number);
        carry_out_legacy(stream, next.number);
        operation now = std::move(stream->queue.front());
        stream->queue.pop_front();
        if (sticky() != cudaSuccess) continue; /* the device does nothing any more */
        set_sticky(now.run());
    }
}

cudaError_t carry_out_stream(cudaStream_t stream)
{
    carry_out(stream, last_number);
    return sticky();
}

cudaError_t carry_out_all(void)
{
    std::vector<cudaStream_t> all = streams;
    all.push_back(&legacy);
    int64_t n = static_cast<int64_t>(all.size());
    permutation order(n, random_word(static_cast<uint64_t>(n)));
    for (int64_t i = 0; i < n; i++) carry_out(all[static_cast<size_t>(order.next())], last_number);
    return sticky();
}

cudaError_t enqueue_after(cudaStream_t handle, const char *what, std::function<cudaError_t()> run,
                          std::shared_ptr<record> after, uint64_t *number)
{
    cudaError_t e = sticky();
    cudaStream_t s = stream_of(handle, what);
    if (!s) return cudaErrorInvalidResourceHandle;
    if (e != cudaSuccess) return e;
    if (s->captures.active) {
        if (s->captures.spoiled) return noted(cudaErrorStreamCaptureInvalidated);
        s->captures.recorded.push_back({what, std::move(run)});
        return cudaSuccess;
    }
    for (cudaStream_t other : streams)
        if (s == &legacy && other->blocking && other->captures.active)
            return spoil(other, cudaErrorStreamCaptureImplicit, what);
    uint64_t mine = ++last_number;
    if (number) *number = mine;
    s->queue.push_back({mine, std::move(run), std::move(after)});
    if (!is_late(s)) return carry_out_stream(s);
    if (s->queue.size() > LONGEST_QUEUE) carry_out(s, s->queue.front().number);
    return sticky();
}

cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<cudaError_t()> run)
{
    return enqueue_after(stream, what, std::move(run), nullptr, nullptr);
}

void forget_streams(void)
{
    for (cudaStream_t s : streams) delete s;
    streams.clear();
    legacy.queue.clear();
}

int64_t streams_alive(void)
{
    return static_cast<int64_t>(streams.size());
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaStreamCreate(cudaStream_t *pStream)
{
    return cudaStreamCreateWithFlags(pStream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *pStream, unsigned int flags)
{
    guard lock(device_lock);
    if (flags > cudaStreamNonBlocking)
        return refuse(cudaErrorInvalidValue, "cudaStreamCreateWithFlags: flags %u", flags);
    if (sticky() != cudaSuccess) return sticky();
    *pStream =
        new CUstream_st{&services_of_device, flags == cudaStreamDefault, static_cast<int>(streams.size()), {}, {}};
    streams.push_back(*pStream);
    return cudaSuccess;
}

/* As on an H100.  What a priority changes is left open here as without one. */
cudaError_t cudaDeviceGetStreamPriorityRange(int *leastPriority, int *greatestPriority)
{
    *leastPriority = 0;
    *greatestPriority = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *pStream, unsigned int flags, int priority)
{
    if (priority > 0 || priority < -5)
        return refuse(cudaErrorInvalidValue, "cudaStreamCreateWithPriority: priority %d", priority);
    return cudaStreamCreateWithFlags(pStream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamDestroy");
    if (!stream || !s) return noted(cudaErrorInvalidResourceHandle);
    if (s->captures.active) return spoil(s, cudaErrorStreamCaptureUnsupported, "cudaStreamDestroy");
    cudaError_t e = carry_out_stream(s);
    streams.erase(std::find(streams.begin(), streams.end(), s));
    delete s;
    return e;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamSynchronize");
    if (!s) return cudaErrorInvalidResourceHandle;
    if (s->captures.active) return spoil(s, cudaErrorStreamCaptureUnsupported, "cudaStreamSynchronize");
    cudaError_t e = not_while_capturing("cudaStreamSynchronize");
    return e != cudaSuccess ? e : carry_out_stream(s);
}

/* Each time that something is not done, one operation more is. */
cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamQuery");
    if (!s) return cudaErrorInvalidResourceHandle;
    if (s->captures.active) return spoil(s, cudaErrorStreamCaptureUnsupported, "cudaStreamQuery");
    cudaError_t e = not_while_capturing("cudaStreamQuery");
    if (e != cudaSuccess) return e;
    if (s->queue.empty()) return sticky();
    carry_out(s, s->queue.front().number);
    return sticky() != cudaSuccess ? sticky() : noted(cudaErrorNotReady);
}

cudaError_t cudaDeviceSynchronize(void)
{
    guard lock(device_lock);
    cudaError_t e = not_while_capturing("cudaDeviceSynchronize");
    return e != cudaSuccess ? e : carry_out_all();
}
