"""Trainings as docs/arithmetic.md has them, from the page alone: weights, layers, losses, optimisers, runs, digests."""

import hashlib
import json
import math
import struct

from arithmetic_numbers import (DROPOUT, INF, INIT, NAN, SHUFFLE, VALID, Stream, add, bits32, chain, columns, cospi, div,
                                elementary, exp32, f32, fma, log32, mul, norm_of, normal_quantile, permutation, product,
                                sub, tree, vector_sum)

# ---- rules 9 and 10: weights, dropout, scaling ----

INITS = {"zeros": None, "he_normal": ("normal", 2.0, "in"), "he_uniform": ("uniform", 2.0, "in"),
         "glorot_normal": ("normal", 2.0, "sum"), "glorot_uniform": ("uniform", 2.0, "sum")}


def initial_weight(init, seed, layer, inputs, units):
    """Row by row, units x inputs."""
    if init == "zeros":
        return [0.0] * (inputs * units)
    law, gain, fan = INITS[init]
    variance = gain / (inputs if fan == "in" else inputs + units)
    stream = Stream(seed, INIT, layer)
    if law == "uniform":
        bound = math.sqrt(3.0 * variance)
        return [f32((2.0 * stream.f64(e) - 1.0) * bound) for e in range(inputs * units)]
    deviation = math.sqrt(variance)
    return [f32(normal_quantile(stream.f64(e)) * deviation) for e in range(inputs * units)]


def dropout_factor(p):
    return f32(1.0 / (1.0 - p))


def dropout_factors(p, seed, layer, step, first, n):
    """Of elements first .. first + n - 1, element = row in the batch x units + unit."""
    threshold, factor, stream = math.floor(p * 2.0**32), dropout_factor(p), Stream(seed, DROPOUT, layer, step)
    return [factor if stream.u32(e) >= threshold else 0.0 for e in range(first, first + n)]


def moments(column):
    """Mean and population deviation in binary64; 1 for a deviation that cannot divide."""
    mean = vector_sum(column) / len(column)
    deviation = math.sqrt(vector_sum([(x - mean) * (x - mean) for x in column]) / len(column))
    usable = deviation != 0 and f32(1.0 / deviation) < INF
    return mean, deviation if usable else 1.0


def standard(column, mean, deviation):
    return [mul(sub(x, f32(mean)), f32(1.0 / deviation)) for x in column]


# ---- losses ----


def cross_entropy(z, y):
    most = z[0]
    for v in z[1:]:
        most = v if not v <= most else most
    e = [exp32(sub(v, most)) for v in z]
    s = vector_sum(e, f32)
    dz = [div(v, s) for v in e]
    dz[y] = sub(dz[y], 1.0)
    return sub(log32(s), sub(z[y], most)), dz


def binary_cross_entropy(z, y):
    t = float(y)
    loss = fma(t, elementary("softplus", -z[0]), mul(sub(1.0, t), elementary("softplus", z[0])))
    return loss, [sub(elementary("sigmoid", z[0]), t)]


def squared_error(z, y):
    total, dz = 0.0, []
    for a, b in zip(z, y):
        d = sub(a, b)
        total = fma(d, d, total)
        dz.append(mul(f32(2.0 / len(z)), d))
    return mul(total, f32(1.0 / len(z))), dz


# ---- layers ----


def activate(name, z):
    if name == "relu":
        return z if not z <= 0 else 0.0
    return z if name == "identity" else elementary(name, z)


def slope(name, a):
    """From the value before dropout."""
    if name == "relu":
        return 1.0 if not a <= 0 else 0.0
    return {"identity": lambda: 1.0, "tanh": lambda: fma(-a, a, 1.0), "sigmoid": lambda: mul(a, sub(1.0, a))}[name]()


class Layer:
    def __init__(self, inputs, units, activation="identity", dropout=0.0):
        self.inputs, self.units, self.activation, self.dropout = inputs, units, activation, dropout
        self.weight, self.bias = [0.0] * (inputs * units), [0.0] * units

    def rows(self):
        return [self.weight[i:i + self.inputs] for i in range(0, len(self.weight), self.inputs)]

    def forward(self, x, factors):
        """factors: rows x units, or None."""
        kept = [[activate(self.activation, add(chain(row, w), b)) for w, b in zip(self.rows(), self.bias)] for row in x]
        if factors is None:
            return kept, kept
        return kept, [[mul(a, f) for a, f in zip(*pair)] for pair in zip(kept, factors)]

    def backward(self, dy, kept, factors):
        """dz from dy."""
        dz = dy if factors is None else [[mul(d, f) for d, f in zip(*pair)] for pair in zip(dy, factors)]
        return [[mul(d, slope(self.activation, a)) for d, a in zip(*pair)] for pair in zip(dz, kept)]


