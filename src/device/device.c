/* Which device: from the config's name to its table. */
#include "device/device_impl.h"

#include <string.h>

kz_status kz_device_create(kz_device **out, const kz_config_device *cfg, const char *isa)
{
    const char *kind = cfg->kind ? cfg->kind : "auto";
    if (strcmp(kind, "auto") == 0 || strcmp(kind, "cpu") == 0) return kz_cpu_create(out, cfg->threads, isa);
    return KZ_FAIL(KZ_E_DEVICE, "device.kind: '%s' is not available: this build has no CUDA module; use 'cpu'", kind);
}

void kz_device_destroy(kz_device **dev)
{
    if (*dev) kz_cpu_destroy(dev);
}
