// Whole runs: the same bits everywhere, and every way in which a run ends.
#include "training.h"

#include "golden_json.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>

namespace {

using training::Options;
using training::Outcome;
using training::Recipe;
using training::train;

Recipe digits(const std::string &more = "")
{
    Recipe r;
    r.data = "digits";
    r.layers = {"units: 130, activation: relu, dropout: 0.2", ""};
    r.optimizer = "name: adam, lr: 0.002, clip_norm: 1.0";
    r.train = "epochs: 1, batch: 300" + more; // products large enough to be shared out
    return r;
}

Recipe iris(const std::string &train_keys, const std::string &optimizer = "name: sgd, lr: 0.1, momentum: 0.9")
{
    Recipe r;
    r.data_keys = "valid: {fraction: 0.2}";
    r.optimizer = optimizer;
    r.train = train_keys;
    return r;
}

int64_t open_files()
{
    int64_t n = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) n += !entry.path().empty();
    return n;
}

golden::Json run_json(const std::string &directory)
{
    return golden::parse(program::read_file(directory + "/run.json"));
}

} // namespace

TEST(TrainRun, GivesTheSameBitsOnAnyThreadsAndInstructionSet)
{
    std::vector<std::string> of_shuffle;
    for (const char *more : {"", ", shuffle: none", ", micro_batches: 3"}) {
        std::string first;
        for (const char *const *isa = kz_device_isas(); *isa; isa++)
            for (int threads : {1, 2, 3, 8}) {
                Options o;
                o.isa = *isa, o.threads = threads;
                Outcome r = train(digits(more).yaml(), o);
                ASSERT_EQ(r.status, KZ_OK) << r.message;
                if (first.empty()) first = r.weights;
                ASSERT_EQ(r.weights, first) << *isa << " x" << threads << more;
            }
        for (const std::string &other : of_shuffle) EXPECT_NE(first, other) << more;
        of_shuffle.push_back(first);
    }
}

TEST(TrainRun, AgainIsTheSameAndAnotherSeedIsNot)
{
    Recipe r = iris("epochs: 3, batch: 16"), other = r;
    other.seed = "2";
    EXPECT_EQ(train(r.yaml()).weights, train(r.yaml()).weights);
    EXPECT_NE(train(r.yaml()).weights, train(other.yaml()).weights);
}

