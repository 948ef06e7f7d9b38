// Losses, their gradients and the scores of rows.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using oracle::Guarded;
using oracle::Random;
using oracle::rounded;

struct Variant {
    const char *name;
    kz_loss_fn *loss;
};
#define KZ_ROW(how, attribute) {#how, kz_loss_f32__##how},
const Variant variants[] = {KZ_VARIANTS(KZ_ROW)};
#undef KZ_ROW

struct Batch {
    int which;
    int64_t outputs;
    std::vector<float> z;
    std::vector<int32_t> label;
    std::vector<float> value, raw;
    std::vector<double> mean, deviation;
    std::vector<int64_t> row; // as many as rows of z
};

struct Result {
    std::vector<float> dz;
    std::vector<double> loss, score;
};

Result run(const Variant &v, const Batch &b, const std::vector<int64_t> &cut = {})
{
    int64_t rows = static_cast<int64_t>(b.row.size());
    Guarded dz(static_cast<int64_t>(b.z.size())); // starts as NaN: what was there must not matter
    Result r;
    r.loss.resize(b.row.size()), r.score.resize(b.row.size());
    kz_loss l = {};
    l.which = b.which, l.rows = rows, l.outputs = b.outputs, l.z = b.z.data(), l.row = b.row.data();
    l.label = b.label.data(), l.value = b.value.data(), l.raw = b.raw.data();
    l.mean = b.mean.data(), l.deviation = b.deviation.data();
    l.dz = dz.begin(), l.row_loss = r.loss.data(), l.row_score = r.score.data();
    std::vector<int64_t> at = cut.empty() ? std::vector<int64_t>{0, rows} : cut;
    for (size_t i = 1; i < at.size(); i++) v.loss(&l, at[i - 1], at[i]);
    EXPECT_TRUE(dz.intact());
    r.dz = dz.values();
    return r;
}

Batch classes(int which, int64_t outputs, const std::vector<float> &z, const std::vector<int32_t> &label)
{
    Batch b = {which, outputs, z, label, {}, {}, {}, {}, {}};
    for (size_t r = 0; r < label.size(); r++) b.row.push_back(static_cast<int64_t>(r));
    return b;
}

// Rule 6 for one row of cross entropy.
float cross_entropy(const std::vector<float> &z, size_t y, std::vector<float> &dz)
{
    float most = *std::max_element(z.begin(), z.end());
    std::vector<float> e;
    for (float x : z) {
        float shifted = x - most;
        e.push_back(rounded(std::exp(static_cast<long double>(shifted))));
    }
    float s = oracle::sum(e);
    for (size_t j = 0; j < z.size(); j++) {
        float p = e[j] / s;
        dz.push_back(j == y ? p - 1.0f : p);
    }
    float log_s = rounded(std::log(static_cast<long double>(s))), below = z[y] - most;
    return log_s - below;
}

std::vector<Variant> here()
{
    std::vector<Variant> list;
    for (const Variant &v : variants)
        if (oracle::runs_here(v.name)) list.push_back(v);
    return list;
}

#define FOR_EACH_VARIANT for (const Variant &v : here())

} // namespace

// The rows of a batch, one after the other by the rule; ties among logits of few values.
Result by_the_rule(const Batch &b)
{
    Result r;
    for (size_t i = 0; i < b.label.size(); i++) {
        auto begin = b.z.begin() + static_cast<int64_t>(i) * b.outputs;
        std::vector<float> z(begin, begin + b.outputs);
        r.loss.push_back(static_cast<double>(cross_entropy(z, static_cast<size_t>(b.label[i]), r.dz)));
        r.score.push_back(std::max_element(z.begin(), z.end()) - z.begin() == b.label[i] ? 1 : 0);
    }
    return r;
}

TEST(CrossEntropy, FollowsTheRuleForAnyNumberOfClasses)
{
    Random random(40);
    std::vector<int64_t> sizes = {1000, 1023, 1024, 1025, 2000};
    for (int64_t n = 1; n <= 40; n++) sizes.push_back(n);
    for (int64_t n : sizes) {
        int64_t rows = n > 100 ? 4 : 21;
        std::vector<float> z = random.floats(rows * n, -9, 9);
        for (int64_t i = 0; i < 7 * n && n <= 100; i++)
            z[static_cast<size_t>(i)] = std::round(z[static_cast<size_t>(i)] / 4);
        Batch b = classes(KZ_LOSS_cross_entropy, n, z, std::vector<int32_t>(static_cast<size_t>(rows)));
        for (int32_t &y : b.label) y = static_cast<int32_t>(random.below(n));
        Result wanted = by_the_rule(b);
        for (const std::vector<int64_t> &cut : {std::vector<int64_t>{0, rows}, std::vector<int64_t>{0, 1, rows},
                                                std::vector<int64_t>{0, rows - 3, rows - 1, rows}})
            FOR_EACH_VARIANT
            {
                Result got = run(v, b, cut);
                ASSERT_EQ(oracle::first_difference(got.loss, wanted.loss), -1) << v.name << " " << n;
                ASSERT_EQ(oracle::first_difference(got.dz, wanted.dz), -1) << v.name << " " << n;
                ASSERT_EQ(got.score, wanted.score) << v.name << " " << n;
            }
    }
}

