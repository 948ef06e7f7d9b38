// Clocks run forwards, and times have the form that records promise.
#include "kz/base.h"

#include <cstring>
#include <gtest/gtest.h>

TEST(Clock, RunsForwards)
{
    double before = kz_clock(), cpu = kz_clock_cpu();
    volatile double x = 0;
    for (int i = 0; i < 1000000; i++) x = x + i;
    EXPECT_GT(kz_clock(), before);
    EXPECT_GT(kz_clock_cpu(), cpu);
}

TEST(Clock, UtcForm)
{
    char text[24];
    kz_clock_utc(text);
    ASSERT_EQ(20u, strlen(text));
    for (size_t i = 0; i < 20; i++) {
        const char form = "dddd-dd-ddTdd:dd:ddZ"[i];
        if (form == 'd') EXPECT_TRUE(text[i] >= '0' && text[i] <= '9') << text;
        else EXPECT_EQ(form, text[i]) << text;
    }
}

TEST(Clock, PeakMemoryCountsWhatIsUsed)
{
    int64_t n = 64 << 20;
    char *p = nullptr;
    ASSERT_EQ(KZ_OK, kz_calloc(&p, n, 1, "block")); // zeroed, so resident
    EXPECT_GE(kz_peak_memory(), n);
    kz_free(&p);
}
