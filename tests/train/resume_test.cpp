// Going on with a run: the bits are those of the run that was never touched, and what does not belong to it is refused.
#include "training.h"

#include "golden_json.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sys/file.h>

namespace {

using training::iris;
using training::Options;
using training::Outcome;
using training::Recipe;
using training::train;

// All that must be equal: digests, metrics, lines of epochs without their times.
struct Trace {
    std::string run, lines;
    bool operator==(const Trace &other) const
    {
        return run == other.run && lines == other.lines;
    }
};

std::string dump(const json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    std::string s = text ? text : "";
    free(text);
    return s;
}

Trace trace_of(const std::string &directory)
{
    Trace t;
    golden::Json run = golden::parse(program::read_file(directory + "/run.json"));
    for (const char *key : {"status", "stopped_by", "digests", "metrics", "epochs", "steps", "samples", "best_epoch"})
        t.run += std::string(key) + dump(json_object_get(run.get(), key)) + "\n";
    std::istringstream lines(program::read_file(directory + "/metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) {
        golden::Json j = golden::parse(line);
        json_object_del(j.get(), "seconds");
        json_object_del(j.get(), "samples_per_s");
        t.lines += dump(j.get()) + "\n";
    }
    return t;
}

// A stop after `steps` more steps; 0: none.
Outcome run_part(const std::string &yaml, const std::string &directory, bool resume, int64_t steps,
                 const std::string &isa = "", int threads = 1)
{
    volatile sig_atomic_t stop = 0;
    int64_t seen = 0;
    Options o;
    o.directory = directory, o.resume = resume, o.stop = &stop, o.isa = isa, o.threads = threads;
    o.on_step = [&](int64_t) {
        if (++seen == steps) stop = SIGTERM;
    };
    return train(yaml, o);
}

std::vector<std::string> names_in(const std::string &directory, const std::string &part)
{
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
        std::string name = entry.path().filename().string();
        if (name.find(part) != std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

void damage(const std::string &path, int64_t from_end)
{
    std::string bytes = program::read_file(path);
    ASSERT_GT(static_cast<int64_t>(bytes.size()), from_end);
    bytes[bytes.size() - static_cast<size_t>(from_end)] ^= 1;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void copy(const std::string &from, const std::string &to)
{
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to);
}

// ---- random configs from what the schema allows ----

class Dice {
  public:
    explicit Dice(unsigned seed) : engine_(seed)
    {
    }
    int64_t number(int64_t from, int64_t to)
    {
        return from + static_cast<int64_t>(engine_() % static_cast<uint64_t>(to - from + 1));
    }
    std::string one(const std::vector<std::string> &of)
    {
        return of[static_cast<size_t>(number(0, static_cast<int64_t>(of.size()) - 1))];
    }
    bool maybe()
    {
        return number(0, 1) == 1;
    }

  private:
    std::mt19937_64 engine_;
};

/* One draw to an expression, so that every compiler draws in the same order. */
Recipe random_recipe(Dice &d)
{
    Recipe r;
    r.data = d.one({"iris", "wine", "diabetes", "breast_cancer"});
    bool classes = r.data != "diabetes", valid = d.maybe();
    r.data_keys = valid ? "valid: {fraction: 0.15}" : "valid: none";
    if (d.maybe()) r.data_keys += ", scale: " + d.one({"none", "unit", "standard"});
    r.seed = std::to_string(d.number(0, 1 << 30));
    r.layers.clear();
    for (int64_t i = d.number(0, 2); i > 0; i--) {
        r.layers.push_back("units: " + std::to_string(d.number(1, 12)));
        r.layers.back() += ", activation: " + d.one({"relu", "tanh", "sigmoid"});
        if (d.maybe()) r.layers.back() += ", dropout: 0.25";
    }
    r.layers.push_back("");
    r.model_keys = "  init: " + d.one({"he_normal", "glorot_uniform"}) + "\n";
    std::string batch = d.one({"7", "16", "50", "4000"}), warmup = batch == "4000" ? "1" : "3";
    std::string method = d.one({"sgd", "adam", "adamw"});
    r.optimizer = "name: " + method + ", lr: " + d.one({"0.001", "0.01"});
    if (method == "sgd" && d.maybe()) r.optimizer += ", momentum: 0.9";
    if (d.maybe()) r.optimizer += ", clip_norm: 1.0";
    if (d.maybe())
        r.optimizer += ", schedule: {name: " + d.one({"constant", "cosine"}) + ", warmup_steps: " + warmup + "}";
    r.train = "epochs: " + std::to_string(d.number(1, 6)) + ", batch: " + batch;
    r.train += ", micro_batches: " + d.one({"1", "3"});
    r.train += ", shuffle: " + d.one({"full", "none"});
    std::string split = valid ? "valid" : "train", score = classes ? "accuracy" : "r2", from = d.one({split, "test"});
    if (d.maybe()) r.train += ", early_stop: {metric: " + split + "." + d.one({"loss", score}) + ", patience: 2}";
    if (d.maybe()) r.train += ", target: {metric: " + from + "." + score + ", at_least: 0.7}";
    if (d.maybe())
        r.train += ", checkpoint: {" + d.one({"every_epochs: 2", "every_steps: 3", "every_minutes: 1"}) + "}";
    return r;
}

} // namespace

TEST(TrainResume, AnyStopsGiveTheRunThatWasNeverTouched)
{
    const std::vector<std::string> isas = {"plain", ""};
    int stops = 0, runs = 0;
    for (unsigned seed = 1; seed <= 20; seed++) {
        Dice d(seed);
        Recipe r = random_recipe(d);
        program::Folder folder;
        Options straight;
        straight.directory = folder.path("straight");
        Outcome whole = train(r.yaml(), straight);
        ASSERT_EQ(KZ_OK, whole.status) << whole.message << "\n" << r.yaml();
        Outcome part;
        for (int i = 0; i == 0 || part.status == KZ_E_INTERRUPTED; i++) {
            ASSERT_LT(i, 1000) << r.yaml();
            int64_t most = whole.run.steps / 3 + 2;
            int64_t steps = d.number(1, most);
            int threads = static_cast<int>(d.number(1, 3));
            part = run_part(r.yaml(), folder.path("cut"), i > 0, steps, isas[d.maybe()], threads);
            ASSERT_TRUE(part.status == KZ_OK || part.status == KZ_E_INTERRUPTED) << part.message << "\n" << r.yaml();
            EXPECT_TRUE(part.notes.empty()) << part.notes[0];
            stops += part.status == KZ_E_INTERRUPTED;
        }
        Trace a = trace_of(whole.directory), b = trace_of(part.directory);
        ASSERT_EQ(a.run, b.run) << "seed " << seed << "\n" << r.yaml();
        ASSERT_EQ(a.lines, b.lines) << "seed " << seed << "\n" << r.yaml();
        runs++;
    }
    EXPECT_EQ(runs, 20);
    EXPECT_GE(stops, 30) << "or nothing was shown";
}

// A stop in every place: between any two steps, in every evaluation, and before the best weights are put back.
TEST(TrainResume, AStopAfterEveryStep)
{
    Recipe r = iris("epochs: 60, early_stop: {metric: valid.loss, patience: 1}, checkpoint: {every_epochs: 3, keep: 1}",
                    "name: adam, lr: 0.3");
    program::Folder folder;
    Options straight;
    straight.directory = folder.path("straight");
    Outcome whole = train(r.yaml(), straight);
    ASSERT_EQ(KZ_OK, whole.status) << whole.message;
    ASSERT_GT(whole.run.best_epoch, 0);
    Trace wanted = trace_of(whole.directory);
    for (int64_t at = 1; at <= whole.run.steps; at++) {
        std::string directory = folder.path("cut" + std::to_string(at));
        Outcome one = run_part(r.yaml(), directory, false, at);
        ASSERT_EQ(KZ_E_INTERRUPTED, one.status) << at << ": " << one.message;
        EXPECT_EQ(one.run.steps, at);
        Outcome two = run_part(r.yaml(), directory, true, 0);
        ASSERT_EQ(KZ_OK, two.status) << at << ": " << two.message;
        Trace got = trace_of(directory);
        ASSERT_EQ(wanted.run, got.run) << at;
        ASSERT_EQ(wanted.lines, got.lines) << at;
        std::filesystem::remove_all(directory);
    }
}

TEST(TrainResume, ARunThatWasKilledGoesOnFromItsNewestCheckpoint)
{
    program::Folder folder;
    Recipe r = iris("epochs: 8, checkpoint: {every_steps: 5, keep: 3}");
    Options o;
    o.directory = folder.path("run");
    Outcome whole = train(r.yaml(), o);
    ASSERT_EQ(KZ_OK, whole.status) << whole.message;
    Trace wanted = trace_of(whole.directory);
    EXPECT_EQ(
        (std::vector<std::string>{"checkpoint-000007.step-0000000045.safetensors", "checkpoint-000008.safetensors"}),
        (std::vector<std::string>{names_in(o.directory, "checkpoint")[names_in(o.directory, "checkpoint").size() - 2],
                                  names_in(o.directory, "checkpoint").back()}));
    std::filesystem::remove(o.directory + "/checkpoint-000008.safetensors");
    std::filesystem::remove(o.directory + "/run.json");
    std::filesystem::remove(o.directory + "/model.safetensors");
    std::ofstream(o.directory + "/metrics.jsonl", std::ios::app) << "{\"epoch\": 9, \"wei"; // a line that was cut
    std::ofstream(o.directory + "/checkpoint-000009.safetensors.tmp-123") << "half";
    o.resume = true;
    Outcome again = train(r.yaml(), o);
    ASSERT_EQ(KZ_OK, again.status) << again.message;
    EXPECT_EQ(again.steps.front(), 46) << "from step 45 on";
    EXPECT_TRUE(wanted == trace_of(o.directory));
    EXPECT_TRUE(names_in(o.directory, ".tmp-").empty());
    golden::Json run = golden::parse(program::read_file(o.directory + "/run.json"));
    const json_t *resumed = json_object_get(run.get(), "resumed");
    ASSERT_EQ(json_array_size(resumed), 1u);
    EXPECT_EQ(golden::number(json_array_get(resumed, 0), "step"), 45);
    EXPECT_EQ(golden::text(json_array_get(resumed, 0), "checkpoint"), "checkpoint-000007.step-0000000045.safetensors");
}

TEST(TrainResume, OneStoppedBeforeItsFirstCheckpointBegins)
{
    program::Folder folder;
    Recipe r = iris("epochs: 4");
    Options o;
    o.directory = folder.path("run");
    Outcome whole = train(r.yaml(), o);
    Trace wanted = trace_of(o.directory);
    for (const char *name : {"run.json", "model.safetensors"}) std::filesystem::remove(o.directory + "/" + name);
    o.resume = true;
    Outcome again = train(r.yaml(), o);
    ASSERT_EQ(KZ_OK, again.status) << again.message;
    ASSERT_EQ(again.notes.size(), 1u);
    EXPECT_NE(again.notes[0].find("was stopped before its first checkpoint"), std::string::npos);
    EXPECT_TRUE(wanted == trace_of(o.directory));
    EXPECT_EQ(KZ_E_DATA, train(r.yaml(), o).status) << "a result is not trained away";
}

TEST(TrainResume, ADamagedCheckpointIsNamedAndTheOneBeforeUsed)
{
    program::Folder folder;
    Recipe r = iris("epochs: 6, checkpoint: {every_steps: 4, keep: 9}");
    Outcome whole = run_part(r.yaml(), folder.path("whole"), false, 0);
    Trace wanted = trace_of(whole.directory);
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(r.yaml(), folder.path("run"), false, 22).status);
    const std::string newest = "checkpoint-000003.step-0000000022.safetensors";
    copy(folder.path("run"), folder.path("kept"));
    std::string bytes = program::read_file(folder.path("run/" + newest));
    const struct {
        const char *how;
        std::function<std::string(std::string)> change;
    } ways[] = {
        {"a bit of the weights",
         [](std::string s) {
             s[s.size() - 5] ^= 1;
             return s;
         }},
        {"a bit of the metadata",
         [](std::string s) {
             s[s.find("\"step\"") + 9] ^= 1;
             return s;
         }},
        {"another digest",
         [](std::string s) {
             s[s.find("sha256:") + 7] ^= 1;
             return s;
         }},
        {"its end is missing", [](std::string s) { return s.substr(0, s.size() - 100); }},
        {"its half is missing", [](std::string s) { return s.substr(0, s.size() / 2); }},
        {"it is empty", [](std::string) { return std::string(); }},
        {"without its digest",
         [](std::string s) {
             s[s.find("kaizen.digest")] = 'K';
             return s;
         }},
    };
    for (const auto &way : ways) {
        copy(folder.path("kept"), folder.path("run"));
        std::ofstream(folder.path("run/" + newest), std::ios::binary | std::ios::trunc) << way.change(bytes);
        Outcome again = run_part(r.yaml(), folder.path("run"), true, 0);
        ASSERT_EQ(KZ_OK, again.status) << way.how << ": " << again.message;
        ASSERT_EQ(again.notes.size(), 1u) << way.how;
        EXPECT_NE(again.notes[0].find(newest), std::string::npos) << way.how << ": " << again.notes[0];
        EXPECT_NE(again.notes[0].find("the one before it is used"), std::string::npos) << again.notes[0];
        EXPECT_EQ(again.steps.front(), 21) << way.how;
        EXPECT_TRUE(wanted == trace_of(folder.path("run"))) << way.how;
    }
    copy(folder.path("kept"), folder.path("run"));
    for (const std::string &name : names_in(folder.path("run"), "checkpoint")) damage(folder.path("run/" + name), 3);
    Outcome none = run_part(r.yaml(), folder.path("run"), true, 0);
    EXPECT_EQ(65, kz_status_exit(none.status)) << none.message;
    EXPECT_NE(none.message.find("checkpoints can be used; remove them to begin"), std::string::npos) << none.message;
    EXPECT_EQ(none.notes.size(), names_in(folder.path("run"), "checkpoint").size());
}

TEST(TrainResume, LinesThatAreNotItsOwnAreFoundOut)
{
    program::Folder folder;
    Recipe r = iris("epochs: 5, checkpoint: {every_epochs: 1, keep: 9}");
    Trace wanted = trace_of(run_part(r.yaml(), folder.path("whole"), false, 0).directory);
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(r.yaml(), folder.path("run"), false, 20).status);
    std::string text = program::read_file(folder.path("run/metrics.jsonl"));
    size_t second = text.find("sha256:", text.find('\n')) + 8;
    text[second] = text[second] == '0' ? '1' : '0';
    std::ofstream(folder.path("run/metrics.jsonl"), std::ios::trunc) << text;
    Outcome again = run_part(r.yaml(), folder.path("run"), true, 0);
    ASSERT_EQ(KZ_OK, again.status) << again.message;
    ASSERT_EQ(again.notes.size(), 3u) << "those after epochs 3 and 2 and inside epoch 4";
    EXPECT_NE(again.notes[0].find("metrics.jsonl has other epochs"), std::string::npos) << again.notes[0];
    EXPECT_EQ(again.steps.front(), 7);
    EXPECT_TRUE(wanted == trace_of(folder.path("run")));
}

TEST(TrainResume, AnotherConfigIsRefusedWithTheDifference)
{
    program::Folder folder;
    Recipe r = iris("epochs: 5"), other = iris("epochs: 5, micro_batches: 2", "name: adam, lr: 0.5");
    other.layers[0] = "units: 9, activation: tanh";
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(r.yaml(), folder.path("run"), false, 8).status);
    std::string before = program::read_file(folder.path("run/metrics.jsonl"));
    Outcome o = run_part(other.yaml(), folder.path("run"), true, 0);
    EXPECT_EQ(78, kz_status_exit(o.status)) << o.message;
    EXPECT_NE(o.message.find("\n  model.layers[0].units: 8 when the run began, now 9"), std::string::npos) << o.message;
    EXPECT_EQ(before, program::read_file(folder.path("run/metrics.jsonl")));
    Recipe rate = iris("epochs: 5, micro_batches: 2", "name: adam, lr: 0.5");
    Outcome two = run_part(rate.yaml(), folder.path("run"), true, 0);
    EXPECT_EQ(KZ_E_CONFIG, two.status);
    EXPECT_NE(two.message.find("\n  optimizer.lr: 0.02 when the run began, now 0.5\n"
                               "  train.micro_batches: 1 when the run began, now 2"),
              std::string::npos)
        << two.message;
    EXPECT_EQ(two.message.find("train.batch"), std::string::npos) << two.message;
    EXPECT_EQ(KZ_OK, run_part(r.yaml(), folder.path("run"), true, 0).status);
}

