// Places on the CPU, whose queue is never behind: each is full when fill returns.
#include "devices.h"

namespace {

struct Sending {
    const devices::Device &dev;
    float *to;
    const std::vector<float> &from;
};

kz_status send(void *context)
{
    const Sending *s = static_cast<const Sending *>(context);
    return s->dev->send(s->dev.get(), s->to, s->from.data(), s->from.size() * sizeof(float));
}

} // namespace

TEST(DevicePlaces, AreFilledAtOnceOnTheCpu)
{
    devices::Device dev;
    std::vector<float> x = {1, 2, 3};
    devices::Array<float> place(dev, x.size());
    Sending job = {dev, place.get(), x};
    bool full = false;
    ASSERT_EQ(dev->pin(dev.get(), x.data(), x.size() * sizeof(float), "test"), KZ_OK);
    for (int i = 0; i < KZ_PLACES; i++) {
        x[0] = static_cast<float>(i);
        ASSERT_EQ(dev->fill(dev.get(), i, send, &job), KZ_OK);
        ASSERT_EQ(dev->filled(dev.get(), i, false, &full), KZ_OK);
        EXPECT_TRUE(full);
        EXPECT_EQ(place.values(), x);
        EXPECT_EQ(dev->enter(dev.get(), i), KZ_OK);
        EXPECT_EQ(dev->leave(dev.get(), i), KZ_OK);
    }
    dev->unpin(dev.get(), x.data(), x.size() * sizeof(float));
    EXPECT_FALSE(dev->is_outside(dev.get(), x.data())) << "a CPU's memory is the host's";
}

TEST(DevicePlaces, AFillThatFailsSaysSo)
{
    devices::Device dev;
    auto fails = [](void *) { return KZ_E_DATA; };
    EXPECT_EQ(dev->fill(dev.get(), 0, fails, nullptr), KZ_E_DATA);
}
