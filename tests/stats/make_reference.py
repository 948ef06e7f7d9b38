#!/usr/bin/env python3
"""Writes tests/stats/reference.json: samples, and what SciPy, NumPy and statsmodels say about them.

    python3 -m venv build/reference && build/reference/bin/pip install scipy statsmodels
    build/reference/bin/python tests/stats/make_reference.py

Where those have no such function (intervals of Hodges and Lehmann, levels that are spent), the formula is written out
here by another way than the program takes: all averages in a list, counts as Python's unlimited integers.
"""

import json
import math
from pathlib import Path

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests

random = np.random.default_rng(20261124)
ALL = stats.PermutationMethod(n_resamples=np.inf)
SIDES = [("greater", "greater"), ("less", "less"), ("two_sided", "two-sided")]


def sample(n, digits=6, scale=0.02, shift=0.01, heavy=False):
    x = random.standard_t(2, n) if heavy else random.standard_normal(n)
    return [round(float(v), digits) for v in scale * x + shift]


def p_values(test):
    """test(alternative) for each side; the p-value is the last of what it returns."""
    results = {ours: test(theirs) for ours, theirs in SIDES}
    return {"statistic": float(results["greater"].statistic), **{k: float(r.pvalue) for k, r in results.items()}}


def signed_rank(d, margin, method):
    shifted = np.array(d) - margin
    options = {"method": method}
    if method == "asymptotic":
        options["correction"] = True
    case = {"d": d, "margin": margin, "exact": method != "asymptotic"}
    case |= p_values(lambda side: stats.wilcoxon(shifted, alternative=side, **options))
    shifted = shifted[shifted != 0]
    ranks = stats.rankdata(abs(shifted))
    case["statistic"] = float(ranks[shifted > 0].sum())  # SciPy's two-sided one is the smaller of two
    return case


