// The optimisers' formulas over arrays: clipping, vanishing moments, cuts.
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using oracle::Guarded;
using oracle::Random;

struct Variant {
    const char *name;
    kz_optim_fn *optim;
};
#define KZ_ROW(how, attribute) {#how, kz_optim_f32__##how},
const Variant variants[] = {KZ_VARIANTS(KZ_ROW)};
#undef KZ_ROW

struct Row {
    const char *name;
    int arrays;
};
const Row optimizers[] = {
#define KZ_OPTIM(name, arrays, keys, text) {#name, arrays},
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
};

kz_optim_coef coef()
{
    kz_optim_coef c = {};
    c.lr = 0.1f, c.decay = 0.01f, c.shrink = 0.999f, c.momentum = 0.9f, c.fresh = 0.8f;
    c.beta1_rest = 0.1f, c.beta2 = 0.99f, c.beta2_rest = 0.01f, c.eps = 1e-8f, c.step = 0.3f, c.root = 5.0f;
    c.clip_norm = -1, c.clip_value = -1;
    return c;
}

struct State {
    std::vector<float> p, s0, s1;
};

State run(const Variant &v, int which, const kz_optim_coef &c, float scale, const std::vector<float> &g, const State &s,
          const std::vector<int64_t> &cut)
{
    Guarded p(s.p), s0(s.s0), s1(s.s1);
    float *state[KZ_OPTIM_MOST_ARRAYS] = {s0.begin(), optimizers[which].arrays > 1 ? s1.begin() : nullptr};
    for (size_t i = 1; i < cut.size(); i++) v.optim(which, &c, scale, g.data(), p.begin(), state, cut[i - 1], cut[i]);
    EXPECT_TRUE(p.intact() && s0.intact() && s1.intact()) << v.name;
    return {p.values(), s0.values(), s1.values()};
}

// The formulas of the papers in binary64.
void step(const std::string &name, const kz_optim_coef &c, double g, double &p, double &m, double &v)
{
    if (name == "sgd") {
        g += static_cast<double>(c.decay) * p;
        m = static_cast<double>(c.momentum) * m + static_cast<double>(c.fresh) * g;
        p -= static_cast<double>(c.lr) * (c.nesterov ? g + static_cast<double>(c.momentum) * m : m);
        return;
    }
    if (name == "adam") g += static_cast<double>(c.decay) * p;
    if (name == "adamw") p *= static_cast<double>(c.shrink);
    m += static_cast<double>(c.beta1_rest) * (g - m);
    v = static_cast<double>(c.beta2) * v + static_cast<double>(c.beta2_rest) * g * g;
    p -= static_cast<double>(c.step) * m / (std::sqrt(v) * static_cast<double>(c.root) + static_cast<double>(c.eps));
}

} // namespace

// All numbers are below 1 and quotients below 10: a dozen roundings.
TEST(OptimKernels, FollowTheirFormulas)
{
    Random random(60);
    for (int which = 0; which < KZ_OPTIMS; which++)
        for (int nesterov = 0; nesterov < 2; nesterov++)
            for (int64_t n : {0, 1, 7, 8, 9, 1000})
                for (const Variant &v : variants) {
                    if (!oracle::runs_here(v.name)) continue;
                    kz_optim_coef c = coef();
                    c.nesterov = nesterov;
                    State s = {random.floats(n), random.floats(n), random.floats(n, 0.01, 1)};
                    std::vector<float> g = random.floats(n);
                    State got = run(v, which, c, 1, g, s, {0, n});
                    for (size_t i = 0; i < static_cast<size_t>(n); i++) {
                        double p = s.p[i], m = s.s0[i], w = s.s1[i];
                        step(optimizers[which].name, c, g[i], p, m, w);
                        ASSERT_TRUE(std::fabs(got.p[i] - p) <= 12 * oracle::kUnit) << optimizers[which].name << i;
                        ASSERT_TRUE(std::fabs(got.s0[i] - m) <= 12 * oracle::kUnit) << optimizers[which].name << i;
                        if (optimizers[which].arrays < 2) continue;
                        ASSERT_TRUE(std::fabs(got.s1[i] - w) <= 12 * oracle::kUnit) << optimizers[which].name << i;
                    }
                }
}

