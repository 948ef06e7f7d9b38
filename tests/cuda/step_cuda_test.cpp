// A whole step by one thread block: the parameters, moments, cursor and tally that the CPU device's operations leave.
#include "device_array.h"
#include "kz/device.h"

#include <memory>

namespace {

using cuda::Queue;
using oracle::Random;

struct Layer {
    int64_t units;
    int activation;
    double dropout;
};

enum { LINEAR = KZ_ACTIVATION_identity, RELU = KZ_ACTIVATION_relu, TANH = KZ_ACTIVATION_tanh };

struct Net {
    int64_t rows, inputs;
    std::vector<Layer> layers;
    int loss = KZ_LOSS_cross_entropy, optimizer = KZ_OPTIM_adam, bytes = 4;
    double clip_norm = -1;
    bool scaled = true, special = false;
    kz_tally tally = {0.5, 2, -1, 6};
    int64_t outputs() const
    {
        return layers.back().units;
    }
};

// All arrays of a step, on the host.
struct Data {
    std::vector<float> x, mean, factor, value, raw, theta, state[2], buffer;
    std::vector<uint8_t> small;
    std::vector<int64_t> row, offset = {0};
    std::vector<int32_t> label;
    std::vector<double> target_mean, deviation, rows_of_double;
    std::vector<kz_optim_coef> coef;
    std::vector<kz_cursor> at = {{3, 7}};
    std::vector<kz_tally> tally;
};

enum { STEPS = 2 };

kz_optim_coef coefficients(Random &random, double clip_norm)
{
    kz_optim_coef c = {};
    c.lr = 0.1f, c.decay = 0.01f, c.shrink = 0.99f, c.momentum = 0.9f, c.fresh = 1, c.nesterov = 1;
    c.beta1_rest = 0.1f, c.beta2 = 0.99f, c.beta2_rest = 0.01f, c.eps = 1e-8f;
    c.step = static_cast<float>(random.uniform(0.01, 0.1)), c.root = 3, c.clip_norm = clip_norm, c.clip_value = 2;
    return c;
}

Data data_of(Random &random, const Net &n)
{
    Data d;
    int64_t held = n.rows + 2, inputs = n.inputs;
    d.x = n.special ? cuda::numbers(random, held * inputs, true) : random.floats(held * inputs, -2, 2);
    for (int64_t i = 0; i < held * inputs; i++) d.small.push_back(static_cast<uint8_t>(random.below(256)));
    d.mean = random.floats(inputs, -1, 1), d.factor = random.floats(inputs, 0.5, 2);
    for (int64_t i = 0; i < 3 + STEPS * n.rows; i++) d.row.push_back(random.below(held));
    int64_t classes = n.loss == KZ_LOSS_binary_cross_entropy ? 2 : n.outputs();
    for (int64_t i = 0; i < held; i++) d.label.push_back(static_cast<int32_t>(random.below(classes)));
    d.value = random.floats(held * n.outputs(), -2, 2), d.raw = random.floats(held * n.outputs(), -2, 2);
    for (int64_t i = 0; i < n.outputs(); i++)
        d.target_mean.push_back(random.wild()), d.deviation.push_back(random.uniform(0.5, 2));
    for (const Layer &l : n.layers) {
        d.offset.push_back(d.offset.back() + l.units * inputs);
        d.offset.push_back(d.offset.back() + l.units);
        inputs = l.units;
    }
    int64_t parameters = d.offset.back(), buffers = n.rows * n.inputs + 3 * n.rows * n.outputs();
    for (const Layer &l : n.layers) buffers += 3 * n.rows * l.units;
    d.theta = random.floats(parameters, -1, 1);
    d.state[0] = random.floats(parameters, 0, 1), d.state[1] = random.floats(parameters, 0, 1);
    d.buffer.resize(static_cast<size_t>(buffers + parameters), oracle::kNan);
    d.rows_of_double.resize(static_cast<size_t>(2 * n.rows + 3), -1.0);
    for (int i = 0; i < 3; i++) d.coef.push_back(coefficients(random, n.clip_norm));
    d.tally = {n.tally};
    return d;
}

// The step over arrays that put(vector) has somewhere; buffers: what is handed out of `buffer`, in order.
template <class Put> kz_step step_of(const Net &n, Data &d, const Put &put)
{
    kz_step s = {};
    float *buffer = put(d.buffer), *theta = put(d.theta);
    kz_cursor *at = put(d.at);
    auto take = [&](int64_t count) { return std::exchange(buffer, buffer + count); };
    s.gather.rows = n.rows, s.gather.width = n.inputs, s.gather.row = put(d.row), s.gather.at = at;
    s.gather.bytes = n.bytes, s.gather.divisor = n.scaled ? 0.0f : 255.0f;
    if (n.bytes == 1) s.gather.from = put(d.small);
    else s.gather.from = put(d.x);
    if (n.scaled) s.gather.mean = put(d.mean), s.gather.factor = put(d.factor);
    s.gather.x = take(n.rows * n.inputs);
    int64_t inputs = n.inputs;
    s.layers = static_cast<int64_t>(n.layers.size());
    for (size_t i = 0; i < n.layers.size() && i < KZ_STEP_LAYERS; i++) {
        const Layer &l = n.layers[i];
        kz_dense &e = s.layer[i];
        e.rows = n.rows, e.inputs = inputs, e.units = l.units, e.activation = l.activation;
        e.weight = theta + d.offset[2 * i], e.bias = theta + d.offset[2 * i + 1];
        e.y = e.kept = take(n.rows * l.units);
        if (l.dropout > 0) {
            e.kept = take(n.rows * l.units);
            e.dropout = {static_cast<uint32_t>(l.dropout * 0x1p32),
                         static_cast<float>(1 / (1 - l.dropout)),
                         77,
                         0,
                         static_cast<uint32_t>(i),
                         at};
        }
        inputs = l.units;
    }
    bool classes = kz_loss_is_of_classes(n.loss);
    double *rows = put(d.rows_of_double);
    s.loss.which = n.loss, s.loss.rows = n.rows, s.loss.outputs = n.outputs(), s.loss.row = s.gather.row;
    s.loss.z = s.layer[s.layers <= KZ_STEP_LAYERS ? s.layers - 1 : 0].y, s.loss.at = at;
    s.loss.row_loss = rows, s.loss.row_score = rows + n.rows;
    if (classes) s.loss.label = put(d.label);
    else s.loss.value = put(d.value), s.loss.raw = put(d.raw);
    if (!classes) s.loss.mean = put(d.target_mean), s.loss.deviation = put(d.deviation);
    s.loss.dz = take(n.rows * n.outputs());
    s.tensors = static_cast<int64_t>(d.offset.size()) - 1, s.parameters = d.offset.back(), s.offset = put(d.offset);
    s.at = at, s.tally = put(d.tally), s.optimizer = n.optimizer, s.coef = put(d.coef);
    s.coefs = static_cast<int64_t>(d.coef.size());
    s.theta = theta, s.state[0] = put(d.state[0]), s.state[1] = put(d.state[1]);
    return s;
}

// The CPU device's operations, one after the other.  The buffers that follow: dz of each layer, then the gradient.
void by_operations(kz_device *dev, kz_step s, Data &d)
{
    const kz_device_ops *ops = dev->ops;
    const float *x = s.gather.x;
    float *free_one = d.buffer.data() + d.buffer.size(), *g = free_one -= s.parameters, *dz = s.loss.dz;
    double *sums = s.loss.row_score + s.loss.rows, *norm = sums + 2;
    auto ok = [](kz_status st) { ASSERT_EQ(st, KZ_OK) << kz_error_message(); };
    ok(ops->gather(dev, &s.gather));
    for (int64_t i = 0; i < s.layers; x = s.layer[i++].y) ok(ops->dense_forward(dev, &s.layer[i], x));
    s.loss.sum_loss = sums, s.loss.sum_score = sums + 1;
    ok(ops->loss(dev, &s.loss));
    ok(ops->dense_slope(dev, &s.layer[s.layers - 1], dz));
    for (int64_t i = s.layers - 1; i >= 0; i--) {
        const kz_dense &l = s.layer[i];
        ok(ops->dense_weights(dev, &l, dz, i > 0 ? s.layer[i - 1].y : s.gather.x, g + (l.weight - s.theta),
                              g + (l.bias - s.theta)));
        if (i == 0) break;
        free_one -= l.rows * l.inputs;
        ok(ops->dense_input(dev, &l, dz, &s.layer[i - 1], free_one));
        dz = free_one;
    }
    kz_step_totals end = {s.gather.rows, 1, sums, sums + 1, s.at, s.tally};
    ok(ops->finish_gradient(dev, s.tensors, s.offset, s.parameters,
                            static_cast<float>(1.0 / static_cast<double>(s.gather.rows)), g, norm, &end));
    ok(ops->optim_step(dev, s.optimizer, s.coef, s.coefs, s.tally, norm, s.parameters, g, s.theta, s.state));
}

// Holds arrays of every type until the end.
class Arrays {
  public:
    template <class T> T *put(const std::vector<T> &x)
    {
        auto array = std::make_shared<cuda::Array<T>>(x);
        all_.push_back(array);
        return array->begin();
    }

