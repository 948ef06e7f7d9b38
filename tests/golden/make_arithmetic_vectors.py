#!/usr/bin/env python3
"""Test vectors of docs/arithmetic.md, from an implementation of that page that shares no code with the program.

    python3 tests/golden/make_arithmetic_vectors.py            writes tests/golden/arithmetic_vectors.json
    python3 tests/golden/make_arithmetic_vectors.py --check    exit status 1 if the file would differ

It needs Python alone (3.8 or later) and gives the same bytes everywhere.  arithmetic_numbers.py and
arithmetic_training.py are the implementation; this file chooses inputs.

FORMAT.  {"arithmetic": 1, "rules": {"1": [...], ...}, "runs": [...]}: a list of vectors for each rule of the page, and
whole trainings.  A vector names what it tests in "of"; its other keys are inputs and outputs.  Numbers that may be
rounded are strings of hexadecimal words with blanks between: the bits of binary32 (8 digits) or binary64 (16), most
significant first; the same key with "~" in front gives them in decimal, for reading.  Matrices are given row by row.
{"lcg": s, "n": n, "type": "f32" or "f64", "spread": k} stands for n draws, made with integers alone:

    next():  s = (1664525 s + 1013904223) mod 2^32;  return (((s >> 8) & 0xffff) - 32768) / 32768
    element i = next() 2^-(i mod k) for f32, the product of three next() times 2^-(i mod k) for f64; all are exact

A run has a config, its data (decimal numbers that are exact in the type given), and what must come out.
"""

import json
import math
import pathlib
import sys

sys.dont_write_bytecode = True  # this folder is installed

import arithmetic_numbers as n  # noqa: E402
import arithmetic_training as t  # noqa: E402

FILE = pathlib.Path(__file__).parent / "arithmetic_vectors.json"
NAN, INF = n.NAN, n.INF
SEED = 0x123456789ABCDEF0


def number(x, digits):
    return "nan" if x != x else "%.*g" % (digits, x)


def hex64(u):
    return "%016x" % u


def listed(values):
    return list(values) if isinstance(values, (list, tuple)) else [values]


def f32(**arrays):
    """key -> bits, ~key -> decimal."""
    out = {}
    for key, values in arrays.items():
        out[key] = " ".join("%08x" % n.bits32(x) for x in listed(values))
        out["~" + key] = " ".join(number(x, 9) for x in listed(values))
    return out


def f64(**arrays):
    out = {}
    for key, values in arrays.items():
        out[key] = " ".join("%016x" % n.bits64(x) for x in listed(values))
        out["~" + key] = " ".join(number(x, 17) for x in listed(values))
    return out


def draws(state, count, kind="f32", spread=13):
    values = []

    def draw():
        nonlocal state
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        return (((state >> 8) & 0xFFFF) - 32768) / 32768

    for i in range(count):
        x = draw() if kind == "f32" else draw() * draw() * draw()
        values.append(x * 2.0 ** -(i % spread))
    return values


def drawn(state, count, kind="f32", spread=13):
    """The values, and how the file describes them."""
    return draws(state, count, kind, spread), {"lcg": state, "n": count, "type": kind, "spread": spread}


def rows_of(flat, width):
    return [flat[i:i + width] for i in range(0, len(flat), width)]


def flat(rows):
    return [v for row in rows for v in row]


def words(values):
    return " ".join(map(str, values))


# ---- rules 1 to 5 ----

TINY, MOST, NEXT = 2.0**-149, n.from32(0x7F7FFFFF), 1 + 2.0**-23


def rule_1():
    a = [1.0, 0.1, NEXT, 1e30, MOST, 3.0, TINY, 2.0**-126, -0.0, INF, NAN]
    b = [3.0, 0.2, 1 - 2.0**-24, 1e30, 2.0, -1e-20, 0.5, 0.75, 0.0, -1.0, 1.0]
    c = [-1.0, -0.02, -1.0, -INF, -MOST, 7.0, TINY, -TINY, -0.0, INF, 0.0]
    a, b, c = ([n.f32(x) for x in v] for v in (a, b, c))
    out = []
    for name in ("add", "sub", "mul", "div"):
        out.append({"of": name, **f32(a=a, b=b, result=[getattr(n, name)(x, y) for x, y in zip(a, b)])})
    out.append({"of": "fma", **f32(a=a, b=b, c=c, result=[n.fma(*v) for v in zip(a, b, c)])})
    roots = [2.0, n.f32(0.1), TINY, MOST, 0.0, INF]
    out.append({"of": "sqrt", **f32(a=roots, result=[n.f32(math.sqrt(x)) for x in roots])})
    z = [-1.0, -0.0, 0.0, TINY, -TINY, 2.5, INF, -INF, NAN]
    out.append({"of": "relu", **f32(a=z, result=[t.activate("relu", x) for x in z])})
    return out


