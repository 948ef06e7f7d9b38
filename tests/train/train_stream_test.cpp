// Data larger than data.memory: the same bits as from memory, whatever is streamed, and what goes wrong on the way.
#include "build.h"
#include "data/reader_protocol.h"
#include "data_hdf5.h"
#include "reader.h"
#include "training.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <sys/stat.h>

namespace {

using training::Options;
using training::Outcome;
using training::train;

constexpr int64_t rows = 3000, columns = 16;

// How the arrays are stored, and what they are.
struct Kind {
    const char *name;
    hid_t type;
    kz_test::Layout layout;
    int targets; // 0: classes
    bool valid;  // has arrays of its own
    int memory;  // KB with which all is streamed; with half as much again not all is
};

std::vector<double> drawn(size_t n, unsigned seed, double least, double most, bool whole)
{
    std::mt19937 random(seed);
    std::vector<double> x(n);
    for (double &v : x) {
        v = least + (most - least) * (double)random() / 4294967295.0;
        if (whole) v = std::floor(v);
    }
    return x;
}

void put_split(kz_test::Hdf5 &file, const Kind &k, const std::string &split, hsize_t n, unsigned seed)
{
    bool whole = H5Tget_class(k.type) == H5T_INTEGER;
    kz_test::Layout y = k.layout;
    if (!y.chunk.empty()) y.chunk = {50};
    file.put((split + "/x").c_str(), k.type, {n, (hsize_t)columns},
             drawn(n * columns, seed, whole ? 0 : -3, whole ? 255 : 3, whole), k.layout);
    if (k.targets == 0) {
        file.put((split + "/y").c_str(), H5T_NATIVE_INT, {n}, drawn(n, seed + 1, 0, 4.999, true), y);
    } else {
        if (!y.chunk.empty()) y.chunk.push_back((hsize_t)k.targets);
        file.put((split + "/y").c_str(), H5T_IEEE_F64BE, {n, (hsize_t)k.targets},
                 drawn(n * (size_t)k.targets, seed + 1, -9, 50, false), y);
    }
}

const std::vector<Kind> &kinds()
{
    static const std::vector<Kind> list = {
        {"ContiguousFloats", H5T_NATIVE_FLOAT, {}, 0, false, 64},
        {"PackedFloats", H5T_NATIVE_FLOAT, {{37, 16}, true, true}, 0, true, 70},
        {"ContiguousBytes", H5T_NATIVE_UINT8, {}, 0, false, 50},
        {"PackedBytes", H5T_NATIVE_UINT8, {{64, 7}, true, false}, 0, false, 50},
        {"BigEndianDoubles", H5T_IEEE_F64BE, {}, 0, false, 75},
        {"RegressionOfOne", H5T_NATIVE_FLOAT, {}, 1, false, 90},
        {"RegressionOfThree", H5T_IEEE_F64BE, {{100, 16}, true, false}, 3, true, 130},
        {"RegressionOfShorts", H5T_NATIVE_SHORT, {}, 2, false, 100},
    };
    return list;
}

void make(const std::string &path, const Kind &k)
{
    kz_test::Hdf5 file(path);
    put_split(file, k, "/train", rows, 1);
    if (k.valid) put_split(file, k, "/valid", 700, 3);
    put_split(file, k, "/test", 1100, 5);
}

struct Plan {
    std::string memory = "8GiB", data = "", train = "epochs: 3, batch: 70, micro_batches: 3", shuffle = "window";
    std::string seed = "3";
};

std::string yaml(const std::string &path, const Plan &p)
{
    std::string window = p.shuffle == "window" ? ", window: 256, window_block: 32" : "";
    return "name: s\nseed: " + p.seed + "\ndata: {path: \"" + path + "\", memory: " + p.memory + window + p.data +
           "}\nmodel:\n  layers:\n    - {type: dense, units: 9, activation: tanh, dropout: 0.2}\n    - {type: dense}\n"
           "optimizer: {name: adam, lr: 0.01}\ntrain: {shuffle: " +
           p.shuffle + ", " + p.train + "}\n";
}

Outcome run(const std::string &path, const Plan &p, int threads = 1)
{
    Options o;
    o.threads = threads;
    return train(yaml(path, p), o);
}

void expect_same(const Outcome &a, const Outcome &b)
{
    EXPECT_EQ(a.status, b.status) << b.message;
    EXPECT_EQ(a.weights, b.weights);
    EXPECT_EQ(a.digests, b.digests);
    ASSERT_EQ(a.epochs.size(), b.epochs.size());
    for (size_t i = 0; i < a.epochs.size(); i++) {
        EXPECT_EQ(a.epochs[i].train.loss, b.epochs[i].train.loss);
        EXPECT_EQ(a.epochs[i].valid.loss, b.epochs[i].valid.loss);
    }
    auto same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
    for (auto m : {&kz_run::train, &kz_run::valid, &kz_run::test}) {
        EXPECT_EQ((a.run.*m).rows, (b.run.*m).rows);
        EXPECT_TRUE(same((a.run.*m).loss, (b.run.*m).loss));
        EXPECT_TRUE(same((a.run.*m).accuracy, (b.run.*m).accuracy));
        EXPECT_TRUE(same((a.run.*m).rmse, (b.run.*m).rmse));
        EXPECT_TRUE(same((a.run.*m).r2, (b.run.*m).r2)) << (a.run.*m).r2 << " " << (b.run.*m).r2;
    }
}

// ---- the same bits ----

class TrainStream : public testing::TestWithParam<Kind> {};

TEST_P(TrainStream, GivesTheBitsOfDataInMemory)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, GetParam());
    for (const char *scale : {"standard", "unit"}) {
        Plan p;
        p.data = std::string(", scale: ") + scale + (GetParam().valid ? "" : ", valid: {fraction: 0.23}");
        Outcome held = run(path, p);
        ASSERT_EQ(held.status, KZ_OK) << held.message;
        EXPECT_FALSE(held.run.streamed);
        for (int percent : {100, 120, 150}) {
            p.memory = std::to_string(GetParam().memory * percent / 100) + "KB";
            Outcome streamed = run(path, p, scale[0] == 'u' ? 3 : 2);
            EXPECT_TRUE(streamed.run.streamed) << p.memory;
            EXPECT_GT(streamed.run.stream_bytes, 3 * rows * columns / 2);
            expect_same(held, streamed);
        }
    }
}