// A row with NaN has no loss; its score is that of a walk that leaves an output only for a larger one.
TEST(CrossEntropy, ScoresOfRowsWithNanAreTheWalks)
{
    Random random(43);
    for (int64_t n : {3, 10, 32, 33, 100}) {
        Batch b = classes(KZ_LOSS_cross_entropy, n, random.floats(16 * n, -9, 9), std::vector<int32_t>(16));
        std::vector<double> wanted;
        for (size_t r = 0; r < 16; r++) {
            float *z = b.z.data() + r * static_cast<size_t>(n);
            z[random.below(n)] = oracle::kNan;
            int32_t best = 0;
            for (int32_t j = 1; j < n; j++)
                if (z[j] > z[best]) best = j;
            b.label[r] = r % 2 ? best : static_cast<int32_t>(random.below(n));
            wanted.push_back(b.label[r] == best ? 1 : 0);
        }
        FOR_EACH_VARIANT
        {
            Result got = run(v, b);
            ASSERT_EQ(got.score, wanted) << v.name << " " << n;
            for (double loss : got.loss) ASSERT_TRUE(std::isnan(loss)) << v.name << " " << n;
        }
    }
}

// exp, sum, division, logarithm and two differences of numbers below 20 each add a rounding or a few.
TEST(CrossEntropy, IsNearTheLossInHigherPrecision)
{
    Random random(41);
    for (int64_t n : {2, 10, 1500}) {
        Batch b = classes(KZ_LOSS_cross_entropy, n, random.floats(n, -5, 5), {1});
        long double s = 0;
        for (float z : b.z) s += std::exp(static_cast<long double>(z));
        double wanted = static_cast<double>(std::log(s) - static_cast<long double>(b.z[1]));
        FOR_EACH_VARIANT
        {
            Result got = run(v, b);
            double total = 0;
            ASSERT_TRUE(std::fabs(got.loss[0] - wanted) <= 120 * oracle::kUnit * 20) << v.name << " " << n;
            for (float d : got.dz) total += static_cast<double>(d);
            ASSERT_TRUE(std::fabs(total) <= 120 * oracle::kUnit) << "the p add up to 1";
        }
    }
}

TEST(CrossEntropy, HandComputed)
{
    FOR_EACH_VARIANT
    {
        Result r = run(v, classes(KZ_LOSS_cross_entropy, 2, {0, 0, 0, 0}, {0, 1}));
        EXPECT_EQ(r.loss[0], static_cast<double>(0.693147180559945309f));
        EXPECT_EQ(r.dz, (std::vector<float>{-0.5f, 0.5f, 0.5f, -0.5f}));
        EXPECT_EQ(r.score, (std::vector<double>{1, 0})) << "a tie goes to the lower class";
    }
}

TEST(CrossEntropy, OneClassCostsNothing)
{
    FOR_EACH_VARIANT
    {
        Result r = run(v, classes(KZ_LOSS_cross_entropy, 1, {3}, {0}));
        EXPECT_EQ(r.loss[0], 0);
        EXPECT_EQ(r.dz[0], 0);
        EXPECT_EQ(r.score[0], 1);
    }
}

TEST(CrossEntropy, HugeLogitsStayFinite)
{
    FOR_EACH_VARIANT
    {
        Result r = run(v, classes(KZ_LOSS_cross_entropy, 3, {1e4f, -1e4f, 0, 1e4f, -1e4f, 0}, {0, 1}));
        EXPECT_EQ(r.loss, (std::vector<double>{0, 2e4}));
        EXPECT_EQ(r.dz, (std::vector<float>{0, 0, 0, 1, -1, 0}));
        EXPECT_EQ(r.score, (std::vector<double>{1, 0}));
    }
}

TEST(CrossEntropy, NanAndInfinityAnywhereMakeTheLossNotFinite)
{
    for (float bad : {oracle::kNan, oracle::kInf})
        for (size_t at = 0; at < 3; at++) {
            std::vector<float> z = {1, 2, 3};
            z[at] = bad;
            FOR_EACH_VARIANT EXPECT_FALSE(std::isfinite(run(v, classes(KZ_LOSS_cross_entropy, 3, z, {1})).loss[0]));
        }
}

TEST(CrossEntropy, RowsNameTheirTargets)
{
    Batch b = classes(KZ_LOSS_cross_entropy, 2, {0, 5, 0, 5}, {0, 1, 1, 0});
    b.row = {3, 1};
    FOR_EACH_VARIANT EXPECT_EQ(run(v, b).score, (std::vector<double>{0, 1}));
}