def rule_2():
    out = []
    for i, k in enumerate((0, 1, 5, 255, 256, 257, 512, 700)):
        m, columns = 2, 3
        a, a_text = drawn(100 + i, m * k, "f32", 7)
        b, b_text = drawn(200 + i, k * columns, "f32", 11)
        c = [[0.0] * columns] * m if k == 0 else n.product(rows_of(a, k), rows_of(b, columns))
        out.append({"of": "product", "m": m, "n": columns, "k": k, "a": a_text, "b": b_text, **f32(c=flat(c))})
    for i, rows in enumerate((1, 300, 513)):
        x, text = drawn(300 + i, rows * 3)
        sums = [n.chain([1.0] * rows, c) for c in n.columns(rows_of(x, 3))]
        out.append({"of": "column_sum", "rows": rows, "columns": 3, "x": text, **f32(sum=sums)})
    for i, (activation, p) in enumerate((("identity", 0.0), ("relu", 0.0), ("tanh", 0.25), ("sigmoid", 0.5), ("relu", 0.9))):
        rows, inputs, units, step, number_of_layer, first = 3, 5, 6, 7, 2, 4
        layer = t.Layer(inputs, units, activation, p)
        (x, x_text), (w, w_text), (bias, bias_text), (dy, dy_text) = (
            drawn(s + i, count, "f32", spread) for s, count, spread in
            ((400, rows * inputs, 3), (500, units * inputs, 2), (600, units, 5), (700, rows * units, 4)))
        layer.weight, layer.bias = w, bias
        factors = None
        if p > 0:
            factors = rows_of(t.dropout_factors(p, SEED, number_of_layer, step, first * units, rows * units), units)
        kept, y = layer.forward(rows_of(x, inputs), factors)
        dz = layer.backward(rows_of(dy, units), kept, factors)
        weight = n.product(n.columns(dz), rows_of(x, inputs))
        out.append({"of": "dense", "rows": rows, "inputs": inputs, "units": units, "activation": activation,
                    "seed": hex64(SEED), "step": step, "layer": number_of_layer, "first_row": first, **f64(dropout=p),
                    "x": x_text, "weight": w_text, "bias": bias_text, "dy": dy_text,
                    **f32(kept=flat(kept), y=flat(y), dz=flat(dz), dw=flat(weight),
                          db=[n.chain([1.0] * rows, c) for c in n.columns(dz)], dx=flat(n.product(dz, layer.rows())))})
    return out


def rule_3():
    out = []
    for kind, rounded, spread in (("f32", n.f32, 13), ("f64", lambda v: v, 29)):
        put = f32 if kind == "f32" else f64
        for count in (0, 1, 31, 33, 1000, 1024, 1025, 5000, 40000):
            x, text = drawn(count + 1, count, kind, spread)
            out.append({"of": "sum", "x": text, **put(sum=n.vector_sum(x, rounded))})
    x, text = drawn(9, 1024 * 1024 + 1025, "f64", 29)
    out.append({"of": "sum", "x": text, **f64(sum=n.vector_sum(x))})
    sizes, inverse = [3000, 1, 64], n.f32(1 / 7)
    g, text = drawn(10, sum(sizes))
    scaled, tensors = [n.mul(x, inverse) for x in g], []
    for size in sizes:
        tensors.append(scaled[:size])
        scaled = scaled[size:]
    out.append({"of": "norm", "sizes": sizes, "g": text, **f32(inverse=inverse), **f64(norm=n.norm_of(tensors))})
    return out


def rule_4():
    out = []
    for count in range(1, 12):
        x, text = drawn(count, count, "f64", 29)
        out.append({"of": "tree", "x": text, **f64(sum=n.tree(x, lambda a, b: a + b))})
    return out


