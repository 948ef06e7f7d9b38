/* tests/proofs/mutant.h — mutants of HDF5 files: each is a function of the seed files, a seed and its number.
 *
 * Most changes fall on the structures of the file and not on its values.  The newer structures of HDF5 end in a checksum,
 * behind which nothing would be tested: three mutants in four get theirs put right again. */
#ifndef KZ_PROOFS_MUTANT_H
#define KZ_PROOFS_MUTANT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOT_MAX = 4096, SPAN_LONGEST = 2048, MUTANT_ROOM = 1 << 18, MUTANT_SLACK = 4096 };

typedef struct {
    size_t at, n; /* bytes [at, at + n) are summed, the sum follows */
} checked_span;

typedef struct {
    char name[96];
    uint8_t bytes[MUTANT_ROOM];
    size_t n;
    size_t hot[HOT_MAX]; /* where structures begin */
    int n_hot;
    checked_span *span;
    int n_spans;
} seed_file;

/* ---- random numbers: SplitMix64 (Steele, Lea, Flood 2014) ---- */

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline size_t below(uint64_t *state, size_t n)
{
    return (size_t)(next_random(state) % n);
}

/* ---- the checksum of HDF5's newer structures: Jenkins' lookup3, 2006 ---- */

static inline uint32_t rotate(uint32_t x, int k)
{
    return x << k | x >> (32 - k);
}

static inline uint32_t word_at(const uint8_t *p, size_t n)
{
    uint32_t w = 0;
    for (size_t i = 0; i < n && i < 4; i++) w |= (uint32_t)p[i] << 8 * i;
    return w;
}

static inline uint32_t lookup3(const uint8_t *p, size_t n)
{
    uint32_t a = 0xdeadbeef + (uint32_t)n, b = a, c = a;
    for (; n > 12; n -= 12, p += 12) {
        a += word_at(p, 4), b += word_at(p + 4, 4), c += word_at(p + 8, 4);
        a -= c, a ^= rotate(c, 4), c += b;
        b -= a, b ^= rotate(a, 6), a += c;
        c -= b, c ^= rotate(b, 8), b += a;
        a -= c, a ^= rotate(c, 16), c += b;
        b -= a, b ^= rotate(a, 19), a += c;
        c -= b, c ^= rotate(b, 4), b += a;
    }
    if (n == 0) return c;
    a += word_at(p, n);
    if (n > 4) b += word_at(p + 4, n - 4);
    if (n > 8) c += word_at(p + 8, n - 8);
    c ^= b, c -= rotate(b, 14);
    a ^= c, a -= rotate(c, 11);
    b ^= a, b -= rotate(a, 25);
    c ^= b, c -= rotate(b, 16);
    a ^= c, a -= rotate(c, 4);
    b ^= a, b -= rotate(a, 14);
    c ^= b, c -= rotate(b, 24);
    return c;
}

/* ---- the structures of a seed ---- */

