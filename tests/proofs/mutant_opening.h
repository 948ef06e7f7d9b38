/* What a mutant is opened with, and what that costs. */
#ifndef MUTANT_OPENING_H
#define MUTANT_OPENING_H

#include "kz/data.h"
#include "mutant.h"

#include <dirent.h>
#include <sys/resource.h>

static inline kz_config *make_config(const char *path)
{
    static const char text[] = "name: mutant\n"
                               "data: {path: mutant.h5, memory: 16MiB}\n"
                               "model: {layers: [{type: dense}]}\n"
                               "optimizer: {name: sgd, lr: 0.1}\n";
    kz_config *cfg = NULL;
    kz_text report = {0};
    if (kz_config_parse(&cfg, "mutant", text, NULL, 0, &report) != KZ_OK) {
        fputs(kz_text_str(&report), stderr);
        exit(2);
    }
    if (kz_config_set_string(&cfg->data.path, path) != KZ_OK) exit(2);
    cfg->data.memory = (int64_t)16 << 20;
    return cfg;
}

/* Sets what the mutant is opened with: the task, how it is scaled and split, with test rows or without. */
static inline void choose_config(kz_config *cfg, const kz_config_split *test, uint64_t *state)
{
    static const char *const loss[] = {NULL, NULL, "cross_entropy", "squared_error"};
    static const char *const scale[] = {"none", "unit", "standard"};
    static char same_x[] = "/train/x", same_y[] = "/train/y";
    cfg->model.loss = loss[below(state, 4)];
    cfg->data.scale = scale[below(state, 3)];
    cfg->data.valid.fraction = below(state, 2) ? 0.25 : 0;
    size_t kind = below(state, 4);
    cfg->data.test = kind == 0 ? *test : kind == 1 ? (kz_config_split){.x = same_x, .y = same_y} : (kz_config_split){0};
}

static inline int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

/* Of this process and of those it started and saw end. */
static inline double cpu_seconds(void)
{
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage u;
        getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
        sum +=
            (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return sum;
}

static inline int64_t most_memory(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (int64_t)u.ru_maxrss << 10;
}

#endif
