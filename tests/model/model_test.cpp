// Shapes, names and initial weights of a model, and how making one fails.
#include "cursors.h"
#include "devices.h"
#include "training.h"

#include <cstring>
#include <gtest/gtest.h>

namespace {

using devices::Device;
using training::Config;
using training::Recipe;

class Model {
  public:
    Model(const Device &dev, const Recipe &recipe, int64_t inputs, int64_t outputs, int64_t rows = 4)
        : config_(recipe.yaml()), dev_(dev)
    {
        status = kz_model_create(&model, dev.get(), config_.cfg, inputs, outputs, rows);
    }
    ~Model()
    {
        kz_model_destroy(&model);
        EXPECT_EQ(model, nullptr);
    }
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;
    std::vector<float> weights() const
    {
        std::vector<float> w(static_cast<size_t>(kz_model_parameters(model)));
        EXPECT_EQ(dev_->download(dev_.get(), w.data(), kz_model_weights(model), w.size() * 4), KZ_OK);
        return w;
    }
    kz_model *model = nullptr;
    kz_status status;

  private:
    Config config_;
    const Device &dev_;
};

Recipe layers(const std::vector<std::string> &list)
{
    Recipe r;
    r.layers = list;
    return r;
}

} // namespace

TEST(Model, NamesAndPlacesItsTensorsAsTorchDoes)
{
    Device dev;
    Model m(dev, layers({"units: 5", "units: 2", ""}), 3, 4);
    ASSERT_EQ(m.status, KZ_OK) << kz_error_message();
    EXPECT_EQ(kz_model_parameters(m.model), 3 * 5 + 5 + 5 * 2 + 2 + 2 * 4 + 4);
    int64_t n, at = 0;
    const kz_tensor *t = kz_model_tensors(m.model, &n);
    ASSERT_EQ(n, 6);
    const char *names[] = {"0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"};
    const int64_t shape[][2] = {{5, 3}, {5, 1}, {2, 5}, {2, 1}, {4, 2}, {4, 1}};
    for (int i = 0; i < 6; i++) {
        EXPECT_STREQ(t[i].name, names[i]);
        EXPECT_EQ(t[i].rank, i % 2 ? 1 : 2);
        EXPECT_EQ(t[i].shape[0], shape[i][0]);
        EXPECT_EQ(t[i].shape[0] * (i % 2 ? 1 : t[i].shape[1]), t[i].n);
        EXPECT_TRUE(i % 2 || t[i].shape[1] == shape[i][1]);
        EXPECT_EQ(t[i].offset, at);
        EXPECT_EQ(t[i].n, shape[i][0] * shape[i][1]);
        at += t[i].n;
    }
}

TEST(Model, LastLayersUnitsMustFitTheData)
{
    Device dev;
    Model fits(dev, layers({"units: 5", "units: 4"}), 3, 4), wrong(dev, layers({"units: 5", "units: 7"}), 3, 4);
    EXPECT_EQ(fits.status, KZ_OK);
    EXPECT_EQ(wrong.status, KZ_E_CONFIG);
    EXPECT_EQ(wrong.model, nullptr);
    EXPECT_NE(strstr(kz_error_message(), "model.layers[1].units: 7, but the data and the loss need 4"), nullptr)
        << kz_error_message();
}