def sign_flip(d, margin):
    shifted = np.array(d) - margin
    case = {"d": d, "margin": margin}
    return case | p_values(lambda side: stats.permutation_test(
        (shifted,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative=side))


def rank_sum(x, y, method):
    options = {"method": method} | ({"use_continuity": True} if method == "asymptotic" else {})
    case = {"x": x, "y": y, "exact": method != "asymptotic"}
    return case | p_values(lambda side: stats.mannwhitneyu(y, x, alternative=side, **options))


def critical(counts, confidence):
    """Most k with 1 - 2 P(S <= k - 1) >= confidence, and what is then attained."""
    total, below, k = sum(counts), 0, 0
    while 1 - 2 * (below + counts[k]) / total >= confidence:
        below += counts[k]
        k += 1
    return k, 1 - 2 * below / total


def signed_rank_counts(n):
    counts = [1]
    for rank in range(1, n + 1):
        counts = [(counts[s] if s < len(counts) else 0) + (counts[s - rank] if s >= rank else 0)
                  for s in range(len(counts) + rank)]
    return counts


def rank_sum_counts(n, m):
    """Of U: coefficients of the Gaussian binomial coefficient, by the recursion of Mann and Whitney."""
    table = {}
    for i in range(n + 1):
        for j in range(m + 1):
            if i == 0 or j == 0:
                table[i, j] = [1]
            else:
                a, b = table[i - 1, j], table[i, j - 1]
                table[i, j] = [(a[s - j] if 0 <= s - j < len(a) else 0) + (b[s] if s < len(b) else 0)
                               for s in range(i * j + 1)]
    return table[n, m]


def interval(values, counts, confidence):
    values = np.sort(values)
    k, attained = critical(counts, confidence)
    return {"confidence": confidence, "estimate": float(np.median(values)), "low": float(values[k - 1]),
            "high": float(values[len(values) - k]), "attained": attained}


def paired_interval(d, confidence):
    averages = [(d[i] + d[j]) / 2 for i in range(len(d)) for j in range(i + 1)]
    return {"d": d} | interval(averages, signed_rank_counts(len(d)), confidence)


def shift_interval(x, y, confidence):
    return {"x": x, "y": y} | interval([b - a for a in x for b in y], rank_sum_counts(len(x), len(y)), confidence)


def summary(x):
    orders = [0, 0.05, 0.25, 0.5, 0.9, 1]
    return {"x": x, "orders": orders, "quantiles": [float(q) for q in np.quantile(x, orders)],
            "spread": float(stats.median_abs_deviation(x, scale="normal"))}


def share(k, n, confidence):
    """By the quantiles of the beta distribution: binomtest's interval has them from a root finder, to 2e-12 absolute."""
    tail = (1 - confidence) / 2
    low = float(stats.beta.ppf(tail, k, n - k + 1)) if k else 0.0
    high = float(stats.beta.isf(tail, k + 1, n - k)) if k < n else 1.0
    ci = stats.binomtest(k, n).proportion_ci(confidence, method="exact")
    assert abs(ci.low - low) < 1e-11 and abs(ci.high - high) < 1e-11
    return {"k": k, "n": n, "confidence": confidence, "low": low, "high": high}


def binomial(k, n, p):
    return {"k": k, "n": n, "p": p, "at_least": float(stats.binom.sf(k - 1, n, p)),
            "at_most": float(stats.binom.cdf(k, n, p))}


def several(p):
    return {"p": p, "holm": [float(q) for q in multipletests(p, method="holm")[1]],
            "false_discovery": [float(q) for q in multipletests(p, method="fdr_bh")[1]]}


def spend(alpha, sizes):
    t = np.array(sizes) / sizes[-1]
    spent = {"equally": alpha * np.arange(1, len(sizes) + 1) / len(sizes),
             "pocock": alpha * np.log(1 + (math.e - 1) * t),
             "obrien_fleming": 2 * stats.norm.sf(stats.norm.isf(alpha / 2) / np.sqrt(t))}
    return {"alpha": alpha, "sizes": sizes} | {k: [float(v) for v in np.diff(s, prepend=0)] for k, s in spent.items()}


def needed(spread, effect, margin, alpha, power):
    z = stats.norm.isf(alpha) + stats.norm.ppf(power)
    n = math.ceil((z * spread / (effect - margin)) ** 2 * math.pi / 3)
    return {"spread": spread, "effect": effect, "margin": margin, "alpha": alpha, "power": power,
            "pairs": max(n, math.ceil(-math.log2(alpha)))}


def uniform(p):
    return {"p": p, "excess": float(stats.kstest(p, "uniform", alternative="greater").statistic)}


def main():
    tied = lambda n: sample(n, digits=2, scale=0.05)
    reference = {
        "made_by": {"scipy": scipy.__version__, "numpy": np.__version__, "statsmodels": statsmodels.__version__},
        "signed_rank": [signed_rank(sample(n), margin, "exact") for n, margin in
                        [(1, 0), (5, 0), (8, 0.01), (20, 0), (20, 0.02), (40, 0.01), (41, 0.0), (80, 0.01), (150, 0.01)]]
        + [signed_rank(sample(30, heavy=True), 0.01, "exact")]
        + [signed_rank(tied(n), margin, ALL) for n, margin in [(6, 0), (10, 0), (12, 0.01), (14, 0.02)]]
        + [signed_rank(sample(n), 0.01, "asymptotic") for n in (201, 260)]
        + [signed_rank(tied(250), 0, "asymptotic")],
        "sign_flip": [sign_flip(sample(n, heavy=heavy), 0.01) for n, heavy in [(4, False), (9, True), (13, False)]]
        + [sign_flip(tied(10), 0)],
        "rank_sum": [rank_sum(sample(n), sample(m, shift=0.02), "exact") for n, m in
                     [(1, 1), (3, 4), (9, 9), (10, 5), (20, 20), (12, 30), (40, 40), (50, 50)]]
        + [rank_sum(tied(n), tied(m), ALL) for n, m in [(4, 5), (7, 6), (6, 9)]]
        + [rank_sum(sample(60), sample(55), "asymptotic"), rank_sum(tied(30), tied(75), "asymptotic")],
        "paired_interval": [paired_interval(sample(n), c) for n, c in
                            [(6, 0.95), (9, 0.95), (20, 0.99), (40, 0.98), (80, 0.99)]] + [paired_interval(tied(25), 0.95)],
        "shift_interval": [shift_interval(sample(n), sample(m), c) for n, m, c in
                           [(3, 3, 0.9), (8, 10, 0.95), (20, 20, 0.99), (30, 12, 0.98)]]
        + [shift_interval(tied(15), tied(14), 0.95)],
        "summary": [summary(sample(n)) for n in (1, 2, 3, 10, 33)] + [summary(tied(20))],
        "share": [share(k, n, c) for k, n, c in
                  [(0, 96, 0.9), (2, 500, 0.9), (2, 500, 0.95), (1, 156, 0.95), (5, 10, 0.95), (10, 10, 0.99), (1, 1, 0.5),
                   (77, 100, 0.99), (480, 500, 0.95), (19, 20000, 0.95), (123456, 1000000, 0.999)]],
        "binomial": [binomial(k, n, p) for k, n, p in
                     [(0, 5, 0.3), (5, 5, 0.3), (3, 10, 0.5), (7, 10, 0.2), (12, 500, 0.01), (20, 500, 0.01), (1, 500, 0.01),
                      (60, 100, 0.5), (95, 100, 0.99), (40, 100000, 0.0002), (2, 1000000, 1e-7), (17, 40, 1 / 3),
                      (15, 31, 0.48), (510, 1000, 0.5)]],
        "several": [several([0.01, 0.04, 0.03, 0.005]), several([0.5]), several([0.2, 0.2, 0.0, 1.0, 0.7])]
        + [several([round(float(v), 5) for v in random.random(20) ** 3])],
        "spend": [spend(0.01, [20, 40, 80]), spend(0.05, [1, 2, 3, 4]), spend(0.05, [30]), spend(0.2, [5, 50])],
        "needed": [needed(0.01, math.log(1.03), math.log(1.01), 0.01, 0.95),
                   needed(0.08, math.log(1.03), math.log(1.01), 0.01, 0.95), needed(1.0, 0.1, 0.0, 0.05, 0.8)],
        "uniform": [uniform([round(float(v), 6) for v in random.random(n) ** power]) for n, power in
                    [(1, 1), (10, 1), (50, 1), (50, 2)]],
        "normal": [{"z": z, "upper": float(stats.norm.sf(z))} for z in
                   [-9.5, -3, -1.5, -0.1, 0, 1e-9, 0.3, 1, 1.4999, 1.5, 1.5001, 2, 3.7, 6, 10, 20, 37.5]],
    }
    lines = [f'"{key}": ' + (json.dumps(value) if isinstance(value, dict) else
                             "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]")
             for key, value in reference.items()]
    Path(__file__).with_name("reference.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
