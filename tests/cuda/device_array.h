// device_array.h — arrays on the device between guards, a queue for launchers, and the orders in which kernels may run.
#pragma once

#include "kernels/cuda/launchers.h"
#include "oracle.h"

#if __has_include("cuda_on_cpu.h")
#include "cuda_on_cpu.h"
#endif

#include <functional>
#include <gtest/gtest.h>
#include <stdexcept>

namespace cuda {

inline void check(cudaError_t e)
{
    if (e != cudaSuccess) throw std::runtime_error(cudaGetErrorString(e));
}

// n elements; the first lies `shift` elements behind an address that is a multiple of 64.
template <class T> class Array {
  public:
    explicit Array(const std::vector<T> &x, size_t shift = 0) : n_(x.size()), first_(kGuard + shift)
    {
        std::vector<T> all = marks();
        std::copy(x.begin(), x.end(), all.begin() + static_cast<std::ptrdiff_t>(first_));
        check(cudaMalloc(&memory_, all.size() * sizeof(T)));
        check(cudaMemcpy(memory_, all.data(), all.size() * sizeof(T), cudaMemcpyHostToDevice));
    }
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    ~Array()
    {
        (void)cudaFree(memory_);
    }
    T *begin() const
    {
        return memory_ + first_;
    }
    // What is there once all that is queued is done; throws where a guard was touched.
    std::vector<T> values() const
    {
        std::vector<T> all(n_ + first_ + kGuard), wanted = marks();
        check(cudaDeviceSynchronize());
        check(cudaMemcpy(all.data(), memory_, all.size() * sizeof(T), cudaMemcpyDeviceToHost));
        auto begin = all.begin() + static_cast<std::ptrdiff_t>(first_), end = begin + static_cast<std::ptrdiff_t>(n_);
        std::vector<T> x(begin, end);
        std::copy(x.begin(), x.end(), wanted.begin() + static_cast<std::ptrdiff_t>(first_));
        if (std::memcmp(all.data(), wanted.data(), all.size() * sizeof(T)) != 0)
            throw std::runtime_error("something was written outside an array");
        return x;
    }

  private:
    static constexpr size_t kGuard = 64;
    std::vector<T> marks() const
    {
        std::vector<T> all(n_ + first_ + kGuard);
        std::memset(static_cast<void *>(all.data()), 0xa5, all.size() * sizeof(T));
        return all;
    }
    size_t n_, first_;
    T *memory_ = nullptr;
};

// `multiprocessors` decides how a launch is cut: with one, small arrays show what large ones do.
class Queue {
  public:
    explicit Queue(int multiprocessors = 132, int64_t scratch = 1 << 14, size_t shift = 0, bool counters = true,
                   int64_t shared = 227 << 10)
        : scratch_(std::vector<float>(static_cast<size_t>(scratch), oracle::kNan), shift),
          arrivals_(std::vector<unsigned>(KZ_CUDA_ARRIVALS, 0))
    {
        check(cudaStreamCreate(&queue_.stream));
        queue_.scratch = scratch_.begin();
        queue_.scratch_floats = scratch;
        queue_.multiprocessors = multiprocessors;
        queue_.shared = shared;
        queue_.arrivals = counters ? arrivals_.begin() : nullptr;
    }
    ~Queue()
    {
        (void)cudaStreamDestroy(queue_.stream);
    }
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;
    operator const kz_cuda_queue *() const
    {
        return &queue_;
    }
    cudaStream_t stream() const
    {
        return queue_.stream;
    }
    bool intact() const
    {
        (void)scratch_.values();
        return arrivals_.values() == std::vector<unsigned>(KZ_CUDA_ARRIVALS, 0);
    }

  private:
    Array<float> scratch_;
    Array<unsigned> arrivals_;
    kz_cuda_queue queue_ = {};
};

// All orders that the stand-in has; on a GPU the order is the GPU's.
inline void for_each_order(const std::function<void(unsigned)> &test)
{
#ifdef KZ_CUDA_ON_CPU_H
    for (unsigned order = 0; order < 8 && !::testing::Test::HasFatalFailure(); order++) {
        kz_cuda_on_cpu_order(order);
        test(order);
    }
    kz_cuda_on_cpu_order(0);
#else
    test(0);
#endif
}

// Numbers of many magnitudes; with `special`, among them zeros of both signs, subnormal ones, infinity and NaN.
inline std::vector<float> numbers(oracle::Random &random, int64_t n, bool special = false)
{
    static const float odd[] = {0.0f, -0.0f, 1e-45f, -3e-39f, 1e38f, -3e38f, oracle::kInf, -oracle::kInf, oracle::kNan};
    std::vector<float> x(static_cast<size_t>(n));
    for (float &v : x) {
        v = static_cast<float>(random.wild());
        if (special && random.below(4) == 0) v = odd[random.below(9)];
    }
    return x;
}

} // namespace cuda
