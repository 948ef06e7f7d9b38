/* Data sets as they should be: every type, layout and shape; attributes; paths. */
#include "tests/support/data_hdf5.h"

#include <cmath>
#include <fstream>
#include <sys/file.h>

using namespace kz_test;

/* ---- the golden file: the same numbers in every type and layout ---- */

namespace {

std::vector<std::string> groups_of(const std::string &path)
{
    std::vector<std::string> names;
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    auto add = [](hid_t, const char *name, const H5L_info_t *, void *out) {
        static_cast<std::vector<std::string> *>(out)->push_back(name);
        return 0;
    };
    H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names);
    H5Fclose(file);
    return names;
}

void expect_zoo_x(const std::string &name, const kz_data &d)
{
    int64_t columns = name == "x_1d" ? 1 : 5;
    ASSERT_EQ(d.features, columns) << name;
    ASSERT_EQ(d.train.rows, 40) << name;
    for (int64_t i = 0; i < 40; i++)
        for (int64_t j = 0; j < columns; j++) {
            float want = name == "chunk_unwritten" ? 9.0f : (float)((7 * i + 13 * j) % 101);
            ASSERT_EQ(feature(d.train, i * columns + j), want) << name << " row " << i << " column " << j;
        }
}

void expect_zoo_y(const std::string &name, const kz_data &d)
{
    for (int64_t i = 0; i < 40; i++) {
        if (d.classification) {
            ASSERT_EQ(d.train.label[i], i % (name == "y_bool" ? 2 : 3)) << name;
            continue;
        }
        ASSERT_EQ(d.train.raw[i * d.targets], (float)(7 * i % 101) / 4 - 3) << name;
        if (d.targets == 2) {
            ASSERT_EQ(d.train.raw[2 * i + 1], (float)((7 * i + 13) % 101) / 8) << name;
        }
    }
}

} // namespace

TEST(DataOpen, ReadsTheSameNumbersFromEveryTypeAndLayout)
{
    std::string path = source("tests/golden/zoo.h5");
    std::vector<std::string> names = groups_of(path);
    ASSERT_GE(names.size(), 80u);
    for (const std::string &name : names) {
        Config c(path);
        c.train("/" + name + "/x", "/" + name + "/y");
        if (name == "y_float") c.cfg.model.loss = "cross_entropy";
        Data d = open(c);
        ASSERT_TRUE(d) << name;
        EXPECT_EQ(d->classification, name.rfind("target", 0) != 0) << name;
        EXPECT_EQ(d->targets, d->classification ? 0 : name == "target_two" ? 2 : 1) << name;
        expect_zoo_x(name, *d);
        expect_zoo_y(name, *d);
    }
}

TEST(DataOpen, DigestIgnoresByteOrderAndLayout)
{
    std::string path = source("tests/golden/zoo.h5");
    auto digest = [&](const std::string &name) {
        Config c(path);
        c.train(name + "/x", name + "/y");
        Data d = open(c);
        return d ? std::string(d->digest) : name;
    };
    for (const char *type : {"i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f16", "f32", "f64"}) {
        bool byte = std::strlen(type) == 2;
        std::string first = digest(std::string(type) + (byte ? "" : "_le") + "_contiguous");
        for (const char *layout : {"contiguous", "gzip", "fletcher32"})
            for (const char *order : {"_le", "_be"})
                EXPECT_EQ(digest(std::string(type) + (byte ? "" : order) + "_" + layout), first) << type << layout;
    }
    EXPECT_NE(digest("i8_contiguous"), digest("u8_contiguous"));
}

/* ---- values ---- */

TEST(DataOpen, IntegersAreRoundedOnceToBinary32)
{
    Folder folder;
    std::vector<int64_t> v = {16777217, 16777219, 9007199791611905, -9223372036854775807, INT64_MAX, 0};
    std::vector<uint64_t> u = {UINT64_MAX, 9223371761976868864u, 9223371761976868863u, 1, 2, 3};
    {
        Hdf5 f(folder / "a.h5");
        f.put_raw("/train/x", H5T_STD_I64BE, {6}, H5T_NATIVE_INT64, v.data());
        f.put_raw("/test/x", H5T_STD_U64LE, {6}, H5T_NATIVE_UINT64, u.data());
        f.put("/train/y", H5T_NATIVE_INT, {6}, {0, 1, 0, 1, 0, 1});
    }
    Config c(folder / "a.h5");
    c.test("/test/x", "/train/y");
    Data d = open(c);
    ASSERT_TRUE(d);
    for (int64_t i = 0; i < 6; i++) {
        EXPECT_EQ(feature(d->train, i), (float)v[(size_t)i]);
        EXPECT_EQ(feature(d->test, i), (float)u[(size_t)i]);
    }
    EXPECT_EQ(feature(d->train, 0), 16777216.0f);
    EXPECT_EQ(feature(d->train, 1), 16777220.0f);
    EXPECT_EQ(feature(d->train, 2), 9007200328482816.0f); /* through binary64 it would be 9007199254740992 */
}

