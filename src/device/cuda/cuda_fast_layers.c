/* The products of a dense layer by cuBLASLt, and what its epilogues leave over. */
#include "cuda_fast.h"

kz_status kz_fast_reserve(kz_cuda *cuda, kz_bf16 **at, int64_t *room, int64_t elements, const char *what)
{
    kz_status st = KZ_OK;
    if (elements <= *room) return KZ_OK;
    if (cuda->recording) return KZ_FAIL(KZ_E_ARG, "%s: %lld values, recorded first", what, (long long)elements);
    kz_cuda_release(&cuda->base, at);
    kz_cuda_forget(cuda);
    *room = 0;
    KZ_TRY(kz_cuda_alloc(&cuda->base, at, (size_t)elements * sizeof **at, what));
    *room = elements;
done:
    return st;
}

/* The copy of a parameter. */
static const kz_bf16 *copy_of(const kz_fast *fast, const float *parameter)
{
    return fast->copy + (parameter - fast->theta);
}

/* An operand as the library sees it: where it is, and the distance between its columns, which are rows of ours. */
typedef struct {
    const void *at;
    int64_t leading;
} operand;

static operand weights_of(const kz_fast *fast, const kz_dense *d)
{
    return fast->half ? (operand){copy_of(fast, d->weight), d->inputs} : (operand){d->weight, d->inputs};
}

/* x of the first layer and dz of the last one have been copied in bf16. */
static operand inputs_of(const kz_fast *fast, const kz_dense *d, const float *x)
{
    if (!fast->half) return (operand){x, d->inputs};
    return (operand){d->first ? (const void *)fast->x : x, kz_bf16_stride(d->inputs)};
}

static operand gradients_of(const kz_fast *fast, const kz_dense *d, const float *dz)
{
    if (!fast->half) return (operand){dz, d->units};
    return (operand){d->last ? (const void *)fast->dz : dz, kz_bf16_stride(d->units)};
}

static kz_status copy_inputs(kz_cuda *cuda, const kz_dense *d, const float *x)
{
    kz_fast *fast = cuda->fast;
    int64_t stride = kz_bf16_stride(d->inputs);
    kz_status st = KZ_OK;
    KZ_TRY(kz_fast_reserve(cuda, &fast->x, &fast->x_room, d->rows * stride, "batch in bf16"));
    KZ_CUDA(kz_cast_bf16__cuda(d->rows, d->inputs, x, fast->x, stride, &cuda->queue));
    fast->x_of = x;
done:
    return st;
}

/* bias NULL: the product has added it. */
static cudaError_t finish(const kz_cuda *cuda, const kz_dense *d, bool half, const float *bias)
{
    return half ? kz_dense_finish_bf16__cuda(d, bias, &cuda->queue) : kz_dense_finish_f32__cuda(d, bias, &cuda->queue);
}

/* yT (units, rows) = W xT */
kz_status kz_fast_dense_forward(kz_device *dev, const kz_dense *d, const float *x)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_fast *fast = cuda->fast;
    kz_dense rest = *d;
    int done_by_product = 0;
    bool half_out = fast->half && !d->last;
    kz_status st = KZ_OK;
    if (d->rows == 0 || d->units == 0) return KZ_OK;
    if (fast->half && d->first) KZ_TRY(copy_inputs(cuda, d, x));
    operand w = weights_of(fast, d), in = inputs_of(fast, d, x);
    kz_fast_shape s = {.m = d->units,
                       .n = d->rows,
                       .k = d->inputs,
                       .lda = w.leading,
                       .ldb = in.leading,
                       .ldd = half_out ? kz_bf16_stride(d->units) : d->units,
                       .epilogue = d->activation == KZ_ACTIVATION_relu ? KZ_LT_EPILOGUE_RELU_BIAS : KZ_LT_EPILOGUE_BIAS,
                       .type = fast->half ? KZ_LT_BF16 : KZ_LT_F32,
                       .type_out = half_out ? KZ_LT_BF16 : KZ_LT_F32,
                       .op_a = KZ_LT_OP_T,
                       .op_b = KZ_LT_OP_N};
    kz_fast_arrays at = {w.at, in.at, d->kept, half_out ? (const void *)copy_of(fast, d->bias) : d->bias};
    KZ_TRY(kz_fast_product(cuda, &s, &at, &done_by_product));
    if (done_by_product == KZ_LT_EPILOGUE_RELU_BIAS) rest.activation = KZ_ACTIVATION_identity;
    KZ_CUDA(finish(cuda, &rest, half_out, done_by_product == KZ_LT_EPILOGUE_DEFAULT ? d->bias : NULL));
