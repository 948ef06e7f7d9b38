#!/usr/bin/env python3
"""Makes zoo.h5 (the same data in every type and layout) and odd.h5 (data that must be refused).

    python3 tests/golden/make_hdf5_zoo.py             needs numpy and h5py (requirements.txt)

Both are byte-reproducible with the same h5py and HDF5, and are readable by HDF5 1.10.

ZOO.  Every group holds `x` and `y`, and every one must be read as the same numbers:

    x[i][j] = (7 i + 13 j) mod 101          i = 0 .. 39, j = 0 .. 4
    y[i]    = i mod 3                       class numbers

  <type>_<layout>        type    i8 u8, {i16 u16 i32 u32 i64 u64}_{le be}, {f16 f32 f64}_{le be}, f80_le (x86 long
                                 double), and three that HDF5 can describe and no C type is: i24_le, u12_be (12 bits in
                                 2 bytes), bf16_le (bfloat16)
                         layout  contiguous, gzip (chunks, shuffle + deflate), fletcher32 (chunks, checksums)
                         integer types: y has the same type and layout; float types: y is int32, contiguous
                         in the format of HDF5 1.10, which is compact; all below but new_* are in the oldest format
  old_<type>_<layout>    alike, for u8, i64_be and f32_le, and the layout chunked
  new_single new_implicit new_extensible new_btree2
                         chunk indexes of the 1.10 format: one chunk; all allocated early; one unlimited dimension; two
  compact                x in the object header
  chunk_partial          chunks of 7 x 2, which do not divide 40 x 5
  chunk_unwritten        chunks that were never written and a fill value: x is 40 x 5 of 9, y as ever
  scaleoffset            HDF5's own integer packing filter, lossless
  szip                   only where the HDF5 that made the file had an encoder
  resizable              unlimited rows, gzip
  x_images               x is 40 x 5 x 1            x_channels   x is 40 x 1 x 5 x 1
  x_1d                   x is the 40 numbers x[i][0]
  y_column               y is 40 x 1
  y_float                y is f64 with whole numbers
  y_bool                 y is h5py's bool, an enumeration of int8 FALSE TRUE: y[i] = i mod 2
  y_enum                 y is an enumeration of uint8 red green blue: y[i] = i mod 3
  target_f32             y is f32, 40:      x[i][0] / 4 - 3
  target_f64_be          alike in big-endian f64
  target_column          alike, 40 x 1
  target_two             y is f32, 40 x 2:  x[i][0] / 4 - 3,  x[i][1] / 8
  No root attributes.

ODD.  Root attribute classes = 3.  `/good` is sound, 8 rows of the data above; every other group has one fault:

  train_neg              a label is -1                       train_range        a label is 7, classes is 3
  train_half             float label 0.5                     train_label_nan    float label NaN
  train_label_huge       int64 label 2^40                    train_label_two    class numbers 8 x 2
  train_nan              x has a NaN                         train_inf          x has an infinity
  train_f64_range        x has 1e300, too large for binary32 train_target_nan   float target NaN
  train_length           x has 8 rows, y has 7               train_no_y         y is missing
  train_no_x             x is missing                        train_x_group      x is a group
  train_empty            x has no rows, y neither            train_no_columns   x is 8 x 0
  train_null             x has a null data space             train_rank0        x is a scalar
  train_rank5            x has rank 5                        train_string       x holds strings
  train_vlen             x holds arrays of varying length    train_compound     x is a compound
  train_opaque           x is opaque                         train_complex      x is h5py's complex (a compound)
  train_reference        x holds object references           train_external     x is an external link to zoo.h5
  train_soft_dangling    x is a soft link to nothing         train_soft         x is a soft link to /good/x: harmless,
                                                             a reader may take it
  train_storage          x has external storage              train_virtual      x is a virtual data set onto /good/x
  train_lzf              x is compressed with LZF, a plug-in filter
  train_bomb             x declares 2^50 rows in chunks, none of them stored
  train_corrupt          x has a fletcher32 checksum that is wrong
"""

import pathlib
import sys