def forward(layers, x, at=None):
    """at: (seed, step, first row in the batch), or None without dropout.  Per layer: input, value, output, factors."""
    trace = []
    for i, layer in enumerate(layers):
        factors = None
        if at and math.floor(layer.dropout * 2.0**32) > 0:
            flat = dropout_factors(layer.dropout, at[0], i, at[1], at[2] * layer.units, len(x) * layer.units)
            factors = [flat[r:r + layer.units] for r in range(0, len(flat), layer.units)]
        kept, y = layer.forward(x, factors)
        trace.append((x, kept, y, factors))
        x = y
    return x, trace


def backward(layers, trace, dz):
    """Gradient of the sum of the rows' losses, one list per tensor; zeros for no rows."""
    gradient, dy = [], dz
    for layer, (x, kept, _, factors) in reversed(list(zip(layers, trace))):
        dz = layer.backward(dy, kept, factors)
        if x:
            weight = [v for row in product(columns(dz), x) for v in row]
            bias = [chain([1.0] * len(dz), c) for c in columns(dz)]
        else:
            weight, bias = [0.0] * len(layer.weight), [0.0] * layer.units
        gradient[:0] = [weight, bias]
        dy = product(dz, layer.rows())
    return gradient


# ---- rule 5: the update ----


def power(x, n):
    result = 1.0
    while n > 0:
        if n & 1:
            result = result * x
        x, n = x * x, n >> 1
    return result


def rate(o, step, steps):
    """Learning rate of a step, binary64."""
    warmup = o.get("warmup_steps", 0)
    if step < warmup:
        return o["lr"] * (step + 1) / warmup
    if o.get("schedule", "constant") == "constant":
        return o["lr"]
    progress = (step - warmup) / (steps - warmup)
    final = o.get("final_lr", 0.0)
    return final + (o["lr"] - final) * 0.5 * (1.0 + cospi(progress))


def settle(s):
    return 0.0 if -(2.0**-100) < s < 2.0**-100 else s


def clip_scale(o, norm):
    clip = o.get("clip_norm")
    return f32(clip / (norm + 1e-6)) if clip and norm > clip else 1.0


def clipped(o, scale, g):
    g, most = mul(g, scale), o.get("clip_value")
    if not most:
        return g
    return f32(most) if g > f32(most) else -f32(most) if g < -f32(most) else g


def update(o, step, steps, g, p, state):
    """One parameter; g is clipped; state: its moments, updated in place."""
    lr, decay = rate(o, step, steps), o.get("weight_decay", 0.0)
    if o["name"] == "sgd":
        momentum = f32(o.get("momentum", 0.0))
        fresh = 1.0 if step == 0 or momentum == 0 else f32(1.0 - o.get("dampening", 0.0))
        g = fma(f32(decay), p, g)
        state[0] = settle(fma(momentum, state[0], mul(fresh, g)))
        return fma(-f32(lr), fma(momentum, state[0], g) if o.get("nesterov") else state[0], p)
    beta1, beta2, eps = o.get("beta1", 0.9), o.get("beta2", 0.999), o.get("eps", 1e-8)
    if o["name"] == "adam":
        g = fma(f32(decay), p, g)
    else:
        p = mul(p, f32(1.0 - lr * decay))
    m, v = state
    m = settle(fma(f32(1.0 - beta1), sub(g, m), m))
    v = settle(fma(mul(f32(1.0 - beta2), g), g, mul(f32(beta2), v)))
    state[:] = m, v
    step_size = f32(lr / (1.0 - power(beta1, step + 1)))
    root = f32(1.0 / math.sqrt(1.0 - power(beta2, step + 1)))
    return fma(-step_size, div(m, fma(f32(math.sqrt(v)), root, f32(eps))), p)


# ---- digests ----


