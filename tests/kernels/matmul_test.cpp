// Rule 2: every output of a product is one fixed chain, however it is tiled and cut.
#include "oracle.h"

#include <gtest/gtest.h>

extern "C" kz_matmul_fn kz_matmul_f32__lowered __attribute__((weak)); // not in every build

namespace {

using oracle::Guarded;
using oracle::Random;

struct Variant {
    const char *name, *isa;
    kz_matmul_fn *matmul;
    kz_column_sum_fn *column_sum;
};
#define KZ_ROW(how, attribute) {#how, #how, kz_matmul_f32__##how, kz_column_sum_f32__##how},
const std::vector<Variant> variants = [] {
    std::vector<Variant> all = {KZ_VARIANTS(KZ_ROW)};
#if defined(__x86_64__)
    if (kz_matmul_f32__lowered)
        all.push_back({"avx512, lowered", "avx2", kz_matmul_f32__lowered, kz_column_sum_f32__avx2});
#endif
    return all;
}();
#undef KZ_ROW

// A product with its operands; the layout is one of the three that layers use.
struct Product {
    kz_matmul g = {};
    std::vector<float> a, b;
    Guarded scratch{KZ_MATMUL_SCRATCH};

    Product(Random &random, int64_t m, int64_t n, int64_t k, int layout, double low = -1) // 0: NN, 1: NT, 2: TN
    {
        a = random.floats(m * k, low);
        b = random.floats(k * n, low);
        g.m = m, g.n = n, g.k = k;
        g.a = a.data(), g.b = b.data();
        g.a_row = layout == 2 ? 1 : k, g.a_k = layout == 2 ? m : 1;
        g.b_k = layout == 1 ? 1 : n, g.b_column = layout == 1 ? k : 1;
        g.scratch = scratch.begin();
    }
    float at_a(int64_t i, int64_t p) const
    {
        return g.a[i * g.a_row + p * g.a_k];
    }
    float at_b(int64_t p, int64_t j) const
    {
        return g.b[p * g.b_k + j * g.b_column];
    }
    std::vector<float> wanted() const
    {
        std::vector<float> c;
        for (int64_t i = 0; i < g.m; i++)
            for (int64_t j = 0; j < g.n; j++)
                c.push_back(oracle::product(
                    g.k, [&](int64_t p) { return at_a(i, p); }, [&](int64_t p) { return at_b(p, j); }));
        return c;
    }
    std::vector<float> run(const Variant &v)
    {
        Guarded c(g.m * g.n);
        g.c = c.begin();
        v.matmul(&g, 0, g.m, 0, g.n);
        EXPECT_TRUE(c.intact()) << v.name << " wrote beside C";
        EXPECT_TRUE(scratch.intact()) << v.name << " wrote beside the packed operands";
        return c.values();
    }
};

std::string shape(const kz_matmul &g, const char *name)
{
    return std::string(name) + " " + std::to_string(g.m) + "x" + std::to_string(g.n) + "x" + std::to_string(g.k);
}

// k roundings of at most u (the sum so far) each, and one per block.
void expect_near(const Product &p, const std::vector<float> &c, const char *name)
{
    for (int64_t i = 0; i < p.g.m; i++)
        for (int64_t j = 0; j < p.g.n; j++) {
            double sum = 0, size = 0;
            for (int64_t q = 0; q < p.g.k; q++) {
                double x = static_cast<double>(p.at_a(i, q)) * static_cast<double>(p.at_b(q, j));
                sum += x, size += std::fabs(x);
            }
            double err = std::fabs(static_cast<double>(c[static_cast<size_t>(i * p.g.n + j)]) - sum);
            double k = static_cast<double>(p.g.k);
            ASSERT_TRUE(err <= 1.01 * (k + k / 256 + 1) * oracle::kUnit * size) << shape(p.g, name);
        }
}

void expect_product(Product &p)
{
    std::vector<float> wanted = p.wanted();
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.isa)) continue;
        std::vector<float> c = p.run(v);
        ASSERT_EQ(oracle::first_difference(c, wanted), -1) << shape(p.g, v.name);
        expect_near(p, c, v.name);
    }
}

} // namespace

TEST(Matmul, FollowsTheRuleAtSmallShapes)
{
    Random random(5);
    const int64_t sizes[] = {0, 1, 2, 5, 6, 7, 15, 16, 17, 31, 33};
    int layout = 0;
    for (int64_t m : sizes)
        for (int64_t n : sizes)
            for (int64_t k : sizes) {
                Product p(random, m, n, k, layout++ % 3);
                expect_product(p);
                if (HasFatalFailure()) return;
            }
}

