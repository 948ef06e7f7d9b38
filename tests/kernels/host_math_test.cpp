// The binary64 functions against MPFR, and AS241 against known quantiles.
#include "kernels/arith/host_math.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

#ifdef KZ_HAVE_MPFR
#include <mpfr.h>
#endif

namespace {

const double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kLeast = std::numeric_limits<double>::denorm_min();
const double kLargest = std::numeric_limits<double>::max();

bool same(double a, double b)
{
    return kz_bits_f64(a) == kz_bits_f64(b) || (std::isnan(a) && std::isnan(b));
}

} // namespace

#define EXPECT_SAME(a, b) EXPECT_TRUE(same(a, b)) << #a << " is " << (a) << ", must be " << (b)

TEST(HostExp, KnowsTheEndsOfItsRange)
{
    EXPECT_SAME(kz_exp_f64(0.0), 1.0);
    EXPECT_SAME(kz_exp_f64(-0.0), 1.0);
    EXPECT_SAME(kz_exp_f64(kInf), kInf);
    EXPECT_SAME(kz_exp_f64(-kInf), 0.0);
    EXPECT_SAME(kz_exp_f64(kNan), kNan);
    EXPECT_SAME(kz_exp_f64(709.8), kInf);
    EXPECT_SAME(kz_exp_f64(-745.2), 0.0);
    EXPECT_SAME(kz_exp_f64(-745.0), kLeast);
    EXPECT_SAME(kz_exp_f64(kLargest), kInf);
    EXPECT_TRUE(std::isfinite(kz_exp_f64(709.78)));
}

TEST(HostLog, KnowsTheEndsOfItsDomain)
{
    EXPECT_SAME(kz_log_f64(1.0), 0.0);
    EXPECT_SAME(kz_log_f64(0.0), -kInf);
    EXPECT_SAME(kz_log_f64(-0.0), -kInf);
    EXPECT_SAME(kz_log_f64(-1.0), kNan);
    EXPECT_SAME(kz_log_f64(kInf), kInf);
    EXPECT_SAME(kz_log_f64(kNan), kNan);
    EXPECT_SAME(kz_log_f64(2.0), 0x1.62e42fefa39efp-1);
}

TEST(HostPow, KnowsTheEndsOfItsDomain)
{
    EXPECT_SAME(kz_pow_f64(0.0, 0.0), 1.0);
    EXPECT_SAME(kz_pow_f64(kNan, 0.0), 1.0);
    EXPECT_SAME(kz_pow_f64(1.0, kNan), 1.0);
    EXPECT_SAME(kz_pow_f64(kNan, 1.0), kNan);
    EXPECT_SAME(kz_pow_f64(2.0, kNan), kNan);
    EXPECT_SAME(kz_pow_f64(-2.0, 2.0), kNan);
    EXPECT_SAME(kz_pow_f64(0.0, 0.5), 0.0);
    EXPECT_SAME(kz_pow_f64(0.0, -0.5), kInf);
    EXPECT_SAME(kz_pow_f64(kInf, 2.0), kInf);
    EXPECT_SAME(kz_pow_f64(kInf, -2.0), 0.0);
    EXPECT_SAME(kz_pow_f64(0.5, kInf), 0.0);
    EXPECT_SAME(kz_pow_f64(0.5, -kInf), kInf);
    EXPECT_SAME(kz_pow_f64(2.0, kLargest), kInf);
    EXPECT_SAME(kz_pow_f64(2.0, kLeast), 1.0);
    EXPECT_SAME(kz_pow_f64(kLargest, 1.0), kLargest);
    EXPECT_SAME(kz_pow_f64(2.0, -1074.0), kLeast);
}

TEST(HostPow, IsExactWhereTheResultIsANumber)
{
    for (int base = 2; base <= 50; base++) {
        double power = 1.0;
        for (int n = 0; power < 0x1p53; n++, power *= base) {
            ASSERT_EQ(kz_pow_f64(base, n), power) << base << "^" << n;
            ASSERT_EQ(kz_pow_f64(power, 1.0), power);
        }
    }
    for (int k = -1022; k <= 1023; k++) ASSERT_EQ(kz_pow_f64(2.0, k), std::ldexp(1.0, k)) << k;
    ASSERT_EQ(kz_pow_f64(0.9, 1.0), 0.9);
    ASSERT_EQ(kz_pow_f64(2.25, 0.5), 1.5);
}

