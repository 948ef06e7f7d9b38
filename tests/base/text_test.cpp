// Growing text, number and unit formats for people, suggestions.
#include "kz/base.h"

#include <cmath>
#include <gtest/gtest.h>
#include <string>

TEST(Text, GrowsAndStaysTerminated)
{
    kz_text t = {};
    std::string wanted;
    EXPECT_STREQ("", kz_text_str(&t));
    for (int i = 0; i < 500; i++) {
        ASSERT_EQ(KZ_OK, kz_text_add(&t, "%d,%s;", i, "x"));
        wanted += std::to_string(i) + ",x;";
        ASSERT_EQ(wanted, kz_text_str(&t));
    }
    EXPECT_EQ(static_cast<int64_t>(wanted.size()), t.n);
    kz_text_free(&t);
    EXPECT_STREQ("", kz_text_str(&t));
}

TEST(Text, BytesMayHoldZeros)
{
    kz_text t = {};
    ASSERT_EQ(KZ_OK, kz_text_add_bytes(&t, "a\0b", 3));
    ASSERT_EQ(KZ_OK, kz_text_add_bytes(&t, nullptr, 0));
    EXPECT_EQ(std::string("a\0b", 3), std::string(t.s, static_cast<size_t>(t.n)));
    kz_text_free(&t);
}

TEST(Text, FailedAllocationKeepsWhatWasThere)
{
    kz_text t = {};
    ASSERT_EQ(KZ_OK, kz_text_add(&t, "kept"));
    kz_calloc_fail_at(1);
    EXPECT_EQ(KZ_E_MEM, kz_text_add(&t, "%1000d", 1));
    EXPECT_STREQ("kept", kz_text_str(&t));
    kz_calloc_fail_at(1);
    char *copy = nullptr;
    EXPECT_EQ(KZ_E_MEM, kz_strdup(&copy, "abc"));
    EXPECT_EQ(nullptr, copy);
    kz_calloc_fail_at(0);
    kz_text_free(&t);
}

static std::string size_text(double bytes)
{
    char out[24];
    kz_format_size(out, bytes);
    return out;
}

static std::string duration_text(double seconds)
{
    char out[24];
    kz_format_duration(out, seconds);
    return out;
}

static std::string count_text(int64_t n)
{
    char out[24];
    kz_format_count(out, n);
    return out;
}

TEST(Text, SizesForPeople)
{
    EXPECT_EQ("0 bytes", size_text(0));
    EXPECT_EQ("1023 bytes", size_text(1023));
    EXPECT_EQ("1.0 KiB", size_text(1024));
    EXPECT_EQ("7.9 GiB", size_text(7.9 * 1024 * 1024 * 1024));
}

TEST(Text, DurationsForPeople)
{
    EXPECT_EQ("850 ms", duration_text(0.85));
    EXPECT_EQ("9.9 ms", duration_text(0.0099));
    EXPECT_EQ("0.4 ms", duration_text(0.0004));
    EXPECT_EQ("3.2 s", duration_text(3.2));
    EXPECT_EQ("2 min 05 s", duration_text(125));
    EXPECT_EQ("1 h 02 min", duration_text(3725));
    EXPECT_EQ("99 h 59 min", duration_text(99 * 3600 + 59 * 60));
    EXPECT_EQ("5 days", duration_text(5 * 86400));
    EXPECT_EQ("0 ms", duration_text(-1));
    EXPECT_EQ("0 ms", duration_text(static_cast<double>(NAN)));
    EXPECT_NE("", duration_text(1e300));
}

TEST(Text, CountsForPeople)
{
    EXPECT_EQ("0", count_text(0));
    EXPECT_EQ("999", count_text(999));
    EXPECT_EQ("54 000", count_text(54000));
    EXPECT_EQ("-1 234 567", count_text(-1234567));
    EXPECT_EQ("12 345 678 901 234 567", count_text(12345678901234567));
}

TEST(Suggest, NearestWord)
{
    static const char *const list[] = {"accuracy", "loss", "momentum", "lr", "epochs", nullptr};
    EXPECT_STREQ("momentum", kz_suggest("momentun", list));
    EXPECT_STREQ("momentum", kz_suggest("mometnum", list)); // a swap is one edit
    EXPECT_STREQ("accuracy", kz_suggest("acuracy", list));
    EXPECT_STREQ("loss", kz_suggest("LOSS", list));
    EXPECT_STREQ("lr", kz_suggest("rl", list));
    EXPECT_EQ(nullptr, kz_suggest("something", list));
    const char *const letters[] = {"a", "y", nullptr};
    EXPECT_EQ(nullptr, kz_suggest("9", letters)); // has nothing in common with any of them
    EXPECT_STREQ("y", kz_suggest("Y", letters));
    EXPECT_EQ(nullptr, kz_suggest("", list));
    EXPECT_EQ(nullptr, kz_suggest(std::string(200, 'l').c_str(), list));
}

TEST(Suggest, FirstOfEquallyNearAndLongEntriesAreSkipped)
{
    std::string longest(100, 'a');
    const char *const list[] = {longest.c_str(), "abcx", "abcy", nullptr};
    EXPECT_STREQ("abcx", kz_suggest("abcz", list));
}
