// safetensors: the bytes we write, and every way a file can be wrong.
#include "record/safetensors.h"
#include "record_support.h"

class Safetensors : public RecordTest {
  protected:
    void TearDown() override
    {
        kz_safetensors_close(&file);
        RecordTest::TearDown();
    }
    static kz_safetensor tensor(const char *name, const char *dtype, std::vector<int64_t> shape, const void *values)
    {
        kz_safetensor t = {};
        t.name = name;
        t.dtype = dtype;
        t.rank = static_cast<int>(shape.size());
        for (size_t i = 0; i < shape.size(); i++) t.shape[i] = shape[i];
        t.data = values;
        return t;
    }
    kz_status write(const std::vector<kz_safetensor> &list, const char *metadata = R"({"format":"pt"})")
    {
        json_t *j = json_loads(metadata, 0, nullptr);
        kz_status st = kz_safetensors_write(path("f").c_str(), j, list.data(), static_cast<int64_t>(list.size()), true);
        json_decref(j);
        return st;
    }
    void put(const std::string &bytes)
    {
        ASSERT_EQ(KZ_OK, kz_file_replace(path("f").c_str(), bytes.data(), static_cast<int64_t>(bytes.size()), false));
    }
    static std::string with_length(uint64_t length, const std::string &rest)
    {
        char bytes[8];
        memcpy(bytes, &length, 8);
        return std::string(bytes, 8) + rest;
    }
    kz_status open()
    {
        kz_safetensors_close(&file);
        return kz_safetensors_open(&file, path("f").c_str());
    }
    /* The message that opening a file with this header and so many bytes of values gives, without the path. */
    std::string complaint(const std::string &header, size_t values)
    {
        put(with_length(header.size(), header + std::string(values, 'v')));
        return complaint();
    }
    std::string complaint()
    {
        kz_error_clear();
        kz_status st = open();
        EXPECT_EQ(KZ_E_DATA, st);
        EXPECT_EQ(nullptr, file);
        std::string message = kz_error_message(), prefix = path("f") + ": ";
        EXPECT_EQ(0u, message.find(prefix)) << message;
        return message.substr(std::min(prefix.size(), message.size()));
    }
    kz_safetensors *file = nullptr;
};

TEST_F(Safetensors, BytesAreThoseOfTheReferenceImplementation)
{
    float w[2] = {1, 2};
    ASSERT_EQ(KZ_OK, write({tensor("w", "F32", {1, 2}, w)})) << kz_error_message();
    std::string wanted =
        with_length(88, R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}} )");
    EXPECT_EQ(wanted + std::string("\0\0\x80\x3f\0\0\0\x40", 8), content(path("f")));
}

TEST_F(Safetensors, ComesBack)
{
    double d[3] = {1.5, -2, 1e300};
    int64_t i[1] = {-7};
    uint8_t u[5] = {1, 2, 3, 4, 255};
    float nothing[1] = {};
    std::vector<kz_safetensor> all = {tensor("d", "F64", {3, 1}, d), tensor("i", "I64", {}, i),
                                      tensor("none", "F32", {0, 7}, nothing), tensor("u", "U8", {5}, u)};
    ASSERT_EQ(KZ_OK, write(all, R"({"a":"b","n":"\u00e4\n"})"));
    ASSERT_EQ(KZ_OK, open()) << kz_error_message();
    ASSERT_EQ(4, kz_safetensors_count(file));
    double d2[3];
    int64_t i2[1];
    uint8_t u2[5];
    ASSERT_EQ(KZ_OK, kz_safetensors_read(file, &all[0], d2));
    ASSERT_EQ(KZ_OK, kz_safetensors_read(file, &all[1], i2));
    ASSERT_EQ(KZ_OK, kz_safetensors_read(file, &all[2], nothing));
    ASSERT_EQ(KZ_OK, kz_safetensors_read(file, &all[3], u2));
    EXPECT_EQ(0, memcmp(d, d2, sizeof d));
    EXPECT_EQ(0, memcmp(i, i2, sizeof i));
    EXPECT_EQ(0, memcmp(u, u2, sizeof u));
    EXPECT_STREQ("b", kz_safetensors_metadata(file, "a"));
    EXPECT_STREQ("\xc3\xa4\n", kz_safetensors_metadata(file, "n"));
    EXPECT_EQ(nullptr, kz_safetensors_metadata(file, "c"));
}

TEST_F(Safetensors, HeaderIsPaddedToEightBytes)
{
    float w[1] = {1};
    for (std::string name = "w"; name.size() < 10; name += "x") {
        ASSERT_EQ(KZ_OK, write({tensor(name.c_str(), "F32", {1}, w)}));
        uint64_t length;
        memcpy(&length, content(path("f")).data(), 8);
        EXPECT_EQ(0u, length % 8);
        EXPECT_EQ(KZ_OK, open());
    }
}

