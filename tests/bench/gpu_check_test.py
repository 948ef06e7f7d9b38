#!/usr/bin/env python3
"""gpu-check without a GPU: steps and their limits, the result, packages taken apart, what the trainings are compared by.

usage: tests/bench/gpu_check_test.py
"""

import copy
import fnmatch
import io
import json
import lzma
import os
import pathlib
import re
import sys
import tarfile
import tempfile
import time
import unittest
from types import SimpleNamespace
from unittest import mock

sys.dont_write_bytecode = True  # for the imports below
ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("scripts/gpu_check", "bench/peers"):
    sys.path.insert(0, str(ROOT / folder))
import gpu_goals
import gpu_prefix
import gpu_train
import gpu_workloads
from gpu_steps import Failed, Skipped, Steps, TimedOut, run
from gpu_work import LARGE, SANITIZED, Work, carry_out, cublas_of, in_a_sentence, of_trainings


def steps(budget=100.0, **options):
    return Steps(budget, say=lambda text: None, **options)


def good(seconds):
    return "well", "output"


def bad(seconds):
    raise Failed("exit status 3", "the last line")


class StepsTest(unittest.TestCase):
    def test_all_passed_is_0(self):
        s = steps()
        self.assertTrue(s.step("one", 20, good))
        self.assertEqual((s.record[0]["status"], s.record[0]["reason"], s.record[0]["tail"]), ("passed", "well", "output"))
        self.assertEqual(s.exit_status(), 0)

    def test_a_failed_step_is_1_and_stops_no_other(self):
        s = steps()
        s.step("one", 20, bad)
        s.step("two", 20, good)
        self.assertEqual([e["status"] for e in s.record], ["failed", "passed"])
        self.assertEqual(s.record[0]["tail"], "the last line")
        self.assertEqual(s.exit_status(), 1)

    def test_what_builds_on_a_failed_step_is_skipped_with_the_reason(self):
        s = steps()
        s.step("build", 20, bad)
        s.step("tests", 20, good, needs=["build"])
        s.step("prove", 20, good, needs=["tests"])
        self.assertEqual([e["status"] for e in s.record], ["failed", "skipped", "skipped"])
        self.assertIn("'build', which was failed", s.record[1]["reason"])

    def test_a_fault_of_the_step_itself_is_a_failure(self):
        s = steps()
        s.step("one", 20, lambda seconds: {}["missing"])
        self.assertEqual((s.record[0]["status"], s.record[0]["reason"]), ("failed", "KeyError: 'missing'"))

    def test_nothing_done_is_no_success(self):
        s = steps()

        def skip(seconds):
            raise Skipped("not here")
        s.step("one", 20, skip)
        self.assertEqual((s.record[0]["status"], s.exit_status()), ("skipped", 1))

    def test_its_own_limit_fails_it_and_the_deadline_cuts_it(self):
        now = [0.0]

        def late(seconds):
            now[0] += seconds
            raise TimedOut(f"not done after {seconds:.0f} s")
        s = steps(100.0, clock=lambda: now[0])
        s.step("own", 60, late)
        s.step("deadline", 60, late)
        s.step("after", 60, good)
        self.assertEqual([e["status"] for e in s.record], ["failed", "cut", "cut"])
        self.assertEqual([e["seconds"] for e in s.record], [60.0, 40.0, 0.0])
        self.assertEqual(s.exit_status(), 1)

    def test_cut_alone_is_no_success(self):
        s = steps(5.0)
        s.step("one", 60, good)
        self.assertEqual((s.record[0]["status"], s.exit_status()), ("cut", 1))

    def test_rehearsed_is_not_passed(self):
        s = steps()
        self.assertTrue(s.step("tests", 20, good, good="rehearsed"))
        self.assertEqual((s.counts()["passed"], s.counts()["rehearsed"], s.exit_status()), (0, 1, 0))
        self.assertEqual(list(s.table())[-1], "0 passed, 0 failed, 1 rehearsed")

    def test_paths_and_long_output_are_cut(self):
        s = steps(clean=lambda text: text.replace("/home/ada/", ""))
        s.step("one", 20, lambda seconds: ("in /home/ada/x", "y" * 5000 + " /home/ada/z"))
        self.assertEqual(s.record[0]["reason"], "in x")
        self.assertTrue(len(s.record[0]["tail"]) == 1500 and s.record[0]["tail"].endswith("y z"))