OPTIMIZERS = (
    {"name": "sgd", "lr": 0.1},
    {"name": "sgd", "lr": 0.1, "dampening": 0.5},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01, "clip_norm": 1.5},
    {"name": "sgd", "lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "clip_value": 0.3},
    {"name": "adam", "lr": 0.01},
    {"name": "adam", "lr": 0.02, "beta1": 0.8, "beta2": 0.99, "eps": 1e-6, "weight_decay": 0.1, "clip_norm": 0.5,
     "clip_value": 0.2, "schedule": {"name": "cosine", "warmup_steps": 2, "final_lr": 0.001}},
    {"name": "adamw", "lr": 0.01, "weight_decay": 0.05})


def known(o):
    """The optimiser's keys as rule 5 reads them."""
    o = dict(o)
    schedule = o.pop("schedule", {})
    defaults = dict(t.OPTIMIZER_KEYS[o["name"]])
    return {**defaults, **o, **{"schedule" if k == "name" else k: v for k, v in schedule.items()}}


def rule_5():
    out, settled = [], [2.0**-100, 2.0**-101, -(2.0**-100), -(2.0**-101), TINY, 0.0, -0.0, 1.0, NAN]
    out.append({"of": "settle", **f32(s=settled, result=[t.settle(x) for x in settled])})
    g = [n.f32(x) for x in (0.3, -2.0, 1e-3, 0.0, INF, NAN)]
    for clip_norm, clip_value, norm in ((1.0, 0.0, 5.0), (1.0, 0.0, 1.0), (0.0, 0.5, 9.0), (2.0, 0.1, 3.0)):
        o = {"clip_norm": clip_norm, "clip_value": clip_value}
        scale = t.clip_scale(o, norm)
        out.append({"of": "clip", **f64(clip_norm=clip_norm, norm=norm),
                    **f32(clip_value=n.f32(clip_value), g=g, scale=scale, result=[t.clipped(o, scale, x) for x in g])})
    for i, given in enumerate(OPTIMIZERS):
        o, count, steps = known(given), 5, 4
        (p, p_text), (gradients, g_text) = drawn(40 + i, count, "f32", 3), drawn(50 + i, count * steps, "f32", 4)
        state = [[0.0] * (1 if o["name"] == "sgd" else 2) for _ in p]
        after = []
        for step, g in enumerate(rows_of(gradients, count)):
            scale = t.clip_scale(o, n.norm_of([g]))
            p = [t.update(o, step, steps, t.clipped(o, scale, x), w, s) for x, w, s in zip(g, p, state)]
            after += p
        out.append({"of": "update", "optimizer": given, "steps": steps, "p": p_text, "g": g_text, **f32(after=after),
                    **f32(state=flat(n.columns(state)))})
    for schedule in ({"name": "constant"}, {"name": "constant", "warmup_steps": 3}, {"name": "cosine"},
                     {"name": "cosine", "warmup_steps": 4, "final_lr": 1e-4}):
        given, steps = {"name": "sgd", "lr": 0.3, "schedule": schedule}, 10
        out.append({"of": "rate", "optimizer": given, "steps": steps,
                    **f64(rate=[t.rate(known(given), s, steps) for s in range(steps)])})
    return out


# ---- rules 6 to 8 ----

USUAL = [0.0, -0.0, TINY, -TINY, 2.0**-126, 1e-20, -1e-8, 1e-4, -0.01, 0.1, -0.1, 0.5, -0.5, 1.0, -1.0, 2.0, -3.7, 7.25,
         -16.5, 30.0, -80.0, 88.5, -88.0, 89.0, -103.5, -105.0, 1e10, -1e10, MOST, INF, -INF, NAN]
POSITIVE = [0.0, -0.0, TINY, 2.0**-126, 1e-20, 0.1, 0.5, 1 - 2.0**-24, 1.0, NEXT, 1.5, 2.0, 2.7182817, 10.0, 12345.678,
            MOST, INF, -1.0, NAN]