TEST(Matmul, FollowsTheRuleAcrossBlocks)
{
    Random random(6);
    for (int64_t k : {255, 256, 257, 511, 512, 513, 1000})
        for (int64_t m : {1, 6, 13})
            for (int64_t n : {1, 16, 19})
                for (int layout = 0; layout < 3; layout++) {
                    Product p(random, m, n, k, layout);
                    expect_product(p);
                    if (HasFatalFailure()) return;
                }
}

// What is packed at a time depends on the caches of the machine, and must change nothing else.
TEST(Matmul, PackingLessAtATimeGivesTheSameBits)
{
    Random random(9);
    for (int layout = 0; layout < 3; layout++) {
        Product p(random, 70, 115, 300, layout);
        std::vector<float> wanted = p.wanted();
        for (int64_t wide : {0, 1, 16, 50, 100, 960, 5000})
            for (int64_t high : {0, 1, 6, 13, 14, 30, 252, 5000})
                for (const Variant &v : variants) {
                    if (!oracle::runs_here(v.isa)) continue;
                    p.g.wide = wide, p.g.high = high;
                    ASSERT_EQ(oracle::first_difference(p.run(v), wanted), -1) << v.name << " " << wide << " " << high;
                }
    }
}

// Results of one to four rows or columns, which are not packed; vectors that overlap at the end, squares that do.
TEST(Matmul, FollowsTheRuleForFewRowsOrColumns)
{
    Random random(8);
    for (int64_t few : {1, 2, 3, 4})
        for (int64_t many : {7, 8, 9, 31, 32, 33, 40, 65})
            for (int64_t k : {1, 7, 8, 9, 28, 255, 257, 520})
                for (int layout = 0; layout < 3; layout++) {
                    Product p(random, few, many, k, layout), q(random, many, few, k, layout);
                    expect_product(p);
                    expect_product(q);
                    if (HasFatalFailure()) return;
                }
}

TEST(Matmul, FollowsTheRuleAtLargeShapes)
{
    Random random(7);
    for (int layout = 0; layout < 3; layout++) {
        Product p(random, 131, 147, 700, layout);
        expect_product(p);
    }
}

// Beyond what is packed at a time, and narrow results, which are made turned.
TEST(Matmul, FollowsTheRuleAcrossPackedParts)
{
    Random random(13);
    const int64_t shapes[][3] = {{140, 970, 260}, {1000, 5, 300}, {3, 1100, 270}, {970, 1, 40}, {1, 200, 600}};
    for (const auto &s : shapes)
        for (int layout = 0; layout < 3; layout++) {
            Product p(random, s[0], s[1], s[2], layout);
            expect_product(p);
            if (HasFatalFailure()) return;
        }
}

// The epilogue sees each output once, and its total.
TEST(Matmul, EachPartIsFinishedOnceItHoldsItsTotals)
{
    struct Job {
        const kz_matmul *g;
        std::vector<float> *seen;
        std::vector<int> times;
    };
    Random random(14);
    const int64_t shapes[][3] = {{140, 970, 260}, {300, 3, 513}, {7, 5, 0}, {1, 1, 1}, {0, 4, 4}};
    for (const auto &s : shapes)
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.isa)) continue;
            Product p(random, s[0], s[1], s[2], 1);
            std::vector<float> seen(static_cast<size_t>(s[0] * s[1]), oracle::kNan), c = seen;
            Job job = {&p.g, &seen, std::vector<int>(seen.size())};
            p.g.c = c.data();
            p.g.job = &job;
            p.g.finish = [](const void *context, int64_t row0, int64_t row1, int64_t column0, int64_t column1) {
                Job *j = const_cast<Job *>(static_cast<const Job *>(context));
                for (int64_t r = row0; r < row1; r++)
                    for (int64_t q = column0; q < column1; q++) {
                        size_t at = static_cast<size_t>(r * j->g->n + q);
                        (*j->seen)[at] = j->g->c[at];
                        j->times[at]++;
                    }
            };
            v.matmul(&p.g, 0, p.g.m, 0, p.g.n);
            EXPECT_EQ(oracle::first_difference(seen, p.wanted()), -1) << shape(p.g, v.name);
            EXPECT_EQ(std::count(job.times.begin(), job.times.end(), 1), s[0] * s[1]) << shape(p.g, v.name);
        }
}

TEST(Matmul, AnyCutGivesTheSameBits)
{
    Random random(8);
    for (int round = 0; round < 60; round++) {
        Product p(random, 1 + random.below(40), 1 + random.below(70), random.below(600), round % 3);
        for (const Variant &v : variants) {
            if (!oracle::runs_here(v.isa)) continue;
            std::vector<float> whole = p.run(v);
            Guarded c(p.g.m * p.g.n);
            p.g.c = c.begin();
            std::vector<int64_t> rows = oracle::cuts(random, p.g.m), columns = oracle::cuts(random, p.g.n);
            for (size_t i = 1; i < rows.size(); i++)
                for (size_t j = 1; j < columns.size(); j++)
                    v.matmul(&p.g, rows[i - 1], rows[i], columns[j - 1], columns[j]);
            ASSERT_EQ(oracle::first_difference(c.values(), whole), -1) << shape(p.g, v.name);
            ASSERT_TRUE(c.intact());
        }
    }
}

