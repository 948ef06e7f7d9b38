"""A workload in JAX: forward, backward and optimiser in one jitted step whose state is donated.

Data lie on the device (the CPU); a step gets the number of its first row and slices within the compiled code.  Losses are added
up in the state, and the host waits once per epoch.  Variant scan: one call runs the steps of an epoch with lax.scan.  Compiling
falls into epoch 1.  JAX has no setting for its threads: it takes as many as the CPUs that it may use.
"""

import functools
import os
import time

import jax
import jax.numpy as jnp
import numpy as np
import peer_io

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def loss_of(params, x, y, activation):
    for w, b in params[:-1]:
        x = activation(x @ w + b)
    z = x @ params[-1][0] + params[-1][1]
    if z.shape[1] == 1:
        return jnp.mean(jax.nn.softplus(z[:, 0]) - y * z[:, 0])
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0])


def start_state(job):
    params = [(jnp.asarray(w.T), jnp.zeros(w.shape[0], jnp.float32)) for w in peer_io.start_weights(job.start)]
    moments = [jax.tree.map(jnp.zeros_like, params) for _ in range(2 if job.optimizer["name"] == "adam" else 0)]
    return {"params": params, "moments": moments, "t": jnp.zeros((), jnp.float32), "total": jnp.zeros(())}


def updated(state, grad, optimizer):
    lr, t = optimizer["lr"], state["t"] + 1
    if optimizer["name"] == "sgd":
        return jax.tree.map(lambda p, g: p - lr * g, state["params"], grad), [], t
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, state["moments"][0], grad)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state["moments"][1], grad)
    c1, c2 = 1 - BETA1**t, 1 - BETA2**t
    params = jax.tree.map(lambda p, m, v: p - lr * (m / c1) / (jnp.sqrt(v / c2) + EPS), state["params"], m, v)
    return params, [m, v], t


def epoch_of(job, rows):
    """A function (state, x, y) -> state after an epoch."""
    activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[job.activation]

    def step(state, x, y, begin, size):
        xb, yb = (jax.lax.dynamic_slice_in_dim(a, begin, size) for a in (x, y))
        loss, grad = jax.value_and_grad(loss_of)(state["params"], xb, yb, activation)
        params, moments, t = updated(state, grad, job.optimizer)
        return {"params": params, "moments": moments, "t": t, "total": state["total"] + loss * size}

    jitted = jax.jit(step, donate_argnums=0, static_argnums=4)
    whole = rows // job.batch * job.batch

    def by_steps(state, x, y):
        for begin in range(0, rows, job.batch):
            state = jitted(state, x, y, begin, min(job.batch, rows - begin))
        return state

    @functools.partial(jax.jit, donate_argnums=0)
    def scanned(state, x, y):
        begins = jnp.arange(0, whole, job.batch)
        return jax.lax.scan(lambda s, begin: (step(s, x, y, begin, job.batch), None), state, begins)[0]

    def by_scan(state, x, y):
        state = scanned(state, x, y)
        return jitted(state, x, y, whole, rows - whole) if whole < rows else state

    return by_scan if job.variant == "scan" else by_steps


def main():
    job = peer_io.job()
    data = peer_io.arrays(job)
    rows = len(data.x)
    x, y = jnp.asarray(data.x), jnp.asarray(data.y)
    epoch, state = epoch_of(job, rows), start_state(job)
    losses, seconds = [], []
    for _ in range(job.epochs):
        start = time.perf_counter()
        state = jax.block_until_ready(epoch(state, x, y))
        losses.append(float(state["total"]) / rows)
        seconds.append(time.perf_counter() - start)
        state["total"] = jnp.zeros(())

    test = None
    if job.process:
        activation = {"relu": jax.nn.relu, "tanh": jnp.tanh}[job.activation]
        test = float(loss_of(state["params"], jnp.asarray(data.test_x), jnp.asarray(data.test_y), activation))
        np.savez(job.model, *[np.asarray(a) for a in jax.tree.leaves(state["params"])])
    peer_io.answer(losses=losses, seconds=seconds, test_loss=test, threads=len(os.sched_getaffinity(0)),
                   version=jax.__version__)


main()
