/* A CUDA module whose GPU is the CPU under another name, for tests of what the program does with a GPU besides computing.
 * With UNREAL it says that it is none. */
#include "device/cuda_module.h"
#include "nvml_made_up.h"

#ifdef UNREAL
#define BUS ""
#else
#define BUS NVML_MADE_UP_BUS
#endif

static const kz_gpu made_up = {.model = "Made Up 9000",
                               .variant = "sm_90",
                               .bus = BUS,
                               .driver = "13.0",
                               .runtime = "13.0",
                               .memory = INT64_C(1) << 34,
                               .free = INT64_C(1) << 34,
                               .multiprocessors = 132};

static kz_status list(kz_gpu **out, int64_t *n, int64_t take_up)
{
    (void)take_up;
    kz_status st = kz_calloc(out, 1, sizeof **out, "list of GPUs");
    if (st != KZ_OK) return st;
    **out = made_up;
    *n = 1;
    return KZ_OK;
}

static kz_status create(kz_device **out, int64_t ordinal, const kz_config_device *asked)
{
    (void)asked;
    char kind[] = "cpu";
    const kz_config_device cfg = {.kind = kind, .threads = 1 + ordinal};
    kz_status st = kz_device_create(out, &cfg, NULL);
    if (st == KZ_OK) (*out)->gpu = &made_up;
    return st;
}

const kz_cuda_module *kz_cuda_module_get(void)
{
    static const kz_cuda_module module = {.version = KZ_CUDA_VERSION, .real = false, .list = list, .create = create};
    return &module;
}
