/* NPZ archives: zip files with stored and deflated members, zip64 too.  Everything that the archive says is checked
 * against the size of the file; nothing is unpacked but what is read, and a member's checksum is verified at its end. */
#include "data/import_impl.h"

#include <string.h>
#include <zlib.h>

enum { TAIL = 65535 + 22 + 20, MOST_DIRECTORY = 16 << 20, INPUT = 64 << 10, MOST_RATIO = 1040 };

typedef struct {
    char *name;
    int64_t packed, size, offset; /* offset: of its local head */
    uint32_t crc;
    bool deflated;
} member;

struct kz_zip {
    kz_bytes *bytes;
    member *member;
    int64_t n;
};

static uint64_t little(const uint8_t *s, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--) v = v << 8 | s[i];
    return v;
}

static kz_status damaged(const kz_bytes *b, const char *what)
{
    return KZ_FAIL(KZ_E_DATA, "%s: the archive is damaged: %s; fetch it again, or save it again with numpy.savez",
                   b->name, what);
}

/* ---- the directory ---- */

typedef struct {
    uint64_t at, size, n;
} directory;

/* The end record lies in the last 64 KiB; a zip64 one before it overrules it. */
static kz_status find_directory(kz_bytes *b, directory *d)
{
    uint8_t *tail = NULL, end64[56];
    int64_t n = b->size < TAIL ? b->size : TAIL, at;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&tail, n, 1, "end of an archive"));
    KZ_TRY(b->seek(b, b->size - n));
    KZ_TRY(kz_bytes_exact(b, tail, n, "its directory"));
    for (at = n - 22; at >= 0; at--)
        if (little(tail + at, 4) == 0x06054b50) break;
    if (at < 0) {
        st = damaged(b, "it has no directory, so it may be cut short");
        goto done;
    }
    *d = (directory){little(tail + at + 16, 4), little(tail + at + 12, 4), little(tail + at + 10, 2)};
    if (at >= 20 && little(tail + at - 20, 4) == 0x07064b50) {
        uint64_t where = little(tail + at - 20 + 8, 8);
        if (where > (uint64_t)b->size || (uint64_t)b->size - where < sizeof end64) {
            st = damaged(b, "its directory lies outside");
            goto done;
        }
        KZ_TRY(b->seek(b, (int64_t)where));
        KZ_TRY(kz_bytes_exact(b, end64, sizeof end64, "its directory"));
        if (little(end64, 4) == 0x06064b50)
            *d = (directory){little(end64 + 48, 8), little(end64 + 40, 8), little(end64 + 32, 8)};
    }
    if (d->at > (uint64_t)b->size || d->size > (uint64_t)b->size - d->at || d->size > MOST_DIRECTORY ||
        d->n > d->size / 46)
        st = damaged(b, "its directory lies outside");
done:
    kz_free(&tail);
    return st;
}

/* Sizes and place that did not fit into 32 bits, in this order. */
static void read_zip64(member *m, const uint8_t *extra, int64_t n)
{
    while (n >= 4) {
        int64_t size = (int64_t)little(extra + 2, 2);
        if (size > n - 4) return;
        const uint8_t *s = extra + 4, *end = s + size;
        if (little(extra, 2) == 1) {
            if (m->size == UINT32_MAX && end - s >= 8) m->size = (int64_t)little(s, 8), s += 8;
            if (m->packed == UINT32_MAX && end - s >= 8) m->packed = (int64_t)little(s, 8), s += 8;
            if (m->offset == UINT32_MAX && end - s >= 8) m->offset = (int64_t)little(s, 8);
            return;
        }
        extra += 4 + size;
        n -= 4 + size;
    }
}

