"""The table, first part: files cut short, and files with changed bytes in every structure."""

import h5py
import numpy as np
from hostile_bytes import Bytes
from hostile_make import X, Y, address, chunk_place, create, fill, in_message, packed, poke, row, sound, values_place

# What is said where the HDF5 library finds the fault, or does not live through it: versions of it differ.
DAMAGED = ["may be damaged", "the file is damaged", "the HDF5 library failed", "write the file again"]

# ---- cut short ----

CUTS = [  # name, where, message
    ("signature", lambda b: 6, "is not an HDF5 file"),
    ("superblock", lambda b: 40, "cannot be read as HDF5"),
    ("root", lambda b: 100, "is cut short: 100 of "),
    ("heap", lambda b: b.find("HEAP") + 20, "is cut short"),
    ("symbols", lambda b: b.find("SNOD") + 9, "is cut short"),
    ("chunk-tree", lambda b: b.tree(1) + 24, "is cut short"),
    ("strings", lambda b: b.find("GCOL") + 40, "is cut short"),
    ("last-byte", lambda b: len(b.data) - 1, "is cut short"),
]

for cut_name, cut_place, cut_message in CUTS:

    @row(f"cut-{cut_name}", 65, cut_message)
    def _(path, place=cut_place):
        packed(path)
        b = Bytes(path)
        del b.data[place(b):]
        b.save()

    if cut_name not in ("signature", "superblock", "root", "last-byte"):

        @row(f"cut-{cut_name}-hidden", 65, DAMAGED)
        def _(path, place=cut_place):
            packed(path)
            b = Bytes(path)
            del b.data[place(b):]
            b.put(40, len(b.data), 8)
            b.save()


@row("cut-values-hidden", 65, DAMAGED)
def _(path):
    sound(path)
    b = Bytes(path)
    del b.data[values_place(path) + 100:]
    b.put(40, len(b.data), 8)
    b.save()


