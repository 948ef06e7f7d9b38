/* What is known of an array: names, sizes, extents. */
#include "data/data_impl.h"

static const struct {
    const char *name;
    int64_t size;
} stored_types[] = {
#define KZ_STORED_ROW(constant, name, type, hdf5) {name, sizeof(type)},
    KZ_STORED_LIST(KZ_STORED_ROW)
#undef KZ_STORED_ROW
};

const char *kz_stored_name(kz_stored stored)
{
    return stored_types[stored].name;
}

int64_t kz_stored_size(kz_stored stored)
{
    return stored_types[stored].size;
}

bool kz_stored_integer(kz_stored stored)
{
    return stored < KZ_STORED_FLOAT16;
}

int64_t kz_array_rows(const kz_array *a)
{
    return a->extent[0];
}

int64_t kz_array_row(const kz_array *a)
{
    int64_t n = 1;
    for (int i = 1; i < a->rank; i++) n *= a->extent[i];
    return n;
}

void kz_array_extents(char out[96], const kz_array *a)
{
    int n = 0;
    for (int i = 0; i < a->rank; i++)
        n += snprintf(out + n, 96 - (size_t)n, "%s%lld", i ? "x" : "", (long long)a->extent[i]);
}
