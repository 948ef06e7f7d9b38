/* In which order rows are visited: permutations by the seed (docs/arithmetic.md, rule 9). */
#include "data/data_impl.h"
#include "kernels/arith/philox.h"

#include <stdlib.h>

void kz_permute(int64_t *order, int64_t n, uint64_t seed, uint32_t purpose, uint32_t epoch, int64_t first)
{
    for (int64_t i = 0; i < n; i++) order[i] = i;
    kz_permute_these(order, n, seed, purpose, epoch, first);
}

/* Exchanges are drawn some time before they are made, so that what they touch, anywhere in a large array, is on its way. */
enum { DRAWN = 32 };

void kz_permute_these(int64_t *order, int64_t n, uint64_t seed, uint32_t purpose, uint32_t epoch, int64_t first)
{
    kz_stream stream = kz_stream_of(seed, purpose, 0, epoch);
    philox4x32_ctr_t pair = {{0}}; /* two numbers come at a time */
    int64_t with[DRAWN];
    for (int64_t last = n - 1; last > 0; last -= DRAWN) {
        int64_t least = last > DRAWN ? last - DRAWN : 0; /* i = last ... least + 1 */
        for (int64_t i = last; i > least; i--) {
            uint64_t e = (uint64_t)(first + i);
            if (e % 2 == 1 || i == n - 1) pair = kz_random_block(stream, e / 2);
            uint64_t bits = (uint64_t)pair.v[2 * (e % 2) + 1] << 32 | pair.v[2 * (e % 2)];
            with[last - i] = (int64_t)kz_scale_u64(bits, (uint64_t)i + 1);
            __builtin_prefetch(order + with[last - i], 1);
        }
        for (int64_t i = last; i > least; i--) {
            int64_t j = with[last - i], swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
    }
}

void kz_data_shuffle(int64_t *order, int64_t n, uint64_t seed, uint32_t epoch)
{
    kz_permute(order, n, seed, KZ_FOR_SHUFFLE, epoch, 0);
}

/* ---- blocks and windows ---- */

kz_status kz_blocks_create(kz_blocks *b, int64_t array_rows, int64_t rows, int64_t per_window)
{
    kz_status st = KZ_OK;
    *b = (kz_blocks){.array_rows = array_rows, .rows = rows, .per_window = per_window};
    b->n = (array_rows + rows - 1) / rows;
    b->windows = (b->n + per_window - 1) / per_window;
    KZ_TRY(kz_calloc(&b->begin, b->n + 1, sizeof *b->begin, "blocks of rows"));
    KZ_TRY(kz_calloc(&b->order, b->n, sizeof *b->order, "blocks of rows"));
    KZ_TRY(kz_calloc(&b->first, b->windows + 1, sizeof *b->first, "windows of rows"));
done:
    if (st != KZ_OK) kz_blocks_free(b);
    return st;
}

void kz_blocks_free(kz_blocks *b)
{
    kz_free(&b->begin);
    kz_free(&b->order);
    kz_free(&b->first);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Of a window only which blocks it has counts: its rows are permuted, and a disk likes ascending blocks. */
static void place_windows(kz_blocks *b)
{
    for (int64_t w = 0, at = 0; w < b->windows; w++) {
        int64_t n = b->n - at < b->per_window ? b->n - at : b->per_window, rows = 0;
        qsort(b->order + at, (size_t)n, sizeof *b->order, ascending);
        for (int64_t i = at; i < at + n; i++) rows += b->begin[b->order[i] + 1] - b->begin[b->order[i]];
        b->first[w + 1] = b->first[w] + rows;
        at += n;
    }
}

void kz_blocks_counted(kz_blocks *b)
{
    for (int64_t i = 0; i < b->n; i++) {
        b->begin[i + 1] += b->begin[i];
        b->order[i] = i;
    }
    place_windows(b);
}

void kz_blocks_shuffle(kz_blocks *b, uint64_t seed, uint32_t epoch)
{
    kz_permute(b->order, b->n, seed, KZ_FOR_SHUFFLE, epoch, 0);
    place_windows(b);
}

/* row[...] <- the rows of window w, ascending. */
static void list_window(int64_t *row, const kz_blocks *b, int64_t w)
{
    int64_t end = (w + 1) * b->per_window < b->n ? (w + 1) * b->per_window : b->n;
    for (int64_t i = w * b->per_window; i < end; i++)
        for (int64_t r = b->begin[b->order[i]]; r < b->begin[b->order[i] + 1]; r++) *row++ = r;
}

kz_status kz_data_shuffle_windows(int64_t *order, const kz_windows *w, uint64_t seed, uint32_t epoch)
{
    kz_blocks b;
    kz_status st = kz_blocks_create(&b, w->array_rows, w->block, w->window / w->block);
    if (st != KZ_OK) return st;
    for (int64_t r = 0; r < w->rows; r++) b.begin[(w->index ? w->index[r] : r) / w->block + 1]++;
    kz_blocks_counted(&b);
    kz_blocks_shuffle(&b, seed, epoch);
    for (int64_t i = 0; i < b.windows; i++) {
        list_window(order + b.first[i], &b, i);
        kz_permute_these(order + b.first[i], b.first[i + 1] - b.first[i], seed, KZ_FOR_WINDOW, epoch, b.first[i]);
    }
    kz_blocks_free(&b);
    return KZ_OK;
}
