/* Host memory that a GPU reads: pinned, page by page.
 *
 * CUDA pins whole pages, and refuses one that is pinned already.  Two arrays may share a page: each pins those of its pages
 * that no other one has pinned, and keeps the others'. */
#include "cuda_impl.h"

#include <assert.h>
#include <unistd.h>

static uintptr_t page_of(uintptr_t at)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return at / page * page;
}

static uintptr_t pages_end(uintptr_t end)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    return page_of(end + page - 1);
}

/* The pinned pages that hold `at`, or NULL; *next: where the next ones begin, at most `end`. */
static kz_cuda_pinned *find(kz_cuda *cuda, uintptr_t at, uintptr_t end, uintptr_t *next)
{
    kz_cuda_pinned *found = NULL;
    *next = end;
    for (int i = 0; i < PINS; i++) {
        kz_cuda_pinned *p = &cuda->pinned[i];
        if (p->uses == 0) continue;
        if (p->begin <= at && at < p->end) found = p;
        else if (p->begin > at && p->begin < *next) *next = p->begin;
    }
    return found;
}

/* Pins the pages of begin .. end - 1, none of which is pinned. */
static kz_status pin_new(kz_cuda *cuda, uintptr_t begin, uintptr_t end, const char *what)
{
    kz_cuda_pinned *p = NULL;
    for (int i = 0; i < PINS && !p; i++)
        if (cuda->pinned[i].uses == 0) p = &cuda->pinned[i];
    if (!p) return KZ_FAIL(KZ_E_ARG, "%s: more than %d pieces of memory pinned for a GPU", what, PINS);
    begin = page_of(begin), end = pages_end(end);
    cudaError_t e = cudaHostRegister((void *)begin, end - begin, cudaHostRegisterMapped);
    if (e != cudaSuccess) {
        char size[24];
        (void)cudaGetLastError();
        kz_format_size(size, (double)(end - begin));
        return KZ_FAIL(KZ_E_MEM,
                       "%s: %s of memory cannot be pinned, so that the GPU could read it: %s (%s); raise the limit of "
                       "locked memory, or use device.kind: cpu",
                       what, size, cudaGetErrorString(e), cudaGetErrorName(e));
    }
    *p = (kz_cuda_pinned){.begin = begin, .end = end, .at = (void *)begin, .uses = 1};
    return KZ_OK;
}

static void give_up(kz_cuda *cuda, uintptr_t begin, uintptr_t end)
{
    for (int i = 0; i < PINS; i++) {
        kz_cuda_pinned *p = &cuda->pinned[i];
        if (p->uses == 0 || p->end <= begin || end <= p->begin || --p->uses > 0) continue;
        (void)cudaHostUnregister(p->at);
        (void)cudaGetLastError();
    }
}

kz_status kz_cuda_pin(kz_device *dev, const void *host, size_t bytes, const char *what)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    uintptr_t begin = (uintptr_t)host, end = begin + bytes, next, last = pages_end(end);
    kz_status st = KZ_OK;
    for (uintptr_t at = begin; at < end && st == KZ_OK;) {
        kz_cuda_pinned *p = find(cuda, at, last, &next);
        if (p) p->uses++;
        else st = pin_new(cuda, at, next < end ? next : end, what);
        if (st != KZ_OK) give_up(cuda, page_of(begin), page_of(at)); /* what is before it */
        at = p ? p->end : next;
    }
    return st;
}

/* Its pages are all pinned, so that no others have been pinned among them since. */
void kz_cuda_unpin(kz_device *dev, const void *host, size_t bytes)
{
    uintptr_t begin = (uintptr_t)host;
    if (bytes == 0) return;
    kz_cuda_settle(kz_cuda_of(dev));
    give_up(kz_cuda_of(dev), page_of(begin), pages_end(begin + bytes));
}

size_t kz_cuda_in_one_piece(kz_cuda *cuda, const void *pinned, size_t bytes)
{
    uintptr_t begin = (uintptr_t)pinned, next;
    const kz_cuda_pinned *p = find(cuda, begin, begin + bytes, &next);
    return p && p->end - begin < bytes ? p->end - begin : bytes;
}

/* Pieces that were pinned apart lie apart only where the GPU has other addresses than the host. */
kz_status kz_cuda_seen(kz_cuda *cuda, const void *host, size_t bytes, const void **seen)
{
    uintptr_t begin = (uintptr_t)host, end = begin + bytes, next;
    kz_status st = KZ_OK;
    for (uintptr_t at = begin; at < end;) {
        void *base = NULL;
        kz_cuda_pinned *p = find(cuda, at, end, &next);
        assert(p);
        KZ_CUDA(cudaHostGetDevicePointer(&base, p->at, 0));
        uintptr_t shift = (uintptr_t)base - (uintptr_t)p->at;
        if (at == begin) *seen = (const void *)(begin + shift);
        if ((uintptr_t)*seen != begin + shift)
            return KZ_FAIL(KZ_E_DEVICE, "the GPU does not see memory that was pinned in pieces as one");
        at = p->end;
    }
done:
    return st;
}