static kz_status read_member(const kz_bytes *b, member *m, const uint8_t **at, const uint8_t *end)
{
    const uint8_t *s = *at;
    kz_status st = KZ_OK;
    if (end - s < 46 || little(s, 4) != 0x02014b50) return damaged(b, "an entry of its directory is none");
    int64_t name = (int64_t)little(s + 28, 2), extra = (int64_t)little(s + 30, 2), comment = (int64_t)little(s + 32, 2);
    if (name + extra + comment > end - s - 46) return damaged(b, "an entry of its directory is cut short");
    *m = (member){.packed = (int64_t)little(s + 20, 4),
                  .size = (int64_t)little(s + 24, 4),
                  .offset = (int64_t)little(s + 42, 4),
                  .crc = (uint32_t)little(s + 16, 4),
                  .deflated = little(s + 10, 2) == 8};
    read_zip64(m, s + 46 + name, extra);
    KZ_TRY(kz_calloc(&m->name, name + 1, 1, "name of a member"));
    for (int64_t i = 0; i < name; i++) m->name[i] = s[46 + i] >= ' ' && s[46 + i] < 0x7f ? (char)s[46 + i] : '?';
    if (little(s + 8, 2) & 1)
        return KZ_FAIL(KZ_E_DATA, "%s: %s is encrypted; save it without a password", b->name, m->name);
    if (!m->deflated && little(s + 10, 2) != 0)
        return KZ_FAIL(KZ_E_DATA, "%s: %s is packed by method %llu; save it with numpy.savez or savez_compressed",
                       b->name, m->name, (unsigned long long)little(s + 10, 2));
    if (m->packed < 0 || m->size < 0 || m->offset < 0 || m->offset > b->size - 30 || m->packed > b->size - m->offset)
        return damaged(b, "a member lies outside");
    if (m->deflated ? m->size / MOST_RATIO > m->packed : m->size != m->packed)
        return damaged(b, "a member claims more than its bytes can hold");
    *at = s + 46 + name + extra + comment;
done:
    return st;
}

kz_status kz_zip_open(kz_zip **out, kz_bytes *b)
{
    kz_zip *z = NULL;
    uint8_t *bytes = NULL;
    const uint8_t *at;
    directory d = {0};
    kz_status st = KZ_OK;
    KZ_TRY(find_directory(b, &d));
    KZ_TRY(kz_calloc(&z, 1, sizeof *z, "archive"));
    KZ_TRY(kz_calloc(&z->member, (int64_t)d.n, sizeof *z->member, "archive"));
    KZ_TRY(kz_calloc(&bytes, (int64_t)d.size, 1, "directory of an archive"));
    KZ_TRY(b->seek(b, (int64_t)d.at));
    KZ_TRY(kz_bytes_exact(b, bytes, (int64_t)d.size, "its directory"));
    at = bytes;
    for (uint64_t i = 0; i < d.n; i++) {
        z->n++;
        KZ_TRY(read_member(b, &z->member[i], &at, bytes + d.size));
    }
    z->bytes = b;
    *out = z;
    z = NULL; /* given away */
done:
    kz_free(&bytes);
    kz_zip_close(&z);
    return st;
}

int64_t kz_zip_members(const kz_zip *z)
{
    return z->n;
}

const char *kz_zip_name(const kz_zip *z, int64_t i)
{
    return z->member[i].name;
}

void kz_zip_close(kz_zip **zip)
{
    kz_zip *z = *zip;
    if (!z) return;
    for (int64_t i = 0; i < z->n; i++) kz_free(&z->member[i].name);
    kz_free(&z->member);
    kz_bytes_close(&z->bytes);
    kz_free(zip);
}

/* ---- a member ---- */

typedef struct {
    kz_bytes base;
    kz_zip *zip;
    const member *m;
    int64_t begin;      /* of its bytes in the archive; 0: not known yet */
    int64_t taken, out; /* bytes of the archive read, bytes given */
    uint32_t crc;
    z_stream z;
    bool ended, ready;
    int64_t room;
    uint8_t input[]; /* (room): packed bytes; a stored member needs none */
} member_bytes;

static kz_status find_begin(member_bytes *m)
{
    kz_bytes *b = m->zip->bytes;
    uint8_t head[30];
    kz_status st = KZ_OK;
    if (m->begin) return KZ_OK;
    KZ_TRY(b->seek(b, m->m->offset));
    KZ_TRY(kz_bytes_exact(b, head, sizeof head, "a member"));
    int64_t begin = m->m->offset + 30 + (int64_t)little(head + 26, 2) + (int64_t)little(head + 28, 2);
    if (little(head, 4) != 0x04034b50 || begin > b->size || m->m->packed > b->size - begin)
        return damaged(b, "a member does not begin where the directory says");
    m->begin = begin;
done:
    return st;
}

