"""The table, third part: files that are odd and sound, which train to the same weights, and files that are none."""

import ctypes
import gzip
import os
import socket

import h5py
import numpy as np
from hostile_bytes import Bytes
from hostile_make import X, Y, create, custom, fill, packed, poke, row, sound

# ---- the same data in other forms ----

FORMS = [  # name, x, y, how x is stored
    ("big-endian", X.astype(">f4"), Y.astype(">i8"), {}),
    ("float16", X.astype("f2"), Y, {}),
    ("float64-big-endian", X.astype(">f8"), Y, {"chunks": (7, 2)}),
    ("int8", X.astype("i1"), Y.astype("i1"), {}),
    ("uint64", X.astype("u8"), Y.astype("u8"), {"chunks": (7, 3), "compression": "gzip"}),
    ("labels-in-a-column", X, Y[:, None], {}),
    ("images", X.reshape(40, 5, 1), Y, {}),
    ("channels", X.reshape(40, 1, 5, 1), Y, {}),
    ("chunk-per-value", X, Y, {"chunks": (1, 1), "compression": "gzip", "shuffle": True, "fletcher32": True}),
    ("chunk-larger-than-array", X, Y, {"chunks": (64, 8), "maxshape": (None, None), "compression": "gzip"}),
    ("scale-offset", X.astype("i4"), Y, {"chunks": (10, 5), "scaleoffset": 0}),
]
for o_name, o_x, o_y, o_how in FORMS:

    @row(f"same-{o_name}", 0, "", same=True)
    def _(path, x=o_x, y=o_y, how=o_how):
        sound(path, x=x, y=y, **how)


@row("same-long-double", 0, "", same=True)
def _(path):
    x = np.zeros(X.shape, np.longdouble)  # its padding is 0 and stays
    x[...] = X
    sound(path, x=x)


@row("same-float-labels", 0, "", same=True, settings=["model.loss=cross_entropy"])
def _(path):
    sound(path, y=Y.astype("f8"))


@row("same-enum-labels", 0, "", same=True)
def _(path):
    sound(path, y=Y.astype(h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}, basetype=np.uint8)))


@row("odd-boolean-labels", 0, "")
def _(path):
    sound(path, y=Y > 0)


@row("odd-one-dimension", 0, "")
def _(path):
    sound(path, x=X[:, 0])


@row("same-24-bits", 0, "", same=True)
def _(path):
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(24)
    kind.set_size(3)
    with create(path) as f:
        custom(fill(f, None), "x", kind, X.shape).write(h5py.h5s.ALL, h5py.h5s.ALL, X.astype(np.int64))


for low_name in ("earliest", "v108", "v110"):

    @row(f"same-format-{low_name}", 0, "", same=True)
    def _(path, low=low_name):
        packed(path, low)


@row("same-superblock-1", 0, "", same=True)
def _(path):
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    assert ctypes.CDLL("libhdf5_serial.so.103").H5Pset_istore_k(ctypes.c_int64(plist.id), 64) == 0
    with h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, fcpl=plist)) as f:
        fill(f)


@row("same-user-block", 0, "", same=True)
def _(path):
    with create(path, userblock_size=1024) as f:
        fill(f)
    b = Bytes(path)
    b.data[:17] = b"#!/bin/sh\nexit 1\n"
    b.save()


@row("same-written-by-swmr", 0, "", same=True)
def _(path):
    with create(path, "v110") as f:
        fill(f, chunks=(10, 5), maxshape=(None, 5))
        f.swmr_mode = True
        f["train/x"].flush()


@row("same-bytes-behind-the-end", 0, "", same=True)
def _(path):
    sound(path)
    path.write_bytes(path.read_bytes() + b"\0PK\3\4" * 1000)


@row("same-early-allocation", 0, "", same=True)
def _(path):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    sound(path, chunks=(10, 5), dcpl=plist)


@row("same-compact", 0, "", same=True)
def _(path):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.COMPACT)
    with create(path) as f:
        custom(fill(f, None), "x", h5py.h5t.IEEE_F32LE, X.shape, plist).write(h5py.h5s.ALL, h5py.h5s.ALL, X)


@row("same-unicode", 0, "", same=True, x="/träin/ξ 💾", y="/träin/y")
def _(path):
    with create(path) as f:
        fill(f, group="träin")
        f.move("träin/x", "träin/ξ 💾")


@row("same-long-path", 0, "", same=True, x="/a" * 400 + "/x")
def _(path):
    with create(path) as f:
        fill(f)
        here = f
        for _ in range(400):
            here = here.create_group("a")
        here["x"] = f["train/x"]


