// The energy meter of a GPU on a made-up NVML, by itself, in a record, and in the program.
#include "build.h"
#include "energy_text.h"
#include "golden_json.h"
#include "nvml_made_up.h"
#include "program.h"
#include "record_support.h"

#include <dlfcn.h>

namespace {

const std::string whole = build::nvml_whole, lacking = build::nvml_lacking;

kz_gpu gpu_at(const char *bus)
{
    kz_gpu g = {};
    snprintf(g.model, sizeof g.model, "Made Up 9000");
    snprintf(g.bus, sizeof g.bus, "%s", bus);
    return g;
}

} // namespace

class EnergyGpu : public RecordTest {
  protected:
    void SetUp() override
    {
        RecordTest::SetUp();
        held = dlopen((whole + "/libnvidia-ml.so.1").c_str(), RTLD_NOW | RTLD_LOCAL);
        ASSERT_NE(held, nullptr) << dlerror();
        nvml = static_cast<nvml_made_up *>(dlsym(held, "nvml_made_up_state"));
        ASSERT_NE(nvml, nullptr);
        *nvml = {};
        nvml->millijoules = 1000000;
        nvml->limit = 700000;
        kz_energy_start(&energy, folder.c_str()); // no CPU counter there
    }
    void TearDown() override
    {
        kz_energy_stop(&energy);
        RecordTest::TearDown();
        EXPECT_EQ(nvml->started, 0) << "what is started is shut down";
        dlclose(held);
    }

    void start(const char *bus = NVML_MADE_UP_BUS, const std::string &library = whole + "/libnvidia-ml.so.1")
    {
        kz_gpu of = gpu_at(bus);
        kz_energy_gpu_start(&energy.gpu, &of, library.c_str());
    }
    void spend(unsigned long long millijoules)
    {
        nvml->millijoules += millijoules;
        kz_energy_sample(&energy);
    }
    std::string report() const
    {
        return energy_text(energy);
    }
    void expect_null_because(const std::string &reason) const
    {
        Json j(report());
        for (const char *key : {"cpu_joules", "gpu_joules", "gpu_watts_mean"}) EXPECT_TRUE(j.null({key})) << key;
        EXPECT_EQ(j.text({"reason"}), "cpu: no RAPL counter on this machine; gpu: " + reason);
        EXPECT_TRUE(std::isnan(kz_energy_so_far(&energy).gpu_joules));
    }

    kz_status checkpoint(int64_t number)
    {
        kz_checkpoint c = {};
        kz_status st = kz_record_checkpoint_room(rec, &c);
        if (st != KZ_OK) return st;
        c.epoch = number;
        c.step = 10 * number;
        c.stopped_by = "epochs";
        c.rank = c.target_seconds = static_cast<double>(NAN);
        std::fill(c.weights, c.weights + c.n, 1.0f);
        st = kz_record_checkpoint(rec, &c);
        return st == KZ_OK ? kz_record_checkpoint_wait(rec) : st;
    }
    // A part of a run: epoch `number`, in which the GPU takes so much, and its checkpoint; then the process is gone.
    void part(int64_t number, const kz_gpu *of, unsigned long long millijoules)
    {
        open(number, of);
        nvml->millijoules += millijoules;
        ASSERT_EQ(KZ_OK, epoch(number, std::vector<float>(8, 1.0f))) << kz_error_message();
        ASSERT_EQ(KZ_OK, checkpoint(number)) << kz_error_message();
        kz_record_destroy(&rec);
    }
    // The last part.  What run.json says of energy.
    std::string finish(int64_t number, const kz_gpu *of, unsigned long long millijoules)
    {
        std::vector<float> last(8, 1.0f);
        open(number, of);
        nvml->millijoules += millijoules;
        EXPECT_EQ(KZ_OK, epoch(number, last)) << kz_error_message();
        EXPECT_EQ(KZ_OK, kz_record_finish(rec, &run, last.data(), 8)) << kz_error_message();
        kz_text t = {};
        EXPECT_EQ(KZ_OK, kz_json_dump(&t, json_object_get(kz_record_json(rec), "energy"), false));
        std::string s = kz_text_str(&t);
        kz_text_free(&t);
        kz_record_destroy(&rec);
        return s;
    }

    kz_energy energy = {};
    nvml_made_up *nvml = nullptr;
    const kz_gpu gpu = gpu_at(NVML_MADE_UP_BUS), unreal = gpu_at("");

