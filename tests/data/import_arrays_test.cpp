/* LIBSVM, IDX, NPY and NPZ: every type and layout, and what is refused. */
#include "tests/support/import_run.h"

#include <cmath>
#include <zlib.h>

using namespace kz_test;

namespace {

template <class T> std::string values(const std::vector<T> &v, bool big = false)
{
    std::string s;
    for (T x : v) {
        std::string one(reinterpret_cast<const char *>(&x), sizeof x);
        s += big ? std::string(one.rbegin(), one.rend()) : one;
    }
    return s;
}

std::string npy(const std::string &descr, const std::string &shape, const std::string &bytes, bool fortran = false,
                int version = 1)
{
    std::string head =
        "{'descr': " + descr + ", 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n";
    std::string s = "\x93NUMPY";
    s += {(char)version, '\0', (char)(head.size() & 255), (char)(head.size() >> 8)};
    if (version > 1) s += std::string(2, '\0');
    return s + head + bytes;
}

std::string big32(uint32_t v)
{
    return values(std::vector<uint32_t>{v}, true);
}

std::string gzip(const std::string &s, int window = 15 + 16)
{
    z_stream z = {};
    std::string out(s.size() + 200, '\0');
    deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)s.data();
    z.avail_in = (uInt)s.size();
    z.next_out = (Bytef *)out.data();
    z.avail_out = (uInt)out.size();
    deflate(&z, Z_FINISH);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

std::string little(uint64_t v, int n)
{
    return std::string(reinterpret_cast<const char *>(&v), (size_t)n);
}

struct Member {
    std::string name, bytes;
    bool deflated;
};

/* The archive with its sizes and places in zip64 fields, as of one over 4 GiB. */
std::string zip64(const std::vector<Member> &members)
{
    const std::string far(4, '\xff');
    std::string out, directory;
    for (const Member &m : members) {
        uint32_t sum = (uint32_t)crc32(0, (const Bytef *)m.bytes.data(), (uInt)m.bytes.size());
        std::string head = little(45, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(sum, 4) + far + far +
                           little(m.name.size(), 2);
        std::string sizes = little(m.bytes.size(), 8) + little(m.bytes.size(), 8);
        directory += "PK\x01\x02" + little(45, 2) + head + little(28, 2) + little(0, 2) + little(0, 2) + little(0, 2) +
                     little(0, 4) + far + m.name + little(1, 2) + little(24, 2) + sizes + little(out.size(), 8);
        out += "PK\x03\x04" + head + little(20, 2) + m.name + little(1, 2) + little(16, 2) + sizes + m.bytes;
    }
    size_t at = out.size(), end = at + directory.size();
    return out + directory + "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 4) +
           little(0, 4) + little(members.size(), 8) + little(members.size(), 8) + little(directory.size(), 8) +
           little(at, 8) + "PK\x06\x07" + little(0, 4) + little(end, 8) + little(1, 4) + "PK\x05\x06" + little(0, 4) +
           std::string(4, '\xff') + far + far + little(0, 2);
}

/* A zip archive; `claim` adds to the sizes that it says, `crc` changes the checksums. */
std::string zip(const std::vector<Member> &members, uint32_t claim = 0, uint32_t crc = 0)
{
    std::string out, directory;
    for (const Member &m : members) {
        std::string packed = m.deflated ? gzip(m.bytes, -15) : m.bytes;
        uint32_t sum = (uint32_t)crc32(0, (const Bytef *)m.bytes.data(), (uInt)m.bytes.size()) ^ crc;
        std::string common = little(20, 2) + little(0, 2) + little(m.deflated ? 8 : 0, 2) + little(0, 4) +
                             little(sum, 4) + little(packed.size(), 4) + little(m.bytes.size() + claim, 4) +
                             little(m.name.size(), 2) + little(0, 2);
        directory += "PK\x01\x02" + little(20, 2) + common + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) +
                     little(out.size(), 4) + m.name;
        out += "PK\x03\x04" + common + m.name + packed;
    }
    return out + directory + "PK\x05\x06" + little(0, 4) + little(members.size(), 2) + little(members.size(), 2) +
           little(directory.size(), 4) + little(out.size(), 4) + little(0, 2);
}

const std::string kLabels = npy("'<i8'", "(2,)", values<int64_t>({0, 1}));

} // namespace

/* ---- LIBSVM ---- */

