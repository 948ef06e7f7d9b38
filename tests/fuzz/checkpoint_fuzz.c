/* libFuzzer target: a checkpoint of any bytes, read as that of a small network.  The input's seal is made to fit first, or
 * nothing behind it would ever be reached. */
#include "record/record_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INPUTS = 3, UNITS = 2, PARAMETERS = INPUTS * UNITS + UNITS, ARRAYS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A file in memory, made once, that can be opened by its path. */
static const char *write_file(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n) abort();
    return path;
}

/* Puts the digest that the bytes have in place of the one that they claim. */
static void seal(uint8_t *bytes, size_t n)
{
    uint64_t length;
    uint8_t digest[32];
    char text[KZ_DIGEST_TEXT], *header = NULL;
    kz_sha256 *hash = NULL;
    if (n < 8) return;
    memcpy(&length, bytes, 8);
    if (length > n - 8 || kz_calloc(&header, (int64_t)length + 1, 1, "header") != KZ_OK) return;
    memcpy(header, bytes + 8, length);
    int64_t at = kz_safetensors_seal(header);
    kz_free(&header);
    if (at < 0 || kz_sha256_create(&hash) != KZ_OK) return;
    memset(bytes + 8 + at, '0', 64);
    kz_sha256_add(hash, bytes, n);
    kz_sha256_end(hash, digest);
    kz_sha256_destroy(&hash);
    kz_digest_text(text, digest);
    memcpy(bytes + 8 + at, text + 7, 64);
}

static void read_checkpoint(const char *path)
{
    static const kz_tensor tensors[] = {
        {.name = "0.weight", .rank = 2, .shape = {UNITS, INPUTS}, .offset = 0, .n = UNITS * INPUTS},
        {.name = "0.bias", .rank = 1, .shape = {UNITS}, .offset = UNITS * INPUTS, .n = UNITS}};
    static float weights[PARAMETERS], optimizer[ARRAYS * PARAMETERS], best[PARAMETERS];
    kz_checkpoint c = {.n = PARAMETERS, .arrays = ARRAYS, .weights = weights, .optimizer = optimizer, .best = best};
    kz_checkpoint_past past;
    if (kz_record_checkpoint_read(path, tensors, 2, &c, &past) != KZ_OK) return;
    if (c.epoch < 0 || c.step < 0 || c.samples < 0 || !c.stopped_by || !past.cfg) abort();
    if (c.best_epoch > c.epoch || c.epochs_since_best < 0 || past.kept_epoch > c.epoch) abort();
    if (past.whole && !(c.seconds_total >= 0)) abort();
    kz_checkpoint_past_free(&past);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = NULL;
    if (n % 16 == 0) read_checkpoint(write_file(bytes, n)); /* as it is: damaged, most likely */
    if (kz_calloc(&copy, (int64_t)n, 1, "input") != KZ_OK) abort();
    memcpy(copy, bytes, n);
    seal(copy, n);
    read_checkpoint(write_file(copy, n));
    kz_free(&copy);
    return 0;
}
