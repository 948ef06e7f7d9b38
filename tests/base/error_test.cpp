// Errors: message, trail, exit status.
#include "kz/base.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>

static kz_status inner(int value)
{
    return KZ_FAIL(KZ_E_DATA, "row %d is bad", value);
}

static kz_status outer(int value)
{
    kz_status st = KZ_OK;
    KZ_TRY(inner(value));
done:
    return st;
}

TEST(Error, MessageAndTrail)
{
    EXPECT_EQ(KZ_E_DATA, outer(7));
    EXPECT_STREQ("row 7 is bad", kz_error_message());
    std::string trail = kz_error_trail();
    EXPECT_EQ(0u, trail.find("error_test.cpp:"));
    EXPECT_NE(std::string::npos, trail.find(" < error_test.cpp:"));
    kz_error_clear();
    EXPECT_STREQ("", kz_error_message());
    EXPECT_STREQ("", kz_error_trail());
}

TEST(Error, IsOfItsThread)
{
    KZ_FAIL(KZ_E_FAIL, "mine");
    std::thread other([] {
        EXPECT_STREQ("", kz_error_message());
        KZ_FAIL(KZ_E_MEM, "theirs");
    });
    other.join();
    EXPECT_STREQ("mine", kz_error_message());
}

TEST(Error, LongMessagesAndTrailsAreCut)
{
    std::string longest(5000, 'x');
    EXPECT_EQ(KZ_E_FAIL, KZ_FAIL(KZ_E_FAIL, "%s", longest.c_str()));
    std::string message = kz_error_message();
    EXPECT_GT(message.size(), 1000u);
    EXPECT_EQ(0u, longest.find(message));
    for (int i = 0; i < 100; i++) kz_error_pass("folder/file.c", i);
    EXPECT_EQ(0u, std::string(kz_error_trail()).find("error_test.cpp:"));
}

TEST(Error, ExitStatusesSchedulersActOn)
{
    EXPECT_EQ(0, kz_status_exit(KZ_OK));
    EXPECT_EQ(1, kz_status_exit(KZ_E_FAIL));
    EXPECT_EQ(2, kz_status_exit(KZ_E_USAGE));
    EXPECT_EQ(5, kz_status_exit(KZ_E_DIFFERENT));
    EXPECT_EQ(65, kz_status_exit(KZ_E_DATA));
    EXPECT_EQ(66, kz_status_exit(KZ_E_INPUT));
    EXPECT_EQ(69, kz_status_exit(KZ_E_DEVICE));
    EXPECT_EQ(70, kz_status_exit(KZ_E_ARG));
    EXPECT_EQ(73, kz_status_exit(KZ_E_OUTPUT));
    EXPECT_EQ(75, kz_status_exit(KZ_E_INTERRUPTED));
    EXPECT_EQ(76, kz_status_exit(KZ_E_DIVERGED));
    EXPECT_EQ(78, kz_status_exit(KZ_E_CONFIG));
    EXPECT_EQ(130, kz_status_exit(KZ_E_SIGINT));
    EXPECT_EQ(143, kz_status_exit(KZ_E_SIGTERM));
    EXPECT_STREQ("KZ_E_DATA", kz_status_name(KZ_E_DATA));
    EXPECT_STREQ("bad data", kz_status_meaning(KZ_E_DATA));
}
