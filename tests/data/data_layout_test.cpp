/* Where the splits are looked for when the config does not name them; types that are accepted as they come. */
#include "tests/support/data_hdf5.h"

using namespace kz_test;

namespace {

/* A file of the named arrays: x is rows x 2, y is the row's number mod 2. */
std::string file_of(const Folder &folder, const std::vector<std::pair<std::string, int>> &arrays)
{
    std::string path = folder / "a.h5";
    Hdf5 f(path);
    for (const auto &[name, kind] : arrays) {
        bool is_x = kind == 'x';
        std::vector<double> values;
        for (int i = 0; i < (is_x ? 8 : 4); i++) values.push_back(is_x ? i : i % 2);
        f.put(name.c_str(), is_x ? H5T_NATIVE_FLOAT : H5T_NATIVE_INT,
              is_x ? std::vector<hsize_t>{4, 2} : std::vector<hsize_t>{4}, values);
    }
    return path;
}

struct Names {
    const char *train_x, *train_y, *valid_x, *test_x; /* "" : none */
};

std::string text(const char *s)
{
    return s ? s : "";
}

void expect_found(const std::vector<std::pair<std::string, int>> &arrays, const Names &wanted, const std::string &note)
{
    Folder folder;
    Config c(file_of(folder, arrays));
    c.name_nothing();
    Data d = open(c);
    ASSERT_TRUE(d) << arrays[0].first;
    EXPECT_EQ(text(d->train_at.x), wanted.train_x);
    EXPECT_EQ(text(d->train_at.y), wanted.train_y);
    EXPECT_EQ(text(d->valid_at.x), wanted.valid_x);
    EXPECT_EQ(text(d->test_at.x), wanted.test_x);
    EXPECT_EQ(d->valid.rows, *wanted.valid_x ? 4 : 0);
    EXPECT_EQ(d->test.rows, *wanted.test_x ? 4 : 0);
    EXPECT_EQ(text(d->note), note);
}

void expect_none(const std::vector<std::pair<std::string, int>> &arrays, const std::string &message)
{
    Folder folder;
    std::string path = file_of(folder, arrays);
    Config c(path);
    c.name_nothing();
    expect_refused(c, KZ_E_DATA, path + ": " + message);
}

} // namespace

/* ---- names ---- */

TEST(DataLayout, OurOwnNamesComeFirst)
{
    expect_found({{"/train/x", 'x'},
                  {"/train/y", 'y'},
                  {"/test/x", 'x'},
                  {"/test/y", 'y'},
                  {"/x_train", 'x'},
                  {"/y_train", 'y'},
                  {"/train/images", 'x'},
                  {"/X_test", 'x'}},
                 {"/train/x", "/train/y", "", "/test/x"}, "");
    expect_found({{"/train/x", 'x'}, {"/train/y", 'y'}, {"/valid/x", 'x'}, {"/valid/y", 'y'}},
                 {"/train/x", "/train/y", "/valid/x", ""},
                 "using /valid/x, /valid/y as valid\nthe file has no test arrays; test is none");
}

TEST(DataLayout, GroupsOfOtherNames)
{
    expect_found({{"/training/X", 'x'},
                  {"/training/labels", 'y'},
                  {"/val/data", 'x'},
                  {"/val/target", 'y'},
                  {"/testing/features", 'x'},
                  {"/testing/Y", 'y'}},
                 {"/training/X", "/training/labels", "/val/data", "/testing/features"},
                 "using /training/X as train x, /training/labels as train y\n"
                 "using /val/data as valid x, /val/target as valid y\n"
                 "using /testing/features as test x, /testing/Y as test y");
    expect_found({{"/Train/inputs", 'x'}, {"/Train/Targets", 'y'}, {"/dev/x", 'x'}, {"/dev/y", 'y'}},
                 {"/Train/inputs", "/Train/Targets", "/dev/x", ""},
                 "using /Train/inputs as train x, /Train/Targets as train y\n"
                 "using /dev/x as valid x, /dev/y as valid y\nthe file has no test arrays; test is none");
}

TEST(DataLayout, FlatNames)
{
    const char *const pairs[][4] = {{"/x_train", "/y_train", "/x_test", "/y_test"},
                                    {"/X_train", "/y_train", "/X_test", "/y_test"},
                                    {"/train_x", "/train_y", "/test_x", "/test_y"},
                                    {"/train_images", "/train_labels", "/test_images", "/test_labels"},
                                    {"/train_set_x", "/train_set_y", "/test_set_x", "/test_set_y"},
                                    {"/trainX", "/trainY", "/testX", "/testY"},
                                    {"/features-train", "/targets-train", "/features-test", "/targets-test"}};
    for (const auto &[train_x, train_y, test_x, test_y] : pairs) {
        std::string note = std::string("using ") + train_x + " as train x, " + train_y + " as train y\nusing " +
                           test_x + " as test x, " + test_y + " as test y";
        expect_found({{train_x, 'x'}, {train_y, 'y'}, {test_x, 'x'}, {test_y, 'y'}}, {train_x, train_y, "", test_x},
                     note);
    }
}

