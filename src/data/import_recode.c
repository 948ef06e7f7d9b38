/* Bytes made of other bytes: gzip unpacked; UTF-16 and Latin-1 as UTF-8. */
#include "data/import_impl.h"

#include <string.h>
#include <zlib.h>

enum { INPUT = 16 << 10 };

/* Bytes read at a time: a small input takes no large buffer. */
static int64_t input_room(const kz_bytes *inner)
{
    return inner->size >= 0 && inner->size < INPUT ? inner->size + 8 : INPUT;
}

/* ---- gzip, with any number of members ---- */

typedef struct {
    kz_bytes base;
    kz_bytes *inner;
    z_stream z;
    bool ready, ended, between; /* between: a member has just ended */
    int64_t room;
    uint8_t input[]; /* (room) */
} gzip_bytes;

static kz_status gzip_fail(const kz_bytes *b, const char *what)
{
    return KZ_FAIL(KZ_E_DATA, "%s: the gzip data are %s; fetch it again", b->name, what);
}

/* *got < n only at the end: a member may be followed by another. */
static kz_status gzip_read(kz_bytes *b, void *out, int64_t n, int64_t *got)
{
    gzip_bytes *g = (gzip_bytes *)b;
    kz_status st = KZ_OK;
    *got = 0;
    while (*got < n && !g->ended) {
        if (g->z.avail_in == 0) {
            int64_t more = 0;
            KZ_TRY(g->inner->read(g->inner, g->input, g->room, &more));
            b->at = g->inner->at;
            g->z.next_in = g->input;
            g->z.avail_in = (uInt)more;
            if (more == 0 && !g->between) return gzip_fail(b, "cut short");
        }
        if (g->between) { /* zeros may pad the end */
            while (g->z.avail_in > 0 && *g->z.next_in == 0) g->z.next_in++, g->z.avail_in--;
            if (g->z.avail_in == 0) {
                int64_t more = 0;
                KZ_TRY(g->inner->read(g->inner, g->input, g->room, &more));
                g->z.next_in = g->input;
                g->z.avail_in = (uInt)more;
                g->ended = more == 0;
                continue;
            }
            g->between = false;
            inflateReset(&g->z);
        }
        int64_t room = n - *got < 1 << 30 ? n - *got : 1 << 30;
        g->z.next_out = (Bytef *)out + *got;
        g->z.avail_out = (uInt)room;
        int code = inflate(&g->z, Z_NO_FLUSH);
        *got += room - g->z.avail_out;
        if (code == Z_STREAM_END) g->between = true;
        else if (code != Z_OK && code != Z_BUF_ERROR) return gzip_fail(b, "damaged");
    }
done:
    return st;
}

static kz_status gzip_seek(kz_bytes *b, int64_t offset)
{
    gzip_bytes *g = (gzip_bytes *)b;
    char skipped[4096];
    kz_status st = KZ_OK;
    KZ_TRY(g->inner->seek(g->inner, 0));
    inflateReset(&g->z);
    g->z.avail_in = 0;
    g->ended = g->between = false;
    b->at = 0;
    while (offset > 0) {
        int64_t got = 0, n = offset < (int64_t)sizeof skipped ? offset : (int64_t)sizeof skipped;
        KZ_TRY(gzip_read(b, skipped, n, &got));
        if (got == 0) break;
        offset -= got;
    }
done:
    return st;
}

static void gzip_close(kz_bytes *b)
{
    gzip_bytes *g = (gzip_bytes *)b;
    if (g->ready) inflateEnd(&g->z);
    kz_bytes_close(&g->inner);
}

kz_status kz_bytes_gunzip(kz_bytes **out, kz_bytes *inner)
{
    gzip_bytes *g = NULL;
    int64_t room = input_room(inner);
    kz_status st = kz_calloc(&g, (int64_t)sizeof *g + room, 1, "gzip reader");
    if (st != KZ_OK) return st;
    if (inflateInit2(&g->z, 15 + 16) != Z_OK) {
        kz_free(&g);
        return KZ_FAIL(KZ_E_MEM, "%s: no memory to unpack it", inner->name);
    }
    g->ready = true;
    g->base =
        (kz_bytes){.name = inner->name, .size = inner->size, .read = gzip_read, .seek = gzip_seek, .close = gzip_close};
    g->inner = inner;
    g->room = room;
    *out = &g->base;
    return KZ_OK;
}

/* ---- texts in other encodings ---- */

typedef enum { UTF8, UTF16_LITTLE, UTF16_BIG, LATIN1 } encoding;

typedef struct {
    kz_bytes base;
    kz_bytes *inner;
    encoding from;
    int64_t at, n; /* of input */
    bool started, ended;
    char carry[4]; /* the character being given out */
    int n_carry, taken;
    int64_t line; /* ends of line seen, for messages */
    int64_t room;
    uint8_t input[]; /* (room) */
} text_bytes;

static kz_status refill(text_bytes *t)
{
    int64_t got = 0, rest = t->n - t->at;
    memmove(t->input, t->input + t->at, (size_t)rest);
    kz_status st = t->inner->read(t->inner, t->input + rest, t->room - rest, &got);
    t->at = 0;
    t->n = rest + got;
    t->ended = got < t->room - rest;
    t->base.at = t->inner->at;
    return st;
}

static int put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12), out[1] = (char)(0x80 | (c >> 6 & 63)), out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18), out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63)), out[3] = (char)(0x80 | (c & 63));
    return 4;
}

static uint32_t unit(const text_bytes *t, int64_t at)
{
    uint32_t a = t->input[at], b = t->input[at + 1];
    return t->from == UTF16_BIG ? a << 8 | b : b << 8 | a;
}

