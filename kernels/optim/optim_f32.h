/* kernels/optim/optim_f32.h — one fused pass over all parameters, for every optimiser of the list. */
#ifndef KZ_OPTIM_OPTIM_F32_H
#define KZ_OPTIM_OPTIM_F32_H

#include "kernels/arith/variants.h"
#include "kernels/optim/coef.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The list, as numbers: KZ_OPTIM_sgd, ... */
enum {
#define KZ_OPTIM(name, arrays, keys, text) KZ_OPTIM_##name,
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
    KZ_OPTIMS
};

enum { KZ_OPTIM_MOST_ARRAYS = 2 };

/* Elements begin .. end - 1; `scale` is the factor of clipping by norm. */
typedef void kz_optim_fn(int which, const kz_optim_coef *c, float scale, const float *g, float *p, float *const *state,
                         int64_t begin, int64_t end);

#define KZ_DECLARE(how, attribute) kz_optim_fn kz_optim_f32__##how;
KZ_VARIANTS(KZ_DECLARE)
#undef KZ_DECLARE

#ifdef __cplusplus
}
#endif
#endif
