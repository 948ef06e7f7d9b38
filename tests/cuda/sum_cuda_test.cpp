// Sums on the device: rule 3, vectors added, the tally at a step's end.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

std::vector<double> wild(Random &random, int64_t n)
{
    std::vector<double> x(static_cast<size_t>(n));
    for (double &v : x) v = random.wild();
    return x;
}

double sum(const std::vector<double> &x, size_t shift = 0)
{
    int64_t n = static_cast<int64_t>(x.size()), room = 0;
    for (int64_t left = n; left > 1; left = (left + 1023) / 1024) room += 2 * ((left + 1023) / 1024);
    Queue q(132, room); // not a block sum more
    Array<double> from(x, shift), out({-1.0});
    cuda::check(kz_sum_f64__cuda(n, from.begin(), out.begin(), q));
    EXPECT_TRUE(q.intact());
    return out.values()[0];
}

} // namespace

TEST(CudaSum, FollowsTheRuleAtEverySize)
{
    Random random(70);
    std::vector<std::vector<double>> all;
    for (int64_t n : {0, 1, 2, 31, 32, 33, 511, 513, 1023, 1024, 1025, 2047, 5000, 31 * 1024 + 1, 32768, 32769, 70001})
        all.push_back(wild(random, n));
    cuda::for_each_order([&](unsigned order) {
        for (const std::vector<double> &x : all)
            ASSERT_EQ(oracle::bits(sum(x, order % 2)),
                      oracle::bits(kz_sum_f64(static_cast<int64_t>(x.size()), x.data())))
                << "n " << x.size() << ", order " << order;
    });
}

TEST(CudaSum, HasMoreThanTwoLevels)
{
    Random random(71);
    std::vector<double> x = wild(random, 1024 * 1024 + 1);
    cuda::for_each_order([&](unsigned order) {
        ASSERT_EQ(oracle::bits(sum(x)), oracle::bits(kz_sum_f64(1024 * 1024 + 1, x.data()))) << order;
    });
}

// Two launches before the last: beyond 32768 blocks.  Mostly zeros, of which no copy is kept here.
TEST(CudaSum, TakesBlockSumsAsAVectorAgain)
{
    Random random(74);
    const int64_t n = 32768 * 1024 + 1, some = 5000;
    const std::vector<int64_t> at = {0, 1024 * 1024 + 7, n - some};
    const std::vector<double> x = wild(random, some);
    double *all = nullptr;
    kz_running_sum wanted = {};
    cuda::check(cudaMalloc(&all, static_cast<size_t>(n) * sizeof *all));
    cuda::check(cudaMemset(all, 0, static_cast<size_t>(n) * sizeof *all));
    for (int64_t begin : at)
        cuda::check(
            cudaMemcpy(all + begin, x.data(), static_cast<size_t>(some) * sizeof(double), cudaMemcpyHostToDevice));
    for (int64_t i = 0, part = 0; i < n; i++) {
        bool in = part < 3 && i >= at[static_cast<size_t>(part)];
        kz_running_sum_add(&wanted, in ? x[static_cast<size_t>(i - at[static_cast<size_t>(part)])] : 0.0);
        if (in && i + 1 == at[static_cast<size_t>(part)] + some) part++;
    }
#ifdef KZ_CUDA_ON_CPU_H
    kz_cuda_on_cpu_order(1); // backwards: a sum that overwrote what another one still needs is seen
#endif
    Array<double> out({-1.0});
    {
        Queue q(132, 2 * (32769 + 33));
        cuda::check(kz_sum_f64__cuda(n, all, out.begin(), q));
        EXPECT_EQ(oracle::bits(out.values()[0]), oracle::bits(kz_running_sum_end(&wanted)));
        EXPECT_TRUE(q.intact());
    }
    cuda::check(cudaFree(all));
#ifdef KZ_CUDA_ON_CPU_H
    kz_cuda_on_cpu_order(0);
#endif
}

TEST(CudaSum, OfNothingAndOfMinusZeroIsPlusZero)
{
    for (size_t n : {0u, 1u, 33u, 1025u}) ASSERT_EQ(oracle::bits(sum(std::vector<double>(n, -0.0))), 0u) << n;
}

TEST(CudaSum, PassesNonFiniteValuesOn)
{
    for (size_t n : {1u, 40u, 1024u, 1025u, 40000u}) {
        std::vector<double> x(n, 1.0);
        x[n - 1] = NAN;
        EXPECT_TRUE(std::isnan(sum(x))) << n;
        x[n - 1] = -INFINITY;
        EXPECT_EQ(sum(x), -INFINITY) << n;
    }
}