/* The next character as UTF-8; *n = 0 where more input is needed. */
static kz_status next(text_bytes *t, char out[4], int *n)
{
    *n = 0;
    if (t->from == LATIN1) {
        if (t->at < t->n) *n = put_utf8(out, t->input[t->at++]);
        return KZ_OK;
    }
    if (t->n - t->at < 2) {
        if (t->ended && t->at < t->n)
            return KZ_FAIL(KZ_E_DATA, "%s: line %lld: ends within a UTF-16 character; fetch it again", t->base.name,
                           (long long)t->line + 1);
        return KZ_OK;
    }
    uint32_t c = unit(t, t->at);
    int64_t length = 2;
    if (c >= 0xd800 && c < 0xe000) {
        if (t->n - t->at < 4 && !t->ended) return KZ_OK;
        uint32_t low = t->n - t->at < 4 ? 0 : unit(t, t->at + 2);
        if (c >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return KZ_FAIL(KZ_E_DATA, "%s: line %lld: holds half a UTF-16 character; say --encoding if it is another",
                           t->base.name, (long long)t->line + 1);
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        length = 4;
    }
    t->at += length;
    *n = put_utf8(out, c);
    return KZ_OK;
}

static kz_status start(text_bytes *t)
{
    kz_status st = KZ_OK;
    if (t->started) return KZ_OK;
    t->started = true;
    KZ_TRY(refill(t));
    const uint8_t *s = t->input;
    if ((t->from == UTF16_LITTLE || t->from == UTF16_BIG) && t->n >= 2) {
        if (s[0] == 0xff && s[1] == 0xfe) t->from = UTF16_LITTLE, t->at = 2;
        else if (s[0] == 0xfe && s[1] == 0xff) t->from = UTF16_BIG, t->at = 2;
    } else if (t->from == UTF8 && t->n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
        t->at = 3;
    }
done:
    return st;
}

/* UTF-8 stays as it is: past the mark its bytes go from file to caller. */
static kz_status copy_utf8(text_bytes *t, char *out, int64_t n, int64_t *got)
{
    int64_t part = t->n - t->at < n ? t->n - t->at : n;
    memcpy(out, t->input + t->at, (size_t)part);
    t->at += part;
    *got = part;
    if (part == n) return KZ_OK;
    kz_status st = t->inner->read(t->inner, out + part, n - part, &part);
    t->base.at = t->inner->at;
    if (st == KZ_OK) *got += part;
    return st;
}

static kz_status text_read(kz_bytes *b, void *out, int64_t n, int64_t *got)
{
    text_bytes *t = (text_bytes *)b;
    char *to = out;
    kz_status st = KZ_OK;
    *got = 0;
    KZ_TRY(start(t));
    if (t->from == UTF8) return copy_utf8(t, to, n, got);
    while (*got < n) {
        if (t->taken < t->n_carry) {
            to[(*got)++] = t->carry[t->taken++];
            continue;
        }
        t->taken = 0;
        KZ_TRY(next(t, t->carry, &t->n_carry));
        t->line += t->n_carry == 1 && t->carry[0] == '\n';
        if (t->n_carry == 0 && t->ended) break;
        if (t->n_carry == 0) KZ_TRY(refill(t));
    }
done:
    return st;
}

static kz_status text_seek(kz_bytes *b, int64_t offset)
{
    text_bytes *t = (text_bytes *)b;
    (void)offset; /* 0: the table reads from its beginning */
    t->at = t->n = t->line = 0;
    t->started = t->ended = false;
    t->n_carry = t->taken = 0;
    b->at = 0;
    return t->inner->seek(t->inner, 0);
}

static void text_close(kz_bytes *b)
{
    text_bytes *t = (text_bytes *)b;
    kz_bytes_close(&t->inner);
}

/* Without being told: UTF-16 is known by its mark, or by the zeros that it puts between ASCII characters. */
static kz_status guess(kz_bytes *inner, encoding *from)
{
    uint8_t head[4] = {1, 1, 1, 1};
    int64_t got = 0;
    kz_status st = KZ_OK;
    KZ_TRY(inner->read(inner, head, sizeof head, &got));
    KZ_TRY(inner->seek(inner, 0));
    if ((head[0] == 0xff && head[1] == 0xfe) || (head[1] == 0 && head[3] == 0 && head[0] && head[2]))
        *from = UTF16_LITTLE;
    else if ((head[0] == 0xfe && head[1] == 0xff) || (head[0] == 0 && head[2] == 0 && head[1] && head[3]))
        *from = UTF16_BIG;
    else *from = UTF8;
done:
    return st;
}

kz_status kz_bytes_utf8(kz_bytes **out, kz_bytes *inner, const char *name)
{
    text_bytes *t = NULL;
    encoding from = UTF8;
    int64_t room = input_room(inner);
    kz_status st = KZ_OK;
    if (!name || strcmp(name, "utf-16") == 0) KZ_TRY(guess(inner, &from));
    if (name && strcmp(name, "utf-16") == 0 && from == UTF8) from = UTF16_LITTLE;
    if (name && strcmp(name, "latin-1") == 0) from = LATIN1;
    KZ_TRY(kz_calloc(&t, (int64_t)sizeof *t + room, 1, "text reader"));
    t->base =
        (kz_bytes){.name = inner->name, .size = inner->size, .read = text_read, .seek = text_seek, .close = text_close};
    t->inner = inner;
    t->from = from;
    t->room = room;
    *out = &t->base;
done:
    return st;
}
