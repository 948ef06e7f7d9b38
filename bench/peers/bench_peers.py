#!/usr/bin/env python3
"""Trains the same work in Kaizen, PyTorch, JAX and scikit-learn, each sample a fresh process, and compares the speeds.

usage: bench/peers/bench_peers.py [--rounds N] [--threads 1,2] [--only WORKLOAD]... [--tools TOOL,TOOL] [--quick]
                                  [--add] [--out FILE]

Needs build/kaizen, and the peers' packages in build/peers-venv (scripts/peers-venv makes it).  docs/benchmarks.md has the method.
Writes results/peers.json and results/peers.md; a run of less than everything goes to build/peers/ unless --out says otherwise.
Exit status: 0 done, 1 a tool failed or its losses disagree (its times are then not reported), 2 usage or something missing.
"""

import argparse
import datetime
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # for the imports below
import kaizen_run
import peer_statistics as stats
from workloads import TOOLS, WORKLOADS, quick

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SECONDS = 900  # after which a sample has failed
NOT_COMPARED = {"sklearn SGDClassifier": "updates after every single row; it has no batches, so it does other work"}


class Failed(Exception):
    """A sample that gave no answer; the text says why."""


def environment(threads):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    caches = {"TORCHINDUCTOR_CACHE_DIR": str(ROOT / "build" / "peers" / "inductor")}
    return dict(os.environ, JAX_PLATFORMS="cpu", PYTHONWARNINGS="ignore", **dict.fromkeys(names, str(threads)), **caches)


