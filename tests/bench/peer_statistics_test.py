#!/usr/bin/env python3
"""The parts of bench/peers that decide: speeds, agreement of losses, ratios, the table, and reading of Kaizen's run directory.
Needs no packages, and none of the other tools."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "bench" / "peers"))
import kaizen_run  # noqa: E402
import peer_statistics as stats  # noqa: E402
from workloads import TOOLS, WORKLOADS, quick  # noqa: E402

NAN = float("nan")


def answer(*losses, test=None):
    return {"losses": list(losses), "test_loss": test}


def tool(*speeds, losses=(1.0, 0.5), check=2.0, error=None):
    return {"check": check, "samples": [{"answer": answer(*losses), "speed": s} for s in speeds], "error": error}


class Speed(unittest.TestCase):
    def test_leaves_out_the_first_epoch(self):
        self.assertEqual(stats.samples_per_second(100, [50.0, 1.0, 3.0]), 50.0)

    def test_needs_a_timed_epoch(self):
        for seconds in ([], [1.0], [1.0, 0.0], [1.0, NAN]):
            with self.assertRaises(ValueError):
                stats.samples_per_second(100, seconds)


class Agreement(unittest.TestCase):
    def test_within_tolerance(self):
        self.assertIsNone(stats.disagreement(answer(1.0, 0.5), answer(1.009, 0.54)))

    def test_beyond_tolerance(self):
        self.assertIn("epoch 1", stats.disagreement(answer(1.0, 0.5), answer(1.02, 0.5)))
        self.assertIn("epoch 1", stats.disagreement(answer(1.0, 0.5), answer(0.98, 0.5)))
        self.assertIn("last epoch", stats.disagreement(answer(1.0, 0.5), answer(1.0, 0.56)))
        self.assertIn("test rows", stats.disagreement(answer(1.0, test=0.5), answer(1.0, test=0.6)))

    def test_a_loss_near_zero_is_compared_with_that_of_epoch_1(self):
        self.assertIsNone(stats.disagreement(answer(1.0, 1e-4), answer(1.0, 9e-4)))
        self.assertIn("last epoch", stats.disagreement(answer(1.0, 1e-4), answer(1.0, 1.2e-3)))
        self.assertIsNotNone(stats.disagreement(answer(1.0, 1e-4), answer(1.0, NAN)))

    def test_nan_and_missing_never_agree(self):
        self.assertIsNotNone(stats.disagreement(answer(1.0), answer(NAN)))
        self.assertIsNotNone(stats.disagreement(answer(NAN), answer(NAN)))
        self.assertIsNotNone(stats.disagreement(answer(1.0), answer()))
        self.assertIsNotNone(stats.disagreement(answer(1.0, 0.5), answer(1.0)))
        self.assertIsNotNone(stats.disagreement(answer(1.0, test=0.5), answer(1.0)))


class Summary(unittest.TestCase):
    def test_median_and_quartiles(self):
        s = stats.summary([5.0, 1.0, 3.0, 2.0, 4.0])
        self.assertEqual([s[k] for k in ("min", "q1", "median", "q3", "max", "n")], [1, 2, 3, 4, 5, 5])

    def test_of_one_value(self):
        self.assertEqual(set(stats.summary([2.0]).values()), {2.0, 1})

    def test_ratios_are_those_of_each_round(self):
        # the second round was slow for both: the ratio does not see it
        self.assertEqual(stats.ratios([10.0, 1.0, 12.0], [5.0, 0.5, 4.0])["median"], 2.0)
        with self.assertRaises(ValueError):
            stats.ratios([1.0, 2.0], [1.0])


class Judgement(unittest.TestCase):
    def test_ratio_of_tools_that_agree(self):
        judged = stats.judge({"kaizen": tool(10, 20, 30), "a": tool(5, 10, 15), "b": tool(20, 40, 60)})
        self.assertEqual((judged["a"]["ratio"]["median"], judged["b"]["ratio"]["median"]), (2.0, 0.5))
        self.assertEqual((judged["a"]["ratio_of_best"], judged["b"]["ratio_of_best"]), (2.0, 0.5))
        self.assertNotIn("ratio", judged["kaizen"])
        self.assertEqual(stats.fastest_peer(judged), "b")

    def test_no_times_of_a_tool_that_disagrees_or_failed(self):
        mixed = tool(50, 50)
        mixed["samples"][1]["answer"] = answer(1.0, NAN)
        judged = stats.judge({"kaizen": tool(10, 20), "a": tool(5, 5, losses=(1.1, 0.5)), "b": tool(50, error="no memory"),
                              "c": mixed, "d": tool(5, 5, check=2.003), "e": tool(5, 5, check=NAN), "f": tool(5, 5, check=None)})
        for name in "abcdef":
            self.assertEqual(set(judged[name]), {"status"})
        self.assertEqual(judged["b"]["status"], "no memory")
        self.assertIsNone(stats.fastest_peer(judged))

    def test_nothing_is_compared_without_the_reference(self):
        for kaizen in (tool(error="exit status 1"), tool(9, 9, error="exit status 1")):
            judged = stats.judge({"kaizen": kaizen, "a": tool(5, 5)})
            self.assertNotIn("ratio", judged["a"])
            self.assertNotIn("speed", judged["kaizen"])


class Table(unittest.TestCase):
    def test_shows_ratio_refusal_and_absence(self):
        tools = stats.judge({"kaizen": tool(10_000, 20_000), "a": tool(5_000, 10_000), "b": tool(error="no memory")})
        row = {"name": "w", "threads": 2, "tools": tools, "fastest_peer": "a"}
        text = list(stats.table_rows([row], ["kaizen", "a", "b", "c"]))
        self.assertEqual(len({line.count("|") for line in text}), 1)
        self.assertEqual(text[2], "| w | 2 | 2 | 15 000 | 2.00 (2.00–2.00) | refused | — | a |")


class Rows(unittest.TestCase):
    def test_a_new_row_takes_the_place_of_the_old_one(self):
        rows = []
        for name, threads, value in (("b", 2, 1), ("a", 1, 2), ("b", 1, 3), ("b", 2, 4)):
            rows = stats.with_row(rows, {"name": name, "threads": threads, "value": value}, ["a", "b"])
        self.assertEqual([(r["name"], r["threads"], r["value"]) for r in rows], [("a", 1, 2), ("b", 1, 3), ("b", 2, 4)])


class Workloads(unittest.TestCase):
    def test_rows_are_whole_batches(self):
        for w in WORKLOADS:
            for small in (w, quick(w)):
                self.assertTrue(small["rows"] % small["batch"] == 0 and small["epochs"] >= 2, small["name"])

    def test_every_tool_has_its_script(self):
        for name in TOOLS:
            self.assertTrue((ROOT / "bench" / "peers" / f"{name.partition('_')[0]}_run.py").exists(), name)


class KaizenRun(unittest.TestCase):
    def test_reads_a_run_directory(self):
        lines = [{"train": {"loss": 2.0}, "seconds": 0.5}, {"train": {"loss": 1.0}, "seconds": 0.25}]
        run = {"metrics": {"test": None}, "device": {"threads": 2}, "build": {"version": "1"}, "digests": {"weights": "sha256:0"}}
        with tempfile.TemporaryDirectory() as name:
            out = pathlib.Path(name)
            (out / "run.json").write_text(json.dumps(run))
            (out / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            got, _ = kaizen_run.read(out)
        self.assertEqual((got["losses"], got["seconds"], got["test_loss"], got["threads"]), ([2.0, 1.0], [0.5, 0.25], None, 2))

    def test_config_of_a_workload(self):
        higgs = next(w for w in WORKLOADS if w["name"] == "higgs-300x5")
        c = json.loads(kaizen_run.config(higgs, "rows.h5"))
        self.assertEqual([layer["units"] for layer in c["model"]["layers"]], [300] * 5 + [1])
        self.assertEqual((c["model"]["loss"], c["train"]["shuffle"], c["data"]["test"]), ("binary_cross_entropy", "none", "none"))


if __name__ == "__main__":
    unittest.main()