  private:
    std::vector<std::shared_ptr<void>> all_;
};

template <class T> std::vector<T> read(const T *from, size_t n)
{
    std::vector<T> x(n);
    cuda::check(cudaDeviceSynchronize());
    cuda::check(cudaMemcpy(x.data(), from, n * sizeof(T), cudaMemcpyDeviceToHost));
    return x;
}

std::string text(const Net &n)
{
    std::string all = std::to_string(n.rows) + " rows, " + std::to_string(n.inputs);
    for (const Layer &l : n.layers) all += "-" + std::to_string(l.units);
    return all + " " + kz_loss_name(n.loss);
}

class CudaStep : public testing::Test {
  protected:
    void SetUp() override
    {
        kz_config_device cfg = {};
        cfg.kind = const_cast<char *>("cpu");
        cfg.threads = 1;
        ASSERT_EQ(kz_device_create(&cpu_, &cfg, nullptr), KZ_OK) << kz_error_message();
    }
    void TearDown() override
    {
        kz_device_destroy(&cpu_);
    }

    // STEPS steps, of which each begins where the last one ended.
    void expect_same(Random &random, const Net &n, unsigned order)
    {
        Data d = data_of(random, n), on_host = d;
        std::string what = text(n) + ", order " + std::to_string(order);
        Queue q;
        Arrays arrays;
        kz_step device = step_of(n, d, [&](const auto &x) { return arrays.put(x); });
        kz_step host = step_of(n, on_host, [](auto &x) { return x.data(); });
        for (int step = 0; step < STEPS; step++) {
            bool fits = false;
            cuda::check(kz_step_f32__cuda(&device, &fits, q));
            ASSERT_TRUE(fits) << what;
            by_operations(cpu_, host, on_host);
        }
        kz_tally got = read(device.tally, 1)[0], want = on_host.tally[0];
        kz_cursor at = read(device.at, 1)[0];
        ASSERT_TRUE(oracle::same(got.loss, want.loss)) << what << ": " << got.loss << ", wanted " << want.loss;
        ASSERT_TRUE(oracle::same(got.score, want.score)) << what;
        ASSERT_EQ(got.bad_step, want.bad_step) << what;
        ASSERT_EQ(got.step, want.step) << what;
        ASSERT_EQ(at.begin, on_host.at[0].begin) << what;
        ASSERT_EQ(at.step, on_host.at[0].step) << what;
        size_t parameters = on_host.theta.size();
        ASSERT_EQ(oracle::first_difference(read(device.theta, parameters), on_host.theta), -1) << what;
        for (int k = 0; k < 2; k++)
            ASSERT_EQ(oracle::first_difference(read(device.state[k], parameters), on_host.state[k]), -1) << what;
        ASSERT_TRUE(q.intact());
    }

