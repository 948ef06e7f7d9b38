/* The digest of a data set: as documented in kz/data.h, and of nothing else. */
#include "tests/support/data_hdf5.h"

using namespace kz_test;

namespace {

/* How a file is written; the defaults hold the numbers of the first test. */
struct How {
    const char *x = "/train/x";
    hid_t x_type = H5T_STD_I16LE, y_type = H5T_STD_U8LE;
    Layout layout = {};
    std::vector<hsize_t> y_extent = {3};
    double last = -3;
    bool valid = false;
};

std::string digest_of(const How &how)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put(how.x, how.x_type, {3, 2}, {1, 2, 256, -1, 5, how.last}, how.layout);
        f.put("/train/y", how.y_type, how.y_extent, {0, 1, 2});
        f.text("class_names", {"not", "part", "of it"});
    }
    Config c(folder / "a.h5");
    c.train(how.x, "/train/y");
    if (how.valid) c.cfg.data.valid.fraction = 0.3;
    Data d = open(c);
    return d ? d->digest : "failed";
}

std::string sha256(const std::string &bytes)
{
    kz_sha256 *h = nullptr;
    uint8_t sum[32];
    char text[KZ_DIGEST_TEXT];
    EXPECT_EQ(kz_sha256_create(&h), KZ_OK);
    kz_sha256_add(h, bytes.data(), bytes.size());
    kz_sha256_end(h, sum);
    kz_sha256_destroy(&h);
    kz_digest_text(text, sum);
    return text;
}

std::string bytes(const char *text, size_t n)
{
    return std::string(text, n);
}

} // namespace

TEST(DataDigest, ByHand)
{
    std::string x = bytes("\1\0\2\0\0\1\377\377\5\0\375\377", 12), y = bytes("\0\1\2", 3);
    EXPECT_EQ(digest_of({}), sha256("train/x int16 3 2\n" + x + "train/y uint8 3\n" + y));
    How column;
    column.y_extent = {3, 1};
    EXPECT_EQ(digest_of(column), sha256("train/x int16 3 2\n" + x + "train/y uint8 3 1\n" + y));
}

TEST(DataDigest, HalvesAreHashedAsFloatsAndOddIntegersAsWider)
{
    hid_t half = H5Tcopy(H5T_IEEE_F32BE), three = H5Tcopy(H5T_STD_I32LE);
    H5Tset_fields(half, 15, 10, 5, 0, 10);
    H5Tset_size(half, 2);
    H5Tset_ebias(half, 15);
    H5Tset_precision(three, 24);
    H5Tset_size(three, 3);
    float x[] = {1, 2, 256, -1, 5, -3};
    int32_t wide[] = {1, 2, 256, -1, 5, -3};
    std::string y = "train/y uint8 3\n" + bytes("\0\1\2", 3);
    How how;
    how.x_type = half;
    EXPECT_EQ(digest_of(how), sha256("train/x float16 3 2\n" + bytes((const char *)x, sizeof x) + y));
    how.x_type = three;
    EXPECT_EQ(digest_of(how), sha256("train/x int32 3 2\n" + bytes((const char *)wide, sizeof wide) + y));
    H5Tclose(half);
    H5Tclose(three);
}

TEST(DataDigest, IgnoresByteOrderLayoutNamesAndDrawnRows)
{
    std::string plain = digest_of({});
    How order, chunks, packed, name, drawn;
    order.x_type = H5T_STD_I16BE;
    chunks.layout = {{2, 1}, false, true};
    packed.layout = {{1, 2}, true, false};
    name.x = "/images";
    drawn.valid = true;
    for (const How &how : {order, chunks, packed, name, drawn}) EXPECT_EQ(digest_of(how), plain);
}

TEST(DataDigest, TellsOneValueAndTheType)
{
    std::string plain = digest_of({});
    How value, type;
    value.last = -4;
    type.x_type = H5T_STD_I32LE;
    EXPECT_NE(digest_of(value), plain);
    EXPECT_NE(digest_of(type), plain);
}

TEST(DataDigest, CoversTheSplitsInOrder)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/a", H5T_STD_U8LE, {2}, {7, 8});
        f.put("/b", H5T_STD_U8LE, {2}, {0, 1});
    }
    Config c(folder / "a.h5");
    c.train("a", "b");
    c.valid("a", "b");
    c.test("a", "b");
    std::string a = bytes("\7\10", 2), b = bytes("\0\1", 2), all;
    for (std::string s : {"train", "valid", "test"}) all += s + "/x uint8 2\n" + a + s + "/y uint8 2\n" + b;
    EXPECT_EQ(open(c)->digest, sha256(all));
}
