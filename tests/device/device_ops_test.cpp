// The device's operations: what a layer, a sum and an update compute, the same on any threads and instruction set.
#include "cursors.h"
#include "devices.h"
#include "oracle.h"

#include <gtest/gtest.h>

namespace {

using devices::Array;
using devices::Device;
using oracle::Random;

// Calls test(device) for every instruction set and 1, 2, 3 and 8 threads.
template <class Test> void on_every_device(Test test)
{
    for (const std::string &isa : devices::isas())
        for (int threads : {1, 2, 3, 8}) {
            Device dev(isa, threads);
            SCOPED_TRACE(dev.name());
            test(dev);
            if (testing::Test::HasFatalFailure()) return;
        }
}

kz_dropout some_dropout()
{
    kz_dropout d = {};
    d.threshold = 1u << 30, d.factor = static_cast<float>(1 / 0.75);
    d.seed = 9, d.first = 5, d.at = at_step(2), d.layer = 1;
    return d;
}

float factor_of(const kz_dropout &d, int64_t at)
{
    kz_stream s = kz_stream_of(d.seed, KZ_FOR_DROPOUT, d.layer, static_cast<uint32_t>(d.at->step));
    return kz_random_u32(s, d.first + static_cast<uint64_t>(at)) >= d.threshold ? d.factor : 0.0f;
}

float relu(float z)
{
    return z <= 0 ? 0.0f : z;
}

// A relu layer with dropout on `rows` rows, large enough to be shared out among threads, or tiny.
struct Layer {
    int64_t rows, inputs, units;
    std::vector<float> x, w, b, dz;
    kz_dropout drop = some_dropout();

    Layer(uint64_t seed, int64_t rows_, int64_t inputs_, int64_t units_) : rows(rows_), inputs(inputs_), units(units_)
    {
        Random random(seed);
        x = random.floats(rows * inputs), w = random.floats(units * inputs);
        b = random.floats(units), dz = random.floats(rows * units);
    }
    float x_at(int64_t r, int64_t i) const
    {
        return x[static_cast<size_t>(r * inputs + i)];
    }
    float w_at(int64_t u, int64_t i) const
    {
        return w[static_cast<size_t>(u * inputs + i)];
    }
    float dz_at(int64_t r, int64_t u) const
    {
        return dz[static_cast<size_t>(r * units + u)];
    }
    std::vector<float> kept() const
    {
        std::vector<float> out;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t u = 0; u < units; u++)
                out.push_back(
                    relu(oracle::product(
                             inputs, [&](int64_t i) { return x_at(r, i); }, [&](int64_t i) { return w_at(u, i); }) +
                         b[static_cast<size_t>(u)]));
        return out;
    }
    std::vector<float> dw() const
    {
        std::vector<float> out;
        for (int64_t u = 0; u < units; u++)
            for (int64_t i = 0; i < inputs; i++)
                out.push_back(oracle::product(
                    rows, [&](int64_t r) { return dz_at(r, u); }, [&](int64_t r) { return x_at(r, i); }));
        return out;
    }
    std::vector<float> db() const
    {
        std::vector<float> out;
        for (int64_t u = 0; u < units; u++)
            out.push_back(oracle::product(
                rows, [&](int64_t r) { return dz_at(r, u); }, [](int64_t) { return 1.0f; }));
        return out;
    }
    // The gradient at x, which came from a relu layer with the same dropout whose kept outputs were `below`.
    std::vector<float> dx(const std::vector<float> &below) const
    {
        std::vector<float> out;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < inputs; i++) {
                int64_t at = r * inputs + i;
                float d = oracle::product(
                    units, [&](int64_t u) { return dz_at(r, u); }, [&](int64_t u) { return w_at(u, i); });
                d = d * factor_of(drop, at);
                out.push_back(d * (below[static_cast<size_t>(at)] <= 0 ? 0.0f : 1.0f));
            }
        return out;
    }
};

const int64_t shapes[][3] = {{0, 3, 4}, {1, 1, 1}, {2, 300, 3}, {70, 150, 130}, {300, 40, 20}}; // rows, inputs, units

} // namespace

TEST(DeviceOps, DenseForwardIsProductBiasActivationDropout)
{
    for (const auto &s : shapes) {
        Layer l(1, s[0], s[1], s[2]);
        std::vector<float> kept = l.kept(), y = kept;
        for (size_t i = 0; i < y.size(); i++) y[i] *= factor_of(l.drop, static_cast<int64_t>(i));
        on_every_device([&](const Device &dev) {
            Array<float> x(dev, l.x), w(dev, l.w), b(dev, l.b), out(dev, y.size()), before(dev, y.size());
            kz_dense d = {};
            d.rows = l.rows, d.inputs = l.inputs, d.units = l.units, d.activation = KZ_ACTIVATION_relu;
            d.weight = w.get(), d.bias = b.get(), d.dropout = l.drop, d.y = out.get(), d.kept = before.get();
            ASSERT_EQ(dev->dense_forward(dev.get(), &d, x.get()), KZ_OK);
            ASSERT_EQ(oracle::first_difference(before.values(), kept), -1);
            ASSERT_EQ(oracle::first_difference(out.values(), y), -1);
        });
    }
}