class RunTest(unittest.TestCase):
    def test_output_and_status(self):
        self.assertEqual(run(["sh", "-c", "echo a; echo b >&2"], 20), "a\nb\n")
        with self.assertRaises(Failed) as caught:
            run(["sh", "-c", "echo why; exit 3"], 20)
        self.assertEqual((str(caught.exception), caught.exception.output), ("exit status 3", "why\n"))
        with self.assertRaises(Failed):
            run(["/nowhere/at/all"], 20)

    def test_a_limit_ends_all_that_was_started(self):
        begin = time.monotonic()
        with self.assertRaises(TimedOut) as caught:
            run(["sh", "-c", "echo $$; sleep 300 & sleep 300"], 0.3)
        self.assertLess(time.monotonic() - begin, 60)
        group = int(caught.exception.output)
        with self.assertRaises(ProcessLookupError):
            for _ in range(100):
                os.killpg(group, 0)
                time.sleep(0.05)


class WorkTest(unittest.TestCase):
    """The steps as gpu-check has them, on a machine where nothing works."""

    def test_the_result_tells_of_each_step(self):
        with tempfile.TemporaryDirectory() as folder:
            root, path, module = pathlib.Path(folder), os.environ["PATH"], os.environ.get("KAIZEN_CUDA_MODULE")
            os.environ["PATH"] = ""
            try:
                work = Work(root, root / ".gpu-check", root, False)
                os.environ["PATH"] = ""
                s = steps(clean=work.clean)
                carry_out(work, s)
                work.write(s, 3.2)
            finally:
                os.environ["PATH"] = path
                if module is not None:
                    os.environ["KAIZEN_CUDA_MODULE"] = module
            text = (root / "gpu_check.json").read_text()
            result = json.loads(text)
        self.assertEqual((result["schema"], result["device"], result["exit_status"]), ("kaizen.gpu_check/1", "cuda", 1))
        self.assertEqual([e["name"] for e in result["steps"]], ["gpu", "unpack", "configure", "build", "info", "tests", "prove",
                                                                "bench-gpu", "train", "memcheck", "racecheck"])
        for entry in result["steps"]:
            self.assertEqual(set(entry), {"name", "status", "reason", "seconds", "limit_s", "tail"})
            self.assertIn(entry["status"], ("failed", "skipped"))
            self.assertTrue(entry["reason"])
        self.assertNotIn(folder, text)
        self.assertEqual(sum(result["counts"].values()), 11)
        self.assertEqual([g["met"] for g in result["goals"]], [None] * 11)
        self.assertEqual(result["goals"][1]["reason"], "there is no result: the step 'bench-gpu' was skipped")

    def test_the_sanitizers_filters_name_tests(self):
        names, suites = set(), {}
        text = "\n".join(path.read_text() for path in (ROOT / "tests" / "cuda").glob("*_cuda_test.cpp"))
        for prefix, suite in re.findall(r"^INSTANTIATE_TEST_SUITE_P\((\w+), (\w+)", text, re.MULTILINE):
            suites[suite] = prefix
        for kind, suite, test in re.findall(r"^(TEST|TEST_F|TEST_P)\((\w+), (\w+)\)", text, re.MULTILINE):
            names.add(f"{suites[suite]}/{suite}.{test}/0" if kind == "TEST_P" else f"{suite}.{test}")
        self.assertGreater(len(names), 50)
        filters = [word for group in SANITIZED for word in group.split(":")]
        self.assertEqual([word for word in filters if not fnmatch.filter(names, word)], [])
        self.assertEqual(len(set(filters)), len(filters))

    def test_a_sanitizers_finding_fails_it_and_the_other_groups_still_run(self):
        with tempfile.TemporaryDirectory() as folder:
            root, path = pathlib.Path(folder), os.environ["PATH"]
            tool = root / "compute-sanitizer"
            tool.write_text(f'#!/bin/sh\necho "$*" >>{root}/calls\n'
                            'case "$*" in *CudaOptim*) echo "a race"; exit 9 ;; '
                            '*Gather*) ;; *) echo "[  PASSED  ] 3 tests." ;; esac\n')
            tool.chmod(0o755)
            os.environ["PATH"] = f"{root}:{path}"
            try:
                with self.assertRaises(Failed) as caught:
                    Work(root, root, root, False).sanitizer("racecheck")(60)
            finally:
                os.environ["PATH"] = path
            calls = (root / "calls").read_text().splitlines()
        self.assertTrue(str(caught.exception).endswith(f"in CudaOptim.Clips, {SANITIZED[3]}"), "the other one ran no test")
        self.assertEqual(caught.exception.output, "a race\n")
        self.assertEqual(len(calls), len(SANITIZED))
        self.assertTrue(all("--tool racecheck --error-exitcode 9" in call for call in calls))

    def test_the_sentence_names_the_slowest_large_kernel(self):
        rows = [{"name": n, "us_cold": t, "bytes": b, "bandwidth_share": share}
                for n, t, b, share in (("adam", 9.0, LARGE, 0.9), ("add", 9.0, LARGE, 0.8), ("tally", 9.0, 96, 0.01),
                                       ("sum", None, LARGE, 0.2))]
        mean = {"geometric_mean": 0.95, "least": 0.9, "products": 3}
        said = in_a_sentence({"figures": "measured", "kernels": rows, "limits": {"copy_gb_per_s": 2e3, "fp32_tflop_per_s": 50},
                              "against_cublas": {"cublas": {"version": 1}, "ratio_4096": mean, "ratio_training_hot": None}})
        self.assertEqual(in_a_sentence({"figures": "meaningless"}), "meaningless")
        self.assertEqual(said, "copy 2000 GB/s, binary32 50.0 TF/s, least share of the bandwidth 0.80 (add), "
                               "0.95 of cuBLAS at 4096")

    def test_what_was_not_compared_is_told(self):
        none = {"cublas": {"version": None, "reason": "libcublas is not there"}, "ratio_4096": None, "ratio_training_hot": None}
        said = in_a_sentence({"figures": "measured", "kernels": [], "limits": {"copy_gb_per_s": 2e3, "fp32_tflop_per_s": 50},
                              "against_cublas": none})
        self.assertTrue(said.endswith(", NOT compared with cuBLAS: libcublas is not there"), said)
        result = {"torch_reason": None, "torch": {"torch": "2.9"}, "workloads": [{"ratios": {"eager_fp32": 2.0}}, {"ratios": {}}],
                  "unavailable": [{"workload": "a", "precision": "bf16", "reason": "exit status 69: no cuBLASLt"}]}
        self.assertEqual(of_trainings(result), "1 comparisons with PyTorch 2.9; no bf16 of Kaizen's: exit status 69: no cuBLASLt")
        s = steps()
        s.step("train", 20, lambda seconds: (of_trainings(dict(result, workloads=[], torch_reason="no module")), ""))
        self.assertEqual(s.record[0]["status"], "skipped")
        self.assertIn("nothing was compared, Kaizen trained alone: no module; no bf16", s.record[0]["reason"])

    def test_kaizen_takes_the_cublaslt_beside_cublas(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ):
            os.environ.pop("KAIZEN_CUBLASLT", None)
            root = pathlib.Path(folder)
            work, places = Work(root, root, root, False), [root / "none", root / "torch", root / "toolkit"]
            self.assertIn("no cuBLASLt", work.take_cublas(places))
            self.assertNotIn("KAIZEN_CUBLASLT", os.environ)
            for name in ("torch/cublas/lib/libcublas.so.12", "toolkit/libcublas.so.13", "toolkit/libcublasLt.so.12"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
            self.assertEqual(cublas_of(places), (root / "torch/cublas/lib/libcublas.so.12", None), "no other version's")
            light = root / "torch/cublas/lib/libcublasLt.so.12"
            light.touch()
            self.assertEqual(work.take_cublas(places), "libcublasLt.so.12 beside PyTorch (torch/cublas/lib)")
            self.assertEqual(os.environ["KAIZEN_CUBLASLT"], str(light))
            self.assertEqual(work.cublas, light.with_name("libcublas.so.12"))
            (root / "toolkit/libcublasLt.so.13").touch()
            os.environ["KAIZEN_CUBLASLT"] = str(root / "toolkit/libcublasLt.so.13")
            self.assertEqual(work.take_cublas(places), "libcublasLt.so.13, by KAIZEN_CUBLASLT")
            self.assertEqual(work.cublas, root / "toolkit/libcublas.so.13")


def trained(name, own, torch):
    """A row of gpu_train.json: microseconds of Kaizen and of PyTorch's variants, by precision."""
    def time(us):
        return {"us_per_step": us, "reason": None if us else "why not"}
    return {"name": name, "kaizen": {p: time(us) for p, us in own.items()},
            "torch": {p: {v: time(us) for v, us in variants.items()} for p, variants in torch.items()}}


class GoalsTest(unittest.TestCase):
    def setUp(self):
        far = [{"name": name, "bytes": LARGE, "us_cold": 9.0, "bandwidth_share": 0.9} for name in gpu_goals.PASSES]
        near = {"name": "adam", "bytes": 1e6, "us_cold": 9.0, "bandwidth_share": 0.1}
        other = {"name": "sum", "bytes": LARGE, "us_cold": 9.0, "bandwidth_share": 0.2}
        self.kernels = {"figures": "measured", "kernels": [*far, near, other], "against_cublas": {
            "cublas": {"version": 130000}, "ratio_4096": {"geometric_mean": 0.9, "least": 0.75, "products": 3},
            "ratio_training_hot": {"geometric_mean": 0.81, "least": 0.3, "products": 9}}}
        large = {p: {"eager": 130.0, "graphs": 120.0, "compile": 110.0, "compile_graphs": 100.0} for p in ("fp32", "tf32", "bf16")}
        small = {"fp32": {"eager": 200.0, "graphs": 70.0, "compile": 150.0, "compile_graphs": 50.0}}
        self.train = {"figures": "measured", "workloads": [
            trained("mlp-4096", {"fp32": 100.0, "tf32": 99.0, "bf16": 50.0}, large),
            trained("mlp-32", {"fp32": 7.0}, small), trained("mlp-32-128", {"fp32": 14.0}, small)]}
        self.record = [{"name": name, "status": "passed", "reason": "well"} for name in ("prove", "bench-gpu", "train")]

    def judge(self, rehearsing=False):
        return gpu_goals.judge(self.record, self.kernels, self.train, rehearsing)

    def met(self):
        return [goal["met"] for goal in self.judge()]

    def test_figures_decide(self):
        goals = self.judge()
        self.assertEqual([g["measured"] for g in goals], ["passed", 0.9, 0.75, 0.81, 1.0, 1.0101, 2.0, 7.0, 10.0, 14.0, 5.0])
        self.assertEqual({g["met"] for g in goals}, {True})
        for goal in goals:
            self.assertEqual(set(goal), {"name", "wanted", "measured", "met", "reason"})
        self.assertEqual(list(gpu_goals.lines(goals))[-1], "goals: 11 met, 0 not met, 0 not known")

    def test_worse_figures_do_not_meet_them(self):
        self.record[0]["status"] = "failed"
        self.kernels["kernels"][3]["bandwidth_share"] = 0.8499
        self.kernels["against_cublas"]["ratio_4096"]["least"] = 0.7499
        self.kernels["against_cublas"]["ratio_training_hot"]["geometric_mean"] = 0.7999
        for row in self.train["workloads"]:
            for entry in row["kaizen"].values():
                entry["us_per_step"] *= 2.2
        self.assertEqual(self.met(), [False] * 11)

    def test_each_figure_decides_its_own(self):
        self.train["workloads"][2]["kaizen"]["fp32"]["us_per_step"] = 15.0
        self.assertEqual(self.met(), [True] * 9 + [False, False])
        self.train["workloads"][0]["torch"]["bf16"]["compile"]["us_per_step"] = 49.0
        self.assertEqual(self.met(), [True] * 6 + [False, True, True, False, False])

    def test_what_is_missing_is_not_known_with_the_reason(self):
        self.kernels["against_cublas"].update(cublas={"version": None, "reason": "no libcublas"}, ratio_4096=None)
        self.train["workloads"][0]["kaizen"]["tf32"] = {"us_per_step": None, "reason": "exit status 69"}
        self.train["workloads"].pop()
        self.record[0].update(status="cut", reason="no time")
        goals = self.judge()
        self.assertEqual([g["met"] for g in goals], [None, True, None, True, True, None, True, True, True, None, None])
        self.assertEqual([g["reason"] for g in goals if g["met"] is None], [
            "the step 'prove' was cut: no time", "not compared with cuBLAS: no libcublas",
            "Kaizen's tf32 has no time: exit status 69", "mlp-32-128 was not trained", "mlp-32-128 was not trained"])
        self.assertIn("not known  product 4096^3", "\n".join(gpu_goals.lines(goals)))

    def test_part_of_the_figures_can_only_refuse(self):
        whole = copy.deepcopy((self.kernels, self.train))
        self.kernels["kernels"].pop(0)
        for variant in ("compile", "compile_graphs"):
            self.train["workloads"][0]["torch"]["fp32"][variant] = {"us_per_step": None, "reason": "no compiler"}
        goals = self.judge()
        self.assertEqual([g["met"] for g in goals][1], None)
        self.assertIn("not measured: sgd, momentum", goals[1]["reason"])
        self.assertEqual((goals[4]["met"], goals[4]["measured"]), (None, 1.2))
        self.assertIn("compile (no compiler)", goals[4]["reason"])
        self.kernels["kernels"][0]["bandwidth_share"] = 0.5
        self.train["workloads"][0]["kaizen"]["fp32"]["us_per_step"] = 121.0
        self.assertEqual((self.met()[1], self.met()[4]), (False, False))
        self.kernels, self.train = whole
        self.assertEqual(set(self.met()), {True})

    def test_an_odd_result_and_a_rehearsal_judge_nothing(self):
        for goal in self.judge(rehearsing=True):
            self.assertEqual((goal["met"], goal["measured"], goal["reason"]), (None, None, "a rehearsal measures nothing"))
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "gpu_kernels.json").write_text('{"figures": "meas')
            work = Work(*[pathlib.Path(folder)] * 3, False)
            goals = work.judge(SimpleNamespace(record=self.record))
        self.assertEqual([g["met"] for g in goals], [True] + [None] * 10)
        self.kernels, self.train = {"figures": "measured"}, dict(self.train, figures="meaningless")
        goals = self.judge()
        self.assertEqual([g["met"] for g in goals], [True] + [None] * 10)
        self.assertEqual(goals[1]["reason"], "the result of 'bench-gpu' cannot be read: KeyError: 'kernels'")
        self.assertEqual(goals[4]["reason"], "meaningless")


