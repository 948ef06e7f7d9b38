// bounded.h — a number that carries a bound on the error that binary32 arithmetic makes on the way to it.
//
// Each operation adds half an ulp of its result to what its operands bring along, to all orders: a running error bound
// (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3).  A fused multiply-add only rounds less, and a
// sum in any order needs at most as many roundings as operands, which `sum` counts.
#pragma once

#include <cmath>

namespace bounded {

constexpr double kUnit = 0x1.01p-24; // a little above half an ulp: covers the terms of second order

struct Number {
    double v = 0, e = 0;
    Number() = default;
    Number(double value) : v(value)
    {
    }
    Number(double value, double error) : v(value), e(error)
    {
    }
};

inline Number rounded(double v, double e)
{
    return Number(v, e + kUnit * (std::fabs(v) + e));
}
inline Number operator+(Number a, Number b)
{
    return rounded(a.v + b.v, a.e + b.e);
}
inline Number operator-(Number a, Number b)
{
    return rounded(a.v - b.v, a.e + b.e);
}
inline Number operator*(Number a, Number b)
{
    return rounded(a.v * b.v, std::fabs(a.v) * b.e + std::fabs(b.v) * a.e + a.e * b.e);
}
inline Number operator/(Number a, Number b)
{
    double q = a.v / b.v, least = std::fabs(b.v) - b.e;
    return least > 0 ? rounded(q, (a.e + std::fabs(q) * b.e) / least) : Number(q, INFINITY);
}
inline Number &operator+=(Number &a, Number b)
{
    return a = a + b;
}

// Functions with a slope of at most 1, or known on the interval; correctly rounded.
inline Number tanh(Number x)
{
    return rounded(std::tanh(x.v), x.e);
}
inline Number exp(Number x)
{
    return rounded(std::exp(x.v), std::exp(x.v) * std::expm1(x.e));
}
inline Number sigmoid(Number x)
{
    return rounded(1 / (1 + std::exp(-x.v)), x.e / 4);
}
inline double sigmoid(double x)
{
    return 1 / (1 + std::exp(-x));
}
// Which side of 0 is only known beyond the error.
inline Number relu(Number x)
{
    return std::fabs(x.v) > x.e ? (x.v > 0 ? x : Number(0)) : Number(x.v > 0 ? x.v : 0, INFINITY);
}
inline double relu(double x)
{
    return x > 0 ? x : 0;
}
inline double value(double x)
{
    return x;
}
inline double value(Number x)
{
    return x.v;
}

} // namespace bounded
