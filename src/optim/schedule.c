/* The learning rate of a step. */
#include "kz/optim.h"

#include "kernels/schedule/schedule.h"

#include <string.h>

static const struct {
    const char *name;
    double (*rate)(double lr, double final_lr, double progress);
} schedules[] = {
#define KZ_SCHEDULE(name, keys, text) {#name, kz_schedule_##name},
#include "kernels/schedule/schedule_list.inc"
#undef KZ_SCHEDULE
};

double kz_optim_rate(const kz_config_optimizer *cfg, int64_t step, int64_t steps)
{
    int64_t warmup = cfg->schedule.warmup_steps;
    if (step < warmup) return cfg->lr * (double)(step + 1) / (double)warmup;
    double progress = steps > warmup ? (double)(step - warmup) / (double)(steps - warmup) : 0.0;
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
        if (strcmp(schedules[i].name, cfg->schedule.name) == 0)
            return schedules[i].rate(cfg->lr, cfg->schedule.final_lr, progress);
    return cfg->lr;
}
