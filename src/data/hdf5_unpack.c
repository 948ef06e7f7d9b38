/* The filters of a chunk undone: gzip, shuffle, Fletcher32; the sizes that other filters claim are checked. */
#include "data/hdf5_unpack.h"
#include "data/hdf5_impl.h"

#include <limits.h>
#include <string.h>

enum { CHECKSUM_BYTES = 4 };

/* ---- memory ---- */

static voidpf allocate(voidpf none, uInt n, uInt size)
{
    void *p = NULL;
    (void)none;
    return kz_calloc(&p, n, size, "inflate") == KZ_OK ? p : NULL;
}

static void release(voidpf none, voidpf p)
{
    (void)none;
    kz_free(&p);
}

/* No packer makes data much larger; what is stored in more bytes is no chunk of this array. */
kz_status kz_unpack_begin(kz_unpacker *u, size_t values_bytes)
{
    kz_status st = KZ_OK;
    size_t room = values_bytes;
    if (u->n == 0) return kz_calloc(&u->chunk, (int64_t)room, 1, u->object);
    if (u->bytes > UINT_MAX - 4096)
        return KZ_FAIL(KZ_E_DATA, "%s: %s has chunks of %zu bytes, too large to unpack; write it with smaller ones",
                       u->path, u->object, u->bytes);
    u->most = u->bytes + u->bytes / 8 + 4096;
    if (u->most > UINT_MAX - 1) u->most = UINT_MAX - 1; /* zlib counts in 32 bits */
    if (room < u->most + 1) room = u->most + 1;         /* the byte that is too many */
    KZ_TRY(kz_calloc(&u->chunk, (int64_t)room, 1, u->object));
    KZ_TRY(kz_calloc(&u->spare, (int64_t)room, 1, u->object));
    u->inflate = (z_stream){.zalloc = allocate, .zfree = release};
    if (inflateInit(&u->inflate) != Z_OK) st = KZ_FAIL(KZ_E_MEM, "%s: no memory to unpack %s", u->path, u->object);
done:
    return st;
}

void kz_unpack_end(kz_unpacker *u)
{
    inflateEnd(&u->inflate);
    kz_free(&u->chunk);
    kz_free(&u->spare);
}

static void swap(kz_unpacker *u)
{
    uint8_t *chunk = u->chunk;
    u->chunk = u->spare;
    u->spare = chunk;
}

/* ---- sizes ---- */

static bool active(uint32_t skipped, int i)
{
    return !(skipped >> i & 1);
}

/* Bytes that filter i was given: exact where those before it keep the size, else at most. */
static size_t given(const kz_unpacker *u, uint32_t skipped, int i, bool *exact)
{
    size_t bytes = u->bytes;
    *exact = true;
    for (int k = 0; k < i; k++) {
        if (!active(skipped, k) || u->filter[k].id == H5Z_FILTER_SHUFFLE) continue;
        if (u->filter[k].id == H5Z_FILTER_FLETCHER32) bytes += CHECKSUM_BYTES;
        else *exact = false;
    }
    return *exact ? bytes : u->most;
}

static kz_status wrong_size(const kz_unpacker *u, size_t found, size_t wanted)
{
    return KZ_FAIL(KZ_E_DATA, "%s: %s has a chunk that unpacks to %zu bytes, wanted %zu; write the file again", u->path,
                   u->object, found, wanted);
}

/* ---- filters ---- */

static kz_status undo_deflate(kz_unpacker *u, size_t *n, size_t wanted, bool exact)
{
    z_stream *z = &u->inflate;
    size_t room = wanted + 1;
    inflateReset(z);
    z->next_in = u->chunk;
    z->avail_in = (uInt)*n;
    z->next_out = u->spare;
    z->avail_out = (uInt)room;
    int code = inflate(z, Z_FINISH);
    size_t made = room - z->avail_out;
    if (code == Z_MEM_ERROR) return KZ_FAIL(KZ_E_MEM, "%s: no memory to unpack %s", u->path, u->object);
    if (made > wanted)
        return KZ_FAIL(KZ_E_DATA, "%s: %s has a chunk that unpacks to more than its %zu bytes; write the file again",
                       u->path, u->object, u->bytes);
    if (code != Z_STREAM_END)
        return KZ_FAIL(KZ_E_DATA, "%s: %s has a chunk that cannot be unpacked: %s; the file is damaged, fetch it again",
                       u->path, u->object,
                       code == Z_BUF_ERROR ? "its gzip data end too early" : "its gzip data are wrong");
    if (exact && made < wanted) return wrong_size(u, made, wanted);
    *n = made;
    swap(u);
    return KZ_OK;
}

