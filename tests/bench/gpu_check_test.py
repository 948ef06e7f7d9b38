#!/usr/bin/env python3
"""gpu-check without a GPU: steps and their limits, the result, packages taken apart, what the trainings are compared by.

usage: tests/bench/gpu_check_test.py
"""

import io
import json
import lzma
import os
import pathlib
import sys
import tarfile
import tempfile
import time
import unittest

sys.dont_write_bytecode = True  # for the imports below
ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("scripts/gpu_check", "bench/peers"):
    sys.path.insert(0, str(ROOT / folder))
import gpu_prefix
import gpu_train
import gpu_workloads
from gpu_steps import Failed, Skipped, Steps, TimedOut, run
from gpu_work import LARGE, SANITIZED, Work, carry_out, in_a_sentence


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


    def test_a_sanitizers_finding_fails_it_and_the_other_groups_still_run(self):
        with tempfile.TemporaryDirectory() as folder:
            root, path = pathlib.Path(folder), os.environ["PATH"]
            tool = root / "compute-sanitizer"
            tool.write_text(f'#!/bin/sh\necho "$*" >>{root}/calls\ncase "$*" in *Optim*) echo "a race"; exit 9 ;; *Gather*) ;; *) echo "[  PASSED  ] 3 tests." ;; esac\n')
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
        c.faults, c.no_torch = [], None
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
        self.assertEqual(c.faults, [])
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
