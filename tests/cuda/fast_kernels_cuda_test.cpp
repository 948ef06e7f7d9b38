// The kernels beside fast products: casts, activations and slopes of bfloat16, bias gradients, the optimisers' copy.
#include "device_array.h"
#include "fast_device.h"
#include "kernels/cuda/fast_launchers.h"

namespace {

using cuda::Array;
using cuda::Queue;
using fast::decoded;
using oracle::Random;
using Floats = std::vector<float>;
using Halves = std::vector<kz_bf16>;

// To nearest, by its definition: the one of the two neighbours that is nearer, of two as near the even one.
kz_bf16 nearest(float x)
{
    kz_bf16 down = static_cast<kz_bf16>(oracle::bits(x) >> 16), up = static_cast<kz_bf16>(down + 1); // away from 0
    double low = std::fabs(kz_float_of_bf16(down));
    double high = (up & 0x7f80) == 0x7f80 ? 0x1p128 : std::fabs(kz_float_of_bf16(up));
    double a = std::fabs(static_cast<double>(x)), middle = (low + high) / 2;
    if (!std::isfinite(x)) return down;
    return a < middle || (a == middle && down % 2 == 0) ? down : up;
}

Halves rounded(const Floats &x)
{
    Halves all;
    for (float v : x) all.push_back(std::isnan(v) ? kz_bf16_of(v) : nearest(v));
    return all;
}

// Rows `stride` apart, 0x7fc1 (NaN) between them.
Halves spread(const Halves &x, int64_t rows, int64_t width, int64_t stride)
{
    Halves all(static_cast<size_t>(rows * stride), 0x7fc1);
    for (int64_t r = 0; r < rows; r++)
        std::copy(x.begin() + r * width, x.begin() + (r + 1) * width, all.begin() + r * stride);
    return all;
}

struct Shape {
    int64_t rows, width;
};
const Shape kShapes[] = {{1, 1}, {3, 2}, {5, 4}, {7, 10}, {4, 16}, {33, 64}, {2, 1027}, {129, 7}};

} // namespace

TEST(Bf16, RoundsToNearestEven)
{
    Random random(210);
    Floats x = {0.0f,    -0.0f,          1.0f,         1.00390625f,   1.01171875f, 1e-45f,     -9e-41f,
                3.4e38f, -3.4028235e38f, oracle::kInf, -oracle::kInf, 0x1.fep127f, 0x1.ffp127f};
    for (int i = 0; i < 20000; i++)
        x.push_back(kz_float_of_bits(static_cast<uint32_t>(random.below(int64_t{1} << 32))));
    for (float v : x) {
        if (std::isnan(v)) ASSERT_TRUE(std::isnan(kz_float_of_bf16(kz_bf16_of(v)))) << std::hex << oracle::bits(v);
        else ASSERT_EQ(kz_bf16_of(v), nearest(v)) << v;
    }
    EXPECT_TRUE(std::isnan(kz_float_of_bf16(kz_bf16_of(kz_float_of_bits(0x7f800001u)))));
}

TEST(FastKernels, CastsAreRounded)
{
    Random random(211);
    for (const Shape &s : kShapes)
        for (int64_t stride : {s.width, kz_bf16_stride(s.width), s.width + 3})
            for (size_t shift : {0, 1}) {
                Floats x = cuda::numbers(random, s.rows * s.width, true);
                cuda::for_each_order([&](unsigned order) {
                    Queue q(order % 2 ? 1 : 132);
                    Array<float> from(x, shift);
                    Halves blank(static_cast<size_t>(s.rows * stride), 0x7fc1);
                    Array<kz_bf16> to(blank, shift);
                    cuda::check(kz_cast_bf16__cuda(s.rows, s.width, from.begin(), to.begin(), stride, q));
                    ASSERT_EQ(to.values(), spread(rounded(x), s.rows, s.width, stride)) << "order " << order;
                });
            }
    Queue q;
    cuda::check(kz_cast_bf16__cuda(0, 5, nullptr, nullptr, 8, q));
}

