"""The table, second part: wrong types and ranks, lying sizes, links, storage elsewhere, bombs, filters, labels."""

import zlib

import h5py
import numpy as np
from hostile_bytes import Bytes
from hostile_make import X, Y, create, custom, fill, in_message, packed, row, sound

NUMBERS = ", wanted integers or floats"

# ---- types ----


def put_x(path, data=None, **how):
    with create(path) as f:
        fill(f, None)
        f["train"].create_dataset("x", data=data, track_times=False, **how)


TYPES = [  # name, values, message
    ("strings-fixed", np.array([b"row"] * 40), "holds strings" + NUMBERS),
    ("compound", np.zeros(40, dtype=[("a", "f4"), ("b", "i4")]), "holds compound records" + NUMBERS),
    ("complex", X.astype(np.complex64), "holds compound records" + NUMBERS),
    ("opaque", np.zeros(40, dtype="V8"), "holds opaque bytes" + NUMBERS),
]
for t_name, t_values, t_message in TYPES:

    @row(f"type-{t_name}", 65, t_message)
    def _(path, values=t_values):
        put_x(path, values)


@row("type-strings", 65, "holds strings" + NUMBERS)
def _(path):
    put_x(path, np.array(["row"] * 40, dtype=object), dtype=h5py.string_dtype())


@row("type-lists", 65, "holds lists of varying length" + NUMBERS)
def _(path):
    with create(path) as f:
        fill(f, None)
        f["train"].create_dataset("x", (40,), dtype=h5py.vlen_dtype(np.float32))[0] = [1, 2, 3]


@row("type-references", 65, "holds references" + NUMBERS)
def _(path):
    with create(path) as f:
        fill(f, None)
        f["train"].create_dataset("x", data=np.array([f["train/y"].ref] * 40, dtype=h5py.ref_dtype))


@row("type-regions", 65, "holds references" + NUMBERS)
def _(path):
    with create(path) as f:
        fill(f, None)
        f["train"].create_dataset("x", (40,), dtype=h5py.regionref_dtype)[0] = f["train/y"].regionref[1:3]


@row("type-arrays", 65, "holds an array in each element" + NUMBERS)
def _(path):
    with create(path) as f:
        fill(f, None)
        custom(f["train"], "x", h5py.h5t.array_create(h5py.h5t.IEEE_F32LE, (5,)), (40,))


@row("type-bit-fields", 65, "holds bit fields" + NUMBERS)
def _(path):
    with create(path) as f:
        fill(f, None)
        custom(f["train"], "x", h5py.h5t.STD_B32LE, (40, 5))


@row("type-times", 65, "")
def _(path):
    with create(path) as f:
        fill(f, None)
        custom(f["train"], "x", h5py.h5t.UNIX_D32LE, (40, 5))


@row("type-compound-deep", 65, "holds compound records" + NUMBERS)
def _(path):
    kind = np.dtype("f4")
    for _ in range(60):
        kind = np.dtype([("a", kind)])
    put_x(path, np.zeros(40, dtype=kind))


@row("type-integers-of-16-bytes", 65, "")
def _(path):
    kind = h5py.h5t.STD_I64LE.copy()
    kind.set_size(16)
    kind.set_precision(128)
    with create(path) as f:
        fill(f, None)
        custom(f["train"], "x", kind, (40, 5))


@row("type-committed", 65, "is a type, not an array")
def _(path):
    with create(path) as f:
        fill(f, None)["x"] = np.dtype("f4")


@row("x-is-a-group", 65, "is a group; name an array")
def _(path):
    with create(path) as f:
        fill(f, None).create_group("x")


@row("x-missing", 65, "there is no /train/x")
def _(path):
    with create(path) as f:
        fill(f, None)


# ---- ranks and sizes ----

RANKS = [("0", (), "has 0 dimensions"), ("5", (40, 1, 5, 1, 1), "has 5 dimensions"),
         ("32", (40,) + (1,) * 31, "has 32 dimensions")]
for r_rank, r_shape, r_message in RANKS:

    @row(f"rank-{r_rank}", 65, r_message)
    def _(path, shape=r_shape):
        put_x(path, np.zeros(shape, np.float32))


@row("null-space", 65, "has 0 dimensions")
def _(path):
    put_x(path, h5py.Empty(np.float32))


