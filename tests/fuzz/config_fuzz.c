/* Fuzz target: any bytes as a config.  Up to the first 0xff is the file, what follows is one --set. */
#include "kz/config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What is accepted must come back from its own YAML. */
static void check_round_trip(const kz_config *cfg)
{
    kz_text yaml = {0}, again = {0}, report = {0};
    kz_config *copy = NULL;
    char digest[KZ_DIGEST_TEXT], same[KZ_DIGEST_TEXT];
    if (kz_config_yaml(&yaml, cfg) != KZ_OK || kz_config_digest(digest, cfg) != KZ_OK) abort();
    if (kz_config_parse(&copy, "again", kz_text_str(&yaml), NULL, 0, &report) != KZ_OK) abort();
    if (kz_config_yaml(&again, copy) != KZ_OK || kz_config_digest(same, copy) != KZ_OK) abort();
    if (strcmp(kz_text_str(&yaml), kz_text_str(&again)) != 0 || strcmp(digest, same) != 0) abort();
    kz_config_destroy(&copy);
    kz_text_free(&yaml);
    kz_text_free(&again);
    kz_text_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *text = malloc(n + 1);
    kz_config *cfg = NULL;
    kz_text report = {0};
    if (!text) return 0;
    if (n) memcpy(text, bytes, n);
    text[n] = '\0';
    char *cut = memchr(text, 0xff, n);
    if (cut) *cut = '\0';
    const char *set = cut ? cut + 1 : NULL;
    if (kz_config_parse(&cfg, "fuzz", text, &set, cut != NULL, &report) == KZ_OK) check_round_trip(cfg);
    kz_config_destroy(&cfg);
    kz_text_free(&report);
    free(text);
    return 0;
}
