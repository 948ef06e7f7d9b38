// samples.h — the functions of kz/stats.h on vectors, made-up samples, and comparisons.
#pragma once

#include "kz/stats.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace stats {

using Sample = std::vector<double>;

inline int64_t size(const Sample &x)
{
    return (int64_t)x.size();
}

inline double hodges_lehmann(const Sample &d)
{
    double out = NAN;
    EXPECT_EQ(KZ_OK, kz_stats_hodges_lehmann(&out, d.data(), size(d))) << kz_error_message();
    return out;
}

inline double quantile(const Sample &x, double q)
{
    double out = NAN;
    EXPECT_EQ(KZ_OK, kz_stats_quantile(&out, x.data(), size(x), q)) << kz_error_message();
    return out;
}

inline double spread(const Sample &x)
{
    double out = NAN;
    EXPECT_EQ(KZ_OK, kz_stats_spread(&out, x.data(), size(x))) << kz_error_message();
    return out;
}

inline kz_stats_test signed_rank(const Sample &d, double margin = 0)
{
    kz_stats_test out = {};
    EXPECT_EQ(KZ_OK, kz_stats_signed_rank(&out, d.data(), size(d), margin)) << kz_error_message();
    return out;
}

inline kz_stats_test sign_flip(const Sample &d, double margin = 0, int64_t flips = 10000, uint64_t seed = 1)
{
    kz_stats_test out = {};
    EXPECT_EQ(KZ_OK, kz_stats_sign_flip(&out, d.data(), size(d), margin, flips, seed)) << kz_error_message();
    return out;
}

inline kz_stats_test rank_sum(const Sample &x, const Sample &y)
{
    kz_stats_test out = {};
    EXPECT_EQ(KZ_OK, kz_stats_rank_sum(&out, x.data(), size(x), y.data(), size(y))) << kz_error_message();
    return out;
}

inline kz_stats_interval paired_interval(const Sample &d, double confidence)
{
    kz_stats_interval out = {};
    EXPECT_EQ(KZ_OK, kz_stats_paired_interval(&out, d.data(), size(d), confidence)) << kz_error_message();
    return out;
}

inline kz_stats_interval shift_interval(const Sample &x, const Sample &y, double confidence)
{
    kz_stats_interval out = {};
    EXPECT_EQ(KZ_OK, kz_stats_shift_interval(&out, x.data(), size(x), y.data(), size(y), confidence))
        << kz_error_message();
    return out;
}

inline kz_stats_interval share(int64_t k, int64_t n, double confidence)
{
    kz_stats_interval out = {};
    EXPECT_EQ(KZ_OK, kz_stats_share(&out, k, n, confidence)) << kz_error_message();
    return out;
}

// mt19937's numbers are the standard's, so these are the same everywhere; `levels` > 0 makes that many different values.
inline Sample made_up(uint32_t seed, int n, int levels = 0)
{
    std::mt19937 random(seed);
    Sample x;
    for (int i = 0; i < n; i++) {
        double u = ((double)random() + 0.5) / 4294967296.0;
        x.push_back(levels ? (double)(int)(u * levels) - levels / 2 : u + u * u - 0.6);
    }
    return x;
}

// |a - b| <= bound * |b|; NaN and different infinities fail.
inline ::testing::AssertionResult near(double a, double b, double bound = 1e-12)
{
    if (a == b || std::abs(a - b) <= bound * std::abs(b)) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << testing::PrintToString(a) << " for " << testing::PrintToString(b)
                                         << ", relative error " << std::abs(a - b) / std::abs(b);
}

// The last call failed in this way.
inline void expect_message(const char *part)
{
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find(part)) << kz_error_message();
}

} // namespace stats
