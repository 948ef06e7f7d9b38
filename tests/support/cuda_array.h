// Arrays in a GPU's memory, with guards on both sides that nothing may touch, and queues of launches.
#pragma once

#include "cuda_on_cpu.h"
#include "kernels/cuda/launchers.h"
#include "oracle.h"

#include <gtest/gtest.h>

#include <cuda_runtime.h>

namespace gpu {

// `offset` elements lie before the first one besides the guard: any but a multiple of 4 makes it unaligned.
template <class T> class Array {
  public:
    explicit Array(const std::vector<T> &x, size_t offset = 0) : n_(x.size()), before_(kGuard + offset)
    {
        std::vector<T> all(n_ + before_ + kGuard);
        std::memset(all.data(), kMark, all.size() * sizeof(T));
        std::copy(x.begin(), x.end(), all.begin() + static_cast<std::ptrdiff_t>(before_));
        EXPECT_EQ(cudaMalloc(reinterpret_cast<void **>(&all_), all.size() * sizeof(T)), cudaSuccess);
        EXPECT_EQ(cudaMemcpy(all_, all.data(), all.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
    }
    ~Array()
    {
        EXPECT_EQ(cudaFree(all_), cudaSuccess);
    }
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;

    T *begin() const
    {
        return all_ + before_;
    }
    // Waits for what is queued; fails the test if a guard was touched.
    std::vector<T> values() const
    {
        std::vector<T> all(n_ + before_ + kGuard);
        EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess) << kz_cuda_on_cpu_message();
        EXPECT_EQ(cudaMemcpy(all.data(), all_, all.size() * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
        T mark;
        std::memset(&mark, kMark, sizeof mark);
        for (size_t i = 0; i < all.size(); i++)
            if (i < before_ || i >= before_ + n_) {
                EXPECT_EQ(std::memcmp(&all[i], &mark, sizeof mark), 0)
                    << "element " << static_cast<int64_t>(i) - static_cast<int64_t>(before_) << " of " << n_;
            }
        return std::vector<T>(all.begin() + static_cast<std::ptrdiff_t>(before_),
                              all.begin() + static_cast<std::ptrdiff_t>(before_ + n_));
    }

  private:
    static constexpr size_t kGuard = 32;
    static constexpr int kMark = 0x5a;
    size_t n_, before_;
    T *all_ = nullptr;
};

using Floats = Array<float>;

// A stream with scratch, and counters that must all be 0 again whenever it is looked at.
class Queue {
  public:
    Queue(int multiprocessors, int64_t scratch_floats, size_t offset = 0, bool counters = true)
        : scratch_(std::vector<float>(static_cast<size_t>(scratch_floats), oracle::kNan), offset),
          arrivals_(std::vector<unsigned>(KZ_CUDA_ARRIVALS, 0))
    {
        EXPECT_EQ(cudaStreamCreateWithFlags(&q.stream, cudaStreamNonBlocking), cudaSuccess);
        q.scratch = scratch_.begin();
        q.scratch_floats = scratch_floats;
        q.multiprocessors = multiprocessors;
        q.arrivals = counters ? arrivals_.begin() : nullptr;
    }
    ~Queue()
    {
        check();
        EXPECT_EQ(cudaStreamDestroy(q.stream), cudaSuccess);
    }
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;

    void check() const
    {
        EXPECT_EQ(cudaStreamSynchronize(q.stream), cudaSuccess) << kz_cuda_on_cpu_message();
        scratch_.values();
        EXPECT_EQ(arrivals_.values(), std::vector<unsigned>(KZ_CUDA_ARRIVALS, 0));
    }

    kz_cuda_queue q = {};

  private:
    Floats scratch_;
    Array<unsigned> arrivals_;
};

} // namespace gpu
