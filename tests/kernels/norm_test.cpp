// The mean of a gradient and its squared norm.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using oracle::Guarded;
using oracle::Random;

struct Variant {
    const char *name;
    kz_mean_norm_fn *mean_norm;
};
#define KZ_ROW(how, attribute) {#how, kz_mean_norm_f32__##how},
const Variant variants[] = {KZ_VARIANTS(KZ_ROW)};
#undef KZ_ROW

} // namespace

TEST(MeanNorm, ScalesAndSumsSquaresByRule3)
{
    Random random(50);
    const float inverse = static_cast<float>(1.0 / 7);
    for (int64_t n : {0, 1, 31, 32, 33, 1000, 1023, 1024, 1025, 2048, 5000, 100001}) {
        std::vector<float> g(static_cast<size_t>(n)), scaled;
        std::vector<double> squares;
        double plain = 0;
        for (float &x : g) {
            x = static_cast<float>(random.wild());
            scaled.push_back(x * inverse);
            squares.push_back(static_cast<double>(scaled.back()) * static_cast<double>(scaled.back()));
            plain += squares.back();
        }
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.name)) continue;
            int64_t blocks = (n + 1023) / 1024;
            Guarded got(g);
            std::vector<double> block(static_cast<size_t>(blocks) + 1, -1.0);
            std::vector<int64_t> cut = oracle::cuts(random, blocks);
            for (size_t i = 1; i < cut.size(); i++)
                v.mean_norm(n, inverse, got.begin(), block.data(), cut[i - 1], cut[i]);
            double total = kz_sum_f64(blocks, block.data());
            ASSERT_EQ(oracle::first_difference(got.values(), scaled), -1) << v.name << " " << n;
            ASSERT_TRUE(got.intact());
            ASSERT_EQ(block.back(), -1.0) << "a block too many";
            ASSERT_TRUE(oracle::same(total, oracle::sum(squares))) << v.name << " " << n;
            ASSERT_TRUE(std::fabs(total - plain) <= static_cast<double>(n) * 0x1p-52 * plain) << v.name << " " << n;
        }
    }
}

TEST(MeanNorm, PassesNonFiniteValuesAndDoesNotOverflow)
{
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.name)) continue;
        float bad[] = {1, oracle::kNan}, large[] = {3e38f, 3e38f};
        double square;
        v.mean_norm(2, 1, bad, &square, 0, 1);
        EXPECT_TRUE(std::isnan(square));
        v.mean_norm(2, 1, large, &square, 0, 1);
        EXPECT_TRUE(std::isfinite(square)) << "squares are binary64";
    }
}
