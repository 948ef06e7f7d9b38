"""Writes the rows of a workload: HDF5 for Kaizen and npy for the peers, the same values in the same order.

usage: make_data.py JOB ANSWER    with name, data, rows, units, and the files hdf5, check_hdf5, start_hdf5, x, y in the job

`fashion` is Fashion-MNIST where fashion_mnist.h5 lies in the folder `datasets` of the job, else synthetic rows of its shape;
the answer's `source` says which.  check_hdf5 gets the first check_rows rows, start_hdf5 the first row of two classes: enough
for Kaizen to make its initial weights.
"""

import pathlib

import h5py
import numpy as np
import peer_io

ROOT = pathlib.Path(__file__).resolve().parents[2]


def from_file(path, rows):
    with h5py.File(path, "r") as f:
        x, y = f["train/x"][:rows], f["train/y"][:rows]
    return x.reshape(len(x), -1).astype(np.float32) / np.float32(x.max()), y.astype(np.int32)


def synthetic(rows, features, classes):
    """Normal features; the class comes from a random network of them with noise, so there is something to learn."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, features), dtype=np.float32)
    first = rng.standard_normal((features, 64), dtype=np.float32) / np.float32(features**0.5)
    second = rng.standard_normal((64, classes), dtype=np.float32)
    z = np.tanh(x @ first) @ second + rng.standard_normal((rows, classes), dtype=np.float32)
    return x, z.argmax(axis=1).astype(np.int32)


def make(job):
    name = {"fashion": "fashion_mnist.h5", "digits": "digits.h5"}.get(job.data)
    path = name and next((p for p in (pathlib.Path(job.datasets) / name, ROOT / "datasets" / name) if p.exists()), None)
    if path:
        return *from_file(path, job.rows), f"{name}, the first {job.rows} rows, divided by the largest value"
    features, classes = job.units[0], max(2, job.units[-1])
    return *synthetic(job.rows, features, classes), f"synthetic, {features} normal features, {classes} classes"


def write(path, x, y, classes):
    with h5py.File(path, "w") as f:
        f["train/x"], f["train/y"] = x, y
        f.attrs["classes"] = classes


def main():
    job = peer_io.job()
    x, y, source = make(job)
    if len(x) != job.rows:
        raise SystemExit(f"make_data: {job.name} needs {job.rows} rows, there are {len(x)}")
    classes = max(2, job.units[-1])
    write(job.hdf5, x, y, classes)
    write(job.check_hdf5, x[: job.check_rows], y[: job.check_rows], classes)
    two = [int(np.argmax(y == c)) for c in (0, 1)]
    write(job.start_hdf5, x[two], y[two], classes)
    np.save(job.x, x)
    np.save(job.y, y)
    peer_io.answer(source=source)


main()
