/* kz/device.h — a device is one table of operations over its memory, each of them required.
 *
 * Operations are queued in order and return once queued; pointers are device pointers unless the comment says host.
 * What an operation computes, to the bit, is in docs/arithmetic.md: every device gives the same. */
#ifndef KZ_DEVICE_H
#define KZ_DEVICE_H

#include "kernels/dense/dense.h"
#include "kernels/gather/gather.h"
#include "kernels/loss/loss.h"
#include "kernels/optim/optim_f32.h"
#include "kernels/step/step.h"
#include "kz/base.h"
#include "kz/config.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kz_device kz_device;

/* KZ_PLACES: see kz_device_ops.fill.  KZ_GPU_SLACK: bytes of a GPU's memory that `share` leaves to CUDA itself; KZ_SMALL:
 * bytes of an array that is copied there in any case. */
enum { KZ_PLACES = 4, KZ_GPU_SLACK = 64 << 20, KZ_SMALL = 16 << 10 };

/* Queues operations on a device; see kz_device_ops.repeat. */
typedef kz_status kz_queue_fn(void *context);

typedef struct {
    const char *name; /* "cpu", "cuda"; "cuda-on-cpu": the GPU's kernels executed on the CPU, for tests */
    void (*destroy)(kz_device **dev); /* use kz_device_destroy */

    /* *out <- zeroed memory of `bytes`.  Fails: KZ_E_MEM naming `what`. */
    kz_status (*alloc)(kz_device *dev, void *out, size_t bytes, const char *what);
    void (*release)(kz_device *dev, void *pointer_to_pointer);
    /* alloc for a model's n parameters, of which a device may keep a copy that its products read: they are changed by upload
     * and optim_step alone. */
    kz_status (*alloc_parameters)(kz_device *dev, float **out, int64_t n);
    /* *out <- device view of host memory that lives as long as the device's use of it; release it likewise. */
    kz_status (*share)(kz_device *dev, const void **out, const void *host, size_t bytes, const char *what);
    void (*unshare)(kz_device *dev, const void **pointer);
    kz_status (*upload)(kz_device *dev, void *to, const void *host, size_t bytes);
    kz_status (*download)(kz_device *dev, void *host, const void *from, size_t bytes); /* waits for what is queued */

    /* ---- data on their way beside the queue, into places (0 .. KZ_PLACES - 1) that are filled and used by turns ---- */

    /* Queues what queue(context) queues, gathers and sends alone, beside the queue: after what was queued until the last
     * leave(place), and after what was queued so before.  Not within `repeat`. */
    kz_status (*fill)(kz_device *dev, int place, kz_queue_fn *queue, void *context);
    kz_status (*enter)(kz_device *dev, int place); /* what is queued from now on comes after the last fill */
    kz_status (*leave)(kz_device *dev,
                       int place); /* what was queued until now uses it: the next fill comes after that */
    /* *yes <- whether the last fill is done; wait: once it is. */
    kz_status (*filled)(kz_device *dev, int place, bool wait, bool *yes);
    /* As upload, from pinned memory, which is read when its turn comes. */
    kz_status (*send)(kz_device *dev, void *to, const void *pinned, size_t bytes);
    /* Host memory that is sent again and again: pinned until unpin of the same bytes, before it is freed. */
    kz_status (*pin)(kz_device *dev, const void *host, size_t bytes, const char *what);
    void (*unpin)(kz_device *dev, const void *host, size_t bytes);
    /* Whether what `share` gave is the host's memory, seen through the bus. */
    bool (*is_outside)(const kz_device *dev, const void *shared);

    /* x (rows, width) <- converted and scaled rows of a data set. */
    kz_status (*gather)(kz_device *dev, const kz_gather *g);
    /* y <- dropout(activation(x wT + bias)), its value before dropout kept for the way back. */
    kz_status (*dense_forward)(kz_device *dev, const kz_dense *layer, const float *x);
    /* dz (rows, units) <- (dy x dropout factor) x slope(kept), in place; for a layer whose dy did not come from dense_input. */
    kz_status (*dense_slope)(kz_device *dev, const kz_dense *layer, float *dz);
    /* dw (units, inputs) <- dzT x;  db (units) <- dzT 1. */
    kz_status (*dense_weights)(kz_device *dev, const kz_dense *layer, const float *dz, const float *x, float *dw,
                               float *db);
    /* dx (rows, inputs) <- dz w, and then as dense_slope does for `below`, the layer that made x. */
    kz_status (*dense_input)(kz_device *dev, const kz_dense *layer, const float *dz, const kz_dense *below, float *dx);
    /* Per row: loss, score (docs/arithmetic.md, rule 11), and the gradient dz (rows, outputs) at z; and where they are wanted
     * the sums over the rows in the canonical order, +0 of none. */
    kz_status (*loss)(kz_device *dev, const kz_loss *l);

    /* *out <- sum of x[n] in the canonical order. */
    kz_status (*sum)(kz_device *dev, int64_t n, const double *x, double *out);
    /* a[n] <- a + b. */
    kz_status (*add)(kz_device *dev, int64_t n, const float *b, float *a);
    /* g[n] <- g x inverse, and *norm <- its norm: tensors are offset[i] .. offset[i + 1] - 1 (count + 1).  Then, unless end
     * (host) is NULL, adds the cursor's step to the tally, loss and score as trees over its parts, and moves the cursor past
     * its rows; sets bad_step if the step's loss or *norm is not finite. */
    kz_status (*finish_gradient)(kz_device *dev, int64_t count, const int64_t *offset, int64_t n, float inverse,
                                 float *g, double *norm, const kz_step_totals *end);
    /* theta <- updated by optimiser `which` of kernels/optim/optim_list.inc with coefficients coef[tally->step mod
     * coefs], unless tally->bad_step is set.  state: host, its arrays the device's. */
    kz_status (*optim_step)(kz_device *dev, int which, const kz_optim_coef *coef, int64_t coefs, const kz_tally *tally,
                            const double *norm, int64_t n, const float *g, float *theta, float *const *state);
    /* All of a step at once, to the same bits.  *done <- false, and nothing is queued, where the device has no way that is
     * faster than its parts. */
    kz_status (*step)(kz_device *dev, const kz_step *s, bool *done);

    /* Does what queue(context) queues.  Between two calls with the same bytes `key` it queues the same operations with
     * the same arguments: a device may record them and repeat the record instead of calling `queue`. */
    kz_status (*repeat)(kz_device *dev, const void *key, size_t bytes, kz_queue_fn *queue, void *context);
} kz_device_ops;

