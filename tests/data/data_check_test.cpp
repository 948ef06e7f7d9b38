/* `kaizen data check`: what real sets have, and faults planted in copies of them. */
#include "tests/support/data_copy.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace kz_test;

/* ---- the originals; counted apart from this program with h5py and NumPy ---- */

TEST(DataCheck, IsQuietOnTheOriginalsButForWhatTheyHave)
{
    EXPECT_EQ(findings_of(run_check(source("datasets/iris.h5"))), Lines{"warning leakage test 1"});
    EXPECT_EQ(findings_of(run_check(source("datasets/digits.h5"))), Lines{"note constant-features train 3"});
    for (const char *name : {"wine", "breast_cancer", "diabetes"})
        EXPECT_EQ(findings_of(run_check(source("datasets/" + std::string(name) + ".h5"))), Lines{}) << name;
}

TEST(DataCheck, FindsTheRepeatedRowOfIris)
{
    Check check = run_check(source("datasets/iris.h5"));
    const kz_finding *f = finding(check, "leakage", "test");
    ASSERT_TRUE(f);
    ASSERT_EQ(f->items, 1);
    EXPECT_EQ(f->item[0].row, 17);
    EXPECT_EQ(f->item[0].other, 62);
    EXPECT_STREQ(f->item[0].other_split, "train");
    EXPECT_STREQ(f->found, "1 of 30 rows (3.33%) are in train as well, 1 of them with the same target");
}

TEST(DataCheck, LargerOriginalsHaveWhatWasCountedByHand)
{
    const std::vector<std::pair<const char *, Lines>> wanted = {
        {"california_housing.h5", {}},
        {"fashion_mnist.h5", {}},
        {"mnist.h5", {"note constant-features train 67"}},
        {"adult.h5",
         {"warning leakage test 26", "warning label-conflicts train 2", "warning label-conflicts test 2",
          "warning duplicate-rows train 24", "warning duplicate-rows test 5"}}};
    int checked = 0;
    for (const auto &[name, lines] : wanted) {
        std::string path = large_data_set(name);
        if (path.empty()) continue;
        EXPECT_EQ(findings_of(run_check(path)), lines) << name;
        checked++;
    }
    if (checked == 0) GTEST_SKIP() << "the larger data sets are not here";
}

/* The digest is the one that training records. */
TEST(DataCheck, DigestIsThatOfTraining)
{
    for (const char *name : {"iris", "digits", "diabetes"}) {
        std::string path = source("datasets/" + std::string(name) + ".h5");
        Config c(path);
        c.test("/test/x", "/test/y");
        Data d = open(c);
        ASSERT_TRUE(d);
        EXPECT_NE(json_of(run_check(path)).find(d->digest), std::string::npos) << name;
    }
}

/* ---- rows ---- */

TEST(DataCheck, FindsPlantedLeakage)
{
    Folder folder;
    Copy c("digits");
    for (size_t i = 0; i < 36; i++) {
        c.copy_row(c.train, 10 * i, c.test, 5 * i);
        c.test.y[5 * i] = i < 30 ? c.train.y[10 * i] : std::fmod(c.train.y[10 * i] + 1, 10);
    }
    c.write(folder / "a.h5", H5T_NATIVE_UCHAR, H5T_NATIVE_UCHAR);
    Check check = run_check(folder / "a.h5");
    const kz_finding *f = finding(check, "leakage", "test");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->count, 36);
    EXPECT_DOUBLE_EQ(f->value, 0.1);
    EXPECT_STREQ(f->found, "36 of 360 rows (10%) are in train as well, 30 of them with the same target");
    ASSERT_EQ(f->items, KZ_FINDING_ITEMS);
    for (int i = 0; i < f->items; i++) EXPECT_EQ(f->item[i].other, 2 * f->item[i].row) << f->item[i].text;
    EXPECT_EQ(findings_of(check), (Lines{"warning leakage test 36", "note constant-features train 3"}));
}

TEST(DataCheck, EqualRowsAreFoundAcrossTypesAndSignsOfZero)
{
    Folder folder;
    Copy c("digits");
    c.cut(c.test, 3);
    for (size_t i = 0; i < 3; i++) c.copy_row(c.train, i, c.test, i);
    for (double &v : c.test.x) v = v == 0 ? -0.0 : v;
    for (hid_t type : {H5T_IEEE_F32BE, H5T_NATIVE_DOUBLE, H5T_NATIVE_LLONG, H5T_STD_I16BE}) {
        c.write(folder / "a.h5", H5T_NATIVE_UCHAR, type);
        const Check check = run_check(folder / "a.h5");
        const kz_finding *f = finding(check, "leakage", "test");
        ASSERT_TRUE(f);
        EXPECT_EQ(f->count, 3);
    }
}

