// Vectors of tests/golden/arithmetic_vectors.json, as arithmetic_vectors_test.cpp has them: rules 7 to 10 and 14.
#include "data_hdf5.h"
#include "vector_file.h"

#include "kz/model.h"
#include "kz/record.h"

#include <algorithm>

using namespace vectors;

namespace {

// ---- rule 7 ----

template <double (*f)(double)> void check_host(const json_t *v)
{
    std::vector<double> got;
    for (double x : f64s(v, "x")) got.push_back(f(x));
    expect_same(got, f64s(v, "y"), text(v, "of"));
}

void check_pow(const json_t *v)
{
    std::vector<double> x = f64s(v, "x"), y = f64s(v, "y"), got;
    for (size_t i = 0; i < x.size(); i++) got.push_back(kz_pow_f64(x[i], y[i]));
    expect_same(got, f64s(v, "z"), "pow");
}

// ---- rules 8 and 9 ----

kz_stream stream_of(const json_t *v)
{
    return kz_stream_of(seed(v), (uint32_t)integer(v, "purpose"), (uint32_t)integer(v, "layer"),
                        (uint32_t)integer(v, "when"));
}

void check_block(const json_t *v)
{
    philox4x32_ctr_t got = kz_random_block(stream_of(v), (uint64_t)integer(v, "block"));
    std::vector<uint32_t> wanted = words<uint32_t>(text(v, "words"));
    EXPECT_EQ(wanted, std::vector<uint32_t>(got.v, got.v + 4));
}

void check_numbers(const json_t *v)
{
    std::vector<uint32_t> u32;
    std::vector<uint64_t> u64;
    std::vector<float> single;
    std::vector<double> wide;
    for (int64_t i : integers(v, "elements")) {
        auto e = (uint64_t)i;
        u32.push_back(kz_random_u32(stream_of(v), e));
        u64.push_back(kz_random_u64(stream_of(v), e));
        single.push_back(kz_random_f32(stream_of(v), e));
        wide.push_back(kz_random_f64(stream_of(v), e));
    }
    EXPECT_EQ(words<uint32_t>(text(v, "u32")), u32);
    EXPECT_EQ(words<uint64_t>(text(v, "u64")), u64);
    expect_same(single, f32s(v, "f32"), "f32");
    expect_same(wide, f64s(v, "f64"), "f64");
}

// Layer `layer` of a model gets the vector's inputs and units.
void check_init(const json_t *v)
{
    int64_t at = integer(v, "layer"), inputs = integer(v, "inputs"), units = integer(v, "units");
    std::string layers;
    for (int64_t i = 0; i <= at; i++)
        layers += R"({"type": "dense", "units": )" + std::to_string(i == at ? units : inputs) + "}, ";
    kz_config *cfg = config_with(layers + R"({"type": "dense"})", nullptr);
    ASSERT_TRUE(cfg);
    on_every_device([&](kz_device *dev) {
        kz_model *m = nullptr;
        int64_t n = 0;
        ASSERT_EQ(KZ_OK, kz_model_create(&m, dev, cfg, inputs, 2, 1)) << kz_error_message();
        EXPECT_EQ(KZ_OK, kz_model_init(m, seed(v), text(v, "init").c_str()));
        const kz_tensor *tensor = kz_model_tensors(m, &n) + 2 * at;
        const float *w = kz_model_weights(m) + tensor->offset;
        expect_same(std::vector<float>(w, w + tensor->n), f32s(v, "w"), text(v, "init"));
        kz_model_destroy(&m);
    });
    kz_config_destroy(&cfg);
}

// One unit per element, whose value is 1 before dropout.
void check_dropout(const json_t *v)
{
    std::vector<float> wanted = f32s(v, "factor"), ones(wanted.size(), 1.0f), zero(wanted.size()), x = {0};
    on_every_device([&](kz_device *dev) {
        std::vector<float> y(wanted.size()), kept(wanted.size());
        kz_dense d = {};
        d.rows = d.inputs = 1, d.units = (int64_t)wanted.size();
        d.weight = zero.data(), d.bias = ones.data(), d.y = y.data(), d.kept = kept.data();
        d.dropout = dropout_of(f64(v, "p"), seed(v), integer(v, "layer"), integer(v, "step"), integer(v, "first"));
        ASSERT_EQ(KZ_OK, dev->ops->dense_forward(dev, &d, x.data()));
        expect_same(y, wanted, "factor");
    });
}

void check_shuffle(const json_t *v)
{
    std::vector<int64_t> wanted = integers(v, "order"), order(wanted.size());
    kz_data_shuffle(order.data(), (int64_t)order.size(), seed(v), (uint32_t)integer(v, "epoch"));
    EXPECT_EQ(wanted, order);
}

void check_window(const json_t *v)
{
    std::vector<int64_t> wanted = integers(v, "order"), held_out = integers(v, "held_out"), index;
    std::vector<int64_t> order(wanted.size());
    for (int64_t r = 0; r < integer(v, "array_rows"); r++)
        if (std::find(held_out.begin(), held_out.end(), r) == held_out.end()) index.push_back(r);
    ASSERT_EQ(index.size(), wanted.size());
    kz_windows w = {integer(v, "array_rows"), (int64_t)index.size(), held_out.empty() ? nullptr : index.data(),
                    integer(v, "block"), integer(v, "window")};
    ASSERT_EQ(KZ_OK, kz_data_shuffle_windows(order.data(), &w, seed(v), (uint32_t)integer(v, "epoch")));
    EXPECT_EQ(wanted, order);
}

void check_valid(const json_t *v)
{
    kz_test::Folder folder;
    auto rows = (hsize_t)integer(v, "rows");
    {
        kz_test::Hdf5 file(folder / "v.h5");
        std::vector<double> y(rows, 0);
        y[0] = 1;
        file.put("/train/x", H5T_NATIVE_FLOAT, {rows, 1}, y);
        file.put("/train/y", H5T_NATIVE_INT, {rows}, y);
        file.number("classes", H5T_NATIVE_INT, 2);
    }
    kz_test::Config config(folder / "v.h5");
    config.cfg.seed = seed(v);
    config.cfg.data.valid.fraction = json_real_value(field(v, "fraction"));
    kz_test::Data data = kz_test::open(config);
    ASSERT_TRUE(data);
    EXPECT_EQ(integers(v, "valid"), kz_test::rows_of(data->valid));
}

// ---- rules 10 and 14 ----

void check_scale(const json_t *v)
{
    kz_test::Folder folder;
    std::string kind = text(v, "of");
    int64_t rows = integer(v, "rows"), columns = kind == "standard" ? 3 : 2;
    std::vector<float> drawn = f32s(v, "x"), wanted = f32s(v, "first_rows");
    std::vector<double> x;
    for (int64_t i = 0; i < rows; i++) {
        x.insert(x.end(), {(double)drawn[(size_t)(2 * i)], (double)drawn[(size_t)(2 * i + 1)]});
        if (columns == 3) x.push_back(json_real_value(field(v, "third_column")));
    }
    {
        kz_test::Hdf5 file(folder / "v.h5");
        file.put("/train/x", H5T_NATIVE_FLOAT, {(hsize_t)rows, (hsize_t)columns}, x);
        file.put("/train/y", H5T_NATIVE_FLOAT, {(hsize_t)rows}, std::vector<double>((size_t)rows, 1));
    }
    kz_test::Config config(folder / "v.h5");
    config.cfg.data.scale = kind.c_str();
    kz_test::Data data = kz_test::open(config);
    ASSERT_TRUE(data);
    const kz_scale *s = &data->scale_x;
    if (columns == 3) expect_same({s->mean, s->mean + 3}, f32s(v, "mean"), "mean");
    if (columns == 3) expect_same({s->factor, s->factor + 3}, f32s(v, "factor"), "factor");
    if (columns == 2) expect_same({s->divisor}, f32s(v, "divisor"), "divisor");
    on_every_device([&](kz_device *dev) {
        std::vector<int64_t> row = {0, 1, 2, 3, 4};
        std::vector<float> got(wanted.size());
        kz_gather g = {};
        g.rows = 5, g.width = columns, g.row = row.data(), g.from = data->train.x, g.bytes = 4;
        g.mean = s->mean, g.factor = s->factor, g.divisor = s->divisor, g.x = got.data();
        ASSERT_EQ(KZ_OK, dev->ops->gather(dev, &g));
        expect_same(got, wanted, "scaled");
    });
}

void check_weights(const json_t *v)
{
    std::vector<float> weights = f32s(v, "bits");
    kz_sha256 *hash = nullptr;
    uint8_t digest[32];
    char got[KZ_DIGEST_TEXT];
    ASSERT_EQ(KZ_OK, kz_sha256_create(&hash));
    kz_weights_digest(digest, weights.data(), (int64_t)weights.size(), hash);
    kz_digest_text(got, digest);
    EXPECT_EQ(text(v, "digest"), got);
    kz_sha256_destroy(&hash);
}

} // namespace

TEST(ArithmeticVectors, Rule7HostScalars)
{
    check_rule("7", {{"host_exp", check_host<kz_exp_f64>},
                     {"host_log", check_host<kz_log_f64>},
                     {"host_pow", check_pow},
                     {"sinpi", check_host<kz_sinpi_f64>},
                     {"cospi", check_host<kz_cospi_f64>}});
}

TEST(ArithmeticVectors, Rule8RandomNumbers)
{
    check_rule(
        "8",
        {{"block", check_block}, {"numbers", check_numbers}, {"normal_quantile", check_host<kz_normal_quantile_f64>}});
}

TEST(ArithmeticVectors, Rule9WeightsDropoutOrder)
{
    check_rule("9", {{"init", check_init},
                     {"dropout", check_dropout},
                     {"shuffle", check_shuffle},
                     {"window", check_window},
                     {"valid", check_valid}});
}

TEST(ArithmeticVectors, Rule10Scaling)
{
    check_rule("10", {{"standard", check_scale}, {"unit", check_scale}});
}

TEST(ArithmeticVectors, Rule14Digests)
{
    check_rule("14", {{"weights", check_weights}});
}
