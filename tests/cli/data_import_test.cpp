// kaizen data import, as a user runs it.
#include "program.h"
#include "tests/support/data_hdf5.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <jansson.h>

namespace {

// The rows of datasets/iris.h5 as a table with a part column.
std::string iris_csv()
{
    std::string text = "sepal length,sepal width,petal length,petal width,part,species\n";
    hid_t file = H5Fopen(program::source_path("datasets/iris.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const char *species[] = {"setosa", "versicolor", "virginica"};
    for (const char *part : {"train", "test"}) {
        size_t rows = strcmp(part, "train") == 0 ? 120 : 30;
        std::vector<float> x(4 * rows);
        std::vector<int> y(rows);
        hid_t sx = H5Dopen2(file, (std::string(part) + "/x").c_str(), H5P_DEFAULT);
        hid_t sy = H5Dopen2(file, (std::string(part) + "/y").c_str(), H5P_DEFAULT);
        H5Dread(sx, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x.data());
        H5Dread(sy, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, y.data());
        H5Dclose(sx);
        H5Dclose(sy);
        for (size_t i = 0; i < rows; i++) {
            char line[128];
            snprintf(line, sizeof line, "%g,%g,%g,%g,%s,%s\n", (double)x[4 * i], (double)x[4 * i + 1],
                     (double)x[4 * i + 2], (double)x[4 * i + 3], part, species[y[i]]);
            text += line;
        }
    }
    H5Fclose(file);
    return text;
}

} // namespace

TEST(DataImportProgram, TrainsOnAnImportedTableAsOnTheOriginal)
{
    program::Folder folder;
    std::string csv = folder.write("iris.csv", iris_csv()), h5 = folder.path("iris.h5");
    auto made = program::kaizen(
        {"data", "import", csv, "--target", "species", "--split-column", "part", "--out", h5, "--json"});
    ASSERT_EQ(made.status, 0) << made.err;
    json_t *j = json_loads(made.out.c_str(), 0, nullptr);
    ASSERT_TRUE(j) << made.out;
    EXPECT_STREQ(json_string_value(json_object_get(j, "schema")), "kaizen.import/1");
    EXPECT_EQ(json_integer_value(json_object_get(json_object_get(j, "rows"), "train")), 120);
    json_decref(j);
    std::string weights[2];
    const std::string paths[] = {h5, program::source_path("datasets/iris.h5")};
    for (int k = 0; k < 2; k++) {
        auto run = program::kaizen({"train", "-c", program::source_path("examples/iris.yaml"), "--set",
                                    "data.path=" + paths[k], "-q", "--out", folder.path("run" + std::to_string(k))});
        ASSERT_EQ(run.status, 0) << run.err;
        weights[k] = run.out.substr(run.out.find("sha256:"));
        EXPECT_NE(run.out.find("accuracy 0.9"), std::string::npos) << run.out;
    }
    EXPECT_EQ(weights[0], weights[1]);
    std::string model = program::read_file(folder.path("run0") + "/model.safetensors");
    EXPECT_NE(model.find("kaizen.columns"), std::string::npos);
    EXPECT_NE(model.find("petal length"), std::string::npos);
    EXPECT_EQ(program::read_file(folder.path("run1") + "/model.safetensors").find("kaizen.columns"), std::string::npos);
}

TEST(DataImportProgram, ExitsAsDocumented)
{
    program::Folder folder;
    std::string csv = folder.write("t.csv", "a,y\n1,u\n,v\n2,v\n"), h5 = folder.path("t.h5");
    EXPECT_EQ(program::kaizen({"data", "import", csv, "--out", h5}).status, 2);
    EXPECT_EQ(program::kaizen({"data", "import", "--out", h5}).status, 2);
    EXPECT_EQ(program::kaizen({"data", "import", csv, "--target", "y"}).status, 2);
    EXPECT_EQ(program::kaizen({"data", "import", csv, "--target", "y", "--out", h5, "--test", "2"}).status, 2);
    EXPECT_EQ(program::kaizen({"data", "import", csv, "--target", "y", "--out", h5}).status, 65);
    EXPECT_EQ(program::kaizen({"data", "import", csv + "x", "--target", "y", "--out", h5}).status, 66);
    EXPECT_EQ(
        program::kaizen({"data", "import", csv, "--target", "y", "--missing-action", "drop", "--out", "/nowhere/t.h5"})
            .status,
        73);
    EXPECT_FALSE(program::exists(h5));
    auto good = program::kaizen({"data", "import", csv, "--target", "y", "--missing-action", "mean", "--out", h5});
    EXPECT_EQ(good.status, 0) << good.err;
    EXPECT_NE(good.out.find("filled in 1 missing values"), std::string::npos) << good.out;
    EXPECT_NE(good.out.find("kaizen train --config run.yaml"), std::string::npos);
    EXPECT_EQ(program::kaizen({"data", "import", csv, "--target", "y", "--missing-action", "mean", "--out", h5}).status,
              73);
}

TEST(DataImportProgram, AFullDiskIsAnErrorAndLeavesNothing)
{
    program::Folder folder;
    std::string text = "a,b,y\n";
    for (int i = 0; i < 5000; i++)
        text += std::to_string(i * 0.37) + "," + std::to_string(i) + (i % 2 ? ",u\n" : ",v\n");
    std::string csv = folder.write("t.csv", text), h5 = folder.path("t.h5");
    for (const char *blocks : {"1", "4", "12"})
        for (const char *packing : {"none", "gzip"}) {
            auto r = program::run({"/bin/sh", "-c", "ulimit -f \"$1\" && shift && exec \"$@\"", "sh", blocks,
                                   program::kaizen_path(), "data", "import", csv, "--target", "y", "--compress",
                                   packing, "--out", h5, "--quiet"});
            EXPECT_EQ(r.status, 73) << blocks << packing << r.err;
            EXPECT_NE(r.err.find("t.h5: "), std::string::npos) << r.err;
            EXPECT_NE(r.err.find("cannot be written: File too large\n"), std::string::npos) << r.err;
            for (const auto &entry : std::filesystem::directory_iterator(folder.path()))
                EXPECT_EQ(entry.path().filename(), "t.csv");
        }
}

TEST(DataImportProgram, NamesAreMadeSafeForTheTerminal)
{
    program::Folder folder;
    std::string out = folder.path("a: \x1b[31m\xff.h5");
    std::string wide = "x"; // a class whose name does not fit is cut between characters
    for (int i = 0; i < 30; i++) wide += "\xc3\xa9";
    std::string csv = folder.write("t.csv", "a,y\n1," + wide + "\n2,v\n3," + wide + "\n");
    auto r = program::kaizen({"data", "import", csv, "--target", "y", "--out", out});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_EQ((r.out + r.err).find('\x1b'), std::string::npos) << r.out << r.err;
    EXPECT_NE(r.out.find("\xc3\xa9.. "), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("      path: \""), std::string::npos) << r.out; // what YAML reads otherwise is in quotes
    r = program::kaizen({"data", "import", csv, "--target", "y", "--out", out, "--force", "--json"});
    json_t *j = json_loads(r.out.c_str(), 0, nullptr);
    ASSERT_TRUE(j) << r.out;
    EXPECT_TRUE(json_is_string(json_object_get(j, "out"))) << r.out;
    json_decref(j);
}

TEST(DataImportProgram, ASeedWithoutADrawIsRefused)
{
    program::Folder folder;
    std::string csv = folder.write("t.csv", "a,y\n1,u\n2,v\n3,u\n4,v\n5,u\n6,v\n"), out = folder.path("t.h5");
    auto r = program::kaizen({"data", "import", csv, "--target", "y", "--out", out, "--seed", "3"});
    EXPECT_EQ(r.status, 2);
    EXPECT_NE(r.err.find("--seed: works with --test FRACTION"), std::string::npos) << r.err;
    EXPECT_FALSE(program::exists(out));
    r = program::kaizen(
        {"data", "import", csv, "--target", "y", "--out", out, "--seed", "3", "--test", "0.5", "--stratify"});
    EXPECT_EQ(r.status, 0) << r.err;
}

TEST(DataImportProgram, ColumnsOfOneNameAreTold)
{
    program::Folder folder;
    std::string csv = folder.write("t.csv", "a,b,a,y\n1,2,3,u\n2,1,3,v\n"), out = folder.path("t.h5");
    auto r = program::kaizen({"data", "import", csv, "--target", "y", "--out", out});
    EXPECT_EQ(r.status, 0) << r.err;
    EXPECT_NE(r.err.find("note: columns 1 and 3 are both named 'a'; --drop 3 leaves one out\n"), std::string::npos)
        << r.err;
}

TEST(DataImportProgram, FashionMnistEqualsTheReference)
{
    const std::string folder = "/usr/share/datasets/fashion-mnist/",
                      reference = kz_test::large_data_set("fashion_mnist.h5");
    if (!program::exists(folder)) GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
    if (reference.empty()) GTEST_SKIP() << "fashion_mnist.h5 is not there to compare with";
    program::Folder work;
    auto made = program::kaizen({"data", "import", folder + "train-images-idx3-ubyte.gz",
                                 folder + "train-labels-idx1-ubyte.gz", folder + "t10k-images-idx3-ubyte.gz",
                                 folder + "t10k-labels-idx1-ubyte.gz", "--out", work.path("f.h5")});
    ASSERT_EQ(made.status, 0) << made.err;
    kz_test::Config a(work.path("f.h5")), b(reference);
    a.test("/test/x", "/test/y");
    b.test("/test/x", "/test/y");
    kz_test::Data x = kz_test::open(a), y = kz_test::open(b);
    ASSERT_TRUE(x && y);
    EXPECT_STREQ(x->digest, y->digest);
}
