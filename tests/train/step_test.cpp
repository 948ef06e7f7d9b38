// A training step: PyTorch's trainings reproduced, parts of a batch, dropout by the row in the batch.
#include "cursors.h"
#include "golden_json.h"
#include "training.h"

#include <gtest/gtest.h>

namespace {

using training::Recipe;
using training::Trainer;

std::vector<double> tensors(const json_t *named)
{
    std::vector<double> all;
    for (const char *name : {"0.weight", "0.bias", "1.weight", "1.bias"})
        for (double x : golden::numbers(named, name)) all.push_back(x);
    return all;
}

std::string number_text(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", x);
    return text;
}

Recipe recipe_of(const json_t *item)
{
    Recipe r;
    const json_t *optimizer = json_object_get(item, "optimizer"), *schedule = json_object_get(item, "schedule"), *value;
    const char *key;
    r.layers = {"units: 8, activation: " + golden::text(item, "activation"), ""};
    r.optimizer = "";
    json_object_foreach(const_cast<json_t *>(optimizer), key, value) r.optimizer +=
        std::string(r.optimizer.empty() ? "" : ", ") + key + ": " +
        (json_is_string(value)    ? json_string_value(value)
         : json_is_boolean(value) ? (json_is_true(value) ? "true" : "false")
                                  : number_text(json_number_value(value)));
    if (golden::number(item, "clip_norm") > 0)
        r.optimizer += ", clip_norm: " + number_text(golden::number(item, "clip_norm"));
    if (golden::text(schedule, "name") == "cosine")
        r.optimizer += ", schedule: {name: cosine, warmup_steps: " +
                       std::to_string(static_cast<int>(golden::number(schedule, "warmup_steps"))) +
                       ", final_lr: " + number_text(golden::number(schedule, "final_lr")) + "}";
    r.train = "epochs: 10, batch: 32, shuffle: none";
    return r;
}

void expect_weights(const Trainer &by_hand, const json_t *item, const std::string &step)
{
    std::vector<double> wanted = tensors(json_object_get(json_object_get(item, "weights"), step.c_str()));
    std::vector<float> got = by_hand.weights();
    ASSERT_EQ(wanted.size(), got.size());
    for (size_t i = 0; i < got.size(); i++)
        ASSERT_TRUE(std::fabs(static_cast<double>(got[i]) - wanted[i]) <= golden::number(item, "weight_tolerance"))
            << golden::text(item, "name") << " step " << step << " parameter " << i << ": " << got[i] << ", "
            << wanted[i];
}

void reproduce(const json_t *file, const json_t *item, const char *isa)
{
    std::vector<double> initial = tensors(json_object_get(file, "initial"));
    Trainer fresh(recipe_of(item).yaml(), isa, 2);
    ASSERT_EQ(static_cast<int64_t>(initial.size()), fresh.t.parameters);
    fresh.upload(kz_model_weights(fresh.t.model), std::vector<float>(initial.begin(), initial.end()));
    std::vector<double> loss = golden::numbers(item, "loss"), norm = golden::numbers(item, "norm");
    double before = 0;
    for (int64_t step = 0; step < 40; step++) {
        int64_t begin = step % 4 * 32, rows = std::min<int64_t>(32, 120 - begin);
        ASSERT_EQ(trainer_step(&fresh.t, step, begin, rows), KZ_OK);
        size_t s = static_cast<size_t>(step);
        double total = fresh.tally().loss, mean = (total - before) / static_cast<double>(rows);
        before = total;
        ASSERT_TRUE(std::fabs(mean - loss[s]) <= golden::number(item, "loss_tolerance"))
            << golden::text(item, "name") << " step " << step << ": " << mean << ", wanted " << loss[s];
        // Each parameter's gradient is off by no more than weights and losses are, to an order of magnitude.
        ASSERT_TRUE(std::fabs(fresh.download(fresh.t.norm, 1)[0] - norm[s]) <= 1e-4 * norm[s]) << step;
        if (step == 0 || step == 9 || step == 39) expect_weights(fresh, item, std::to_string(step + 1));
    }
    kz_metrics m;
    ASSERT_EQ(trainer_evaluate(&fresh.t, &fresh.t.train, &m), KZ_OK);
    EXPECT_NEAR(m.accuracy, golden::number(item, "accuracy"), 1e-12) << golden::text(item, "name");
}

// Gradient of the mean loss of the rows, part by part, as rule 4 says.
std::vector<float> naive_gradient(Trainer &by_hand, int64_t step, int64_t rows, int64_t parts)
{
    std::vector<std::vector<float>> all;
    for (int64_t i = 0; i < parts; i++) {
        int64_t first = i * rows / parts, end = (i + 1) * rows / parts;
        kz_model_step at = {by_hand.t.cfg->seed, at_step(step), first};
        EXPECT_EQ(trainer_forward(&by_hand.t, &by_hand.t.train, first, end - first, &at, nullptr, by_hand.t.row_loss,
                                  by_hand.t.row_score),
                  KZ_OK);
        EXPECT_EQ(
            kz_model_backward(by_hand.t.model, end - first, by_hand.t.x, &at, by_hand.t.dz, by_hand.t.gradient[0]),
            KZ_OK);
        all.push_back(by_hand.download(by_hand.t.gradient[0], by_hand.t.parameters));
    }
    std::vector<float> g = oracle::tree(all, [](std::vector<float> a, const std::vector<float> &b) {
        for (size_t j = 0; j < a.size(); j++) a[j] += b[j];
        return a;
    });
    for (float &x : g) x *= static_cast<float>(1.0 / static_cast<double>(rows));
    return g;
}

Recipe parts_recipe(int64_t parts)
{
    Recipe r;
    r.layers = {"units: 20, activation: relu, dropout: 0.3", "units: 9, activation: tanh, dropout: 0.5", ""};
    r.train = "epochs: 1, batch: 40, shuffle: none, micro_batches: " + std::to_string(parts);
    return r;
}

} // namespace

