/* Memory of a GPU, and what goes there and back. */
#include "cuda_impl.h"

#include <string.h>

/* Allocations are rounded up: vectors of 16 bytes may read up to their end, and none is empty. */
enum { ALIGN = 256 };

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
                   "train.micro_batches or smaller layers, or end what else uses that GPU",
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

void kz_cuda_settle(kz_cuda *cuda)
{
    if (cuda->queue.stream) (void)cudaStreamSynchronize(cuda->queue.stream);
    if (cuda->side) (void)cudaStreamSynchronize(cuda->side);
    (void)cudaGetLastError();
}

/* What is queued may still use it. */
void kz_cuda_release(kz_device *dev, void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    if (!p) return;
    kz_cuda_settle(kz_cuda_of(dev));
    (void)cudaFree(p);
    (void)cudaGetLastError(); /* what failed before has been told; a launch must not be blamed for it */
    p = NULL;
    memcpy(pointer_to_pointer, &p, sizeof p);
}

/* Arrays that leave no room for the rest of the run stay where they are: the GPU reads their rows through the bus.  Small
 * ones are never worth that. */
static bool fits(const kz_cuda *cuda, size_t bytes)
{
    size_t now = 0, total = 0;
    if (bytes <= KZ_SMALL) return true;
    cudaError_t e = cudaMemGetInfo(&now, &total);
    (void)cudaGetLastError();
    if (e != cudaSuccess) return false;
    return (double)bytes + (double)cuda->base.reserve + KZ_GPU_SLACK <= (double)now;
}

static kz_status share_from_host(kz_cuda *cuda, kz_cuda_shared *s, const char *what)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_cuda_pin(&cuda->base, s->host, s->bytes, what));
    st = kz_cuda_seen(cuda, s->host, s->bytes, &s->seen);
    if (st != KZ_OK) kz_cuda_unpin(&cuda->base, s->host, s->bytes);
    else cuda->base.outside += (int64_t)s->bytes;
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
        KZ_TRY(fits(cuda, bytes) ? share_copy(cuda, &fresh, what) : share_from_host(cuda, &fresh, what));
        s = free_one;
        *s = fresh;
    }
    s->uses++;
    *out = s->seen;
done:
    return st;
}

static int share_of(const kz_cuda *cuda, const void *seen)
{
    int i = 0;
    while (i < SHARES && !(cuda->share[i].host && cuda->share[i].seen == seen)) i++;
    return i;
}

bool kz_cuda_is_outside(const kz_device *dev, const void *shared)
{
    const kz_cuda *cuda = (const kz_cuda *)dev;
    int i = shared ? share_of(cuda, shared) : SHARES;
    return i < SHARES && cuda->share[i].outside;
}

void kz_cuda_unshare(kz_device *dev, const void **pointer)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    if (!*pointer) return;
    int i = share_of(cuda, *pointer);
    *pointer = NULL;
    if (i == SHARES || --cuda->share[i].uses > 0) return;
    kz_cuda_shared s = cuda->share[i];
    cuda->share[i] = (kz_cuda_shared){.host = NULL};
    if (s.outside) {
        kz_cuda_unpin(dev, s.host, s.bytes);
        cuda->base.outside -= (int64_t)s.bytes;
    } else {
        kz_cuda_settle(cuda);
        (void)cudaFree((void *)s.seen);
    }
    (void)cudaGetLastError();
}

/* ---- copies ---- */

/* All goes through memory of our own, which is pinned: what becomes of a copy does then not depend on the pages that the
 * host's arrays lie in, of which some may be pinned for data that are read from there. */
enum { HALF = STAGE / 2 };

kz_status kz_cuda_stage_create(kz_cuda *cuda)
{
    kz_status st = KZ_OK;
    void *stage = NULL, *arrived = NULL;
    KZ_CUDA(cudaHostAlloc(&stage, STAGE, cudaHostAllocDefault));
    cuda->stage = stage;
    KZ_CUDA(cudaHostAlloc(&arrived, STAGE, cudaHostAllocDefault));
    cuda->arrived = arrived;
    for (int i = 0; i < 2; i++) {
        KZ_CUDA(cudaEventCreateWithFlags(&cuda->stage_free[i], cudaEventDisableTiming));
        KZ_CUDA(cudaEventCreateWithFlags(&cuda->arrival[i], cudaEventDisableTiming));
    }
done:
    return st;
}

void kz_cuda_stage_destroy(kz_cuda *cuda)
{
    for (int i = 0; i < 2; i++) {
        if (cuda->stage_free[i]) (void)cudaEventDestroy(cuda->stage_free[i]);
        if (cuda->arrival[i]) (void)cudaEventDestroy(cuda->arrival[i]);
    }
    if (cuda->stage) (void)cudaFreeHost(cuda->stage);
    if (cuda->arrived) (void)cudaFreeHost(cuda->arrived);
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

/* What is small does not wait for the queue: it is copied from the stage in its turn. */
kz_status kz_cuda_upload(kz_device *dev, void *to, const void *host, size_t bytes)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_status st = KZ_OK;
    for (size_t at = 0, n; at < bytes; at += n) {
        n = bytes - at < HALF ? bytes - at : HALF;
        if (cuda->staged + n > HALF) KZ_TRY(next_half(cuda));
        char *from = cuda->stage + cuda->half * HALF + cuda->staged;
        memcpy(from, (const char *)host + at, n);
        cuda->staged += (n + 15) / 16 * 16;
        KZ_CUDA(cudaMemcpyAsync((char *)to + at, from, n, cudaMemcpyHostToDevice, cuda->queue.stream));
    }
done:
    return st;
}

/* Queues the piece that begins at byte `at`; it goes into the half of its number. */
static kz_status fetch_piece(kz_cuda *cuda, const char *from, size_t at, size_t bytes)
{
    int half = (int)(at / HALF % 2);
    size_t n = bytes - at < HALF ? bytes - at : HALF;
    kz_status st = KZ_OK;
    KZ_CUDA(cudaMemcpyAsync(cuda->arrived + half * HALF, from + at, n, cudaMemcpyDeviceToHost, cuda->queue.stream));
    KZ_CUDA(cudaEventRecord(cuda->arrival[half], cuda->queue.stream));
done:
    return st;
}

/* While a piece is taken out of one half, the next one comes into the other. */
kz_status kz_cuda_download(kz_device *dev, void *host, const void *from, size_t bytes)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_status st = KZ_OK;
    if (bytes > 0) KZ_TRY(fetch_piece(cuda, from, 0, bytes));
    for (size_t at = 0; at < bytes; at += HALF) {
        int half = (int)(at / HALF % 2);
        if (bytes - at > HALF) KZ_TRY(fetch_piece(cuda, from, at + HALF, bytes));
        KZ_CUDA(cudaEventSynchronize(cuda->arrival[half]));
        memcpy((char *)host + at, cuda->arrived + half * HALF, bytes - at < HALF ? bytes - at : HALF);
    }
    KZ_CUDA(cudaStreamSynchronize(cuda->queue.stream));
done:
    return st;
}
