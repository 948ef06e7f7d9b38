/* Events: marks in streams.  Recording one, and waiting for it, are operations like others. */
#include "sim_stream.h"

#include <algorithm>
#include <chrono>

struct CUevent_st {
    bool timed;
    bool captured; /* recorded last in a stream that was captured */
    std::shared_ptr<kz_sim::record> latest;
};

namespace kz_sim {

static std::vector<cudaEvent_t> events;

static bool is_event(cudaEvent_t event, const char *what)
{
    if (std::find(events.begin(), events.end(), event) != events.end()) return true;
    (void)refuse(cudaErrorInvalidResourceHandle, "%s: %p is no event", what, static_cast<void *>(event));
    return false;
}

void forget_events(void)
{
    for (cudaEvent_t e : events) delete e;
    events.clear();
}

int64_t events_alive(void)
{
    return static_cast<int64_t>(events.size());
}

static double seconds_now(void)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace kz_sim

using namespace kz_sim;

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
    guard lock(device_lock);
    if (flags > (cudaEventBlockingSync | cudaEventDisableTiming))
        return refuse(cudaErrorInvalidValue, "cudaEventCreateWithFlags: flags %u", flags);
    if (sticky() != cudaSuccess) return sticky();
    *event = new CUevent_st{!(flags & cudaEventDisableTiming), false, nullptr};
    events.push_back(*event);
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    guard lock(device_lock);
    if (!is_event(event, "cudaEventDestroy")) return cudaErrorInvalidResourceHandle;
    events.erase(std::find(events.begin(), events.end(), event));
    delete event;
    return sticky();
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaEventRecord");
    if (!s || !is_event(event, "cudaEventRecord")) return cudaErrorInvalidResourceHandle;
    if (s->captures.active) {
        if (s->captures.spoiled) return noted(cudaErrorStreamCaptureInvalidated);
        event->captured = true;
        event->latest = std::make_shared<record>(record{s, 0, false, 0});
        return cudaSuccess;
    }
    std::shared_ptr<record> mark = std::make_shared<record>(record{s, 0, false, 0});
    event->captured = false;
    event->latest = mark;
    return enqueue_after(
        stream, "cudaEventRecord",
        [mark] {
            mark->done = true;
            mark->seconds = seconds_now();
            return cudaSuccess;
        },
        nullptr, &mark->number);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
    guard lock(device_lock);
    cudaStream_t s = stream_of(stream, "cudaStreamWaitEvent");
    if (!s || !is_event(event, "cudaStreamWaitEvent")) return cudaErrorInvalidResourceHandle;
    if (flags) return refuse(cudaErrorInvalidValue, "cudaStreamWaitEvent: flags %u", flags);
    if (!event->latest) return sticky(); /* never recorded: nothing to wait for */
    if (event->captured || s->captures.active) {
        if (event->captured && event->latest->in == s && s->captures.active) return cudaSuccess; /* in order anyway */
        if (s->captures.active)
            return spoil(s, cudaErrorStreamCaptureIsolation, "waiting for an event of another stream");
        return refuse(cudaErrorNotSupported, "cudaStreamWaitEvent: a capture of several streams is not modelled");
    }
    return enqueue_after(
        stream, "cudaStreamWaitEvent", [] { return cudaSuccess; }, event->latest, nullptr);
}

/* Whether event can be waited for. */
static cudaError_t waitable(cudaEvent_t event, const char *what)
{
    if (!is_event(event, what)) return cudaErrorInvalidResourceHandle;
    if (event->captured) {
        cudaStream_t in = event->latest->in;
        cudaError_t e =
            refuse(cudaErrorCapturedEvent, "%s: the event was recorded in a stream that was captured", what);
        if (is_stream(in) && in->captures.active) in->captures.spoiled = true;
        return e;
    }
    return not_while_capturing(what);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    guard lock(device_lock);
    cudaError_t e = waitable(event, "cudaEventSynchronize");
    if (e != cudaSuccess) return e;
    if (event->latest && !event->latest->done) carry_out(event->latest->in, event->latest->number);
    return sticky();
}

/* Each time that it is not done, one operation more of its stream is. */
cudaError_t cudaEventQuery(cudaEvent_t event)
{
    guard lock(device_lock);
    cudaError_t e = waitable(event, "cudaEventQuery");
    if (e != cudaSuccess) return e;
    if (!event->latest || event->latest->done || sticky() != cudaSuccess) return sticky();
    cudaStream_t in = event->latest->in;
    if (!in->queue.empty()) carry_out(in, in->queue.front().number);
    return sticky() != cudaSuccess ? sticky() : noted(cudaErrorNotReady);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end)
{
    guard lock(device_lock);
    if (!is_event(start, "cudaEventElapsedTime") || !is_event(end, "cudaEventElapsedTime"))
        return cudaErrorInvalidResourceHandle;
    if (!start->timed || !end->timed || !start->latest || !end->latest)
        return refuse(cudaErrorInvalidResourceHandle, "cudaEventElapsedTime: an event without time, or not recorded");
    if (start->captured || end->captured)
        return refuse(cudaErrorCapturedEvent, "cudaEventElapsedTime: an event recorded in a stream that was captured");
    if (sticky() != cudaSuccess) return sticky();
    if (!start->latest->done || !end->latest->done) return noted(cudaErrorNotReady);
    *ms = static_cast<float>((end->latest->seconds - start->latest->seconds) * 1e3);
    return cudaSuccess;
}
