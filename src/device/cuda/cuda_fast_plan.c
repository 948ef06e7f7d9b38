/* Products by cuBLASLt: one algorithm per shape, picked by the library's rules and never by time, so that a machine gives
 * the same bits each time. */
#include "cuda_fast.h"

#include <string.h>

/* The largest power of two that divides the address, up to what the library asks about. */
static int alignment_of(const void *p)
{
    int bytes = 1;
    while (bytes < 256 && (uintptr_t)p % (2 * (unsigned)bytes) == 0) bytes *= 2;
    return bytes;
}

static void free_plan(const kz_fast *fast, kz_fast_plan *p)
{
    if (p->desc) (void)fast->lt.desc_destroy(p->desc);
    if (p->a) (void)fast->lt.layout_destroy(p->a);
    if (p->b) (void)fast->lt.layout_destroy(p->b);
    if (p->d) (void)fast->lt.layout_destroy(p->d);
    kz_free(&p);
}

void kz_fast_forget_plans(kz_fast *fast)
{
    while (fast->plans) {
        kz_fast_plan *first = fast->plans;
        fast->plans = first->next;
        free_plan(fast, first);
    }
}

static kz_status describe(const kz_fast *fast, kz_fast_plan *p)
{
    const kz_lt_functions *lt = &fast->lt;
    const kz_fast_shape *s = &p->shape;
    bool a_is_t = s->op_a == KZ_LT_OP_T, b_is_t = s->op_b == KZ_LT_OP_T;
    uint64_t m = (uint64_t)s->m, n = (uint64_t)s->n, k = (uint64_t)s->k;
    int compute = s->type == KZ_LT_BF16 ? KZ_LT_COMPUTE_F32 : KZ_LT_COMPUTE_F32_FAST_TF32;
    int32_t op_a = s->op_a, op_b = s->op_b;
    kz_status st = KZ_OK;
    KZ_LT(lt->desc_create(&p->desc, compute, KZ_LT_F32));
    KZ_LT(lt->desc_set(p->desc, KZ_LT_TRANSA, &op_a, sizeof op_a));
    KZ_LT(lt->desc_set(p->desc, KZ_LT_TRANSB, &op_b, sizeof op_b));
    KZ_LT(lt->layout_create(&p->a, s->type, a_is_t ? k : m, a_is_t ? m : k, s->lda));
    KZ_LT(lt->layout_create(&p->b, s->type, b_is_t ? n : k, b_is_t ? k : n, s->ldb));
    KZ_LT(lt->layout_create(&p->d, s->type_out, m, n, s->ldd));
done:
    return st;
}

/* What an algorithm may be: within the workspace, for these addresses, and adding parts along k, if at all, in order. */
static kz_status prefer(const kz_fast *fast, kz_lt_preference *out, const kz_fast_shape *s)
{
    const kz_lt_functions *lt = &fast->lt;
    uint64_t workspace = KZ_FAST_WORKSPACE;
    uint32_t reduction = KZ_LT_REDUCTION_COMPUTE_TYPE;
    uint32_t a = (uint32_t)s->align_a, b = (uint32_t)s->align_b, d = (uint32_t)s->align_d;
    kz_status st = KZ_OK;
    KZ_LT(lt->preference_create(out));
    KZ_LT(lt->preference_set(*out, KZ_LT_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace));
    KZ_LT(lt->preference_set(*out, KZ_LT_REDUCTION_SCHEME_MASK, &reduction, sizeof reduction));
    KZ_LT(lt->preference_set(*out, KZ_LT_MIN_ALIGNMENT_A_BYTES, &a, sizeof a));
    KZ_LT(lt->preference_set(*out, KZ_LT_MIN_ALIGNMENT_B_BYTES, &b, sizeof b));
    KZ_LT(lt->preference_set(*out, KZ_LT_MIN_ALIGNMENT_C_BYTES, &d, sizeof d));
    KZ_LT(lt->preference_set(*out, KZ_LT_MIN_ALIGNMENT_D_BYTES, &d, sizeof d));
done:
    return st;
}