    bool fits(const Net &n, int64_t shared)
    {
        Random random(1);
        Data d = data_of(random, n);
        Arrays arrays;
        Queue q(132, 1 << 14, 0, true, shared);
        bool is = true;
        kz_step s = step_of(n, d, [&](const auto &x) { return arrays.put(x); });
        cuda::check(kz_step_f32__cuda(&s, &is, q));
        EXPECT_EQ(read(s.at, 1)[0].step == 8, is) << "what does not fit is not done";
        return is;
    }

    kz_device *cpu_ = nullptr;
};

} // namespace

TEST_F(CudaStep, GivesTheBitsOfTheOperations)
{
    Random random(200);
    std::vector<Net> nets = {
        {33, 64, {{32, RELU, 0}, {10, LINEAR, 0}}},
        {1, 1, {{1, LINEAR, 0}}},
        {31, 5, {{3, LINEAR, 0}}},
        {32, 9, {{8, TANH, 0}, {7, RELU, 0.25}, {32, LINEAR, 0}}},
        {7, 13, {{17, RELU, 0.5}, {2, TANH, 0.1}}}, // the last layer's slope, and dropout
        {5,
         4,
         {{3, RELU, 0},
          {3, RELU, 0},
          {3, RELU, 0},
          {3, RELU, 0},
          {3, RELU, 0},
          {3, TANH, 0},
          {3, RELU, 0},
          {2, LINEAR, 0}}},
        {9, 256, {{5, RELU, 0}, {3, LINEAR, 0}}}, // one chain along k, ...
        {9, 257, {{5, RELU, 0}, {3, LINEAR, 0}}}, // ... and two
        {257, 3, {{4, TANH, 0}, {2, LINEAR, 0}}},
        {3, 600, {{30, RELU, 0}, {20, LINEAR, 0}}},
    };
    cuda::for_each_order([&](unsigned order) {
        for (size_t i = 0; i < nets.size() && !HasFatalFailure(); i++) {
            Net n = nets[i];
            n.optimizer = static_cast<int>((order + i) % KZ_OPTIMS);
            n.bytes = (order + i) % 2 ? 1 : 4;
            n.scaled = (order / 2 + i) % 2;
            n.clip_norm = i % 3 ? 0.5 : -1;
            expect_same(random, n, order);
        }
    });
}

