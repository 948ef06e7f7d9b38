// Paired samples: by hand, by enumeration of all signs, tables, and what must hold of any sample.
#include "samples.h"

using stats::near;
using stats::Sample;

namespace {

const double INF = INFINITY;

struct Tails {
    double greater, less;
};

// Over all 2^n signs, `statistic` of the signed values being at least, or at most, that of the values themselves.
template <class Statistic> Tails enumerate(const Sample &d, Statistic statistic)
{
    uint64_t patterns = 1u << d.size(), greater = 0, less = 0;
    double observed = statistic(d);
    for (uint64_t pattern = 0; pattern < patterns; pattern++) {
        Sample flipped;
        for (size_t i = 0; i < d.size(); i++) flipped.push_back(pattern >> i & 1 ? -d[i] : d[i]);
        greater += statistic(flipped) >= observed;
        less += statistic(flipped) <= observed;
    }
    return {(double)greater / (double)patterns, (double)less / (double)patterns};
}

// Midranks by counting; values of 0 left out.
double rank_statistic(const Sample &d)
{
    double sum = 0;
    for (double x : d) {
        if (!(x > 0)) continue;
        for (double y : d) {
            if (y == 0) continue;
            sum += std::abs(y) < x ? 1 : std::abs(y) == x ? 0.5 : 0;
        }
        sum += 0.5;
    }
    return sum;
}

Sample averages(const Sample &d)
{
    Sample all;
    for (size_t i = 0; i < d.size(); i++)
        for (size_t j = 0; j <= i; j++) {
            double mean = 0.5 * d[i] + 0.5 * d[j];
            all.push_back(std::isnan(mean) ? 0 : mean);
        }
    std::sort(all.begin(), all.end());
    return all;
}

TEST(SignedRank, HollanderAndWolfeDepressionScores)
{
    // Nonparametric Statistical Methods, example 3.1; R's ?wilcox.test: V = 40, p = 0.01953 (10 of 2^9 signs)
    Sample first = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    Sample second = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}, d;
    for (size_t i = 0; i < first.size(); i++) d.push_back(first[i] - second[i]);
    kz_stats_test test = stats::signed_rank(d);
    EXPECT_EQ(40, test.statistic);
    EXPECT_EQ(10.0 / 512, test.greater);
    EXPECT_EQ(20.0 / 512, test.two_sided);
    EXPECT_EQ(9, test.n);
    EXPECT_TRUE(test.exact);
    EXPECT_NEAR(0.46, stats::hodges_lehmann(d), 1e-15);
}

TEST(SignedRank, PublishedCriticalValues)
{
    // two-sided 5 % and 1 %: the largest rank sum that rejects (Wilcoxon and Wilcox 1964)
    const struct {
        int n, sum;
        double alpha;
    } table[] = {{6, 0, 0.05}, {8, 3, 0.05},  {10, 8, 0.05},  {15, 25, 0.05}, {20, 52, 0.05}, {25, 89, 0.05},
                 {8, 0, 0.01}, {10, 3, 0.01}, {20, 37, 0.01}, {25, 68, 0.01}, {50, 434, 0.05}};
    for (auto &row : table) {
        for (int extra : {0, 1}) { // ranks that sum to the critical value, and to one more
            Sample d;
            int left = row.sum + extra;
            for (int rank = row.n; rank >= 1; rank--) {
                bool positive = rank <= left;
                left -= positive ? rank : 0;
                d.push_back(positive ? rank : -rank);
            }
            kz_stats_test test = stats::signed_rank(d);
            ASSERT_EQ(row.sum + extra, test.statistic);
            EXPECT_EQ(extra == 0, test.two_sided <= row.alpha) << row.n << " " << test.two_sided;
        }
    }
}

