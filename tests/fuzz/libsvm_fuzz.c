/* Fuzz target: any bytes as a LIBSVM file.  Little memory is allowed, so that 64 features are the most: each takes a
 * column, whose making would be all that an execution does. */
#include "data/import_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    kz_import_options o = kz_import_defaults();
    kz_import_result r = {0};
    kz_table t = {.memory = 1 << 18, .n_files = 1, .kept_most = n & 1 ? 1 << 16 : 0};
    t.buffer_room = n & 2 ? 32 : (int64_t)n + 1; /* 32: lines do not fit, and it must grow */
    o.threads = 1;
    o.dry_run = true;
    if (kz_calloc(&t.file, 1, sizeof *t.file, "file") != KZ_OK) abort();
    if (kz_bytes_memory(&t.file[0].bytes, "memory.libsvm", bytes, (int64_t)n) != KZ_OK) abort();
    if (kz_import_table_of(&t, &r, &o, "libsvm") == KZ_OK && (r.rows[0] < 1 || r.features < 1)) abort();
    kz_import_result_free(&r);
    return 0;
}