TEST_F(Safetensors, WriterRefusesWrongUse)
{
    float w[1] = {1};
    EXPECT_EQ(KZ_E_ARG, write({tensor("w", "F31", {1}, w)}));
    EXPECT_EQ(KZ_E_ARG, write({tensor("w", "F32", {INT64_MAX, 2}, w)}));
    EXPECT_EQ(KZ_E_ARG, write({tensor("w", "F32", {-1}, w)}));
    EXPECT_EQ(KZ_E_ARG, write({tensor("w", "F32", {1}, w), tensor("w", "F32", {1}, w)}));
    EXPECT_EQ(KZ_E_ARG, write({tensor("__metadata__", "F32", {1}, w)}));
    EXPECT_TRUE(entries(folder).empty());
}

TEST_F(Safetensors, WriterThatFailsLeavesNothing)
{
    float w[1] = {1};
    json_t *metadata = json_object();
    kz_safetensor t = tensor("w", "F32", {1}, w);
    EXPECT_EQ(KZ_E_OUTPUT, kz_safetensors_write(path("missing/f").c_str(), metadata, &t, 1, false));
    std::filesystem::create_directories(path("f/x"));
    EXPECT_EQ(KZ_E_OUTPUT, kz_safetensors_write(path("f").c_str(), metadata, &t, 1, false));
    EXPECT_EQ(path("f") + ": cannot be renamed into place: Is a directory", kz_error_message());
    EXPECT_EQ(1u, entries(folder).size());
    json_decref(metadata);
}

TEST_F(Safetensors, MissingFileAndFolder)
{
    EXPECT_EQ(KZ_E_INPUT, open());
    EXPECT_EQ(path("f") + ": cannot be opened: No such file or directory", kz_error_message());
    std::filesystem::create_directory(path("f"));
    EXPECT_EQ(KZ_E_INPUT, open());
    EXPECT_EQ(path("f") + ": is not a file", kz_error_message());
}

TEST_F(Safetensors, WrongLengths)
{
    put("1234567");
    EXPECT_EQ("not a safetensors file: 7 bytes long, at least 8 wanted", complaint());
    put(with_length(3, "{}"));
    EXPECT_EQ("not a safetensors file: header of 3 bytes, at most 2 wanted", complaint());
    put(with_length(UINT64_MAX, "{}"));
    EXPECT_EQ("not a safetensors file: header of 18446744073709551615 bytes, at most 2 wanted", complaint());
    put(with_length(100000001, ""));
    std::filesystem::resize_file(path("f"), 200000000); // sparse
    EXPECT_EQ("not a safetensors file: header of 100000001 bytes, at most 100000000 wanted", complaint());
}

TEST_F(Safetensors, WrongJson)
{
    EXPECT_EQ("header is not valid JSON: it must begin with {", complaint("", 0));
    EXPECT_EQ("header is not valid JSON: it must begin with {", complaint("[]", 0));
    EXPECT_EQ("header is not valid JSON: it must begin with {", complaint(" {}", 0));
    EXPECT_EQ("header is not valid JSON: duplicate object key near '\"a\"'",
              complaint(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":1})", 0));
    EXPECT_EQ(0u, complaint(R"({"a")", 0).find("header is not valid JSON"));
    EXPECT_EQ(0u, complaint("{} x", 0).find("header is not valid JSON"));
    EXPECT_EQ(0u, complaint("{\"\xff\":1}", 0).find("header is not valid JSON"));
    EXPECT_EQ(0u, complaint(std::string(100000, '{'), 0).find("header is not valid JSON"));
    EXPECT_EQ("__metadata__ is not an object", complaint(R"({"__metadata__":[]})", 0));
    EXPECT_EQ("__metadata__: 'n' is not a string", complaint(R"({"__metadata__":{"n":1}})", 0));
}

TEST_F(Safetensors, WrongEntries)
{
    const char *keys = "tensor 'a': must have dtype, shape and data_offsets, and nothing else";
    EXPECT_EQ(keys, complaint(R"({"a":1})", 0));
    EXPECT_EQ(keys, complaint(R"({"a":{"shape":[0],"data_offsets":[0,0],"x":1}})", 0));
    EXPECT_EQ(keys, complaint(R"({"a":{"dtype":4,"shape":[0],"data_offsets":[0,0]}})", 0));
    EXPECT_EQ(keys, complaint(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}})", 0));
    EXPECT_EQ("tensor 'a': shape is not an array",
              complaint(R"({"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}})", 0));
    EXPECT_EQ("tensor 'a': 9 dimensions, at most 8 wanted",
              complaint(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1));
    const char *dimension = "tensor 'a': dimension 1 is not a whole number from 0";
    EXPECT_EQ(dimension, complaint(R"({"a":{"dtype":"U8","shape":[1,-1],"data_offsets":[0,1]}})", 1));
    EXPECT_EQ(dimension, complaint(R"({"a":{"dtype":"U8","shape":[1,1.0],"data_offsets":[0,1]}})", 1));
    EXPECT_EQ("tensor 'a': data_offsets are not two whole numbers",
              complaint(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1));
    const char *unknown = "tensor 'a': dtype is unknown, or its shape is larger than any file";
    EXPECT_EQ(unknown, complaint(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,1]}})", 1));
    EXPECT_EQ(unknown, complaint(R"({"a":{"dtype":"F64","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0));
}

