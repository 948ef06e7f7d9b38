// The mean of a gradient and its norm on the device: as the CPU device does it, tensor by tensor.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

void expect_plain(const std::vector<int64_t> &sizes, std::vector<float> g, float inverse, size_t shift, unsigned order,
                  bool counters = true)
{
    std::vector<int64_t> offset = {0};
    for (int64_t n : sizes) offset.push_back(offset.back() + n);
    int64_t count = static_cast<int64_t>(sizes.size()), all = offset.back();
    ASSERT_EQ(all, static_cast<int64_t>(g.size()));

    Queue q(132, 1 << 14, 0, counters);
    Array<float> to(g, shift);
    Array<int64_t> offsets(offset);
    Array<double> norm({-1.0}), square(std::vector<double>(static_cast<size_t>(kz_norm_squares(all, count)), -1.0));
    cuda::check(kz_mean_norm_f32__cuda(count, offsets.begin(), all, inverse, to.begin(), square.begin(), norm.begin(),
                                       nullptr, q));

    double total = 0;
    for (size_t t = 0; t < sizes.size(); t++) {
        int64_t blocks = (sizes[t] + 1023) / 1024;
        std::vector<double> block(static_cast<size_t>(blocks));
        kz_mean_norm_f32__plain(sizes[t], inverse, g.data() + offset[t], block.data(), 0, blocks);
        total += kz_sum_f64(blocks, block.data());
    }
    double got = norm.values()[0], wanted = std::sqrt(total);
    ASSERT_TRUE(oracle::same(got, wanted))
        << got << ", wanted " << wanted << ": " << all << " elements in " << count << " tensors, order " << order;
    ASSERT_EQ(oracle::first_difference(to.values(), g), -1) << "order " << order;
    (void)square.values(); // nothing outside was written
    ASSERT_TRUE(q.intact());
}

int64_t total(const std::vector<int64_t> &sizes)
{
    int64_t n = 0;
    for (int64_t size : sizes) n += size;
    return n;
}

std::vector<int64_t> many(Random &random, size_t count, int64_t most)
{
    std::vector<int64_t> sizes(count);
    for (int64_t &n : sizes) n = random.below(4) ? random.below(most) : random.below(3);
    return sizes;
}

} // namespace

TEST(CudaMeanNorm, GivesThePlainBitsForAnyTensors)
{
    Random random(90);
    std::vector<std::vector<int64_t>> all = {{},
                                             {0},
                                             {1},
                                             {5, 0, 3},
                                             {0, 0, 7, 0},
                                             {31, 32, 33},
                                             {512, 513},
                                             {1023},
                                             {1024},
                                             {1025},
                                             {1023, 1, 1024, 64},
                                             {2048, 32, 320, 10},
                                             {100001, 7, 2049},
                                             {1025, 0, 0, 1},
                                             {70000, 0},
                                             {66560, 1024, 1024}};
    all.push_back(many(random, 40, 300));  // more than a warp's
    all.push_back(many(random, 70, 2500)); // of several thread blocks
    cuda::for_each_order([&](unsigned order) {
        for (const std::vector<int64_t> &sizes : all)
            expect_plain(sizes, cuda::numbers(random, total(sizes)), static_cast<float>(1.0 / 7), order % 2, order);
    });
}

TEST(CudaMeanNorm, WithoutCountersOneBlockDoesAll)
{
    Random random(93);
    for (const std::vector<int64_t> &sizes : {std::vector<int64_t>{7000, 3}, {70000, 0, 5}, {300}})
        for (unsigned order : {0u, 3u}) {
#ifdef KZ_CUDA_ON_CPU_H
            kz_cuda_on_cpu_order(order);
#endif
            expect_plain(sizes, cuda::numbers(random, total(sizes)), 0.25f, 0, order, false);
        }
#ifdef KZ_CUDA_ON_CPU_H
    kz_cuda_on_cpu_order(0);
#endif
}

TEST(CudaMeanNorm, HasMoreThanTwoLevels)
{
    Random random(91);
    const std::vector<int64_t> sizes = {5, 1024 * 1024 + 1025, 33};
    std::vector<float> g = cuda::numbers(random, total(sizes));
    cuda::for_each_order([&](unsigned order) { expect_plain(sizes, g, 0.125f, 0, order); });
}

TEST(CudaMeanNorm, PassesNonFiniteValuesAndDoesNotOverflow)
{
    Random random(92);
    for (int64_t n : {3, 1500, 70000}) {
        expect_plain({n, 5}, cuda::numbers(random, n + 5, true), 0.5f, 0, 0);
        std::vector<float> g(static_cast<size_t>(n + 5), 3e38f);
        expect_plain({n, 5}, g, 1, 0, 0);
        g[2] = oracle::kNan;
        expect_plain({n, 5}, g, 1, 0, 0);
        g[2] = -oracle::kInf;
        expect_plain({n, 5}, g, 1, 0, 0);
    }
}
