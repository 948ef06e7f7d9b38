// Whole trainings in fast arithmetic, GPU and cuBLASLt being stand-ins.
#include "program.h"
#include "stand_in.h"

#include <csignal>
#include <gtest/gtest.h>
#include <jansson.h>

namespace {

using program::Folder;
using program::kaizen;
using program::Options;
using program::Result;
using Words = std::vector<std::string>;

const std::string library = on_stand_in ? "stand-in for cuBLASLt 0.0.1" : "cuBLASLt "; // it says what it is

// Under sanitizers it is many times as slow; how good it is shows without them.
const std::string epochs = build::sanitized ? "1" : "5";
const double most_worse = build::sanitized ? 0.1 : 0.02, least = build::sanitized ? 0.3 : 0.9;

Options in_order(int order, std::map<std::string, std::string> more = {})
{
    Options o;
    o.env = {{"KAIZEN_CUDA_MODULE", build::cuda_on_cpu}, {"KAIZEN_CUDA_ORDER", std::to_string(order)}};
    if (on_stand_in) o.env["KAIZEN_CUBLASLT"] = build::cublaslt_on_cpu;
    for (const auto &[key, value] : more) o.env[key] = value;
    o.seconds = 280;
    return o;
}

Words digits(const std::string &device, const std::string &out, const std::string &precision)
{
    Words words = {"train", "--config", program::source_path("examples/digits.yaml"), "--device", device,  "--out",
                   out,     "--set",    std::string("train.epochs=") + epochs,        "--set",    "seed=3"};
    if (!precision.empty())
        words.insert(words.end(), {"--set", "device={arithmetic: fast, precision: " + precision + "}"});
    return words;
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

// A value of run.json by its path.
class Facts {
  public:
    Facts(const Folder &folder, const std::string &run)
        : file_(json_loads(program::read_file(folder.path(run + "/run.json")).c_str(), 0, nullptr))
    {
    }
    ~Facts()
    {
        json_decref(file_);
    }
    Facts(const Facts &) = delete;
    Facts &operator=(const Facts &) = delete;
    std::string text(const Words &path) const
    {
        const char *found = json_string_value(at(path));
        return found ? found : json_is_null(at(path)) ? "null" : "";
    }
    double number(const Words &path) const
    {
        return json_number_value(at(path));
    }

  private:
    const json_t *at(const Words &path) const
    {
        const json_t *here = file_;
        for (const std::string &key : path) here = json_object_get(here, key.c_str());
        return here;
    }
    json_t *file_;
};

class FastTrain : public testing::TestWithParam<const char *> {};

} // namespace

TEST_P(FastTrain, IsAsGoodAsTheCpuAndTheSameEachTime)
{
    Folder folder;
    std::string precision = GetParam();
    ASSERT_EQ(kaizen(digits("cpu", folder.path("cpu"), "")).status, 0);
    for (int order : {0, 3}) {
        std::string name = "order" + std::to_string(order);
        Result r = kaizen(digits("cuda", folder.path(name), precision), in_order(order));
        ASSERT_EQ(r.status, 0) << r.err;
        EXPECT_TRUE(has(r.out, "fast    " + precision + " products by " + library)) << r.out;
    }
    Facts cpu(folder, "cpu"), first(folder, "order0"), second(folder, "order3");
    for (const char *split : {"valid", "test"}) {
        double want = cpu.number({"metrics", split, "accuracy"}), got = first.number({"metrics", split, "accuracy"});
        EXPECT_GT(want, least);
        EXPECT_TRUE(got >= want - most_worse) << split << ": " << got << ", on the CPU " << want;
    }
    EXPECT_EQ(first.text({"digests", "trajectory"}), second.text({"digests", "trajectory"}));
    EXPECT_NE(first.text({"digests", "weights"}), cpu.text({"digests", "weights"})) << "these are other bits";
    EXPECT_EQ(first.text({"device", "arithmetic"}), "fast");
    EXPECT_EQ(first.text({"device", "precision"}), precision);
    EXPECT_EQ(first.text({"device", "library"}).find(library), 0u);
    EXPECT_EQ(cpu.text({"device", "arithmetic"}), "reproducible");
    EXPECT_EQ(cpu.text({"device", "precision"}), "null");
    EXPECT_EQ(cpu.text({"device", "library"}), "null");
}

TEST_P(FastTrain, GoesOnWhereItWasStopped)
{
    Folder folder;
    Options stopped = in_order(2);
    stopped.interrupt = SIGTERM;
    ASSERT_EQ(kaizen(digits("cuda", folder.path("straight"), GetParam()), in_order(0)).status, 0);
    Result r = kaizen(digits("cuda", folder.path("cut"), GetParam()), stopped);
    ASSERT_EQ(r.status, 75) << r.err;
    r = kaizen({"train", "--resume", folder.path("cut"), "--device", "cuda"}, in_order(1));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(Facts(folder, "cut").text({"digests", "trajectory"}),
              Facts(folder, "straight").text({"digests", "trajectory"}));
}

// What a GPU computed by other rules stays so, whoever ends the run.
TEST_P(FastTrain, EndedByTheCpuItIsStillFast)
{
    Folder folder;
    Options stopped = in_order(2);
    stopped.interrupt = SIGTERM;
    Result r = kaizen(digits("cuda", folder.path("cut"), GetParam()), stopped);
    ASSERT_EQ(r.status, 75) << r.err;
    r = kaizen({"train", "--resume", folder.path("cut"), "--device", "cpu"});
    ASSERT_EQ(r.status, 0) << r.err;
    Facts run(folder, "cut");
    EXPECT_EQ(run.text({"device", "kind"}), "cpu");
    EXPECT_EQ(run.text({"device", "arithmetic"}), "fast");
    EXPECT_EQ(run.text({"device", "precision"}), GetParam());
    EXPECT_EQ(run.text({"device", "library"}), "null");
}

TEST_P(FastTrain, StreamedRowsGiveTheSameBits)
{
    Folder folder;
    for (const char *memory : {"60KB", "1GB"}) {
        Words words = digits("cuda", folder.path(memory), GetParam());
        for (const char *set : {"train={epochs: 2, batch: 64, shuffle: window}", "data.window=256"})
            words.insert(words.end(), {"--set", set});
        words.insert(words.end(), {"--set", std::string("data.memory=") + memory});
        Result r = kaizen(words, in_order(1));
        ASSERT_EQ(r.status, 0) << r.err;
        EXPECT_EQ(has(program::read_file(folder.path(std::string(memory) + "/run.json")), "\"streamed\": true"),
                  memory[0] == '6');
    }
    EXPECT_EQ(Facts(folder, "60KB").text({"digests", "trajectory"}),
              Facts(folder, "1GB").text({"digests", "trajectory"}));
}

// In parts, without whole rows of 16 bytes, with the best weights put back at the end; the library lacks epilogues.
TEST_P(FastTrain, CopesWithEverything)
{
    Folder folder;
    Words train = {"train",
                   "--config",
                   program::source_path("examples/wine.yaml"),
                   "--set",
                   "train.micro_batches=3",
                   "--set",
                   "model.layers=[{type: dense, units: 7, activation: relu, dropout: 0.1}, {type: dense, units: 2, "
                   "activation: sigmoid}, {type: dense}]",
                   "--set",
                   "data.valid={fraction: 0.2}",
                   "--set",
                   "train.early_stop={metric: valid.loss, patience: 2}",
                   "--set",
                   "train.epochs=6",
                   "--set",
                   "device={kind: cuda, arithmetic: fast, precision: " + std::string(GetParam()) + "}"};
    std::string digest;
    for (int order : {0, 5}) {
        Words words = train;
        words.insert(words.end(), {"--out", folder.path(std::to_string(order))});
        Result r = kaizen(words, in_order(order, {{"KAIZEN_CUBLASLT_LACKS", "relu-bias bgradb"}}));
        ASSERT_EQ(r.status, 0) << r.err;
        Facts run(folder, std::to_string(order));
        if (order == 0) digest = run.text({"digests", "trajectory"});
        EXPECT_EQ(run.text({"digests", "trajectory"}), digest);
    }
}

// The first step that is not finite ends it, as on the CPU.
TEST_P(FastTrain, Diverges)
{
    Folder folder;
    Words words = digits("cuda", folder.path("run"), GetParam());
    words.insert(words.end(), {"--set", "optimizer={name: sgd, lr: 1e30}"});
    Result r = kaizen(words, in_order(4));
    EXPECT_EQ(r.status, 76) << r.err;
    EXPECT_TRUE(has(r.err, "of step ")) << r.err;
}
INSTANTIATE_TEST_SUITE_P(Cuda, FastTrain, testing::Values("tf32", "bf16"));

TEST(FastTrainings, WithoutTheLibraryItIsUnavailable)
{
    NEEDS_THE_STAND_IN("it has the library");
    Words words = digits("cuda", "unused", "tf32");
    words.push_back("--dry-run");
    Result r = kaizen(words, in_order(0, {{"KAIZEN_CUBLASLT", "/nowhere/libcublasLt.so.13"}}));
    EXPECT_EQ(r.status, 69) << r.err;
    EXPECT_TRUE(has(r.err, "'fast' needs cuBLASLt") && has(r.err, "/nowhere/libcublasLt.so.13") &&
                has(r.err, "arithmetic: reproducible"))
        << r.err;
    r = kaizen(words, in_order(0, {{"KAIZEN_CUBLASLT", build::cuda_on_cpu}})); /* a library, and not that one */
    EXPECT_EQ(r.status, 69) << r.err;
    r = kaizen(words, in_order(0, {{"KAIZEN_CUBLASLT", ""}})); /* NVIDIA's, if it is there, cannot use this device */
    EXPECT_EQ(r.status, 69) << r.err;
    EXPECT_TRUE(has(r.err, "cuBLASLt") && has(r.err, "KAIZEN_CUBLASLT")) << r.err;
}

TEST(FastTrainings, OnTheCpuItIsReproducible)
{
    Folder folder;
    ASSERT_EQ(kaizen(digits("cpu", folder.path("plain"), "")).status, 0);
    Result r = kaizen(digits("cpu", folder.path("fast"), "bf16"));
    ASSERT_EQ(r.status, 0) << r.err;
    Facts plain(folder, "plain"), fast(folder, "fast");
    EXPECT_EQ(plain.text({"digests", "trajectory"}), fast.text({"digests", "trajectory"}));
    EXPECT_NE(plain.text({"digests", "config"}), fast.text({"digests", "config"}));
    EXPECT_EQ(fast.text({"device", "arithmetic"}), "reproducible");
    EXPECT_EQ(fast.text({"config", "device", "arithmetic"}), "fast");
}

TEST(FastTrainings, PrecisionIsTf32UnlessGiven)
{
    Words words = {
        "train",         "--config", program::source_path("examples/iris.yaml"), "--set", "device.arithmetic=fast",
        "--print-config"};
    Result r = kaizen(words);
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_TRUE(has(r.out, "precision: tf32")) << r.out;
}
