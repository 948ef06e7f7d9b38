/* planted_run.h — runs planted kernels in a given order on fresh device memory. */
#ifndef KZ_TESTS_CUDA_PLANTED_RUN_H
#define KZ_TESTS_CUDA_PLANTED_RUN_H

#include "cuda_on_cpu.h"
#include "planted.h"

#include <gtest/gtest.h>
#include <string.h>
#include <string>
#include <vector>

constexpr unsigned ORDERS = 12; /* 0 to 7 show each combination of late copies and streams twice; some seeds more */

/* Leaves the stand-in as it was found: in order 0, without errors, nothing allocated. */
class CudaOnCpu : public testing::Test {
  protected:
    void SetUp() override
    {
        kz_cuda_on_cpu_reset();
        kz_cuda_on_cpu_order(0);
    }

    void TearDown() override
    {
        kz_cuda_on_cpu_reset();
    }
};

using bits = std::vector<uint32_t>;

struct planted_call {
    cudaError_t (*kernel)(const planted &p);
    dim3 blocks = 1, threads = 32;
    size_t shared = 0;
    int64_t n = 0;
    std::vector<float> x = {};
    size_t y = 0; /* numbers, 0 at first */
};

struct planted_result {
    cudaError_t error;
    bits y;
    std::string message; /* of a refusal */
};

static inline std::vector<float> counted(size_t n)
{
    std::vector<float> x(n);
    for (size_t i = 0; i < n; i++) x[i] = (float)(i + 1);
    return x;
}

static inline bits bits_of(const std::vector<float> &x)
{
    bits b(x.size());
    if (!x.empty()) memcpy(b.data(), x.data(), x.size() * sizeof(float));
    return b;
}

static inline planted_result run_planted(const planted_call &c, unsigned order)
{
    planted p = {c.blocks, c.threads, c.shared, c.n, nullptr, nullptr, nullptr};
    float *x = nullptr;
    std::vector<float> y(c.y);
    planted_result r = {};
    kz_cuda_on_cpu_reset();
    kz_cuda_on_cpu_order(order);
    EXPECT_EQ(cudaStreamCreateWithFlags(&p.stream, cudaStreamNonBlocking), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&x, c.x.size() * sizeof(float)), cudaSuccess);
    EXPECT_EQ(cudaMalloc(&p.y, c.y * sizeof(float)), cudaSuccess);
    EXPECT_EQ(cudaMemcpyAsync(x, c.x.data(), c.x.size() * sizeof(float), cudaMemcpyHostToDevice, p.stream),
              cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(p.y, 0, c.y * sizeof(float), p.stream), cudaSuccess);
    p.x = x;
    r.error = c.kernel(p);
    if (r.error == cudaSuccess)
        r.error = cudaMemcpyAsync(y.data(), p.y, c.y * sizeof(float), cudaMemcpyDeviceToHost, p.stream);
    if (r.error == cudaSuccess) r.error = cudaStreamSynchronize(p.stream);
    r.y = bits_of(y);
    r.message = kz_cuda_on_cpu_message();
    kz_cuda_on_cpu_reset();
    return r;
}

#endif