/* Neighbours beyond 2^53 are equal in binary64, and different rows. */
TEST(DataCheck, LargeIntegersAreComparedExactly)
{
    Folder folder;
    const uint64_t big = (uint64_t)1 << 63;
    uint64_t x[6] = {big, big + 1, big, UINT64_MAX, UINT64_MAX - 1, 7};
    {
        Hdf5 f(folder / "a.h5");
        f.put_raw("/train/x", H5T_NATIVE_UINT64, {6, 1}, H5T_NATIVE_UINT64, x);
        f.put("/train/y", H5T_NATIVE_INT, {6}, {0, 1, 0, 1, 0, 1});
    }
    Check check = run_check(folder / "a.h5");
    const kz_finding *f = finding(check, "duplicate-rows", "train");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->count, 1);
    EXPECT_EQ(f->item[0].row, 2);
    EXPECT_EQ(f->item[0].other, 0);
}

TEST(DataCheck, TellsRepeatedRowsFromConflictingLabels)
{
    Folder folder;
    Copy c("breast_cancer");
    for (size_t i = 0; i < 12; i++) {
        c.copy_row(c.train, i, c.train, 400 + i);
        c.train.y[400 + i] = i < 9 ? c.train.y[i] : 1 - c.train.y[i];
    }
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), (Lines{"warning label-conflicts train 6", "warning duplicate-rows train 9"}));
    EXPECT_EQ(finding(check, "duplicate-rows", "train")->item[0].row, 400);
    EXPECT_EQ(finding(check, "duplicate-rows", "train")->item[0].other, 0);
}

/* Every row hashes to the same: only their values tell them apart, and the result is what it was. */
TEST(DataCheck, CollidingHashesChangeNothing)
{
    Folder folder;
    Copy c("wine");
    c.copy_row(c.train, 3, c.test, 7);
    c.copy_row(c.train, 4, c.train, 9);
    for (size_t i = 0; i < c.train.rows; i++) c.at(c.train, i, 5) = c.at(c.train, i, 2);
    for (size_t i = 0; i < c.test.rows; i++) c.at(c.test, i, 5) = c.at(c.test, i, 2);
    c.write(folder / "a.h5");
    std::string path = folder / "a.h5";
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    std::string wanted = json_of(run_check(options));
    for (uint64_t mask : {0x0ull, 0x3ull, 0xffull}) {
        options.hash_mask = mask;
        Check check = run_check(options);
        const kz_finding *f = finding(check, "leakage", "test");
        ASSERT_TRUE(f);
        EXPECT_EQ(f->count, 1);
        if (mask) continue; /* a column is compared with the first of its hash alone */
        EXPECT_EQ(finding(check, "duplicate-rows", "train") == nullptr, c.train.y[4] != c.train.y[9]);
    }
    EXPECT_NE(wanted.find("duplicate-features"), std::string::npos);
}

/* ---- drift ---- */

TEST(DataCheck, FindsPlantedDriftInOneFeature)
{
    Folder folder;
    Copy c("breast_cancer");
    for (size_t i = 0; i < c.test.rows; i++) c.at(c.test, i, 1) *= 2.54; /* other unit */
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), Lines{"warning feature-drift test 1"});
    const kz_finding *f = finding(check, "feature-drift", "test");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->item[0].feature, 1);
    EXPECT_GT(f->value, 0.25);
    EXPECT_EQ(f->threshold, 0.25);
}

/* However the rows are split by chance, there is no drift, and no shift of classes. */
TEST(DataCheck, RandomSplitsAreQuiet)
{
    Folder folder;
    std::mt19937 random(7);
    for (const char *name : {"wine", "breast_cancer", "diabetes", "digits"})
        for (int repeat = 0; repeat < 15; repeat++) {
            Copy c(name);
            std::vector<size_t> order(c.train.rows + c.test.rows);
            for (size_t i = 0; i < order.size(); i++) order[i] = i;
            std::shuffle(order.begin(), order.end(), random);
            CopySplit all = c.train;
            all.x.insert(all.x.end(), c.test.x.begin(), c.test.x.end());
            all.y.insert(all.y.end(), c.test.y.begin(), c.test.y.end());
            for (size_t i = 0; i < order.size(); i++) {
                CopySplit &to = i < c.train.rows ? c.train : c.test;
                size_t row = i < c.train.rows ? i : i - c.train.rows;
                c.copy_row(all, order[i], to, row);
                to.y[row] = all.y[order[i]];
            }
            c.write(folder / "a.h5");
            for (const std::string &line : findings_of(run_check(folder / "a.h5")))
                EXPECT_NE(line.find("constant-features"), std::string::npos) << name << " " << repeat << ": " << line;
        }
}

