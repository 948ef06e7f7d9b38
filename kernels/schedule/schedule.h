/* kernels/schedule/schedule.h — learning-rate schedules: binary64 on the host, by fixed sequences of operations.
 *
 * progress = (step - warmup_steps) / (steps - warmup_steps) in [0, 1) after the warm-up; during it, schedules are not
 * asked: the rate is lr (step + 1) / warmup_steps. */
#ifndef KZ_SCHEDULE_SCHEDULE_H
#define KZ_SCHEDULE_SCHEDULE_H

#include "kernels/arith/host_math.h"

KZ_FN_BOTH double kz_schedule_constant(double lr, double final_lr, double progress)
{
    (void)final_lr;
    (void)progress;
    return lr;
}

/* Loshchilov and Hutter 2017, one cycle: final + (lr - final) (1 + cos(pi progress)) / 2. */
KZ_FN_BOTH double kz_schedule_cosine(double lr, double final_lr, double progress)
{
    return final_lr + (lr - final_lr) * 0.5 * (1.0 + kz_cospi_f64(progress));
}

#endif