def spawn(command, cpus, environ, log):
    """Wall seconds from start to end of a child on the given CPUs, and its CPU seconds."""
    with open(log, "wb") as f:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=environ,
                                 preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        try:
            status = child.wait(SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise Failed(f"not done after {SECONDS} s") from None
        seconds = time.perf_counter() - start
    if status != 0:
        lines = log.read_text(errors="replace").strip().splitlines() or ["no message"]
        raise Failed(f"exit status {status}: {lines[-1][:300]}; the whole message is in {log}")
    return seconds


class Bench:
    def __init__(self, args):
        self.args, self.work = args, ROOT / "build" / "peers"
        self.python = args.venv / "bin" / "python"
        self.usable = sorted(os.sched_getaffinity(0))
        self.versions, self.run_record = {}, None
        self.work.mkdir(parents=True, exist_ok=True)

    def script(self, name, job, cpus, threads):
        """Runs a script of this folder in the peers' environment; its answer and wall seconds."""
        paths = [self.work / f"{name}.{kind}.json" for kind in ("job", "answer")]
        paths[0].write_text(json.dumps(job))
        paths[1].unlink(missing_ok=True)
        seconds = spawn([str(self.python), str(HERE / f"{name}.py"), *map(str, paths)], cpus, environment(threads),
                        self.work / f"{name}.log")
        return json.loads(paths[1].read_text()), seconds

    def kaizen(self, job, text, cpus, threads):
        """Runs Kaizen on a config; its answer and wall seconds."""
        out, path = self.work / "run", self.work / "kaizen.json"
        shutil.rmtree(out, ignore_errors=True)
        path.write_text(text)
        seconds = spawn(kaizen_run.command(self.args.kaizen, path, threads, out), cpus, environment(threads),
                        self.work / "kaizen.log")
        answer, self.run_record = kaizen_run.read(out)
        return answer, seconds

    def prepare(self, w):
        """The job of a workload: its data, the weights that all tools start from, and what they make of the first batches."""
        job = dict(w, datasets=str(self.args.datasets), model=str(self.work / "model.out"))
        for key, end in (("hdf5", ".h5"), ("check_hdf5", "-check.h5"), ("start_hdf5", "-start.h5"), ("x", "-x.npy"),
                         ("y", "-y.npy"), ("start", "-start.safetensors")):
            job[key] = str(self.work / f"{w['name']}{end}")
        if w["process"]:
            digits = str(ROOT / "datasets" / "digits.h5")
            job.update(hdf5=digits, check_hdf5=digits, start_hdf5=digits, rows=1437, check_rows=1437)
            job["source"] = "digits.h5, as it is"
        else:
            job["source"] = self.script("make_data", job, self.usable, 1)[0]["source"]
        self.kaizen(job, kaizen_run.start_config(job), self.usable, 1)
        shutil.copy(self.work / "run" / "model.safetensors", job["start"])
        return dict(job, tools=self.check(job))

    def train(self, tool, job, cpus, threads):
        """One fresh process: its answer and wall seconds."""
        if tool == "kaizen":
            answer, wall = self.kaizen(job, kaizen_run.config(job, job["hdf5"]), cpus, threads)
        else:
            name, _, variant = tool.partition("_")
            answer, wall = self.script(f"{name}_run", dict(job, variant=variant, threads=threads), cpus, threads)
        if answer["threads"] != threads:
            raise Failed(f"used {answer['threads']} threads, not {threads}")
        self.versions[tool.partition("_")[0]] = answer["version"]
        return answer, wall

    def check(self, job):
        """Each tool once over the first batches; what judge() needs of each, without samples."""
        tools, short = {}, dict(job, rows=job["check_rows"], hdf5=job["check_hdf5"], epochs=1)
        for name in self.args.tools:
            tools[name] = {"check": None, "error": None}
            try:
                tools[name]["check"] = self.train(name, short, self.usable[:1], 1)[0]["losses"][0]
                print(f"{job['name']} check {name}: loss {tools[name]['check']:.9g}", file=sys.stderr)
            except Failed as err:
                tools[name]["error"] = str(err)
                print(f"{job['name']} check {name}: {err}", file=sys.stderr)
        return tools

    def sample(self, tool, job, cpus, threads):
        """One fresh process: {answer, speed, seconds}."""
        answer, wall = self.train(tool, job, cpus, threads)
        speed = job["rows"] * job["epochs"] / wall if job["process"] else stats.samples_per_second(job["rows"], answer["seconds"])
        return {"answer": answer, "speed": speed, "seconds": wall}

    def measure(self, job, threads):
        """All rounds of a workload, the tools in a random order in each."""
        tools = {name: dict(tool, samples=[]) for name, tool in job["tools"].items()}
        order = random.Random(f"{job['name']} {threads}")
        for number in range(self.args.rounds):
            begin = number % len(self.usable)
            cpus = (self.usable[begin:] + self.usable[:begin])[:threads]
            for name in order.sample(list(tools), len(tools)):
                if tools[name]["error"]:
                    continue
                try:
                    sample = self.sample(name, job, cpus, threads)
                except Failed as err:
                    tools[name]["error"] = str(err)
                    print(f"{job['name']} x{threads} {name}: {err}", file=sys.stderr)
                    continue
                print(f"{job['name']} x{threads} round {number + 1} {name}: {sample['speed']:,.0f} samples/s", file=sys.stderr)
                tools[name]["samples"].append(sample)
        return tools

    def row(self, job, threads):
        """A row of the result."""
        load = os.getloadavg()
        tools = self.measure(job, threads)
        judged = stats.judge(tools)
        for name, entry in judged.items():
            entry["check_loss"] = tools[name]["check"]
            samples = tools[name]["samples"]
            if samples:
                entry.update(first_loss=samples[0]["answer"]["losses"][0], last_loss=samples[0]["answer"]["losses"][-1])
            if "speed" in entry:
                entry["speeds"] = [s["speed"] for s in samples]
                entry["seconds"] = stats.summary([s["seconds"] for s in samples])
            else:
                print(f"{job['name']} x{threads} {name}: refused: {entry['status']}", file=sys.stderr)
        keys = ("name", "what", "units", "activation", "optimizer", "rows", "batch", "epochs", "process", "source")
        return {**{k: job[k] for k in keys}, "threads": threads, "load_before": load, "tools": judged,
                "fastest_peer": stats.fastest_peer(judged)}


def options():
    about, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="default: 7; with --quick 1")
    parser.add_argument("--threads", help="thread counts; default: 1,2, as far as there are processors")
    parser.add_argument("--only", action="append", choices=[w["name"] for w in WORKLOADS], help="a workload; may be repeated")
    parser.add_argument("--tools", help="of: " + ",".join(TOOLS) + "; kaizen always takes part, as the reference of the losses")
    parser.add_argument("--quick", action="store_true", help="small workloads, one round: shows that all works, not how fast")
    parser.add_argument("--out", type=pathlib.Path, help="the JSON file; the table lies beside it, with the ending .md")
    parser.add_argument("--add", action="store_true", help="keep the rows of the JSON file that this run does not measure")
    parser.add_argument("--venv", type=pathlib.Path, default=ROOT / "build" / "peers-venv")
    parser.add_argument("--kaizen", type=pathlib.Path, default=ROOT / "build" / "kaizen")
    parser.add_argument("--datasets", type=pathlib.Path,
                        default=os.environ.get("KAIZEN_DATASETS", ROOT.parent / "shared" / "datasets"))
    args = parser.parse_args()
    whole = not (args.only or args.tools or args.quick)
    args.rounds = args.rounds or (1 if args.quick else 7)
    args.out = args.out or (ROOT / "results" / "peers.json" if whole else ROOT / "build" / "peers" / "peers.json")
    wanted = ["kaizen", *(args.tools.split(",") if args.tools else TOOLS)]
    unknown = set(wanted) - set(TOOLS)
    if unknown:
        parser.error(f"no tool {', '.join(sorted(unknown))}; there are: {', '.join(TOOLS)}")
    args.tools = [t for t in TOOLS if t in wanted]
    cores = len(os.sched_getaffinity(0))
    try:
        args.threads = [int(t) for t in args.threads.split(",")] if args.threads else [1, 2][:cores]
    except ValueError:
        parser.error(f"--threads {args.threads}: not whole numbers")
    if args.rounds < 1 or not all(1 <= t <= cores for t in args.threads):
        parser.error(f"--rounds is at least 1, --threads from 1 to the {cores} cores that may be used")
    return args