TEST(TrainResume, EpochsMayRiseWhereNoScheduleUsesTheTotal)
{
    program::Folder folder;
    const std::string keep = ", checkpoint: {every_epochs: 1, keep: 1}";
    Trace seven = trace_of(run_part(iris("epochs: 7" + keep).yaml(), folder.path("seven"), false, 0).directory);
    ASSERT_EQ(KZ_OK, run_part(iris("epochs: 4" + keep).yaml(), folder.path("run"), false, 0).status);
    Outcome more = run_part(iris("epochs: 7" + keep).yaml(), folder.path("run"), true, 0);
    ASSERT_EQ(KZ_OK, more.status) << more.message;
    EXPECT_EQ(more.steps.front(), 25);
    Trace got = trace_of(folder.path("run"));
    EXPECT_EQ(seven.lines, got.lines);
    EXPECT_NE(program::read_file(folder.path("run/config.yaml")).find("epochs: 7"), std::string::npos);
    EXPECT_EQ(KZ_E_CONFIG, run_part(iris("epochs: 6" + keep).yaml(), folder.path("run"), true, 0).status)
        << "downwards";
    const std::string cosine = "name: adam, lr: 0.02, schedule: {name: cosine}";
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(iris("epochs: 4", cosine).yaml(), folder.path("cosine"), false, 9).status);
    Outcome refused = run_part(iris("epochs: 5", cosine).yaml(), folder.path("cosine"), true, 0);
    EXPECT_EQ(KZ_E_CONFIG, refused.status);
    EXPECT_NE(refused.message.find("the schedule cosine uses the total"), std::string::npos) << refused.message;
}

