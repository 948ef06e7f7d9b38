// `kaizen train` as a user runs it: digests, exit statuses, what is printed where.
#include "golden_json.h"

#include "kz/device.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

namespace {

using program::Folder;
using program::kaizen;
using program::Options;
using program::Result;

std::string golden_config(const std::string &name)
{
    return program::source_path("tests/golden/" + name + ".yaml");
}

std::vector<std::string> golden_names()
{
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(program::source_path("tests/golden")))
        if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

std::string recorded(const std::string &name)
{
    golden::Json file = golden::load("digests.json");
    return golden::text(json_object_get(json_object_get(file.get(), "configs"), name.c_str()), "weights");
}

std::string last_word(const std::string &text)
{
    std::istringstream words(text);
    std::string word, last;
    while (words >> word) last = word;
    return last;
}

std::string small(const std::string &more = "", const std::string &train = "epochs: 2, batch: 16",
                  const std::string &optimizer = "name: sgd, lr: 0.1")
{
    return "name: small\ndata: {path: \"" + program::source_path("datasets/iris.h5") +
           "\"}\nmodel:\n  layers:\n    - {type: dense, units: 6, activation: relu}\n    - {type: dense}\noptimizer: "
           "{" +
           optimizer + "}\ntrain: {" + train + "}\n" + more;
}

Result run_in(const Folder &folder, std::vector<std::string> arguments, Options options = {})
{
    options.directory = folder.path();
    arguments.insert(arguments.begin(), "train");
    return kaizen(arguments, options);
}

} // namespace

TEST(TrainProgram, GoldenConfigsEndWithTheirDigestAndDoSoAgainFromTheRun)
{
    ASSERT_GE(golden_names().size(), 6u);
    for (const std::string &name : golden_names()) {
        Folder folder;
        Result r = run_in(folder, {"-c", golden_config(name), "--out", "one", "--threads", "1"});
        ASSERT_EQ(r.status, 0) << name << "\n" << r.err;
        EXPECT_EQ(last_word(r.out), recorded(name)) << name;
        Result again = run_in(folder, {"-c", "one/config.yaml", "--out", "two"});
        ASSERT_EQ(again.status, 0) << name << "\n" << again.err;
        EXPECT_EQ(last_word(again.out), recorded(name)) << name << " from the run's config.yaml";
        golden::Json one = golden::parse(program::read_file(folder.path("one/run.json")));
        golden::Json two = golden::parse(program::read_file(folder.path("two/run.json")));
        EXPECT_TRUE(json_equal(json_object_get(one.get(), "digests"), json_object_get(two.get(), "digests"))) << name;
        EXPECT_EQ(golden::text(one.get(), "status"), "completed");
    }
}

TEST(TrainProgram, ThreadsAndInstructionSetsChangeNothing)
{
    Folder folder;
    for (const char *name : {"iris-deep", "wine-parts"})
        for (const char *threads : {"1", "2", "3", "8"})
            for (const char *const *isa = kz_device_isas(); *isa; isa++) {
                Options o;
                o.env = {{"KAIZEN_ISA", *isa}};
                std::string out = std::string(name) + threads + *isa;
                Result r = run_in(folder, {"-c", golden_config(name), "--out", out, "--threads", threads}, o);
                ASSERT_EQ(r.status, 0) << r.err;
                EXPECT_EQ(last_word(r.out), recorded(name)) << out;
                EXPECT_NE(r.err.find(std::string(" isa=") + *isa + " threads=" + threads + " "), std::string::npos)
                    << r.err;
            }
}

TEST(TrainProgram, ADeviceThatIsNotThereIsStatus69)
{
    Folder folder;
    folder.write("c.yaml", small());
    Options odd;
    odd.env = {{"KAIZEN_ISA", "avx9000"}};
    Result isa = run_in(folder, {"-c", "c.yaml", "--out", "run"}, odd);
    EXPECT_EQ(isa.status, 69);
    EXPECT_NE(isa.err.find("avx9000"), std::string::npos);
    EXPECT_EQ(run_in(folder, {"-c", "c.yaml", "--out", "run", "--device", "cuda:63"}).status, 69);
    EXPECT_FALSE(program::exists(folder.path("run")));
}

