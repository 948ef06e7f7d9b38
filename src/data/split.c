/* Who is trained on and who is held out (docs/arithmetic.md, rule 9). */
#include "data/data_impl.h"
#include "kernels/arith/philox.h"

#include <math.h>

kz_status kz_split_rows(int64_t *valid_rows, int64_t rows, double fraction)
{
    int64_t n = (int64_t)floor(fraction * (double)rows + 0.5);
    if (!(n >= 1 && n < rows))
        return KZ_FAIL(KZ_E_CONFIG,
                       "data.valid.fraction: %g of the %lld rows of train are %lld rows, which leaves none %s",
                       fraction, (long long)rows, (long long)n, n < 1 ? "to validate with" : "to train on");
    *valid_rows = n;
    return KZ_OK;
}

/* As kz_permute, whose first rows they are; in half of its memory. */
static kz_status draw_small(uint8_t *held_out, int64_t rows, int64_t valid_rows, kz_stream stream)
{
    uint32_t *order = NULL;
    kz_status st = kz_calloc(&order, rows, sizeof *order, "permutation");
    if (st != KZ_OK) return st;
    for (int64_t i = 0; i < rows; i++) order[i] = (uint32_t)i;
    for (int64_t i = rows - 1; i > 0; i--) {
        uint64_t j = kz_scale_u64(kz_random_u64(stream, (uint64_t)i), (uint64_t)i + 1);
        uint32_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (int64_t i = 0; i < valid_rows; i++) held_out[order[i] / 8] |= (uint8_t)(1 << order[i] % 8);
    kz_free(&order);
    return KZ_OK;
}

kz_status kz_split_draw(uint8_t *held_out, int64_t rows, int64_t valid_rows, uint64_t seed)
{
    int64_t *order = NULL;
    if (rows <= UINT32_MAX) return draw_small(held_out, rows, valid_rows, kz_stream_of(seed, KZ_FOR_VALID, 0, 0));
    kz_status st = kz_calloc(&order, rows, sizeof *order, "permutation");
    if (st != KZ_OK) return st;
    kz_permute(order, rows, seed, KZ_FOR_VALID, 0, 0);
    for (int64_t i = 0; i < valid_rows; i++) held_out[order[i] / 8] |= (uint8_t)(1 << order[i] % 8);
    kz_free(&order);
    return KZ_OK;
}

kz_status kz_split_valid(kz_data *data, const kz_config *cfg)
{
    int64_t n = data->train.rows, rows = 0, *valid = NULL, *train = NULL;
    uint8_t *held_out = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_split_rows(&rows, n, cfg->data.valid.fraction));
    KZ_TRY(kz_calloc(&held_out, n / 8 + 1, 1, "validation rows"));
    KZ_TRY(kz_split_draw(held_out, n, rows, cfg->seed));
    KZ_TRY(kz_data_hold(data, &valid, rows, sizeof *valid, "validation rows"));
    KZ_TRY(kz_data_hold(data, &train, n - rows, sizeof *train, "training rows"));
    data->valid = data->train;
    data->valid.index = valid;
    data->valid.rows = rows;
    data->train.index = train;
    data->train.rows = n - rows;
    for (int64_t i = 0; i < n; i++) { /* both parts keep the order of the file */
        if (kz_is_held_out(held_out, i)) *valid++ = i;
        else *train++ = i;
    }
done:
    kz_free(&held_out);
    return st;
}
