/* kernels/optim/adamw.h — Adam with decoupled weight decay:  p <- p (1 - lr decay), then Adam without L2.
 * Loshchilov and Hutter 2019; semantics of torch.optim.AdamW.  Bytes and flops as Adam, and one product. */
#ifndef KZ_OPTIM_ADAMW_H
#define KZ_OPTIM_ADAMW_H

#include "kernels/optim/adam.h"

KZ_FN void kz_adamw(const kz_optim_coef *c, float g, float *p, float *m, float *v)
{
    *p = kz_adam_step(c, *p * c->shrink, g, m, v);
}

#endif
