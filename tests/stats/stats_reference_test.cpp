// Against SciPy, NumPy and statsmodels: reference.json, written by make_reference.py.
#include "golden_json.h"
#include "samples.h"

using golden::number;
using golden::numbers;
using stats::near;

namespace {

const double BOUND = 1e-12;

class StatsReference : public testing::Test {
  protected:
    static golden::Json load()
    {
        return golden::parse(program::read_file(program::source_path("tests/stats/reference.json")));
    }
    std::vector<const json_t *> rows(const char *key)
    {
        return golden::items(reference.get(), key);
    }
    static void expect_test(const kz_stats_test &ours, const json_t *row)
    {
        EXPECT_TRUE(near(ours.statistic, number(row, "statistic", NAN), BOUND));
        EXPECT_TRUE(near(ours.greater, number(row, "greater", NAN), BOUND));
        EXPECT_TRUE(near(ours.less, number(row, "less", NAN), BOUND));
        EXPECT_TRUE(near(ours.two_sided, number(row, "two_sided", NAN), BOUND));
    }
    static void expect_interval(const kz_stats_interval &ours, const json_t *row)
    {
        // an average of small numbers may cancel to a smaller one: as exact as the sample's own values
        EXPECT_NEAR(ours.estimate, number(row, "estimate", NAN), 1e-16);
        EXPECT_NEAR(ours.low, number(row, "low", NAN), 1e-16);
        EXPECT_NEAR(ours.high, number(row, "high", NAN), 1e-16);
        EXPECT_TRUE(near(ours.attained, number(row, "attained", NAN), BOUND));
        EXPECT_TRUE(ours.exact);
    }
    golden::Json reference = load();
};

TEST_F(StatsReference, SignedRank)
{
    for (const json_t *row : rows("signed_rank")) {
        kz_stats_test ours = stats::signed_rank(numbers(row, "d"), number(row, "margin"));
        SCOPED_TRACE(ours.n);
        expect_test(ours, row);
        EXPECT_EQ(json_is_true(json_object_get(row, "exact")), ours.exact);
    }
}

TEST_F(StatsReference, SignFlip)
{
    for (const json_t *row : rows("sign_flip")) {
        kz_stats_test ours = stats::sign_flip(numbers(row, "d"), number(row, "margin"));
        SCOPED_TRACE(ours.n);
        expect_test(ours, row);
        EXPECT_TRUE(ours.exact);
        EXPECT_EQ(INT64_C(1) << ours.n, ours.flips);
    }
}

TEST_F(StatsReference, RankSum)
{
    for (const json_t *row : rows("rank_sum")) {
        kz_stats_test ours = stats::rank_sum(numbers(row, "x"), numbers(row, "y"));
        SCOPED_TRACE(ours.n);
        expect_test(ours, row);
        EXPECT_EQ(json_is_true(json_object_get(row, "exact")), ours.exact);
    }
}

TEST_F(StatsReference, Intervals)
{
    for (const json_t *row : rows("paired_interval")) {
        expect_interval(stats::paired_interval(numbers(row, "d"), number(row, "confidence")), row);
        EXPECT_NEAR(stats::hodges_lehmann(numbers(row, "d")), number(row, "estimate", NAN), 1e-16);
    }
    for (const json_t *row : rows("shift_interval"))
        expect_interval(stats::shift_interval(numbers(row, "x"), numbers(row, "y"), number(row, "confidence")), row);
}

TEST_F(StatsReference, QuantilesAndSpread)
{
    for (const json_t *row : rows("summary")) {
        std::vector<double> x = numbers(row, "x"), orders = numbers(row, "orders"), q = numbers(row, "quantiles");
        for (size_t i = 0; i < orders.size(); i++) EXPECT_NEAR(stats::quantile(x, orders[i]), q.at(i), 1e-16);
        EXPECT_TRUE(near(stats::spread(x), number(row, "spread", NAN), BOUND));
    }
}

TEST_F(StatsReference, SharesAndBinomialTails)
{
    for (const json_t *row : rows("share")) {
        kz_stats_interval ours =
            stats::share((int64_t)number(row, "k"), (int64_t)number(row, "n"), number(row, "confidence"));
        EXPECT_TRUE(near(ours.low, number(row, "low", NAN), BOUND));
        EXPECT_TRUE(near(ours.high, number(row, "high", NAN), BOUND));
    }
    for (const json_t *row : rows("binomial")) {
        int64_t k = (int64_t)number(row, "k"), n = (int64_t)number(row, "n");
        double p = number(row, "p"), most = NAN, least = NAN;
        SCOPED_TRACE(testing::Message() << k << " of " << n);
        ASSERT_EQ(KZ_OK, kz_stats_at_most(&most, k, n, p));
        ASSERT_EQ(KZ_OK, kz_stats_at_least(&least, k, n, p));
        EXPECT_TRUE(near(most, number(row, "at_most", NAN), BOUND));
        EXPECT_TRUE(near(least, number(row, "at_least", NAN), BOUND));
    }
}

TEST_F(StatsReference, SeveralTests)
{
    for (const json_t *row : rows("several")) {
        std::vector<double> p = numbers(row, "p"), holm(p.size()), rate(p.size());
        ASSERT_EQ(KZ_OK, kz_stats_holm(holm.data(), p.data(), stats::size(p)));
        ASSERT_EQ(KZ_OK, kz_stats_false_discovery(rate.data(), p.data(), stats::size(p)));
        for (size_t i = 0; i < p.size(); i++) {
            EXPECT_TRUE(near(holm[i], numbers(row, "holm").at(i), BOUND));
            EXPECT_TRUE(near(rate[i], numbers(row, "false_discovery").at(i), BOUND));
        }
    }
}

TEST_F(StatsReference, SpentLevels)
{
    const std::pair<kz_stats_spending, const char *> ways[] = {
        {KZ_SPEND_EQUALLY, "equally"}, {KZ_SPEND_POCOCK, "pocock"}, {KZ_SPEND_OBRIEN_FLEMING, "obrien_fleming"}};
    for (const json_t *row : rows("spend")) {
        std::vector<int64_t> sizes;
        for (double n : numbers(row, "sizes")) sizes.push_back((int64_t)n);
        for (auto &[how, name] : ways) {
            std::vector<double> levels(sizes.size()), theirs = numbers(row, name);
            ASSERT_EQ(KZ_OK,
                      kz_stats_spend(levels.data(), how, number(row, "alpha"), sizes.data(), (int64_t)sizes.size()));
            for (size_t i = 0; i < sizes.size(); i++) EXPECT_TRUE(near(levels[i], theirs.at(i), BOUND)) << name;
        }
    }
}

TEST_F(StatsReference, PairsNeeded)
{
    for (const json_t *row : rows("needed")) {
        int64_t n = 0;
        ASSERT_EQ(KZ_OK, kz_stats_pairs_needed(&n, number(row, "spread"), number(row, "effect"), number(row, "margin"),
                                               number(row, "alpha"), number(row, "power")));
        EXPECT_EQ((int64_t)number(row, "pairs"), n);
    }
}

TEST_F(StatsReference, UniformAndNormal)
{
    for (const json_t *row : rows("uniform")) {
        std::vector<double> p = numbers(row, "p");
        double excess = NAN, chance = NAN;
        ASSERT_EQ(KZ_OK, kz_stats_uniform(&excess, &chance, p.data(), stats::size(p)));
        EXPECT_TRUE(near(excess, number(row, "excess", NAN), BOUND));
        EXPECT_TRUE(near(chance, std::exp(-2 * (double)p.size() * excess * excess), BOUND));
    }
    for (const json_t *row : rows("normal"))
        EXPECT_TRUE(near(kz_stats_normal_upper(number(row, "z")), number(row, "upper", NAN), BOUND))
            << number(row, "z");
}

} // namespace
