/* Rows of an array in chunks: each is fetched as it is stored, unpacked within its size, converted and put in place. */
#include "data/hdf5_impl.h"
#include "data/hdf5_unpack.h"

#include <string.h>

struct kz_hdf5_reader {
    const kz_lib *file;
    const char *object;
    hid_t set, type, memory; /* memory: the type of the values read; borrowed, as is set */
    int64_t first, chunk[KZ_RANK_MAX], extent[KZ_RANK_MAX]; /* extent: of the file array; all 1 beyond the rank */
    int64_t rows, in_stride[KZ_RANK_MAX], out_stride[KZ_RANK_MAX]; /* strides in bytes */
    int rank, flat;      /* flat: beyond this dimension chunks and array have the same extents */
    bool edges_plain;    /* chunks that reach beyond the array are not packed */
    size_t values_bytes; /* of a chunk, once read */
    kz_unpacker unpacker;
    bool holds; /* unpacker.chunk is the whole chunk at `held`: rows that are asked for next may lie in it too */
    hsize_t held[KZ_RANK_MAX];
    uint8_t *out;
};

typedef struct kz_hdf5_reader reader;

/* The part of a chunk that is asked for: of the file array, from `start`, `count` values. */
typedef struct {
    hsize_t chunk[KZ_RANK_MAX], start[KZ_RANK_MAX], count[KZ_RANK_MAX];
    bool edge;
} part;

/* ---- what the array says of its chunks ---- */

