// Vectors of tests/golden/arithmetic_vectors.json, which another implementation of docs/arithmetic.md has made: rules 1 to 6.
#include "vector_file.h"

extern "C" {
#include "kernels/activation/relu.h"
#include "kernels/arith/elementary.h"
}

#include "kz/optim.h"

using namespace vectors;

namespace {

const char *const activation_names[] = {
#define KZ_ACTIVATION(name, formula) #name,
#include "kernels/activation/activation_list.inc"
#undef KZ_ACTIVATION
};

// ---- rule 1 ----

void check_element(const json_t *v)
{
    static const std::map<std::string, std::function<float(float, float, float)>> operations = {
        {"add", [](float a, float b, float) { return a + b; }},
        {"sub", [](float a, float b, float) { return a - b; }},
        {"mul", [](float a, float b, float) { return a * b; }},
        {"div", [](float a, float b, float) { return a / b; }},
        {"fma", [](float a, float b, float c) { return fmaf(a, b, c); }},
        {"sqrt", [](float a, float, float) { return sqrtf(a); }},
        {"relu", [](float a, float, float) { return kz_relu(a); }}};
    std::string of = text(v, "of");
    std::vector<float> a = f32s(v, "a"), got;
    std::vector<float> b = json_object_get(v, "b") ? f32s(v, "b") : a, c = json_object_get(v, "c") ? f32s(v, "c") : a;
    for (size_t i = 0; i < a.size(); i++) got.push_back(operations.at(of)(a[i], b[i], c[i]));
    expect_same(got, f32s(v, "result"), of);
}

// ---- rule 2 ----

// As the gradient of weights and, where k > 0, as the gradient of inputs.
void check_product(const json_t *v)
{
    int64_t m = integer(v, "m"), n = integer(v, "n"), k = integer(v, "k");
    std::vector<float> a = f32s(v, "a"), b = f32s(v, "b"), wanted = f32s(v, "c"), transposed(a.size());
    for (int64_t i = 0; i < m; i++)
        for (int64_t p = 0; p < k; p++) transposed[(size_t)(p * m + i)] = a[(size_t)(i * k + p)];
    on_every_device([&](kz_device *dev) {
        std::vector<float> c(wanted.size()), sum((size_t)m);
        kz_dense d = {};
        d.rows = k, d.inputs = n, d.units = m;
        ASSERT_EQ(KZ_OK, dev->ops->dense_weights(dev, &d, transposed.data(), b.data(), c.data(), sum.data()));
        expect_same(c, wanted, "c");
        if (k == 0) return;
        kz_dense layer = {}, below = {};
        layer.rows = below.rows = m, layer.inputs = below.units = n, layer.units = k;
        layer.weight = b.data();
        below.kept = c.data();
        ASSERT_EQ(KZ_OK, dev->ops->dense_input(dev, &layer, a.data(), &below, c.data()));
        expect_same(c, wanted, "c");
    });
}

void check_column_sum(const json_t *v)
{
    int64_t rows = integer(v, "rows"), columns = integer(v, "columns");
    std::vector<float> x = f32s(v, "x"), weight((size_t)columns), sum((size_t)columns);
    std::vector<float> input((size_t)rows);
    on_every_device([&](kz_device *dev) {
        kz_dense d = {};
        d.rows = rows, d.inputs = 1, d.units = columns;
        ASSERT_EQ(KZ_OK, dev->ops->dense_weights(dev, &d, x.data(), input.data(), weight.data(), sum.data()));
        expect_same(sum, f32s(v, "sum"), "sum");
    });
}

void check_dense(const json_t *v)
{
    kz_dense d = {}, below = {};
    d.rows = below.rows = integer(v, "rows"), d.inputs = below.units = integer(v, "inputs"),
    d.units = integer(v, "units");
    std::vector<float> x = f32s(v, "x"), weight = f32s(v, "weight"), bias = f32s(v, "bias"), dy = f32s(v, "dy");
    while (text(v, "activation") != activation_names[d.activation]) d.activation++;
    d.weight = weight.data(), d.bias = bias.data();
    d.dropout = dropout_of(f64(v, "dropout"), seed(v), integer(v, "layer"), integer(v, "step"),
                           integer(v, "first_row") * d.units);
    on_every_device([&](kz_device *dev) {
        std::vector<float> y(dy.size()), kept(dy.size()), dz = dy, dw(weight.size()), db(bias.size()), dx(x.size());
        d.y = y.data();
        d.kept = d.dropout.threshold ? kept.data() : y.data();
        below.kept = dx.data();
        ASSERT_EQ(KZ_OK, dev->ops->dense_forward(dev, &d, x.data()));
        ASSERT_EQ(KZ_OK, dev->ops->dense_slope(dev, &d, dz.data()));
        ASSERT_EQ(KZ_OK, dev->ops->dense_weights(dev, &d, dz.data(), x.data(), dw.data(), db.data()));
        ASSERT_EQ(KZ_OK, dev->ops->dense_input(dev, &d, dz.data(), &below, dx.data()));
        expect_same(d.dropout.threshold ? kept : y, f32s(v, "kept"), "kept");
        expect_same(y, f32s(v, "y"), "y");
        expect_same(dz, f32s(v, "dz"), "dz");
        expect_same(dw, f32s(v, "dw"), "dw");
        expect_same(db, f32s(v, "db"), "db");
        expect_same(dx, f32s(v, "dx"), "dx");
    });
}

// ---- rules 3 and 4 ----

void check_sum(const json_t *v)
{
    if (text(field(v, "x"), "type") == "f32") {
        std::vector<float> x = f32s(v, "x");
        expect_same({kz_sum_f32((int64_t)x.size(), x.data())}, f32s(v, "sum"), "sum");
        return;
    }
    std::vector<double> x = f64s(v, "x");
    on_every_device([&](kz_device *dev) {
        double sum = 0;
        ASSERT_EQ(KZ_OK, dev->ops->sum(dev, (int64_t)x.size(), x.data(), &sum));
        expect_same({sum}, f64s(v, "sum"), "sum");
    });
}

void check_norm(const json_t *v)
{
    std::vector<int64_t> offset = {0};
    for (int64_t n : integers(v, "sizes")) offset.push_back(offset.back() + n);
    on_every_device([&](kz_device *dev) {
        std::vector<float> g = f32s(v, "g");
        double norm = 0;
        ASSERT_EQ(KZ_OK, dev->ops->finish_gradient(dev, (int64_t)offset.size() - 1, offset.data(), offset.back(),
                                                   f32(v, "inverse"), g.data(), &norm, nullptr));
        expect_same({norm}, f64s(v, "norm"), "norm");
    });
}

void check_tree(const json_t *v)
{
    std::vector<double> x = f64s(v, "x");
    on_every_device([&](kz_device *dev) {
        double norm = 0;
        kz_tally tally = {};
        tally.bad_step = -1;
        kz_cursor at = {};
        kz_step_totals end = {1, (int64_t)x.size(), x.data(), x.data(), &at, &tally};
        const int64_t offset[] = {0};
        ASSERT_EQ(KZ_OK, dev->ops->finish_gradient(dev, 0, offset, 0, 1.0f, nullptr, &norm, &end));
        expect_same({tally.loss}, f64s(v, "sum"), "loss");
        expect_same({tally.score}, f64s(v, "sum"), "score");
    });
}

// ---- rule 5 ----

void check_settle(const json_t *v)
{
    std::vector<float> got;
    for (float s : f32s(v, "s")) got.push_back(kz_settle(s));
    expect_same(got, f32s(v, "result"), "settle");
}

void check_clip(const json_t *v)
{
    kz_optim_coef c = {};
    c.clip_norm = f64(v, "clip_norm");
    c.clip_value = f32(v, "clip_value");
    float scale = kz_clip_scale(&c, f64(v, "norm"));
    expect_same({scale}, f32s(v, "scale"), "scale");
    std::vector<float> got;
    for (float g : f32s(v, "g")) got.push_back(kz_clipped(&c, scale, g));
    expect_same(got, f32s(v, "result"), "clipped");
}

void update_on(kz_device *dev, const kz_config *cfg, const json_t *v)
{
    std::vector<float> p = f32s(v, "p"), all = f32s(v, "g"), after, state;
    int64_t n = (int64_t)p.size(), offset[] = {0, n};
    kz_optim *opt = nullptr;
    kz_tally tally = {};
    tally.bad_step = -1;
    ASSERT_EQ(KZ_OK, kz_optim_create(&opt, dev, &cfg->optimizer, n, integer(v, "steps"))) << kz_error_message();
    for (int64_t step = 0; step < integer(v, "steps"); step++) {
        std::vector<float> g(all.begin() + step * n, all.begin() + (step + 1) * n);
        double norm = 0;
        tally.step = step;
        EXPECT_EQ(KZ_OK, dev->ops->finish_gradient(dev, 1, offset, n, 1.0f, g.data(), &norm, nullptr));
        EXPECT_EQ(KZ_OK, kz_optim_prepare(opt, step));
        EXPECT_EQ(KZ_OK, kz_optim_step(opt, &tally, &norm, g.data(), p.data()));
        after.insert(after.end(), p.begin(), p.end());
    }
    for (int i = 0; i < kz_optim_arrays(opt); i++)
        state.insert(state.end(), kz_optim_array(opt, i), kz_optim_array(opt, i) + n);
    expect_same(after, f32s(v, "after"), "p");
    expect_same(state, f32s(v, "state"), "state");
    kz_optim_destroy(&opt);
}

void check_update(const json_t *v)
{
    kz_config *cfg = config_with(R"({"type": "dense"})", field(v, "optimizer"));
    ASSERT_TRUE(cfg);
    on_every_device([&](kz_device *dev) { update_on(dev, cfg, v); });
    kz_config_destroy(&cfg);
}

void check_rate(const json_t *v)
{
    kz_config *cfg = config_with(R"({"type": "dense"})", field(v, "optimizer"));
    ASSERT_TRUE(cfg);
    std::vector<double> got;
    for (int64_t s = 0; s < integer(v, "steps"); s++)
        got.push_back(kz_optim_rate(&cfg->optimizer, s, integer(v, "steps")));
    expect_same(got, f64s(v, "rate"), "rate");
    kz_config_destroy(&cfg);
}

// ---- rule 6 ----

template <float (*f)(float)> void check_elementary(const json_t *v)
{
    std::vector<float> got;
    for (float x : f32s(v, "x")) got.push_back(f(x));
    expect_same(got, f32s(v, "y"), text(v, "of"));
}

void check_loss(const json_t *v)
{
    static const char *const names[] = {
#define KZ_LOSS(name, targets, about) #name,
#include "kernels/loss/loss_list.inc"
#undef KZ_LOSS
    };
    std::vector<float> z = f32s(v, "z"), y;
    std::vector<double> mean(z.size(), 0), deviation(z.size(), 1);
    kz_loss l = {};
    int32_t label = 0;
    int64_t row = 0;
    while (text(v, "of") != names[l.which]) l.which++;
    if (l.which == KZ_LOSS_squared_error) y = f32s(v, "y");
    else label = (int32_t)integer(v, "y");
    l.rows = 1, l.outputs = (int64_t)z.size(), l.z = z.data(), l.row = &row, l.label = &label;
    l.value = l.raw = y.data(), l.mean = mean.data(), l.deviation = deviation.data();
    on_every_device([&](kz_device *dev) {
        std::vector<float> dz(z.size());
        double loss = 0, score = 0;
        l.dz = dz.data(), l.row_loss = &loss, l.row_score = &score;
        ASSERT_EQ(KZ_OK, dev->ops->loss(dev, &l));
        expect_same({(float)loss}, f32s(v, "loss"), "loss");
        EXPECT_EQ((double)(float)loss, loss) << "it is a binary32 number, widened";
        expect_same(dz, f32s(v, "dz"), "dz");
        EXPECT_TRUE(!y.empty() || (double)integer(v, "score") == score) << score;
    });
}

} // namespace

