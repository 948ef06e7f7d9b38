// The run directory: where it is made, and what each of its files holds.
#include "record/safetensors.h"
#include "record_support.h"
#include "unprivileged.h"

#include <ctime>
#include <sys/stat.h>
#include <unistd.h>

using Record = RecordTest;

// ---- the directory ----

TEST_F(Record, DirectoryIsNamedByTimeAndConfig)
{
    ASSERT_EQ(KZ_OK, create()) << kz_error_message();
    std::string name = kz_record_directory(rec), parent = folder + "/runs/tiny/";
    ASSERT_EQ(0u, name.find(parent));
    name = name.substr(parent.size());
    EXPECT_EQ(std::string(kz_record_config_digest(rec)).substr(7, 8), name.substr(17));
    struct tm when = {};
    ASSERT_NE(nullptr, strptime(name.substr(0, 16).c_str(), "%Y%m%dT%H%M%SZ", &when)) << name;
    EXPECT_NEAR(static_cast<double>(time(nullptr)), static_cast<double>(timegm(&when)), 5.0);
    EXPECT_EQ((std::vector<std::string>{"config.yaml", "metrics.jsonl"}), entries(kz_record_directory(rec)));
}

TEST_F(Record, CollisionsGetASuffix)
{
    // Whatever second the runs start in, the names they would take first are taken.
    char digest[KZ_DIGEST_TEXT];
    ASSERT_EQ(KZ_OK, kz_config_digest(digest, &cfg));
    std::filesystem::create_directories(path("runs/tiny"));
    for (int second = 0; second < 30; second++) {
        char name[64];
        time_t t = time(nullptr) + second;
        struct tm when = {};
        gmtime_r(&t, &when);
        strftime(name, sizeof name, "%Y%m%dT%H%M%SZ-", &when);
        std::filesystem::create_directory(path("runs/tiny/") + name + std::string(digest + 7, 8));
    }
    ASSERT_EQ(KZ_OK, create());
    std::string second = kz_record_directory(rec);
    EXPECT_EQ("-2", second.substr(second.size() - 2));
    kz_record *third = nullptr;
    ASSERT_EQ(KZ_OK, kz_record_create(&third, &cfg, &data, nullptr, tensors, 2));
    EXPECT_NE(second, kz_record_directory(third));
    kz_record_destroy(&third);
}

TEST_F(Record, NameIsOneFolder)
{
    cfg.name = own("../../a/b");
    ASSERT_EQ(KZ_OK, create());
    EXPECT_EQ(1u, entries(path("runs")).size());
    EXPECT_EQ("_._.._a_b", entries(path("runs"))[0]);
}

TEST_F(Record, GivenDirectoryIsMadeWithItsParents)
{
    ASSERT_EQ(KZ_OK, create(path("a/b/c").c_str())) << kz_error_message();
    EXPECT_EQ(path("a/b/c"), kz_record_directory(rec));
    EXPECT_TRUE(std::filesystem::exists(path("a/b/c/config.yaml")));
    EXPECT_FALSE(std::filesystem::exists(path("runs")));
}

TEST_F(Record, GivenEmptyDirectoryIsFine)
{
    std::filesystem::create_directory(path("empty"));
    EXPECT_EQ(KZ_OK, create(path("empty").c_str())) << kz_error_message();
}

TEST_F(Record, GivenDirectoryInUseIsRefusedWithTheRemedy)
{
    ASSERT_EQ(KZ_OK, create(path("used").c_str()));
    kz_record *second = nullptr;
    EXPECT_EQ(KZ_E_OUTPUT, kz_record_create(&second, &cfg, &data, path("used").c_str(), tensors, 2));
    EXPECT_EQ(path("used") + ": another process is training in it; wait for its end, or stop it", kz_error_message());
    EXPECT_EQ(nullptr, second);
    EXPECT_EQ(2u, entries(path("used")).size()) << "nothing of the other run was touched";
    kz_record_destroy(&rec);
    EXPECT_EQ(KZ_E_OUTPUT, kz_record_create(&second, &cfg, &data, path("used").c_str(), tensors, 2));
    EXPECT_EQ(path("used") + ": is not empty; empty it, or give --out another folder", kz_error_message());
    EXPECT_EQ(nullptr, second);
}

TEST_F(Record, UnwritableOutputNamesPathAndReason)
{
    std::filesystem::create_directory(path("locked"));
    ASSERT_EQ(KZ_OK, kz_file_replace(path("file").c_str(), "x", 1, false));
    EXPECT_EQ(KZ_E_OUTPUT, create((path("file") + "/run").c_str()));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find(path("file")));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("Not a directory"));
    EXPECT_EQ(KZ_E_OUTPUT, create(path("file").c_str()));
    cfg.output = own(path("file").c_str());
    EXPECT_EQ(KZ_E_OUTPUT, create());
    chmod(path("locked").c_str(), 0555);
    chmod(folder.c_str(), 0755);
    Unprivileged now;
    if (!now) GTEST_SKIP() << "root, who may write everywhere, cannot become another user here";
    EXPECT_EQ(KZ_E_OUTPUT, create(path("locked").c_str()));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("Permission denied"));
    EXPECT_EQ(KZ_E_OUTPUT, create(path("locked/run").c_str()));
}