  private:
    // By "libnvidia-ml.so.1", which is the one that is loaded already.
    void open(int64_t number, const kz_gpu *of)
    {
        kz_checkpoint from;
        const std::string directory = path("run");
        cfg.train.checkpoint = {1, 0, 0, 2};
        kz_status st =
            number == 1 ? create(directory.c_str())
                        : kz_record_resume(&rec, &cfg, &data, directory.c_str(), tensors, 2, &from, nullptr, nullptr);
        ASSERT_EQ(KZ_OK, st) << kz_error_message();
        if (number > 1) {
            ASSERT_EQ(number - 1, from.epoch);
        }
        kz_record_measure_gpu(rec, of);
    }
    void *held = nullptr;
};

TEST_F(EnergyGpu, CountsFromItsStartOn)
{
    start();
    spend(1500);
    spend(0);
    spend(2250);
    Json j(report());
    EXPECT_NEAR(3.75, j.number({"gpu_joules"}), 1e-12);
    EXPECT_GT(energy.gpu.seconds, 0);
    EXPECT_EQ(j.number({"gpu_joules"}) / energy.gpu.seconds, j.number({"gpu_watts_mean"}));
    EXPECT_EQ(700, j.number({"gpu_watts_limit"}));
    EXPECT_TRUE(j.null({"cpu_joules"}));
    EXPECT_EQ("cpu: no RAPL counter on this machine; gpu: the whole one by NVML", j.text({"reason"}));
    kz_energy_stop(&energy);
    EXPECT_EQ(j.number({"gpu_joules"}), Json(report()).number({"gpu_joules"})) << "what was measured stays";
}

TEST_F(EnergyGpu, LargeCountsLoseNothing)
{
    nvml->millijoules = 1ull << 62;
    start();
    spend(1);
    EXPECT_EQ(1e-3, energy.gpu.joules);
}

TEST_F(EnergyGpu, LimitThatCannotBeReadIsNullAlone)
{
    nvml->limit_status = NVML_NO_PERMISSION;
    start();
    spend(1000);
    Json j(report());
    EXPECT_EQ(1, j.number({"gpu_joules"}));
    EXPECT_TRUE(j.null({"gpu_watts_limit"}));
}

TEST_F(EnergyGpu, NoneUsed)
{
    kz_energy_sample(&energy);
    Json j(report());
    for (const char *key : {"gpu_joules", "gpu_watts_mean", "gpu_watts_limit"}) EXPECT_TRUE(j.null({key})) << key;
    EXPECT_EQ("cpu: no RAPL counter on this machine; gpu: none used", j.text({"reason"}));
    EXPECT_EQ(0, kz_energy_so_far(&energy).gpu_joules);
    EXPECT_EQ(0, nvml->looks);
}

TEST_F(EnergyGpu, CounterThatIsNotSupported)
{
    nvml->energy_status = NVML_NOT_SUPPORTED;
    start();
    EXPECT_EQ(0, nvml->started) << "nothing is left to ask it";
    spend(1000);
    expect_null_because("NVML: nvmlDeviceGetTotalEnergyConsumption: Not Supported");
    EXPECT_EQ(700, Json(report()).number({"gpu_watts_limit"})) << "it could be read";
}

TEST_F(EnergyGpu, CounterThatMayNotBeReadAnyMore)
{
    start();
    spend(1000);
    nvml->energy_status = NVML_NO_PERMISSION;
    spend(1000);
    nvml->energy_status = 0;
    spend(1000);
    expect_null_because("NVML: nvmlDeviceGetTotalEnergyConsumption: Insufficient Permissions");
}

TEST_F(EnergyGpu, CounterThatGoesBackwards)
{
    start();
    spend(1000);
    nvml->millijoules = 5;
    spend(0);
    spend(1000);
    expect_null_because("NVML: nvmlDeviceGetTotalEnergyConsumption: its count went backwards, as after a reset");
}

TEST_F(EnergyGpu, CounterThatDoesNotMoveSaysNothing)
{
    start();
    kz_energy_sample(&energy);
    Json j(report());
    for (const char *key : {"gpu_joules", "gpu_watts_mean"}) EXPECT_TRUE(j.null({key})) << key;
    EXPECT_EQ("cpu: no RAPL counter on this machine; gpu: its counter did not move in so short a time",
              j.text({"reason"}));
    EXPECT_EQ(0, kz_energy_so_far(&energy).gpu_joules) << "a later part may";
}

