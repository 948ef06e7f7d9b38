// Rule 4: parts as a tree of adjacent pairs.
#include "oracle.h"

#include <gtest/gtest.h>

TEST(Tree, EqualsLevelByLevel)
{
    oracle::Random random(4);
    auto add = [](double a, double b) { return a + b; };
    for (int64_t m = 1; m <= 40; m++)
        for (int i = 0; i < 20; i++) {
            std::vector<double> x(static_cast<size_t>(m));
            for (double &v : x) v = random.wild();
            ASSERT_TRUE(oracle::same(kz_tree_f64(m, x.data()), oracle::tree(x, add))) << m;
        }
}

TEST(Tree, OfNothingIsZeroAndOfOneThatOne)
{
    double x[] = {-0.0};
    EXPECT_EQ(oracle::bits(kz_tree_f64(0, x)), oracle::bits(0.0));
    EXPECT_EQ(oracle::bits(kz_tree_f64(1, x)), oracle::bits(-0.0));
}

TEST(Tree, PairsAreSeenInTheBits)
{
    double x[] = {0x1p53, 1, 1, 1, 1}; // ((2^53 + 1) + (1 + 1)) + 1: the odd last one comes in at the top
    EXPECT_EQ(kz_tree_f64(3, x), 0x1p53);
    EXPECT_EQ(kz_tree_f64(4, x), 0x1p53 + 2);
    EXPECT_EQ(kz_tree_f64(5, x), 0x1p53 + 4); // 2^53 + 2 + 1 lies between 2^53 + 2 and + 4: to even
}

TEST(Tree, PassesNanOn)
{
    double x[] = {1, 2, 3, NAN, 5};
    EXPECT_TRUE(std::isnan(kz_tree_f64(5, x)));
}