TEST(DeviceOps, DenseGradientsAreTheirProducts)
{
    for (const auto &s : shapes) {
        Layer l(2, s[0], s[1], s[2]);
        std::vector<float> below = Random(3).floats(l.rows * l.inputs), dw = l.dw(), db = l.db(), dx = l.dx(below);
        on_every_device([&](const Device &dev) {
            Array<float> x(dev, l.x), w(dev, l.w), dz(dev, l.dz), kept(dev, below);
            Array<float> got_dw(dev, std::vector<float>(dw.size(), 7)), got_db(dev, std::vector<float>(db.size(), 7));
            Array<float> got_dx(dev, std::vector<float>(dx.size(), 7));
            kz_dense d = {}, from = {};
            d.rows = from.rows = l.rows, d.inputs = from.units = l.inputs, d.units = l.units, d.weight = w.get();
            from.activation = KZ_ACTIVATION_relu, from.dropout = l.drop, from.kept = kept.get();
            ASSERT_EQ(dev->dense_weights(dev.get(), &d, dz.get(), x.get(), got_dw.get(), got_db.get()), KZ_OK);
            ASSERT_EQ(dev->dense_input(dev.get(), &d, dz.get(), &from, got_dx.get()), KZ_OK);
            ASSERT_EQ(oracle::first_difference(got_dw.values(), dw), -1);
            ASSERT_EQ(oracle::first_difference(got_db.values(), db), -1);
            ASSERT_EQ(oracle::first_difference(got_dx.values(), dx), -1);
        });
    }
}

TEST(DeviceOps, DenseSlopeIsInPlace)
{
    for (int64_t rows : {0, 3, 400}) {
        Layer l(4, rows, 1, 90);
        std::vector<float> kept = Random(5).floats(rows * 90), wanted;
        for (size_t i = 0; i < kept.size(); i++) {
            float d = l.dz[i] * factor_of(l.drop, static_cast<int64_t>(i));
            wanted.push_back(d * (kept[i] <= 0 ? 0.0f : 1.0f));
        }
        on_every_device([&](const Device &dev) {
            Array<float> dz(dev, l.dz), before(dev, kept);
            kz_dense d = {};
            d.rows = rows, d.units = 90, d.activation = KZ_ACTIVATION_relu, d.dropout = l.drop, d.kept = before.get();
            ASSERT_EQ(dev->dense_slope(dev.get(), &d, dz.get()), KZ_OK);
            ASSERT_EQ(oracle::first_difference(dz.values(), wanted), -1);
        });
    }
}

TEST(DeviceOps, GatherAndLossAreSharedOutWithoutAChange)
{
    const int64_t rows = 3000, width = 50;
    Random random(6);
    std::vector<float> from = random.floats(rows * width), loss_z = random.floats(rows * 10, -5, 5), first_x, first_dz;
    std::vector<double> first_loss;
    std::vector<int64_t> row;
    std::vector<int32_t> label;
    for (int64_t r = 0; r < rows; r++) row.push_back(rows - 1 - r), label.push_back(static_cast<int32_t>(r % 10));
    on_every_device([&](const Device &dev) {
        Array<float> source(dev, from), x(dev, from.size()), z(dev, loss_z), dz(dev, loss_z.size());
        Array<int64_t> index(dev, row);
        Array<int32_t> labels(dev, label);
        Array<double> loss(dev, rows), score(dev, rows);
        kz_gather g = {};
        g.rows = rows, g.width = width, g.row = index.get(), g.from = source.get(), g.bytes = 4, g.x = x.get();
        kz_loss l = {};
        l.which = KZ_LOSS_cross_entropy, l.rows = rows, l.outputs = 10, l.z = z.get(), l.row = index.get();
        l.label = labels.get(), l.dz = dz.get(), l.row_loss = loss.get(), l.row_score = score.get();
        ASSERT_EQ(dev->gather(dev.get(), &g), KZ_OK);
        ASSERT_EQ(dev->loss(dev.get(), &l), KZ_OK);
        if (first_x.empty()) first_x = x.values(), first_dz = dz.values(), first_loss = loss.values();
        ASSERT_EQ(first_x[0], from[(rows - 1) * width]);
        ASSERT_EQ(oracle::first_difference(x.values(), first_x), -1);
        ASSERT_EQ(oracle::first_difference(dz.values(), first_dz), -1);
        ASSERT_EQ(oracle::first_difference(loss.values(), first_loss), -1);
    });
}

