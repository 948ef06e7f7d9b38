#!/usr/bin/env python3
"""Trains the same work on this machine's GPU in Kaizen and in PyTorch, in turns, and compares the time of a step.

usage: bench/peers/gpu_train.py --data FOLDER --out FILE [--seconds S] [--rounds N] [--kaizen FILE] [--rehearse]

FOLDER has the rows as bytes (scripts/gpu-check makes it).  PyTorch: the python3 that runs this, or --python.  What is not there
is null in the result, with the reason.  --rehearse: small workloads, to show that all works where there is no GPU.
Exit status: 0 done, 1 something failed or its losses disagree, 2 usage.
"""

import argparse
import json
import os
import pathlib
import queue
import shutil
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True  # for the imports below
import kaizen_run
import peer_statistics as stats
from gpu_workloads import MODES, PRECISIONS, VARIANTS, WORKLOADS, make_data, rehearsed

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOLERANCE = {"fp32": 1e-2, "tf32": 2e-2, "bf16": 1e-1}  # of the mean loss of epoch 1, beside Kaizen's reproducible one
EPOCHS = {"mlp-4096": 6, "mlp-32": 12, "mlp-32-128": 20}  # of Kaizen in a round; the first one warms up
SAMPLE_S = 0.4  # of PyTorch in a round
PREPARE_S = 90  # of one variant
GROUPS = (("eager", "graphs"), ("compile", "compile_graphs"))  # in turns with each other; what compiles, last
RESERVE_S = 8.0  # at the end, for writing and for what is under way
UNAVAILABLE = 69


class Failed(Exception):
    """The reason."""


class Unavailable(Failed):
    """This version of Kaizen, or this machine, does not have it; or there was no time for it."""


