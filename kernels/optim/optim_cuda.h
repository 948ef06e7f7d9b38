/* kernels/optim/optim_cuda.h — the optimisers' formulas as types, for kernels that take one as an argument. */
#ifndef KZ_OPTIM_OPTIM_CUDA_H
#define KZ_OPTIM_OPTIM_CUDA_H

#include "kernels/arith/cuda_pieces.h"
#include "kernels/optim/adam.h"
#include "kernels/optim/adamw.h"
#include "kernels/optim/optim_f32.h"
#include "kernels/optim/sgd.h"

#define KZ_STATE_1 , s
#define KZ_STATE_2 , s, s + 1

/* A formula of the list for one parameter and its moments s. */
#define KZ_OPTIM(name, arrays, keys, text)                                                                             \
    struct kz_##name##_formula {                                                                                       \
        enum { moments = arrays };                                                                                     \
        KZ_FN void apply(const kz_optim_coef *c, float g, float *p, float *s)                                          \
        {                                                                                                              \
            kz_##name(c, g, p KZ_STATE_##arrays);                                                                      \
        }                                                                                                              \
    };
#include "kernels/optim/optim_list.inc"
#undef KZ_OPTIM

#endif
