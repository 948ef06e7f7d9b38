/* Packed chunks: each unpacks to its size or is refused; what is sound is read as it was written. */
#include "tests/support/build.h"
#include "tests/support/data_hdf5.h"

#include <fstream>
#include <numeric>
#include <sys/resource.h>
#include <zlib.h>

using namespace kz_test;

namespace {

using Bytes = std::vector<uint8_t>;

Bytes gzip(const Bytes &in, int level = 9)
{
    uLongf n = compressBound((uLong)in.size());
    Bytes out(n);
    EXPECT_EQ(compress2(out.data(), &n, in.data(), (uLong)in.size(), level), Z_OK);
    out.resize(n);
    return out;
}

Bytes numbers(size_t n)
{
    Bytes out(n);
    for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(i * 37 % 101);
    return out;
}

/* Filters of a new array, in the order in which they pack. */
struct Made {
    explicit Made(const std::vector<hsize_t> &chunk) : id(H5Pcreate(H5P_DATASET_CREATE))
    {
        H5Pset_chunk(id, (int)chunk.size(), chunk.data());
    }
    ~Made()
    {
        H5Pclose(id);
    }
    Made(const Made &) = delete;
    Made &operator=(const Made &) = delete;
    hid_t id;
};

/* x is 40 x 6 bytes in one chunk of 240, stored as these bytes; y is sound. */
std::string packed(const Folder &folder, hid_t made, const Bytes &stored, uint32_t skipped = 0)
{
    Hdf5 f(folder / "a.h5");
    f.put_made("/train/x", H5T_NATIVE_UINT8, {40, 6}, H5T_NATIVE_UINT8, nullptr, made);
    std::vector<double> y(40);
    for (size_t i = 0; i < y.size(); i++) y[i] = (double)(i % 3);
    f.put("/train/y", H5T_NATIVE_INT, {40}, y);
    hid_t set = H5Dopen2(f.id(), "/train/x", H5P_DEFAULT);
    const hsize_t at[] = {0, 0};
    EXPECT_GE(H5Dwrite_chunk(set, H5P_DEFAULT, skipped, at, stored.size(), stored.data()), 0);
    H5Dclose(set);
    return folder / "a.h5";
}

void expect_numbers(const std::string &path, const Bytes &want = numbers(240))
{
    Data d = open(Config(path));
    ASSERT_TRUE(d);
    ASSERT_EQ(d->train.rows * d->features, (int64_t)want.size());
    for (size_t i = 0; i < want.size(); i++) ASSERT_EQ(feature(d->train, (int64_t)i), want[i]) << i;
}

void expect_bad(const std::string &path, const std::string &message)
{
    expect_refused(Config(path), KZ_E_DATA, path + ": /train/x has a chunk that " + message);
}

int64_t peak_kib()
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

std::string slurp(const std::string &path)
{
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/* The size that the file's index (version 1 of the B-tree, one key) gives the first chunk of rank 2. */
void claim_stored_size(const std::string &path, uint32_t size)
{
    std::string bytes = slurp(path);
    size_t tree = bytes.find(std::string("TREE\1", 5));
    ASSERT_NE(tree, std::string::npos);
    std::memcpy(&bytes[tree + 24], &size, sizeof size);
    std::ofstream(path, std::ios::binary) << bytes;
}

} // namespace

/* ---- gzip ---- */

TEST(DataPacked, SoundChunksAreRead)
{
    Folder folder;
    Made made({40, 6});
    H5Pset_deflate(made.id, 6);
    for (int level : {0, 1, 9}) expect_numbers(packed(folder, made.id, gzip(numbers(240), level)));
    expect_numbers(packed(folder, made.id, numbers(240), 1)); /* left unpacked, as HDF5 does where nothing is won */
}

TEST(DataPacked, ShortChunksAreRefused)
{
    Folder folder;
    Made made({40, 6});
    H5Pset_deflate(made.id, 6);
    const char *const wanted = " bytes, wanted 240; write the file again";
    expect_bad(packed(folder, made.id, gzip({1, 2, 3})), std::string("unpacks to 3") + wanted);
    expect_bad(packed(folder, made.id, gzip(numbers(239))), std::string("unpacks to 239") + wanted);
    expect_bad(packed(folder, made.id, gzip({})), std::string("unpacks to 0") + wanted);
    expect_bad(packed(folder, made.id, {1, 2, 3}, 1), std::string("unpacks to 3") + wanted);
}

TEST(DataPacked, LongChunksAreRefusedWithoutTheirMemory)
{
    Folder folder;
    Made made({40, 6});
    H5Pset_deflate(made.id, 6);
    const char *const more = "unpacks to more than its 240 bytes; write the file again";
    expect_bad(packed(folder, made.id, gzip(numbers(241))), more);
    expect_bad(packed(folder, made.id, gzip(Bytes(2 << 20))), more);
    Bytes bomb = gzip(Bytes(64 << 20));
    std::string path = packed(folder, made.id, bomb);
    int64_t before = peak_kib();
    expect_bad(path, "takes " + std::to_string(bomb.size()) + " bytes packed, 240 unpacked; write the file again");
    H5Pset_deflate(made.id, 6); /* packed twice, it takes few bytes */
    bomb = gzip(bomb);
    ASSERT_LT(bomb.size(), 2048u);
    expect_bad(packed(folder, made.id, bomb), more);
    EXPECT_LT(peak_kib() - before, 16 << 10);
}

TEST(DataPacked, DamagedStreamsAreRefused)
{
    Folder folder;
    Made made({40, 6});
    H5Pset_deflate(made.id, 6);
    const std::string wrong = "cannot be unpacked: its gzip data ", fetch = "; the file is damaged, fetch it again";
    Bytes whole = gzip(numbers(240));
    for (size_t n : {(size_t)1, whole.size() / 2, whole.size() - 1})
        expect_bad(packed(folder, made.id, Bytes(whole.begin(), whole.begin() + (long)n)),
                   wrong + "end too early" + fetch);
    whole.back() ^= 1; /* its checksum */
    expect_bad(packed(folder, made.id, whole), wrong + "are wrong" + fetch);
    expect_bad(packed(folder, made.id, numbers(100)), wrong + "are wrong" + fetch);
}

TEST(DataPacked, SizesClaimedByTheIndex)
{
    Folder folder;
    Made zipped({40, 6}), plain({40, 6});
    H5Pset_deflate(zipped.id, 6);
    std::string path = packed(folder, zipped.id, gzip(numbers(240)));
    claim_stored_size(path, UINT32_MAX);
    expect_bad(path, "takes 4294967295 bytes packed, 240 unpacked; write the file again");
    for (uint32_t size : {(uint32_t)3, UINT32_MAX}) { /* of what is not packed the size is known */
        path = packed(folder, plain.id, numbers(240));
        claim_stored_size(path, size);
        expect_numbers(path);
    }
}

/* ---- other filters ---- */

TEST(DataPacked, FiltersThatKeepTheSize)
{
    Folder folder;
    const char *const wanted = " bytes, wanted 240; write the file again";
    Made shuffle({40, 6}), sum({40, 6}), before({40, 6});
    H5Pset_shuffle(shuffle.id);
    expect_numbers(packed(folder, shuffle.id, numbers(240)));
    expect_bad(packed(folder, shuffle.id, numbers(239)), std::string("unpacks to 239") + wanted);
    expect_bad(packed(folder, shuffle.id, numbers(241)), std::string("unpacks to 241") + wanted);
    H5Pset_fletcher32(sum.id);
    expect_bad(packed(folder, sum.id, Bytes(4)), std::string("unpacks to 0") + wanted); /* the sum of nothing is 0 */
    expect_bad(packed(folder, sum.id, Bytes(3)), std::string("unpacks to 0") + wanted);
    expect_numbers(packed(folder, sum.id, numbers(240), 1));
    H5Pset_fletcher32(before.id);
    H5Pset_deflate(before.id, 6);
    expect_bad(packed(folder, before.id, gzip(numbers(240))), "unpacks to 240 bytes, wanted 244; write the file again");
    expect_numbers(packed(folder, before.id, gzip(numbers(240)), 1));
    expect_numbers(packed(folder, before.id, gzip(Bytes(244)), 0), Bytes(240));
}

/* Filters before gzip that HDF5 undoes: gzip is bounded, not exact. */
TEST(DataPacked, GzipOverFiltersOfOtherSizes)
{
    Folder folder;
    Made made({40, 6});
    H5Pset_scaleoffset(made.id, H5Z_SO_INT, H5Z_SO_INT_MINBITS_DEFAULT);
    H5Pset_deflate(made.id, 6);
    expect_bad(packed(folder, made.id, gzip(Bytes(1 << 20))),
               "unpacks to more than its 240 bytes; write the file again");
    expect_numbers(packed(folder, made.id, gzip(numbers(240)), 1)); /* mask: scale-offset left out */
    expect_bad(packed(folder, made.id, gzip(numbers(12)), 1), "unpacks to 12 bytes, wanted 240; write the file again");
}

/* Every order of filters that HDF5 writes, chunks that do and do not divide the array, both byte orders. */
TEST(DataPacked, WhatHdf5WritesIsRead)
{
    Folder folder;
    std::string path = folder / "a.h5";
    std::vector<double> v(11 * 5 * 3);
    for (size_t i = 0; i < v.size(); i++) v[i] = (double)(i * 29 % 97);
    const hid_t types[] = {H5T_STD_U8LE, H5T_STD_I16BE, H5T_STD_I32LE, H5T_IEEE_F32BE, H5T_IEEE_F64LE};
    const std::vector<std::string> orders = {"s",   "g",  "f", "sg", "gf", "sgf", "fg",
                                             "fsg", "gg", "n", "ng", "o",  "og",  "sof"};
    const std::vector<std::vector<hsize_t>> chunks = {{11, 5, 3}, {1, 1, 1}, {4, 5, 3},
                                                      {4, 2, 3},  {3, 5, 2}, {2, 3, 5}};
    const int every = build::sanitized ? 5 : 1; // each one forks a reader, which is slow there
    int turn = 0;
    for (hid_t type : types)
        for (const std::string &order : orders)
            for (const auto &chunk : chunks)
                for (bool edges : {false, true}) {
                    if (turn++ % every != 0) continue;
                    SCOPED_TRACE(order + " chunk " + std::to_string(chunk[0]) + std::to_string(chunk[1]) +
                                 std::to_string(chunk[2]));
                    Made made(chunk);
                    bool whole = H5Tget_class(type) == H5T_INTEGER;
                    if (!whole && order == "sof") continue; /* rounds shuffled bytes as if they were floats */
                    for (char c : order) {
                        if (c == 's') H5Pset_shuffle(made.id);
                        if (c == 'g') H5Pset_deflate(made.id, 6);
                        if (c == 'f') H5Pset_fletcher32(made.id);
                        if (c == 'n') H5Pset_nbit(made.id);
                        if (c == 'o') H5Pset_scaleoffset(made.id, whole ? H5Z_SO_INT : H5Z_SO_FLOAT_DSCALE, 0);
                    }
                    H5Pset_chunk_opts(made.id, edges ? H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS : 0);
                    {
                        Hdf5 f(path);
                        const hsize_t extent[] = {11, 5, 3}, most[] = {H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED};
                        hid_t space = H5Screate_simple(3, extent, most);
                        hid_t set = H5Dcreate2(f.id(), "/x", type, space, H5P_DEFAULT, made.id, H5P_DEFAULT);
                        ASSERT_GE(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v.data()), 0);
                        H5Dclose(set);
                        H5Sclose(space);
                        f.put("/y", H5T_NATIVE_FLOAT, {11}, std::vector<double>(11, 1.0));
                    }
                    Config c(path);
                    c.train("/x", "/y");
                    Data d = open(c);
                    ASSERT_TRUE(d);
                    for (size_t i = 0; i < v.size(); i++) ASSERT_EQ(feature(d->train, (int64_t)i), v[i]) << i;
                }
}

/* Chunks never written hold the fill value, or 0 where the file has none. */
TEST(DataPacked, ChunksNeverWritten)
{
    Folder folder;
    for (bool fill : {true, false}) {
        Made made({2, 2});
        H5Pset_deflate(made.id, 6);
        H5Pset_fill_time(made.id, fill ? H5D_FILL_TIME_ALLOC : H5D_FILL_TIME_NEVER);
        const uint8_t nine = 9;
        H5Pset_fill_value(made.id, H5T_NATIVE_UINT8, fill ? &nine : nullptr);
        std::string path = packed(folder, made.id, gzip({1, 2, 3, 4}));
        Bytes want(240, fill ? 9 : 0);
        want[0] = 1, want[1] = 2, want[6] = 3, want[7] = 4;
        expect_numbers(path, want);
    }
}