TEST(TrainProgram, BadInputHasItsOwnStatus)
{
    Folder folder;
    folder.write("c.yaml", small());
    folder.write("bad.yaml", small("trian: {}\n"));
    folder.write("gone.yaml",
                 "name: x\ndata: {path: nowhere.h5}\nmodel: {layers: [{type: dense}]}\noptimizer: {name: sgd}\n");
    folder.write("junk.h5", "this is no HDF5 file");
    folder.write("junk.yaml",
                 "name: x\ndata: {path: junk.h5}\nmodel: {layers: [{type: dense}]}\noptimizer: {name: sgd}\n");
    folder.write("file", "");
    folder.write("full/file", "");
    const struct {
        std::vector<std::string> arguments;
        int status;
        const char *says;
    } cases[] = {
        {{}, 2, "--config"},
        {{"-c", "c.yaml", "--thread", "2"}, 2, "--threads"},
        {{"-c", "c.yaml", "extra"}, 2, "extra"},
        {{"-c", "none.yaml"}, 66, "none.yaml"},
        {{"-c", "gone.yaml"}, 66, "nowhere.h5"},
        {{"-c", "junk.yaml"}, 65, "junk.h5"},
        {{"-c", "bad.yaml"}, 78, "bad.yaml:"},
        {{"-c", "c.yaml", "--set", "optimizer.lr=fast"}, 78, "optimizer.lr"},
        {{"-c", "c.yaml", "--threads", "-1"}, 2, "--threads"},
        {{"-c", "c.yaml", "--seed", "one"}, 2, "--seed"},
        {{"-c", "c.yaml", "--device", "gpu"}, 2, "--device"},
        {{"-c", "c.yaml", "--dry-run", "--print-config"}, 2, "--print-config"},
        {{"-c", "c.yaml", "--dry-run", "--out", "full"}, 73, "full"},
        {{"-c", "c.yaml", "--dry-run", "--out", "file/run"}, 73, "file"},
        {{"-c", "c.yaml", "--set", "model.loss=binary_cross_entropy"}, 78, "2 classes"},
        {{"-c", "c.yaml", "--out", "file/run"}, 73, "file: "},
        {{"-c", "c.yaml", "--out", "full"}, 73, "full"},
    };
    for (const auto &c : cases) {
        Result r = run_in(folder, c.arguments);
        std::string line;
        for (const std::string &word : c.arguments) line += word + " ";
        EXPECT_EQ(r.status, c.status) << line << "\n" << r.err;
        EXPECT_NE(r.err.find(c.says), std::string::npos) << line << "\n" << r.err;
        EXPECT_EQ(r.out, "") << line;
    }
    EXPECT_FALSE(program::exists(folder.path("results"))) << "a run that cannot begin leaves nothing";
}

TEST(TrainProgram, DivergenceIsStatus76AndRecorded)
{
    Folder folder;
    folder.write("c.yaml", small("", "epochs: 5, batch: 16", "name: sgd, lr: 1e30"));
    Result r = run_in(folder, {"-c", "c.yaml", "--out", "run"});
    EXPECT_EQ(r.status, 76) << r.err;
    EXPECT_NE(r.err.find("is not finite"), std::string::npos) << r.err;
    golden::Json json = golden::parse(program::read_file(folder.path("run/run.json")));
    EXPECT_EQ(golden::text(json.get(), "status"), "diverged");
    EXPECT_GT(golden::number(json_object_get(json.get(), "diverged"), "step", -1), -1);
}

TEST(TrainProgram, SignalsEndTheRunWithARecord)
{
    for (int number : {SIGINT, SIGTERM}) {
        Folder folder;
        folder.write("c.yaml", small("", "epochs: 1000000, batch: 1"));
        Options o;
        o.interrupt = number;
        Result r = run_in(folder, {"-c", "c.yaml", "--out", "run"}, o);
        EXPECT_EQ(r.status, 75) << r.err;
        golden::Json json = golden::parse(program::read_file(folder.path("run/run.json")));
        EXPECT_EQ(golden::text(json.get(), "status"), "interrupted");
        EXPECT_EQ(last_word(r.out), golden::text(json_object_get(json.get(), "digests"), "weights"));
    }
}

TEST(TrainProgram, ADryRunWritesNothing)
{
    Folder folder;
    folder.write("c.yaml", small());
    Result r = run_in(folder, {"-c", "c.yaml", "--dry-run"});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.out.find("nothing was trained"), std::string::npos) << r.out;
    EXPECT_FALSE(program::exists(folder.path("results")));
    golden::Json plan = golden::parse(run_in(folder, {"-c", "c.yaml", "-n", "--json"}).out);
    EXPECT_EQ(golden::text(plan.get(), "schema"), "kaizen.plan/1");
    EXPECT_EQ(golden::number(plan.get(), "steps"), 16);
    EXPECT_EQ(golden::number(plan.get(), "parameters"), 4 * 6 + 6 + 6 * 3 + 3);
}

TEST(TrainProgram, JsonIsTheRecordAndQuietIsTheResult)
{
    Folder folder;
    folder.write("c.yaml", small());
    Result json = run_in(folder, {"-c", "c.yaml", "--json", "--out", "json"});
    golden::Json printed = golden::parse(json.out),
                 written = golden::parse(program::read_file(folder.path("json/run.json")));
    EXPECT_TRUE(json_equal(printed.get(), written.get()));
    EXPECT_EQ(golden::text(printed.get(), "schema"), "kaizen.run/1");
    Result quiet = run_in(folder, {"-c", "c.yaml", "--quiet", "--out", "quiet"});
    EXPECT_EQ(quiet.err, "");
    EXPECT_EQ(last_word(quiet.out), golden::text(json_object_get(printed.get(), "digests"), "weights"));
    EXPECT_EQ(program::count(quiet.out, "\n"), 5) << quiet.out;
}

