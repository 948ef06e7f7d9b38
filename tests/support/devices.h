// devices.h — the devices that a test runs on, and memory on them.
#pragma once

#include "kz/device.h"

#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <vector>

namespace devices {

class Device {
  public:
    explicit Device(const std::string &isa = "plain", int threads = 1)
    {
        kz_config_device cfg = {};
        cfg.kind = kind_, cfg.threads = threads;
        EXPECT_EQ(kz_device_create(&dev_, &cfg, isa.c_str()), KZ_OK) << kz_error_message();
    }
    ~Device()
    {
        kz_device_destroy(&dev_);
        EXPECT_EQ(dev_, nullptr);
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
    std::string name() const
    {
        return std::string(dev_->ops->name) + " " + dev_->variant + " x" + std::to_string(dev_->threads);
    }

  private:
    char kind_[4] = "cpu";
    kz_device *dev_ = nullptr;
};

// Every instruction set that runs here.
inline std::vector<std::string> isas()
{
    std::vector<std::string> list;
    for (const char *const *isa = kz_device_isas(); *isa; isa++) list.push_back(*isa);
    return list;
}

// An array on a device.
template <class T> class Array {
  public:
    Array(const Device &dev, size_t n) : dev_(dev), n_(n)
    {
        EXPECT_EQ(dev->alloc(dev.get(), &p_, n * sizeof(T), "test"), KZ_OK);
    }
    Array(const Device &dev, const std::vector<T> &x) : Array(dev, x.size())
    {
        set(x);
    }
    Array(const Device &dev, std::initializer_list<T> x) : Array(dev, std::vector<T>(x))
    {
    }
    ~Array()
    {
        dev_->release(dev_.get(), &p_);
    }
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    T *get() const
    {
        return p_;
    }
    void set(const std::vector<T> &x)
    {
        EXPECT_EQ(dev_->upload(dev_.get(), p_, x.data(), x.size() * sizeof(T)), KZ_OK);
    }
    std::vector<T> values() const
    {
        std::vector<T> x(n_);
        EXPECT_EQ(dev_->download(dev_.get(), x.data(), p_, n_ * sizeof(T)), KZ_OK);
        return x;
    }

  private:
    const Device &dev_;
    size_t n_;
    T *p_ = nullptr;
};

} // namespace devices