/* Half precision by its definition: sign, 5 bits of exponent, 10 of fraction. */
TEST(DataOpen, EveryFiniteHalfIsExact)
{
    Folder folder;
    std::vector<uint16_t> half;
    std::vector<float> want;
    for (uint32_t h = 0; h < 0x10000; h++) {
        int e = h >> 10 & 31, m = h & 1023;
        if (e == 31) continue;
        double v = e ? std::ldexp(1024 + m, e - 25) : std::ldexp(m, -24);
        half.push_back((uint16_t)h);
        want.push_back((float)(h >> 15 ? -v : v));
    }
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    {
        Hdf5 f(folder / "a.h5");
        f.put_raw("/train/x", type, {half.size()}, type, half.data());
        f.put("/train/y", H5T_NATIVE_FLOAT, {half.size()}, std::vector<double>(half.size(), 1.5));
    }
    H5Tclose(type);
    Data d = open(Config(folder / "a.h5"));
    ASSERT_TRUE(d);
    for (size_t i = 0; i < want.size(); i++) ASSERT_EQ(feature(d->train, (int64_t)i), want[i]) << half[i];
}

TEST(DataOpen, BytesStayBytes)
{
    Config c(source("datasets/digits.h5"));
    c.test("/test/x", "/test/y");
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_EQ(d->train.element, KZ_U8);
    EXPECT_EQ(d->features, 64);
    EXPECT_EQ(d->rank, 2);
    EXPECT_EQ(d->shape[0], 8);
    EXPECT_EQ(d->shape[1], 8);
    EXPECT_EQ(d->classes, 10);
    EXPECT_EQ(d->train.rows, 1437);
    EXPECT_EQ(d->test.rows, 360);
    EXPECT_EQ(d->valid.rows, 0);
    EXPECT_EQ(d->bytes, (1437 + 360) * (64 + 4));
    ASSERT_NE(d->class_names, nullptr);
    EXPECT_STREQ(d->class_names[9], "9");
    EXPECT_STREQ(d->path, source("datasets/digits.h5").c_str()[0] == '/'
                              ? source("datasets/digits.h5").c_str()
                              : (std::filesystem::current_path() / "datasets/digits.h5").c_str());
}

TEST(DataOpen, ShippedDataSetsOpen)
{
    const struct {
        const char *name;
        int64_t rows, features, classes;
    } sets[] = {{"iris", 120, 4, 3}, {"wine", 142, 13, 3}, {"breast_cancer", 455, 30, 2}, {"diabetes", 353, 10, 0}};
    for (const auto &s : sets) {
        Config c(source(std::string("datasets/") + s.name + ".h5"));
        c.test("/test/x", "/test/y");
        Data d = open(c);
        ASSERT_TRUE(d) << s.name;
        EXPECT_EQ(d->train.rows, s.rows) << s.name;
        EXPECT_EQ(d->features, s.features) << s.name;
        EXPECT_EQ(d->classes, s.classes) << s.name;
        EXPECT_EQ(d->classification, s.classes > 0) << s.name;
        EXPECT_NE(d->name, nullptr) << s.name;
    }
}