// Rule 9: element e of layer l is number e of its own stream; bounds of torch.nn.init; biases +0.
TEST(Model, InitialWeightsAreNumberedByElement)
{
    Device dev;
    const struct {
        const char *init;
        bool uniform;
        double a;
        bool both;
    } inits[] = {{"he_normal", false, 2, false},
                 {"he_uniform", true, 2, false},
                 {"glorot_normal", false, 2, true},
                 {"glorot_uniform", true, 2, true}};
    const int64_t inputs[] = {6, 11}, units[] = {11, 3};
    for (const auto &init : inits) {
        Model m(dev, layers({"units: 11", ""}), 6, 3);
        ASSERT_EQ(kz_model_init(m.model, 77, init.init), KZ_OK);
        std::vector<float> w = m.weights();
        size_t at = 0;
        for (uint32_t l = 0; l < 2; l++) {
            double fan = static_cast<double>(init.both ? inputs[l] + units[l] : inputs[l]);
            kz_stream s = kz_stream_of(77, KZ_FOR_INIT, l, 0);
            for (uint64_t e = 0; e < static_cast<uint64_t>(inputs[l] * units[l]); e++, at++) {
                double u = kz_random_f64(s, e);
                double wanted = init.uniform ? (2 * u - 1) * std::sqrt(3 * init.a / fan)
                                             : kz_normal_quantile_f64(u) * std::sqrt(init.a / fan);
                ASSERT_TRUE(std::fabs(w[at] - wanted) <= 1.01 * oracle::kUnit * std::fabs(wanted))
                    << init.init << " layer " << l << " element " << e;
            }
            for (int64_t j = 0; j < units[l]; j++, at++) ASSERT_EQ(oracle::bits(w[at]), 0u) << "a bias";
        }
    }
}

TEST(Model, ZerosAreZerosAndUnknownNamesAreNot)
{
    Device dev;
    Model m(dev, layers({"units: 4", ""}), 2, 2);
    ASSERT_EQ(kz_model_init(m.model, 1, "he_normal"), KZ_OK);
    ASSERT_EQ(kz_model_init(m.model, 1, "zeros"), KZ_OK);
    for (float w : m.weights()) EXPECT_EQ(oracle::bits(w), 0u);
    EXPECT_EQ(kz_model_init(m.model, 1, "orthogonal"), KZ_E_NAME);
}

TEST(Model, SeedsGiveOtherWeights)
{
    Device dev;
    Model m(dev, layers({"units: 4", ""}), 2, 2);
    ASSERT_EQ(kz_model_init(m.model, 1, "he_normal"), KZ_OK);
    std::vector<float> one = m.weights();
    ASSERT_EQ(kz_model_init(m.model, 1, "he_normal"), KZ_OK);
    EXPECT_EQ(m.weights(), one);
    ASSERT_EQ(kz_model_init(m.model, 2, "he_normal"), KZ_OK);
    EXPECT_NE(m.weights(), one);
}

TEST(Model, EachAllocationFailsInTurn)
{
    Device dev;
    Config config(layers({"units: 4, dropout: 0.5", "units: 3", ""}).yaml());
    for (int64_t n = 1; n < 100; n++) {
        kz_model *m = nullptr;
        kz_calloc_fail_at(n);
        kz_status st = kz_model_create(&m, dev.get(), config.cfg, 2, 2, 8);
        if (st == KZ_OK) st = kz_model_init(m, 1, "he_normal");
        kz_calloc_fail_at(0);
        bool made = m != nullptr;
        kz_model_destroy(&m);
        if (st == KZ_OK) {
            EXPECT_TRUE(made);
            EXPECT_GT(n, 8);
            return;
        }
        ASSERT_EQ(st, KZ_E_MEM) << n;
    }
    FAIL() << "never succeeded";
}

TEST(Model, EvaluationHasNoDropout)
{
    Device dev;
    Model with(dev, layers({"units: 40, activation: tanh, dropout: 0.9", ""}), 6, 3);
    Model without(dev, layers({"units: 40, activation: tanh", ""}), 6, 3);
    devices::Array<float> x(dev, oracle::Random(1).floats(4 * 6));
    std::vector<float> out[2];
    for (int i = 0; i < 2; i++) {
        kz_model *m = i ? without.model : with.model;
        float *z = nullptr;
        ASSERT_EQ(kz_model_init(m, 5, "glorot_uniform"), KZ_OK);
        ASSERT_EQ(kz_model_forward(m, 4, x.get(), nullptr, &z), KZ_OK);
        out[i].assign(z, z + 12);
    }
    EXPECT_EQ(oracle::first_difference(out[0], out[1]), -1);
    kz_model_step step = {3, at_step(0), 0};
    float *z = nullptr;
    ASSERT_EQ(kz_model_forward(with.model, 4, x.get(), &step, &z), KZ_OK);
    EXPECT_NE(oracle::first_difference(out[0], std::vector<float>(z, z + 12)), -1) << "training has it";
}