@row("cut-new-format", 65, "is cut short")
def _(path):
    packed(path, "v110")
    b = Bytes(path)
    del b.data[len(b.data) // 2:]
    b.save()


@row("cut-new-superblock", 65, "cannot be read as HDF5")
def _(path):
    packed(path, "v110")
    b = Bytes(path)
    del b.data[30:]
    b.save()


# ---- changed bytes, format of HDF5 1.0 to 1.6: nothing has a checksum ----

ALL = 0xFFFFFFFFFFFFFFFF
PLACES = [  # name, where, value, bytes, message
    ("superblock-version", lambda b: 8, 9, 1, "cannot be read as HDF5"),
    ("superblock-offset-size", lambda b: 13, 3, 1, "cannot be read as HDF5"),
    ("superblock-length-size", lambda b: 14, 200, 1, "cannot be read as HDF5"),
    ("superblock-base", lambda b: 24, 1 << 40, 8, "is cut short"),
    ("superblock-end", lambda b: 40, 1 << 50, 8, "is cut short"),
    ("superblock-driver", lambda b: 48, 64, 8, DAMAGED),
    ("root-address", lambda b: 64, 8, 8, DAMAGED),
    ("root-address-undefined", lambda b: 64, ALL, 8, DAMAGED),
    ("group-tree-signature", lambda b: b.tree(0), 0, 1, DAMAGED),
    ("group-tree-level", lambda b: b.tree(0) + 5, 200, 1, DAMAGED),
    ("group-tree-entries", lambda b: b.tree(0) + 6, 0xFFFF, 2, DAMAGED),
    ("group-tree-child", lambda b: b.tree(0) + 32, 1 << 40, 8, DAMAGED),
    ("group-tree-self", lambda b: b.tree(0) + 32, None, 8, DAMAGED),
    ("symbols-signature", lambda b: b.find("SNOD"), 0, 1, DAMAGED),
    ("symbols-count", lambda b: b.find("SNOD") + 6, 0xFFFF, 2, DAMAGED),
    ("symbols-name", lambda b: b.find("SNOD") + 8, 1 << 40, 8, DAMAGED),
    ("symbols-header", lambda b: b.find("SNOD") + 16, 1 << 40, 8, DAMAGED),
    ("heap-signature", lambda b: b.find("HEAP"), 0, 1, DAMAGED),
    ("heap-size", lambda b: b.find("HEAP") + 8, 1 << 50, 8, DAMAGED),
    ("heap-free-list", lambda b: b.find("HEAP") + 16, 1 << 40, 8, DAMAGED),
    ("heap-values", lambda b: b.find("HEAP") + 24, 1 << 40, 8, DAMAGED),
    ("chunk-tree-signature", lambda b: b.tree(1), 0, 1, DAMAGED),
    ("chunk-tree-level", lambda b: b.tree(1) + 5, 250, 1, DAMAGED),
    ("chunk-tree-entries", lambda b: b.tree(1) + 6, 0xFFFF, 2, DAMAGED),
    ("chunk-size", lambda b: b.tree(1) + 24, 0xFFFFFFFF, 4, "takes 4294967295 bytes packed"),
    ("chunk-size-short", lambda b: b.tree(1) + 24, 3, 4, "has a chunk that"),
    ("chunk-filter-mask", lambda b: b.tree(1) + 28, 3, 4, "has a chunk that"),
    ("chunk-address", lambda b: b.tree(1) + 56, 1 << 40, 8, DAMAGED),
    ("chunk-address-root", lambda b: b.tree(1) + 56, 0, 8, "has a chunk that cannot be unpacked"),
]

for flip_name, flip_place, flip_value, flip_size, flip_message in PLACES:

    @row(f"old-{flip_name}", 65, flip_message)
    def _(path, place=flip_place, value=flip_value, size=flip_size):
        packed(path)
        poke(path, place, Bytes(path).tree(0) if value is None else value, size)


IN_MESSAGES = [  # name, object, message, offset, value, bytes, message of ours
    ("dataspace-version", "/train/x", "dataspace", 0, 77, 1, DAMAGED),
    ("dataspace-rank", "/train/x", "dataspace", 1, 33, 1, DAMAGED),
    ("dataspace-extent", "/train/x", "dataspace", 8, 1 << 61, 8, "claims more values than can be addressed"),
    ("dataspace-extent-2-50", "/train/x", "dataspace", 8, 1 << 50, 8, "rows but /train/y has 40"),
    ("datatype-class", "/train/x", "datatype", 0, 0x1D, 1, DAMAGED),
    ("datatype-opaque", "/train/x", "datatype", 0, 0x15, 1, "holds opaque bytes"),
    ("datatype-size", "/train/x", "datatype", 4, 1 << 30, 4, DAMAGED),
    ("datatype-size-0", "/train/x", "datatype", 4, 0, 4, DAMAGED),
    ("datatype-precision", "/train/x", "datatype", 10, 0xFFFF, 2, DAMAGED),
    ("datatype-offset", "/train/x", "datatype", 8, 0xFFFF, 2, DAMAGED),
    ("datatype-precision-y", "/train/y", "datatype", 10, 0xFFFF, 2, DAMAGED),
    ("datatype-offset-y", "/train/y", "datatype", 8, 0xFFFF, 2, DAMAGED),
    ("datatype-exponent", "/train/x", "datatype", 12, 0xFFFF, 2, DAMAGED),
    ("datatype-mantissa", "/train/x", "datatype", 14, 0xFFFF, 2, DAMAGED),
    ("layout-version", "/train/x", "layout", 0, 9, 1, DAMAGED),
    ("layout-class", "/train/x", "layout", 1, 77, 1, DAMAGED),
    ("layout-rank", "/train/x", "layout", 2, 30, 1, DAMAGED),
    ("layout-chunk-0", "/train/x", "layout", 11, 0, 4, DAMAGED),
    ("layout-chunk-huge", "/train/x", "layout", 11, 0xFFFFFFFF, 4, DAMAGED),
    ("layout-tree", "/train/x", "layout", 3, 1 << 40, 8, DAMAGED),
    ("layout-values", "/train/y", "layout", 2, 1 << 40, 8, DAMAGED),
    ("layout-size-short", "/train/y", "layout", 10, 8, 8, DAMAGED),
    ("fill-version", "/train/x", "fill", 0, 99, 1, DAMAGED),
    ("filters-version", "/train/x", "filters", 0, 9, 1, DAMAGED),
    ("filters-count", "/train/x", "filters", 1, 255, 1, DAMAGED),
    ("filters-id", "/train/x", "filters", 8, 40000, 2, "packed by filter 40000"),
    ("filters-parameters", "/train/x", "filters", 14, 0xFFFF, 2, DAMAGED),
    ("attribute-precision", "/", "attribute", 26, 0xFFFF, 2, DAMAGED + ["attribute classes is no single number"]),
    ("attribute-version", "/", "attribute", 0, 99, 1, DAMAGED),
    ("attribute-name-size", "/", "attribute", 2, 0xFFFF, 2, DAMAGED),
    ("attribute-type-size", "/", "attribute", 4, 0xFFFF, 2, DAMAGED),
    ("attribute-space-size", "/", "attribute", 6, 0xFFFF, 2, DAMAGED + ["attribute classes is"]),
    ("group-no-tree", "/train", "symbols", 0, 1 << 40, 8, DAMAGED),
    ("group-no-heap", "/train", "symbols", 8, 1 << 40, 8, DAMAGED),
]

for m_name, m_object, m_kind, m_offset, m_value, m_size, m_message in IN_MESSAGES:

    @row(f"message-{m_name}", 65, m_message)
    def _(path, name=m_object, kind=m_kind, offset=m_offset, value=m_value, size=m_size):
        packed(path)
        in_message(path, name, kind, offset, value, size)


@row("header-version", 65, DAMAGED)
def _(path):
    packed(path)
    poke(path, lambda b: address(path, "/train/x"), 99)


@row("header-size", 65, DAMAGED)
def _(path):
    packed(path)
    poke(path, lambda b: address(path, "/train/x") + 8, 0xFFFFFF00, 4)


@row("strings-signature", 65, DAMAGED)
def _(path):
    packed(path)
    poke(path, lambda b: b.find("GCOL"), 0)


@row("strings-size", 65, DAMAGED)
def _(path):
    packed(path)
    poke(path, lambda b: b.find("GCOL") + 8, 1 << 50, 8)


@row("strings-object-size", 65, DAMAGED)
def _(path):
    packed(path)
    poke(path, lambda b: b.find("GCOL") + 24, 1 << 50, 8)


@row("strings-reference", 65, DAMAGED)
def _(path):
    packed(path)
    gcol = Bytes(path).find("GCOL")
    poke(path, lambda b: b.data.index(gcol.to_bytes(8, "little")), 1 << 40, 8)


@row("strings-length", 65, DAMAGED)
def _(path):
    packed(path)
    gcol = Bytes(path).find("GCOL")
    poke(path, lambda b: b.data.index(gcol.to_bytes(8, "little")) - 4, 0x7FFFFFFF, 4)


# ---- changed bytes, newer format: each structure has a checksum ----

SIGNATURES = [("superblock", "\x89HDF"), ("header", "OHDR"), ("chunk-index", "FAHD"), ("chunk-index-block", "FADB")]

for s_name, s_signature in SIGNATURES:

    @row(f"new-{s_name}", 65, DAMAGED)
    def _(path, signature=s_signature):
        packed(path, "v110")
        poke(path, lambda b: b.data.index(signature.encode("latin-1")) + 9, 0x5A)


@row("new-many-links", 65, DAMAGED)
def _(path):
    with create(path, "v110") as f:
        for i in range(40):
            fill(f, None, None, f"group{i}")
        fill(f)
    poke(path, lambda b: b.find("FRHP") + 20, 0x5A)


@row("new-many-attributes", 65, DAMAGED)
def _(path):
    with create(path, "v110") as f:
        fill(f)
        for i in range(40):
            f.attrs[f"a{i}"] = i
        f.attrs["classes"] = 3
    poke(path, lambda b: b.find("BTLF") + 12, 0x5A)


# ---- changed chunks ----


@row("chunk-checksum", 65, "checksum is wrong")
def _(path):
    sound(path, chunks=(10, 5), fletcher32=True)
    poke(path, lambda b: chunk_place(path)[0] + 3, 0x5A)


@row("chunk-gzip", 65, "its gzip data are wrong")
def _(path):
    packed(path)
    poke(path, lambda b: chunk_place(path)[0] + 2, 0xFFFF, 2)


@row("chunk-gzip-checksum", 65, "its gzip data are wrong")
def _(path):
    packed(path)
    place, size = chunk_place(path)
    poke(path, lambda b: place + size - 2, 0x5A)


@row("chunk-zeros", 65, "cannot be unpacked")
def _(path):
    packed(path)
    place, size = chunk_place(path)
    b = Bytes(path)
    b.data[place:place + size] = bytes(size)
    b.save()


@row("chunk-tree-cycle", 65, DAMAGED)
def _(path):
    packed(path)
    b = Bytes(path)
    tree = b.tree(1)
    b.put(tree + 5, 1, 1)
    b.put(tree + 56, tree, 8)
    b.save()


# ---- changed bytes that do no harm ----


@row("header-messages", 0, "", same=True)
def _(path):
    packed(path)
    poke(path, lambda b: address(path, "/train/x") + 2, 0xFFFF, 2)


@row("layout-size-larger", 0, "", same=True)
def _(path):
    packed(path)
    in_message(path, "/train/y", "layout", 10, 1 << 40, 8)


@row("root-cached-tree", 0, "", same=True)
def _(path):
    packed(path)
    poke(path, lambda b: 80, 1, 8)


@row("random-values", 0, "", same=False)
def _(path):
    """Changed values alone are no error: nothing can tell."""
    sound(path)
    poke(path, lambda b: values_place(path) + 2, 0x41, 1)


@row("random-bytes", 65, DAMAGED)
def _(path):
    sound(path)
    b = Bytes(path)
    b.data[96:] = np.random.Generator(np.random.PCG64(1)).bytes(len(b.data) - 96)
    b.save()
