// `kaizen train --resume` as a batch system runs it: exit statuses, signals, faults, what is told and to whom.
#include "build.h"
#include "golden_json.h"
#include "program.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using program::Folder;
using program::kaizen;
using program::Options;
using program::Result;

std::string config(const std::string &train = "epochs: 3, batch: 16",
                   const std::string &optimizer = "name: adam, lr: 0.02")
{
    return "name: small\ndata: {path: \"" + program::source_path("datasets/iris.h5") +
           "\", valid: {fraction: 0.2}}\nmodel: {layers: [{type: dense, units: 6, activation: tanh}, {type: dense}]}\n"
           "optimizer: {" +
           optimizer + "}\ntrain: {" + train + "}\n";
}

const std::string endless = "epochs: 1000000, batch: 1";

Result train(const Folder &folder, std::vector<std::string> arguments, Options options = {})
{
    options.directory = folder.path();
    arguments.insert(arguments.begin(), "train");
    return kaizen(arguments, options);
}

Options interrupted_by(int number)
{
    Options o;
    o.interrupt = number;
    return o;
}

std::string digest(const std::string &directory, const char *which = "trajectory")
{
    golden::Json run = golden::parse(program::read_file(directory + "/run.json"));
    return golden::text(json_object_get(run.get(), "digests"), which);
}

std::string status_in(const std::string &directory)
{
    return golden::text(golden::parse(program::read_file(directory + "/run.json")).get(), "status");
}

// All files of a folder with their bytes.
std::map<std::string, std::string> contents(const std::string &directory)
{
    std::map<std::string, std::string> all;
    for (const auto &entry : std::filesystem::directory_iterator(directory))
        all[entry.path().filename().string()] = program::read_file(entry.path().string());
    return all;
}

// A fault of the shim: the n-th call on the run directory.
Options fault(const std::string &directory, int at, const std::string &how, const std::string &log = "")
{
    Options o;
    o.env = {{"LD_PRELOAD", build::fault_shim}, {"FAULT_DIR", directory}};
    if (at > 0) o.env["FAULT_AT"] = std::to_string(at);
    if (!how.empty()) o.env["FAULT_HOW"] = how;
    if (!log.empty()) o.env["FAULT_LOG"] = log;
    return o;
}

bool sanitized()
{
    return build::sanitized;
}

} // namespace

TEST(ResumeProgram, ASignalIs75AndTheRunGoesOn)
{
    for (int number : {SIGTERM, SIGINT, SIGHUP}) {
        Folder folder;
        folder.write("c.yaml", config(endless));
        auto start = std::chrono::steady_clock::now();
        Result r = train(folder, {"-c", "c.yaml", "--out", "run"}, interrupted_by(number));
        std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        EXPECT_EQ(r.status, 75) << r.err;
        EXPECT_LT(took.count(), 20) << "a million epochs take longer";
        EXPECT_NE(r.err.find("go on with --resume run"), std::string::npos) << r.err;
        EXPECT_EQ(status_in(folder.path("run")), "interrupted");
        Result again = train(folder, {"--resume", "run"}, interrupted_by(number));
        EXPECT_EQ(again.status, 75) << again.err;
        EXPECT_NE(again.err.find("event=resume"), std::string::npos) << again.err;
    }
}