def weights_digest(weights):
    return hashlib.sha256(b"".join(struct.pack("<I", bits32(w)) for w in weights)).digest()


def extended(trajectory, weights):
    return hashlib.sha256(trajectory + weights_digest(weights)).digest()


def text_of(digest):
    return "sha256:" + digest.hex()


KINDS = {"uint8": "B", "int32": "i", "float32": "f", "float64": "d"}


def data_digest(arrays):
    """arrays: (role, type, extents, values) in the order of the page."""
    h = hashlib.sha256()
    for role, kind, extents, values in arrays:
        h.update(" ".join([role, kind, *map(str, extents)]).encode() + b"\n")
        h.update(struct.pack("<%d%s" % (len(values), KINDS[kind]), *values))
    return text_of(h.digest())


def canonical(value):
    """Compact JSON; reals with 17 significant digits and always a point or an exponent."""
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + canonical(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if not isinstance(value, float):
        return json.dumps(value)
    text = "%.17g" % value
    if "e" not in text:
        return text if "." in text else text + ".0"
    mantissa, exponent = text.split("e")
    return "%se%d" % (mantissa, int(exponent))


# ---- a run ----

OPTIMIZER_KEYS = {"sgd": {"lr": 0.001, "momentum": 0.0, "dampening": 0.0, "nesterov": False, "weight_decay": 0.0},
                  "adam": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0},
                  "adamw": {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}}
SCHEDULE_KEYS = {"constant": {"warmup_steps": 0}, "cosine": {"warmup_steps": 0, "final_lr": 0.0}}


def filled(given, defaults):
    return {k: type(v)(given.get(k, v)) if not isinstance(v, bool) else given.get(k, v) for k, v in defaults.items()}


def resolved(config, outputs, loss, task):
    """The object whose compact JSON is hashed: keys that can change bits, in their order, with their defaults."""
    data, model, o, t = config["data"], config["model"], config["optimizer"], config.get("train", {})
    layers = []
    for i, given in enumerate(model["layers"]):
        units = given.get("units", outputs)
        layers.append({"type": "dense", "units": units, "activation": given.get("activation", "identity"),
                       "dropout": float(given.get("dropout", 0.0))})
    schedule = o.get("schedule", {})
    name = schedule.get("name", "constant")
    optimizer = {"name": o["name"], **filled(o, OPTIMIZER_KEYS[o["name"]]),
                 "clip_norm": o.get("clip_norm", "none"), "clip_value": o.get("clip_value", "none"),
                 "schedule": {"name": name, **filled(schedule, SCHEDULE_KEYS[name])}}
    stop = t.get("early_stop", "none")
    if stop != "none":
        stop = {"metric": stop["metric"], "patience": stop.get("patience", 3), "min_delta": float(stop.get("min_delta", 0))}
    scale_target = data.get("scale_target", "auto")
    if scale_target == "auto":
        scale_target = "none" if task == "classification" else "standard"
    return {"seed": config.get("seed", 1),
            "data": {"train": {"x": "/train/x", "y": "/train/y"}, "valid": data.get("valid", "none"),
                     "test": data.get("test", {"x": "/test/x", "y": "/test/y"}),
                     "scale": data.get("scale", "standard"), "scale_target": scale_target},
            "model": {"layers": layers, "loss": loss, "init": model.get("init", "he_normal")},
            "optimizer": optimizer,
            "train": {"epochs": t.get("epochs", 10), "batch": t.get("batch", 32),
                      "micro_batches": t.get("micro_batches", 1), "shuffle": t.get("shuffle", "full"),
                      "early_stop": stop, "target": t.get("target", "none")},
            "device": {"arithmetic": "reproducible", "precision": None}}


class Split:
    def __init__(self, x, y, raw):
        self.x, self.y, self.raw = x, y, raw  # scaled features; classes or scaled targets; targets in original units