TEST_P(TrainStream, GivesTheBitsOfDataInMemoryInTheOrderOfTheFile)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, GetParam());
    Plan p;
    p.shuffle = "none";
    p.data = GetParam().targets ? ", scale_target: none" : ", scale: none";
    Outcome held = run(path, p);
    ASSERT_EQ(held.status, KZ_OK) << held.message;
    p.memory = std::to_string(GetParam().memory) + "KB";
    Outcome streamed = run(path, p, 2);
    EXPECT_TRUE(streamed.run.streamed) << streamed.message;
    expect_same(held, streamed);
}

INSTANTIATE_TEST_SUITE_P(All, TrainStream, testing::ValuesIn(kinds()),
                         [](const testing::TestParamInfo<Kind> &i) { return i.param.name; });

TEST(TrainStreamed, BatchesMayBeLargerThanWindows)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    {
        kz_test::Hdf5 file(path);
        put_split(file, kinds()[0], "/train", 20000, 1); // 1.3 MB
    }
    for (const char *batch : {"batch: 1000", "batch: 256", "batch: 2999", "batch: 8000"}) {
        Plan p, held;
        p.memory = "600KB";
        p.train = held.train = std::string("epochs: 2, ") + batch;
        p.data = held.data = ", test: none";
        Outcome streamed = run(path, p);
        if (std::string(batch) == "batch: 8000") { // each window would have to hold it
            EXPECT_EQ(streamed.status, KZ_E_CONFIG);
            continue;
        }
        EXPECT_TRUE(streamed.run.streamed) << batch << streamed.message;
        expect_same(run(path, held), streamed);
    }
}