@row("same-many-attributes", 0, "", same=True)
def _(path):
    with create(path, "v110") as f:
        fill(f)
        for i in range(2000):
            f.attrs[f"attribute {i}"] = "value" * 20


@row("same-control-characters", 0, "", same=True)
def _(path):
    with create(path) as f:
        fill(f)
        f.attrs["name"] = "\x1b[2J\x07 name"
        f.attrs["class_names"] = np.array(["\x1b]0;title\x07", "b\n\n\n", "c\u202e"], dtype=h5py.string_dtype())


@row("odd-fill-value", 0, "")
def _(path):
    with create(path) as f:
        fill(f, None).create_dataset("x", (40, 5), np.float32, chunks=(10, 5), fillvalue=9)


@row("fill-value-nan", 65, "x holds nan at row 0, column 0")
def _(path):
    with create(path) as f:
        fill(f, None).create_dataset("x", (40, 5), np.float32, chunks=(10, 5), fillvalue=np.nan)


@row("fill-value-nan-in-part", 65, "x holds nan at row 10, column 0")
def _(path):
    with create(path) as f:
        made = fill(f, None).create_dataset("x", (40, 5), np.float32, chunks=(10, 5), fillvalue=np.nan)
        made[:10] = X[:10]


# ---- marked open, parts of a family, other drivers ----


@row("marked-open", 65, "is marked as being written")
def _(path):
    with create(path, "v110") as f:
        fill(f)
        f.flush()
        marked = path.read_bytes()
    path.write_bytes(marked)


@row("marked-open-swmr", 65, "is marked as being written")
def _(path):
    with create(path, "v110") as f:
        fill(f, chunks=(10, 5), maxshape=(None, 5))
        f.swmr_mode = True
        f.flush()
        marked = path.read_bytes()
    path.write_bytes(marked)


@row("part-of-a-family", 65, "")
def _(path):
    with h5py.File(str(path) + ".%d", "w", driver="family", memb_size=2048) as f:
        fill(f)
    os.replace(str(path) + ".0", path)


@row("part-of-a-split", 65, "")
def _(path):
    with h5py.File(path, "w", driver="split", meta_ext=b".meta", raw_ext=b".raw") as f:
        fill(f)
    os.replace(str(path) + ".meta", path)


# ---- no HDF5 files ----

CONTENTS = [  # name, bytes, message
    ("empty", b"", "is empty"),
    ("text", b"a,b,c\n1,2,3\n", "it looks like CSV text"),
    ("signature-only", b"\x89HDF\r\n\x1a\n", "cannot be read as HDF5"),
    ("signature-then-zeros", b"\x89HDF\r\n\x1a\n" + bytes(4096), ""),
    ("signature-then-ones", b"\x89HDF\r\n\x1a\n" + b"\xff" * 4096, "cannot be read as HDF5"),
    ("signature-far", bytes(1 << 20) + b"\x89HDF\r\n\x1a\n" + b"\2\x08\x08\0" + bytes(64), ""),
    ("png", b"\x89PNG\r\n\x1a\n" + bytes(100), "it looks like unknown binary data"),
    ("zeros", bytes(10000), "it looks like unknown binary data"),
    ("html", b"<!DOCTYPE html><html>404</html>", "it looks like HTML or XML"),
    ("shell", b"#!/bin/sh\nrm -rf /\n", "it looks like text"),
]
for c_name, c_bytes, c_message in CONTENTS:

    @row(f"file-{c_name}", 65, c_message)
    def _(path, content=c_bytes):
        path.write_bytes(content)


@row("file-gzipped", 65, "it looks like gzip; unpack it with gunzip")
def _(path):
    sound(path)
    path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))


@row("file-sparse-terabyte", 65, "it looks like unknown binary data")
def _(path):
    with open(path, "wb") as f:
        f.truncate(1 << 40)


@row("file-folder", 66, "is a folder")
def _(path):
    path.mkdir()


@row("file-pipe", 66, "is not a regular file")
def _(path):
    os.mkfifo(path)


@row("file-socket", 66, "is not a regular file")
def _(path):
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path has room for 107 bytes
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path.name)
    os.chdir(here)


for d_device in ("/dev/zero", "/dev/null"):

    @row(f"file-device-{d_device[5:]}", 66, "is not a regular file", file=d_device)
    def _(path):
        pass


@row("file-none", 66, "no file")
def _(path):
    pass


@row("file-link-loop", 66, "")
def _(path):
    path.symlink_to(path.name)


@row("file-link-to-passwd", 65, "is not an HDF5 file", quiet=True)
def _(path):
    path.symlink_to("/etc/passwd")


@row("file-link-to-memory", 66, "", file="/proc/self/mem", quiet=True)
def _(path):
    pass