TEST(TrainRun, CountsStepsAndSamplesAndReportsEpochs)
{
    Outcome r = train(iris("epochs: 3, batch: 40").yaml()); // 96 rows: 40, 40, 16
    ASSERT_EQ(r.status, KZ_OK) << r.message;
    EXPECT_EQ(r.run.steps, 9);
    EXPECT_EQ(r.run.samples, 3 * 96);
    EXPECT_EQ(r.run.epochs, 3);
    EXPECT_STREQ(r.run.status, "completed");
    EXPECT_STREQ(r.run.stopped_by, "epochs");
    EXPECT_EQ(r.steps, (std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
    ASSERT_EQ(r.epochs.size(), 3u);
    for (int64_t e = 0; e < 3; e++) {
        const kz_epoch &epoch = r.epochs[static_cast<size_t>(e)];
        EXPECT_EQ(epoch.epoch, e + 1);
        EXPECT_EQ(epoch.step, 3 * (e + 1));
        EXPECT_EQ(epoch.train.rows, 96);
        EXPECT_EQ(epoch.valid.rows, 24);
        EXPECT_TRUE(epoch.train.loss > 0 && epoch.valid.accuracy >= 0 && std::isnan(epoch.train.r2));
        EXPECT_EQ(epoch.lr, 0.1);
    }
    EXPECT_EQ(r.digests.back(), r.weights) << "the weights kept are the last epoch's";
    EXPECT_EQ(r.run.valid.loss, r.epochs.back().valid.loss);
    EXPECT_EQ(r.run.test.rows, 30);
}

TEST(TrainRun, WorksWithoutValidationAndTestRows)
{
    Recipe r;
    r.data_keys = "test: none";
    Outcome run = train(r.yaml());
    ASSERT_EQ(run.status, KZ_OK) << run.message;
    EXPECT_EQ(run.run.valid.rows, 0);
    EXPECT_EQ(run.run.test.rows, 0);
    EXPECT_EQ(run.run.train.rows, 120);
}

TEST(TrainRun, ABatchMayBeLargerThanTheData)
{
    Recipe all, more;
    all.train = "epochs: 3, batch: 120", more.train = "epochs: 3, batch: 16777216";
    Outcome a = train(all.yaml()), b = train(more.yaml());
    ASSERT_EQ(b.status, KZ_OK) << b.message;
    EXPECT_EQ(b.run.steps, 3);
    EXPECT_EQ(a.weights, b.weights);
}

TEST(TrainRun, TheLastBatchMayBeSmallerThanItsParts)
{
    Recipe r;
    r.train = "epochs: 2, batch: 59, micro_batches: 9"; // 59, 59, 2
    Outcome a = train(r.yaml());
    Options o;
    o.threads = 3;
    Outcome b = train(r.yaml(), o);
    ASSERT_EQ(a.status, KZ_OK) << a.message;
    EXPECT_EQ(a.run.steps, 6);
    EXPECT_EQ(a.weights, b.weights);
}

// Cross entropy of the logits before any training, zeros: log of the number of classes for every row.
TEST(TrainRun, MetricsOfAnUntrainedModelAreKnown)
{
    Recipe r = iris("epochs: 1, batch: 1000, shuffle: none", "name: sgd, lr: 1e-30");
    r.model_keys = "  init: zeros\n";
    Outcome run = train(r.yaml());
    ASSERT_EQ(run.status, KZ_OK) << run.message;
    double log3 = static_cast<double>(1.0986122886681098f);
    EXPECT_NEAR(run.run.train.loss, log3, 1e-6);
    EXPECT_NEAR(run.run.test.loss, log3, 1e-6);
    EXPECT_NEAR(run.run.test.accuracy, 1.0 / 3, 0.1) << "ties go to class 0";
}

TEST(TrainRun, RegressionIsMeasuredInOriginalUnits)
{
    Recipe r;
    r.data = "diabetes", r.layers = {""}, r.train = "epochs: 30, batch: 32, shuffle: none",
    r.optimizer = "name: sgd, lr: 0.02";
    Outcome scaled = train(r.yaml());
    ASSERT_EQ(scaled.status, KZ_OK) << scaled.message;
    EXPECT_TRUE(scaled.run.test.r2 > 0.3 && scaled.run.test.r2 < 0.7) << scaled.run.test.r2;
    EXPECT_TRUE(scaled.run.test.rmse > 40 && scaled.run.test.rmse < 70) << scaled.run.test.rmse;
    EXPECT_TRUE(std::isnan(scaled.run.test.accuracy));
}

TEST(TrainRun, EarlyStopRestoresTheBestEpoch)
{
    Outcome r = train(
        iris("epochs: 200, batch: 8, early_stop: {metric: valid.loss, patience: 4}", "name: adam, lr: 0.1").yaml());
    ASSERT_EQ(r.status, KZ_OK) << r.message;
    EXPECT_STREQ(r.run.stopped_by, "early_stop");
    size_t best = 0;
    for (size_t i = 1; i < r.epochs.size(); i++)
        if (r.epochs[i].valid.loss < r.epochs[best].valid.loss) best = i;
    EXPECT_EQ(r.run.best_epoch, static_cast<int64_t>(best) + 1);
    EXPECT_EQ(r.epochs.size(), best + 1 + 4) << "patience";
    EXPECT_EQ(r.weights, r.digests[best]);
    EXPECT_NE(r.weights, r.digests.back());
    EXPECT_EQ(r.run.valid.loss, r.epochs[best].valid.loss);
    EXPECT_EQ(r.run.train.loss, r.epochs[best].train.loss);
}

TEST(TrainRun, EarlyStopThatIsNeverMetStillKeepsTheBest)
{
    Outcome r =
        train(iris("epochs: 12, batch: 8, early_stop: {metric: valid.accuracy, patience: 100}", "name: adam, lr: 0.2")
                  .yaml());
    ASSERT_EQ(r.status, KZ_OK) << r.message;
    EXPECT_STREQ(r.run.stopped_by, "epochs");
    size_t best = 0;
    for (size_t i = 1; i < r.epochs.size(); i++)
        if (r.epochs[i].valid.accuracy > r.epochs[best].valid.accuracy) best = i;
    EXPECT_EQ(r.run.best_epoch, static_cast<int64_t>(best) + 1);
    EXPECT_EQ(r.weights, r.digests[best]);
}

TEST(TrainRun, MinDeltaIsWhatCountsAsImprovement)
{
    Outcome r =
        train(iris("epochs: 50, batch: 8, early_stop: {metric: train.loss, patience: 2, min_delta: 100}").yaml());
    ASSERT_EQ(r.status, KZ_OK) << r.message;
    EXPECT_EQ(r.run.epochs, 3);
    EXPECT_EQ(r.run.best_epoch, 1);
}

TEST(TrainRun, ATargetStopsTheRun)
{
    for (const char *target : {"metric: train.accuracy, at_least: 0.8", "metric: valid.loss, at_most: 0.6",
                               "metric: test.accuracy, at_least: 0.5"}) {
        Outcome r = train(iris(std::string("epochs: 100, batch: 8, target: {") + target + "}").yaml());
        ASSERT_EQ(r.status, KZ_OK) << r.message;
        EXPECT_STREQ(r.run.stopped_by, "target") << target;
        EXPECT_LT(r.run.epochs, 100);
        EXPECT_TRUE(r.run.target_seconds > 0) << target;
        EXPECT_EQ(r.weights, r.digests.back());
    }
    Outcome never = train(iris("epochs: 2, batch: 8, target: {metric: valid.loss, at_most: -1}").yaml());
    EXPECT_STREQ(never.run.stopped_by, "epochs");
    EXPECT_TRUE(std::isnan(never.run.target_seconds));
}

TEST(TrainRun, DivergenceKeepsTheWeightsBeforeTheBadStep)
{
    program::Folder folder;
    Options o;
    o.directory = folder.path("run");
    Recipe r = iris("epochs: 5, batch: 16", "name: sgd, lr: 1e30");
    r.layers = {"units: 8, activation: relu", "units: 8, activation: relu", ""};
    Outcome diverged = train(r.yaml(), o);
    ASSERT_EQ(diverged.status, KZ_E_DIVERGED) << diverged.message;
    EXPECT_EQ(kz_status_exit(diverged.status), 76);
    EXPECT_STREQ(diverged.run.status, "diverged");
    EXPECT_STREQ(diverged.run.stopped_by, "divergence");
    EXPECT_NE(diverged.message.find("of step " + std::to_string(diverged.run.diverged_step) + " "), std::string::npos);
    EXPECT_STREQ(diverged.run.diverged_in, "step");
    ASSERT_GT(diverged.run.diverged_step, 0);
    EXPECT_EQ(diverged.run.steps, diverged.run.diverged_step);
    volatile sig_atomic_t stop = 0;
    Options until;
    until.stop = &stop;
    until.on_step = [&](int64_t done) {
        if (done == diverged.run.diverged_step) stop = SIGINT;
    };
    EXPECT_EQ(train(r.yaml(), until).weights, diverged.weights);
    golden::Json json = run_json(o.directory);
    EXPECT_EQ(golden::text(json.get(), "status"), "diverged");
    EXPECT_EQ(golden::number(json_object_get(json.get(), "diverged"), "step", -1),
              static_cast<double>(diverged.run.diverged_step));
    EXPECT_EQ(golden::text(json_object_get(json.get(), "digests"), "weights"), diverged.weights);
}

TEST(TrainRun, ASignalEndsItAfterTheStep)
{
    for (int number : {SIGINT, SIGTERM}) {
        program::Folder folder;
        volatile sig_atomic_t stop = 0;
        Options o;
        o.directory = folder.path("run"), o.stop = &stop;
        o.on_step = [&](int64_t done) {
            if (done == 8) stop = number;
        };
        Outcome r = train(iris("epochs: 5, batch: 16").yaml(), o);
        EXPECT_EQ(r.status, KZ_E_INTERRUPTED) << r.message;
        EXPECT_EQ(kz_status_exit(r.status), 75);
        EXPECT_NE(r.message.find("go on with --resume " + r.directory), std::string::npos) << r.message;
        EXPECT_EQ(r.run.steps, 8);
        EXPECT_EQ(r.run.epochs, 1);
        EXPECT_STREQ(r.run.status, "interrupted");
        golden::Json json = run_json(r.directory);
        EXPECT_EQ(golden::text(json.get(), "status"), "interrupted");
        EXPECT_EQ(golden::text(json.get(), "stopped_by"), "signal");
        EXPECT_EQ(golden::text(json_object_get(json.get(), "digests"), "weights"), r.weights);
    }
}

TEST(TrainRun, AnEndBeforeTheEndKeepsTheLastWeightsAndClaimsNoBestEpoch)
{
    volatile sig_atomic_t stop = 0;
    Options o;
    o.stop = &stop;
    o.on_step = [&](int64_t done) {
        if (done == 8) stop = SIGINT; // two steps into the second epoch
    };
    Outcome r = train(iris("epochs: 5, batch: 16, early_stop: {metric: valid.loss, patience: 5}").yaml(), o);
    EXPECT_EQ(r.status, KZ_E_SIGINT);
    EXPECT_EQ(r.run.best_epoch, 0);
    EXPECT_NE(r.weights, r.digests[0]);
}

TEST(TrainRun, AFailingWatcherEndsIt)
{
    Options o;
    o.on_epoch = [](int64_t epoch) { return epoch == 2 ? KZ_FAIL(KZ_E_OUTPUT, "no more room") : KZ_OK; };
    Outcome r = train(iris("epochs: 5, batch: 16").yaml(), o);
    EXPECT_EQ(r.status, KZ_E_OUTPUT);
    EXPECT_EQ(r.epochs.size(), 2u);
    EXPECT_STREQ(r.run.status, "failed");
}

TEST(TrainRun, ADryRunTrainsNothing)
{
    program::Folder folder;
    Options o;
    o.directory = folder.path("run"), o.dry_run = true;
    Outcome r = train(iris("epochs: 5, batch: 16").yaml(), o);
    EXPECT_EQ(r.status, KZ_OK);
    EXPECT_TRUE(r.steps.empty());
    EXPECT_FALSE(program::exists(o.directory));
}

TEST(TrainRun, WhatDoesNotFitTheDataIsABadConfig)
{
    Recipe binary, last, wide, warm;
    binary.model_keys = "  loss: binary_cross_entropy\n";
    last.layers = {"units: 4", "activation: tanh"};
    wide.layers = {"units: 4", "units: 9"};
    warm.optimizer = "name: sgd, lr: 0.1, schedule: {name: constant, warmup_steps: 1000}";
    for (const Recipe &r : {binary, last, wide, warm}) {
        Outcome run = train(r.yaml());
        EXPECT_EQ(run.status, KZ_E_CONFIG) << run.message << "\n" << r.yaml();
    }
}

TEST(TrainRun, EachAllocationFailsInTurnAndNothingLeaks)
{
    program::Folder folder;
    for (bool recorded : {false, true}) {
        int64_t n = 0, files = open_files(), failures = 0;
        kz_status st = KZ_E_MEM;
        Recipe r = iris("epochs: 2, batch: 64, micro_batches: 3, early_stop: {metric: valid.loss, patience: 1}");
        r.layers[0] += ", dropout: 0.1";
        training::Config check(r.yaml());
        while (st != KZ_OK && n < 3000) {
            kz_train_options o = {};
            kz_train_result result = {};
            training::Config config(r.yaml()); // each time: a run fills in what it leaves open
            std::string directory = folder.path(std::to_string(n));
            config.cfg->device.threads = 2;
            o.no_record = !recorded, o.directory = recorded ? directory.c_str() : nullptr;
            kz_calloc_fail_at(++n);
            st = kz_train(config.cfg, &o, &result);
            kz_calloc_fail_at(0);
            failures += st != KZ_OK;
            ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM || st == KZ_E_FAIL) << n << ": " << kz_error_message();
            kz_train_result_free(&result);
        }
        EXPECT_EQ(st, KZ_OK);
        EXPECT_GT(failures, 30);
        EXPECT_EQ(open_files(), files);
    }
}
