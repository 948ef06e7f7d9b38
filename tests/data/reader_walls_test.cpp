// What `kaizen info` says of the reader process: compared with what the system itself says.  Also run under qemu-user,
// which lacks some of it (scripts/test-arm64).
#include "build.h"
#include "data/reader_protocol.h"
#include "kz/data.h"

#include <gtest/gtest.h>
#include <memory>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Free {
    void operator()(json_t *json) const
    {
        json_decref(json);
    }
};

bool stands(const json_t *walls, const char *name)
{
    const json_t *wall = json_object_get(walls, name);
    bool available = json_is_true(json_object_get(wall, "available"));
    EXPECT_STRNE(json_string_value(json_object_get(wall, "source")), nullptr) << name;
    EXPECT_EQ(json_is_string(json_object_get(wall, "reason")), !available) << name;
    return available;
}

// Does the system keep a limit on addresses, or only take it?  Asked in a process of its own.
bool keeps_a_limit()
{
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit wanted = {1 << 30, 1 << 30}, got = {};
        bool kept = setrlimit(RLIMIT_AS, &wanted) == 0 && getrlimit(RLIMIT_AS, &got) == 0 && got.rlim_cur == 1 << 30;
        _exit(kept);
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status));
    return WEXITSTATUS(status) != 0;
}

bool has_filters()
{
#ifdef KZ_HAVE_SECCOMP
    return prctl(PR_GET_SECCOMP) >= 0;
#else
    return false;
#endif
}

} // namespace

TEST(DataReader, ItsWallsAreTriedAndReported)
{
    std::unique_ptr<json_t, Free> walls(kz_data_walls());
    ASSERT_TRUE(walls);
    EXPECT_TRUE(stands(walls.get(), "files"));
    EXPECT_EQ(stands(walls.get(), "memory"), !build::sanitized && keeps_a_limit());
    EXPECT_EQ(stands(walls.get(), "calls"), has_filters());
}

TEST(DataReader, TryingItsWallsLeavesOursAlone)
{
    struct rlimit before = {}, after = {};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    std::unique_ptr<json_t, Free> walls(kz_data_walls());
    ASSERT_TRUE(walls);
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(before.rlim_cur, after.rlim_cur);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "a process is left";
}