def rule_6():
    out = []
    for name in n.LIMITS:
        x = POSITIVE if name == "log" else USUAL
        if name == "log1p":
            x = [v for v in USUAL if v > -1] + [-1 + 2.0**-24, -1.0, -2.0, NAN]
        x = [n.f32(v) for v in x] + ([] if name == "log" else draws(60, 12, "f32", 9))
        out.append({"of": name, **f32(x=x, y=[n.elementary(name, v) for v in x])})
    for i, (count, y) in enumerate(((3, 0), (3, 2), (10, 4), (2, 1))):
        z, text = drawn(70 + i, count, "f32", 2)
        z = [n.mul(v, 8.0) for v in z]
        loss, dz = t.cross_entropy(z, y)
        out.append({"of": "cross_entropy", **f32(z=z), "y": y, **f32(loss=loss, dz=dz),
                    "score": int(max(range(count), key=lambda j: (z[j], -j)) == y)})
    loss, dz = t.cross_entropy([1.0, 3.0, 3.0], 2)
    out.append({"of": "cross_entropy", **f32(z=[1.0, 3.0, 3.0]), "y": 2, **f32(loss=loss, dz=dz), "score": 0})
    for z, y in ((0.3, 1), (0.3, 0), (-20.0, 1), (-20.0, 0), (0.0, 1), (0.0, 0)):
        loss, dz = t.binary_cross_entropy([n.f32(z)], y)
        out.append({"of": "binary_cross_entropy", **f32(z=n.f32(z)), "y": y, **f32(loss=loss, dz=dz),
                    "score": int((z > 0) == (y == 1))})
    for i, count in enumerate((1, 2, 7)):
        (z, z_text), (y, y_text) = drawn(80 + i, count, "f32", 3), drawn(90 + i, count, "f32", 3)
        loss, dz = t.squared_error(z, y)
        out.append({"of": "squared_error", **f32(z=z, y=y, loss=loss, dz=dz)})
    return out


def rule_7():
    exponents = [0.0, 1.0, -1.0, 0.5, 2.0**-60, -37.25, 709.5, -708.0, 1e-5]
    positive = [1.0, 2.0, 0.5, 1.0 + 2.0**-52, 1.0 - 2.0**-53, math.sqrt(2), 10.0, 1e-300, 2.0**-1074, 1e300, 0.7]
    angles = [0.0, -0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.3, 1.5, 2.0, -0.3, 1e6 + 0.125, 1 / 3]
    out = [{"of": name, **f64(x=x, y=[getattr(n, function)(v) for v in x])} for name, function, x in (
        ("host_exp", "host_exp", exponents), ("host_log", "host_log", positive + [abs(v) for v in draws(65, 8, "f64", 5)]),
        ("sinpi", "sinpi", angles), ("cospi", "cospi", angles + [i / 37 for i in range(38)]))]
    base, power = [2.0, 0.9, 0.999, 10.0, 3.0, 0.5, 7.5, 1.0], [10.0, 100.0, 1e5, -5.0, 0.5, 1000.0, -3.25, 9e9]
    out.append({"of": "host_pow", **f64(x=base, y=power, z=[n.host_pow(*v) for v in zip(base, power)])})
    return out


def rule_8():
    out = []
    for seed, purpose, layer, when, block in ((0, 0, 0, 0, 0), (1, 1, 0, 0, 0), (SEED, 2, 3, 4, 5), (2**64 - 1, 4, 255, 2**32 - 1, 2**40 + 1)):
        stream = n.Stream(seed, purpose, layer, when)
        out.append({"of": "block", "seed": hex64(seed), "purpose": purpose, "layer": layer, "when": when, "block": block,
                    "words": " ".join("%08x" % w for w in stream.block(block))})
    for seed, purpose, layer, when in ((1, 1, 0, 0), (SEED, 2, 1, 9)):
        stream, elements = n.Stream(seed, purpose, layer, when), [0, 1, 2, 3, 4, 5, 1000, 2**33 + 3]
        out.append({"of": "numbers", "seed": hex64(seed), "purpose": purpose, "layer": layer, "when": when, "elements": elements,
                    "u32": " ".join("%08x" % stream.u32(e) for e in elements),
                    "u64": " ".join("%016x" % stream.u64(e) for e in elements),
                    **f32(f32=[stream.f32(e) for e in elements]), **f64(f64=[stream.f64(e) for e in elements])})
    u = [2.0**-54, 1e-300, 1e-30, 1e-10, 0.01, 0.074, 0.075, 0.076, 0.3, 0.5, 0.5 + 2.0**-53, 0.7, 0.925, 0.99, 1 - 2.0**-53]
    out.append({"of": "normal_quantile", **f64(x=u, y=[n.normal_quantile(v) for v in u])})
    return out