TEST(SignedRank, EnumerationOfAllSigns)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        int n = 1 + (int)seed % 9;
        Sample d = stats::made_up(seed, n, seed % 3 ? 7 : 0), moved;
        double margin = seed % 2 ? 1 : 0;
        if (seed % 5 == 0) d.push_back(INF);
        if (seed % 7 == 0) d.push_back(-INF);
        for (double x : d) moved.push_back(x - margin);
        Tails all = enumerate(moved, rank_statistic);
        kz_stats_test test = stats::signed_rank(d, margin);
        EXPECT_EQ(rank_statistic(moved), test.statistic);
        EXPECT_TRUE(near(test.greater, all.greater));
        EXPECT_TRUE(near(test.less, all.less));
        EXPECT_EQ(std::count(moved.begin(), moved.end(), 0.0), test.zeros);
        EXPECT_EQ((int64_t)d.size(), test.n + test.zeros);
    }
}

TEST(SignedRank, NothingDiffersIsNoEvidence)
{
    kz_stats_test test = stats::signed_rank({0.5, 0.5, 0.5}, 0.5);
    EXPECT_EQ(0, test.n);
    EXPECT_EQ(3, test.zeros);
    EXPECT_EQ(1, test.greater);
    EXPECT_EQ(1, test.less);
    EXPECT_EQ(1, test.two_sided);
}

TEST(SignedRank, OrderAndSignOfTheSample)
{
    for (int n : {7, 50, 201}) { // exact, and by the normal approximation
        Sample d = stats::made_up(3, n), turned, mirrored;
        for (double x : d) mirrored.push_back(-x);
        turned.assign(d.rbegin(), d.rend());
        kz_stats_test test = stats::signed_rank(d, 0.1), other = stats::signed_rank(turned, 0.1);
        EXPECT_EQ(test.greater, other.greater);
        EXPECT_EQ(test.less, other.less);
        kz_stats_test opposite = stats::signed_rank(mirrored, -0.1);
        EXPECT_TRUE(near(opposite.less, test.greater));
        EXPECT_TRUE(near(opposite.greater, test.less));
        EXPECT_EQ(n * (n + 1) / 2, test.statistic + opposite.statistic);
        double last = 0;
        for (double margin = -1; margin < 1.5; margin += 0.125) { // the evidence falls as the margin grows
            double p = stats::signed_rank(d, margin).greater;
            EXPECT_GE(p, last);
            last = p;
        }
        EXPECT_TRUE(near(last, 1));
    }
}

TEST(SignedRank, TheApproximationContinuesTheExactDistribution)
{
    Sample d = stats::made_up(11, KZ_STATS_EXACT_PAIRS);
    kz_stats_test exact = stats::signed_rank(d, 0.25);
    d.push_back(0.25 - 1e-9); // the lowest rank, negative
    kz_stats_test approximate = stats::signed_rank(d, 0.25);
    EXPECT_TRUE(exact.exact);
    EXPECT_FALSE(approximate.exact);
    EXPECT_NEAR(exact.greater, approximate.greater, 0.01);
}

TEST(PairedInterval, EveryAverage)
{
    for (uint32_t seed = 0; seed < 30; seed++) {
        Sample d = stats::made_up(seed, 4 + (int)seed % 12, seed % 2 ? 5 : 0);
        if (seed % 3 == 0) d.push_back(INF);
        if (seed % 6 == 0) d.insert(d.end(), {INF, -INF});
        Sample all = averages(d);
        size_t n = all.size();
        double middle = n % 2 ? all[n / 2] : 0.5 * all[n / 2 - 1] + 0.5 * all[n / 2];
        EXPECT_EQ(middle, stats::hodges_lehmann(d)) << seed;
        kz_stats_interval least = stats::paired_interval(d, 0.5), most = {};
        EXPECT_TRUE(std::binary_search(all.begin(), all.end(), least.low));
        EXPECT_TRUE(std::binary_search(all.begin(), all.end(), least.high));
        double whole = 1 - std::ldexp(2.0, -(int)d.size()); // that of the whole range
        ASSERT_EQ(KZ_OK, kz_stats_paired_interval(&most, d.data(), stats::size(d), whole));
        EXPECT_EQ(all.front(), most.low);
        EXPECT_EQ(all.back(), most.high);
        EXPECT_EQ(whole, most.attained);
    }
}

