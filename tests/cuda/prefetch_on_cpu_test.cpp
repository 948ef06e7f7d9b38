// Data on their way to a GPU while it computes: what does not fit there, and what is read from the file meanwhile.  The
// bits are the CPU's, and a wait that is missing gives others in one of these orders: with 2 both queues are late, with 6
// data come as early as they may and the steps late, with 7 the other way round.
#include "build.h"
#include "data_hdf5.h"
#include "training.h"

#include <jansson.h>

namespace {

using program::Folder;
using program::kaizen;
using program::Result;

constexpr int64_t rows = 1500, columns = 16;
constexpr const char *tight = "70000000"; // the stand-in's memory less what CUDA is left holds no array of the data

std::vector<double> drawn(size_t n, unsigned seed, double most, bool whole)
{
    oracle::Random random(seed);
    std::vector<double> x(n);
    for (double &v : x) {
        v = most * static_cast<double>(random.below(1 << 20)) / (1 << 20);
        if (whole) v = std::floor(v);
    }
    return x;
}

// uint8 in five classes; or binary32 with three targets, each array larger than what is copied in any case.
std::string make(const Folder &folder, bool classes)
{
    std::string path = folder.path(classes ? "bytes.h5" : "floats.h5");
    kz_test::Hdf5 file(path);
    for (const char *split : {"/train", "/test"}) {
        hsize_t n = split[2] == 'r' ? rows : 1400;
        file.put((std::string(split) + "/x").c_str(), classes ? H5T_NATIVE_UINT8 : H5T_NATIVE_FLOAT,
                 {n, static_cast<hsize_t>(columns)}, drawn(n * columns, 1, 255, classes));
        if (classes) file.put((std::string(split) + "/y").c_str(), H5T_NATIVE_INT, {n}, drawn(n, 2, 4.999, true));
        else file.put((std::string(split) + "/y").c_str(), H5T_NATIVE_FLOAT, {n, 3}, drawn(n * 3, 3, 50, false));
    }
    return path;
}

// Batches of which the last one is smaller, in parts; a validation split that lies among the rows of train.
std::string yaml(const std::string &data, const std::string &shuffle, const std::string &memory,
                 const std::string &more = "")
{
    std::string window = shuffle == "window" ? ", window_block: 32" : "";
    return "name: p\nseed: 3\ndata: {path: \"" + data + "\", memory: " + memory + window + more +
           ", valid: {fraction: 0.2}}\nmodel:\n  layers:\n"
           "    - {type: dense, units: 9, activation: tanh, dropout: 0.2}\n    - {type: dense}\n"
           "optimizer: {name: adam, lr: 0.01}\ntrain: {shuffle: " +
           shuffle + ", epochs: 3, batch: 70, micro_batches: 3}\n";
}

std::map<std::string, std::string> stand_in(int order, const char *memory = nullptr)
{
    std::map<std::string, std::string> env = {{"KAIZEN_CUDA_MODULE", build::cuda_on_cpu},
                                              {"KAIZEN_CUDA_ORDER", std::to_string(order)}};
    if (memory) env["KAIZEN_CUDA_MEMORY"] = memory;
    return env;
}

Result train_on(const std::string &device, const std::string &config, const std::string &out,
                const std::map<std::string, std::string> &env = {}, const std::vector<std::string> &more = {})
{
    program::Options o;
    o.env = env, o.seconds = 280;
    std::vector<std::string> words = {"train", "--config", config, "--device", device, "--out", out};
    words.insert(words.end(), more.begin(), more.end());
    return kaizen(words, o);
}

// What must not differ: weights of every epoch, and the metrics of the three splits.
std::string outcome(const std::string &run)
{
    json_t *file = json_loads(program::read_file(run + "/run.json").c_str(), 0, nullptr);
    json_t *kept = json_pack("{s:O?, s:O?, s:O?}", "digests", json_object_get(file, "digests"), "metrics",
                             json_object_get(file, "metrics"), "steps", json_object_get(file, "steps"));
    char *text = json_dumps(kept, JSON_SORT_KEYS | JSON_INDENT(1));
    std::string s = text ? text : "";
    free(text);
    json_decref(kept);
    json_decref(file);
    EXPECT_NE(s.find("trajectory"), std::string::npos) << run;
    return s;
}

struct Kind {
    const char *name;
    bool classes;
    const char *shuffle, *memory; // of the machine, for the data
    const char *more;             // keys of data
};

void PrintTo(const Kind &k, std::ostream *to)
{
    *to << k.name;
}

class CudaPrefetch : public testing::TestWithParam<Kind> {};

const Kind kinds[] = {{"BytesOutside", true, "full", "8GiB", ""},
                      {"FloatsAndTargetsOutside", false, "none", "8GiB", ""},
                      {"BytesOfTrainStreamed", true, "window", "45KB",
                       ", window: 320, test: none"}, // the next epoch's first window comes early
                      {"BytesStreamed", true, "window", "50KB", ", window: 256"},
                      {"FloatsStreamed", false, "window", "110KB", ", window: 256"}};

const std::vector<int> orders = build::sanitized ? std::vector<int>{6} : std::vector<int>{1, 2, 6, 7};

bool is_streamed(const Kind &k)
{
    return std::string(k.memory) != "8GiB";
}

} // namespace

