/* shapes.h — the dense layers of the workloads that are measured: X(workload, rows, inputs, units). */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#define BENCH_LAYERS(X)                                                                                                \
    X("mlp-512", 128, 784, 512)                                                                                        \
    X("mlp-512", 128, 512, 512)                                                                                        \
    X("mlp-512", 128, 512, 10)                                                                                         \
    X("mlp-2048", 1024, 784, 2048)                                                                                     \
    X("mlp-2048", 1024, 2048, 2048)                                                                                    \
    X("mlp-2048", 1024, 2048, 10)                                                                                      \
    X("mlp-32", 32, 64, 32)                                                                                            \
    X("mlp-32", 32, 32, 10)                                                                                            \
    X("mlp-300", 100, 28, 300)                                                                                         \
    X("mlp-300", 100, 300, 300)                                                                                        \
    X("mlp-300", 100, 300, 1)                                                                                          \
    X("softmax", 256, 784, 10)                                                                                         \
    X("logistic", 1024, 28, 1)

#endif
