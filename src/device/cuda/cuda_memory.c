/* Memory of a GPU, and what goes there and back. */
#include "cuda_impl.h"

#include <string.h>

/* Allocations are rounded up: vectors of 16 bytes may read up to their end, and none is empty. */
enum { ALIGN = 256, SLACK = 64 << 20 /* bytes that CUDA may want for itself */ };

static kz_status no_room(kz_cuda *cuda, size_t bytes, const char *what)
{
    char wanted[24], unused[24], all[24];
    size_t now = 0, total = 0;
    (void)cudaGetLastError();
    (void)cudaMemGetInfo(&now, &total);
    (void)cudaGetLastError();
    kz_format_size(wanted, (double)bytes);
    kz_format_size(unused, (double)now);
    kz_format_size(all, (double)total);
    return KZ_FAIL(KZ_E_MEM,
                   "%s: %s of GPU memory are needed, %s of %s are free on %s; use a smaller train.batch, more "
                   "train.micro_batches, or smaller layers",
                   what, wanted, unused, all, cuda->gpu.model);
}

/* Uninitialised. */
static kz_status take(kz_cuda *cuda, void **out, size_t bytes, const char *what)
{
    kz_status st = KZ_OK;
    if (bytes > SIZE_MAX - ALIGN) return no_room(cuda, bytes, what);
    cudaError_t e = cudaMalloc(out, (bytes + ALIGN - 1) / ALIGN * ALIGN + (bytes == 0 ? ALIGN : 0));
    if (e == cudaErrorMemoryAllocation) return no_room(cuda, bytes, what);
    KZ_TRY(kz_cuda_check(e, "cudaMalloc", __FILE__, __LINE__));
done:
    return st;
}

kz_status kz_cuda_alloc(kz_device *dev, void *out, size_t bytes, const char *what)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    void *p = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(take(cuda, &p, bytes, what));
    if (bytes) KZ_CUDA(cudaMemsetAsync(p, 0, bytes, cuda->queue.stream));
    memcpy(out, &p, sizeof p);
    p = NULL;
done:
    if (p) (void)cudaFree(p);
    return st;
}

kz_status kz_cuda_alloc_parameters(kz_device *dev, float **out, int64_t n)
{
    return kz_cuda_alloc(dev, out, (size_t)n * sizeof **out, "parameters");
}

/* The queue may still use it. */
void kz_cuda_release(kz_device *dev, void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    if (!p) return;
    (void)cudaStreamSynchronize(kz_cuda_of(dev)->queue.stream);
    (void)cudaFree(p);
    (void)cudaGetLastError(); /* what failed before has been told; a launch must not be blamed for it */
    p = NULL;
    memcpy(pointer_to_pointer, &p, sizeof p);
}

/* Arrays that leave no room for the rest of the run stay where they are: the GPU reads them through the bus, each row as
 * it is gathered. */
static bool fits(const kz_cuda *cuda, size_t bytes)
{
    size_t now = 0, total = 0;
    cudaError_t e = cudaMemGetInfo(&now, &total);
    (void)cudaGetLastError();
    if (e != cudaSuccess) return false;
    return (double)bytes + (double)cuda->base.reserve + SLACK <= (double)now;
}

static kz_status share_from_host(kz_cuda *cuda, kz_cuda_shared *s)
{
    void *seen = NULL, *mine = (void *)s->host; /* it is only read */
    kz_status st = KZ_OK;
    cudaError_t e = cudaHostRegister(mine, s->bytes, cudaHostRegisterMapped);
    KZ_TRY(kz_cuda_check(e, "cudaHostRegister of data that do not fit into the GPU's memory", __FILE__, __LINE__));
    e = cudaHostGetDevicePointer(&seen, mine, 0);
    if (e != cudaSuccess) (void)cudaHostUnregister(mine);
    KZ_TRY(kz_cuda_check(e, "cudaHostGetDevicePointer", __FILE__, __LINE__));
    cuda->base.outside += (int64_t)s->bytes;
    s->seen = seen;
    s->outside = true;
done:
    return st;
}

static kz_status share_copy(kz_cuda *cuda, kz_cuda_shared *s, const char *what)
{
    void *p = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(take(cuda, &p, s->bytes, what));
    KZ_TRY(kz_cuda_upload(&cuda->base, p, s->host, s->bytes));
    s->seen = p;
    p = NULL;
done:
    if (p) (void)cudaFree(p);
    return st;
}