TEST(ImportLibsvm, MakesDenseRows)
{
    Import i;
    i.input("t.libsvm", "+1 1:0.5 3:2 # a comment\n\n# another\n-1 2:1e-3\r\n").works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{0.5, 0, 2, 0, (double)0.001f, 0}));
    EXPECT_EQ(i.numbers("/train/y"), (Doubles{1, 0}));
    EXPECT_EQ(i.texts("class_names"), (Strings{"-1", "1"}));
    Import zero;
    zero.o.features = 4;
    zero.input("t.svm", "0 0:1 2:3\n1 1:2\n").works();
    EXPECT_EQ(zero.numbers("/train/x"), (Doubles{1, 0, 3, 0, 0, 2, 0, 0}));
    Import old; /* lines end as on old Macintoshes; a comment must not run on, nor past the end; found by tests/fuzz */
    old.input("t.libsvm", "# first\r0 1:1 # x\r1 3:2\r#").works();
    EXPECT_EQ(old.numbers("/train/x"), (Doubles{1, 0, 0, 0, 0, 2}));
    Import regression;
    regression.input("t", "0.25 1:1\n1.5 2:2\n").works();
    EXPECT_EQ(regression.numbers("/train/y"), (Doubles{0.25, 1.5}));
}

TEST(ImportLibsvm, TakesTheIndicesOfItsTestFileToo)
{
    Import i;
    std::string test = i.file("t.test", "1 1:2 5:1\n0 4:1\n");
    i.o.test_file = test.c_str();
    i.input("t.libsvm", "1 1:2\n0 2:3\n1 3:4\n").works();
    EXPECT_EQ(i.r.rows[0], 3);
    EXPECT_EQ(i.r.rows[2], 2);
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4, 0, 0}));
    EXPECT_EQ(i.numbers("/test/x"), (Doubles{2, 0, 0, 0, 1, 0, 0, 0, 1, 0}));
    EXPECT_EQ(i.numbers("/test/y"), (Doubles{1, 0}));
    Import zero; /* a 0 in either file: both count from 0 */
    std::string other = zero.file("t.test", "1 0:7\n");
    zero.o.test_file = other.c_str();
    zero.input("t.libsvm", "1 1:2\n0 2:3\n").works();
    EXPECT_EQ(zero.numbers("/train/x"), (Doubles{0, 2, 0, 0, 0, 3}));
    EXPECT_EQ(zero.numbers("/test/x"), (Doubles{7, 0, 0}));
}

TEST(ImportLibsvm, RefusesWithItsLine)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"1 1:2\n1 qid:3 1:2\n",
         "t.libsvm: line 2: holds a query number (qid), as ranking has them; that task is not supported: "
         "remove the qid words to train on the labels alone"},
        {"1 1:2\n0 2:1 1:2\n", "t.libsvm: line 2: '1:2' is out of order: indices ascend, each once"},
        {"1 1:2\n0 1:x\n", "t.libsvm: line 2: '1:x' is no index:value pair with a finite number"},
        {"1 1:2\n0 1:inf\n", "t.libsvm: line 2: '1:inf' is no index:value pair with a finite number"},
        {"1 1:2\n1,2 1:3\n", "t.libsvm: line 2: '1,2' is no label: one number is wanted"},
        {"1 1:2\n0 5\n", "t.libsvm: line 2: '5' is no index:value pair"},
        {"1 1:2\n0 9999999:1\n",
         "t.libsvm: has 9999999 features; rows are stored dense, for which 131072 are the most"},
        {"1\n0\n", "t.libsvm: holds no index:value pair; is it a LIBSVM file?"},
    };
    for (const auto &c : cases) {
        Import i;
        i.input("t.libsvm", c.text).fails(KZ_E_DATA, c.message);
    }
}

/* ---- IDX ---- */

TEST(ImportIdx, FindsTheFourFilesByTheirNames)
{
    std::string images = std::string("\0\0\x08\x03", 4) + big32(2) + big32(2) + big32(3) +
                         values<uint8_t>({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255});
    std::string labels = std::string("\0\0\x08\x01", 4) + big32(2) + values<uint8_t>({0, 1});
    Import i;
    i.input("t10k-labels-idx1-ubyte.gz", gzip(labels)).input("train-images-idx3-ubyte.gz", gzip(images));
    i.input("t10k-images-idx3-ubyte", images).input("train-labels-idx1-ubyte", labels).works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255}));
    EXPECT_EQ(i.numbers("/test/y"), (Doubles{0, 1}));
    EXPECT_EQ(i.r.rank, 2);
    EXPECT_EQ(i.r.shape[1], 3);
    EXPECT_STREQ(i.r.dtype, "uint8");
    Import floats;
    floats.input("x.idx", std::string("\0\0\x0d\x02", 4) + big32(2) + big32(1) + values<float>({0.5f, -2}, true));
    floats.input("y.idx", labels).works();
    EXPECT_EQ(floats.numbers("/train/x"), (Doubles{0.5, -2}));
}