TEST(ResumeProgram, AFinishedRunIsShownAndNotTouched)
{
    Folder folder;
    folder.write("c.yaml", config());
    Result first = train(folder, {"-c", "c.yaml", "--out", "run"});
    ASSERT_EQ(first.status, 0) << first.err;
    auto before = contents(folder.path("run"));
    for (std::vector<std::string> arguments : std::vector<std::vector<std::string>>{
             {"--resume", "run"}, {"--resume", "--out", "run"}, {"-c", "c.yaml", "--resume", "auto", "--out", "run"}}) {
        Result r = train(folder, arguments);
        EXPECT_EQ(r.status, 0) << r.err;
        EXPECT_NE(r.out.find("completed after 3 epochs"), std::string::npos) << r.out;
        EXPECT_NE(r.out.find(digest(folder.path("run"), "weights")), std::string::npos) << r.out;
        EXPECT_EQ(before, contents(folder.path("run")));
    }
    Result json = train(folder, {"--resume", "run", "--json"});
    EXPECT_TRUE(json_equal(golden::parse(json.out).get(), golden::parse(before["run.json"]).get()));
    Result other = train(folder, {"-c", "c.yaml", "--resume", "--out", "run", "--set", "optimizer.lr=0.5"});
    EXPECT_EQ(other.status, 78);
    EXPECT_NE(other.err.find("optimizer.lr: 0.02 when the run began, now 0.5"), std::string::npos) << other.err;
    EXPECT_EQ(train(folder, {"-c", "c.yaml", "--resume", "--out", "run", "--set", "name=x", "--threads", "2"}).status,
              0);
    EXPECT_EQ(before, contents(folder.path("run")));
    folder.write("run/config.yaml", before["config.yaml"] + "wrong: 1\n");
    Result damaged = train(folder, {"-c", "c.yaml", "--resume", "--out", "run"});
    EXPECT_EQ(damaged.status, 78);
    EXPECT_NE(damaged.err.find("unknown key 'wrong'"), std::string::npos) << damaged.err;
}

TEST(ResumeProgram, ADivergedRunStaysDiverged)
{
    Folder folder;
    std::string yaml = config("epochs: 9, batch: 16", "name: sgd, lr: 1e30");
    folder.write("c.yaml", yaml.replace(yaml.find("tanh"), 4, "relu"));
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--out", "run"}).status, 76);
    auto before = contents(folder.path("run"));
    Result r = train(folder, {"-c", "c.yaml", "--resume", "auto", "--out", "run"});
    EXPECT_EQ(r.status, 76);
    EXPECT_NE(r.err.find("is not finite"), std::string::npos) << r.err;
    EXPECT_EQ(before, contents(folder.path("run")));
}

TEST(ResumeProgram, AutoBeginsOrGoesOn)
{
    Folder folder;
    folder.write("c.yaml", config(endless));
    folder.write("few.yaml", config());
    ASSERT_EQ(train(folder, {"-c", "few.yaml", "-q"}).status, 0) << "a finished run of another config";
    EXPECT_EQ(train(folder, {"-c", "c.yaml", "--resume"}).status, 66) << "there is none";
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--resume", "auto"}, interrupted_by(SIGTERM)).status, 75);
    auto runs = [&] {
        int n = 0;
        for (const auto &entry : std::filesystem::directory_iterator(folder.path("results/runs/small")))
            n += entry.is_directory();
        return n;
    };
    EXPECT_EQ(runs(), 2);
    Result again = train(folder, {"-c", "c.yaml", "--resume", "auto"}, interrupted_by(SIGTERM));
    EXPECT_EQ(again.status, 75) << again.err;
    EXPECT_NE(again.err.find("event=resume"), std::string::npos) << again.err;
    EXPECT_EQ(runs(), 2);
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--resume"}, interrupted_by(SIGTERM)).status, 75);
    EXPECT_EQ(runs(), 2);
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--seed", "9", "--resume", "auto"}, interrupted_by(SIGTERM)).status, 75);
    EXPECT_EQ(runs(), 3) << "another seed is another run";
    ASSERT_EQ(train(folder, {"-c", "few.yaml", "--resume", "auto", "-q"}).status, 0);
    EXPECT_EQ(runs(), 4) << "a finished one is not gone on with";
    ASSERT_EQ(train(folder, {"-c", "few.yaml", "--resume", "auto", "--out", "fresh", "-q"}).status, 0);
    EXPECT_EQ(status_in(folder.path("fresh")), "completed");
    folder.write("killed/metrics.jsonl", "");
    folder.write("killed/config.yaml.tmp-12", "nam");
    EXPECT_EQ(train(folder, {"-c", "few.yaml", "--resume", "auto", "--out", "killed", "-q"}).status, 0)
        << "one that was killed before it began";
    folder.write("full/thesis.txt", "not ours");
    EXPECT_EQ(train(folder, {"-c", "few.yaml", "--resume", "auto", "--out", "full"}).status, 73);
}

