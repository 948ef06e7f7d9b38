// Rows picked, converted and scaled on the device: as the plain kernel does.
#include "device_array.h"

namespace {

using cuda::Array;
using cuda::Queue;
using oracle::Random;

struct Shape {
    int64_t rows, width;
    bool bytes;
    int scaling; // 0: none, 1: standard, 2: unit
    size_t shift_from, shift_to, shift_mean, shift_factor;
    int multiprocessors;
};

template <class T> void expect_plain(Random &random, const Shape &s, const std::vector<T> &source, int64_t begin)
{
    int64_t source_rows = static_cast<int64_t>(source.size()) / std::max<int64_t>(1, s.width);
    std::vector<int64_t> row(static_cast<size_t>(begin + s.rows));
    for (int64_t &r : row) r = random.below(source_rows);
    std::vector<float> mean = random.floats(s.width), factor = random.floats(s.width, 0.1, 9);
    std::vector<float> wanted(static_cast<size_t>(s.rows * s.width));
    kz_cursor cursor = {begin, 9};

    kz_gather g = {};
    g.rows = s.rows, g.width = s.width, g.bytes = sizeof(T);
    g.row = row.data(), g.at = begin ? &cursor : nullptr, g.from = source.data(), g.x = wanted.data();
    if (s.scaling == 1) g.mean = mean.data(), g.factor = factor.data();
    if (s.scaling == 2) g.divisor = 255;
    kz_gather_f32__plain(&g, 0, s.rows);

    Queue q(s.multiprocessors);
    Array<T> from(source, s.shift_from);
    Array<int64_t> rows(row);
    Array<kz_cursor> at({cursor});
    Array<float> means(mean, s.shift_mean), factors(factor, s.shift_factor);
    Array<float> x(std::vector<float>(wanted.size(), oracle::kNan), s.shift_to);
    g.row = rows.begin(), g.at = begin ? at.begin() : nullptr, g.from = from.begin(), g.x = x.begin();
    if (s.scaling == 1) g.mean = means.begin(), g.factor = factors.begin();
    cuda::check(kz_gather_f32__cuda(&g, q));
    ASSERT_EQ(oracle::first_difference(x.values(), wanted), -1)
        << s.rows << " x " << s.width << (s.bytes ? " bytes" : " floats") << ", scaling " << s.scaling;
    ASSERT_TRUE(q.intact());
}

void expect_plain(Random &random, const Shape &s, int64_t begin)
{
    int64_t n = 9 * s.width;
    std::vector<uint8_t> bytes(static_cast<size_t>(n));
    for (uint8_t &b : bytes) b = static_cast<uint8_t>(random.below(256));
    if (s.bytes) expect_plain(random, s, bytes, begin);
    else expect_plain(random, s, cuda::numbers(random, n, true), begin);
}

} // namespace

TEST(CudaGather, GivesThePlainBits)
{
    Random random(80);
    cuda::for_each_order([&](unsigned order) {
        for (int64_t rows : {1, 3, 37})
            for (int64_t width : {1, 2, 4, 7, 28, 64, 255, 784, 1028, 1031})
                for (bool bytes : {false, true})
                    for (int scaling : {0, 1, 2})
                        for (int multiprocessors : {1, 132})
                            expect_plain(random, {rows, width, bytes, scaling, 0, 0, 0, 0, multiprocessors}, order % 3);
    });
}

TEST(CudaGather, AlignmentChangesNothing)
{
    Random random(81);
    cuda::for_each_order([&](unsigned order) {
        for (size_t from : {0u, 1u, 2u, 4u})
            for (size_t to : {0u, 1u, 4u})
                for (size_t scale : {0u, 1u, 2u})
                    for (bool bytes : {false, true})
                        expect_plain(
                            random,
                            {5, 36, bytes, 1, from, to, scale & 1, scale & 2, 1 + 131 * static_cast<int>(order % 2)},
                            2);
    });
}

TEST(CudaGather, WideRowsAreCut)
{
    Random random(82);
    for (bool bytes : {false, true})
        for (int64_t width : {100000, 10003}) expect_plain(random, {2, width, bytes, 1, 0, 0, 0, 0, 1}, 1);
}

TEST(CudaGather, NoRowsOrColumnsAreFine)
{
    Random random(83);
    expect_plain(random, {0, 5, false, 1, 0, 0, 0, 0, 132}, 1);
    Queue q;
    kz_gather none = {};
    none.rows = 3;
    EXPECT_EQ(kz_gather_f32__cuda(&none, q), cudaSuccess);
}
