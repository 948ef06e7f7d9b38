// SHA-256 against FIPS 180-4's examples, and however the input is cut.
#include "kz/base.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <string>

static std::string hex_of(kz_sha256 *h)
{
    uint8_t digest[32];
    char text[KZ_DIGEST_TEXT];
    kz_sha256_end(h, digest);
    kz_digest_text(text, digest);
    return text;
}

class Hash : public testing::Test {
  protected:
    void SetUp() override
    {
        ASSERT_EQ(KZ_OK, kz_sha256_create(&hash));
    }
    void TearDown() override
    {
        kz_sha256_destroy(&hash);
        EXPECT_EQ(nullptr, hash);
    }
    std::string of(const std::string &s)
    {
        kz_sha256_add(hash, s.data(), s.size());
        return hex_of(hash);
    }
    kz_sha256 *hash = nullptr;
};

TEST_F(Hash, KnownVectors)
{
    EXPECT_EQ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", of(""));
    EXPECT_EQ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", of("abc"));
    EXPECT_EQ("sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
              of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    EXPECT_EQ("sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", of(std::string(1000000, 'a')));
}

TEST_F(Hash, DoesNotDependOnHowTheInputIsCut)
{
    std::string input;
    for (int i = 0; i < 1000; i++) input += static_cast<char>(i * 7);
    std::string whole = of(input);
    for (size_t piece : {1u, 3u, 55u, 56u, 63u, 64u, 65u, 999u}) {
        for (size_t i = 0; i < input.size(); i += piece)
            kz_sha256_add(hash, input.data() + i, std::min(piece, input.size() - i));
        EXPECT_EQ(whole, hex_of(hash)) << piece;
    }
}

TEST(HashMemory, FailedAllocation)
{
    kz_sha256 *hash = nullptr;
    kz_calloc_fail_at(1);
    EXPECT_EQ(KZ_E_MEM, kz_sha256_create(&hash));
    kz_calloc_fail_at(0);
    EXPECT_EQ(nullptr, hash);
}

static int64_t crypto_allocations;

// A digest in the middle of a run must not be able to fail.
TEST(HashMemory, OnlyCreatingOneTakesMemory)
{
    auto take = [](size_t n, const char *, int) { return crypto_allocations++, malloc(n); };
    auto more = [](void *p, size_t n, const char *, int) { return crypto_allocations++, realloc(p, n); };
    auto give = [](void *p, const char *, int) { free(p); };
    if (CRYPTO_set_mem_functions(take, more, give) != 1) GTEST_SKIP() << "libcrypto has taken memory before";
    kz_sha256 *h = nullptr;
    uint8_t digest[32];
    ASSERT_EQ(KZ_OK, kz_sha256_create(&h));
    int64_t before = crypto_allocations;
    for (int i = 0; i < 3; i++) {
        kz_sha256_add(h, "abc", 3);
        kz_sha256_end(h, digest);
    }
    EXPECT_EQ(crypto_allocations, before);
    kz_sha256_destroy(&h);
}
