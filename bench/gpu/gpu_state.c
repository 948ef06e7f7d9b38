/* What state the GPU is in, by NVML, which comes with the driver; prototypes are those of nvml.h. */
#include "gpu.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef struct nvml_device *device_t;
enum { CLOCK_SM = 1, CLOCK_MEMORY = 2, SENSOR_GPU = 0 };

typedef struct {
    int (*start)(void);
    int (*stop)(void);
    int (*find)(const char *, device_t *);
    int (*clock)(device_t, int, unsigned *);
    int (*most_clock)(device_t, int, unsigned *);
    int (*temperature)(device_t, int, unsigned *);
    int (*power)(device_t, unsigned *);
    int (*throttle)(device_t, unsigned long long *);
} nvml;

static const char *take_functions(nvml *n, void *library)
{
    const struct {
        const char *name;
        void *to;
    } wanted[] = {{"nvmlInit_v2", &n->start},
                  {"nvmlShutdown", &n->stop},
                  {"nvmlDeviceGetHandleByPciBusId_v2", &n->find},
                  {"nvmlDeviceGetClockInfo", &n->clock},
                  {"nvmlDeviceGetMaxClockInfo", &n->most_clock},
                  {"nvmlDeviceGetTemperature", &n->temperature},
                  {"nvmlDeviceGetPowerUsage", &n->power},
                  {"nvmlDeviceGetCurrentClocksThrottleReasons", &n->throttle}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *found = dlsym(library, wanted[i].name);
        if (!found) return wanted[i].name;
        memcpy(wanted[i].to, &found, sizeof found); /* from an object to a function pointer */
    }
    return NULL;
}

static json_t *unknown(const char *what, const char *why)
{
    char reason[320];
    snprintf(reason, sizeof reason, "%.100s%.200s", what, why);
    return json_pack("{s:s}", "reason", reason);
}

/* NVML's bits, as words; what is slow for no reason that matters here (idle, set by an application) among them. */
static json_t *reasons_json(unsigned long long bits)
{
    static const char *const names[] = {"idle",          "application clocks", "power cap",        "hardware slowdown",
                                        "sync boost",    "software thermal",   "hardware thermal", "power brake",
                                        "display clocks"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (bits >> i & 1) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *number(int status, unsigned value)
{
    return status == 0 ? json_integer((json_int_t)value) : json_null();
}

static json_t *read_state(const nvml *n, const char *bus)
{
    device_t device = NULL;
    unsigned value = 0;
    unsigned long long bits = 0;
    int status = n->find(bus, &device);
    if (status != 0) return unknown("NVML does not know the GPU ", bus);
    json_t *j = json_object();
    json_object_set_new(j, "sm_mhz", number(n->clock(device, CLOCK_SM, &value), value));
    json_object_set_new(j, "sm_most_mhz", number(n->most_clock(device, CLOCK_SM, &value), value));
    json_object_set_new(j, "memory_mhz", number(n->clock(device, CLOCK_MEMORY, &value), value));
    json_object_set_new(j, "celsius", number(n->temperature(device, SENSOR_GPU, &value), value));
    json_object_set_new(j, "milliwatts", number(n->power(device, &value), value));
    status = n->throttle(device, &bits);
    json_object_set_new(j, "throttle", status == 0 ? reasons_json(bits) : json_null());
    return j;
}

json_t *gpu_state(const gpu_bench *b)
{
    nvml n;
    if (!b->real) return unknown("not a real GPU", "");
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return unknown("no NVML: ", dlerror());
    const char *missing = take_functions(&n, library);
    json_t *j = NULL;
    if (missing) j = unknown("NVML has no ", missing);
    else if (n.start() != 0) j = unknown("NVML does not start", "");
    else {
        j = read_state(&n, b->cuda->gpu.bus);
        n.stop();
    }
    dlclose(library);
    return j;
}
