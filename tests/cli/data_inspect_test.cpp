// kaizen data inspect from outside: what it says of sound, odd and damaged files.
#include "kz/base.h"
#include "program.h"
#include "tests/support/data_hdf5.h"

#include <cmath>

namespace {

using kz_test::Folder;
using kz_test::Hdf5;
using program::kaizen;
using program::Options;
using program::Result;

struct JsonDeleter {
    void operator()(json_t *j) const
    {
        json_decref(j);
    }
};
using Json = std::unique_ptr<json_t, JsonDeleter>;

Json document(const std::vector<std::string> &arguments)
{
    std::vector<std::string> words = {"data", "inspect"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.push_back("--json");
    Result r = kaizen(words);
    json_error_t error;
    Json j(json_loads(r.out.c_str(), 0, &error));
    EXPECT_TRUE(j) << error.text << "\n" << r.out << r.err;
    return j;
}

std::string text_at(const json_t *j, const char *key)
{
    const char *text = json_string_value(json_object_get(j, key));
    return text ? text : "";
}

json_int_t integer_at(const json_t *j, const char *key)
{
    const json_t *value = json_object_get(j, key);
    EXPECT_TRUE(json_is_integer(value)) << key;
    return json_integer_value(value);
}

// The array of that path among the values.
const json_t *array_at(const json_t *j, const std::string &path)
{
    size_t i;
    const json_t *a;
    json_array_foreach(json_object_get(j, "arrays"), i, a) if (text_at(a, "path") == path) return a;
    return nullptr;
}

std::string show(const std::string &path, const std::vector<std::string> &more = {})
{
    std::vector<std::string> words = {"data", "inspect", path};
    words.insert(words.end(), more.begin(), more.end());
    Result r = kaizen(words);
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(r.err, "");
    return r.out;
}

void expect_within(const std::string &text, size_t width)
{
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        std::string line = text.substr(at, end - at);
        bool pasted = line.find("better") != std::string::npos || line.find("path: ") != std::string::npos ||
                      line.find("/tmp/") != std::string::npos;
        EXPECT_TRUE(pasted || line.size() <= width) << line;
        at = end + 1;
    }
}

} // namespace

// A file's own name may hold what commands a terminal, or no UTF-8.
TEST(DataInspectProgram, TheNameOfTheFileIsMadeSafe)
{
    program::Folder folder;
    std::string path = folder.path("a\x1b[31mb\xff\xc2\x9b.h5");
    program::run({"/bin/cp", program::source_path("datasets/iris.h5"), path});
    std::string text = show(path), name = "a?[31mb???.h5";
    EXPECT_NE(text.find(name), std::string::npos) << text.substr(0, 200);
    for (const char *control : {"\x1b", "\xff", "\xc2\x9b"}) EXPECT_EQ(text.find(control), std::string::npos);
    Json j = document({path});
    EXPECT_NE(text_at(j.get(), "file").find(name), std::string::npos);
    Result missing = kaizen({"data", "inspect", path + "x"});
    EXPECT_EQ(missing.status, 66);
    EXPECT_EQ(missing.err.find('\x1b'), std::string::npos) << missing.err;
    EXPECT_EQ(missing.err.find("\xc2\x9b"), std::string::npos) << missing.err;
}

TEST(DataInspect, ShowsASoundFileOnOneScreen)
{
    std::string out = show(program::source_path("datasets/iris.h5"));
    for (const char *part :
         {"class_names     [setosa, versicolor, virginica]", "\nContents\n", "x       120x4   float32",
          "train  x: /train/x, y: /train/y\n", "petal length (cm)            1     3.752       6.9     1.747  |",
          "  /train/y  120 rows\n    classes   0 to 2\n",
          "    2 virginica                 41  34.2 %         9  30.0 %"})
        EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
    EXPECT_EQ(out.find("data:\n"), std::string::npos) << "nothing to paste: the names are our own";
    for (char c : out) ASSERT_LT((unsigned char)c, 0x80) << "not a terminal: ASCII only";
}

TEST(DataInspect, TheDocumentationShowsWhatItPrints)
{
    Options root;
    root.directory = program::source_path("");
    std::string out = kaizen({"data", "inspect", "datasets/iris.h5"}, root).out;
    EXPECT_NE(program::read_file(program::source_path("docs/data.md")).find(out + "```"), std::string::npos) << out;
}

TEST(DataInspect, FitsEightyColumns)
{
    for (const char *name : {"iris", "wine", "digits", "diabetes", "breast_cancer"})
        expect_within(show(program::source_path(std::string("datasets/") + name + ".h5")), 80);
    for (const char *name : {"zoo", "odd"})
        expect_within(
            kaizen({"data", "inspect", program::source_path(std::string("tests/golden/") + name + ".h5")}).out, 80);
}

