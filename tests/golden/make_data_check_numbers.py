#!/usr/bin/env python3
"""Writes data_check_numbers.json: what SciPy says about two samples, for the tests of `kaizen data check`.

usage: make_data_check_numbers.py SOURCE_DIR > data_check_numbers.json        (needs h5py, numpy, scipy)

The samples are features of the data sets in SOURCE_DIR/datasets, train against test, named by file and column; the tests
read the same columns.  The population stability index has no function in SciPy: it is the sum of (q - p) ln(q / p) over
bins, written here with NumPy; its p-value is that of chi2_contingency over the same bins.
"""

import json
import sys

import h5py
import numpy as np
import scipy
from scipy import stats

COLUMNS = [("iris", 0), ("iris", 3), ("wine", 3), ("wine", 7), ("wine", 9), ("breast_cancer", 12), ("breast_cancer", 28),
           ("digits", 2), ("digits", 43), ("diabetes", 1), ("diabetes", 8)]


def bins(train, test):
    ascending = np.sort(train)
    edges = np.unique([ascending[-(-k * len(ascending) // 10) - 1] for k in range(1, 10)])
    counts = [np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) for x in (train, test)]
    used = (counts[0] + counts[1]) > 0
    return [c[used] for c in counts]


def of_columns(source, name, column):
    with h5py.File(f"{source}/datasets/{name}.h5") as f:
        train, test = (f[s]["x"][:].reshape(len(f[s]["x"]), -1)[:, column].astype(float) for s in ("train", "test"))
    a, b = bins(train, test)
    p, q = ((c + 0.5) / (c.sum() + 0.5 * len(c)) for c in (a, b))
    exact = stats.ks_2samp(train, test, method="exact")
    return {"set": name, "column": column, "psi": float(((q - p) * np.log(q / p)).sum()),
            "psi_p": float(stats.chi2_contingency([a, b], correction=False)[1]), "ks": float(exact.statistic),
            "ks_p": float(exact.pvalue)}


def main():
    source = sys.argv[1]
    chi_square = [[x, k, float(stats.chi2.sf(x, k))] for k in (1, 2, 5, 9, 40, 99, 1000)
                  for x in (0.01 * k, 0.5 * k, k, 1.5 * k, 3 * k, 40 + 2 * k)]
    kolmogorov = [[x, float(stats.kstwobign.sf(x))] for x in (0.2, 0.3, 0.5, 0.8, 1.0, 1.17, 1.19, 1.5, 2, 3, 5, 8)]
    raw = [0.01, 0.02, 0.03, 0.005, 0.5, 0.02, 0.9]
    order = np.argsort(raw, kind="stable")  # Holm 1979, step down
    holm = np.empty(len(raw))
    holm[order] = np.minimum(1, np.maximum.accumulate(np.array(raw)[order] * (len(raw) - np.arange(len(raw)))))
    print(json.dumps({"scipy": scipy.__version__, "numpy": np.__version__, "chi_square_sf": chi_square,
                      "kolmogorov_sf": kolmogorov, "holm": {"p": raw, "adjusted": holm.tolist()},
                      "columns": [of_columns(source, *c) for c in COLUMNS]}, indent=1))


if __name__ == "__main__":
    main()