def deb(path, files):
    """A package with the files, name: content; a link where the content is a str."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    text = b"!<arch>\n"
    for name, body in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", lzma.compress(data.getvalue()))):
        text += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(body):<10}`\n".encode() + body + b"\n" * (len(body) % 2)
    path.write_bytes(text)


class PrefixTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.pack, self.prefix = pathlib.Path(folder.name, "pack"), pathlib.Path(folder.name, "prefix")
        (self.pack / "packages").mkdir(parents=True)

    def test_takes_libraries_and_never_that_of_c(self):
        uris = "".join(f"'http://x/pool/{name}_1_amd64.deb' {name} 1\n" for name in (
            "libhdf5-dev", "libc6", "libc6-dev", "libstdc%2b%2b6", "libgcc-s1", "zlib1g-dev", "linux-libc-dev", "pkgconf", "perl",
            "libcrypt1", "libcurl4", "libgfortran5"))
        self.assertEqual(gpu_prefix.choose(uris), ["libcurl4", "libhdf5-dev", "pkgconf", "zlib1g-dev"])

    def test_unpacks_and_leads_into_the_prefix(self):
        deb(self.pack / "packages" / "liba.deb", {"./usr/lib/liba.so.1": b"elf", "./usr/lib/liba.so": "/usr/lib/liba.so.1",
                                                  f"./usr/include/{gpu_prefix.ARCH}/a/conf.h": b"1",
                                                  "./usr/lib/pkgconfig/a.pc": b"prefix=/usr\nCflags: -I/usr/include/a\n"})
        self.assertEqual(gpu_prefix.unpack(self.pack, self.prefix), 1)
        self.assertEqual((self.prefix / "usr/lib/liba.so").read_bytes(), b"elf")
        self.assertEqual((self.prefix / "usr/include/a/conf.h").read_bytes(), b"1")
        self.assertEqual((self.prefix / "usr/lib/pkgconfig/a.pc").read_text(),
                         f"prefix={self.prefix}/usr\nCflags: -I{self.prefix}/usr/include/a\n")

    def test_refuses_what_leaves_its_folder_and_libraries_of_c(self):
        deb(self.pack / "packages" / "a.deb", {"./../x": b"1"})
        with self.assertRaises(Failed):
            gpu_prefix.unpack(self.pack, self.prefix)
        deb(self.pack / "packages" / "a.deb", {"./usr/lib/libc.so.6": b"1"})
        with self.assertRaises(Failed):
            gpu_prefix.unpack(self.pack, self.prefix)
        (self.pack / "packages" / "a.deb").write_bytes(b"no package")
        with self.assertRaises(Failed):
            gpu_prefix.unpack(self.pack, self.prefix)


    def test_data_sets_are_where_the_environment_says(self):
        asked = []

        def read(path, rows, out):
            asked.append(path)
            return True
        with mock.patch.dict(os.environ, KAIZEN_DATASETS="/elsewhere"), mock.patch.object(gpu_prefix, "read_h5", read):
            gpu_prefix.make_data(self.pack / "data", self.pack)
        self.assertEqual(asked[0], pathlib.Path("/elsewhere/fashion_mnist.h5"))


class TrainTest(unittest.TestCase):
    def test_npy_files_are_numpys(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "x.npy")
            gpu_workloads.write_npy(path, "f", "<f4", (2, 3), gpu_workloads.array.array("f", [0, 1, 2, 3, 4, 0.5]))
            data = path.read_bytes()
        size = int.from_bytes(data[8:10], "little")
        self.assertEqual((data[:8], (10 + size) % 64, len(data)), (b"\x93NUMPY\x01\x00", 0, 10 + size + 24))
        self.assertEqual(eval(data[10:10 + size]), {"descr": "<f4", "fortran_order": False, "shape": (2, 3)})

    def test_rehearsed_workloads_are_small_and_of_the_same_kind(self):
        for w in map(gpu_workloads.rehearsed, gpu_workloads.WORKLOADS):
            self.assertLessEqual(max(w["units"][1:]), 16)
            self.assertEqual(w["rows"] % w["batch"], 0)

    def entry(self, samples, loss, **more):
        return dict(gpu_train.entry_of(), samples=samples, loss=loss, **more)

    def comparison(self):
        c = object.__new__(gpu_train.Comparison)
        c.faults, c.no_torch, c.unavailable = [], None, []
        return c

    def test_a_loss_that_disagrees_leaves_no_time(self):
        c, job = self.comparison(), {"name": "w", "batch": 10}
        good_one = c.finish(job, "eager", "fp32", self.entry([2e-6, 1e-6, 4e-6], 1.0), 1.0)
        self.assertAlmostEqual(good_one["us_per_step"], 2.0)
        self.assertAlmostEqual(good_one["samples_per_s"], 5e6)
        for loss in (1.2, float("nan"), None):
            self.assertIsNone(c.finish(job, "eager", "fp32", self.entry([1e-6], loss), 1.0)["us_per_step"])
        self.assertEqual(len(c.faults), 3)
        self.assertTrue(c.faults[0].startswith("w, eager fp32: the mean loss of epoch 1 is 1.2"), c.faults)

    def test_what_is_not_there_is_null_with_the_reason_and_no_fault(self):
        c, job = self.comparison(), {"name": "w", "batch": 10}
        entry = self.entry([], None)
        entry.update(reason="exit status 69: not available", unavailable=True)
        self.assertEqual(c.finish(job, "eager", "tf32", entry, 1.0), {"us_per_step": None, "reason": entry["reason"]})
        self.assertEqual((c.faults, c.unavailable), ([], []))
        c.finish(job, "kaizen", "tf32", entry, 1.0)
        self.assertEqual((c.faults, c.unavailable),
                         ([], [{"workload": "w", "precision": "tf32", "reason": "exit status 69: not available"}]))
        c.finish(job, "eager", "fp32", entry, None, must=True)
        self.assertEqual(len(c.faults), 1)

    def test_ratios_are_pytorchs_time_over_kaizens(self):
        none, row = {"us_per_step": None}, {"kaizen": {}, "torch": {}}
        for p, own in (("fp32", 2.0), ("tf32", None), ("bf16", 1.0)):
            row["kaizen"][p] = {"us_per_step": own}
            row["torch"][p] = {"eager": {"us_per_step": 6.0}, "graphs": none}
        self.assertEqual(gpu_train.ratios(row), {"eager_fp32": 3.0, "eager_bf16": 6.0})


if __name__ == "__main__":
    unittest.main()
