// Losses on the device: as the plain kernels compute them.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

struct Batch {
    int which;
    int64_t rows, outputs;
    std::vector<float> z;
    std::vector<int32_t> label;
    std::vector<float> value, raw;
    std::vector<double> mean, deviation;
    std::vector<int64_t> row;
};

// Targets of more rows than the batch has, in any order.
Batch batch(Random &random, int which, int64_t rows, int64_t outputs, std::vector<float> z)
{
    int64_t targets = rows + 3;
    Batch b = {which, rows, outputs, std::move(z), {}, {}, {}, {}, {}, {}};
    for (int64_t i = 0; i < 2 + rows; i++) b.row.push_back(random.below(targets));
    int64_t classes =
        kz_loss_is_of_classes(which) ? std::max<int64_t>(outputs, which == KZ_LOSS_cross_entropy ? 1 : 2) : 0;
    for (int64_t i = 0; i < targets && classes; i++) b.label.push_back(static_cast<int32_t>(random.below(classes)));
    if (classes) return b;
    b.value = cuda::numbers(random, targets * outputs), b.raw = cuda::numbers(random, targets * outputs);
    for (int64_t j = 0; j < outputs; j++)
        b.mean.push_back(random.wild()), b.deviation.push_back(random.uniform(0.5, 2));
    return b;
}

// counters: with them the last thread block adds the rows up, without them launches of their own do.
void expect_plain(const Batch &b, int64_t begin, unsigned order = 0, bool counters = true)
{
    size_t rows = static_cast<size_t>(b.rows), n = rows * static_cast<size_t>(b.outputs);
    std::vector<float> dz(n, oracle::kNan);
    std::vector<double> loss(rows, -1), score(rows, -1);
    kz_cursor cursor = {begin, 4};
    kz_loss l = {};
    l.which = b.which, l.rows = b.rows, l.outputs = b.outputs, l.z = b.z.data(), l.row = b.row.data();
    l.at = begin ? &cursor : nullptr, l.label = b.label.data(), l.value = b.value.data(), l.raw = b.raw.data();
    l.mean = b.mean.data(), l.deviation = b.deviation.data();
    l.dz = dz.data(), l.row_loss = loss.data(), l.row_score = score.data();
    kz_loss_f32__plain(&l, 0, b.rows);

    Queue q(132, 1 << 14, 0, counters);
    Array<float> z(b.z, order % 2), dzs(std::vector<float>(n, oracle::kNan), order % 3);
    Array<float> value(b.value), raw(b.raw);
    Array<int64_t> row(b.row);
    Array<int32_t> label(b.label);
    Array<kz_cursor> at({cursor});
    Array<double> mean(b.mean), deviation(b.deviation);
    Array<double> losses(std::vector<double>(rows, -1)), scores(std::vector<double>(rows, -1));
    l.z = z.begin(), l.row = row.begin(), l.at = begin ? at.begin() : nullptr, l.label = label.begin();
    l.value = value.begin(), l.raw = raw.begin(), l.mean = mean.begin(), l.deviation = deviation.begin();
    l.dz = dzs.begin(), l.row_loss = losses.begin(), l.row_score = scores.begin();
    Array<double> sums({-1.0, -1.0});
    l.sum_loss = sums.begin(), l.sum_score = sums.begin() + 1;
    cuda::check(kz_loss_f32__cuda(&l, q));

    std::string what = kz_loss_name(b.which) + std::string(" ") + std::to_string(b.rows) + " x " +
                       std::to_string(b.outputs) + ", order " + std::to_string(order);
    ASSERT_EQ(oracle::first_difference(losses.values(), loss), -1) << what;
    ASSERT_EQ(oracle::first_difference(scores.values(), score), -1) << what;
    ASSERT_EQ(oracle::first_difference(dzs.values(), dz), -1) << what;
    const double wanted[] = {kz_sum_f64(b.rows, loss.data()), kz_sum_f64(b.rows, score.data())};
    ASSERT_TRUE(oracle::same(sums.values()[0], wanted[0])) << what << ": " << sums.values()[0] << ", not " << wanted[0];
    ASSERT_TRUE(oracle::same(sums.values()[1], wanted[1])) << what << ": " << sums.values()[1] << ", not " << wanted[1];
    ASSERT_TRUE(q.intact());
}

const int64_t numbers_of_classes[] = {1,  2,  3,  4,   5,   8,   10,   16,   17,   31,   32,  33,
                                      63, 64, 65, 100, 255, 257, 1000, 1023, 1024, 1025, 2049};

} // namespace

TEST(CudaCrossEntropy, GivesThePlainBits)
{
    Random random(110);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t n : numbers_of_classes)
            for (int64_t rows : {1, 2, 5, 70}) {
                if (n > 40 && rows > 5) continue;
                Batch b = batch(random, KZ_LOSS_cross_entropy, rows, n, random.floats(rows * n, -9, 9));
                expect_plain(b, rows % 3, order);
                for (float &z : b.z) z = std::round(z / 4); // ties
                expect_plain(b, rows % 3, order);
            }
    });
}

