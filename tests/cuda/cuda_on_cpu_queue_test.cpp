/* The stand-in for the CUDA runtime: streams, events, graphs, and what happens where nobody waits. */
#include "planted_run.h"

#include <functional>
#include <vector>

namespace {

constexpr unsigned LATE = 2; /* the order in which queues are carried out as late as possible, all else in sequence */

class CudaOnCpuQueue : public CudaOnCpu {
  protected:
    cudaStream_t stream = nullptr, other = nullptr;
    cudaEvent_t event = nullptr;
    float *device = nullptr, *pinned = nullptr; /* 64 numbers each, those in pinned 1, 2, ... */
    float host[64] = {};

    void begin(unsigned order, unsigned flags = cudaStreamNonBlocking)
    {
        kz_cuda_on_cpu_reset();
        kz_cuda_on_cpu_order(order);
        ASSERT_EQ(cudaStreamCreateWithFlags(&stream, flags), cudaSuccess);
        ASSERT_EQ(cudaStreamCreateWithFlags(&other, flags), cudaSuccess);
        ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
        ASSERT_EQ(cudaMalloc(&device, sizeof host), cudaSuccess);
        ASSERT_EQ(cudaMallocHost(&pinned, sizeof host), cudaSuccess);
        for (int i = 0; i < 64; i++) host[i] = pinned[i] = (float)(i + 1);
    }

    cudaError_t double_each(float *y, cudaStream_t in)
    {
        return planted_double_each({2, 32, 0, 64, nullptr, y, in});
    }

    cudaError_t upload(const float *from, cudaStream_t in)
    {
        return cudaMemcpyAsync(device, from, sizeof host, cudaMemcpyHostToDevice, in);
    }

    /* The first number on the device. */
    float first(void)
    {
        float x = 0.0f;
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
        EXPECT_EQ(cudaMemcpy(&x, device, sizeof x, cudaMemcpyDeviceToHost), cudaSuccess);
        return x;
    }
};

TEST_F(CudaOnCpuQueue, WithoutSynchronisationTheHostMayReadTooEarly)
{
    begin(0);
    ASSERT_EQ(double_each(pinned, stream), cudaSuccess);
    EXPECT_EQ(pinned[0], 2.0f);
    begin(LATE);
    ASSERT_EQ(double_each(pinned, stream), cudaSuccess);
    EXPECT_EQ(pinned[0], 1.0f);
    ASSERT_EQ(cudaStreamSynchronize(other), cudaSuccess);
    EXPECT_EQ(pinned[0], 1.0f);
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(pinned[0], 2.0f);
}

TEST_F(CudaOnCpuQueue, WithoutAnEventStreamsMayPassEachOther)
{
    begin(LATE);
    ASSERT_EQ(upload(host, stream), cudaSuccess);
    ASSERT_EQ(double_each(device, other), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(other), cudaSuccess);
    EXPECT_EQ(first(), 1.0f); /* doubled before it came */
}

TEST_F(CudaOnCpuQueue, AnEventOrdersStreamsInEveryOrder)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        begin(order);
        ASSERT_EQ(upload(host, stream), cudaSuccess);
        ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
        ASSERT_EQ(double_each(device, stream), cudaSuccess); /* after the event: not waited for */
        ASSERT_EQ(cudaStreamWaitEvent(other, event, 0), cudaSuccess);
        ASSERT_EQ(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, other), cudaSuccess);
        bool late =
            order & LATE && order != 7 && order != 11; /* in which `stream` is carried out at once, and `other` late */
        EXPECT_EQ(host[0], late ? 1.0f : 2.0f) << "order " << order;
        EXPECT_EQ(first(), 2.0f) << "order " << order;
    }
}

TEST_F(CudaOnCpuQueue, WithoutAnEventEitherStreamMayRunAhead)
{
    begin(6);
    ASSERT_EQ(upload(host, stream), cudaSuccess);
    ASSERT_EQ(double_each(device, other), cudaSuccess); /* at once */
    EXPECT_EQ(first(), 1.0f);
    begin(7);
    ASSERT_EQ(upload(host, other), cudaSuccess); /* late */
    ASSERT_EQ(double_each(device, stream), cudaSuccess);
    EXPECT_EQ(first(), 1.0f);
}

