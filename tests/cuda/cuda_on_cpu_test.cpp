/* The stand-in for the CUDA runtime: what it carries out. */
#include "cuda_on_cpu.h"
#include "planted.h"

#include <gtest/gtest.h>
#include <vector>

TEST(CudaOnCpu, AddsAndSumsInEveryOrder)
{
    for (unsigned order = 0; order < 8; order++) {
        kz_cuda_on_cpu_reset();
        kz_cuda_on_cpu_order(order);
        cudaStream_t s;
        ASSERT_EQ(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), cudaSuccess);
        std::vector<float> x(1024), out(4);
        for (size_t i = 0; i < x.size(); i++) x[i] = (float)(i % 7);
        float *dx, *dout;
        ASSERT_EQ(cudaMalloc(&dx, 4096), cudaSuccess);
        ASSERT_EQ(cudaMalloc(&dout, 16), cudaSuccess);
        ASSERT_EQ(cudaMemcpyAsync(dx, x.data(), 4096, cudaMemcpyHostToDevice, s), cudaSuccess);
        ASSERT_EQ(planted_add(1024, 1.0f, dx, s), cudaSuccess);
        ASSERT_EQ(planted_sum(4, dx, dout, s), cudaSuccess);
        ASSERT_EQ(cudaMemcpyAsync(out.data(), dout, 16, cudaMemcpyDeviceToHost, s), cudaSuccess);
        ASSERT_EQ(cudaStreamSynchronize(s), cudaSuccess);
        for (size_t b = 0; b < 4; b++) {
            float sum = 0;
            for (size_t i = 0; i < 256; i++) sum += x[b * 256 + i] + 1;
            ASSERT_TRUE(out[b] == sum) << "order " << order << ", block " << b << ": " << out[b] << " " << sum;
        }
        EXPECT_EQ(cudaFree(dx), cudaSuccess);
        EXPECT_EQ(cudaFree(dout), cudaSuccess);
        EXPECT_EQ(cudaStreamDestroy(s), cudaSuccess);
        EXPECT_EQ(kz_cuda_on_cpu_alive(), 0);
    }
}