// ---- config.yaml and metrics.jsonl ----

TEST_F(Record, ConfigHasTheAbsolutePath)
{
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    kz_text yaml = {};
    cfg.data.path = data.path;
    ASSERT_EQ(KZ_OK, kz_config_yaml(&yaml, &cfg));
    EXPECT_EQ(kz_text_str(&yaml), content(path("run/config.yaml")));
    EXPECT_NE(std::string::npos, std::string(kz_text_str(&yaml)).find("/data/tiny.h5"));
    kz_text_free(&yaml);
}

TEST_F(Record, LinePerEpoch)
{
    ASSERT_EQ(KZ_OK, run_all(3)) << kz_error_message();
    std::vector<std::string> all = lines(content(path("run/metrics.jsonl")));
    ASSERT_EQ(3u, all.size());
    for (size_t i = 0; i < 3; i++) {
        Json line(all[i]);
        EXPECT_EQ("epoch step train valid lr samples_per_s seconds weights", line.keys({}));
        EXPECT_EQ("loss accuracy", line.keys({"train"}));
        EXPECT_EQ(static_cast<double>(i + 1), line.number({"epoch"}));
        EXPECT_EQ(static_cast<double>(10 * (i + 1)), line.number({"step"}));
        EXPECT_EQ(0.25, line.number({"train", "accuracy"}));
        EXPECT_EQ(0.25, line.number({"valid", "loss"}));
    }
    EXPECT_EQ(R"({"epoch":1,"step":10,"train":{"loss":0.5,"accuracy":0.25},"valid":{"loss":0.25,"accuracy":0.125},)"
              R"("lr":0.10000000000000001,"samples_per_s":1234.5,"seconds":0.125,"weights":")",
              all[0].substr(0, all[0].find("sha256")));
}

TEST_F(Record, LineOfARegressionWithoutValidation)
{
    data.classification = false;
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    kz_epoch e = {};
    e.epoch = 1;
    e.train = metrics(0.5);
    std::vector<float> w(8);
    ASSERT_EQ(KZ_OK, kz_record_epoch(rec, &e, w.data(), 8));
    kz_record_destroy(&rec);
    Json line(lines(content(path("run/metrics.jsonl"))).at(0));
    EXPECT_EQ("loss rmse r2", line.keys({"train"}));
    EXPECT_EQ(0.125, line.number({"train", "rmse"}));
    EXPECT_TRUE(line.null({"train", "r2"})) << "NaN is null";
    EXPECT_EQ(nullptr, line.at({"valid"}));
}

TEST_F(Record, MetricsByName)
{
    kz_metrics m = {1, 2, 3, 4, 5};
    EXPECT_EQ(2, kz_metrics_get(&m, "loss"));
    EXPECT_EQ(3, kz_metrics_get(&m, "accuracy"));
    EXPECT_EQ(4, kz_metrics_get(&m, "rmse"));
    EXPECT_EQ(5, kz_metrics_get(&m, "r2"));
    EXPECT_TRUE(std::isnan(kz_metrics_get(&m, "rows")));
}

// ---- run.json ----

