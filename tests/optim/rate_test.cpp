// The learning rate of every step.
#include "golden_json.h"
#include "oracle.h"

#include "kz/optim.h"

#include <gtest/gtest.h>

namespace {

kz_config_optimizer config(const char *schedule, double lr, int64_t warmup, double final_lr)
{
    kz_config_optimizer c = {};
    c.name = "sgd", c.lr = lr;
    c.schedule.name = schedule, c.schedule.warmup_steps = warmup, c.schedule.final_lr = final_lr;
    return c;
}

} // namespace

TEST(Rate, IsThatOfTheGoldenTrainings)
{
    golden::Json file = golden::load("torch_training.json");
    bool cosine = false;
    for (const json_t *item : golden::items(file.get(), "cases")) {
        const json_t *schedule = json_object_get(item, "schedule");
        bool is_cosine = golden::text(schedule, "name") == "cosine";
        kz_config_optimizer c = config(
            is_cosine ? "cosine" : "constant", golden::number(json_object_get(item, "optimizer"), "lr"),
            static_cast<int64_t>(golden::number(schedule, "warmup_steps")), golden::number(schedule, "final_lr"));
        std::vector<double> lr = golden::numbers(item, "lr");
        ASSERT_EQ(lr.size(), 40u);
        for (size_t s = 0; s < 40; s++) {
            double err = std::fabs(kz_optim_rate(&c, static_cast<int64_t>(s), 40) - lr[s]);
            ASSERT_TRUE(err <= 4 * 0x1p-52 * c.lr) << golden::text(item, "name") << " step " << s;
        }
        cosine = cosine || is_cosine;
    }
    EXPECT_TRUE(cosine);
}

TEST(Rate, WarmsUpLinearly)
{
    for (const char *name : {"constant", "cosine"}) {
        kz_config_optimizer c = config(name, 0.8, 4, 0);
        EXPECT_EQ(kz_optim_rate(&c, 0, 100), 0.2);
        EXPECT_EQ(kz_optim_rate(&c, 1, 100), 0.4);
        EXPECT_EQ(kz_optim_rate(&c, 3, 100), 0.8);
        EXPECT_EQ(kz_optim_rate(&c, 4, 100), 0.8) << "the schedule begins with lr";
    }
}

TEST(Rate, CosineEndsNearItsFinalRate)
{
    kz_config_optimizer c = config("cosine", 1, 10, 0.1);
    for (int64_t s = 11; s < 110; s++) EXPECT_LT(kz_optim_rate(&c, s, 110), kz_optim_rate(&c, s - 1, 110)) << s;
    EXPECT_DOUBLE_EQ(kz_optim_rate(&c, 60, 110), 0.55) << "half way";
    double last = kz_optim_rate(&c, 109, 110), wanted = 0.1 + 0.9 * (1 + std::cos(3.14159265358979323846 * 0.99)) / 2;
    EXPECT_TRUE(std::fabs(last - wanted) <= 4 * 0x1p-52);
}

TEST(Rate, ARunThatIsAllWarmUpIsFine)
{
    kz_config_optimizer c = config("cosine", 1, 5, 0);
    for (int64_t s = 0; s < 5; s++) EXPECT_TRUE(std::isfinite(kz_optim_rate(&c, s, 5)));
    EXPECT_EQ(kz_optim_rate(&c, 4, 5), 1.0);
    kz_config_optimizer none = config("cosine", 1, 0, 0);
    EXPECT_EQ(kz_optim_rate(&none, 0, 1), 1.0);
}
