#!/usr/bin/env python3
"""Trains on files from strangers: broken, hostile and odd ones, each with its exit status and message.

    python3 tests/data/hostile_files.py [--kaizen PROGRAM] [--keep DIR] [--list] [--also COMMAND] [NAME]...
    python3 tests/data/hostile_files.py --make DIR          only writes the files

The files are made by hostile_broken.py, hostile_traps.py and hostile_odd.py with Debian's python3-h5py; where it is not
installed the exit status is 77.  Each file is trained on (a few with --dry-run), and these must hold:

  - the exit status is exactly the one of the table; no signal, and an end within 5 seconds
  - a refusal is one line on stderr that holds the piece of the table and names the file
  - the program, and each process that it starts, stays below the limit of resident memory
  - no process is left behind; files marked `same` train to the very weights of the sound file
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIP = 77
SECONDS, HOPELESS = 5, 60  # in which it must end; after which it is ended


def make(folder):
    """Writes all files; returns the table."""
    sys.path.insert(0, str(HERE))
    sys.dont_write_bytecode = True
    import hostile_broken, hostile_odd, hostile_traps  # noqa: F401, E401
    from hostile_make import LIMIT_MIB, ROWS, sound

    sound(folder / "sound.h5")
    table = [{"name": "sound", "exit": 0, "message": "", "same": True, "limit": LIMIT_MIB}]
    for entry in ROWS:
        entry.pop("make")(folder / f"{entry['name']}.h5")
        table.append({"limit": LIMIT_MIB, **entry})
    return table


def with_h5py():
    """A Python that has h5py: Debian's, or the one in the path."""
    for python in ("/usr/bin/python3", sys.executable):
        if os.path.exists(python) and subprocess.run([python, "-c", "import h5py, numpy"], capture_output=True).returncode == 0:
            return python
    return None


def config(entry, path):
    return json.dumps({
        "name": "hostile",
        "data": {"path": path, "train": {"x": entry.get("x", "/train/x"), "y": entry.get("y", "/train/y")}, "test": "none",
                 "scale": "unit", "memory": "64MiB"},
        "model": {"layers": [{"type": "dense"}]},
        "optimizer": {"name": "sgd", "lr": 0.1},
        "train": {"epochs": 1, "batch": 8},
    }, ensure_ascii=False)


def command_of(options, entry, folder, at):
    """The command of this row, whose files are named `at` with other endings."""
    path = entry.get("file", str(folder / f"{entry['name']}.h5"))
    if options.also:
        return [options.kaizen, *options.also.split(), path]
    at.write_text(config(entry, path))
    command = [options.kaizen, "train", "--config", str(at), "--out", str(at.with_suffix(".run")), "--json",
               "--threads", "1"]
    command += ["--dry-run"] if entry.get("dry") else []
    return command + [word for s in entry.get("settings", []) for word in ("--set", s)]


def run(options, entry, folder):
    """(exit status or -signal, stdout, stderr, seconds, peak MiB, left); the status is None after a time-out."""
    (folder / "work").mkdir(exist_ok=True)
    at = folder / "work" / f"{entry['name']}.json"
    command = command_of(options, entry, folder, at)
    with open(at.with_suffix(".out"), "wb") as out, open(at.with_suffix(".err"), "wb") as err:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True)
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            seconds = time.monotonic() - begin
            if pid or seconds > HOPELESS:
                break
            time.sleep(0.001)
        if not pid:
            os.killpg(child.pid, signal.SIGKILL)
            _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0  # it was waited for
    cpu = usage.ru_utime + usage.ru_stime  # with the processes that it started and saw end
    # others may have had the processor meanwhile: it must neither have computed that long nor slept
    late = not pid or not options.any_cost and seconds > SECONDS and (cpu > SECONDS or cpu < seconds / 10)
    left = not pid or group_lives(child.pid)
    text = [at.with_suffix(end).read_bytes().decode("utf-8", "replace") for end in (".out", ".err")]
    return None if late else os.waitstatus_to_exitcode(status), *text, seconds, usage.ru_maxrss / 1024, left