TEST(Matmul, APieceTouchesNothingElse)
{
    Random random(9);
    Product p(random, 20, 40, 300, 1);
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.isa)) continue;
        std::vector<float> whole = p.run(v);
        Guarded c(20 * 40, -7.0f);
        p.g.c = c.begin();
        v.matmul(&p.g, 3, 11, 5, 30);
        for (int64_t i = 0; i < 20; i++)
            for (int64_t j = 0; j < 40; j++) {
                size_t at = static_cast<size_t>(i * 40 + j);
                bool inside = i >= 3 && i < 11 && j >= 5 && j < 30;
                ASSERT_TRUE(oracle::same(c.values()[at], inside ? whole[at] : -7.0f)) << i << ", " << j;
            }
    }
}

TEST(Matmul, PassesNanAndInfinityOn)
{
    Random random(10);
    Product p(random, 3, 3, 4, 0);
    p.a[1] = oracle::kNan; // row 0
    p.b[2] = oracle::kInf; // column 2
    p.a[4 * 2 + 0] = 0;    // row 2 at the infinity: 0 x inf
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.isa)) continue;
        std::vector<float> c = p.run(v);
        for (size_t j = 0; j < 3; j++) EXPECT_TRUE(std::isnan(c[j])) << v.name;
        EXPECT_TRUE(std::isinf(c[5])) << v.name;
        EXPECT_TRUE(std::isnan(c[8])) << v.name;
        EXPECT_EQ(oracle::first_difference(c, p.wanted()), -1);
    }
}

// C t against A (B t): catches what is wrong in the same way in a kernel and in a loop like it.
TEST(Matmul, LargeProductsMeetThemselvesThroughAVector)
{
    Random random(11);
    Product p(random, 400, 300, 900, 1);
    std::vector<float> t = random.floats(300);
    for (const Variant &v : variants) {
        if (!oracle::runs_here(v.isa)) continue;
        std::vector<float> c = p.run(v);
        std::vector<double> bt(900), bt_size(900);
        for (int64_t q = 0; q < 900; q++)
            for (int64_t j = 0; j < 300; j++) {
                double x = static_cast<double>(p.at_b(q, j)) * static_cast<double>(t[static_cast<size_t>(j)]);
                bt[static_cast<size_t>(q)] += x, bt_size[static_cast<size_t>(q)] += std::fabs(x);
            }
        for (int64_t i = 0; i < 400; i++) {
            double left = 0, right = 0, size = 0;
            for (size_t j = 0; j < 300; j++)
                left += static_cast<double>(c[static_cast<size_t>(i) * 300 + j]) * static_cast<double>(t[j]);
            for (int64_t q = 0; q < 900; q++) {
                right += static_cast<double>(p.at_a(i, q)) * bt[static_cast<size_t>(q)];
                size += std::fabs(static_cast<double>(p.at_a(i, q))) * bt_size[static_cast<size_t>(q)];
            }
            double err = std::fabs(left - right);
            ASSERT_TRUE(err <= 1.01 * (900 + 5) * oracle::kUnit * size) << v.name << " row " << i;
        }
    }
}

TEST(ColumnSum, IsTheProductWithOnes)
{
    Random random(12);
    for (int64_t rows : {0, 1, 2, 255, 256, 257, 512, 513, 700})
        for (int64_t columns : {1, 2, 15, 16, 17, 255, 256, 257, 300}) {
            std::vector<float> x = random.floats(rows * columns), wanted;
            for (int64_t j = 0; j < columns; j++)
                wanted.push_back(oracle::product(
                    rows, [&](int64_t r) { return x[static_cast<size_t>(r * columns + j)]; },
                    [](int64_t) { return 1.0f; }));
            for (const Variant &v : variants) {
                if (!oracle::runs_here(v.isa)) continue;
                Guarded whole(columns), pieces(columns);
                v.column_sum(rows, columns, x.data(), whole.begin(), 0, columns);
                std::vector<int64_t> cut = oracle::cuts(random, columns);
                for (size_t i = 1; i < cut.size(); i++)
                    v.column_sum(rows, columns, x.data(), pieces.begin(), cut[i - 1], cut[i]);
                ASSERT_EQ(oracle::first_difference(whole.values(), wanted), -1) << v.name << rows << "x" << columns;
                ASSERT_EQ(oracle::first_difference(pieces.values(), wanted), -1) << v.name << rows << "x" << columns;
                ASSERT_TRUE(whole.intact() && pieces.intact());
            }
        }
}
