// Bias, activation and dropout of a dense layer, and their slopes.
#include "cursors.h"
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using oracle::Guarded;
using oracle::Random;
using oracle::rounded;

struct Variant {
    const char *name;
    kz_dense_forward_fn *forward;
    kz_dense_slope_fn *slope;
};
#define KZ_ROW(how, attribute) {#how, kz_dense_forward_f32__##how, kz_dense_slope_f32__##how},
const Variant variants[] = {KZ_VARIANTS(KZ_ROW)};
#undef KZ_ROW

float activate(int which, float z)
{
    switch (which) {
    case KZ_ACTIVATION_relu: return z <= 0 ? 0.0f : z;
    case KZ_ACTIVATION_tanh: return rounded(std::tanh(static_cast<long double>(z)));
    case KZ_ACTIVATION_sigmoid: return rounded(1 / (1 + std::exp(-static_cast<long double>(z))));
    default: return z;
    }
}

float slope_at(int which, float a)
{
    switch (which) {
    case KZ_ACTIVATION_relu: return a <= 0 ? 0.0f : 1.0f;
    case KZ_ACTIVATION_tanh: return std::fmaf(-a, a, 1.0f);
    case KZ_ACTIVATION_sigmoid: return a * (1.0f - a);
    default: return 1.0f;
    }
}

// Rule 9, element by element.
float factor_of(const kz_dropout &d, int64_t at)
{
    if (d.threshold == 0) return 1;
    kz_stream s = kz_stream_of(d.seed, KZ_FOR_DROPOUT, d.layer, static_cast<uint32_t>(d.at->step));
    return kz_random_u32(s, d.first + static_cast<uint64_t>(at)) >= d.threshold ? d.factor : 0.0f;
}

kz_dropout dropout(double p, uint64_t first = 0)
{
    kz_dropout d = {};
    d.threshold = static_cast<uint32_t>(std::floor(p * 0x1p32));
    d.factor = static_cast<float>(1 / (1 - p));
    d.seed = 0x123456789abcdefu, d.first = first, d.at = at_step(3), d.layer = 2;
    return d;
}

struct Layer {
    kz_dense d = {};
    std::vector<float> totals, bias, dy;

    Layer(Random &random, int64_t rows, int64_t units, int activation, const kz_dropout &drop)
        : totals(random.floats(rows * units, -4, 4)), bias(random.floats(units)), dy(random.floats(rows * units))
    {
        d.rows = rows, d.units = units, d.activation = activation, d.dropout = drop;
        d.bias = bias.data();
    }
    bool drops() const
    {
        return d.dropout.threshold > 0;
    }
};

struct Result {
    std::vector<float> y, kept, dz;
};

// Forward and back over the pieces.
Result run(const Variant &v, Layer &l, const std::vector<int64_t> &rows, const std::vector<int64_t> &columns)
{
    Guarded y(l.totals), kept(static_cast<int64_t>(l.totals.size())), dz(l.dy);
    l.d.y = y.begin();
    l.d.kept = l.drops() ? kept.begin() : y.begin();
    for (size_t i = 1; i < rows.size(); i++)
        for (size_t j = 1; j < columns.size(); j++) v.forward(&l.d, rows[i - 1], rows[i], columns[j - 1], columns[j]);
    for (size_t j = 1; j < columns.size(); j++)
        for (size_t i = 1; i < rows.size(); i++)
            v.slope(&l.d, dz.begin(), rows[i - 1], rows[i], columns[j - 1], columns[j]);
    EXPECT_TRUE(y.intact() && kept.intact() && dz.intact()) << v.name;
    return {y.values(), l.drops() ? kept.values() : y.values(), dz.values()};
}

Result wanted(const Layer &l)
{
    Result r;
    for (size_t i = 0; i < l.totals.size(); i++) {
        float f = factor_of(l.d.dropout, static_cast<int64_t>(i));
        float kept = activate(l.d.activation, l.totals[i] + l.bias[i % static_cast<size_t>(l.d.units)]);
        r.kept.push_back(kept);
        r.y.push_back(l.drops() ? kept * f : kept);
        float dz = l.drops() ? l.dy[i] * f : l.dy[i];
        r.dz.push_back(dz * slope_at(l.d.activation, kept));
    }
    return r;
}

void expect_same(const Result &got, const Result &want, const std::string &what)
{
    ASSERT_EQ(oracle::first_difference(got.kept, want.kept), -1) << what;
    ASSERT_EQ(oracle::first_difference(got.y, want.y), -1) << what;
    ASSERT_EQ(oracle::first_difference(got.dz, want.dz), -1) << what;
}

const char *const names[] = {
#define KZ_ACTIVATION(name, formula) #name,
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
};

} // namespace

