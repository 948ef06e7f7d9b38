/* kernels/init/init.h — initial weights: element e of layer l is number e of its own stream (docs/arithmetic.md, rule 9).
 *
 * Bounds of torch.nn.init (He et al. 2015; Glorot and Bengio 2010), the normal untruncated: Wichura's AS241 of a uniform. */
#ifndef KZ_INIT_INIT_H
#define KZ_INIT_INIT_H

#include "kernels/arith/host_math.h"
#include "kernels/arith/philox.h"

/* Uniform in [-bound, bound): (2 u - 1) bound, u uniform on (0, 1) in binary64; rounded once. */
KZ_FN_BOTH float kz_init_uniform(kz_stream s, uint64_t e, double bound)
{
    return (float)((2.0 * kz_random_f64(s, e) - 1.0) * bound);
}

/* Normal with mean 0; rounded once. */
KZ_FN_BOTH float kz_init_normal(kz_stream s, uint64_t e, double deviation)
{
    return (float)(kz_normal_quantile_f64(kz_random_f64(s, e)) * deviation);
}

#endif
