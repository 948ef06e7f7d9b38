// The progress bar, on a pseudo-terminal in place of stderr.
#include "cli/cli.h"

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <regex>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

// What `work` writes to stderr while it is a terminal with that many columns.
std::string on_terminal(int columns, const std::function<void()> &work)
{
    int master = -1, slave = -1;
    struct winsize size = {};
    size.ws_col = static_cast<unsigned short>(columns);
    if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) return "no terminal";
    int saved = dup(2);
    setenv("TERM", "xterm", 1);
    dup2(slave, 2);
    work();
    dup2(saved, 2);
    std::string text;
    struct pollfd ready = {master, POLLIN, 0};
    while (poll(&ready, 1, 50) > 0 && (ready.revents & POLLIN)) {
        char bytes[4096];
        ssize_t n = read(master, bytes, sizeof bytes);
        if (n <= 0) break;
        text.append(bytes, static_cast<size_t>(n));
    }
    for (int fd : {saved, slave, master}) close(fd);
    return text;
}

const std::string clear = "\r\033[K";

// The bar's successive states, without the control sequences.
std::vector<std::string> drawn(const std::string &text)
{
    std::vector<std::string> states;
    for (size_t at = 0; (at = text.find('\r', at)) != std::string::npos;) {
        size_t end = text.find("\033[K", ++at);
        if (end > at) states.push_back(text.substr(at, end - at));
    }
    return states;
}

void wait_a_tenth()
{
    usleep(120000);
}

TEST(Progress, ShowsShareRateAndNoteAndVanishes)
{
    std::string text = on_terminal(100, [] {
        kz_progress_begin(1000, "samples");
        wait_a_tenth();
        kz_progress_at(250, "epoch 1/4");
        kz_progress_end();
        kz_progress_at(500, "too late");
    });
    std::vector<std::string> states = drawn(text);
    ASSERT_EQ(states.size(), 1u) << text;
    EXPECT_EQ(states[0].find(" 25% [######..................] "), 0u) << states[0];
    EXPECT_NE(states[0].find(" samples/s, "), std::string::npos) << states[0];
    EXPECT_NE(states[0].find(" left  epoch 1/4"), std::string::npos) << states[0];
    EXPECT_EQ(text.substr(text.size() - clear.size()), clear);
}

TEST(Progress, NeverWiderThanTheTerminalAndNeverOutOfRange)
{
    for (int columns : {1, 10, 40}) {
        std::string text = on_terminal(columns, [] {
            kz_progress_begin(10, "rows");
            wait_a_tenth();
            kz_progress_at(99, "more than there is to do");
            wait_a_tenth();
            kz_progress_at(-1, nullptr);
            kz_progress_end();
        });
        for (const std::string &state : drawn(text)) {
            EXPECT_LT(static_cast<int>(state.size()), columns);
            EXPECT_EQ(state.find("990%"), std::string::npos);
        }
    }
}

TEST(Progress, RedrawsAtMostTenTimesASecond)
{
    std::string text = on_terminal(80, [] {
        double begin = kz_clock();
        kz_progress_begin(1000000, "steps");
        for (int64_t i = 0; kz_clock() < begin + 0.35; i++) kz_progress_at(i, nullptr);
        kz_progress_end();
    });
    EXPECT_GE(drawn(text).size(), 1u);
    EXPECT_LE(drawn(text).size(), 3u);
}

TEST(Progress, WhatWasDoneBeforeIsNoSpeed)
{
    std::string text = on_terminal(80, [] {
        kz_progress_begin(1000000, "steps");
        kz_progress_from(900000);
        wait_a_tenth();
        kz_progress_at(900001, nullptr); // in a tenth of a second and a little
        kz_progress_end();
    });
    EXPECT_NE(text.find(" 90% "), std::string::npos) << text;
    EXPECT_TRUE(std::regex_search(text, std::regex("\\] [0-9]\\.[0-9] steps/s"))) << text;
}

TEST(Progress, MakesRoomForALine)
{
    std::string text = on_terminal(80, [] {
        kz_cli cli = {};
        kz_progress_begin(10, "steps");
        wait_a_tenth();
        kz_progress_at(1, nullptr);
        kz_cli_note(&cli, "epoch 1");
        kz_progress_at(2, nullptr); // at once, though a tenth of a second has not passed
        kz_progress_end();
    });
    EXPECT_NE(text.find(clear + "epoch 1\r\n\r 20% "), std::string::npos) << text;
}

TEST(Progress, IsSilentElsewhereAndWhenQuiet)
{
    auto work = [] {
        kz_progress_begin(10, "steps");
        wait_a_tenth();
        kz_progress_at(5, nullptr);
        kz_progress_end();
    };
    testing::internal::CaptureStderr();
    work();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    kz_progress_allow(false);
    EXPECT_EQ(on_terminal(80, work), "");
    kz_progress_allow(true);
    EXPECT_EQ(on_terminal(80,
                          [&] {
                              setenv("TERM", "dumb", 1);
                              work();
                          }),
              "");
}

} // namespace