TEST_F(CudaStep, EveryTileOfOutputsIsTried)
{
    Random random(201);
    for (unsigned order : {0u, 1u, 3u}) {
#ifdef KZ_CUDA_ON_CPU_H
        kz_cuda_on_cpu_order(order);
#endif
        for (int64_t rows : {16, 17, 40, 41, 128}) // below and above 128 and 320 quads of 32 units
            expect_same(random, {rows, 12, {{32, RELU, 0}, {31, LINEAR, 0}}}, order);
        expect_same(random, {1024, 6, {{6, RELU, 0}, {2, LINEAR, 0}}}, order);
    }
#ifdef KZ_CUDA_ON_CPU_H
    kz_cuda_on_cpu_order(0);
#endif
}

TEST_F(CudaStep, OtherLossesToo)
{
    Random random(202);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t rows : {1, 40, 513}) {
            if (rows == 513 && order % 3) continue;
            expect_same(random, {rows, 6, {{5, TANH, 0.2}, {1, LINEAR, 0}}, KZ_LOSS_binary_cross_entropy}, order);
            for (int64_t outputs : {1, 5, 32})
                if (rows * outputs < 4096) /* else the block's shared memory is too small */
                    expect_same(random, {rows, 6, {{5, RELU, 0}, {outputs, LINEAR, 0}}, KZ_LOSS_squared_error}, order);
            for (int64_t classes : {2, 32})
                if (rows * classes < 4096)
                    expect_same(random, {rows, 6, {{classes, LINEAR, 0}}, KZ_LOSS_cross_entropy, KZ_OPTIM_sgd}, order);
        }
    });
}

TEST_F(CudaStep, AfterWhatIsNotFiniteNothingIsUpdated)
{
    Random random(203);
    Net n = {20, 11, {{9, RELU, 0}, {4, LINEAR, 0}}};
    n.special = true;
    cuda::for_each_order([&](unsigned order) { expect_same(random, n, order); });
    n.special = false;
    n.tally = {1, 2, 3, 6}; // a step before was bad
    expect_same(random, n, 0);
}

TEST_F(CudaStep, DoesOnlyWhatIsSmall)
{
    const int64_t much = 227 << 10;
    Net n = {32, 64, {{32, RELU, 0}, {10, LINEAR, 0}}};
    EXPECT_TRUE(fits(n, much));
    EXPECT_TRUE(fits(n, 100 << 10)) << "also where a block has less shared memory";
    EXPECT_FALSE(fits(n, 20 << 10));
    n.rows = 128;
    EXPECT_TRUE(fits(n, 163 << 10)) << "sm_80";
    n.rows = 1024;
    EXPECT_FALSE(fits(n, much)) << "too much work";
    EXPECT_TRUE(fits({1024, 4, {{2, LINEAR, 0}}}, much));
    EXPECT_FALSE(fits({1025, 4, {{2, LINEAR, 0}}}, much));
    EXPECT_FALSE(fits({4, 4, {{33, LINEAR, 0}}}, much)) << "a row's outputs are a warp's";
    EXPECT_FALSE(fits({0, 4, {{2, LINEAR, 0}}}, much));
    EXPECT_FALSE(fits({2, 3, std::vector<Layer>(9, Layer{2, RELU, 0})}, much));
    EXPECT_TRUE(fits({2, 3, std::vector<Layer>(8, Layer{2, RELU, 0})}, much));
}
