/* data/hdf5_unpack.h — private to src/data/hdf5*.c: undoes the filters of a chunk.
 *
 * HDF5's own pipeline takes a chunk at whatever size its filters give it: a chunk that is too short leaves memory of
 * others in the array, one that is too long takes memory without bound.  Here each size is known before it is made. */
#ifndef KZ_HDF5_UNPACK_H
#define KZ_HDF5_UNPACK_H

#include "kz/base.h"

#include <zlib.h>

enum { KZ_FILTERS_MAX = 32, KZ_FILTER_VALUES = 5 }; /* filters of an array, leading parameters of one that are used */

typedef struct {
    int id;                           /* H5Z_FILTER_... */
    unsigned value[KZ_FILTER_VALUES]; /* its parameters */
} kz_filter;

typedef struct {
    const char *path, *object;        /* for messages, borrowed */
    kz_filter filter[KZ_FILTERS_MAX]; /* in the order in which they packed */
    int n;
    size_t bytes;   /* of an unpacked chunk */
    size_t most;    /* bytes that a packed chunk may have */
    uint8_t *chunk; /* the chunk: packed before kz_unpack, unpacked after it */
    uint8_t *spare;
    z_stream inflate;
} kz_unpacker;

/* Takes room for a chunk, for values_bytes at least, and once more to unpack it if n > 0; path, object, filter, n and
 * bytes are set.  Fails: KZ_E_DATA, KZ_E_MEM; end it all the same. */
kz_status kz_unpack_begin(kz_unpacker *u, size_t values_bytes);
void kz_unpack_end(kz_unpacker *u);

/* u->chunk, n <= u->most bytes as stored, becomes the u->bytes of a chunk.  Bit i of skipped: filter i was left out.
 * *whole is false where a filter is left that only HDF5 undoes; u->chunk is then of no use.  Fails: KZ_E_DATA, KZ_E_MEM. */
kz_status kz_unpack(kz_unpacker *u, uint32_t skipped, size_t n, bool *whole);

#endif