class Torch:
    """torch_gpu_run.py in one precision."""

    def __init__(self, python, precision, device, log):
        self.answers, self.ended = queue.Queue(), False
        self.child = subprocess.Popen([python, str(HERE / "torch_gpu_run.py"), precision, device], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=log, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.answers.put(line)
        self.answers.put(None)

    def ask(self, limit, **request):
        """The answer; one that does not come in time ends the process."""
        try:
            self.child.stdin.write(json.dumps(request) + "\n")
            self.child.stdin.flush()
            line = self.answers.get(timeout=max(limit, 1.0))
        except queue.Empty:
            self.close()
            raise Failed(f"no answer after {limit:.0f} s") from None
        except OSError:
            line = None
        if line is None:
            self.ended = True
            raise Failed("the process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise (Unavailable if answer.get("unavailable") else Failed)(answer["error"])
        return answer

    def close(self):
        self.ended = True
        self.child.kill()
        self.child.wait()


class Comparison:
    def __init__(self, args):
        self.args, self.work = args, args.work
        self.deadline = time.monotonic() + args.seconds
        self.torch, self.about, self.no_torch, self.faults, self.unavailable = {}, None, None, [], []
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.log = open(self.work / "torch.log", "wb")
        self.device = None

    def left(self):
        return self.deadline - RESERVE_S - time.monotonic()

    # ---- Kaizen ----

    def train(self, job, precision, text=None):
        """Kaizen once: the answer of its run directory."""
        out, path = self.work / "run", self.work / "kaizen.json"
        shutil.rmtree(out, ignore_errors=True)
        path.write_text(text or kaizen_run.config(job, job["hdf5"]))
        command = [str(self.args.kaizen), "--config", str(path), "--device", "cuda", "--out", str(out), "--quiet"]
        if precision != "fp32":
            command += ["--set", "device.arithmetic=fast", "--set", f"device.precision={precision}"]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=max(self.left(), 5.0))
        except subprocess.TimeoutExpired:
            raise Unavailable("the time was used up") from None
        if done.returncode != 0:
            last = (done.stdout.strip().splitlines() or ["no message"])[-1]
            kind = Unavailable if done.returncode == UNAVAILABLE else Failed
            raise kind(f"exit status {done.returncode}: {last[:300]}")
        answer, run = kaizen_run.read(out)
        self.device = run["device"]
        return answer

    # ---- PyTorch ----

    def look_for_torch(self):
        look = "import torch" if self.args.rehearse else "import torch; assert torch.cuda.is_available(), 'no GPU for it'"
        try:
            subprocess.run([self.args.python, "-c", look], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           timeout=120)
            self.start_torch()
            self.about = self.torch["fp32"].ask(120, do="about")
        except (subprocess.SubprocessError, OSError, Failed) as err:
            lines = (getattr(err, "stderr", None) or str(err)).strip().splitlines()
            self.no_torch = f"PyTorch cannot be used: {lines[-1][:300] if lines else 'no message'}"

    def start_torch(self):
        """Those that do not run, which are all at first."""
        for precision in PRECISIONS:
            if precision not in self.torch or self.torch[precision].ended:
                device = "cpu" if self.args.rehearse else "cuda"
                self.torch[precision] = Torch(self.args.python, precision, device, self.log)

    def prepare(self, job, variants, entries):
        """Variants of a workload; the precisions side by side, since compiling takes the time."""
        def prepare_one(precision):
            for variant in variants:
                entry = entries[precision][variant]
                try:
                    if self.left() < 15:
                        raise Unavailable("the time was used up before it was prepared")
                    answer = self.torch[precision].ask(min(self.left(), PREPARE_S), do="prepare", job=job, variant=variant)
                    entry["loss"] = answer["loss"]
                except Failed as err:
                    entry.update(reason=str(err), unavailable=isinstance(err, Unavailable))
        threads = [threading.Thread(target=prepare_one, args=(p,)) for p in self.torch]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # ---- both ----

    def sample(self, job, precision, variant, entry):
        """One sample more of an entry that works: seconds of a step."""
        if entry["reason"]:
            return
        try:
            if variant is None:
                answer = self.train(job, precision)
                seconds = answer["seconds"][1:]
                entry.setdefault("loss", answer["losses"][0])
            else:
                seconds = self.torch[precision].ask(min(self.left(), 30), do="time", name=job["name"], variant=variant,
                                                    seconds=SAMPLE_S)["seconds"]
            entry["samples"].append(statistics.median(seconds) * job["batch"] / job["rows"])
        except Failed as err:
            entry.update(reason=str(err), unavailable=isinstance(err, Unavailable))

    def begin(self, w):
        """A workload's job, with its data and the weights that all start from, and an entry for each to measure."""
        job = make_data(w, self.args.data, self.work, self.args.kaizen.with_name("kaizen"))
        job["epochs"] = 2 if self.args.rehearse else EPOCHS[w["name"]]
        self.train(job, "fp32", kaizen_run.start_config(job))
        shutil.copy(self.work / "run" / "model.safetensors", job["start"])
        return job, {p: entry_of() for p in PRECISIONS}, {p: {v: entry_of(self.no_torch) for v in VARIANTS} for p in PRECISIONS}

    def measure(self, job, kaizen, torch, variants):
        """Rounds of Kaizen and some variants of PyTorch in turns."""
        if not self.no_torch:
            self.start_torch()
            self.prepare(job, variants, torch)
        for number in range(self.args.rounds):
            if self.left() < 10 and kaizen["fp32"]["samples"]:
                break
            for p in PRECISIONS:
                self.sample(job, p, None, kaizen[p])
                for variant in variants:
                    self.sample(job, p, variant, torch[p][variant])
            print(f"{job['name']}, {', '.join(variants)}: round {number + 1} done", file=sys.stderr, flush=True)

    def row(self, job, kaizen, torch):
        reference = kaizen["fp32"].get("loss")
        row = {k: job[k] for k in ("name", "what", "units", "batch", "rows", "optimizer", "source")}
        row["kaizen"] = {p: dict(self.finish(job, "kaizen", p, kaizen[p], reference, must=p == "fp32"), arithmetic=MODES[p])
                         for p in PRECISIONS}
        row["torch"] = {p: {v: self.finish(job, v, p, e, reference) for v, e in torch[p].items()} for p in PRECISIONS}
        row["ratios"] = ratios(row)
        return row

    def finish(self, job, tool, precision, entry, reference, must=False):
        """An entry of the result: null with the reason, or times; a loss that disagrees leaves no times.  What `must` be there
        is a fault where it is not."""
        fault = entry["reason"]
        if not fault and not entry["samples"]:
            fault = "no sample: the time was used up"
            entry["unavailable"] = True
        if not fault:
            fault = stats.apart("the mean loss of epoch 1", reference, entry.get("loss"), TOLERANCE[precision])
        if fault:
            if must or not entry.get("unavailable") and fault != self.no_torch:
                self.faults.append(f"{job['name']}, {tool} {precision}: {fault}")
            elif tool == "kaizen":
                self.unavailable.append({"workload": job["name"], "precision": precision, "reason": fault})
            return {"us_per_step": None, "reason": fault}
        step = statistics.median(entry["samples"])
        return {"us_per_step": 1e6 * step, "samples_per_s": job["batch"] / step, "loss": entry["loss"],
                "us_samples": [round(1e6 * s, 3) for s in entry["samples"]]}


def entry_of(reason=None):
    return {"samples": [], "reason": reason}


def ratios(row):
    """PyTorch's time of a step divided by Kaizen's: above 1 Kaizen is faster."""
    out = {}
    for precision in PRECISIONS:
        own = row["kaizen"][precision]["us_per_step"]
        for variant, entry in row["torch"][precision].items():
            if own and entry["us_per_step"]:
                out[f"{variant}_{precision}"] = round(entry["us_per_step"] / own, 4)
    return out


def table(rows):
    for row in rows:
        yield f"{row['name']}: {row['what']}, batch {row['batch']}; microseconds of a step"
        for precision in PRECISIONS:
            cells = {"kaizen": row["kaizen"][precision], **row["torch"][precision]}
            texts = [f"{name} {e['us_per_step']:.1f}" if e["us_per_step"] else f"{name} -" for name, e in cells.items()]
            yield f"  {precision}  " + "  ".join(texts)


def options():
    about, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the JSON file")
    parser.add_argument("--seconds", type=float, default=240, help="after which no more is begun (240)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kaizen", type=pathlib.Path, default=ROOT / "build" / "train", help="the program `train`")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "gpu-train", help="folder for data, made anew")
    parser.add_argument("--python", default=sys.executable, help="that has PyTorch")
    parser.add_argument("--rehearse", action="store_true")
    args = parser.parse_args()
    if args.rounds < 1 or not args.kaizen.exists():
        parser.error("--rounds is at least 1, and --kaizen must be there")
    return args