TEST(DataInspect, BlocksOnlyOnAUtf8Terminal)
{
    std::string path = program::source_path("datasets/iris.h5");
    Options utf8, latin;
    utf8.columns = latin.columns = 80;
    utf8.env = {{"LC_ALL", "C.UTF-8"}};
    latin.env = {{"LC_ALL", "C"}};
    EXPECT_NE(kaizen({"data", "inspect", path}, utf8).out.find("\u2588"), std::string::npos);
    EXPECT_EQ(kaizen({"data", "inspect", path}, latin).out.find("\u2588"), std::string::npos);
}

TEST(DataInspect, JsonHasTheNumbers)
{
    Json j = document({program::source_path("datasets/digits.h5")});
    EXPECT_EQ(text_at(j.get(), "schema"), "kaizen.inspect/1");
    EXPECT_EQ(text_at(json_object_get(json_object_get(j.get(), "splits"), "test"), "x"), "/test/x");
    EXPECT_TRUE(json_is_null(json_object_get(j.get(), "paste")));
    EXPECT_TRUE(json_is_true(json_object_get(j.get(), "complete")));
    const json_t *x = array_at(j.get(), "/train/x"), *y = array_at(j.get(), "/train/y");
    ASSERT_TRUE(x && y);
    EXPECT_EQ(text_at(x, "role"), "train/x");
    EXPECT_EQ(integer_at(x, "rows"), integer_at(x, "rows_read"));
    EXPECT_EQ(json_number_value(json_object_get(x, "max")), 16);
    EXPECT_EQ(integer_at(x, "nan"), 0);
    const json_t *counts = json_object_get(json_object_get(x, "histogram"), "counts");
    ASSERT_EQ(json_array_size(counts), 17u); // whole numbers from 0 to 16
    EXPECT_EQ(json_integer_value(json_array_get(counts, 0)), integer_at(x, "zeros"));
    json_int_t sum = 0, rows = 0;
    for (size_t i = 0; i < 17; i++) sum += json_integer_value(json_array_get(counts, i));
    EXPECT_EQ(sum, integer_at(x, "rows") * integer_at(x, "values_per_row"));
    const json_t *classes = json_object_get(y, "classes");
    ASSERT_EQ(json_array_size(classes), 10u);
    for (size_t i = 0; i < 10; i++) rows += integer_at(json_array_get(classes, i), "rows");
    EXPECT_EQ(rows, integer_at(y, "rows"));
    EXPECT_TRUE(json_is_false(json_object_get(json_object_get(x, "reading"), "slow")));
}

TEST(DataInspect, CountsWhatIsMissing)
{
    Folder folder;
    double nan = std::nan("");
    {
        Hdf5 f(folder / "a.h5");
        f.put("/train/x", H5T_IEEE_F64BE, {4, 3}, {1, nan, 2, 1, 5, 2, 1, nan, nan, 1, INFINITY, 2});
        f.put("/train/y", H5T_NATIVE_FLOAT, {4}, {0, 1, 1, 0});
        f.text("feature_names", {"one", "two", "three"});
    }
    Json j = document({folder / "a.h5"});
    const json_t *x = array_at(j.get(), "/train/x"), *columns = json_object_get(x, "columns");
    ASSERT_EQ(json_array_size(columns), 3u);
    EXPECT_EQ(integer_at(x, "nan"), 3);
    EXPECT_EQ(integer_at(x, "infinite"), 1);
    EXPECT_EQ(integer_at(x, "rows_with_nan"), 2);
    EXPECT_EQ(text_at(json_array_get(columns, 1), "name"), "two");
    EXPECT_EQ(integer_at(json_array_get(columns, 1), "nan"), 2);
    EXPECT_EQ(json_number_value(json_object_get(json_array_get(columns, 1), "mean")), 5);
    EXPECT_EQ(json_number_value(json_object_get(json_array_get(columns, 0), "deviation")), 0);
    std::string out = show(folder / "a.h5");
    EXPECT_NE(out.find("missing   3 NaN (rows that have one: 2), 1 infinite, of 12 values"), std::string::npos) << out;
    EXPECT_NE(out.find("| 3 missing"), std::string::npos) << out;
    EXPECT_NE(out.find("| constant"), std::string::npos) << out;
    EXPECT_NE(out.find("whole numbers in a float type"), std::string::npos) << out;
}

