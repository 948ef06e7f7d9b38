/* What must not be trained on: each fault with its whole message, and nothing left open. */
#include "tests/support/data_hdf5.h"
#include "unprivileged.h"

#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>

using namespace kz_test;

/* ---- the golden file of faults ---- */

TEST(DataRefuse, EveryFaultOfTheGoldenFile)
{
    const char *const not_finite =
        "; values in all that are NaN, infinite or too large for binary32: 1; fill them in or leave "
        "their rows out";
    const char *const no_class =
        " at row 3 (from 0); class numbers are whole, from 0 to 2147483646; rows in all that hold "
        "none: 1; renumber the classes, or for a regression set model.loss: squared_error";
    const char *const numbers = ", wanted integers or floats; store it as numbers";
    const char *const links =
        "; links that leave the file are not followed: name the array itself in data.train, or copy it into the file "
        "with h5copy";
    const struct {
        const char *group, *loss;
        std::string message; /* after "FILE: /GROUP" */
    } faults[] = {
        {"train_neg", nullptr, std::string("/y holds -1") + no_class},
        {"train_range", nullptr,
         "/y holds class 7 at row 3 (from 0), but the attribute classes says 3 classes, from 0"},
        {"train_half", "cross_entropy", std::string("/y holds 0.5") + no_class},
        {"train_label_nan", "cross_entropy", std::string("/y holds nan") + no_class},
        {"train_label_huge", nullptr, std::string("/y holds 1099511627776") + no_class},
        {"train_label_two", nullptr,
         "/y is 8x2, wanted one class number per row; store the number of the class where rows mark it, or for a "
         "regression set model.loss: squared_error"},
        {"train_nan", nullptr, std::string("/x holds nan at row 0, column 3 (from 0)") + not_finite},
        {"train_inf", nullptr, std::string("/x holds -inf at row 0, column 3 (from 0)") + not_finite},
        {"train_f64_range", nullptr, std::string("/x holds 1e+300 at row 0, column 3 (from 0)") + not_finite},
        {"train_target_nan", nullptr, std::string("/y holds nan at row 3, column 0 (from 0)") + not_finite},
        {"train_length", nullptr,
         "/x has 8 rows but /train_length/y has 7; each row of features needs its row of targets"},
        {"train_x_group", nullptr, "/x is a group; name an array in it in data.train"},
        {"train_empty", nullptr, "/x is empty: extent 0 is 0"},
        {"train_no_columns", nullptr, "/x is empty: extent 1 is 0"},
        {"train_null", nullptr, "/x has 0 dimensions, wanted 1 to 4, rows first"},
        {"train_rank0", nullptr, "/x has 0 dimensions, wanted 1 to 4, rows first"},
        {"train_rank5", nullptr, "/x has 5 dimensions, wanted 1 to 4, rows first"},
        {"train_string", nullptr, std::string("/x holds strings") + numbers},
        {"train_vlen", nullptr, std::string("/x holds lists of varying length") + numbers},
        {"train_compound", nullptr, std::string("/x holds compound records") + numbers},
        {"train_complex", nullptr, std::string("/x holds compound records") + numbers},
        {"train_opaque", nullptr, std::string("/x holds opaque bytes") + numbers},
        {"train_reference", nullptr, std::string("/x holds references") + numbers},
        {"train_external", nullptr, std::string("/x passes through 'x', which is an external link") + links},
        {"train_storage", nullptr, "/x keeps its values in other files; copy them into this one with h5repack"},
        {"train_virtual", nullptr, "/x is a virtual data set, made of other ones; copy its values into the file"},
        {"train_lzf", nullptr,
         "/x is packed by filter 32000 (LZF), which is not built in; if you trust the file, read it with "
         "--allow-filters and HDF5's plug-in (Debian's hdf5-plugin-lzf), or repack it where it can be read: h5repack "
         "-f SHUF -f GZIP=1 OLD.h5 NEW.h5"},
        {"train_corrupt", nullptr,
         "/x has a chunk whose Fletcher32 checksum is wrong; the file is damaged, fetch it again"},
    };
    std::string path = std::filesystem::absolute(source("tests/golden/odd.h5"));
    for (const auto &f : faults) {
        SCOPED_TRACE(f.group);
        std::string group = std::string("/") + f.group;
        Config c(path);
        c.train(group + "/x", group + "/y");
        c.cfg.model.loss = f.loss;
        expect_refused(c, KZ_E_DATA, path + ": " + group + f.message);
    }
    const char *const missing[][3] = {{"/train_no_x", "/x", "/y"}, {"/train_no_y", "/y", "/x"}};
    for (const auto &[group, gone, there] : missing) {
        Config c(path);
        c.train(std::string(group) + "/x", std::string(group) + "/y");
        expect_refused(c, KZ_E_DATA,
                       path + ": there is no " + group + gone + ": the group " + group + " holds '" + (there + 1) +
                           "'; name the array in data.train");
    }
    Config dangling(path), soft(path);
    dangling.train("/train_soft_dangling/x", "/good/y");
    expect_refused(dangling, KZ_E_DATA,
                   path + ": there is no /train_soft_dangling/x (by the soft link to /nothing/x): the group / holds "
                          "'good', 'train_bomb', 'train_complex', 'train_compound', 'train_corrupt', 'train_empty', "
                          "'train_external', 'train_f64_range'; name the array in data.train");
    soft.train("/train_soft/x", "/train_soft/y");
    EXPECT_TRUE(open(soft));
    Config bomb(path), good(path);
    bomb.train("/train_bomb/x", "/good/y");
    expect_refused(
        bomb, KZ_E_DATA,
        path + ": /train_bomb/x has 1125899906842624 rows but /good/y has 8; each row of features needs its row "
               "of targets");
    good.train("/good/x", "/good/y");
    EXPECT_TRUE(open(good));
}

