/* Which energy meters this process may read: RAPL's counters for the CPU, NVML for NVIDIA GPUs. */
#include "info.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static json_t *meter(const char *source, bool available, const char *reason)
{
    return json_pack("{s:s, s:b, s:s?}", "source", source, "available", available, "reason", available ? NULL : reason);
}

static json_t *rapl(void)
{
    static const char counter[] = "/sys/class/powercap/intel-rapl:0/energy_uj";
    char reason[128];
    if (access("/sys/class/powercap/intel-rapl:0", F_OK) != 0)
        return meter("RAPL", false, "this machine shows no energy counter");
    errno = 0;
    bool available = access(counter, R_OK) == 0;
    snprintf(reason, sizeof reason, "%s: %s", counter, strerror(errno));
    return meter("RAPL", available, reason);
}

/* NVML is NVIDIA's, comes with the driver, and is loaded only for the question. */
static json_t *nvml(void)
{
    char reason[128] = "libnvidia-ml.so.1 lacks a function";
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return meter("NVML", false, "no NVIDIA driver: libnvidia-ml.so.1 is not there");
    int (*start)(void);
    int (*stop)(void);
    *(void **)&start = dlsym(library, "nvmlInit_v2"); /* POSIX's way from an object to a function pointer */
    *(void **)&stop = dlsym(library, "nvmlShutdown");
    int status = start && stop ? start() : -1;
    if (status > 0) snprintf(reason, sizeof reason, "nvmlInit_v2 gives status %d", status);
    if (status == 0) stop();
    dlclose(library);
    return meter("NVML", status == 0, reason);
}

json_t *kz_info_energy(void)
{
    return json_pack("{s:o, s:o}", "cpu", rapl(), "gpu", nvml());
}
