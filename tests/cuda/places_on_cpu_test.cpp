// The CUDA device's memory: arrays that stay outside, pages that they share, and places filled beside the queue.
#include "cuda_on_cpu.h"
#include "oracle.h"

#include <gtest/gtest.h>

extern "C" {
#include "device/cuda_module.h"
}

namespace {

// A device whose memory holds nothing that is larger than KZ_SMALL, beyond what it allocates.
class CudaPlaces : public testing::Test {
  protected:
    kz_device *dev = nullptr;

    void begin(unsigned order)
    {
        kz_cuda_on_cpu_reset();
        kz_cuda_on_cpu_memory(70000000);
        kz_cuda_on_cpu_order(order);
        const kz_config_device cfg = {};
        ASSERT_EQ(kz_cuda_module_get()->create(&dev, 0, &cfg), KZ_OK) << kz_error_message();
    }
    void end()
    {
        kz_device_destroy(&dev);
        EXPECT_EQ(kz_cuda_on_cpu_alive(), 0);
    }
    void TearDown() override
    {
        kz_device_destroy(&dev);
        kz_cuda_on_cpu_reset();
    }

    // Row `at` of rows of `width` numbers as the device gathers it.
    std::vector<float> row_of(const void *from, int64_t width, int64_t at)
    {
        int64_t *row = nullptr;
        float *x = nullptr;
        std::vector<float> out(static_cast<size_t>(width));
        EXPECT_EQ(dev->ops->alloc(dev, &row, sizeof at, "row"), KZ_OK);
        EXPECT_EQ(dev->ops->alloc(dev, &x, out.size() * sizeof(float), "x"), KZ_OK);
        EXPECT_EQ(dev->ops->upload(dev, row, &at, sizeof at), KZ_OK);
        kz_gather g = {};
        g.rows = 1, g.width = width, g.row = row, g.from = from, g.bytes = 4, g.x = x;
        EXPECT_EQ(dev->ops->gather(dev, &g), KZ_OK);
        EXPECT_EQ(dev->ops->download(dev, out.data(), x, out.size() * sizeof(float)), KZ_OK) << kz_error_message();
        dev->ops->release(dev, &row);
        dev->ops->release(dev, &x);
        return out;
    }
};

std::vector<float> part(const float *from, int64_t n)
{
    return std::vector<float>(from, from + n);
}

} // namespace

TEST_F(CudaPlaces, ArraysOutsideMayShareAPage)
{
    enum { WIDTH = 8, EACH = 5000 }; // numbers of an array: five pages less 480 bytes
    oracle::Random random(5);
    std::vector<float> memory = random.floats(3 * EACH);
    const void *seen[3] = {};
    begin(2);
    for (int i : {0, 2, 1}) { // the last one lies between the others, and has a page with each
        ASSERT_EQ(dev->ops->share(dev, &seen[i], &memory[static_cast<size_t>(i) * EACH], EACH * 4, "test"), KZ_OK)
            << kz_error_message();
        EXPECT_TRUE(dev->ops->is_outside(dev, seen[i]));
    }
    EXPECT_EQ(dev->outside, 3 * EACH * 4);
    for (int gone : {0, 2, -1}) { // a page stays for as long as one of its arrays does
        for (int64_t r : {0, EACH / WIDTH - 1})
            EXPECT_EQ(row_of(seen[1], WIDTH, r), part(&memory[static_cast<size_t>(EACH + r * WIDTH)], WIDTH));
        if (gone >= 0) dev->ops->unshare(dev, &seen[gone]);
    }
    dev->ops->unshare(dev, &seen[1]);
    EXPECT_EQ(dev->outside, 0);
    EXPECT_FALSE(dev->ops->is_outside(dev, nullptr));
    end();
}

TEST_F(CudaPlaces, SmallArraysAreCopied)
{
    std::vector<float> x = oracle::Random(6).floats(KZ_SMALL / 4);
    const void *seen = nullptr;
    begin(0);
    ASSERT_EQ(dev->ops->share(dev, &seen, x.data(), KZ_SMALL, "test"), KZ_OK);
    EXPECT_FALSE(dev->ops->is_outside(dev, seen));
    EXPECT_EQ(dev->outside, 0);
    std::vector<float> first = part(x.data(), 4);
    x[0] = 7;
    EXPECT_EQ(row_of(seen, 4, 0), first);
    dev->ops->unshare(dev, &seen);
    end();
}

namespace {

struct Sending {
    kz_device *dev;
    float *to;
    const float *from;
    size_t bytes;
};

kz_status send(void *context)
{
    Sending *s = static_cast<Sending *>(context);
    return s->dev->ops->send(s->dev, s->to, s->from, s->bytes);
}

} // namespace

// Numbers go through two places by turns and are added up; more than one piece of a copy each.
TEST_F(CudaPlaces, WhatIsFilledIsUsedOnceAndInOrder)
{
    enum { N = (5 << 20) / 4, TURNS = 4 };
    for (unsigned order : {0u, 1u, 2u, 6u, 7u}) {
        std::vector<float> pinned[2] = {std::vector<float>(N), std::vector<float>(N)}, out(N);
        float *place[2] = {}, *sum = nullptr;
        begin(order);
        ASSERT_EQ(dev->ops->alloc(dev, &sum, N * 4, "sum"), KZ_OK);
        for (int i = 0; i < 2; i++) {
            ASSERT_EQ(dev->ops->pin(dev, pinned[i].data(), N * 4, "test"), KZ_OK);
            ASSERT_EQ(dev->ops->alloc(dev, &place[i], N * 4, "place"), KZ_OK);
            ASSERT_EQ(dev->ops->leave(dev, i), KZ_OK);
        }
        float wanted = 0;
        for (int turn = 0; turn < TURNS; turn++) {
            int i = turn % 2;
            bool yes = false;
            Sending job = {dev, place[i], pinned[i].data(), N * 4};
            ASSERT_EQ(dev->ops->filled(dev, i, true, &yes), KZ_OK); // the host's memory may be changed
            ASSERT_TRUE(yes);
            std::fill(pinned[i].begin(), pinned[i].end(), static_cast<float>(1 << turn));
            ASSERT_EQ(dev->ops->fill(dev, i, send, &job), KZ_OK);
            ASSERT_EQ(dev->ops->enter(dev, i), KZ_OK);
            ASSERT_EQ(dev->ops->add(dev, N, place[i], sum), KZ_OK);
            ASSERT_EQ(dev->ops->leave(dev, i), KZ_OK);
            wanted += static_cast<float>(1 << turn);
        }
        ASSERT_EQ(dev->ops->download(dev, out.data(), sum, N * 4), KZ_OK);
        EXPECT_EQ(out.front(), wanted) << "order " << order;
        EXPECT_EQ(out.back(), wanted) << "order " << order;
        for (int i = 0; i < 2; i++) {
            dev->ops->unpin(dev, pinned[i].data(), N * 4);
            dev->ops->release(dev, &place[i]);
        }
        dev->ops->release(dev, &sum);
        end();
    }
}
