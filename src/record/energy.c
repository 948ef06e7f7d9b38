/* Energy of the CPU packages from RAPL's counters (Linux powercap), which count microjoules and wrap around.
 * A package holds its cores and caches; subdomains and "psys" are other views of the same energy, never added. */
#include "record_impl.h"

#include <errno.h>
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
    *e = (kz_energy){.reason = "no RAPL counter on this machine"};
    for (int i = 0; i < KZ_ENERGY_PACKAGES; i++) {
        snprintf(zone, sizeof zone, "%s/intel-rapl:%d", powercap, i);
        if (add_package(e, zone)) continue;
        e->packages = 0; /* a part of the packages would pass for all */
        return;
    }
}

void kz_energy_sample(kz_energy *e)
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

json_t *kz_energy_json(const kz_energy *e)
{
    char reason[256];
    bool measured = e->packages > 0;
    if (measured) snprintf(reason, sizeof reason, "cpu: %d whole packages by RAPL; gpu: none used", e->packages);
    else snprintf(reason, sizeof reason, "cpu: %s; gpu: none used", e->reason);
    return json_pack("{s:o, s:n, s:s}", "cpu_joules", measured ? kz_json_number(e->joules) : json_null(), "gpu_joules",
                     "reason", reason);
}