static inline bool has_signature(const uint8_t *p)
{
    static const char known[][5] = {"\x89HDF", "OHDR", "OCHK", "TREE", "SNOD", "HEAP", "GCOL", "FRHP",
                                    "FHDB",    "FHIB", "FSHD", "FSSE", "BTHD", "BTLF", "BTIN", "EAHD",
                                    "EAIB",    "EASB", "EADB", "FAHD", "FADB", "SMTB", "SMLI"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (memcmp(p, known[i], 4) == 0) return true;
    return false;
}

/* Object headers of the oldest format have no signature; what points at one (version 1, 0, few messages) finds it. */
static inline bool is_old_header(const seed_file *s, uint64_t at)
{
    if (at < 96 || at + 16 > s->n || at % 8) return false;
    const uint8_t *p = s->bytes + at;
    return p[0] == 1 && p[1] == 0 && p[2] > 0 && p[2] < 64 && p[3] == 0 && p[4] > 0 && p[5] + p[6] + p[7] == 0;
}

static inline void add_hot(seed_file *s, size_t at)
{
    for (int i = 0; i < s->n_hot; i++)
        if (s->hot[i] == at) return;
    if (s->n_hot < HOT_MAX) s->hot[s->n_hot++] = at;
}

static inline void add_span(seed_file *s, size_t at)
{
    for (size_t n = 8; n <= SPAN_LONGEST && at + n + 4 <= s->n; n++) {
        if (lookup3(s->bytes + at, n) != word_at(s->bytes + at + n, 4)) continue;
        s->span = realloc(s->span, sizeof *s->span * (size_t)(s->n_spans + 1));
        if (!s->span) abort();
        s->span[s->n_spans++] = (checked_span){at, n};
        return;
    }
}

/* Reads a seed, into zeros or over one that was refused, and finds its structures; false if it cannot be read or is too large. */
static inline bool load_seed(seed_file *s, const char *path)
{
    FILE *f = fopen(path, "rb");
    const char *name = strrchr(path, '/');
    if (*s->name) memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", name ? name + 1 : path);
    if (!f) return false;
    s->n = fread(s->bytes, 1, MUTANT_ROOM - MUTANT_SLACK, f);
    bool whole = fgetc(f) == EOF && s->n > 64;
    fclose(f);
    for (size_t i = 0; whole && i + 8 <= s->n; i++) {
        if (has_signature(s->bytes + i)) {
            add_hot(s, i);
            add_span(s, i);
        }
        uint64_t to = word_at(s->bytes + i, 4) | (uint64_t)word_at(s->bytes + i + 4, 4) << 32;
        if (is_old_header(s, to)) add_hot(s, (size_t)to);
    }
    return whole && s->n_hot > 0;
}

/* ---- one change ---- */

typedef struct {
    uint8_t *bytes; /* MUTANT_ROOM of them */
    size_t n;
    const seed_file *seed, *other;
    uint64_t state;
} mutant;

/* A place for `room` bytes: of ten, nine within a structure, near its begin rather than far. */
static inline size_t a_place(mutant *m, size_t room, size_t align)
{
    const seed_file *s = m->seed;
    size_t at = below(&m->state, m->n);
    if (below(&m->state, 10) < 9)
        at = s->hot[below(&m->state, (size_t)s->n_hot)] + below(&m->state, (size_t)16 << below(&m->state, 6));
    at -= at % align;
    return at + room <= m->n ? at : m->n > room ? (m->n - room) / align * align : 0;
}

static inline void put_value(mutant *m, size_t at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n && at + i < m->n; i++) m->bytes[at + i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t interesting(mutant *m)
{
    static const uint64_t values[] = {0,
                                      1,
                                      2,
                                      3,
                                      4,
                                      7,
                                      8,
                                      16,
                                      32,
                                      33,
                                      64,
                                      100,
                                      127,
                                      128,
                                      255,
                                      256,
                                      1000,
                                      0x7fff,
                                      0x8000,
                                      0xffff,
                                      0x10000,
                                      0x100000,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      UINT64_C(0x100000000),
                                      UINT64_C(1) << 40,
                                      UINT64_C(1) << 50,
                                      UINT64_C(0x7fffffffffffffff),
                                      UINT64_C(0x8000000000000000),
                                      UINT64_MAX - 1,
                                      UINT64_MAX};
    const seed_file *s = m->seed;
    switch (below(&m->state, 8)) {
    case 0: return s->hot[below(&m->state, (size_t)s->n_hot)]; /* a pointer to another structure, or to itself */
    case 1: return m->n + below(&m->state, 3) - 1;
    case 2: return next_random(&m->state) >> below(&m->state, 64);
    default: return values[below(&m->state, sizeof values / sizeof *values)];
    }
}

static inline void change_block(mutant *m, size_t kind)
{
    size_t n = 1 + below(&m->state, (size_t)4 << below(&m->state, 8));
    if (n > m->n / 2) n = m->n / 2;
    size_t to = a_place(m, n, 1), from = a_place(m, n, 1);
    if (kind == 0) memmove(m->bytes + to, m->bytes + from, n);
    if (kind == 1) memset(m->bytes + to, 0, n);
    if (kind == 2) memset(m->bytes + to, 0xff, n);
    if (kind == 3)
        for (size_t i = 0; i < n; i++) m->bytes[to + i] = (uint8_t)next_random(&m->state);
    if (kind == 4) { /* of another file, a structure over a structure */
        from = m->other->hot[below(&m->state, (size_t)m->other->n_hot)];
        to = m->seed->hot[below(&m->state, (size_t)m->seed->n_hot)];
        if (from + n <= m->other->n && to + n <= m->n) memcpy(m->bytes + to, m->other->bytes + from, n);
    }
}

static inline void change(mutant *m)
{
    size_t width = (size_t)1 << below(&m->state, 4);
    size_t kind = below(&m->state, 100), at = a_place(m, width, below(&m->state, 2) ? width : 1);
    uint64_t old = 0;
    if (kind < 18) m->bytes[at] ^= (uint8_t)(1 << below(&m->state, 8));
    else if (kind < 30) m->bytes[at] = (uint8_t)next_random(&m->state);
    else if (kind < 62) put_value(m, at, interesting(m), width);
    else if (kind < 76) { /* a little more or less */
        for (size_t i = 0; i < width && at + i < m->n; i++) old |= (uint64_t)m->bytes[at + i] << 8 * i;
        put_value(m, at, old + below(&m->state, 33) - 16, width);
    } else if (kind < 97) change_block(m, kind % 5);
    else if (kind < 99) m->n = 1 + below(&m->state, m->n);
    else { /* more after the end */ size_t more = below(&m->state, MUTANT_SLACK);
        if (m->n + more <= MUTANT_ROOM) m->n += more;
    }
}

/* ---- the whole ---- */

/* m->bytes (of MUTANT_ROOM) <- mutant `number` of the seeds. */
static inline void make_mutant(mutant *m, const seed_file *seeds, int n_seeds, uint64_t seed, int64_t number)
{
    m->state = seed;
    m->state = next_random(&m->state) ^ (uint64_t)number;
    next_random(&m->state);
    m->seed = &seeds[below(&m->state, (size_t)n_seeds)];
    m->other = &seeds[below(&m->state, (size_t)n_seeds)];
    m->n = m->seed->n;
    memcpy(m->bytes, m->seed->bytes, m->n);
    memset(m->bytes + m->n, 0, MUTANT_SLACK);
    bool put_right = below(&m->state, 4) < 3;
    size_t changes = 1;
    while (changes < 12 && below(&m->state, 2)) changes++;
    for (size_t i = 0; i < changes; i++) change(m);
    for (int i = 0; put_right && i < m->seed->n_spans; i++) {
        checked_span s = m->seed->span[i];
        if (s.at + s.n + 4 <= m->n) put_value(m, s.at + s.n, lookup3(m->bytes + s.at, s.n), 4);
    }
}

#endif
