/* Which device: from the config's name to its table. */
#include "device/cuda_module.h"
#include "device/device_impl.h"

#include <string.h>

/* The first GPU that can be used, if any; what computes is said in any case.  A stand-in for tests is never picked. */
static bool first_gpu(kz_device **out)
{
    const kz_cuda_module *module = NULL;
    kz_gpu *gpu = NULL;
    int64_t n = 0, i = 0;
    char kind[16];
    kz_status st = KZ_OK;
    if (!kz_cuda_may_be_there()) return false;
    KZ_TRY(kz_cuda_load(&module));
    if (!module->real) goto done;
    KZ_TRY(module->list(&gpu, &n));
    while (i < n && *gpu[i].reason) i++;
    snprintf(kind, sizeof kind, "cuda:%d", (int)i);
    if (i < n) KZ_TRY(kz_cuda_create_named(out, kind));
done:
    kz_free(&gpu);
    kz_error_clear(); /* that there is none is no failure */
    return *out != NULL;
}

kz_status kz_device_create(kz_device **out, const kz_config_device *cfg, const char *isa)
{
    const char *kind = cfg->kind ? cfg->kind : "auto";
    kz_device *gpu = NULL;
    kz_status st = KZ_OK;
    if (strncmp(kind, "cuda", 4) == 0) KZ_TRY(kz_cuda_create_named(&gpu, kind));
    else if (strcmp(kind, "auto") == 0 && !isa) (void)first_gpu(&gpu);
    if (!gpu) return kz_cpu_create(out, cfg->threads, isa);
    if (cfg->arithmetic && strcmp(cfg->arithmetic, "fast") == 0) {
        st =
            KZ_FAIL(KZ_E_DEVICE, "device.arithmetic: 'fast' is not available on %s; use reproducible", gpu->gpu->model);
        goto done;
    }
    *out = gpu;
    gpu = NULL;
done:
    kz_device_destroy(&gpu);
    return st;
}

void kz_device_destroy(kz_device **dev)
{
    if (*dev) (*dev)->ops->destroy(dev);
}