TEST(DataInspect, SuggestsTheMappingToPaste)
{
    Folder folder;
    {
        Hdf5 f(folder / "keras.h5");
        f.put("/X_train", H5T_NATIVE_UINT8, {4, 2, 2}, std::vector<double>(16, 1));
        f.put("/y_train", H5T_NATIVE_INT64, {4}, {0, 1, 0, 1});
        Hdf5 g(folder / "own.h5");
        g.put("/deep/pictures", H5T_NATIVE_UINT8, {4, 4}, std::vector<double>(16, 1));
        g.put("/deep/kind", H5T_NATIVE_INT64, {4}, {0, 1, 0, 1});
    }
    std::string known = show(folder / "keras.h5"), guessed = show(folder / "own.h5");
    EXPECT_NE(known.find("      train: {x: /X_train, y: /y_train}\n      test: none\n"), std::string::npos) << known;
    EXPECT_NE(guessed.find("      train: {x: /deep/pictures, y: /deep/kind}\n"), std::string::npos) << guessed;
    EXPECT_NE(guessed.find("For a config, if these are the ones:"), std::string::npos);
    // what it says to paste is a config that trains
    Json j = document({folder / "own.h5"});
    program::Folder run;
    std::string config = run.write("run.yaml", "name: t\n" + text_at(j.get(), "paste") +
                                                   "\nmodel: {layers: [{type: dense}]}\n"
                                                   "optimizer: {name: sgd, lr: 0.1}\ntrain: {epochs: 1}\n");
    Result r = kaizen({"train", "--config", config, "--dry-run"});
    EXPECT_EQ(r.status, 0) << r.err;
}

// A config without names trains, says what it took, and its resolved form gives the same run.
TEST(DataInspect, TrainingTakesTheNamesThatItShows)
{
    Folder folder;
    {
        Hdf5 f(folder / "keras.h5");
        std::vector<double> x;
        for (int i = 0; i < 16; i++) x.push_back(i % 5);
        f.put("/x_train", H5T_NATIVE_FLOAT, {8, 2}, x);
        f.put("/y_train", H5T_NATIVE_INT, {8}, {0, 1, 0, 1, 0, 1, 0, 1});
        f.put("/val/x", H5T_NATIVE_FLOAT, {8, 2}, x);
        f.put("/val/y", H5T_NATIVE_INT, {8}, {0, 1, 0, 1, 0, 1, 0, 1});
    }
    program::Folder run;
    std::string config = run.write("run.yaml", "name: t\ndata: {path: " + (folder / "keras.h5") +
                                                   "}\nmodel: {layers: [{type: dense}]}\n"
                                                   "optimizer: {name: sgd, lr: 0.1}\ntrain: {epochs: 2}\n");
    Result first = kaizen({"train", "--config", config, "--log", "text", "--out", run.path("first")});
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_NE(first.err.find("note    using /x_train as train x, /y_train as train y\n"
                             "note    using /val/x as valid x, /val/y as valid y\n"
                             "note    the file has no test arrays; test is none\n"),
              std::string::npos)
        << first.err;
    std::string resolved = program::read_file(run.path("first/config.yaml"));
    EXPECT_NE(resolved.find("  train: {x: /x_train, y: /y_train}\n  valid: {x: /val/x, y: /val/y}\n  test: none\n"),
              std::string::npos)
        << resolved;
    Result second = kaizen({"train", "--config", run.path("first/config.yaml"), "--out", run.path("second")});
    ASSERT_EQ(second.status, 0) << second.err;
    EXPECT_EQ(second.err.find("note "), std::string::npos) << second.err;
    json_error_t error;
    Json a(json_load_file(run.path("first/run.json").c_str(), 0, &error)),
        b(json_load_file(run.path("second/run.json").c_str(), 0, &error));
    ASSERT_TRUE(a && b);
    EXPECT_TRUE(json_equal(json_object_get(a.get(), "digests"), json_object_get(b.get(), "digests")));
}

TEST(DataInspect, AnArrayThatCannotBeReadIsStatus65AfterTheOthers)
{
    std::string path = program::source_path("tests/golden/odd.h5");
    Result r = kaizen({"data", "inspect", path, "--object", "/train_corrupt/x", "--object", "/good/x"});
    EXPECT_EQ(r.status, 65);
    EXPECT_NE(r.out.find("\n  /good/x  8 rows of 5 values\n"), std::string::npos) << r.out;
    EXPECT_EQ(r.err,
              "kaizen: error: " + path +
                  ": /train_corrupt/x has a chunk whose Fletcher32 checksum is wrong; the file is damaged, fetch "
                  "it again\n");
    Json j = document({path, "--object", "/train_corrupt/x"});
    EXPECT_NE(text_at(array_at(j.get(), "/train_corrupt/x"), "problem").find("checksum"), std::string::npos);
    r = kaizen({"data", "inspect", path, "--object", "/train_external/x"});
    EXPECT_EQ(r.status, 65);
    EXPECT_EQ(r.out, "");
    EXPECT_NE(r.err.find("name the array itself in --object"), std::string::npos) << r.err;
}

