"""What gpu-check does, step by step: each returns a sentence and the output, or raises Failed or Skipped."""

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import gpu_goals
import gpu_prefix
from gpu_goals import LARGE
from gpu_steps import Failed, Skipped, TimedOut, run

MOST_JSON = 100_000  # bytes of a result: they are kept with the sources
TOOLKIT = "/usr/local/cuda"
# For the sanitizers, which slow kernels down a hundredfold: the quickest tests that reach every kernel, a process for each row.
SANITIZED = ["CudaTally.*:CudaAdd.*:CudaReplay.*", "CudaMeanNorm.GivesThePlainBitsForAnyTensors", "CudaOptim.Clips",
             "CudaGather.AlignmentChangesNothing:CudaGather.WideRowsAreCut", "DenseCuda.EveryActivation*",
             "DenseCuda.EveryCutIsTheCpus",
             "CudaCrossEntropy.GivesThePlainBits:CudaCrossEntropy.ManyClasses:CudaBinaryCrossEntropy.*:CudaSquaredError.*",
             "CudaSum.FollowsTheRuleAtEverySize",
             "CudaStep.AfterWhatIsNotFiniteNothingIsUpdated:CudaStep.GivesTheBitsOfTheOperations",
             "CudaLoss.SumsOfManyRowsAreTheRules",
             "FastKernels.CastsAreRounded:FastKernels.BiasGradientsAreSumsOfColumns:FastKernels.OptimisersKeepTheCopy",
             "FastKernels.SlopesAreTheCpusRounded:FastKernels.FinishesLayersAsTheCpu", "DenseCuda.EveryShapeIsTheCpus"]


def in_a_sentence(result):
    """What bench-gpu measured, in short: the slowest of the passes over large arrays, and the products."""
    if result["figures"] != "measured":
        return result["figures"]
    large = [row for row in result["kernels"] if row["us_cold"] and row["bytes"] >= LARGE]
    least = min(large, key=lambda row: row["bandwidth_share"], default=None)
    ratios = result["against_cublas"]
    said = [f"copy {result['limits']['copy_gb_per_s']:.0f} GB/s, binary32 {result['limits']['fp32_tflop_per_s']:.1f} TF/s"]
    if least:
        said.append(f"least share of the bandwidth {least['bandwidth_share']:.2f} ({least['name']})")
    for name, text in (("ratio_4096", "at 4096"), ("ratio_training_hot", "over training shapes")):
        if ratios[name]:
            said.append(f"{ratios[name]['geometric_mean']:.2f} of cuBLAS {text}")
    if not (ratios["ratio_4096"] or ratios["ratio_training_hot"]):
        said.append(f"NOT compared with cuBLAS: {ratios['cublas'].get('reason') or 'no product was measured'}")
    return ", ".join(said)


def of_trainings(result):
    """What gpu_train.py compared, in short.  Raises Skipped where that is nothing."""
    compared = [ratio for row in result["workloads"] for ratio in row["ratios"]]
    lacking = {entry["precision"]: entry["reason"] for entry in result["unavailable"]}
    without = "".join(f"; no {precision} of Kaizen's: {reason}" for precision, reason in lacking.items())
    if not compared:
        why = result["torch_reason"] or "no variant of PyTorch has a time (gpu_train.json has the reasons)"
        raise Skipped(f"nothing was compared, Kaizen trained alone: {why}{without}")
    return f"{len(compared)} comparisons with PyTorch {result['torch']['torch']}{without}"