TEST(TrainResume, OtherDataAreRefused)
{
    program::Folder folder;
    Recipe r = iris("epochs: 5");
    std::string yaml = r.yaml(), iris_path = program::source_path("datasets/iris.h5");
    std::filesystem::copy(iris_path, folder.path("data.h5"));
    yaml.replace(yaml.find(iris_path), iris_path.size(), folder.path("data.h5"));
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(yaml, folder.path("run"), false, 8).status);
    std::filesystem::copy(program::source_path("datasets/wine.h5"), folder.path("data.h5"),
                          std::filesystem::copy_options::overwrite_existing);
    Outcome other = run_part(yaml, folder.path("run"), true, 0);
    EXPECT_EQ(65, kz_status_exit(other.status)) << other.message;
    EXPECT_EQ(KZ_OK, run_part(r.yaml(), folder.path("run"), true, 0).status) << "the same data elsewhere will do";
}

TEST(TrainResume, TwoProcessesCannotTrainInOneDirectory)
{
    program::Folder folder;
    Recipe r = iris("epochs: 5");
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(r.yaml(), folder.path("run"), false, 8).status);
    int fd = open(folder.path("run").c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_EQ(0, flock(fd, LOCK_EX | LOCK_NB));
    Outcome second = run_part(r.yaml(), folder.path("run"), true, 0);
    EXPECT_EQ(KZ_E_OUTPUT, second.status);
    EXPECT_NE(second.message.find("another process is training in it"), std::string::npos) << second.message;
    close(fd);
    EXPECT_EQ(KZ_OK, run_part(r.yaml(), folder.path("run"), true, 0).status);
}

