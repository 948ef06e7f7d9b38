"""Finds the structures of an HDF5 file by its format, so that single bytes of them can be changed.

Only what the tests need: superblock 0, groups and chunks of the oldest format, object headers of version 1, and the
signatures of the newer structures.
"""

import struct

MESSAGES = {"dataspace": 1, "datatype": 3, "fill": 5, "layout": 8, "filters": 11, "attribute": 12, "continuation": 16,
            "symbols": 17}
ROOT_HEADER = 64  # in superblock 0: where the address of the root's object header lies


class Bytes:
    """The bytes of a file; written back by save()."""

    def __init__(self, path):
        self.path = path
        self.data = bytearray(path.read_bytes())

    def save(self):
        self.path.write_bytes(self.data)

    def number(self, at, size=8):
        return int.from_bytes(self.data[at:at + size], "little")

    def put(self, at, value, size):
        self.data[at:at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")

    def find(self, signature, nth=0):
        """Where the nth structure of this signature begins."""
        at = -1
        for _ in range(nth + 1):
            at = self.data.index(signature.encode(), at + 1)
        return at

    def tree(self, kind):
        """The version 1 B-tree of a group (0) or of chunks (1)."""
        at = -1
        while True:
            at = self.data.index(b"TREE", at + 1)
            if self.data[at + 4] == kind:
                return at

    def message(self, header, kind, nth=0):
        """(where the message's data begin, their size) in the version 1 object header at `header`."""
        count = self.number(header + 2, 2)
        blocks = [(header + 16, self.number(header + 8, 4))]
        for at, size in blocks:
            end = at + size
            while at + 8 <= end and count > 0:
                count -= 1
                found, length = struct.unpack_from("<HH", self.data, at)
                if found == MESSAGES["continuation"]:
                    blocks.append((self.number(at + 8), self.number(at + 16)))
                if found == MESSAGES[kind]:
                    if nth == 0:
                        return at + 8, length
                    nth -= 1
                at += 8 + length
        raise LookupError(f"{self.path}: no message {kind} at {header}")