/* Of an array of a split, too: it is what training would stop at. */
TEST(DataInspect, AnArrayOfASplitThatCannotBeReadSaysWhy)
{
    program::Folder folder;
    std::string path = folder.path("t.h5");
    hsize_t extent[] = {8, 4}, chunk[] = {4, 4};
    hid_t space = H5Screate_simple(2, extent, nullptr), made = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(made, 2, chunk);
    H5Pset_filter(made, 32000, H5Z_FLAG_OPTIONAL, 0, nullptr); /* LZF; nothing is written with it */
    hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t group = H5Gcreate2(file, "/train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(H5Dcreate2(group, "x", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, made, H5P_DEFAULT));
    hid_t rows = H5Screate_simple(1, extent, nullptr);
    hid_t y = H5Dcreate2(group, "y", H5T_NATIVE_INT, rows, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const int labels[] = {0, 1, 0, 1, 0, 1, 0, 1};
    H5Dwrite(y, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, labels);
    H5Dclose(y);
    H5Sclose(rows);
    H5Gclose(group);
    H5Fclose(file);
    H5Pclose(made);
    H5Sclose(space);
    const std::string trust = "if you trust the file, read it with --allow-filters";
    Result r = kaizen({"data", "inspect", path});
    EXPECT_EQ(r.status, 65);
    EXPECT_NE(r.err.find("/train/x is packed by filter 32000 (LZF), which is not built in; " + trust),
              std::string::npos)
        << r.err;
    EXPECT_NE(r.out.find("\n  /train/y  8 rows\n"), std::string::npos) << r.out;
    Json j = document({path});
    EXPECT_NE(text_at(array_at(j.get(), "/train/x"), "problem").find("filter 32000"), std::string::npos);
    /* asked for, the plug-in is looked for: the remedy is another one */
    for (const char *command : {"inspect", "check"}) {
        r = kaizen({"data", command, path, "--allow-filters", "--json"});
        EXPECT_NE(r.status, 2) << r.err;
        EXPECT_EQ(r.out.find(trust), std::string::npos) << r.out;
        r = kaizen({"data", command, path, "--json"});
        EXPECT_EQ(r.status, 65) << r.err;
        EXPECT_NE(r.out.find(trust), std::string::npos) << r.out;
    }
}

TEST(DataInspect, WhatIsNoHdf5FileIsRefused)
{
    program::Folder folder;
    std::string csv = folder.write("a.csv", "a,b\n1,2\n");
    Result text = kaizen({"data", "inspect", csv}), missing = kaizen({"data", "inspect", folder.path("none.h5")});
    EXPECT_EQ(text.status, 65);
    EXPECT_NE(text.err.find(csv + ": is not an HDF5 file; it looks like CSV text"), std::string::npos) << text.err;
    EXPECT_EQ(missing.status, 66);
    EXPECT_EQ(missing.out, "");
}

TEST(DataInspect, LargeArraysAreSampledAndSaySo)
{
    Folder folder;
    {
        Hdf5 f(folder / "large.h5"); // 2^40 rows that take no room: chunks never written
        f.put_raw("/train/x", H5T_NATIVE_FLOAT, {(hsize_t)1 << 40, 8}, 0, nullptr, {{1 << 12, 8}, false, false});
        f.put("/train/y", H5T_NATIVE_INT, {2}, {0, 1});
    }
    std::string out = show(folder / "large.h5");
    EXPECT_NE(out.find(" rows, spread evenly; what follows is of these"), std::string::npos) << out;
    EXPECT_NE(out.find("nothing stored"), std::string::npos) << out;
    Json j = document({folder / "large.h5"});
    const json_t *x = array_at(j.get(), "/train/x");
    EXPECT_EQ(integer_at(x, "rows"), (json_int_t)1 << 40);
    EXPECT_LE(integer_at(x, "rows_read"), (json_int_t)64 << 20 >> 5);
}

TEST(DataInspect, EveryAllocationMayFail)
{
    std::string path = program::source_path("datasets/iris.h5");
    kz_status st = KZ_E_MEM;
    for (int64_t at = 1; st != KZ_OK; at++) {
        ASSERT_LT(at, 3000);
        json_t *j = nullptr;
        kz_calloc_fail_at(at);
        st = kz_data_inspect(&j, path.c_str(), nullptr, 0, false);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << kz_error_message();
        json_decref(j);
    }
}