kz_status kz_cuda_share(kz_device *dev, const void **out, const void *host, size_t bytes, const char *what)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_cuda_shared *free_one = NULL, *s = NULL;
    kz_status st = KZ_OK;
    for (int i = 0; i < SHARES && !s; i++) {
        kz_cuda_shared *one = &cuda->share[i];
        if (!one->host) free_one = one;
        else if (one->host == host && one->bytes == bytes) s = one;
    }
    if (!s) {
        if (!free_one) return KZ_FAIL(KZ_E_ARG, "%s: more than %d arrays shared with a GPU", what, SHARES);
        kz_cuda_shared fresh = {.host = host, .bytes = bytes};
        KZ_TRY(fits(cuda, bytes) ? share_copy(cuda, &fresh, what) : share_from_host(cuda, &fresh));
        s = free_one;
        *s = fresh;
    }
    s->uses++;
    *out = s->seen;
done:
    return st;
}

void kz_cuda_unshare(kz_device *dev, const void **pointer)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    int i = 0;
    if (!*pointer) return;
    while (i < SHARES && !(cuda->share[i].host && cuda->share[i].seen == *pointer)) i++;
    *pointer = NULL;
    if (i == SHARES || --cuda->share[i].uses > 0) return;
    kz_cuda_shared s = cuda->share[i];
    cuda->share[i] = (kz_cuda_shared){.host = NULL};
    (void)cudaStreamSynchronize(cuda->queue.stream);
    if (s.outside) {
        (void)cudaHostUnregister((void *)s.host);
        cuda->base.outside -= (int64_t)s.bytes;
    } else {
        (void)cudaFree((void *)s.seen);
    }
    (void)cudaGetLastError();
}

/* ---- copies ---- */

kz_status kz_cuda_stage_create(kz_cuda *cuda)
{
    kz_status st = KZ_OK;
    void *stage = NULL;
    KZ_CUDA(cudaHostAlloc(&stage, STAGE, cudaHostAllocDefault));
    cuda->stage = stage;
    for (int i = 0; i < 2; i++) KZ_CUDA(cudaEventCreateWithFlags(&cuda->stage_free[i], cudaEventDisableTiming));
done:
    return st;
}

void kz_cuda_stage_destroy(kz_cuda *cuda)
{
    for (int i = 0; i < 2; i++)
        if (cuda->stage_free[i]) (void)cudaEventDestroy(cuda->stage_free[i]);
    if (cuda->stage) (void)cudaFreeHost(cuda->stage);
}

/* The other half of the stage, once what was sent from it is through. */
static kz_status next_half(kz_cuda *cuda)
{
    kz_status st = KZ_OK;
    KZ_CUDA(cudaEventRecord(cuda->stage_free[cuda->half], cuda->queue.stream));
    cuda->half = !cuda->half;
    cuda->staged = 0;
    KZ_CUDA(cudaEventSynchronize(cuda->stage_free[cuda->half]));
done:
    return st;
}

/* What is small does not wait for the queue: it is copied from pinned memory in its turn. */
kz_status kz_cuda_upload(kz_device *dev, void *to, const void *host, size_t bytes)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    cudaStream_t stream = cuda->queue.stream;
    kz_status st = KZ_OK;
    if (bytes == 0) return KZ_OK;
    if (bytes > STAGE / 4) {
        KZ_CUDA(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream));
        KZ_CUDA(cudaStreamSynchronize(stream));
        goto done;
    }
    if (cuda->staged + bytes > STAGE / 2) KZ_TRY(next_half(cuda));
    char *from = cuda->stage + cuda->half * (STAGE / 2) + cuda->staged;
    memcpy(from, host, bytes);
    cuda->staged += (bytes + 15) / 16 * 16;
    KZ_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
done:
    return st;
}

kz_status kz_cuda_download(kz_device *dev, void *host, const void *from, size_t bytes)
{
    cudaStream_t stream = kz_cuda_of(dev)->queue.stream;
    kz_status st = KZ_OK;
    if (bytes) KZ_CUDA(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream));
    KZ_CUDA(cudaStreamSynchronize(stream));
done:
    return st;
}
