// A feed's windows: who has them, for how long, and where they lie.
#include "data_hdf5.h"

#include "kz/data_stream.h"

#include <cstring>

namespace {

constexpr int64_t rows = 2000, columns = 20, batch = 10;

// Rows that hold their own number, larger than what may be held.
kz_test::Data open_streamed(const std::string &path, kz_test::Config &config)
{
    std::vector<double> x(rows * columns), y(rows, 0);
    for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<double>(i / columns);
    y[7] = 1;
    {
        kz_test::Hdf5 file(path);
        file.put("/train/x", H5T_NATIVE_FLOAT, {rows, columns}, x);
        file.put("/train/y", H5T_NATIVE_INT, {rows}, y);
    }
    config.cfg.train.shuffle = "window", config.cfg.train.batch = batch;
    config.cfg.data.window = 320, config.cfg.data.window_block = 32, config.cfg.data.memory = 120000;
    return kz_test::open(config);
}

bool lies_within(const kz_feed *feed, const void *p, size_t bytes)
{
    const void *at;
    size_t n;
    for (int i = 0; kz_feed_memory(feed, i, &at, &n); i++) {
        const char *begin = static_cast<const char *>(at), *mine = static_cast<const char *>(p);
        if (mine >= begin && mine + bytes <= begin + n) return true;
    }
    return false;
}

} // namespace

TEST(Feed, WindowsAreTheCallersUntilTheyAreGivenBack)
{
    kz_test::Folder folder;
    kz_test::Config config(folder / "d.h5");
    kz_test::Data data = open_streamed(folder / "d.h5", config);
    ASSERT_TRUE(data && data->train.streamed);
    kz_feed *feed = nullptr;
    kz_window w[2];
    kz_pass pass = {};
    pass.split = &data->train, pass.batch = batch;
    ASSERT_EQ(kz_feed_create(&feed, data.get(), &config.cfg), KZ_OK);
    ASSERT_EQ(kz_feed_begin(feed, &pass), KZ_OK);
    for (kz_window &one : w) ASSERT_EQ(kz_feed_next(feed, &one), KZ_OK);
    EXPECT_NE(w[0].slot, w[1].slot);
    EXPECT_EQ(w[1].first, w[0].rows);
    EXPECT_FALSE(kz_feed_wait(feed, 0.05)) << "both are borrowed";
    EXPECT_FALSE(kz_feed_has(feed));
    std::vector<float> kept(static_cast<size_t>(w[0].held * columns));
    std::memcpy(kept.data(), w[0].x, kept.size() * sizeof(float));
    for (const kz_window &one : w) {
        size_t held = static_cast<size_t>(one.held);
        EXPECT_TRUE(lies_within(feed, one.x, held * columns * sizeof(float)));
        EXPECT_TRUE(lies_within(feed, one.label, held * sizeof *one.label));
        EXPECT_TRUE(lies_within(feed, one.row, static_cast<size_t>(one.rows) * sizeof *one.row));
    }
    kz_error_clear();
    EXPECT_EQ(kz_feed_begin(feed, &pass), KZ_E_ARG) << "windows are borrowed";
    kz_feed_give_back(feed, &w[1]); // the later one: nothing comes before the first is back as well
    EXPECT_FALSE(kz_feed_wait(feed, 0.05));
    EXPECT_EQ(std::memcmp(kept.data(), w[0].x, kept.size() * sizeof(float)), 0);
    kz_feed_give_back(feed, &w[0]);
    while (!kz_feed_wait(feed, 0.1)) continue;
    EXPECT_TRUE(kz_feed_has(feed));
    EXPECT_EQ(kz_feed_begin(feed, &pass), KZ_OK) << "none is borrowed";
    ASSERT_EQ(kz_feed_next(feed, &w[0]), KZ_OK);
    EXPECT_EQ(w[0].first, 0);
    kz_feed_destroy(&feed);
}