try:
    import h5py
    import numpy as np
except ImportError as err:
    sys.exit(f"make_hdf5_zoo: {err}; run: pip install numpy h5py")

HERE = pathlib.Path(__file__).resolve().parent
X = (7 * np.arange(40)[:, None] + 13 * np.arange(5)) % 101
Y = np.arange(40) % 3
TARGET = X[:, 0] / 4 - 3

LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": True},
    "gzip": {"chunks": True, "compression": "gzip", "compression_opts": 6, "shuffle": True},
    "fletcher32": {"chunks": True, "fletcher32": True},
}


def types():
    """{name: (HDF5 type, is it an integer)}"""
    found = {"i8": (h5py.h5t.STD_I8LE, True), "u8": (h5py.h5t.STD_U8LE, True)}
    for kind in "iu":
        for bits in (16, 32, 64):
            for order in ("le", "be"):
                found[f"{kind}{bits}_{order}"] = (getattr(h5py.h5t, f"STD_{kind.upper()}{bits}{order.upper()}"), True)
    for bits in (16, 32, 64):
        for order in ("le", "be"):
            found[f"f{bits}_{order}"] = (getattr(h5py.h5t, f"IEEE_F{bits}{order.upper()}"), False)
    f80 = h5py.h5t.IEEE_F64LE.copy()  # x86 long double: 80 bits in 16 bytes, no hidden bit
    f80.set_size(16)
    f80.set_precision(80)
    f80.set_fields(79, 64, 15, 0, 64)
    f80.set_ebias(16383)
    f80.set_norm(h5py.h5t.NORM_NONE)
    found["f80_le"] = (f80, False)
    i24 = h5py.h5t.STD_I32LE.copy()
    i24.set_precision(24)
    i24.set_size(3)
    found["i24_le"] = (i24, True)
    u12 = h5py.h5t.STD_U16BE.copy()
    u12.set_precision(12)
    found["u12_be"] = (u12, True)
    bf16 = h5py.h5t.IEEE_F32LE.copy()
    bf16.set_fields(15, 7, 8, 0, 7)
    bf16.set_precision(16)
    bf16.set_size(2)
    found["bf16_le"] = (bf16, False)
    return found


def long_double(v):
    """The 16 bytes of a whole number v >= 0 as an x86 long double."""
    if v == 0:
        return bytes(16)
    e = v.bit_length() - 1
    return (v << (63 - e)).to_bytes(8, "little") + (16383 + e).to_bytes(2, "little") + bytes(6)


def put(group, name, kind, values, chunks=False, compression=None, compression_opts=0, shuffle=False, fletcher32=False):
    """A data set of exactly the HDF5 type `kind`, converted by HDF5 from int64 or binary64."""
    shape, memory = values.shape, None
    if kind.get_size() == 16:  # HDF5 would leave chance bytes in the padding
        values, memory = np.frombuffer(b"".join(long_double(int(v)) for v in values.flat), dtype=np.uint8), kind
    values = np.ascontiguousarray(values)
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    if chunks:
        dcpl.set_chunk((10,) + shape[1:])
    if shuffle:
        dcpl.set_shuffle()
    if compression:
        dcpl.set_deflate(compression_opts)
    if fletcher32:
        dcpl.set_fletcher32()
    dset = h5py.h5d.create(group.id, name.encode(), kind, h5py.h5s.create_simple(shape), dcpl=dcpl)
    dset.write(h5py.h5s.ALL, h5py.h5s.ALL, values, memory)


def plain(group, name, data, **how):
    group.create_dataset(name, data=data, track_times=False, **how)


def create(path, low):
    fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    fcpl.set_obj_track_times(False)
    fapl = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    fapl.set_libver_bounds(low, h5py.h5f.LIBVER_V110)
    fapl.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    return h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, fcpl=fcpl, fapl=fapl))