TEST(CudaCrossEntropy, OddValuesGiveThePlainBits)
{
    Random random(111);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t n : {2, 3, 10, 32, 33, 100, 1030})
            for (int64_t i = 0; i < (n < 100 ? 20 : 4); i++)
                expect_plain(batch(random, KZ_LOSS_cross_entropy, 3, n, cuda::numbers(random, 3 * n, true)), 1, order);
    });
}

// One NaN at a time: the score is that of the walk.
TEST(CudaCrossEntropy, ScoresOfRowsWithNanAreTheWalks)
{
    Random random(112);
    for (int64_t n : {2, 3, 10, 32, 33, 100})
        for (int i = 0; i < 20; i++) {
            Batch b = batch(random, KZ_LOSS_cross_entropy, 1, n, random.floats(n, -9, 9));
            b.z[i % 3 ? static_cast<size_t>(random.below(n)) : 0] = oracle::kNan;
            int32_t best = 0;
            for (int32_t j = 1; j < n; j++)
                if (b.z[static_cast<size_t>(j)] > b.z[static_cast<size_t>(best)]) best = j;
            for (int32_t &y : b.label) y = i % 2 ? best : y;
            expect_plain(b, 0);
        }
}

TEST(CudaCrossEntropy, HugeLogitsStayFinite)
{
    Random random(113);
    for (int64_t n : {3, 50, 1500}) {
        std::vector<float> z(static_cast<size_t>(n), -1e4f);
        for (float top : {1e4f, 3e38f, -0.0f}) {
            z[1] = top;
            expect_plain(batch(random, KZ_LOSS_cross_entropy, 1, n, z), 0);
        }
    }
}

TEST(CudaCrossEntropy, ManyClasses)
{
    Random random(114);
    expect_plain(batch(random, KZ_LOSS_cross_entropy, 2, 20001, random.floats(2 * 20001, -9, 9)), 1);
    Queue q;
    kz_loss l = {};
    l.which = KZ_LOSS_cross_entropy, l.rows = 1, l.outputs = 1024 * 1024 + 1;
    EXPECT_EQ(kz_loss_f32__cuda(&l, q), cudaErrorInvalidValue) << "more than kz_sum_f32 adds";
}

TEST(CudaBinaryCrossEntropy, GivesThePlainBits)
{
    Random random(115);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t rows : {0, 1, 31, 127, 128, 129, 1000}) {
            std::vector<float> z = random.floats(rows, -30, 30);
            expect_plain(batch(random, KZ_LOSS_binary_cross_entropy, rows, 1, z), 0, order);
            expect_plain(batch(random, KZ_LOSS_binary_cross_entropy, rows, 1, cuda::numbers(random, rows, true)), 2,
                         order);
        }
    });
}

TEST(CudaSquaredError, GivesThePlainBits)
{
    Random random(116);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t n : {1, 2, 4, 5, 31, 33, 127, 128, 129, 300})
            for (int64_t rows : {0, 1, 3, 4, 5, 130}) {
                if (n > 31 && rows > 5) continue;
                Batch b = batch(random, KZ_LOSS_squared_error, rows, n, cuda::numbers(random, rows * n));
                expect_plain(b, rows % 3, order);
                b.z = cuda::numbers(random, rows * n, true);
                expect_plain(b, rows % 3, order);
            }
    });
}

// Around a block of 1024 rows, and where the sums get launches of their own.
TEST(CudaLoss, SumsOfManyRowsAreTheRules)
{
    Random random(117);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t rows : {1023, 1024, 1025, 2049})
            for (bool counters : {true, false}) {
                if (order > 3 && rows != 1025) continue;
                Batch b = batch(random, KZ_LOSS_squared_error, rows, 1, cuda::numbers(random, rows, order == 2));
                expect_plain(b, rows % 2, order, counters);
                b = batch(random, KZ_LOSS_squared_error, rows, 5, cuda::numbers(random, rows * 5));
                expect_plain(b, rows % 2, order, counters);
            }
    });
    for (int64_t rows : {8192, 8193})
        expect_plain(batch(random, KZ_LOSS_squared_error, rows, 1, cuda::numbers(random, rows)), 0);
    expect_plain(batch(random, KZ_LOSS_cross_entropy, 1030, 10, random.floats(10300, -9, 9)), 1, 3);
    expect_plain(batch(random, KZ_LOSS_cross_entropy, 1030, 33, random.floats(1030 * 33, -9, 9)), 1, 2);
}

TEST(CudaLoss, RefusesWhatIsNotInTheList)
{
    Queue q;
    kz_loss l = {};
    l.which = KZ_LOSSES, l.rows = 1;
    EXPECT_EQ(kz_loss_f32__cuda(&l, q), cudaErrorInvalidValue);
    l.rows = 0;
    EXPECT_EQ(kz_loss_f32__cuda(&l, q), cudaSuccess);
}
