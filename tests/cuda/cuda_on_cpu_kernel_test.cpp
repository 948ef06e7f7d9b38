/* The stand-in for the CUDA runtime: what right kernels compute, in every order. */
#include "planted_run.h"

#include <algorithm>

namespace {

class CudaOnCpuKernel : public CudaOnCpu {};

/* The kernel's results, which must be the same in all orders. */
std::vector<float> in_all_orders(const planted_call &call)
{
    std::vector<float> y(call.y);
    for (unsigned order = 0; order < ORDERS; order++) {
        planted_result r = run_planted(call, order);
        EXPECT_EQ(r.error, cudaSuccess) << "order " << order << ": " << r.message;
        std::vector<float> now(r.y.size());
        if (!now.empty()) memcpy(now.data(), r.y.data(), now.size() * sizeof(float));
        if (order == 0) y = now;
        EXPECT_EQ(bits_of(y), r.y) << "order " << order;
    }
    return y;
}

TEST_F(CudaOnCpuKernel, BarriersAndWarpsSumBlocks)
{
    planted_call call = {planted_sum_blocks, 3, 256, 32, 700, counted(700), 3};
    EXPECT_EQ(in_all_orders(call), (std::vector<float>{32896.0f, 98432.0f, 114022.0f}));
}

TEST_F(CudaOnCpuKernel, SharedMemoryIsHandedOnAtBarriers)
{
    for (unsigned threads : {1u, 2u, 31u, 96u, 100u, 1024u}) {
        planted_call call = {planted_turn_twice, 1, threads, threads * sizeof(float), 0, counted(threads), threads};
        std::vector<float> wanted = counted(threads);
        std::rotate(wanted.begin(), wanted.end() - (threads > 2 ? 2 : 0), wanted.end());
        EXPECT_EQ(in_all_orders(call), wanted) << threads << " threads";
    }
}

TEST_F(CudaOnCpuKernel, ShufflesTakeFromTheRightLane)
{
    planted_call call = {planted_shuffle_all, 1, 32, 0, 1000, counted(32), 192};
    std::vector<float> y = in_all_orders(call);
    for (size_t i = 0; i < 32; i++) {
        EXPECT_EQ(y[i], (float)(i + 3 < 32 ? i + 4 : i + 1)) << "down, lane " << i;
        EXPECT_EQ(y[32 + i], (float)((i ^ 5) + 1)) << "xor, lane " << i;
        EXPECT_EQ(y[64 + i], 8.0f) << "from lane 7, lane " << i;
        EXPECT_EQ(y[96 + i], (float)((i ^ 31) + 1)) << "xor of binary64, lane " << i;
        EXPECT_EQ(y[128 + i], (float)(i + 1 < 32 ? i + 1 : i)) << "down of int64_t, lane " << i;
        EXPECT_EQ(y[160 + i], (float)(1000 - (i + 1) % 32)) << "from the next lane, lane " << i;
    }
}

TEST_F(CudaOnCpuKernel, BallotCountsTheWarpAlone)
{
    std::vector<float> x(96, -1.0f), wanted(96, 0.0f);
    for (size_t i = 32; i < 45; i++) x[i] = 1.0f;
    x[95] = 1.0f;
    std::fill(wanted.begin() + 32, wanted.begin() + 64, 13.0f);
    std::fill(wanted.begin() + 64, wanted.end(), 1.0f);
    planted_call call = {planted_vote, 1, 96, 0, 0, x, 96};
    EXPECT_EQ(in_all_orders(call), wanted);
}

TEST_F(CudaOnCpuKernel, AsynchronousCopiesArriveInStages)
{
    for (size_t n : {1u, 255u, 256u, 257u, 1000u, 1024u}) {
        size_t padded = (n + 255) / 256 * 256;
        std::vector<float> wanted(padded, 0.0f);
        for (size_t i = 0; i < n; i++) wanted[i] = 3.0f * (float)(i + 1);
        planted_call call = {planted_fetch_staged, 1, 64, 3 * 256 * sizeof(float), (int64_t)n, counted(n), padded};
        EXPECT_EQ(in_all_orders(call), wanted) << n << " numbers";
    }
}

TEST_F(CudaOnCpuKernel, AtomicAdditionsAllCount)
{
    planted_call call = {planted_count_atomic, 37, 100, 0, 0, {}, 1};
    std::vector<float> y = in_all_orders(call);
    EXPECT_EQ(bits_of(y), bits{3700});
}

TEST_F(CudaOnCpuKernel, IndicesCoverThreeDimensions)
{
    planted_call call = {planted_write_index, dim3(3, 4, 2), dim3(5, 3, 2), 0, 0, {}, 720};
    std::vector<float> wanted(720);
    for (size_t i = 0; i < wanted.size(); i++) wanted[i] = (float)i;
    EXPECT_EQ(in_all_orders(call), wanted);
}

/* The order in which 4 blocks of 8 threads came. */
std::vector<float> tickets(unsigned order)
{
    planted_result r = run_planted({planted_take_tickets, 4, 8, 0, 0, {}, 33}, order);
    EXPECT_EQ(r.y[0], 32u);
    std::vector<float> came(32);
    memcpy(came.data(), r.y.data() + 1, 32 * sizeof(float));
    return came;
}

TEST_F(CudaOnCpuKernel, OrdersDifferAndRepeat)
{
    std::vector<float> natural(32);
    for (size_t i = 0; i < 32; i++) natural[i] = (float)i;
    std::vector<std::vector<float>> seen;
    for (unsigned order = 0; order < ORDERS; order++) {
        std::vector<float> came = tickets(order), sorted = came;
        EXPECT_EQ(came, tickets(order)) << "order " << order << " is another one the second time";
        EXPECT_EQ(std::find(seen.begin(), seen.end(), came), seen.end()) << "order " << order << " is not new";
        seen.push_back(came);
        std::sort(sorted.begin(), sorted.end());
        EXPECT_EQ(sorted, natural) << "order " << order;
    }
    EXPECT_EQ(seen[0], natural);
    std::reverse(natural.begin(), natural.end());
    EXPECT_EQ(seen[1], natural);
}

} // namespace