// What the CPU's layer makes of the same totals; in bfloat16 of them as they are stored, and rounded once.
TEST(FastKernels, FinishesLayersAsTheCpu)
{
    Random random(212);
    for (const Shape &s : kShapes)
        for (int activation = 0; activation < KZ_ACTIVATIONS; activation++)
            for (double drop : {0.0, 0.4})
                for (bool has_bias : {false, true}) {
                    int64_t n = s.rows * s.width, stride = kz_bf16_stride(s.width);
                    Floats total = random.floats(n, -3, 3), none(static_cast<size_t>(s.width), -0.0f);
                    Floats bias = has_bias ? random.floats(s.width) : none;
                    Halves stored = rounded(total);
                    kz_cursor at = {0, 5};
                    kz_dense d = {};
                    d.rows = s.rows, d.units = s.width, d.inputs = 1, d.activation = activation;
                    if (drop > 0) d.dropout = {static_cast<uint32_t>(drop * 0x1p32), 1.5f, 77, 6, 1, nullptr};
                    auto on_cpu = [&](const Floats &totals, Floats *kept) {
                        Floats y = totals;
                        kz_dense c = d;
                        *kept = y;
                        c.bias = bias.data(), c.y = y.data(), c.kept = drop > 0 ? kept->data() : y.data();
                        if (drop > 0) c.dropout.at = &at;
                        kz_dense_forward_f32__plain(&c, 0, s.rows, 0, s.width);
                        if (!(drop > 0)) *kept = y;
                        return y;
                    };
                    Floats kept, kept_half, y = on_cpu(total, &kept), y_half = on_cpu(decoded(stored), &kept_half);
                    Array<kz_cursor> cursor({at});
                    if (drop > 0) d.dropout.at = cursor.begin();
                    for (unsigned order = 0; order < 8; order += 1 + static_cast<unsigned>(activation)) {
                        kz_cuda_on_cpu_order(order);
                        Queue q(order % 2 ? 1 : 132);
                        Array<float> b(bias), k32(total), y32(total);
                        Array<kz_bf16> k16(spread(stored, s.rows, s.width, stride)),
                            y16(spread(stored, s.rows, s.width, stride));
                        d.kept = k32.begin(), d.y = drop > 0 ? y32.begin() : d.kept;
                        cuda::check(kz_dense_finish_f32__cuda(&d, has_bias ? b.begin() : nullptr, q));
                        ASSERT_EQ(oracle::first_difference(k32.values(), kept), -1) << "order " << order;
                        if (drop > 0) {
                            ASSERT_EQ(oracle::first_difference(y32.values(), y), -1) << "order " << order;
                        }
                        d.kept = reinterpret_cast<float *>(k16.begin());
                        d.y = drop > 0 ? reinterpret_cast<float *>(y16.begin()) : d.kept;
                        cuda::check(kz_dense_finish_bf16__cuda(&d, has_bias ? b.begin() : nullptr, q));
                        ASSERT_EQ(k16.values(), spread(rounded(kept_half), s.rows, s.width, stride)) << order;
                        if (drop > 0) {
                            ASSERT_EQ(y16.values(), spread(rounded(y_half), s.rows, s.width, stride)) << order;
                        }
                    }
                }
    kz_cuda_on_cpu_order(0);
}

TEST(FastKernels, SlopesAreTheCpusRounded)
{
    Random random(213);
    for (const Shape &s : kShapes)
        for (int activation = 0; activation < KZ_ACTIVATIONS; activation++)
            for (double drop : {0.0, 0.4}) {
                int64_t n = s.rows * s.width, stride = kz_bf16_stride(s.width);
                Halves dz = rounded(random.floats(n, -3, 3)), kept = rounded(random.floats(n, -1, 1));
                kz_cursor at = {0, 9};
                kz_dense d = {};
                d.rows = s.rows, d.units = s.width, d.inputs = 1, d.activation = activation;
                if (drop > 0) d.dropout = {static_cast<uint32_t>(drop * 0x1p32), 2.5f, 78, 3, 2, &at};
                Floats want = decoded(dz), old = decoded(kept);
                d.kept = old.data();
                kz_dense_slope_f32__plain(&d, want.data(), 0, s.rows, 0, s.width);
                Array<kz_cursor> cursor({at});
                if (drop > 0) d.dropout.at = cursor.begin();
                cuda::for_each_order([&](unsigned order) {
                    Queue q(order % 2 ? 1 : 132);
                    Array<kz_bf16> z(spread(dz, s.rows, s.width, stride)), k(spread(kept, s.rows, s.width, stride));
                    d.kept = reinterpret_cast<float *>(k.begin());
                    cuda::check(kz_dense_slope_bf16__cuda(&d, z.begin(), q));
                    ASSERT_EQ(z.values(), spread(rounded(want), s.rows, s.width, stride)) << "order " << order;
                });
            }
}