TEST(ImportIdx, ReadsGzipOfSeveralMembers)
{
    std::string images = std::string("\0\0\x08\x02", 4) + big32(2) + big32(3) + values<uint8_t>({1, 2, 3, 4, 5, 6});
    std::string labels = std::string("\0\0\x08\x01", 4) + big32(2) + values<uint8_t>({0, 1});
    Import i;
    i.input("train-images.gz", gzip(images.substr(0, 7)) + gzip("") + gzip(images.substr(7)))
        .input("train-labels.gz", gzip(labels.substr(0, 9)) + gzip(labels.substr(9)))
        .works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(i.numbers("/train/y"), (Doubles{0, 1}));
    Import cut;
    std::string second = gzip(images.substr(7));
    cut.input("train-images.gz", gzip(images.substr(0, 7)) + second.substr(0, second.size() - 3))
        .input("train-labels.gz", gzip(labels))
        .fails(KZ_E_DATA, "train-images.gz: the gzip data are cut short; fetch it again");
}

TEST(ImportIdx, RefusesWhatDoesNotAddUp)
{
    std::string labels = std::string("\0\0\x08\x01", 4) + big32(2) + values<uint8_t>({0, 1});
    const struct {
        std::string images;
        const char *message;
    } cases[] = {
        {std::string("\0\0\x08\x02", 4) + big32(2) + big32(2) + "abc",
         "x.idx: ends within its values; it is cut short, fetch it again"},
        {std::string("\0\0\x08\x02", 4) + big32(2) + big32(2) + "abcde",
         "x.idx: goes on behind the values that its head announces; it is damaged"},
        {std::string("\0\0\x08\x02", 4) + big32(3) + big32(1) + "abc",
         "x.idx has 3 rows but y.idx has 2; each row of features needs its row of targets"},
        {std::string("\0\0\x08\x02", 4) + big32(2) + big32(0), "x.idx: has no values: an extent is 0"},
        {std::string("\0\0\x08\x04", 4) + big32(0xffffffff) + big32(0xffffffff) + big32(0xffffffff) + big32(2),
         "x.idx: its extents are more than any machine holds; its head is damaged"},
        {std::string("\0\0\x08\x02", 4) + big32(2) + big32(0x1000000),
         "x.idx: claims 33554432 bytes of values and has 12 bytes; it is cut short or damaged"},
    };
    for (const auto &c : cases) {
        Import i;
        std::string message = c.message;
        i.input("x.idx", c.images).input("y.idx", labels);
        EXPECT_EQ(i.run(), KZ_E_DATA);
        for (size_t at; (at = i.message.find(i.folder.path() + "/")) != std::string::npos;)
            i.message.erase(at, i.folder.path().size() + 1);
        EXPECT_EQ(i.message, message);
        EXPECT_FALSE(std::filesystem::exists(i.out));
    }
}

/* ---- NPY and NPZ ---- */

TEST(ImportNpy, ReadsEveryTypeOrderAndVersion)
{
    const Doubles want = {0, 1, 2, 3, 4, 5};
    const struct {
        const char *descr;
        std::string bytes;
    } types[] = {
        {"'|i1'", values<int8_t>({0, 1, 2, 3, 4, 5})},
        {"'|u1'", values<uint8_t>({0, 1, 2, 3, 4, 5})},
        {"'<i2'", values<int16_t>({0, 1, 2, 3, 4, 5})},
        {"'>u2'", values<uint16_t>({0, 1, 2, 3, 4, 5}, true)},
        {"'>i4'", values<int32_t>({0, 1, 2, 3, 4, 5}, true)},
        {"'<u4'", values<uint32_t>({0, 1, 2, 3, 4, 5})},
        {"'<i8'", values<int64_t>({0, 1, 2, 3, 4, 5})},
        {"'>u8'", values<uint64_t>({0, 1, 2, 3, 4, 5}, true)},
        {"'<f4'", values<float>({0, 1, 2, 3, 4, 5})},
        {"'>f8'", values<double>({0, 1, 2, 3, 4, 5}, true)},
        {"'<f2'", values<uint16_t>({0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500})},
    };
    for (const auto &t : types)
        for (int version = 1; version <= 3; version++) {
            Import i;
            i.input("x.npy", npy(t.descr, "(2, 3)", t.bytes, false, version)).input("y.npy", kLabels).works();
            EXPECT_EQ(i.numbers("/train/x"), want) << t.descr;
        }
    Import boolean;
    boolean.input("x.npy", npy("'|b1'", "(2, 1)", std::string("\x00\x02", 2))).input("y.npy", kLabels).works();
    EXPECT_EQ(boolean.numbers("/train/x"), (Doubles{0, 1}));
    Import fortran;
    fortran.input("X.npy", npy("'<f4'", "(2, 2, 2)", values<float>({0, 1, 2, 3, 4, 5, 6, 7}), true))
        .input("y.npy", kLabels)
        .works();
    EXPECT_EQ(fortran.numbers("/train/x"), (Doubles{0, 4, 2, 6, 1, 5, 3, 7}));
}

