/* Shuffles and validation rows.  The numbers come from a Philox and a Fisher-Yates written in Python. */
#include "tests/support/data_hdf5.h"

#include <algorithm>
#include <numeric>

using namespace kz_test;

namespace {

std::vector<int64_t> shuffled(int64_t n, uint64_t seed, uint32_t epoch)
{
    std::vector<int64_t> order((size_t)n);
    kz_data_shuffle(order.data(), n, seed, epoch);
    return order;
}

/* `rows` rows of one column. */
Config column(const Folder &folder, hsize_t rows)
{
    Hdf5 f(folder / "a.h5");
    std::vector<double> x(rows), y(rows);
    for (hsize_t i = 0; i < rows; i++) x[i] = (double)i, y[i] = (double)(i % 2);
    f.put("/train/x", H5T_NATIVE_FLOAT, {rows}, x);
    f.put("/train/y", H5T_NATIVE_UCHAR, {rows}, y);
    return Config(folder / "a.h5");
}

} // namespace

TEST(DataShuffle, IsTheDocumentedPermutation)
{
    using rows = std::vector<int64_t>;
    EXPECT_EQ(shuffled(10, 1, 0), (rows{5, 4, 6, 8, 2, 9, 1, 7, 0, 3}));
    EXPECT_EQ(shuffled(10, 1, 1), (rows{4, 3, 9, 5, 7, 2, 1, 8, 0, 6}));
    EXPECT_EQ(shuffled(10, 0x123456789abcdef0, UINT32_MAX), (rows{7, 8, 1, 5, 9, 6, 3, 0, 4, 2}));
    EXPECT_EQ(shuffled(1, 1, 0), rows{0});
    kz_data_shuffle(nullptr, 0, 1, 0);
}

TEST(DataShuffle, IsAPermutationOfManyRows)
{
    std::vector<int64_t> order = shuffled(1000, 42, 5), sorted = order, all(1000);
    kz_sha256 *h = nullptr;
    uint8_t sum[32];
    char text[KZ_DIGEST_TEXT];
    std::iota(all.begin(), all.end(), 0);
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, all);
    ASSERT_EQ(kz_sha256_create(&h), KZ_OK);
    kz_sha256_add(h, order.data(), 8000);
    kz_sha256_end(h, sum);
    kz_sha256_destroy(&h);
    kz_digest_text(text, sum);
    EXPECT_STREQ(text, "sha256:55a229d6a93da74d664bd7da3136402c2baeb9cbb16420cf443996b01dbd767d");
}

TEST(DataValid, RowsAreDrawnBySeedAndKeepTheirOrder)
{
    Folder folder;
    Config c = column(folder, 10);
    c.cfg.data.valid.fraction = 0.3;
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_EQ(rows_of(d->valid), (std::vector<int64_t>{5, 7, 8}));
    EXPECT_EQ(rows_of(d->train), (std::vector<int64_t>{0, 1, 2, 3, 4, 6, 9}));
    EXPECT_EQ(d->valid.x, d->train.x);
    EXPECT_EQ(d->valid.label, d->train.label);
    EXPECT_EQ(d->bytes, 10 * (4 + 4 + 8));
    Config other = column(folder, 12);
    other.cfg.seed = 7;
    other.cfg.data.valid.fraction = 0.25;
    EXPECT_EQ(rows_of(open(other)->valid), (std::vector<int64_t>{2, 7, 10}));
}

TEST(DataValid, HalvesAreRoundedUp)
{
    Folder folder;
    const struct {
        double fraction;
        int64_t rows;
    } cases[] = {{0.05, 1}, {0.0499, 0}, {0.15, 2}, {0.25, 3}, {0.949, 9}, {0.95, 10}};
    for (const auto &k : cases) {
        Config c = column(folder, 10);
        c.cfg.data.valid.fraction = k.fraction;
        if (k.rows > 0 && k.rows < 10) {
            EXPECT_EQ(open(c)->valid.rows, k.rows) << k.fraction;
            continue;
        }
        char message[200];
        std::snprintf(message, sizeof message,
                      "data.valid.fraction: %g of the 10 rows of train are %d rows, which leaves none %s", k.fraction,
                      (int)k.rows, k.rows ? "to train on" : "to validate with");
        expect_refused(c, KZ_E_CONFIG, message);
    }
}
