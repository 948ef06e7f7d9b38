/* The operations of a GPU: each queues its kernels (kernels/cuda/launchers.h). */
#include "cuda_impl.h"

static kz_status cuda_gather(kz_device *dev, const kz_gather *g)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_gather_f32__cuda(g, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_dense_forward(kz_device *dev, const kz_dense *layer, const float *x)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_dense_forward_f32__cuda(layer, x, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_dense_slope(kz_device *dev, const kz_dense *layer, float *dz)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_dense_slope_f32__cuda(layer, dz, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_dense_weights(kz_device *dev, const kz_dense *layer, const float *dz, const float *x, float *dw,
                                    float *db)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_dense_weights_f32__cuda(layer, dz, x, dw, db, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_dense_input(kz_device *dev, const kz_dense *layer, const float *dz, const kz_dense *below,
                                  float *dx)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_dense_input_f32__cuda(layer, dz, below, dx, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_loss(kz_device *dev, const kz_loss *l)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_loss_f32__cuda(l, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_sum(kz_device *dev, int64_t n, const double *x, double *out)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_sum_f64__cuda(n, x, out, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_add(kz_device *dev, int64_t n, const float *b, float *a)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_add_f32__cuda(n, b, a, &kz_cuda_of(dev)->queue));
done:
    return st;
}

/* Not while recording: a queue is carried out once before. */
static kz_status reserve_squares(kz_cuda *cuda, int64_t n)
{
    kz_status st = KZ_OK;
    if (n <= cuda->squares) return KZ_OK;
    if (cuda->recording) return KZ_FAIL(KZ_E_ARG, "finish_gradient: %lld block sums, recorded first", (long long)n);
    kz_cuda_release(&cuda->base, &cuda->square);
    kz_cuda_forget(cuda);
    cuda->squares = 0;
    KZ_TRY(
        kz_cuda_alloc(&cuda->base, &cuda->square, (size_t)n * sizeof *cuda->square, "block sums of the gradient norm"));
    cuda->squares = n;
done:
    return st;
}

static kz_status cuda_finish_gradient(kz_device *dev, int64_t count, const int64_t *offset, int64_t n, float inverse,
                                      float *g, double *norm, const kz_step_totals *end)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_status st = KZ_OK;
    KZ_TRY(reserve_squares(cuda, kz_norm_squares(n, count)));
    KZ_CUDA(kz_mean_norm_f32__cuda(count, offset, n, inverse, g, cuda->square, norm, end, &cuda->queue));
done:
    return st;
}

static kz_status cuda_optim_step(kz_device *dev, int which, const kz_optim_coef *coef, int64_t coefs,
                                 const kz_tally *tally, const double *norm, int64_t n, const float *g, float *theta,
                                 float *const *state)
{
    kz_status st = KZ_OK;
    KZ_CUDA(kz_optim_f32__cuda(which, coef, coefs, tally, norm, n, g, theta, state, &kz_cuda_of(dev)->queue));
done:
    return st;
}

static kz_status cuda_step(kz_device *dev, const kz_step *s, bool *done)
{
    kz_status st = KZ_OK;
    *done = false;
    if (dev->ops != &kz_device_cuda) return KZ_OK; /* a table made of this one: some of its parts are others */
    KZ_CUDA(kz_step_f32__cuda(s, done, &kz_cuda_of(dev)->queue));
done:
    return st;
}

const kz_device_ops kz_device_cuda = {
    .name = KZ_CUDA_IS_REAL ? "cuda" : "cuda-on-cpu",
    .destroy = kz_cuda_destroy,
    .alloc = kz_cuda_alloc,
    .release = kz_cuda_release,
    .alloc_parameters = kz_cuda_alloc_parameters,
    .share = kz_cuda_share,
    .unshare = kz_cuda_unshare,
    .upload = kz_cuda_upload,
    .download = kz_cuda_download,
    .fill = kz_cuda_fill,
    .enter = kz_cuda_enter,
    .leave = kz_cuda_leave,
    .filled = kz_cuda_filled,
    .send = kz_cuda_send,
    .pin = kz_cuda_pin,
    .unpin = kz_cuda_unpin,
    .is_outside = kz_cuda_is_outside,
    .gather = cuda_gather,
    .dense_forward = cuda_dense_forward,
    .dense_slope = cuda_dense_slope,
    .dense_weights = cuda_dense_weights,
    .dense_input = cuda_dense_input,
    .loss = cuda_loss,
    .sum = cuda_sum,
    .add = cuda_add,
    .finish_gradient = cuda_finish_gradient,
    .optim_step = cuda_optim_step,
    .step = cuda_step,
    .repeat = kz_cuda_repeat,
};
