/* SHA-256 through OpenSSL's libcrypto, which uses the CPU's instructions for it.  Its older interface: the newer one takes
 * memory for every digest, and where there is none a run would end with a digest of nothing. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "kz/base.h"

#include <openssl/sha.h>

struct kz_sha256 {
    SHA256_CTX state;
};

kz_status kz_sha256_create(kz_sha256 **out)
{
    kz_status st = kz_calloc(out, 1, sizeof **out, "SHA-256");
    if (st == KZ_OK) SHA256_Init(&(*out)->state);
    return st;
}

void kz_sha256_add(kz_sha256 *h, const void *bytes, size_t n)
{
    if (n > 0) SHA256_Update(&h->state, bytes, n);
}

void kz_sha256_end(kz_sha256 *h, uint8_t out[32])
{
    SHA256_Final(out, &h->state);
    SHA256_Init(&h->state);
}

void kz_sha256_destroy(kz_sha256 **h)
{
    kz_free(h);
}

void kz_digest_text(char out[KZ_DIGEST_TEXT], const uint8_t sha256[32])
{
    int n = snprintf(out, KZ_DIGEST_TEXT, "sha256:");
    for (int i = 0; i < 32; i++) n += snprintf(out + n, (size_t)(KZ_DIGEST_TEXT - n), "%02x", sha256[i]);
}
