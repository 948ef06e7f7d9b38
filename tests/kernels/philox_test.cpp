// Rule 8: known answers of Random123, and how elements are numbered.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

kz_stream stream(uint64_t seed, uint32_t when, uint32_t what)
{
    kz_stream s = {seed, when, what};
    return s;
}

void expect_block(kz_stream s, uint64_t block, const std::vector<uint32_t> &wanted)
{
    for (size_t w = 0; w < 4; w++) EXPECT_EQ(kz_random_block(s, block).v[w], wanted[w]) << "word " << w;
}

} // namespace

TEST(Philox, GivesTheKnownAnswersOfRandom123)
{
    expect_block(stream(0, 0, 0), 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    expect_block(stream(~uint64_t{0}, ~0u, ~0u), ~uint64_t{0}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    expect_block(stream(0x299f31d0a4093822u, 0x13198a2e, 0x03707344), 0x85a308d3243f6a88u,
                 {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(Philox, NumbersItsElements)
{
    kz_stream s = kz_stream_of(0x0123456789abcdefu, KZ_FOR_DROPOUT, 5, 77);
    EXPECT_EQ(s.seed, 0x0123456789abcdefu);
    EXPECT_EQ(s.when, 77u);
    EXPECT_EQ(s.what, 2u | 5u << 8);
    for (uint64_t e : {uint64_t{0}, uint64_t{1}, uint64_t{6}, uint64_t{4} << 32, (uint64_t{4} << 32) + 3, ~uint64_t{0}})
        EXPECT_EQ(kz_random_u32(s, e), kz_random_block(s, e / 4).v[e % 4]) << e;
    for (uint64_t e : {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{12345}, uint64_t{1} << 40})
        EXPECT_EQ(kz_random_u64(s, e), kz_random_u32(s, 2 * e) | uint64_t{kz_random_u32(s, 2 * e + 1)} << 32) << e;
}

TEST(Philox, ManyBlocksAtOnceAreTheSameWords)
{
    kz_stream s = kz_stream_of(0xfedcba9876543210u, KZ_FOR_DROPOUT, 3, 1234567);
    uint32_t v[4][KZ_BLOCKS_AT_ONCE];
    for (uint64_t first : {uint64_t{0}, uint64_t{77}, (uint64_t{1} << 32) - 5, ~uint64_t{0} - 3}) {
        kz_random_blocks(s, first, v);
        for (uint64_t i = 0; i < KZ_BLOCKS_AT_ONCE; i++)
            for (size_t w = 0; w < 4; w++) ASSERT_EQ(v[w][i], kz_random_block(s, first + i).v[w]) << first << " " << i;
    }
}

TEST(Philox, KeepsPurposesLayersStepsAndSeedsApart)
{
    std::vector<uint32_t> first;
    for (uint32_t purpose : {KZ_FOR_INIT, KZ_FOR_DROPOUT, KZ_FOR_SHUFFLE, KZ_FOR_VALID})
        for (uint32_t layer : {0u, 1u, 255u})
            for (uint32_t when : {0u, 1u})
                for (uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32})
                    first.push_back(kz_random_u32(kz_stream_of(seed, purpose, layer, when), 0));
    std::sort(first.begin(), first.end());
    EXPECT_EQ(std::adjacent_find(first.begin(), first.end()), first.end());
}

TEST(Philox, UniformsAreExactFunctionsOfTheWords)
{
    kz_stream s = kz_stream_of(1, KZ_FOR_INIT, 0, 0);
    for (uint64_t e = 0; e < 1000; e++) {
        float f = kz_random_f32(s, e);
        double d = kz_random_f64(s, e);
        ASSERT_TRUE(f >= 0 && f < 1 && d > 0 && d < 1);
        ASSERT_EQ(f, std::ldexp(static_cast<float>(kz_random_u32(s, e) / 256), -24));
        ASSERT_EQ(std::ldexp(d, 53), static_cast<double>(kz_random_u64(s, e) >> 11) + 0.5);
    }
}

// Means of n uniforms deviate by 1 / sqrt(12 n); six deviations are passed once in 10^9.  256 classes of the top byte
// give a chi-square of mean 255 and variance 510.
TEST(Philox, LooksUniform)
{
    const int64_t n = 1 << 20;
    kz_stream s = kz_stream_of(42, KZ_FOR_DROPOUT, 3, 9);
    double mean32 = 0, mean64 = 0, chi = 0, expected = static_cast<double>(n) / 256;
    std::vector<int64_t> seen(256);
    for (int64_t e = 0; e < n; e++) {
        mean32 += kz_random_f32(s, static_cast<uint64_t>(e)) / static_cast<double>(n);
        mean64 += kz_random_f64(s, static_cast<uint64_t>(e)) / static_cast<double>(n);
        seen[kz_random_u32(s, static_cast<uint64_t>(e)) >> 24]++;
    }
    for (int64_t k : seen) chi += (static_cast<double>(k) - expected) * (static_cast<double>(k) - expected) / expected;
    double bound = 6 / std::sqrt(12.0 * static_cast<double>(n));
    ASSERT_TRUE(std::fabs(mean32 - 0.5) <= bound) << mean32;
    ASSERT_TRUE(std::fabs(mean64 - 0.5) <= bound) << mean64;
    ASSERT_TRUE(std::fabs(chi - 255) <= 6 * std::sqrt(510.0)) << chi;
}

TEST(Philox, ScalesSixtyFourBitsToARange)
{
    const uint64_t most = ~uint64_t{0};
    for (uint64_t n : {uint64_t{1}, uint64_t{2}, uint64_t{3}, uint64_t{1000}, uint64_t{1} << 40, most}) {
        EXPECT_EQ(kz_scale_u64(0, n), 0u) << n;
        EXPECT_EQ(kz_scale_u64(most, n), n - 1) << n;
    }
    EXPECT_EQ(kz_scale_u64(most / 2 + 1, 10), 5u);
    EXPECT_EQ(kz_scale_u64(most / 2, 10), 4u);
    std::vector<int64_t> seen(7);
    kz_stream s = kz_stream_of(8, KZ_FOR_SHUFFLE, 0, 0);
    for (uint64_t e = 0; e < 70000; e++) seen[kz_scale_u64(kz_random_u64(s, e), 7)]++;
    for (int64_t k : seen) ASSERT_TRUE(std::fabs(static_cast<double>(k) - 10000) <= 6 * std::sqrt(70000.0 * 6 / 49));
}
