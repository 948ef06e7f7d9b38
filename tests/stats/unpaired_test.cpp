// Samples that are not paired, and single ones: by hand, by enumeration of all subsets, tables.
#include "samples.h"

using stats::near;
using stats::Sample;

namespace {

const double INF = INFINITY;

double u_of(const Sample &x, const Sample &y)
{
    double u = 0;
    for (double a : x)
        for (double b : y) u += b > a ? 1 : b == a ? 0.5 : 0;
    return u;
}

TEST(RankSum, HollanderAndWolfePermeability)
{
    // Nonparametric Statistical Methods, example 4.1; R's ?wilcox.test: W = 35, p = 0.1272
    Sample term = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}, early = {1.15, 0.88, 0.90, 0.74, 1.21};
    kz_stats_test test = stats::rank_sum(early, term);
    EXPECT_EQ(35, test.statistic);
    EXPECT_NEAR(0.1272, test.greater, 5e-5);
    EXPECT_EQ(15, test.n);
    EXPECT_NEAR(0.305, stats::shift_interval(early, term, 0.95).estimate, 1e-15);
}

TEST(RankSum, PublishedCriticalValues)
{
    // two-sided 5 %: the largest U that rejects (Mann and Whitney 1947, and later tables)
    const int table[][3] = {{4, 4, 0}, {5, 5, 2}, {6, 8, 8}, {9, 9, 17}, {10, 10, 23}, {8, 15, 29}, {20, 20, 127}};
    for (auto &[n, m, u] : table) {
        for (int extra : {0, 1}) {
            Sample x, y; // y[j] above as many x as are left to be counted
            int left = u + extra;
            for (int i = 0; i < n; i++) x.push_back(i);
            for (int j = 0; j < m; j++) {
                int above = std::min(left, n);
                left -= above;
                y.push_back(above - 0.5 - 0.01 * j);
            }
            kz_stats_test test = stats::rank_sum(x, y);
            ASSERT_EQ(u + extra, test.statistic);
            EXPECT_EQ(extra == 0, test.two_sided <= 0.05) << n << " " << m << " " << test.two_sided;
        }
    }
}

TEST(RankSum, EnumerationOfAllSubsets)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        size_t n = 1 + seed % 5, m = 1 + seed % 4;
        Sample all = stats::made_up(seed, (int)(n + m), seed % 3 ? 5 : 0);
        if (seed % 4 == 0) all[0] = all[n] = INF;
        Sample x(all.begin(), all.begin() + (long)n), y(all.begin() + (long)n, all.end());
        double observed = u_of(x, y);
        int subsets = 0, greater = 0, less = 0;
        for (unsigned chosen = 0; chosen < 1u << (n + m); chosen++) {
            if ((size_t)__builtin_popcount(chosen) != m) continue;
            Sample left, right;
            for (size_t i = 0; i < n + m; i++) (chosen >> i & 1 ? right : left).push_back(all[i]);
            subsets++;
            greater += u_of(left, right) >= observed;
            less += u_of(left, right) <= observed;
        }
        kz_stats_test test = stats::rank_sum(x, y);
        EXPECT_EQ(observed, test.statistic);
        EXPECT_TRUE(near(test.greater, (double)greater / subsets));
        EXPECT_TRUE(near(test.less, (double)less / subsets));
        EXPECT_TRUE(test.exact);
    }
}

TEST(RankSum, ExchangedSamples)
{
    for (int n : {6, 70}) { // exact, and by the normal approximation
        Sample x = stats::made_up(1, n, 30), y = stats::made_up(2, 40, 30);
        kz_stats_test one = stats::rank_sum(x, y), other = stats::rank_sum(y, x);
        EXPECT_EQ(n * 40, one.statistic + other.statistic);
        EXPECT_TRUE(near(one.greater, other.less));
        EXPECT_TRUE(near(one.less, other.greater));
        EXPECT_EQ(n + 40 <= KZ_STATS_EXACT_BOTH, one.exact);
    }
    kz_stats_test equal = stats::rank_sum(Sample(80, 1.0), Sample(80, 1.0));
    EXPECT_EQ(1, equal.two_sided);
}

TEST(ShiftInterval, EveryDifference)
{
    for (uint32_t seed = 0; seed < 20; seed++) {
        Sample x = stats::made_up(seed, 4 + (int)seed % 5, seed % 2 ? 5 : 0), y = stats::made_up(seed + 99, 6), all;
        if (seed % 3 == 0) x[1] = y[2] = INF;
        for (double a : x)
            for (double b : y) all.push_back(std::isnan(b - a) ? 0 : b - a);
        std::sort(all.begin(), all.end());
        size_t n = all.size();
        kz_stats_interval interval = stats::shift_interval(x, y, 0.6);
        EXPECT_EQ(n % 2 ? all[n / 2] : 0.5 * all[n / 2 - 1] + 0.5 * all[n / 2], interval.estimate);
        auto k = std::lower_bound(all.begin(), all.end(), interval.low) - all.begin();
        ASSERT_LT((size_t)k, n / 2);
        EXPECT_EQ(all[(size_t)k], interval.low);
        EXPECT_TRUE(std::binary_search(all.begin(), all.end(), interval.high));
    }
}