/* The library's status. */
static int queue_product(kz_cuda *cuda, const kz_fast_plan *p, const kz_fast_arrays *at)
{
    const float one = 1, zero = 0;
    const kz_fast *fast = cuda->fast;
    int status = KZ_LT_SUCCESS;
    if (p->epilogue != KZ_LT_EPILOGUE_DEFAULT)
        status = fast->lt.desc_set(p->desc, KZ_LT_BIAS_POINTER, &at->vector, sizeof at->vector);
    if (status != KZ_LT_SUCCESS) return status;
    return fast->lt.matmul(fast->handle, p->desc, &one, at->a, p->a, at->b, p->b, &zero, at->d, p->d, at->d, p->d,
                           &p->algo, fast->workspace, KZ_FAST_WORKSPACE, cuda->queue.stream);
}

static kz_status run(kz_cuda *cuda, const kz_fast_plan *p, const kz_fast_arrays *at)
{
    const kz_fast *fast = cuda->fast;
    kz_status st = KZ_OK;
    KZ_LT(queue_product(cuda, p, at));
done:
    return st;
}

/* Whether the algorithm's relu passes NaN on, as rule 12 of docs/arithmetic.md asks: cuBLASLt does not say, and it may
 * be another kernel for each shape.  So the product is computed once with a bias of NaN. */
static kz_status passes_nan(kz_cuda *cuda, const kz_fast_plan *p, const kz_fast_arrays *at, bool *passes)
{
    const kz_fast_shape *s = &p->shape;
    size_t size = s->type_out == KZ_LT_BF16 ? sizeof(kz_bf16) : sizeof(float);
    size_t last = (size_t)((s->n - 1) * s->ldd + s->m - 1) * size;
    kz_fast_arrays probe = *at;
    void *nan = NULL;
    unsigned char first_bytes[sizeof(float)] = {0}, last_bytes[sizeof(float)] = {0};
    kz_status st = KZ_OK;
    KZ_TRY(kz_cuda_alloc(&cuda->base, &nan, (size_t)s->m * size, "bias of NaN"));
    KZ_CUDA(cudaMemsetAsync(nan, 0xff, (size_t)s->m * size, cuda->queue.stream));
    probe.vector = nan;
    *passes = queue_product(cuda, p, &probe) == KZ_LT_SUCCESS; /* what was promised may be refused yet */
    (void)cudaGetLastError();
    if (!*passes) goto done;
    KZ_TRY(kz_cuda_download(&cuda->base, first_bytes, at->d, size));
    KZ_TRY(kz_cuda_download(&cuda->base, last_bytes, (const char *)at->d + last, size));
    /* the two upper bytes of either type: all ones in the exponent, and not 0 after it */
    unsigned first = (unsigned)first_bytes[size - 1] << 8 | first_bytes[size - 2];
    unsigned end = (unsigned)last_bytes[size - 1] << 8 | last_bytes[size - 2];
    *passes = (first & 0x7fff) > 0x7f80 && (end & 0x7fff) > 0x7f80;
done:
    kz_cuda_release(&cuda->base, &nan);
    return st;
}

/* With the epilogue, if there is an algorithm. */
static kz_status try_epilogue(kz_cuda *cuda, kz_fast_plan *p, kz_lt_preference preference, const kz_fast_arrays *at,
                              int epilogue, bool *found)
{
    const kz_fast *fast = cuda->fast;
    const void *vector = epilogue == KZ_LT_EPILOGUE_DEFAULT ? NULL : at->vector;
    uint32_t word = (uint32_t)epilogue;
    kz_lt_heuristic best = {.workspace = 0};
    int count = 0;
    kz_status st = KZ_OK;
    KZ_LT(fast->lt.desc_set(p->desc, KZ_LT_EPILOGUE, &word, sizeof word));
    KZ_LT(fast->lt.desc_set(p->desc, KZ_LT_BIAS_POINTER, &vector, sizeof vector)); /* its alignment matters */
    int status = fast->lt.heuristic(fast->handle, p->desc, p->a, p->b, p->d, p->d, preference, 1, &best, &count);
    (void)cudaGetLastError();
    *found = status == KZ_LT_SUCCESS && count > 0 && best.state == KZ_LT_SUCCESS && best.workspace <= KZ_FAST_WORKSPACE;
    if (!*found) goto done;
    p->epilogue = epilogue;
    p->algo = best.algo;
    if (epilogue == KZ_LT_EPILOGUE_RELU_BIAS) KZ_TRY(passes_nan(cuda, p, at, found));
done:
    return st;
}

