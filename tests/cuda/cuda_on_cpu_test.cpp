/* The stand-in for the CUDA runtime: memory, launches, errors. */
#include "planted_run.h"

#include <cmath>
#include <stdlib.h>

namespace {

TEST_F(CudaOnCpu, SaysWhatItIs)
{
    cudaDeviceProp p;
    int count = 0;
    ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
    EXPECT_EQ(count, 1);
    ASSERT_EQ(cudaGetDeviceProperties(&p, 0), cudaSuccess);
    EXPECT_STREQ(p.name, "CUDA kernels executed on the CPU (stand-in, for tests)");
    EXPECT_EQ(p.sharedMemPerBlockOptin, 232448u);
    EXPECT_EQ(cudaGetDeviceProperties(&p, 1), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
}

TEST_F(CudaOnCpu, ErrorsHaveCudasNames)
{
    EXPECT_STREQ(cudaGetErrorName(cudaSuccess), "cudaSuccess");
    EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
    EXPECT_STREQ(cudaGetErrorName((cudaError_t)719), "cudaErrorLaunchFailure");
    EXPECT_STREQ(cudaGetErrorName((cudaError_t)923), "unrecognized error code");
}

TEST_F(CudaOnCpu, ASmallErrorIsToldOnceAndAFailedKernelForGood)
{
    int device;
    EXPECT_EQ(cudaSetDevice(7), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidDevice);
    EXPECT_EQ(cudaGetLastError(), cudaSuccess);

    float *y = nullptr;
    ASSERT_EQ(cudaMalloc(&y, 256), cudaSuccess);
    (void)planted_barrier_in_branch({1, 64, 0, 0, y, y, nullptr});
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
    for (int i = 0; i < 2; i++) EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
    EXPECT_EQ(planted_double_each({1, 64, 0, 64, y, y, nullptr}), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaMemset(y, 0, 4), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaMalloc(&y, 4), cudaErrorLaunchFailure);
    EXPECT_EQ(cudaGetDevice(&device), cudaSuccess);
    kz_cuda_on_cpu_reset();
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(CudaOnCpu, MemoryRunsOut)
{
    void *a = nullptr, *b = nullptr;
    size_t unused = 0, total = 0;
    kz_cuda_on_cpu_memory(1 << 20);
    ASSERT_EQ(cudaMalloc(&a, 600 << 10), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&b, 600 << 10), cudaErrorMemoryAllocation);
    EXPECT_EQ(b, nullptr);
    EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
    ASSERT_EQ(cudaMemGetInfo(&unused, &total), cudaSuccess);
    EXPECT_EQ(total, 1u << 20);
    EXPECT_EQ(unused, 424u << 10);
    EXPECT_EQ(cudaMalloc(&b, 424 << 10), cudaSuccess);
    EXPECT_EQ(cudaFree(a), cudaSuccess);
    EXPECT_EQ(cudaFree(b), cudaSuccess);
    ASSERT_EQ(cudaMemGetInfo(&unused, &total), cudaSuccess);
    EXPECT_EQ(unused, total);
}

TEST_F(CudaOnCpu, TheEnvironmentLimitsMemory)
{
    size_t unused = 0, total = 0;
    ASSERT_EQ(setenv("KAIZEN_CUDA_MEMORY", "12345678", 1), 0);
    kz_cuda_on_cpu_reset();
    ASSERT_EQ(unsetenv("KAIZEN_CUDA_MEMORY"), 0);
    ASSERT_EQ(cudaMemGetInfo(&unused, &total), cudaSuccess);
    EXPECT_EQ(total, 12345678u);
}

TEST_F(CudaOnCpu, CountsWhatIsNotGivenBack)
{
    void *device = nullptr, *pinned = nullptr;
    float host[4];
    cudaStream_t stream;
    cudaEvent_t event;
    EXPECT_EQ(kz_cuda_on_cpu_alive(), 0);
    ASSERT_EQ(cudaMalloc(&device, 1), cudaSuccess);
    ASSERT_EQ(cudaHostAlloc(&pinned, 1, cudaHostAllocDefault), cudaSuccess);
    ASSERT_EQ(cudaHostRegister(host, sizeof host, cudaHostRegisterMapped), cudaSuccess);
    ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
    ASSERT_EQ(cudaEventCreate(&event), cudaSuccess);
    EXPECT_EQ(kz_cuda_on_cpu_alive(), 5);
    EXPECT_EQ(cudaFree(device), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
    EXPECT_EQ(cudaHostUnregister(host), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    EXPECT_EQ(kz_cuda_on_cpu_alive(), 0);
}

TEST_F(CudaOnCpu, FreeingWhatIsNotAllocatedIsRefused)
{
    float *device = nullptr, *pinned = nullptr, host[4];
    ASSERT_EQ(cudaMalloc(&device, 64), cudaSuccess);
    ASSERT_EQ(cudaMallocHost(&pinned, 64), cudaSuccess);
    EXPECT_EQ(cudaFree(host), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(device + 1), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(pinned), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFreeHost(device), cudaErrorInvalidValue);
    EXPECT_EQ(cudaHostUnregister(pinned), cudaErrorHostMemoryNotRegistered);
    EXPECT_EQ(cudaHostRegister(pinned, 4, cudaHostRegisterDefault), cudaErrorHostMemoryAlreadyRegistered);
    EXPECT_EQ(cudaFree(device), cudaSuccess);
    EXPECT_EQ(cudaFree(device), cudaErrorInvalidValue);
    EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy((cudaStream_t)host), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaEventDestroy((cudaEvent_t)host), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaGraphDestroy((cudaGraph_t)host), cudaErrorInvalidValue);
}

TEST_F(CudaOnCpu, FreshMemoryHoldsNaN)
{
    float f[100];
    double d[50];
    void *p = nullptr;
    ASSERT_EQ(cudaMalloc(&p, 400), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(f, p, 400, cudaMemcpyDeviceToHost), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(d, p, 400, cudaMemcpyDeviceToHost), cudaSuccess);
    for (float x : f) EXPECT_TRUE(std::isnan(x));
    for (double x : d) EXPECT_TRUE(std::isnan(x));
}

TEST_F(CudaOnCpu, ImpossibleLaunchesAreRefused)
{
    float *y = nullptr;
    ASSERT_EQ(cudaMalloc(&y, 256), cudaSuccess);
    const struct {
        dim3 blocks, threads;
        size_t shared;
        cudaError_t wanted;
    } rows[] = {
        {0, 32, 0, cudaErrorInvalidConfiguration},
        {1, 0, 0, cudaErrorInvalidConfiguration},
        {1, 1025, 0, cudaErrorInvalidConfiguration},
        {1, dim3(64, 32), 0, cudaErrorInvalidConfiguration},
        {1, dim3(1, 1, 65), 0, cudaErrorInvalidConfiguration},
        {dim3(1, 65536), 1, 0, cudaErrorInvalidConfiguration},
        {2147483648u, 1, 0, cudaErrorInvalidConfiguration},
        {1, 32, 232449, cudaErrorInvalidValue},
        {1, 32, 232448, cudaSuccess},
        {1, 1024, 0, cudaSuccess},
        {dim3(1, 1, 65535), 1, 0, cudaSuccess},
    };
    for (const auto &r : rows)
        EXPECT_EQ(planted_double_each({r.blocks, r.threads, r.shared, 64, y, y, nullptr}), r.wanted)
            << r.blocks.x << " blocks, " << r.threads.x << " threads, " << r.shared << " bytes";
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess); /* none of these breaks the device */
}

TEST_F(CudaOnCpu, AKernelIsNotGivenHostMemory)
{
    float host[64] = {}, *pinned = nullptr;
    EXPECT_EQ(planted_double_each({1, 32, 0, 64, nullptr, host, nullptr}), cudaErrorIllegalAddress);
    EXPECT_NE(std::string(kz_cuda_on_cpu_message()).find("kernel double_each: argument 3 is"), std::string::npos);
#ifndef __clang__ /* it cannot tell what is between the members */
    EXPECT_EQ(planted_copy_by_structure({1, 32, 0, 32, host, nullptr, nullptr}), cudaErrorIllegalAddress);
    EXPECT_NE(std::string(kz_cuda_on_cpu_message()).find("a host address at byte 8"), std::string::npos);
#endif
    ASSERT_EQ(cudaMallocHost(&pinned, sizeof host), cudaSuccess);
    for (int i = 0; i < 64; i++) pinned[i] = 4.0f;
    EXPECT_EQ(planted_double_each({1, 32, 0, 64, nullptr, pinned, nullptr}), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(pinned[63], 8.0f);
    EXPECT_EQ(planted_copy_by_structure({1, 32, 0, 32, pinned + 32, pinned, nullptr}), cudaSuccess);
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_EQ(pinned[0], 8.0f);
}

TEST_F(CudaOnCpu, CopiesBeyondAnAllocationAreRefused)
{
    float host[64] = {}, *a = nullptr, *b = nullptr;
    ASSERT_EQ(cudaMalloc(&a, 128), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&b, 256), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(a, host, 129, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(host, a + 1, 128, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(a, b, 256, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(a, 0, 129), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemset(host, 0, 4), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(a, host, 64, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue); /* not the device's */
    EXPECT_EQ(cudaMemcpy(a, nullptr, 64, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    EXPECT_EQ(cudaMemcpy(a, host, 128, cudaMemcpyHostToDevice), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(b, a, 128, cudaMemcpyDefault), cudaSuccess);
    EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
}

} // namespace