TEST_F(CudaOnCpuQueue, APageIsRegisteredOnce)
{
    begin(0);
    std::vector<char> memory(5 * 4096);
    char *page = memory.data() + 4096 - reinterpret_cast<uintptr_t>(memory.data()) % 4096;
    void *seen = nullptr;
    ASSERT_EQ(cudaHostRegister(page + 100, 4096, cudaHostRegisterMapped), cudaSuccess); /* in two pages */
    EXPECT_EQ(cudaHostRegister(page + 5000, 4096, cudaHostRegisterMapped), cudaErrorHostMemoryAlreadyRegistered);
    EXPECT_EQ(cudaHostRegister(page + 8192, 4096, cudaHostRegisterMapped), cudaSuccess);
    EXPECT_EQ(cudaHostGetDevicePointer(&seen, page + 6000, 0), cudaSuccess);
    EXPECT_EQ(double_each(reinterpret_cast<float *>(page + 6000), stream), cudaSuccess)
        << "a page is pinned as a whole";
    EXPECT_EQ(cudaHostUnregister(page), cudaErrorHostMemoryNotRegistered);
    EXPECT_EQ(cudaHostUnregister(page + 100), cudaSuccess);
    EXPECT_EQ(cudaHostUnregister(page + 8192), cudaSuccess);
    EXPECT_EQ(cudaHostGetDevicePointer(&seen, page + 6000, 0), cudaErrorInvalidValue);
}

TEST_F(CudaOnCpuQueue, PinnedMemoryIsReadLateAndPageableAtOnce)
{
    begin(LATE);
    ASSERT_EQ(upload(pinned, stream), cudaSuccess);
    pinned[0] = 50.0f;
    EXPECT_EQ(first(), 50.0f);
    ASSERT_EQ(upload(host, stream), cudaSuccess);
    host[0] = 60.0f;
    EXPECT_EQ(first(), 1.0f);
}

