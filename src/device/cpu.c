/* The CPU as a device: life cycle, memory, instruction set. */
#include "device/device_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KERNELS_OF(how, attribute)                                                                                     \
    {.name = #how,                                                                                                     \
     .matmul = kz_matmul_f32__##how,                                                                                   \
     .column_sum = kz_column_sum_f32__##how,                                                                           \
     .dense_forward = kz_dense_forward_f32__##how,                                                                     \
     .dense_slope = kz_dense_slope_f32__##how,                                                                         \
     .gather = kz_gather_f32__##how,                                                                                   \
     .loss = kz_loss_f32__##how,                                                                                       \
     .mean_norm = kz_mean_norm_f32__##how,                                                                             \
     .optim = kz_optim_f32__##how},

static const kz_cpu_kernels variants[] = {KZ_VARIANTS(KERNELS_OF)}; /* slowest first */
enum { VARIANTS = sizeof variants / sizeof *variants };

static bool cpu_can_run(const char *variant)
{
#if defined(__x86_64__)
    if (strcmp(variant, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (strcmp(variant, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && cpu_can_run("avx2");
#endif
    (void)variant;
    return true;
}

const char *const *kz_device_isas(void)
{
    static const char *names[VARIANTS + 1];
    const char *have[VARIANTS + 1] = {NULL};
    int n = 0;
    for (int i = 0; i < VARIANTS; i++)
        if (cpu_can_run(variants[i].name)) have[n++] = variants[i].name;
    memcpy(names, have, sizeof names); /* the same bytes each time */
    return names;
}

static kz_status find_kernels(const kz_cpu_kernels **out, const char *isa)
{
    kz_text have = {0};
    kz_status st = KZ_OK;
    for (int i = VARIANTS - 1; i >= 0; i--) {
        if (!cpu_can_run(variants[i].name) || (isa && strcmp(isa, variants[i].name) != 0)) continue;
        *out = &variants[i];
        return KZ_OK;
    }
    for (const char *const *name = kz_device_isas(); *name && st == KZ_OK; name++)
        st = kz_text_add(&have, "%s%s", have.n ? ", " : "", *name);
    if (st == KZ_OK)
        st = KZ_FAIL(KZ_E_DEVICE, "KAIZEN_ISA: '%s' is not available on this CPU and build; there are: %s", isa,
                     kz_text_str(&have));
    kz_text_free(&have);
    return st;
}

/* A quarter of the second-level cache for packed A, and of a core's share of the last one for packed B; a machine that
 * does not tell its caches has what most have. */
static void fit_caches(kz_cpu *cpu)
{
    int64_t l2 = sysconf(_SC_LEVEL2_CACHE_SIZE), l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    int64_t row = KZ_MATMUL_BLOCK * (int64_t)sizeof(float);
    if (l2 <= 0) l2 = 512 << 10;
    cpu->high = l2 / 4 / row;
    cpu->wide = l3 > 0 ? l3 / cpu->base.threads / 4 / row : KZ_MATMUL_WIDE;
    if (cpu->wide < KZ_MATMUL_WIDE / 4)
        cpu->wide = KZ_MATMUL_WIDE / 4; /* one that is shared by more than this process uses */
}

kz_status kz_cpu_create(kz_device **out, int64_t threads, const char *isa)
{
    kz_cpu *cpu = NULL;
    const kz_cpu_kernels *kernels = NULL;
    kz_status st = KZ_OK;
    if (!isa) isa = getenv("KAIZEN_ISA");
    KZ_TRY(find_kernels(&kernels, isa && *isa ? isa : NULL));
    assert(kernels);
    KZ_TRY(kz_calloc(&cpu, 1, sizeof *cpu, "CPU device"));
    cpu->kernels = kernels;
    cpu->base.ops = &kz_device_cpu;
    KZ_TRY(kz_team_create(&cpu->team, threads > 0 ? (int)threads : kz_cpu_count()));
    cpu->base.threads = kz_team_threads(cpu->team);
    cpu->base.variant = kernels->name;
    fit_caches(cpu);
    *out = &cpu->base;
    cpu = NULL;
done:
    if (cpu) {
        kz_device *dev = &cpu->base;
        kz_cpu_destroy(&dev);
    }
    return st;
}

void kz_cpu_destroy(kz_device **dev)
{
    kz_cpu *cpu = (kz_cpu *)*dev;
    if (!cpu) return;
    kz_team_destroy(&cpu->team);
    kz_free(&cpu->scratch);
    kz_free(&cpu->square);
    kz_free(&cpu);
    *dev = NULL;
}
