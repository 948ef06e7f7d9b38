/* data/hdf5_impl.h — private to src/data/hdf5*.c and reader_child.c: a file as the HDF5 library has it open.
 *
 * All of it runs in the reader process (reader_child.c), which is made for one file and may fail with it. */
#ifndef KZ_HDF5_IMPL_H
#define KZ_HDF5_IMPL_H

#include "data/data_impl.h"

#include <hdf5.h>

typedef struct kz_hdf5_reader kz_hdf5_reader;

enum { KZ_LIB_ARRAYS_MAX = 1 << 16 };

typedef struct {
    char *path;
    int64_t bytes;
    bool allow_filters, sampled;
    hid_t id;
    hid_t *array;
    int n_arrays, room;
    kz_hdf5_reader *reader; /* of the array in chunks read last; NULL: none yet */
} kz_lib;

/* Starts the library, which prints nothing from then on.  A file names its filters: plug-ins are loaded here, from a
 * list of our own and only if asked for, and never on a file's word. */
void kz_lib_prepare(bool allow_filters);

/* Opens the file that is open as `fd`, of `bytes`; the path is for messages.  Once in a process.  The others are as
 * kz_hdf5_array, ... in data_impl.h.  Fails: KZ_E_DATA, KZ_E_MEM. */
kz_status kz_lib_open(kz_lib **out, const char *path, int fd, int64_t bytes, bool allow_filters);
kz_status kz_lib_array(kz_lib *file, const char *object, const char *key, kz_array *out);
kz_status kz_lib_read(kz_lib *file, const kz_array *a, int64_t first, int64_t n, void *out);
kz_status kz_lib_texts(kz_lib *file, const char *attribute, char ***out, int64_t *n);
kz_status kz_lib_number(kz_lib *file, const char *attribute, double *out, bool *found);
kz_status kz_lib_tree(const kz_lib *file, bool attributes, kz_node **out, int64_t *n);
void kz_lib_close(kz_lib **file);

/* True if the library has found no memory since the last call. */
bool kz_lib_starved(void);

/* hdf5_driver.c: access <- files are read from this descriptor, and no other file can be opened.  < 0: failed. */
herr_t kz_hdf5_set_driver(hid_t access, int fd, int64_t bytes);

/* hdf5_sink.c: where a new file goes.  The first failure is kept in `error` (an errno), and the library is told that
 * all went well, so that it can close the file. */
typedef struct {
    H5FD_t base; /* HDF5's part */
    int fd, error;
    haddr_t eoa, eof;
} kz_hdf5_sink;
herr_t kz_hdf5_set_sink(hid_t access, kz_hdf5_sink *sink);

/* hdf5_filters.c: refuses what is packed by a filter that is not there; `made` is the array's creation list. */
kz_status kz_hdf5_check_filters(const kz_lib *file, const char *object, hid_t made);
void kz_hdf5_load_filters(void); /* the plug-ins that are known and installed */

/* The innermost message of HDF5's error stack, which it clears. */
void kz_hdf5_message(char out[256]);
kz_status kz_hdf5_fail(const kz_lib *file, const char *object, const char *source, int line);

/* Passes on a negative result of HDF5; uses the locals `file` and `object`.  Every hid_t starts at -1. */
#define KZ_HDF5(call) KZ_TRY((call) < 0 ? kz_hdf5_fail(file, object, __FILE__, __LINE__) : KZ_OK)

/* hdf5_chunks.c: out <- rows of an array in chunks, as kz_hdf5_read. */
kz_status kz_hdf5_read_chunks(kz_lib *file, const kz_array *a, int64_t first, int64_t n, void *out);
void kz_hdf5_reader_destroy(kz_hdf5_reader **reader);

/* False for an integer or float whose sign, exponent or bits lie outside of it: HDF5 would read memory of others. */
bool kz_hdf5_number_is_sound(hid_t type);

/* hdf5_array.c: *out <- would kz_hdf5_array take it?  Fails: KZ_E_MEM. */
kz_status kz_lib_readable(const kz_lib *file, const char *object, bool *out);

/* hdf5_describe.c: fills in what a node says of its type; of an array, but for `readable`. */
void kz_hdf5_describe_type(char out[48], hid_t type);
void kz_hdf5_describe_set(kz_node *node, hid_t set);

/* hdf5_attribute.c: *out <- the value as clean text, "[1, 2, ...]" where there are several; NULL: it is no text and no
 * number, or too large.  *out is yours to kz_free. */
kz_status kz_hdf5_attribute_text(char **out, hid_t attribute, hid_t type, hid_t space);

/* HDF5's type of the values read; not to be closed. */
hid_t kz_hdf5_memory_type(kz_stored stored);

#endif
