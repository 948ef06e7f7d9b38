// What streaming is made of: the order by windows, sums of columns from rows as they come, the total of r2.
#include "data_hdf5.h"

#include "data/column_sums.h"
#include "data/total_square.h"
#include "kernels/sum/sum.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace {

std::vector<float> drawn(int64_t n, unsigned seed)
{
    std::mt19937 random(seed);
    std::vector<float> x((size_t)n);
    for (float &v : x) v = (float)((double)random() / 4294967296.0 * 200 - 70);
    return x;
}

// ---- order ----

struct Windows {
    int64_t rows, block, window;
};

class StreamOrder : public testing::TestWithParam<Windows> {};

TEST_P(StreamOrder, VisitsEveryRowOnceAndKeepsTheRowsOfAWindowTogether)
{
    const Windows &w = GetParam();
    std::vector<int64_t> index((size_t)w.rows);
    std::iota(index.begin(), index.end(), 0);
    kz_windows rule = {w.rows, w.rows, nullptr, w.block, w.window};
    std::vector<int64_t> order(index.size()), again(index.size()), next(index.size());
    ASSERT_EQ(kz_data_shuffle_windows(order.data(), &rule, 5, 0), KZ_OK);
    ASSERT_EQ(kz_data_shuffle_windows(again.data(), &rule, 5, 0), KZ_OK);
    ASSERT_EQ(kz_data_shuffle_windows(next.data(), &rule, 5, 1), KZ_OK);
    EXPECT_EQ(order, again);
    EXPECT_TRUE(w.rows < 20 || order != next);
    std::vector<int64_t> sorted = order;
    std::sort(sorted.begin(), sorted.end());
    for (size_t i = 0; i < sorted.size(); i++) ASSERT_EQ(sorted[i], (int64_t)i);
    // Cut where the blocks seen make a whole window: no block comes back after that.
    int64_t blocks = (w.rows + w.block - 1) / w.block, per_window = w.window / w.block;
    std::vector<int64_t> window_of((size_t)blocks, -1), left((size_t)blocks);
    for (int64_t r : index) left[(size_t)(r / w.block)]++;
    int64_t now = 0, open = 0, seen = 0;
    for (int64_t i : order) {
        auto b = (size_t)(index[(size_t)i] / w.block);
        if (window_of[b] < 0) {
            if (open == 0 && seen >= per_window) now++, seen = 0;
            window_of[b] = now, open++, seen++;
        }
        ASSERT_EQ(window_of[b], now);
        if (--left[b] == 0) open--;
    }
}

INSTANTIATE_TEST_SUITE_P(All, StreamOrder,
                         testing::Values(Windows{1, 1, 1}, Windows{1000, 10, 10}, Windows{1000, 10, 100},
                                         Windows{997, 64, 256}, Windows{997, 64, 64}, Windows{50, 100, 200}));

TEST(StreamOrder, WithRowsHeldOutEveryOtherRowComesOnce)
{
    for (int64_t share : {5, 50, 99}) {
        std::vector<int64_t> index;
        std::mt19937 random(3);
        for (int64_t r = 0; r < 700; r++)
            if ((int64_t)(random() % 100) >= share) index.push_back(r);
        kz_windows rule = {700, (int64_t)index.size(), index.data(), 16, 64};
        std::vector<int64_t> order(index.size()), every(index.size());
        ASSERT_EQ(kz_data_shuffle_windows(order.data(), &rule, 9, 4), KZ_OK);
        std::iota(every.begin(), every.end(), 0);
        EXPECT_TRUE(std::is_permutation(order.begin(), order.end(), every.begin()));
    }
}

// ---- what is said ----

