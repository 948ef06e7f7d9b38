/* Who is trained on and who is held out (docs/arithmetic.md, rule 9). */
#include "data/data_impl.h"
#include "kernels/arith/philox.h"

#include <math.h>

/* Both parts keep the order of the file. */
static void part(int64_t *valid, int64_t *train, const uint8_t *held_out, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (held_out[i]) *valid++ = i;
        else *train++ = i;
    }
}

kz_status kz_split_valid(kz_data *data, const kz_config *cfg)
{
    double fraction = cfg->data.valid.fraction;
    int64_t n = data->train.rows, rows = (int64_t)floor(fraction * (double)n + 0.5);
    int64_t *order = NULL, *valid = NULL, *train = NULL;
    uint8_t *held_out = NULL;
    kz_status st = KZ_OK;
    if (!(rows >= 1 && rows < n))
        return KZ_FAIL(KZ_E_CONFIG,
                       "data.valid.fraction: %g of the %lld rows of train are %lld rows, which leaves none %s",
                       fraction, (long long)n, (long long)rows, rows < 1 ? "to validate with" : "to train on");
    KZ_TRY(kz_calloc(&order, n, sizeof *order, "permutation"));
    KZ_TRY(kz_calloc(&held_out, n, sizeof *held_out, "validation rows"));
    KZ_TRY(kz_data_hold(data, &valid, rows, sizeof *valid, "validation rows"));
    KZ_TRY(kz_data_hold(data, &train, n - rows, sizeof *train, "training rows"));
    kz_permute(order, n, cfg->seed, KZ_FOR_VALID, 0, 0);
    for (int64_t i = 0; i < rows; i++) held_out[order[i]] = 1;
    part(valid, train, held_out, n);
    data->valid = data->train;
    data->valid.index = valid;
    data->valid.rows = rows;
    data->train.index = train;
    data->train.rows = n - rows;
done:
    kz_free(&order);
    kz_free(&held_out);
    return st;
}