def main():
    args = options()
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(ROOT / "build" / "inductor"))
    comparison, begun = Comparison(args), []
    comparison.look_for_torch()
    print(comparison.no_torch or f"PyTorch {comparison.about['torch']}", file=sys.stderr)
    for w in WORKLOADS:
        try:
            begun.append(comparison.begin(rehearsed(w) if args.rehearse else w))
        except (Failed, OSError, ValueError, subprocess.SubprocessError) as err:
            comparison.faults.append(f"{w['name']}: {err}")
    for variants in GROUPS:
        for job, kaizen, torch in begun:
            comparison.measure(job, kaizen, torch, variants)
    rows = [comparison.row(*each) for each in begun]
    for server in comparison.torch.values():
        server.close()
    device = comparison.device or {}
    real = device.get("kind") == "cuda" and not args.rehearse
    result = {"schema": "kaizen.gpu_train/1", "device": device.get("kind"), "gpu": (device.get("gpu") or {}).get("model"),
              "figures": "measured" if real else "meaningless: a rehearsal, which measures nothing",
              "torch": comparison.about, "torch_reason": comparison.no_torch, "rounds": args.rounds, "variants": VARIANTS,
              "tolerance": TOLERANCE, "workloads": rows, "unavailable": comparison.unavailable, "faults": comparison.faults}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    lacking = [f"{e['workload']}: no {e['precision']}: {e['reason']}" for e in comparison.unavailable]
    print("\n".join([*table(rows), *lacking, *comparison.faults]))
    return 1 if comparison.faults else 0


if __name__ == "__main__":
    sys.exit(main())
