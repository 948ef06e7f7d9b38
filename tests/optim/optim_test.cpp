// Optimisers on a device: PyTorch's trajectories, clipping, bad steps, and what each of the list must do.
#include "devices.h"
#include "golden_json.h"
#include "oracle.h"

#include "kz/optim.h"

#include <cstring>
#include <gtest/gtest.h>

namespace {

using devices::Array;
using devices::Device;

struct Row {
    const char *name;
    int arrays;
};
const Row optimizers[] = {
#define KZ_OPTIM(name, arrays, keys, text) {#name, arrays},
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
};

kz_config_optimizer config(const char *name, double lr)
{
    kz_config_optimizer c = {};
    c.name = name, c.lr = lr;
    c.beta1 = 0.9, c.beta2 = 0.999, c.eps = 1e-8;
    c.clip_norm = c.clip_value = KZ_UNSET;
    c.schedule.name = "constant";
    return c;
}

// An optimiser with its parameters on a device.
class Optim {
  public:
    Optim(const Device &dev, const kz_config_optimizer &cfg, const std::vector<float> &theta, int64_t steps = 1000)
        : theta_(dev, theta), grad_(dev, theta.size()), norm_(dev, {1.0}), tally_(dev, 1)
    {
        set_bad_step(-1);
        EXPECT_EQ(kz_optim_create(&opt, dev.get(), &cfg, static_cast<int64_t>(theta.size()), steps), KZ_OK)
            << kz_error_message();
    }
    ~Optim()
    {
        kz_optim_destroy(&opt);
    }
    Optim(const Optim &) = delete;
    Optim &operator=(const Optim &) = delete;
    void set_bad_step(int64_t step)
    {
        tally_state_.bad_step = step;
    }
    void step(const std::vector<float> &grad, double norm = 1)
    {
        grad_.set(grad);
        norm_.set({norm});
        tally_state_.step = done_++;
        tally_.set({tally_state_});
        EXPECT_EQ(kz_optim_prepare(opt, tally_state_.step), KZ_OK);
        EXPECT_EQ(kz_optim_step(opt, tally_.get(), norm_.get(), grad_.get(), theta_.get()), KZ_OK);
    }
    std::vector<float> theta() const
    {
        return theta_.values();
    }
    kz_optim *opt = nullptr;

  private:
    Array<float> theta_, grad_;
    Array<double> norm_;
    Array<kz_tally> tally_;
    kz_tally tally_state_ = {};
    int64_t done_ = 0;
};

// The inputs of make_torch_trajectories.py.
struct Draws {
    uint32_t s = 20240229;
    float next(int shift)
    {
        s = 1664525u * s + 1013904223u;
        int32_t draw = static_cast<int32_t>((s >> 8) & 0xffff) - 32768;
        return std::ldexp(static_cast<float>(draw), -15 - shift);
    }
    std::vector<float> parameters()
    {
        std::vector<float> p;
        for (int i = 0; i < 64; i++) p.push_back(next(i % 4));
        return p;
    }
    std::vector<float> gradient(int t)
    {
        std::vector<float> g;
        for (int i = 0; i < 64; i++) {
            float draw = next(i % 13);
            g.push_back(i % 16 == 15 || (t + i) % 7 == 0 ? 0.0f : draw);
        }
        return g;
    }
};

kz_config_optimizer config_of(const json_t *j)
{
    kz_config_optimizer c = config("", golden::number(j, "lr"));
    for (const Row &row : optimizers)
        if (golden::text(j, "name") == row.name) c.name = row.name;
    c.momentum = golden::number(j, "momentum"), c.dampening = golden::number(j, "dampening");
    c.nesterov = json_is_true(json_object_get(j, "nesterov"));
    c.beta1 = golden::number(j, "beta1", 0.9), c.beta2 = golden::number(j, "beta2", 0.999);
    c.eps = golden::number(j, "eps", 1e-8), c.weight_decay = golden::number(j, "weight_decay");
    return c;
}

void follow(const json_t *item, const std::string &isa)
{
    Device dev(isa, 2);
    Draws draws;
    Optim o(dev, config_of(json_object_get(item, "config")), draws.parameters(), 50);
    std::vector<double> recorded = golden::numbers(item, "recorded");
    std::vector<const json_t *> wanted = golden::items(item, "float64"), bound = golden::items(item, "tolerance");
    size_t next = 0;
    double worst = 0;
    for (int t = 1; t <= 50; t++) {
        o.step(draws.gradient(t));
        if (next == recorded.size() || t != static_cast<int>(recorded[next])) continue;
        std::vector<double> want = golden::numbers(wanted[next]), most = golden::numbers(bound[next]);
        std::vector<float> got = o.theta();
        next++;
        ASSERT_EQ(want.size(), 64u);
        for (size_t i = 0; i < 64; i++) {
            double err = std::fabs(static_cast<double>(got[i]) - want[i]);
            ASSERT_TRUE(err <= most[i]) << golden::text(item, "name") << " on " << isa << ", step " << t << ", " << i;
            if (most[i] > 0) worst = std::max(worst, err / most[i]);
        }
    }
    ASSERT_EQ(next, recorded.size());
    ASSERT_TRUE(worst > 0) << "nothing was compared";
}

} // namespace