TEST(TrainProgram, RunDirectoriesAreNamedAfterTheRun)
{
    Folder folder;
    folder.write("c.yaml", small());
    for (int i = 0; i < 2; i++) ASSERT_EQ(run_in(folder, {"-c", "c.yaml", "-q"}).status, 0);
    int runs = 0;
    for (const auto &entry : std::filesystem::directory_iterator(folder.path("results/runs/small"))) {
        runs++;
        for (const char *name : {"config.yaml", "run.json", "metrics.jsonl", "model.safetensors"})
            EXPECT_TRUE(program::exists(entry.path().string() + "/" + name)) << name;
    }
    EXPECT_EQ(runs, 2);
}

TEST(TrainProgram, TheBinaryNamedTrainIsTheSame)
{
    Folder folder;
    folder.write("c.yaml", small());
    std::string train = (std::filesystem::path(program::kaizen_path()).parent_path() / "train").string();
    Options o;
    o.directory = folder.path();
    Result one = run_in(folder, {"--config", "c.yaml", "--out", "one"});
    Result two = program::run({train, "--config", "c.yaml", "--out", "two"}, o);
    ASSERT_EQ(two.status, 0) << two.err;
    EXPECT_EQ(last_word(one.out), last_word(two.out));
    EXPECT_EQ(program::run({train}, o).status, 2);
}

TEST(TrainProgram, OptionsPutThemselvesOverTheConfig)
{
    Folder folder;
    folder.write("c.yaml", small());
    Result base = run_in(folder, {"-c", "c.yaml", "--out", "a"});
    Result seed = run_in(folder, {"-c", "c.yaml", "--out", "b", "--seed", "7"});
    Result set = run_in(folder, {"-c", "c.yaml", "--out", "c", "--set", "seed=7"});
    EXPECT_NE(last_word(base.out), last_word(seed.out));
    EXPECT_EQ(last_word(seed.out), last_word(set.out));
    Result both = run_in(folder, {"-c", "c.yaml", "--print-config", "--set", "seed=7", "--seed", "9"});
    EXPECT_NE(both.out.find("seed: 9"), std::string::npos) << both.out;
}

TEST(TrainProgram, PrintedConfigLoadsFromAnotherFolder)
{
    Folder folder;
    Result printed = program::kaizen({"train", "-c", program::source_path("examples/iris.yaml"), "--print-config"});
    ASSERT_EQ(printed.status, 0) << printed.err;
    EXPECT_NE(printed.out.find("loss: cross_entropy"), std::string::npos) << printed.out;
    EXPECT_NE(printed.out.find("units: 3"), std::string::npos) << printed.out;
    folder.write("printed.yaml", printed.out);
    EXPECT_EQ(run_in(folder, {"-c", "printed.yaml", "--print-config"}).out, printed.out);
    EXPECT_EQ(run_in(folder, {"-c", "printed.yaml", "--dry-run"}).status, 0);
}

TEST(TrainProgram, ADryRunTakesNoMemoryForTheModel)
{
    Folder folder;
    folder.write("c.yaml", "name: huge\ndata: {path: " + program::source_path("datasets/iris.h5") +
                               "}\nmodel: {layers: [{type: dense, units: 1048576}, {type: dense, units: 1048576}, "
                               "{type: dense}]}\noptimizer: {name: adam}\n");
    Result r = run_in(folder, {"-c", "c.yaml", "--dry-run"});
    EXPECT_EQ(r.status, 1);
    EXPECT_NE(r.err.find("the run needs"), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("TiB of memory"), std::string::npos) << r.err;
}

TEST(TrainProgram, AnEvaluationThatIsNotFiniteIsNamed)
{
    Folder folder;
    folder.write("c.yaml", "name: t\ndata: {path: " + program::source_path("datasets/diabetes.h5") +
                               ", test: {x: /train/x, y: /train/y}, scale: none, scale_target: none}\n"
                               "model: {layers: [{type: dense}], loss: squared_error, init: zeros}\n"
                               "optimizer: {name: sgd, lr: 1e30}\ntrain: {epochs: 1, batch: 353}\n");
    Result r = run_in(folder, {"-c", "c.yaml", "--out", "run"});
    EXPECT_EQ(r.status, 76) << r.err;
    EXPECT_NE(r.err.find("the test loss after epoch 1 is not finite"), std::string::npos) << r.err;
    golden::Json json = golden::parse(program::read_file(folder.path("run/run.json")));
    EXPECT_EQ(golden::text(json_object_get(json.get(), "diverged"), "what"), "test");
}

TEST(TrainProgram, AllowFiltersIsShortForItsKey)
{
    Folder folder;
    folder.write("run.yaml", small());
    Result plain = run_in(folder, {"-c", "run.yaml", "--print-config"});
    Result allowed = run_in(folder, {"-c", "run.yaml", "--print-config", "--allow-filters"});
    EXPECT_EQ(plain.status, 0) << plain.err;
    EXPECT_EQ(allowed.status, 0) << allowed.err;
    EXPECT_EQ(program::count(plain.out, "  allow_filters: false\n"), 1) << plain.out;
    EXPECT_EQ(program::count(allowed.out, "  allow_filters: true\n"), 1) << allowed.out;
}
