// The elementary functions are correctly rounded.  All 2^32 inputs are tests/proofs/elementary_proof.c's; here are the
// ends of the domains, the hardest inputs that it found, and a sample.
#include "kernels/arith/elementary.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

#ifdef KZ_HAVE_MPFR
#include <mpfr.h>
#endif

namespace {

const float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kLeast = std::numeric_limits<float>::denorm_min();
const float kLargest = std::numeric_limits<float>::max();

struct Function {
    const char *name;
    float (*f)(float);
    double (*near)(double); // libm's, within 2^-48 relative: it says where a sample's result is, but for close calls
    bool odd;
};

double sigmoid(double x)
{
    return 1.0 / (1.0 + std::exp(-x));
}

double softplus(double x)
{
    return x > 0.0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

const Function functions[] = {
    {"exp", kz_exp_f32, std::exp, false},   {"expm1", kz_expm1_f32, std::expm1, false},
    {"log", kz_log_f32, std::log, false},   {"log1p", kz_log1p_f32, std::log1p, false},
    {"tanh", kz_tanh_f32, std::tanh, true}, {"sigmoid", kz_sigmoid_f32, sigmoid, false},
    {"erf", kz_erf_f32, std::erf, true},    {"softplus", kz_softplus_f32, softplus, false},
};

struct Known {
    const char *name;
    float x, y;
};

const Known ends[] = {
    {"exp", -kInf, 0.0f},
    {"exp", kInf, kInf},
    {"exp", 0.0f, 1.0f},
    {"exp", -0.0f, 1.0f},
    {"exp", kLargest, kInf},
    {"exp", -kLargest, 0.0f},
    {"exp", 0x1.62e42ep+6f, 0x1.ffff08p+127f},
    {"exp", 0x1.62e430p+6f, kInf},
    {"exp", -0x1.9fe368p+6f, kLeast},
    {"exp", -0x1.9fe36ap+6f, 0.0f},
    {"expm1", -kInf, -1.0f},
    {"expm1", kInf, kInf},
    {"expm1", 0.0f, 0.0f},
    {"expm1", -0.0f, -0.0f},
    {"expm1", kLeast, kLeast},
    {"expm1", -kLeast, -kLeast},
    {"log", 0.0f, -kInf},
    {"log", -0.0f, -kInf},
    {"log", -kLeast, kNan},
    {"log", -kInf, kNan},
    {"log", kInf, kInf},
    {"log", 1.0f, 0.0f},
    {"log", kLeast, -0x1.9d1da0p+6f},
    {"log", kLargest, 0x1.62e430p+6f},
    {"log1p", -1.0f, -kInf},
    {"log1p", -0x1.000002p+0f, kNan},
    {"log1p", -kInf, kNan},
    {"log1p", kInf, kInf},
    {"log1p", 0.0f, 0.0f},
    {"log1p", -0.0f, -0.0f},
    {"log1p", -kLeast, -kLeast},
    {"tanh", kInf, 1.0f},
    {"tanh", -kInf, -1.0f},
    {"tanh", 0.0f, 0.0f},
    {"tanh", -0.0f, -0.0f},
    {"tanh", -kLeast, -kLeast},
    {"sigmoid", kInf, 1.0f},
    {"sigmoid", -kInf, 0.0f},
    {"sigmoid", 0.0f, 0.5f},
    {"sigmoid", -0.0f, 0.5f},
    {"sigmoid", -0x1.9fe368p+6f, kLeast},
    {"erf", kInf, 1.0f},
    {"erf", -kInf, -1.0f},
    {"erf", 0.0f, 0.0f},
    {"erf", -0.0f, -0.0f},
    {"erf", 2 * kLeast, 2 * kLeast},
    {"softplus", kInf, kInf},
    {"softplus", -kInf, 0.0f},
    {"softplus", 0.0f, 0x1.62e430p-1f},
    {"softplus", kLargest, kLargest},
    {"softplus", -kLargest, 0.0f},
    {"softplus", -0x1.9fe368p+6f, kLeast},
};

// Whose exact results are nearest to a midpoint of two binary32 numbers: elementary_proof --hard.
const Known hard[] = {
    {"exp", -0x1.d2259ap+3f, 0x1.fa6636p-22f},
    {"exp", -0x1.e1dbe2p-8f, 0x1.fc3fd2p-1f},
    {"exp", 0x1.fdff02p-17f, 0x1.0001p+0f},
    {"exp", -0x1.c1c4b8p-10f, 0x1.ff1f4ep-1f},
    {"exp", -0x1p-25f, 0x1p+0f},
    {"exp", 0x1.8d7cb6p-12f, 0x1.0018dap+0f},
    {"exp", 0x1.cd3982p-14f, 0x1.000734p+0f},
    {"exp", 0x1.747de2p-15f, 0x1.0002eap+0f},
    {"exp", 0x1.344e9cp-5f, 0x1.09d174p+0f},
    {"exp", 0x1.62b666p+1f, 0x1.ff48fap+3f},
    {"expm1", 0x1.84a5bap-4f, 0x1.97aed6p-4f},
    {"expm1", 0x1.4a9cf4p-11f, 0x1.4ab7a6p-11f},
    {"expm1", 0x1.94c582p-22f, 0x1.94c586p-22f},
    {"expm1", -0x1.eb97f8p-19f, -0x1.eb97bep-19f},
    {"expm1", 0x1.6a09e6p-24f, 0x1.6a09e6p-24f},
    {"expm1", -0x1.f676d8p-9f, -0x1.f5809cp-9f},
    {"expm1", 0x1.645636p-19f, 0x1.645654p-19f},
    {"expm1", -0x1p-24f, -0x1p-24f},
    {"expm1", 0x1.62b666p+1f, 0x1.df48fap+3f},
    {"expm1", 0x1.036492p+1f, 0x1.a59a28p+2f},
    {"log", 0x1.b121a6p+76f, 0x1.a9a3f2p+5f},
    {"log", 0x1.bacb4ap+25f, 0x1.1e0696p+4f},
    {"log", 0x1.c09d7cp+27f, 0x1.346a58p+4f},
    {"log", 0x1.2f1fd6p+3f, 0x1.1fcbcep+1f},
    {"log", 0x1.22d57p-65f, -0x1.676a7cp+5f},
    {"log", 0x1.5190cp+78f, 0x1.b2bc8cp+5f},
    {"log", 0x1.827a74p-7f, -0x1.1c2b1ep+2f},
    {"log", 0x1.6351d8p+95f, 0x1.08b512p+6f},
    {"log", 0x1.b97c7p-14f, -0x1.251748p+3f},
    {"log", 0x1.cb534cp+13f, 0x1.330e4ap+3f},
    {"log1p", 0x1.800006p-21f, 0x1.7ffffep-21f},
    {"log1p", -0x1.7ffffap-21f, -0x1.800002p-21f},
    {"log1p", 0x1.b121a6p+76f, 0x1.a9a3f2p+5f},
    {"log1p", 0x1.fb035ap-2f, 0x1.9bddc2p-2f},
    {"log1p", 0x1.200036p-17f, 0x1.1fffe6p-17f},
    {"log1p", -0x1.1fffcap-17f, -0x1.20001ap-17f},
    {"log1p", 0x1.30bf04p+43f, 0x1.dfac9p+4f},
    {"log1p", 0x1.0f1fd6p+3f, 0x1.1fcbcep+1f},
    {"log1p", 0x1.5190cp+78f, 0x1.b2bc8cp+5f},
    {"log1p", -0x1.1d9188p-9f, -0x1.1de14ap-9f},
    {"log1p", 0x1.6351d8p+95f, 0x1.08b512p+6f},
    {"tanh", -0x1.86fbc4p-10f, -0x1.86fbb2p-10f},
    {"tanh", 0x1.86fbc4p-10f, 0x1.86fbb2p-10f},
    {"tanh", -0x1.dc0accp-2f, -0x1.bc797cp-2f},
    {"tanh", 0x1.dc0accp-2f, 0x1.bc797cp-2f},
    {"tanh", -0x1.5969ap+2f, -0x1.fffaap-1f},
    {"tanh", 0x1.5969ap+2f, 0x1.fffaap-1f},
    {"erf", -0x1.81d5acp-13f, -0x1.b35e28p-13f},
    {"erf", 0x1.81d5acp-13f, 0x1.b35e28p-13f},
    {"erf", -0x1.800afap-12f, -0x1.b15892p-12f},
    {"erf", 0x1.800afap-12f, 0x1.b15892p-12f},
    {"erf", -0x1.1d3a5ap-20f, -0x1.41d864p-20f},
    {"erf", 0x1.1d3a5ap-20f, 0x1.41d864p-20f},
    {"erf", -0x1.5d48ccp-18f, -0x1.8a200ep-18f},
    {"erf", 0x1.5d48ccp-18f, 0x1.8a200ep-18f},
    {"erf", -0x1.546418p-126f, -0x1.80171p-126f},
    {"erf", 0x1.546418p-126f, 0x1.80171p-126f},
    {"sigmoid", -0x1p-24f, 0x1p-1f},
    {"sigmoid", 0x1p-23f, 0x1p-1f},
    {"sigmoid", -0x1.8p-23f, 0x1.fffffep-2f},
    {"sigmoid", 0x1.8p-22f, 0x1.000002p-1f},
    {"sigmoid", -0x1.4p-22f, 0x1.fffffcp-2f},
    {"sigmoid", -0x1.cp-22f, 0x1.fffffap-2f},
    {"sigmoid", 0x1.4p-21f, 0x1.000004p-1f},
    {"sigmoid", -0x1.2p-21f, 0x1.fffff8p-2f},
    {"sigmoid", -0x1.6p-21f, 0x1.fffff6p-2f},
    {"sigmoid", 0x1.cp-21f, 0x1.000006p-1f},
    {"sigmoid", -0x1.250c02p-10f, 0x1.ffb6bep-2f},
    {"softplus", 0x1.d483ap-12f, 0x1.63017ap-1f},
    {"softplus", 0x1.47f11p+2f, 0x1.485248p+2f},
    {"softplus", 0x1.ad174ep-10f, 0x1.634f82p-1f},
    {"softplus", 0x1.172c44p-12f, 0x1.62f5a2p-1f},
    {"softplus", -0x1.df473ep-25f, 0x1.62e43p-1f},
    {"softplus", 0x1.529a84p-11f, 0x1.630e86p-1f},
    {"softplus", -0x1.c0c966p-3f, 0x1.2ddc32p-1f},
    {"softplus", 0x1.deec42p-10f, 0x1.635bfap-1f},
    {"softplus", -0x1.c4490ap-2f, 0x1.fc692p-2f},
    {"softplus", -0x1.b83edep-14f, 0x1.62dd4ep-1f},
};

bool same(float a, float b)
{
    return kz_bits_f32(a) == kz_bits_f32(b) || (std::isnan(a) && std::isnan(b));
}

class Elementary : public testing::TestWithParam<Function> {
  protected:
    template <size_t n> void expect(const Known (&list)[n])
    {
        int checked = 0;
        for (const Known &k : list) {
            if (std::string(k.name) != GetParam().name) continue;
            float y = GetParam().f(k.x);
            EXPECT_TRUE(same(y, k.y)) << k.name << "(" << k.x << ") = " << y << ", must be " << k.y;
            checked++;
        }
        EXPECT_GT(checked, 4);
    }
};

TEST_P(Elementary, IsRightAtTheEndsOfItsDomain)
{
    expect(ends);
    for (uint32_t payload : {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu}) {
        EXPECT_TRUE(std::isnan(GetParam().f(kz_float_of_bits(payload))));
    }
}

TEST_P(Elementary, RoundsTheHardestInputsRight)
{
    expect(hard);
}

TEST_P(Elementary, NeverFalls)
{
    const Function &p = GetParam();
    for (uint32_t u = 0; u < 0x7f800000u - 4099; u += 4099) {
        for (float x : {kz_float_of_bits(u), -kz_float_of_bits(u + 1)}) {
            float next = std::nextafter(x, kInf);
            float y = p.f(x);
            ASSERT_TRUE(std::isnan(y) || y <= p.f(next)) << p.name << " at " << x;
        }
    }
}

TEST_P(Elementary, IsOddWhereTheFunctionIs)
{
    const Function &p = GetParam();
    if (!p.odd) return;
    for (uint32_t u = 0; u < 0x7f800000u; u += 4099) {
        float x = kz_float_of_bits(u);
        ASSERT_TRUE(same(p.f(-x), -p.f(x))) << p.name << " at " << x;
    }
}

#ifdef KZ_HAVE_MPFR

// Correctly rounded: 200 bits decide every input (the hardest known one needs 80).
float exact(const std::string &name, float x)
{
    mpfr_t y;
    mpfr_init2(y, 200);
    mpfr_set_flt(y, x, MPFR_RNDN);
    if (name == "exp") mpfr_exp(y, y, MPFR_RNDN);
    if (name == "expm1") mpfr_expm1(y, y, MPFR_RNDN);
    if (name == "log") mpfr_log(y, y, MPFR_RNDN);
    if (name == "log1p") mpfr_log1p(y, y, MPFR_RNDN);
    if (name == "tanh") mpfr_tanh(y, y, MPFR_RNDN);
    if (name == "erf") mpfr_erf(y, y, MPFR_RNDN);
    if (name == "sigmoid") {
        mpfr_neg(y, y, MPFR_RNDN);
        mpfr_exp(y, y, MPFR_RNDN);
        mpfr_add_ui(y, y, 1, MPFR_RNDN);
        mpfr_ui_div(y, 1, y, MPFR_RNDN);
    }
    if (name == "softplus") {
        mpfr_exp(y, y, MPFR_RNDN);
        mpfr_log1p(y, y, MPFR_RNDN);
    }
    float rounded = mpfr_get_flt(y, MPFR_RNDN);
    mpfr_clear(y);
    return rounded;
}

TEST_P(Elementary, RoundsASampleOfAllInputsRight)
{
    const Function &p = GetParam();
    const uint64_t stride = 2039; // a prime: 2.1 million inputs of every exponent and sign
    for (uint64_t u = 0; u < (uint64_t{1} << 32); u += stride) {
        float x = kz_float_of_bits(static_cast<uint32_t>(u));
        double y = p.near(static_cast<double>(x));
        double bound = std::isinf(y) ? 0.0 : 0x1p-48 * std::fabs(y);
        float low = static_cast<float>(y - bound), high = static_cast<float>(y + bound);
        float wanted = kz_bits_f32(low) == kz_bits_f32(high) ? low : exact(p.name, x);
        ASSERT_TRUE(same(p.f(x), wanted)) << p.name << "(" << x << ") = " << p.f(x) << ", must be " << wanted;
    }
}

#endif

std::string name_of(const testing::TestParamInfo<Function> &info)
{
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(All, Elementary, testing::ValuesIn(functions), name_of);

} // namespace