class Run:
    """config: what the YAML file holds.  data: {"task", "classes", "train": {"x", "y"}, "test": ...}, rows of numbers."""

    def __init__(self, config, data):
        self.config, self.seed, self.task = config, int(config.get("seed", 1)), data["task"]
        self.classes = self.task == "classification"
        self.loss = config["model"].get("loss", "cross_entropy" if self.classes else "squared_error")
        self.outputs = 1 if self.loss == "binary_cross_entropy" else data.get("classes") or len(data["train"]["y"][0])
        self.plan = resolved(config, self.outputs, self.loss, self.task)
        self.split(data)
        self.scale()
        self.layers, inputs = [], len(data["train"]["x"][0])
        for i, given in enumerate(self.plan["model"]["layers"]):
            layer = Layer(inputs, given["units"], given["activation"], given["dropout"])
            layer.weight = initial_weight(self.plan["model"]["init"], self.seed, i, inputs, given["units"])
            self.layers.append(layer)
            inputs = given["units"]
        o = self.plan["optimizer"]
        self.optimizer = {k: v for k, v in o.items() if v != "none" and k != "schedule"}
        self.optimizer.update({"schedule": o["schedule"]["name"], **{k: o["schedule"][k] for k in o["schedule"] if k != "name"}})
        self.state = [[0.0] * (1 if o["name"] == "sgd" else 2) for _ in self.weights()]

    def split(self, data):
        n, valid = len(data["train"]["y"]), self.plan["data"]["valid"]
        held_out = set()
        if valid != "none":
            rows = math.floor(valid["fraction"] * n + 0.5)
            held_out = set(permutation(n, Stream(self.seed, VALID))[:rows])
        self.rows = {name: [] for name in ("train", "valid", "test")}
        for i in range(n):
            self.rows["valid" if i in held_out else "train"].append((data["train"]["x"][i], data["train"]["y"][i]))
        if "test" in data:
            self.rows["test"] = list(zip(data["test"]["x"], data["test"]["y"]))

    def scale(self):
        """By the rows of train."""
        kind, train = self.plan["data"]["scale"], self.rows["train"]
        x_columns = columns([x for x, _ in train])
        scales = [moments([f32(v) for v in c]) for c in x_columns]
        largest = max(abs(f32(v)) for x, _ in train for v in x) or 1.0

        def features(x):
            if kind == "unit":
                return [div(f32(v), largest) for v in x]
            if kind == "standard":
                return [standard([f32(v)], *m)[0] for v, m in zip(x, scales)]
            return [f32(v) for v in x]

        if not self.classes:
            y_columns = [[f32(v) for v in c] for c in columns([y for _, y in train])]
            self.targets = [moments(c) for c in y_columns]
            if self.plan["data"]["scale_target"] == "none":
                self.targets = [(0.0, 1.0)] * self.outputs
        self.splits = {}
        for name, rows in self.rows.items():
            x = [features(x) for x, _ in rows]
            if self.classes:
                y, raw = [y for _, y in rows], None
            else:
                raw = [[f32(v) for v in y] for _, y in rows]
                y = raw if self.plan["data"]["scale_target"] == "none" else [
                    [standard([v], *m)[0] for v, m in zip(row, self.targets)] for row in raw]
            self.splits[name] = Split(x, y, raw)

    def weights(self):
        return [w for layer in self.layers for w in layer.weight + layer.bias]

    def set_weights(self, flat):
        for layer in self.layers:
            layer.weight, flat = flat[:len(layer.weight)], flat[len(layer.weight):]
            layer.bias, flat = flat[:layer.units], flat[layer.units:]

    def score_rows(self, split, order, z):
        """Loss (binary64), score and gradient at the outputs of each row."""
        losses, scores, gradients = [], [], []
        for row, out in zip(order, z):
            y = split.y[row]
            loss, dz = globals()[self.loss](out, y)
            if self.loss == "cross_entropy":
                score = 1.0 if max(range(len(out)), key=lambda j: (out[j], -j)) == y else 0.0
            elif self.loss == "binary_cross_entropy":
                score = 1.0 if (out[0] > 0) == (y == 1) else 0.0
            else:
                score = 0.0
                for value, raw, (mean, deviation) in zip(out, split.raw[row], self.targets):
                    d = deviation * value + mean - raw
                    score += d * d
            losses.append(loss)
            scores.append(score)
            gradients.append(dz)
        return losses, scores, gradients

    def metrics(self, split, loss, score):
        n = len(split.x)
        if self.classes:
            return {"loss": loss / n, "accuracy": score / n}
        squares = []
        for column in columns(split.raw):
            mean = vector_sum(column) / n
            squares += [(v - mean) * (v - mean) for v in column]
        return {"loss": loss / n, "rmse": math.sqrt(score / (n * self.outputs)), "r2": 1.0 - score / vector_sum(squares)}

    def evaluate(self, name):
        split = self.splits[name]
        if not split.x:
            return None
        z, _ = forward(self.layers, split.x)
        losses, scores, _ = self.score_rows(split, range(len(z)), z)
        return self.metrics(split, vector_sum(losses), vector_sum(scores))

    def step(self, number, steps, order):
        """One batch: loss, score, and whether all was finite; only then the weights move."""
        m, split = self.plan["train"]["micro_batches"], self.splits["train"]
        gradients, losses, scores = [], [], []
        for i in range(m):
            first, end = i * len(order) // m, (i + 1) * len(order) // m
            rows = order[first:end]
            z, trace = forward(self.layers, [split.x[r] for r in rows], (self.seed, number, first))
            row_losses, row_scores, dz = self.score_rows(split, rows, z)
            losses.append(vector_sum(row_losses))
            scores.append(vector_sum(row_scores))
            gradients.append(backward(self.layers, trace, dz))
        total = tree(gradients, lambda a, b: [[add(x, y) for x, y in zip(*pair)] for pair in zip(a, b)])
        share = f32(1.0 / len(order))
        g = [[mul(x, share) for x in tensor] for tensor in total]
        loss, score, norm = tree(losses, lambda a, b: a + b), tree(scores, lambda a, b: a + b), norm_of(g)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return loss, score, False
        scale, o = clip_scale(self.optimizer, norm), self.optimizer
        flat = [clipped(o, scale, x) for tensor in g for x in tensor]
        self.set_weights([update(o, number, steps, x, p, s) for x, p, s in zip(flat, self.weights(), self.state)])
        return loss, score, True

    def train(self):
        t, n = self.plan["train"], len(self.splits["train"].x)
        steps = (n + t["batch"] - 1) // t["batch"] * t["epochs"]
        result = {"epochs": 0, "steps": 0, "best_epoch": 0, "diverged_step": -1, "stopped_by": "epochs"}
        trajectory, best, waited, kept, train_metrics = bytes(32), None, 0, None, None
        for epoch in range(t["epochs"]):
            order = permutation(n, Stream(self.seed, SHUFFLE, 0, epoch)) if t["shuffle"] == "full" else list(range(n))
            loss, score = 0.0, 0.0
            for begin in range(0, n, t["batch"]):
                step_loss, step_score, finite = self.step(result["steps"], steps, order[begin:begin + t["batch"]])
                if not finite:
                    result.update(diverged_step=result["steps"], stopped_by="divergence", trajectory=text_of(trajectory),
                                  weights=text_of(weights_digest(self.weights())))
                    return result
                loss, score = loss + step_loss, score + step_score
                result["steps"] += 1
            result["epochs"] = epoch + 1
            trajectory = extended(trajectory, self.weights())
            train_metrics, valid = self.metrics(self.splits["train"], loss, score), self.evaluate("valid")
            stop, target = t["early_stop"], t["target"]
            metrics = {"train": train_metrics, "valid": valid}
            if stop != "none":
                split, key = stop["metric"].split(".")
                value, sign = metrics[split][key], -1.0 if key in ("loss", "rmse") else 1.0
                if best is None or sign * (value - best) > stop["min_delta"]:
                    best, waited, kept = value, 0, (self.weights(), train_metrics)
                    result["best_epoch"] = epoch + 1
                else:
                    waited += 1
            if target != "none":
                split, key = target["metric"].split(".")
                value = (self.evaluate("test") if split == "test" else metrics[split])[key]
                if value >= target["at_least"] if "at_least" in target else value <= target["at_most"]:
                    result["stopped_by"] = "target"
            if result["stopped_by"] == "epochs" and stop != "none" and waited >= stop["patience"]:
                result["stopped_by"] = "early_stop"
            if result["stopped_by"] != "epochs":
                break
        if kept:
            self.set_weights(kept[0])
            train_metrics = kept[1]
        result.update(trajectory=text_of(trajectory), weights=text_of(weights_digest(self.weights())))
        result["metrics"] = {"train": train_metrics, "valid": self.evaluate("valid"), "test": self.evaluate("test")}
        return result
