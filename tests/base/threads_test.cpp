// Teams: each index once, whatever the threads, and nothing left behind.
#include "kz/base.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

struct Team {
    explicit Team(int threads)
    {
        EXPECT_EQ(KZ_OK, kz_team_create(&team, threads)) << kz_error_message();
    }
    ~Team()
    {
        kz_team_destroy(&team);
        EXPECT_EQ(nullptr, team);
    }
    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;
    kz_team *team = nullptr;
};

struct Cover {
    std::vector<std::atomic<int>> hits;
    std::atomic<int> pieces{0};
    int64_t n, grain;
    std::atomic<bool> good{true};

    Cover(int64_t n_, int64_t grain_) : hits(static_cast<size_t>(n_)), n(n_), grain(grain_)
    {
    }
    static void run(void *context, int64_t begin, int64_t end)
    {
        Cover *c = static_cast<Cover *>(context);
        if (begin >= end || begin % c->grain != 0 || (end % c->grain != 0 && end != c->n)) c->good = false;
        c->pieces++;
        for (int64_t i = begin; i < end; i++) c->hits[static_cast<size_t>(i)]++;
    }
};

TEST(Team, CoversEachIndexExactlyOnce)
{
    for (int threads : {1, 2, 3, 8}) {
        Team t(threads);
        EXPECT_EQ(threads, kz_team_threads(t.team));
        for (int64_t grain : {1, 4, 64}) {
            for (int64_t k : {0, 1, 2, 3, 7, 8, 9, 16}) {
                for (int64_t n : {k * grain - 1, k * grain, k * grain + 1}) {
                    if (n < 0) continue;
                    Cover c(n, grain);
                    kz_team_run(t.team, n, grain, Cover::run, &c);
                    ASSERT_TRUE(c.good) << threads << " threads, n " << n << ", grain " << grain;
                    ASSERT_LE(c.pieces, threads);
                    for (const auto &hit : c.hits) ASSERT_EQ(1, hit) << threads << " threads, n " << n;
                }
            }
        }
    }
}

// A thread that starts holds locks for a moment; the process forked then would wait for them for ever.
TEST(Team, IsAtRestOnceCreated)
{
    for (int i = 0; i < 30; i++) {
        Team t(4);
        pid_t child = fork();
        if (child == 0) {
            for (size_t bytes = 1; bytes < 2000; bytes += 8) free(malloc(bytes));
            _exit(0);
        }
        ASSERT_GT(child, 0);
        pid_t ended = 0;
        int status = 0;
        for (int ms = 0; ended == 0 && ms < 10000; ms++) {
            ended = waitpid(child, &status, WNOHANG);
            if (ended == 0) usleep(1000);
        }
        if (ended == 0) kill(child, SIGKILL);
        ASSERT_EQ(child, ended) << "the child hangs";
        EXPECT_EQ(0, status);
    }
}

// Plain memory on purpose: the team alone must order the accesses (thread sanitizer).
static void add_one(void *context, int64_t begin, int64_t end)
{
    int *counts = static_cast<int *>(context);
    for (int64_t i = begin; i < end; i++) counts[i]++;
}

TEST(Team, ManyTinyJobsInARow)
{
    for (int threads : {1, 2, 8}) {
        int jobs = threads == 8 ? 2000 : 20000; /* eight on few cores sleep between any two */
        Team t(threads);
        std::vector<int> counts(16);
        for (int job = 0; job < jobs; job++) kz_team_run(t.team, 16, 1, add_one, counts.data());
        for (int count : counts) ASSERT_EQ(jobs, count) << threads;
    }
}

static void square_root(void *context, int64_t begin, int64_t end)
{
    float *x = static_cast<float *>(context);
    for (int64_t i = begin; i < end; i++) x[i] = static_cast<float>(i) * 0.1f + 1.0f / static_cast<float>(i + 1);
}

TEST(Team, ResultsDoNotDependOnTheThreads)
{
    std::vector<float> wanted(1000), x(1000);
    square_root(wanted.data(), 0, 1000);
    for (int threads : {1, 2, 3, 8}) {
        Team t(threads);
        std::fill(x.begin(), x.end(), 0.0f);
        kz_team_run(t.team, 1000, 16, square_root, x.data());
        EXPECT_EQ(wanted, x) << threads;
    }
}

TEST(Team, MakingAndDestroying)
{
    for (int i = 0; i < 200; i++) Team t(1 + i % 8);
    kz_team *team = nullptr;
    kz_team_destroy(&team); // NULL is fine
    EXPECT_EQ(KZ_E_ARG, kz_team_create(&team, 0));
    EXPECT_EQ(KZ_E_ARG, kz_team_create(&team, -3));
    EXPECT_EQ(KZ_E_ARG, kz_team_create(&team, 1000000));
    EXPECT_EQ(nullptr, team);
}

TEST(Team, FailedAllocations)
{
    kz_team *team = nullptr;
    for (int n : {1, 2}) {
        kz_calloc_fail_at(n);
        EXPECT_EQ(KZ_E_MEM, kz_team_create(&team, 4));
        EXPECT_EQ(nullptr, team);
    }
    kz_calloc_fail_at(0);
}

TEST(Threads, CountIsAtLeastOne)
{
    EXPECT_GE(kz_cpu_count(), 1);
}

// Whoever comes late must find its piece taken rather than keep the others waiting, and touch nothing of a job that is over.
TEST(Team, OneJobEndsWithoutThoseWhoComeLate)
{
    Team t(8); // on any machine some of them are late: jobs follow each other without a pause
    for (int job = 0; job < 3000; job++) {
        std::vector<int> counts(static_cast<size_t>(1 + job % 9));
        kz_team_run(t.team, static_cast<int64_t>(counts.size()), 1, add_one, counts.data());
        for (int count : counts) ASSERT_EQ(1, count) << job;
    }
}