static kz_status describe_filters(reader *r, hid_t made)
{
    const kz_lib *file = r->file;
    const char *object = r->object;
    kz_unpacker *u = &r->unpacker;
    unsigned options = 0;
    kz_status st = KZ_OK;
    KZ_HDF5(u->n = H5Pget_nfilters(made));
    if (u->n > KZ_FILTERS_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: %s claims %d filters; the file is damaged", file->path, object, u->n);
    for (int i = 0; i < u->n; i++) {
        size_t values = KZ_FILTER_VALUES;
        KZ_HDF5(u->filter[i].id = H5Pget_filter2(made, (unsigned)i, NULL, &values, u->filter[i].value, 0, NULL, NULL));
    }
    KZ_HDF5(H5Pget_chunk_opts(made, &options));
    r->edges_plain = options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
done:
    return st;
}

static kz_status describe(reader *r, const kz_array *a)
{
    const kz_lib *file = r->file;
    const char *object = r->object;
    hsize_t chunk[KZ_RANK_MAX] = {1, 1, 1, 1};
    hid_t made = -1;
    kz_status st = KZ_OK;
    KZ_HDF5(made = H5Dget_create_plist(r->set));
    KZ_HDF5(H5Pget_chunk(made, r->rank, chunk));
    KZ_HDF5(r->type = H5Dget_type(r->set));
    KZ_TRY(describe_filters(r, made));
    int64_t values = 1, value = kz_stored_size(a->stored), row = value;
    for (int i = KZ_RANK_MAX - 1; i >= 0; i--) {
        r->chunk[i] = i < r->rank ? (int64_t)chunk[i] : 1;
        r->extent[i] = a->extent[i];
        r->in_stride[i] = values * value;
        r->out_stride[i] = row;
        values *= r->chunk[i];
        row *= r->extent[i];
    }
    for (r->flat = KZ_RANK_MAX - 1; r->flat > 0 && r->chunk[r->flat] == r->extent[r->flat];) r->flat--;
    r->unpacker.bytes = (size_t)values * H5Tget_size(r->type);
    r->values_bytes = (size_t)(values * value);
    KZ_TRY(kz_unpack_begin(&r->unpacker, r->values_bytes));
done:
    if (made >= 0) H5Pclose(made);
    return st;
}

/* ---- one chunk ---- */

/* u->chunk <- the part, by HDF5: of chunks that are not packed, that it alone unpacks, or never written (the fill
 * value, or 0 where it leaves the values as they are). */
static kz_status read_part(reader *r, const part *p)
{
    const kz_lib *file = r->file;
    const char *object = r->object;
    hsize_t chunk[KZ_RANK_MAX], start[KZ_RANK_MAX];
    hid_t in_file = -1, in_memory = -1;
    kz_status st = KZ_OK;
    for (int i = 0; i < KZ_RANK_MAX; i++) {
        chunk[i] = (hsize_t)r->chunk[i];
        start[i] = p->start[i] - p->chunk[i];
    }
    KZ_HDF5(in_file = H5Dget_space(r->set));
    KZ_HDF5(H5Sselect_hyperslab(in_file, H5S_SELECT_SET, p->start, NULL, p->count, NULL));
    KZ_HDF5(in_memory = H5Screate_simple(r->rank, chunk, NULL));
    KZ_HDF5(H5Sselect_hyperslab(in_memory, H5S_SELECT_SET, start, NULL, p->count, NULL));
    memset(r->unpacker.chunk, 0, r->values_bytes);
    KZ_HDF5(H5Dread(r->set, r->memory, in_memory, in_file, H5P_DEFAULT, r->unpacker.chunk));
done:
    if (in_memory >= 0) H5Sclose(in_memory);
    if (in_file >= 0) H5Sclose(in_file);
    return st;
}

/* u->chunk <- the chunk. */
static kz_status read_chunk(reader *r, const part *p)
{
    const kz_lib *file = r->file;
    const char *object = r->object;
    kz_unpacker *u = &r->unpacker;
    hsize_t stored = 0;
    uint32_t skipped = 0;
    bool whole;
    kz_status st = KZ_OK;
    if (r->holds && memcmp(r->held, p->chunk, sizeof r->held) == 0) return KZ_OK;
    r->holds = false;
    if (u->n == 0 || (p->edge && r->edges_plain)) return read_part(r, p);
    /* Of a chunk never written some versions give no size, others 0; what else is wrong H5Dread finds as well. */
    if (H5Dget_chunk_storage_size(r->set, p->chunk, &stored) < 0 || stored == 0) return read_part(r, p);
    if (stored > u->most)
        return KZ_FAIL(KZ_E_DATA, "%s: %s has a chunk that takes %llu bytes packed, %zu unpacked; write the file again",
                       file->path, object, (unsigned long long)stored, u->bytes);
    KZ_HDF5(H5Dread_chunk(r->set, H5P_DEFAULT, p->chunk, &skipped, u->chunk));
    KZ_TRY(kz_unpack(u, skipped, (size_t)stored, &whole));
    if (!whole) return read_part(r, p);
    KZ_HDF5(H5Tconvert(r->type, r->memory, u->bytes / H5Tget_size(r->type), u->chunk, NULL, H5P_DEFAULT));
    r->holds = true;
    memcpy(r->held, p->chunk, sizeof r->held);
done:
    return st;
}

/* The part of u->chunk to its place in r->out. */
static void place(const reader *r, const part *p)
{
    const uint8_t *in = r->unpacker.chunk;
    uint8_t *out = r->out;
    int64_t n[KZ_RANK_MAX], run = (int64_t)p->count[r->flat] * r->in_stride[r->flat];
    for (int i = 0; i < KZ_RANK_MAX; i++) {
        in += (int64_t)(p->start[i] - p->chunk[i]) * r->in_stride[i];
        out += ((int64_t)p->start[i] - (i == 0 ? r->first : 0)) * r->out_stride[i];
        n[i] = i < r->flat ? (int64_t)p->count[i] : 1;
    }
    for (int64_t i = 0; i < n[0]; i++)
        for (int64_t j = 0; j < n[1]; j++)
            for (int64_t k = 0; k < n[2]; k++)
                memcpy(out + i * r->out_stride[0] + j * r->out_stride[1] + k * r->out_stride[2],
                       in + i * r->in_stride[0] + j * r->in_stride[1] + k * r->in_stride[2], (size_t)run);
}

/* ---- all chunks ---- */

static part part_at(const reader *r, const int64_t chunk[KZ_RANK_MAX])
{
    part p = {.edge = false};
    for (int i = 0; i < KZ_RANK_MAX; i++) {
        int64_t from = chunk[i], to = chunk[i] + r->chunk[i];
        if (to > r->extent[i]) {
            p.edge = true;
            to = r->extent[i];
        }
        if (i == 0 && from < r->first) from = r->first;
        if (i == 0 && to > r->first + r->rows) to = r->first + r->rows;
        p.chunk[i] = (hsize_t)chunk[i];
        p.start[i] = (hsize_t)from;
        p.count[i] = (hsize_t)(to - from);
    }
    return p;
}

/* The next chunk of the rows, the last dimension first; false after the last one. */
static bool advance(const reader *r, int64_t chunk[KZ_RANK_MAX])
{
    for (int i = KZ_RANK_MAX - 1; i >= 0; i--) {
        chunk[i] += r->chunk[i];
        if (chunk[i] < (i == 0 ? r->first + r->rows : r->extent[i])) return true;
        chunk[i] = 0;
    }
    return false;
}

static kz_status open_reader(reader **out, const kz_lib *file, const kz_array *a)
{
    reader *r = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&r, 1, sizeof *r, a->object));
    *r = (reader){.file = file,
                  .object = a->object,
                  .set = file->array[a->id],
                  .type = -1,
                  .memory = kz_hdf5_memory_type(a->stored),
                  .rank = a->rank,
                  .unpacker = {.path = file->path, .object = a->object}};
    KZ_TRY(describe(r, a));
    *out = r;
    r = NULL; /* given away */
done:
    kz_hdf5_reader_destroy(&r);
    return st;
}

void kz_hdf5_reader_destroy(kz_hdf5_reader **r)
{
    if (!*r) return;
    kz_unpack_end(&(*r)->unpacker);
    if ((*r)->type >= 0) H5Tclose((*r)->type);
    kz_free(r);
}

kz_status kz_hdf5_read_chunks(kz_lib *file, const kz_array *a, int64_t first, int64_t n, void *out)
{
    kz_status st = KZ_OK;
    if (file->reader && file->reader->set != file->array[a->id]) kz_hdf5_reader_destroy(&file->reader);
    if (!file->reader) KZ_TRY(open_reader(&file->reader, file, a));
    reader *r = file->reader;
    r->first = first;
    r->rows = n;
    r->out = out;
    int64_t chunk[KZ_RANK_MAX] = {first / r->chunk[0] * r->chunk[0]};
    do {
        part p = part_at(r, chunk);
        KZ_TRY(read_chunk(r, &p));
        place(r, &p);
    } while (advance(r, chunk));
done:
    return st;
}
