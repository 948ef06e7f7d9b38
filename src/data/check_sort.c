/* Sorting by 64-bit keys: radix sort, 8 bits at a time, leaving out digits that are the same in all keys. */
#include "data/check_impl.h"
#include "kernels/arith/arith.h"

#include <math.h>
#include <string.h>

kz_status kz_sorter_create(kz_sorter *s, int64_t room)
{
    kz_status st = KZ_OK;
    *s = (kz_sorter){.room = room};
    KZ_TRY(kz_calloc(&s->key, room, sizeof *s->key, "sorting"));
    KZ_TRY(kz_calloc(&s->key2, room, sizeof *s->key2, "sorting"));
    KZ_TRY(kz_calloc(&s->index, room, sizeof *s->index, "sorting"));
    KZ_TRY(kz_calloc(&s->index2, room, sizeof *s->index2, "sorting"));
done:
    return st;
}

void kz_sorter_free(kz_sorter *s)
{
    kz_free(&s->key);
    kz_free(&s->key2);
    kz_free(&s->index);
    kz_free(&s->index2);
}

static void insertion_sort(kz_sorter *s, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        uint64_t key = s->key[i];
        uint32_t index = s->index[i];
        int64_t j = i;
        for (; j > 0 && s->key[j - 1] > key; j--) {
            s->key[j] = s->key[j - 1];
            s->index[j] = s->index[j - 1];
        }
        s->key[j] = key;
        s->index[j] = index;
    }
}

static void by_digit(kz_sorter *s, int64_t n, int digit, const uint32_t *count)
{
    uint32_t at[256], sum = 0;
    for (int i = 0; i < 256; i++) {
        at[i] = sum;
        sum += count[i];
    }
    for (int64_t i = 0; i < n; i++) {
        uint32_t to = at[s->key[i] >> 8 * digit & 255]++;
        s->key2[to] = s->key[i];
        s->index2[to] = s->index[i];
    }
    uint64_t *key = s->key;
    uint32_t *index = s->index;
    s->key = s->key2;
    s->key2 = key;
    s->index = s->index2;
    s->index2 = index;
}

static void sort_indexed(kz_sorter *s, int64_t n)
{
    enum { DIGITS = 8, FEW = 48 };
    uint32_t count[DIGITS][256];
    if (n <= FEW) {
        insertion_sort(s, n);
        return;
    }
    memset(count, 0, sizeof count);
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++) count[d][s->key[i] >> 8 * d & 255]++;
    for (int d = 0; d < DIGITS; d++)
        if (count[d][s->key[0] >> 8 * d & 255] < n) by_digit(s, n, d, count[d]);
}

void kz_sort_keys(kz_sorter *s, int64_t n)
{
    for (int64_t i = 0; i < n; i++) s->index[i] = (uint32_t)i;
    sort_indexed(s, n);
}

/* Bits of a double, flipped so that they ascend as the values do. */
static uint64_t key_of(double x)
{
    uint64_t bits = kz_bits_f64(x + 0.0); /* -0 becomes +0 */
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static double value_of(uint64_t key)
{
    return kz_double_of_bits(key >> 63 ? key & ~(1ull << 63) : ~key);
}

int64_t kz_sort_values(kz_sorter *s, const double *x, int64_t n, double *out)
{
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i])) {
            s->key[m] = key_of(x[i]);
            s->index[m++] = (uint32_t)i;
        }
    if (m > 0) sort_indexed(s, m);
    for (int64_t i = 0; i < m; i++) out[i] = value_of(s->key[i]);
    return m;
}
