/* A device of fast arithmetic: the table of the reproducible one, with the products and the copies in bf16 that they read
 * in place of its own. */
#include "cuda_fast.h"

#include <string.h>

/* ---- whoever changes the parameters changes their copy ---- */

static kz_status alloc_parameters(kz_device *dev, float **out, int64_t n)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_fast *fast = cuda->fast;
    float *theta = NULL;
    kz_status st = KZ_OK;
    if (fast->theta) return KZ_FAIL(KZ_E_ARG, "parameters: fast arithmetic has one model on a device at a time");
    KZ_TRY(kz_cuda_alloc(dev, &theta, (size_t)n * sizeof *theta, "parameters"));
    KZ_TRY(kz_cuda_alloc(dev, &fast->copy, (size_t)n * sizeof *fast->copy, "parameters in bf16"));
    fast->theta = *out = theta;
    fast->parameters = n;
    theta = NULL;
done:
    kz_cuda_release(dev, &theta);
    return st;
}

static void release(kz_device *dev, void *pointer_to_pointer)
{
    kz_fast *fast = kz_cuda_of(dev)->fast;
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    if (p && p == fast->theta) {
        kz_cuda_release(dev, &fast->copy);
        fast->theta = NULL;
    }
    kz_cuda_release(dev, pointer_to_pointer);
}

static kz_status upload(kz_device *dev, void *to, const void *host, size_t bytes)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    const kz_fast *fast = cuda->fast;
    kz_status st = kz_cuda_upload(dev, to, host, bytes);
    if (st != KZ_OK || !fast->theta) return st;
    uintptr_t theta = (uintptr_t)fast->theta, at = (uintptr_t)to;
    if (at < theta || at >= theta + (size_t)fast->parameters * sizeof(float)) return KZ_OK;
    KZ_CUDA(kz_cast_bf16__cuda(1, (int64_t)(bytes / sizeof(float)), to, fast->copy + (at - theta) / sizeof(float), 0,
                               &cuda->queue));
done:
    return st;
}

static kz_status optim_step(kz_device *dev, int which, const kz_optim_coef *coef, int64_t coefs, const kz_tally *tally,
                            const double *norm, int64_t n, const float *g, float *theta, float *const *state)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_fast *fast = cuda->fast;
    kz_bf16 *copy = fast->theta && theta == fast->theta ? fast->copy : NULL;
    kz_status st = KZ_OK;
    KZ_CUDA(kz_optim_copy_bf16__cuda(which, coef, coefs, tally, norm, n, g, theta, state, copy, &cuda->queue));
done:
    return st;
}

/* ---- life cycle ---- */

kz_status kz_fast_create(kz_cuda *cuda, const kz_config_device *cfg)
{
    kz_fast *fast = NULL;
    kz_status st = KZ_OK;
    if (!cfg->arithmetic || strcmp(cfg->arithmetic, "fast") != 0) return KZ_OK;
    KZ_TRY(kz_calloc(&fast, 1, sizeof *fast, "fast arithmetic"));
    cuda->fast = fast;
    snprintf(cuda->gpu.precision, sizeof cuda->gpu.precision, "%s", cfg->precision ? cfg->precision : "tf32");
    fast->half = strcmp(cuda->gpu.precision, "bf16") == 0;
    KZ_TRY(kz_fast_open(fast, cuda->gpu.library));
    KZ_TRY(kz_cuda_alloc(&cuda->base, &fast->workspace, KZ_FAST_WORKSPACE, "workspace of cuBLASLt"));
    fast->ops = kz_device_cuda;
    fast->ops.dense_forward = kz_fast_dense_forward;
    fast->ops.dense_weights = kz_fast_dense_weights;
    fast->ops.dense_input = kz_fast_dense_input;
    if (fast->half) {
        fast->ops.alloc_parameters = alloc_parameters;
        fast->ops.release = release;
        fast->ops.upload = upload;
        fast->ops.dense_slope = kz_fast_dense_slope;
        fast->ops.optim_step = optim_step;
    }
    cuda->base.ops = &fast->ops;
done:
    return st;
}

void kz_fast_destroy(kz_cuda *cuda)
{
    kz_fast *fast = cuda->fast;
    if (!fast) return;
    kz_fast_forget_plans(fast);
    kz_fast_close(fast);
    kz_cuda_release(&cuda->base, &fast->workspace);
    kz_cuda_release(&cuda->base, &fast->copy);
    kz_cuda_release(&cuda->base, &fast->x);
    kz_cuda_release(&cuda->base, &fast->dz);
    cuda->base.ops = &kz_device_cuda;
    kz_free(&cuda->fast);
}
