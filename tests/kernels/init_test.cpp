// Initial weights, element by element.
#include "oracle.h"

#include <gtest/gtest.h>

// A uniform on (-b, b) has deviation b / sqrt(3); the mean of n of them is six times less sure than that / sqrt(n).
TEST(Init, UniformFillsItsBounds)
{
    const uint64_t n = 1 << 16;
    const double bound = 0.25;
    kz_stream s = kz_stream_of(3, KZ_FOR_INIT, 1, 0);
    double mean = 0, square = 0, least = 1, most = -1;
    for (uint64_t e = 0; e < n; e++) {
        float w = kz_init_uniform(s, e, bound);
        ASSERT_EQ(w, static_cast<float>((2 * kz_random_f64(s, e) - 1) * bound)) << e;
        ASSERT_TRUE(std::fabs(w) <= bound);
        mean += w / static_cast<double>(n), square += static_cast<double>(w) * w / static_cast<double>(n);
        least = std::min<double>(least, w), most = std::max<double>(most, w);
    }
    double sure = std::sqrt(static_cast<double>(n));
    ASSERT_TRUE(std::fabs(mean) <= 6 * bound / std::sqrt(3.0) / sure) << mean;
    ASSERT_TRUE(std::fabs(square - bound * bound / 3) <= 6 * bound * bound * std::sqrt(4.0 / 45) / sure) << square;
    ASSERT_TRUE(least < -0.999 * bound && most > 0.999 * bound);
}

// Of n normals the mean deviates by 1 / sqrt(n), the mean square by sqrt(2 / n), the mean fourth power by sqrt(96 / n).
TEST(Init, NormalHasItsMomentsAndIsNotTruncated)
{
    const uint64_t n = 1 << 16;
    kz_stream s = kz_stream_of(4, KZ_FOR_INIT, 0, 0);
    double mean = 0, square = 0, fourth = 0, most = 0, sure = std::sqrt(static_cast<double>(n));
    for (uint64_t e = 0; e < n; e++) {
        double w = kz_init_normal(s, e, 1);
        mean += w / static_cast<double>(n), square += w * w / static_cast<double>(n);
        fourth += w * w * w * w / static_cast<double>(n);
        most = std::max(most, std::fabs(w));
    }
    ASSERT_TRUE(std::fabs(mean) <= 6 / sure) << mean;
    ASSERT_TRUE(std::fabs(square - 1) <= 6 * std::sqrt(2.0) / sure) << square;
    ASSERT_TRUE(std::fabs(fourth - 3) <= 6 * std::sqrt(96.0) / sure) << fourth;
    ASSERT_TRUE(most > 3.5 && most < 7) << most;
}

// The quantile of a standard normal, to the digits of printed tables.
TEST(Init, NormalIsTheQuantileOfItsUniform)
{
    kz_stream s = kz_stream_of(5, KZ_FOR_INIT, 7, 0);
    for (uint64_t e = 0; e < 2000; e++) {
        double w = kz_init_normal(s, e, 2), u = kz_random_f64(s, e);
        double back = 0.5 * std::erfc(-w / 2 / std::sqrt(2.0)); // the distribution at the quantile is u again
        double density = std::exp(-w * w / 8) / std::sqrt(2 * 3.14159265358979323846);
        ASSERT_TRUE(std::fabs(back - u) <= (std::fabs(w) * oracle::kUnit) * density + 1e-15) << e << " " << u;
    }
    EXPECT_TRUE(std::fabs(kz_normal_quantile_f64(0.975) - 1.959963984540054) <= 4e-16 * 4);
    EXPECT_EQ(kz_normal_quantile_f64(0.5), 0);
}
