/* Energy of a run.  The CPU's is that of its packages from RAPL's counters (Linux powercap), which count microjoules and wrap
 * around; the GPU's is in energy_gpu.c.
 * A package holds its cores and caches; subdomains and "psys" are other views of the same energy, never added. */
#include "record_impl.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool read_line(char out[64], const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f) return false;
    bool got = fgets(out, 64, f) != NULL;
    fclose(f);
    if (got) out[strcspn(out, "\n")] = '\0';
    return got;
}

static bool read_count(int64_t *out, const char *path)
{
    char text[64];
    return read_line(text, path) && kz_parse_int(text, out);
}

/* Takes up the counter in folder `zone`.  False, with the reason, if it is a package that cannot be read. */
static bool add_package(kz_energy *e, const char *zone)
{
    char path[128], name[64];
    int64_t range = 0, now = 0;
    snprintf(path, sizeof path, "%s/name", zone);
    if (!read_line(name, path) || strncmp(name, "package", 7) != 0) return true;
    snprintf(path, sizeof path, "%s/max_energy_range_uj", zone);
    bool good = read_count(&range, path);
    snprintf(path, sizeof path, "%s/energy_uj", zone);
    errno = 0;
    if (!good || !read_count(&now, path)) {
        snprintf(e->reason, sizeof e->reason, "%s: %s", path, errno ? strerror(errno) : "holds no count");
        return false;
    }
    snprintf(e->package[e->packages].path, sizeof e->package[0].path, "%s", path);
    e->package[e->packages].range = range;
    e->package[e->packages].last = now;
    e->packages++;
    return true;
}

void kz_energy_start(kz_energy *e, const char *powercap)
{
    char zone[80];
    *e = (kz_energy){.reason = "no RAPL counter on this machine", .gpu.watts_limit = (double)NAN};
    for (int i = 0; i < KZ_ENERGY_PACKAGES; i++) {
        snprintf(zone, sizeof zone, "%s/intel-rapl:%d", powercap, i);
        if (add_package(e, zone)) continue;
        e->packages = 0; /* a part of the packages would pass for all */
        return;
    }
}

static void sample_packages(kz_energy *e)
{
    for (int i = 0; i < e->packages; i++) {
        int64_t now, last = e->package[i].last;
        if (!read_count(&now, e->package[i].path)) {
            snprintf(e->reason, sizeof e->reason, "%s: became unreadable", e->package[i].path);
            e->packages = 0;
            return;
        }
        e->joules += 1e-6 * (double)(now >= last ? now - last : e->package[i].range - last + now);
        e->package[i].last = now;
    }
}

void kz_energy_sample(kz_energy *e)
{
    sample_packages(e);
    kz_energy_gpu_sample(&e->gpu);
}

void kz_energy_stop(kz_energy *e)
{
    kz_energy_gpu_stop(&e->gpu);
}

/* ---- earlier parts of a run ---- */

static const char unmeasured[] = "an earlier part of the run was not measured";

void kz_energy_resume(kz_energy *e, const kz_energy_past *past)
{
    kz_energy_gpu *gpu = &e->gpu;
    bool cpu_known = !isnan(past->cpu_joules), gpu_known = !isnan(past->gpu_joules);
    e->joules = cpu_known ? past->cpu_joules : 0;
    if (!cpu_known && e->packages > 0) snprintf(e->reason, sizeof e->reason, "%s", unmeasured);
    if (!cpu_known) e->packages = 0;
    gpu->used = !gpu_known || past->gpu_joules > 0 || past->gpu_seconds > 0;
    gpu->joules = gpu_known ? past->gpu_joules : 0;
    gpu->seconds = gpu_known ? past->gpu_seconds : 0;
    if (!gpu_known) snprintf(gpu->reason, sizeof gpu->reason, "%s", unmeasured);
}

kz_energy_past kz_energy_so_far(const kz_energy *e)
{
    return (kz_energy_past){.cpu_joules = e->packages > 0 ? e->joules : (double)NAN,
                            .gpu_joules = kz_energy_gpu_joules(&e->gpu),
                            .gpu_seconds = e->gpu.seconds};
}

/* ---- in run.json ---- */

json_t *kz_energy_json(const kz_energy *e)
{
    char reason[2 * KZ_METER_REASON + 32], cpu[KZ_METER_REASON + 32];
    const kz_energy_gpu *gpu = &e->gpu;
    bool cpu_known = e->packages > 0;
    double gpu_joules = gpu->joules > 0 ? kz_energy_gpu_joules(gpu) : (double)NAN;
    snprintf(cpu, sizeof cpu, "%d whole packages by RAPL", e->packages);
    snprintf(reason, sizeof reason, "cpu: %s; gpu: %s", cpu_known ? cpu : e->reason, kz_energy_gpu_text(gpu));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpu_joules", cpu_known ? kz_json_number(e->joules) : json_null(),
                     "gpu_joules", kz_json_number(gpu_joules), "gpu_watts_mean",
                     kz_json_number(gpu_joules / gpu->seconds), "gpu_watts_limit", kz_json_number(gpu->watts_limit),
                     "reason", kz_record_text_json(reason));
}
