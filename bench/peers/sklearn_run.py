"""A workload in scikit-learn: MLPClassifier, an epoch per partial_fit.

MLPClassifier trains by batches with the same loss, SGD and Adam, and without hidden layers it is softmax or logistic
regression.  SGDClassifier is no equivalent: it updates after every single row.
"""

import pickle
import time

import numpy as np
import peer_io
import sklearn
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_info, threadpool_limits


def network(job, data):
    """MLPClassifier with the given weights: it makes its arrays when it first sees rows, so these are put in after that."""
    y, classes = data.y.astype(np.int64), np.arange(max(2, job.units[-1]))
    net = MLPClassifier(hidden_layer_sizes=tuple(job.units[1:-1]), activation=job.activation, solver=job.optimizer["name"],
                        learning_rate_init=job.optimizer["lr"], momentum=0.0, nesterovs_momentum=False, alpha=0.0,
                        batch_size=job.batch, shuffle=False, n_iter_no_change=10**9)
    net.partial_fit(data.x[: job.batch], y[: job.batch], classes=classes)
    for i, w in enumerate(peer_io.start_weights(job.start)):
        net.coefs_[i][...] = w.T
        net.intercepts_[i][...] = 0
    del net._optimizer  # with the moments of that first step; the next partial_fit makes a new one
    return net, y


def main():
    job = peer_io.job()
    threadpool_limits(job.threads)
    data = peer_io.arrays(job)
    net, y = network(job, data)
    losses, seconds = [], []
    for _ in range(job.epochs):
        start = time.perf_counter()
        net.partial_fit(data.x, y)
        seconds.append(time.perf_counter() - start)
        losses.append(float(net.loss_))

    test = None
    if job.process:
        test = float(log_loss(data.test_y, net.predict_proba(data.test_x), labels=net.classes_))
        with open(job.model, "wb") as f:
            pickle.dump(net, f)
    peer_io.answer(losses=losses, seconds=seconds, test_loss=test, threads=max(p["num_threads"] for p in threadpool_info()),
                   version=sklearn.__version__)


main()