def make_zoo(path):
    x_float, y_int = X.astype(np.float64), Y.astype(np.int32)
    known = types()

    def grid(f, prefix, names):
        for name in names:
            kind, integer = known[name]
            for layout, how in LAYOUTS.items():
                if layout == "chunked" and not prefix:
                    continue
                made = f.create_group(f"{prefix}{name}_{layout}")
                put(made, "x", kind, X if integer else x_float, **how)
                if integer:
                    put(made, "y", kind, Y, **how)
                else:
                    plain(made, "y", y_int)

    with create(path, h5py.h5f.LIBVER_EARLIEST) as f:
        grid(f, "old_", ("u8", "i64_be", "f32_le"))

        def group(name, x=None, y=None, **x_how):
            made = f.create_group(name)
            plain(made, "x", X.astype(np.float32) if x is None else x, **x_how)
            plain(made, "y", y_int if y is None else y)

        made = f.create_group("compact")
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_layout(h5py.h5d.COMPACT)
        dcpl.set_obj_track_times(False)
        dset = h5py.h5d.create(made.id, b"x", h5py.h5t.STD_U8LE, h5py.h5s.create_simple(X.shape), dcpl=dcpl)
        dset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(X))
        plain(made, "y", y_int)

        group("chunk_partial", chunks=(7, 2))
        made = f.create_group("chunk_unwritten")
        made.create_dataset("x", X.shape, np.float32, chunks=(10, 5), fillvalue=9, track_times=False)
        plain(made, "y", y_int)
        group("resizable", chunks=(10, 5), maxshape=(None, 5), compression="gzip")
        group("scaleoffset", x=X.astype(np.int32), chunks=(10, 5), scaleoffset=0)
        if h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP):
            group("szip", chunks=(10, 5), compression="szip", compression_opts=("nn", 4))
        group("x_images", x=X.astype(np.uint8).reshape(40, 5, 1))
        group("x_channels", x=X.astype(np.uint8).reshape(40, 1, 5, 1))
        group("x_1d", x=X[:, 0].astype(np.float32))
        group("y_column", y=y_int[:, None])
        group("y_float", y=Y.astype(np.float64))
        group("y_bool", y=(np.arange(40) % 2).astype(bool))
        colours = h5py.enum_dtype({"red": 0, "green": 1, "blue": 2}, basetype=np.uint8)
        group("y_enum", y=Y.astype(colours))
        group("target_f32", y=TARGET.astype(np.float32))
        group("target_f64_be", y=TARGET.astype(">f8"))
        group("target_column", y=TARGET.astype(np.float32)[:, None])
        group("target_two", y=np.stack([TARGET, X[:, 1] / 8], axis=1).astype(np.float32))

    # The newer format can only be asked for per open file.
    with h5py.File(path, "r+", libver=("v110", "v110")) as f:
        grid(f, "", known)
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        group("new_single", chunks=X.shape, compression="gzip")
        group("new_implicit", chunks=(10, 5), dcpl=early)
        group("new_extensible", chunks=(10, 5), maxshape=(None, 5))
        group("new_btree2", chunks=(10, 5), maxshape=(None, None))