TEST(DataCheck, FindsShiftOfClassesAndOfTargets)
{
    Folder folder;
    Copy c("breast_cancer"), d("diabetes");
    size_t kept = 0;
    for (size_t i = 0; i < c.test.rows; i++) /* test keeps benign rows, and 4 others */
        if (c.test.y[i] == 1 || kept < 4) {
            c.copy_row(c.test, i, c.test, kept);
            c.test.y[kept++] = c.test.y[i];
        }
    c.cut(c.test, kept);
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    const kz_finding *f = finding(check, "class-shift", "test");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->severity, KZ_FINDING_WARNING);
    EXPECT_GE(f->items, 2);
    for (double &y : d.test.y) y += 150;
    d.write(folder / "b.h5");
    EXPECT_EQ(findings_of(run_check(folder / "b.h5")), Lines{"warning target-drift test 1"});
}

TEST(DataCheck, MaxPsiMovesTheThreshold)
{
    Folder folder;
    Copy c("digits");
    for (size_t i = 0; i < c.test.rows; i++) c.at(c.test, i, 20) = std::fmin(16, c.at(c.test, i, 20) + 1.0);
    c.write(folder / "a.h5");
    std::string path = folder / "a.h5";
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    options.max_psi = 0.01;
    Check strict = run_check(options);
    const kz_finding *f = finding(strict, "feature-drift", "test");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->threshold, 0.01);
}

/* ---- features ---- */

TEST(DataCheck, FindsAFeatureThatGivesTheLabelAway)
{
    Folder folder;
    Copy c("breast_cancer"), d("diabetes");
    std::mt19937 random(1);
    std::normal_distribution<double> noise(0, 0.05);
    for (size_t i = 0; i < c.train.rows; i++) c.at(c.train, i, 4) = 7 - 3 * c.train.y[i] + noise(random);
    for (size_t i = 0; i < c.test.rows; i++) c.at(c.test, i, 4) = 7 - 3 * c.test.y[i] + noise(random);
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), Lines{"warning label-in-feature train 1"});
    EXPECT_EQ(finding(check, "label-in-feature", "train")->item[0].feature, 4);
    for (size_t i = 0; i < d.train.rows; i++) d.at(d.train, i, 9) = std::exp(-d.train.y[i] / 100);
    for (size_t i = 0; i < d.test.rows; i++) d.at(d.test, i, 9) = std::exp(-d.test.y[i] / 100);
    d.write(folder / "b.h5");
    EXPECT_EQ(findings_of(run_check(folder / "b.h5")), Lines{"warning label-in-feature train 1"});
}

TEST(DataCheck, ConstantAndRepeatedFeaturesAreOneFindingEach)
{
    Folder folder;
    Copy c("breast_cancer");
    for (CopySplit *s : {&c.train, &c.test})
        for (size_t i = 0; i < s->rows; i++) {
            for (size_t j = 0; j < 12; j++) c.at(*s, i, j) = 3.5;
            c.at(*s, i, 20) = c.at(*s, i, 15);
            c.at(*s, i, 21) = c.at(*s, i, 15);
        }
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), (Lines{"warning constant-features train 12", "warning duplicate-features - 2"}));
    EXPECT_EQ(finding(check, "constant-features", "train")->items, KZ_FINDING_ITEMS);
    EXPECT_STREQ(finding(check, "duplicate-features", "")->item[0].text, "feature 20 is feature 15");
}

TEST(DataCheck, FindsExtremeValuesAndLostPrecision)
{
    Folder folder;
    Copy c("wine");
    c.at(c.train, 17, 4) = 1e9;
    for (CopySplit *s : {&c.train, &c.test}) /* seconds since 1970, one row a second */
        for (size_t i = 0; i < s->rows; i++) c.at(*s, i, 6) = 1.6e9 + (double)(i * 7919 % 140);
    c.write(folder / "a.h5", H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE);
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), (Lines{"warning extreme-values train 1", "warning precision-lost train 1"}));
    EXPECT_EQ(finding(check, "extreme-values", "train")->item[0].feature, 4);
    EXPECT_EQ(finding(check, "precision-lost", "train")->item[0].feature, 6);
}

