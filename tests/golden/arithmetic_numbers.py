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

INIT, DROPOUT, SHUFFLE, VALID, WINDOW = 1, 2, 3, 4, 5


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


def permutation(n, stream, first=0):
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        j = stream.u64(first + i) * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return order


def window_order(array_rows, held_out, block, window, seed, epoch):
    """The rows of train, numbered without those held out, as shuffle: window visits them."""
    kept = [r for r in range(array_rows) if r not in held_out]
    blocks = permutation(-(-array_rows // block), Stream(seed, SHUFFLE, 0, epoch))
    order, stream = [], Stream(seed, WINDOW, 0, epoch)
    for w in range(0, len(blocks), window // block):
        chosen = set(blocks[w:w + window // block])
        rows = [i for i, r in enumerate(kept) if r // block in chosen]
        order += [rows[k] for k in permutation(len(rows), stream, len(order))]
    return order


# ---- rule 7: host scalars, binary64 by fixed sequences of + - * / and sqrt ----


def coefficients(text):
    return [float.fromhex(c) if "x" in c else float(c) for c in text.split()]


def horner(coefficient, x):
    value = coefficient[0]
    for c in coefficient[1:]:
        value = value * x + c
    return value


LN2_HI, LN2_LO = float.fromhex("0x1.62e42fefa3000p-1"), float.fromhex("0x1.3de6af278ece6p-42")
INVERSE_LN2 = float.fromhex("0x1.71547652b82fep+0")
THIRD_HI, THIRD_LO = float.fromhex("0x1.5555555555555p-2"), float.fromhex("0x1.5555555555555p-56")
TO_INTEGER = 1.5 * 2.0**52
EXP = coefficients("""0x1.1f9dcf1ba7077p-29 0x1.af6cd8ad20cc5p-26 0x1.27e4bf45c5149p-22 0x1.71ddef8d3ae3dp-19
    0x1.a01a01b44b2aep-16 0x1.a01a01b3bdacbp-13 0x1.6c16c16c135afp-10 0x1.111111110ebacp-7 0x1.555555555555ep-5
    0x1.555555555555cp-3 0x1.0000000000000p-1""")
LOG = coefficients("""0x1.0e523f7a30a1dp-4 0x1.0f7e48b8398cep-4 0x1.3b1efd5c7f478p-4 0x1.745ce9869a22fp-4
    0x1.c71c722e6ac50p-4 0x1.2492492457238p-3 0x1.9999999999b36p-3""")
PI_HI, PI_LO = float.fromhex("0x1.921fb54442d18p+1"), float.fromhex("0x1.1a62633145c07p-53")
SINPI = coefficients("""-0x1.6c63caed33906p-16 0x1.e8eef007d79b2p-12 -0x1.e3074b7df2200p-8 0x1.50783485eeb30p-4
    -0x1.32d2cce62ade5p-1 0x1.466bc6775aadbp+1 -0x1.4abbce625be53p+2""")
HALF_PI_SQUARE = float.fromhex("0x1.3bd3cc9be45dep+2")
COSPI = coefficients("""-0x1.b2a256ee60697p-14 0x1.f9cd21746190ep-10 -0x1.a6d1edbcb8514p-6 0x1.e1f506852a297p-3
    -0x1.55d3c7e3ca708p+0 0x1.03c1f081b5abcp+2""")


def pair_product(a, b):
    """a b = hi + lo (Dekker 1971)."""
    split = 2.0**27 + 1.0
    a_head, b_head = split * a - (split * a - a), split * b - (split * b - b)
    a_tail, b_tail = a - a_head, b - b_head
    hi = a * b
    return hi, ((a_head * b_head - hi) + a_head * b_tail + a_tail * b_head) + a_tail * b_tail


def pair_sum(a, b):
    hi = a + b
    return hi, b - (hi - a)


def exp_of_pair(hi, lo):
    wide = max(-1100.0, min(1100.0, hi))
    k = (wide * INVERSE_LN2 + TO_INTEGER) - TO_INTEGER
    z, r_lo = pair_sum(wide - k * LN2_HI, lo - k * LN2_LO)
    one, rest = pair_sum(1.0, z)
    y = one + (rest + (z * z * horner(EXP, z) + r_lo * one))
    half = int(k / 2)
    return y * 2.0**half * 2.0 ** (int(k) - half)


def log_pair(x):
    shift = 0.0
    if x < 2.0**-1022:
        x, shift = x * 2.0**54, 54.0
    m, k = math.frexp(x)
    if m < float.fromhex("0x1.6a09e667f3bcdp-1"):  # m in [sqrt(1/2), sqrt(2))
        m, k = m * 2.0, k - 1
    k = k - shift
    f, plus = m - 1.0, m + 1.0
    plus_lo = m - (plus - 1.0)
    s = f / plus
    back, back_lo = pair_product(s, plus)
    s_lo = ((f - back) - back_lo - s * plus_lo) / plus
    z, z_lo = pair_product(s, s)
    z_lo = z_lo + 2.0 * s * s_lo
    t, t_lo = pair_product(z, THIRD_HI)
    t_lo = t_lo + (z * THIRD_LO + z_lo * THIRD_HI)
    cubic, cubic_lo = pair_product(s, t)
    cubic_lo = cubic_lo + (s * t_lo + s_lo * t)
    rest = s_lo + cubic_lo + s * z * z * horner(LOG, z)
    head, head_lo = pair_sum(k * LN2_HI, 2.0 * s)
    body, body_lo = pair_sum(head, 2.0 * cubic)
    return pair_sum(body, head_lo + body_lo + (2.0 * rest + k * LN2_LO))


def host_exp(x):
    return exp_of_pair(x, 0.0)


def host_log(x):
    return log_pair(x)[0]


def host_pow(x, y):
    """x > 0, |y ln x| < 1100."""
    if y == 0 or x == 1:
        return 1.0
    hi, lo = log_pair(x)
    p, p_lo = pair_product(y, hi)
    return exp_of_pair(p, p_lo + y * lo)


def sinpi_reduced(r):
    z = r * r
    return r * PI_HI + (r * PI_LO + r * z * horner(SINPI, z))


def cospi_reduced(r):
    z = r * r
    return 1.0 - (HALF_PI_SQUARE * z - z * z * horner(COSPI, z))


def circular(a, quarters):
    """sin(pi (a + quarters / 2)), 0 <= a < 2^52: a = 2 n + j / 2 + r, |r| <= 1/4, ties of n and j to even."""
    turn = a - 2.0 * round(a / 2)
    j = round(2.0 * turn)
    r = turn - 0.5 * j
    quadrant = (j + quarters) & 3
    y = cospi_reduced(r) if quadrant & 1 else sinpi_reduced(r)
    return (-y if quadrant & 2 else y) + 0.0  # a zero is +0


def sinpi(x):
    return x if x == 0 else math.copysign(1.0, x) * circular(abs(x), 0)


def cospi(x):
    return circular(abs(x), 1)


MIDDLE = (coefficients("""2.5090809287301226727e+3 3.3430575583588128105e+4 6.7265770927008700853e+4
    4.5921953931549871457e+4 1.3731693765509461125e+4 1.9715909503065514427e+3 1.3314166789178437745e+2
    3.3871328727963666080e+0"""), coefficients("""5.2264952788528545610e+3 2.8729085735721942674e+4
    3.9307895800092710610e+4 2.1213794301586595867e+4 5.3941960214247511077e+3 6.8718700749205790830e+2
    4.2313330701600911252e+1 1.0"""))
NEAR = (coefficients("""7.74545014278341407640e-4 2.27238449892691845833e-2 2.41780725177450611770e-1
    1.27045825245236838258e+0 3.64784832476320460504e+0 5.76949722146069140550e+0 4.63033784615654529590e+0
    1.42343711074968357734e+0"""), coefficients("""1.05075007164441684324e-9 5.47593808499534494600e-4
    1.51986665636164571966e-2 1.48103976427480074590e-1 6.89767334985100004550e-1 1.67638483018380384940e+0
    2.05319162663775882187e+0 1.0"""))
FAR_OUT = (coefficients("""2.01033439929228813265e-7 2.71155556874348757815e-5 1.24266094738807843860e-3
    2.65321895265761230930e-2 2.96560571828504891230e-1 1.78482653991729133580e+0 5.46378491116411436990e+0
    6.65790464350110377720e+0"""), coefficients("""2.04426310338993978564e-15 1.42151175831644588870e-7
    1.84631831751005468180e-5 7.86869131145613259100e-4 1.48753612908506148525e-2 1.36929880922735805310e-1
    5.99832206555887937690e-1 1.0"""))


def normal_quantile(u):
    """Algorithm AS 241 (Wichura 1988)."""
    q = u - 0.5
    if -0.425 <= q <= 0.425:
        r = 0.180625 - q * q
        return q * (horner(MIDDLE[0], r) / horner(MIDDLE[1], r))
    tail = (u if q < 0 else 1.0 - u) or 2.0**-54
    r = math.sqrt(-host_log(tail))
    table, r = (NEAR, r - 1.6) if r <= 5.0 else (FAR_OUT, r - 5.0)
    y = horner(table[0], r) / horner(table[1], r)
    return -y if q < 0 else y
