/* SHA-256 through OpenSSL's libcrypto, which uses the CPU's instructions for it. */
#include "kz/base.h"

#include <openssl/evp.h>

struct kz_sha256 {
    EVP_MD_CTX *context;
    bool good; /* false once libcrypto failed: the digest is then all zero, which no input gives */
};

kz_status kz_sha256_create(kz_sha256 **out)
{
    kz_sha256 *h = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&h, 1, sizeof *h, "SHA-256"));
    h->context = EVP_MD_CTX_new();
    if (!h->context) {
        st = KZ_FAIL(KZ_E_MEM, "SHA-256: libcrypto gave no context");
        goto done;
    }
    h->good = EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1;
    if (!h->good) st = KZ_FAIL(KZ_E_FAIL, "SHA-256: libcrypto does not offer it");
done:
    if (st == KZ_OK) *out = h;
    else kz_sha256_destroy(&h);
    return st;
}

void kz_sha256_add(kz_sha256 *h, const void *bytes, size_t n)
{
    if (n > 0 && EVP_DigestUpdate(h->context, bytes, n) != 1) h->good = false;
}

void kz_sha256_end(kz_sha256 *h, uint8_t out[32])
{
    if (EVP_DigestFinal_ex(h->context, out, NULL) != 1) h->good = false;
    for (int i = 0; !h->good && i < 32; i++) out[i] = 0;
    h->good = EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1;
}

void kz_sha256_destroy(kz_sha256 **h)
{
    if (*h) EVP_MD_CTX_free((*h)->context);
    kz_free(h);
}

void kz_digest_text(char out[KZ_DIGEST_TEXT], const uint8_t sha256[32])
{
    int n = snprintf(out, KZ_DIGEST_TEXT, "sha256:");
    for (int i = 0; i < 32; i++) n += snprintf(out + n, (size_t)(KZ_DIGEST_TEXT - n), "%02x", sha256[i]);
}