/* The next bytes as they lie in the archive, which others may have read meanwhile. */
static kz_status take_packed(member_bytes *m, void *out, int64_t n, int64_t *got)
{
    kz_bytes *b = m->zip->bytes;
    kz_status st = KZ_OK;
    *got = n < m->m->packed - m->taken ? n : m->m->packed - m->taken;
    KZ_TRY(b->seek(b, m->begin + m->taken));
    KZ_TRY(kz_bytes_exact(b, out, *got, "a member"));
    m->taken += *got;
    m->base.at = m->taken;
done:
    return st;
}

static kz_status inflate_some(member_bytes *m, uint8_t *out, int64_t n, int64_t *got)
{
    kz_status st = KZ_OK;
    *got = 0;
    while (*got < n && !m->ended) {
        if (m->z.avail_in == 0) {
            int64_t more = 0;
            KZ_TRY(take_packed(m, m->input, m->room, &more));
            m->z.next_in = m->input;
            m->z.avail_in = (uInt)more;
            if (more == 0) return damaged(m->zip->bytes, "a member is cut short");
        }
        int64_t room = n - *got < 1 << 30 ? n - *got : 1 << 30;
        m->z.next_out = out + *got;
        m->z.avail_out = (uInt)room;
        int code = inflate(&m->z, Z_NO_FLUSH);
        *got += room - m->z.avail_out;
        if (code == Z_STREAM_END) m->ended = true;
        else if (code != Z_OK && code != Z_BUF_ERROR) return damaged(m->zip->bytes, "a member does not unpack");
    }
done:
    return st;
}

static kz_status member_read(kz_bytes *b, void *out, int64_t n, int64_t *got)
{
    member_bytes *m = (member_bytes *)b;
    kz_status st = KZ_OK;
    *got = 0;
    KZ_TRY(find_begin(m));
    KZ_TRY(m->m->deflated ? inflate_some(m, out, n, got) : take_packed(m, out, n, got));
    for (int64_t at = 0; at < *got;) {
        int64_t part = *got - at < 1 << 30 ? *got - at : 1 << 30;
        m->crc = (uint32_t)crc32(m->crc, (const Bytef *)out + at, (uInt)part);
        at += part;
    }
    m->out += *got;
    if (m->out > m->m->size) return damaged(m->zip->bytes, "a member is longer than the directory says");
    if (m->out == m->m->size && *got > 0 && m->crc != m->m->crc)
        return KZ_FAIL(KZ_E_DATA, "%s: %s fails its checksum; fetch the file again", m->zip->bytes->name, m->m->name);
done:
    return st;
}

static kz_status member_seek(kz_bytes *b, int64_t offset)
{
    member_bytes *m = (member_bytes *)b;
    char skipped[4096];
    kz_status st = KZ_OK;
    m->taken = m->out = 0;
    m->crc = 0;
    m->ended = false;
    m->z.avail_in = 0;
    if (m->ready) inflateReset(&m->z);
    b->at = 0;
    while (offset > 0) {
        int64_t got = 0, n = offset < (int64_t)sizeof skipped ? offset : (int64_t)sizeof skipped;
        KZ_TRY(member_read(b, skipped, n, &got));
        if (got == 0) break;
        offset -= got;
    }
done:
    return st;
}

static void member_close(kz_bytes *b)
{
    member_bytes *m = (member_bytes *)b;
    if (m->ready) inflateEnd(&m->z);
}

kz_status kz_zip_member(kz_bytes **out, kz_zip *z, int64_t i)
{
    member_bytes *m = NULL;
    const member *entry = &z->member[i];
    int64_t room = !entry->deflated ? 0 : entry->packed < INPUT ? entry->packed : INPUT;
    kz_status st = kz_calloc(&m, (int64_t)sizeof *m + room, 1, "member of an archive");
    if (st != KZ_OK) return st;
    m->ready = entry->deflated && inflateInit2(&m->z, -15) == Z_OK;
    if (entry->deflated && !m->ready) {
        kz_free(&m);
        return KZ_FAIL(KZ_E_MEM, "%s: no memory to unpack it", z->bytes->name);
    }
    m->base = (kz_bytes){
        .name = entry->name, .size = entry->packed, .read = member_read, .seek = member_seek, .close = member_close};
    m->zip = z;
    m->m = entry;
    m->room = room;
    *out = &m->base;
    return KZ_OK;
}