TEST(DataCheck, FindsValuesThatAreNotFiniteByRowAndFeature)
{
    Folder folder;
    Copy c("wine");
    c.feature_names = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"};
    c.at(c.train, 5, 2) = NAN;
    c.at(c.train, 5, 3) = -INFINITY;
    c.at(c.train, 100, 2) = 1e39;
    c.at(c.test, 0, 12) = NAN;
    c.write(folder / "a.h5", H5T_NATIVE_DOUBLE, H5T_NATIVE_DOUBLE);
    Check check = run_check(folder / "a.h5");
    Lines lines = findings_of(check);
    ASSERT_GE(lines.size(), 2u);
    EXPECT_EQ(lines[0], "error non-finite train 3");
    EXPECT_EQ(lines[1], "error non-finite test 1");
    EXPECT_STREQ(finding(check, "non-finite", "test")->found,
                 "1 value in 1 row and 1 feature: 1 NaN, 0 infinite, 0 too large for binary32");
    const kz_finding *f = finding(check, "non-finite", "train");
    EXPECT_STREQ(f->found, "3 values in 2 rows and 2 features: 1 NaN, 1 infinite, 1 too large for binary32");
    EXPECT_STREQ(f->item[0].text, "row 5, c: nan");
    EXPECT_STREQ(f->item[1].text, "row 5, d: -inf");
    EXPECT_STREQ(f->item[2].text, "row 100, c: 1e+39");
}

TEST(DataCheck, FindsTargetsThatAreNotFinite)
{
    Folder folder;
    Copy c("diabetes");
    c.train.y[8] = NAN;
    c.train.y[9] = INFINITY;
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check)[0], "error target-non-finite train 2");
    EXPECT_EQ(finding(check, "target-non-finite", "train")->item[0].row, 8);
}

/* ---- labels ---- */

TEST(DataCheck, FindsEveryKindOfWrongLabel)
{
    Folder folder;
    Copy c("digits");
    c.classes = 10;
    c.train.y[0] = 2.5;
    c.train.y[1] = -1;
    c.train.y[2] = 10;
    c.train.y[3] = NAN;
    c.train.y[4] = 1e12;
    c.test.y[7] = -3;
    c.write(folder / "a.h5", H5T_NATIVE_FLOAT, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE);
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check),
              (Lines{"error label-not-whole train 2", "error label-negative train 1", "error label-negative test 1",
                     "error label-range train 2", "note constant-features train 3"}));
    EXPECT_EQ(finding(check, "label-not-whole", "train")->item[1].row, 3);
    EXPECT_EQ(finding(check, "label-range", "train")->item[0].row, 2);
}

TEST(DataCheck, LabelsOfTestThatTrainDoesNotKnow)
{
    Folder folder;
    Copy c("wine");
    for (double &y : c.train.y) y = y == 2 ? 0 : y;
    c.write(folder / "a.h5");
    Lines without = findings_of(run_check(folder / "a.h5")); /* two classes by train: the third is out of range */
    EXPECT_TRUE(std::count(without.begin(), without.end(), "error label-range test 11")) << without.size();
    c.classes = 3;
    c.write(folder / "b.h5");
    Lines with = findings_of(run_check(folder / "b.h5"));
    EXPECT_TRUE(std::count(with.begin(), with.end(), "warning class-unseen test 1"));
    EXPECT_FALSE(std::count(with.begin(), with.end(), "error label-range test 11"));
}

TEST(DataCheck, ClassesOfTrainThatTestDoesNotHave)
{
    Folder folder;
    Copy c("iris");
    c.class_names = {"setosa", "versicolor", "virginica"};
    size_t kept = 0;
    for (size_t i = 0; i < c.test.rows; i++)
        if (c.test.y[i] != 1) {
            c.copy_row(c.test, i, c.test, kept);
            c.test.y[kept++] = c.test.y[i];
        }
    c.cut(c.test, kept);
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    const kz_finding *f = finding(check, "class-absent", "test");
    ASSERT_TRUE(f);
    EXPECT_EQ(f->item[0].class_number, 1);
    EXPECT_STREQ(f->item[0].text, "class 1 (versicolor): 39 rows");
}

/* ---- arrays and attributes ---- */