// run-1: before a run could be taken up; run-2: before there were GPUs.
TEST(TrainResume, CheckpointsOfOlderVersionsStillLoad)
{
    program::Folder folder, fresh;
    Recipe r;
    r.data_keys = "valid: {fraction: 0.2}";
    r.layers = {"units: 4, activation: tanh", ""};
    r.optimizer = "name: adam, lr: 0.05";
    r.train = "epochs: 6, batch: 16, early_stop: {metric: valid.loss, patience: 3}, "
              "target: {metric: train.accuracy, at_least: 0.999}, checkpoint: {every_epochs: 1, keep: 9}";
    Trace wanted = trace_of(run_part(r.yaml(), fresh.path("run"), false, 0).directory);
    for (const char *version : {"run-1", "run-2"}) {
        copy(program::source_path(std::string("tests/formats/") + version), folder.path("run"));
        Outcome o = run_part(r.yaml(), folder.path("run"), true, 0);
        ASSERT_EQ(KZ_OK, o.status) << version << o.message;
        EXPECT_TRUE(o.notes.empty());
        EXPECT_EQ(o.steps.front(), 19);
        EXPECT_EQ(o.weights, "sha256:178b804a227bd8020ba5f5a88b74d3d9fee31bc14b827353ce6ccb3930f46598")
            << "which the version that wrote it ended with";
        EXPECT_EQ(wanted.lines, trace_of(folder.path("run")).lines) << version;
        golden::Json run = golden::parse(program::read_file(folder.path("run/run.json")));
        const std::string energy = dump(json_object_get(run.get(), "energy"));
        EXPECT_NE(energy.find("gpu: none used"), std::string::npos) << version << energy;
    }
}

