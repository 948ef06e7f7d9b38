// Checkpoint files by themselves: wrong use, and whose files are removed.
#include "record_support.h"

#include <fstream>
#include <thread>

class RecordCheckpoint : public RecordTest {
  protected:
    kz_checkpoint at(int64_t number)
    {
        kz_checkpoint c = {};
        c.epoch = number;
        c.weights = values.data();
        c.n = 8;
        c.optimizer = values.data();
        c.arrays = 2;
        return c;
    }
    kz_status write(int64_t number)
    {
        kz_checkpoint c = at(number);
        kz_status st = epoch(number, std::vector<float>(8, 1.0f));
        return st == KZ_OK ? kz_record_checkpoint(rec, &c) : st;
    }
    std::vector<float> values = std::vector<float>(16, 1.0f);
};

TEST_F(RecordCheckpoint, RemovesItsOwnFilesAlone)
{
    const std::vector<std::string> others = {"checkpoint-0.safetensors",          "checkpoint-000000.safetensors",
                                             "checkpoint-000001.safetensors.bak", "checkpoint-1.safetensors",
                                             "checkpoint--00001.safetensors",     "checkpoint-x.safetensors"};
    cfg.train.checkpoint = {1, 2};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    for (const std::string &name : others) std::ofstream(path("run/") + name) << "x";
    for (int64_t e : {8, 9, 10, 999999, 1000000}) ASSERT_EQ(KZ_OK, write(e)) << kz_error_message();
    std::vector<std::string> wanted = {"checkpoint-1000000.safetensors", "checkpoint-999999.safetensors", "config.yaml",
                                       "metrics.jsonl"};
    wanted.insert(wanted.end(), others.begin(), others.end());
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(wanted, entries(path("run")));
}

TEST_F(RecordCheckpoint, ItsLineIsWrittenBefore)
{
    cfg.train.checkpoint = {1, 1};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    for (size_t e = 1; e <= 20; e++) {
        ASSERT_EQ(KZ_OK, write(static_cast<int64_t>(e)));
        EXPECT_EQ(e, lines(content(path("run/metrics.jsonl"))).size());
    }
}

TEST_F(RecordCheckpoint, RefusesWrongUse)
{
    cfg.train.checkpoint = {1, 1};
    ASSERT_EQ(KZ_OK, run_all(1));
    kz_checkpoint c = at(2);
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint(rec, &c)) << "the run is finished";
    c.n = 7;
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint(rec, &c));
}

TEST_F(RecordCheckpoint, EachAllocationFailsInTurnAndOneIsAlwaysThere)
{
    using Names = std::vector<std::string>;
    const std::string one = "checkpoint-000001.safetensors", two = "checkpoint-000002.safetensors";
    cfg.train.checkpoint = {1, 1};
    cfg.train.early_stop = {own("valid.loss"), 3, 0};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    kz_checkpoint c = at(1);
    c.best_epoch = 1;
    c.best = values.data();
    ASSERT_EQ(KZ_OK, epoch(1, std::vector<float>(8)));
    ASSERT_EQ(KZ_OK, kz_record_checkpoint(rec, &c));
    ASSERT_EQ(KZ_OK, epoch(2, std::vector<float>(8)));
    while (lines(content(path("run/metrics.jsonl"))).size() < 2) std::this_thread::yield(); // its allocations are done
    c.epoch = 2;
    kz_status st = KZ_E_MEM;
    bool written = false;
    for (int64_t n = 1; st != KZ_OK; n++) {
        ASSERT_LT(n, 1000);
        kz_calloc_fail_at(n);
        st = kz_record_checkpoint(rec, &c);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << n << ": " << kz_error_message();
        written = written || std::filesystem::exists(path("run/") + two);
        Names wanted = {"config.yaml", "metrics.jsonl"};
        if (written) wanted.insert(wanted.begin(), two);
        if (st != KZ_OK) wanted.insert(wanted.begin(), one);
        ASSERT_EQ(wanted, entries(path("run"))) << n;
    }
    EXPECT_TRUE(written);
}
