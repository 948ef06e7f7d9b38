/* Ranges, moments and histograms against values worked out by hand. */
#include "tests/support/data_hdf5.h"

extern "C" {
#include "data/inspect_impl.h"
}

#include <cmath>

namespace {

template <class T> kz_values values(kz_stored stored, const std::vector<T> &v, int64_t first = 0, int64_t stride = 1)
{
    int64_t n = ((int64_t)v.size() - first + stride - 1) / stride;
    return kz_values{stored, v.data(), first, stride, n};
}

std::vector<int64_t> counts(const kz_histogram &h)
{
    return std::vector<int64_t>(h.count, h.count + h.bins);
}

} // namespace

TEST(DataSummary, OfAFewNumbers)
{
    std::vector<double> v = {2, -1, 0, 7, -0.0};
    kz_values all = values(KZ_STORED_FLOAT64, v);
    kz_summary s = kz_summarise(&all);
    EXPECT_EQ(s.n, 5);
    EXPECT_EQ(s.min, -1);
    EXPECT_EQ(s.max, 7);
    EXPECT_EQ(s.mean, 1.6);
    EXPECT_EQ(s.zeros, 2);
    EXPECT_TRUE(s.whole);
    ASSERT_TRUE(std::fabs(s.deviation - std::sqrt((0.16 + 6.76 + 2.56 + 29.16 + 2.56) / 5)) <= 1e-15 * 4);
}

TEST(DataSummary, CountsNanAndInfinityApart)
{
    std::vector<float> v = {NAN, 1.5f, INFINITY, -INFINITY, 2.5f, -NAN};
    kz_values all = values(KZ_STORED_FLOAT32, v);
    kz_summary s = kz_summarise(&all);
    EXPECT_EQ(s.nan, 2);
    EXPECT_EQ(s.infinite, 2);
    EXPECT_EQ(s.min, 1.5);
    EXPECT_EQ(s.max, 2.5);
    EXPECT_EQ(s.mean, 2);
    EXPECT_EQ(s.deviation, 0.5);
    EXPECT_FALSE(s.whole);
    std::vector<float> none = {NAN, INFINITY};
    kz_values nothing = values(KZ_STORED_FLOAT32, none);
    s = kz_summarise(&nothing);
    EXPECT_TRUE(std::isnan(s.min) && std::isnan(s.mean) && std::isnan(s.deviation));
    EXPECT_EQ(kz_histogram_of(&nothing, &s, 8).bins, 0);
}

TEST(DataSummary, ReadsEveryTypeAndStride)
{
    std::vector<uint8_t> bytes = {1, 200, 2, 201, 3, 202};
    std::vector<int64_t> longs = {INT64_MIN, 5, -7, 5};
    kz_values second = values(KZ_STORED_UINT8, bytes, 1, 2), all = values(KZ_STORED_INT64, longs);
    kz_summary s = kz_summarise(&second);
    EXPECT_EQ(s.min, 200);
    EXPECT_EQ(s.max, 202);
    EXPECT_EQ(s.n, 3);
    EXPECT_EQ(kz_summarise(&all).min, -9223372036854775808.0);
}

/* Longer than a block, by the closed forms of 0 .. n - 1. */
TEST(DataSummary, OfManyNumbers)
{
    const int64_t n = 5001;
    std::vector<int32_t> v(n);
    for (int64_t i = 0; i < n; i++) v[(size_t)i] = (int32_t)i;
    kz_values all = values(KZ_STORED_INT32, v);
    kz_summary s = kz_summarise(&all);
    EXPECT_EQ(s.mean, 2500);
    ASSERT_TRUE(std::fabs(s.deviation - std::sqrt((double)(n * n - 1) / 12)) <= 1e-9);
    kz_histogram h = kz_histogram_of(&all, &s, 5);
    EXPECT_EQ(counts(h), (std::vector<int64_t>{1000, 1000, 1000, 1000, 1001}));
}

TEST(DataHistogram, WholeNumbersOfASmallRangeGetABinEach)
{
    std::vector<uint8_t> v = {3, 5, 5, 7, 7, 7};
    kz_values all = values(KZ_STORED_UINT8, v);
    kz_summary s = kz_summarise(&all);
    kz_histogram h = kz_histogram_of(&all, &s, 32);
    EXPECT_EQ(counts(h), (std::vector<int64_t>{1, 0, 2, 0, 3}));
    EXPECT_EQ(h.from, 2.5);
    EXPECT_EQ(h.to, 7.5);
}

TEST(DataHistogram, EdgesCountToTheRightAndTheLastIsIn)
{
    std::vector<double> v = {0, 0.25, 0.5, 0.75, 1, NAN, INFINITY};
    kz_values all = values(KZ_STORED_FLOAT64, v);
    kz_summary s = kz_summarise(&all);
    EXPECT_EQ(counts(kz_histogram_of(&all, &s, 4)), (std::vector<int64_t>{1, 1, 1, 2}));
    std::vector<double> same = {4.5, 4.5};
    kz_values constant = values(KZ_STORED_FLOAT64, same);
    s = kz_summarise(&constant);
    EXPECT_EQ(counts(kz_histogram_of(&constant, &s, 4)), std::vector<int64_t>{2});
    std::vector<double> wide = {-1e308, 1e308, 0};
    kz_values far = values(KZ_STORED_FLOAT64, wide);
    s = kz_summarise(&far);
    EXPECT_EQ(counts(kz_histogram_of(&far, &s, 4)), std::vector<int64_t>{3});
}

