/* Values as they are stored. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

bool kz_stored_named(const char *name, kz_stored *out)
{
#define KZ_STORED_NAMED(constant, text, type, hdf5)                                                                    \
    if (strcmp(name, text) == 0) {                                                                                     \
        *out = constant;                                                                                               \
        return true;                                                                                                   \
    }
    KZ_STORED_LIST(KZ_STORED_NAMED)
#undef KZ_STORED_NAMED
    return false;
}

bool kz_stored_holds(kz_stored stored, double v)
{
    int bits = 8 * (int)kz_stored_size(stored);
    bool sign = strncmp(kz_stored_name(stored), "int", 3) == 0;
    if (!kz_stored_integer(stored)) return true;
    return v == trunc(v) && v >= (sign ? -ldexp(1, bits - 1) : 0) && v < ldexp(1, sign ? bits - 1 : bits);
}

kz_stored kz_stored_for(double least, double most)
{
    static const kz_stored order[] = {KZ_STORED_UINT8,  KZ_STORED_INT8,  KZ_STORED_UINT16, KZ_STORED_INT16,
                                      KZ_STORED_UINT32, KZ_STORED_INT32, KZ_STORED_UINT64, KZ_STORED_INT64};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (kz_stored_holds(order[i], least) && kz_stored_holds(order[i], most)) return order[i];
    return KZ_STORED_FLOAT64;
}

void kz_store(void *out, kz_stored stored, const double *in, int64_t n)
{
    switch (stored) {
#define KZ_STORE(constant, name, type, hdf5)                                                                           \
    case constant:                                                                                                     \
        for (int64_t i = 0; i < n; i++) ((type *)out)[i] = (type)in[i];                                                \
        break;
        KZ_STORED_LIST(KZ_STORE)
#undef KZ_STORE
    }
}