TEST(ImportNpy, RefusesObjectsRecordsAndDamage)
{
    const struct {
        std::string bytes;
        const char *message;
    } cases[] = {
        {npy("'|O'", "(2,)", "\x80\x04."), "x.npy: holds Python objects (a pickle), which can run any code when read "
                                           "and are refused; save it with a number "
                                           "type, such as numpy.save(file, array.astype('float32'))"},
        {npy("[('a', '<f4')]", "(2,)", "12345678"),
         "x.npy: holds records with fields; save each field as an array of its own"},
        {npy("'<c16'", "(2,)", std::string(32, 'x')),
         "x.npy: its type is '<c16'; integers, float16 to float64 and bool can be imported"},
        {npy("'<f4'", "(2,", "12345678"),
         "x.npy: its NPY head is damaged: the shape holds no whole number; save it again with numpy.save"},
        {npy("'<f4'", "(2, 1, 1, 1, 1)", "12345678"), "x.npy: has more than 4 dimensions; reshape it"},
        {npy("'<f4'", "(2, -1)", "12345678"),
         "x.npy: its NPY head is damaged: the shape holds no whole number; save it again with numpy.save"},
        {npy("'<f4'", "(2, 999999999999999999)", "12345678"),
         "x.npy: its extents are more than any machine holds; its head is damaged"},
        {npy("'<f4'", "(2, 1)", "1234567"), "x.npy: ends within its values; it is cut short, fetch it again"},
        {npy("'<f4'", "(2, 1)", values<float>({1, NAN})), "x.npy: holds nan at row 1, value 0 of the row (from 0); "
                                                          "values must be finite and fit into binary32: fill it in or "
                                                          "leave the row out, for example with numpy.isfinite"},
        {npy("'<i8'", "(2, 1)", values<int64_t>({1, 1ll << 60})),
         "x.npy: holds 1.152921504606847e+18 at row 1; whole numbers from 2^53 on lose digits: is it an identifier?"},
    };
    for (const auto &c : cases) {
        Import i;
        i.input("x.npy", c.bytes).input("y.npy", kLabels).fails(KZ_E_DATA, c.message);
    }
}

TEST(ImportNpz, ReadsStoredAndDeflatedMembersByName)
{
    std::string x = npy("'|u1'", "(2, 2)", values<uint8_t>({1, 2, 3, 4}));
    Import i;
    i.input("t.npz", zip({{"x_train.npy", x, true},
                          {"y_train.npy", kLabels, false},
                          {"x_test.npy", x, false},
                          {"y_test.npy", kLabels, true}}))
        .works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2, 3, 4}));
    EXPECT_EQ(i.numbers("/test/y"), (Doubles{0, 1}));
    Import named;
    named.o.train_x = "first";
    named.o.train_y = "second";
    named.input("t.npz", zip({{"first.npy", x, true}, {"second.npy", kLabels, true}})).works();
    EXPECT_EQ(named.numbers("/train/x"), (Doubles{1, 2, 3, 4}));
    Import unknown;
    unknown.input("t.npz", zip({{"first.npy", x, true}, {"second.npy", kLabels, true}}))
        .fails(KZ_E_DATA,
               "no array is known to be the features of train; there are: first.npy, second.npy; name them with "
               "--train-x, --train-y, --test-x and --test-y");
}

