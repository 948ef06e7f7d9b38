/* What a file holds, listed: groups, arrays, links, attributes; hostile shapes of the tree. */
#include "tests/support/data_hdf5.h"

extern "C" {
#include "data/data_impl.h"
}

#include <map>

using namespace kz_test;

namespace {

struct Tree {
    explicit Tree(const std::string &path)
    {
        ssize_t before = H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
        kz_hdf5 *file = nullptr;
        status = kz_hdf5_open(&file, path.c_str());
        if (status == KZ_OK) status = kz_hdf5_tree(file, true, &nodes, &n);
        if (status != KZ_OK) message = kz_error_message();
        kz_hdf5_close(&file);
        EXPECT_EQ(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), before);
    }
    ~Tree()
    {
        kz_nodes_free(&nodes, n);
    }
    Tree(const Tree &) = delete;
    Tree &operator=(const Tree &) = delete;

    const kz_node *at(const std::string &path) const
    {
        for (int64_t i = 0; i < n; i++)
            if (path == nodes[i].path) return &nodes[i];
        ADD_FAILURE() << "no node " << path;
        static const kz_node none = {};
        return &none;
    }
    std::vector<std::string> paths() const
    {
        std::vector<std::string> out;
        for (int64_t i = 0; i < n; i++) out.push_back(nodes[i].path);
        return out;
    }

    kz_status status;
    std::string message;
    kz_node *nodes = nullptr;
    int64_t n = 0;
};

std::vector<int64_t> some(const int64_t *values, int n)
{
    return std::vector<int64_t>(values, values + n);
}

std::string text_of(const kz_node *node)
{
    return node->target ? node->target : "(none)";
}

} // namespace

TEST(DataTree, ListsGroupsArraysAndAttributesInOrder)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/train/y", H5T_STD_I64BE, {6}, std::vector<double>(6));
        f.put("/train/x", H5T_NATIVE_UINT8, {6, 4, 2}, std::vector<double>(48), {{4, 4, 2}, true, true});
        f.put("/alone", H5T_NATIVE_FLOAT, {1}, {1});
        f.text("name", {"a set"});
        f.text("class_names", {"red", "green"});
        f.number("classes", H5T_NATIVE_INT, 3);
    }
    Tree t(folder / "a.h5");
    ASSERT_EQ(t.status, KZ_OK) << t.message;
    EXPECT_EQ(t.paths(), (std::vector<std::string>{"/", "/@class_names", "/@classes", "/@name", "/alone", "/train",
                                                   "/train/x", "/train/y"}));
    EXPECT_EQ(t.at("/")->kind, KZ_NODE_GROUP);
    EXPECT_EQ(t.at("/@name")->kind, KZ_NODE_ATTRIBUTE);
    EXPECT_EQ(text_of(t.at("/@class_names")), "[red, green]");
    EXPECT_EQ(text_of(t.at("/@classes")), "3");
    const kz_node *x = t.at("/train/x"), *y = t.at("/train/y");
    EXPECT_EQ(x->kind, KZ_NODE_DATASET);
    EXPECT_STREQ(x->type, "uint8");
    EXPECT_STREQ(x->layout, "chunked");
    EXPECT_STREQ(x->filters, "shuffle, gzip 6, checksum");
    EXPECT_EQ(some(x->extent, x->rank), (std::vector<int64_t>{6, 4, 2}));
    EXPECT_EQ(some(x->chunk, x->rank), (std::vector<int64_t>{4, 4, 2}));
    EXPECT_GT(x->stored_bytes, 0);
    EXPECT_TRUE(x->readable);
    EXPECT_STREQ(y->type, "int64, big-endian");
    EXPECT_STREQ(y->layout, "contiguous");
    EXPECT_STREQ(y->filters, "");
    EXPECT_EQ(y->chunk[0], 0);
    EXPECT_EQ(y->stored_bytes, 48);
}

TEST(DataTree, NamesEveryTypeOfTheZooAndReadsThemAll)
{
    Tree t(source("tests/golden/zoo.h5"));
    ASSERT_EQ(t.status, KZ_OK) << t.message;
    std::map<std::string, std::string> types = {{"/u8_gzip/x", "uint8"},
                                                {"/u16_be_gzip/x", "uint16, big-endian"},
                                                {"/f16_le_gzip/x", "float16"},
                                                {"/bf16_le_gzip/x", "bfloat16"},
                                                {"/f80_le_contiguous/x", "float80 in 16 bytes"},
                                                {"/i24_le_contiguous/x", "int24"},
                                                {"/u12_be_contiguous/x", "uint12 in 2 bytes, big-endian"},
                                                {"/y_bool/y", "boolean of int8"},
                                                {"/y_enum/y", "enum of uint8"}};
    for (const auto &[path, type] : types) EXPECT_EQ(t.at(path)->type, type) << path;
    EXPECT_STREQ(t.at("/compact/x")->layout, "compact");
    EXPECT_STREQ(t.at("/scaleoffset/x")->filters, "scale-offset");
    int64_t sets = 0;
    for (int64_t i = 0; i < t.n; i++)
        if (t.nodes[i].kind == KZ_NODE_DATASET) {
            sets++;
            EXPECT_TRUE(t.nodes[i].readable) << t.nodes[i].path;
        }
    EXPECT_GE(sets, 160);
}

