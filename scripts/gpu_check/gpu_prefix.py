"""What a machine without network lacks: packed here, unpacked there into a prefix that programs are built against.

The pack is a folder of Debian packages, as they are, and small data.  C's library, the compiler's and the headers of both
are never in it: those of the machine are used.
"""

import hashlib
import io
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.parse
from pathlib import Path

from gpu_steps import Failed, run

WANTED = ["libhdf5-dev", "zlib1g-dev", "libfyaml-dev", "libjansson-dev", "libssl-dev", "librandom123-dev",
          "libseccomp-dev", "libgtest-dev", "pkgconf"]
TAKEN = re.compile(r"^(lib|zlib|pkgconf)")  # of what they depend on
NEVER = re.compile(r"^(libc6|libc-|libcrypt|libgcc|libstdc\+\+|libnsl|libtirpc|libgfortran|libquadmath|libhdf5.*-fortran)")
ARCH = "x86_64-linux-gnu"
LIMIT = 60 << 20  # bytes of the pack and the tree together
ROWS_784, FEATURES = 8192, 784


# ---- packing ----


def apt(work, *words):
    """apt-get with state of its own, as if nothing was installed; sources, keys and proxies are this machine's."""
    settings = {"APT::Architecture": "amd64", "APT::Architectures::": "amd64", "Dir::State": work,
                "Dir::State::status": work / "status", "Dir::Cache": work, "APT::Sandbox::User": "root",
                "APT::Install-Recommends": "false", "Acquire::Languages": "none", "Acquire::Retries": "2"}
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    return run(["apt-get", "-q", "-y", *options, *words], 600, cwd=work)


def choose(uris):
    """Names of the packages to take, of apt's list of what would be installed."""
    names = re.findall(r"^'\S+/([^/_]+)_[^/]*\.deb'", uris, re.MULTILINE)
    names = {urllib.parse.unquote(name) for name in names}
    return sorted(name for name in names if TAKEN.match(name) and not NEVER.match(name))


def pack_packages(folder, work):
    for part in ("lists/partial", "archives/partial"):
        (work / part).mkdir(parents=True)
    (work / "status").touch()
    apt(work, "update")
    names = choose(apt(work, "install", "--print-uris", *WANTED))
    lacking = [name for name in WANTED if name not in names]
    if lacking:
        raise Failed(f"apt does not know {', '.join(lacking)}")
    apt(work, "download", *names)
    (folder / "packages").mkdir(parents=True)
    for package in sorted(work.glob("*.deb")):
        shutil.move(package, folder / "packages" / package.name.replace("%3a", "."))  # plain letters travel anywhere
    return len(names)


READ_H5 = """
import h5py, sys
path, rows, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with h5py.File(path, "r") as f:
    x, y = f["train/x"][:rows], f["train/y"][:rows]
open(out + "-x.u8", "wb").write(x.reshape(len(x), -1).astype("uint8").tobytes())
open(out + "-y.u8", "wb").write(y.astype("uint8").tobytes())
"""


