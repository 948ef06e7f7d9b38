/* Fuzz target: any bytes as an IDX file, gzipped or not. */
#include "array_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    kz_bytes *memory = NULL, *source = NULL;
    kz_array_in a = {0};
    if (kz_bytes_memory(&memory, "memory.idx", bytes, (int64_t)n) != KZ_OK) abort();
    if (n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
        if (kz_bytes_gunzip(&source, memory) != KZ_OK) abort();
    } else {
        source = memory;
    }
    if (kz_idx_open(&a, source) == KZ_OK) read_all_rows(&a);
    kz_bytes_close(&source);
    return 0;
}
