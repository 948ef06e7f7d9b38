"""PyTorch on a GPU, in one precision: a server that trains workloads in several variants when asked.

usage: torch_gpu_run.py PRECISION DEVICE     fp32, tf32 or bf16; cuda, or cpu for a rehearsal

Reads requests from standard input, a line of JSON each, and answers each with one.  {"do": "prepare", "job": ..., "variant":
...} makes a training, trains one epoch, which shows that it is the same work, and answers with its mean loss; {"do": "time",
"name": ..., "variant": ..., "seconds": ...} trains for at least so long and answers with the seconds of each epoch.

As PyTorch's tuning guide has it: data lie on the GPU, gradients are set to None, the optimiser is fused, the loss is
added up as a tensor and read once per epoch.  A CUDA graph holds a whole step: it takes its batch itself, by a position on the
GPU, so that a step is one launch.  TF32 is PyTorch's own switch; BF16 is autocast over binary32 weights.
"""

import contextlib
import json
import sys
import time
from types import SimpleNamespace

import peer_io
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}
WARM = 5  # steps before a graph is captured


class Unavailable(Exception):
    """What this device does not have."""


class Training:
    def __init__(self, job, variant, precision, device):
        self.job, self.precision, self.device = job, precision, torch.device(device)
        self.batch = job.batch
        data = peer_io.arrays(job)
        self.x, self.y = (torch.from_numpy(a).to(self.device) for a in (data.x, data.y))
        self.model = self.network().to(self.device)
        self.first = [p.detach().clone() for p in self.model.parameters()]
        self.of_output = nn.CrossEntropyLoss()
        self.graphed = variant in ("graphs", "compile_graphs")
        if self.graphed and device == "cpu":
            raise Unavailable("CUDA graphs need a GPU")
        self.opt = self.optimiser()
        self.total = torch.zeros((), device=self.device)
        self.at = torch.zeros((), dtype=torch.int64, device=self.device)
        self.range = torch.arange(self.batch, device=self.device)
        self.loss_of = torch.compile(self.plain_loss, dynamic=False) if variant.startswith("compile") else self.plain_loss
        self.graph = None
        if self.graphed:
            self.capture()
            self.reset()

    def network(self):
        layers, weights = [], peer_io.start_weights(self.job.start)
        for i, w in enumerate(weights):
            dense = nn.Linear(w.shape[1], w.shape[0])
            with torch.no_grad():
                dense.weight.copy_(torch.from_numpy(w))
                dense.bias.zero_()
            layers += [dense] if i == len(weights) - 1 else [dense, ACTIVATIONS[self.job.activation]()]
        return nn.Sequential(*layers)

    def optimiser(self):
        kind = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[self.job.optimizer["name"]]
        more = {"capturable": True} if self.graphed and kind is torch.optim.Adam else {}
        return kind(self.model.parameters(), lr=self.job.optimizer["lr"], fused=True, **more)

    def plain_loss(self, x, y):
        cast = torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else contextlib.nullcontext()
        with cast:
            z = self.model(x)
        return self.of_output(z.float(), y)

    def step(self, x, y):
        self.opt.zero_grad(set_to_none=True)
        loss = self.loss_of(x, y)
        loss.backward()
        self.opt.step()
        self.total += loss.detach() * self.batch

    def graph_step(self):
        rows = self.at + self.range
        self.step(self.x.index_select(0, rows), self.y.index_select(0, rows))
        self.at += self.batch

    def capture(self):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM):
                self.at.zero_()
                self.graph_step()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        self.opt.zero_grad(set_to_none=True)
        with torch.cuda.graph(self.graph):
            self.graph_step()

    def reset(self):
        """The weights and the optimiser as they were at first."""
        with torch.no_grad():
            for p, first in zip(self.model.parameters(), self.first):
                p.copy_(first)
            for state in self.opt.state.values():
                for value in state.values():
                    if torch.is_tensor(value):
                        value.zero_()

    def epoch(self):
        """Mean loss and seconds."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        start = time.perf_counter()
        self.total.zero_()
        if self.graph:
            self.at.zero_()
            for _ in range(len(self.x) // self.batch):
                self.graph.replay()
        else:
            for i in range(0, len(self.x), self.batch):
                self.step(self.x[i : i + self.batch], self.y[i : i + self.batch])
        loss = self.total.item() / len(self.x)
        return loss, time.perf_counter() - start


def timed(training, least):
    """Seconds of at least two epochs, after one that warms up."""
    training.epoch()
    seconds = []
    while len(seconds) < 2 or sum(seconds) < least:
        seconds.append(training.epoch()[1])
    return seconds


def answer_to(request, trainings, precision, device):
    if request["do"] == "about":
        gpu = torch.cuda.get_device_name() if device == "cuda" else None
        return {"torch": torch.__version__, "cuda": torch.version.cuda, "gpu": gpu}
    if request["do"] == "prepare":
        job = SimpleNamespace(**request["job"])
        training = Training(job, request["variant"], precision, device)
        trainings[job.name, request["variant"]] = training
        return {"loss": training.epoch()[0]}
    return {"seconds": timed(trainings[request["name"], request["variant"]], request["seconds"])}


def main():
    precision, device, trainings = sys.argv[1], sys.argv[2], {}
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    for line in sys.stdin:
        try:
            answer = answer_to(json.loads(line), trainings, precision, device)
        except Unavailable as err:
            answer = {"error": str(err), "unavailable": True}
        except Exception as err:  # one variant that does not work must not end the others
            answer = {"error": f"{type(err).__name__}: {err}"[:400]}
        print(json.dumps(answer), file=answers, flush=True)


main()
