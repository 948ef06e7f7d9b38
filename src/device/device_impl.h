/* Private to src/device: what the CPU device is made of. */
#ifndef KZ_DEVICE_IMPL_H
#define KZ_DEVICE_IMPL_H

#include "kernels/matmul/matmul.h"
#include "kernels/norm/norm.h"
#include "kz/device.h"

/* The kernels of one instruction set. */
typedef struct {
    const char *name;
    kz_matmul_fn *matmul;
    kz_column_sum_fn *column_sum;
    kz_dense_forward_fn *dense_forward;
    kz_dense_slope_fn *dense_slope;
    kz_gather_fn *gather;
    kz_loss_fn *loss;
    kz_mean_norm_fn *mean_norm;
    kz_optim_fn *optim;
} kz_cpu_kernels;

typedef struct {
    kz_device base; /* first: a kz_device * is a kz_cpu * */
    kz_team *team;
    const kz_cpu_kernels *kernels;
    size_t allocations; /* of large arrays so far */
    int64_t wide, high; /* of a product, what is packed at a time: by the caches of this machine */
    float *scratch;     /* (scratches, KZ_MATMUL_SCRATCH): packed operands, of each piece of a product */
    int64_t scratches;
    double *square; /* (squares): block sums of a gradient's norm */
    int64_t squares;
} kz_cpu;

extern const kz_device_ops kz_device_cpu;

kz_status kz_cpu_create(kz_device **out, int64_t threads, const char *isa);
void kz_cpu_destroy(kz_device **dev);

/* The product alone, as the layers' are cut for the team; `scratch` is found here.  Fails: KZ_E_MEM. */
kz_status kz_cpu_matmul(kz_device *dev, const kz_matmul *g);

#endif