TEST_F(CudaOnCpuQueue, ADownloadWaitsOnlyForPageableMemory)
{
    begin(LATE);
    ASSERT_EQ(upload(host, stream), cudaSuccess);
    ASSERT_EQ(double_each(device, stream), cudaSuccess);
    ASSERT_EQ(cudaMemcpyAsync(pinned, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(pinned[1], 2.0f);
    ASSERT_EQ(cudaMemcpyAsync(host, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
    EXPECT_EQ(host[1], 4.0f);
    EXPECT_EQ(pinned[1], 4.0f);
}

TEST_F(CudaOnCpuQueue, TheLegacyStreamWaitsForBlockingStreamsOnly)
{
    for (unsigned order : {0u, LATE}) {
        begin(order, cudaStreamDefault);
        ASSERT_EQ(upload(host, stream), cudaSuccess);
        ASSERT_EQ(double_each(device, nullptr), cudaSuccess);
        ASSERT_EQ(cudaMemcpyAsync(pinned, device, sizeof host, cudaMemcpyDeviceToHost, other), cudaSuccess);
        ASSERT_EQ(cudaStreamSynchronize(other), cudaSuccess);
        EXPECT_EQ(pinned[0], 2.0f) << "order " << order;
    }
    begin(LATE);
    ASSERT_EQ(upload(host, stream), cudaSuccess);
    ASSERT_EQ(double_each(device, nullptr), cudaSuccess);
    ASSERT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
    EXPECT_EQ(first(), 1.0f);
}

TEST_F(CudaOnCpuQueue, EventsTellWhetherAndWhen)
{
    cudaEvent_t end;
    float ms = -1.0f;
    begin(LATE);
    ASSERT_EQ(cudaEventCreate(&end), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(event), cudaSuccess); /* never recorded */
    EXPECT_EQ(cudaEventElapsedTime(&ms, event, end), cudaErrorInvalidResourceHandle);
    ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
    ASSERT_EQ(double_each(pinned, stream), cudaSuccess);
    ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
    EXPECT_EQ(cudaEventElapsedTime(&ms, event, end), cudaErrorNotReady);
    int asked = 1;
    while (cudaEventQuery(end) == cudaErrorNotReady && asked < 10) asked++;
    EXPECT_EQ(asked, 4); /* three operations, one for each time it was not ready */
    EXPECT_EQ(pinned[0], 2.0f);
    EXPECT_EQ(cudaEventElapsedTime(&ms, event, end), cudaSuccess);
    EXPECT_TRUE(ms > 0.0f);
    ASSERT_EQ(cudaEventRecord(end, stream), cudaSuccess);
    EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
    EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

TEST_F(CudaOnCpuQueue, AGraphRepeatsWhatWasRecorded)
{
    for (unsigned order = 0; order < ORDERS; order++) {
        cudaGraph_t graph = nullptr;
        cudaGraphExec_t run = nullptr;
        begin(order);
        ASSERT_EQ(upload(host, stream), cudaSuccess);
        ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
        ASSERT_EQ(double_each(device, stream), cudaSuccess);
        ASSERT_EQ(cudaMemcpyAsync(pinned, device, sizeof host, cudaMemcpyDeviceToHost, stream), cudaSuccess);
        ASSERT_EQ(cudaMemsetAsync(device + 1, 0, sizeof(float), stream), cudaSuccess);
        ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
        EXPECT_EQ(pinned[2], 3.0f) << "recorded, not carried out";
        ASSERT_EQ(cudaGraphInstantiate(&run, graph, 0), cudaSuccess);
        ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
        for (int i = 0; i < 3; i++) ASSERT_EQ(cudaGraphLaunch(run, stream), cudaSuccess);
        ASSERT_EQ(cudaGraphExecDestroy(run), cudaSuccess); /* what is queued goes on */
        ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
        EXPECT_EQ(pinned[2], 24.0f);
        EXPECT_EQ(pinned[1], 0.0f);
        EXPECT_EQ(first(), 8.0f);
    }
}

TEST_F(CudaOnCpuQueue, WhatCannotBeRecordedSpoilsTheCapture)
{
    const struct {
        const char *what;
        std::function<cudaError_t()> call;
        cudaError_t wanted;
    } rows[] = {
        {"synchronising", [&] { return cudaStreamSynchronize(stream); }, cudaErrorStreamCaptureUnsupported},
        {"asking", [&] { return cudaStreamQuery(stream); }, cudaErrorStreamCaptureUnsupported},
        {"the device", [&] { return cudaDeviceSynchronize(); }, cudaErrorStreamCaptureUnsupported},
        {"allocating", [&] { return cudaMalloc(&device, 4); }, cudaErrorStreamCaptureUnsupported},
        {"pinning", [&] { return cudaMallocHost(&pinned, 4); }, cudaErrorStreamCaptureUnsupported},
        {"freeing", [&] { return cudaFree(device); }, cudaErrorStreamCaptureUnsupported},
        {"a copy", [&] { return cudaMemcpy(device, host, 4, cudaMemcpyHostToDevice); },
         cudaErrorStreamCaptureUnsupported},
        {"pageable memory", [&] { return upload(host, stream); }, cudaErrorStreamCaptureUnsupported},
        {"an event within",
         [&] {
             cudaError_t e = cudaEventRecord(event, stream);
             return e == cudaSuccess ? cudaEventSynchronize(event) : e;
         },
         cudaErrorCapturedEvent},
        {"an event outside",
         [&] {
             cudaError_t e = cudaEventRecord(event, other);
             return e == cudaSuccess ? cudaStreamWaitEvent(stream, event, 0) : e;
         },
         cudaErrorStreamCaptureIsolation},
        {"another event", [&] { return cudaEventSynchronize(event); }, cudaErrorStreamCaptureUnsupported},
    };
    for (const auto &r : rows) {
        cudaGraph_t graph = nullptr;
        cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
        begin(0);
        ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess) << r.what;
        EXPECT_EQ(r.call(), r.wanted) << r.what;
        ASSERT_EQ(cudaStreamIsCapturing(stream, &status), cudaSuccess);
        EXPECT_EQ(status, cudaStreamCaptureStatusInvalidated) << r.what;
        EXPECT_EQ(double_each(device, stream), cudaErrorStreamCaptureInvalidated) << r.what;
        EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated) << r.what;
        EXPECT_EQ(graph, nullptr) << r.what;
        EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess) << r.what; /* as before the capture */
    }
}

TEST_F(CudaOnCpuQueue, ARelaxedCaptureAllowsAllocating)
{
    cudaGraph_t graph = nullptr;
    float *more = nullptr;
    begin(0);
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&more, 4), cudaSuccess);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeRelaxed), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
}

TEST_F(CudaOnCpuQueue, ABlockingStreamInCaptureBarsTheLegacyStream)
{
    cudaGraph_t graph = nullptr;
    begin(0, cudaStreamDefault);
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
    EXPECT_EQ(double_each(device, nullptr), cudaErrorStreamCaptureImplicit);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
}

TEST_F(CudaOnCpuQueue, AFailureInALateQueueShowsWhereItIsWaitedFor)
{
    begin(LATE);
    EXPECT_EQ(planted_barrier_in_branch({1, 64, 0, 0, pinned, pinned, stream}), cudaSuccess);
    EXPECT_EQ(double_each(pinned, stream), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorLaunchFailure);
    EXPECT_NE(std::string(kz_cuda_on_cpu_message()).find("barrier_in_branch"), std::string::npos);
}

} // namespace