TEST(PairedInterval, HoldsTheMarginsThatTheTestKeeps)
{
    for (int n : {8, 21, 60}) {
        Sample d = stats::made_up(5, n);
        for (double confidence : {0.9, 0.95, 0.98}) {
            kz_stats_interval interval = stats::paired_interval(d, confidence);
            EXPECT_GE(interval.attained, confidence);
            EXPECT_LE(interval.low, interval.estimate);
            EXPECT_LE(interval.estimate, interval.high);
            for (double at : {interval.low, interval.high}) {
                double out = at == interval.low ? -1e-9 : 1e-9;
                EXPECT_TRUE(near(stats::signed_rank(d, at + out).two_sided, 1 - interval.attained, 1e-9));
                EXPECT_GT(stats::signed_rank(d, at - out).two_sided, 1 - confidence);
            }
        }
    }
}

TEST(PairedInterval, MovesAndWidensWithTheSample)
{
    Sample d = stats::made_up(9, 300), moved; // beyond the exact distribution
    for (double x : d) moved.push_back(4 * x + 8);
    kz_stats_interval interval = stats::paired_interval(d, 0.99), other = stats::paired_interval(moved, 0.99);
    EXPECT_FALSE(interval.exact);
    EXPECT_TRUE(interval.attained >= 0.99 && interval.attained < 0.991) << interval.attained;
    EXPECT_NEAR(4 * interval.estimate + 8, other.estimate, 1e-14);
    EXPECT_NEAR(4 * interval.low + 8, other.low, 1e-14);
    EXPECT_NEAR(4 * interval.high + 8, other.high, 1e-14);
    kz_stats_interval narrow = stats::paired_interval(d, 0.9);
    EXPECT_LT(interval.low, narrow.low);
    EXPECT_GT(interval.high, narrow.high);
}

TEST(PairedInterval, TooFewPairsAreTold)
{
    Sample d = stats::made_up(1, 7);
    kz_stats_interval out = {1, 2, 3, 4, true};
    ASSERT_EQ(KZ_E_FAIL, kz_stats_paired_interval(&out, d.data(), 7, 0.99));
    stats::expect_message("7 pairs, confidence 0.99 needs 8");
    EXPECT_EQ(1, out.estimate);
    d.push_back(0);
    EXPECT_EQ(KZ_OK, kz_stats_paired_interval(&out, d.data(), 8, 0.99));
}

TEST(SignFlip, EnumerationOfAllSigns)
{
    auto sum = [](const Sample &d) { return std::accumulate(d.begin(), d.end(), 0.0); };
    for (uint32_t seed = 0; seed < 20; seed++) {
        Sample d = stats::made_up(seed, 2 + (int)seed % 9, 9); // whole numbers: sums in any order are exact
        Tails all = enumerate(d, sum);
        kz_stats_test test = stats::sign_flip(d);
        EXPECT_EQ(all.greater, test.greater);
        EXPECT_EQ(all.less, test.less);
        EXPECT_TRUE(test.exact);
        for (double &x : d) x = std::ldexp(x, -1060); // subnormal: as exact
        EXPECT_EQ(all.greater, stats::sign_flip(d).greater);
        for (double &x : d) x = std::ldexp(x, 2078);
        EXPECT_EQ(all.greater, stats::sign_flip(d).greater);
    }
}

TEST(SignFlip, DrawnSignsEstimateTheShareOfAll)
{
    Sample d = stats::made_up(2, 24, 41);
    int64_t sum = 0, observed = 0, hits = 0;
    for (double x : d) observed += (int64_t)x;
    for (double x : d) sum += std::abs((int64_t)x);
    for (uint32_t pattern = 1, minus = 0;; pattern++) {
        hits += sum >= observed;
        if (pattern == 1u << 24) break;
        int which = __builtin_ctz(pattern);
        minus ^= 1u << which;
        int64_t size = std::abs((int64_t)d[(size_t)which]);
        sum += minus >> which & 1 ? -2 * size : 2 * size;
    }
    double truth = (double)hits / (1 << 24), flips = 20000;
    ASSERT_TRUE(truth > 0.01 && truth < 0.99) << truth;
    double deviation = std::sqrt(truth * (1 - truth) / flips);
    kz_stats_test first = stats::sign_flip(d, 0, (int64_t)flips, 1), second = stats::sign_flip(d, 0, (int64_t)flips, 2);
    EXPECT_FALSE(first.exact);
    EXPECT_EQ(flips, (double)first.flips);
    EXPECT_TRUE(std::abs(first.greater - truth) <= 5 * deviation) << first.greater << " for " << truth;
    EXPECT_TRUE(std::abs(second.greater - truth) <= 5 * deviation) << second.greater << " for " << truth;
    EXPECT_NE(first.greater, second.greater);
    EXPECT_EQ(first.greater, stats::sign_flip(d, 0, (int64_t)flips, 1).greater);
    EXPECT_GE(first.greater + first.less, 1);
}

