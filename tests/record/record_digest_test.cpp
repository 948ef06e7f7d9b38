// Digests against numbers from Python's hashlib.
#include "record_support.h"

#include <limits>

static std::string digest_of(const std::vector<float> &weights)
{
    uint8_t digest[32];
    char text[KZ_DIGEST_TEXT] = "";
    kz_sha256 *hash = nullptr;
    EXPECT_EQ(KZ_OK, kz_sha256_create(&hash));
    kz_weights_digest(digest, weights.data(), static_cast<int64_t>(weights.size()), hash);
    kz_sha256_destroy(&hash);
    kz_digest_text(text, digest);
    return text;
}

static float with_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static const char *const ONE_NAN = "sha256:c1fa6ce4dc88fdf07ccf38c798acc6b73ff3621d46940d0972c6464f52c97261";

// hashlib.sha256(struct.pack('<ffIf', 1, -2, 0x7fc00000, 0.5)).hexdigest(), and so on
TEST(Digest, OfWeights)
{
    EXPECT_EQ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", digest_of({}));
    EXPECT_EQ(ONE_NAN, digest_of({1, -2, NAN, 0.5f}));
    EXPECT_EQ("sha256:f823636bcf5bccc5188de023f7081d3d5aed9621f5c030394a157b22c784b3e2",
              digest_of({with_bits(2), -2.25f, std::numeric_limits<float>::infinity(), 0.5f}));
}

TEST(Digest, AnyNanIsTheSame)
{
    for (uint32_t bits : {0x7fc00000u, 0x7f800001u, 0xffc00000u, 0xffffffffu, 0x7fc12345u})
        EXPECT_EQ(ONE_NAN, digest_of({1, -2, with_bits(bits), 0.5f})) << bits;
    EXPECT_NE(ONE_NAN, digest_of({1, -2, with_bits(0x7f800000u), 0.5f})) << "infinity is no NaN";
}

TEST(Digest, ZerosKeepTheirSign)
{
    EXPECT_NE(digest_of({0.0f}), digest_of({-0.0f}));
}

TEST(Digest, OfManyWeights)
{
    std::vector<float> weights(10000);
    for (size_t i = 0; i < weights.size(); i++) weights[i] = 0.5f * static_cast<float>(i);
    EXPECT_EQ("sha256:455e911c884d528ea4b200bf354b4593d244ca2b9df0c5ceb4cc5787038f4375", digest_of(weights));
}

using RecordDigest = RecordTest;

// T = bytes(32); for each epoch: T = sha256(T + sha256(weights).digest()).digest()
TEST_F(RecordDigest, TrajectoryOverThreeEpochs)
{
    tensors[0].shape[0] = tensors[0].shape[1] = 1;
    tensors[0].n = 1;
    tensors[1].shape[0] = tensors[1].n = 3;
    tensors[1].offset = 1;
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    std::vector<float> last = {with_bits(2), -2.25f, std::numeric_limits<float>::infinity(), 0.5f};
    ASSERT_EQ(KZ_OK, epoch(1, {1, -2, NAN, 0.5f}));
    ASSERT_EQ(KZ_OK, epoch(2, {1.5f, -2.25f, -0.0f, 0.5f}));
    ASSERT_EQ(KZ_OK, epoch(3, last));
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, last.data(), 4)) << kz_error_message();
    EXPECT_STREQ("sha256:f823636bcf5bccc5188de023f7081d3d5aed9621f5c030394a157b22c784b3e2",
                 kz_record_weights_digest(rec));
    EXPECT_STREQ("sha256:3176b38ebb6151bc12e73f7856ae17ead2a77cbfbf325e01186c8d279835496e",
                 kz_record_trajectory_digest(rec));
    std::vector<std::string> all = lines(content(path("run/metrics.jsonl")));
    EXPECT_EQ(ONE_NAN, Json(all.at(0)).text({"weights"}));
    EXPECT_EQ("sha256:a4531f5f126c937a9134836d1eba76fb607b516db0a091240c1cdfc89b389184",
              Json(all.at(1)).text({"weights"}));
}

TEST_F(RecordDigest, TrajectoryOfNoEpochIsZero)
{
    std::vector<float> weights(8, 1.0f);
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, weights.data(), 8));
    EXPECT_EQ("sha256:" + std::string(64, '0'), kz_record_trajectory_digest(rec));
    EXPECT_EQ(digest_of(weights), kz_record_weights_digest(rec));
}

TEST_F(RecordDigest, KeptWeightsAreHashedNotTheLastOnes)
{
    std::vector<float> best(8, 1.0f), last(8, 2.0f);
    ASSERT_EQ(KZ_OK, create(path("run").c_str()));
    ASSERT_EQ(KZ_OK, epoch(1, best));
    ASSERT_EQ(KZ_OK, epoch(2, last));
    ASSERT_EQ(KZ_OK, kz_record_finish(rec, &run, best.data(), 8));
    EXPECT_EQ(digest_of(best), kz_record_weights_digest(rec));
}
