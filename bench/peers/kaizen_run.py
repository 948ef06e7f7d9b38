"""A workload in Kaizen: the command that trains it, and what its run directory says.

Time is that of the training steps (`seconds` in metrics.jsonl): gathering the batch, forward, loss and accuracy, backward,
update; neither evaluation nor writing.
"""

import json


def config(job, data, **over):
    """The config, as JSON, which is YAML too."""
    layers = [{"type": "dense", "units": u, "activation": job["activation"]} for u in job["units"][1:-1]]
    c = {"name": job["name"], "seed": 1,
         "data": {"path": str(data), "valid": "none", "scale": "unit" if job["process"] else "none"},
         "model": {"layers": layers + [{"type": "dense", "units": job["units"][-1]}],
                   "loss": "binary_cross_entropy" if job["units"][-1] == 1 else "cross_entropy"},
         "optimizer": job["optimizer"], "train": {"epochs": job["epochs"], "batch": job["batch"], "shuffle": "none"}}
    if not job["process"]:
        c["data"]["test"] = "none"
    return json.dumps(dict(c, **over))


def start_config(job):
    """Training that leaves the initial weights as they are: the one step is too small to move one."""
    return config(job, job["start_hdf5"], optimizer={"name": "sgd", "lr": 1e-37}, train={"epochs": 1, "batch": 2})


def command(program, config_path, threads, out):
    return [str(program), "train", "--config", str(config_path), "--threads", str(threads), "--out", str(out), "--quiet"]


def read(out):
    """The answer of a run directory, in the form that the peers' scripts give; and its run.json."""
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    epochs = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    test = run["metrics"]["test"]
    return {"losses": [e["train"]["loss"] for e in epochs], "seconds": [e["seconds"] for e in epochs],
            "test_loss": test and test["loss"], "threads": run["device"]["threads"], "version": run["build"]["version"],
            "weights": run["digests"]["weights"]}, run
