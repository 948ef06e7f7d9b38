/* The machine, as far as it explains a time or a result.  No host name: records are published. */
#include "record_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* *value <- what follows `key` in a line "key<blanks>: value" or "key=value" of a file, without quotes; "" if nothing. */
static void look_up(char *value, size_t room, const char *path, const char *key)
{
    char line[8192];
    size_t n = strlen(key);
    FILE *f = fopen(path, "re");
    *value = '\0';
    if (!f) return;
    while (!*value && fgets(line, sizeof line, f)) {
        size_t blanks = strspn(strncmp(line, key, n) == 0 ? line + n : "", " \t");
        if (strncmp(line, key, n) != 0 || !strchr(":=", line[n + blanks])) continue;
        const char *start = line + n + blanks + 1;
        start += strspn(start, " \t\"");
        snprintf(value, room, "%.*s", (int)strcspn(start, "\"\n"), start);
    }
    fclose(f);
}

static json_t *text_or_null(const char *s)
{
    return *s ? kz_record_text_json(s) : json_null();
}

static json_t *model_json(void)
{
    char text[160], part[64];
    look_up(text, sizeof text, "/proc/cpuinfo", "model name");
    if (!*text) { /* Arm gives numbers alone */
        look_up(part, sizeof part, "/proc/cpuinfo", "CPU part");
        look_up(text, 64, "/proc/cpuinfo", "CPU implementer");
        if (*text) snprintf(text + strlen(text), sizeof text - strlen(text), " part %s", part);
    }
    return text_or_null(text);
}

static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0')) return true;
    return false;
}

/* Instruction sets that decide how fast we are: vectors, and SHA-256 for the digests. */
static json_t *isa_json(void)
{
    static const char *const known[] = {"fma", "avx2", "avx512f", "sha_ni", "asimd", "sve", "sha2"};
    char flags[8192];
    json_t *list = json_array();
    int bad = 0;
    look_up(flags, sizeof flags, "/proc/cpuinfo", "flags");
    if (!*flags) look_up(flags, sizeof flags, "/proc/cpuinfo", "Features");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_word(flags, known[i])) bad |= json_array_append_new(list, json_string(known[i]));
    if (!bad) return list;
    json_decref(list);
    return NULL;
}

static json_t *cpu_json(void)
{
    json_t *cpu = json_pack("{s:o, s:I, s:i, s:o}", "model", model_json(), "logical",
                            (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "usable", kz_cpu_count(), "isa", isa_json());
    if (kz_topology_add(cpu) == 0) return cpu;
    json_decref(cpu);
    return NULL;
}

/* What the surroundings say of a container; none of it is certain. */
static json_t *container_json(void)
{
    const char *declared = getenv("container"); /* systemd-nspawn, podman, lxc */
    if (getenv("KUBERNETES_SERVICE_HOST")) return json_string("kubernetes");
    if (declared && *declared) return kz_record_text_json(declared);
    if (kz_file_exists("/.dockerenv")) return json_string("docker");
    return kz_file_exists("/run/.containerenv") ? json_string("podman") : json_null();
}

json_t *kz_machine_json(void)
{
    struct utsname system;
    char os[160];
    int64_t memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    look_up(os, sizeof os, "/etc/os-release", "PRETTY_NAME");
    bool known = uname(&system) == 0;
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "cpu", cpu_json(), "memory_bytes", (json_int_t)memory, "arch",
                     text_or_null(known ? system.machine : ""), "kernel", text_or_null(known ? system.release : ""),
                     "os", text_or_null(os), "container", container_json());
}
