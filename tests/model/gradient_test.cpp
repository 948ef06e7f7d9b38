// Gradients against finite differences in binary64, for every activation and loss, with dropout and in parts.
//
// The network is written a second time, over any type of number.  In binary64 it gives the loss, whose central differences
// are the truth; over numbers that carry error bounds it gives the gradient and the bound that binary32 may be off by.
#include "bounded.h"
#include "cursors.h"
#include "devices.h"
#include "training.h"

#include <gtest/gtest.h>

namespace {

using devices::Device;

struct Layer {
    int64_t inputs, units;
    int activation;
    double dropout;
};

const char *const activations[] = {
#define KZ_ACTIVATION(name, formula) #name,
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
};
const char *const losses[] = {
#define KZ_LOSS(name, targets, text) #name,
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
};

struct Problem {
    static constexpr int64_t kRows = 11, kInputs = 5;
    std::vector<Layer> layers;
    int loss;
    int64_t outputs;
    std::vector<float> x, target, theta;
    std::vector<int32_t> label;
    kz_model_step step = {99, at_step(4), 0};

    Problem(int activation, int loss_, double dropout, uint64_t seed) : loss(loss_)
    {
        outputs = loss == KZ_LOSS_binary_cross_entropy ? 1 : loss == KZ_LOSS_cross_entropy ? 4 : 3;
        layers = {
            {kInputs, 7, activation, dropout}, {7, 6, activation, dropout}, {6, outputs, KZ_ACTIVATION_identity, 0}};
        oracle::Random random(seed);
        x = random.floats(kRows * kInputs), target = random.floats(kRows * outputs);
        for (int64_t r = 0; r < kRows; r++)
            label.push_back(static_cast<int32_t>(random.below(std::max<int64_t>(2, outputs))));
        int64_t n = 0;
        for (const Layer &l : layers) n += (l.inputs + 1) * l.units;
        theta = random.floats(n);
    }
    double factor(size_t l, int64_t row, int64_t unit) const // rule 9
    {
        const Layer &layer = layers[l];
        if (layer.dropout == 0) return 1;
        kz_stream s =
            kz_stream_of(step.seed, KZ_FOR_DROPOUT, static_cast<uint32_t>(l), static_cast<uint32_t>(step.at->step));
        uint32_t w = kz_random_u32(s, static_cast<uint64_t>(row * layer.units + unit));
        return w >= static_cast<uint32_t>(layer.dropout * 0x1p32) ? 1 / (1 - layer.dropout) : 0;
    }
};

template <class T> T activate(int which, T z)
{
    using bounded::relu;
    using bounded::sigmoid;
    using bounded::tanh;
    using std::tanh;
    switch (which) {
    case KZ_ACTIVATION_relu: return relu(z);
    case KZ_ACTIVATION_tanh: return tanh(z);
    case KZ_ACTIVATION_sigmoid: return sigmoid(z);
    default: return z;
    }
}

template <class T> T slope(int which, T a)
{
    switch (which) {
    case KZ_ACTIVATION_relu: return T(bounded::value(a) > 0 ? 1 : 0);
    case KZ_ACTIVATION_tanh: return T(1) - a * a;
    case KZ_ACTIVATION_sigmoid: return a * (T(1) - a);
    default: return T(1);
    }
}

// One row through the network: outputs, and the layers' inputs and values before dropout for the way back.
template <class T> struct Pass {
    std::vector<std::vector<T>> in, kept;
    std::vector<T> z;
};

template <class T> Pass<T> forward(const Problem &p, const std::vector<T> &theta, int64_t row)
{
    Pass<T> pass;
    size_t at = 0;
    for (int64_t i = 0; i < Problem::kInputs; i++)
        pass.z.push_back(T(static_cast<double>(p.x[static_cast<size_t>(row * Problem::kInputs + i)])));
    for (size_t l = 0; l < p.layers.size(); l++) {
        const Layer &layer = p.layers[l];
        size_t bias = at + static_cast<size_t>(layer.inputs * layer.units);
        std::vector<T> kept, out;
        for (int64_t u = 0; u < layer.units; u++) {
            T z = T(0);
            for (int64_t i = 0; i < layer.inputs; i++) z += pass.z[static_cast<size_t>(i)] * theta[at++];
            kept.push_back(activate(layer.activation, z + theta[bias + static_cast<size_t>(u)]));
            out.push_back(kept.back() * (T(1) * T(p.factor(l, row, u)))); // the factor is rounded, too
        }
        at = bias + static_cast<size_t>(layer.units);
        pass.in.push_back(pass.z);
        pass.kept.push_back(kept);
        pass.z = out;
    }
    return pass;
}

double row_loss(const Problem &p, const std::vector<double> &z, int64_t row)
{
    size_t r = static_cast<size_t>(row);
    double total = 0;
    if (p.loss == KZ_LOSS_binary_cross_entropy) return std::log1p(std::exp(p.label[r] ? -z[0] : z[0]));
    if (p.loss == KZ_LOSS_cross_entropy) {
        for (double v : z) total += std::exp(v);
        return std::log(total) - z[static_cast<size_t>(p.label[r])];
    }
    for (size_t j = 0; j < z.size(); j++) {
        double d = z[j] - static_cast<double>(p.target[r * z.size() + j]);
        total += d * d;
    }
    return total / static_cast<double>(z.size());
}

double total_loss(const Problem &p, const std::vector<double> &theta)
{
    double total = 0;
    for (int64_t r = 0; r < Problem::kRows; r++) total += row_loss(p, forward(p, theta, r).z, r);
    return total;
}

template <class T> std::vector<T> loss_gradient(const Problem &p, const std::vector<T> &z, int64_t row)
{
    using bounded::exp;
    using bounded::sigmoid;
    using std::exp;
    size_t r = static_cast<size_t>(row);
    std::vector<T> dz;
    T total = T(0);
    double most = bounded::value(z[0]);
    for (T v : z) most = std::max(most, bounded::value(v));
    for (size_t j = 0; j < z.size(); j++) {
        if (p.loss == KZ_LOSS_binary_cross_entropy) dz.push_back(sigmoid(z[j]) - T(p.label[r]));
        if (p.loss == KZ_LOSS_squared_error)
            dz.push_back((z[j] - T(static_cast<double>(p.target[r * z.size() + j]))) *
                         (T(2) / T(static_cast<double>(z.size()))));
        if (p.loss == KZ_LOSS_cross_entropy) {
            dz.push_back(exp(z[j] - T(most)));
            total += dz.back();
        }
    }
    if (p.loss == KZ_LOSS_cross_entropy)
        for (size_t j = 0; j < z.size(); j++) dz[j] = dz[j] / total - T(j == static_cast<size_t>(p.label[r]) ? 1 : 0);
    return dz;
}

template <class T> void add_gradient(const Problem &p, const std::vector<T> &theta, int64_t row, std::vector<T> &grad)
{
    Pass<T> pass = forward(p, theta, row);
    std::vector<T> dy = loss_gradient(p, pass.z, row);
    size_t end = theta.size();
    for (size_t l = p.layers.size(); l-- > 0;) {
        const Layer &layer = p.layers[l];
        size_t inputs = static_cast<size_t>(layer.inputs), units = static_cast<size_t>(layer.units);
        size_t bias = end - units, weight = bias - inputs * units;
        std::vector<T> below(inputs, T(0));
        for (size_t u = 0; u < units; u++) {
            T factor = T(1) * T(p.factor(l, row, static_cast<int64_t>(u)));
            T dz = dy[u] * factor * slope(layer.activation, pass.kept[l][u]);
            grad[bias + u] += dz;
            for (size_t i = 0; i < inputs; i++) {
                grad[weight + u * inputs + i] += dz * pass.in[l][i];
                below[i] += dz * theta[weight + u * inputs + i];
            }
        }
        dy = below;
        end = weight;
    }
}

// The product's gradient of the sum over the rows, in `parts` parts.
std::vector<float> product_gradient(const Device &dev, const Problem &p, int64_t parts)
{
    training::Recipe recipe;
    recipe.layers.clear();
    for (const Layer &l : p.layers)
        recipe.layers.push_back("units: " + std::to_string(l.units) + ", activation: " + activations[l.activation] +
                                (l.dropout > 0 ? ", dropout: " + std::to_string(l.dropout) : ""));
    training::Config config(recipe.yaml());
    kz_model *m = nullptr;
    EXPECT_EQ(kz_model_create(&m, dev.get(), config.cfg, Problem::kInputs, p.outputs, Problem::kRows), KZ_OK);
    EXPECT_EQ(dev->upload(dev.get(), kz_model_weights(m), p.theta.data(), p.theta.size() * 4), KZ_OK);
    devices::Array<float> x(dev, p.x), target(dev, p.target), dz(dev, static_cast<size_t>(Problem::kRows * p.outputs));
    devices::Array<float> grad(dev, p.theta.size());
    devices::Array<int32_t> label(dev, p.label);
    std::vector<double> zeros(static_cast<size_t>(p.outputs)), ones(static_cast<size_t>(p.outputs), 1.0);
    devices::Array<double> mean(dev, zeros), deviation(dev, ones), loss(dev, Problem::kRows),
        score(dev, Problem::kRows);
    std::vector<std::vector<float>> part_gradient;
    for (int64_t i = 0; i < parts; i++) {
        int64_t first = i * Problem::kRows / parts, rows = (i + 1) * Problem::kRows / parts - first;
        std::vector<int64_t> which;
        for (int64_t r = 0; r < rows; r++) which.push_back(first + r);
        devices::Array<int64_t> row(dev, which);
        float *z = nullptr;
        kz_model_step step = p.step;
        step.first_row = first;
        kz_loss l = {};
        l.which = p.loss, l.rows = rows, l.outputs = p.outputs, l.row = row.get(), l.label = label.get();
        l.value = l.raw = target.get(), l.mean = mean.get(), l.deviation = deviation.get(), l.dz = dz.get();
        l.row_loss = loss.get(), l.row_score = score.get();
        EXPECT_EQ(kz_model_forward(m, rows, x.get() + first * Problem::kInputs, &step, &z), KZ_OK);
        l.z = z;
        EXPECT_EQ(dev->loss(dev.get(), &l), KZ_OK);
        EXPECT_EQ(kz_model_backward(m, rows, x.get() + first * Problem::kInputs, &step, dz.get(), grad.get()), KZ_OK);
        part_gradient.push_back(grad.values());
    }
    kz_model_destroy(&m);
    return oracle::tree(part_gradient, [](std::vector<float> a, const std::vector<float> &b) {
        for (size_t i = 0; i < a.size(); i++) a[i] += b[i];
        return a;
    });
}

// The derivative of the loss for parameter i.  Halving the step divides the error of a central difference by 4: a third of
// the change is what is left.  The loss itself is rounded, too: some ulps of the sum of its terms.
void central_difference(const Problem &p, std::vector<double> theta, size_t i, double &value, double &error)
{
    const double h = 0x1p-16, at = theta[i];
    double d[2], size = 0;
    for (int k = 0; k < 2; k++) {
        double step = k ? h : 2 * h;
        theta[i] = at + step;
        double up = total_loss(p, theta);
        theta[i] = at - step;
        double down = total_loss(p, theta);
        d[k] = (up - down) / (2 * step);
        size = up + down;
    }
    value = d[1];
    error = std::fabs(d[0] - d[1]) + 64 * 0x1p-53 * size / h;
}

void check(int activation, int loss, double dropout)
{
    Problem p(activation, loss, dropout, 1000 + static_cast<uint64_t>(10 * activation + loss));
    std::vector<double> theta(p.theta.begin(), p.theta.end());
    std::vector<bounded::Number> with_errors(theta.begin(), theta.end()), wanted(theta.size());
    for (int64_t r = 0; r < Problem::kRows; r++) add_gradient(p, with_errors, r, wanted);
    for (const std::string &isa : devices::isas()) {
        Device dev(isa, 2);
        for (int64_t parts : {1, 4}) {
            std::vector<float> grad = product_gradient(dev, p, parts);
            for (size_t i = 0; i < theta.size(); i++) {
                double truth, doubt;
                central_difference(p, theta, i, truth, doubt);
                double err = std::fabs(static_cast<double>(grad[i]) - truth), bound = wanted[i].e + doubt;
                ASSERT_TRUE(bound <= 5e-4) << "the bound says nothing: " << bound << " for parameter " << i;
                ASSERT_TRUE(err <= bound) << isa << ", " << parts << " parts, parameter " << i << ": " << grad[i]
                                          << ", wanted " << truth << " +- " << bound;
            }
        }
    }
}

} // namespace

class Gradient : public testing::TestWithParam<std::tuple<int, int, double>> {};

TEST_P(Gradient, IsTheDerivativeOfTheLoss)
{
    check(std::get<0>(GetParam()), std::get<1>(GetParam()), std::get<2>(GetParam()));
}

static std::string name_of(const testing::TestParamInfo<std::tuple<int, int, double>> &test)
{
    return std::string(activations[std::get<0>(test.param)]) + "_" + losses[std::get<1>(test.param)] +
           (std::get<2>(test.param) > 0 ? "_dropout" : "");
}

INSTANTIATE_TEST_SUITE_P(All, Gradient,
                         testing::Combine(testing::Range(0, static_cast<int>(KZ_ACTIVATIONS)),
                                          testing::Range(0, static_cast<int>(KZ_LOSSES)), testing::Values(0.0, 0.25)),
                         name_of);
