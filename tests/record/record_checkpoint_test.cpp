// Checkpoint files by themselves: wrong use, and whose files are removed.
#include "record_support.h"

#include "record/record_impl.h"

#include <fstream>
#include <sys/stat.h>
#include <thread>

class RecordCheckpoint : public RecordTest {
  protected:
    kz_checkpoint at(int64_t number)
    {
        kz_checkpoint c = {};
        EXPECT_EQ(KZ_OK, kz_record_checkpoint_room(rec, &c)) << kz_error_message();
        c.epoch = number;
        c.stopped_by = "epochs";
        c.rank = static_cast<double>(NAN);
        std::copy(values.begin(), values.begin() + 8, c.weights);
        std::copy(values.begin(), values.begin() + 8 * c.arrays, c.optimizer);
        return c;
    }
    kz_status write(int64_t number, double rank = static_cast<double>(NAN))
    {
        kz_checkpoint c = at(number);
        c.rank = rank;
        kz_status st = epoch(number, std::vector<float>(8, 1.0f));
        if (st == KZ_OK) st = kz_record_checkpoint(rec, &c);
        return st == KZ_OK ? kz_record_checkpoint_wait(rec) : st;
    }
    std::vector<float> values = std::vector<float>(16, 1.0f);
};

TEST_F(RecordCheckpoint, RemovesItsOwnFilesAlone)
{
    const std::vector<std::string> others = {"checkpoint-0.safetensors",          "checkpoint-000000.safetensors",
                                             "checkpoint-000001.safetensors.bak", "checkpoint-1.safetensors",
                                             "checkpoint--00001.safetensors",     "checkpoint-x.safetensors"};
    cfg.train.checkpoint = {1, 0, 0, 2};
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
    cfg.train.checkpoint = {1, 0, 0, 1};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    for (size_t e = 1; e <= 20; e++) {
        ASSERT_EQ(KZ_OK, write(static_cast<int64_t>(e)));
        EXPECT_EQ(e, lines(content(path("run/metrics.jsonl"))).size());
    }
}

TEST_F(RecordCheckpoint, TheBestOneStaysToo)
{
    const double none = static_cast<double>(NAN), ranks[] = {3, 1, 2, none, 1, 4};
    cfg.train.checkpoint = {1, 0, 0, 2};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    for (int64_t e = 1; e <= 6; e++) ASSERT_EQ(KZ_OK, write(e, ranks[e - 1])) << kz_error_message();
    const std::vector<std::string> wanted = {"checkpoint-000002.safetensors", "checkpoint-000005.safetensors",
                                             "checkpoint-000006.safetensors", "config.yaml", "metrics.jsonl"};
    EXPECT_EQ(wanted, entries(path("run"))) << "an equal one does not push it out";
}

TEST_F(RecordCheckpoint, ThoseAheadThatWerePassedOverDoNotPushItOut)
{
    cfg.train.checkpoint = {1, 0, 0, 1};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    for (const char *damaged : {"checkpoint-000002.step-0000000009.safetensors", "checkpoint-000005.safetensors"})
        std::ofstream(path("run/") + damaged) << "x";
    ASSERT_EQ(0, mkdir(path("run/checkpoint-000009.safetensors").c_str(), 0700));
    ASSERT_EQ(KZ_OK, write(1, 7)) << kz_error_message();
    ASSERT_EQ(KZ_OK, write(2, 8)) << kz_error_message();
    const std::vector<std::string> wanted = {"checkpoint-000001.safetensors", "checkpoint-000002.safetensors",
                                             "checkpoint-000009.safetensors", "config.yaml", "metrics.jsonl"};
    EXPECT_EQ(wanted, entries(path("run"))) << "the best, the newest, and a folder";
}

TEST_F(RecordCheckpoint, NamesSortByProgress)
{
    std::vector<std::string> names;
    const int64_t places[][3] = {{0, 0, 1},       {0, 12, 1}, {1, 20, 0},  {1, 21, 1},
                                 {1, 1000000, 1}, {2, 40, 0}, {11, 220, 0}};
    for (const auto &p : places) {
        kz_checkpoint c = {};
        kz_checkpoint_key key = {};
        char name[KZ_CHECKPOINT_NAME];
        c.epoch = p[0], c.step = p[1], c.inside = p[2];
        kz_checkpoint_name(name, &c);
        names.push_back(name);
        ASSERT_TRUE(kz_checkpoint_key_of(&key, name)) << name;
        EXPECT_EQ(key.epoch, p[0]);
        EXPECT_EQ(key.step, p[2] ? p[1] : 0);
    }
    EXPECT_EQ(names[0], "checkpoint-000000.step-0000000000.safetensors");
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    kz_checkpoint_key key;
    for (const char *name : {"checkpoint-000000.safetensors", "checkpoint-000001.step-1.safetensors",
                             "checkpoint-000001.step--000000001.safetensors", "checkpoint-000001.safetensors.tmp-7"})
        EXPECT_FALSE(kz_checkpoint_key_of(&key, name)) << name;
}

TEST_F(RecordCheckpoint, RefusesWrongUse)
{
    cfg.train.checkpoint = {1, 0, 0, 1};
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    kz_checkpoint c = at(1);
    c.weights = values.data();
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint(rec, &c)) << "not where there is room for it";
    std::vector<float> last(8);
    ASSERT_EQ(KZ_OK, epoch(1, last));
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, last.data(), 8));
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint_room(rec, &c)) << "the run is finished";
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint(rec, &c));
    EXPECT_EQ(KZ_E_ARG, kz_record_checkpoint_wait(rec));
}

// The writer's thread takes memory as well: with the n-th allocation failing, wherever it is.
TEST_F(RecordCheckpoint, EachAllocationFailsInTurnAndOneIsAlwaysThere)
{
    using Names = std::vector<std::string>;
    const std::string one = "checkpoint-000001.safetensors", two = "checkpoint-000002.safetensors";
    cfg.train.checkpoint = {1, 0, 0, 1};
    cfg.train.early_stop = {own("valid.loss"), 3, 0};
    bool done = false, written = false;
    for (int64_t n = 1; !done; n++) {
        ASSERT_LT(n, 1000);
        std::string name = "run" + std::to_string(n);
        ASSERT_EQ(KZ_OK, create(path(name).c_str()));
        ASSERT_EQ(KZ_OK, write(1));
        ASSERT_EQ(KZ_OK, epoch(2, std::vector<float>(8)));
        while (lines(content(path(name + "/metrics.jsonl"))).size() < 2)
            std::this_thread::yield(); // its allocations are done
        kz_checkpoint c = at(2);
        c.best_epoch = 1;
        kz_calloc_fail_at(n);
        kz_status st = kz_record_checkpoint(rec, &c);
        if (st == KZ_OK) st = kz_record_checkpoint_wait(rec);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << n << ": " << kz_error_message();
        Names wanted = {"config.yaml", "metrics.jsonl"};
        bool there = std::filesystem::exists(path(name + "/" + two));
        if (there) wanted.insert(wanted.begin(), two);
        if (st != KZ_OK) wanted.insert(wanted.begin(), one);
        ASSERT_EQ(wanted, entries(path(name))) << n;
        written = written || (there && st != KZ_OK);
        done = st == KZ_OK;
        kz_record_destroy(&rec);
    }
    EXPECT_TRUE(written) << "also while the older one is removed";
}
