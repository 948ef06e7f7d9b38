/* data/hdf5_impl.h — private to src/data/hdf5*.c: HDF5's types and its one error adaptor. */
#ifndef KZ_HDF5_IMPL_H
#define KZ_HDF5_IMPL_H

#include "data/data_impl.h"

#include <hdf5.h>

struct kz_hdf5 {
    char *path;
    hid_t id;
    hid_t array[2 * KZ_SPLITS];
    int n_arrays;
};

/* The innermost message of HDF5's error stack, which it clears. */
void kz_hdf5_message(char out[256]);
kz_status kz_hdf5_fail(const kz_hdf5 *file, const char *object, const char *source, int line);

/* Passes on a negative result of HDF5; uses the locals `file` and `object`.  Every hid_t starts at -1. */
#define KZ_HDF5(call) KZ_TRY((call) < 0 ? kz_hdf5_fail(file, object, __FILE__, __LINE__) : KZ_OK)

/* out <- text as valid UTF-8 of at most n bytes: control characters and stray bytes become '?'. */
kz_status kz_hdf5_clean(char **out, const char *text, size_t n);

#endif
