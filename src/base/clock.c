/* Clocks, and memory: its high-water mark and what is left. */
#include "kz/base.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double seconds_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double kz_clock(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double kz_clock_cpu(void)
{
    return seconds_of(CLOCK_PROCESS_CPUTIME_ID);
}

void kz_clock_utc(char out[24])
{
    struct tm parts;
    time_t now = time(NULL);
    gmtime_r(&now, &parts);
    strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

int64_t kz_peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
}

/* The number in a file of one number, or after `key` in a file of "key: number" lines; -1 if there is none. */
static int64_t number_in(const char *path, const char *key)
{
    char line[128];
    int64_t found = -1;
    FILE *f = fopen(path, "re");
    if (!f) return -1;
    while (found < 0 && fgets(line, sizeof line, f)) {
        if (strncmp(line, key, strlen(key)) != 0) continue;
        const char *number = line + strlen(key) + strspn(line + strlen(key), ": ");
        char *end;
        long long v = strtoll(number, &end, 10);
        if (end != number) found = v;
    }
    fclose(f);
    return found;
}

int64_t kz_available_memory(void)
{
    int64_t machine = number_in("/proc/meminfo", "MemAvailable") * 1024;
    int64_t most = number_in("/sys/fs/cgroup/memory.max", ""), now = number_in("/sys/fs/cgroup/memory.current", "");
    if (machine < 0) machine = 0;
    if (most > 0 && now >= 0 && (machine == 0 || most - now < machine)) return most > now ? most - now : 1;
    return machine;
}