TEST(DataLayout, ArraysWithoutASplitAreTrain)
{
    for (const auto &[x, y] : {std::pair<const char *, const char *>{"/X", "/y"},
                               {"/images", "/labels"},
                               {"/data", "/target"},
                               {"/features", "/targets"}})
        expect_found({{x, 'x'}, {y, 'y'}, {"/other", 'y'}}, {x, y, "", ""},
                     std::string("using ") + x + " as train x, " + y +
                         " as train y\nthe file has no test arrays; test is none");
    /* a split's own name is better */
    expect_found({{"/x", 'x'}, {"/y", 'y'}, {"/x_train", 'x'}, {"/y_train", 'y'}}, {"/x_train", "/y_train", "", ""},
                 "using /x_train as train x, /y_train as train y\nthe file has no test arrays; test is none");
}

TEST(DataLayout, HalfATestSplitIsNone)
{
    expect_found({{"/train/x", 'x'}, {"/train/y", 'y'}, {"/test/x", 'x'}}, {"/train/x", "/train/y", "", ""},
                 "the file has /test/x but no y to it; test is none");
}

TEST(DataLayout, WhatTheConfigNamesStands)
{
    Folder folder;
    std::string path = file_of(folder, {{"/train/x", 'x'},
                                        {"/train/y", 'y'},
                                        {"/valid/x", 'x'},
                                        {"/valid/y", 'y'},
                                        {"/X_test", 'x'},
                                        {"/y_test", 'y'}});
    Config c(path);
    c.train("/train/x", "/train/y"); /* no valid, no test */
    Data none = open(c);
    ASSERT_TRUE(none);
    EXPECT_EQ(none->valid.rows + none->test.rows, 0);
    EXPECT_STREQ(none->note, "");
    c.cfg.data.valid.fraction = 0.5;
    c.cfg.data.test.left_out = true;
    Data drawn = open(c);
    ASSERT_TRUE(drawn);
    EXPECT_EQ(drawn->valid.rows, 2);
    EXPECT_EQ(drawn->valid_at.x, nullptr); /* drawn from train, not /valid/x */
    EXPECT_STREQ(drawn->test_at.x, "/X_test");
    c.test("/test/x", "/test/y");
    expect_refused(c, KZ_E_DATA,
                   path + ": there is no /test/x: the group / holds 'X_test', 'train', 'valid', 'y_test'; name the "
                          "array in data.test, or set it to none");
}

/* ---- what is refused ---- */

TEST(DataLayout, TwoCandidatesAreAnError)
{
    expect_none({{"/x_train", 'x'}, {"/train_images", 'x'}, {"/y_train", 'y'}},
                "the config leaves data.train out, and 2 arrays could be its x: /train_images, /x_train; name x and y "
                "in data.train");
    expect_none({{"/train/x", 'x'}, {"/train/y", 'y'}, {"/val/x", 'x'}, {"/val/y", 'y'}, {"/dev/y", 'y'}},
                "the config leaves data.valid out, and 2 arrays could be its y: /dev/y, /val/y; name x and y in "
                "data.valid, or set it to none");
}

TEST(DataLayout, NothingKnownSuggestsLinesToPaste)
{
    expect_none({{"/a/pictures", 'x'}, {"/a/kind", 'y'}},
                "there is no x and y to train on under a name that is known, such as /train/x and /train/y; the arrays "
                "are: /a/kind (4 int32), /a/pictures (4x2 float32); name them in the config, data: {train: {x: "
                "/a/pictures, y: /a/kind}}");
    expect_none({{"/x_train", 'x'}},
                "there is no y to train on under a name that is known, such as /train/x and /train/y; the arrays are: "
                "/x_train (4x2 float32); name them in the config, data: {train: {x: /x_train, y: /PATH/OF/Y}}");
    expect_none({{"/train/x", 'x'}, {"/train/kind", 'y'}},
                "there is no /train/y: the group /train holds 'kind', 'x'; name the array in data.train");
}

