// The products of fast arithmetic against binary64: within what their precision rounds, and not within less.
#include "fast_device.h"

namespace {

using fast::Buffer;
using oracle::Random;
using Floats = std::vector<float>;

struct Net {
    int64_t rows;
    std::vector<int64_t> width; // of the inputs, and of each layer's outputs
    std::vector<int> activation;

    size_t layers() const
    {
        return activation.size();
    }
    int64_t parameters() const
    {
        int64_t n = 0;
        for (size_t i = 0; i < layers(); i++) n += (width[i] + 1) * width[i + 1];
        return n;
    }
};

const Net kNets[] = {
    {37, {13, 24, 9, 10}, {KZ_ACTIVATION_relu, KZ_ACTIVATION_tanh, KZ_ACTIVATION_identity}},
    {300, {264, 32, 16, 3}, {KZ_ACTIVATION_sigmoid, KZ_ACTIVATION_relu, KZ_ACTIVATION_identity}},
    {5, {3, 2, 1, 1}, {KZ_ACTIVATION_relu, KZ_ACTIVATION_identity, KZ_ACTIVATION_tanh}},
    {64, {20, 1}, {KZ_ACTIVATION_identity}},
};

// Forward and backward: what each layer had and gave, as numbers.
struct Pass {
    std::vector<Floats> x, y, dz, w, b, dw, db;
};

Pass run(const fast::Device &dev, const Net &net, const Floats &theta, const Floats &batch, const Floats &dz_last)
{
    bool half = std::string(dev.get()->gpu->precision) == "bf16";
    size_t n = net.layers();
    int64_t place = 0;
    float *weights = nullptr;
    Pass p;
    EXPECT_EQ(dev->alloc_parameters(dev.get(), &weights, net.parameters()), KZ_OK) << kz_error_message();
    EXPECT_EQ(dev->upload(dev.get(), weights, theta.data(), theta.size() * sizeof(float)), KZ_OK);
    Buffer x(dev, batch), gradient(dev, theta.size()), last(dev, dz_last);
    std::vector<std::unique_ptr<Buffer>> y, dx;
    std::vector<kz_dense> d(n);
    std::vector<int64_t> offset(n);
    for (size_t i = 0; i < n; i++) {
        size_t in = static_cast<size_t>(net.rows * net.width[i]),
               out = static_cast<size_t>(net.rows * net.width[i + 1]);
        y.push_back(std::make_unique<Buffer>(dev, out));
        dx.push_back(std::make_unique<Buffer>(dev, in)); // gradient at the inputs
        d[i].rows = net.rows, d[i].inputs = net.width[i], d[i].units = net.width[i + 1];
        d[i].activation = net.activation[i], d[i].first = i == 0, d[i].last = i + 1 == n;
        d[i].weight = weights + place, offset[i] = place, place += d[i].inputs * d[i].units;
        d[i].bias = weights + place, place += d[i].units;
        d[i].y = d[i].kept = y[i]->begin();
    }
    for (size_t i = 0; i < n; i++)
        EXPECT_EQ(dev->dense_forward(dev.get(), &d[i], i ? d[i - 1].y : x.begin()), KZ_OK) << kz_error_message();
    EXPECT_EQ(dev->dense_slope(dev.get(), &d[n - 1], last.begin()), KZ_OK) << kz_error_message();
    for (size_t i = n; i-- > 0;) {
        float *dz = i + 1 == n ? last.begin() : dx[i + 1]->begin(), *dw = gradient.begin() + offset[i];
        EXPECT_EQ(
            dev->dense_weights(dev.get(), &d[i], dz, i ? d[i - 1].y : x.begin(), dw, dw + d[i].inputs * d[i].units),
            KZ_OK)
            << kz_error_message();
        if (i == 0) break;
        EXPECT_EQ(dev->dense_input(dev.get(), &d[i], dz, &d[i - 1], dx[i]->begin()), KZ_OK) << kz_error_message();
    }
    Floats all = gradient.values(net.parameters(), 1);
    for (size_t i = 0; i < n; i++) {
        auto part = [&](const Floats &of, int64_t from, int64_t count) {
            return Floats(of.begin() + from, of.begin() + from + count);
        };
        int64_t size = d[i].inputs * d[i].units;
        p.x.push_back(i ? p.y[i - 1] : batch);
        p.y.push_back(y[i]->values(net.rows, d[i].units, half && !d[i].last));
        p.dz.push_back(d[i].last ? last.values(net.rows, d[i].units) : dx[i + 1]->values(net.rows, d[i].units, half));
        p.w.push_back(part(theta, offset[i], size)), p.b.push_back(part(theta, offset[i] + size, d[i].units));
        p.dw.push_back(part(all, offset[i], size)), p.db.push_back(part(all, offset[i] + size, d[i].units));
    }
    dev->release(dev.get(), &weights);
    return p;
}

// The sum of a[i] b[i] and of its magnitude, in binary64.
struct Sum {
    double value = 0, size = 0;
    int64_t terms = 0;
    void add(float a, float b)
    {
        double product = static_cast<double>(a) * b;
        value += product, size += std::fabs(product), terms++;
    }
};

double activated(int activation, double z)
{
    switch (activation) {
    case KZ_ACTIVATION_relu: return z > 0 ? z : 0;
    case KZ_ACTIVATION_tanh: return std::tanh(z);
    case KZ_ACTIVATION_sigmoid: return 1 / (1 + std::exp(-z));
    default: return z;
    }
}

double slope_at(int activation, double y)
{
    switch (activation) {
    case KZ_ACTIVATION_relu: return y > 0 ? 1 : 0;
    case KZ_ACTIVATION_tanh: return 1 - y * y;
    case KZ_ACTIVATION_sigmoid: return y * (1 - y);
    default: return 1;
    }
}

// unit: half an ulp of 1 of the products' operands.
class Checker {
  public:
    Checker(double unit, double stored) : unit_(unit), stored_(stored)
    {
    }
    // Both operands rounded, binary32 sums; then at most three roundings to what is stored.
    void check(float got, const Sum &s, double want, double size, const std::string &what)
    {
        double binary32 = (static_cast<double>(s.terms) + 4) * 0x1p-23 * size;
        double bound = (2 * unit_ + unit_ * unit_) * size + 3 * stored_ * (size + std::fabs(want)) + binary32 + 1e-30;
        double error = std::fabs(got - want);
        ASSERT_TRUE(error <= bound) << what << ": " << got << ", not " << want << " to " << bound;
        if (error > binary32 + 1e-30) beyond_binary32++;
    }
    int64_t beyond_binary32 = 0; // how often an error was larger than binary32's could be

