/* Fuzz target: any bytes as a CSV file.  The first byte chooses options; what follows is the file.
 *
 * One thread, nothing written, and buffers of the size of the input, so that a read behind it is seen at once. */
#include "data/import_impl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const char *const fills[] = {"error", "drop", "mean", "median", "mode", "category"};

/* Rows that were written are rows of the table, and their counts by class add up. */
static void check(const kz_import_result *r)
{
    int64_t rows = r->rows[0] + r->rows[1] + r->rows[2], counted = 0;
    if (rows < 1 || r->features < 1) abort();
    for (int f = 0; f < KZ_IMPORT_SPLITS; f++)
        for (int64_t k = 0; k < r->classes; k++) counted += r->class_rows[f][k];
    if (r->classification && counted != rows) abort();
    if (!r->columns || json_array_size(json_object_get(r->columns, "columns")) < 1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const last[] = {"-1"};
    if (n < 2) return 0;
    const char *fill = fills[(bytes[0] & 15) % 6];
    kz_import_options o = kz_import_defaults();
    kz_import_result r = {0};
    kz_table t = {.memory = 1 << 18, .n_files = 1, .kept_most = bytes[0] & 64 ? 1 << 16 : 0};
    t.buffer_room = bytes[0] & 16 ? 32 : 2 * (int64_t)n; /* 32: lines do not fit, and it must grow */
    kz_bytes *memory = NULL;
    o.target = (kz_words_given){last, 1};
    o.fill = (kz_words_given){&fill, 1};
    o.threads = 1;
    o.dry_run = true;
    o.test = bytes[0] & 32 ? 0.5 : 0;
    o.header = bytes[0] & 128 ? -1 : 1;
    if (kz_bytes_memory(&memory, "memory.csv", bytes + 1, (int64_t)n - 1) != KZ_OK) abort();
    if (kz_calloc(&t.file, 1, sizeof *t.file, "file") != KZ_OK) abort();
    if (kz_bytes_utf8(&t.file[0].bytes, memory, NULL) != KZ_OK) abort();
    if (kz_import_table_of(&t, &r, &o, "csv") == KZ_OK) check(&r);
    kz_import_result_free(&r);
    return 0;
}