TEST(DeviceOps, SumAndAdd)
{
    Random random(7);
    for (int64_t n : {0, 1, 1024, 5000}) {
        std::vector<double> x;
        for (int64_t i = 0; i < n; i++) x.push_back(random.wild());
        std::vector<float> a = random.floats(n), b = random.floats(n), total;
        for (size_t i = 0; i < a.size(); i++) total.push_back(a[i] + b[i]);
        on_every_device([&](const Device &dev) {
            Array<double> values(dev, x), out(dev, 1);
            Array<float> left(dev, a), right(dev, b);
            ASSERT_EQ(dev->sum(dev.get(), n, values.get(), out.get()), KZ_OK);
            ASSERT_TRUE(oracle::same(out.values()[0], oracle::sum(x)));
            ASSERT_EQ(dev->add(dev.get(), n, right.get(), left.get()), KZ_OK);
            ASSERT_EQ(oracle::first_difference(left.values(), total), -1);
        });
    }
}

// Rule 3: squares by tensor, tensors in order.
TEST(DeviceOps, FinishGradientScalesAndAddsTheTensors)
{
    Random random(8);
    const std::vector<int64_t> offset = {0, 70000, 70000, 70001, 72049, 300000};
    std::vector<float> g, scaled;
    const float inverse = static_cast<float>(1.0 / 48);
    for (int64_t i = 0; i < offset.back(); i++) g.push_back(static_cast<float>(random.wild()));
    for (float x : g) scaled.push_back(x * inverse);
    double total = 0;
    for (size_t t = 0; t + 1 < offset.size(); t++) {
        std::vector<double> squares;
        for (int64_t i = offset[t]; i < offset[t + 1]; i++) {
            double x = static_cast<double>(scaled[static_cast<size_t>(i)]);
            squares.push_back(x * x);
        }
        total += oracle::sum(squares);
    }
    on_every_device([&](const Device &dev) {
        Array<float> grad(dev, g);
        Array<int64_t> at(dev, offset);
        Array<double> norm(dev, 1);
        ASSERT_EQ(dev->finish_gradient(dev.get(), 5, at.get(), offset.back(), inverse, grad.get(), norm.get(), nullptr),
                  KZ_OK);
        ASSERT_EQ(oracle::first_difference(grad.values(), scaled), -1);
        ASSERT_TRUE(oracle::same(norm.values()[0], std::sqrt(total)));
    });
}

TEST(DeviceOps, TallyAddsStepsAndRemembersTheFirstBadOne)
{
    Device dev;
    kz_tally fresh = {};
    fresh.bad_step = -1;
    Array<kz_tally> tally(dev, std::vector<kz_tally>{fresh});
    Array<kz_cursor> cursor(dev, std::vector<kz_cursor>{{0, 0}});
    Array<double> loss(dev, {1.5, 2, 4}), score(dev, {1, 0, 1}), norm(dev, 1);
    Array<float> gradient(dev, {3.0f});
    Array<int64_t> offset(dev, {0, 1});
    auto add_step = [&](int64_t rows, int64_t parts) {
        kz_step_totals end = {rows, parts, loss.get(), score.get(), cursor.get(), tally.get()};
        return dev->finish_gradient(dev.get(), 1, offset.get(), 1, 1.0f, gradient.get(), norm.get(), &end);
    };
    ASSERT_EQ(add_step(32, 3), KZ_OK);
    ASSERT_EQ(add_step(32, 2), KZ_OK);
    EXPECT_EQ(tally.values()[0].loss, 7.5 + 3.5);
    EXPECT_EQ(tally.values()[0].score, 3);
    EXPECT_EQ(tally.values()[0].bad_step, -1);
    EXPECT_EQ(tally.values()[0].step, 1);
    EXPECT_EQ(cursor.values()[0].step, 2);
    EXPECT_EQ(cursor.values()[0].begin, 64);
    gradient.set({NAN});
    ASSERT_EQ(add_step(32, 3), KZ_OK);
    EXPECT_EQ(tally.values()[0].bad_step, 2);
    gradient.set({1});
    ASSERT_EQ(add_step(5, 3), KZ_OK);
    EXPECT_EQ(tally.values()[0].bad_step, 2) << "the first one counts";
    EXPECT_EQ(tally.values()[0].step, 3);
    EXPECT_EQ(cursor.values()[0].begin, 101) << "the cursor moves on";
}

TEST(DeviceOps, TallySeesEveryKindOfBadStep)
{
    Device dev;
    for (double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY)})
        for (bool in_loss : {false, true}) {
            kz_tally fresh = {};
            fresh.bad_step = -1;
            Array<kz_tally> tally(dev, std::vector<kz_tally>{fresh});
            Array<double> loss(dev, {1, in_loss ? bad : 1}), score(dev, {1, 1}), norm(dev, 1);
            Array<float> gradient(dev, {static_cast<float>(in_loss ? 1 : bad)});
            Array<int64_t> offset(dev, {0, 1});
            Array<kz_cursor> at(dev, std::vector<kz_cursor>{{0, 41}});
            kz_step_totals end = {8, 2, loss.get(), score.get(), at.get(), tally.get()};
            ASSERT_EQ(dev->finish_gradient(dev.get(), 1, offset.get(), 1, 1.0f, gradient.get(), norm.get(), &end),
                      KZ_OK);
            EXPECT_EQ(tally.values()[0].bad_step, 41);
        }
}