TEST(HostSinpi, IsExactAtQuarterTurns)
{
    for (int k = -1000; k <= 1000; k++) {
        const double sine[] = {0.0, 1.0, 0.0, -1.0};
        double x = 0.5 * k;
        ASSERT_EQ(kz_sinpi_f64(x), sine[k & 3]) << x;
        ASSERT_EQ(kz_cospi_f64(x), sine[(k + 1) & 3]) << x;
    }
    EXPECT_SAME(kz_sinpi_f64(-0.0), -0.0);
    EXPECT_SAME(kz_cospi_f64(0.5), 0.0);
    EXPECT_SAME(kz_cospi_f64(0x1p52 + 1.0), -1.0);
    EXPECT_SAME(kz_cospi_f64(0x1p53 - 1.0), -1.0);
    EXPECT_SAME(kz_cospi_f64(kLargest), 1.0);
    EXPECT_SAME(kz_sinpi_f64(kLargest), 0.0);
    EXPECT_SAME(kz_sinpi_f64(0x1p51 + 0.5), 1.0);
    for (double x : {kInf, -kInf, kNan}) {
        EXPECT_SAME(kz_sinpi_f64(x), kNan);
        EXPECT_SAME(kz_cospi_f64(x), kNan);
    }
}

// From Python's statistics.NormalDist().inv_cdf, which is AS241 with libm's logarithm.
TEST(NormalQuantile, MatchesKnownValues)
{
    const struct {
        double u, y;
    } known[] = {
        {0.5, 0.0},
        {0.4, -0.2533471031357998},
        {0.075, -1.4395314709384557},
        {0.0749999, -1.4395321773759004},
        {0.925, 1.439531470938456},
        {0.975, 1.9599639845400536},
        {0.99, 2.3263478740408408},
        {0.999, 3.090232306167813},
        {0.001, -3.090232306167813},
        {1e-05, -4.2648907939228256},
        {1e-10, -6.361340902404056},
        {1.4e-11, -6.656723091518184},
        {1.3e-11, -6.66761145651074},
        {1e-20, -9.262340089798405},
        {5.551115123125783e-17, -8.292361075813595},
        {1e-100, -21.27345356096532},
        {1e-300, -37.0470962993612},
        {0.9999999999999999, 8.209536151601386},
        {0.25, -0.6744897501960817},
        {0.3333, -0.43081897699671273},
    };
    for (auto k : known) {
        double error = std::fabs(kz_normal_quantile_f64(k.u) - k.y);
        ASSERT_TRUE(error <= 4 * 0x1p-53 * std::fabs(k.y)) << k.u << ": " << kz_normal_quantile_f64(k.u);
    }
}

TEST(NormalQuantile, IsOddAroundOneHalfAndRises)
{
    double last = -kInf;
    for (int i = 1; i < 1 << 16; i++) {
        double u = i * 0x1p-16;
        double y = kz_normal_quantile_f64(u);
        ASSERT_TRUE(y > last) << u;
        ASSERT_EQ(kz_normal_quantile_f64(1.0 - u), -y) << u;
        last = y;
    }
}

TEST(NormalQuantile, IsFiniteOnTheClosedIntervalOnly)
{
    EXPECT_SAME(kz_normal_quantile_f64(0.0), kz_normal_quantile_f64(0x1p-54));
    EXPECT_SAME(kz_normal_quantile_f64(1.0), -kz_normal_quantile_f64(0x1p-54));
    EXPECT_SAME(kz_normal_quantile_f64(-0.1), kNan);
    EXPECT_SAME(kz_normal_quantile_f64(1.1), kNan);
    EXPECT_SAME(kz_normal_quantile_f64(kNan), kNan);
    EXPECT_TRUE(std::isfinite(kz_normal_quantile_f64(kLeast)));
}

#ifdef KZ_HAVE_MPFR

namespace {

// What MPFR computes from x and y, at 160 bits.
class Oracle {
  public:
    Oracle()
    {
        mpfr_inits2(160, a_, b_, (mpfr_ptr) nullptr);
    }
    ~Oracle()
    {
        mpfr_clears(a_, b_, (mpfr_ptr) nullptr);
    }
    Oracle(const Oracle &) = delete;
    Oracle &operator=(const Oracle &) = delete;