TEST_F(EnergyGpu, WhatIsNoRealGpuIsNotAskedFor)
{
    start("");
    expect_null_because("not a real one, the CPU executes its kernels");
    EXPECT_EQ(0, nvml->started);
    EXPECT_EQ(0, nvml->looks);
}

TEST_F(EnergyGpu, AnotherGpuThanNvmlKnows)
{
    start("0000:42:00.0");
    expect_null_because("NVML: nvmlDeviceGetHandleByPciBusId_v2: Not Found");
}

TEST_F(EnergyGpu, DriverThatDoesNotStart)
{
    char reason[KZ_METER_REASON] = "";
    nvml->start_status = NVML_NO_PERMISSION;
    start();
    expect_null_because("NVML: nvmlInit_v2: Insufficient Permissions");
    EXPECT_FALSE(kz_record_gpu_meter(reason));
    EXPECT_STREQ("NVML: nvmlInit_v2: Insufficient Permissions", reason);
    nvml->start_status = 0;
    EXPECT_TRUE(kz_record_gpu_meter(reason));
}

TEST_F(EnergyGpu, NoLibrary)
{
    const std::string missing = path("libnvidia-ml.so.1");
    start(NVML_MADE_UP_BUS, missing);
    expect_null_because("no NVML, which NVIDIA's driver brings: " + missing +
                        ": cannot open shared object file: No such file or directory");
}

TEST_F(EnergyGpu, LibraryWithoutAFunction)
{
    const std::string old = lacking + "/libnvidia-ml.so.1";
    start(NVML_MADE_UP_BUS, old);
    const std::string reason = Json(report()).text({"reason"});
    EXPECT_NE(std::string::npos, reason.find("lacking/libnvidia-ml.so.1 has no nvmlDeviceGetTotalEnergyConsumption"))
        << reason;
    EXPECT_TRUE(Json(report()).null({"gpu_joules"}));
}

// ---- a record, whose thread samples ----

TEST_F(EnergyGpu, RunOfOnePart)
{
    Json j(finish(1, &gpu, 2500));
    EXPECT_EQ(2.5, j.number({"gpu_joules"}));
    EXPECT_GT(j.number({"gpu_watts_mean"}), 0);
    EXPECT_NE(std::string::npos, j.text({"reason"}).find("gpu: the whole one by NVML"));
}

TEST_F(EnergyGpu, PartsOfARunAddUp)
{
    part(1, &gpu, 1000);
    nvml->millijoules = 7; // another boot of the machine
    part(2, &gpu, 500);
    nvml->millijoules += 100000; // somebody else's
    Json j(finish(3, &gpu, 250));
    EXPECT_EQ(1.75, j.number({"gpu_joules"}));
    EXPECT_GT(j.number({"gpu_watts_mean"}), 0);
    EXPECT_NE(std::string::npos, j.text({"reason"}).find("gpu: the whole one by NVML"));
}

TEST_F(EnergyGpu, PartsOnTheCpuTakeNothingFromIt)
{
    part(1, nullptr, 1000);
    part(2, &gpu, 500);
    Json j(finish(3, nullptr, 250));
    EXPECT_EQ(0.5, j.number({"gpu_joules"}));
    EXPECT_NE(std::string::npos, j.text({"reason"}).find("gpu: the whole one by NVML"));
    EXPECT_TRUE(j.null({"gpu_watts_limit"})) << "none is in use";
}

TEST_F(EnergyGpu, PartThatWasNotMeasuredMakesAllUnknown)
{
    part(1, &gpu, 1000);
    part(2, &unreal, 500);
    part(3, nullptr, 500);
    Json j(finish(4, &gpu, 250));
    EXPECT_TRUE(j.null({"gpu_joules"}));
    EXPECT_TRUE(j.null({"gpu_watts_mean"}));
    EXPECT_EQ(700, j.number({"gpu_watts_limit"})) << "which is known";
    EXPECT_NE(std::string::npos, j.text({"reason"}).find("gpu: an earlier part of the run was not measured"))
        << j.text({"reason"});
}

TEST_F(EnergyGpu, LaterPartsThatAreNotMeasuredToo)
{
    part(1, &gpu, 1000);
    Json j(finish(2, &unreal, 500));
    EXPECT_TRUE(j.null({"gpu_joules"}));
    EXPECT_NE(std::string::npos, j.text({"reason"}).find("gpu: not a real one")) << j.text({"reason"});
}