TEST_F(Safetensors, WrongPlaces)
{
    EXPECT_EQ("tensor 'a': data_offsets 0 to 5, must lie in the file's 0 to 4",
              complaint(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}})", 4));
    EXPECT_EQ("tensor 'a': data_offsets 4 to 0, must lie in the file's 0 to 4",
              complaint(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}})", 4));
    EXPECT_EQ("tensor 'a': data_offsets -4 to 0, must lie in the file's 0 to 4",
              complaint(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[-4,0]}})", 4));
    EXPECT_EQ("tensor 'a': 4 bytes, its dtype and shape want 16",
              complaint(R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,4]}})", 4));
    EXPECT_EQ("tensor 'b': begins at 3, must begin where the one before ends, at 4", // overlap
              complaint(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
                        5));
    EXPECT_EQ("tensor 'b': begins at 3, must begin where the one before ends, at 2", // hole
              complaint(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                        R"("b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})",
                        5));
    EXPECT_EQ("5 bytes of values, the tensors want 4",
              complaint(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 5));
}

TEST_F(Safetensors, NamesFromTheFileCannotWriteToTheTerminal)
{
    std::string long_name(1000, 'x');
    EXPECT_EQ("tensor 'a?[31m?b': must have dtype, shape and data_offsets, and nothing else",
              complaint(R"({"a\u001b[31m\nb":1})", 0));
    EXPECT_EQ("tensor '" + std::string(64, 'x') + "...': must have dtype, shape and data_offsets, and nothing else",
              complaint("{\"" + long_name + "\":1}", 0));
}

TEST_F(Safetensors, TensorsOtherThanWanted)
{
    float w[6] = {}, out[6] = {};
    ASSERT_EQ(KZ_OK, write({tensor("w", "F32", {2, 3}, w)}));
    ASSERT_EQ(KZ_OK, open());
    kz_safetensor wanted = tensor("w", "F32", {3, 2}, nullptr);
    EXPECT_EQ(KZ_E_DATA, kz_safetensors_read(file, &wanted, out));
    EXPECT_EQ(path("f") + ": tensor 'w': is F32 (2, 3), wanted F32 (3, 2)", kz_error_message());
    wanted = tensor("w", "F64", {2, 3}, nullptr);
    EXPECT_EQ(KZ_E_DATA, kz_safetensors_read(file, &wanted, out));
    wanted = tensor("w", "F32", {6}, nullptr);
    EXPECT_EQ(KZ_E_DATA, kz_safetensors_read(file, &wanted, out));
    wanted = tensor("v", "F32", {6}, nullptr);
    EXPECT_EQ(KZ_E_DATA, kz_safetensors_read(file, &wanted, out));
    EXPECT_EQ(path("f") + ": tensor 'v' is not there", kz_error_message());
}

TEST_F(Safetensors, FileCutShortAfterOpening)
{
    std::vector<float> w(1000), out(1000);
    ASSERT_EQ(KZ_OK, write({tensor("w", "F32", {1000}, w.data())}));
    ASSERT_EQ(KZ_OK, open());
    std::filesystem::resize_file(path("f"), 2000);
    kz_safetensor wanted = tensor("w", "F32", {1000}, nullptr);
    EXPECT_EQ(KZ_E_DATA, kz_safetensors_read(file, &wanted, out.data()));
    EXPECT_NE(std::string::npos, std::string(kz_error_message()).find("ends at byte 2000"));
}

TEST_F(Safetensors, EveryCutOfAFileIsRefused)
{
    float w[4] = {1, 2, 3, 4};
    ASSERT_EQ(KZ_OK, write({tensor("w", "F32", {2, 2}, w)}));
    std::string whole = content(path("f"));
    for (size_t n = 0; n < whole.size(); n++) {
        put(whole.substr(0, n));
        EXPECT_EQ(KZ_E_DATA, open()) << n;
    }
    put(whole + "x");
    EXPECT_EQ(KZ_E_DATA, open());
}

TEST_F(Safetensors, AllocationFailuresInTurn)
{
    float w[1] = {1};
    kz_status st = KZ_E_MEM;
    for (int n = 1; st == KZ_E_MEM && n < 100; n++) {
        kz_calloc_fail_at(n);
        st = write({tensor("w", "F32", {1}, w)});
    }
    ASSERT_EQ(KZ_OK, st);
    st = KZ_E_MEM;
    for (int n = 1; st == KZ_E_MEM && n < 100; n++) {
        kz_calloc_fail_at(n);
        st = open();
    }
    EXPECT_EQ(KZ_OK, st);
}
