/* Fuzz target: any bytes as an NPY file, or as an NPZ archive where they begin as one. */
#include "array_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_archive(kz_bytes *memory)
{
    kz_zip *z = NULL;
    if (kz_zip_open(&z, memory) != KZ_OK) {
        kz_bytes_close(&memory);
        return;
    }
    for (int64_t i = 0; i < kz_zip_members(z) && i < 8; i++) {
        kz_bytes *member = NULL;
        kz_array_in a = {0};
        if (kz_zip_member(&member, z, i) != KZ_OK) abort();
        if (kz_npy_open(&a, member) == KZ_OK) read_all_rows(&a);
        kz_bytes_close(&member);
    }
    kz_zip_close(&z);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    kz_bytes *memory = NULL;
    kz_array_in a = {0};
    if (kz_bytes_memory(&memory, "memory.npy", bytes, (int64_t)n) != KZ_OK) abort();
    if (n >= 2 && bytes[0] == 'P' && bytes[1] == 'K') {
        read_archive(memory);
        return 0;
    }
    if (kz_npy_open(&a, memory) == KZ_OK) read_all_rows(&a);
    kz_bytes_close(&memory);
    return 0;
}