def read_h5(path, rows, out):
    """Rows of an HDF5 file as bytes, by a Python that has h5py."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-c", READ_H5, path, str(rows), out]
        if path.is_file() and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0:
            return True
    return False


def synthetic(rows, out):
    """Noise around one pattern for each of ten classes."""
    source = random.Random(1)
    pattern = [source.randbytes(FEATURES) for _ in range(10)]
    labels = bytes(source.randrange(10) for _ in range(rows))
    with open(f"{out}-x.u8", "wb") as f:
        for label in labels:
            f.write(bytes((p + q) >> 1 for p, q in zip(pattern[label], source.randbytes(FEATURES))))
    with open(f"{out}-y.u8", "wb") as f:
        f.write(labels)


def make_data(folder, root):
    """Data of the trainings; which ones, by file."""
    folder.mkdir(parents=True, exist_ok=True)
    fashion = Path(os.environ.get("KAIZEN_DATASETS", root.parent / "shared" / "datasets")) / "fashion_mnist.h5"
    sources = {"pixels": f"fashion_mnist.h5, the first {ROWS_784} rows", "digits": "digits.h5, the first 1408 rows"}
    if not read_h5(fashion, ROWS_784, str(folder / "pixels")):
        synthetic(ROWS_784, folder / "pixels")
        sources["pixels"] = f"synthetic, {ROWS_784} rows of ten patterns with noise"
    if not read_h5(root / "datasets" / "digits.h5", 1408, str(folder / "digits")):
        raise Failed("datasets/digits.h5 cannot be read: it takes a Python with h5py (Debian: python3-h5py)")
    (folder / "sources.json").write_text(json.dumps(sources, indent=1) + "\n")


def bytes_of(paths):
    return sum(path.lstat().st_size for path in paths if path.is_file() and not path.is_symlink())


def git(root, *words):
    """What git says, or None: it may not be there."""
    try:
        return subprocess.run(["git", "-C", root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def tree_files(root):
    """What travels beside the pack: the files that git knows, and new ones that it does not ignore."""
    listed = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    return [root / name for name in (listed or "").split("\0") if name]


def largest(paths, n=10):
    sized = sorted(((path.lstat().st_size, path) for path in paths if path.is_file()), reverse=True, key=lambda p: p[0])
    return [f"{size / 1e6:6.1f} MB  {path.name}" for size, path in sized[:n]]


def pack(folder, root, say=print):
    """Makes the pack anew; its size in bytes.  Raises Failed where it and the tree are too large to be sent."""
    work = folder.with_name(folder.name + ".new")
    for old in (folder, work):
        shutil.rmtree(old, ignore_errors=True)
    work.mkdir()
    try:
        count = pack_packages(folder, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    make_data(folder / "data", root)
    state = {"commit": (git(root, "rev-parse", "HEAD") or "unknown").strip(),
             "dirty": bool(git(root, "status", "--porcelain"))}
    (folder / "state.json").write_text(json.dumps(state) + "\n")
    packed, tree = [p for p in folder.rglob("*") if p.is_file()], tree_files(root)
    size, beside = bytes_of(packed), bytes_of(tree)
    say(f"{folder.name}: {count} packages and data, {size / 2**20:.1f} MiB; the tree: {beside / 2**20:.1f} MiB")
    if size + beside > LIMIT:
        raise Failed(f"together over {LIMIT >> 20} MiB, too large to be sent; the largest files:",
                     "\n".join(largest(packed + tree)))
    return size


# ---- unpacking ----


def members(package):
    """Name and content of each member of a .deb, which is an ar archive."""
    data = package.read_bytes()
    if not data.startswith(b"!<arch>\n"):
        raise Failed(f"{package.name} is no Debian package")
    at = 8
    while at + 60 <= len(data):
        name, size = data[at:at + 16].decode().strip().rstrip("/"), int(data[at + 48:at + 58])
        yield name, data[at + 60:at + 60 + size]
        at += 60 + size + size % 2


def unpack_package(package, prefix):
    name, data = next((member for member in members(package) if member[0].startswith("data.tar")), (None, None))
    if name != "data.tar.xz":
        raise Failed(f"{package.name}: its content is {name}, must be data.tar.xz")
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(data))) as archive:
        for member in archive.getmembers():
            if member.name.startswith("/") or ".." in member.name.split("/"):
                raise Failed(f"{package.name}: {member.name} leaves its folder")
        archive.extractall(prefix, **({"filter": "fully_trusted"} if hasattr(tarfile, "data_filter") else {}))


def mend_links(prefix):
    """Links to absolute paths lead into the prefix."""
    for folder, folders, files in os.walk(prefix):
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.islink(path) and os.path.isabs(os.readlink(path)):
                to = os.path.relpath(str(prefix) + os.readlink(path), folder)
                os.unlink(path)
                os.symlink(to, path)


def mend_headers(prefix):
    """Those of this architecture beside the others: the compiler looks for them in folders of its own."""
    own = prefix / "usr" / "include" / ARCH
    if own.is_dir():
        shutil.copytree(own, own.parent, symlinks=True, dirs_exist_ok=True)


def mend_pkg_config(prefix):
    """Its files name the prefix, and a script runs it with its library."""
    for file in prefix.rglob("*.pc"):
        if not file.is_symlink():
            text = file.read_text()
            file.write_text(re.sub(r"(^|[=\s]|-[IL])/usr\b", rf"\1{prefix}/usr", text))
    script = prefix / "pkg-config"
    script.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{prefix}/usr/lib/{ARCH}" exec "{prefix}/usr/bin/pkgconf" "$@"\n')
    script.chmod(0o755)


def check_prefix(prefix):
    """Nothing of C's library or the compiler's may be there."""
    for file in prefix.rglob("*"):
        if re.match(r"(libc|libm|libpthread|libdl|ld-linux\S*|libgcc_s|libstdc\+\+)\.so", file.name):
            raise Failed(f"{file.name} is in the pack: programs would take it instead of this machine's")


def unpack(folder, prefix):
    """A prefix of all packages, made anew where the pack has changed; how many they are."""
    packages = sorted((folder / "packages").glob("*.deb"))
    if not packages:
        raise Failed(f"no packages in {folder}; make it again with scripts/gpu-check --pack")
    stamp, wanted = prefix / "stamp", hashlib.sha256("\n".join(p.name for p in packages).encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return len(packages)
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir(parents=True)
    for package in packages:
        unpack_package(package, prefix)
    mend_links(prefix)
    mend_headers(prefix)
    mend_pkg_config(prefix)
    check_prefix(prefix)
    stamp.write_text(wanted)
    return len(packages)


def build_options(prefix):
    """CMake's settings for building against the prefix, and for finding its libraries when what was built runs.

    DT_RPATH, not DT_RUNPATH: it also leads from one library of the prefix to the next.  LD_LIBRARY_PATH would do so too, but
    for every other program as well, such as this machine's Python."""
    folders = [f"{prefix}/usr/lib/{ARCH}", f"{prefix}/usr/lib/{ARCH}/hdf5/serial"]
    flags = " ".join(["-Wl,--disable-new-dtags", *(f"-Wl,-rpath,{folder}" for folder in folders)])
    return [f"-DCMAKE_PREFIX_PATH={prefix}/usr", f"-DPKG_CONFIG_EXECUTABLE={prefix}/pkg-config",
            f"-DCMAKE_EXE_LINKER_FLAGS={flags}", f"-DCMAKE_MODULE_LINKER_FLAGS={flags}"]


def build_environment(prefix):
    return {"PKG_CONFIG_LIBDIR": f"{prefix}/usr/lib/{ARCH}/pkgconfig:{prefix}/usr/share/pkgconfig", "PKG_CONFIG_PATH": ""}