def read_json(file):
    """None where the file is not there, or not whole: what wrote it may have been stopped."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def cublas_of(places):
    """cuBLAS, and the cuBLASLt of the same folder and version, or None for what is not there."""
    found = [file for place in places if place.is_dir() for number in (13, 12)
             for file in sorted(place.glob(f"**/libcublas.so.{number}")) if file.is_file()]
    beside = [file.with_name(file.name.replace("cublas", "cublasLt")) for file in found]
    return next(((a, b) for a, b in zip(found, beside) if b.is_file()), (found[0] if found else None, None))


class Work:
    """gpu-check on one machine.  rehearsing: there is no GPU, and the stand-in takes its place."""

    def __init__(self, root, pack, out, rehearsing):
        self.root, self.pack, self.out, self.rehearsing = root, pack, out, rehearsing
        self.build_folder = root / "build" / "gpu-check"
        self.prefix = root / "build" / "gpu-prefix"
        self.gpu, self.info, self.cublas, self.goals = None, None, None, []
        if not shutil.which("nvcc") and os.access(f"{TOOLKIT}/bin/nvcc", os.X_OK):
            os.environ["PATH"] += f":{TOOLKIT}/bin"
        os.environ.pop("KAIZEN_CUDA_MODULE", None)
        if rehearsing:
            os.environ["KAIZEN_CUDA_MODULE"] = str(self.build_folder / "libkaizen-cuda-on-cpu.so")

    def clean(self, text):
        """Without the paths of this machine."""
        return text.replace(f"{self.root}/", "").replace(str(self.root), ".")

    def program(self, name):
        """A program of the build; in a rehearsal the one that is built on the stand-in."""
        return self.build_folder / (f"{name}-on-cpu" if self.rehearsing else name)

    # ---- what is needed ----

    def look(self, seconds):
        """Which GPU there is, and which cuBLAS."""
        if self.rehearsing:
            if shutil.which("nvidia-smi"):
                raise Failed("there is a GPU: a rehearsal is for machines without one")
            return "no GPU: a rehearsal on the stand-in", ""
        said, output = self.look_at_gpu(seconds)
        places = [Path(folder) / "nvidia" for folder in sys.path if folder]
        return f"{said}; {self.take_cublas([*places, Path(TOOLKIT) / 'lib64'])}", output

    def take_cublas(self, places):
        """The same cuBLAS for bench-gpu, and cuBLASLt for Kaizen, in all steps: beside PyTorch, or in the toolkit."""
        self.cublas, light = cublas_of(places)
        given = os.environ.get("KAIZEN_CUBLASLT")
        if given:
            beside = Path(given).with_name(Path(given).name.replace("cublasLt", "cublas"))
            self.cublas = beside if beside.is_file() else self.cublas
            return f"{Path(given).name}, by KAIZEN_CUBLASLT"
        if not light:
            return "no cuBLASLt beside PyTorch or in the toolkit: the dynamic loader's, if it has one"
        os.environ["KAIZEN_CUBLASLT"] = str(light)
        where = "of the toolkit" if light.is_relative_to(TOOLKIT) else f"beside PyTorch ({'/'.join(light.parts[-4:-1])})"
        return f"{light.name} {where}"

    def look_at_gpu(self, seconds):
        query = "name,compute_cap,driver_version,memory.total"
        try:
            output = run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits", "--id=0"], seconds)
            values = [value.strip() for value in output.strip().splitlines()[0].split(",")]
        except (Failed, IndexError) as err:
            if not os.path.exists("/dev/nvidiactl"):
                raise Failed(f"no NVIDIA GPU is to be seen (nvidia-smi: {err})", getattr(err, "output", "")) from None
            return f"a driver is there, but nvidia-smi says nothing ({err})", ""
        self.gpu = dict(zip(("name", "compute_capability", "driver", "memory_mib"), values))
        return f"{values[0]}, driver {values[2]}", output

    def unpack(self, seconds):
        """The libraries that were sent along."""
        if not (self.pack / "packages").is_dir():
            raise Skipped(f"no {self.pack.name}: this machine's own libraries are used (scripts/gpu-check --pack makes it)")
        return f"{gpu_prefix.unpack(self.pack, self.prefix)} packages", ""

    def configure(self, seconds):
        capability = (self.gpu or {}).get("compute_capability", "9.0").replace(".", "")
        options = ["-DCMAKE_BUILD_TYPE=Release", "-DKZ_CUDA=ON", "-DKZ_TESTS=ON", "-DKZ_MPI=OFF", "-DKZ_HWLOC=OFF",
                   "-DKZ_MPFR=OFF", f"-DCMAKE_CUDA_ARCHITECTURES={capability}-real"]
        environment = dict(os.environ)
        if (self.prefix / "stamp").is_file() and (self.pack / "packages").is_dir():
            options += gpu_prefix.build_options(self.prefix)
            environment.update(gpu_prefix.build_environment(self.prefix))
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        output = run(["cmake", "-B", self.build_folder, *generator, *options], seconds, cwd=self.root, env=environment)
        return f"for sm_{capability}", output

    def build(self, seconds):
        targets = ["program", "kaizen-gpu-tests", "bench-gpu"]
        if self.rehearsing:
            targets += ["kaizen-gpu-tests-on-cpu", "bench-gpu-on-cpu"]
        cores = len(os.sched_getaffinity(0))
        output = run(["cmake", "--build", self.build_folder, "--parallel", str(cores), "--target", *targets], seconds)
        return f"on {cores} cores", output

    def ask(self, seconds):
        """kaizen info: which device it sees."""
        text = run([self.build_folder / "kaizen", "info", "--json"], seconds)
        self.info = json.loads(text[text.index("{"):])
        return "", json.dumps(self.info.get("devices", self.info), indent=1)

    # ---- checks ----

    def test(self, seconds):
        """The kernels' tests and whole trainings."""
        report = self.build_folder / "tests.json"
        report.unlink(missing_ok=True)
        leave_out = "--gtest_filter=-*GoldenConfigs*"  # the next step does it
        output = run([self.program("kaizen-gpu-tests"), "--gtest_brief=1", f"--gtest_output=json:{report}", leave_out], seconds,
                     cwd=self.root, env=dict(os.environ, KAIZEN_BIN=str(self.build_folder / "kaizen"),
                                             KAIZEN_SOURCE_DIR=str(self.root)))
        passed, skipped = self.tests_of(report)
        return f"{passed} tests passed, {skipped} skipped; they say why", output

    def tests_of(self, report):
        tests = [test for suite in json.loads(report.read_text())["testsuites"] for test in suite["testsuite"]]
        skipped = sum(test["result"] == "SKIPPED" for test in tests)
        if len(tests) == skipped:
            raise Failed("no test ran")
        return len(tests) - skipped, skipped

    def prove(self, seconds):
        """The golden configs against the recorded digests."""
        output = run([self.build_folder / "kaizen", "prove", "--device", "cuda"], seconds, cwd=self.root)
        return output.strip().splitlines()[-1], output

    def bench(self, seconds):
        """Every kernel against what the GPU can do, and the products against cuBLAS."""
        options = ["--json", self.out / "gpu_kernels.json"]
        if self.cublas:
            options += ["--cublas", self.cublas]
        if self.rehearsing:
            options += ["--rehearse"]
        output = run([self.program("bench-gpu"), *options], seconds, cwd=self.root)
        return in_a_sentence(json.loads((self.out / "gpu_kernels.json").read_text())), output

    def train(self, seconds):
        """Whole trainings against PyTorch."""
        data = self.pack / "data"
        if not data.is_dir():
            data = self.root / "build" / "gpu-data"
            gpu_prefix.make_data(data, self.root)
        command = ["python3", self.root / "bench" / "peers" / "gpu_train.py", "--data", data, "--out", self.out / "gpu_train.json",
                   "--kaizen", self.build_folder / "train", "--work", self.root / "build" / "gpu-train",
                   "--seconds", f"{seconds - 3:.0f}"]
        if self.rehearsing:
            command += ["--rehearse", "--rounds", "1"]
        output = run(command, seconds, cwd=self.root)
        return of_trainings(json.loads((self.out / "gpu_train.json").read_text())), output

    def sanitizer(self, tool):
        """A step: one of compute-sanitizer's tools over the kernels' tests, group by group, as far as the time goes."""
        def step(seconds):
            if self.rehearsing:
                raise Skipped("compute-sanitizer needs a GPU; the stand-in has scripts/prove-cuda")
            places = (f"{TOOLKIT}/bin/compute-sanitizer", f"{TOOLKIT}/compute-sanitizer/compute-sanitizer")
            program = shutil.which("compute-sanitizer") or next((place for place in places if os.access(place, os.X_OK)), None)
            if not program:
                raise Skipped("there is no compute-sanitizer here")
            begin, done, faulty, left_out, output = time.monotonic(), [], [], [], ""
            for group in SANITIZED:
                left = seconds - (time.monotonic() - begin)
                try:
                    if left < 5:
                        raise TimedOut("no time")
                    said = run([program, "--tool", tool, "--error-exitcode", "9", self.program("kaizen-gpu-tests"), "--gtest_brief=1",
                                f"--gtest_filter={group}"], left, cwd=self.root)
                    if not re.search(r"PASSED\s*\] [1-9]", said):
                        raise Failed("no test ran", said)
                    done.append(group)
                except TimedOut:
                    left_out.append(group)
                except Failed as failure:
                    faulty.append(group)
                    output += failure.output[-1000:]
            if faulty:
                raise Failed(f"{tool} finds faults, or a test fails under it, in {', '.join(faulty)}", output)
            if not done:
                raise TimedOut(f"not even {SANITIZED[0]} was done after {seconds:.0f} s", output)
            return f"{', '.join(done)}" + (f"; no time for {', '.join(left_out)}" if left_out else ""), output
        return step

    # ---- the result ----

    def commit(self):
        """Of the tree; where it came without git, what it was when packed."""
        known, state = gpu_prefix.git(self.root, "rev-parse", "HEAD"), self.pack / "state.json"
        if known:
            return {"commit": known.strip(), "dirty": bool(gpu_prefix.git(self.root, "status", "--porcelain"))}
        return json.loads(state.read_text()) if state.is_file() else {"commit": "unknown", "dirty": None}

    def judge(self, steps):
        """The goals, from the results that there are."""
        results = [read_json(self.out / name) for name in ("gpu_kernels.json", "gpu_train.json")]
        goals = gpu_goals.judge(steps.record, *results, self.rehearsing)
        return [dict(goal, reason=self.clean(goal["reason"] or "")[:600]) for goal in goals]

    def write(self, steps, seconds):
        """gpu_check.json."""
        info = self.info or {}
        self.goals = self.judge(steps)
        result = {"schema": "kaizen.gpu_check/1", "device": "cuda-on-cpu" if self.rehearsing else "cuda",
                  "rehearsal": self.rehearsing, **self.commit(), "gpu": self.gpu,
                  "build": {k: info.get("build", {}).get(k) for k in ("version", "arithmetic", "compiler")},
                  "seconds": round(seconds), "counts": steps.counts(), "exit_status": steps.exit_status(), "goals": self.goals,
                  "steps": steps.record}
        text = json.dumps(result, indent=1) + "\n"
        if len(text) > MOST_JSON:
            raise Failed(f"gpu_check.json takes {len(text)} bytes, at most {MOST_JSON}")
        (self.out / "gpu_check.json").write_text(text)


def carry_out(work, steps):
    """All steps; those that need a GPU are `rehearsed` without one."""
    good = "rehearsed" if work.rehearsing else "passed"
    steps.step("gpu", 20, work.look, good=good)
    steps.step("unpack", 60, work.unpack)
    steps.step("configure", 60, work.configure)
    steps.step("build", 200, work.build, needs=["configure"])
    steps.step("info", 20, work.ask, needs=["build"], good=good)
    on_gpu = ["gpu", "build"]
    steps.step("tests", 90, work.test, needs=on_gpu, good=good)
    steps.step("prove", 60, work.prove, needs=on_gpu, good=good)
    steps.step("bench-gpu", 90, work.bench, needs=on_gpu, good=good)
    steps.step("train", 200, work.train, needs=on_gpu, good=good)
    for tool in ("memcheck", "racecheck"):
        steps.step(tool, 60, work.sanitizer(tool), needs=on_gpu)