TEST(ShiftInterval, HoldsTheShiftsThatTheTestKeeps)
{
    Sample x = stats::made_up(4, 13), y = stats::made_up(8, 17);
    kz_stats_interval interval = stats::shift_interval(x, y, 0.95);
    EXPECT_GE(interval.attained, 0.95);
    for (double at : {interval.low, interval.high}) {
        double out = at == interval.low ? -1e-9 : 1e-9;
        Sample outside, inside;
        for (double a : x) outside.push_back(a + at + out), inside.push_back(a + at - out);
        EXPECT_TRUE(near(stats::rank_sum(outside, y).two_sided, 1 - interval.attained, 1e-9));
        EXPECT_GT(stats::rank_sum(inside, y).two_sided, 0.05);
    }
    EXPECT_EQ(0.9, stats::shift_interval({1, 2, 3}, {1, 2, 4}, 0.9).attained); // 1 - 2 / 20: just enough
    kz_stats_interval out = {};
    EXPECT_EQ(KZ_E_FAIL, kz_stats_shift_interval(&out, x.data(), 3, y.data(), 3, 0.95));
    stats::expect_message("3 and 3 values are too few for confidence 0.95");
}

TEST(ShiftInterval, OfManyValues)
{
    Sample x = stats::made_up(1, 80), y; // beyond the exact distribution
    for (double v : stats::made_up(1, 80)) y.push_back(v + 3);
    kz_stats_interval interval = stats::shift_interval(x, y, 0.99);
    EXPECT_FALSE(interval.exact);
    EXPECT_GE(interval.attained, 0.99);
    EXPECT_NEAR(3, interval.estimate, 1e-14);
    EXPECT_LT(interval.low, 3);
    EXPECT_GT(interval.high, 3);
}

TEST(Drift, SecondHalfAgainstFirst)
{
    Sample x = {1, 2, 3, 4, -100, 11, 12, 13, 14}; // the middle one is left out
    kz_stats_test test = {};
    kz_stats_interval shift = {};
    ASSERT_EQ(KZ_OK, kz_stats_drift(&test, &shift, x.data(), stats::size(x), 0.9));
    EXPECT_EQ(16, test.statistic);
    EXPECT_TRUE(near(test.greater, 1.0 / 70));
    EXPECT_EQ(10, shift.estimate);
    EXPECT_EQ(KZ_E_FAIL, kz_stats_drift(&test, &shift, x.data(), 1, 0.9));
}

TEST(Quantile, LinearBetweenOrderStatistics)
{
    Sample x = {4, 1, 3, 2};
    EXPECT_EQ(1, stats::quantile(x, 0));
    EXPECT_EQ(1.75, stats::quantile(x, 0.25));
    EXPECT_EQ(2.5, stats::quantile(x, 0.5));
    EXPECT_EQ(4, stats::quantile(x, 1));
    EXPECT_EQ(4, x[0]); // the sample is left as it is
    EXPECT_EQ(5, stats::quantile({5}, 0.3));
    EXPECT_FALSE(std::signbit(stats::quantile({-0.0}, 0.5)));
    EXPECT_EQ(INF, stats::quantile({1, INF, INF}, 0.5));
    EXPECT_EQ(INF, stats::quantile({1, INF}, 0.5));
    EXPECT_EQ(1, stats::quantile({1, 1, INF}, 0.5));
    EXPECT_EQ(-INF, stats::quantile({-INF, -INF, 1}, 0.25));
    for (int i = 0; i <= 50; i++) EXPECT_EQ(0.1, stats::quantile(Sample(10, 0.1), i / 50.0));
    double median = 0;
    ASSERT_EQ(KZ_OK, kz_stats_median(&median, x.data(), 3));
    EXPECT_EQ(3, median);
}

TEST(Spread, IsNotMovedByAMinority)
{
    EXPECT_TRUE(near(stats::spread({1, 2, 3, 4, 5}), 1.4826022185056018));
    EXPECT_TRUE(near(stats::spread({1, 2, 3, 4, INF}), 1.4826022185056018));
    EXPECT_EQ(0, stats::spread({7}));
    double out = 3, x[] = {1, INF}, y[] = {INF, INF, 1};
    EXPECT_EQ(KZ_E_FAIL, kz_stats_spread(&out, x, 2));
    EXPECT_EQ(KZ_E_FAIL, kz_stats_spread(&out, y, 3));
    stats::expect_message("half of 3 values or more are infinite");
    EXPECT_EQ(3, out);
}

} // namespace
