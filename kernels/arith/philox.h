/* kernels/arith/philox.h — counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011; Random123).
 *
 * A number depends on the 64-bit seed, what it is for (purpose and layer), the step or epoch, and the index of its
 * element, never on who draws it: counter = {element/4 low, element/4 high, step or epoch, purpose | layer << 8},
 * word = element mod 4. */
#ifndef KZ_ARITH_PHILOX_H
#define KZ_ARITH_PHILOX_H

#include "kernels/arith/arith.h"

#include <Random123/philox.h>

enum { KZ_FOR_INIT = 1, KZ_FOR_DROPOUT = 2, KZ_FOR_SHUFFLE = 3, KZ_FOR_VALID = 4, KZ_FOR_WINDOW = 5 }; /* purposes */

typedef struct {
    uint64_t seed;
    uint32_t when; /* step or epoch, from 0 */
    uint32_t what; /* purpose | layer << 8 */
} kz_stream;

KZ_FN_BOTH kz_stream kz_stream_of(uint64_t seed, uint32_t purpose, uint32_t layer, uint32_t when)
{
    kz_stream s = {seed, when, purpose | layer << 8};
    return s;
}

/* The four words of elements 4 block .. 4 block + 3. */
KZ_FN_BOTH philox4x32_ctr_t kz_random_block(kz_stream s, uint64_t block)
{
    philox4x32_ctr_t counter = {{(uint32_t)block, (uint32_t)(block >> 32), s.when, s.what}};
    philox4x32_key_t key = {{(uint32_t)s.seed, (uint32_t)(s.seed >> 32)}};
    return philox4x32_R(10, counter, key);
}

enum { KZ_BLOCKS_AT_ONCE = 16 };

/* The words of blocks first .. first + KZ_BLOCKS_AT_ONCE - 1, as kz_random_block gives them: v[w][i] is word w of block
 * first + i.  The ten rounds over lanes that a compiler makes vectors of. */
KZ_FN void kz_random_blocks(kz_stream s, uint64_t first, uint32_t v[4][KZ_BLOCKS_AT_ONCE])
{
    uint32_t key0 = (uint32_t)s.seed, key1 = (uint32_t)(s.seed >> 32);
    for (int i = 0; i < KZ_BLOCKS_AT_ONCE; i++) {
        v[0][i] = (uint32_t)(first + (uint64_t)i);
        v[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
        v[2][i] = s.when;
        v[3][i] = s.what;
    }
    for (int round = 0; round < 10; round++, key0 += PHILOX_W32_0, key1 += PHILOX_W32_1) {
        KZ_AS_LOOP
        for (int i = 0; i < KZ_BLOCKS_AT_ONCE; i++) {
            uint64_t a = (uint64_t)PHILOX_M4x32_0 * v[0][i], b = (uint64_t)PHILOX_M4x32_1 * v[2][i];
            v[0][i] = (uint32_t)(b >> 32) ^ v[1][i] ^ key0;
            v[2][i] = (uint32_t)(a >> 32) ^ v[3][i] ^ key1;
            v[1][i] = (uint32_t)b;
            v[3][i] = (uint32_t)a;
        }
    }
}

KZ_FN_BOTH uint32_t kz_random_u32(kz_stream s, uint64_t element)
{
    return kz_random_block(s, element / 4).v[element % 4];
}

/* Number e of 64 bits: elements 2e (low half) and 2e + 1 (high half). */
KZ_FN_BOTH uint64_t kz_random_u64(kz_stream s, uint64_t e)
{
    philox4x32_ctr_t b = kz_random_block(s, e / 2);
    uint64_t low = b.v[2 * (e % 2)], high = b.v[2 * (e % 2) + 1];
    return high << 32 | low;
}

/* Uniform on [0, 1) in steps of 2^-24. */
KZ_FN_BOTH float kz_random_f32(kz_stream s, uint64_t element)
{
    return (float)(kz_random_u32(s, element) >> 8) * 0x1p-24f;
}

/* Uniform on (0, 1): midpoints of 2^53 intervals. */
KZ_FN_BOTH double kz_random_f64(kz_stream s, uint64_t e)
{
    return ((double)(kz_random_u64(s, e) >> 11) + 0.5) * 0x1p-53;
}

/* Uniform on 0 .. n-1 from 64 random bits: the high half of their product (bias below n 2^-64). */
KZ_FN_BOTH uint64_t kz_scale_u64(uint64_t bits, uint64_t n)
{
#ifdef __CUDA_ARCH__
    return __umul64hi(bits, n);
#else
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)(((wide)bits * n) >> 64);
#endif
}

#endif
