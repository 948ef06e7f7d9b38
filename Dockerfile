# syntax=docker/dockerfile:1
# docker build --target cpu -t kaizen .            docker run --rm kaizen prove --quick
# docker build --target cuda -t kaizen:cuda .      docker run --rm --gpus all kaizen:cuda info
# Training in a folder of the host: --user "$(id -u):$(id -g)" -v "$PWD:/data", since uid 10001 may not write there.

ARG DEBIAN=debian:bookworm-slim
ARG TOOLKIT=nvidia/cuda:12.9.1-devel-ubuntu22.04

# What building needs.
FROM ${DEBIAN} AS deps
COPY scripts/install-deps /usr/local/bin/install-deps
RUN install-deps --optional && rm -rf /var/lib/apt/lists/*

# A place to develop in: .devcontainer/devcontainer.json uses it.
FROM deps AS dev
RUN install-deps --all && apt-get install -y --no-install-recommends gdb sudo && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --create-home --shell /bin/bash kaizen \
    && echo "kaizen ALL=(ALL) NOPASSWD:ALL" >/etc/sudoers.d/kaizen
USER 10001

# Installs into a folder of its own, so that one COPY takes all of it.
FROM deps AS build-cpu
COPY . /src
RUN cmake -S /src -B /src/build -G Ninja -DKZ_CUDA=OFF -DKZ_MPI=OFF -DKZ_TESTS=OFF \
    && cmake --build /src/build \
    && DESTDIR=/installed cmake --install /src/build --prefix /usr/local --strip

FROM ${TOOLKIT} AS toolkit

# The same with the CUDA toolkit; /installed gets the GPU module too.
FROM deps AS build-cuda
COPY --from=toolkit /usr/local/cuda /usr/local/cuda
COPY . /src
RUN cmake -S /src -B /src/build -G Ninja -DKZ_CUDA=ON -DKZ_MPI=OFF -DKZ_TESTS=OFF \
        -DCUDAToolkit_ROOT=/usr/local/cuda \
    && cmake --build /src/build \
    && DESTDIR=/installed cmake --install /src/build --prefix /usr/local --strip

# What running needs, and a user without rights.
FROM ${DEBIAN} AS runtime
COPY scripts/install-deps /usr/local/bin/install-deps
RUN install-deps --runtime && rm -rf /var/lib/apt/lists/* /usr/local/bin/install-deps
RUN useradd --uid 10001 --create-home kaizen && install -d -o 10001 /data
USER 10001
WORKDIR /data
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="Kaizen" \
      org.opencontainers.image.description="Trains models, measures the training, gates on it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENTRYPOINT ["kaizen"]
CMD ["--help"]

# Holds the module for GPUs too.  Without a GPU `device: cuda` is refused with status 69.
FROM runtime AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility LD_LIBRARY_PATH=/usr/local/cuda/lib64
COPY --from=toolkit /usr/local/cuda/lib64/libcudart.so.12 /usr/local/cuda/lib64/
COPY --from=build-cuda /installed /

# Last, so that it is what a plain `docker build .` makes.
FROM runtime AS cpu
COPY --from=build-cpu /installed /