TEST(OptimKernels, AnyCutAndVariantGiveTheSameBits)
{
    Random random(61);
    for (int which = 0; which < KZ_OPTIMS; which++) {
        const int64_t n = 777;
        State s = {random.floats(n), random.floats(n), random.floats(n, 0, 1)}, first;
        std::vector<float> g = random.floats(n);
        kz_optim_coef c = coef();
        c.clip_value = 0.25f;
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.name)) continue;
            State whole = run(v, which, c, 0.7f, g, s, {0, n});
            State pieces = run(v, which, c, 0.7f, g, s, oracle::cuts(random, n));
            if (first.p.empty()) first = whole;
            for (const State &other : {whole, pieces}) {
                ASSERT_EQ(oracle::first_difference(other.p, first.p), -1) << v.name;
                ASSERT_EQ(oracle::first_difference(other.s0, first.s0), -1) << v.name;
                ASSERT_EQ(oracle::first_difference(other.s1, first.s1), -1) << v.name;
            }
        }
    }
}

TEST(OptimKernels, VanishingMomentsBecomePlusZero)
{
    const float edge = 0x1p-100f, below = std::nextafterf(edge, 0);
    EXPECT_EQ(kz_settle(edge), edge);
    EXPECT_EQ(kz_settle(-edge), -edge);
    for (float s : {below, -below, -0.0f, 1e-45f, -1e-45f}) EXPECT_EQ(oracle::bits(kz_settle(s)), 0u) << s;
    EXPECT_TRUE(std::isnan(kz_settle(oracle::kNan)));
    for (int which = 0; which < KZ_OPTIMS; which++)
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.name)) continue;
            kz_optim_coef c = coef();
            c.decay = 0;
            State s = {{1, 1}, {-below, edge}, {below, edge}}, got = run(v, which, c, 1, {0, 0}, s, {0, 2});
            for (size_t i = 0; i < 2; i++) { // 0.9 edge falls below it, too
                EXPECT_EQ(oracle::bits(got.s0[i]), 0u) << v.name << " " << optimizers[which].name;
                if (optimizers[which].arrays < 2) continue;
                EXPECT_EQ(oracle::bits(got.s1[i]), 0u) << v.name << " " << optimizers[which].name;
            }
        }
}

TEST(OptimKernels, ClippingByNormIsTorchs)
{
    kz_optim_coef c = coef();
    EXPECT_EQ(kz_clip_scale(&c, 1e30), 1.0f) << "none asked for";
    c.clip_norm = 2;
    EXPECT_EQ(kz_clip_scale(&c, 2.0), 1.0f) << "not above the limit";
    EXPECT_EQ(kz_clip_scale(&c, 1.999), 1.0f);
    EXPECT_EQ(kz_clip_scale(&c, 8.0), static_cast<float>(2 / (8 + 1e-6)));
}

TEST(OptimKernels, ClippingByValueComesAfterTheScaleAndPassesNan)
{
    kz_optim_coef c = coef();
    EXPECT_EQ(kz_clipped(&c, 0.5f, 100), 50.0f) << "none asked for";
    c.clip_value = 1;
    EXPECT_EQ(kz_clipped(&c, 0.5f, 1.5f), 0.75f);
    EXPECT_EQ(kz_clipped(&c, 0.5f, 4), 1.0f);
    EXPECT_EQ(kz_clipped(&c, 0.5f, -4), -1.0f);
    EXPECT_EQ(kz_clipped(&c, 1, 1), 1.0f);
    EXPECT_TRUE(std::isnan(kz_clipped(&c, 1, oracle::kNan)));
    EXPECT_EQ(kz_clipped(&c, 1, -oracle::kInf), -1.0f);
}
