/* See nvml_made_up.h.  With LACKING it has no energy counter. */
#include "nvml_made_up.h"

#include <string.h>

nvml_made_up nvml_made_up_state = {.millijoules = 123456789, .step = 5000, .limit = 700000};

static nvml_made_up *const s = &nvml_made_up_state;

/* As nvml.h has them. */
int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int status);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
int nvmlDeviceGetPowerManagementLimit(void *device, unsigned *milliwatts);

int nvmlInit_v2(void)
{
    if (s->start_status == 0) s->started++;
    return s->start_status;
}

int nvmlShutdown(void)
{
    s->started--;
    return 0;
}

const char *nvmlErrorString(int status)
{
    switch (status) {
    case NVML_NOT_SUPPORTED: return "Not Supported";
    case NVML_NO_PERMISSION: return "Insufficient Permissions";
    case NVML_NOT_FOUND: return "Not Found";
    default: return "Unknown Error";
    }
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device)
{
    if (strcmp(bus, NVML_MADE_UP_BUS) != 0) return NVML_NOT_FOUND;
    *device = s;
    return 0;
}

#ifndef LACKING
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules)
{
    nvml_made_up *gpu = device;
    if (gpu->energy_status != 0) return gpu->energy_status;
    if (gpu->looks++ > 0) gpu->millijoules += gpu->step;
    *millijoules = gpu->millijoules;
    return 0;
}
#endif

int nvmlDeviceGetPowerManagementLimit(void *device, unsigned *milliwatts)
{
    nvml_made_up *gpu = device;
    if (gpu->limit_status == 0) *milliwatts = gpu->limit;
    return gpu->limit_status;
}
