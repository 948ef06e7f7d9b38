/* The heap: one way in, so that tests can make the n-th allocation fail. */
#include "kz/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ALIGNMENT: a cache line, and the widest vector.  LARGE: bytes that are worth large pages. */
enum { ALIGNMENT = 64, LARGE = 4 << 20 };

static _Atomic int64_t calls, fail_at;

int64_t kz_calloc_fail_at(int64_t n)
{
    int64_t since = atomic_exchange(&calls, 0);
    atomic_store(&fail_at, n);
    return since;
}

/* Rows are read in random order: with pages of 4 KiB each of them misses the buffers for addresses, in a virtual machine twice. */
static void ask_for_large_pages(char *p, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (page - (uintptr_t)p % page) % page;
    (void)madvise(p + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
}

kz_status kz_calloc(void *out, int64_t n, size_t size, const char *what)
{
    size_t bytes;
    int64_t call = atomic_fetch_add(&calls, 1) + 1;
    if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > SIZE_MAX / 2)
        return KZ_FAIL(KZ_E_MEM, "%s: %lld elements of %zu bytes are more than can be addressed", what, (long long)n,
                       size);
    size_t room = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *p = call == atomic_load(&fail_at) ? NULL : aligned_alloc(ALIGNMENT, room);
    if (!p) return KZ_FAIL(KZ_E_MEM, "%s: out of memory, %zu bytes were asked for", what, bytes);
    if (room >= LARGE) ask_for_large_pages(p, room);
    memset(p, 0, room);
    memcpy(out, &p, sizeof p);
    return KZ_OK;
}

void kz_free(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    free(p);
    p = NULL;
    memcpy(pointer_to_pointer, &p, sizeof p);
}