TEST(DataLayout, ALinkInsideTheFileCountsUnderItsName)
{
    Folder folder;
    std::string path = file_of(folder, {{"/x_train", 'x'}, {"/y_train", 'y'}, {"/train/y", 'y'}});
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    H5Lcreate_soft("/x_train", file, "/train/x", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    Config c(path);
    c.name_nothing();
    kz_data *data = nullptr;
    ASSERT_EQ(kz_data_open(&data, &c.cfg), KZ_OK) << kz_error_message();
    EXPECT_STREQ(data->train_at.x, "/train/x");
    EXPECT_STREQ(data->train_at.y, "/train/y");
    EXPECT_EQ(data->train.rows, 4);
    kz_data_destroy(&data);
}

TEST(DataLayout, EveryAllocationMayFail)
{
    Folder folder;
    Config c(file_of(folder, {{"/x_train", 'x'}, {"/y_train", 'y'}, {"/x_test", 'x'}, {"/y_test", 'y'}}));
    c.name_nothing();
    kz_status st = KZ_E_MEM;
    for (int64_t at = 1; st != KZ_OK; at++) {
        ASSERT_LT(at, 2000);
        kz_data *data = nullptr;
        kz_calloc_fail_at(at);
        st = kz_data_open(&data, &c.cfg);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << kz_error_message();
        kz_data_destroy(&data);
    }
}

/* ---- types that are accepted as they come ---- */

namespace {

/* Four rows whose y has this type and shape. */
Data opened(const Folder &folder, hid_t type, const std::vector<hsize_t> &extent, const std::vector<double> &y,
            const char *task = nullptr)
{
    {
        Hdf5 f(folder / "y.h5");
        f.put("/train/x", H5T_NATIVE_FLOAT, {4}, {1, 2, 3, 4});
        f.put("/train/y", type, extent, y);
        if (task) f.text("task", {task});
    }
    return open(Config(folder / "y.h5"));
}

} // namespace

TEST(DataAccepts, OneDimensionalFeaturesAndLabelsInAColumn)
{
    Folder folder;
    Data d = opened(folder, H5T_NATIVE_INT, {4, 1}, {0, 1, 2, 1});
    ASSERT_TRUE(d);
    EXPECT_EQ(d->features, 1);
    EXPECT_EQ(d->classes, 3);
    EXPECT_EQ(std::vector<int32_t>(d->train.label, d->train.label + 4), (std::vector<int32_t>{0, 1, 2, 1}));
}

TEST(DataAccepts, WholeNumberFloatLabelsWhereTheTaskSaysClasses)
{
    Folder folder;
    Data classes = opened(folder, H5T_NATIVE_DOUBLE, {4}, {0, 1, 2, 1}, "classification");
    ASSERT_TRUE(classes);
    EXPECT_TRUE(classes->classification);
    EXPECT_EQ(classes->train.label[2], 2);
    Data numbers = opened(folder, H5T_NATIVE_DOUBLE, {4}, {0, 1, 2, 1}); /* nothing says that they are classes */
    ASSERT_TRUE(numbers);
    EXPECT_FALSE(numbers->classification);
    opened(folder, H5T_NATIVE_FLOAT, {4}, {0, 1, 2, 1});
    Config c(folder / "y.h5");
    c.cfg.model.loss = "cross_entropy";
    Data told = open(c);
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->classification);
}

TEST(DataAccepts, BooleansAsFeaturesAndLabels)
{
    Folder folder;
    hid_t boolean = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t values[] = {0, 1}, x[] = {1, 0, 0, 1}, y[] = {0, 1, 1, 0};
    H5Tenum_insert(boolean, "FALSE", &values[0]);
    H5Tenum_insert(boolean, "TRUE", &values[1]);
    {
        Hdf5 f(folder / "a.h5");
        f.put_raw("/train/x", boolean, {4, 1}, boolean, x);
        f.put_raw("/train/y", boolean, {4}, boolean, y);
    }
    H5Tclose(boolean);
    Data d = open(Config(folder / "a.h5"));
    ASSERT_TRUE(d);
    EXPECT_TRUE(d->classification);
    EXPECT_EQ(d->classes, 2);
    EXPECT_EQ(feature(d->train, 0), 1.0f);
    EXPECT_EQ(feature(d->train, 1), 0.0f);
    EXPECT_EQ(d->train.label[1], 1);
}

TEST(DataAccepts, LabelsOf64BitsAreNeverCut)
{
    Folder folder;
    for (hid_t type : {H5T_STD_I64LE, H5T_STD_I64BE, H5T_STD_U64LE, H5T_STD_U64BE}) {
        Data d = opened(folder, type, {4}, {0, 1, 2, 1});
        ASSERT_TRUE(d);
        EXPECT_EQ(d->classes, 3);
    }
    const struct {
        uint64_t value;
        const char *said;
    } cases[] = {
        {((uint64_t)1 << 32) + 1, "4294967297"}, {((uint64_t)1 << 32), "4294967296"}, {INT32_MAX, "2147483647"}};
    for (const auto &bad : cases) {
        const uint64_t y[] = {0, 1, bad.value, 1};
        {
            Hdf5 f(folder / "big.h5");
            f.put("/train/x", H5T_NATIVE_FLOAT, {4}, {1, 2, 3, 4});
            f.put_raw("/train/y", H5T_STD_U64LE, {4}, H5T_NATIVE_UINT64, y);
        }
        expect_refused(Config(folder / "big.h5"), KZ_E_DATA,
                       (folder / "big.h5") + ": /train/y holds " + bad.said +
                           " at row 2 (from 0); class numbers are whole, from 0 to 2147483646; rows in all that hold "
                           "none: 1; renumber the classes, or for a regression set model.loss: squared_error");
    }
}
