/* Fuzz target: any bytes as a LIBSVM file. */
#include "data/import_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    kz_import_options o = kz_import_defaults();
    kz_import_result r = {0};
    kz_table t = {.memory = 1 << 20, .buffer_room = 16 << 10, .n_files = 1, .kept_most = 1 << 16};
    o.threads = 1;
    o.dry_run = true;
    if (kz_calloc(&t.file, 1, sizeof *t.file, "file") != KZ_OK) abort();
    if (kz_bytes_memory(&t.file[0].bytes, "memory.libsvm", bytes, (int64_t)n) != KZ_OK) abort();
    if (kz_import_table_of(&t, &r, &o, "libsvm") == KZ_OK && (r.rows[0] < 1 || r.features < 1)) abort();
    kz_import_result_free(&r);
    return 0;
}
