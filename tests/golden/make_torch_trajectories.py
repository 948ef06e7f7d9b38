#!/usr/bin/env python3
"""Golden trajectories of SGD, Adam and AdamW from the real PyTorch package.

    python3 tests/golden/make_torch_trajectories.py       needs torch (requirements.txt), writes torch_trajectories.json

WHAT IS RUN.  64 parameters and 50 steps with given gradients, through torch.optim's single-tensor path on the CPU
(foreach=False, fused=False), in binary32 and, as the reference value, in binary64 from the same inputs.

THE INPUTS are exact binary32 numbers made with integers alone:

    next():  s = (1664525 * s + 1013904223) mod 2^32            s starts at 20240229
             return (((s >> 8) & 0xffff) - 32768) / 32768       in [-1, 1), at most 16 significant bits

    parameters   p[i] = next() * 2^-(i mod 4)                   i = 0 .. 63
    gradients    g    = next() * 2^-(i mod 13)                  for t = 1 .. 50, and in each for i = 0 .. 63;
                 g is set to 0 where i mod 16 = 15 or (t + i) mod 7 = 0; next() is called all the same

The hyper-parameters are the decimal numbers of `config` taken as binary64; scalars such as 1 - beta2^t are computed in
binary64 and rounded once to binary32.

FORMAT of torch_trajectories.json
    torch            version that made the file
    parameters, steps, seed
    last_state       s after all draws: a check of the generator
    gradient_1       the 64 gradients of step 1, another check (%.9g)
    initial          the 64 initial parameters (%.9g)
    cases[]
        name         for messages
        config       name (sgd, adam, adamw) and that optimiser's numbers; what is absent does not apply
        recorded     steps whose parameters are given: 1, 2, 10, 50
        float64      one array of 64 per recorded step: the reference (%.17g)
        float32      alike, torch's own binary32 result (%.9g); for information
        tolerance    alike: the bound on |ours_f32 - float64| per parameter, see below (%.3e, rounded up)
        torch_ratio  largest |float32 - float64| / tolerance: how much of the bound torch itself needs
        wrong        {mistake: largest |error| / tolerance when that mistake is made in binary64}; all must exceed 1

THE TOLERANCE is a running error bound, to first order in u = 2^-24, worst case, along the binary64 trajectory.  E(x) is
the bound on the error of x.  Each rounded operation adds u times its result; a constant that is rounded to binary32
once adds u times the product that it enters.  Counts are the larger of the usual orders of evaluation, and a fused
multiply-add only makes fewer, so any sensible kernel fits.

    decay into g    E(g) = wd E(p) + 2u wd|p| + u|g|                                     (0 without decay: g is given)
    SGD             E(b) = mu E(b) + (1-da) E(g) + 2u mu|b_old| + 2u (1-da)|g| + u|b|    (b = g at step 1, no rounding;
                                                                         da: dampening, its term is 0 where da = 0)
      nesterov      E(d) = E(g) + mu E(b) + 2u mu|b| + u|d|                         (else d = b, or g without momentum)
                    E(p) = E(p) + lr E(d) + 2u lr|d| + u|p_new|
    Adam            E(m) = b1 E(m) + (1-b1) E(g) + 3u (b1|m_old| + (1-b1)|g|) + u|m|
                    E(v) = b2 E(v) + 2(1-b2)|g| E(g) + u (2 b2 v_old + 3(1-b2) g^2) + u v
                    r = sqrt(v)/sqrt(1-b2^t),  E(r) = (sqrt(v) - sqrt(v - E(v)))/sqrt(1-b2^t) + 3u r
                    d = r + eps,               E(d) = E(r) + u eps + u d
                    s = lr/(1-b1^t) m/d,       E(s) = lr/(1-b1^t) (E(m)/(d-E(d)) + |m| E(d)/(d (d-E(d)))) + 5u|s|
                    E(p) = E(p) + E(s) + u|p_new|
    AdamW           before it: p = p (1 - lr wd),  E(p) = (1 - lr wd) E(p) + 2u|p|

The result is multiplied by 1.01 for the terms of second order.
"""

import json
import math
import pathlib
import sys

try:
    import torch
except ImportError as err:
    sys.exit(f"make_torch_trajectories: {err}; run: pip install torch")

OUT = pathlib.Path(__file__).resolve().with_name("torch_trajectories.json")
COUNT, STEPS, SEED = 64, 50, 20240229
RECORDED = (1, 2, 10, 50)
U = 2.0**-24

