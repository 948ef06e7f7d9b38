// Checkpoints of a run: which files, what is in them, and that they change nothing.
#include "training.h"

#include "golden_json.h"
#include "record/safetensors.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>

namespace {

using training::iris;
using training::Options;
using training::Outcome;
using training::Recipe;
using training::train;

Outcome train_into(const std::string &directory, const Recipe &r)
{
    Options o;
    o.directory = directory;
    return train(r.yaml(), o);
}

// Names of the run directory that have to do with checkpoints.
std::vector<std::string> checkpoints(const std::string &directory)
{
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
        std::string name = entry.path().filename().string();
        if (name.find("checkpoint") != std::string::npos) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

using Names = std::vector<std::string>;

std::string name_of(int64_t epoch)
{
    char name[48];
    snprintf(name, sizeof name, "checkpoint-%06lld.safetensors", static_cast<long long>(epoch));
    return name;
}

// The last line of the run's metrics up to an epoch.
golden::Json metrics_of(const std::string &directory, int64_t epoch)
{
    std::string text = program::read_file(directory + "/metrics.jsonl");
    size_t begin = 0;
    for (int64_t e = 1; e < epoch; e++) begin = text.find('\n', begin) + 1;
    return golden::parse(text.substr(begin, text.find('\n', begin) - begin));
}

std::string digest_in_run(const std::string &directory, const char *which)
{
    golden::Json run = golden::parse(program::read_file(directory + "/run.json"));
    return golden::text(json_object_get(run.get(), "digests"), which);
}

class Checkpoint {
  public:
    Checkpoint(const std::string &directory, int64_t epoch)
    {
        EXPECT_EQ(KZ_OK, kz_safetensors_open(&file_, (directory + "/" + name_of(epoch)).c_str())) << kz_error_message();
    }
    ~Checkpoint()
    {
        kz_safetensors_close(&file_);
    }
    Checkpoint(const Checkpoint &) = delete;
    Checkpoint &operator=(const Checkpoint &) = delete;

    std::string text(const char *key) const
    {
        const char *s = kz_safetensors_metadata(file_, key);
        return s ? s : "";
    }
    int64_t count() const
    {
        return kz_safetensors_count(file_);
    }
    // The values of the arrays "<prefix>0.weight", "<prefix>0.bias", ..., in the order of a digest.
    std::vector<float> values(const std::string &prefix = "") const
    {
        std::vector<float> all;
        for (int64_t i = 0; i < count(); i++) {
            const kz_safetensor *t = kz_safetensors_tensor(file_, i);
            std::string name = t->name,
                        rest = name.substr(0, prefix.size()) == prefix ? name.substr(prefix.size()) : "";
            if (rest.empty() || !isdigit(static_cast<unsigned char>(rest[0]))) continue;
            size_t n = 1;
            for (int k = 0; k < t->rank; k++) n *= static_cast<size_t>(t->shape[k]);
            all.resize(all.size() + n);
            EXPECT_EQ(KZ_OK, kz_safetensors_read(file_, t, all.data() + all.size() - n));
        }
        return all;
    }
    std::string digest(const std::string &prefix = "") const
    {
        std::vector<float> all = values(prefix);
        return training::digest(all.data(), static_cast<int64_t>(all.size()));
    }
    std::vector<int64_t> shape(const std::string &name) const
    {
        for (int64_t i = 0; i < count(); i++) {
            const kz_safetensor *t = kz_safetensors_tensor(file_, i);
            if (name == t->name) return std::vector<int64_t>(t->shape, t->shape + t->rank);
        }
        return {};
    }

  private:
    kz_safetensors *file_ = nullptr;
};

bool any(const std::vector<float> &values)
{
    return std::any_of(values.begin(), values.end(), [](float x) { return x != 0; });
}

void keep_disk_bytes(void *context, const kz_train_plan *plan)
{
    *static_cast<int64_t *>(context) = plan->disk_bytes;
}

int64_t disk_bytes(const Recipe &recipe)
{
    int64_t bytes = 0;
    training::Config config(recipe.yaml());
    kz_train_options o = {};
    kz_train_result result = {};
    o.dry_run = true;
    o.watch.context = &bytes;
    o.watch.begin = keep_disk_bytes;
    EXPECT_EQ(KZ_OK, kz_train(config.cfg, &o, &result));
    kz_train_result_free(&result);
    return bytes;
}

int64_t disk_bytes(const std::string &train_keys)
{
    return disk_bytes(iris(train_keys));
}

} // namespace

TEST(TrainCheckpoint, NoneUnlessAskedFor)
{
    program::Folder folder;
    ASSERT_EQ(KZ_OK, train_into(folder.path("run"), iris("epochs: 2")).status);
    EXPECT_EQ(Names{}, checkpoints(folder.path("run")));
}

TEST(TrainCheckpoint, TheNewestStayAndTheLastEpochHasOne)
{
    program::Folder folder;
    Outcome r = train_into(folder.path("two"), iris("epochs: 5, checkpoint: {every_epochs: 2, keep: 2}"));
    ASSERT_EQ(KZ_OK, r.status) << r.message;
    EXPECT_EQ((Names{name_of(4), name_of(5)}), checkpoints(r.directory));
    r = train_into(folder.path("one"), iris("epochs: 3, checkpoint: {keep: 1}"));
    EXPECT_EQ((Names{name_of(3)}), checkpoints(r.directory));
    r = train_into(folder.path("all"), iris("epochs: 3, checkpoint: {keep: 9}"));
    EXPECT_EQ((Names{name_of(1), name_of(2), name_of(3)}), checkpoints(r.directory));
    r = train_into(folder.path("last"), iris("epochs: 3, checkpoint: {every_epochs: 100}"));
    EXPECT_EQ((Names{name_of(3)}), checkpoints(r.directory));
    r = train_into(folder.path("target"), iris("epochs: 50, checkpoint: {every_epochs: 100}, "
                                               "target: {metric: train.loss, at_most: 100}"));
    EXPECT_EQ((Names{name_of(1)}), checkpoints(r.directory)) << "the target is met after the first epoch";
}

TEST(TrainCheckpoint, HoldsWeightsStateAndPlaceOfItsEpoch)
{
    program::Folder folder;
    Outcome r = train_into(folder.path("run"), iris("epochs: 5, checkpoint: {every_epochs: 2, keep: 2}"));
    ASSERT_EQ(KZ_OK, r.status) << r.message;
    for (int64_t epoch : {4, 5}) {
        Checkpoint c(r.directory, epoch);
        EXPECT_EQ(4 * 3, c.count()) << "weights and Adam's two moments of each";
        EXPECT_EQ(golden::text(metrics_of(r.directory, epoch).get(), "weights"), c.digest());
        EXPECT_EQ(c.digest(), c.text("kaizen.weights"));
        EXPECT_EQ("kaizen.checkpoint/1", c.text("kaizen.schema"));
        EXPECT_EQ("1", c.text("kaizen.arithmetic"));
        EXPECT_EQ(std::to_string(epoch), c.text("epoch"));
        EXPECT_EQ(std::to_string(6 * epoch), c.text("step"));
        EXPECT_EQ(std::to_string(96 * epoch), c.text("samples"));
        EXPECT_EQ(digest_in_run(r.directory, "data"), c.text("kaizen.data"));
        EXPECT_EQ("", c.text("early_stop.best_epoch"));
        golden::Json config = golden::parse(c.text("config"));
        EXPECT_EQ("test", golden::text(config.get(), "name"));
        for (std::string prefix : {"optimizer.0.", "optimizer.1."}) {
            for (std::string name : {"0.weight", "0.bias", "1.weight", "1.bias"})
                EXPECT_EQ(c.shape(name), c.shape(prefix + name)) << prefix << name;
            EXPECT_TRUE(any(c.values(prefix)));
        }
        EXPECT_EQ((std::vector<int64_t>{8, 4}), c.shape("optimizer.1.0.weight"));
        EXPECT_NE(c.digest("optimizer.0."), c.digest("optimizer.1."));
    }
    EXPECT_EQ(digest_in_run(r.directory, "trajectory"), Checkpoint(r.directory, 5).text("kaizen.trajectory"));
}

// What a run of four epochs ends with is what one of five has after the fourth: there is nothing else to it.
TEST(TrainCheckpoint, IsThatOfAShorterRun)
{
    for (const char *optimizer : {"name: adam, lr: 0.02", "name: sgd, lr: 0.02, momentum: 0.9"}) {
        program::Folder folder;
        Outcome five = train_into(folder.path("5"), iris("epochs: 5, checkpoint: {keep: 5}", optimizer));
        Outcome four = train_into(folder.path("4"), iris("epochs: 4, checkpoint: {keep: 1}", optimizer));
        ASSERT_EQ(KZ_OK, five.status) << five.message;
        ASSERT_EQ(KZ_OK, four.status) << four.message;
        Checkpoint a(five.directory, 4), b(four.directory, 4);
        for (const char *prefix : {"", "optimizer.0.", "optimizer.1."}) EXPECT_EQ(a.digest(prefix), b.digest(prefix));
        EXPECT_EQ(a.text("kaizen.trajectory"), b.text("kaizen.trajectory"));
        EXPECT_EQ(digest_in_run(four.directory, "trajectory"), a.text("kaizen.trajectory"));
    }
}

TEST(TrainCheckpoint, HoldsTheBestEpochToo)
{
    program::Folder folder;
    Outcome r = train_into(folder.path("run"), iris("epochs: 200, early_stop: {metric: valid.loss, patience: 4}, "
                                                    "checkpoint: {keep: 3}",
                                                    "name: adam, lr: 0.1"));
    ASSERT_EQ(KZ_OK, r.status) << r.message;
    ASSERT_STREQ("early_stop", r.run.stopped_by);
    EXPECT_EQ(
        (Names{name_of(r.run.best_epoch), name_of(r.run.epochs - 2), name_of(r.run.epochs - 1), name_of(r.run.epochs)}),
        checkpoints(r.directory));
    for (int64_t since : {3, 4}) {
        Checkpoint c(r.directory, r.run.best_epoch + since);
        EXPECT_EQ(4 * 4, c.count());
        EXPECT_EQ(r.weights, c.digest("best.")) << "which the run ends with";
        EXPECT_EQ(r.digests[static_cast<size_t>(r.run.best_epoch + since - 1)], c.digest());
        EXPECT_EQ(std::to_string(r.run.best_epoch), c.text("early_stop.best_epoch"));
        EXPECT_EQ(std::to_string(since), c.text("early_stop.epochs_since_best"));
        EXPECT_EQ(r.run.valid.loss, std::stod(c.text("early_stop.best_value"))) << "to the bit";
    }
}

TEST(TrainCheckpoint, ChangesNoBits)
{
    program::Folder folder;
    Outcome with = train_into(folder.path("with"), iris("epochs: 4, checkpoint: {keep: 1}"));
    Outcome without = train_into(folder.path("without"), iris("epochs: 4"));
    Outcome unrecorded = train(iris("epochs: 4, checkpoint: {keep: 1}").yaml());
    ASSERT_EQ(KZ_OK, with.status) << with.message;
    ASSERT_EQ(KZ_OK, unrecorded.status) << unrecorded.message;
    EXPECT_EQ(without.weights, with.weights);
    EXPECT_EQ(without.weights, unrecorded.weights);
    for (const char *which : {"config", "data", "weights", "trajectory"})
        EXPECT_EQ(digest_in_run(without.directory, which), digest_in_run(with.directory, which)) << which;
}

TEST(TrainCheckpoint, OneThatCannotBeWrittenFailsTheRunAndLeavesTheOlderOnes)
{
    program::Folder folder;
    Options o;
    o.directory = folder.path("run");
    o.on_epoch = [&](int64_t epoch) {
        if (epoch == 3) std::filesystem::create_directories(o.directory + "/" + name_of(3) + "/in the way");
        return KZ_OK;
    };
    Outcome r = train(iris("epochs: 5, checkpoint: {keep: 1}").yaml(), o);
    EXPECT_EQ(KZ_E_OUTPUT, r.status);
    EXPECT_EQ(73, kz_status_exit(r.status));
    EXPECT_EQ(o.directory + "/" + name_of(3) + ": cannot be renamed into place: Is a directory", r.message);
    EXPECT_EQ((Names{name_of(2), name_of(3)}), checkpoints(o.directory)) << "no temporary file is left";
    EXPECT_EQ(r.digests[1], Checkpoint(o.directory, 2).digest());
    golden::Json run = golden::parse(program::read_file(o.directory + "/run.json"));
    EXPECT_EQ("failed", golden::text(run.get(), "status"));
}

TEST(TrainCheckpoint, ADryRunCountsTheirSpace)
{
    // 4-8-3: 67 parameters, with Adam's moments three arrays, with early stopping four; 64 KiB for a header
    const int64_t array = 67 * 4, header = 65536, file = 3 * array + header;
    const int64_t none = disk_bytes("epochs: 10") - file; // which a signal writes
    EXPECT_EQ(4 * file, disk_bytes("epochs: 10, checkpoint: {keep: 2}") - none) << "two, the best, and one more";
    EXPECT_EQ(4 * (file + array),
              disk_bytes("epochs: 10, checkpoint: {keep: 2}, early_stop: {metric: valid.loss}") - none);
    EXPECT_EQ(3 * file, disk_bytes("epochs: 10, checkpoint: {every_epochs: 9, keep: 1000000}") - none)
        << "there are only two, and a signal's";
    EXPECT_EQ(4 * file, disk_bytes("epochs: 10, checkpoint: {every_steps: 9}") - none);
}

TEST(TrainCheckpoint, ADryRunCountsTheModelsScaling)
{
    Recipe narrow = iris("epochs: 1"), wide = narrow;
    wide.data = "digits";
    narrow.layers = wide.layers = {""};
    const int64_t parameters = (64 + 1) * 10 - (4 + 1) * 3, numbers = 2 * (64 - 4);
    EXPECT_EQ(disk_bytes(wide) - disk_bytes(narrow), 4 * parameters * 4 + 32 * numbers)
        << "the model, a checkpoint of three arrays, and as text the mean and the factor of each feature";
}
