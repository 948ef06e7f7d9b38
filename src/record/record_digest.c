/* The digest of weights: canonical bytes, a block at a time. */
#include "kz/record.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the digest is over little-endian binary32");

enum { BLOCK = 4096 };

void kz_weights_digest(uint8_t out[32], const float *weights, int64_t n, kz_sha256 *hash)
{
    uint32_t bits[BLOCK];
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int64_t count = n - begin < BLOCK ? n - begin : BLOCK;
        memcpy(bits, weights + begin, (size_t)count * sizeof *bits);
        for (int64_t i = 0; i < count; i++) bits[i] = (bits[i] & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits[i];
        kz_sha256_add(hash, bits, (size_t)count * sizeof *bits);
    }
    kz_sha256_end(hash, out);
}

void kz_trajectory_extend(uint8_t chain[32], uint8_t digest[32], const float *weights, int64_t n, kz_sha256 *hash)
{
    kz_weights_digest(digest, weights, n, hash);
    kz_sha256_add(hash, chain, 32);
    kz_sha256_add(hash, digest, 32);
    kz_sha256_end(hash, chain);
}
