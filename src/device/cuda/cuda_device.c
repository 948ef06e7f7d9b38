/* GPUs as devices: which there are, life cycle. */
#include "cuda_fast.h"

#include <stdio.h>
#include <string.h>

enum { SCRATCH = (KZ_CUDA_IS_REAL ? 8 : 1) << 20 /* floats; a stand-in has to fill them each time */ };

kz_status kz_cuda_check(cudaError_t e, const char *call, const char *file, int line)
{
    if (e == cudaSuccess) return KZ_OK;
    (void)cudaGetLastError(); /* the next call's error is its own */
    return kz_error_set(KZ_E_FAIL, file, line, "CUDA: %.80s: %s (%s)", call, cudaGetErrorString(e),
                        cudaGetErrorName(e));
}

static void write_version(char out[16], int version) /* 13000 is 13.0 */
{
    snprintf(out, 16, "%d.%d", version / 1000 % 1000, version % 1000 / 10);
}

/* Device i, which may be one that cannot be used: that shows at the latest when it is taken up. */
static kz_status describe(kz_gpu *gpu, int i, bool take_up)
{
    struct cudaDeviceProp p;
    int driver = 0, runtime = 0;
    size_t unused = 0, all = 0;
    kz_status st = KZ_OK;
    cudaError_t e = cudaGetDeviceProperties(&p, i);
    if (e != cudaSuccess) { /* the others may be well */
        (void)cudaGetLastError();
        snprintf(gpu->model, sizeof gpu->model, "GPU %d", i);
        snprintf(gpu->reason, sizeof gpu->reason, "%.120s", cudaGetErrorString(e));
        goto done;
    }
    KZ_CUDA(cudaDriverGetVersion(&driver));
    KZ_CUDA(cudaRuntimeGetVersion(&runtime));
    snprintf(gpu->model, sizeof gpu->model, "%.*s", (int)sizeof gpu->model - 1, p.name);
    snprintf(gpu->variant, sizeof gpu->variant, "sm_%d%d", p.major % 100, p.minor % 10);
    if (KZ_CUDA_IS_REAL)
        snprintf(gpu->bus, sizeof gpu->bus, "%04x:%02x:%02x.0", (unsigned)p.pciDomainID & 0xffff,
                 (unsigned)p.pciBusID & 0xff, (unsigned)p.pciDeviceID & 0xff);
    write_version(gpu->driver, driver);
    write_version(gpu->runtime, runtime);
    gpu->memory = (int64_t)p.totalGlobalMem;
    gpu->multiprocessors = p.multiProcessorCount;
    if (p.major < KZ_CUDA_LEAST_MAJOR) {
        snprintf(gpu->reason, sizeof gpu->reason, "its compute capability is %d.%d, and %d.0 is needed", p.major % 100,
                 p.minor % 10, KZ_CUDA_LEAST_MAJOR);
        goto done;
    }
    if (!take_up) goto done;
    e = cudaSetDevice(i); /* takes the device up: fails where another process has it for itself */
    if (e == cudaSuccess) e = cudaMemGetInfo(&unused, &all);
    gpu->free = (int64_t)unused;
    if (e != cudaSuccess) snprintf(gpu->reason, sizeof gpu->reason, "%.120s", cudaGetErrorString(e));
    (void)cudaGetLastError();
done:
    return st;
}

/* How many there are; without a driver CUDA's own words mislead. */
static kz_status count_devices(int *count)
{
    int driver = 0;
    cudaError_t e = cudaGetDeviceCount(count);
    if (e == cudaSuccess) return KZ_OK;
    (void)cudaGetLastError();
    *count = 0;
    if (e == cudaErrorNoDevice) return KZ_OK;
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
        return KZ_FAIL(KZ_E_DEVICE, "no NVIDIA driver is installed here (libcuda.so.1); use device.kind: cpu");
    return KZ_FAIL(KZ_E_DEVICE, "%s (%s); use device.kind: cpu", cudaGetErrorString(e), cudaGetErrorName(e));
}

