/* The statistics of `kaizen data check` against SciPy's (tests/golden/make_data_check_numbers.py). */
#include "tests/support/data_copy.h"
#include "tests/support/golden_json.h"

extern "C" {
#include "data/check_impl.h"
}

#include <algorithm>
#include <cmath>

using namespace kz_test;

namespace {

double number_at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* Ascending values of one column. */
std::vector<double> column(const Copy &c, const CopySplit &s, size_t j)
{
    std::vector<double> x;
    for (size_t i = 0; i < s.rows; i++) x.push_back(s.x[i * c.features + j]);
    std::sort(x.begin(), x.end());
    return x;
}

} // namespace

TEST(CheckStatistics, TailsAreThoseOfSciPy)
{
    golden::Json numbers = golden::load("data_check_numbers.json");
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(numbers.get(), "chi_square_sf"), i, row)
    {
        double want = number_at(row, 2), got = kz_chi_square_sf(number_at(row, 0), number_at(row, 1));
        ASSERT_TRUE(std::fabs(got - want) <= 1e-10 * want + 1e-14) << number_at(row, 0) << ", " << number_at(row, 1);
    }
    ASSERT_GE(i, 40u);
    json_array_foreach(json_object_get(numbers.get(), "kolmogorov_sf"), i, row)
    {
        double want = number_at(row, 1), got = kz_kolmogorov_sf(number_at(row, 0));
        ASSERT_TRUE(std::fabs(got - want) <= 1e-10 * want + 1e-14) << number_at(row, 0);
    }
    ASSERT_GE(i, 12u);
    EXPECT_EQ(kz_kolmogorov_sf(0), 1.0);
    EXPECT_EQ(kz_chi_square_sf(0, 3), 1.0);
}

TEST(CheckStatistics, HolmAdjustsAsTheDefinitionDoes)
{
    golden::Json numbers = golden::load("data_check_numbers.json");
    const json_t *holm = json_object_get(numbers.get(), "holm"), *raw = json_object_get(holm, "p");
    std::vector<double> p;
    std::vector<uint32_t> order(json_array_size(raw));
    for (size_t i = 0; i < order.size(); i++) p.push_back(number_at(raw, i));
    ASSERT_EQ(p.size(), 7u);
    kz_holm(p.data(), (int64_t)p.size(), order.data());
    for (size_t i = 0; i < p.size(); i++) EXPECT_DOUBLE_EQ(p[i], number_at(json_object_get(holm, "adjusted"), i));
}

/* Stephens' approximation of the p-value is good to some percent; all else is exact but for rounding. */
TEST(CheckStatistics, FeaturesOfRealSetsDriftAsSciPySays)
{
    golden::Json numbers = golden::load("data_check_numbers.json");
    size_t i;
    const json_t *want;
    json_array_foreach(json_object_get(numbers.get(), "columns"), i, want)
    {
        Copy c(json_string_value(json_object_get(want, "set")));
        size_t j = (size_t)json_integer_value(json_object_get(want, "column"));
        std::vector<double> a = column(c, c.train, j), b = column(c, c.test, j);
        double edge[KZ_PSI_BINS], p;
        int64_t in_a[KZ_PSI_BINS], in_b[KZ_PSI_BINS], n = (int64_t)a.size(), m = (int64_t)b.size();
        int edges = kz_psi_edges(a.data(), n, edge);
        kz_psi_counts(a.data(), n, edge, edges, in_a);
        kz_psi_counts(b.data(), m, edge, edges, in_b);
        double psi = kz_psi(in_a, in_b, edges + 1, &p), ks = kz_ks_statistic(a.data(), n, b.data(), m);
        ASSERT_TRUE(std::fabs(psi - golden::number(want, "psi")) <= 1e-13) << i;
        ASSERT_TRUE(std::fabs(p - golden::number(want, "psi_p")) <= 1e-12) << i;
        ASSERT_TRUE(std::fabs(ks - golden::number(want, "ks")) <= 1e-15) << i;
        ASSERT_TRUE(std::fabs(std::log(kz_ks_p(ks, n, m) / golden::number(want, "ks_p"))) <= 0.1) << i;
    }
    ASSERT_EQ(i, 11u);
}

TEST(CheckStatistics, PsiOfNothingAndOfOneBinIsZero)
{
    int64_t none[2] = {0, 0}, one[2] = {5, 0}, both[2] = {3, 4};
    double p = 0;
    EXPECT_EQ(kz_psi(none, both, 2, &p), 0.0);
    EXPECT_EQ(p, 1.0);
    EXPECT_EQ(kz_psi(one, one, 2, &p), 0.0);
    EXPECT_EQ(p, 1.0);
    EXPECT_EQ(kz_psi(both, both, 2, &p), 0.0);
}

TEST(CheckStatistics, SortsAnyFiniteValuesAndKeepsTheOrderOfEqualOnes)
{
    kz_sorter s;
    std::vector<double> x, out(400);
    for (int i = 0; i < 400; i++) x.push_back(i % 7 == 0 ? NAN : i % 11 == 0 ? -INFINITY : (i * 37 % 101 - 50) * 1e-3);
    x[1] = -0.0;
    x[2] = 0.0;
    x[3] = 1e300;
    x[4] = -5e-324;
    ASSERT_EQ(kz_sorter_create(&s, 400), KZ_OK);
    for (int64_t n : {0, 1, 2, 47, 48, 49, 400}) {
        int64_t m = kz_sort_values(&s, x.data(), n, out.data());
        int64_t finite = std::count_if(x.begin(), x.begin() + n, [](double v) { return std::isfinite(v); });
        ASSERT_EQ(m, finite);
        for (int64_t i = 0; i < m; i++) {
            ASSERT_EQ(out[(size_t)i], x[s.index[i]]);
            ASSERT_TRUE(i == 0 || out[(size_t)i - 1] < out[(size_t)i] ||
                        (out[(size_t)i - 1] == out[(size_t)i] && s.index[i - 1] < s.index[i]));
        }
    }
    kz_sorter_free(&s);
}
