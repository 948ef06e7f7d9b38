# Kaizen.  `make` alone prints this menu; the build itself is CMake's (CMakeLists.txt, CMakePresets.json).

CONFIG ?= examples/digits.yaml
PREFIX ?= /usr/local
RUNS ?= 10000000

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help train build test prove prove-cuda lint format install clean deps proofs fuzz bench-kernels bench-peers bench-stream \
    prove-builds test-arm64 clean-root clean-image gpu-check

help: ## this menu
	@echo "usage: make TARGET"
	@echo
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)$$/  \1|\2/p' Makefile | while IFS='|' read -r name text; do \
	    printf '%-16s%s\n' "$$name" "$$text"; done

train: deps build ## installs what is missing, builds, trains a digits classifier (CONFIG=FILE: another)
	build/train --config $(CONFIG)

build: ## builds build/kaizen and build/train
	@test -e build/Makefile || test build/build.ninja -nt CMakePresets.json || cmake --preset release
	cmake --build build --target program --parallel "$$(nproc)"

test: ## installs what is missing and runs every test; ends with "N passed, N failed"
	scripts/install-deps --test
	scripts/run-tests

prove: build ## trains the golden configs here and compares their digests with the recorded ones
	build/kaizen prove

prove-cuda: ## slow: the golden configs by the GPU's kernels, executed on the CPU under sanitizers in 8 orders
	scripts/install-deps --test
	scripts/prove-cuda --json results/prove_cuda.json

lint: ## clang-tidy and shellcheck
	scripts/lint

format: ## clang-format over the sources, in place
	scripts/format

install: build ## installs under PREFIX (/usr/local)
	cmake --install build --prefix $(PREFIX)

clean: ## removes build/
	rm -rf build

deps: ## installs the Debian packages that building needs
	scripts/install-deps

proofs: build ## slow: the elementary functions over all their inputs; mutants of data files
	cmake --build build --target proofs
	@set -e; for proof in build/proofs/*; do echo "$$proof"; $$proof; done

fuzz: ## slow: runs every fuzz target 10,000,000 times (RUNS=N: another number), writes results/fuzz.json
	scripts/install-deps --test
	scripts/fuzz --runs $(RUNS)

bench-kernels: build ## every kernel against the machine's limits and OpenBLAS, writes results/kernels.json
	cmake --build build --target bench-kernels
	build/bench-kernels --json results/kernels.json

bench-peers: build ## slow: the same training in PyTorch, JAX and scikit-learn (OPTIONS=--quick: a try)
	bench/peers/bench_peers.py $(OPTIONS)

bench-stream: build ## streaming against plain reading and zlib, writes results/stream.json
	cmake --build build --target bench-stream
	scripts/bench-stream

prove-builds: ## `kaizen prove --quick` as built by gcc and clang, -O0 and -O3
	scripts/prove-builds

test-arm64: ## `kaizen prove` and the kernels' tests on AArch64, emulated by qemu; writes results/arm64.json
	scripts/install-deps --test
	scripts/test-arm64

gpu-check: ## on a machine with an NVIDIA GPU, in 9 minutes: tests, digests, sanitizers, speeds, PyTorch; writes results/gpu_*.json
	scripts/gpu-check $(OPTIONS)

clean-root: ## as root: proves `make train` and `make test` in a clean Debian 12
	scripts/clean-root

clean-image: ## as root: proves the steps of the Dockerfile in a clean Debian 12
	scripts/clean-image