for z_name, z_shape in (("rows", (0, 5)), ("columns", (40, 0))):

    @row(f"zero-{z_name}", 65, "is empty: extent")
    def _(path, shape=z_shape):
        put_x(path, np.zeros(shape, np.float32))


@row("rows-differ", 65, "x has 39 rows but /train/y has 40")
def _(path):
    sound(path, x=X[:39])


def lie(path, shape, kind=np.float32, **how):
    """Arrays of this many rows of which nothing is stored."""
    with create(path) as f:
        f.create_dataset("train/x", shape, kind, track_times=False, **how)
        f.create_dataset("train/y", shape[:1], np.int32, track_times=False, chunks=(4,))


@row("bomb-2-50-rows", 65, "data.memory allows 64.0 MiB")
def _(path):
    lie(path, (1 << 50, 5), chunks=(4, 5))


@row("bomb-2-50-rows-dry", 65, "data.memory allows 64.0 MiB", dry=True)
def _(path):
    lie(path, (1 << 50, 5), chunks=(4, 5))


@row("bomb-overflow", 65, "claims more values than can be addressed")
def _(path):
    lie(path, (1 << 40, 1 << 30, 4), chunks=(4, 4, 4))


@row("bomb-overflow-to-zero", 65, "claims more values than can be addressed")
def _(path):
    lie(path, (1 << 32, 1 << 31, 1), np.int8, chunks=(4, 4, 1))


@row("bomb-contiguous", 65, "stores only 0 bytes")
def _(path):
    lie(path, (1 << 40, 5))


@row("bomb-unlimited", 65, "data.memory allows 64.0 MiB")
def _(path):
    lie(path, (1 << 45, 5), chunks=(1, 5), maxshape=(None, 5))


@row("bomb-never-written", 65, "declares 19.1 MiB of values in a file of ")
def _(path):
    with create(path) as f:
        f.create_dataset("train/x", (1_000_000, 5), np.float32, chunks=(1000, 5))
        f.create_dataset("train/y", (1_000_000,), np.uint8, chunks=(1000,))


@row("bomb-chunk-4-gib", 65, "data.memory allows 64.0 MiB")
def _(path):
    with create(path) as f:
        f.create_dataset("train/x", (40, 5), np.float32, chunks=(1, (1 << 30) - 1), maxshape=(40, None))
        f["train/y"] = Y


@row("bomb-chunk-4-gib-packed", 65, "data.memory allows 64.0 MiB")
def _(path):
    with create(path) as f:
        f.create_dataset("train/x", (40, 5), np.float32, chunks=(1, (1 << 30) - 1), maxshape=(40, None),
                         compression="gzip")
        f["train/y"] = Y


@row("bomb-gzip-beyond-memory", 65, "data.memory allows 64.0 MiB")
def _(path):
    """100 MB of zeros in 100 kB."""
    with create(path) as f:
        f.create_dataset("train/x", data=np.zeros((5000, 5000), np.float32), chunks=(500, 5000), compression="gzip")
        f["train/y"] = np.arange(5000, dtype=np.int32) % 3


@row("bomb-gzip-within-memory", 0, "")
def _(path):
    """8 MB of one value in 8 kB: allowed by data.memory, so it is a data set like any other."""
    with create(path) as f:
        f.create_dataset("train/x", data=np.ones((2000, 1000), np.float32), chunks=(500, 1000), compression="gzip")
        f["train/y"] = np.arange(2000, dtype=np.int32) % 3


def replaced_chunk(path, chunk, **how):
    with create(path) as f:
        fill(f, chunks=(40, 5), compression="gzip", **how)
        f["train/x"].id.write_direct_chunk((0, 0), chunk)


@row("bomb-chunk-inflates", 65, "unpacks to more than its 800 bytes")
def _(path):
    replaced_chunk(path, zlib.compress(bytes(200 << 20), 9)[:1000])


@row("chunk-inflates-to-less", 65, "")
def _(path):
    replaced_chunk(path, zlib.compress(X.tobytes()[:400]))


@row("chunk-empty", 65, "cannot be unpacked")
def _(path):
    replaced_chunk(path, b"\0")