TEST(TrainResume, ALimitOfTimeEndsAtAnEpochAndMayBeRaised)
{
    program::Folder folder;
    const std::string keys = "epochs: 5, checkpoint: {every_epochs: 1, keep: 1}";
    Trace whole = trace_of(run_part(iris(keys).yaml(), folder.path("whole"), false, 0).directory);
    Outcome brief = run_part(iris(keys + ", max_minutes: 1e-9").yaml(), folder.path("run"), false, 0);
    ASSERT_EQ(KZ_OK, brief.status) << brief.message;
    EXPECT_STREQ(brief.run.status, "completed");
    EXPECT_STREQ(brief.run.stopped_by, "time");
    EXPECT_EQ(brief.run.epochs, 1);
    EXPECT_EQ(whole.lines.compare(0, trace_of(brief.directory).lines.size(), trace_of(brief.directory).lines), 0);
    Outcome more = run_part(iris(keys).yaml(), folder.path("run"), true, 0);
    ASSERT_EQ(KZ_OK, more.status) << more.message;
    EXPECT_TRUE(whole == trace_of(folder.path("run")));
}

TEST(TrainResume, CheckpointsComeWhenAskedFor)
{
    program::Folder folder;
    volatile sig_atomic_t save = 0;
    Options o;
    o.directory = folder.path("run"), o.save = &save;
    o.on_step = [&](int64_t step) {
        if (step == 4 || step == 12) save = 1;
    };
    Outcome r = train(iris("epochs: 3").yaml(), o);
    ASSERT_EQ(KZ_OK, r.status) << r.message;
    EXPECT_EQ(
        (std::vector<std::string>{"checkpoint-000000.step-0000000004.safetensors", "checkpoint-000002.safetensors"}),
        r.checkpoints);
    EXPECT_EQ(save, 0);
    EXPECT_EQ(r.weights, train(iris("epochs: 3").yaml()).weights);
}

