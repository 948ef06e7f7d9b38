"""What is trained on a GPU, and its data: from the bytes of a folder to files of NumPy and HDF5.  Needs no packages.

The folder has x and y as bytes, NAME-x.u8 and NAME-y.u8, and sources.json, which says where they come from
(scripts/gpu-check makes it).  Features are divided by the largest value that they can have and repeated, so that an epoch
has steps enough to be timed.
"""

import array
import json
import subprocess
import sys

from workloads import ADAM, sgd

PRECISIONS = ("fp32", "tf32", "bf16")
MODES = {"fp32": "reproducible", "tf32": "fast", "bf16": "fast"}  # Kaizen's device.arithmetic for each
VARIANTS = {"eager": "operation by operation, fused optimiser", "graphs": "the whole step as a CUDA graph, fused optimiser",
            "compile": "torch.compile over model and loss, fused optimiser",
            "compile_graphs": "the same, and the whole step as a CUDA graph"}


def workload(name, what, data, largest, units, batch, batches, repeat, optimizer):
    return {"name": name, "what": what, "data": data, "largest": largest, "units": units, "batch": batch,
            "rows": batch * batches, "repeat": repeat, "optimizer": optimizer, "activation": "relu", "process": False}


WORKLOADS = [
    workload("mlp-4096", "784-4096-4096-10 relu, Adam", "pixels", 255, [784, 4096, 4096, 10], 1024, 8, 4, ADAM),
    workload("mlp-32", "64-32-10 relu, SGD", "digits", 16, [64, 32, 10], 32, 44, 32, sgd(0.1)),
    workload("mlp-32-128", "64-32-10 relu, SGD", "digits", 16, [64, 32, 10], 128, 11, 32, sgd(0.1)),
]


def rehearsed(w):
    """A small one of the same kind: shows that all works."""
    units = [w["units"][0], *(min(u, 16) for u in w["units"][1:-1]), w["units"][-1]]
    return dict(w, units=units, batch=32, rows=64, repeat=1)


def write_npy(path, code, kind, shape, values):
    """An array of little-endian numbers as a .npy file."""
    if sys.byteorder != "little":
        values = array.array(code, values)
        values.byteswap()
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
    head = text.ljust(64 * ((len(text) + 10) // 64 + 1) - 11) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + values.tobytes())


def read_bytes(folder, name, rows, width):
    values = {}
    for part, size in (("x", rows * width), ("y", rows)):
        with open(folder / f"{name}-{part}.u8", "rb") as f:
            values[part] = f.read(size)
        if len(values[part]) != size:
            raise OSError(f"{name}-{part}.u8 has {len(values[part])} bytes, and {size} are needed")
    return values["x"], values["y"]


def make_data(w, folder, work, kaizen):
    """Files of a workload in the folder `work`: its job, for the scripts of the peers."""
    width, rows = w["units"][0], w["rows"]
    x, y = read_bytes(folder, w["data"], rows, width)
    scaled = array.array("f", (value / w["largest"] for value in range(256)))  # divided in binary64, rounded once
    values = array.array("f", map(scaled.__getitem__, x))
    labels = array.array("i", list(y))
    job = dict(w, rows=rows * w["repeat"])
    first = [y.index(label) for label in range(w["units"][-1])]  # one of each class: enough for the initial weights
    pairs = array.array("f", [v for row in first for v in values[row * width:(row + 1) * width]])
    parts = {"": (values * w["repeat"], labels * w["repeat"]), "-start": (pairs, array.array("i", range(len(first))))}
    for part, (a, b) in parts.items():
        names = [work / f"{w['name']}{part}-{kind}.npy" for kind in "xy"]
        write_npy(names[0], "f", "<f4", (len(b), width), a)
        write_npy(names[1], "i", "<i4", (len(b),), b)
        hdf5 = names[0].with_name(f"{w['name']}{part}.h5")
        subprocess.run([kaizen, "data", "import", "--train-x", names[0], "--train-y", names[1], "--dtype", "float32",
                        "--out", hdf5, "--force", "--quiet"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        job[{"": "hdf5", "-start": "start_hdf5"}[part]] = str(hdf5)
        if not part:
            job.update(x=str(names[0]), y=str(names[1]))
    job.update(start=str(work / f"{w['name']}-start.safetensors"), model=str(work / "model.out"))
    source = json.loads((folder / "sources.json").read_text(encoding="utf-8"))[w["data"]]
    return dict(job, source=f"{source}, divided by {w['largest']}; {rows} of them, {w['repeat']} times")