TEST(StreamNote, NamesWhatIsStreamedAndTheBlockThatCutsNoChunk)
{
    kz_test::Folder folder;
    std::string path = folder / "d.h5";
    std::vector<double> x(4000 * 20, 0.5), y(4000, 0);
    y[7] = 1;
    {
        kz_test::Hdf5 file(path);
        file.put("/train/x", H5T_NATIVE_FLOAT, {4000, 20}, x, {{37, 20}, true, false});
        file.put("/train/y", H5T_NATIVE_INT, {4000}, y);
    }
    kz_test::Config config(path);
    config.cfg.train.shuffle = "window", config.cfg.train.batch = 10;
    config.cfg.data.window = 320, config.cfg.data.window_block = 32, config.cfg.data.memory = 150000;
    kz_test::Data data = kz_test::open(config);
    ASSERT_TRUE(data);
    EXPECT_TRUE(data->train.streamed);
    EXPECT_EQ(data->train.x, nullptr);
    std::string note = data->note;
    EXPECT_NE(note.find("train, 328.1 KiB, is read while it is used, 320 rows (26.2 KiB) at a time"), std::string::npos)
        << note;
    EXPECT_NE(note.find("the chunks of /train/x have 37 rows: data.window_block: 37 would be read faster than 32"),
              std::string::npos)
        << note;
    config.cfg.data.window = 370, config.cfg.data.window_block = 37;
    data = kz_test::open(config);
    ASSERT_TRUE(data);
    EXPECT_EQ(std::string(data->note).find("chunks"), std::string::npos);
}

// ---- sums ----

TEST(StreamSums, AreThoseOfWholeColumnsHoweverTheRowsCome)
{
    for (int64_t n : {1, 31, 32, 33, 1023, 1024, 1025, 2048, 5000})
        for (int64_t columns : {1, 3, 64, 65, 130}) {
            std::vector<float> x = drawn(n * columns, (unsigned)(n + columns));
            std::vector<double> sums((size_t)columns), mean((size_t)columns, 1.25), column((size_t)n);
            for (int64_t piece : {n, (int64_t)1, (int64_t)700}) {
                for (bool squares : {false, true}) {
                    kz_column_sums *s = nullptr;
                    ASSERT_EQ(kz_column_sums_create(&s, n, columns), KZ_OK);
                    for (int64_t at = 0; at < n; at += piece) {
                        kz_column_rows rows = {};
                        rows.x = x.data() + at * columns, rows.stride = columns;
                        rows.rows = std::min(piece, n - at), rows.mean = squares ? mean.data() : nullptr;
                        kz_column_sums_add(s, &rows);
                    }
                    kz_column_sums_end(s, sums.data());
                    kz_column_sums_destroy(&s);
                    for (int64_t j = 0; j < columns; j++) {
                        for (int64_t i = 0; i < n; i++) {
                            double v = x[(size_t)(i * columns + j)];
                            column[(size_t)i] = squares ? (v - 1.25) * (v - 1.25) : v;
                        }
                        ASSERT_EQ(sums[(size_t)j], kz_sum_f64(n, column.data())) << n << " " << columns << " " << piece;
                    }
                }
            }
        }
}

TEST(StreamSums, TheTotalOfSquaresIsThatOfTargetAfterTarget)
{
    for (int64_t n : {1, 5, 1023, 1024, 1025, 1500, 3072, 4000})
        for (int64_t targets : {1, 2, 3, 8, 300}) {
            std::vector<float> y = drawn(n * targets, (unsigned)(7 * n + targets));
            std::vector<double> mean((size_t)targets), flat;
            for (int64_t j = 0; j < targets; j++) mean[(size_t)j] = 0.5 * (double)j - 3;
            for (int64_t j = 0; j < targets; j++)
                for (int64_t i = 0; i < n; i++) {
                    double d = (double)y[(size_t)(i * targets + j)] - mean[(size_t)j];
                    flat.push_back(d * d);
                }
            kz_total_square *t = nullptr;
            ASSERT_EQ(kz_total_square_create(&t, n, targets, mean.data()), KZ_OK);
            for (int64_t i = 0; i < n; i++) kz_total_square_add(t, y.data() + i * targets);
            EXPECT_EQ(kz_total_square_end(t), kz_sum_f64((int64_t)flat.size(), flat.data())) << n << " " << targets;
            kz_total_square_destroy(&t);
        }
}

} // namespace