def group_lives(group):
    """Processes of ours may need a moment to see that their parent is gone."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.005)
    os.killpg(group, signal.SIGKILL)
    return True


def weights(out):
    return json.loads(out)["digests"]["weights"]


def faults(entry, result, sound):
    """What is wrong with this result; `sound` is the digest of the sound file's weights."""
    status, out, err, _, peak, left = result
    if status is None:
        yield f"does not end within {SECONDS} s"
        return
    if left:
        yield "leaves a process behind"
    if status != entry["exit"]:
        yield f"exit {status}, wanted {entry['exit']}" if status >= 0 else f"ends by {signal.Signals(-status).name}"
    pieces = entry["message"] if isinstance(entry["message"], list) else [entry["message"]]
    if not any(piece in err for piece in pieces):
        yield f"the message lacks {' or '.join(map(repr, pieces))}"
    if entry["exit"] != 0 and not entry.get("quiet") and entry.get("file", f"{entry['name']}.h5") not in err:
        yield "the message does not name the file"
    if entry["exit"] != 0 and (not err.strip() or any(ord(c) < 32 and c not in "\n" for c in err)):
        yield "no message, or one with control characters"
    if entry["limit"] and peak > entry["limit"]:
        yield f"takes {peak:.0f} MiB, at most {entry['limit']} are allowed"
    if entry.get("same") and status == 0 and sound and weights(out) != sound:
        yield "trains to other weights than the sound file"


def faults_also(entry, result):
    """What is wrong with the result of another command, of which no more is known."""
    status, _, err, _, peak, left = result
    if status is None:
        yield f"does not end within {SECONDS} s"
    elif status not in (0, 65, 66):
        yield f"exit {status}, wanted 0, 65 or 66" if status >= 0 else f"ends by {signal.Signals(-status).name}"
    if left:
        yield "leaves a process behind"
    if status and not err.strip():
        yield "no message"
    if entry["limit"] and peak > entry["limit"]:
        yield f"takes {peak:.0f} MiB, at most {entry['limit']} are allowed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kaizen", default=str(HERE.parent.parent / "build" / "kaizen"))
    parser.add_argument("--make", type=Path, metavar="DIR", help="write the files and table.json there, run nothing")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work there and leave everything")
    parser.add_argument("--also", metavar="COMMAND", help='runs this on each file in place of train, as "data inspect"')
    parser.add_argument("--any-cost", action="store_true", help="no limit of memory, 60 s in place of 5, for sanitizers")
    parser.add_argument("--list", action="store_true", help="print the table with what was found")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    options = parser.parse_args()
    if options.make:
        options.make.mkdir(parents=True, exist_ok=True)
        table = make(options.make.resolve())
        (options.make / "table.json").write_text(json.dumps(table, indent=1))
        return 0
    python = with_h5py()
    if not python:
        print("skipped: python3-h5py is not installed (scripts/install-deps --test)")
        return SKIP
    with tempfile.TemporaryDirectory(prefix="hostile.") as scratch:
        return check(options, python, (options.keep or Path(scratch)).resolve())


def check(options, python, folder):
    # in a process of its own: what numpy takes here would count as memory of the programs that are started
    subprocess.run([python, __file__, "--make", str(folder)], check=True)
    table = json.loads((folder / "table.json").read_text())
    unknown = set(options.names) - {entry["name"] for entry in table}
    if unknown:
        sys.exit(f"no row {', '.join(sorted(unknown))}")
    sound, failed, slowest, peak = None, [], (0, ""), (0, "")
    for entry in table:
        name = entry["name"]
        if options.names and name not in options.names and name != "sound":
            continue
        if options.any_cost:
            entry["limit"] = 0
        result = run(options, entry, folder)
        if name == "sound" and result[0] == 0 and not options.also:
            sound = weights(result[1])
        found = list(faults_also(entry, result) if options.also else faults(entry, result, sound))
        slowest, peak = max(slowest, (result[3], name)), max(peak, (result[4], name))
        if options.list or found:
            last = result[2].strip().splitlines()[-1:] or [""]
            print(f"{'FAILS' if found else 'passes'} {name}: exit {result[0]}, {result[3]:.2f} s, {result[4]:.0f} MiB: "
                  f"{last[0][:300]}")
        if found:
            failed.append(name)
            print("".join(f"    {f}\n" for f in found), end="", flush=True)
    count = len(options.names) or len(table)
    print(f"{count} files, {len(failed)} failed; slowest {slowest[0]:.2f} s ({slowest[1]}), "
          f"most memory {peak[0]:.0f} MiB ({peak[1]})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
