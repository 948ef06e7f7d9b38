/* The second queue: data on their way to the GPU while the first one computes.
 *
 * A place is filled here and used there.  Four rules keep the two apart, each an event: a fill waits for what used the
 * place before; what uses it waits for the fill; the host waits for a fill before it changes what that reads from, and
 * for both queues before memory is freed. */
#include "cuda_impl.h"

#include <assert.h>

/* A copy holds the engine until it is done: what the queue uploads meanwhile waits for a piece, 80 us on a bus of
 * 50 GB/s, and not for a whole window. */
enum { PIECE = 4 << 20 };

/* Its blocks come before those that a step has still to hand out, else they wait for the end of a large product: they are
 * few, and mostly wait for the bus. */
kz_status kz_cuda_side_create(kz_cuda *cuda)
{
    int least = 0, most = 0;
    kz_status st = KZ_OK;
    KZ_CUDA(cudaDeviceGetStreamPriorityRange(&least, &most));
    KZ_CUDA(cudaStreamCreateWithPriority(&cuda->side, cudaStreamNonBlocking, most));
    for (int i = 0; i < KZ_PLACES; i++) {
        KZ_CUDA(cudaEventCreateWithFlags(&cuda->full[i], cudaEventDisableTiming));
        KZ_CUDA(cudaEventCreateWithFlags(&cuda->left[i], cudaEventDisableTiming));
    }
done:
    return st;
}

void kz_cuda_side_destroy(kz_cuda *cuda)
{
    for (int i = 0; i < KZ_PLACES; i++) {
        if (cuda->full[i]) (void)cudaEventDestroy(cuda->full[i]);
        if (cuda->left[i]) (void)cudaEventDestroy(cuda->left[i]);
    }
    if (cuda->side) (void)cudaStreamDestroy(cuda->side);
}

/* Operations go to cuda->queue: for as long as `queue` runs, that is the second one. */
kz_status kz_cuda_fill(kz_device *dev, int place, kz_queue_fn *queue, void *context)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    cudaStream_t first = cuda->queue.stream;
    kz_status st = KZ_OK;
    assert(!cuda->recording && place < KZ_PLACES);
    KZ_CUDA(cudaStreamWaitEvent(cuda->side, cuda->left[place], 0));
    cuda->queue.stream = cuda->side;
    st = queue(context);
    cuda->queue.stream = first;
    if (st == KZ_OK) KZ_CUDA(cudaEventRecord(cuda->full[place], cuda->side));
done:
    return st;
}

kz_status kz_cuda_enter(kz_device *dev, int place)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_status st = KZ_OK;
    KZ_CUDA(cudaStreamWaitEvent(cuda->queue.stream, cuda->full[place], 0));
done:
    return st;
}

kz_status kz_cuda_leave(kz_device *dev, int place)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_status st = KZ_OK;
    KZ_CUDA(cudaEventRecord(cuda->left[place], cuda->queue.stream));
done:
    return st;
}

kz_status kz_cuda_filled(kz_device *dev, int place, bool wait, bool *yes)
{
    cudaEvent_t full = kz_cuda_of(dev)->full[place];
    kz_status st = KZ_OK;
    cudaError_t e = wait ? cudaEventSynchronize(full) : cudaEventQuery(full);
    *yes = e == cudaSuccess;
    if (e == cudaErrorNotReady) (void)cudaGetLastError();
    else KZ_TRY(kz_cuda_check(e, wait ? "cudaEventSynchronize" : "cudaEventQuery", __FILE__, __LINE__));
done:
    return st;
}

kz_status kz_cuda_send(kz_device *dev, void *to, const void *pinned, size_t bytes)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    cudaStream_t stream = cuda->queue.stream;
    kz_status st = KZ_OK;
    for (size_t at = 0, n; at < bytes; at += n) {
        n = kz_cuda_in_one_piece(cuda, (const char *)pinned + at, bytes - at < PIECE ? bytes - at : PIECE);
        KZ_CUDA(cudaMemcpyAsync((char *)to + at, (const char *)pinned + at, n, cudaMemcpyHostToDevice, stream));
    }
done:
    return st;
}
