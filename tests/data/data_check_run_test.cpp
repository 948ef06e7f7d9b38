/* `kaizen data check`: threads, memory, what is allowed, and what happens when memory runs out. */
#include "tests/support/data_copy.h"

#include <cmath>
#include <random>

using namespace kz_test;

TEST(DataCheckRun, TeamOfAnySizeFindsTheSame)
{
    std::string path = source("datasets/digits.h5"), first;
    kz_data_check_options options = kz_data_check_defaults();
    options.path = options.against = path.c_str();
    for (int threads : {1, 2, 3, 8}) {
        options.threads = threads;
        std::string document = json_of(run_check(options));
        if (first.empty()) first = document;
        EXPECT_EQ(document, first) << threads;
    }
}

TEST(DataCheckRun, SamplesRowsWhereMemoryIsShortAndSaysSo)
{
    Folder folder;
    const hsize_t rows = 20000, columns = 400, half = rows / 2 * columns;
    std::vector<double> x, y;
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    for (hsize_t i = 0; i < rows * columns; i++) x.push_back(normal(random) + (i % columns == 4 && i >= half ? 2 : 0));
    for (hsize_t i = 0; i < rows; i++) y.push_back((double)(i % 2));
    {
        Hdf5 f(folder / "a.h5");
        std::vector<double> test(x.begin() + half, x.end()), labels(y.begin(), y.begin() + rows / 2);
        f.put("/train/x", H5T_NATIVE_FLOAT, {rows / 2, columns}, x);
        f.put("/train/y", H5T_NATIVE_INT, {rows / 2}, labels);
        f.put("/test/x", H5T_NATIVE_FLOAT, {rows / 2, columns}, test);
        f.put("/test/y", H5T_NATIVE_INT, {rows / 2}, labels);
    }
    std::string path = folder / "a.h5";
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    EXPECT_EQ(findings_of(run_check(options)), Lines{"warning feature-drift test 1"});
    options.memory = 12 << 20;
    Check sampled = run_check(options);
    EXPECT_EQ(findings_of(sampled), (Lines{"warning feature-drift test 1", "note sampled - 1"}));
    EXPECT_EQ(finding(sampled, "feature-drift", "test")->item[0].feature, 4);
    options.memory = 1 << 20;
    kz_data_check *check = nullptr;
    EXPECT_EQ(kz_data_check_run(&check, &options), KZ_E_DATA);
    EXPECT_NE(std::string(kz_error_message()).find("--memory allows 1.0 MiB; raise --memory"), std::string::npos)
        << kz_error_message();
    EXPECT_EQ(check, nullptr);
}

TEST(DataCheckRun, AllowedFindingsAreListedAndNotCounted)
{
    std::string path = source("datasets/iris.h5");
    const char *allow[] = {"leakage"};
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    options.allow = allow;
    options.n_allow = 1;
    Check check = run_check(options);
    EXPECT_EQ(findings_of(check), Lines{"allowed leakage test 1"});
    EXPECT_EQ(kz_data_check_count(check.get(), KZ_FINDING_WARNING), 0);
    EXPECT_EQ(kz_data_check_allowed(check.get()), 1);
    const char *wrong[] = {"leekage"};
    options.allow = wrong;
    kz_data_check *none = nullptr;
    EXPECT_EQ(kz_data_check_run(&none, &options), KZ_E_ARG);
}

TEST(DataCheckRun, EveryAllocationThatFailsIsToldAndLeavesNothing)
{
    Folder folder;
    Copy c("iris");
    c.at(c.train, 0, 0) = NAN;
    c.write(folder / "a.h5");
    std::string path = folder / "a.h5", old = source("datasets/iris.h5");
    kz_data_check_options options = kz_data_check_defaults();
    options.path = path.c_str();
    options.against = old.c_str();
    ssize_t before = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
    kz_calloc_fail_at(0);
    run_check(options);
    int64_t calls = kz_calloc_fail_at(0);
    ASSERT_GT(calls, 100);
    for (int64_t i = 1; i <= calls; i++) {
        kz_data_check *check = nullptr;
        kz_calloc_fail_at(i);
        kz_status st = kz_data_check_run(&check, &options);
        kz_calloc_fail_at(0);
        EXPECT_TRUE(st == KZ_E_MEM || st == KZ_OK) << i << " " << kz_error_message();
        EXPECT_EQ(check != nullptr, st == KZ_OK) << i;
        kz_data_check_destroy(&check);
        ASSERT_EQ(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), before) << i;
    }
}

TEST(DataCheck, FindsRepeatedNames)
{
    Folder folder;
    Copy c("wine");
    c.class_names = {"red", "white", "red"};
    c.feature_names.assign(13, "");
    for (size_t i : {1u, 4u, 7u, 9u}) c.feature_names[i] = i == 7 ? "b" : "a"; /* empty ones are no names */
    c.write(folder / "a.h5");
    Check check = run_check(folder / "a.h5");
    EXPECT_EQ(findings_of(check), (Lines{"note repeated-names - 2", "note repeated-names - 1"}));
    const kz_finding *f = finding(check, "repeated-names", "");
    ASSERT_TRUE(f && f->items == 2);
    EXPECT_STREQ(f->item[0].text, "number 4: a");
    EXPECT_STREQ(f->item[1].text, "number 9: a");
}