def earlier_rows(args, commit):
    """The rows of --out that --add keeps."""
    if not (args.add and args.out.exists()):
        return []
    earlier = json.loads(args.out.read_text(encoding="utf-8"))
    if (earlier["build"]["commit"], earlier["quick"]) != (commit, args.quick):
        raise Failed(f"{args.out} is of another build, or quick and not quick: nothing can be added to it")
    return earlier["workloads"]


def missing(args):
    """What must be there first, and is not; or None."""
    if not args.kaizen.exists():
        return f"no {args.kaizen}; run: make build"
    if not (args.venv / "bin" / "python").exists():
        return f"the other tools are not in {args.venv}; run: scripts/peers-venv (takes about 6 GB)"
    return None


def result_of(bench, args, rows, load):
    run = bench.run_record
    return {"schema": "kaizen.bench-peers/1", "command": "bench/peers/bench_peers.py " + " ".join(sys.argv[1:]),
            "finished": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "quick": args.quick,
            "machine": {"cpu": run["machine"]["cpu"]["model"], "cores": len(bench.usable),
                        "memory_bytes": run["machine"]["memory_bytes"], "kernel": run["machine"]["kernel"]},
            "load": {"before": load, "after": os.getloadavg()},
            "build": {k: run["build"][k] for k in ("version", "commit", "dirty", "arithmetic", "compiler", "flags")},
            "isa": run["device"]["isa"], "versions": {k: v for k, v in bench.versions.items() if k != "kaizen"},
            "rounds": args.rounds, "tools": {t: TOOLS[t] for t in args.tools}, "not_compared": NOT_COMPARED,
            "tolerance": {"check": stats.CHECK_TOLERANCE, "first_epoch": stats.FIRST_TOLERANCE,
                          "last_epoch": stats.LAST_TOLERANCE},
            "workloads": rows}


def write(path, result):
    """JSON and table, as far as they go; the table's text."""
    text = "\n".join(stats.markdown(result)) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    return text


def main():
    args = options()
    if missing(args):
        print(f"bench-peers: {missing(args)}", file=sys.stderr)
        return 2
    bench, rows, load = Bench(args), [], os.getloadavg()
    names = [w["name"] for w in WORKLOADS]
    wanted = [quick(w) if args.quick else w for w in WORKLOADS if not args.only or w["name"] in args.only]
    try:
        jobs = [bench.prepare(w) for w in wanted]
        rows = earlier_rows(args, bench.run_record["build"]["commit"])
        for threads in args.threads:
            for job in jobs:
                rows = stats.with_row(rows, bench.row(job, threads), names)
                text = write(args.out, result_of(bench, args, rows, load))
    except Failed as err:  # no data, or no weights to start from
        print(f"bench-peers: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"bench-peers: stopped; {len(rows)} rows of the result are done" + f", in {args.out}" * bool(rows), file=sys.stderr)
        return 130
    print(text, end="")
    return 0 if all(e["status"] == "agrees" for r in rows for e in r["tools"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
