/* Repeated queues of operations as CUDA graphs.  The first time that a key comes its operations are carried out one by one,
 * which also makes what they allocate; the second time they are recorded; from then on the record is launched. */
#include "cuda_impl.h"

#include <assert.h>
#include <string.h>

kz_status kz_cuda_repeat_create(kz_cuda *cuda)
{
    kz_status st = KZ_OK;
    for (int i = 0; i < AHEAD; i++) KZ_CUDA(cudaEventCreateWithFlags(&cuda->done[i], cudaEventDisableTiming));
done:
    return st;
}

static void forget(kz_cuda_record *r)
{
    if (r->graph) (void)cudaGraphExecDestroy(r->graph);
    *r = (kz_cuda_record){.bytes = 0};
}

void kz_cuda_forget(kz_cuda *cuda)
{
    for (int i = 0; i < RECORDS; i++) forget(&cuda->record[i]);
}

void kz_cuda_repeat_destroy(kz_cuda *cuda)
{
    kz_cuda_forget(cuda);
    for (int i = 0; i < AHEAD; i++)
        if (cuda->done[i]) (void)cudaEventDestroy(cuda->done[i]);
}

/* The key's record; *known: it has been called before.  Else the place of the one that was used least recently. */
static kz_cuda_record *find(kz_cuda *cuda, const void *key, size_t bytes, bool *known)
{
    kz_cuda_record *oldest = &cuda->record[0];
    for (int i = 0; i < RECORDS; i++) {
        kz_cuda_record *r = &cuda->record[i];
        *known = r->bytes == bytes && memcmp(r->key, key, bytes) == 0;
        if (*known) return r;
        if (r->used < oldest->used) oldest = r;
    }
    return oldest;
}

static kz_status record(kz_cuda *cuda, cudaGraphExec_t *out, kz_queue_fn *queue, void *context)
{
    cudaStream_t stream = cuda->queue.stream;
    cudaGraph_t graph = NULL;
    kz_status st = KZ_OK;
    KZ_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    cuda->recording = true;
    st = queue(context);
    cuda->recording = false;
    cudaError_t e = cudaStreamEndCapture(stream, &graph);
    if (st != KZ_OK) {
        (void)cudaGetLastError();
        goto done;
    }
    KZ_TRY(kz_cuda_check(e, "cudaStreamEndCapture", __FILE__, __LINE__));
    KZ_CUDA(cudaGraphInstantiate(out, graph, 0));
done:
    if (graph) (void)cudaGraphDestroy(graph);
    return st;
}

kz_status kz_cuda_repeat(kz_device *dev, const void *key, size_t bytes, kz_queue_fn *queue, void *context)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    cudaEvent_t mine = cuda->done[cuda->calls % AHEAD];
    bool known = false;
    kz_status st = KZ_OK;
    assert(bytes > 0 && bytes <= KEY);
    kz_cuda_record *r = find(cuda, key, bytes, &known);
    KZ_CUDA(cudaEventSynchronize(mine)); /* so that no more than AHEAD of them are queued */
    if (!known) {
        forget(r);
        KZ_TRY(queue(context));
        memcpy(r->key, key, bytes);
        r->bytes = bytes;
    } else {
        if (!r->graph) KZ_TRY(record(cuda, &r->graph, queue, context));
        KZ_CUDA(cudaGraphLaunch(r->graph, cuda->queue.stream));
    }
    KZ_CUDA(cudaEventRecord(mine, cuda->queue.stream));
    r->used = ++cuda->calls;
done:
    return st;
}