static inline void gather(uint8_t *restrict out, const uint8_t *restrict in, size_t size, size_t values)
{
    for (size_t i = 0; i < values; i++)
        for (size_t k = 0; k < size; k++) out[i * size + k] = in[k * values + i];
}

/* Packed is byte 0 of all values, then byte 1 of all; what makes up no value stays at the end. */
static void undo_shuffle(kz_unpacker *u, const kz_filter *f, size_t n)
{
    size_t size = f->value[0], values = size > 1 ? n / size : 0;
    if (values < 2) return;
    switch (size) { /* a size known to the compiler is unpacked ten times as fast */
    case 2: gather(u->spare, u->chunk, 2, values); break;
    case 4: gather(u->spare, u->chunk, 4, values); break;
    case 8: gather(u->spare, u->chunk, 8, values); break;
    default: gather(u->spare, u->chunk, size, values);
    }
    memcpy(u->spare + values * size, u->chunk + values * size, n - values * size);
    swap(u);
}

static uint32_t little_endian(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* HDF5's form of it: over big-endian words of 16 bits, modulo 2^16 - 1 with both forms of 0.  A block of 360 words is
 * the most whose sums fit in 32 bits. */
static uint32_t fletcher32(const uint8_t *p, size_t n)
{
    uint32_t a = 0, b = 0;
    for (size_t words = n / 2; words > 0;) {
        size_t block = words < 360 ? words : 360;
        words -= block;
        for (; block > 0; block--, p += 2) {
            a += (uint32_t)p[0] << 8 | p[1];
            b += a;
        }
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    if (n % 2) {
        a += (uint32_t)*p << 8;
        b += a;
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
    return b << 16 | a;
}

/* HDF5 1.6.2 swapped the bytes of each half of the sum on little-endian machines. */
static kz_status undo_fletcher32(const kz_unpacker *u, size_t *n)
{
    if (*n < CHECKSUM_BYTES) return wrong_size(u, 0, u->bytes);
    *n -= CHECKSUM_BYTES;
    uint32_t stored = little_endian(u->chunk + *n), sum = fletcher32(u->chunk, *n);
    uint32_t swapped = (sum & 0x00ff00ff) << 8 | (sum >> 8 & 0x00ff00ff);
    if (stored == sum || stored == swapped) return KZ_OK;
    return KZ_FAIL(KZ_E_DATA,
                   "%s: %s has a chunk whose Fletcher32 checksum is wrong; the file is damaged, fetch it again",
                   u->path, u->object);
}

/* HDF5's other filters say in the file what they unpack to. */
static kz_status check_claim(const kz_unpacker *u, const kz_filter *f, size_t n, size_t wanted)
{
    size_t claimed = wanted;
    if (f->id == H5Z_FILTER_SZIP) claimed = n < 4 ? 0 : little_endian(u->chunk);
    if (f->id == H5Z_FILTER_SCALEOFFSET) claimed = (size_t)f->value[2] * f->value[4];
    if (f->id == H5Z_FILTER_NBIT) claimed = f->value[1] ? n : (size_t)f->value[2] * f->value[4]; /* [1]: not packed */
    return claimed == wanted ? KZ_OK : wrong_size(u, claimed, wanted);
}

kz_status kz_unpack(kz_unpacker *u, uint32_t skipped, size_t n, bool *whole)
{
    bool exact;
    kz_status st = KZ_OK;
    *whole = false;
    for (int i = u->n - 1; i >= 0; i--) {
        const kz_filter *f = &u->filter[i];
        if (!active(skipped, i)) continue;
        size_t wanted = given(u, skipped, i, &exact);
        switch (f->id) {
        case H5Z_FILTER_DEFLATE: KZ_TRY(undo_deflate(u, &n, wanted, exact)); break;
        case H5Z_FILTER_SHUFFLE: undo_shuffle(u, f, n); break;
        case H5Z_FILTER_FLETCHER32: KZ_TRY(undo_fletcher32(u, &n)); break;
        default: return exact ? check_claim(u, f, n, wanted) : KZ_OK;
        }
    }
    if (n != u->bytes) return wrong_size(u, n, u->bytes);
    *whole = true;
done:
    return st;
}