/* ---- the sample ---- */

TEST(DataSample, SmallArraysAreReadWhole)
{
    kz_array a = {};
    kz_node node = {};
    a.stored = KZ_STORED_FLOAT32;
    a.rank = 2;
    a.extent[0] = 1000, a.extent[1] = 10, a.extent[2] = a.extent[3] = 1;
    a.chunk_rows = 1;
    kz_sample s = kz_sample_of(&a, &node);
    EXPECT_EQ(s.spans, 1);
    EXPECT_EQ(s.total, 1000);
}

TEST(DataSample, LargeOnesInSpansOfWholeChunksWithinTheArray)
{
    for (int64_t rows : {(int64_t)1 << 20, ((int64_t)1 << 20) + 7, (int64_t)1 << 40, (int64_t)1 << 50})
        for (int64_t chunk : {1, 3, 1000, 1 << 18}) {
            kz_array a = {};
            kz_node node = {};
            a.stored = KZ_STORED_FLOAT32;
            a.rank = 2;
            a.extent[0] = rows, a.extent[1] = 784, a.extent[2] = a.extent[3] = 1;
            a.chunk_rows = chunk;
            node.chunk[0] = chunk, node.chunk[1] = 784;
            kz_sample s = kz_sample_of(&a, &node);
            ASSERT_GE(s.spans, 1);
            ASSERT_LE(s.spans, 16);
            EXPECT_EQ(s.rows % chunk, 0);
            EXPECT_EQ(s.step % chunk, 0);
            EXPECT_GE(s.step, s.rows);
            EXPECT_LE(s.rows, rows);
            EXPECT_LE((s.spans - 1) * s.step + 1, rows);
            EXPECT_LE(s.total, rows);
            if (chunk < 1000) {
                EXPECT_LE(s.total * 784 * 4, (64 << 20) + 784 * 4 * 16 * chunk);
            }
        }
}

/* ---- slow reading ---- */

namespace {

std::string remedy_of(int64_t chunk_rows, int64_t chunk_columns, const char *filters, double seconds, bool *slow)
{
    kz_test::Folder folder;
    {
        kz_test::Hdf5 f(folder / "a.h5");
        f.put("/x", H5T_NATIVE_FLOAT, {1}, {1});
    }
    kz_hdf5 *file = nullptr;
    EXPECT_EQ(kz_hdf5_open(&file, (folder / "a.h5").c_str()), KZ_OK);
    kz_array a = {};
    kz_node node = {};
    char path[] = "/train/x";
    a.stored = KZ_STORED_FLOAT32;
    a.rank = 2;
    a.extent[0] = 60000, a.extent[1] = 784, a.extent[2] = a.extent[3] = 1;
    node.path = path;
    node.chunk[0] = chunk_rows, node.chunk[1] = chunk_columns;
    std::snprintf(node.filters, sizeof node.filters, "%s", filters);
    json_t *j = nullptr;
    EXPECT_EQ(kz_inspect_reading(&j, file, &a, &node, 1e6, seconds), KZ_OK);
    *slow = json_is_true(json_object_get(j, "slow"));
    const char *text = json_string_value(json_object_get(j, "remedy"));
    std::string out = text ? text : "";
    if (out.find(folder / "a.h5") != std::string::npos)
        out.replace(out.find(folder / "a.h5"), (folder / "a.h5").size(), "OLD");
    json_decref(j);
    kz_hdf5_close(&file);
    return out;
}

} // namespace

TEST(DataReading, SlowArraysGetALineThatStoresThemBetter)
{
    bool slow;
    EXPECT_EQ(remedy_of(60000, 1, "gzip 9", 0.1, &slow),
              "h5repack -l /train/x:CHUNK=167x784 -f /train/x:SHUF -f /train/x:GZIP=1 OLD NEW.h5");
    EXPECT_TRUE(slow);
    EXPECT_EQ(remedy_of(1, 784, "", 0.1, &slow), "h5repack -l /train/x:CHUNK=167x784 OLD NEW.h5");
    EXPECT_EQ(remedy_of(167, 784, "shuffle, gzip 1", 0.1, &slow),
              "h5repack -l /train/x:CONTI -f /train/x:NONE OLD NEW.h5");
    EXPECT_EQ(remedy_of(0, 0, "", 0.1, &slow), "");
    EXPECT_TRUE(slow);
    EXPECT_EQ(remedy_of(60000, 1, "gzip 9", 0.001, &slow), ""); /* 1 GB/s */
    EXPECT_FALSE(slow);
}
