/* The device as a whole: what it calls itself, errors, and the order that a run asks for. */
#include "sim_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace kz_sim {

std::recursive_mutex device_lock;

static char message[1024];
static thread_local cudaError_t last = cudaSuccess;
static cudaError_t device_error = cudaSuccess;
static uint64_t calls;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (!text || !*text) return otherwise;
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end == '\0') return value;
    fprintf(stderr, "CUDA on CPU: %s=%s is not a number\n", name, text);
    exit(2);
}

static settings made(unsigned order, size_t memory)
{
    return {order, (order & 1) != 0, (order & 2) != 0, memory};
}

static settings from_environment(void)
{
    return made(static_cast<unsigned>(from_environment("KAIZEN_CUDA_ORDER", 0)),
                from_environment("KAIZEN_CUDA_MEMORY", uint64_t{4} << 30));
}

static settings &in_use(void)
{
    static settings s = from_environment();
    return s;
}

const settings &current(void)
{
    return in_use();
}

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fprintf(stderr, "CUDA on CPU: %s\n", message);
}

cudaError_t noted(cudaError_t e)
{
    if (e != cudaSuccess) last = e;
    return e;
}

cudaError_t refuse(cudaError_t e, const char *format, ...)
{
    char text[900];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say("%s", text);
    return noted(e);
}

cudaError_t sticky(void)
{
    return noted(device_error);
}

void set_sticky(cudaError_t e)
{
    if (device_error == cudaSuccess) device_error = e;
}

/* The finaliser of splitmix64. */
static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t word_of_order(uint64_t of)
{
    return mixed(mixed(of) + in_use().order);
}

uint64_t random_word(uint64_t of)
{
    return word_of_order(of + 0x9e3779b97f4a7c15u * ++calls);
}

permutation::permutation(int64_t n_, uint64_t seed) : n(n_), factor(1), at(0)
{
    unsigned order = in_use().order;
    if (order == 1) {
        factor = n - 1; /* backwards */
        at = n - 1;
    }
    if (order <= 1 || n < 2) return;
    at = static_cast<int64_t>(seed % static_cast<uint64_t>(n));
    for (factor = static_cast<int64_t>(mixed(seed) % static_cast<uint64_t>(n - 1)) + 1;; factor = factor % n + 1) {
        int64_t a = factor, b = n;
        while (b) {
            int64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return;
    }
}

} // namespace kz_sim

using namespace kz_sim;

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {{cudaSuccess, "cudaSuccess", "no error"},
#define KZ_CUDA_ERROR(name, number, text) {cudaError##name, "cudaError" #name, text},
              KZ_CUDA_ERRORS(KZ_CUDA_ERROR)
#undef KZ_CUDA_ERROR
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error) return e.name;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.error == error) return e.text;
    return "unrecognized error code";
}

cudaError_t cudaPeekAtLastError(void)
{
    guard lock(device_lock);
    return device_error != cudaSuccess ? device_error : last;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t e = cudaPeekAtLastError();
    last = cudaSuccess;
    return e;
}

/* With KAIZEN_CUDA_DEVICES=n there are n; all but the first one are out of order. */
static int devices(void)
{
    static const int n = static_cast<int>(from_environment("KAIZEN_CUDA_DEVICES", 1));
    return n;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = devices();
    return cudaSuccess;
}

cudaError_t cudaGetDevice(int *device)
{
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    return device == 0 ? cudaSuccess
                       : refuse(cudaErrorInvalidDevice, "cudaSetDevice: no device %d, there is 0", device);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    if (device > 0 && device < devices()) return noted(cudaErrorUnknown);
    if (device != 0) return refuse(cudaErrorInvalidDevice, "cudaGetDeviceProperties: no device %d, there is 0", device);
    *prop = cudaDeviceProp();
    snprintf(prop->name, sizeof prop->name, "CUDA kernels executed on the CPU (stand-in, for tests)");
    prop->totalGlobalMem = current().memory;
    prop->sharedMemPerBlock = KZ_STATIC_SHARED;
    prop->sharedMemPerBlockOptin = MOST_SHARED;
    prop->sharedMemPerMultiprocessor = 228 << 10;
    prop->regsPerBlock = prop->regsPerMultiprocessor = 65536;
    prop->warpSize = KZ_WARP;
    prop->maxThreadsPerBlock = prop->maxThreadsDim[0] = prop->maxThreadsDim[1] = MOST_THREADS;
    prop->maxThreadsDim[2] = 64;
    prop->maxGridSize[0] = 2147483647;
    prop->maxGridSize[1] = prop->maxGridSize[2] = 65535;
    prop->major = 9;
    prop->multiProcessorCount = 4; /* few, so that small tests also see full grids */
    prop->canMapHostMemory = prop->concurrentKernels = prop->unifiedAddressing = 1;
    prop->asyncEngineCount = 2;
    prop->memoryBusWidth = 64;
    prop->l2CacheSize = 1 << 20;
    prop->maxThreadsPerMultiProcessor = 2048;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *driverVersion)
{
    *driverVersion = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *runtimeVersion)
{
    *runtimeVersion = CUDART_VERSION;
    return cudaSuccess;
}

void kz_cuda_on_cpu_order(unsigned order)
{
    guard lock(device_lock);
    (void)carry_out_all();
    in_use() = made(order, in_use().memory);
    calls = 0;
}

void kz_cuda_on_cpu_memory(size_t bytes)
{
    guard lock(device_lock);
    in_use().memory = bytes ? bytes : from_environment().memory;
}

int64_t kz_cuda_on_cpu_alive(void)
{
    guard lock(device_lock);
    return memory_alive() + streams_alive() + events_alive() + graphs_alive();
}

const char *kz_cuda_on_cpu_message(void)
{
    return message;
}

void kz_cuda_on_cpu_reset(void)
{
    guard lock(device_lock);
    forget_streams();
    forget_events();
    forget_graphs();
    forget_attributes();
    free_all_memory();
    device_error = last = cudaSuccess;
    message[0] = '\0';
    in_use() = from_environment();
    calls = 0;
}
