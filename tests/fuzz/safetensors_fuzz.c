/* libFuzzer target: opening and reading a safetensors file of any bytes. */
#include "record/safetensors.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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
    if (fd < 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n || ftruncate(fd, (off_t)n) != 0) abort();
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    kz_safetensors *file = NULL;
    if (kz_safetensors_open(&file, write_file(bytes, n)) != KZ_OK) return 0;
    (void)kz_safetensors_metadata(file, "format");
    for (int64_t i = 0; i < kz_safetensors_count(file); i++) {
        const kz_safetensor *t = kz_safetensors_tensor(file, i);
        int64_t size;
        char *values = NULL;
        if (!kz_safetensors_bytes(&size, t) || size > (int64_t)n) abort(); /* more than the file holds */
        if (kz_calloc(&values, size, 1, "values") != KZ_OK) abort();
        if (kz_safetensors_read(file, t, values) != KZ_OK) abort();
        kz_free(&values);
    }
    kz_safetensors_close(&file);
    return 0;
}
