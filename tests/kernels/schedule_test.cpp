// Schedules against their closed forms.
#include "oracle.h"

#include <gtest/gtest.h>

TEST(Schedule, ConstantIsTheRate)
{
    for (double progress : {0.0, 0.3, 0.999}) EXPECT_EQ(kz_schedule_constant(0.1, 0.01, progress), 0.1);
}

// The cosine is off by some ulps of 1; products and sums add a rounding each.
TEST(Schedule, CosineIsHalfACosine)
{
    const double pi = 3.14159265358979323846;
    for (double lr : {1e-4, 0.1, 3.0})
        for (double final_lr : {0.0, 1e-5, 5.0})
            for (int i = 0; i <= 1000; i++) {
                double progress = i / 1000.0;
                double wanted = final_lr + (lr - final_lr) * (1 + std::cos(pi * progress)) / 2;
                double err = std::fabs(kz_schedule_cosine(lr, final_lr, progress) - wanted);
                ASSERT_TRUE(err <= 8 * 0x1p-52 * (lr + final_lr)) << lr << " " << final_lr << " " << progress;
            }
    EXPECT_EQ(kz_schedule_cosine(0.5, 0.1, 0), 0.5);
    EXPECT_EQ(kz_schedule_cosine(0.5, 0.125, 0.5), 0.3125);
    EXPECT_EQ(kz_schedule_cosine(0.5, 0, 1), 0);
}
