// The dense layer on CUDA against the CPU's plain kernels, to the bit.
#include "device_array.h"
#include "kernels/matmul/matmul_plan_cuda.h"

#include <set>

namespace {

using Floats = cuda::Array<float>;
using cuda::Queue;
using oracle::Random;

enum { MUCH = 1 << 18, SOME = 20000 }; // floats of scratch

struct Shape {
    int64_t rows, inputs, units;
    std::string text() const
    {
        return std::to_string(rows) + " rows, " + std::to_string(inputs) + " inputs, " + std::to_string(units) +
               " units";
    }
};

// Numbers, and the layers over them as the CPU sees them: `d`, and `below` of as many units as d has inputs.
struct Case {
    Shape s;
    std::vector<float> x, weight, bias, dz, kept; // kept: of the layer below
    kz_dense d = {}, below = {};
    kz_cursor at = {0, 3};

    Case(Random &random, const Shape &shape, int activation, double p, uint64_t first) : s(shape)
    {
        x = numbers(random, s.rows * s.inputs);
        weight = numbers(random, s.units * s.inputs);
        bias = numbers(random, s.units);
        dz = numbers(random, s.rows * s.units);
        kept = random.floats(s.rows * s.inputs, -1, 1);
        d.rows = below.rows = s.rows;
        d.inputs = s.inputs, d.units = s.units;
        below.inputs = 1, below.units = s.inputs;
        d.activation = below.activation = activation;
        if (p > 0) {
            d.dropout.threshold = static_cast<uint32_t>(std::floor(p * 0x1p32));
            d.dropout.factor = static_cast<float>(1 / (1 - p));
            d.dropout.seed = 0x123456789abcdefu, d.dropout.first = first, d.dropout.layer = 2;
        }
        below.dropout = d.dropout;
        below.dropout.layer = 1;
    }

    bool drops() const
    {
        return d.dropout.threshold > 0;
    }

