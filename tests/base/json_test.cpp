// JSON numbers and dumps.
#include "kz/base.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

static std::string dump(json_t *j, bool indent)
{
    kz_text t = {};
    EXPECT_EQ(KZ_OK, kz_json_dump(&t, j, indent));
    std::string s = kz_text_str(&t);
    kz_text_free(&t);
    json_decref(j);
    return s;
}

TEST(Json, NumbersHaveSeventeenDigits)
{
    EXPECT_EQ("0.10000000000000001", dump(kz_json_number(0.1), false));
    EXPECT_EQ("1.7976931348623157e308", dump(kz_json_number(std::numeric_limits<double>::max()), false));
    EXPECT_EQ("0.33333333333333331", dump(kz_json_number(1.0 / 3), false));
}

TEST(Json, EveryDoubleComesBack)
{
    for (double x : {0.1, 1.0 / 3, 5e-324, -0.0, 123456789.123456789, 2.2250738585072014e-308}) {
        json_t *back = json_loads(dump(kz_json_number(x), false).c_str(), JSON_DECODE_ANY, nullptr);
        ASSERT_NE(nullptr, back);
        EXPECT_EQ(x, json_real_value(back));
        EXPECT_EQ(std::signbit(x), std::signbit(json_real_value(back)));
        json_decref(back);
    }
}

TEST(Json, NonFiniteIsNull)
{
    EXPECT_EQ("null", dump(kz_json_number(static_cast<double>(NAN)), false));
    EXPECT_EQ("null", dump(kz_json_number(std::numeric_limits<double>::infinity()), false));
    EXPECT_EQ("null", dump(kz_json_number(-std::numeric_limits<double>::infinity()), false));
}

TEST(Json, KeysKeepTheirOrder)
{
    json_t *j = json_pack("{s:i, s:s, s:[i]}", "z", 1, "a", "x", "m", 2);
    EXPECT_EQ(R"({"z":1,"a":"x","m":[2]})", dump(json_incref(j), false));
    EXPECT_EQ("{\n  \"z\": 1,\n  \"a\": \"x\",\n  \"m\": [\n    2\n  ]\n}", dump(j, true));
}

TEST(Json, FailedAllocation)
{
    kz_text t = {};
    json_t *j = json_integer(1);
    kz_calloc_fail_at(1);
    EXPECT_EQ(KZ_E_MEM, kz_json_dump(&t, j, false));
    kz_calloc_fail_at(0);
    json_decref(j);
    kz_text_free(&t);
}

// jansson forgets a failure inside a key: the text would silently lack it.
TEST(Json, FailedAllocationInAKey)
{
    kz_status st = KZ_E_MEM;
    json_t *j = json_pack("{s:i, s:i}", std::string(100, 'a').c_str(), 1, std::string(300, 'b').c_str(), 2);
    for (int n = 1; st == KZ_E_MEM && n < 100; n++) {
        kz_text t = {};
        kz_calloc_fail_at(n);
        st = kz_json_dump(&t, j, false);
        bool failed = kz_calloc_fail_at(0) >= n;
        EXPECT_EQ(failed ? KZ_E_MEM : KZ_OK, st) << kz_text_str(&t);
        kz_text_free(&t);
    }
    EXPECT_EQ(KZ_OK, st);
    json_decref(j);
}
