/* Scaling from the rows of train: by hand, and against kz_sum on copied columns. */
#include "tests/support/data_hdf5.h"

#include <cmath>

extern "C" {
#include "kernels/sum/sum.h"
}

using namespace kz_test;

namespace {

uint32_t next(uint32_t &state)
{
    return state = state * 1664525u + 1013904223u;
}

/* rows x columns of bytes or of floats of very different sizes; y counts up. */
Config table(const Folder &folder, hsize_t rows, hsize_t columns, bool bytes)
{
    Hdf5 f(folder / "a.h5");
    std::vector<double> x(rows * columns), y(rows);
    uint32_t state = 7;
    for (hsize_t i = 0; i < x.size(); i++) {
        double u = next(state) >> 8;
        x[i] = bytes ? std::fmod(u, 256) : (u - 8e6) * std::ldexp(1, (int)(next(state) >> 28));
    }
    for (hsize_t i = 0; i < rows; i++) y[i] = (double)i / 7;
    f.put("/train/x", bytes ? H5T_STD_U8LE : H5T_IEEE_F32LE, {rows, columns}, x);
    f.put("/train/y", H5T_IEEE_F64LE, {rows}, y);
    return Config(folder / "a.h5");
}

void expect_moments(const kz_data &d, int64_t column)
{
    std::vector<double> x((size_t)d.train.rows), square((size_t)d.train.rows);
    for (int64_t i = 0; i < d.train.rows; i++)
        x[(size_t)i] = (double)feature(d.train, (d.train.index ? d.train.index[i] : i) * d.features + column);
    double n = (double)d.train.rows, mean = kz_sum_f64(d.train.rows, x.data()) / n;
    for (size_t i = 0; i < x.size(); i++) square[i] = (x[i] - mean) * (x[i] - mean);
    double deviation = std::sqrt(kz_sum_f64(d.train.rows, square.data()) / n);
    ASSERT_EQ(d.scale_x.mean[column], (float)mean) << column;
    ASSERT_EQ(d.scale_x.factor[column], deviation > 0 ? (float)(1 / deviation) : 1) << column;
}

} // namespace

TEST(DataScale, StandardByHand)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5"); /* columns: 1 3 5 7 (mean 4, deviation sqrt 5), constant, -2 2 -2 2 */
        f.put("/train/x", H5T_NATIVE_DOUBLE, {4, 3}, {1, 0.1, -2, 3, 0.1, 2, 5, 0.1, -2, 7, 0.1, 2});
        f.put("/train/y", H5T_NATIVE_DOUBLE, {4, 2}, {10, 5, 10, 6, 30, 7, 30, 8});
        f.put("/test/x", H5T_NATIVE_DOUBLE, {1, 3}, {9, 9, 9});
        f.put("/test/y", H5T_NATIVE_DOUBLE, {1, 2}, {40, 6.5});
    }
    Config c(folder / "a.h5");
    c.test("/test/x", "/test/y");
    c.cfg.data.scale = "standard";
    c.cfg.data.scale_target = "auto";
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_STREQ(d->scale_x.kind, "standard");
    EXPECT_EQ(d->scale_x.divisor, 0);
    const float mean[] = {4, 0.1f, 0}, factor[] = {(float)(1 / std::sqrt(5.0)), 1, 0.5f};
    for (int j = 0; j < 3; j++) {
        EXPECT_EQ(d->scale_x.mean[j], mean[j]);
        EXPECT_EQ(d->scale_x.factor[j], factor[j]);
    }
    EXPECT_STREQ(d->scale_y.kind, "standard");
    EXPECT_EQ(d->target_mean[0], 20);
    EXPECT_EQ(d->target_deviation[0], 10);
    EXPECT_EQ(d->target_mean[1], 6.5);
    EXPECT_EQ(d->target_deviation[1], std::sqrt(1.25));
    EXPECT_EQ(d->train.value[0], -10 * 0.1f);
    EXPECT_EQ(d->train.value[1], -1.5f * (float)(1 / std::sqrt(1.25)));
    EXPECT_EQ(d->train.raw[7], 8.0f);
    EXPECT_EQ(d->test.value[0], 20 * 0.1f);
    EXPECT_EQ(d->test.value[1], 0.0f);
    EXPECT_EQ(d->test.raw[0], 40.0f);
}

