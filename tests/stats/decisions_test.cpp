// Several tests, spent levels, shares, quality, and what every function refuses.
#include "samples.h"

using stats::near;
using stats::Sample;

namespace {

const double INF = INFINITY;

TEST(Holm, ByHand)
{
    double p[] = {0.01, 0.04, 0.03, 0.005}, out[4];
    ASSERT_EQ(KZ_OK, kz_stats_holm(out, p, 4));
    const double expected[] = {0.03, 0.06, 0.06, 0.02};
    for (int i = 0; i < 4; i++) EXPECT_TRUE(near(out[i], expected[i]));
    ASSERT_EQ(KZ_OK, kz_stats_holm(p, p, 4)); // in place
    for (int i = 0; i < 4; i++) EXPECT_EQ(out[i], p[i]);
    double wrong[] = {0.5, 1.5};
    EXPECT_EQ(KZ_E_ARG, kz_stats_holm(out, wrong, 2));
    stats::expect_message("p-value 2 is 1.5");
}

TEST(Holm, RejectsAsTheStepDownProcedure)
{
    for (uint32_t seed = 0; seed < 20; seed++) {
        Sample p = stats::made_up(seed, 12), holm(12), rate(12);
        for (double &x : p) x = std::min(1.0, std::abs(x) * std::abs(x) / 10);
        ASSERT_EQ(KZ_OK, kz_stats_holm(holm.data(), p.data(), 12));
        ASSERT_EQ(KZ_OK, kz_stats_false_discovery(rate.data(), p.data(), 12));
        Sample sorted = p;
        std::sort(sorted.begin(), sorted.end());
        const double alpha = 0.05;
        size_t rejected = 0, found = 0;
        while (rejected < 12 && sorted[rejected] <= alpha / (double)(12 - rejected)) rejected++;
        for (size_t i = 0; i < 12; i++) found = sorted[i] <= alpha * (double)(i + 1) / 12 ? i + 1 : found;
        for (size_t i = 0; i < 12; i++) {
            EXPECT_EQ(rejected > 0 && p[i] <= sorted[rejected - 1], holm[i] <= alpha);
            EXPECT_EQ(found > 0 && p[i] <= sorted[found - 1], rate[i] <= alpha);
            EXPECT_LE(rate[i], holm[i]);
            EXPECT_GE(rate[i], p[i]);
        }
    }
}

TEST(Spend, SumsToTheLevel)
{
    const int64_t sizes[] = {20, 40, 80};
    for (kz_stats_spending how : {KZ_SPEND_EQUALLY, KZ_SPEND_POCOCK, KZ_SPEND_OBRIEN_FLEMING}) {
        double levels[3];
        ASSERT_EQ(KZ_OK, kz_stats_spend(levels, how, 0.01, sizes, 3));
        EXPECT_TRUE(near(levels[0] + levels[1] + levels[2], 0.01));
        for (double level : levels) EXPECT_GT(level, 0);
    }
    double obrien[3], pocock[3];
    ASSERT_EQ(KZ_OK, kz_stats_spend(obrien, KZ_SPEND_OBRIEN_FLEMING, 0.01, sizes, 3));
    ASSERT_EQ(KZ_OK, kz_stats_spend(pocock, KZ_SPEND_POCOCK, 0.01, sizes, 3));
    EXPECT_LT(obrien[0], 1e-6); // hardly anything early
    EXPECT_GT(obrien[2], 0.0097);
    EXPECT_TRUE(near(pocock[0], 0.01 * std::log(1 + (std::exp(1.0) - 1) / 4)));
    const int64_t backwards[] = {20, 20};
    EXPECT_EQ(KZ_E_ARG, kz_stats_spend(obrien, KZ_SPEND_POCOCK, 0.01, backwards, 2));
    stats::expect_message("look 2 is at 20 pairs, must be later");
}

TEST(Share, ClosedForms)
{
    for (int64_t n : {1, 7, 96, 5000}) { // none and all of n
        double end = std::pow(0.025, 1 / (double)n);
        EXPECT_EQ(0, stats::share(0, n, 0.95).low);
        EXPECT_TRUE(near(stats::share(0, n, 0.95).high, 1 - end, 1e-11));
        EXPECT_TRUE(near(stats::share(n, n, 0.95).low, end));
        EXPECT_EQ(1, stats::share(n, n, 0.95).high);
    }
    EXPECT_NEAR(0.0307, stats::share(0, 96, 0.9).high, 1e-4); // 0 of 96 bounds a rate below 3.1 % at 95 %
    EXPECT_NEAR(0.0126, stats::share(2, 500, 0.9).high, 1e-4);
    kz_stats_interval out = {};
    EXPECT_EQ(KZ_E_ARG, kz_stats_share(&out, 3, 2, 0.95));
    EXPECT_EQ(KZ_E_FAIL, kz_stats_share(&out, 0, 0, 0.95));
}

TEST(Share, EndsAreWhereTheTailsAreHalfOfWhatIsLeft)
{
    for (int64_t n : {5, 40, 1000})
        for (int64_t k = 1; k < n; k += 1 + n / 7) {
            kz_stats_interval interval = stats::share(k, n, 0.98), mirrored = stats::share(n - k, n, 0.98);
            double above = NAN, below = NAN;
            ASSERT_EQ(KZ_OK, kz_stats_at_least(&above, k, n, interval.low));
            ASSERT_EQ(KZ_OK, kz_stats_at_most(&below, k, n, interval.high));
            EXPECT_TRUE(near(above, 0.01));
            EXPECT_TRUE(near(below, 0.01));
            EXPECT_TRUE(near(interval.low, 1 - mirrored.high, 1e-11));
            EXPECT_TRUE(interval.low < (double)k / (double)n && (double)k / (double)n < interval.high);
        }
}

TEST(Binomial, TailsBySummingTheProbabilities)
{
    for (int n : {1, 2, 9, 25})
        for (double p : {0.0, 0.001, 0.3, 0.5, 0.97, 1.0})
            for (int k = -1; k <= n + 1; k++) {
                double below = 0, above = 0, ways = 1, most = NAN, least = NAN;
                for (int i = 0; i <= n; ways = ways * (n - i) / (i + 1), i++) {
                    double probability = ways * std::pow(p, i) * std::pow(1 - p, n - i);
                    below += i <= k ? probability : 0;
                    above += i >= k ? probability : 0;
                }
                ASSERT_EQ(KZ_OK, kz_stats_at_most(&most, k, n, p));
                ASSERT_EQ(KZ_OK, kz_stats_at_least(&least, k, n, p));
                EXPECT_TRUE(near(most, below)) << k << " of " << n << " " << p;
                EXPECT_TRUE(near(least, above)) << k << " of " << n << " " << p;
            }
    double none = NAN, out = 7; // where 1 - p is not a double
    ASSERT_EQ(KZ_OK, kz_stats_at_most(&none, 0, 10000000, 1e-7));
    EXPECT_TRUE(near(none, std::exp(1e7 * std::log1p(-1e-7))));
    EXPECT_EQ(KZ_E_ARG, kz_stats_at_most(&out, 1, 2, NAN));
    EXPECT_EQ(KZ_E_FAIL, kz_stats_at_least(&out, 1, 0, 0.5));
    EXPECT_EQ(7, out);
}

TEST(Uniform, FindsTooManySmallPValues)
{
    Sample even, small;
    for (int i = 1; i <= 200; i++) even.push_back(i / 200.0), small.push_back(i / 400.0);
    double excess = NAN, chance = NAN;
    ASSERT_EQ(KZ_OK, kz_stats_uniform(&excess, &chance, even.data(), 200));
    EXPECT_EQ(0, excess);
    EXPECT_EQ(1, chance);
    ASSERT_EQ(KZ_OK, kz_stats_uniform(&excess, &chance, small.data(), 200));
    EXPECT_EQ(0.5, excess);
    EXPECT_TRUE(near(chance, std::exp(-100.0)));
    Sample large(200, 1.0); // tests that are too careful are no fault
    ASSERT_EQ(KZ_OK, kz_stats_uniform(&excess, &chance, large.data(), 200));
    EXPECT_EQ(1, chance);
}

kz_stats_quality compare(const Sample &a, const Sample &b, double margin, kz_stats_pairing pairing = KZ_BY_DIFFERENCE)
{
    kz_stats_quality q = {};
    EXPECT_EQ(KZ_OK, kz_stats_compare_quality(&q, a.data(), b.data(), stats::size(a), pairing, margin, 0.95))
        << kz_error_message();
    return q;
}

TEST(Quality, SameWorseAndTooGood)
{
    Sample a = stats::made_up(1, 10), same, worse, better;
    for (size_t i = 0; i < a.size(); i++) {
        double noise = 0.001 * ((double)i - 4.5);
        same.push_back(a[i] + noise), worse.push_back(a[i] + 0.2 + noise), better.push_back(a[i] - 0.2 + noise);
    }
    kz_stats_quality q = compare(a, same, 0.05);
    EXPECT_TRUE(near(q.not_worse, 1.0 / 1024));
    EXPECT_EQ(1, q.worse);
    EXPECT_EQ(1, q.too_good);
    q = compare(a, worse, 0.05);
    EXPECT_TRUE(near(q.worse, 1.0 / 1024));
    EXPECT_EQ(1, q.not_worse);
    EXPECT_NEAR(0.2, q.d.estimate, 1e-12);
    q = compare(a, better, 0.05);
    EXPECT_TRUE(near(q.too_good, 1.0 / 1024));
    EXPECT_TRUE(near(q.not_worse, 1.0 / 1024));
}

TEST(Quality, ADivergedRunIsWorseThanEveryOther)
{
    Sample a(10, 1.0), b;
    for (int i = 0; i < 10; i++) b.push_back(1 + 0.001 * i);
    double before = compare(a, b, 0.1).not_worse;
    b[9] = INF; // now the largest rank is against it
    kz_stats_quality q = compare(a, b, 0.1);
    EXPECT_EQ(1, q.lost_b);
    EXPECT_TRUE(near(before, 1.0 / 1024));
    EXPECT_TRUE(near(q.not_worse, 43.0 / 1024)); // subsets of ranks 1 .. 10 with a sum of at most 10
    EXPECT_EQ(INF, q.d.high);
    EXPECT_LT(q.d.estimate, INF);
    a[0] = INF; // the baseline's own: ties with it, and speaks for b
    q = compare(a, b, 0.1);
    EXPECT_EQ(1, q.lost_a);
    EXPECT_LT(q.not_worse, 43.0 / 1024);
    a[9] = INF; // in both: no evidence either way
    q = compare(a, b, 0.1);
    EXPECT_EQ(1, q.both);
    EXPECT_EQ(0, q.lost_b);
    EXPECT_EQ(9, q.n);
    Sample lost(10, INF);
    EXPECT_EQ(KZ_E_FAIL, kz_stats_compare_quality(&q, lost.data(), lost.data(), 10, KZ_BY_DIFFERENCE, 0, 0.95));
    stats::expect_message("both runs of all 10 seeds");
}

TEST(Quality, TimesToATargetByRatio)
{
    Sample a, b;
    for (int i = 0; i < 12; i++) a.push_back(10 + i), b.push_back(1.5 * (10 + i) * (1 + 0.001 * i));
    kz_stats_quality q = compare(a, b, std::log(1.1), KZ_BY_RATIO);
    EXPECT_TRUE(near(q.worse, 1.0 / 4096));
    EXPECT_NEAR(std::log(1.5), q.d.estimate, 0.012);
    b[0] = -1;
    EXPECT_EQ(KZ_E_FAIL, kz_stats_compare_quality(&q, a.data(), b.data(), 12, KZ_BY_RATIO, 0, 0.95));
    stats::expect_message("value 1 of 12 is -1, must be above 0");
    kz_stats_reached r = {};
    Sample times = {3, INF, 1, INF, INF};
    ASSERT_EQ(KZ_OK, kz_stats_time_to_target(&r, times.data(), 5, 0.95));
    EXPECT_EQ(2, r.reached);
    EXPECT_EQ(0.4, r.share.estimate);
    EXPECT_EQ(stats::share(2, 5, 0.95).high, r.share.high);
    EXPECT_EQ(INF, r.median);
}

TEST(Quality, MarginIsNotStretchedByADivergedRun)
{
    Sample a = {1, 1.01, 1.02, 0.99, 0.98}, wild = {1, 1.01, 1.02, 0.99, INF};
    double margin = NAN;
    ASSERT_EQ(KZ_OK, kz_stats_quality_margin(&margin, a.data(), 5, 0.005, 0.5));
    EXPECT_NEAR(0.5 * 1.4826022185056018 * 0.01, margin, 1e-15);
    ASSERT_EQ(KZ_OK, kz_stats_quality_margin(&margin, wild.data(), 5, 0.005, 0.5));
    EXPECT_LT(margin, 0.02);
    ASSERT_EQ(KZ_OK, kz_stats_quality_margin(&margin, a.data(), 5, 0.05, 0.5));
    EXPECT_NEAR(0.05, margin, 1e-15);
}

// Every function of a sample of 12 values, as a call.
using Call = std::function<kz_status(const double *x, int64_t n)>;
std::vector<Call> calls(Sample &out)
{
    static kz_stats_test test;
    static kz_stats_interval interval;
    static kz_stats_quality quality;
    static kz_stats_reached reached;
    static const Sample y = {0.5, 0.1, 0.9, 0.2, 0.3, 0.8, 0.7, 0.4, 0.6, 0.15, 0.25, 0.35};
    double *o = out.data();
    auto m = [](int64_t n) { return n < 12 ? n : 12; };
    return {
        [=](auto x, auto n) { return kz_stats_quantile(o, x, n, 0.3); },
        [=](auto x, auto n) { return kz_stats_median(o, x, n); },
        [=](auto x, auto n) { return kz_stats_spread(o, x, n); },
        [=](auto x, auto n) { return kz_stats_hodges_lehmann(o, x, n); },
        [=](auto x, auto n) { return kz_stats_paired_interval(&interval, x, n, 0.9); },
        [=](auto x, auto n) { return kz_stats_signed_rank(&test, x, n, 0.1); },
        [=](auto x, auto n) { return kz_stats_sign_flip(&test, x, n, 0.1, 10, 1); },
        [=](auto x, auto n) { return kz_stats_rank_sum(&test, x, n, y.data(), 12); },
        [=](auto x, auto n) { return kz_stats_rank_sum(&test, y.data(), 12, x, n); },
        [=](auto x, auto n) { return kz_stats_shift_interval(&interval, x, n, y.data(), 12, 0.9); },
        [=](auto x, auto n) { return kz_stats_shift_interval(&interval, y.data(), 12, x, n, 0.9); },
        [=](auto x, auto n) { return kz_stats_drift(&test, &interval, x, n, 0.9); },
        [=](auto x, auto n) { return kz_stats_holm(o, x, n); },
        [=](auto x, auto n) { return kz_stats_false_discovery(o, x, n); },
        [=](auto x, auto n) { return kz_stats_uniform(o, o + 1, x, n); },
        [=](auto x, auto n) { return kz_stats_quality_margin(o, x, n, 0.1, 1); },
        [=](auto x, auto n) { return kz_stats_time_to_target(&reached, x, n, 0.9); },
        [=](auto x, auto n) { return kz_stats_compare_quality(&quality, x, y.data(), m(n), KZ_BY_DIFFERENCE, 0, 0.9); },
        [=](auto x, auto n) { return kz_stats_compare_quality(&quality, y.data(), x, m(n), KZ_BY_RATIO, 0, 0.9); }};
}

TEST(Stats, RefusesNothingAndNaN)
{
    Sample out(12), x = {0.11, 0.42, 0.93, 0.34, 0.65, 0.26, 0.77, 0.18, 0.59, 0.71, 0.82, 0.53};
    Sample broken = x;
    broken[4] = NAN;
    int number = 0;
    for (const Call &call : calls(out)) {
        SCOPED_TRACE(number++);
        EXPECT_EQ(KZ_OK, call(x.data(), 12)) << kz_error_message();
        std::fill(out.begin(), out.end(), 42);
        EXPECT_EQ(KZ_E_FAIL, call(broken.data(), 12));
        stats::expect_message("value 5 of 12 is not a number");
        EXPECT_EQ(KZ_E_FAIL, call(x.data(), 0));
        stats::expect_message(": no values");
        EXPECT_EQ(KZ_E_ARG, call(x.data(), -1));
        EXPECT_EQ(Sample(12, 42), out);
    }
}

TEST(Stats, EachAllocationFailsInTurn)
{
    Sample out(12), x = {0.11, 0.42, 0.93, 0.34, 0.65, 0.26, 0.77, 0.18, 0.59, 0.71, 0.82, 0.53};
    for (const Call &call : calls(out)) {
        std::fill(out.begin(), out.end(), 42);
        int64_t failing = 1;
        for (;; failing++) {
            kz_calloc_fail_at(failing);
            kz_status st = call(x.data(), 12);
            kz_calloc_fail_at(0);
            if (st == KZ_OK) break;
            ASSERT_EQ(KZ_E_MEM, st);
            ASSERT_EQ(Sample(12, 42), out);
            ASSERT_LT(failing, 30);
        }
        EXPECT_GT(failing, 1);
    }
}

TEST(Stats, LevelsLieBetweenZeroAndOne)
{
    Sample x = stats::made_up(1, 12);
    kz_stats_interval out = {};
    for (double level : {0.0, 1.0, -0.5, 95.0, (double)NAN}) {
        EXPECT_EQ(KZ_E_ARG, kz_stats_paired_interval(&out, x.data(), 12, level));
        EXPECT_EQ(KZ_E_ARG, kz_stats_shift_interval(&out, x.data(), 6, x.data() + 6, 6, level));
        EXPECT_EQ(KZ_E_ARG, kz_stats_share(&out, 1, 2, level));
        stats::expect_message("must be between 0 and 1");
    }
    kz_stats_test test = {};
    EXPECT_EQ(KZ_E_ARG, kz_stats_signed_rank(&test, x.data(), 12, NAN));
    EXPECT_EQ(KZ_E_ARG, kz_stats_sign_flip(&test, x.data(), 12, 0, 0, 1));
    x[3] = INF;
    EXPECT_EQ(KZ_E_FAIL, kz_stats_sign_flip(&test, x.data(), 12, 0, 10, 1));
    stats::expect_message("value 4 of 12 is inf, must be finite");
}

} // namespace