  private:
    double unit_, stored_;
};

void check_pass(const Net &net, const Pass &p, Checker hidden, Checker outer)
{
    for (size_t i = 0; i < net.layers(); i++) {
        int64_t in = net.width[i], out = net.width[i + 1];
        bool last = i + 1 == net.layers();
        std::string layer = "layer " + std::to_string(i);
        auto at = [](const Floats &x, int64_t row, int64_t width, int64_t column) {
            return x[static_cast<size_t>(row * width + column)];
        };
        for (int64_t r = 0; r < net.rows; r++)
            for (int64_t u = 0; u < out; u++) {
                Sum s;
                for (int64_t c = 0; c < in; c++) s.add(at(p.x[i], r, in, c), at(p.w[i], u, in, c));
                s.add(1, p.b[i][static_cast<size_t>(u)]);
                (last ? outer : hidden)
                    .check(at(p.y[i], r, out, u), s, activated(net.activation[i], s.value), s.size, layer + " y");
            }
        for (int64_t u = 0; u < out; u++) {
            Sum db;
            for (int64_t r = 0; r < net.rows; r++) db.add(at(p.dz[i], r, out, u), 1);
            outer.check(p.db[i][static_cast<size_t>(u)], db, db.value, db.size, layer + " db");
            for (int64_t c = 0; c < in; c++) {
                Sum s;
                for (int64_t r = 0; r < net.rows; r++) s.add(at(p.dz[i], r, out, u), at(p.x[i], r, in, c));
                outer.check(at(p.dw[i], u, in, c), s, s.value, s.size, layer + " dw");
            }
        }
        for (int64_t r = 0; i > 0 && r < net.rows; r++)
            for (int64_t c = 0; c < in; c++) {
                Sum s;
                double slope = slope_at(net.activation[i - 1], at(p.x[i], r, in, c));
                for (int64_t u = 0; u < out; u++) s.add(at(p.dz[i], r, out, u), at(p.w[i], u, in, c));
                hidden.check(at(p.dz[i - 1], r, in, c), s, s.value * slope, s.size, layer + " dx");
            }
        if (::testing::Test::HasFatalFailure()) return;
        if (i == 0 && in > 8) {
            EXPECT_GT(outer.beyond_binary32, net.rows / 4) << "rounding must show, or these are not fast products";
        }
    }
}

struct Case {
    const char *precision, *lacks;
};

std::ostream &operator<<(std::ostream &out, const Case &c)
{
    return out << c.precision << (*c.lacks ? " without " : "") << c.lacks;
}

class FastProducts : public testing::TestWithParam<Case> {};

struct Numbers {
    Floats theta, batch, dz;
};

Numbers numbers_for(const Net &net, uint64_t seed)
{
    Random random(seed);
    return {random.floats(net.parameters(), -1, 1), random.floats(net.rows * net.width[0], -2, 2),
            random.floats(net.rows * net.width.back(), -1, 1)};
}

} // namespace

