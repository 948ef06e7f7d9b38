// The writer's thread: nothing lost, nothing torn, failures kept; and every allocation failing in turn.
#include "record/record_impl.h"
#include "record_support.h"

#include <csignal>
#include <sys/resource.h>

using RecordThread = RecordTest;

TEST_F(RecordThread, ManyEpochsWithReusedMemory)
{
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    std::vector<float> weights(8);
    for (int e = 1; e <= 500; e++) {
        for (float &w : weights) w = static_cast<float>(e);
        ASSERT_EQ(KZ_OK, epoch(e, weights));
        for (float &w : weights) w = NAN; // the record has its own copy
    }
    for (float &w : weights) w = 500;
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, weights.data(), 8));
    std::vector<std::string> all = lines(content(path("run/metrics.jsonl")));
    ASSERT_EQ(500u, all.size());
    for (size_t i = 0; i < 500; i++) ASSERT_EQ(static_cast<double>(i + 1), Json(all[i]).number({"epoch"}));
    EXPECT_EQ(kz_record_weights_digest(rec), Json(all[499]).text({"weights"}));
}

TEST_F(RecordThread, DestroyedRightAfterBeingMade)
{
    for (int i = 0; i < 50; i++) {
        ASSERT_EQ(KZ_OK, create());
        kz_record_destroy(&rec);
    }
}

// A limit on the file's size stands for the full disk: the line is cut, and so is the write.
class FileLimit {
  public:
    explicit FileLimit(rlim_t bytes)
    {
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &before);
        struct rlimit limit = before;
        limit.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileLimit()
    {
        setrlimit(RLIMIT_FSIZE, &before);
        signal(SIGXFSZ, SIG_DFL);
    }
    FileLimit(const FileLimit &) = delete;
    FileLimit &operator=(const FileLimit &) = delete;

  private:
    struct rlimit before = {};
};

TEST_F(RecordThread, FullDiskIsReportedAndLeavesWholeLines)
{
    std::vector<float> weights(8, 1.0f);
    kz_status st = KZ_OK;
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    {
        FileLimit limit(1000);
        for (int e = 1; st == KZ_OK && e < 1000; e++) st = epoch(e, weights);
        EXPECT_EQ(KZ_E_OUTPUT, st);
        EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("run/metrics.jsonl: cannot be written"));
        EXPECT_EQ(KZ_E_OUTPUT, epoch(1001, weights)) << "and again";
    }
    size_t whole = lines(content(path("run/metrics.jsonl"))).size();
    EXPECT_GE(whole, 2u);
    EXPECT_LE(whole, 5u);
    EXPECT_EQ(KZ_E_OUTPUT, kz_record_finish(rec, &run, weights.data(), 8));
    Json run_json(content(path("run/run.json")));
    EXPECT_EQ("failed", run_json.text({"status"})) << "never completed without its metrics";
    EXPECT_NE(std::string::npos, run_json.text({"error"}).find("cannot be written"));
}

TEST_F(RecordThread, ModelThatCannotBeWritten)
{
    std::vector<float> weights(8, 1.0f);
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    std::filesystem::create_directories(path("run/model.safetensors/x"));
    EXPECT_EQ(KZ_E_OUTPUT, kz_record_finish(rec, &run, weights.data(), 8));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("model.safetensors: cannot be renamed"));
    EXPECT_EQ("failed", Json(content(path("run/run.json"))).text({"status"}));
    EXPECT_EQ(4u, entries(path("run")).size()) << "no temporary file is left";
}

TEST_F(RecordThread, AllocationFailuresInCreateLeaveNothing)
{
    kz_status st = KZ_E_MEM;
    int n = 1;
    for (; st == KZ_E_MEM && n < 1000; n++) {
        kz_calloc_fail_at(n);
        st = create(path("run").c_str());
        kz_calloc_fail_at(0);
        if (st != KZ_E_MEM) break;
        ASSERT_EQ(nullptr, rec);
        ASSERT_STRNE("", kz_error_message());
        ASSERT_FALSE(std::filesystem::exists(path("run"))) << n;
    }
    EXPECT_EQ(KZ_OK, st) << kz_error_message();
    EXPECT_GT(n, 5);
}

TEST_F(RecordThread, AllocationFailuresInARunAreFailuresNotCrashes)
{
    std::vector<float> weights(8, 1.0f);
    kz_status st = KZ_E_MEM;
    int n = 1;
    for (; st != KZ_OK && n < 1000; n++) {
        std::string directory = path("run" + std::to_string(n));
        ASSERT_EQ(KZ_OK, create(directory.c_str()));
        kz_calloc_fail_at(n);
        (void)epoch(1, weights);
        st = kz_record_finish(rec, &run, weights.data(), 8);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << kz_error_message();
        if (std::filesystem::exists(directory + "/run.json")) {
            const char *status = st == KZ_OK ? "completed" : "failed";
            ASSERT_EQ(status, Json(content(directory + "/run.json")).text({"status"}));
        }
        kz_record_destroy(&rec);
    }
    EXPECT_EQ(KZ_OK, st);
    EXPECT_GT(n, 10);
}

// jansson's memory as well, which kz_calloc's hook does not reach.
static int json_allocations_left;

static void *limited_malloc(size_t n)
{
    return json_allocations_left-- > 0 ? malloc(n) : nullptr;
}

TEST_F(RecordThread, JsonAllocationFailuresInTurn)
{
    kz_energy energy = {};
    char text[KZ_DIGEST_TEXT] = "sha256:0";
    kz_run_facts facts = {};
    facts.cfg = &cfg;
    facts.run = &run;
    facts.classification = true;
    facts.config_digest = facts.data_digest = facts.weights_digest = facts.trajectory_digest = facts.started = text;
    facts.energy = &energy;
    std::vector<float> weights(8, 1.0f);
    kz_status st = KZ_E_MEM, model = KZ_E_MEM;
    json_set_alloc_funcs(limited_malloc, free);
    for (int n = 0; (st != KZ_OK || model != KZ_OK) && n < 5000; n++) {
        json_t *j = nullptr;
        json_allocations_left = n;
        st = kz_run_json(&j, &facts);
        json_allocations_left = n;
        model = kz_record_model_write(path("m").c_str(), &cfg, &data, tensors, 2, weights.data(), text);
        bool good =
            (st == KZ_OK) == (j != nullptr) && (st == KZ_OK || st == KZ_E_MEM) && (model == KZ_OK || model == KZ_E_MEM);
        json_decref(j);
        if (!good) ADD_FAILURE() << n << ": " << kz_error_message();
        if (!good) break;
    }
    json_set_alloc_funcs(malloc, free);
    EXPECT_EQ(KZ_OK, st);
    EXPECT_EQ(KZ_OK, model);
}