    static std::vector<float> numbers(Random &random, int64_t n)
    {
        std::vector<float> x(static_cast<size_t>(n));
        for (float &v : x) v = static_cast<float>(random.wild() / 16);
        return x;
    }
};

struct Result {
    std::vector<float> y, kept, dx, dw, db, dz;
};

std::vector<float> room(int64_t n)
{
    return std::vector<float>(static_cast<size_t>(n), -7.0f);
}

std::vector<float> cpu_product(int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_k,
                               const float *b, int64_t b_k, int64_t b_column)
{
    std::vector<float> c = room(m * n);
    kz_matmul g = {};
    g.m = m, g.n = n, g.k = k, g.a = a, g.a_row = a_row, g.a_k = a_k, g.b = b, g.b_k = b_k, g.b_column = b_column;
    g.c = c.data();
    kz_matmul_f32__plain(&g, 0, m, 0, n);
    return c;
}

Result on_cpu(Case &c)
{
    const Shape &s = c.s;
    Result r;
    r.y = cpu_product(s.rows, s.units, s.inputs, c.x.data(), s.inputs, 1, c.weight.data(), 1, s.inputs);
    r.kept = room(s.rows * s.units);
    kz_dense d = c.d, below = c.below;
    d.dropout.at = below.dropout.at = &c.at;
    d.bias = c.bias.data(), d.y = r.y.data(), d.kept = c.drops() ? r.kept.data() : r.y.data();
    if (s.units > 0) kz_dense_forward_f32__plain(&d, 0, s.rows, 0, s.units);
    if (!c.drops()) r.kept = r.y;
    r.dx = cpu_product(s.rows, s.inputs, s.units, c.dz.data(), s.units, 1, c.weight.data(), s.inputs, 1);
    below.kept = c.kept.data();
    kz_dense_slope_f32__plain(&below, r.dx.data(), 0, s.rows, 0, s.inputs);
    r.dw = cpu_product(s.units, s.inputs, s.rows, c.dz.data(), 1, s.units, c.x.data(), s.inputs, 1);
    r.db = room(s.units);
    kz_column_sum_f32__plain(s.rows, s.units, c.dz.data(), r.db.data(), 0, s.units);
    r.dz = c.dz;
    kz_dense_slope_f32__plain(&d, r.dz.data(), 0, s.rows, 0, s.units);
    return r;
}

// The arrays begin `offset` elements after a multiple of 16 bytes.
Result on_gpu(const Case &c, const Queue &q, size_t offset)
{
    const Shape &s = c.s;
    cuda::Array<kz_cursor> at({c.at});
    Floats x(c.x, offset), weight(c.weight, offset), bias(c.bias, offset), dz(c.dz, offset), old(c.kept, offset);
    Floats y(room(s.rows * s.units), offset), kept(room(s.rows * s.units), offset), slope(c.dz, offset);
    Floats dx(room(s.rows * s.inputs), offset), dw(room(s.units * s.inputs), offset), db(room(s.units), offset);
    kz_dense d = c.d, below = c.below;
    if (c.drops()) d.dropout.at = below.dropout.at = at.begin();
    d.weight = weight.begin(), d.bias = bias.begin(), d.y = y.begin();
    d.kept = c.drops() ? kept.begin() : y.begin();
    below.kept = below.y = old.begin();
    cuda::check(kz_dense_forward_f32__cuda(&d, x.begin(), q));
    cuda::check(kz_dense_input_f32__cuda(&d, dz.begin(), &below, dx.begin(), q));
    cuda::check(kz_dense_weights_f32__cuda(&d, dz.begin(), x.begin(), dw.begin(), db.begin(), q));
    cuda::check(kz_dense_slope_f32__cuda(&d, slope.begin(), q));
    Result r = {y.values(), kept.values(), dx.values(), dw.values(), db.values(), slope.values()};
    if (!c.drops()) r.kept = r.y;
    for (const auto &[array, was] : {std::pair(&x, &c.x), {&weight, &c.weight}, {&dz, &c.dz}, {&old, &c.kept}})
        EXPECT_EQ(oracle::first_difference(array->values(), *was), -1) << "an input was written";
    EXPECT_TRUE(q.intact());
    return r;
}

void expect_same(const Result &got, const Result &want, const std::string &what)
{
    ASSERT_EQ(oracle::first_difference(got.kept, want.kept), -1) << what << ": kept";
    ASSERT_EQ(oracle::first_difference(got.y, want.y), -1) << what << ": y";
    ASSERT_EQ(oracle::first_difference(got.dx, want.dx), -1) << what << ": dx";
    ASSERT_EQ(oracle::first_difference(got.dw, want.dw), -1) << what << ": dw";
    ASSERT_EQ(oracle::first_difference(got.db, want.db), -1) << what << ": db";
    ASSERT_EQ(oracle::first_difference(got.dz, want.dz), -1) << what << ": dz";
}

// Which tile sizes a shape's three products have on a device, and whether they are cut over k: 2 tile + cut.
std::set<int> plans(const Shape &s, int multiprocessors)
{
    std::set<int> all;
    for (auto [m, n, k] :
         {std::array{s.rows, s.units, s.inputs}, {s.rows, s.inputs, s.units}, {s.units, s.inputs, s.rows}})
        if (m > 0 && n > 0) {
            kz_matmul_plan p = kz_matmul_plan_make(m, n, k, multiprocessors, MUCH, KZ_CUDA_ARRIVALS);
            all.insert(2 * p.tile + (p.slices > 1));
        }
    return all;
}

const Shape few_shapes[] = {{32, 64, 32}, {17, 257, 10}, {130, 300, 65}, {300, 33, 40}, {66, 40, 520}};

} // namespace