TEST(DataTree, SaysOfOddFilesWhatCannotBeRead)
{
    Tree t(source("tests/golden/odd.h5"));
    ASSERT_EQ(t.status, KZ_OK) << t.message;
    EXPECT_TRUE(t.at("/good/x")->readable);
    EXPECT_EQ(t.at("/train_soft/x")->kind, KZ_NODE_SOFT);
    EXPECT_EQ(text_of(t.at("/train_soft/x")), "/good/x");
    EXPECT_EQ(t.at("/train_external/x")->kind, KZ_NODE_EXTERNAL);
    EXPECT_EQ(text_of(t.at("/train_external/x")).find("zoo.h5:"), 0u);
    EXPECT_STREQ(t.at("/train_storage/x")->layout, "external");
    EXPECT_STREQ(t.at("/train_virtual/x")->layout, "virtual");
    EXPECT_STREQ(t.at("/train_lzf/x")->filters, "filter 32000 (LZF)");
    for (const char *group : {"soft", "soft_dangling", "external", "storage", "virtual", "lzf", "rank5", "string",
                              "vlen", "compound", "opaque", "reference", "null", "rank0", "empty"})
        EXPECT_FALSE(t.at(std::string("/train_") + group + "/x")->readable) << group;
    EXPECT_EQ(t.at("/train_rank5/x")->rank, 5);
    EXPECT_EQ(t.at("/train_bomb/x")->extent[0], (int64_t)1 << 50);
}

TEST(DataTree, EntersAGroupThatContainsItselfOnce)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/a/b/x", H5T_NATIVE_INT, {2}, {1, 2});
        H5Lcreate_hard(f.id(), "/", f.id(), "/a/b/root", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_hard(f.id(), "/a", f.id(), "/a/b/up", H5P_DEFAULT, H5P_DEFAULT);
        H5Lcreate_hard(f.id(), "/a/b/x", f.id(), "/a/b/z", H5P_DEFAULT, H5P_DEFAULT);
    }
    Tree t(folder / "a.h5");
    ASSERT_EQ(t.status, KZ_OK) << t.message;
    EXPECT_EQ(t.paths(), (std::vector<std::string>{"/", "/a", "/a/b", "/a/b/root", "/a/b/up", "/a/b/x", "/a/b/z"}));
    EXPECT_EQ(text_of(t.at("/a/b/root")), "/");
    EXPECT_EQ(text_of(t.at("/a/b/up")), "/a");
    EXPECT_EQ(text_of(t.at("/a/b/z")), "/a/b/x");
    EXPECT_EQ(t.at("/a/b/z")->kind, KZ_NODE_DATASET);
    EXPECT_TRUE(t.at("/a/b/z")->readable);
    EXPECT_EQ(text_of(t.at("/a/b/x")), "(none)");
}

TEST(DataTree, StopsAtItsBounds)
{
    Folder folder;
    {
        Hdf5 f(folder / "wide.h5");
        hid_t group = H5Gcreate2(f.id(), "many", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        for (int i = 0; i < 12000; i++)
            H5Lcreate_soft("x", group, ("link" + std::to_string(i)).c_str(), H5P_DEFAULT, H5P_DEFAULT);
        H5Gclose(group);
        Hdf5 g(folder / "deep.h5");
        std::string path;
        for (int i = 0; i < 300; i++) path += "/g";
        g.put((path + "/x").c_str(), H5T_NATIVE_INT, {1}, {1});
    }
    Tree wide(folder / "wide.h5"), deep(folder / "deep.h5");
    ASSERT_EQ(wide.status, KZ_OK) << wide.message;
    EXPECT_EQ(wide.n, KZ_NODES_MAX);
    ASSERT_EQ(deep.status, KZ_OK) << deep.message;
    EXPECT_EQ(deep.n, 1 + 65); // the root, and 64 entered groups with one below that is listed
}

TEST(DataTree, CleansNamesAndCutsLongOnes)
{
    Folder folder;
    {
        Hdf5 f(folder / "a.h5");
        f.put("/bell\a", H5T_NATIVE_INT, {1}, {1});
        f.put("/\xff", H5T_NATIVE_INT, {1}, {1});
        f.put("/gr\xc3\xbc\xc3\x9f", H5T_NATIVE_INT, {1}, {1});
        f.put(("/" + std::string(20000, 'n')).c_str(), H5T_NATIVE_INT, {1}, {1});
    }
    Tree t(folder / "a.h5");
    ASSERT_EQ(t.status, KZ_OK) << t.message;
    EXPECT_FALSE(t.at("/bell?")->readable); // no config can name it
    EXPECT_FALSE(t.at("/?")->readable);
    EXPECT_TRUE(t.at("/gr\xc3\xbc\xc3\x9f")->readable);
    for (const std::string &path : t.paths()) EXPECT_LE(path.size(), 4200u);
}

TEST(DataTree, EveryAllocationMayFail)
{
    kz_hdf5 *file = nullptr;
    ASSERT_EQ(kz_hdf5_open(&file, source("datasets/digits.h5").c_str()), KZ_OK) << kz_error_message();
    kz_status st = KZ_E_MEM;
    for (int64_t at = 1; st != KZ_OK; at++) {
        ASSERT_LT(at, 2000);
        kz_node *nodes = nullptr;
        int64_t n = 0;
        kz_calloc_fail_at(at);
        st = kz_hdf5_tree(file, true, &nodes, &n);
        kz_calloc_fail_at(0);
        ASSERT_TRUE(st == KZ_OK || st == KZ_E_MEM) << kz_error_message();
        kz_nodes_free(&nodes, n);
    }
    kz_hdf5_close(&file);
}