TEST(ResumeProgram, WrongUseIsSaid)
{
    Folder folder;
    folder.write("c.yaml", config());
    folder.write("empty/x", "");
    const struct {
        std::vector<std::string> arguments;
        int status;
        const char *says;
    } cases[] = {
        {{"--resume"}, 2, "name its folder"},
        {{"--resume", "auto"}, 2, "name its folder"},
        {{"--resume", "one", "--out", "two"}, 2, "leave --out out"},
        {{"--resume", "nowhere"}, 66, "nowhere: holds no run"},
        {{"--resume", "empty"}, 66, "empty: holds no run"},
        {{"-c", "c.yaml", "--resume", "nowhere"}, 66, "--resume auto begins one"},
        {{"-c", "c.yaml", "--log", "xml"}, 2, "--log is 'xml'"},
    };
    for (const auto &c : cases) {
        Result r = train(folder, c.arguments);
        EXPECT_EQ(r.status, c.status) << c.says << "\n" << r.err;
        EXPECT_NE(r.err.find(c.says), std::string::npos) << c.says << "\n" << r.err;
    }
}

TEST(ResumeProgram, EventsAreLinesAndTheEndIsSummarised)
{
    Folder folder;
    folder.write("c.yaml", config("epochs: 2, batch: 16, checkpoint: {}"));
    folder.write("message", "old");
    Options o;
    o.env = {{"KAIZEN_TERMINATION_LOG", folder.path("message")}};
    Result json = train(folder, {"-c", "c.yaml", "--out", "one", "--log", "json"}, o);
    ASSERT_EQ(json.status, 0) << json.err;
    std::vector<std::string> events;
    std::istringstream lines(json.err);
    for (std::string line; std::getline(lines, line);)
        events.push_back(golden::text(golden::parse(line).get(), "event"));
    EXPECT_EQ(events, (std::vector<std::string>{"begin", "epoch", "checkpoint", "epoch", "checkpoint", "end"}));
    golden::Json message = golden::parse(program::read_file(folder.path("message")));
    EXPECT_EQ(golden::text(message.get(), "status"), "completed");
    EXPECT_EQ(golden::text(message.get(), "weights"), digest(folder.path("one"), "weights"));
    EXPECT_EQ(golden::number(message.get(), "exit", -1), 0);
    Result logfmt = train(folder, {"-c", "c.yaml", "--out", "two"});
    EXPECT_EQ(program::count(logfmt.err, " event=epoch epoch="), 2) << logfmt.err;
    EXPECT_EQ(program::count(logfmt.err, "\n"), 6) << logfmt.err;
    Result dry = train(folder, {"-c", "c.yaml", "--resume", "--out", "two", "--set", "train.epochs=3", "--dry-run"});
    EXPECT_NE(dry.err.find(" event=plan "), std::string::npos) << dry.err;
    EXPECT_EQ(dry.err.find("_done="), std::string::npos) << dry.err;
    Result text = train(folder, {"-c", "c.yaml", "--out", "three", "--log", "text"});
    EXPECT_EQ(text.err.find("event="), std::string::npos) << text.err;
    EXPECT_NE(text.err.find("epoch      step"), std::string::npos) << text.err;
}

