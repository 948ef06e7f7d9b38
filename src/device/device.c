/* Which device: from the config's name to its table. */
#include "device/cuda_module.h"
#include "device/device_impl.h"

#include <string.h>

/* Number of the first GPU that can be used; -1: there is none.  A stand-in for tests is never picked. */
static int first_gpu(void)
{
    const kz_cuda_module *module = NULL;
    kz_gpu *gpu = NULL;
    int64_t n = 0, i = 0;
    kz_status st = KZ_OK;
    if (!kz_cuda_may_be_there()) return -1;
    KZ_TRY(kz_cuda_load(&module));
    if (!module->real) goto done;
    KZ_TRY(module->list(&gpu, &n));
    while (i < n && *gpu[i].reason) i++;
done:
    kz_free(&gpu);
    if (st != KZ_OK) kz_error_clear(); /* that there is none is no failure */
    return i < n ? (int)i : -1;
}

bool kz_device_has_gpu(void)
{
    return first_gpu() >= 0;
}

/* What "auto" takes, if it is a GPU. */
static kz_status create_first(kz_device **out)
{
    char kind[16];
    int number = first_gpu();
    if (number < 0) return KZ_OK;
    snprintf(kind, sizeof kind, "cuda:%d", number % 1000);
    return kz_cuda_create_named(out, kind);
}

kz_status kz_device_create(kz_device **out, const kz_config_device *cfg, const char *isa)
{
    const char *kind = cfg->kind ? cfg->kind : "auto";
    kz_device *gpu = NULL;
    kz_status st = KZ_OK;
    if (strncmp(kind, "cuda", 4) == 0) KZ_TRY(kz_cuda_create_named(&gpu, kind));
    else if (strcmp(kind, "auto") == 0 && !isa) KZ_TRY(create_first(&gpu));
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
