"""The figures that are wanted of a GPU, judged by what the steps measured.  Needs no packages.

A goal is met (true), not met (false), or not known (null).  `reason` says why it is not known, or what `measured` is of.  Where
some of what it takes is missing, what is there can show that it is not met, but not that it is.
"""

LARGE = 64 << 20  # bytes of a call that memory bounds, beyond doubt
# Of bench-gpu's kernels: the optimisers, and those that do something to each element.
PASSES = ("sgd, momentum", "adam", "adamw", "gradient's mean, norm", "add gradients", "dense_slope relu", "dense_slope tanh",
          "dense_slope relu, dropout")
WORDS = {True: "met", False: "not met", None: "not known"}


class Unknown(Exception):
    """Why a goal cannot be judged."""


def verdict(measured, met, of, lacking=()):
    if met and lacking:
        return measured, None, f"{of}; not measured: {'; '.join(lacking)}"
    return round(measured, 4), bool(met), of


def digests(record):
    entry = next((entry for entry in record if entry["name"] == "prove"), None)
    if not entry or entry["status"] not in ("passed", "failed"):
        raise Unknown(f"the step 'prove' was {entry['status']}: {entry['reason']}" if entry else "there is no step 'prove'")
    return entry["status"], entry["status"] == "passed", entry["reason"]


# ---- of gpu_kernels.json ----


def bandwidth(kernels, least):
    rows = {row["name"]: row for row in kernels["kernels"] if row["bytes"] >= LARGE and row["us_cold"]}
    there, lacking = [rows[name] for name in PASSES if name in rows], [name for name in PASSES if name not in rows]
    if not there:
        raise Unknown("no large array was measured cold")
    slowest = min(there, key=lambda row: row["bandwidth_share"])
    share = slowest["bandwidth_share"]
    return verdict(share, share >= least, f"the least of {len(there)} kernels, cold: {slowest['name']}", lacking)


def product(kernels, name, key, least):
    cublas, ratio = kernels["against_cublas"]["cublas"], kernels["against_cublas"][name]
    if not ratio:
        raise Unknown(f"not compared with cuBLAS: {cublas.get('reason') or 'no product of this kind was measured'}")
    return verdict(ratio[key], ratio[key] >= least, f"{key.replace('_', ' ')} of {ratio['products']} products")


# ---- of gpu_train.json ----


def trained(train, name):
    row = next((row for row in train["workloads"] if row["name"] == name), None)
    if not row:
        raise Unknown(f"{name} was not trained")
    return row


def own(row, precision):
    entry = row["kaizen"][precision]
    if not entry["us_per_step"]:
        raise Unknown(f"Kaizen's {precision} has no time: {entry['reason']}")
    return entry["us_per_step"]


def faster(train, name, precision, variants=None, times=1.0):
    """The fastest of these variants of PyTorch (all) beside Kaizen."""
    row = trained(train, name)
    ours, theirs = own(row, precision), row["torch"][precision]
    variants = variants or list(theirs)
    there = {v: theirs[v]["us_per_step"] for v in variants if theirs[v]["us_per_step"]}
    if not there:
        raise Unknown(f"PyTorch's {precision} has no time: {theirs[variants[0]]['reason']}")
    best = min(there, key=there.get)
    return verdict(there[best] / ours, there[best] >= times * ours,
                   f"Kaizen {ours:.1f} us, PyTorch {there[best]:.1f} us ({best})",
                   [f"{v} ({theirs[v]['reason']})" for v in variants if v not in there])


def step(train, name, below):
    us = own(trained(train, name), "fp32")
    return verdict(us, us < below, "microseconds of a step")


# ---- all ----


def table_of_goals(train, kernels):
    """Name, what is wanted, the step that measures it, how it is judged."""
    large, compiled = "784-4096-4096-10, batch 1024", ("compile", "compile_graphs")
    yield ("optimisers and elementwise kernels, of the copy's bandwidth", ">= 0.85", "bench-gpu", lambda: bandwidth(kernels, 0.85))
    yield ("product 4096^3, of cuBLAS's fp32 speed", ">= 0.75", "bench-gpu", lambda: product(kernels, "ratio_4096", "least", 0.75))
    yield ("products of training shapes, of cuBLAS's fp32 speed", ">= 0.8", "bench-gpu",
           lambda: product(kernels, "ratio_training_hot", "geometric_mean", 0.8))
    yield (f"{large}: speed over PyTorch's best fp32", ">= 1", "train", lambda: faster(train, "mlp-4096", "fp32"))
    for precision in ("tf32", "bf16"):
        yield (f"{large}: fast {precision}, speed over torch.compile's", ">= 1", "train",
               lambda p=precision: faster(train, "mlp-4096", p, compiled))
    for name, batch in (("mlp-32", 32), ("mlp-32-128", 128)):
        yield f"64-32-10, batch {batch}: us of a step", "< 15", "train", lambda n=name: step(train, n, 15)
        yield (f"64-32-10, batch {batch}: speed over PyTorch's with CUDA graphs", ">= 5", "train",
               lambda n=name: faster(train, n, "fp32", ("graphs",), 5))


def judge(record, kernels, train, rehearsing):
    """All goals, of the steps' record and the two results, which are None where they were not written."""
    results = {"bench-gpu": kernels, "train": train}
    status = {entry["name"]: entry["status"] for entry in record}
    goals = []
    for name, wanted, source, judged in (("digests of the golden configs", "equal", "prove", lambda: digests(record)),
                                         *table_of_goals(train, kernels)):
        try:
            if rehearsing:
                raise Unknown("a rehearsal measures nothing")
            if source in results and results[source] is None:
                raise Unknown(f"there is no result: the step '{source}' was {status.get(source, 'not done')}")
            if source in results and results[source]["figures"] != "measured":
                raise Unknown(results[source]["figures"])
            measured, met, reason = judged()
        except Unknown as err:
            measured, met, reason = None, None, str(err)
        except (LookupError, TypeError, ArithmeticError) as err:  # a result that is not as it should be
            measured, met, reason = None, None, f"the result of '{source}' cannot be read: {type(err).__name__}: {err}"
        goals.append({"name": name, "wanted": wanted, "measured": measured, "met": met, "reason": reason})
    return goals


def lines(goals):
    for goal in goals:
        measured = "" if goal["measured"] is None else f" {goal['measured']},"
        yield f"{WORDS[goal['met']]:<9}  {goal['name']}:{measured} wanted {goal['wanted']} ({goal['reason']})"
    yield "goals: " + ", ".join(f"{sum(goal['met'] is met for goal in goals)} {word}" for met, word in WORDS.items())
