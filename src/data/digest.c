/* Arrays into memory, block by block: each block is hashed as it is stored, and converted by C's rules. */
#include "data/data_impl.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are over little-endian values");

enum { BLOCK_BYTES = 4 << 20 };

/* Whole chunks, so that each is unpacked once. */
int64_t kz_array_block_of(const kz_array *a, int64_t bytes)
{
    int64_t rows = bytes / (kz_array_row(a) * kz_stored_size(a->stored));
    rows = rows > a->chunk_rows ? rows / a->chunk_rows * a->chunk_rows : a->chunk_rows;
    return rows < kz_array_rows(a) ? rows : kz_array_rows(a);
}

int64_t kz_array_block(const kz_array *a)
{
    return kz_array_block_of(a, BLOCK_BYTES);
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

void kz_values_to_floats(float *out, kz_stored stored, const void *in, int64_t n)
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

bool kz_values_to_labels(int32_t *out, kz_stored stored, const void *in, int64_t n, int64_t classes)
{
    faults f = {0};
    to_labels(&f, out, stored, in, 0, n);
    for (int64_t i = 0; f.n == 0 && i < n; i++) f.n += out[i] >= classes;
    return f.n == 0;
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

/* Values first .. of an array, as they were read: what they are hashed and converted to, and found out about them. */
typedef struct {
    const kz_array *a;
    const char *role;
    kz_as as;
    faults wrong;
} taking;

/* out <- n values; for what is kept as it is read they lie there already. */
static void take(const kz_opening *o, taking *t, const void *in, int64_t first, int64_t n, void *out)
{
    kz_stored stored = t->a->stored;
    if (t->role) kz_sha256_add(o->hash, in, (size_t)(n * kz_stored_size(stored)));
    if (t->as == KZ_AS_LABEL) to_labels(&t->wrong, out, stored, in, first, n);
    if (t->as != KZ_AS_F32) return;
    if (out != in) kz_values_to_floats(out, stored, in, n);
    if (t->role) find_infinite(&t->wrong, out, stored, in, first, n);
}

static kz_status tell(const kz_opening *o, const taking *t)
{
    if (t->wrong.n == 0) return KZ_OK;
    return t->as == KZ_AS_LABEL ? no_labels(o, t->a, &t->wrong) : not_finite(o, t->a, &t->wrong);
}

kz_status kz_array_load(const kz_opening *o, const kz_array *a, const char *role, kz_as as, void *out)
{
    int64_t rows = kz_array_rows(a), columns = kz_array_row(a);
    int64_t block = o->room.piece > 0 ? kz_array_block_of(a, o->room.piece) : kz_array_block(a);
    size_t size = (size_t)kz_stored_size(a->stored), kept = as == KZ_AS_U8 ? 1 : sizeof(float);
    bool direct = kz_array_kept(a, as);
    taking t = {.a = a, .role = role, .as = as};
    void *buffer = NULL;
    kz_status st = KZ_OK;
    if (!direct) KZ_TRY(kz_calloc(&buffer, block * columns, size, a->object));
    kz_array_hash_head(o->hash, role, a);
    for (int64_t row = 0; row < rows; row += block) {
        int64_t n = row + block < rows ? block : rows - row;
        uint8_t *to = (uint8_t *)out + (size_t)(row * columns) * kept;
        KZ_TRY(kz_hdf5_read(o->file, a, row, n, direct ? to : buffer));
        take(o, &t, direct ? to : buffer, row * columns, n * columns, to);
    }
    st = tell(o, &t);
done:
    kz_free(&buffer);
    return st;
}

kz_status kz_array_pass(const kz_opening *o, const kz_array *a, const char *role, kz_as as, kz_array_sink *sink,
                        void *context)
{
    int64_t rows = kz_array_rows(a), columns = kz_array_row(a), block = kz_array_block_of(a, o->room.piece);
    bool direct = kz_array_kept(a, as);
    taking t = {.a = a, .role = role, .as = as};
    void *in = NULL, *out = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&in, block * columns, (size_t)kz_stored_size(a->stored), a->object));
    if (!direct) KZ_TRY(kz_calloc(&out, block * columns, sizeof(float), a->object));
    if (role) kz_array_hash_head(o->hash, role, a);
    kz_hdf5_again(o->file);
    for (int64_t row = 0; row < rows; row += block) {
        int64_t n = row + block < rows ? block : rows - row;
        KZ_TRY(kz_hdf5_read(o->file, a, row, n, in));
        take(o, &t, in, row * columns, n * columns, direct ? in : out);
        if (t.wrong.n == 0) sink(context, direct ? in : out, row, n);
    }
    KZ_TRY(tell(o, &t));
    KZ_TRY(kz_hdf5_unchanged(o->file));
done:
    kz_free(&in);
    kz_free(&out);
    return st;
}
