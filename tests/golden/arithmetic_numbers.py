"""The rules of docs/arithmetic.md in Python, from the page alone: nothing is shared with the program.

It needs Python alone (3.8 or later) and gives the same on every machine.  A binary32 number is held in a Python float
(a binary64 number) that it fits.  + - * / and the root of such numbers are computed in binary64 and rounded to binary32,
which is known to equal rounding once; fused multiply-adds are exact rational arithmetic, rounded once; elementary
functions are evaluated with as many decimal digits as it takes to know how the result rounds.  It is slow: for vectors
and for trainings of a few rows.
"""

import math
import struct
from decimal import Decimal, localcontext
from fractions import Fraction

NAN, INF = float("nan"), float("inf")

# ---- bits ----


def f32(x):
    """The binary32 number nearest to a binary64 one."""
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(INF, x)


def bits32(x):
    return 0x7FC00000 if x != x else struct.unpack("<I", struct.pack("<f", x))[0]


def bits64(x):
    return 0x7FF8000000000000 if x != x else struct.unpack("<Q", struct.pack("<d", x))[0]


def from32(u):
    return struct.unpack("<f", struct.pack("<I", u))[0]


def nearest(q, precision, lowest, largest):
    """The Fraction q > 0 rounded to nearest even: `precision` bits, multiples of 2^lowest, infinity beyond `largest`."""
    exponent = q.numerator.bit_length() - q.denominator.bit_length()
    if q < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** max(exponent - precision + 1, lowest)
    whole, rest = divmod(q, unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2 == 1):
        whole += 1
    result = whole * unit
    return INF if result > largest else float(result)


def round32(q):
    return nearest(q, 24, -149, Fraction(2) ** 128 - Fraction(2) ** 104)


def fma(a, b, c):
    """a b + c in binary32, rounded once."""
    if not all(map(math.isfinite, (a, b, c))):
        return f32(a * b + c)
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c if a * b == 0 else 0.0  # only the sign of a zero is at stake
    return math.copysign(round32(abs(exact)), exact)


def add(a, b):
    return f32(a + b)


def sub(a, b):
    return f32(a - b)


def mul(a, b):
    return f32(a * b)


def div(a, b):
    if b == 0:
        return NAN if a == 0 or a != a else math.copysign(INF, a) * math.copysign(1, b)
    return f32(a / b)


# ---- rule 6: elementary functions, correctly rounded ----


def erf_series(x, digits):
    """erf's series for |x| < 11, as a Decimal: 2/sqrt(pi) sum (-1)^n x^(2n+1) / (n! (2n+1))."""
    term, total, n = x, x, 0
    while abs(term) > abs(x) * Decimal(10) ** (-digits - 60):
        n += 1
        term = -term * x * x / n
        total += term / (2 * n + 1)
    return total