TEST(ArithmeticVectors, Rule1Elements)
{
    check_rule("1", {{"add", check_element},
                     {"sub", check_element},
                     {"mul", check_element},
                     {"div", check_element},
                     {"fma", check_element},
                     {"sqrt", check_element},
                     {"relu", check_element}});
}

TEST(ArithmeticVectors, Rule2MatrixProduct)
{
    check_rule("2", {{"product", check_product}, {"column_sum", check_column_sum}, {"dense", check_dense}});
}

TEST(ArithmeticVectors, Rule3SumOfAVector)
{
    check_rule("3", {{"sum", check_sum}, {"norm", check_norm}});
}

TEST(ArithmeticVectors, Rule4PartsOfABatch)
{
    check_rule("4", {{"tree", check_tree}});
}

TEST(ArithmeticVectors, Rule5Update)
{
    check_rule("5", {{"settle", check_settle}, {"clip", check_clip}, {"update", check_update}, {"rate", check_rate}});
}

TEST(ArithmeticVectors, Rule6ElementaryFunctions)
{
    check_rule("6", {{"exp", check_elementary<kz_exp_f32>},
                     {"expm1", check_elementary<kz_expm1_f32>},
                     {"log", check_elementary<kz_log_f32>},
                     {"log1p", check_elementary<kz_log1p_f32>},
                     {"tanh", check_elementary<kz_tanh_f32>},
                     {"sigmoid", check_elementary<kz_sigmoid_f32>},
                     {"erf", check_elementary<kz_erf_f32>},
                     {"softplus", check_elementary<kz_softplus_f32>},
                     {"cross_entropy", check_loss},
                     {"binary_cross_entropy", check_loss},
                     {"squared_error", check_loss}});
}
