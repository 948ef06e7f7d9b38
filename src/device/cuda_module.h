/* Private to src/device: what the program and its CUDA module say to each other.
 *
 * The module is a shared library of its own, loaded when a GPU is asked for; it uses the program's errors, memory and
 * text.  Both come from one build: anything else is refused by `version`. */
#ifndef KZ_CUDA_MODULE_H
#define KZ_CUDA_MODULE_H

#include "kz/device.h"

typedef struct {
    const char *version; /* KZ_CUDA_VERSION of its build */
    bool real;           /* drives GPUs; else the kernels run on the CPU, for tests */
    /* *out <- what there is, yours to kz_free; *n may be 0.  Only device number `take_up` (or KZ_CUDA_EACH) is touched, so
     * that its free memory is known and whether it can be had: that takes some of its memory and time.
     * Fails: KZ_E_DEVICE (no driver), KZ_E_MEM. */
    kz_status (*list)(kz_gpu **out, int64_t *n, int64_t take_up);
    /* Makes device number `ordinal`, which the list holds, of cfg's arithmetic and precision.
     * Fails: KZ_E_DEVICE (it cannot be used, or not fast), KZ_E_MEM. */
    kz_status (*create)(kz_device **out, int64_t ordinal, const kz_config_device *cfg);
} kz_cuda_module;

enum { KZ_CUDA_EACH = -1 };

/* Changes whenever the table of operations or what it takes does. */
#define KZ_CUDA_VERSION KZ_VERSION "/4"

typedef const kz_cuda_module *kz_cuda_module_fn(void);
kz_cuda_module_fn kz_cuda_module_get; /* what the program looks for in the library, by this name */

/* cuda_load.c */
/* *out <- the module, loaded once and for good.  Fails: KZ_E_DEVICE, saying why. */
kz_status kz_cuda_load(const kz_cuda_module **out);
/* Device "cuda" or "cuda:N", otherwise as cfg says.  Fails: KZ_E_DEVICE, KZ_E_MEM. */
kz_status kz_cuda_create_named(kz_device **out, const char *kind, const kz_config_device *cfg);
/* Is there anything that looks like an NVIDIA driver?  Loads nothing. */
bool kz_cuda_may_be_there(void);

#endif
