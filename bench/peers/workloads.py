"""The workloads: what is trained, on which rows, for how long.

Rows are whole batches, so that no tool meets a batch of another size; only `digits-process` takes the file as it is.
Epoch 1 warms up and is not timed.
"""

TOOLS = {
    "kaizen": "Kaizen",
    "torch_eager": "PyTorch, eager",
    "torch_fused": "PyTorch, eager, fused optimiser",
    "torch_compile": "PyTorch, torch.compile, fused optimiser",
    "jax": "JAX, one jitted, donated step",
    "jax_scan": "JAX, an epoch of such steps in one jitted lax.scan",
    "sklearn": "scikit-learn, MLPClassifier.partial_fit",
}

CHECK_BATCHES = 8  # of which the losses must agree closely
ADAM = {"name": "adam", "lr": 0.001}


def sgd(lr):
    return {"name": "sgd", "lr": lr}


def workload(name, what, data, units, batch, batches, epochs, optimizer, activation="relu"):
    return {"name": name, "what": what, "data": data, "units": units, "batch": batch, "rows": batch * batches,
            "epochs": epochs, "optimizer": optimizer, "activation": activation, "process": False,
            "check_rows": batch * min(batches, CHECK_BATCHES)}


WORKLOADS = [
    workload("mlp-512", "784-512-512-10 relu, Adam", "fashion", [784, 512, 512, 10], 128, 100, 3, ADAM),
    workload("mlp-2048", "784-2048-2048-10 relu, Adam", "fashion", [784, 2048, 2048, 10], 1024, 3, 3, ADAM),
    workload("mlp-32", "64-32-10 relu, SGD", "digits", [64, 32, 10], 32, 44, 51, sgd(0.1)),
    workload("higgs-300x5", "28-300-300-300-300-300-1 tanh, Adam", "higgs", [28, 300, 300, 300, 300, 300, 1], 100, 200, 3,
             ADAM, "tanh"),
    workload("softmax", "784-10 softmax regression, SGD", "fashion", [784, 10], 256, 234, 5, sgd(0.1)),
    workload("logistic", "28-1 logistic regression, SGD", "higgs", [28, 1], 1024, 976, 3, sgd(0.1)),
    dict(workload("digits-process", "64-128-64-10 relu, Adam: program start to saved model", "digits", [64, 128, 64, 10], 32,
                  0, 20, {"name": "adam", "lr": 0.003}), process=True),
]


def quick(w):
    """A small one of the same shape: shows that all works, and says nothing about speed."""
    if w["process"]:
        return dict(w, epochs=3)
    batches = w["rows"] // w["batch"]
    rows = w["batch"] * max(2, batches // 20)
    return dict(w, rows=rows, check_rows=min(rows, w["check_rows"]), epochs=min(w["epochs"], 3))
