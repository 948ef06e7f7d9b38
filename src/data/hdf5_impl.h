/* data/hdf5_impl.h — private to src/data/hdf5*.c: HDF5's types and its one error adaptor. */
#ifndef KZ_HDF5_IMPL_H
#define KZ_HDF5_IMPL_H

#include "data/data_impl.h"

#include <hdf5.h>

typedef struct kz_hdf5_reader kz_hdf5_reader;

struct kz_hdf5 {
    char *path;
    hid_t id;
    hid_t array[2 * KZ_SPLITS];
    int n_arrays;
    kz_hdf5_reader *reader; /* of the array in chunks read last; NULL: none yet */
};

/* The innermost message of HDF5's error stack, which it clears. */
void kz_hdf5_message(char out[256]);
kz_status kz_hdf5_fail(const kz_hdf5 *file, const char *object, const char *source, int line);

/* Passes on a negative result of HDF5; uses the locals `file` and `object`.  Every hid_t starts at -1. */
#define KZ_HDF5(call) KZ_TRY((call) < 0 ? kz_hdf5_fail(file, object, __FILE__, __LINE__) : KZ_OK)

/* hdf5_chunks.c: out <- rows of an array in chunks, as kz_hdf5_read. */
kz_status kz_hdf5_read_chunks(kz_hdf5 *file, const kz_array *a, int64_t first, int64_t n, void *out);
void kz_hdf5_reader_destroy(kz_hdf5_reader **reader);

/* HDF5's type of the values read; not to be closed. */
hid_t kz_hdf5_memory_type(kz_stored stored);

/* out <- text as valid UTF-8 of at most n bytes: control characters and stray bytes become '?'. */
kz_status kz_hdf5_clean(char **out, const char *text, size_t n);

#endif