done:
    return st;
}

/* In bf16 alone.  The last layer's gradients come from the loss, and are copied. */
kz_status kz_fast_dense_slope(kz_device *dev, const kz_dense *d, float *dz)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    kz_fast *fast = cuda->fast;
    int64_t stride = kz_bf16_stride(d->units);
    kz_status st = KZ_OK;
    if (!d->last) {
        KZ_CUDA(kz_dense_slope_bf16__cuda(d, (kz_bf16 *)dz, &cuda->queue));
        goto done;
    }
    KZ_CUDA(kz_dense_slope_f32__cuda(d, dz, &cuda->queue));
    KZ_TRY(kz_fast_reserve(cuda, &fast->dz, &fast->dz_room, d->rows * stride, "gradients at the outputs in bf16"));
    KZ_CUDA(kz_cast_bf16__cuda(d->rows, d->units, dz, fast->dz, stride, &cuda->queue));
done:
    return st;
}

/* dwT (inputs, units) = xT dz;  db from dz as it is read. */
kz_status kz_fast_dense_weights(kz_device *dev, const kz_dense *d, const float *dz, const float *x, float *dw,
                                float *db)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    const kz_fast *fast = cuda->fast;
    int done_by_product = 0;
    kz_status st = KZ_OK;
    if (d->units == 0) return KZ_OK;
    if (d->rows == 0) {
        KZ_CUDA(cudaMemsetAsync(dw, 0, (size_t)(d->units * d->inputs) * sizeof *dw, cuda->queue.stream));
        KZ_CUDA(cudaMemsetAsync(db, 0, (size_t)d->units * sizeof *db, cuda->queue.stream));
        goto done;
    }
    if (fast->half && d->first && fast->x_of != x)
        return KZ_FAIL(KZ_E_ARG, "dense_weights: x is not that of the last forward");
    operand in = inputs_of(fast, d, x), out = gradients_of(fast, d, dz);
    kz_fast_shape s = {.m = d->inputs,
                       .n = d->units,
                       .k = d->rows,
                       .lda = in.leading,
                       .ldb = out.leading,
                       .ldd = d->inputs,
                       .epilogue = KZ_LT_EPILOGUE_BGRADB,
                       .type = fast->half ? KZ_LT_BF16 : KZ_LT_F32,
                       .type_out = KZ_LT_F32,
                       .op_a = KZ_LT_OP_N,
                       .op_b = KZ_LT_OP_T};
    kz_fast_arrays at = {in.at, out.at, dw, db};
    KZ_TRY(kz_fast_product(cuda, &s, &at, &done_by_product));
    if (done_by_product == KZ_LT_EPILOGUE_BGRADB) goto done;
    KZ_CUDA(fast->half ? kz_bias_gradient_bf16__cuda(d->rows, d->units, out.at, out.leading, db, &cuda->queue)
                       : kz_bias_gradient_f32__cuda(d->rows, d->units, out.at, out.leading, db, &cuda->queue));
done:
    return st;
}

/* dxT (inputs, rows) = wT dzT, and then the slope of the layer below. */
kz_status kz_fast_dense_input(kz_device *dev, const kz_dense *d, const float *dz, const kz_dense *below, float *dx)
{
    kz_cuda *cuda = kz_cuda_of(dev);
    const kz_fast *fast = cuda->fast;
    int done_by_product = 0;
    kz_status st = KZ_OK;
    if (d->rows == 0 || d->inputs == 0) return KZ_OK;
    operand w = weights_of(fast, d), out = gradients_of(fast, d, dz);
    kz_fast_shape s = {.m = d->inputs,
                       .n = d->rows,
                       .k = d->units,
                       .lda = w.leading,
                       .ldb = out.leading,
                       .ldd = fast->half ? kz_bf16_stride(d->inputs) : d->inputs,
                       .epilogue = KZ_LT_EPILOGUE_DEFAULT,
                       .type = fast->half ? KZ_LT_BF16 : KZ_LT_F32,
                       .type_out = fast->half ? KZ_LT_BF16 : KZ_LT_F32,
                       .op_a = KZ_LT_OP_N,
                       .op_b = KZ_LT_OP_N};
    kz_fast_arrays at = {w.at, out.at, dx, NULL};
    KZ_TRY(kz_fast_product(cuda, &s, &at, &done_by_product));
    KZ_CUDA(fast->half ? kz_dense_slope_bf16__cuda(below, (kz_bf16 *)dx, &cuda->queue)
                       : kz_dense_slope_f32__cuda(below, dx, &cuda->queue));
done:
    return st;
}
