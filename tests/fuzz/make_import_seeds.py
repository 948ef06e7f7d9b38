#!/usr/bin/env python3
"""Writes small seeds for the fuzz targets of the importers: DIR/csv, DIR/libsvm, DIR/idx, DIR/npy.

usage: tests/fuzz/make_import_seeds.py DIR
"""

import gzip
import io
import pathlib
import struct
import sys
import zipfile

CSV = [
    b"a,b,y\n1,2,no\n3,4,yes\n5,6,no\n",
    b'a;b;y\r\n1;"x;""1""";no\r\n3;"two\nlines";yes\r\n',
    b"a\tb\ty\n1e5\t-.5\t0\n0x1F\tNA\t1\n?\t2024-01-31\t0\n",
    b"a,b,y\n1,,no\n,4,yes\n5,6,no\n7,8,yes\n",
    b"\xef\xbb\xbfa,y\n123456789012345678901234567890,1\n1e-400,0\n",
    "a,b,y\n1,ä,no\n2,ö,yes\n".encode("utf-16"),
]
LIBSVM = [
    b"+1 1:0.5 3:2 # a comment\n-1 2:1e-3\n",
    b"0 0:1 5:2\n1 1:1\n2 4:-7.25\n",
    b"1 qid:3 1:2\n",
    b"# x\r0 1:1 # y\r1 3:2\r#",
    b"0 1:1\n1e34 1:2\n2 4:-2\n",
]


def idx(code, *extents, values=b""):
    return struct.pack(">BBBB", 0, 0, code, len(extents)) + b"".join(struct.pack(">I", e) for e in extents) + values


def npy(descr, shape, values, order="False", version=1):
    head = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    size = "<H" if version == 1 else "<I"
    head += b" " * (-(8 + struct.calcsize(size) + len(head) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(size, len(head)) + head + values


def npz(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for i, (name, data) in enumerate(members.items()):
            archive.writestr(zipfile.ZipInfo(name + ".npy"), data, zipfile.ZIP_DEFLATED if i % 2 else zipfile.ZIP_STORED)
    return out.getvalue()


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    images = idx(8, 2, 2, 2, values=bytes(range(8)))
    arrays = [
        npy("'<f4'", "(2, 3)", struct.pack("<6f", *range(6))),
        npy("'>i8'", "(2,)", struct.pack(">2q", 1, 2), version=2),
        npy("'<f2'", "(2, 2)", bytes(8), order="True", version=3),
        npy("'|b1'", "(4,)", b"\x01\x00\x01\x00"),
        npy("'|O'", "(1,)", b"\x80\x04."),
        npy("[('a', '<f4')]", "(1,)", bytes(4)),
    ]
    seeds = {
        "csv": [bytes([k]) + s for k, s in enumerate(CSV)],
        "libsvm": LIBSVM,
        "idx": [images, gzip.compress(images, mtime=0), idx(13, 2, values=bytes(8)), idx(9, 0xFFFFFFFF, 0xFFFFFFFF)],
        "npy": arrays + [npz(x_train=arrays[0], y_train=arrays[1])],
    }
    for target, files in seeds.items():
        folder = pathlib.Path(sys.argv[1], target)
        folder.mkdir(parents=True, exist_ok=True)
        for k, data in enumerate(files):
            (folder / f"seed-{k}").write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
