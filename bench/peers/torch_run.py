"""A workload in PyTorch: eager, with the fused optimiser, or compiled.

As PyTorch's tuning guide and tutorials have it: data are tensors in memory and batches are slices of them (no DataLoader),
gradients are set to None, the loss is added up as a tensor and read once per epoch.  Compiled is torch.compile in its default
mode over model and loss; it compiles during epoch 1.
"""

import time

import peer_io
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def network(job):
    layers, weights = [], peer_io.start_weights(job.start)
    for i, w in enumerate(weights):
        dense = nn.Linear(w.shape[1], w.shape[0])
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(w))
            dense.bias.zero_()
        layers += [dense] if i == len(weights) - 1 else [dense, ACTIVATIONS[job.activation]()]
    return nn.Sequential(*layers)


def optimiser(job, parameters):
    kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[job.optimizer["name"]]
    return kind(parameters, lr=job.optimizer["lr"], **({} if job.variant == "eager" else {"fused": True}))


def main():
    job = peer_io.job()
    torch.set_num_threads(job.threads)
    data = peer_io.arrays(job)
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y)
    model, of_output = network(job), nn.BCEWithLogitsLoss() if peer_io.is_binary(job) else nn.CrossEntropyLoss()
    opt = optimiser(job, model.parameters())

    def loss_of(x, y):
        z = model(x)
        return of_output(z[:, 0] if peer_io.is_binary(job) else z, y)

    step_loss = torch.compile(loss_of) if job.variant == "compile" else loss_of
    losses, seconds = [], []
    for _ in range(job.epochs):
        start, total = time.perf_counter(), torch.zeros(())
        for i in range(0, len(x), job.batch):
            xb, yb = x[i : i + job.batch], y[i : i + job.batch]
            opt.zero_grad(set_to_none=True)
            loss = step_loss(xb, yb)
            loss.backward()
            opt.step()
            total += loss.detach() * len(xb)
        losses.append(total.item() / len(x))
        seconds.append(time.perf_counter() - start)

    test = None
    if job.process:
        with torch.no_grad():
            test = loss_of(torch.from_numpy(data.test_x), torch.from_numpy(data.test_y)).item()
        torch.save(model.state_dict(), job.model)
    peer_io.answer(losses=losses, seconds=seconds, test_loss=test, threads=torch.get_num_threads(), version=torch.__version__)


main()