TEST(TrainStep, ReproducesTorch)
{
    golden::Json file = golden::load("torch_training.json");
    for (const json_t *item : golden::items(file.get(), "cases"))
        for (const char *const *isa = kz_device_isas(); *isa; isa++) {
            reproduce(file.get(), item, *isa);
            if (HasFatalFailure()) return;
        }
}

TEST(TrainStep, StandardisesAsTorchWasGiven)
{
    golden::Json file = golden::load("torch_training.json");
    Trainer by_hand(Recipe().yaml());
    std::vector<double> mean = golden::numbers(file.get(), "mean"),
                        deviation = golden::numbers(file.get(), "deviation");
    for (size_t j = 0; j < 4; j++) {
        EXPECT_NEAR(by_hand.t.mean[j], mean[j], 1e-6);
        EXPECT_NEAR(1 / static_cast<double>(by_hand.t.factor[j]), deviation[j], 1e-6);
    }
}

TEST(TrainStep, PartsAreAddedAsTheTreeOfRule4)
{
    for (int64_t parts : {1, 2, 3, 4, 5, 7, 8, 11, 40})
        for (int64_t rows : {40, 24, 3, 1}) { // fewer rows than parts: some are empty
            Trainer naive(parts_recipe(parts).yaml()), real(parts_recipe(parts).yaml(), "plain", 3);
            std::vector<float> wanted = naive_gradient(naive, 6, rows, parts);
            ASSERT_EQ(trainer_step(&real.t, 6, 0, rows), KZ_OK);
            std::vector<float> got = real.download(real.t.gradient[0], real.t.parameters);
            ASSERT_EQ(oracle::first_difference(got, wanted), -1) << parts << " parts of " << rows << " rows";
            double norm = 0;
            for (float g : got) norm += static_cast<double>(g) * static_cast<double>(g);
            ASSERT_NEAR(real.download(real.t.norm, 1)[0], std::sqrt(norm), 1e-12);
        }
}

TEST(TrainStep, LossesOfThePartsAreATreeToo)
{
    for (int64_t parts : {1, 3, 7}) {
        Trainer by_hand(parts_recipe(parts).yaml());
        ASSERT_EQ(trainer_step(&by_hand.t, 0, 0, 40), KZ_OK);
        std::vector<double> loss = by_hand.download(by_hand.t.part_loss, parts);
        EXPECT_EQ(by_hand.tally().loss, oracle::tree(loss, [](double a, double b) { return a + b; }));
        EXPECT_TRUE(by_hand.tally().loss > 0);
    }
}

// The outputs of each row are the same whether the batch is one part or four.
TEST(TrainStep, DropoutBelongsToTheRowOfTheBatch)
{
    Trainer whole(parts_recipe(1).yaml()), cut(parts_recipe(4).yaml());
    std::vector<double> one, four;
    for (Trainer *by_hand : {&whole, &cut}) {
        int64_t parts = by_hand == &whole ? 1 : 4;
        for (int64_t i = 0; i < parts; i++) {
            int64_t first = i * 38 / parts, rows = (i + 1) * 38 / parts - first;
            kz_model_step at = {by_hand->t.cfg->seed, at_step(5), first};
            ASSERT_EQ(trainer_forward(&by_hand->t, &by_hand->t.train, first, rows, &at, nullptr, by_hand->t.row_loss,
                                      by_hand->t.row_score),
                      KZ_OK);
            for (double loss : by_hand->download(by_hand->t.row_loss, rows)) (parts == 1 ? one : four).push_back(loss);
        }
    }
    ASSERT_EQ(one.size(), 38u);
    EXPECT_EQ(oracle::first_difference(one, four), -1);
    kz_model_step other = {whole.t.cfg->seed, at_step(6), 0};
    ASSERT_EQ(trainer_forward(&whole.t, &whole.t.train, 0, 38, &other, nullptr, whole.t.row_loss, whole.t.row_score),
              KZ_OK);
    EXPECT_NE(oracle::first_difference(whole.download(whole.t.row_loss, 38), one), -1) << "each step has its own";
}

TEST(TrainStep, ABadGradientStopsTheUpdate)
{
    Trainer by_hand(Recipe().yaml());
    std::vector<float> w = by_hand.weights();
    w[3] = oracle::kNan;
    by_hand.upload(kz_model_weights(by_hand.t.model), w);
    ASSERT_EQ(trainer_step(&by_hand.t, 17, 0, 16), KZ_OK);
    EXPECT_EQ(by_hand.tally().bad_step, 17);
    EXPECT_EQ(oracle::first_difference(by_hand.weights(), w), -1);
}
