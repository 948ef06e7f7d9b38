// Whole trainings with --device cuda: the GPU's kernels executed on the CPU, or, in kaizen-gpu-tests, on a GPU.
#include "program.h"
#include "stand_in.h"

#include <csignal>
#include <jansson.h>

namespace {

using program::Folder;
using program::kaizen;
using program::Options;
using program::Result;

const char *const what_it_is = on_stand_in ? "CUDA kernels executed on the CPU (stand-in, for tests)" : "NVIDIA";

Options on_cpu(int order, std::map<std::string, std::string> more = {})
{
    Options o;
    o.env = {{"KAIZEN_CUDA_MODULE", build::cuda_on_cpu}, {"KAIZEN_CUDA_ORDER", std::to_string(order)}};
    o.env.insert(more.begin(), more.end());
    o.seconds = 280;
    return o;
}

std::string example(const std::string &name)
{
    return program::source_path("examples/" + name);
}

bool has(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

// A value of run.json by its path; "" where it is null.
std::string of_run(const Folder &folder, const std::string &run, const std::vector<std::string> &path)
{
    json_t *file = json_loads(program::read_file(folder.path(run + "/run.json")).c_str(), 0, nullptr);
    const json_t *at = file;
    for (const std::string &key : path) at = json_object_get(at, key.c_str());
    const char *text = json_string_value(at);
    std::string found = text ? text : "";
    json_decref(file);
    return found;
}

class EveryOrder : public testing::TestWithParam<int> {};

} // namespace

// All golden configs straight through, begun on the GPU and taken up by the CPU, and the other way round.  Sanitizers see
// one of the eight orders here, and all of them in `make prove-cuda`.
TEST_P(EveryOrder, GoldenConfigsGiveTheRecordedBits)
{
    NEEDS_THE_STAND_IN("a GPU has its own order; there it is `kaizen prove --device cuda`");
    if (build::sanitized && GetParam() != 3) GTEST_SKIP() << "under sanitizers order 3 alone; all: make prove-cuda";
    Result r = kaizen({"prove", "--device", "cuda"}, on_cpu(GetParam()));
    EXPECT_EQ(r.status, 0) << r.out << r.err;
    EXPECT_TRUE(has(r.out, "27 trainings")) << r.out;
    EXPECT_TRUE(has(r.out, what_it_is)) << "it says what it is\n" << r.out;
}
INSTANTIATE_TEST_SUITE_P(Cuda, EveryOrder, testing::Range(0, 8));

TEST(CudaTrain, IsUnavailableWithoutAGpu)
{
    Folder folder;
    Result r = kaizen({"train", "--config", example("digits.yaml"), "--device", "cuda", "--out", folder.path("run")});
    if (r.status == 0) GTEST_SKIP() << "this machine has a GPU";
    EXPECT_EQ(r.status, 69) << r.err;
    EXPECT_TRUE(has(r.err, "device.kind: 'cuda'")) << r.err;
    EXPECT_TRUE(has(r.err, "device.kind: cpu")) << "the remedy: " << r.err;
    EXPECT_FALSE(program::exists(folder.path("run/run.json")));
}

TEST(CudaTrain, AStandInIsNeverPickedByItself)
{
    NEEDS_THE_STAND_IN("it is about it");
    Folder folder;
    Result r = kaizen({"train", "--config", example("iris.yaml"), "--out", folder.path("run")}, on_cpu(0));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_NE(of_run(folder, "run", {"device", "kind"}), "cuda-on-cpu");
}

TEST(CudaTrain, RecordsWhatItWas)
{
    NEEDS_THE_STAND_IN("it is about it");
    Folder folder;
    Result r =
        kaizen({"train", "--config", example("iris.yaml"), "--device", "cuda", "--out", folder.path("run")}, on_cpu(1));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(of_run(folder, "run", {"device", "kind"}), "cuda-on-cpu");
    EXPECT_EQ(of_run(folder, "run", {"device", "gpu", "model"}), what_it_is);
    EXPECT_EQ(of_run(folder, "run", {"device", "gpu", "bus"}), "");
    EXPECT_TRUE(has(of_run(folder, "run", {"energy", "reason"}), "not a real one"));
}

TEST(CudaTrain, AModuleOfAnotherBuildIsRefused)
{
    Options o;
    o.env = {{"KAIZEN_CUDA_MODULE", program::source_path("README.md")}};
    Result r = kaizen({"train", "--config", example("iris.yaml"), "--device", "cuda", "--dry-run"}, o);
    EXPECT_EQ(r.status, 69);
    EXPECT_TRUE(has(r.err, "cannot be loaded")) << r.err;
}

TEST(CudaTrain, NamesTheGpusThatThereAre)
{
    NEEDS_THE_STAND_IN("it has one GPU");
    Result r = kaizen({"train", "--config", example("iris.yaml"), "--device", "cuda:3", "--dry-run"}, on_cpu(0));
    EXPECT_EQ(r.status, 69);
    EXPECT_TRUE(has(r.err, "'cuda:3'") && has(r.err, "1 GPU here")) << r.err;
    r = kaizen({"info"}, on_cpu(0));
    EXPECT_TRUE(has(r.out, "cuda:0") && has(r.out, "stand-in")) << r.out;
}

TEST(CudaTrain, TooLittleMemoryNamesWhatAndTheRemedy)
{
    NEEDS_THE_STAND_IN("its memory can be limited");
    Folder folder;
    Result r = kaizen(
        {"train", "--config", example("digits.yaml"), "--device", "cuda", "--out", folder.path("run"), "--set",
         "model.layers=[{type: dense, units: 9000, activation: relu}, {type: dense, units: 9000}, {type: dense}]"},
        on_cpu(0, {{"KAIZEN_CUDA_MEMORY", "200000000"}}));
    EXPECT_EQ(r.status, 1) << r.err;
    EXPECT_TRUE(has(r.err, "GPU memory") && has(r.err, "train.batch")) << r.err;
    r = kaizen({"train", "--config", example("digits.yaml"), "--device", "cuda", "--out", folder.path("run")},
               on_cpu(0, {{"KAIZEN_CUDA_MEMORY", "3000000"}}));
    EXPECT_EQ(r.status, 1) << r.err;
    EXPECT_TRUE(has(r.err, "scratch") && has(r.err, "4.0 MiB of GPU memory")) << r.err;
}

// A launch that waits for the one before costs more than what most of them do for a small network: they must not creep back.
TEST(CudaTrain, AStepIsAsFewLaunchesAsItCanBe)
{
    NEEDS_THE_STAND_IN("it lists what a graph is made of");
    struct {
        const char *layers, *batch, *parts;
        size_t launches; // all of them in one line: one stream is recorded
    } const steps[] = {
        {"[{type: dense, units: 32, activation: relu}, {type: dense}]", "32", "1", 1}, // 64-32-10
        {"[{type: dense, units: 32, activation: relu}, {type: dense}]", "128", "1", 1},
        /* gather, 2 forward, loss, 2 weights, input, norm, update */
        {"[{type: dense, units: 400, activation: relu}, {type: dense}]", "128", "1", 9},
        /* twice all but the last two, and one addition */
        {"[{type: dense, units: 32, activation: relu}, {type: dense}]", "32", "2", 2 * 7 + 1 + 2},
    };
    for (const auto &step : steps) {
        Folder folder;
        Result r = kaizen({"train", "--config", example("digits.yaml"), "--device", "cuda", "--out", folder.path("run"),
                           "--set", "train.epochs=1", "--set", std::string("model.layers=") + step.layers, "--set",
                           std::string("train.batch=") + step.batch, "--set",
                           std::string("train.micro_batches=") + step.parts},
                          on_cpu(0, {{"KAIZEN_CUDA_GRAPHS", "1"}}));
        ASSERT_EQ(r.status, 0) << r.err;
        size_t at = r.err.find("a graph of ");
        ASSERT_NE(at, std::string::npos) << r.err;
        EXPECT_EQ(std::stoul(r.err.substr(at + 11)), step.launches) << r.err.substr(at, r.err.find('\n', at) - at);
    }
}

// The data do not fit: they are read from the machine's memory, the bits are the same.
TEST(CudaTrain, DataThatDoNotFitStayOutside)
{
    NEEDS_THE_STAND_IN("its memory can be limited");
    Folder folder;
    std::vector<std::string> train = {"train",          "--config", example("digits.yaml"),       "--set",
                                      "train.epochs=2", "--set",    "data.valid={fraction: 0.2}", "--out"};
    std::vector<std::string> cpu = train, gpu = train;
    cpu.insert(cpu.end(), {folder.path("cpu"), "--device", "cpu"});
    gpu.insert(gpu.end(), {folder.path("gpu"), "--device", "cuda"});
    ASSERT_EQ(kaizen(cpu).status, 0);
    Result r = kaizen(gpu, on_cpu(2, {{"KAIZEN_CUDA_MEMORY", "68000000"}}));
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(of_run(folder, "gpu", {"digests", "trajectory"}), of_run(folder, "cpu", {"digests", "trajectory"}));
    EXPECT_TRUE(has(r.err, "data_outside_gpu_bytes=")) << r.err;
}

// Steps are queued ahead: the one that was not finite is found afterwards, and is the same one.
TEST(CudaTrain, DivergesAtTheStepOfTheCpu)
{
    Folder folder;
    std::string where[2];
    for (int gpu = 0; gpu < 2; gpu++) {
        std::string run = folder.path(gpu ? "gpu" : "cpu");
        Result r = kaizen({"train", "--config", example("digits.yaml"), "--set", "optimizer={name: sgd, lr: 1e30}",
                           "--device", gpu ? "cuda" : "cpu", "--out", run},
                          on_cpu(4));
        EXPECT_EQ(r.status, 76) << r.err;
        size_t at = r.err.find("of step ");
        ASSERT_NE(at, std::string::npos) << r.err;
        where[gpu] = r.err.substr(at, r.err.find(')', at) - at);
        EXPECT_FALSE(of_run(folder, gpu ? "gpu" : "cpu", {"digests", "weights"}).empty());
    }
    EXPECT_EQ(where[0], where[1]);
    EXPECT_EQ(of_run(folder, "gpu", {"digests", "weights"}), of_run(folder, "cpu", {"digests", "weights"}));
}

// A checkpoint waits for the steps before it, and finds out earlier.
TEST(CudaTrain, DivergenceThatACheckpointFindsIsTheSame)
{
    Folder folder;
    for (const char *device : {"cpu", "cuda"}) {
        Result r = kaizen({"train", "--config", example("digits.yaml"), "--set", "optimizer={name: sgd, lr: 1e30}",
                           "--set", "train.checkpoint.every_steps=1", "--device", device, "--out", folder.path(device)},
                          on_cpu(6));
        EXPECT_EQ(r.status, 76) << r.err;
    }
    json_t *run[2];
    for (int gpu = 0; gpu < 2; gpu++)
        run[gpu] =
            json_loads(program::read_file(folder.path(gpu ? "cuda/run.json" : "cpu/run.json")).c_str(), 0, nullptr);
    for (const char *key : {"steps", "samples", "epochs", "diverged"}) {
        ASSERT_NE(json_object_get(run[0], key), nullptr) << key;
        EXPECT_TRUE(json_equal(json_object_get(run[0], key), json_object_get(run[1], key))) << key;
    }
    json_decref(run[0]);
    json_decref(run[1]);
}

TEST(CudaTrain, ASignalLeavesACheckpointThatTheCpuGoesOnFrom)
{
    Folder folder;
    std::vector<std::string> train = {"train", "--config", example("iris.yaml"), "--device"};
    std::vector<std::string> gpu = train, cpu = train;
    gpu.insert(gpu.end(), {"cuda", "--out", folder.path("gpu")});
    cpu.insert(cpu.end(), {"cpu", "--out", folder.path("cpu")});
    Options stopped = on_cpu(5);
    stopped.interrupt = SIGTERM;
    Result r = kaizen(gpu, stopped);
    ASSERT_EQ(r.status, 75) << r.err;
    r = kaizen({"train", "--resume", folder.path("gpu"), "--device", "cpu"});
    ASSERT_EQ(r.status, 0) << r.err;
    ASSERT_EQ(kaizen(cpu).status, 0);
    EXPECT_EQ(of_run(folder, "gpu", {"digests", "trajectory"}), of_run(folder, "cpu", {"digests", "trajectory"}));
}

// Windows pinned and sent beside the steps: on a GPU as well, which can be asked to stream whatever its memory.
TEST(CudaTrain, StreamedRowsGiveTheBitsOfTheCpu)
{
    Folder folder;
    std::vector<std::string> train = {"train",
                                      "--config",
                                      example("digits.yaml"),
                                      "--set",
                                      "train={epochs: 2, batch: 64, shuffle: window}",
                                      "--set",
                                      "data.window=256",
                                      "--set",
                                      "data.memory=60KB"};
    for (const char *device : {"cpu", "cuda"}) {
        std::vector<std::string> words = train;
        words.insert(words.end(), {"--device", device, "--out", folder.path(device)});
        Result r = kaizen(words, on_cpu(2));
        ASSERT_EQ(r.status, 0) << r.err;
        EXPECT_TRUE(has(program::read_file(folder.path(std::string(device) + "/run.json")), "\"streamed\": true"));
    }
    EXPECT_EQ(of_run(folder, "cuda", {"digests", "trajectory"}), of_run(folder, "cpu", {"digests", "trajectory"}));
}