TEST(Optim, FollowsTorchFor50Steps)
{
    golden::Json file = golden::load("torch_trajectories.json");
    std::vector<const json_t *> cases = golden::items(file.get(), "cases");
    ASSERT_GE(cases.size(), 10u);
    for (const json_t *item : cases)
        for (const std::string &isa : devices::isas()) {
            follow(item, isa);
            if (HasFatalFailure()) return;
        }
}

TEST(Optim, DrawsTheInputsThatTorchGot)
{
    golden::Json file = golden::load("torch_trajectories.json");
    Draws draws;
    std::vector<double> initial = golden::numbers(file.get(), "initial"),
                        first = golden::numbers(file.get(), "gradient_1");
    std::vector<float> p = draws.parameters(), g = draws.gradient(1);
    for (size_t i = 0; i < 64; i++) {
        EXPECT_EQ(p[i], static_cast<float>(initial[i]));
        EXPECT_EQ(g[i], static_cast<float>(first[i]));
    }
    for (int t = 2; t <= 50; t++) draws.gradient(t);
    EXPECT_EQ(static_cast<double>(draws.s), golden::number(file.get(), "last_state"));
}

// The kernel's first step by hand.
TEST(Optim, FirstStepByHand)
{
    Device dev;
    Optim sgd(dev, config("sgd", 0.5), {1, -2});
    sgd.step({0.25f, 4});
    EXPECT_EQ(sgd.theta(), (std::vector<float>{0.875f, -4}));
    Optim adam(dev, config("adam", 0.125), {1, -2});
    adam.step({3, -1e-3f}); // the first step of Adam is lr, whatever the gradient
    EXPECT_TRUE(std::fabs(static_cast<double>(adam.theta()[0]) - 0.875) <= 4 * oracle::kUnit);
    EXPECT_TRUE(std::fabs(static_cast<double>(adam.theta()[1]) + 1.875) <= 1e-5 * 0.125 + 4 * oracle::kUnit);
}

TEST(Sgd, SecondStepCarriesMomentum)
{
    Device dev;
    kz_config_optimizer c = config("sgd", 1);
    c.momentum = 0.5;
    Optim o(dev, c, {0});
    o.step({1}); // v = 1
    o.step({1}); // v = 1.5
    EXPECT_EQ(o.theta()[0], -2.5f);
    c.nesterov = true;
    Optim n(dev, c, {0});
    n.step({1}); // v = 1,   p -= 1 + 0.5
    n.step({1}); // v = 1.5, p -= 1 + 0.75
    EXPECT_EQ(n.theta()[0], -3.25f);
}

TEST(Sgd, DampeningSparesTheFirstStepAndNeedsMomentum)
{
    Device dev;
    kz_config_optimizer c = config("sgd", 1);
    c.momentum = 0.5, c.dampening = 0.75;
    Optim damped(dev, c, {0});
    damped.step({1}); // v = 1
    damped.step({1}); // v = 0.5 + 0.25
    EXPECT_EQ(damped.theta()[0], -1.75f);
    c.momentum = 0; // torch then has no v to damp
    Optim plain(dev, c, {0});
    plain.step({1});
    plain.step({1});
    EXPECT_EQ(plain.theta()[0], -2.0f);
}

TEST(Optim, ClipsByNormThenByValue)
{
    Device dev;
    kz_config_optimizer c = config("sgd", 1);
    c.clip_norm = 5;
    Optim by_norm(dev, c, {0, 0});
    by_norm.step({6, 8}, 10);
    float scale = static_cast<float>(5 / (10 + 1e-6));
    EXPECT_EQ(by_norm.theta(), (std::vector<float>{-(6 * scale), -(8 * scale)}));
    by_norm.step({3, 4}, 5); // not longer than 5
    EXPECT_EQ(by_norm.theta()[0], -(6 * scale) - 3);
    c.clip_value = 3.5;
    Optim both(dev, c, {0, 0});
    both.step({6, 8}, 10);
    EXPECT_EQ(both.theta(), (std::vector<float>{-(6 * scale), -3.5f}));
    c.clip_norm = KZ_UNSET;
    Optim by_value(dev, c, {0, 0, 0});
    by_value.step({6, -8, 1}, 10);
    EXPECT_EQ(by_value.theta(), (std::vector<float>{-3.5f, 3.5f, -1}));
}

