/* Cores and caches from Linux's /sys, where hwloc is not built in. */
#include "record_impl.h"

#ifndef KZ_HAVE_HWLOC
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_word(char out[32], const char *format, int number, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, format, number, name);
    FILE *f = fopen(path, "re");
    bool got = f && fscanf(f, "%31s", out) == 1;
    if (f) fclose(f);
    return got;
}

/* A core is counted at the first of its logical CPUs. */
static json_t *cores_json(void)
{
    char siblings[32];
    int cores = 0, cpus = (int)sysconf(_SC_NPROCESSORS_CONF);
    for (int i = 0; i < cpus; i++) {
        if (!read_word(siblings, "/sys/devices/system/cpu/cpu%d/topology/%s", i, "thread_siblings_list")) continue;
        cores += strtol(siblings, NULL, 10) == i;
    }
    return cores > 0 ? json_integer(cores) : json_null();
}

/* Bytes of the first CPU's cache of that level, instructions aside; 0: unknown. */
static json_int_t cache_bytes(const char *level)
{
    static const char place[] = "/sys/devices/system/cpu/cpu0/cache/index%d/%s";
    char text[32], size[40];
    for (int i = 0; read_word(text, place, i, "level"); i++) {
        int64_t bytes;
        if (strcmp(text, level) != 0) continue;
        if (!read_word(text, place, i, "type") || strcmp(text, "Instruction") == 0) continue;
        if (!read_word(text, place, i, "size")) return 0;
        snprintf(size, sizeof size, "%siB", text); /* "32K" */
        return kz_parse_size(size, &bytes) ? bytes : 0;
    }
    return 0;
}

int kz_topology_add(json_t *cpu)
{
    json_t *caches = json_pack("{s:I, s:I, s:I}", "l1d_bytes", cache_bytes("1"), "l2_bytes", cache_bytes("2"),
                               "l3_bytes", cache_bytes("3"));
    int bad = json_object_set_new(cpu, "cores", cores_json());
    bad |= json_object_set_new(cpu, "packages", json_null());
    bad |= json_object_set_new(cpu, "numa_nodes", json_null());
    return bad | json_object_set_new(cpu, "caches", caches);
}
#endif
