/* cli/prove_resume.h — a training that is stopped and taken up again. */
#ifndef KZ_PROVE_RESUME_H
#define KZ_PROVE_RESUME_H

#include "golden.h"
#include "kz/train.h"

typedef struct {
    const char *isa; /* of the CPU; or a GPU: "cuda", "cuda:1" */
    int threads;
} kz_prove_part;

/* Has cfg and options train on what `part` says. */
kz_status kz_prove_on(const kz_prove_part *part, kz_config *cfg, kz_train_options *options);

/* Trains the config file up to the middle of its second epoch as `first` says, and on from there as `second` says, in a
 * folder under TMPDIR that is removed; *out <- the digests that it ends with. */
kz_status kz_prove_resumed(kz_golden *out, const char *config, const kz_prove_part *first, const kz_prove_part *second);

#endif
