"""What the scripts of the peers share: the job, its arrays, the weights to start from, the answer.

A job is a JSON file, the first argument: a workload (workloads.py) with variant, threads, and the files x, y (npy), start
(safetensors), hdf5 and model, all of them paths.  The answer is the JSON file of the second argument.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np


def job():
    with open(sys.argv[1], encoding="utf-8") as f:
        return SimpleNamespace(**json.load(f))


def answer(**what):
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        json.dump(what, f)


def start_weights(path):
    """Kaizen's initial weights, a matrix (units, inputs) per layer; biases start at 0."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        body = f.read()
    weights = []
    while f"{len(weights)}.weight" in header:
        entry = header[f"{len(weights)}.weight"]
        begin, end = entry["data_offsets"]
        weights.append(np.frombuffer(body[begin:end], "<f4").reshape(entry["shape"]).copy())
    return weights


def is_binary(job):
    return job.units[-1] == 1


def labels(job, y):
    """Classes as numbers; for two classes and one output, as 0.0 and 1.0."""
    return y.astype(np.float32 if is_binary(job) else np.int64)


def arrays(job):
    """train.x, train.y, test.x, test.y; a workload of training alone has no test rows."""
    if not job.process:
        x, y = np.load(job.x)[: job.rows], np.load(job.y)[: job.rows]
        return SimpleNamespace(x=x, y=labels(job, y), test_x=None, test_y=None)
    import h5py

    with h5py.File(job.hdf5, "r") as f:
        x, y, test_x, test_y = (f[name][()] for name in ("train/x", "train/y", "test/x", "test/y"))
    scale = np.float32(x.max())
    x, test_x = (a.reshape(len(a), -1).astype(np.float32) / scale for a in (x, test_x))
    return SimpleNamespace(x=x, y=labels(job, y), test_x=test_x, test_y=labels(job, test_y))