TEST(BinaryCrossEntropy, FollowsItsFormula)
{
    Random random(42);
    Batch b = classes(KZ_LOSS_binary_cross_entropy, 1, random.floats(300, -30, 30), std::vector<int32_t>(300));
    std::vector<float> dz;
    std::vector<double> loss, score;
    for (size_t r = 0; r < 300; r++) {
        b.label[r] = static_cast<int32_t>(r % 2);
        long double z = static_cast<long double>(b.z[r]);
        float p = rounded(1 / (1 + std::exp(-z)));
        dz.push_back(p - static_cast<float>(b.label[r]));
        loss.push_back(static_cast<double>(rounded(std::log1p(std::exp(b.label[r] ? -z : z)))));
        score.push_back((z > 0) == (b.label[r] == 1) ? 1 : 0);
    }
    FOR_EACH_VARIANT
    {
        Result got = run(v, b, {0, 17, 300});
        ASSERT_EQ(oracle::first_difference(got.loss, loss), -1) << v.name;
        ASSERT_EQ(oracle::first_difference(got.dz, dz), -1) << v.name;
        ASSERT_EQ(got.score, score);
    }
}

TEST(BinaryCrossEntropy, EdgesAreRight)
{
    FOR_EACH_VARIANT
    {
        Result r = run(v, classes(KZ_LOSS_binary_cross_entropy, 1, {0, 0, 1e4f, 1e4f, -1e4f, -1e4f, oracle::kNan},
                                  {0, 1, 0, 1, 0, 1, 1}));
        double ln2 = static_cast<double>(0.693147180559945309f);
        EXPECT_EQ(std::vector<double>(r.loss.begin(), r.loss.begin() + 6),
                  (std::vector<double>{ln2, ln2, 1e4, 0, 0, 1e4}));
        EXPECT_EQ(std::vector<float>(r.dz.begin(), r.dz.begin() + 6), (std::vector<float>{0.5f, -0.5f, 1, 0, 0, -1}));
        EXPECT_EQ(r.score, (std::vector<double>{1, 0, 0, 1, 1, 0, 0})) << "class 1 where the logit is above 0";
        EXPECT_TRUE(std::isnan(r.loss[6]) && std::isnan(r.dz[6]));
    }
}

TEST(SquaredError, HandComputedInBothUnits)
{
    Batch b = {KZ_LOSS_squared_error, 2, {1, 2}, {}, {9, 9, 0, 4}, {9, 9, 10, 15}, {10, 10}, {2, 2}, {1}};
    FOR_EACH_VARIANT
    {
        Result r = run(v, b);
        EXPECT_EQ(r.loss[0], 2.5);                    // (1 + 4) / 2
        EXPECT_EQ(r.dz, (std::vector<float>{1, -2})); // 2 / 2 (z - y)
        EXPECT_EQ(r.score[0], 4 + 1);                 // (12 - 10)^2 + (14 - 15)^2
    }
}

TEST(SquaredError, FollowsItsFormula)
{
    Random random(43);
    for (int64_t n : {1, 3, 7, 100}) {
        Batch b = {KZ_LOSS_squared_error,
                   n,
                   random.floats(3 * n),
                   {},
                   random.floats(3 * n),
                   random.floats(3 * n),
                   {},
                   {},
                   {2, 0, 1}};
        for (int64_t j = 0; j < n; j++) b.mean.push_back(random.wild()), b.deviation.push_back(random.uniform(0.5, 2));
        std::vector<float> dz;
        std::vector<double> loss, score;
        for (size_t r = 0; r < 3; r++) {
            float total = 0, share = static_cast<float>(1.0 / static_cast<double>(n));
            double squares = 0;
            for (size_t j = 0; j < static_cast<size_t>(n); j++) {
                size_t here = r * static_cast<size_t>(n) + j, there = static_cast<size_t>(b.row[r] * n) + j;
                float d = b.z[here] - b.value[there];
                total = std::fmaf(d, d, total);
                dz.push_back(static_cast<float>(2.0 / static_cast<double>(n)) * d);
                double original = b.deviation[j] * static_cast<double>(b.z[here]) + b.mean[j];
                squares +=
                    (original - static_cast<double>(b.raw[there])) * (original - static_cast<double>(b.raw[there]));
            }
            loss.push_back(static_cast<double>(total * share));
            score.push_back(squares);
        }
        FOR_EACH_VARIANT
        {
            Result got = run(v, b, {0, 2, 3});
            ASSERT_EQ(oracle::first_difference(got.loss, loss), -1) << v.name << " " << n;
            ASSERT_EQ(oracle::first_difference(got.dz, dz), -1) << v.name << " " << n;
            ASSERT_EQ(oracle::first_difference(got.score, score), -1) << v.name << " " << n;
        }
    }
}

TEST(SquaredError, NanPasses)
{
    Batch b = {KZ_LOSS_squared_error, 1, {oracle::kNan}, {}, {0}, {0}, {0}, {1}, {0}};
    FOR_EACH_VARIANT
    {
        Result r = run(v, b);
        EXPECT_TRUE(std::isnan(r.loss[0]) && std::isnan(r.dz[0]) && std::isnan(r.score[0])) << v.name;
    }
}