TEST(DataScale, ColumnsFollowRuleThree)
{
    Folder folder;
    for (bool bytes : {true, false})
        for (hsize_t rows : {2u, 31u, 33u, 1023u, 1024u, 1025u, 3000u})
            for (hsize_t columns : {1u, 63u, 64u, 65u, 130u}) {
                Config c = table(folder, rows, columns, bytes);
                c.cfg.data.scale = "standard";
                Data d = open(c);
                ASSERT_TRUE(d);
                for (int64_t j = 0; j < d->features; j++) expect_moments(*d, j);
            }
}

TEST(DataScale, MoreThanAThousandBlocks)
{
    Folder folder;
    Config c = table(folder, 1024 * 1024 + 1500, 2, false);
    c.cfg.data.scale = "standard";
    c.cfg.data.scale_target = "standard";
    Data d = open(c);
    ASSERT_TRUE(d);
    for (int64_t j = 0; j < 2; j++) expect_moments(*d, j);
    std::vector<double> y(d->train.raw, d->train.raw + d->train.rows);
    EXPECT_EQ(d->target_mean[0], kz_sum_f64(d->train.rows, y.data()) / (double)d->train.rows);
}

TEST(DataScale, ValidationRowsHaveNoPart)
{
    Folder folder;
    Config c = table(folder, 2500, 5, false);
    c.cfg.data.scale = "standard";
    c.cfg.data.scale_target = "auto";
    c.cfg.data.valid.fraction = 0.3;
    Data d = open(c);
    ASSERT_TRUE(d);
    ASSERT_EQ(d->valid.rows, 750);
    for (int64_t j = 0; j < 5; j++) expect_moments(*d, j);
    std::vector<double> y;
    for (int64_t i : rows_of(d->train)) y.push_back((double)d->train.raw[i]);
    EXPECT_EQ(d->target_mean[0], kz_sum_f64(1750, y.data()) / 1750);
    EXPECT_EQ(d->valid.value, d->train.value);
    EXPECT_EQ(d->valid.raw, d->train.raw);
    for (int64_t i = 0; i < 2500; i++)
        ASSERT_EQ(d->train.value[i], (d->train.raw[i] - d->scale_y.mean[0]) * d->scale_y.factor[0]);
}

TEST(DataScale, UnitDividesByTheLargest)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/train/x", H5T_NATIVE_FLOAT, {3, 2}, {1, -8.5, 3, 4, 0, 8});
        f.put("/bytes/x", H5T_NATIVE_UCHAR, {3, 2}, {1, 2, 200, 4, 0, 8});
        f.put("/zeros/x", H5T_NATIVE_FLOAT, {3, 2}, {0, 0, 0, 0, 0, 0});
        f.put("/train/y", H5T_NATIVE_INT, {3}, {0, 1, 2});
    }
    const struct {
        const char *x;
        float divisor;
    } cases[] = {{"/train/x", 8.5f}, {"/bytes/x", 200}, {"/zeros/x", 1}};
    for (const auto &k : cases) {
        Config c(folder / "a.h5");
        c.train(k.x, "/train/y");
        c.cfg.data.scale = "unit";
        Data d = open(c);
        ASSERT_TRUE(d);
        EXPECT_STREQ(d->scale_x.kind, "unit");
        EXPECT_EQ(d->scale_x.divisor, k.divisor);
        EXPECT_EQ(d->scale_x.mean, nullptr);
        EXPECT_EQ(d->scale_x.factor, nullptr);
    }
}

TEST(DataScale, NoneKeepsNothing)
{
    Folder folder;
    Config c = table(folder, 5, 2, true);
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_STREQ(d->scale_x.kind, "none");
    EXPECT_STREQ(d->scale_y.kind, "none");
    EXPECT_EQ(d->scale_x.mean, nullptr);
    EXPECT_EQ(d->scale_y.factor, nullptr);
}

/* 1 / deviation is beyond binary32: without the rule the scaled value would be NaN or infinite. */
TEST(DataScale, TinyDeviationsCountAsNone)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/train/x", H5T_NATIVE_FLOAT, {2}, {0, 0x1p-149});
        f.put("/train/y", H5T_NATIVE_FLOAT, {2}, {0, 0x1p-149});
    }
    Config c(folder / "a.h5");
    c.cfg.data.scale = "standard";
    c.cfg.data.scale_target = "standard";
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_EQ(d->scale_x.factor[0], 1.0f);
    EXPECT_EQ(d->scale_y.factor[0], 1.0f);
    EXPECT_EQ(d->target_deviation[0], 1.0);
}