TEST(DenseCuda, EveryShapeIsTheCpus)
{
    const int64_t extents[] = {1, 2, 3, 4, 7, 8, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257};
    const int64_t n = sizeof extents / sizeof extents[0];
    Random random(60);
    std::set<int> seen;
    for (int round = 0; round < 90; round++) {
        int64_t limit = round < 60 ? n - 5 : n; // large ones less often
        Shape s = {extents[random.below(limit)], extents[random.below(limit)], extents[random.below(limit)]};
        int multiprocessors = std::array{1, 2, 16, 132}[static_cast<size_t>(random.below(4))];
        double p = random.below(2) ? 0.4 : 0;
        Case c(random, s, static_cast<int>(random.below(KZ_ACTIVATIONS)), p, static_cast<uint64_t>(random.below(9)));
        Queue queue(multiprocessors, MUCH);
        expect_same(on_gpu(c, queue, static_cast<size_t>(random.below(5))), on_cpu(c),
                    s.text() + ", multiprocessors " + std::to_string(multiprocessors));
        for (int plan : plans(s, multiprocessors)) seen.insert(plan);
    }
    const std::pair<Shape, int> more[] = {{{600, 130, 70}, 1}, {{513, 128, 128}, 1}, {{40, 1000, 257}, 132},
                                          {{5, 1, 2000}, 132}, {{1025, 5, 1}, 132},  {{100, 1500, 100}, 3},
                                          {{64, 768, 64}, 1},  {{32, 600, 32}, 1},   {{130, 129, 257}, 1}};
    for (const auto &[s, multiprocessors] : more) {
        Case c(random, s, KZ_ACTIVATION_relu, 0.1, 5);
        Queue queue(multiprocessors, MUCH);
        expect_same(on_gpu(c, queue, 0), on_cpu(c), s.text());
        for (int plan : plans(s, multiprocessors)) seen.insert(plan);
    }
    for (int plan = 0; plan < 2 * KZ_TILE_COUNT; plan++)
        EXPECT_TRUE(seen.count(plan)) << "tile " << plan / 2 << (plan % 2 ? ", cut over k" : "") << " was not tested";
}

TEST(DenseCuda, EveryActivationWithAndWithoutDropout)
{
    Random random(61);
    Queue queue(4, MUCH);
    for (int activation = 0; activation < KZ_ACTIVATIONS; activation++)
        for (double p : {0.0, 0.001, 0.5, 0.9})
            for (uint64_t first : {uint64_t(0), uint64_t(1), uint64_t(6), uint64_t(0x3ffffffff) * 4 - 40})
                for (const Shape &s : {Shape{9, 20, 36}, {7, 5, 13}}) {
                    Case c(random, s, activation, p, first);
                    expect_same(on_gpu(c, queue, first % 3), on_cpu(c), s.text() + ", first " + std::to_string(first));
                }
}

TEST(DenseCuda, EveryCutIsTheCpus)
{
    Random random(62);
    for (const Shape &s : few_shapes) {
        Case c(random, s, KZ_ACTIVATION_tanh, 0.25, 3);
        Result want = on_cpu(c);
        for (int multiprocessors : {0, 8, 132, 10000})
            for (int64_t scratch : {1, int(SOME), int(MUCH)})
                for (bool counters : {true, false}) {
                    if (!counters && (scratch != MUCH || multiprocessors != 132)) continue;
                    Queue queue(multiprocessors, scratch, scratch == SOME ? 3 : 0, counters);
                    expect_same(on_gpu(c, queue, 0), want,
                                s.text() + ", multiprocessors " + std::to_string(multiprocessors) + ", scratch " +
                                    std::to_string(scratch));
                }
    }
}

TEST(DenseCuda, EveryOrderOfExecutionIsTheCpus)
{
    Random random(63);
    for (const Shape &s : few_shapes) {
        Case c(random, s, KZ_ACTIVATION_sigmoid, 0.25, 2);
        Result want = on_cpu(c);
        cuda::for_each_order([&](unsigned order) {
            for (int multiprocessors : {1, 132}) {
                Queue queue(multiprocessors, MUCH);
                expect_same(on_gpu(c, queue, order % 2), want, s.text() + ", order " + std::to_string(order));
            }
        });
    }
}

