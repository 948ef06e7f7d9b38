/* IDX, the format of MNIST: two zero bytes, the type, the rank, extents of 4 bytes, values, all big-endian. */
#include "data/import_impl.h"

static uint32_t big32(const uint8_t *s)
{
    return (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 | (uint32_t)s[2] << 8 | s[3];
}

kz_status kz_idx_open(kz_array_in *out, kz_bytes *bytes)
{
    static const struct {
        uint8_t code;
        kz_stored stored;
    } types[] = {{8, KZ_STORED_UINT8},  {9, KZ_STORED_INT8},     {11, KZ_STORED_INT16},
                 {12, KZ_STORED_INT32}, {13, KZ_STORED_FLOAT32}, {14, KZ_STORED_FLOAT64}};
    uint8_t head[4], extent[4];
    bool known = false;
    kz_status st = KZ_OK;
    KZ_TRY(bytes->seek(bytes, 0));
    KZ_TRY(kz_bytes_exact(bytes, head, sizeof head, "its IDX head"));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (head[2] == types[i].code) out->stored = types[i].stored, known = true;
    if (head[0] || head[1] || !known)
        return KZ_FAIL(KZ_E_DATA,
                       "%s: is no IDX file: it begins with %02x %02x %02x %02x; wanted 00 00, a type from 08 to "
                       "0e, and the number of dimensions",
                       bytes->name, head[0], head[1], head[2], head[3]);
    if (head[3] < 1 || head[3] > KZ_RANK_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: has %d dimensions, 1 to %d can be imported", bytes->name, head[3], KZ_RANK_MAX);
    out->rank = head[3];
    for (int i = 0; i < out->rank; i++) {
        KZ_TRY(kz_bytes_exact(bytes, extent, sizeof extent, "its IDX head"));
        out->extent[i] = big32(extent);
    }
    out->offset = 4 + 4 * out->rank;
    out->file_size = (int)kz_stored_size(out->stored);
    out->big_endian = true;
    out->bytes = bytes;
    st = kz_array_in_check(out);
    if (st != KZ_OK) out->bytes = NULL;
done:
    return st;
}