/* What is known of a GPU. */
typedef struct {
    char model[96];       /* "NVIDIA H100 80GB HBM3" */
    char variant[16];     /* "sm_90" */
    char bus[16];         /* PCI address, by which NVML knows it; "": not a real GPU */
    char driver[16];      /* CUDA version of the driver: "13.0" */
    char runtime[16];     /* CUDA version that the module was built with */
    char reason[128];     /* why it cannot be used; "": it can */
    int64_t memory, free; /* bytes */
    int64_t multiprocessors;
    char precision[8]; /* of its products as a device: "tf32", "bf16"; "": arithmetic is reproducible ... */
    char library[32];  /* ... else who computes them: "cuBLASLt 13.1.0" */
} kz_gpu;

struct kz_device {
    const kz_device_ops *ops;
    int threads;         /* that compute; 0 where it means nothing */
    const char *variant; /* instruction set in use: "plain", "avx2", "avx512", "neon", "sm_90" */
    bool ahead;          /* operations may be under way when they return; else they are done */
    const kz_gpu *gpu;   /* NULL: a CPU.  Its own memory is then apart from the host's ... */
    int64_t reserve;     /* ... of which `share` leaves so many bytes for what is allocated after it, ... */
    char note[320];      /* "": nothing; else what "auto" found, and did not take */
    int64_t outside;     /* ... and so many shared bytes did not fit: they are read from host memory */
};

/* Makes the device of cfg->kind ("auto", "cpu", "cuda", "cuda:N"): a CPU's with cfg->threads threads (0: all this process
 * may use) and the instruction set `isa` (NULL: the environment's KAIZEN_ISA, else the fastest), a GPU's of cfg->arithmetic
 * and precision.  "auto" is the first GPU that can be used, else the CPU, and with an `isa` always the CPU.  *out is yours
 * to destroy.  Fails: KZ_E_DEVICE (not there, says what is; not fast, says why), KZ_E_MEM. */
kz_status kz_device_create(kz_device **out, const kz_config_device *cfg, const char *isa);
void kz_device_destroy(kz_device **dev);

/* *out <- the GPUs that CUDA sees, those that cannot be used with the reason; yours to kz_free.
 * Fails: KZ_E_DEVICE, saying why there are none; KZ_E_MEM. */
kz_status kz_device_gpus(kz_gpu **out, int64_t *n);
/* Is there a GPU that "auto" would take? */
bool kz_device_has_gpu(void);

/* Names of the instruction sets of this build that this CPU can run, slowest first; NULL-terminated, constant. */
const char *const *kz_device_isas(void);

#ifdef __cplusplus
}
#endif
#endif