TEST(FastKernels, BiasGradientsAreSumsOfColumns)
{
    Random random(214);
    for (const Shape &s : kShapes) {
        int64_t stride = kz_bf16_stride(s.width);
        Floats x = random.floats(s.rows * s.width, -1, 1), first, first_half;
        Halves half = rounded(x);
        Floats as_half = decoded(half);
        cuda::for_each_order([&](unsigned order) {
            Queue q;
            Array<float> from(x), db(Floats(static_cast<size_t>(s.width), -7.0f)), db_half(db.values());
            Array<kz_bf16> from_half(spread(half, s.rows, s.width, stride));
            cuda::check(kz_bias_gradient_f32__cuda(s.rows, s.width, from.begin(), s.width, db.begin(), q));
            cuda::check(kz_bias_gradient_bf16__cuda(s.rows, s.width, from_half.begin(), stride, db_half.begin(), q));
            if (order == 0) first = db.values(), first_half = db_half.values();
            ASSERT_EQ(oracle::first_difference(db.values(), first), -1) << "order " << order;
            ASSERT_EQ(oracle::first_difference(db_half.values(), first_half), -1) << "order " << order;
        });
        for (int64_t u = 0; u < s.width; u++) {
            double sum = 0, sum_half = 0, size = 0;
            for (int64_t r = 0; r < s.rows; r++) {
                size_t i = static_cast<size_t>(r * s.width + u);
                sum += x[i], sum_half += as_half[i], size += 1;
            }
            double bound = size * size * oracle::kUnit;
            ASSERT_TRUE(std::fabs(first[static_cast<size_t>(u)] - sum) <= bound) << u;
            ASSERT_TRUE(std::fabs(first_half[static_cast<size_t>(u)] - sum_half) <= bound) << u;
        }
    }
}

// The parameters as without a copy; the copy is theirs, and both stay after a bad step.
TEST(FastKernels, OptimisersKeepTheCopy)
{
    Random random(215);
    kz_optim_coef c = {};
    c.lr = 0.1f, c.shrink = 0.99f, c.momentum = 0.9f, c.fresh = 1, c.beta1_rest = 0.1f, c.beta2 = 0.99f;
    c.beta2_rest = 0.01f, c.eps = 1e-8f, c.step = 0.1f, c.root = 5, c.clip_norm = -1, c.clip_value = -1;
    for (int which = 0; which < KZ_OPTIMS; which++)
        for (int64_t n : {1, 3, 4, 1023, 5000})
            for (size_t shift : {0, 1})
                for (int64_t bad : {int64_t{-1}, int64_t{0}}) {
                    Floats g = random.floats(n), theta = random.floats(n), m = random.floats(n, 0, 1), v = m;
                    Halves old(static_cast<size_t>(n), 0x1234);
                    Array<kz_optim_coef> coef({c});
                    Array<kz_tally> tally({{1, 2, bad, 0}});
                    Array<double> norm({1.0});
                    cuda::for_each_order([&](unsigned order) {
                        Queue q(order % 2 ? 1 : 132);
                        Array<float> ga(g), one(theta), two(theta), m1(m), v1(v), m2(m), v2(v);
                        Array<kz_bf16> copy(old, shift);
                        float *s1[] = {m1.begin(), v1.begin()}, *s2[] = {m2.begin(), v2.begin()};
                        cuda::check(kz_optim_f32__cuda(which, coef.begin(), 1, tally.begin(), norm.begin(), n,
                                                       ga.begin(), one.begin(), s1, q));
                        cuda::check(kz_optim_copy_bf16__cuda(which, coef.begin(), 1, tally.begin(), norm.begin(), n,
                                                             ga.begin(), two.begin(), s2, copy.begin(), q));
                        ASSERT_EQ(oracle::first_difference(two.values(), one.values()), -1);
                        ASSERT_EQ(oracle::first_difference(v2.values(), v1.values()), -1);
                        ASSERT_EQ(copy.values(), bad < 0 ? rounded(two.values()) : old) << "order " << order;
                    });
                }
}
