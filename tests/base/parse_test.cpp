// Numbers from text: the whole text, or nothing.
#include "kz/base.h"

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>

TEST(Parse, Integers)
{
    int64_t v = -7;
    EXPECT_TRUE(kz_parse_int("42", &v) && v == 42);
    EXPECT_TRUE(kz_parse_int("-42", &v) && v == -42);
    EXPECT_TRUE(kz_parse_int("+5", &v) && v == 5);
    EXPECT_TRUE(kz_parse_int("007", &v) && v == 7);
    EXPECT_TRUE(kz_parse_int("9223372036854775807", &v) && v == INT64_MAX);
    EXPECT_TRUE(kz_parse_int("-9223372036854775808", &v) && v == INT64_MIN);
    v = -7;
    for (const char *bad : {"", " 1", "1 ", "1x", "0x10", "1.0", "1e3", "--1", "+-1", "-", "+", "9223372036854775808",
                            "-9223372036854775809", "nan", "1\n"}) {
        EXPECT_FALSE(kz_parse_int(bad, &v)) << bad;
        EXPECT_EQ(-7, v) << "untouched";
    }
}

TEST(Parse, Doubles)
{
    double v = -7;
    EXPECT_TRUE(kz_parse_double("0.01", &v) && v == 0.01);
    EXPECT_TRUE(kz_parse_double("1e-3", &v) && v == 1e-3);
    EXPECT_TRUE(kz_parse_double("-2.5E+2", &v) && v == -250);
    EXPECT_TRUE(kz_parse_double(".5", &v) && v == 0.5);
    EXPECT_TRUE(kz_parse_double("5.", &v) && v == 5);
    EXPECT_TRUE(kz_parse_double("1e-400", &v) && v == 0);
    v = -7;
    for (const char *bad : {"", "0.01abc", " 0.01", "0.01 ", "0,01", "1e", "e5", ".", "-", "1e400", "inf", "nan",
                            "0x1p3", "1_000", "1.2.3", "--1", "1e5.5"}) {
        EXPECT_FALSE(kz_parse_double(bad, &v)) << bad;
        EXPECT_EQ(-7, v) << "untouched";
    }
}

TEST(Parse, Sizes)
{
    int64_t v = -7;
    EXPECT_TRUE(kz_parse_size("512", &v) && v == 512);
    EXPECT_TRUE(kz_parse_size("512B", &v) && v == 512);
    EXPECT_TRUE(kz_parse_size("64KiB", &v) && v == 64 * 1024);
    EXPECT_TRUE(kz_parse_size("8GiB", &v) && v == int64_t{8} << 30);
    EXPECT_TRUE(kz_parse_size("1.5GB", &v) && v == 1500000000);
    v = -7;
    for (const char *bad :
         {"", "GiB", "-1", "8 GiB", "8gib", "8GiBs", "1.0000001KiB", "0.3", "1e3", "9999999TiB", "1..5GB", "8G"}) {
        EXPECT_FALSE(kz_parse_size(bad, &v)) << bad;
        EXPECT_EQ(-7, v) << "untouched";
    }
}

// Switches to a locale with a decimal comma: one of the machine's, or one made in `folder`.
static bool use_decimal_comma(const std::string &folder)
{
    for (const char *name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"})
        if (setlocale(LC_ALL, name)) return true;
    std::string make = "localedef -i de_DE -f UTF-8 " + folder + "/de_DE.UTF-8 >/dev/null 2>&1";
    if (std::system(make.c_str()) != 0) return false;
    setenv("LOCPATH", folder.c_str(), 1);
    bool good = setlocale(LC_ALL, "de_DE.UTF-8") != nullptr;
    unsetenv("LOCPATH");
    return good;
}

TEST(Parse, NumbersDoNotDependOnTheLocale)
{
    std::string folder = testing::TempDir() + "kaizen-locale-XXXXXX";
    ASSERT_NE(nullptr, mkdtemp(folder.data()));
    bool comma = use_decimal_comma(folder);
    double v = 0;
    bool parsed = kz_parse_double("0.5", &v) && v == 0.5 && !kz_parse_double("0,5", &v);
    kz_text t = {};
    json_t *j = kz_json_number(0.5);
    bool dumped = kz_json_dump(&t, j, false) == KZ_OK;
    setlocale(LC_ALL, "C");
    std::filesystem::remove_all(folder);
    EXPECT_TRUE(parsed);
    EXPECT_TRUE(dumped);
    EXPECT_STREQ("0.5", kz_text_str(&t));
    json_decref(j);
    kz_text_free(&t);
    if (!comma) GTEST_SKIP() << "no locale with a decimal comma could be had";
}