TEST(Dense, ForwardAndSlopeAreTheFormulas)
{
    Random random(20);
    for (int a = 0; a < KZ_ACTIVATIONS; a++)
        for (double p : {0.0, 0.3})
            for (int64_t units : {1, 7, 255, 256, 257, 700})
                for (const Variant &v : variants) {
                    if (!oracle::runs_here(v.name)) continue;
                    Layer l(random, 5, units, a, dropout(p, 11));
                    expect_same(run(v, l, {0, 5}, {0, units}), wanted(l),
                                std::string(v.name) + " " + names[a] + " units " + std::to_string(units));
                }
}

TEST(Dense, HandComputed)
{
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.name)) continue;
        float bias[] = {0.5f, -1.0f}, y[] = {1, 1, -2, 3}, dz[] = {1, 1, 1, 1};
        kz_dense d = {};
        d.rows = 2, d.units = 2, d.bias = bias, d.y = y, d.kept = y, d.activation = KZ_ACTIVATION_relu;
        v.forward(&d, 0, 2, 0, 2);
        EXPECT_EQ(std::vector<float>(y, y + 4), (std::vector<float>{1.5f, 0, 0, 2}));
        v.slope(&d, dz, 0, 2, 0, 2);
        EXPECT_EQ(std::vector<float>(dz, dz + 4), (std::vector<float>{1, 0, 0, 1}));
    }
}

TEST(Dense, AnyCutGivesTheSameBits)
{
    Random random(21);
    for (int round = 0; round < 40; round++) {
        int64_t rows = 1 + random.below(9), units = 1 + random.below(600);
        Layer l(random, rows, units, static_cast<int>(random.below(KZ_ACTIVATIONS)),
                dropout(round % 4 ? 0.4 : 0, static_cast<uint64_t>(random.below(1000))));
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.name)) continue;
            Result whole = run(v, l, {0, rows}, {0, units});
            expect_same(run(v, l, oracle::cuts(random, rows), oracle::cuts(random, units)), whole, v.name);
        }
    }
}

// A part that begins at row r of the batch has first = r units.
TEST(Dense, DropoutIsNumberedByTheRowInTheBatch)
{
    Random random(22);
    const int64_t units = 333;
    Layer batch(random, 8, units, KZ_ACTIVATION_tanh, dropout(0.5));
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.name)) continue;
        std::vector<float> whole = run(v, batch, {0, 8}, {0, units}).y;
        Layer part = batch;
        part.bias = batch.bias;
        part.d.bias = part.bias.data();
        part.totals.erase(part.totals.begin(), part.totals.begin() + 3 * units);
        part.dy.erase(part.dy.begin(), part.dy.begin() + 3 * units);
        part.d.rows = 5;
        part.d.dropout.first = 3 * units;
        std::vector<float> end(whole.begin() + 3 * units, whole.end());
        ASSERT_EQ(oracle::first_difference(run(v, part, {0, 5}, {0, units}).y, end), -1) << v.name;
    }
}

// The share of n kept outputs deviates from 1 - p by sqrt(p (1 - p) / n): six of that.
TEST(Dense, DropoutKeepsItsShare)
{
    Random random(23);
    const int64_t rows = 256, units = 1024, n = rows * units;
    for (double p : {0.001, 0.1, 0.5, 0.9})
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.name)) continue;
            Layer l(random, rows, units, KZ_ACTIVATION_identity, dropout(p));
            std::fill(l.totals.begin(), l.totals.end(), 1.0f);
            std::fill(l.bias.begin(), l.bias.end(), 0.0f);
            int64_t kept = 0;
            for (float y : run(v, l, {0, rows}, {0, units}).y) {
                ASSERT_TRUE(y == 0 || y == l.d.dropout.factor);
                kept += y != 0;
            }
            double err = std::fabs(static_cast<double>(kept) / static_cast<double>(n) - (1 - p));
            ASSERT_TRUE(err <= 6 * std::sqrt(p * (1 - p) / static_cast<double>(n))) << p << ": " << kept;
        }
}

TEST(Dense, NanPassesEveryActivationAndDropout)
{
    Random random(24);
    for (int a = 0; a < KZ_ACTIVATIONS; a++)
        for (double p : {0.0, 0.999})
            for (const Variant &v : variants) {
                if (!oracle::runs_here(v.name)) continue;
                Layer l(random, 2, 40, a, dropout(p));
                for (size_t i = 0; i < 80; i++) (i % 2 ? l.totals : l.dy)[i] = oracle::kNan;
                Result r = run(v, l, {0, 2}, {0, 40});
                for (size_t i = 0; i < 80; i++)
                    ASSERT_TRUE(std::isnan(i % 2 ? r.y[i] : r.dz[i])) << v.name << " " << names[a] << " " << i;
            }
}