@row("chunk-of-garbage", 65, "its gzip data are wrong")
def _(path):
    replaced_chunk(path, b"PK\3\4" * 50)


@row("chunk-too-long", 65, "bytes packed")
def _(path):
    replaced_chunk(path, bytes(1 << 16))


# ---- links and storage that lead elsewhere ----

LINKS = [  # name, link, message
    ("external-passwd", h5py.ExternalLink("/etc/passwd", "/x"), "is an external link"),
    ("external-other", h5py.ExternalLink("sound.h5", "/train/x"), "is an external link"),
    ("external-self", h5py.ExternalLink("link-external-self.h5", "/train/x"), "is an external link"),
    ("external-device", h5py.ExternalLink("/dev/zero", "/x"), "is an external link"),
    ("soft-self", h5py.SoftLink("/train/x"), "or in a circle"),
    ("soft-nothing", h5py.SoftLink("/no/such"), "there is no /train/x"),
    ("soft-out", h5py.SoftLink("../../../../etc/passwd"), "there is no /train/x"),
]
for l_name, l_link, l_message in LINKS:

    @row(f"link-{l_name}", 65, l_message)
    def _(path, link=l_link):
        with create(path) as f:
            fill(f, None)["x"] = link


@row("link-soft-cycle", 65, "or in a circle")
def _(path):
    with create(path) as f:
        fill(f, None)["x"] = h5py.SoftLink("/train/z")
        f["train/z"] = h5py.SoftLink("/train/x")


@row("link-soft-inside", 0, "", same=True)
def _(path):
    with create(path) as f:
        fill(f, group="data")
        f["train"] = h5py.SoftLink("data")


@row("link-soft-to-external", 65, "is an external link")
def _(path):
    with create(path) as f:
        fill(f, None)["x"] = h5py.SoftLink("/train/away")
        f["train/away"] = h5py.ExternalLink("sound.h5", "/train/x")


@row("link-external-group", 65, "is an external link")
def _(path):
    with create(path) as f:
        f["train"] = h5py.ExternalLink("sound.h5", "/train")


@row("link-hard-cycle", 0, "", same=True, x="/train/again/again/x")
def _(path):
    with create(path) as f:
        fill(f)
        f["train/again"] = f["train"]


@row("link-hard-cycle-missing", 65, "there is no /train/again/again/z", x="/train/again/again/z")
def _(path):
    with create(path) as f:
        fill(f)
        f["train/again"] = f["train"]


for e_name, e_file in (("passwd", "/etc/passwd"), ("self", "storage-self.h5"), ("none", "no-such-file"),
                       ("device", "/dev/zero")):

    @row(f"storage-{e_name}", 65, "keeps its values in other files")
    def _(path, name=e_file):
        with create(path) as f:
            fill(f, None).create_dataset("x", X.shape, np.float32, external=[(name, 0, X.nbytes)])


def virtual(path, source):
    space, plist = h5py.h5s.create_simple(X.shape), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_virtual(space, source.encode(), b"/data/x", space)
    with create(path, "v110") as f:
        custom(fill(f, None), "x", h5py.h5t.IEEE_F32LE, X.shape, plist)
        fill(f, group="data")


for v_name, v_source in (("self", "."), ("other", "sound.h5"), ("passwd", "/etc/passwd"), ("device", "/dev/zero")):

    @row(f"virtual-{v_name}", 65, "is a virtual data set")
    def _(path, source=v_source):
        virtual(path, source)


# ---- filters ----

for f_name, f_id in (("lzf", 32000), ("blosc", 32001), ("lz4", 32004), ("bitshuffle", 32008), ("zstd", 32015),
                     ("bzip2", 307), ("unknown", 40000), ("largest", 65535)):

    @row(f"filter-{f_name}", 65, f"packed by filter {f_id}")
    def _(path, number=f_id):
        packed(path)
        in_message(path, "/train/x", "filters", 8, number, 2)


# ---- values, labels, attributes ----


def changed(values, kind, value, at=7):
    out = values.astype(kind)
    out.flat[at] = value
    return out


