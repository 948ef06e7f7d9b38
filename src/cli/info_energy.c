/* Which energy meters this process may read: RAPL's counters for the CPU, NVML for NVIDIA GPUs. */
#include "info.h"
#include "kz/record.h"

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

static json_t *nvml(void)
{
    char reason[KZ_METER_REASON];
    bool available = kz_record_gpu_meter(reason);
    return meter("NVML", available, reason);
}

json_t *kz_info_energy(void)
{
    return json_pack("{s:o, s:o}", "cpu", rapl(), "gpu", nvml());
}
