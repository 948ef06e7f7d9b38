/* Rows and columns that have the same hash: which of them are equal value by value.
 *
 * Rows of equal hash are read once more and compared by SHA-256 over their values; columns are compared directly.  So
 * hashes that collide, by chance or on purpose, make it slower and never wrong. */
#include "data/check_impl.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t sha256[32];
    uint32_t number; /* of the row, over all splits */
} candidate;

typedef struct {
    const kz_checked *c;
    int64_t *twin;
    kz_sha256 *hash;
    uint32_t *slot; /* (rows of all splits): 1 + its candidate, 0: its hash is its own */
    candidate *list;
    double *clean; /* (features) */
    int64_t first; /* number of the split's first row */
    bool twins;
} verifier;

/* ---- candidates ---- */

static int64_t all_rows(const kz_checked *c)
{
    int64_t n = 0;
    for (int i = 0; i < KZ_SPLITS; i++)
        if (c->split[i].there) n += c->split[i].rows;
    return n;
}

static void fill_keys(const kz_checked *c, uint64_t *key)
{
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!c->split[i].there) continue;
        memcpy(key, c->split[i].x_hash, (size_t)c->split[i].rows * sizeof *key);
        key += c->split[i].rows;
    }
}

/* *n <- rows that share their hash with another one; they are in v->list hash by hash, in ascending order of number. */
static kz_status find_candidates(verifier *v, kz_sorter *s, int64_t rows, int64_t *n)
{
    kz_status st = KZ_OK;
    fill_keys(v->c, s->key);
    kz_sort_keys(s, rows);
    *n = 0;
    for (int64_t i = 0; i < rows; i++)
        *n += (i > 0 && s->key[i] == s->key[i - 1]) || (i + 1 < rows && s->key[i] == s->key[i + 1]);
    if (*n == 0) return KZ_OK;
    KZ_TRY(kz_calloc(&v->list, *n, sizeof *v->list, "rows of equal hash"));
    KZ_TRY(kz_calloc(&v->slot, rows, sizeof *v->slot, "rows of equal hash"));
    int64_t at = 0;
    for (int64_t i = 0; i < rows; i++)
        if ((i > 0 && s->key[i] == s->key[i - 1]) || (i + 1 < rows && s->key[i] == s->key[i + 1])) {
            v->list[at].number = s->index[i];
            v->slot[s->index[i]] = (uint32_t)++at;
        }
done:
    return st;
}

/* ---- reading them again ---- */

static bool same_value(double a, double b)
{
    return a == b || (a != a && b != b);
}

static void take_row(void *context, int64_t row, const double *values, const int64_t *rest)
{
    verifier *v = context;
    int64_t n = v->c->features;
    for (int64_t j = 0; v->twins && j < n; j++) {
        int64_t k = v->twin[j];
        if (k >= 0 && !(same_value(values[j], values[k]) && (!rest || rest[j] == rest[k]))) v->twin[j] = -1;
    }
    uint32_t slot = v->slot ? v->slot[v->first + row] : 0;
    if (slot == 0) return;
    for (int64_t j = 0; j < n; j++) {
        uint64_t bits = kz_value_bits(values[j]);
        memcpy(&v->clean[j], &bits, sizeof bits);
    }
    kz_sha256_add(v->hash, v->clean, (size_t)n * sizeof *v->clean);
    for (int64_t j = 0; rest && j < n; j++) /* of the other types it would be 0 */
        if (rest[j]) kz_sha256_add(v->hash, &(int64_t[2]){j, rest[j]}, 2 * sizeof *rest);
    kz_sha256_end(v->hash, v->list[slot - 1].sha256);
}

static kz_status read_again(kz_check_run *run, verifier *v)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_sha256_create(&v->hash));
    KZ_TRY(kz_calloc(&v->clean, v->c->features, sizeof *v->clean, "a row"));
    for (int i = 0; i < KZ_SPLITS; i++) {
        const kz_checked_split *s = &v->c->split[i];
        if (!s->there) continue;
        KZ_TRY(kz_check_read(run, v->c->file, &s->x, NULL, take_row, v));
        v->first += s->rows;
    }