TEST(SignFlip, DrawnSignsOfManyPairsAreFairAndIndependent)
{
    Sample d(150, 1.0); // three random numbers for each pattern
    std::fill(d.begin(), d.begin() + 68, -1.0);
    double truth = NAN, flips = 20000; // at least 82 heads of 150
    ASSERT_EQ(KZ_OK, kz_stats_at_least(&truth, 82, 150, 0.5));
    double p = stats::sign_flip(d, 0, (int64_t)flips).greater;
    EXPECT_TRUE(std::abs(p - truth) <= 5 * std::sqrt(truth * (1 - truth) / flips)) << p << " for " << truth;
}

TEST(SignFlip, NeverZeroWhenDrawn)
{
    Sample d(100, 1.0);
    kz_stats_test test = stats::sign_flip(d, 0, 999);
    EXPECT_EQ(1.0 / 1000, test.greater);
    EXPECT_EQ(1, test.less);
    EXPECT_EQ(1, test.statistic);
}

TEST(Pairs, LeastForALevel)
{
    EXPECT_EQ(7, kz_stats_pairs_least(0.01));
    EXPECT_EQ(13, kz_stats_pairs_least(0.01 / 50));
    EXPECT_EQ(14, kz_stats_pairs_least(0.01 / 50 / 3));
    EXPECT_EQ(1, kz_stats_pairs_least(0.5));
    for (int n = 1; n < 20; n++) { // what it promises: n pairs of one sign reject, n - 1 do not
        double alpha = 1.5 * std::ldexp(1.0, -n);
        int64_t least = kz_stats_pairs_least(alpha);
        EXPECT_LE(stats::signed_rank(Sample((size_t)least, 1.0)).greater, alpha);
        if (least == 1) continue;
        EXPECT_GT(stats::signed_rank(Sample((size_t)least - 1, 1.0)).greater, alpha);
    }
    int64_t n = 0;
    EXPECT_EQ(KZ_E_ARG, kz_stats_pairs_needed(&n, 1, 0.1, 0.1, 0.01, 0.95));
    stats::expect_message("effect 0.1, must be above the margin 0.1");
    EXPECT_EQ(KZ_OK, kz_stats_pairs_needed(&n, 1e300, 1e-300, 0, 0.01, 0.95));
    EXPECT_EQ(INT64_C(1) << 53, n);
}

TEST(LogRatios, OfPositiveFiniteValues)
{
    double a[] = {2, 10, 1}, b[] = {4, 10, 0.5}, d[3] = {7, 7, 7};
    ASSERT_EQ(KZ_OK, kz_stats_log_ratios(d, a, b, 3));
    EXPECT_TRUE(near(d[0], std::log(2.0)));
    EXPECT_EQ(0, d[1]);
    EXPECT_EQ(-d[0], d[2]);
    for (double bad : {0.0, -1.0, (double)NAN, INF}) {
        double out[2] = {7, 7}, x[] = {1, bad}, y[] = {1, 2};
        EXPECT_EQ(KZ_E_FAIL, kz_stats_log_ratios(out, x, y, 2));
        EXPECT_EQ(KZ_E_FAIL, kz_stats_log_ratios(out, y, x, 2));
        stats::expect_message("pair 2");
        EXPECT_EQ(7, out[0]);
    }
}

} // namespace
