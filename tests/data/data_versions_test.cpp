/* `kaizen data check --against`: what changed between two versions of a data set. */
#include "tests/support/data_copy.h"

#include <algorithm>
#include <cmath>

using namespace kz_test;

namespace {

/* Findings of `now` against `old`, those of the comparison alone. */
Lines versions(const Folder &folder)
{
    Lines all = findings_of(run_check(folder / "new.h5", folder / "old.h5")), out;
    Lines alone = findings_of(run_check(folder / "new.h5"));
    for (const std::string &line : all)
        if (!std::count(alone.begin(), alone.end(), line)) out.push_back(line);
    return out;
}

} // namespace

TEST(DataVersions, TheSameDataAreTheSame)
{
    Folder folder;
    Copy c("digits");
    c.write(folder / "old.h5", H5T_NATIVE_UCHAR, H5T_NATIVE_UCHAR);
    c.write(folder / "new.h5", H5T_NATIVE_UCHAR, H5T_NATIVE_UCHAR);
    EXPECT_EQ(versions(folder), Lines{});
    std::string json = json_of(run_check(folder / "new.h5", folder / "old.h5"));
    EXPECT_NE(json.find("\"unchanged\": 1437,\n        \"added\": 0,\n        \"removed\": 0,\n        "
                        "\"target_changed\": 0,\n        \"same_order\": true"),
              std::string::npos)
        << json.substr(json.find("against"), 600);
}

TEST(DataVersions, CountsRowsAddedRemovedAndRelabelled)
{
    Folder folder;
    Copy c("digits");
    c.write(folder / "old.h5");
    for (size_t i = 0; i < 5; i++) c.train.y[100 + i] = c.train.y[100 + i] == 3 ? 4 : 3;
    c.cut(c.train, c.train.rows - 10);
    for (size_t i = 0; i < 7; i++) c.at(c.train, 300 + i, 0) = 5; /* seven removed, seven added */
    c.write(folder / "new.h5");
    int64_t changed = 0;
    Copy old("digits");
    for (size_t i = 0; i < 5; i++) changed += c.train.y[100 + i] != old.train.y[100 + i];
    ASSERT_EQ(changed, 5);
    EXPECT_EQ(versions(folder), (Lines{"warning version-labels train 5", "note version-rows train 24"}));
    Check check = run_check(folder / "new.h5", folder / "old.h5");
    EXPECT_STREQ(finding(check, "version-rows", "train")->found, "7 rows added and 17 removed, 1415 unchanged of 1437");
    const kz_finding *f = finding(check, "version-labels", "train");
    ASSERT_EQ(f->items, 5);
    for (int i = 0; i < 5; i++) EXPECT_EQ(f->item[i].row, 100 + i);
    for (int i = 0; i < 5; i++) EXPECT_EQ(f->item[i].other, 100 + i);
}

TEST(DataVersions, AnotherOrderIsNoChangeOfRows)
{
    Folder folder;
    Copy c("wine");
    c.write(folder / "old.h5");
    for (size_t j = 0; j < c.features; j++) std::swap(c.at(c.train, 0, j), c.at(c.train, 50, j));
    std::swap(c.train.y[0], c.train.y[50]);
    c.write(folder / "new.h5");
    EXPECT_EQ(versions(folder), Lines{"note version-rows train 0"});
}

TEST(DataVersions, RowsMovedFromTrainToTestAreTold)
{
    Folder folder;
    Copy c("wine");
    c.write(folder / "old.h5");
    for (size_t i = 0; i < 4; i++) {
        c.copy_row(c.train, c.train.rows - 1 - i, c.test, i);
        c.test.y[i] = c.train.y[c.train.rows - 1 - i];
    }
    c.cut(c.train, c.train.rows - 4);
    c.write(folder / "new.h5");
    EXPECT_EQ(versions(folder),
              (Lines{"warning version-leakage test 4", "note version-rows train 4", "note version-rows test 8"}));
}

TEST(DataVersions, DriftBetweenVersionsIsAWarning)
{
    Folder folder;
    Copy c("breast_cancer");
    c.write(folder / "old.h5");
    for (CopySplit *s : {&c.train, &c.test})
        for (size_t i = 0; i < s->rows; i++) c.at(*s, i, 7) *= 1000;
    c.write(folder / "new.h5");
    Lines found = versions(folder);
    EXPECT_TRUE(std::count(found.begin(), found.end(), "warning feature-drift train since the old version 1"));
    EXPECT_TRUE(std::count(found.begin(), found.end(), "warning feature-drift test since the old version 1"));
    for (const std::string &line : found) EXPECT_EQ(line.find("error"), std::string::npos) << line;
}

TEST(DataVersions, BrokenSchemasAreErrors)
{
    Folder folder;
    Copy c("iris");
    c.classes = 3;
    c.class_names = {"setosa", "versicolor", "virginica"};
    c.feature_names = {"a", "b", "c", "d"};
    c.write(folder / "old.h5");
    Copy d = c;
    d.feature_names = {"a", "c", "b", "d"};
    d.class_names = {"setosa", "virginica", "versicolor"};
    d.write(folder / "new.h5", H5T_NATIVE_DOUBLE);
    EXPECT_EQ(versions(folder),
              (Lines{"error version-features - 2", "error version-classes - 2", "warning version-type train 1"}));
    d = c;
    d.test.rows = 0;
    d.write(folder / "new.h5");
    EXPECT_EQ(versions(folder), Lines{"error version-split test 30"});
    {
        Hdf5 f(folder / "new.h5");
        f.put("/train/x", H5T_NATIVE_FLOAT, {3, 2}, {1, 2, 3, 4, 5, 6});
        f.put("/train/y", H5T_NATIVE_FLOAT, {3}, {1.5, 2.5, 3.5});
    }
    Lines found = versions(folder);
    EXPECT_EQ(found, (Lines{"error version-task - 1", "error version-split test 30", "error version-shape train 1",
                            "warning version-type train 1"}));
}

TEST(DataVersions, NewClassesAndSplitsAreNoBreak)
{
    Folder folder;
    Copy c("wine");
    Copy old = c;
    for (double &y : old.train.y) y = y == 2 ? 1 : y;
    old.test.rows = 0;
    old.write(folder / "old.h5");
    c.write(folder / "new.h5");
    Lines found = versions(folder);
    EXPECT_TRUE(std::count(found.begin(), found.end(), "note version-new-split test 36"));
    EXPECT_TRUE(std::count(found.begin(), found.end(), "warning version-labels train 37"));
    EXPECT_TRUE(std::count(found.begin(), found.end(), "warning class-shift train since the old version 1"));
    for (const std::string &line : found) EXPECT_EQ(line.find("error"), std::string::npos) << line;
}

/* The old version must be readable, and its own faults are not those of the new one. */
TEST(DataVersions, TheOldVersionIsNotJudged)
{
    Folder folder;
    Copy c("wine");
    c.write(folder / "new.h5");
    c.at(c.train, 3, 3) = NAN;
    c.train.y[5] = -1;
    c.write(folder / "old.h5");
    EXPECT_EQ(versions(folder), (Lines{"warning version-labels train 1", "note version-rows train 2"}));
    c.train.y.pop_back();
    c.write(folder / "old.h5");
    EXPECT_EQ(versions(folder), Lines{"error version-shape - 1"});
}
