/* Optimisers: state arrays on the device, coefficients of each step from the host. */
#include "kz/optim.h"

#include "kernels/optim/optim_f32.h"

#include <math.h>
#include <string.h>

struct kz_optim {
    kz_device *dev; /* borrowed */
    kz_config_optimizer cfg;
    int which, arrays;
    int64_t n, steps;
    float *state[KZ_OPTIM_MOST_ARRAYS];
    kz_optim_coef *coef; /* (COEFS) on the device: step s at s mod COEFS */
    int64_t first, end;  /* steps whose coefficients are there */
};

enum { COEFS = 256 };

static const struct {
    const char *name;
    int arrays;
} optimizers[] = {
#define KZ_OPTIM(name, arrays, keys, text) {#name, arrays},
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
};

/* KZ_OPTIMS if there is none. */
static int find(const char *name)
{
    int which = 0;
    while (which < KZ_OPTIMS && strcmp(optimizers[which].name, name) != 0) which++;
    return which;
}

kz_status kz_optim_check(const kz_config_optimizer *cfg, int64_t steps)
{
    if (find(cfg->name) == KZ_OPTIMS) return KZ_FAIL(KZ_E_NAME, "optimizer.name: no optimiser '%s'", cfg->name);
    if (cfg->schedule.warmup_steps > steps)
        return KZ_FAIL(KZ_E_CONFIG, "optimizer.schedule.warmup_steps: %lld, but the run has only %lld steps",
                       (long long)cfg->schedule.warmup_steps, (long long)steps);
    return KZ_OK;
}

kz_status kz_optim_create(kz_optim **out, kz_device *dev, const kz_config_optimizer *cfg, int64_t n, int64_t steps)
{
    kz_optim *opt = NULL;
    kz_status st = KZ_OK;
    int which = find(cfg->name);
    KZ_TRY(kz_optim_check(cfg, steps));
    KZ_TRY(kz_calloc(&opt, 1, sizeof *opt, "optimiser"));
    opt->dev = dev;
    opt->cfg = *cfg;
    opt->which = which;
    opt->arrays = optimizers[which].arrays;
    opt->n = n;
    opt->steps = steps;
    for (int i = 0; i < opt->arrays; i++)
        KZ_TRY(dev->ops->alloc(dev, &opt->state[i], (size_t)n * sizeof(float), "optimiser state"));
    KZ_TRY(dev->ops->alloc(dev, &opt->coef, COEFS * sizeof *opt->coef, "optimiser coefficients"));
    *out = opt;
    opt = NULL;
done:
    kz_optim_destroy(&opt);
    return st;
}

void kz_optim_destroy(kz_optim **opt)
{
    if (!*opt) return;
    for (int i = 0; i < (*opt)->arrays; i++) (*opt)->dev->ops->release((*opt)->dev, &(*opt)->state[i]);
    (*opt)->dev->ops->release((*opt)->dev, &(*opt)->coef);
    kz_free(opt);
}

/* x^n by squaring, lowest bit first: one fixed sequence of products on every machine. */
static double power(double x, int64_t n)
{
    double result = 1.0;
    for (; n > 0; n >>= 1) {
        if (n & 1) result *= x;
        x *= x;
    }
    return result;
}

/* Coefficients of step `step` (from 0): binary64 throughout, rounded once. */
static kz_optim_coef coefficients(const kz_optim *opt, int64_t step)
{
    const kz_config_optimizer *c = &opt->cfg;
    double lr = kz_optim_rate(c, step, opt->steps);
    return (kz_optim_coef){
        .lr = (float)lr,
        .decay = (float)c->weight_decay,
        .shrink = (float)(1.0 - lr * c->weight_decay),
        .momentum = (float)c->momentum,
        .fresh = step == 0 || !(c->momentum > 0) ? 1.0f : (float)(1.0 - c->dampening), /* as torch has it */
        .nesterov = c->nesterov,
        .beta1_rest = (float)(1.0 - c->beta1),
        .beta2 = (float)c->beta2,
        .beta2_rest = (float)(1.0 - c->beta2),
        .eps = (float)c->eps,
        .step = (float)(lr / (1.0 - power(c->beta1, step + 1))),
        .root = (float)(1.0 / sqrt(1.0 - power(c->beta2, step + 1))),
        .clip_norm = c->clip_norm,
        .clip_value = (float)c->clip_value,
    };
}

kz_status kz_optim_prepare(kz_optim *opt, int64_t step)
{
    kz_optim_coef coef[COEFS];
    int64_t end = step - step % COEFS + COEFS;
    if (step >= opt->first && step < opt->end) return KZ_OK;
    for (int64_t s = step; s < end; s++) coef[s - step] = coefficients(opt, s);
    opt->first = step;
    opt->end = end;
    return opt->dev->ops->upload(opt->dev, opt->coef + step % COEFS, coef, (size_t)(end - step) * sizeof *coef);
}

kz_status kz_optim_step(kz_optim *opt, const kz_tally *tally, const double *norm, const float *grad, float *theta)
{
    return opt->dev->ops->optim_step(opt->dev, opt->which, opt->coef, COEFS, tally, norm, opt->n, grad, theta,
                                     opt->state);
}

void kz_optim_join(const kz_optim *opt, float *theta, kz_step *s)
{
    s->optimizer = opt->which;
    s->coef = opt->coef;
    s->coefs = COEFS;
    s->theta = theta;
    for (int i = 0; i < opt->arrays; i++) s->state[i] = opt->state[i];
}

int kz_optim_arrays_of(const char *name)
{
    int which = find(name);
    return which < KZ_OPTIMS ? optimizers[which].arrays : 0;
}

int kz_optim_arrays(const kz_optim *opt)
{
    return opt->arrays;
}

float *kz_optim_array(const kz_optim *opt, int which)
{
    return opt->state[which];
}
