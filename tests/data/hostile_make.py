"""What the tables of hostile files share: the sound data set, and how a row enters the table.

The sound data are 40 rows of 5 small whole numbers, x[i][j] = (7 i + 13 j) mod 101, and classes y[i] = i mod 3.
"""

import h5py
import numpy as np
from hostile_bytes import Bytes

X = ((7 * np.arange(40)[:, None] + 13 * np.arange(5)) % 101).astype(np.float32)
Y = (np.arange(40) % 3).astype(np.int32)
LIMIT_MIB = 160  # resident memory of the program and of each process that it starts; data.memory is 64 MiB

ROWS = []


def row(name, exit_status, message, **options):
    """Adds a row; the function makes the file at the path it is given.

    Options: x, y (objects; /train/x, /train/y), settings (--set), dry (--dry-run), same (the weights must be those of
    the sound file), limit (MiB), file (what to open in its place), quiet (the message need not name the file).
    """

    def add(function):
        assert all(r["name"] != name for r in ROWS), name
        ROWS.append({"name": name, "exit": exit_status, "message": message, "make": function, **options})
        return function

    return add


def create(path, low="earliest", userblock_size=0):
    """A new file that holds no times, so that it has the same bytes whenever it is made."""
    plist = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    plist.set_obj_track_times(False)
    plist.set_userblock(userblock_size)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    versions = {"earliest": h5py.h5f.LIBVER_EARLIEST, "v108": h5py.h5f.LIBVER_V18, "v110": h5py.h5f.LIBVER_V110}
    access.set_libver_bounds(versions[low], h5py.h5f.LIBVER_V110)
    return h5py.File(h5py.h5f.create(str(path).encode(), h5py.h5f.ACC_TRUNC, fcpl=plist, fapl=access))


def fill(f, x=X, y=Y, group="train", **x_how):
    if group not in f:
        plist = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        plist.set_obj_track_times(False)
        h5py.h5g.create(f.id, group.encode(), gcpl=plist)
    made = f[group]
    if x is not None:
        made.create_dataset("x", data=x, track_times=False, **x_how)
    if y is not None:
        made.create_dataset("y", data=y, track_times=False)
    return made


def sound(path, low="earliest", x=X, y=Y, **x_how):
    """The sound file; by default x is contiguous."""
    with create(path, low) as f:
        fill(f, x, y, **x_how)


PACKED = {"chunks": (10, 5), "compression": "gzip", "shuffle": True}


def packed(path, low="earliest"):
    """x in four chunks packed by gzip, and attributes with a global heap."""
    with create(path, low) as f:
        fill(f, **PACKED)
        f.attrs["classes"] = np.int32(3)
        f.attrs["class_names"] = np.array(["setosa", "versicolor", "virginica"], dtype=h5py.string_dtype())


def address(path, name):
    """Of an object's header, before user blocks."""
    with h5py.File(path) as f:
        return h5py.h5o.get_info(f[name].id).addr


def chunk_place(path, name="/train/x", nth=0):
    with h5py.File(path) as f:
        info = f[name].id.get_chunk_info(nth)
        return info.byte_offset, info.size


def values_place(path, name="/train/x"):
    with h5py.File(path) as f:
        return f[name].id.get_offset()


def poke(path, place, value, size=1):
    """Puts `value` where place(Bytes) says."""
    b = Bytes(path)
    b.put(place(b), value, size)
    b.save()


def in_message(path, name, kind, offset, value, size=1, nth=0):
    """Puts `value` at an offset of a message of the (version 1) object header of `name`."""
    header = address(path, name)
    poke(path, lambda b: b.message(header, kind, nth)[0] + offset, value, size)


def custom(group, name, kind, shape, dcpl=None):
    """A data set of a low-level type."""
    dcpl = dcpl or h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape) if shape is not None else h5py.h5s.create(h5py.h5s.SCALAR)
    return h5py.h5d.create(group.id, name if isinstance(name, bytes) else name.encode(), kind, space, dcpl=dcpl)
