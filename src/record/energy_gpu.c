/* Energy of an NVIDIA GPU from its own counter, through NVML: millijoules of the whole GPU since the driver was loaded.
 * NVML comes with the driver and is loaded where it is asked, so that nothing needs it; prototypes are those of nvml.h. */
#include "record_impl.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

/* ---- the library ---- */

static bool take_functions(kz_nvml *n, const char *library, char reason[KZ_METER_REASON])
{
    const struct {
        const char *name;
        void *to;
    } wanted[] = {{"nvmlInit_v2", &n->start},
                  {"nvmlShutdown", &n->stop},
                  {"nvmlErrorString", &n->explain},
                  {"nvmlDeviceGetHandleByPciBusId_v2", &n->find},
                  {"nvmlDeviceGetTotalEnergyConsumption", &n->energy},
                  {"nvmlDeviceGetPowerManagementLimit", &n->limit}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *found = dlsym(n->library, wanted[i].name);
        if (!found) {
            snprintf(reason, KZ_METER_REASON, "%s has no %s; a newer driver has", library, wanted[i].name);
            return false;
        }
        memcpy(wanted[i].to, &found, sizeof found); /* from an object to a function pointer */
    }
    return true;
}

/* False, with the reason, where there is none or it does not start. */
static bool open_library(kz_nvml *n, const char *library, char reason[KZ_METER_REASON])
{
    n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!n->library) {
        snprintf(reason, KZ_METER_REASON, "no NVML, which NVIDIA's driver brings: %s", dlerror());
        return false;
    }
    bool good = take_functions(n, library, reason);
    int status = good ? n->start() : 0;
    if (status != 0) snprintf(reason, KZ_METER_REASON, "NVML: nvmlInit_v2: %s", n->explain(status));
    if (good && status == 0) return true;
    dlclose(n->library);
    n->library = NULL;
    return false;
}

static void close_library(kz_nvml *n)
{
    if (!n->library) return;
    n->stop();
    dlclose(n->library);
    n->library = NULL;
}

bool kz_record_gpu_meter(char reason[KZ_METER_REASON])
{
    kz_nvml nvml = {.library = NULL};
    bool good = open_library(&nvml, KZ_NVML_LIBRARY, reason);
    close_library(&nvml);
    return good;
}

/* ---- the meter ---- */

void kz_energy_gpu_stop(kz_energy_gpu *e)
{
    close_library(&e->nvml);
    e->device = NULL;
}

static void give_up(kz_energy_gpu *e, const char *function, const char *why)
{
    snprintf(e->reason, sizeof e->reason, "NVML: %s: %s", function, why);
    kz_energy_gpu_stop(e);
}

static bool read_counter(kz_energy_gpu *e, int64_t *millijoules)
{
    unsigned long long now = 0;
    int status = e->nvml.energy(e->device, &now);
    if (status != 0) give_up(e, "nvmlDeviceGetTotalEnergyConsumption", e->nvml.explain(status));
    *millijoules = (int64_t)now;
    return status == 0;
}

void kz_energy_gpu_start(kz_energy_gpu *e, const kz_gpu *gpu, const char *library)
{
    unsigned milliwatts = 0;
    e->used = true;
    if (!*gpu->bus) {
        snprintf(e->reason, sizeof e->reason, "not a real one, the CPU executes its kernels");
        return;
    }
    if (!open_library(&e->nvml, library, e->reason)) return;
    int status = e->nvml.find(gpu->bus, &e->device);
    if (status != 0) {
        give_up(e, "nvmlDeviceGetHandleByPciBusId_v2", e->nvml.explain(status));
        return;
    }
    if (e->nvml.limit(e->device, &milliwatts) == 0) e->watts_limit = 1e-3 * milliwatts;
    e->sampled = kz_clock();
    (void)read_counter(e, &e->last);
}

void kz_energy_gpu_sample(kz_energy_gpu *e)
{
    int64_t now, last = e->last;
    if (!e->device || !read_counter(e, &now)) return;
    double at = kz_clock();
    if (now < last) {
        give_up(e, "nvmlDeviceGetTotalEnergyConsumption", "its count went backwards, as after a reset");
        return;
    }
    e->joules += 1e-3 * (double)(now - last);
    e->seconds += at - e->sampled;
    e->last = now;
    e->sampled = at;
}

double kz_energy_gpu_joules(const kz_energy_gpu *e)
{
    return *e->reason ? (double)NAN : e->joules;
}

const char *kz_energy_gpu_text(const kz_energy_gpu *e)
{
    if (!e->used) return "none used";
    if (*e->reason) return e->reason;
    return e->joules > 0 ? "the whole one by NVML" : "its counter did not move in so short a time";
}
