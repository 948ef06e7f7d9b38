/* kz/optim.h — first-order optimisers and their schedules: gradients in, parameter updates out. */
#ifndef KZ_OPTIM_H
#define KZ_OPTIM_H

#include "kz/base.h"
#include "kz/config.h"
#include "kz/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kz_optim kz_optim; /* owns its state arrays */

/* Makes cfg->name for n parameters and a run of `steps` updates in all.  The device must outlive it.
 * Fails: KZ_E_NAME, KZ_E_CONFIG (warm-up longer than the run), KZ_E_MEM. */
kz_status kz_optim_create(kz_optim **out, kz_device *dev, const kz_config_optimizer *cfg, int64_t n, int64_t steps);
void kz_optim_destroy(kz_optim **opt);
kz_status kz_optim_check(const kz_config_optimizer *cfg, int64_t steps); /* the same checks without taking the memory */

/* Has the coefficients of step `step` (from 0) on the device; to be called before it, outside of what is repeated. */
kz_status kz_optim_prepare(kz_optim *opt, int64_t step);
/* Updates theta[n] in place from grad[n] at step tally->step; nothing once tally->bad_step is set (see device.h).
 * *norm is the gradient's norm; all on the device. */
kz_status kz_optim_step(kz_optim *opt, const kz_tally *tally, const double *norm, const float *grad, float *theta);

/* Has s do such an update of theta (parameters of s, on the device). */
void kz_optim_join(const kz_optim *opt, float *theta, kz_step *s);

/* Learning rate of step s, before it is rounded to binary32. */
double kz_optim_rate(const kz_config_optimizer *cfg, int64_t step, int64_t steps);

int kz_optim_arrays_of(const char *name);              /* of that optimiser; 0 if there is none */
int kz_optim_arrays(const kz_optim *opt);              /* number of state arrays */
float *kz_optim_array(const kz_optim *opt, int which); /* (n), on the device; borrowed: checkpoints save them */

#ifdef __cplusplus
}
#endif
#endif
