// model.safetensors: names, shapes, and metadata enough to predict in original units.
#include "record/safetensors.h"
#include "record_support.h"

class RecordModel : public RecordTest {
  protected:
    void TearDown() override
    {
        kz_safetensors_close(&file);
        RecordTest::TearDown();
    }
    void write_and_open()
    {
        ASSERT_EQ(KZ_OK, run_all(3)) << kz_error_message();
        ASSERT_EQ(KZ_OK, kz_safetensors_open(&file, path("run/model.safetensors").c_str())) << kz_error_message();
    }
    std::string metadata(const char *key) const
    {
        const char *value = kz_safetensors_metadata(file, key);
        return value ? value : "(none)";
    }
    kz_safetensors *file = nullptr;
};

TEST_F(RecordModel, TensorsUnderPyTorchNames)
{
    write_and_open();
    ASSERT_EQ(2, kz_safetensors_count(file));
    const kz_safetensor *weight = kz_safetensors_tensor(file, 0), *bias = kz_safetensors_tensor(file, 1);
    EXPECT_STREQ("0.weight", weight->name);
    EXPECT_STREQ("F32", weight->dtype);
    ASSERT_EQ(2, weight->rank);
    EXPECT_EQ(2, weight->shape[0]);
    EXPECT_EQ(3, weight->shape[1]);
    EXPECT_STREQ("0.bias", bias->name);
    ASSERT_EQ(1, bias->rank);
    float values[6] = {};
    ASSERT_EQ(KZ_OK, kz_safetensors_read(file, weight, values));
    for (float v : values) EXPECT_EQ(3.0f, v);
}

TEST_F(RecordModel, MetadataOfAClassifier)
{
    write_and_open();
    EXPECT_EQ("pt", metadata("format"));
    EXPECT_EQ("kaizen.model/1", metadata("kaizen.schema"));
    EXPECT_EQ(kz_record_weights_digest(rec), metadata("kaizen.weights"));
    EXPECT_EQ("classification", metadata("task"));
    EXPECT_EQ(R"(["no","yes"])", metadata("class_names"));
    EXPECT_EQ("3", metadata("features"));
    EXPECT_EQ("[3]", metadata("shape"));
    EXPECT_EQ("none", metadata("scale.kind"));
    EXPECT_EQ("[0.0,0.0,0.0]", metadata("scale.mean"));
    EXPECT_EQ("[1.0,1.0,1.0]", metadata("scale.factor"));
    EXPECT_EQ("(none)", metadata("scale.divisor"));
    EXPECT_EQ("(none)", metadata("target.mean"));
    Json config(metadata("config"));
    EXPECT_EQ("tiny", config.text({"name"}));
    EXPECT_EQ("/data/tiny.h5", config.text({"data", "path"}));
}

TEST_F(RecordModel, StandardScaleComesBackExactly)
{
    float mean[3] = {0.1f, -2.0f, 1e-30f}, factor[3] = {1.0f / 3, 1, 16777217.0f};
    data.scale_x = {"standard", mean, factor, 0};
    write_and_open();
    Json means(metadata("scale.mean")), factors(metadata("scale.factor"));
    for (size_t i = 0; i < 3; i++) {
        EXPECT_EQ(mean[i], static_cast<float>(json_real_value(json_array_get(means.at({}), i))));
        EXPECT_EQ(factor[i], static_cast<float>(json_real_value(json_array_get(factors.at({}), i))));
    }
    EXPECT_EQ("[0.100000001", metadata("scale.mean").substr(0, 12)) << "nine digits";
}

TEST_F(RecordModel, UnitScaleHasDivisorAndFactor)
{
    data.scale_x = {"unit", nullptr, nullptr, 16};
    write_and_open();
    EXPECT_EQ("unit", metadata("scale.kind"));
    EXPECT_EQ("16.0", metadata("scale.divisor"));
    EXPECT_EQ("[0.0,0.0,0.0]", metadata("scale.mean"));
    EXPECT_EQ("[0.0625,0.0625,0.0625]", metadata("scale.factor"));
}

TEST_F(RecordModel, RegressionTargetsInOriginalUnits)
{
    double mean[2] = {0.1, 100}, deviation[2] = {3, 0.25};
    data.classification = false;
    data.class_names = nullptr;
    data.targets = 2;
    data.target_mean = mean;
    data.target_deviation = deviation;
    write_and_open();
    EXPECT_EQ("regression", metadata("task"));
    EXPECT_EQ("(none)", metadata("class_names"));
    EXPECT_EQ("[0.10000000000000001,100.0]", metadata("target.mean"));
    EXPECT_EQ("[3.0,0.25]", metadata("target.deviation"));
    EXPECT_EQ("[0.33333333333333331,4.0]", metadata("target.factor"));
}

TEST_F(RecordModel, ImagesKeepTheirShape)
{
    data.rank = 3;
    data.shape[0] = 1;
    data.shape[1] = 3;
    data.shape[2] = 1;
    write_and_open();
    EXPECT_EQ("[1,3,1]", metadata("shape"));
}