TEST(Optim, ABadStepStopsEveryUpdate)
{
    for (const Row &row : optimizers) {
        Device dev;
        Optim o(dev, config(row.name, 0.1), {1, 2, 3});
        o.step({1, 1, 1});
        std::vector<float> before = o.theta();
        o.set_bad_step(1);
        o.step({1, 1, 1});
        o.step({1, 1, 1});
        EXPECT_EQ(o.theta(), before) << row.name;
        o.set_bad_step(-1);
        o.step({1, 1, 1});
        EXPECT_NE(o.theta(), before) << row.name;
    }
}

// 0.5 sum of c (x - 1)^2 with curvatures from 0.1 to 1: every optimiser takes it to less than a hundredth.
TEST(OptimConformance, FallsOnAQuadratic)
{
    for (const Row &row : optimizers) {
        std::vector<float> first;
        for (const std::string &isa : devices::isas())
            for (int threads : {1, 3}) {
                Device dev(isa, threads);
                kz_config_optimizer c = config(row.name, strcmp(row.name, "sgd") == 0 ? 0.3 : 0.05);
                const size_t n = 50;
                Optim o(dev, c, std::vector<float>(n, -1.0f));
                auto loss = [&] {
                    double total = 0;
                    std::vector<float> x = o.theta();
                    for (size_t i = 0; i < n; i++)
                        total += 0.5 * (0.1 + 0.9 * static_cast<double>(i) / n) * (static_cast<double>(x[i]) - 1) *
                                 (static_cast<double>(x[i]) - 1);
                    return total;
                };
                double before = loss();
                for (int t = 0; t < 300; t++) {
                    std::vector<float> x = o.theta(), g;
                    for (size_t i = 0; i < n; i++)
                        g.push_back(static_cast<float>(0.1 + 0.9 * static_cast<double>(i) / n) * (x[i] - 1));
                    o.step(g);
                }
                ASSERT_TRUE(loss() <= 0.01 * before) << row.name << ": " << before << " to " << loss();
                if (first.empty()) first = o.theta();
                ASSERT_EQ(oracle::first_difference(o.theta(), first), -1) << row.name << " on " << dev.name();
            }
    }
}

TEST(OptimConformance, ExposesItsState)
{
    for (const Row &row : optimizers) {
        Device dev;
        Optim o(dev, config(row.name, 0.1), {1, 2});
        ASSERT_EQ(kz_optim_arrays(o.opt), row.arrays) << row.name;
        o.step({1, -1});
        for (int i = 0; i < row.arrays; i++) {
            std::vector<float> s(2);
            ASSERT_EQ(dev->download(dev.get(), s.data(), kz_optim_array(o.opt, i), 8), KZ_OK);
            EXPECT_NE(s, std::vector<float>(2)) << row.name << " array " << i;
        }
    }
}

TEST(OptimConformance, EachAllocationFailsInTurn)
{
    Device dev;
    for (const Row &row : optimizers) {
        kz_config_optimizer c = config(row.name, 0.1);
        kz_status st = KZ_E_MEM;
        int64_t n = 0;
        while (st != KZ_OK && n < 100) {
            kz_optim *opt = nullptr;
            kz_calloc_fail_at(++n);
            st = kz_optim_create(&opt, dev.get(), &c, 10, 10);
            kz_calloc_fail_at(0);
            ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << row.name;
            ASSERT_EQ(opt != nullptr, st == KZ_OK);
            kz_optim_destroy(&opt);
        }
        EXPECT_EQ(n, row.arrays + 3) << row.name << ": itself, each array and the coefficients";
    }
}

TEST(Optim, RefusesWhatCannotBe)
{
    Device dev;
    kz_optim *opt = nullptr;
    kz_config_optimizer c = config("lion", 0.1);
    EXPECT_EQ(kz_optim_create(&opt, dev.get(), &c, 1, 1), KZ_E_NAME);
    c = config("sgd", 0.1);
    c.schedule.warmup_steps = 11;
    EXPECT_EQ(kz_optim_create(&opt, dev.get(), &c, 1, 10), KZ_E_CONFIG);
    EXPECT_NE(strstr(kz_error_message(), "11, but the run has only 10 steps"), nullptr) << kz_error_message();
    EXPECT_EQ(opt, nullptr);
    c.schedule.warmup_steps = 10;
    EXPECT_EQ(kz_optim_create(&opt, dev.get(), &c, 1, 10), KZ_OK);
    kz_optim_destroy(&opt);
}