TEST(DataOpen, ManyBlocksGiveTheSameAsOne)
{
    Folder folder;
    const hsize_t n = 300000, m = 7;
    std::vector<int16_t> x(n * m);
    std::vector<int32_t> y(n);
    for (size_t i = 0; i < x.size(); i++) x[i] = (int16_t)(i * 2654435761u >> 7);
    for (size_t i = 0; i < n; i++) y[i] = (int32_t)(i % 5);
    {
        Hdf5 f(folder / "a.h5");
        f.put_raw("/train/x", H5T_STD_I16LE, {n, m}, H5T_NATIVE_INT16, x.data());
        f.put_raw("/train/y", H5T_STD_I32LE, {n}, H5T_NATIVE_INT32, y.data());
        f.put_raw("/odd/x", H5T_STD_I16BE, {n, m}, H5T_NATIVE_INT16, x.data(), {{1009, 3}, true, true});
        f.put_raw("/odd/y", H5T_STD_I32BE, {n}, H5T_NATIVE_INT32, y.data(), {{n}, true, false});
    }
    Config plain(folder / "a.h5"), odd(folder / "a.h5");
    odd.train("/odd/x", "odd//y");
    Data a = open(plain), b = open(odd);
    ASSERT_TRUE(a && b);
    EXPECT_STREQ(a->digest, b->digest);
    EXPECT_EQ(std::memcmp(a->train.x, b->train.x, n * m * sizeof(float)), 0);
    EXPECT_EQ(std::memcmp(a->train.label, b->train.label, n * sizeof(int32_t)), 0);
    for (size_t i = 0; i < x.size(); i += 997) ASSERT_EQ(feature(a->train, (int64_t)i), (float)x[i]);
    EXPECT_EQ(a->train.label[n - 1], (int32_t)((n - 1) % 5));
}

/* ---- task and attributes ---- */

namespace {

/* Four rows, y 0 1 2 1 of the given type. */
void small(Hdf5 &f, hid_t y = H5T_NATIVE_INT)
{
    f.put("/train/x", H5T_NATIVE_FLOAT, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    f.put("/train/y", y, {4}, {0, 1, 2, 1});
}

} // namespace

TEST(DataOpen, LossThenAttributeThenTypeDecideTheTask)
{
    Folder folder;
    for (const char *task : {"", "classification", "regression"})
        for (bool integer : {true, false}) {
            {
                Hdf5 f(folder / "a.h5");
                small(f, integer ? H5T_NATIVE_SHORT : H5T_NATIVE_DOUBLE);
                if (*task) f.text("task", {task});
            }
            Config c(folder / "a.h5");
            Data d = open(c);
            ASSERT_TRUE(d);
            EXPECT_EQ(d->classification, *task ? task[0] == 'c' : integer) << task << integer;
            c.cfg.model.loss = "cross_entropy";
            EXPECT_TRUE(open(c)->classification);
            c.cfg.model.loss = "squared_error";
            Data regression = open(c);
            EXPECT_FALSE(regression->classification);
            EXPECT_EQ(regression->targets, 1);
            EXPECT_EQ(regression->classes, 0);
            EXPECT_EQ(regression->train.label, nullptr);
            EXPECT_EQ(regression->train.raw[2], 2.0f);
            EXPECT_EQ(regression->train.value, regression->train.raw);
            EXPECT_EQ(regression->target_mean[0], 0);
            EXPECT_EQ(regression->target_deviation[0], 1);
        }
}

TEST(DataOpen, ClassesAndTheirNames)
{
    Folder folder;
    hid_t spaces = Hdf5::string_type(6, H5T_STR_SPACEPAD), nulls = Hdf5::string_type(3, H5T_STR_NULLPAD);
    for (hid_t type : {(hid_t)-1, spaces, nulls}) {
        {
            Hdf5 f(folder / "a.h5");
            small(f);
            f.number("classes", H5T_STD_I16BE, 4);
            if (type < 0) f.text("class_names", {"cat", "", "d\xc3\xa4\xe2\x82\xac\xff\x1b[", "\xed\xa0\x80"});
            else f.text("class_names", {"cat", "", "dog", "ox"}, type);
            if (type < 0) f.text("name", {"pets\n"});
        }
        Data d = open(Config(folder / "a.h5"));
        ASSERT_TRUE(d);
        EXPECT_EQ(d->classes, 4);
        ASSERT_NE(d->class_names, nullptr);
        EXPECT_STREQ(d->class_names[0], "cat");
        EXPECT_STREQ(d->class_names[1], "");
        EXPECT_STREQ(d->class_names[2], type < 0 ? "d\xc3\xa4\xe2\x82\xac??[" : "dog");
        EXPECT_STREQ(d->class_names[3], type < 0 ? "???" : "ox");
        if (type < 0) EXPECT_STREQ(d->name, "pets?");
        else EXPECT_EQ(d->name, nullptr);
    }
    H5Tclose(spaces);
    H5Tclose(nulls);
    {
        Hdf5 f(folder / "b.h5");
        small(f);
        f.text("class_names", {"too", "few"});
    }
    expect_refused(Config(folder / "b.h5"), KZ_E_DATA,
                   folder / "b.h5" + std::string(": ") +
                       "attribute class_names has 2 names, but there are 3 classes; name each, or delete it");
}

TEST(DataOpen, ValidArraysAndMixedElements)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        small(f);
        f.put("/valid/x", H5T_STD_U8LE, {2, 2}, {9, 8, 7, 6});
        f.put("/valid/y", H5T_NATIVE_FLOAT, {2, 1}, {2, 0});
    }
    Config c(folder / "a.h5");
    c.valid("/valid/x", "/valid/y");
    Data d = open(c);
    ASSERT_TRUE(d);
    EXPECT_EQ(d->train.element, KZ_F32);
    EXPECT_EQ(d->valid.element, KZ_U8);
    EXPECT_EQ(d->valid.rows, 2);
    EXPECT_EQ(d->valid.index, nullptr);
    EXPECT_EQ(feature(d->valid, 2), 7.0f);
    EXPECT_EQ(d->valid.label[0], 2);
    EXPECT_EQ(d->classes, 3);
}