/* The epilogue that does most of what is wanted. */
static kz_status choose(kz_cuda *cuda, kz_fast_plan *p, const kz_fast_arrays *at)
{
    const kz_fast_shape *s = &p->shape;
    const int bias = s->epilogue == KZ_LT_EPILOGUE_RELU_BIAS ? KZ_LT_EPILOGUE_BIAS : KZ_LT_EPILOGUE_DEFAULT;
    const int tried[] = {s->epilogue, bias, KZ_LT_EPILOGUE_DEFAULT};
    const kz_fast *fast = cuda->fast;
    kz_lt_preference preference = NULL;
    bool found = false;
    kz_status st = KZ_OK;
    KZ_TRY(prefer(fast, &preference, s));
    for (size_t i = 0; i < sizeof tried / sizeof *tried && !found; i++) {
        /* kernels have been seen to read a bias by 16 bytes wherever it lies */
        if (tried[i] != KZ_LT_EPILOGUE_DEFAULT && s->align_vector < 16) continue;
        KZ_TRY(try_epilogue(cuda, p, preference, at, tried[i], &found));
    }
    if (!found)
        st = KZ_FAIL(KZ_E_DEVICE,
                     "device.arithmetic: 'fast': %s has no algorithm for a %s product of %lld x %lld x %lld on %s; use "
                     "arithmetic: reproducible",
                     cuda->gpu.library, s->type == KZ_LT_BF16 ? "bf16" : "tf32", (long long)s->m, (long long)s->n,
                     (long long)s->k, cuda->gpu.model);
done:
    if (preference) (void)fast->lt.preference_destroy(preference);
    return st;
}

static kz_status make_plan(kz_cuda *cuda, const kz_fast_shape *s, const kz_fast_arrays *at)
{
    kz_fast_plan *p = NULL;
    kz_status st = KZ_OK;
    if (cuda->recording)
        return KZ_FAIL(KZ_E_ARG, "a product of %lld x %lld x %lld, recorded first", (long long)s->m, (long long)s->n,
                       (long long)s->k);
    KZ_TRY(kz_calloc(&p, 1, sizeof *p, "plan of a product"));
    p->shape = *s;
    KZ_TRY(describe(cuda->fast, p));
    KZ_TRY(choose(cuda, p, at));
    p->next = cuda->fast->plans;
    cuda->fast->plans = p;
    p = NULL;
done:
    if (p) free_plan(cuda->fast, p);
    return st;
}

static const kz_fast_plan *find(const kz_fast *fast, const kz_fast_shape *s)
{
    const kz_fast_plan *p = fast->plans;
    while (p && memcmp(&p->shape, s, sizeof *s) != 0) p = p->next;
    return p;
}

kz_status kz_fast_product(kz_cuda *cuda, const kz_fast_shape *shape, const kz_fast_arrays *at, int *epilogue)
{
    kz_fast_shape s;
    kz_status st = KZ_OK;
    memcpy(&s, shape, sizeof s); /* what lies between its members too */
    s.align_a = alignment_of(at->a);
    s.align_b = alignment_of(at->b);
    s.align_d = alignment_of(at->d);
    s.align_vector = alignment_of(at->vector);
    if (!find(cuda->fast, &s)) KZ_TRY(make_plan(cuda, &s, at));
    const kz_fast_plan *p = find(cuda->fast, &s);
    KZ_TRY(run(cuda, p, at));
    *epilogue = p->epilogue;
done:
    return st;
}
