#!/usr/bin/env python3
"""Checks the dependency order of the modules, where foreign headers may go, and the sizes and names of files.

kernels < base < config < device < {data model optim search comm stats} < record < train < {bench report} < cli

usage: scripts/check_layers.py [--self-test]
"""

import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ORDER = ["kernels", "base", "config", "device", "data model optim search comm stats", "record", "train",
         "bench report", "cli"]
LEVEL = {module: level for level, modules in enumerate(ORDER) for module in modules.split()}
FOREIGN = [  # which headers, and the paths that may include them
    ("HDF5", r"hdf5(_hl)?\.h|H5\w+\.h", r"src/data/"),
    ("MPI", r"mpi\.h", r"src/comm/"),
    ("CUDA", r"(cuda|cublas|nccl|nvml|nvrtc)\w*\.h",
     r"src/device/cuda|src/comm/comm_nccl|kernels/.*\.cu$|kernels/.*cuda"),
]
SOURCES = {".c", ".h", ".cpp", ".cu", ".inc"}
MAX_FILE, MAX_FUNCTION = 500, 100


def sources(root, *folders):
    return sorted(p for f in folders for p in (root / f).rglob("*") if p.suffix in SOURCES)


def header_module(name):
    """kz/data.h and kz/data_check.h belong to data."""
    return Path(name).stem.partition("_")[0]


def module_of(path):
    """src/data/x.c and src/kz/data.h belong to data; anything in kernels/ to kernels."""
    parts = Path(path).parts
    return parts[0] if parts[0] == "kernels" else header_module(parts[2]) if parts[1] == "kz" else parts[1]


def check_include(root, path, system, name):
    """What is wrong with `#include name` in path (relative to root), or None."""
    ours = not system and ((root / name).exists() or (root / "src" / name).exists())
    for library, headers, allowed in FOREIGN:
        if not ours and re.fullmatch(headers, Path(name).name) and not re.match(allowed, path):
            return f"{library} header {name} is not allowed here"
    if system:
        return None
    own, first = module_of(path), Path(name).parts[0]
    if first == name:  # a neighbour, the header that the build writes, or the CPU twin of the one that includes it
        known = (root / path).parent.joinpath(name).exists() or (own, name) == ("record", "build_info.h")
        known = known or (path, name) == ("kernels/arith/cuda_ops.h", "cuda_on_cpu_ops.h")
        return None if known else f'"{name}" is not in this folder: give the path from src/ or the root'
    target = header_module(name) if first == "kz" else first
    if target not in LEVEL:
        return f'"{name}" belongs to no module'
    if target == own or LEVEL[target] < LEVEL[own] and first in ("kz", "kernels"):
        return None
    if LEVEL[target] < LEVEL[own]:
        return f'"{name}" is private to {target}: include "kz/{target}.h"'
    return f"{own} must not see {target}"


def check_sizes(path, lines):
    if len(lines) > MAX_FILE:
        yield f"{path}:{MAX_FILE + 1}: {len(lines)} lines, at most {MAX_FILE}"
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start:
            if number - start - 1 > MAX_FUNCTION:
                yield f"{path}:{start}: function of {number - start - 1} lines, at most {MAX_FUNCTION}"
            start = None


def check(root):
    problems, places = [], defaultdict(list)
    for file in sources(root, "src", "kernels", "tests", "bench"):
        path = file.relative_to(root).as_posix()
        places[file.name].append(path)
        lines = file.read_text(encoding="utf-8").splitlines()
        problems += check_sizes(path, lines)
        if not path.startswith(("src/", "kernels/")):
            continue
        if module_of(path) not in LEVEL:
            problems.append(f"{path}:1: {module_of(path)} is not a module")
            continue
        for number, line in enumerate(lines, 1):
            include = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if include:
                problem = check_include(root, path, include[1] == "<", include[2])
                problems += [f"{path}:{number}: {problem}"] if problem else []
    problems += [f"{p[0]}:1: the same file name as {', '.join(p[1:])}" for p in places.values() if len(p) > 1]
    return problems


def self_test():
    """Each planted violation must be found, alone; a clean tree must pass."""
    clean = {"src/kz/base.h": "", "src/kz/data.h": '#include "kz/base.h"\n', "src/kz/model.h": "",
             "src/data/data_impl.h": '#include <hdf5.h>\n', "src/record/build.c": '#include "build_info.h"\n',
             "src/data/open.c": '#include "data/data_impl.h"\n#include "data_impl.h"\n#include "kernels/sum/sum.h"\n',
             "kernels/sum/sum.h": "", "kernels/sum/gpu.cu": "#include <cuda_runtime.h>\n",
             "kernels/arith/cuda_ops.h": '#include <cuda_runtime.h>\n#include "cuda_on_cpu_ops.h"\n',
             "kernels/cuda/launchers.h": "#include <cuda_runtime.h>\n", "src/device/cuda_module.h": "",
             "src/device/device.c": '#include "device/cuda_module.h"\n',
             "src/cli/main.c": '#include "kz/data.h"\nint main(void)\n{\n' + "\n" * MAX_FUNCTION + "}\n"}
    planted = {"src/model/a.c": ('#include "kz/data.h"\n', "model must not see data"),
               "src/base/b.c": ('#include "kz/data.h"\n', "base must not see data"),
               "kernels/sum/c.c": ('#include "kz/base.h"\n', "kernels must not see base"),
               "src/train/d.c": ('#include "data/data_impl.h"\n', "private to data"),
               "src/model/e.c": ("#  include <hdf5.h>\n", "HDF5 header"),
               "src/train/f.c": ("#include <mpi.h>\n", "MPI header"),
               "src/device/g.c": ("#include <cuda_runtime.h>\n", "CUDA header"),
               "kernels/sum/m.h": ("#include <cuda_runtime.h>\n", "CUDA header"),
               "kernels/sum/n.h": ('#include "cuda_on_cpu_ops.h"\n', "CUDA header"),
               "src/model/h.c": ('#include "build_info.h"\n', "not in this folder"),
               "src/model/i.c": ('#include "kz/nothing.h"\n', "belongs to no module"),
               "src/oddity/j.c": ("", "is not a module"),
               "tests/cli/main.c": ("", "same file name"),
               "src/model/k.c": ("\n" * (MAX_FILE + 1), "501 lines"),
               "src/model/l.c": ("int f(void)\n{\n" + "\n" * (MAX_FUNCTION + 1) + "}\n", "function of 101 lines")}
    failed = 0
    for extra in [None, *planted]:
        with tempfile.TemporaryDirectory() as folder:
            files = dict(clean, **({extra: planted[extra][0]} if extra else {}))
            for path, text in files.items():
                Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
                Path(folder, path).write_text(text)
            found = check(Path(folder))
            good = len(found) == 1 and planted[extra][1] in found[0] if extra else not found
            failed += not good
            print("ok  " if good else "FAIL", extra or "clean tree", *found)
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parent.parent
    problems = check(root)
    print(*problems, f"{len(sources(root, 'src', 'kernels'))} files, {len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
