/* Arrays into memory, block by block: each block is hashed as it is stored, and converted by C's rules. */
#include "data/data_impl.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian values");

enum { BLOCK_BYTES = 4 << 20 };

/* Whole chunks, so that each is unpacked once. */
int64_t kz_array_block(const kz_array *a)
{
    int64_t rows = BLOCK_BYTES / (kz_array_row(a) * kz_stored_size(a->stored));
    rows = rows > a->chunk_rows ? rows / a->chunk_rows * a->chunk_rows : a->chunk_rows;
    return rows < kz_array_rows(a) ? rows : kz_array_rows(a);
}

/* ---- conversion ---- */

/* Values that cannot be used: how many, and the first. */
typedef struct {
    int64_t n, index;
    double value;
} faults;

static void add_fault(faults *f, int64_t index, double value)
{
    if (f->n++ > 0) return;
    f->index = index;
    f->value = isnan(value) ? NAN : value; /* without its sign */
}

static double value_at(kz_stored stored, const void *in, int64_t i)
{
    switch (stored) {
#define VALUE_CASE(constant, name, type, hdf5)                                                                         \
    case constant: return (double)((const type *)in)[i];
        KZ_STORED_LIST(VALUE_CASE)
#undef VALUE_CASE
    }
    return 0;
}

static void to_floats(float *out, kz_stored stored, const void *in, int64_t n)
{
    switch (stored) {
#define FLOAT_CASE(constant, name, type, hdf5)                                                                         \
    case constant:                                                                                                     \
        for (int64_t i = 0; i < n; i++) out[i] = (float)((const type *)in)[i];                                         \
        break;
        KZ_STORED_LIST(FLOAT_CASE)
#undef FLOAT_CASE
    }
}

/* Infinite here is also what binary32 cannot hold. */
static void find_infinite(faults *f, const float *x, kz_stored stored, const void *in, int64_t first, int64_t n)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad += !(fabsf(x[i]) <= 0x1.fffffep127f);
    for (int64_t i = 0; bad > 0 && i < n; i++)
        if (!isfinite(x[i])) add_fault(f, first + i, value_at(stored, in, i));
}

/* Class numbers are kept in 32 bits; none is cut to fit. */
static void to_labels(faults *f, int32_t *out, kz_stored stored, const void *in, int64_t first, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double v = value_at(stored, in, i);
        if (v >= 0 && v < INT32_MAX && v == (double)(int32_t)v) out[i] = (int32_t)v;
        else add_fault(f, first + i, v);
    }
}

/* ---- what is wrong, with its remedy ---- */

static kz_status not_finite(const kz_opening *o, const kz_array *a, const faults *f)
{
    int64_t columns = kz_array_row(a);
    return KZ_FAIL(KZ_E_DATA,
                   "%s: %s holds %g at row %lld, column %lld (from 0); values in all that are NaN, infinite or too "
                   "large for binary32: %lld; fill them in or leave their rows out",
                   kz_hdf5_path(o->file), a->object, f->value, (long long)(f->index / columns),
                   (long long)(f->index % columns), (long long)f->n);
}

static kz_status no_labels(const kz_opening *o, const kz_array *a, const faults *f)
{
    return KZ_FAIL(KZ_E_DATA,
                   "%s: %s holds %.17g at row %lld (from 0); class numbers are whole, from 0 to %d; rows in all that "
                   "hold none: %lld; renumber the classes, or for a regression set model.loss: squared_error",
                   kz_hdf5_path(o->file), a->object, f->value, (long long)f->index, INT32_MAX - 1, (long long)f->n);
}

/* ---- loading ---- */

void kz_array_hash_head(kz_sha256 *hash, const char *role, const kz_array *a)
{
    char line[160];
    int n = snprintf(line, sizeof line, "%s %s", role, kz_stored_name(a->stored));
    for (int i = 0; i < a->rank; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, " %lld", (long long)a->extent[i]);
    line[n++] = '\n';
    kz_sha256_add(hash, line, (size_t)n);
}

bool kz_array_kept(const kz_array *a, kz_as as)
{
    if (as == KZ_AS_F32) return a->stored == KZ_STORED_FLOAT32 || a->stored == KZ_STORED_FLOAT16;
    return as == KZ_AS_U8;
}

kz_status kz_array_load(const kz_opening *o, const kz_array *a, const char *role, kz_as as, void *out)
{
    int64_t rows = kz_array_rows(a), columns = kz_array_row(a), block = kz_array_block(a);
    size_t size = (size_t)kz_stored_size(a->stored);
    bool direct = kz_array_kept(a, as);
    faults f = {0};
    void *buffer = NULL;
    kz_status st = KZ_OK;
    if (!direct) KZ_TRY(kz_calloc(&buffer, block * columns, size, a->object));
    kz_array_hash_head(o->hash, role, a);
    for (int64_t row = 0; row < rows; row += block) {
        int64_t n = row + block < rows ? block : rows - row, at = row * columns;
        void *in = direct ? (uint8_t *)out + (size_t)at * size : buffer;
        KZ_TRY(kz_hdf5_read(o->file, a, row, n, in));
        kz_sha256_add(o->hash, in, (size_t)(n * columns) * size);
        if (as == KZ_AS_LABEL) to_labels(&f, (int32_t *)out + at, a->stored, in, at, n * columns);
        if (as != KZ_AS_F32) continue;
        float *x = (float *)out + at;
        if (!direct) to_floats(x, a->stored, in, n * columns);
        find_infinite(&f, x, a->stored, in, at, n * columns);
    }
    if (f.n > 0) st = as == KZ_AS_LABEL ? no_labels(o, a, &f) : not_finite(o, a, &f);
done:
    kz_free(&buffer);
    return st;
}
