/* Rows of IDX and NPY arrays as binary64. */
#include "data/import_impl.h"

#include <math.h>
#include <string.h>

enum { MOST_RATIO = 100 };

int64_t kz_array_in_row(const kz_array_in *a)
{
    int64_t row = 1;
    for (int i = 1; i < a->rank; i++) row *= a->extent[i];
    return row;
}

kz_status kz_array_in_check(kz_array_in *a)
{
    int64_t bytes = a->file_size;
    a->name = a->bytes->name;
    if (a->rank < 1) return KZ_FAIL(KZ_E_DATA, "%s: is a single number; wanted an array, rows first", a->name);
    for (int i = 0; i < a->rank; i++) {
        if (a->extent[i] < 1)
            return KZ_FAIL(KZ_E_DATA, "%s: has no values: an extent is %lld", a->name, (long long)a->extent[i]);
        if (__builtin_mul_overflow(bytes, a->extent[i], &bytes) || bytes > (int64_t)1 << 52)
            return KZ_FAIL(KZ_E_DATA, "%s: its extents are more than any machine holds; its head is damaged", a->name);
    }
    /* deflate packs at most 1032 to 1 */
    if (a->bytes->size >= 0 && (bytes - 1040) / 1040 > a->bytes->size)
        return KZ_FAIL(KZ_E_DATA, "%s: claims %lld bytes of values and has %lld bytes; it is cut short or damaged",
                       a->name, (long long)bytes, (long long)a->bytes->size);
    for (int i = a->rank; i < KZ_RANK_MAX; i++) a->extent[i] = 1;
    return KZ_OK;
}

/* ---- values ---- */

static double half(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double fraction = h & 1023, v = exponent == 31 ? (fraction > 0 ? NAN : INFINITY)
                                    : exponent     ? ldexp(1024 + fraction, exponent - 25)
                                                   : ldexp(fraction, -24);
    return h >> 15 ? -v : v;
}

static void swap_bytes(uint8_t *s, int64_t n, int size)
{
    for (; n > 0; n--, s += size)
        for (int i = 0; i < size / 2; i++) {
            uint8_t b = s[i];
            s[i] = s[size - 1 - i];
            s[size - 1 - i] = b;
        }
}

static void widen(double *out, const kz_array_in *a, uint8_t *raw, int64_t n)
{
    if (a->big_endian && a->file_size > 1) swap_bytes(raw, n, a->file_size);
    if (a->file_size == 2 && a->stored == KZ_STORED_FLOAT16) {
        for (int64_t i = 0; i < n; i++) {
            uint16_t h;
            memcpy(&h, raw + 2 * i, sizeof h);
            out[i] = half(h);
        }
        return;
    }
    switch (a->stored) {
#define WIDEN(constant, name, type, hdf5)                                                                              \
    case constant:                                                                                                     \
        for (int64_t i = 0; i < n; i++) out[i] = (double)((const type *)(const void *)raw)[i];                         \
        break;
        KZ_STORED_LIST(WIDEN)
#undef WIDEN
    }
    for (int64_t i = 0; a->boolean && i < n; i++) out[i] = out[i] != 0;
}

/* ---- rows ---- */

kz_status kz_rows_begin(kz_array_rows_in *r, const kz_array_in *a, int64_t memory)
{
    int64_t bytes = a->extent[0] * kz_array_in_row(a) * a->file_size;
    char size[24];
    kz_status st = KZ_OK;
    r->a = a;
    r->row = 0;
    if (bytes > memory && bytes / MOST_RATIO > a->bytes->size) {
        kz_format_size(size, (double)bytes);
        return KZ_FAIL(KZ_E_DATA,
                       "%s: unpacks to %s, over %d times its size and more than --memory; raise --memory if that "
                       "is meant",
                       a->name, size, MOST_RATIO);
    }
    KZ_TRY(a->bytes->seek(a->bytes, a->offset));
    if (!a->fortran || a->rank == 1) goto done;
    if (bytes > memory / 2) {
        kz_format_size(size, (double)bytes);
        st = KZ_FAIL(KZ_E_DATA,
                     "%s: is in Fortran order, for which all of its %s must be held in memory; raise --memory, or "
                     "save numpy.ascontiguousarray of it",
                     a->name, size);
        goto done;
    }
    if (r->raw_room < bytes) {
        kz_free(&r->raw);
        KZ_TRY(kz_calloc(&r->raw, bytes, 1, "array in Fortran order"));
        r->raw_room = bytes;
    }
    KZ_TRY(kz_bytes_exact(a->bytes, r->raw, bytes, "its values"));
done:
    return st;
}

/* Element (row, k), k counting the other indices with the last one fastest, of an array with the first one fastest. */
static int64_t place_of(const kz_array_in *a, int64_t row, int64_t k)
{
    int64_t index[KZ_RANK_MAX] = {row}, place = 0;
    for (int i = a->rank - 1; i > 0; i--) {
        index[i] = k % a->extent[i];
        k /= a->extent[i];
    }
    for (int i = a->rank - 1; i >= 0; i--) place = place * a->extent[i] + index[i];
    return place;
}

kz_status kz_rows_read(kz_array_rows_in *r, int64_t n, double *out)
{
    const kz_array_in *a = r->a;
    int64_t row = kz_array_in_row(a), bytes = n * row * a->file_size;
    kz_status st = KZ_OK;
    if (a->fortran && a->rank > 1) {
        for (int64_t i = 0; i < n; i++)
            for (int64_t k = 0; k < row; k++) {
                uint8_t value[8];
                memcpy(value, r->raw + place_of(a, r->row + i, k) * a->file_size, (size_t)a->file_size);
                widen(out + i * row + k, a, value, 1);
            }
    } else {
        if (r->raw_room < bytes) {
            kz_free(&r->raw);
            KZ_TRY(kz_calloc(&r->raw, bytes, 1, "rows of an array"));
            r->raw_room = bytes;
        }
        KZ_TRY(kz_bytes_exact(a->bytes, r->raw, bytes, "its values"));
        widen(out, a, r->raw, n * row);
    }
    r->row += n;
done:
    return st;
}

kz_status kz_rows_end(kz_array_rows_in *r)
{
    uint8_t more;
    int64_t got = 0;
    kz_status st = r->a->bytes->read(r->a->bytes, &more, 1, &got);
    if (st == KZ_OK && got > 0)
        st = KZ_FAIL(KZ_E_DATA, "%s: goes on behind the values that its head announces; it is damaged", r->a->name);
    return st;
}

void kz_rows_free(kz_array_rows_in *r)
{
    kz_free(&r->raw);
}
