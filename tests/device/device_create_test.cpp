// Which devices there are, and how asking for another one fails.
#include "devices.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

namespace {

kz_status create(const char *kind, int64_t threads, const char *isa)
{
    char word[16];
    kz_device *dev = nullptr;
    kz_config_device cfg = {};
    snprintf(word, sizeof word, "%s", kind);
    cfg.kind = word, cfg.threads = threads;
    kz_error_clear();
    kz_status st = kz_device_create(&dev, &cfg, isa);
    EXPECT_EQ(dev != nullptr, st == KZ_OK);
    kz_device_destroy(&dev);
    return st;
}

} // namespace

TEST(DeviceCreate, ListsThePlainOneFirst)
{
    std::vector<std::string> isas = devices::isas();
    ASSERT_FALSE(isas.empty());
    EXPECT_EQ(isas[0], "plain");
    for (const std::string &isa : isas) {
        devices::Device dev(isa, 3);
        EXPECT_EQ(dev.name(), "cpu " + isa + " x3");
    }
}

TEST(DeviceCreate, TakesTheFastestUnlessTheEnvironmentSays)
{
    const char *before = getenv("KAIZEN_ISA");
    std::string saved = before ? before : "";
    kz_config_device cfg = {};
    kz_device *dev = nullptr;
    for (const char *word : {"", "plain"}) {
        setenv("KAIZEN_ISA", word, 1);
        ASSERT_EQ(kz_device_create(&dev, &cfg, nullptr), KZ_OK);
        EXPECT_EQ(dev->variant, *word ? std::string(word) : devices::isas().back());
        EXPECT_EQ(dev->threads, kz_cpu_count());
        kz_device_destroy(&dev);
    }
    setenv("KAIZEN_ISA", "avx9000", 1);
    EXPECT_EQ(kz_device_create(&dev, &cfg, nullptr), KZ_E_DEVICE);
    EXPECT_NE(strstr(kz_error_message(), "'avx9000' is not available"), nullptr) << kz_error_message();
    EXPECT_NE(strstr(kz_error_message(), "there are: plain"), nullptr) << kz_error_message();
    if (before) setenv("KAIZEN_ISA", saved.c_str(), 1);
    else unsetenv("KAIZEN_ISA");
}

TEST(DeviceCreate, WhatIsNotThereIsUnavailable)
{
    EXPECT_EQ(create("auto", 1, "plain"), KZ_OK);
    EXPECT_EQ(create("cpu", 1, "neon-on-a-good-day"), KZ_E_DEVICE);
    EXPECT_EQ(create("cuda:7", 1, nullptr), KZ_E_DEVICE);
    EXPECT_NE(strstr(kz_error_message(), "cuda:7"), nullptr) << kz_error_message();
    EXPECT_NE(create("cpu", 100000, nullptr), KZ_OK);
}

TEST(DeviceCreate, EachAllocationFailsInTurn)
{
    for (int64_t n = 1; n < 100; n++) {
        kz_calloc_fail_at(n);
        kz_status st = create("cpu", 3, "plain");
        if (st == KZ_OK) {
            kz_calloc_fail_at(0);
            EXPECT_GT(n, 2);
            return;
        }
        ASSERT_EQ(st, KZ_E_MEM) << n;
    }
    kz_calloc_fail_at(0);
    FAIL() << "never succeeded";
}

TEST(DeviceCreate, MemoryIsZeroedAndLimited)
{
    devices::Device dev;
    devices::Array<double> x(dev, 1000);
    EXPECT_EQ(x.values(), std::vector<double>(1000));
    void *p = nullptr;
    EXPECT_EQ(dev->alloc(dev.get(), &p, ~size_t{0} - 64, "everything"), KZ_E_MEM);
    EXPECT_EQ(p, nullptr);
    EXPECT_NE(strstr(kz_error_message(), "everything"), nullptr) << kz_error_message();
}
