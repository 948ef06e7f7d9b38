/* The stand-in for the CUDA runtime: what is wrong with a kernel shows. */
#include "build.h"
#include "planted_run.h"

#include <cmath>
#include <set>

namespace {

class CudaOnCpuCatches : public CudaOnCpu {};

/* How many different results the orders give. */
size_t different_results(const planted_call &call)
{
    std::set<bits> seen;
    for (unsigned order = 0; order < 8; order++) {
        planted_result r = run_planted(call, order);
        EXPECT_EQ(r.error, cudaSuccess) << r.message;
        seen.insert(r.y);
    }
    return seen.size();
}

TEST_F(CudaOnCpuCatches, MissingBarrier)
{
    EXPECT_GT(different_results({planted_read_neighbour, 1, 128, 512, 0, counted(128), 128}), 1u);
}

TEST_F(CudaOnCpuCatches, MissingWarpSync)
{
    EXPECT_GT(different_results({planted_read_neighbour_in_warp, 1, 64, 256, 0, counted(64), 64}), 1u);
}

TEST_F(CudaOnCpuCatches, MissingWaitForCopies)
{
    EXPECT_GT(different_results({planted_read_before_wait, 1, 64, 256, 0, counted(64), 64}), 1u);
}

TEST_F(CudaOnCpuCatches, RaceOfBlocks)
{
    EXPECT_GT(different_results({planted_last_block_wins, 8, 32, 0, 0, {}, 32}), 1u);
}

TEST_F(CudaOnCpuCatches, UnsetSharedMemory)
{
    planted_call call = {planted_read_unset_shared, 1, 64, 256, 0, {}, 64};
    EXPECT_EQ(different_results(call), 8u);
    for (uint32_t u : run_planted(call, 0).y) {
        float f;
        memcpy(&f, &u, sizeof f);
        EXPECT_TRUE(std::isnan(f));
    }
}

/* The kernel is refused with the error, in every order, by a message that holds all the words. */
void expect_refusal(const planted_call &call, cudaError_t error, const std::vector<std::string> &words)
{
    for (unsigned order = 0; order < 8; order++) {
        planted_result r = run_planted(call, order);
        EXPECT_EQ(r.error, error) << "order " << order << ": " << cudaGetErrorName(r.error);
        for (const std::string &word : words)
            EXPECT_NE(r.message.find(word), std::string::npos) << "order " << order << ": " << r.message;
    }
}

TEST_F(CudaOnCpuCatches, BarrierThatSomeDoNotReach)
{
    std::vector<float> x = counted(64);
    expect_refusal({planted_barrier_in_branch, 2, 64, 0, 0, x, 64}, cudaErrorLaunchFailure,
                   {"kernel barrier_in_branch", "block (", "thread (", "__syncthreads at ", "only 16 of 64 threads"});
    expect_refusal({planted_barrier_after_return, 1, 64, 0, 64, x, 64}, cudaErrorLaunchFailure,
                   {"kernel barrier_after_return", "only 63 of 64 threads", "thread (63,0,0) has returned"});
    expect_refusal({planted_barrier_in_both_branches, 1, 64, 0, 0, x, 64}, cudaErrorLaunchFailure,
                   {"planted.cu:", "while other threads wait in __syncthreads at"});
}

TEST_F(CudaOnCpuCatches, WarpOperationThatSomeLanesDoNotReach)
{
    std::vector<float> x = counted(64);
    expect_refusal({planted_shuffle_in_branch, 1, 64, 0, 0, x, 64}, cudaErrorLaunchFailure,
                   {"kz_shuffle_down at ", "only 16 of 32 lanes", "waits in __syncthreads at "});
    expect_refusal({planted_vote, 1, 48, 0, 0, x, 64}, cudaErrorLaunchFailure,
                   {"kz_ballot at ", "only 16 of 32 lanes", "the block ends within the warp"});
    expect_refusal({planted_shuffle_from_lane_40, 1, 32, 0, 0, x, 64}, cudaErrorLaunchFailure,
                   {"40 is not within 0 .. 31"});
}

TEST_F(CudaOnCpuCatches, WrongAsynchronousCopies)
{
    std::vector<float> x = counted(64);
    expect_refusal({planted_copy_not_waited, 1, 64, 256, 0, x, 1}, cudaErrorLaunchFailure,
                   {"has not waited for 1 asynchronous copies"});
    expect_refusal({planted_copy_not_committed, 1, 64, 256, 0, x, 1}, cudaErrorLaunchFailure,
                   {"has not waited for 1 asynchronous copies"});
    expect_refusal({planted_copy_misaligned, 1, 4, 256, 0, x, 1}, cudaErrorMisalignedAddress,
                   {"16 bytes from", "aligned"});
    expect_refusal({planted_copy_beyond_shared, 1, 1, 64, 16, x, 1}, cudaErrorIllegalAddress,
                   {"to byte 64 of 64 bytes of shared memory"});
    expect_refusal({planted_copy_beyond_global, 1, 64, 256, 64, x, 1}, cudaErrorIllegalAddress,
                   {"not within device memory"});
    expect_refusal({planted_copy_over_shared, 1, 1, 64, 0, x, 1}, cudaErrorIllegalAddress, {"bytes of shared memory"});
}

/* Memory errors end the program under AddressSanitizer, which says what was done. */
using CudaOnCpuDeathTest = CudaOnCpu;

#define EXPECT_CAUGHT(call)                                                                                            \
    if (!build::sanitized) GTEST_SKIP() << "needs AddressSanitizer: build with the preset dev";                        \
    testing::FLAGS_gtest_death_test_style = "threadsafe";                                                              \
    EXPECT_DEATH(run_planted(call, 0), "AddressSanitizer: heap-(buffer-overflow|use-after-free)")

TEST_F(CudaOnCpuDeathTest, WriteBeyondGlobalMemory)
{
    EXPECT_CAUGHT((planted_call{planted_write_beyond_global, 1, 32, 0, 33, {}, 33}));
}

TEST_F(CudaOnCpuDeathTest, ReadBeforeGlobalMemory)
{
    EXPECT_CAUGHT((planted_call{planted_read_before_global, 1, 32, 0, 0, counted(32), 32}));
}

TEST_F(CudaOnCpuDeathTest, ReadBeyondSharedMemory)
{
    EXPECT_CAUGHT((planted_call{planted_read_beyond_shared, 1, 32, 128, 32, {}, 32}));
}

TEST_F(CudaOnCpuDeathTest, WriteBeyondSharedMemory)
{
    planted_call call = {planted_write_beyond_shared, 1, 32, 128, 32, {}, 32};
    if (!build::sanitized) { /* the bytes around it are looked at after the block */
        planted_result r = run_planted(call, 0);
        EXPECT_EQ(r.error, cudaErrorIllegalAddress);
        EXPECT_NE(r.message.find("outside its 128 bytes of shared memory"), std::string::npos) << r.message;
        return;
    }
    EXPECT_CAUGHT(call);
}

/* A graph that was recorded before the memory was freed. */
void launch_after_free(void)
{
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t run;
    planted p = {1, 32, 0, 32, nullptr, nullptr, nullptr};
    (void)cudaMalloc(&p.y, 128);
    (void)cudaStreamCreate(&stream);
    (void)cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    p.stream = stream;
    (void)planted_double_each(p);
    (void)cudaStreamEndCapture(stream, &graph);
    (void)cudaGraphInstantiate(&run, graph, 0);
    (void)cudaFree(p.y);
    (void)cudaGraphLaunch(run, stream);
}

TEST_F(CudaOnCpuDeathTest, UseAfterFree)
{
    if (!build::sanitized) GTEST_SKIP() << "needs AddressSanitizer: build with the preset dev";
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    EXPECT_DEATH(launch_after_free(), "AddressSanitizer: heap-use-after-free");
}

} // namespace