# ---- rules 9, 10 and 14 ----


def rule_9():
    out = []
    for init in t.INITS:
        for layer, inputs, units in ((0, 4, 3), (2, 3, 7)):
            w = t.initial_weight(init, SEED, layer, inputs, units)
            out.append({"of": "init", "init": init, "seed": hex64(SEED), "layer": layer, "inputs": inputs, "units": units, **f32(w=w)})
    for p, first in ((0.25, 0), (0.1, 13), (0.9, 1)):
        out.append({"of": "dropout", **f64(p=p), "seed": hex64(5), "layer": 1, "step": 3, "first": first,
                    **f32(factor=t.dropout_factors(p, 5, 1, 3, first, 24))})
    for seed, epoch, count in ((1, 0, 10), (1, 1, 10), (SEED, 7, 33)):
        out.append({"of": "shuffle", "seed": hex64(seed), "epoch": epoch,
                    "order": n.permutation(count, n.Stream(seed, n.SHUFFLE, 0, epoch))})
    for seed, epoch, count, held_out, block, window in ((1, 0, 10, [], 2, 4), (1, 1, 23, [], 5, 10), (SEED, 7, 23, [3, 10, 11, 12, 13, 14, 22], 5, 10),
                                                        (7, 2, 9, [0, 8], 4, 4), (7, 3, 9, [1], 16, 32)):
        out.append({"of": "window", "seed": hex64(seed), "epoch": epoch, "array_rows": count, "held_out": held_out, "block": block,
                    "window": window, "order": n.window_order(count, held_out, block, window, seed, epoch)})
    for seed, count, fraction in ((1, 10, 0.25), (7, 12, 0.5), (SEED, 31, 0.1)):
        rows = n.permutation(count, n.Stream(seed, n.VALID))[:math.floor(fraction * count + 0.5)]
        out.append({"of": "valid", "seed": hex64(seed), "rows": count, "fraction": fraction, "valid": sorted(rows)})
    return out


def rule_10():
    out = []
    for i, rows in enumerate((7, 1500)):
        x, text = drawn(30 + i, rows * 2, "f32", 3)
        two = n.columns(rows_of(x, 2)) + [[0.5] * rows]
        fits = [t.moments(c) for c in two]
        scaled = n.columns([t.standard(c, *m)[:5] for c, m in zip(two, fits)])
        out.append({"of": "standard", "rows": rows, "x": text, "third_column": 0.5,
                    **f32(mean=[n.f32(m) for m, _ in fits], factor=[n.f32(1.0 / d) for _, d in fits],
                          first_rows=flat(scaled))})
        most = max(abs(v) for v in x)
        out.append({"of": "unit", "rows": rows, "x": text, **f32(divisor=most, first_rows=[n.div(v, most) for v in x[:10]])})
    return out


def rule_14():
    values = [1.0, -0.0, 0.1, NAN, INF, TINY]
    bits = [n.bits32(n.f32(v)) for v in values] + [0x7F800001, 0xFFC12345]
    weights = [n.from32(b) for b in bits]
    text = t.text_of(t.weights_digest(weights))
    return [{"of": "weights", "bits": " ".join("%08x" % b for b in bits), "digest": text}]


# ---- runs ----


def table(state, rows, width, step=64):
    values = draws(state, rows * width, "f32", 1)
    return rows_of([math.floor(v * 3 * step) / step for v in values], width)


def run(about, config, task, kinds, train, test=None, classes=None):
    data = {"task": task, "classes": classes, "train": {"x": train[0], "y": train[1]}}
    splits = [("train", train)]
    if test:
        data["test"] = {"x": test[0], "y": test[1]}
        splits.append(("test", test))
    else:
        config["data"]["test"] = "none"
    made = t.Run(config, data)
    arrays, given = [], {}
    for name, (x, y) in splits:
        width = None if classes else len(y[0])
        arrays.append((name + "/x", kinds[0], (len(x), len(x[0])), flat(x)))
        arrays.append((name + "/y", kinds[1], (len(y),) if classes else (len(y), width), y if classes else flat(y)))
    for role, kind, extents, values in arrays:
        given[role] = {"type": kind, "extents": list(extents), "values": words("%.17g" % v for v in values)}
    result = made.train()
    metrics = {}
    for split, values in (result.pop("metrics", None) or {}).items():
        if values:
            metrics[split] = f64(**values)
    canonical = t.canonical(made.plan)
    return {"about": about, "config": config, "task": task, "classes": classes, "data": given,
            "result": {**result, "metrics": metrics, "data": t.data_digest(arrays),
                       "config": t.text_of(t.hashlib.sha256(canonical.encode()).digest()), "config_text": canonical}}