// Each split keeps the type of its own array.
TEST(TrainStreamed, SplitsMayBeStoredDifferently)
{
    kz_test::Folder folder;
    const hid_t types[] = {H5T_NATIVE_UINT8, H5T_NATIVE_FLOAT, H5T_NATIVE_SHORT};
    int streamed = 0;
    for (size_t train = 0; train < 3; train++)
        for (size_t other = 0; other < 3; other++) {
            std::string path = folder / ("d" + std::to_string(3 * train + other) + ".h5");
            {
                kz_test::Hdf5 file(path);
                put_split(file, {"", types[train], {}, 0, true, 0}, "/train", 5000, 1);
                put_split(file, {"", types[other], {}, 0, true, 0}, "/valid", 4000, 3);
                put_split(file, {"", types[(other + 1) % 3], {}, 0, true, 0}, "/test", 6000, 5);
            }
            Plan p;
            p.data = ", valid: {x: /valid/x, y: /valid/y}";
            p.train = "epochs: 2, batch: 70";
            Outcome held = run(path, p);
            ASSERT_EQ(held.status, KZ_OK) << held.message;
            for (const char *memory : {"150KB", "250KB", "400KB", "700KB"}) {
                p.memory = memory;
                Outcome small = run(path, p);
                if (small.status == KZ_E_CONFIG) continue; // no window fits
                ASSERT_EQ(small.status, KZ_OK) << small.message;
                expect_same(held, small);
                streamed += small.run.streamed;
            }
        }
    EXPECT_GT(streamed, 20);
}

TEST(TrainStreamed, OnlyWhatDoesNotFitIsStreamed)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    {
        kz_test::Hdf5 file(path);
        put_split(file, kinds()[0], "/train", 200, 1);
        put_split(file, kinds()[0], "/test", 6000, 5);
    }
    Plan p;
    p.shuffle = "full";
    p.data = ", valid: {fraction: 0.2}";
    Outcome held = run(path, p);
    p.memory = "120KB"; // train takes 14 KB, test 400 KB
    Outcome streamed = run(path, p);
    EXPECT_TRUE(streamed.run.streamed) << streamed.message;
    expect_same(held, streamed);
}

// ---- stopped and gone on ----

TEST(TrainStreamed, GoesOnInTheMiddleOfAnEpochFromMemoryAndTheOtherWayRound)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, kinds()[1]);
    Plan p[2];
    p[1].memory = "90KB";
    Outcome whole = run(path, p[0]);
    ASSERT_EQ(whole.status, KZ_OK) << whole.message;
    for (int64_t stop_after : {1, 7, 42, 43, 60, 85, 100})
        for (int first = 0; first < 2; first++) {
            volatile sig_atomic_t stop = 0;
            std::string directory = folder / ("r" + std::to_string(stop_after) + std::to_string(first));
            Options o;
            o.directory = directory, o.stop = &stop;
            o.on_step = [&](int64_t step) { stop = step == stop_after ? SIGTERM : 0; };
            EXPECT_EQ(train(yaml(path, p[first]), o).status, KZ_E_INTERRUPTED);
            Options go_on;
            go_on.directory = directory, go_on.resume = true, go_on.threads = 2;
            Outcome rest = train(yaml(path, p[!first]), go_on);
            EXPECT_EQ(rest.status, KZ_OK) << rest.message;
            EXPECT_EQ(rest.run.streamed, first == 0);
            EXPECT_EQ(rest.weights, whole.weights) << stop_after;
            EXPECT_EQ(rest.run.test.loss, whole.run.test.loss);
        }
}

// ---- refused ----

TEST(TrainStreamed, AFullShuffleIsRefusedWithTheRemedy)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, kinds()[0]);
    Plan p;
    p.shuffle = "full", p.memory = "90KB";
    Outcome r = run(path, p);
    EXPECT_EQ(r.status, KZ_E_DATA);
    EXPECT_NE(r.message.find("raise data.memory, or set train.shuffle: window"), std::string::npos) << r.message;
}