TEST_P(FastProducts, AreWithinTheirPrecision)
{
    if (*GetParam().lacks) NEEDS_THE_STAND_IN("cuBLASLt lacks nothing");
    bool half = std::string(GetParam().precision) == "bf16";
    double unit = half ? 0x1p-8 : on_stand_in ? 0x1p-11 : 0x1p-10; // a GPU may cut off in place of rounding
    for (const Net &net : kNets) {
        Numbers x = numbers_for(net, 200);
        Pass first;
        for (unsigned order : {0u, 3u, 6u}) {
            kz_cuda_on_cpu_order(order);
            int64_t before = kz_cuda_on_cpu_alive();
            {
                fast::Device dev(GetParam().precision, GetParam().lacks);
                Pass p = run(dev, net, x.theta, x.batch, x.dz);
                if (order == 0) {
                    first = p;
                    check_pass(net, p, Checker(unit, half ? 0x1p-8 : 0x1p-22), Checker(unit, 0x1p-22));
                }
                for (size_t i = 0; i < net.layers(); i++) {
                    ASSERT_EQ(oracle::first_difference(p.y[i], first.y[i]), -1) << "order " << order;
                    ASSERT_EQ(oracle::first_difference(p.dw[i], first.dw[i]), -1) << "order " << order;
                    ASSERT_EQ(oracle::first_difference(p.db[i], first.db[i]), -1) << "order " << order;
                }
            }
            EXPECT_EQ(kz_cuda_on_cpu_alive(), before) << "something is left";
            if (HasFatalFailure()) break;
        }
        kz_cuda_on_cpu_order(0);
    }
}

TEST_P(FastProducts, PassNanOn)
{
    if (*GetParam().lacks) NEEDS_THE_STAND_IN("cuBLASLt lacks nothing");
    const Net &net = kNets[0]; // relu first
    Numbers x = numbers_for(net, 201);
    for (int64_t i = 0; i < net.width[0]; i++) x.theta[static_cast<size_t>(i)] = oracle::kNan; // of unit 0
    fast::Device dev(GetParam().precision, GetParam().lacks);
    Pass p = run(dev, net, x.theta, x.batch, x.dz);
    for (int64_t r = 0; r < net.rows; r++) {
        EXPECT_TRUE(std::isnan(p.y[0][static_cast<size_t>(r * net.width[1])])) << "row " << r;
        EXPECT_FALSE(std::isnan(p.y[0][static_cast<size_t>(r * net.width[1] + 1)])) << "row " << r;
        EXPECT_TRUE(std::isnan(p.y[2][static_cast<size_t>(r * net.width[3])])) << "row " << r;
    }
}
INSTANTIATE_TEST_SUITE_P(Cuda, FastProducts,
                         testing::Values(Case{"tf32", ""}, Case{"bf16", ""}, Case{"tf32", "nan"}, Case{"bf16", "nan"},
                                         Case{"tf32", "relu-bias bgradb"}, Case{"bf16", "relu-bias bias bgradb"}));

