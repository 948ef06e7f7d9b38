/* Numbers from text: the same binary64 as strtod gives, on any text. */
extern "C" {
#include "data/import_impl.h"
}

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace {

/* All of s must be a number, and the one that the C library reads. */
void expect_as_strtod(const std::string &s)
{
    double got = 0, want = std::strtod(s.c_str(), nullptr);
    int digits = 0;
    const char *end = kz_number_read(s.data(), s.data() + s.size(), '.', &got, &digits);
    ASSERT_EQ(end, s.data() + s.size()) << s;
    ASSERT_EQ(std::memcmp(&got, &want, sizeof got), 0) << s << ": " << got << " for " << want;
}

} // namespace

TEST(ImportNumber, ReadsEasyAndHardNumbers)
{
    for (const char *s : {"0",
                          "-0",
                          "1",
                          "-1",
                          "+7",
                          ".5",
                          "5.",
                          "0.1",
                          "1e22",
                          "1e23",
                          "123456789012345678",
                          "9007199254740993",
                          "9007199254740992.5",
                          "9007199254740993.00000000000000000000000000001",
                          "2.2250738585072011e-308",
                          "5e-324",
                          "2.4703282292062327e-324",
                          "2.4703282292062328e-324",
                          "1.7976931348623157e308",
                          "1.7976931348623159e308",
                          "1e999",
                          "-1e999",
                          "1e-999",
                          "0e999999999999",
                          "00000000000000000000000000001",
                          "0.000000000000000000000000000000001",
                          "8.5",
                          "1.5E+3",
                          "6.02214076e23",
                          "179769313486231580793728971405301",
                          "0.500000000000000166533453693773481063544750213623046875"})
        expect_as_strtod(s);
}

TEST(ImportNumber, AgreesWithTheLibraryOnRandomTexts)
{
    std::mt19937_64 random(1);
    char s[512];
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = random();
        double d;
        float f;
        std::memcpy(&d, &bits, sizeof d);
        std::memcpy(&f, &bits, sizeof f);
        int places = (int)(random() % 22);
        unsigned long long a = random(), b = random();
        if (std::isfinite(d)) std::snprintf(s, sizeof s, "%.*e", places, d), expect_as_strtod(s);
        if (std::isfinite(f)) std::snprintf(s, sizeof s, "%.*g", places, (double)f), expect_as_strtod(s);
        std::snprintf(s, sizeof s, "%llu.%llue%d", a >> (random() % 64), b >> (random() % 64),
                      (int)(random() % 120) - 60);
        expect_as_strtod(s);
        /* halfway between two numbers, exactly and nearly */
        uint64_t half = (random() >> 11 | 1ull << 52) * 2 + 1;
        std::snprintf(s, sizeof s, "%llu%s", (unsigned long long)half,
                      i % 3 == 0   ? ""
                      : i % 3 == 1 ? ".0"
                                   : ".00000000001");
        expect_as_strtod(s);
    }
}

TEST(ImportNumber, StopsWhereTheNumberEnds)
{
    const struct {
        const char *s;
        int length; /* -1: none at all */
    } cases[] = {{"1,2", 1}, {"1e", 1}, {"1e+", 1}, {"1e5x", 3}, {"0x1F", 1},  {"inf", -1}, {"nan", -1},
                 {"", -1},   {"-", -1}, {".", -1},  {"+-1", -1}, {"1.2.3", 3}, {" 1", -1},  {"1_000", 1}};
    for (const auto &c : cases) {
        double v;
        int digits;
        const char *end = kz_number_read(c.s, c.s + std::strlen(c.s), '.', &v, &digits);
        EXPECT_EQ(end ? (int)(end - c.s) : -1, c.length) << c.s;
    }
}

TEST(ImportNumber, TakesADecimalComma)
{
    double v;
    int digits;
    const char *s = "-12,25;";
    EXPECT_EQ(kz_number_read(s, s + 7, ',', &v, &digits), s + 6);
    EXPECT_EQ(v, -12.25);
    const char *lengthy = "0,1000000000000000055511151231257827";
    EXPECT_EQ(kz_number_read(lengthy, lengthy + std::strlen(lengthy), ',', &v, &digits),
              lengthy + std::strlen(lengthy));
    EXPECT_EQ(v, 0.1);
}