TEST(TrainStreamed, AWindowTooLargeIsRefusedNamingOneThatFits)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, kinds()[0]);
    Plan p;
    p.memory = "90KB", p.train = "epochs: 1, batch: 32";
    std::string text = yaml(path, p), before = "window: 256";
    auto with = [&](const std::string &window) {
        std::string t = text;
        return t.replace(t.find(before), before.size(), "window: " + window);
    };
    Outcome r = train(with("2048"));
    EXPECT_EQ(r.status, KZ_E_CONFIG);
    size_t at = r.message.find("set data.window: ");
    ASSERT_NE(at, std::string::npos) << r.message;
    int64_t fits = std::stoll(r.message.substr(at + 17));
    EXPECT_GE(fits, 64);
    Outcome good = train(with(std::to_string(fits)));
    EXPECT_EQ(good.status, KZ_OK) << good.message;
    EXPECT_TRUE(good.run.streamed);
    EXPECT_EQ(train(with(std::to_string(fits + 64))).status, KZ_E_CONFIG);
}

TEST(TrainStreamed, ADryRunSaysSoAndStartsNothing)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, kinds()[0]);
    Plan p;
    p.memory = "90KB";
    Options o;
    o.dry_run = true;
    Outcome r = train(yaml(path, p), o);
    EXPECT_EQ(r.status, KZ_OK) << r.message;
    EXPECT_TRUE(r.steps.empty());
}

// ---- files that change ----

TEST(TrainStreamed, AFileCutShortInTheMiddleIsBadData)
{
    for (size_t kind : {(size_t)0, (size_t)1, (size_t)4}) {
        kz_test::Folder folder;
        std::string path = folder / "d.h5";
        make(path, kinds()[kind]);
        Plan p;
        p.memory = "90KB", p.train = "epochs: 50, batch: 70";
        Options o;
        o.on_step = [&](int64_t step) {
            if (step == 60) std::filesystem::resize_file(path, 20000);
        };
        Outcome r = train(yaml(path, p), o);
        EXPECT_EQ(r.status, KZ_E_DATA) << r.message;
        EXPECT_LT(r.steps.size(), 200u);
    }
}

// Behind the back of the check by time: labels are looked at whenever they are read.
static std::string train_while_labels_become_too_large()
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    constexpr int64_t many = 40000; // more than HDF5 buffers
    {
        kz_test::Hdf5 made(path);
        put_split(made, kinds()[0], "/train", many, 1);
    }
    Plan p;
    p.memory = "500KB", p.train = "epochs: 50, batch: 200", p.data = ", test: none";
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "/train/y", H5P_DEFAULT);
    auto at = (std::streamoff)H5Dget_offset(set);
    H5Dclose(set);
    H5Fclose(file);
    Options o;
    o.on_step = [&](int64_t step) {
        if (step != 60) return;
        struct stat info;
        ASSERT_EQ(stat(path.c_str(), &info), 0);
        std::fstream f(path, std::ios::in | std::ios::out | std::ios::binary);
        ASSERT_TRUE(f.seekp(at)) << at;
        std::vector<int32_t> large(many, 2000000000);
        f.write(reinterpret_cast<const char *>(large.data()), many * 4);
        f.close();
        struct timespec times[2] = {info.st_atim, info.st_mtim};
        ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    };
    Outcome r = train(yaml(path, p), o);
    EXPECT_EQ(r.status, KZ_E_DATA);
    return r.message;
}

// Between the writing and the setting back of the time the other check may see it.
TEST(TrainStreamed, LabelsThatBecomeTooLargeAreBadDataAndNeverAnIndex)
{
    std::string message;
    for (int i = 0; i < 20 && message.find("/train/y holds other values than before") == std::string::npos; i++) {
        message = train_while_labels_become_too_large();
        if (message.find("was written to while it was being read") == std::string::npos) break;
    }
    EXPECT_NE(message.find("/train/y holds other values than before"), std::string::npos) << message;
}