TEST(ImportNpz, ReadsZip64)
{
    std::string x = npy("'|u1'", "(2, 2)", values<uint8_t>({1, 2, 3, 4}));
    std::string whole = zip64({{"x.npy", x, false}, {"y.npy", kLabels, false}});
    Import i;
    i.input("t.npz", whole).works();
    EXPECT_EQ(i.numbers("/train/x"), (Doubles{1, 2, 3, 4}));
    EXPECT_EQ(i.numbers("/train/y"), (Doubles{0, 1}));
    std::string lying = whole;
    size_t sizes = lying.rfind("x.npy") + 5 + 4;
    lying.replace(sizes + 8, 8, little((uint64_t)1 << 40, 8));
    Import j;
    j.input("t.npz", lying)
        .fails(KZ_E_DATA, "t.npz: the archive is damaged: a member lies outside; fetch it again, or save it again with "
                          "numpy.savez");
}

TEST(ImportNpz, RefusesDamageAndBombs)
{
    std::string x = npy("'|u1'", "(2, 2)", values<uint8_t>({1, 2, 3, 4}));
    Import sum, cut, claim, bomb;
    sum.input("t.npz", zip({{"x.npy", x, true}, {"y.npy", kLabels, true}}, 0, 1))
        .fails(KZ_E_DATA, "t.npz: y.npy fails its checksum; fetch the file again");
    std::string whole = zip({{"x.npy", x, true}, {"y.npy", kLabels, true}});
    cut.input("t.npz", whole.substr(0, whole.size() - 30))
        .fails(KZ_E_DATA, "t.npz: the archive is damaged: it has no directory, so it may be cut short; fetch it again, "
                          "or save it again "
                          "with numpy.savez");
    claim.input("t.npz", zip({{"x.npy", x, false}, {"y.npy", kLabels, true}}, 7))
        .fails(KZ_E_DATA, "t.npz: the archive is damaged: a member claims more than its bytes can hold; fetch it "
                          "again, or save it again "
                          "with numpy.savez");
    std::string zeros = npy("'|u1'", "(80000, 1000)", std::string(80000000, '\0'));
    bomb.o.memory = 64 << 20;
    std::vector<uint8_t> labels(80000);
    labels[1] = 1;
    bomb.input("t.npz", zip({{"x.npy", zeros, true}, {"y.npy", npy("'|u1'", "(80000,)", values(labels)), true}}))
        .fails(KZ_E_DATA, "x.npy: unpacks to 76.3 MiB, over 100 times its size and more than --memory; raise --memory "
                          "if that is meant");
}

TEST(ImportNpy, NeverTakesTwoLabelsForOne)
{
    std::string x = npy("'|u1'", "(2, 1)", values<uint8_t>({1, 2}));
    Import i;
    i.input("x.npy", x)
        .input("y.npy", npy("'<i8'", "(2,)", values<int64_t>({9007199254740993, 9007199254740992})))
        .fails(KZ_E_DATA, "y.npy: holds 9007199254740992 at row 0; whole numbers from 2^53 on lose digits: is it an "
                          "identifier?");
    Import j;
    j.input("x.npy", npy("'<i8'", "(2, 1)", values<int64_t>({9007199254740993, 1})))
        .input("y.npy", kLabels)
        .fails(KZ_E_DATA, "x.npy: holds 9007199254740992 at row 0; whole numbers from 2^53 on lose digits: is it an "
                          "identifier?");
    Import most;
    most.input("x.npy", x)
        .input("y.npy", npy("'<i8'", "(2,)", values<int64_t>({9007199254740991, 4294967297})))
        .works();
    EXPECT_EQ(most.texts("class_names"), (Strings{"4294967297", "9007199254740991"}));
    EXPECT_EQ(most.numbers("/train/y"), (Doubles{1, 0}));
}

TEST(ImportNpy, DrawsRowsAndStaysTheSame)
{
    std::vector<float> x(4000);
    std::vector<int64_t> y(1000);
    for (size_t k = 0; k < x.size(); k++) x[k] = (float)k;
    for (size_t k = 0; k < y.size(); k++) y[k] = (int64_t)(k % 4);
    std::string first;
    for (int64_t memory : {(int64_t)64 << 20, (int64_t)1 << 30}) {
        Import i;
        i.o.test = 0.25;
        i.o.stratify = true;
        i.o.memory = memory;
        i.input("x.npy", npy("'<f4'", "(1000, 4)", values(x)))
            .input("y.npy", npy("'<i8'", "(1000,)", values(y)))
            .works();
        for (int k = 0; k < 4; k++) EXPECT_EQ(i.r.class_rows[2][k], 63);
        Doubles rows = i.numbers("/test/x"), labels = i.numbers("/test/y");
        for (size_t k = 0; k < labels.size(); k++) ASSERT_EQ(std::fmod(rows[4 * k] / 4, 4), labels[k]);
        if (first.empty()) first = i.bytes();
        EXPECT_TRUE(i.bytes() == first);
    }
}
