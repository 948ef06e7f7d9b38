// Files and paths: whole files or none.
#include "kz/base.h"
#include "unprivileged.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

class File : public testing::Test {
  protected:
    void SetUp() override
    {
        std::string pattern = testing::TempDir() + "kaizen-file-XXXXXX";
        ASSERT_NE(nullptr, mkdtemp(pattern.data()));
        folder = pattern;
    }
    void TearDown() override
    {
        chmod(folder.c_str(), 0755);
        fs::remove_all(folder);
    }
    std::string path(const std::string &name) const
    {
        return folder + "/" + name;
    }
    int entries() const
    {
        int n = 0;
        for ([[maybe_unused]] const auto &entry : fs::directory_iterator(folder)) n++;
        return n;
    }
    static kz_status replace(const std::string &path, const std::string &bytes, bool sync = false)
    {
        return kz_file_replace(path.c_str(), bytes.data(), static_cast<int64_t>(bytes.size()), sync);
    }
    static std::string content(const std::string &path)
    {
        kz_text t = {};
        EXPECT_EQ(KZ_OK, kz_file_read(&t, path.c_str(), 1 << 20)) << kz_error_message();
        std::string s(kz_text_str(&t), static_cast<size_t>(t.n));
        kz_text_free(&t);
        return s;
    }
    std::string folder;
};

TEST_F(File, ReplaceWritesAndOverwrites)
{
    ASSERT_EQ(KZ_OK, replace(path("a"), "one"));
    EXPECT_EQ("one", content(path("a")));
    ASSERT_EQ(KZ_OK, replace(path("a"), std::string("two\0three", 9), true));
    EXPECT_EQ(std::string("two\0three", 9), content(path("a")));
    ASSERT_EQ(KZ_OK, replace(path("a"), ""));
    EXPECT_EQ("", content(path("a")));
    EXPECT_EQ(1, entries());
}

TEST_F(File, ReplaceThatFailsLeavesNothing)
{
    fs::create_directory(path("folder"));
    fs::create_directory(path("folder/inner"));
    EXPECT_EQ(KZ_E_OUTPUT, replace(path("folder"), "text")); // the rename fails
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find(path("folder")));
    EXPECT_EQ(1, entries());
    EXPECT_EQ(KZ_E_OUTPUT, replace(path("missing/a"), "text"));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("No such file or directory"));
    EXPECT_EQ(1, entries());
}

TEST_F(File, ReplaceIntoAFileInPlaceOfAFolder)
{
    ASSERT_EQ(KZ_OK, replace(path("a"), "kept"));
    EXPECT_EQ(KZ_E_OUTPUT, replace(path("a") + "/b", "text"));
    EXPECT_EQ("kept", content(path("a")));
}

TEST_F(File, ReplaceInAnUnwritableFolder)
{
    chmod(folder.c_str(), 0555);
    Unprivileged now;
    if (!now) GTEST_SKIP() << "root, who may write everywhere, cannot become another user here";
    EXPECT_EQ(KZ_E_OUTPUT, replace(path("a"), "text"));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("Permission denied"));
}

TEST_F(File, ReplaceOnAFullDisk)
{
    if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
    fs::create_symlink("/dev/full", path("a.tmp-" + std::to_string(getpid())));
    EXPECT_EQ(KZ_E_OUTPUT, replace(path("a"), "text"));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("No space left on device"));
    EXPECT_EQ(0, entries());
}

TEST_F(File, ReadErrors)
{
    kz_text t = {};
    EXPECT_EQ(KZ_E_INPUT, kz_file_read(&t, path("missing").c_str(), 100));
    EXPECT_EQ(KZ_E_INPUT, kz_file_read(&t, folder.c_str(), 100));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("is a folder"));
    ASSERT_EQ(KZ_OK, replace(path("a"), "12345"));
    EXPECT_EQ(KZ_E_DATA, kz_file_read(&t, path("a").c_str(), 4));
    EXPECT_EQ(0, t.n);
    EXPECT_EQ(KZ_OK, kz_file_read(&t, path("a").c_str(), 5));
    EXPECT_STREQ("12345", kz_text_str(&t));
    kz_text_free(&t);
}

TEST_F(File, AllocationFailuresInTurn)
{
    ASSERT_EQ(KZ_OK, replace(path("a"), "text"));
    kz_calloc_fail_at(1);
    EXPECT_EQ(KZ_E_MEM, replace(path("a"), "other"));
    kz_calloc_fail_at(0);
    EXPECT_EQ("text", content(path("a")));
    kz_status st = KZ_E_MEM;
    for (int n = 1; st == KZ_E_MEM && n < 100; n++) {
        kz_text t = {};
        kz_calloc_fail_at(n);
        st = kz_file_read(&t, path("a").c_str(), 100);
        kz_text_free(&t);
    }
    kz_calloc_fail_at(0);
    EXPECT_EQ(KZ_OK, st);
}

TEST_F(File, Mkdirs)
{
    ASSERT_EQ(KZ_OK, kz_mkdirs(path("a/b/c").c_str())) << kz_error_message();
    EXPECT_TRUE(fs::is_directory(path("a/b/c")));
    EXPECT_EQ(KZ_OK, kz_mkdirs(path("a/b/c/").c_str())) << "again";
    EXPECT_EQ(KZ_OK, kz_mkdirs(path("a//d").c_str()));
    EXPECT_EQ(KZ_OK, kz_mkdirs("/"));
    ASSERT_EQ(KZ_OK, replace(path("file"), ""));
    EXPECT_EQ(KZ_E_OUTPUT, kz_mkdirs(path("file").c_str()));
    EXPECT_EQ(KZ_E_OUTPUT, kz_mkdirs(path("file/under").c_str()));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find(path("file")));
}

static std::string joined(const char *directory, const char *name)
{
    char *out = nullptr;
    EXPECT_EQ(KZ_OK, kz_path_join(&out, directory, name));
    std::string s = out;
    kz_free(&out);
    return s;
}

static std::string directory_of(const char *path)
{
    char *out = nullptr;
    EXPECT_EQ(KZ_OK, kz_path_directory(&out, path));
    std::string s = out;
    kz_free(&out);
    return s;
}

TEST(Path, JoinDirectoryAbsolute)
{
    EXPECT_EQ("a/b", joined("a", "b"));
    EXPECT_EQ("a/b", joined("a/", "b"));
    EXPECT_EQ("b", joined("", "b"));
    EXPECT_EQ("a", directory_of("a/b.yaml"));
    EXPECT_EQ(".", directory_of("b.yaml"));
    EXPECT_EQ("/", directory_of("/b.yaml"));
    EXPECT_EQ("/a/b", directory_of("/a/b/c"));
    char *out = nullptr;
    ASSERT_EQ(KZ_OK, kz_path_absolute(&out, "./x"));
    EXPECT_EQ(fs::current_path().string() + "/x", out);
    kz_free(&out);
    ASSERT_EQ(KZ_OK, kz_path_absolute(&out, "/x"));
    EXPECT_STREQ("/x", out);
    kz_free(&out);
}