TEST_F(Record, RunSaysAll)
{
    ASSERT_EQ(KZ_OK, run_all(3)) << kz_error_message();
    std::string text = content(path("run/run.json"));
    Json run_json(text);
    EXPECT_EQ(
        "schema status stopped_by error name config seed digests metrics epochs steps samples best_epoch diverged "
        "target resumed timing energy data device machine build memory",
        run_json.keys({}));
    EXPECT_EQ("kaizen.run/1", run_json.text({"schema"}));
    EXPECT_EQ("completed", run_json.text({"status"}));
    EXPECT_EQ("epochs", run_json.text({"stopped_by"}));
    EXPECT_EQ("tiny", run_json.text({"name"}));
    EXPECT_EQ("/data/tiny.h5", run_json.text({"config", "data", "path"}));
    EXPECT_EQ(7, run_json.number({"seed"}));
    EXPECT_EQ("config data weights trajectory", run_json.keys({"digests"}));
    EXPECT_EQ(kz_record_config_digest(rec), run_json.text({"digests", "config"}));
    EXPECT_EQ(data.digest, run_json.text({"digests", "data"}));
    EXPECT_EQ(kz_record_weights_digest(rec), run_json.text({"digests", "weights"}));
    EXPECT_EQ(kz_record_trajectory_digest(rec), run_json.text({"digests", "trajectory"}));
    EXPECT_EQ("loss accuracy", run_json.keys({"metrics", "test"}));
    for (const char *key : {"error", "best_epoch", "diverged", "target"}) EXPECT_TRUE(run_json.null({key})) << key;
    EXPECT_TRUE(run_json.null({"metrics", "valid"}));
    EXPECT_EQ(300, run_json.number({"samples"}));
    EXPECT_EQ(200, run_json.number({"timing", "samples_per_s"}));
    EXPECT_EQ("total_s data_s train_s eval_s checkpoint_s samples_per_s started finished", run_json.keys({"timing"}));
    EXPECT_EQ("cpu_joules gpu_joules gpu_watts_mean gpu_watts_limit reason", run_json.keys({"energy"}));
    EXPECT_EQ("avx2", run_json.text({"device", "isa"}));
    EXPECT_EQ(2, run_json.number({"device", "threads"}));
    EXPECT_EQ(1, run_json.number({"build", "arithmetic"}));
    EXPECT_GT(run_json.number({"memory", "peak_bytes"}), 0);
    EXPECT_EQ(0u, text.find("{\n  \"schema\""));
    EXPECT_EQ("}\n", text.substr(text.size() - 2));
    Json written(text);
    EXPECT_TRUE(json_equal(const_cast<json_t *>(written.at({})), const_cast<json_t *>(kz_record_json(rec))));
    EXPECT_EQ((std::vector<std::string>{"config.yaml", "metrics.jsonl", "model.safetensors", "run.json"}),
              entries(path("run")));
}

TEST_F(Record, RunOfAnEarlyStopWithTarget)
{
    cfg.train.target = {own("valid.accuracy"), true, 0.9};
    run.stopped_by = "target";
    run.target_seconds = 1.25;
    run.best_epoch = 2;
    run.valid = metrics(0.25);
    ASSERT_EQ(KZ_OK, run_all(2));
    Json run_json(content(path("run/run.json")));
    EXPECT_EQ(2, run_json.number({"best_epoch"}));
    EXPECT_EQ("metric value reached seconds", run_json.keys({"target"}));
    EXPECT_EQ("valid.accuracy", run_json.text({"target", "metric"}));
    EXPECT_TRUE(json_is_true(run_json.at({"target", "reached"})));
    EXPECT_EQ(1.25, run_json.number({"target", "seconds"}));
    EXPECT_EQ(0.125, run_json.number({"metrics", "valid", "accuracy"}));
}

TEST_F(Record, RunThatDivergedKeepsNoModel)
{
    cfg.train.target = {own("valid.accuracy"), true, 0.9};
    run.status = "diverged";
    run.stopped_by = "divergence";
    run.error = "the loss was not finite at step 12";
    run.diverged_step = 12;
    run.diverged_in = "step";
    run.train.loss = static_cast<double>(NAN);
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, nullptr, 0)) << kz_error_message();
    Json run_json(content(path("run/run.json")));
    EXPECT_EQ("diverged", run_json.text({"status"}));
    EXPECT_EQ("the loss was not finite at step 12", run_json.text({"error"}));
    EXPECT_EQ(12, run_json.number({"diverged", "step"}));
    EXPECT_EQ("step", run_json.text({"diverged", "what"}));
    EXPECT_TRUE(run_json.null({"metrics", "train", "loss"}));
    EXPECT_TRUE(run_json.null({"digests", "weights"})) << "no epoch was finished";
    EXPECT_TRUE(json_is_false(run_json.at({"target", "reached"})));
    EXPECT_TRUE(run_json.null({"target", "seconds"}));
    EXPECT_FALSE(std::filesystem::exists(path("run/model.safetensors")));
}

TEST_F(Record, TextThatIsNotUtf8IsStillWritten)
{
    run.error = "bad \xff byte";
    ASSERT_EQ(KZ_OK, run_all(1)) << kz_error_message();
    EXPECT_EQ("bad ? byte", Json(content(path("run/run.json"))).text({"error"}));
}

TEST_F(Record, RunNotFinishedLeavesNoRunJson)
{
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    ASSERT_EQ(KZ_OK, epoch(1, std::vector<float>(8)));
    kz_record_destroy(&rec);
    EXPECT_EQ((std::vector<std::string>{"config.yaml", "metrics.jsonl"}), entries(path("run")));
    EXPECT_EQ(1u, lines(content(path("run/metrics.jsonl"))).size()) << "what was queued is written";
}

TEST_F(Record, WrongUse)
{
    ASSERT_EQ(KZ_OK, run_all(1));
    EXPECT_EQ(KZ_E_ARG, epoch(2, std::vector<float>(8)));
    EXPECT_EQ(KZ_E_ARG, epoch(2, std::vector<float>(7)));
    EXPECT_EQ(KZ_E_ARG, kz_record_finish(rec, &run, nullptr, 0));
    kz_record_destroy(&rec);
    kz_record_destroy(&rec); // NULL is fine
}