    // |y - f(x)| in units in the last place of f(x), a subnormal number's unit being 2^-1074.
    double ulps(double y, int f(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t), double x)
    {
        mpfr_set_d(a_, x, MPFR_RNDN);
        f(a_, a_, MPFR_RNDN);
        return distance(y);
    }
    double pow_ulps(double got, double x, double y)
    {
        mpfr_set_d(a_, x, MPFR_RNDN);
        mpfr_set_d(b_, y, MPFR_RNDN);
        mpfr_pow(a_, a_, b_, MPFR_RNDN);
        return distance(got);
    }

  private:
    mpfr_t a_, b_;

    double distance(double y)
    {
        int exponent = static_cast<int>(mpfr_zero_p(a_) ? -1073 : mpfr_get_exp(a_));
        mpfr_sub_d(b_, a_, y, MPFR_RNDN);
        mpfr_mul_2si(b_, b_, -std::max(exponent - 53, -1074), MPFR_RNDN);
        return std::fabs(mpfr_get_d(b_, MPFR_RNDN));
    }
};

// sin and cos of pi x, |x| <= 2^20: 160 bits hold pi x to 2^-139.
int mpfr_sine_pi(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rnd)
{
    mpfr_t pi;
    mpfr_init2(pi, 256);
    mpfr_const_pi(pi, rnd);
    mpfr_mul(pi, pi, x, rnd);
    int inexact = mpfr_sin(y, pi, rnd);
    mpfr_clear(pi);
    return inexact;
}

int mpfr_cosine_pi(mpfr_ptr y, mpfr_srcptr x, mpfr_rnd_t rnd)
{
    mpfr_t pi;
    mpfr_init2(pi, 256);
    mpfr_const_pi(pi, rnd);
    mpfr_mul(pi, pi, x, rnd);
    int inexact = mpfr_cos(y, pi, rnd);
    mpfr_clear(pi);
    return inexact;
}

const int samples = 20000;

} // namespace

TEST(HostExp, IsWithinItsBound)
{
    Oracle oracle;
    std::mt19937_64 bits(1);
    for (int i = 0; i < samples; i++) {
        double x = std::ldexp(static_cast<double>(bits() >> 11), -53) * 1454.0 - 744.4;
        double bound = x < -708.0 ? 1.0 : 0.75;
        ASSERT_TRUE(oracle.ulps(kz_exp_f64(x), mpfr_exp, x) <= bound) << x;
        double small = std::ldexp(x, -static_cast<int>(bits() % 64));
        ASSERT_TRUE(small < -700.0 || oracle.ulps(kz_exp_f64(small), mpfr_exp, small) <= 0.75) << small;
    }
}

TEST(HostLog, IsWithinItsBound)
{
    Oracle oracle;
    std::mt19937_64 bits(2);
    for (int i = 0; i < samples; i++) {
        double x = kz_double_of_bits(bits() % 0x7ff0000000000000u);
        ASSERT_TRUE(oracle.ulps(kz_log_f64(x), mpfr_log, x) <= 0.51) << x;
        double near_one =
            1.0 + std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -64 - static_cast<int>(bits() % 48));
        ASSERT_TRUE(oracle.ulps(kz_log_f64(near_one), mpfr_log, near_one) <= 0.51) << near_one;
    }
}

TEST(HostPow, IsWithinItsBound)
{
    Oracle oracle;
    std::mt19937_64 bits(3);
    for (int i = 0; i < samples; i++) {
        double x = kz_double_of_bits(bits() % 0x7ff0000000000000u);
        double y = std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -62) * 350.0 / std::log(x);
        ASSERT_TRUE(oracle.pow_ulps(kz_pow_f64(x, y), x, y) <= 0.75) << x << "^" << y;
        double beta = 1.0 - std::ldexp(1.0, -static_cast<int>(bits() % 14)) * 0.7;
        double steps = static_cast<double>(bits() % 500);
        ASSERT_TRUE(oracle.pow_ulps(kz_pow_f64(beta, steps), beta, steps) <= 0.75) << beta << "^" << steps;
    }
}

TEST(HostSinpi, IsWithinItsBound)
{
    Oracle oracle;
    std::mt19937_64 bits(4);
    for (int i = 0; i < samples; i++) {
        double x = std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -44 - static_cast<int>(bits() % 64));
        ASSERT_TRUE(oracle.ulps(kz_sinpi_f64(x), mpfr_sine_pi, x) <= 1.5) << x;
        ASSERT_TRUE(oracle.ulps(kz_cospi_f64(x), mpfr_cosine_pi, x) <= 1.5) << x;
    }
}

#endif