TEST(TrainResume, EachAllocationFailsInTurnAndTheRunCanStillGoOn)
{
    program::Folder folder;
    Recipe r = iris("epochs: 4, early_stop: {metric: valid.loss, patience: 3}, checkpoint: {every_steps: 4}");
    Trace wanted = trace_of(run_part(r.yaml(), folder.path("whole"), false, 0).directory);
    ASSERT_EQ(KZ_E_INTERRUPTED, run_part(r.yaml(), folder.path("kept"), false, 10).status);
    int failures = 0;
    kz_status st = KZ_E_MEM;
    for (int64_t n = 1; st != KZ_OK; n++) {
        ASSERT_LT(n, 3000);
        copy(folder.path("kept"), folder.path("run"));
        training::Config config(r.yaml());
        kz_train_options o = {};
        kz_train_result result = {};
        std::string directory = folder.path("run");
        o.directory = directory.c_str(), o.resume = true, o.isa = "plain";
        config.cfg->device.threads = 1;
        kz_calloc_fail_at(n);
        st = kz_train(config.cfg, &o, &result);
        kz_calloc_fail_at(0);
        kz_train_result_free(&result);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << n << ": " << kz_error_message();
        failures += st != KZ_OK;
        if (st == KZ_OK || n % 7 != 0) continue; /* going on takes time: every seventh shows it */
        ASSERT_EQ(KZ_OK, run_part(r.yaml(), folder.path("run"), true, 0).status) << n;
        ASSERT_TRUE(wanted == trace_of(folder.path("run"))) << n;
    }
    EXPECT_GT(failures, 60);
    EXPECT_TRUE(wanted == trace_of(folder.path("run")));
}
