/* Private to the CUDA module: `arithmetic: fast`, the products of dense layers by cuBLASLt.
 *
 * Row-major arrays are column-major ones of the transposed: y (rows, units) is what cuBLASLt calls a matrix of `units` rows
 * and `rows` columns.  So forward is yT = W xT, weights dwT = xT dz, input dxT = wT dzT, in terms of the arrays
 * wT (inputs, units), xT (inputs, rows), dzT (units, rows) as the library sees them. */
#ifndef KZ_CUDA_FAST_H
#define KZ_CUDA_FAST_H

#include "cublaslt_api.h"
#include "cuda_impl.h"
#include "kernels/cuda/fast_launchers.h"

/* A product D = op(A) op(B) of m x n x k, all that its algorithm depends on.  Zeroed before it is filled in: plans are
 * found by its bytes. */
typedef struct {
    int64_t m, n, k, lda, ldb, ldd;
    int epilogue;       /* the one that is wanted */
    int type, type_out; /* of A and B, of D */
    int op_a, op_b;     /* KZ_LT_OP_N, KZ_LT_OP_T */
    /* of the addresses, in bytes: powers of two; filled in by the product */
    int align_a, align_b, align_d, align_vector;
} kz_fast_shape;

/* How products of a shape are computed. */
typedef struct kz_fast_plan {
    kz_fast_shape shape;
    int epilogue; /* the one that there is; what it does not do is left to a kernel */
    kz_lt_desc desc;
    kz_lt_layout a, b, d;
    kz_lt_algo algo;
    struct kz_fast_plan *next;
} kz_fast_plan;

typedef struct {
    const void *a, *b;
    void *d;
    const void *vector; /* what the epilogue reads or writes: bias, bias gradient */
} kz_fast_arrays;

typedef struct kz_fast {
    kz_device_ops ops; /* the reproducible device's but for the products and what goes with them */
    bool half;         /* bf16: hidden activations and their gradients are stored so; else tf32, and all is binary32 */
    void *library;
    kz_lt_functions lt;
    kz_lt_handle handle;
    void *workspace;
    kz_fast_plan *plans;
    /* bf16: copies */
    const float *theta; /* (parameters) of the model; NULL: none yet */
    int64_t parameters;
    kz_bf16 *copy;   /* (parameters) of theta, at the same places */
    kz_bf16 *x, *dz; /* (x_room), (dz_room): of the batch; of the gradients at the outputs */
    int64_t x_room, dz_room;
    const float *x_of; /* what is in x */
} kz_fast;

/* cuda_fast_library.c */
/* Opens the library; its version as text.  Fails: KZ_E_DEVICE, naming it and where it was looked for. */
kz_status kz_fast_open(kz_fast *fast, char version[32]);
void kz_fast_close(kz_fast *fast);
kz_status kz_fast_check(const kz_fast *fast, int status, const char *call, const char *file, int line);
#define KZ_LT(call) KZ_TRY(kz_fast_check(fast, (call), #call, __FILE__, __LINE__))

/* cuda_fast_plan.c */
enum { KZ_FAST_WORKSPACE = (KZ_CUDA_IS_REAL ? 32 : 1) << 20 /* bytes; a stand-in has to fill them each time */ };
/* Queues the product; *epilogue <- what was done of the one in `shape`.  Not while recording unless its plan is there.
 * Fails: KZ_E_DEVICE (the library has no algorithm for it). */
kz_status kz_fast_product(kz_cuda *cuda, const kz_fast_shape *shape, const kz_fast_arrays *at, int *epilogue);
void kz_fast_forget_plans(kz_fast *fast);

/* cuda_fast_layers.c */
/* Room for a copy of `elements`, uninitialised; not while recording, unless there is. */
kz_status kz_fast_reserve(kz_cuda *cuda, kz_bf16 **at, int64_t *room, int64_t elements, const char *what);
/* Entries of the device's table. */
kz_status kz_fast_dense_forward(kz_device *dev, const kz_dense *d, const float *x);
kz_status kz_fast_dense_slope(kz_device *dev, const kz_dense *d, float *dz);
kz_status kz_fast_dense_weights(kz_device *dev, const kz_dense *d, const float *dz, const float *x, float *dw,
                                float *db);
kz_status kz_fast_dense_input(kz_device *dev, const kz_dense *d, const float *dz, const kz_dense *below, float *dx);

/* cuda_fast.c */
/* Makes the device compute by cuBLASLt in cfg->precision, if cfg->arithmetic is fast.  Fails: KZ_E_DEVICE, KZ_E_MEM. */
kz_status kz_fast_create(kz_cuda *cuda, const kz_config_device *cfg);
void kz_fast_destroy(kz_cuda *cuda);

#endif
