#!/usr/bin/env python3
"""Checks a run directory with PyTorch: are these the weights, and does this model score what run.json says?

    scripts/check_model.py results/runs/NAME/RUN
    scripts/check_model.py RUN --data other.h5        instead of the data that the config names

Loads model.safetensors with the safetensors package, builds the torch.nn.Sequential that config.yaml describes, reads
the test split with h5py, scales it as the model's metadata say, and compares with metrics.test of run.json.  Nothing
of Kaizen takes part.  Exit status: 0 agrees, 1 does not, 2 could not check.

Metadata, JSON arrays in strings; what is absent is not scaled:
    scale.mean, scale.factor      x' = (binary32(x) - mean) * factor, per feature (or one number for all)
    target.mean, target.factor    regression: prediction = z / factor + mean, per output
"""

import argparse
import json
import pathlib
import sys
from collections import OrderedDict

try:
    import h5py
    import numpy as np
    import safetensors
    import torch
    import yaml
except ImportError as err:
    print(f"check_model: {err}; run: pip install torch safetensors h5py numpy PyYAML", file=sys.stderr)
    sys.exit(2)

ACTIVATIONS = {"identity": None, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
BATCH = 4096
ACCURACY_TOLERANCE = 1e-3  # absolute: a row whose two best logits are within rounding may fall either way
RELATIVE_TOLERANCE = 1e-4


class Unusable(Exception):
    """What is needed for the check is missing or not understood."""


def why(err):
    return getattr(err, "strerror", None) or err


def load_json(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise Unusable(f"{path}: {why(err)}") from None


def load_config(path):
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as err:
        raise Unusable(f"{path}: {why(err)}") from None
    if not isinstance(config, dict) or "model" not in config or "data" not in config:
        raise Unusable(f"{path}: no keys 'model' and 'data'")
    return config


def load_tensors(path):
    """{name: tensor} and {key: string} of a safetensors file."""
    try:
        with safetensors.safe_open(str(path), framework="pt") as f:
            return {name: f.get_tensor(name) for name in f.keys()}, f.metadata() or {}
    except (OSError, safetensors.SafetensorError) as err:
        raise Unusable(f"{path}: {err}") from None


def load_split(path, x_path, y_path):
    try:
        with h5py.File(path, "r") as f:
            return f[x_path][()].reshape(len(f[x_path]), -1).astype(np.float32), f[y_path][()]
    except (OSError, KeyError) as err:
        raise Unusable(f"{path}: {err}") from None


def build(layers, tensors, inputs):
    """The config's model.  Its dense layer i is the module named i: the tensors are i.weight and i.bias."""
    modules = OrderedDict()
    for i, layer in enumerate(layers):
        if layer.get("type") != "dense":
            raise Unusable(f"model.layers[{i}]: type '{layer.get('type')}' is not known to this script")
        name, units = f"{i}.weight", layer.get("units")
        if units is None and name in tensors:
            units = tensors[name].shape[0]
        if units is None:
            raise Unusable(f"model.layers[{i}]: no units, and no tensor {name}")
        modules[str(i)] = torch.nn.Linear(inputs, units)
        inputs = units
        activation = layer.get("activation") or "identity"
        if activation not in ACTIVATIONS:
            raise Unusable(f"model.layers[{i}]: activation '{activation}' is not known to this script")
        if ACTIVATIONS[activation]:
            modules[f"{i}_{activation}"] = ACTIVATIONS[activation]()
        if layer.get("dropout"):
            modules[f"{i}_dropout"] = torch.nn.Dropout(layer["dropout"])
    return torch.nn.Sequential(modules).eval()


def tensor_faults(model, tensors):
    """What is wrong with names, shapes, types and values of the tensors."""
    faults, wanted = [], {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for name in sorted(wanted.keys() | tensors.keys()):
        if name not in tensors:
            faults.append(f"tensor {name} is missing")
        elif name not in wanted:
            faults.append(f"tensor {name} belongs to no layer of the config")
        elif tuple(tensors[name].shape) != wanted[name]:
            faults.append(f"tensor {name} is {tuple(tensors[name].shape)}, the config says {wanted[name]}")
        elif tensors[name].dtype != torch.float32:
            faults.append(f"tensor {name} is {tensors[name].dtype}, not float32")
        elif not torch.isfinite(tensors[name]).all():
            faults.append(f"tensor {name} has values that are not finite")
    return faults


def array(metadata, key, absent):
    if key not in metadata:
        return np.array([absent], dtype=np.float64)
    try:
        return np.atleast_1d(np.array(json.loads(metadata[key]), dtype=np.float64))
    except (ValueError, TypeError) as err:
        raise Unusable(f"model.safetensors: metadata {key}: {err}") from None


def outputs(model, x):
    with torch.no_grad():
        parts = [model(torch.from_numpy(x[i : i + BATCH])) for i in range(0, len(x), BATCH)]
    return torch.cat(parts).double()


def evaluate(z, y, loss, metadata):
    """The metrics of outputs z (rows x outputs) for labels or targets y."""
    if loss == "cross_entropy":
        label = torch.from_numpy(y.reshape(-1).astype(np.int64))
        right = z.numpy().argmax(axis=1) == label.numpy()  # of equal ones the first, as ours
        return {"loss": torch.nn.functional.cross_entropy(z, label).item(), "accuracy": right.mean()}
    if loss == "binary_cross_entropy":
        label = torch.from_numpy(y.reshape(-1).astype(np.float64))
        value = torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], label).item()
        return {"loss": value, "accuracy": ((z[:, 0] > 0) == (label == 1)).double().mean().item()}
    if loss == "squared_error":
        mean, factor = array(metadata, "target.mean", 0.0), array(metadata, "target.factor", 1.0)
        z, y = z.numpy(), y.reshape(len(y), -1).astype(np.float64)
        error = z / factor + mean - y
        spread = y - y.mean(axis=0)
        return {
            "loss": np.mean((z - (y - mean) * factor) ** 2),
            "rmse": np.sqrt(np.mean(error**2)),
            "mae": np.mean(np.abs(error)),
            "r2": 1 - np.sum(error**2) / np.sum(spread**2),
        }
    raise Unusable(f"model.loss: '{loss}' is not known to this script")


def agrees(key, ours, theirs):
    if ours is None:
        return False
    if key == "accuracy":
        return abs(ours - theirs) <= ACCURACY_TOLERANCE
    return abs(ours - theirs) <= RELATIVE_TOLERANCE * max(abs(theirs), 1.0 if key == "r2" else 0.0) + 1e-12


def check(run, data):
    """Prints what was compared; the faults found."""
    config, record = load_config(run / "config.yaml"), load_json(run / "run.json")
    tensors, metadata = load_tensors(run / "model.safetensors")
    test = config["data"].get("test") or {}
    if not isinstance(test, dict):
        raise Unusable("config.yaml: data.test: there is no test split")
    x_path, y_path = test.get("x", "/test/x"), test.get("y", "/test/y")
    x, y = load_split(data or config["data"]["path"], x_path, y_path)

    layers = config["model"]["layers"]
    model = build(layers, tensors, x.shape[1])
    faults = tensor_faults(model, tensors)
    if faults:
        return faults
    model.load_state_dict(tensors, strict=True)
    parameters = sum(t.numel() for t in tensors.values())
    print(f"model    {len(tensors)} tensors, {parameters} parameters, names and shapes agree")

    mean, factor = (
        array(metadata, key, absent).astype(np.float32) for key, absent in (("scale.mean", 0.0), ("scale.factor", 1.0))
    )
    if any(len(a) not in (1, x.shape[1]) for a in (mean, factor)):
        return [f"scale.mean and scale.factor have {len(mean)} and {len(factor)} numbers, x has {x.shape[1]} features"]
    z = outputs(model, ((x - mean) * factor).astype(np.float32))
    loss = config["model"].get("loss") or ("cross_entropy" if z.shape[1] > 1 else "squared_error")
    found = evaluate(z, y, loss, metadata)

    recorded = (record.get("metrics") or {}).get("test") or {}
    compared = 0
    for key, theirs in found.items():
        if key not in recorded:
            continue
        compared += 1
        good = agrees(key, recorded[key], theirs)
        print(f"{key:8} run.json {recorded[key]!s:>20}   torch {theirs:.9g}   {'ok' if good else 'DIFFERS'}")
        if not good:
            faults.append(f"test {key}: run.json has {recorded[key]}, torch computes {theirs:.9g}")
    if not compared:
        raise Unusable("run.json: metrics.test has none of " + ", ".join(found))
    return faults


def main():
    about, _, rest = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=about, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=pathlib.Path, metavar="RUN", help="a run directory")
    parser.add_argument("--data", type=pathlib.Path, metavar="FILE", help="HDF5 file (default: the config's)")
    args = parser.parse_args()
    try:
        faults = check(args.run, args.data)
    except Unusable as err:
        print(f"check_model: cannot check {args.run}: {err}", file=sys.stderr)
        return 2
    for fault in faults:
        print(f"check_model: {fault}", file=sys.stderr)
    verdict = ("FAIL", "does not agree") if faults else ("PASS", "agrees")
    print(f"{verdict[0]}: {args.run}: PyTorch {verdict[1]} with this model")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