/* ---- where the file is ---- */

TEST(DataOpen, LooksBesideTheConfigThenInTheWorkingDirectory)
{
    Folder folder;
    std::filesystem::path here = std::filesystem::current_path();
    std::filesystem::create_directory(folder / "configs");
    {
        Hdf5 here_file(folder / "a.h5"), beside(folder / "configs/a.h5"), only_here(folder / "b.h5");
        small(here_file);
        small(beside);
        small(only_here);
        beside.text("name", {"beside"});
    }
    std::filesystem::current_path(folder.path());
    Config c("a.h5"), b("b.h5");
    c.file("configs/run.yaml");
    b.file("configs/run.yaml");
    Data d = open(c), e = open(b);
    std::filesystem::current_path(here);
    ASSERT_TRUE(d && e);
    EXPECT_EQ(d->path, folder / "configs/a.h5");
    EXPECT_STREQ(d->name, "beside");
    EXPECT_EQ(e->path, folder / "b.h5");
}

/* ---- every allocation fails in turn ---- */

TEST(DataOpen, FailingAllocationsLeaveNothing)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        small(f);
        f.text("name", {"four"});
        f.text("task", {"classification"});
        f.text("class_names", {"a", "b", "c"});
        f.put("/target", H5T_STD_I16BE, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}, {{2, 2}, true, false});
    }
    for (bool regression : {false, true}) {
        Config c("a.h5");
        c.file(folder / "run.yaml");
        if (regression) c.train("/train/x", "/target");
        c.cfg.data.valid.fraction = 0.25;
        c.cfg.data.scale = "standard";
        c.cfg.data.scale_target = "auto";
        c.cfg.model.loss = regression ? "squared_error" : nullptr;
        for (int64_t n = 1;; n++) {
            kz_data *data = nullptr;
            kz_calloc_fail_at(n);
            kz_status st = kz_data_open(&data, &c.cfg);
            kz_calloc_fail_at(0);
            EXPECT_EQ(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0) << n;
            kz_data_destroy(&data);
            if (st == KZ_OK) {
                EXPECT_GT(n, 15);
                break;
            }
            ASSERT_EQ(st, KZ_E_MEM) << kz_error_message();
        }
    }
}

/* ---- a real one ---- */

TEST(DataOpen, FashionMnist)
{
    std::string path = large_data_set("fashion_mnist.h5");
    if (path.empty()) GTEST_SKIP() << "no fashion_mnist.h5 in the folder named by KAIZEN_DATASETS";
    Config c(path);
    c.test("/test/x", "/test/y");
    c.cfg.data.valid.fraction = 0.1;
    double start = kz_clock();
    Data d = open(c);
    double seconds = kz_clock() - start;
    ASSERT_TRUE(d);
    EXPECT_EQ(d->train.rows, 54000);
    EXPECT_EQ(d->valid.rows, 6000);
    EXPECT_EQ(d->test.rows, 10000);
    EXPECT_EQ(d->features, 784);
    EXPECT_EQ(d->train.element, KZ_U8);
    EXPECT_STREQ(d->class_names[9], "Ankle boot");
    EXPECT_EQ(d->train.label[0], 9);
    RecordProperty("load_ms", (int)(1000 * seconds));
    c.cfg.data.scale = "standard";
    start = kz_clock();
    Data scaled = open(c);
    RecordProperty("load_and_scale_ms", (int)(1000 * (kz_clock() - start)));
    ASSERT_TRUE(scaled);
    EXPECT_STREQ(scaled->digest, d->digest);
}
