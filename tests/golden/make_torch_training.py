#!/usr/bin/env python3
"""Golden trainings of a small MLP in PyTorch, in binary64: a check of what the training loop means.

    python3 tests/golden/make_torch_training.py       needs torch, numpy, h5py (requirements.txt), datasets/iris.h5

WHAT IS RUN.  Iris, /train, 120 rows in file order, batches of 32 (the fourth has 24 rows; its loss is the mean over
24), 10 epochs = 40 steps.  Features are standardised, (x - mean) / deviation, with mean and population deviation of the
train rows.  Model 4-8-3, the activation named by the case after the first layer, none after the second; loss: cross
entropy, mean over the batch.  Per step: gradients, clipping by global norm (torch.nn.utils.clip_grad_norm_), optimiser
step with the learning rate of that step.  weight_decay applies to weights and biases alike.  No dropout.

INITIAL PARAMETERS, exact in binary32.  The tensors in the order 0.weight (8x4), 0.bias (8), 1.weight (3x8), 1.bias (3)
have number k = 0, 1, 2, 3; element j (row-major) of tensor k is

    h = (2654435761 * (1000 * k + j + 1)) mod 2^32,    value = ((h >> 16) - 32768) / 65536        in [-1/2, 1/2)

SCHEDULES, s = 0-based step, W = warmup_steps, T = 40:
    constant   lr
    cosine     s < W: lr (s + 1) / W;   else final_lr + (lr - final_lr) (1 + cos(pi (s - W) / (T - W))) / 2

FORMAT of torch_training.json
    torch, rows, batch, epochs, steps
    mean, deviation       of the four features (%.17g)
    initial               {"0.weight": [...], "0.bias": ..., "1.weight": ..., "1.bias": ...}, row-major
    cases[]
        name, activation
        optimizer         name (sgd, adam, adamw) and that optimiser's numbers; what is absent does not apply
        clip_norm         or null
        schedule          {"name": "constant"} or {"name": "cosine", "warmup_steps":, "final_lr":}
        loss              per step, before its update (%.17g)
        lr                per step
        norm              per step, global gradient norm before clipping
        weights           {"1": {...}, "10": {...}, "40": {...}}: the four tensors after that many steps (%.17g)
        accuracy          of the final model over the train rows
        min_preactivation smallest |input of an activation| over the training: relu's kink is farther than any rounding
        loss_tolerance, weight_tolerance   absolute, see below
        wrong             {mistake: (largest weight error when it is made in binary64) / weight_tolerance}; all > 10

THE TOLERANCES are 16 times the largest deviation that torch itself shows in binary32 (over all steps, plain and with
the rows of each batch reversed, which changes the order of summation), and at least 2^-20.  A worst-case bound over 40
steps would be vacuous.  Every mistake listed moves a weight by more than 10 tolerances.  NaN must fail.
"""

import json
import math
import pathlib
import sys

try:
    import h5py
    import numpy as np
    import torch
except ImportError as err:
    sys.exit(f"make_torch_training: {err}; run: pip install torch numpy h5py")

HERE = pathlib.Path(__file__).resolve().parent
IRIS = HERE.parent.parent / "datasets" / "iris.h5"
OUT = HERE / "torch_training.json"
BATCH, EPOCHS, HIDDEN = 32, 10, 8
RECORDED = (1, 10, 40)
NAMES = ("0.weight", "0.bias", "1.weight", "1.bias")
SHAPES = ((HIDDEN, 4), (HIDDEN,), (3, HIDDEN), (3,))