// Padding k would turn a -0 into +0, and an infinity into NaN.
TEST(DenseCuda, ZerosInfinitiesAndDenormals)
{
    const float odd[] = {0.0f,  -0.0f, 1e-40f, -1e-40f,      1e-30f,        -1e-30f,     1.0f,
                         -1.0f, 1e38f, -1e38f, oracle::kInf, -oracle::kInf, oracle::kNan};
    Random random(64);
    for (const Shape &s : {Shape{5, 1, 6}, {6, 3, 5}, {19, 17, 33}, {33, 300, 40}, {300, 9, 12}, {40, 2, 257}})
        for (int worst : {4, 6, 8, 13})
            for (int multiprocessors : {1, 132}) {
                Case c(random, s, worst % 3 ? KZ_ACTIVATION_identity : KZ_ACTIVATION_relu, worst == 8 ? 0.5 : 0, 0);
                for (std::vector<float> *v : {&c.x, &c.weight, &c.bias, &c.dz, &c.kept})
                    for (float &one : *v)
                        one = random.below(worst == 13 ? 8 : 1) ? 0.5f * one : odd[random.below(worst)];
                Queue queue(multiprocessors, MUCH);
                expect_same(on_gpu(c, queue, 0), on_cpu(c), s.text() + ", worst " + std::to_string(worst));
            }
}

TEST(DenseCuda, EmptyExtents)
{
    Random random(65);
    for (const Shape &s : {Shape{0, 5, 7}, {3, 0, 7}, {3, 5, 0}, {0, 0, 7}, {0, 0, 0}}) {
        Case c(random, s, KZ_ACTIVATION_relu, 0, 0);
        Queue queue(132, MUCH);
        expect_same(on_gpu(c, queue, 0), on_cpu(c), s.text());
    }
    Queue queue(132, 0);
    kz_dense d = {};
    d.rows = 1, d.units = 1, d.inputs = int64_t(1) << 32;
    EXPECT_EQ(kz_dense_forward_f32__cuda(&d, nullptr, queue), cudaErrorInvalidValue);
}

TEST(MatmulPlanCuda, KeepsItsPromises)
{
    const int64_t tile_rows[] = {128, 64, 32, 16};
    Random random(66);
    for (int round = 0; round < 20000; round++) {
        int64_t m = 1 + random.below(1 << random.below(14)), n = 1 + random.below(1 << random.below(14));
        int64_t k = random.below(1 << random.below(18)), processors = 1 + random.below(200);
        int64_t scratch = random.below(1 << 24), arrivals = random.below(2000);
        kz_matmul_plan p = kz_matmul_plan_make(m, n, k, processors, scratch, arrivals);
        ASSERT_TRUE(p.tile >= 0 && p.tile < KZ_TILE_COUNT);
        int64_t side = tile_rows[p.tile];
        ASSERT_TRUE(p.rows * side >= m && (p.rows - 1) * side < m && p.columns * side >= n &&
                    (p.columns - 1) * side < n);
        ASSERT_EQ(p.chains, k ? (k + 255) / 256 : 1);
        ASSERT_TRUE(p.slices >= 1 && p.slices <= p.chains);
        if (p.slices > 1) {
            ASSERT_TRUE(p.rows * p.columns <= arrivals);
            ASSERT_TRUE(kz_matmul_plan_scratch(&p, side, side) <= scratch);
        }
    }
}

TEST(MatmulPlanCuda, LargeProductsHaveLargeTiles)
{
    for (int64_t n : {2048, 4096, 8192}) EXPECT_EQ(kz_matmul_plan_make(n, n, n, 132, 0, 0).tile, KZ_TILE_huge) << n;
    EXPECT_EQ(kz_matmul_plan_make(32, 10, 32, 132, MUCH, KZ_CUDA_ARRIVALS).tile, KZ_TILE_tiny);
    kz_matmul_plan deep = kz_matmul_plan_make(128, 64, 1 << 16, 132, 8 << 20, KZ_CUDA_ARRIVALS);
    EXPECT_TRUE(deep.rows * deep.columns * deep.slices >= 132) << "as many thread blocks as multiprocessors, at least";
}