TEST(TrainStreamed, WhatIsWrongWithTheDataIsToldAsForDataInMemory)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    std::vector<double> x(rows * columns, 0.5), y(rows, 1);
    y[0] = 0, x[2500 * columns + 3] = NAN;
    {
        kz_test::Hdf5 file(path);
        file.put("/train/x", H5T_NATIVE_FLOAT, {rows, columns}, x);
        file.put("/train/y", H5T_NATIVE_INT, {rows}, y);
    }
    Plan p;
    p.data = ", test: none";
    Outcome held = run(path, p);
    p.memory = "90KB";
    Outcome streamed = run(path, p);
    EXPECT_EQ(held.status, KZ_E_DATA);
    EXPECT_EQ(streamed.status, KZ_E_DATA);
    EXPECT_EQ(held.message, streamed.message);
}

TEST(TrainStreamed, EveryAllocationThatFailsIsAFailureAndLeavesNothing)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    make(path, kinds()[5]); /* contiguous: chunks take memory again and again, in the reader process */
    Plan p;
    p.memory = "90KB", p.train = "epochs: 1, batch: 64";
    int64_t n = 1;
    for (kz_status st = KZ_E_MEM; n < 1000; n++) {
        training::Config config(yaml(path, p));
        kz_train_options o = {};
        kz_train_result result = {};
        o.no_record = true;
        kz_calloc_fail_at(n);
        st = kz_train(config.cfg, &o, &result);
        kz_calloc_fail_at(0);
        kz_train_result_free(&result);
        if (st == KZ_OK) break;
        EXPECT_TRUE(st == KZ_E_MEM || st == KZ_E_DATA) << kz_error_message();
    }
    EXPECT_GT(n, 100);
    EXPECT_LT(n, 1000);
}

// ---- the record ----

TEST(TrainStreamed, TheRecordSaysWhatWasReadAndMemoryStaysBelowTheLimit)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5", directory = folder / "run";
    constexpr int64_t wide = 784;
    const int64_t many = build::sanitized ? 24000 : 80000; // 19 or 63 MB
    {
        std::vector<uint8_t> x((size_t)(many * wide)), y((size_t)many);
        for (size_t i = 0; i < x.size(); i++) x[i] = (uint8_t)(i * 2654435761u >> 24);
        for (size_t i = 0; i < y.size(); i++) y[i] = (uint8_t)(i % 10);
        kz_test::Hdf5 file(path);
        file.put_raw("/train/x", H5T_NATIVE_UINT8, {(hsize_t)many, wide}, H5T_NATIVE_UINT8, x.data());
        file.put_raw("/train/y", H5T_NATIVE_UINT8, {(hsize_t)many}, H5T_NATIVE_UINT8, y.data());
    }
    std::string config = folder / "c.yaml";
    std::ofstream(config) << "name: s\ndata: {path: \"" << path
                          << "\", memory: 16MB, window: 4096, window_block: 1024, scale: unit, test: none}\n"
                             "model: {layers: [{type: dense}]}\noptimizer: {name: sgd, lr: 0.01}\n"
                             "train: {shuffle: window, epochs: 1, batch: 512}\ndevice: {threads: 1}\n";
    program::Result r = program::kaizen({"train", "--config", config, "--out", directory, "--quiet"});
    ASSERT_EQ(r.status, 0) << r.err;
    json_t *j = json_loads(program::read_file(directory + "/run.json").c_str(), 0, nullptr);
    ASSERT_TRUE(j);
    json_t *data = json_object_get(j, "data");
    EXPECT_TRUE(json_is_true(json_object_get(data, "streamed")));
    EXPECT_EQ(json_integer_value(json_object_get(data, "windows")), (many + 4095) / 4096);
    EXPECT_EQ(json_integer_value(json_object_get(data, "bytes_read")), many * (wide + 1));
    EXPECT_GE(json_number_value(json_object_get(data, "wait_s")), 0);
    auto peak = json_integer_value(json_object_get(json_object_get(j, "memory"), "peak_bytes"));
    if (!build::sanitized) {
        EXPECT_LT(peak, 16000000 + (32 << 20)); // the program itself takes about 20 MB
    }
    json_decref(j);
}

} // namespace