TEST(DataCheck, FindsArraysThatDoNotFit)
{
    Folder folder;
    struct Case {
        std::vector<hsize_t> x, y, test_x, test_y;
        Lines wanted;
    };
    const std::vector<Case> cases = {
        {{4, 3}, {5}, {4, 3}, {4}, {"error row-count train 1"}},
        {{4, 3}, {4}, {4, 2}, {4}, {"error shape-mismatch test 1"}},
        {{4, 2, 3}, {4}, {4, 3, 2}, {4}, {"error shape-mismatch test 1"}},
        {{4, 3}, {4, 2}, {4, 3}, {4, 2}, {"error target-shape train 1"}},
        {{4, 3}, {4}, {0, 3}, {0}, {"error array-unusable test 1"}},
        {{4, 3, 1, 1, 1}, {4}, {4, 3}, {4}, {"error array-unusable train 1"}},
    };
    for (const Case &c : cases) {
        {
            Hdf5 f(folder / "a.h5");
            std::vector<double> values(64);
            for (size_t i = 0; i < values.size(); i++) values[i] = (double)(i % 3);
            f.put("/train/x", H5T_NATIVE_FLOAT, c.x, values);
            f.put("/train/y", H5T_NATIVE_INT, c.y, values);
            f.put("/test/x", H5T_NATIVE_FLOAT, c.test_x, values);
            f.put("/test/y", H5T_NATIVE_INT, c.test_y, values);
        }
        Lines found = findings_of(run_check(folder / "a.h5"));
        auto no_error = [](const std::string &line) { return line.rfind("error", 0) != 0; };
        found.erase(std::remove_if(found.begin(), found.end(), no_error), found.end());
        EXPECT_EQ(found, c.wanted);
    }
}

/* Nobody asked for /valid and /test: they may be missing, have other names, or be there by half. */
TEST(DataCheck, FindsArraysByTheirNamesAndSaysSo)
{
    Folder folder;
    auto put = [](Hdf5 &f, const char *x, const char *y) {
        f.put(x, H5T_NATIVE_FLOAT, {4, 1}, {1, 2, 3, 4});
        if (*y) f.put(y, H5T_NATIVE_INT, {4}, {0, 1, 0, 1});
    };
    {
        Hdf5 f(folder / "a.h5");
        put(f, "/train/x", "/train/y");
    }
    EXPECT_EQ(findings_of(run_check(folder / "a.h5")), Lines{"note no-test - 1"});
    {
        Hdf5 f(folder / "a.h5");
        put(f, "/train/x", "/train/y");
        put(f, "/test/images", "");
    }
    EXPECT_EQ(findings_of(run_check(folder / "a.h5")), (Lines{"note layout - 1", "note no-test - 1"}));
    {
        Hdf5 f(folder / "a.h5");
        put(f, "/x_train", "/y_train");
        put(f, "/x_test", "/y_test");
    }
    EXPECT_EQ(findings_of(run_check(folder / "a.h5")), (Lines{"warning leakage test 4", "note layout - 1"}));
    {
        Hdf5 f(folder / "a.h5");
        put(f, "/something", "/else");
    }
    EXPECT_EQ(findings_of(run_check(folder / "a.h5")), Lines{"error array-unusable - 1"});
}

TEST(DataCheck, FindsAttributesThatAreContradicted)
{
    Folder folder;
    Copy c("iris");
    c.class_names = {"setosa", "versicolor"};
    c.feature_names = {"only one"};
    c.write(folder / "a.h5");
    Lines found = findings_of(run_check(folder / "a.h5"));
    EXPECT_EQ(found, (Lines{"error class-names - 1", "warning leakage test 1", "warning feature-names - 1"}));
    {
        Hdf5 f(folder / "b.h5");
        f.put("/train/x", H5T_NATIVE_FLOAT, {4, 1}, {1, 2, 3, 4});
        f.put("/train/y", H5T_NATIVE_INT, {4}, {1, 1, 1, 1});
        f.number("classes", H5T_NATIVE_DOUBLE, 1.5);
        f.text("task", {"clustering"});
    }
    EXPECT_EQ(findings_of(run_check(folder / "b.h5")), (Lines{"error task-attribute - 1", "error classes-attribute - 1",
                                                              "error one-class train 1", "note no-test - 1"}));
}

TEST(DataCheck, TakesArraysAndTaskFromAConfig)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/images", H5T_NATIVE_FLOAT, {4, 1}, {1, 2, 3, 4});
        f.put("/numbers", H5T_NATIVE_INT, {4}, {-5, 0, 2, 9});
    }
    Config config(folder / "a.h5");
    config.train("/images", "/numbers");
    config.cfg.model.loss = "squared_error";
    std::string path = folder / "a.h5";
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    options.cfg = &config.cfg;
    EXPECT_EQ(findings_of(run_check(options)), Lines{"note no-test - 1"});
    config.test("/missing/x", "/missing/y"); /* what a config names must be there */
    EXPECT_EQ(findings_of(run_check(options))[0], "error array-unusable test 1");
}
