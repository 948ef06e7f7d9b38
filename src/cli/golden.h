/* cli/golden.h — the golden configs and their recorded digests (tests/golden, digests.json). */
#ifndef KZ_GOLDEN_H
#define KZ_GOLDEN_H

#include "kz/base.h"

enum { KZ_GOLDEN_MOST = 64 };

typedef struct {
    char *name, *path;                                        /* "digits-mlp", its file */
    char weights[KZ_DIGEST_TEXT], trajectory[KZ_DIGEST_TEXT]; /* as recorded; "" if not recorded */
} kz_golden;

typedef struct {
    char *directory;
    int64_t arithmetic; /* version recorded; 0: no digests.json */
    int64_t n;
    kz_golden list[KZ_GOLDEN_MOST]; /* by name */
} kz_golden_set;

/* Reads the golden configs of `directory`; NULL: those beside the program (share/kaizen or the source tree).
 * Fails: KZ_E_INPUT, KZ_E_DATA, KZ_E_MEM; *out is then empty.  kz_golden_free it. */
kz_status kz_golden_read(kz_golden_set *out, const char *directory);
/* Writes the digests of the list to digests.json. */
kz_status kz_golden_write(const kz_golden_set *set);
void kz_golden_free(kz_golden_set *set);

#endif