kz_status kz_cuda_list(kz_gpu **out, int64_t *n, int64_t take_up)
{
    kz_gpu *gpu = NULL;
    int count = 0;
    kz_status st = KZ_OK;
    KZ_TRY(count_devices(&count));
    KZ_TRY(kz_calloc(&gpu, count, sizeof *gpu, "list of GPUs"));
    for (int i = 0; i < count; i++) KZ_TRY(describe(&gpu[i], i, take_up == i || take_up == KZ_CUDA_EACH));
    *out = gpu;
    *n = count;
    gpu = NULL;
done:
    kz_free(&gpu);
    return st;
}

/* Bytes of shared memory that a block can have; 0, with which nothing that needs much is done: not known. */
static int64_t shared_of(int ordinal)
{
    struct cudaDeviceProp p;
    return cudaGetDeviceProperties(&p, ordinal) == cudaSuccess ? (int64_t)p.sharedMemPerBlockOptin : 0;
}

kz_status kz_cuda_create(kz_device **out, int64_t ordinal, const kz_config_device *cfg)
{
    kz_cuda *cuda = NULL;
    size_t now = 0, all = 0;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&cuda, 1, sizeof *cuda, "CUDA device"));
    cuda->base.ops = &kz_device_cuda;
    cuda->base.ahead = true;
    cuda->base.gpu = &cuda->gpu;
    cuda->base.variant = cuda->gpu.variant;
    KZ_TRY(describe(&cuda->gpu, (int)ordinal, true));
    if (*cuda->gpu.reason) {
        st = KZ_FAIL(KZ_E_DEVICE, "%s cannot be used: %s", cuda->gpu.model, cuda->gpu.reason);
        goto done;
    }
    KZ_CUDA(cudaSetDevice((int)ordinal));
    KZ_CUDA(cudaStreamCreateWithFlags(&cuda->queue.stream, cudaStreamNonBlocking));
    cuda->queue.multiprocessors = (int)cuda->gpu.multiprocessors;
    cuda->queue.shared = shared_of((int)ordinal);
    KZ_TRY(kz_cuda_stage_create(cuda));
    KZ_TRY(kz_cuda_repeat_create(cuda));
    KZ_TRY(kz_cuda_side_create(cuda));
    KZ_TRY(kz_cuda_alloc(&cuda->base, &cuda->queue.scratch, SCRATCH * sizeof(float), "scratch"));
    cuda->queue.scratch_floats = SCRATCH;
    KZ_TRY(kz_cuda_alloc(&cuda->base, &cuda->queue.arrivals, KZ_CUDA_ARRIVALS * sizeof(unsigned), "counters"));
    KZ_TRY(kz_fast_create(cuda, cfg));
    KZ_CUDA(cudaMemGetInfo(&now, &all));
    cuda->gpu.free = (int64_t)now; /* with all that the device itself takes */
    *out = &cuda->base;
    cuda = NULL;
done:
    if (cuda) {
        kz_device *dev = &cuda->base;
        kz_cuda_destroy(&dev);
    }
    return st;
}

void kz_cuda_destroy(kz_device **dev)
{
    kz_cuda *cuda = kz_cuda_of(*dev);
    if (!cuda) return;
    kz_cuda_settle(cuda);
    kz_cuda_repeat_destroy(cuda);
    kz_fast_destroy(cuda);
    kz_cuda_stage_destroy(cuda);
    kz_cuda_release(*dev, &cuda->queue.scratch);
    kz_cuda_release(*dev, &cuda->queue.arrivals);
    kz_cuda_release(*dev, &cuda->square);
    kz_cuda_side_destroy(cuda);
    if (cuda->queue.stream) (void)cudaStreamDestroy(cuda->queue.stream);
    kz_free(&cuda);
    *dev = NULL;
}

const kz_cuda_module *kz_cuda_module_get(void)
{
    static const kz_cuda_module module = {
        .version = KZ_CUDA_VERSION, .real = KZ_CUDA_IS_REAL, .list = kz_cuda_list, .create = kz_cuda_create};
    return &module;
}