TEST_P(CudaPrefetch, GivesTheBitsOfTheCpuInEveryOrder)
{
    Folder folder;
    std::string data = make(folder, GetParam().classes);
    std::string config = folder.write("p.yaml", yaml(data, GetParam().shuffle, GetParam().memory, GetParam().more));
    ASSERT_EQ(train_on("cpu", config, folder.path("cpu")).status, 0);
    for (int order : orders) {
        std::string out = folder.path(std::to_string(order));
        Result r = train_on("cuda", config, out, stand_in(order, is_streamed(GetParam()) ? nullptr : tight));
        ASSERT_EQ(r.status, 0) << "order " << order << r.err;
        EXPECT_EQ(outcome(out), outcome(folder.path("cpu"))) << "order " << order;
        EXPECT_EQ(r.err.find("data_outside_gpu_bytes=") != std::string::npos, !is_streamed(GetParam())) << r.err;
    }
}

INSTANTIATE_TEST_SUITE_P(All, CudaPrefetch, testing::ValuesIn(kinds),
                         [](const testing::TestParamInfo<Kind> &i) { return i.param.name; });

// Stopped by the CPU in the middle of an epoch, and of a window; on the GPU the first batch is one that nobody fetched.
TEST(CudaPrefetched, ResumesInTheMiddleOfAnEpoch)
{
    Folder folder;
    for (const Kind &k : kinds) {
        std::string data = make(folder, k.classes), text = yaml(data, k.shuffle, k.memory, k.more);
        std::string cut = folder.path(std::string(k.name) + "-cut");
        training::Outcome whole = training::train(text);
        ASSERT_EQ(whole.status, KZ_OK) << whole.message;
        volatile sig_atomic_t stop = 0;
        training::Options o;
        o.directory = cut, o.stop = &stop;
        o.on_step = [&](int64_t step) { stop = step == 25 ? SIGTERM : 0; };
        ASSERT_EQ(training::train(text, o).status, KZ_E_INTERRUPTED);
        program::Options gpu;
        gpu.env = stand_in(6, is_streamed(k) ? nullptr : tight);
        Result r = kaizen({"train", "--resume", cut, "--device", "cuda"}, gpu);
        ASSERT_EQ(r.status, 0) << r.err;
        EXPECT_NE(r.out.find(whole.weights), std::string::npos) << k.name << r.out;
    }
}

TEST(CudaPrefetched, ADryRunSaysWhatStaysOutside)
{
    Folder folder;
    std::string config = folder.write("p.yaml", yaml(make(folder, false), "full", "8GiB"));
    for (const char *memory : {tight, "100000000"}) {
        Result r =
            train_on("cuda", config, folder.path("run"), stand_in(0, memory), {"--dry-run", "--json", "--log", "text"});
        ASSERT_EQ(r.status, 0) << r.err;
        json_t *plan = json_loads(r.out.c_str(), 0, nullptr);
        json_int_t outside = json_integer_value(json_object_get(plan, "gpu_outside_bytes"));
        json_int_t needed = json_integer_value(json_object_get(plan, "gpu_bytes"));
        json_int_t free_bytes = json_integer_value(json_object_get(plan, "gpu_free_bytes"));
        bool fits = memory != tight;
        // features of train (with valid's rows) and of test; targets of both, twice: as they are, and scaled
        EXPECT_EQ(outside, fits ? 0 : (rows + 1400) * (columns * 4 + 2 * 3 * 4)) << r.out;
        EXPECT_EQ(json_array_size(json_object_get(plan, "gpu_outside")), fits ? 0u : 6u) << r.out;
        EXPECT_TRUE(needed > 0 && needed < free_bytes && free_bytes < 100000000) << r.out;
        EXPECT_EQ(r.err.find("train features, test features") != std::string::npos ||
                      r.err.find("train scaled targets") != std::string::npos,
                  !fits)
            << r.err;
        json_decref(plan);
    }
}

// What is counted for a streamed data set is what its windows take.
TEST(CudaPrefetched, WindowsOnTheGpuAreCounted)
{
    Folder folder;
    std::string data = make(folder, false);
    json_int_t needed[2];
    for (int i = 0; i < 2; i++) {
        std::string config = folder.write("p.yaml", yaml(data, "window", i ? "110KB" : "8GiB", ", window: 256"));
        Result r = train_on("cuda", config, folder.path("run"), stand_in(0), {"--dry-run", "--json"});
        ASSERT_EQ(r.status, 0) << r.err;
        json_t *plan = json_loads(r.out.c_str(), 0, nullptr);
        needed[i] = json_integer_value(json_object_get(plan, "gpu_bytes"));
        json_decref(plan);
    }
    // two windows of 256 rows and an unfinished batch: features, targets as they are and scaled, row numbers; and losses
    // and scores of one; instead of all rows of the data with theirs, but for the 300 of validation, which stay in memory
    json_int_t window = 256 + 69, row = columns * 4 + 2 * 3 * 4, streamed = rows - 300 + 1400;
    EXPECT_EQ(needed[1] - needed[0], window * (2 * (row + 8) + 16) - streamed * (row + 24));
}

TEST(CudaPrefetched, AGpuThatIsOutOfOrderIsListedWithTheReason)
{
    program::Options o;
    o.env = stand_in(0);
    o.env["KAIZEN_CUDA_DEVICES"] = "2";
    Result r = kaizen({"info"}, o);
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.out.find("stand-in"), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("unknown error"), std::string::npos) << r.out;
    r = kaizen({"train", "--config", program::source_path("examples/iris.yaml"), "--device", "cuda:1", "--dry-run"}, o);
    EXPECT_EQ(r.status, 69);
    EXPECT_NE(r.err.find("cannot be used: unknown error"), std::string::npos) << r.err;
}