CONSTANT = {"name": "constant"}
CASES = [
    ("relu_sgd_momentum", "relu", {"name": "sgd", "lr": 0.05, "momentum": 0.9}, None, CONSTANT),
    ("tanh_sgd_clip", "tanh", {"name": "sgd", "lr": 0.2, "momentum": 0.5}, 0.25, CONSTANT),
    (
        "relu_sgd_nesterov_decay",
        "relu",
        {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        0.3,
        CONSTANT,
    ),
    ("tanh_adam", "tanh", {"name": "adam", "lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}, None, CONSTANT),
    (
        "relu_adam_cosine",
        "relu",
        {"name": "adam", "lr": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
        None,
        {"name": "cosine", "warmup_steps": 5, "final_lr": 0.001},
    ),
    (
        "tanh_adamw_decay",
        "tanh",
        {"name": "adamw", "lr": 0.02, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1},
        None,
        CONSTANT,
    ),
]


def initial():
    """The four tensors, by name."""
    found = {}
    for k, (name, shape) in enumerate(zip(NAMES, SHAPES)):
        h = [(2654435761 * (1000 * k + j + 1)) % 2**32 for j in range(math.prod(shape))]
        found[name] = np.array([((v >> 16) - 32768) / 65536 for v in h]).reshape(shape)
    return found


def learning_rate(step, steps, lr, schedule):
    if schedule["name"] == "constant":
        return lr
    warmup, final = schedule["warmup_steps"], schedule["final_lr"]
    if step < warmup:
        return lr * (step + 1) / warmup
    return final + (lr - final) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def make_optimizer(config, params):
    keys = dict(config)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[keys.pop("name")]
    if "beta1" in keys:
        keys["betas"] = (keys.pop("beta1"), keys.pop("beta2"))
    return kind(params, foreach=False, fused=False, **keys)


def train(x, y, activation, optimizer, clip, schedule, dtype=torch.float64, reverse=False, wrong=None):
    """One training; returns what the case records.  `wrong` names a mistake to make."""
    deviation = x.std(axis=0, ddof=1 if wrong == "sample deviation" else 0)
    x = (x - x.mean(axis=0)) / deviation
    x, y = torch.tensor(x, dtype=dtype), torch.tensor(y)
    act = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[activation]()
    layers = [torch.nn.Linear(4, HIDDEN, dtype=dtype), torch.nn.Linear(HIDDEN, 3, dtype=dtype)]
    params = [layers[0].weight, layers[0].bias, layers[1].weight, layers[1].bias]
    with torch.no_grad():
        for p, value in zip(params, initial().values()):
            p.copy_(torch.tensor(value))

    groups = params
    if wrong == "no decay of biases":
        groups = [{"params": params[0::2]}, {"params": params[1::2], "weight_decay": 0.0}]
    if wrong == "adam for adamw":
        optimizer = dict(optimizer, name="adam")
    if wrong in ("decay left out", "decay before clipping"):
        decay = optimizer["weight_decay"]
        optimizer = dict(optimizer, weight_decay=0.0)
    opt = make_optimizer(optimizer, groups)

    steps = EPOCHS * math.ceil(len(x) / BATCH)
    out = {"loss": [], "lr": [], "norm": [], "weights": {}, "min_preactivation": math.inf}
    for step in range(steps):
        first = step % (steps // EPOCHS) * BATCH
        rows = slice(first, first + BATCH)
        bx, by = x[rows], y[rows]
        if reverse:
            bx, by = bx.flip(0), by.flip(0)
        hidden = layers[0](bx)
        out["min_preactivation"] = min(out["min_preactivation"], hidden.abs().min().item())
        loss = torch.nn.functional.cross_entropy(layers[1](act(hidden)), by)
        opt.zero_grad()
        (loss * (len(bx) / BATCH) if wrong == "last batch divided by the full size" else loss).backward()
        if wrong == "decay before clipping":
            for p in params:
                p.grad.add_(p.detach(), alpha=decay)
        norm = torch.nn.utils.get_total_norm([p.grad for p in params]).item()
        if clip and wrong != "not clipped":
            if wrong == "clipped per tensor":
                for p in params:
                    torch.nn.utils.clip_grad_norm_([p], clip)
            else:
                torch.nn.utils.clip_grad_norm_(params, clip)
        at = step - 1 if wrong == "schedule one step late" else step
        rate = learning_rate(max(at, 0), steps, optimizer["lr"], schedule)
        for group in opt.param_groups:
            group["lr"] = rate
        opt.step()
        out["loss"].append(loss.item())
        out["lr"].append(rate)
        out["norm"].append(norm)
        if step + 1 in RECORDED:
            out["weights"][step + 1] = {n: p.detach().double().flatten().tolist() for n, p in zip(NAMES, params)}
    with torch.no_grad():
        out["accuracy"] = (layers[1](act(layers[0](x))).argmax(1) == y).double().mean().item()
    return out


def deviations(a, b):
    """Largest difference of losses and of weights."""
    loss = max(abs(u - v) for u, v in zip(a["loss"], b["loss"]))
    weight = max(abs(u - v) for s in RECORDED for n in NAMES for u, v in zip(a["weights"][s][n], b["weights"][s][n]))
    return loss, weight


def mistakes(optimizer, clip, schedule):
    found = ["sample deviation", "last batch divided by the full size"]
    if optimizer.get("weight_decay"):
        found += ["no decay of biases", "decay left out"]
    if optimizer["name"] == "adamw":
        found.append("adam for adamw")
    if clip:
        found += ["not clipped", "clipped per tensor"]
    if clip and optimizer.get("weight_decay"):
        found.append("decay before clipping")
    if schedule["name"] != "constant":
        found.append("schedule one step late")
    return found


def array(values, form="%.17g"):
    return "[" + ", ".join(form % v for v in values) + "]"


def tensors(weights, form="%.17g"):
    return "{" + ", ".join(f'"{n}": {array(np.ravel(v), form)}' for n, v in weights.items()) + "}"


def main():
    torch.set_num_threads(1)
    with h5py.File(IRIS, "r") as f:
        x, y = f["train/x"][()].astype(np.float64), f["train/y"][()].astype(np.int64)
    cases = []
    for name, activation, optimizer, clip, schedule in CASES:
        args = (x, y, activation, optimizer, clip, schedule)
        want = train(*args)
        single = [deviations(want, train(*args, dtype=torch.float32, reverse=r)) for r in (False, True)]
        loss_tol, weight_tol = (max(2.0**-20, 16 * max(column)) for column in zip(*single))
        wrong = {
            w: deviations(want, train(*args, wrong=w))[1] / weight_tol for w in mistakes(optimizer, clip, schedule)
        }
        assert all(r > 10 for r in wrong.values()), (name, wrong)
        assert activation != "relu" or want["min_preactivation"] > 4 * weight_tol, (name, want["min_preactivation"])
        if clip:
            assert max(want["norm"]) > clip > min(want["norm"]), f"{name}: must clip in some steps, not in others"
        print(
            f"{name:24} loss {want['loss'][0]:.4f} -> {want['loss'][-1]:.4f}, accuracy {want['accuracy']:.4f}; "
            f"torch binary32 is off by loss {max(s[0] for s in single):.1e}, weight {max(s[1] for s in single):.1e}; "
            f"bounds {loss_tol:.1e}, {weight_tol:.1e}; |pre-activation| >= {want['min_preactivation']:.1e}; clipped "
            f"{sum(bool(clip) and n > clip for n in want['norm'])}; wrong: "
            + ", ".join(f"{w} {r:.0f}" for w, r in wrong.items())
        )
        weights = ",\n     ".join(f'"{s}": {tensors(want["weights"][s])}' for s in RECORDED)
        cases.append(
            "  {"
            + f'"name": "{name}", "activation": "{activation}",\n   "optimizer": {json.dumps(optimizer)},\n'
            + f'   "clip_norm": {json.dumps(clip)}, "schedule": {json.dumps(schedule)},\n'
            + f'   "loss_tolerance": {loss_tol:.3g}, "weight_tolerance": {weight_tol:.3g},\n'
            + f'   "min_preactivation": {want["min_preactivation"]:.3g}, "accuracy": {want["accuracy"]:.17g},\n'
            + f'   "wrong": {json.dumps({w: float("%.3g" % r) for w, r in wrong.items()})},\n'
            + "".join(f'   "{k}": {array(want[k])},\n' for k in ("loss", "lr", "norm"))
            + f'   "weights": {{\n     {weights}}}'
            + "}"
        )
    text = (
        "{"
        + f'"torch": "{torch.__version__.split("+")[0]}",\n'
        + f' "rows": {len(x)}, "batch": {BATCH}, "epochs": {EPOCHS}, "steps": {len(want["loss"])},\n'
        + f' "mean": {array(x.mean(axis=0))},\n "deviation": {array(x.std(axis=0))},\n'
        + f' "initial": {tensors(initial(), "%.9g")},\n "cases": [\n'
        + ",\n".join(cases)
        + "\n ]}\n"
    )
    json.loads(text)
    OUT.write_text(text)
    print(f"wrote {OUT.name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