TEST(CudaSum, RefusesScratchThatIsTooSmall)
{
    Queue q(132, 63); // 33 block sums need 66
    Array<double> x(std::vector<double>(32769, 1.0)), out({-1.0});
    EXPECT_EQ(kz_sum_f64__cuda(32769, x.begin(), out.begin(), q), cudaErrorInvalidValue);
    EXPECT_EQ(out.values()[0], -1.0);
}

TEST(CudaAdd, AddsEveryElementOnce)
{
    Random random(72);
    cuda::for_each_order([&](unsigned order) {
        size_t other = order % 2;
        for (int64_t n : {0, 1, 3, 4, 5, 255, 256, 1023, 1024, 1025, 5003})
            for (size_t shift : {0u, 1u, 4u})
                for (int multiprocessors : {1, 132}) {
                    std::vector<float> a = cuda::numbers(random, n, true), b = cuda::numbers(random, n, true), wanted;
                    for (size_t i = 0; i < a.size(); i++) wanted.push_back(a[i] + b[i]);
                    Queue q(multiprocessors);
                    Array<float> to(a, shift), from(b, other);
                    cuda::check(kz_add_f32__cuda(n, from.begin(), to.begin(), q));
                    ASSERT_EQ(oracle::first_difference(to.values(), wanted), -1) << n << ", order " << order;
                    ASSERT_TRUE(q.intact() && from.values().size() == b.size());
                }
    });
}

namespace {

struct Standing {
    kz_cursor at;
    kz_tally tally;
};

bool same(const Standing &a, const Standing &b)
{
    return a.at.begin == b.at.begin && a.at.step == b.at.step && oracle::same(a.tally.loss, b.tally.loss) &&
           oracle::same(a.tally.score, b.tally.score) && a.tally.bad_step == b.tally.bad_step &&
           a.tally.step == b.tally.step;
}

void tally_both(Standing &s, int64_t rows, const std::vector<double> &loss, const std::vector<double> &score,
                double norm)
{
    int64_t parts = static_cast<int64_t>(loss.size());
    Queue q;
    Array<double> losses(loss), scores(score), norms({-1.0}), square(std::vector<double>(size_t{2}, -1.0));
    Array<float> gradient({static_cast<float>(norm)});
    Array<int64_t> offset({0, 1});
    Array<kz_cursor> at({s.at});
    Array<kz_tally> tally({s.tally});
    kz_step_totals end = {rows, parts, losses.begin(), scores.begin(), at.begin(), tally.begin()};
    ASSERT_GE(2, kz_norm_squares(1, 1));
    cuda::check(
        kz_mean_norm_f32__cuda(1, offset.begin(), 1, 1.0f, gradient.begin(), square.begin(), norms.begin(), &end, q));
    ASSERT_TRUE(oracle::same(norms.values()[0], norm));
    kz_tally_step(kz_tree_f64(parts, loss.data()), kz_tree_f64(parts, score.data()), norm, rows, &s.at, &s.tally);
    Standing got = {at.values()[0], tally.values()[0]};
    ASSERT_TRUE(same(got, s)) << parts << " parts, loss " << got.tally.loss << ", wanted " << s.tally.loss;
}

} // namespace

TEST(CudaTally, AddsTheTreeOfThePartsAndMovesTheCursor)
{
    Random random(73);
    cuda::for_each_order([&](unsigned) {
        Standing s = {{5, 100}, {0.5, 2, -1, 99}};
        for (int64_t parts : {1, 2, 3, 5, 8, 31, 32, 33, 63, 64, 65, 100, 992, 1023, 1024, 1025})
            tally_both(s, 7, wild(random, parts), wild(random, parts), 1.5);
        EXPECT_EQ(s.at.begin, 5 + 16 * 7);
        EXPECT_EQ(s.at.step, 116);
        EXPECT_EQ(s.tally.bad_step, -1);
    });
}

TEST(CudaTally, NotesTheFirstStepThatIsNotFiniteAndAddsNothingAfter)
{
    for (double loss : {1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)})
        for (double norm : {1.0, static_cast<double>(NAN), static_cast<double>(INFINITY)}) {
            Standing s = {{0, 3}, {0, 0, -1, -1}};
            tally_both(s, 4, {loss}, {2}, norm);
            EXPECT_EQ(s.tally.bad_step, std::isfinite(loss) && std::isfinite(norm) ? -1 : 3);
            tally_both(s, 4, {1, 2}, {3, 4}, 1);
            EXPECT_EQ(s.tally.score, s.tally.bad_step < 0 ? 9 : 2);
        }
}