CASES = [
    ("sgd", {"name": "sgd", "lr": 0.05}),
    ("sgd_decay", {"name": "sgd", "lr": 0.05, "weight_decay": 0.01}),
    ("sgd_momentum", {"name": "sgd", "lr": 0.01, "momentum": 0.9}),
    ("sgd_dampening", {"name": "sgd", "lr": 0.02, "momentum": 0.8, "dampening": 0.3}),
    ("sgd_nesterov_decay", {"name": "sgd", "lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    ("adam", {"name": "adam", "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
    ("adam_decay", {"name": "adam", "lr": 0.0005, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.1}),
    ("adam_betas_eps", {"name": "adam", "lr": 0.02, "beta1": 0.8, "beta2": 0.95, "eps": 0.001}),
    ("adamw", {"name": "adamw", "lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}),
    ("adamw_decay", {"name": "adamw", "lr": 0.02, "beta1": 0.9, "beta2": 0.98, "eps": 1e-6, "weight_decay": 0.1}),
]


class Generator:
    def __init__(self):
        self.state = SEED

    def next(self):
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return (((self.state >> 8) & 0xFFFF) - 32768) / 32768


def inputs():
    """Initial parameters, gradients per step, and the generator's last state."""
    gen = Generator()
    params = [gen.next() * 2.0 ** -(i % 4) for i in range(COUNT)]
    grads = []
    for t in range(1, STEPS + 1):
        drawn = [gen.next() * 2.0 ** -(i % 13) for i in range(COUNT)]
        grads.append([0.0 if i % 16 == 15 or (t + i) % 7 == 0 else g for i, g in enumerate(drawn)])
    return params, grads, gen.state


def torch_optimizer(config, p):
    keys = dict(config)
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[keys.pop("name")]
    if "beta1" in keys:
        keys["betas"] = (keys.pop("beta1"), keys.pop("beta2"))
    return kind([p], foreach=False, fused=False, **keys)


def run_torch(config, params, grads, dtype):
    p = torch.tensor(params, dtype=dtype, requires_grad=True)
    opt = torch_optimizer(config, p)
    kept = []
    for t, g in enumerate(grads, 1):
        p.grad = torch.tensor(g, dtype=dtype)
        opt.step()
        if t in RECORDED:
            kept.append(p.detach().double().tolist())
    return kept


def run_bound(config, params, grads, wrong=None):
    """The formulas above in binary64: (parameters, tolerances) per recorded step.  `wrong` names a mistake to make."""
    adam = config["name"] != "sgd"
    lr, wd = config["lr"], config.get("weight_decay", 0.0)
    mu, damp, nesterov = config.get("momentum", 0.0), config.get("dampening", 0.0), config.get("nesterov", False)
    b1, b2, eps = config.get("beta1", 0.0), config.get("beta2", 0.0), config.get("eps", 0.0)
    coupled = config["name"] != "adamw"
    if wrong == "decay the other way":
        coupled = not coupled
    if wrong == "nesterov left out":
        nesterov = False
    if wrong == "betas swapped":
        b1, b2 = b2, b1

    values, bounds = [[] for _ in RECORDED], [[] for _ in RECORDED]
    for i in range(COUNT):
        p, ep = params[i], 0.0
        b, eb = 0.0, 0.0
        m, em, v, ev = 0.0, 0.0, 0.0, 0.0
        for t in range(1, STEPS + 1):
            g, eg = grads[t - 1][i], 0.0
            if wd and coupled:
                old, g = p, g + wd * p
                eg = wd * ep + 2 * U * wd * abs(old) + U * abs(g)
            if wd and not coupled:
                p, ep = p * (1 - lr * wd), (1 - lr * wd) * ep + 2 * U * abs(p)
            if not adam:
                d, ed = g, eg
                if mu:
                    if t == 1:
                        b, eb = (0.5 * g if wrong == "first gradient damped" else g), eg
                    else:
                        old, b = b, mu * b + (1 - damp) * g
                        eb = mu * eb + (1 - damp) * eg + 2 * U * mu * abs(old) + U * abs(b)
                        eb += 2 * U * (1 - damp) * abs(g) if damp else 0.0
                    d, ed = b, eb
                    if nesterov:
                        d = g + mu * b
                        ed = eg + mu * eb + 2 * U * mu * abs(b) + U * abs(d)
                p -= lr * d
                ep += lr * ed + 2 * U * lr * abs(d) + U * abs(p)
            else:
                c1, c2 = 1 - b1**t, 1 - b2**t
                if wrong == "bias correction left out":
                    c1 = c2 = 1.0
                if wrong == "bias correction one step late" and t > 1:
                    c1, c2 = 1 - b1 ** (t - 1), 1 - b2 ** (t - 1)
                old, m = m, b1 * m + (1 - b1) * g
                em = b1 * em + (1 - b1) * eg + 3 * U * (b1 * abs(old) + (1 - b1) * abs(g)) + U * abs(m)
                old, v = v, b2 * v + (1 - b2) * g * g
                ev = b2 * ev + 2 * (1 - b2) * abs(g) * eg + U * (2 * b2 * old + 3 * (1 - b2) * g * g) + U * v
                r = math.sqrt(v / c2)
                er = (math.sqrt(v) - math.sqrt(max(v - ev, 0.0))) / math.sqrt(c2) + 3 * U * r
                d = r + eps
                if wrong == "eps inside the root":
                    d = math.sqrt(v / c2 + eps)
                if wrong == "eps before the bias correction":
                    d = (math.sqrt(v) + eps) / math.sqrt(c2)
                ed = er + U * eps + U * d
                s = lr / c1 * m / d
                es = lr / c1 * (em / (d - ed) + abs(m) * ed / (d * (d - ed))) + 5 * U * abs(s)
                p -= s
                ep += es + U * abs(p)
            if t in RECORDED:
                values[RECORDED.index(t)].append(p)
                bounds[RECORDED.index(t)].append(1.01 * ep)
    return values, bounds


def mistakes(config):
    """The mistakes that would matter for this optimiser."""
    found = []
    if config["name"] == "sgd":
        if config.get("momentum"):
            found.append("first gradient damped")
        if config.get("nesterov"):
            found.append("nesterov left out")
    else:
        found += ["bias correction left out", "bias correction one step late", "betas swapped"]
        found += ["eps inside the root", "eps before the bias correction"]
        if config.get("weight_decay"):
            found.append("decay the other way")
    return found


def ratio(values, reference, bounds):
    """Largest |value - reference| / bound over all steps and elements."""
    worst = 0.0
    for row_v, row_r, row_b in zip(values, reference, bounds):
        for v, r, b in zip(row_v, row_r, row_b):
            err = abs(v - r)
            worst = max(worst, err / b if b else (math.inf if err else 0.0))
    return worst


def up(x):
    """x as %.3e, rounded up."""
    text = "%.3e" % x
    return text if float(text) >= x else "%.3e" % (x * 1.001)


def array(values, form):
    return "[" + ", ".join(form(v) if callable(form) else form % v for v in values) + "]"


def rows(values, form):
    return "[\n     " + ",\n     ".join(array(row, form) for row in values) + "]"


def main():
    torch.set_num_threads(1)
    params, grads, state = inputs()
    cases = []
    for name, config in CASES:
        f64 = run_torch(config, params, grads, torch.float64)
        f32 = run_torch(config, params, grads, torch.float32)
        ours, bounds = run_bound(config, params, grads)
        # our formulas are torch's, but for the last bits of binary64
        assert ratio(ours, f64, bounds) < 1e-6, name
        torch_ratio = ratio(f32, f64, bounds)
        assert torch_ratio < 1, name
        wrong = {w: ratio(run_bound(config, params, grads, w)[0], f64, bounds) for w in mistakes(config)}
        assert all(r > 1 for r in wrong.values()), (name, wrong)
        largest = max(map(max, bounds))
        assert largest < 2e-5, (name, largest)  # no vacuous bound
        print(
            f"{name:20} largest tolerance {largest:.2e}, torch needs {torch_ratio:.3f} of it; wrong: "
            + (", ".join(f"{w} {r:.0f}" for w, r in wrong.items()) or "-")
        )
        cases.append(
            "  {"
            + f'"name": "{name}",\n   "config": {json.dumps(config)},\n   "recorded": {list(RECORDED)},\n'
            + f'   "torch_ratio": {torch_ratio:.3g},\n'
            + f'   "wrong": {json.dumps({w: float("%.3g" % r) for w, r in wrong.items()})},\n'
            + f'   "float64": {rows(f64, "%.17g")},\n   "float32": {rows(f32, "%.9g")},\n'
            + f'   "tolerance": {rows(bounds, up)}'
            + "}"
        )
    text = (
        "{"
        + f'"torch": "{torch.__version__.split("+")[0]}",\n'
        + f' "parameters": {COUNT}, "steps": {STEPS}, "seed": {SEED}, "last_state": {state},\n'
        + f' "initial": {array(params, "%.9g")},\n "gradient_1": {array(grads[0], "%.9g")},\n "cases": [\n'
        + ",\n".join(cases)
        + "\n ]}\n"
    )
    json.loads(text)
    OUT.write_text(text)
    print(f"wrote {OUT.name}: {len(text)} bytes")


if __name__ == "__main__":
    main()
