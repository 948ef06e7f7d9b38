// Rows picked, converted and scaled.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using oracle::Guarded;
using oracle::Random;

struct Variant {
    const char *name;
    kz_gather_fn *gather;
};
#define KZ_ROW(how, attribute) {#how, kz_gather_f32__##how},
const Variant variants[] = {KZ_VARIANTS(KZ_ROW)};
#undef KZ_ROW

enum Scaling { NONE, STANDARD, UNIT };

struct Source {
    std::vector<uint8_t> u8;
    std::vector<float> f32, mean, factor;
    std::vector<int64_t> row;
    int64_t width;

    Source(Random &random, int64_t rows, int64_t width_) : width(width_)
    {
        for (int64_t i = 0; i < rows * width; i++) {
            u8.push_back(static_cast<uint8_t>(random.below(256)));
            f32.push_back(static_cast<float>(random.wild()));
        }
        mean = random.floats(width), factor = random.floats(width, 0.1, 9);
        for (int64_t i = 0; i < 2 * rows; i++) row.push_back(random.below(rows)); // some twice
    }
    kz_gather job(bool bytes, Scaling scaling) const
    {
        kz_gather g = {};
        g.rows = static_cast<int64_t>(row.size()), g.width = width, g.row = row.data();
        g.from = bytes ? static_cast<const void *>(u8.data()) : f32.data();
        g.bytes = bytes ? 1 : 4;
        if (scaling == STANDARD) g.mean = mean.data(), g.factor = factor.data();
        if (scaling == UNIT) g.divisor = 255;
        return g;
    }
    float wanted(bool bytes, Scaling scaling, size_t r, size_t j) const
    {
        size_t at = static_cast<size_t>(row[r] * width) + j;
        float x = bytes ? static_cast<float>(u8[at]) : f32[at];
        if (scaling == STANDARD) {
            float centred = x - mean[j];
            return centred * factor[j];
        }
        return scaling == UNIT ? x / 255.0f : x;
    }
};

} // namespace

TEST(Gather, PicksConvertsAndScales)
{
    Random random(30);
    for (int64_t rows : {1, 3, 20})
        for (int64_t width : {1, 7, 8, 9, 64})
            for (bool bytes : {false, true})
                for (Scaling scaling : {NONE, STANDARD, UNIT})
                    for (const Variant &v : variants) {
                        if (!oracle::runs_here(v.name)) continue;
                        Source s(random, rows, width);
                        kz_gather g = s.job(bytes, scaling);
                        Guarded x(g.rows * width);
                        g.x = x.begin();
                        std::vector<int64_t> cut = oracle::cuts(random, g.rows);
                        for (size_t i = 1; i < cut.size(); i++) v.gather(&g, cut[i - 1], cut[i]);
                        std::vector<float> want;
                        for (size_t r = 0; r < s.row.size(); r++)
                            for (size_t j = 0; j < static_cast<size_t>(width); j++)
                                want.push_back(s.wanted(bytes, scaling, r, j));
                        ASSERT_EQ(oracle::first_difference(x.values(), want), -1) << v.name << " " << scaling;
                        ASSERT_TRUE(x.intact());
                    }
}

TEST(Gather, HandComputed)
{
    const uint8_t from[] = {0, 255, 10, 20};
    const int64_t row[] = {1, 0};
    const float mean[] = {5, 15}, factor[] = {2, 0.5f};
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.name)) continue;
        float x[4];
        kz_gather g = {};
        g.rows = 2, g.width = 2, g.row = row, g.from = from, g.bytes = 1, g.x = x;
        g.mean = mean, g.factor = factor;
        v.gather(&g, 0, 2);
        EXPECT_EQ(std::vector<float>(x, x + 4), (std::vector<float>{10, 2.5f, -10, 120}));
    }
}

TEST(Gather, NanAndInfinityPass)
{
    const float from[] = {oracle::kNan, oracle::kInf}, mean[] = {1, 1}, factor[] = {2, 2};
    const int64_t row[] = {0};
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.name)) continue;
        float x[2];
        kz_gather g = {};
        g.rows = 1, g.width = 2, g.row = row, g.from = from, g.bytes = 4, g.x = x, g.mean = mean, g.factor = factor;
        v.gather(&g, 0, 1);
        EXPECT_TRUE(std::isnan(x[0]) && std::isinf(x[1])) << v.name;
    }
}