TEST_F(EnergyGpu, ThreadThatSamplesStopsBeforeTheMeter)
{
    for (int i = 0; i < 20; i++) {
        ASSERT_EQ(KZ_OK, create());
        kz_record_measure_gpu(rec, &gpu);
        ASSERT_EQ(KZ_OK, epoch(1, std::vector<float>(8, 1.0f)));
        ASSERT_EQ(KZ_OK, checkpoint(1));
        kz_record_destroy(&rec);
        ASSERT_EQ(0, nvml->started);
    }
}

// ---- the program ----

namespace {

struct Told { // of energy, in run.json
    golden::Json run;
    const json_t *at(const char *key) const
    {
        return json_object_get(json_object_get(run.get(), "energy"), key);
    }
    double number(const char *key) const
    {
        return json_is_number(at(key)) ? json_number_value(at(key)) : static_cast<double>(NAN);
    }
    std::string reason() const
    {
        const char *s = json_string_value(at("reason"));
        return s ? s : "(no reason)";
    }
};

Told train(const program::Folder &folder, const std::string &device, const program::Options &options,
           std::vector<std::string> more = {})
{
    std::vector<std::string> words = {"train", "--config",       program::source_path("examples/iris.yaml"),
                                      "--set", "train.epochs=2", "--device",
                                      device,  "--out",          folder.path("run")};
    words.insert(words.end(), more.begin(), more.end());
    program::Result r = program::kaizen(words, options);
    EXPECT_EQ(0, r.status) << r.err;
    return {golden::parse(program::read_file(folder.path("run/run.json")))};
}

program::Options with(const char *module, const std::string &libraries)
{
    program::Options o;
    o.env = {{"KAIZEN_CUDA_MODULE", module}, {"LD_LIBRARY_PATH", libraries}};
    return o;
}

} // namespace

TEST(EnergyGpuProgram, CpuRunUsesNone)
{
    program::Folder folder;
    Told energy = train(folder, "cpu", with(build::gpu_real, whole));
    for (const char *key : {"gpu_joules", "gpu_watts_mean", "gpu_watts_limit"})
        EXPECT_TRUE(json_is_null(energy.at(key))) << key;
    EXPECT_NE(std::string::npos, energy.reason().find("; gpu: none used")) << energy.reason();
}

TEST(EnergyGpuProgram, GpuRunIsMeasured)
{
    program::Folder folder;
    Told energy = train(folder, "cuda", with(build::gpu_real, whole));
    double looks = energy.number("gpu_joules") / 5; // each adds 5 J
    EXPECT_GE(looks, 1);
    EXPECT_NEAR(std::round(looks), looks, 1e-9);
    EXPECT_GT(energy.number("gpu_watts_mean"), 0);
    EXPECT_EQ(700, energy.number("gpu_watts_limit"));
    EXPECT_NE(std::string::npos, energy.reason().find("; gpu: the whole one by NVML")) << energy.reason();
}

TEST(EnergyGpuProgram, NoMeterIsNullWithTheReason)
{
    const struct {
        const char *module;
        std::string libraries, reason;
    } cases[] = {{build::gpu_unreal, whole, "; gpu: not a real one, the CPU executes its kernels"},
                 {build::gpu_real, lacking, "; gpu: libnvidia-ml.so.1 has no nvmlDeviceGetTotalEnergyConsumption"}};
    for (const auto &c : cases) {
        program::Folder folder;
        Told energy = train(folder, "cuda", with(c.module, c.libraries));
        for (const char *key : {"gpu_joules", "gpu_watts_mean", "gpu_watts_limit"})
            EXPECT_TRUE(json_is_null(energy.at(key))) << key << c.reason;
        EXPECT_NE(std::string::npos, energy.reason().find(c.reason)) << energy.reason();
    }
}

TEST(EnergyGpuProgram, InfoAsksTheSameLibrary)
{
    for (bool there : {true, false}) {
        program::Result r = program::kaizen({"info", "--json"}, with(build::gpu_real, there ? whole : lacking));
        golden::Json info = golden::parse(r.out);
        const json_t *meter = json_object_get(json_object_get(info.get(), "energy"), "gpu");
        EXPECT_EQ(there, json_is_true(json_object_get(meter, "available")));
        EXPECT_EQ(there, json_is_null(json_object_get(meter, "reason")));
        if (there) continue;
        EXPECT_NE(std::string::npos, golden::text(meter, "reason").find("has no nvmlDeviceGet"));
    }
}