VALUES = [  # name, x, y, message
    ("x-nan", changed(X, "f4", np.nan), Y, "x holds nan at row 1, column 2"),
    ("x-infinite", changed(X, "f8", -np.inf), Y, "x holds -inf at row 1, column 2"),
    ("x-too-large", changed(X, "f8", 1e39), Y, "x holds 1e+39 at row 1, column 2"),
    ("y-negative", X, changed(Y, "i8", -1), "y holds -1 at row 7"),
    ("y-2-32", X, changed(Y, "i8", (1 << 32) + 1), "y holds 4294967297 at row 7"),
    ("y-2-64", X, changed(Y, "u8", (1 << 64) - 1), "y holds 1.8446744073709552e+19 at row 7"),
    ("y-2-31", X, changed(Y, "u4", (1 << 31) - 2), "1048576 classes are the most"),
    ("y-all-equal", X, np.zeros(40, np.int32), "holds class 0 only"),
    ("y-two-columns", X, np.stack([Y, Y], axis=1), "wanted one class number per row"),
    ("y-rank-3", X, Y.reshape(40, 1, 1), "wanted N, Nx1 or NxM targets"),
]
for n_name, n_x, n_y, n_message in VALUES:

    @row(f"value-{n_name}", 65, n_message)
    def _(path, x=n_x, y=n_y):
        sound(path, x=x, y=y)


for q_name, q_value in (("fractional", 0.5), ("nan", np.nan), ("infinite", np.inf)):

    @row(f"label-{q_name}", 65, "at row 7", settings=["model.loss=cross_entropy"])
    def _(path, value=q_value):
        sound(path, y=changed(Y, "f8", value))


def with_attribute(path, name, value, low="earliest"):
    with create(path, low) as f:
        fill(f)
        f.attrs[name] = value


ATTRIBUTES = [  # name, attribute, value, message
    ("classes-too-few", "classes", np.int32(2), "the attribute classes says 2 classes"),
    ("classes-fractional", "classes", 2.5, "attribute classes is 2.5"),
    ("classes-negative", "classes", np.int64(-3), "attribute classes is -3"),
    ("classes-huge", "classes", np.uint64(1 << 63), "attribute classes is 9.2233720368547758e+18"),
    ("classes-nan", "classes", np.nan, "attribute classes is nan"),
    ("classes-million", "classes", np.int32(10**7), "attribute classes is 10000000"),
    ("classes-text", "classes", "three", "attribute classes is no single number"),
    ("classes-many", "classes", np.arange(3), "attribute classes is no single number"),
    ("names-too-few", "class_names", np.array([b"a", b"b"]), "attribute class_names has 2 names"),
    ("names-numbers", "class_names", np.arange(3), "attribute class_names is no text"),
    ("task-unknown", "task", "r\x1b[31mm -rf\n", "attribute task is 'r?[31mm -rf?'"),
    ("task-compound", "task", np.zeros(1, dtype=[("a", "i4")]), "attribute task is no text"),
]
for a_name, a_attribute, a_value, a_message in ATTRIBUTES:

    @row(f"attribute-{a_name}", 65, a_message)
    def _(path, attribute=a_attribute, value=a_value):
        with_attribute(path, attribute, value)


@row("attribute-classes-2-20", 0, "", dry=True)
def _(path):
    with_attribute(path, "classes", np.int32(1 << 20))


@row("attribute-names-million", 65, "attribute class_names takes")
def _(path):
    with_attribute(path, "class_names", np.array([b"n"] * 1100000, dtype="S1"), "v110")


@row("attribute-too-large", 65, "attribute name takes")
def _(path):
    with_attribute(path, "name", np.zeros(1, dtype="S2000000"), "v110")


# ---- names ----


@row("name-control", 65, "the group /train holds 'x?[2J?[31m', 'y'")
def _(path):
    with create(path) as f:
        fill(f, None)["x\x1b[2J\n[31m"] = X


@row("name-long", 65, "there is no /train/x")
def _(path):
    with create(path) as f:
        fill(f, None)["x" * 60000] = X


@row("name-not-utf8", 65, "there is no /train/x")
def _(path):
    with create(path) as f:
        custom(fill(f, None), b"\xff\xfe\x80x", h5py.h5t.IEEE_F32LE, (40, 5))


@row("name-many", 65, "there is no /train/x")
def _(path):
    with create(path, "v110") as f:
        g = fill(f, None)
        for i in range(3000):
            g[f"array{i:05d}"] = h5py.SoftLink("/")