TEST(FastDevice, WithoutAnAlgorithmTheDeviceIsUnavailable)
{
    NEEDS_THE_STAND_IN("cuBLASLt has one");
    fast::Device dev("tf32", "relu-bias bias default");
    Buffer x(dev, Floats(8, 1)), w(dev, Floats(20, 1)), y(dev, 8);
    kz_dense d = {};
    d.rows = 2, d.inputs = 4, d.units = 4, d.first = true;
    d.weight = w.begin(), d.bias = w.begin() + 16, d.y = d.kept = y.begin();
    EXPECT_EQ(dev->dense_forward(dev.get(), &d, x.begin()), KZ_E_DEVICE);
    std::string message = kz_error_message();
    EXPECT_NE(message.find("no algorithm for a tf32 product of 4 x 2 x 4"), std::string::npos) << message;
    EXPECT_NE(message.find("use arithmetic: reproducible"), std::string::npos) << message;
}

// What is allocated and planned is so when a queue is carried out first; its record has the same products.
TEST(FastDevice, ARecordGivesTheSameBits)
{
    struct Step {
        kz_device *dev;
        kz_dense d;
        const float *x;
    };
    for (const char *precision : {"tf32", "bf16"})
        for (unsigned order : {0u, 2u, 7u}) {
            kz_cuda_on_cpu_order(order);
            fast::Device dev(precision);
            Random random(202);
            float *theta = nullptr;
            Floats numbers = random.floats(20 * 33);
            ASSERT_EQ(dev->alloc_parameters(dev.get(), &theta, 20 * 33), KZ_OK);
            ASSERT_EQ(dev->upload(dev.get(), theta, numbers.data(), numbers.size() * sizeof(float)), KZ_OK);
            Buffer x(dev, random.floats(9 * 32)), y(dev, 9 * 20);
            Step step = {dev.get(), {}, x.begin()};
            step.d.rows = 9, step.d.inputs = 32, step.d.units = 20, step.d.first = step.d.last = true;
            step.d.weight = theta, step.d.bias = theta + 20 * 32, step.d.y = step.d.kept = y.begin();
            auto queue = [](void *context) {
                const Step *s = static_cast<const Step *>(context);
                return s->dev->ops->dense_forward(s->dev, &s->d, s->x);
            };
            Floats first;
            for (int i = 0; i < 4; i++) {
                int key = 7;
                Floats nothing(9 * 20, oracle::kNan);
                ASSERT_EQ(dev->upload(dev.get(), y.begin(), nothing.data(), nothing.size() * sizeof(float)), KZ_OK);
                ASSERT_EQ(dev->repeat(dev.get(), &key, sizeof key, queue, &step), KZ_OK) << kz_error_message();
                Floats now = y.values(9, 20);
                if (i == 0) first = now;
                ASSERT_FALSE(std::isnan(now[0]));
                ASSERT_EQ(oracle::first_difference(now, first), -1) << precision << ", call " << i;
            }
            dev->release(dev.get(), &theta);
        }
    kz_cuda_on_cpu_order(0);
}

TEST(FastDevice, NothingIsPlannedWhileRecording)
{
    struct Step {
        kz_device *dev;
        kz_dense d;
        const float *x;
    };
    fast::Device dev("tf32");
    Buffer x(dev, Floats(32, 1)), w(dev, Floats(20, 1)), y(dev, 32);
    Step step = {dev.get(), {}, x.begin()};
    step.d.rows = 2, step.d.inputs = 4, step.d.units = 4, step.d.first = step.d.last = true;
    step.d.weight = w.begin(), step.d.bias = w.begin() + 16, step.d.y = step.d.kept = y.begin();
    auto queue = [](void *context) {
        Step *s = static_cast<Step *>(context);
        s->d.rows++; // which the key ought to tell
        return s->dev->ops->dense_forward(s->dev, &s->d, s->x);
    };
    int key = 7;
    ASSERT_EQ(dev->repeat(dev.get(), &key, sizeof key, queue, &step), KZ_OK) << kz_error_message();
    EXPECT_EQ(dev->repeat(dev.get(), &key, sizeof key, queue, &step), KZ_E_ARG);
    EXPECT_NE(std::string(kz_error_message()).find("4 x 4 x 4, recorded first"), std::string::npos)
        << kz_error_message();
}