done:
    return st;
}

/* ---- groups ---- */

uint64_t kz_check_target(const kz_checked *c, int split, int64_t row)
{
    const double *y = c->split[split].target + row * c->targets;
    uint64_t h = kz_value_bits(y[0]);
    for (int64_t j = 1; j < c->targets; j++) h = kz_check_mix(h) + kz_value_bits(y[j]);
    return h;
}

static int by_contents(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    int order = memcmp(x->sha256, y->sha256, sizeof x->sha256);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_first(const void *a, const void *b)
{
    const int64_t *x = a, *y = b; /* {number of its first row, where it begins, its length} */
    return (x[0] > y[0]) - (x[0] < y[0]);
}

static kz_row_place place_of(const kz_checked *c, int64_t number)
{
    kz_row_place p = {0, number, 0};
    while (!c->split[p.split].there || p.row >= c->split[p.split].rows) {
        if (c->split[p.split].there) p.row -= c->split[p.split].rows;
        p.split++;
    }
    p.target = kz_check_target(c, p.split, p.row);
    return p;
}

static int by_target(const void *a, const void *b)
{
    const kz_row_place *x = a, *y = b;
    if (x->split != y->split) return x->split < y->split ? -1 : 1;
    if (x->target != y->target) return x->target < y->target ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Groups in the order of their first rows. */
static kz_status make_groups(const verifier *v, int64_t n, kz_equal_rows *out)
{
    int64_t(*group)[3] = NULL, groups = 0;
    kz_status st = KZ_OK;
    qsort(v->list, (size_t)n, sizeof *v->list, by_contents);
    KZ_TRY(kz_calloc(&group, n, sizeof *group, "equal rows"));
    for (int64_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && memcmp(v->list[i].sha256, v->list[end].sha256, 32) == 0;) end++;
        if (end - i < 2) continue;
        group[groups][0] = v->list[i].number;
        group[groups][1] = i;
        group[groups++][2] = end - i;
        out->n += end - i;
    }
    qsort(group, (size_t)groups, sizeof *group, by_first);
    KZ_TRY(kz_calloc(&out->place, out->n, sizeof *out->place, "equal rows"));
    KZ_TRY(kz_calloc(&out->first, groups + 1, sizeof *out->first, "equal rows"));
    out->groups = groups;
    for (int64_t g = 0, at = 0; g < groups; g++) {
        for (int64_t i = 0; i < group[g][2]; i++) out->place[at++] = place_of(v->c, v->list[group[g][1] + i].number);
        qsort(out->place + out->first[g], (size_t)group[g][2], sizeof *out->place, by_target);
        out->first[g + 1] = at;
    }
done:
    kz_free(&group);
    return st;
}

kz_status kz_check_verify(kz_check_run *run, const kz_checked *c, int64_t *twin, kz_equal_rows *out)
{
    verifier v = {.c = c, .twin = twin};
    kz_sorter sorter = {.room = 0};
    int64_t rows = all_rows(c), n = 0;
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < c->features; j++) v.twins |= twin[j] >= 0;
    if (rows > UINT32_MAX)
        return KZ_FAIL(KZ_E_DATA, "%s: has %lld rows; rows are compared up to %lld; check a part of it", c->path,
                       (long long)rows, (long long)UINT32_MAX);
    KZ_TRY(kz_sorter_create(&sorter, rows));
    KZ_TRY(find_candidates(&v, &sorter, rows, &n));
    if (n == 0 && !v.twins) goto done;
    KZ_TRY(read_again(run, &v));
    if (n > 0) KZ_TRY(make_groups(&v, n, out));
done:
    kz_sorter_free(&sorter);
    kz_sha256_destroy(&v.hash);
    kz_free(&v.clean);
    kz_free(&v.slot);
    kz_free(&v.list);
    return st;
}

void kz_equal_rows_free(kz_equal_rows *e)
{
    kz_free(&e->place);
    kz_free(&e->first);
}