TEST(ResumeProgram, AFailureBeforeTheRunIsToldToo)
{
    Folder folder;
    folder.write("c.yaml", config());
    std::string wrong = config();
    for (int i = 0; i < 200; i++) wrong += "wrong" + std::to_string(i) + ": 1\n";
    folder.write("long.yaml", wrong);
    const struct {
        std::vector<std::string> arguments;
        int status;
        const char *says;
    } cases[] = {
        {{"-c", "none.yaml"}, 66, "none.yaml: cannot be opened"},
        {{"-c", "c.yaml", "--set", "data.path=none.h5"}, 66, "no file 'none.h5'"},
        {{"-c", "c.yaml", "--set", "optimizer.lrr=1"}, 78, "did you mean 'optimizer.lr'"},
        {{"-c", "long.yaml"}, 78, "unknown key 'wrong0'"},
        {{"-c", "c.yaml", "--resume", "nowhere"}, 66, "holds no run"},
        {{"-c", "c.yaml", "--set", "optimizer.lr=1e38", "--set", "model.layers[0].activation=relu"},
         76,
         "is not finite"},
    };
    for (const auto &c : cases) {
        Options o;
        o.env = {{"KAIZEN_TERMINATION_LOG", folder.write("message", std::string(5000, 'x'))}};
        std::vector<std::string> arguments = c.arguments;
        arguments.insert(arguments.end(), {"--log", "json"});
        Result r = train(folder, arguments, o);
        EXPECT_EQ(r.status, c.status) << c.says << "\n" << r.err;
        std::istringstream lines(r.err);
        std::string line, last;
        while (std::getline(lines, line)) golden::parse(last = line); // nothing but JSON
        std::string message = program::read_file(folder.path("message"));
        EXPECT_LE(message.size(), 4096u);
        for (const std::string &text : {last, message}) {
            golden::Json j = golden::parse(text);
            EXPECT_EQ(golden::number(j.get(), "exit", -1), c.status) << text;
            EXPECT_NE(golden::text(j.get(), "error").find(c.says), std::string::npos) << text;
        }
        Result logfmt = train(folder, c.arguments);
        EXPECT_NE(logfmt.err.find(" event=end "), std::string::npos) << logfmt.err;
        EXPECT_NE(logfmt.err.find("kaizen: error: "), std::string::npos) << logfmt.err;
    }
    Options o;
    o.env = {{"KAIZEN_TERMINATION_LOG", folder.write("message", "old")}};
    EXPECT_EQ(train(folder, {"-c", "none.yaml", "--dry-run"}, o).status, 66);
    EXPECT_EQ(program::read_file(folder.path("message")), "old") << "there was to be no run";
}

