/* The optimisers' loops: each formula of the list, inlined. */
#include "kernels/optim/optim_f32.h"

#include "kernels/optim/adam.h"
#include "kernels/optim/adamw.h"
#include "kernels/optim/sgd.h"

#define STATE_1 , s0 + i
#define STATE_2 , s0 + i, s1 + i

KZ_BODY void optim(int which, const kz_optim_coef *coef, float scale, const float *restrict g, float *restrict p,
                   float *restrict s0, float *restrict s1, int64_t begin, int64_t end)
{
    kz_optim_coef c = *coef; /* a local copy: the compiler then knows that the loops do not change it */
    switch (which) {
#define KZ_OPTIM(name, arrays, keys, text)                                                                             \
    case KZ_OPTIM_##name:                                                                                              \
        for (int64_t i = begin; i < end; i++) kz_##name(&c, kz_clipped(&c, scale, g[i]), p + i STATE_##arrays);        \
        break;
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM
    }
    (void)s1;
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_optim_f32__##how(int which, const kz_optim_coef *c, float scale, const float *g, float *p,       \
                                       float *const *state, int64_t begin, int64_t end)                                \
    {                                                                                                                  \
        optim(which, c, scale, g, p, state[0], state[1], begin, end);                                                  \
    }
KZ_VARIANTS(KZ_DEFINE)
