// fast_device.h — a device of fast arithmetic over the stand-in for cuBLASLt, and rows as it stores them.
#pragma once

#include "device_array.h"
#include "kernels/arith/bf16.h"
#include "stand_in.h"

#include <cstdlib>
#include <string>

extern "C" {
#include "device/cuda_module.h"
}

#ifndef KZ_CUDA_ON_CPU_H
// a GPU has its own order, and does not count
inline void kz_cuda_on_cpu_order(unsigned)
{
}
inline int64_t kz_cuda_on_cpu_alive()
{
    return 0;
}
#endif

namespace fast {

inline std::vector<float> decoded(const std::vector<kz_bf16> &x)
{
    std::vector<float> values;
    for (kz_bf16 b : x) values.push_back(kz_float_of_bf16(b));
    return values;
}

// lacks: what the library has no algorithm for.
class Device {
  public:
    explicit Device(const char *precision, const std::string &lacks = "")
    {
        char kind[] = "cuda";
        kz_config_device cfg = {};
        cfg.kind = kind, cfg.arithmetic = "fast", cfg.precision = precision;
        if (on_stand_in) setenv("KAIZEN_CUBLASLT", build::cublaslt_on_cpu, 1);
        setenv("KAIZEN_CUBLASLT_LACKS", lacks.c_str(), 1);
        if (kz_cuda_module_get()->create(&dev_, 0, &cfg) != KZ_OK) throw std::runtime_error(kz_error_message());
        unsetenv("KAIZEN_CUBLASLT_LACKS");
        if (on_stand_in) unsetenv("KAIZEN_CUBLASLT");
    }
    ~Device()
    {
        kz_device_destroy(&dev_);
    }
    Device(const Device &) = delete;
    Device &operator=(const Device &) = delete;
    kz_device *get() const
    {
        return dev_;
    }
    const kz_device_ops *operator->() const
    {
        return dev_->ops;
    }

  private:
    kz_device *dev_ = nullptr;
};

// Memory for n numbers of binary32.
class Buffer {
  public:
    Buffer(const Device &dev, size_t n) : dev_(dev)
    {
        EXPECT_EQ(dev->alloc(dev.get(), &p_, n * sizeof(float), "test"), KZ_OK) << kz_error_message();
    }
    Buffer(const Device &dev, const std::vector<float> &x) : Buffer(dev, x.size())
    {
        EXPECT_EQ(dev->upload(dev.get(), p_, x.data(), x.size() * sizeof(float)), KZ_OK);
    }
    ~Buffer()
    {
        dev_->release(dev_.get(), &p_);
    }
    Buffer(const Buffer &) = delete;
    Buffer &operator=(const Buffer &) = delete;
    float *begin() const
    {
        return p_;
    }
    std::vector<float> values(int64_t rows, int64_t width, bool half = false) const
    {
        if (!half) return read<float>(static_cast<size_t>(rows * width));
        int64_t stride = kz_bf16_stride(width);
        std::vector<kz_bf16> all = read<kz_bf16>(static_cast<size_t>((rows - 1) * stride + width)), packed;
        for (int64_t r = 0; r < rows; r++)
            packed.insert(packed.end(), all.begin() + r * stride, all.begin() + r * stride + width);
        return decoded(packed);
    }

  private:
    template <class T> std::vector<T> read(size_t n) const
    {
        std::vector<T> x(n);
        EXPECT_EQ(dev_->download(dev_.get(), x.data(), p_, n * sizeof(T)), KZ_OK) << kz_error_message();
        return x;
    }
    const Device &dev_;
    float *p_ = nullptr;
};

} // namespace fast