TEST(ResumeProgram, ASecondSignalEndsTheProgramAtOnce)
{
    Folder folder;
    folder.write("c.yaml", config(endless));
    const struct {
        int first, second, status;
    } cases[] = {{SIGINT, SIGTERM, 143}, {SIGHUP, SIGINT, 130}};
    for (const auto &c : cases) {
        std::string out = folder.path("run" + std::to_string(c.status)), program = program::kaizen_path(),
                    yaml = folder.path("c.yaml");
        pid_t pid = fork();
        if (pid == 0) {
            execl(program.c_str(), "kaizen", "train", "-q", "-c", yaml.c_str(), "--out", out.c_str(), "--set",
                  "train.checkpoint.every_steps=100", nullptr);
            _exit(127);
        }
        ASSERT_GT(pid, 0);
        auto trains = [&] { // its first checkpoint is there
            if (!program::exists(out)) return false;
            for (const auto &entry : std::filesystem::directory_iterator(out))
                if (entry.path().extension() == ".safetensors") return true;
            return false;
        };
        while (!trains()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        for (int number : {SIGSTOP, c.first, c.second, SIGCONT}) kill(pid, number); // both come together
        int status = 0;
        waitpid(pid, &status, 0);
        EXPECT_TRUE(WIFEXITED(status)) << status;
        EXPECT_TRUE(WEXITSTATUS(status) == c.status || WEXITSTATUS(status) == 128 + c.first) << WEXITSTATUS(status);
        EXPECT_FALSE(program::exists(out + "/run.json"));
        EXPECT_EQ(train(folder, {"--resume", out}, interrupted_by(SIGTERM)).status, 75);
    }
}

TEST(ResumeProgram, ADamagedConfigOfTheRunIsSaid)
{
    Folder folder;
    folder.write("c.yaml", config());
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--out", "run"}).status, 0);
    folder.write("run/config.yaml", "");
    Result r = train(folder, {"-c", "c.yaml", "--resume", "run"});
    EXPECT_EQ(r.status, 78) << r.err;
    EXPECT_NE(r.err.find("run/config.yaml: the config that the run began with is damaged"), std::string::npos) << r.err;
}

TEST(ResumeProgram, APipeThatNobodyReadsDoesNotHoldUpTheEnd)
{
    Folder folder;
    folder.write("c.yaml", config());
    ASSERT_EQ(mkfifo(folder.path("message").c_str(), 0600), 0);
    Options o;
    o.env = {{"KAIZEN_TERMINATION_LOG", folder.path("message")}};
    o.seconds = 10;
    Result r = train(folder, {"-c", "c.yaml", "--out", "run"}, o);
    EXPECT_EQ(r.status, 0) << r.err;
}

TEST(ResumeProgram, TheDiskIsLookedAtFirst)
{
    Folder folder;
    folder.write("c.yaml", config("epochs: 1000000, batch: 16, checkpoint: {keep: 1000000}"));
    Result r = train(folder, {"-c", "c.yaml", "--dry-run", "--set", "model.layers[0].units=65536"});
    if (r.status == 0) GTEST_SKIP() << "there are terabytes free here: " << r.out;
    EXPECT_EQ(r.status, 73);
    EXPECT_NE(r.err.find("of disk, and"), std::string::npos) << r.err;
    EXPECT_NE(r.err.find("lower train.checkpoint.keep"), std::string::npos) << r.err;
}

// ---- faults; scripts/fault-table does the same at length ----

TEST(ResumeProgram, KilledAtAnyInstantItEndsWithTheSameBits)
{
    Folder folder;
    folder.write("c.yaml", config("epochs: 60, batch: 2, checkpoint: {every_steps: 40}"));
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "--out", "whole", "-q"}).status, 0);
    int killed = 0;
    for (int i = 0; i < 12; i++) {
        std::string out = folder.path("run" + std::to_string(i)), program = program::kaizen_path(),
                    yaml = folder.path("c.yaml");
        pid_t pid = fork();
        if (pid == 0) {
            execl(program.c_str(), "kaizen", "train", "-q", "-c", yaml.c_str(), "--resume", "auto", "--out",
                  out.c_str(), nullptr);
            _exit(127);
        }
        ASSERT_GT(pid, 0);
        while (!program::exists(out + "/config.yaml")) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(3 * i));
        kill(pid, SIGKILL);
        int status = 0;
        waitpid(pid, &status, 0);
        killed += WIFSIGNALED(status);
        Result r = train(folder, {"-c", "c.yaml", "--resume", "auto", "--out", out, "-q"});
        ASSERT_EQ(r.status, 0) << i << "\n" << r.err;
        ASSERT_EQ(digest(out), digest(folder.path("whole"))) << i;
    }
    EXPECT_GE(killed, 3) << "or nothing was shown";
}

TEST(ResumeProgram, KilledOrFailingAtAnyCallItGoesOn)
{
    if (sanitized()) GTEST_SKIP() << "the sanitizers' own calls cannot be preloaded over";
    Folder folder;
    folder.write("c.yaml", config("epochs: 2, batch: 40, checkpoint: {every_steps: 2, keep: 1}"));
    std::string out = folder.path("run"), log = folder.path("log");
    std::vector<std::string> arguments = {"-c", folder.path("c.yaml"), "--resume", "auto", "--out", out, "-q"};
    ASSERT_EQ(train(folder, arguments, fault(out, 0, "", log)).status, 0);
    std::string wanted = digest(out);
    int calls = program::count(program::read_file(log), "\n"), kills = 0, failures = 0;
    ASSERT_GT(calls, 60);
    for (int at = 1; at <= calls; at++) {
        const char *hows[] = {"kill", "ENOSPC", "EIO"};
        std::string how = hows[at % 3];
        std::filesystem::remove_all(out);
        Result r = train(folder, arguments, fault(out, at, how));
        kills += r.status == 128 + SIGKILL;
        failures += r.status == 73;
        EXPECT_TRUE(r.status == 0 || r.status == 73 || (how == "kill" && r.status == 128 + SIGKILL))
            << how << " at call " << at << ": status " << r.status << "\n"
            << r.err;
        EXPECT_EQ(r.status == 73, r.err.find("kaizen: error: ") != std::string::npos) << r.err;
        Result again = train(folder, arguments);
        ASSERT_EQ(again.status, 0) << how << " at call " << at << "\n" << again.err;
        ASSERT_EQ(digest(out), wanted) << how << " at call " << at;
    }
    EXPECT_GE(kills, calls / 3 - 1);
    EXPECT_GE(failures, calls / 4) << "closing a directory and the like may fail unnoticed";
}

