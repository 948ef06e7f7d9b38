/* Which device: from the config's name to its table. */
#include "device/cuda_module.h"
#include "device/device_impl.h"

#include <stdlib.h>
#include <string.h>

/* Number of the first GPU that can be used; -1: there is none, and `why`, where something looks like one.  They are taken
 * up one after the other.  A stand-in for tests is never picked. */
static int first_gpu(char why[256])
{
    const kz_cuda_module *module = NULL;
    int64_t n = 1;
    int found = -1;
    kz_status st = KZ_OK;
    *why = '\0';
    if (!kz_cuda_may_be_there()) return -1;
    KZ_TRY(kz_cuda_load(&module));
    for (int i = 0; i < n && found < 0 && module->real; i++) {
        kz_gpu *gpu = NULL;
        KZ_TRY(module->list(&gpu, &n, i));
        if (i < n && !*gpu[i].reason) found = i;
        else if (i < n) snprintf(why, 256, "%s: %s", gpu[i].model, gpu[i].reason);
        kz_free(&gpu);
    }
done:
    if (st != KZ_OK) {
        snprintf(why, 256, "%.255s", kz_error_message());
        kz_error_clear(); /* that there is none is no failure */
    }
    return found;
}

bool kz_device_has_gpu(void)
{
    char why[256];
    return first_gpu(why) >= 0;
}

/* What "auto" takes, if it is a GPU. */
static kz_status create_first(kz_device **out, const kz_config_device *cfg, char why[256])
{
    char kind[16];
    int number = first_gpu(why);
    if (number < 0) return KZ_OK;
    snprintf(kind, sizeof kind, "cuda:%d", number % 1000);
    return kz_cuda_create_named(out, kind, cfg);
}

kz_status kz_device_create(kz_device **out, const kz_config_device *cfg, const char *isa)
{
    const char *kind = cfg->kind ? cfg->kind : "auto";
    const char *forced = getenv("KAIZEN_ISA");
    char why[256] = "";
    kz_device *gpu = NULL;
    kz_status st = KZ_OK;
    bool for_cpu = isa || (forced && *forced);
    if (strncmp(kind, "cuda", 4) == 0) KZ_TRY(kz_cuda_create_named(&gpu, kind, cfg));
    else if (strcmp(kind, "auto") == 0 && !for_cpu) KZ_TRY(create_first(&gpu, cfg, why));
    if (!gpu) {
        KZ_TRY(kz_cpu_create(out, cfg->threads, isa));
        if (*why) snprintf((*out)->note, sizeof(*out)->note, "no GPU is used: %s", why);
        return KZ_OK;
    }
    *out = gpu;
done:
    return st;
}

void kz_device_destroy(kz_device **dev)
{
    if (*dev) (*dev)->ops->destroy(dev);
}
