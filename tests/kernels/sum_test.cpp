// Rule 3: the one order in which a vector is summed.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

const int64_t sizes[] = {0, 1, 2, 31, 32, 33, 1023, 1024, 1025, 1024 * 3 + 5, 1024 * 33, 1024 * 1024, 1024 * 1024 + 1};

std::vector<double> wild(oracle::Random &random, int64_t n)
{
    std::vector<double> x(static_cast<size_t>(n));
    for (double &v : x) v = random.wild();
    return x;
}

double running(const std::vector<double> &x)
{
    kz_running_sum s = {};
    for (double v : x) kz_running_sum_add(&s, v);
    return kz_running_sum_end(&s);
}

void expect_rule(const std::vector<double> &x)
{
    double wanted = oracle::sum(x), got = kz_sum_f64(static_cast<int64_t>(x.size()), x.data());
    ASSERT_TRUE(oracle::same(wanted, got)) << "n " << x.size() << ": " << got << ", wanted " << wanted;
    ASSERT_TRUE(oracle::same(wanted, running(x))) << "n " << x.size();
}

} // namespace

TEST(Sum, FollowsTheRuleAtEverySize)
{
    oracle::Random random(1);
    for (int64_t n : sizes) expect_rule(wild(random, n));
    for (int i = 0; i < 200; i++) expect_rule(wild(random, random.below(9000)));
}

TEST(Sum, FollowsTheRuleInBinary32)
{
    oracle::Random random(2);
    for (int64_t n : sizes) {
        if (n > 1024 * 1024) continue;
        std::vector<float> x(static_cast<size_t>(n));
        for (float &v : x) v = static_cast<float>(random.wild());
        float wanted = oracle::sum(x), got = kz_sum_f32(n, x.data());
        ASSERT_TRUE(oracle::same(wanted, got)) << "n " << n << ": " << got << ", wanted " << wanted;
    }
}

TEST(Sum, OrderIsSeenInTheBits)
{
    std::vector<double> x(64, 0.0);
    x[0] = 0x1p53; // in lane 0 a 1 is lost in it: ties go to even
    x[32] = 1;
    EXPECT_EQ(kz_sum_f64(64, x.data()), 0x1p53);
    x[33] = 1; // lane 1, and joins lane 0 last
    EXPECT_EQ(kz_sum_f64(64, x.data()), 0x1p53);
    x[3] = 1; // lanes 1 and 3 meet before lane 0
    EXPECT_EQ(kz_sum_f64(64, x.data()), 0x1p53 + 2);
}

TEST(Sum, OfNothingAndOfMinusZeroIsPlusZero)
{
    double minus[] = {-0.0, -0.0, -0.0};
    float minus32[] = {-0.0f};
    for (int n = 0; n <= 3; n++) EXPECT_EQ(oracle::bits(kz_sum_f64(n, minus)), oracle::bits(0.0)) << n;
    EXPECT_EQ(oracle::bits(kz_sum_f32(1, minus32)), oracle::bits(0.0f));
    EXPECT_EQ(oracle::bits(kz_sum_f32(0, minus32)), oracle::bits(0.0f));
}

TEST(Sum, PassesNonFiniteValuesOn)
{
    for (int64_t n : {1, 40, 1024, 1025, 5000}) {
        std::vector<double> x(static_cast<size_t>(n), 1.0);
        x[static_cast<size_t>(n) - 1] = NAN;
        EXPECT_TRUE(std::isnan(kz_sum_f64(n, x.data())));
        EXPECT_TRUE(std::isnan(running(x)));
        x[static_cast<size_t>(n) - 1] = INFINITY;
        EXPECT_EQ(kz_sum_f64(n, x.data()), INFINITY);
        EXPECT_EQ(running(x), INFINITY);
    }
}

// n - 1 additions of relative error 2^-53 at most; in fact far fewer per element.
TEST(Sum, IsNearTheSumInHigherPrecision)
{
    oracle::Random random(3);
    for (int64_t n : sizes) {
        std::vector<double> x = wild(random, n);
        long double exact = 0, size = 0;
        for (double v : x) exact += v, size += std::fabs(v);
        long double err = std::fabs(static_cast<long double>(kz_sum_f64(n, x.data())) - exact);
        ASSERT_TRUE(err <= 120 * 0x1p-53L * size) << n; // 31 + 5 additions per level, three levels
    }
}