/* ---- files that are none ---- */

namespace {

void write(const std::string &path, const std::string &bytes)
{
    std::ofstream(path, std::ios::binary) << bytes;
}

/* Four sound rows. */
std::string sound(const Folder &folder)
{
    Hdf5 f(folder / "a.h5");
    f.put("/train/x", H5T_NATIVE_FLOAT, {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
    f.put("/train/y", H5T_NATIVE_INT, {4}, {0, 1, 2, 1});
    return folder / "a.h5";
}

} // namespace

TEST(DataRefuse, MissingFilesNameThePlacesTried)
{
    Folder folder;
    std::string here = std::filesystem::current_path();
    Config c("no/such.h5"), absolute(folder / "none.h5"), pipe(folder / "pipe"), directory(folder.path());
    expect_refused(c, KZ_E_INPUT, "data.path: no file 'no/such.h5': tried " + here + "/no/such.h5");
    c.file("run.yaml");
    expect_refused(c, KZ_E_INPUT, "data.path: no file 'no/such.h5': tried " + here + "/no/such.h5");
    c.file(folder / "run.yaml");
    expect_refused(c, KZ_E_INPUT,
                   "data.path: no file 'no/such.h5': tried " + folder.path() + "/no/such.h5 and " + here +
                       "/no/such.h5");
    absolute.file(folder / "run.yaml");
    expect_refused(absolute, KZ_E_INPUT,
                   "data.path: no file '" + (folder / "none.h5") + "': tried " + (folder / "none.h5"));
    ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
    expect_refused(pipe, KZ_E_INPUT, (folder / "pipe") + ": is not a regular file; copy the data into one");
    expect_refused(directory, KZ_E_INPUT, folder.path() + ": is a folder; name the HDF5 file itself in data.path");
}

TEST(DataRefuse, OtherFormatsAreNamed)
{
    Folder folder;
    std::string path = folder / "a.h5";
    const std::string store = "; store the arrays as /train/x and /train/y in HDF5, for example with Python's h5py";
    const std::string import = "; make a data set of it with `kaizen data import`";
    const struct {
        std::string bytes, kind;
    } files[] = {
        {"a,b,c\n1,2,3\n", "CSV text" + import},
        {"a\tb\n1\t2\n", "TSV text" + import},
        {"1 3:0.5 7:1\n", "text" + store},
        {"{\"x\": [1, 2]}", "JSON" + store},
        {"<!DOCTYPE html>", "HTML or XML, perhaps the error page of a download; fetch the file again"},
        {std::string("PK\3\4\0\0", 6), "NPZ or another zip archive" + import},
        {std::string("\x93NUMPY\1\0", 8), "NPY" + import},
        {"\x1f\x8b\x08", "gzip; unpack it with gunzip"},
        {std::string("\0\0\x08\x03\0\0", 6), "IDX images" + import},
        {"PAR1....", "Parquet" + store},
        {"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer; fetch the file with `git lfs pull`"},
        {std::string("\0\1\2\3", 4), "unknown binary data" + store},
    };
    for (const auto &f : files) {
        write(path, f.bytes);
        expect_refused(Config(path), KZ_E_DATA, path + ": is not an HDF5 file; it looks like " + f.kind);
    }
    write(path, "");
    expect_refused(Config(path), KZ_E_DATA, path + ": is empty; write it again or fetch it again");
}

TEST(DataRefuse, TruncatedFiles)
{
    Folder folder;
    std::string path = sound(folder), size = std::to_string(std::filesystem::file_size(path));
    std::filesystem::resize_file(path, 600);
    expect_refused(Config(path), KZ_E_DATA,
                   path + ": is cut short: 600 of " + size + " bytes are there; fetch it again");
}

TEST(DataRefuse, UnreadableFiles)
{
    Folder folder;
    std::string path = sound(folder);
    chmod(path.c_str(), 0);
    chmod(folder.path().c_str(), 0755);
    Unprivileged now;
    if (!now) GTEST_SKIP() << "root, who may read any file, cannot become another user here";
    expect_refused(Config(path), KZ_E_INPUT, path + ": cannot be opened: Permission denied");
}

TEST(DataRefuse, FilesBeingWritten)
{
    Folder folder;
    std::string path = sound(folder);
    int fd = open(path.c_str(), O_RDWR);
    ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
    expect_refused(Config(path), KZ_E_DATA,
                   path + ": is open for writing in another program; wait until that has closed it");
    close(fd);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    std::filesystem::copy_file(path, folder / "marked.h5");
    H5Fclose(file);
    H5Pclose(access);
    expect_refused(Config(folder / "marked.h5"), KZ_E_DATA,
                   (folder / "marked.h5") +
                       ": is marked as being written; if no program writes it any more, repair a copy "
                       "with `h5clear -s --increment=0 COPY`");
}

/* ---- arrays ---- */

TEST(DataRefuse, MissingArraysNameWhatIsThere)
{
    Folder folder;
    std::string path = folder / "a.h5";
    {
        Hdf5 f(path);
        f.put("/train/images", H5T_NATIVE_FLOAT, {1}, {1});
        f.put("/train/lab\nels", H5T_NATIVE_FLOAT, {1}, {1});
        f.put("/x", H5T_NATIVE_FLOAT, {2}, {1, 2});
        f.put("/y", H5T_NATIVE_INT, {2}, {0, 1});
        for (int i = 0; i < 12; i++) f.put(("/many/" + std::to_string(10 + i)).c_str(), H5T_NATIVE_INT, {1}, {1});
        H5Gclose(H5Gcreate2(f.id(), "/empty", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        hid_t type = H5Tcopy(H5T_NATIVE_INT);
        H5Tcommit2(f.id(), "/type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        H5Tclose(type);
    }
    const char *const cases[][2] = {
        {"/train/x", "there is no /train/x: the group /train holds 'images', 'lab?els'; name the array in data.train"},
        {"train//x", "there is no train//x: the group train holds 'images', 'lab?els'; name the array in data.train"},
        {"/test/x", "there is no /test/x: the group / holds 'empty', 'many', 'train', 'type', 'x', 'y'; name the array "
                    "in data.train"},
        {"/empty/x", "there is no /empty/x: the group /empty holds nothing; name the array in data.train"},
        {"/many/x", "there is no /many/x: the group /many holds '10', '11', '12', '13', '14', '15', '16', '17'; name "
                    "the array in data.train"},
        {"/x/y", "there is no /x/y: /x is not a group; name the array in data.train"},
        {"/", "/ is a group; name an array in it in data.train"},
        {"/type", "/type is a type, not an array; name an array in data.train"},
    };
    for (const auto &[object, message] : cases) {
        Config c(path);
        c.train(object, "/y");
        expect_refused(c, KZ_E_DATA, path + ": " + message);
    }
    Config c(path);
    c.train("/x", "/y");
    EXPECT_TRUE(open(c));
    c.test("/test/x", "/y");
    expect_refused(c, KZ_E_DATA,
                   path +
                       ": there is no /test/x: the group / holds 'empty', 'many', 'train', 'type', 'x', 'y'; name the "
                       "array in data.test, or set it to none");
}

/* Soft links are followed inside the file; a link that leaves it is found wherever it stands on the way. */
TEST(DataRefuse, LinksAnywhereOnTheWay)
{
    Folder folder;
    std::string path = sound(folder);
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    auto soft = [&](const char *target, const char *name) {
        ASSERT_GE(H5Lcreate_soft(target, file, name, H5P_DEFAULT, H5P_DEFAULT), 0);
    };
    soft("/train", "/alias");
    soft("alias/x", "/chain");
    soft("./y", "/train/own");
    soft("/circle_b", "/circle_a");
    soft("/circle_a", "/circle_b");
    soft("/outside/x", "/to_outside");
    soft("/train/x/deeper", "/through_array");
    H5Lcreate_hard(file, "/train", file, "/second", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/", file, "/outside", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    const char *const sound_ways[][2] = {
        {"/second/x", "/second/y"}, {"/alias/x", "/alias/y"}, {"chain", "/train/own"}, {"/chain", "//alias//own/"}};
    for (const auto &[x, y] : sound_ways) {
        SCOPED_TRACE(x);
        Config c(path);
        c.train(x, y);
        EXPECT_TRUE(open(c));
    }
    const char *const leaves =
        " passes through 'outside', which is an external link; links that leave the file are not "
        "followed: name the array itself in data.train, or copy it into the file with h5copy";
    const std::string refused_ways[][2] = {
        {"/outside/x", std::string("/outside/x") + leaves},
        {"/to_outside", std::string("/to_outside (by the soft link to /outside/x)") + leaves},
        {"/circle_a", "/circle_a passes through more than 16 soft links, or in a circle; name the array itself in "
                      "data.train"},
        {"/alias/z", "there is no /alias/z (by the soft link to /train): the group /train holds 'own', 'x', 'y'; name "
                     "the array in data.train"},
        {"/through_array", "there is no /through_array (by the soft link to /train/x/deeper): /train/x is not a group; "
                           "name the array in data.train"},
    };
    for (const auto &[x, message] : refused_ways) {
        SCOPED_TRACE(x);
        Config c(path);
        c.train(x, "/train/y");
        expect_refused(c, KZ_E_DATA, path + ": " + message);
    }
}

TEST(DataRefuse, StorageSmallerThanDeclared)
{
    Folder folder;
    std::string path = sound(folder);
    hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    hsize_t extent[] = {4, 2};
    hid_t space = H5Screate_simple(2, extent, nullptr);
    H5Dclose(H5Dcreate2(file, "/never", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    Config c(path);
    c.train("/never", "/train/y");
    expect_refused(c, KZ_E_DATA, path + ": /never declares 8 values but stores only 0 bytes; write the file again");
}

/* 4 x 4 values in chunks of 2 GiB: allowed by HDF5 where an extent may grow. */
static void put_wide_chunk(Hdf5 &f)
{
    const hsize_t extent[] = {4, 4}, most[] = {4, H5S_UNLIMITED}, chunk[] = {4, 1 << 27};
    hid_t space = H5Screate_simple(2, extent, most), made = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(made, 2, chunk);
    H5Dclose(H5Dcreate2(f.id(), "wide", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, made, H5P_DEFAULT));
    H5Pclose(made);
    H5Sclose(space);
}

TEST(DataRefuse, SizesBeyondReason)
{
    Folder folder;
    std::string path = folder / "a.h5";
    {
        Hdf5 f(path);
        f.put_raw("/huge/x", H5T_NATIVE_FLOAT, {(hsize_t)1 << 62, 4}, 0, nullptr, {{1, 4}, false, false});
        f.put_raw("/bomb/x", H5T_NATIVE_FLOAT, {(hsize_t)1 << 50, 4}, 0, nullptr, {{1, 4}, false, false});
        f.put_raw("/bomb/y", H5T_NATIVE_INT, {(hsize_t)1 << 50}, 0, nullptr, {{1}, false, false});
        put_wide_chunk(f);
        f.put("/chunk/y", H5T_NATIVE_INT, {4}, {0, 1, 0, 1});
    }
    Config huge(path), bomb(path), chunk(path);
    huge.train("/huge/x", "/bomb/y");
    expect_refused(huge, KZ_E_DATA, path + ": /huge/x claims more values than can be addressed; the file is damaged");
    const char *const needs = "; raise data.memory, or set train.shuffle: window, which reads them while training";
    bomb.train("/bomb/x", "/bomb/y");
    expect_refused(bomb, KZ_E_DATA,
                   path + ": its arrays need 20480.0 TiB of memory, data.memory allows 8.0 GiB" + needs);
    chunk.train("/wide", "/chunk/y");
    chunk.cfg.data.memory = (int64_t)1 << 30;
    expect_refused(chunk, KZ_E_DATA, path + ": its arrays need 2.0 GiB of memory, data.memory allows 1.0 GiB" + needs);
}

TEST(DataRefuse, DataMemoryIsKept)
{
    Folder folder;
    Config c(sound(folder));
    c.cfg.data.memory = 80; /* x 32, y 16, the largest block 32 */
    EXPECT_TRUE(open(c));
    c.cfg.data.memory = 79;
    expect_refused(c, KZ_E_DATA,
                   (folder / "a.h5") +
                       ": its arrays need 80 bytes of memory, data.memory allows 79 bytes; raise data.memory, or "
                       "set train.shuffle: window, which reads them while training");
}

TEST(DataRefuse, ShapesThatDoNotFit)
{
    Folder folder;
    std::string path = folder / "a.h5";
    {
        Hdf5 f(path);
        std::vector<double> v(24, 1.0);
        f.put("/x", H5T_NATIVE_FLOAT, {4, 2, 3}, v);
        f.put("/turned", H5T_NATIVE_FLOAT, {4, 3, 2}, v);
        f.put("/flat", H5T_NATIVE_FLOAT, {4, 6}, v);
        f.put("/y", H5T_NATIVE_FLOAT, {4}, v);
        f.put("/y3", H5T_NATIVE_FLOAT, {4, 1, 1}, v);
        f.put("/y2", H5T_NATIVE_FLOAT, {4, 2}, v);
    }
    Config rank(path), targets(path);
    rank.train("/x", "/y3");
    expect_refused(rank, KZ_E_DATA, path + ": /y3 is 4x1x1, wanted N, Nx1 or NxM targets");
    for (const char *other : {"turned", "flat"}) {
        Config c(path);
        c.train("/x", "/y");
        c.test(std::string("/") + other, "/y");
        expect_refused(c, KZ_E_DATA,
                       path + ": /" + other + " is " + (*other == 't' ? "4x3x2" : "4x6") +
                           " but /x is 4x2x3; all dimensions but the first must be the same");
    }
    targets.train("/x", "/y");
    targets.valid("/x", "/y2");
    expect_refused(targets, KZ_E_DATA,
                   path + ": /y2 is 4x2 but /y is 4; all dimensions but the first must be the same");
}

/* ---- labels and attributes ---- */

TEST(DataRefuse, LabelsBeyondTheClasses)
{
    Folder folder;
    std::string path = folder / "a.h5";
    {
        Hdf5 f(path);
        f.put("/x", H5T_NATIVE_FLOAT, {3}, {1, 2, 3});
        f.put("/y", H5T_NATIVE_INT, {3}, {0, 1, 1});
        f.put("/test", H5T_NATIVE_INT, {3}, {0, 1, 2});
        f.put("/zero", H5T_NATIVE_INT, {3}, {0, 0, 0});
        uint64_t huge[] = {0, 1, UINT64_MAX};
        f.put_raw("/huge", H5T_NATIVE_ULONG, {3}, H5T_NATIVE_UINT64, huge);
    }
    Config c(path), zero(path), huge(path);
    c.train("/x", "/y");
    c.test("/x", "/test");
    expect_refused(c, KZ_E_DATA,
                   path + ": /test holds class 2 at row 2 (from 0), but the rows of train have 2 classes, from 0");
    zero.train("/x", "/zero");
    expect_refused(zero, KZ_E_DATA, path + ": /zero holds class 0 only; two classes are needed to learn from");
    huge.train("/x", "/huge");
    expect_refused(huge, KZ_E_DATA,
                   path + ": /huge holds 1.8446744073709552e+19 at row 2 (from 0); class numbers are whole, from 0 to "
                          "2147483646; rows in all that hold none: 1; renumber the classes, or for a regression set "
                          "model.loss: squared_error");
}

TEST(DataRefuse, AttributesThatMakeNoSense)
{
    Folder folder;
    std::string path = folder / "a.h5";
    auto refused = [&](auto attribute, const std::string &message) {
        {
            Hdf5 f(path);
            f.put("/train/x", H5T_NATIVE_FLOAT, {2}, {1, 2});
            f.put("/train/y", H5T_NATIVE_INT, {2}, {0, 1});
            attribute(f);
        }
        expect_refused(Config(path), KZ_E_DATA, path + ": " + message);
    };
    refused([](Hdf5 &f) { f.text("task", {"clustering"}); },
            "attribute task is 'clustering', wanted classification or regression; set model.loss");
    refused([](Hdf5 &f) { f.number("task", H5T_NATIVE_INT, 1); },
            "attribute task is no text; write it as strings or delete it");
    refused([](Hdf5 &f) { f.number("classes", H5T_NATIVE_DOUBLE, 2.5); },
            "attribute classes is 2.5, wanted a whole number from 2 to 1048576");
    refused([](Hdf5 &f) { f.number("classes", H5T_NATIVE_INT, 1); },
            "attribute classes is 1, wanted a whole number from 2 to 1048576");
    refused([](Hdf5 &f) { f.text("classes", {"2"}); },
            "attribute classes is no single number; write it as one or delete it");
    refused([](Hdf5 &f) { f.number("class_names", H5T_NATIVE_INT, 2); },
            "attribute class_names is no text; write it as strings or delete it");
}

TEST(DataRefuse, AttributesTooLargeToBeOne)
{
    Folder folder;
    std::string path = folder / "a.h5";
    hid_t type = Hdf5::string_type(16, H5T_STR_NULLPAD), access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    {
        Hdf5 f(path, access);
        f.put("/train/x", H5T_NATIVE_FLOAT, {2}, {1, 2});
        f.put("/train/y", H5T_NATIVE_INT, {2}, {0, 1});
        f.text("class_names", std::vector<const char *>(65537, "a"), type);
    }
    H5Pclose(access);
    H5Tclose(type);
    expect_refused(Config(path), KZ_E_DATA,
                   path +
                       ": attribute class_names takes 1048592 bytes, at most 1048576 are read; shorten or delete it");
}

TEST(DataRefuse, HalfASplit)
{
    Folder folder;
    Config c(sound(folder)), none(folder / "a.h5");
    c.cfg.data.test.x = c.cfg.data.train.x;
    expect_refused(c, KZ_E_CONFIG, "data.test: x is named but y is not; give both");
    none.cfg.data.train = {};
    expect_refused(none, KZ_E_CONFIG, "data.train: no x and y are named; there is nothing to train on");
}