def pi(digits):
    """Machin's formula."""
    one = 10 ** (digits + 10)

    def arctan_inverse(m):
        term = total = one // m
        k, sign = 3, -1
        while term:
            term //= m * m
            total += sign * (term // k)
            k, sign = k + 2, -sign
        return total

    return Decimal(4 * (4 * arctan_inverse(5) - arctan_inverse(239))) / one


def elementary_decimal(name, x, digits):
    """f(x) with a relative error below 10^-digits (x finite, f(x) finite and not 0)."""
    with localcontext() as context:
        context.prec = digits + 130
        context.Emin, context.Emax = -10**9, 10**9
        v = Decimal(x)
        if name == "exp":
            return v.exp()
        if name == "expm1":
            return v.exp() - 1
        if name == "log":
            return v.ln()
        if name == "log1p":
            return (1 + v).ln()
        if name == "tanh":
            return 1 - 2 / ((2 * v).exp() + 1)
        if name == "sigmoid":
            return 1 / (1 + (-v).exp())
        if name == "softplus":
            return (1 + v.exp()).ln()
        assert name == "erf"
        return 2 * erf_series(v, digits) / pi(digits + 60).sqrt()


LIMITS = {  # at NaN is NaN; at -infinity, at +infinity
    "exp": (0.0, INF), "expm1": (-1.0, INF), "log": (NAN, INF), "log1p": (NAN, INF), "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0), "erf": (-1.0, 1.0), "softplus": (0.0, INF)}
ODD = ("expm1", "log1p", "tanh", "erf")  # f(0) = 0 with the sign of its argument
FAR = {"exp": 200, "expm1": 200, "tanh": 20, "sigmoid": 200, "erf": 11, "softplus": 200}  # saturated beyond


def elementary(name, x):
    """f(x) rounded once to binary32."""
    if x != x:
        return NAN
    if name in ("log", "log1p") and x <= (0 if name == "log" else -1):
        return -INF if x == (0 if name == "log" else -1) else NAN
    if x == 0 and name in ODD:
        return x
    if math.isinf(x):
        return LIMITS[name][x > 0]
    if abs(x) > FAR.get(name, INF):
        return x if name == "softplus" and x > 0 else LIMITS[name][x > 0]
    if name == "exp" and x == 0 or name == "log" and x == 1:
        return 1.0 if name == "exp" else 0.0
    digits = 60
    while True:
        value = Fraction(elementary_decimal(name, x, digits))
        error = abs(value) * Fraction(1, 10**digits)
        low, high = (round32(abs(value) + e) for e in (-error, error))
        if low == high:
            return math.copysign(low, value)
        digits *= 2


def exp32(x):
    return elementary("exp", x)


def log32(x):
    return elementary("log", x)


# ---- rule 2: the matrix product ----


def chain(a, b):
    total, count = 0.0, len(a)
    for begin in range(0, count, 256):
        block = 0.0
        for x, y in zip(a[begin:begin + 256], b[begin:begin + 256]):
            block = fma(x, y, block)
        total = block if begin == 0 else add(total, block)
    return total


def columns(matrix):
    return [list(c) for c in zip(*matrix)]


def product(a, b):
    """A B, rows of A and rows of B."""
    return [[chain(row, column) for column in columns(b)] for row in a]


# ---- rule 3: the sum of a vector ----


def vector_sum(x, rounded=lambda v: v):
    """rounded: f32 for binary32, nothing for binary64."""
    while True:
        sums = []
        for begin in range(0, max(len(x), 1), 1024):
            lane = [0.0] * 32
            for i, v in enumerate(x[begin:begin + 1024]):
                lane[i % 32] = rounded(lane[i % 32] + v)
            for half in (16, 8, 4, 2, 1):
                lane = [rounded(lane[i] + lane[i + half]) for i in range(half)]
            sums.append(lane[0])
        if len(sums) == 1:
            return sums[0]
        x = sums


def tree(parts, plus):
    """Adjacent pairs; an odd last one passes up unchanged (rule 4)."""
    while len(parts) > 1:
        parts = [plus(parts[i], parts[i + 1]) if i + 1 < len(parts) else parts[i] for i in range(0, len(parts), 2)]
    return parts[0]


def norm_of(tensors):
    total = 0.0
    for t in tensors:
        total += vector_sum([x * x for x in t])
    return math.sqrt(total)


# ---- rule 8: random numbers ----

INIT, DROPOUT, SHUFFLE, VALID = 1, 2, 3, 4


class Stream:
    def __init__(self, seed, purpose, layer=0, when=0):
        self.key, self.when, self.what = (seed & 0xFFFFFFFF, seed >> 32), when, purpose | layer << 8

    def block(self, number):
        """Philox4x32-10."""
        c, k = [number & 0xFFFFFFFF, number >> 32, self.when, self.what], list(self.key)
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(q >> 32) ^ c[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        return c

    def u32(self, e):
        return self.block(e // 4)[e % 4]

    def u64(self, e):
        return self.u32(2 * e) | self.u32(2 * e + 1) << 32

    def f32(self, e):
        return (self.u32(e) >> 8) * 2.0**-24

    def f64(self, e):
        return ((self.u64(e) >> 11) + 0.5) * 2.0**-53


def permutation(n, stream):
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = stream.u64(i) * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return order