def make_odd(path):
    x, y = X[:8].astype(np.float32), Y[:8].astype(np.int32)
    with create(path, h5py.h5f.LIBVER_V110) as f:
        f.attrs["classes"] = np.int32(3)

        def group(name, x=x, y=y, **x_how):
            made = f.create_group(name)
            if x is not None:
                plain(made, "x", x, **x_how)
            if y is not None:
                plain(made, "y", y)
            return made

        def changed(values, kind, value):
            out = values.astype(kind)
            out.flat[3] = value
            return out

        group("good")
        group("train_neg", y=changed(y, np.int32, -1))
        group("train_range", y=changed(y, np.int32, 7))
        group("train_half", y=changed(y, np.float32, 0.5))
        group("train_label_nan", y=changed(y, np.float32, np.nan))
        group("train_label_huge", y=changed(y, np.int64, 2**40))
        group("train_label_two", y=np.stack([y, y], axis=1))
        group("train_nan", x=changed(x, np.float32, np.nan))
        group("train_inf", x=changed(x, np.float32, -np.inf))
        group("train_f64_range", x=changed(x, np.float64, 1e300))
        group("train_target_nan", y=changed(y / 4, np.float32, np.nan))
        group("train_length", y=y[:7])
        group("train_no_y", y=None)
        group("train_no_x", x=None)
        group("train_x_group", x=None).create_group("x")
        group("train_empty", x=x[:0], y=y[:0])
        group("train_no_columns", x=x[:, :0])
        group("train_null", x=h5py.Empty(np.float32))
        group("train_rank0", x=np.float32(1))
        group("train_rank5", x=x.reshape(8, 1, 5, 1, 1))
        group("train_string", x=np.array([b"row %d" % i for i in range(8)], dtype="S6"))
        rows = np.empty(8, dtype=object)
        rows[:] = [np.arange(i + 1, dtype=np.float32) for i in range(8)]
        made = group("train_vlen", x=None)
        made.create_dataset("x", (8,), dtype=h5py.vlen_dtype(np.float32), track_times=False)[:] = rows
        group("train_compound", x=np.zeros(8, dtype=[("a", np.float32), ("b", np.int32)]))
        group("train_opaque", x=np.frombuffer(bytes(range(32)), dtype="V4"))
        group("train_complex", x=x.astype(np.complex64))
        refs = np.array([f["good"].ref] * 8, dtype=h5py.ref_dtype)
        group("train_reference", x=refs)
        group("train_soft", x=None)["x"] = h5py.SoftLink("/good/x")
        group("train_soft_dangling", x=None)["x"] = h5py.SoftLink("/nothing/x")
        group("train_external", x=None)["x"] = h5py.ExternalLink("zoo.h5", "/f32_le_contiguous/x")
        group("train_storage", x=None).create_dataset(
            "x", x.shape, np.float32, external=[("odd_storage.bin", 0, x.nbytes)], track_times=False
        )
        virtual, space = h5py.h5p.create(h5py.h5p.DATASET_CREATE), h5py.h5s.create_simple(x.shape)
        virtual.set_virtual(space, b".", b"/good/x", space)
        virtual.set_obj_track_times(False)
        h5py.h5d.create(group("train_virtual", x=None).id, b"x", h5py.h5t.IEEE_F32LE, space, dcpl=virtual)
        group("train_lzf", x=np.zeros_like(x), chunks=(4, 5), compression="lzf")
        group("train_bomb", x=None).create_dataset("x", (2**50, 5), np.float32, chunks=(4, 5), track_times=False)
        made = group("train_corrupt", chunks=(8, 5), fletcher32=True)
        where = made["x"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[where] ^= 0xFF
    path.write_bytes(data)


def numbers(dataset):
    """The values as binary64 rows, converted by HDF5 (numpy has no 24-bit integer)."""
    if dataset.id.get_type().get_class() == h5py.h5t.ENUM:
        return dataset[()].astype(np.float64).reshape(40, -1)
    out = np.empty(dataset.shape)
    dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, out, h5py.h5t.NATIVE_DOUBLE)
    return out.reshape(40, -1)


def check_zoo(path):
    """Reads every group back through h5py."""
    special = {"chunk_unwritten": np.full(X.shape, 9)}
    with h5py.File(path, "r") as f:
        for name, group in f.items():
            x = numbers(group["x"])
            want = special.get(name, X)
            assert np.array_equal(x, want[:, :1] if name == "x_1d" else want), name
            y = numbers(group["y"])
            if name.startswith("target"):
                assert np.array_equal(y[:, 0], TARGET) and (y.shape[1] == 1 or np.array_equal(y[:, 1], X[:, 1] / 8)), (
                    name
                )
            else:
                assert np.array_equal(y[:, 0], np.arange(40) % 2 if name == "y_bool" else Y), name
        return len(f)


def main():
    for make, path in ((make_zoo, HERE / "zoo.h5"), (make_odd, HERE / "odd.h5")):
        make(path)
        size = path.stat().st_size
        groups = check_zoo(path) if make is make_zoo else len(h5py.File(path))
        print(f"wrote {path.name}: {groups} groups, {size} bytes")


if __name__ == "__main__":
    main()
