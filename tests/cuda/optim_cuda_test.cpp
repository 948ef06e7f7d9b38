// The optimisers on the device: as the plain kernels do, at the step that the tally names.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

const struct {
    const char *name;
    int arrays;
} optimizers[] = {
#define KZ_OPTIM(name, arrays, keys, text) {#name, arrays},
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
};

kz_optim_coef coef(Random &random)
{
    kz_optim_coef c = {};
    auto draw = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
    c.lr = draw(0.01, 0.5), c.decay = draw(0, 0.1), c.shrink = draw(0.9, 1), c.momentum = draw(0.5, 1);
    c.fresh = draw(0.5, 1), c.nesterov = random.below(2) == 1;
    c.beta1_rest = draw(0.05, 0.2), c.beta2 = draw(0.9, 1), c.beta2_rest = draw(0.001, 0.1), c.eps = 1e-8f;
    c.step = draw(0.01, 0.5), c.root = draw(1, 9), c.clip_norm = -1, c.clip_value = -1;
    return c;
}

struct Case {
    int which;
    int64_t n, step, bad_step;
    double norm;
    bool special;
    unsigned shifted; // a bit for each of g, parameters, moments
    int multiprocessors;
};

void expect_plain(Random &random, const Case &c, const std::vector<kz_optim_coef> &coefs)
{
    std::vector<float> g = cuda::numbers(random, c.n, c.special), p = cuda::numbers(random, c.n, c.special);
    std::vector<float> s[KZ_OPTIM_MOST_ARRAYS];
    for (std::vector<float> &state : s) {
        state = cuda::numbers(random, c.n, c.special);
        for (float &x : state) x = x < 0 ? -x * 0x1p-90f : x; // some of them vanish; roots are of positive numbers
    }
    Queue q(c.multiprocessors);
    Array<float> ga(g, c.shifted & 1), pa(p, c.shifted >> 1 & 1), s0(s[0], c.shifted >> 2 & 1),
        s1(s[1], c.shifted >> 3);
    Array<kz_optim_coef> ca(coefs);
    Array<kz_tally> tally({{1, 2, c.bad_step, c.step}});
    Array<double> norm({c.norm});
    int arrays = optimizers[c.which].arrays;
    float *on_device[] = {s0.begin(), arrays > 1 ? s1.begin() : nullptr};
    cuda::check(kz_optim_f32__cuda(c.which, ca.begin(), static_cast<int64_t>(coefs.size()), tally.begin(), norm.begin(),
                                   c.n, ga.begin(), pa.begin(), on_device, q));
    if (c.bad_step < 0) {
        const kz_optim_coef &now = coefs[static_cast<size_t>(c.step) % coefs.size()];
        float *on_host[] = {s[0].data(), arrays > 1 ? s[1].data() : nullptr};
        kz_optim_f32__plain(c.which, &now, kz_clip_scale(&now, c.norm), g.data(), p.data(), on_host, 0, c.n);
    }
    std::string what = optimizers[c.which].name + std::string(", n ") + std::to_string(c.n);
    ASSERT_EQ(oracle::first_difference(pa.values(), p), -1) << what;
    ASSERT_EQ(oracle::first_difference(s0.values(), s[0]), -1) << what;
    ASSERT_EQ(oracle::first_difference(s1.values(), s[1]), -1) << what;
    ASSERT_EQ(oracle::first_difference(ga.values(), g), -1) << what;
}

std::vector<kz_optim_coef> some(Random &random, int64_t count)
{
    std::vector<kz_optim_coef> list;
    for (int64_t i = 0; i < count; i++) list.push_back(coef(random));
    return list;
}

} // namespace

TEST(CudaOptim, GivesThePlainBits)
{
    Random random(100);
    cuda::for_each_order([&](unsigned) {
        for (int which = 0; which < KZ_OPTIMS; which++)
            for (int64_t n : {0, 1, 3, 4, 5, 127, 128, 511, 512, 513, 4097, 6001})
                for (unsigned shifted : {0u, 1u, 2u, 4u, 8u, 15u})
                    expect_plain(random, {which, n, random.below(30), -1, 1.0, n % 2 == 1, shifted, n % 3 ? 1 : 132},
                                 some(random, 4));
    });
}

TEST(CudaOptim, Clips)
{
    Random random(101);
    for (int which = 0; which < KZ_OPTIMS; which++)
        for (double norm : {0.5, 2.0, 2.5, 1e30, static_cast<double>(INFINITY), static_cast<double>(NAN)})
            for (float value : {-1.0f, 0.25f}) {
                std::vector<kz_optim_coef> list = some(random, 3);
                for (kz_optim_coef &c : list) c.clip_norm = 2, c.clip_value = value;
                expect_plain(random, {which, 1001, 7, -1, norm, true, 0, 132}, list);
            }
}

TEST(CudaOptim, AfterABadStepNothingChanges)
{
    Random random(102);
    for (int which = 0; which < KZ_OPTIMS; which++)
        for (int64_t bad_step : {0, 3})
            expect_plain(random, {which, 700, 3, bad_step, 1.0, false, 0, 132}, some(random, 2));
}

TEST(CudaOptim, LaterStepsTakeTheirCoefficients)
{
    Random random(103);
    for (int64_t step : {0, 1, 2, 3, 4, 1000000007})
        for (int64_t coefs : {1, 3}) expect_plain(random, {0, 9, step, -1, 1.0, false, 0, 132}, some(random, coefs));
}

TEST(CudaOptim, RefusesWhatIsNotInTheList)
{
    Queue q;
    Array<float> x({1});
    float *state[] = {x.begin(), x.begin()};
    EXPECT_EQ(kz_optim_f32__cuda(KZ_OPTIMS, nullptr, 1, nullptr, nullptr, 1, x.begin(), x.begin(), state, q),
              cudaErrorInvalidValue);
    EXPECT_EQ(kz_optim_f32__cuda(0, nullptr, 1, nullptr, nullptr, 0, nullptr, nullptr, state, q), cudaSuccess);
}