TEST(ResumeProgram, EachAllocationOfTheProgramFailsInTurnAndItGoesOn)
{
    if (sanitized()) GTEST_SKIP() << "the sanitizers' own allocator cannot be preloaded over";
    Folder folder;
    folder.write("c.yaml", config("epochs: 2, batch: 40, checkpoint: {every_steps: 2, keep: 1}"));
    std::string out = folder.path("run"), log = folder.path("log");
    std::vector<std::string> arguments = {"-c", folder.path("c.yaml"), "--resume", "auto", "--out", out, "-q"};
    auto failing = [&](int at) {
        Options o;
        o.env = {{"LD_PRELOAD", build::fault_shim}, {"FAULT_ALLOC", std::to_string(at)}, {"FAULT_LOG", log}};
        return train(folder, arguments, o);
    };
    ASSERT_EQ(failing(0).status, 0);
    std::string wanted = digest(out);
    int calls = std::stoi(program::read_file(log)), failures = 0;
    ASSERT_GT(calls, 100);
    for (int at = 1; at <= calls; at += 9) {
        std::filesystem::remove_all(out);
        Result r = failing(at);
        failures += r.status == 1;
        EXPECT_TRUE(r.status == 0 || r.status == 1) << "allocation " << at << ": status " << r.status << "\n" << r.err;
        EXPECT_EQ(r.status == 1, r.err.find("kaizen: error: ") != std::string::npos) << at << "\n" << r.err;
        if (r.status == 0) continue;
        Result again = train(folder, arguments);
        ASSERT_EQ(again.status, 0) << "allocation " << at << "\n" << again.err;
        ASSERT_EQ(digest(out), wanted) << "allocation " << at;
    }
    EXPECT_GE(failures, calls / 10) << "scripts/fault-table tries every one";
}

// Nor is another run begun where there was no memory to look for the one that is there.
TEST(ResumeProgram, WithoutMemoryToFindTheRunNoneIsBegun)
{
    if (sanitized()) GTEST_SKIP() << "the sanitizers' own allocator cannot be preloaded over";
    Folder folder;
    folder.write("c.yaml", config("epochs: 2, batch: 40, checkpoint: {}"));
    ASSERT_EQ(train(folder, {"-c", "c.yaml", "-q"}).status, 0);
    std::string parent = folder.path("results/runs/small");
    std::string run = std::filesystem::directory_iterator(parent)->path().string();
    std::filesystem::remove(run + "/run.json");
    std::filesystem::copy(run, folder.path("kept"));
    for (int at = 4; at <= 400; at += 4) {
        std::filesystem::remove_all(run);
        std::filesystem::copy(folder.path("kept"), run);
        Options o;
        o.env = {{"LD_PRELOAD", build::fault_shim}, {"FAULT_ALLOC", std::to_string(at)}};
        Result r = train(folder, {"-c", "c.yaml", "-q", "--resume", "auto"}, o);
        EXPECT_TRUE(r.status == 0 || r.status == 1) << at << ": " << r.status << "\n" << r.err;
        std::filesystem::directory_iterator runs(parent);
        ASSERT_EQ(std::distance(begin(runs), end(runs)), 1) << at << "\n" << r.err;
    }
}
