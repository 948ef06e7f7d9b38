// oracle.h — the arithmetic's rules written a second time, in the most straightforward way, and the kernels as C++ sees them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <math.h>
#include <Random123/philox.h>
#include <stdint.h>
#include <string.h>
#include <string>
#include <vector>

#include "kernels/dense/dense.h"
#include "kernels/gather/gather.h"
#include "kernels/init/init.h"
#include "kernels/loss/loss.h"
#include "kernels/matmul/matmul.h"
#include "kernels/norm/norm.h"
#include "kernels/optim/optim_f32.h"
#include "kernels/schedule/schedule.h"
#include "kernels/sum/sum.h"
#include "kernels/sum/tree.h"
#include "kz/device.h"

namespace oracle {

constexpr double kUnit = 0x1p-24; // half an ulp of 1 in binary32
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

inline uint32_t bits(float x)
{
    uint32_t u;
    std::memcpy(&u, &x, sizeof u);
    return u;
}

inline uint64_t bits(double x)
{
    uint64_t u;
    std::memcpy(&u, &x, sizeof u);
    return u;
}

// Equal to the bit; NaNs are all alike, as in the digests.
template <class T> bool same(T a, T b)
{
    return bits(a) == bits(b) || (std::isnan(a) && std::isnan(b));
}

// The first index where they differ; -1: nowhere.
template <class T> int64_t first_difference(const std::vector<T> &a, const std::vector<T> &b)
{
    if (a.size() != b.size()) return static_cast<int64_t>(std::min(a.size(), b.size()));
    for (size_t i = 0; i < a.size(); i++)
        if (!same(a[i], b[i])) return static_cast<int64_t>(i);
    return -1;
}

// Numbers for inputs: splitmix64, the same on every machine.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed)
    {
    }
    uint64_t next()
    {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    int64_t below(int64_t n)
    {
        return static_cast<int64_t>(next() % static_cast<uint64_t>(n));
    }
    double uniform(double low, double high)
    {
        return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53;
    }
    // Of many magnitudes, so that every order of summation gives other bits.
    double wild()
    {
        return std::ldexp(uniform(-1, 1), static_cast<int>(below(24)) - 12);
    }
    std::vector<float> floats(int64_t n, double low = -1, double high = 1)
    {
        std::vector<float> x(static_cast<size_t>(n));
        for (float &v : x) v = static_cast<float>(uniform(low, high));
        return x;
    }

  private:
    uint64_t state_;
};

// Rule 3, one block: 32 lanes and a tree over them.
template <class T> T block_sum(const T *x, size_t n)
{
    std::vector<T> lane(32, T(0));
    for (size_t i = 0; i < 1024; i++) lane[i % 32] += i < n ? x[i] : T(0);
    while (lane.size() > 1) {
        std::vector<T> half(lane.size() / 2);
        for (size_t i = 0; i < half.size(); i++) half[i] = lane[i] + lane[i + half.size()];
        lane = half;
    }
    return lane[0];
}

// Rule 3: block sums are a shorter vector.
template <class T> T sum(std::vector<T> x)
{
    if (x.empty()) return T(0);
    do {
        std::vector<T> shorter;
        for (size_t i = 0; i < x.size(); i += 1024)
            shorter.push_back(block_sum(&x[i], std::min<size_t>(1024, x.size() - i)));
        x = shorter;
    } while (x.size() > 1);
    return x[0];
}

// Rule 4: level by level, adjacent pairs, an odd last one passes up.
template <class T, class Add> T tree(std::vector<T> x, Add add)
{
    while (x.size() > 1) {
        std::vector<T> up;
        for (size_t i = 0; i + 1 < x.size(); i += 2) up.push_back(add(x[i], x[i + 1]));
        if (x.size() % 2) up.push_back(x.back());
        x = up;
    }
    return x[0];
}

// Rule 2: one output of A B, from functions of p.
template <class A, class B> float product(int64_t k, A a, B b)
{
    float total = 0;
    for (int64_t p0 = 0; p0 < k; p0 += 256) {
        float chain = 0;
        for (int64_t p = p0; p < std::min(k, p0 + 256); p++) chain = std::fmaf(a(p), b(p), chain);
        total = p0 == 0 ? chain : total + chain;
    }
    return total;
}

// The elementary functions: long double libm, rounded; off by a rounding in about one of 2^38 cases.
inline float rounded(long double x)
{
    return static_cast<float>(x);
}

inline bool runs_here(const char *how)
{
    for (const char *const *isa = kz_device_isas(); *isa; isa++)
        if (std::strcmp(*isa, how) == 0) return true;
    return false;
}

// A vector with guards on both sides that nothing may touch.
class Guarded {
  public:
    explicit Guarded(int64_t n, float fill = kNan) : n_(static_cast<size_t>(n)), all_(n_ + 2 * kGuard, kMark)
    {
        std::fill(begin(), begin() + n, fill);
    }
    explicit Guarded(const std::vector<float> &x) : Guarded(static_cast<int64_t>(x.size()))
    {
        std::copy(x.begin(), x.end(), begin());
    }
    float *begin()
    {
        return all_.data() + kGuard;
    }
    std::vector<float> values()
    {
        return std::vector<float>(begin(), begin() + n_);
    }
    bool intact() const
    {
        for (size_t i = 0; i < kGuard; i++)
            if (bits(all_[i]) != bits(kMark) || bits(all_[kGuard + n_ + i]) != bits(kMark)) return false;
        return true;
    }

  private:
    static constexpr size_t kGuard = 32;
    static constexpr float kMark = 12345.678f;
    size_t n_;
    std::vector<float> all_;
};

// Cuts [0, n) into pieces at random places.
inline std::vector<int64_t> cuts(Random &random, int64_t n)
{
    std::vector<int64_t> at = {0};
    while (at.back() < n) at.push_back(std::min(n, at.back() + 1 + random.below(std::max<int64_t>(1, n / 2))));
    return at;
}

} // namespace oracle