def layers(*given):
    return [{"type": "dense", **layer} for layer in given]


def runs():
    labels = [0, 1, 1, 0, 1]
    yield run(
        "two layers 3-4-2 on 5 rows: batches of 4 and 1, three parts (one or two of them empty), dropout, Adam, clipping",
        {"name": "tiny", "seed": 11, "data": {"path": "run.h5"},
         "model": {"layers": layers({"units": 4, "activation": "tanh", "dropout": 0.25}, {})},
         "optimizer": {"name": "adam", "lr": 0.05, "clip_norm": 0.5, "schedule": {"name": "cosine", "warmup_steps": 1}},
         "train": {"epochs": 2, "batch": 4, "micro_batches": 3}},
        "classification", ("float32", "int32"), (table(1, 5, 3), labels), (table(2, 3, 3), [1, 0, 0]), 2)
    yield run(
        "regression of two targets: validation rows, Nesterov momentum, early stopping with the best weights restored",
        {"name": "regression", "seed": 4, "data": {"path": "run.h5", "valid": {"fraction": 0.3}},
         "model": {"layers": layers({"units": 3, "activation": "sigmoid"}, {"units": 4, "activation": "relu"}, {}),
                   "init": "glorot_normal"},
         "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
         "train": {"epochs": 12, "batch": 5, "micro_batches": 2, "early_stop": {"metric": "valid.loss", "patience": 2}}},
        "regression", ("float64", "float32"), (table(5, 13, 4), table(6, 13, 2)), (table(7, 4, 4), table(8, 4, 2)))
    yield run(
        "one logit for two classes from bytes: unit scaling, AdamW, clipping by value, a target, rows in order",
        {"name": "bytes", "seed": "9223372036854775808", "data": {"path": "run.h5", "scale": "unit"},
         "model": {"layers": layers({"units": 5, "activation": "relu", "dropout": 0.5}, {}),
                   "loss": "binary_cross_entropy", "init": "glorot_uniform"},
         "optimizer": {"name": "adamw", "lr": 0.1, "weight_decay": 0.1, "clip_value": 0.05},
         "train": {"epochs": 8, "batch": 3, "shuffle": "none", "target": {"metric": "train.accuracy", "at_least": 0.85}}},
        "classification", ("uint8", "int32"),
        ([[(37 * i + 91 * j + 5 * i * j) % 200 for j in range(3)] for i in range(7)], [0, 1, 0, 1, 1, 0, 1]), None, 2)
    yield run(
        "products of a linear model that overflow: the run ends before the update of that step",
        {"name": "diverged", "seed": 2, "data": {"path": "run.h5", "scale": "none", "scale_target": "none"},
         "model": {"layers": layers({}), "init": "he_uniform"},
         "optimizer": {"name": "sgd", "lr": 1e9}, "train": {"epochs": 9, "batch": 4}},
        "regression", ("float32", "float32"), (table(9, 8, 2), table(10, 8, 1)))


def main():
    rules = {str(i): globals()["rule_%d" % i]() for i in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14)}
    lines = ['{"arithmetic": 1, "rules": {']
    for i, (rule, vectors) in enumerate(rules.items()):
        lines.append('"%s": [' % rule)
        lines.append(",\n".join(json.dumps(v) for v in vectors))
        lines.append("]," if i + 1 < len(rules) else "]},")
    lines.append('"runs": [')
    lines.append(",\n".join(json.dumps(r) for r in runs()))
    lines.append("]}")
    text = "\n".join(lines) + "\n"
    if "--check" not in sys.argv[1:]:
        FILE.write_text(text)
    elif FILE.read_text() != text:
        sys.exit("%s differs from what this program makes" % FILE)


if __name__ == "__main__":
    main()
