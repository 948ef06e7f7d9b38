/* Every value of a file once: hashes of rows and columns, the digest, targets, and what is not finite. */
#include "data/check_impl.h"
#include "kernels/arith/arith.h"

#include <math.h>
#include <string.h>

uint64_t kz_check_mix(uint64_t z) /* D. Stafford's variant 13 of the 64-bit finaliser */
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

uint64_t kz_value_bits(double v)
{
    return v == v ? kz_bits_f64(v + 0.0) : 0x7ff8000000000000ull;
}

/* ---- widening ---- */

static void widen(double *out, kz_stored stored, const void *in, int64_t at, int64_t n)
{
    switch (stored) {
#define WIDEN_CASE(constant, name, type, hdf5)                                                                         \
    case constant:                                                                                                     \
        for (int64_t i = 0; i < n; i++) out[i] = (double)((const type *)in)[at + i];                                   \
        break;
        KZ_STORED_LIST(WIDEN_CASE)
#undef WIDEN_CASE
    }
}

/* Integers beyond 2^53 are rounded by widening; what it leaves keeps them apart.  2^63 and 2^64 are reached by rounding. */
static void find_rest(int64_t *rest, const double *v, kz_stored stored, const void *in, int64_t at, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t exact = ((const uint64_t *)in)[at + i], rounded;
        if (stored == KZ_STORED_INT64) rounded = v[i] < 0x1p63 ? (uint64_t)(int64_t)v[i] : (uint64_t)1 << 63;
        else rounded = v[i] < 0x1p64 ? (uint64_t)v[i] : 0;
        rest[i] = (int64_t)(exact - rounded);
    }
}

kz_status kz_check_read(kz_check_run *run, kz_hdf5 *file, const kz_array *a, kz_sha256 *digest, kz_row_fn *fn,
                        void *context)
{
    int64_t rows = kz_array_rows(a), columns = kz_array_row(a), block = kz_array_block(a);
    size_t size = (size_t)kz_stored_size(a->stored);
    bool wide = a->stored == KZ_STORED_INT64 || a->stored == KZ_STORED_UINT64;
    void *in = NULL;
    double *values = NULL;
    int64_t *rest = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&in, block * columns, size, a->object));
    KZ_TRY(kz_calloc(&values, columns, sizeof *values, a->object));
    if (wide) KZ_TRY(kz_calloc(&rest, columns, sizeof *rest, a->object));
    for (int64_t first = 0; first < rows; first += block) {
        int64_t n = first + block < rows ? block : rows - first;
        KZ_TRY(kz_hdf5_read(file, a, first, n, in));
        if (digest) kz_sha256_add(digest, in, (size_t)(n * columns) * size);
        for (int64_t i = 0; i < n; i++) {
            widen(values, a->stored, in, i * columns, columns);
            if (wide) find_rest(rest, values, a->stored, in, i * columns, columns);
            fn(context, first + i, values, rest);
        }
        run->done += n;
        if (run->options->progress) run->options->progress(run->options->context, run->done, run->total);
    }
done:
    kz_free(&in);
    kz_free(&values);
    kz_free(&rest);
    return st;
}

/* ---- features ---- */

typedef struct {
    kz_checked *c;
    kz_checked_split *s;
    uint64_t mask, salt; /* salt: of the split, so that a column's rows count by their place */
    kz_findings items;   /* one finding that collects the first places */
    int64_t nan, infinite, large, rows_bad;
} x_pass;

/* A fault of binary32 as well: training converts every value to it. */
static bool fits(double v)
{
    return fabs(v) < 0x1.ffffffp127;
}

static void note_bad(x_pass *p, int64_t row, const double *values)
{
    char name[96];
    p->rows_bad++;
    for (int64_t j = 0; j < p->c->features; j++) {
        if (fits(values[j])) continue;
        p->s->bad[j]++;
        p->s->bad_values++;
        if (isnan(values[j])) p->nan++;
        else if (isinf(values[j])) p->infinite++;
        else p->large++;
        kz_finding_item item = kz_finding_item_none();
        item.row = row;
        item.feature = j;
        if (isfinite(values[j])) item.value = values[j];
        /* without memory the place is left out, and the count still has it; NaN without its sign */
        (void)kz_finding_add_item(&p->items, item, "row %lld, %s: %g", (long long)row,
                                  kz_checked_feature(p->c, j, name), isnan(values[j]) ? NAN : values[j]);
    }
}

static void take_x(void *context, int64_t row, const double *values, const int64_t *rest)
{
    x_pass *p = context;
    int64_t n = p->c->features, bad = 0;
    uint64_t h = 0x9e3779b97f4a7c15ull, place = kz_check_mix(p->salt + (uint64_t)row);
    for (int64_t j = 0; j < n; j++) {
        uint64_t bits = kz_value_bits(values[j]);
        if (rest) bits ^= kz_check_mix((uint64_t)rest[j]) - kz_check_mix(0);
        h = (h ^ bits) * 0xff51afd7ed558ccdull;
        h ^= h >> 32;
        p->c->column_hash[j] += (bits ^ place) * 0x9e3779b97f4a7c15ull ^ (bits ^ place) >> 29;
        bad += !fits(values[j]);
    }
    p->s->x_hash[row] = kz_check_mix(h) & p->mask;
    if (bad) note_bad(p, row, values);
}

static kz_status report_bad(x_pass *p, kz_findings *f, const char *where)
{
    int64_t features = 0;
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < p->c->features; j++) features += p->s->bad[j] > 0;
    kz_finding *items = &p->items.list[0];
    KZ_TRY(kz_findings_add(f, KZ_RULE_NON_FINITE, KZ_FINDING_ERROR, where, p->s->bad_values,
                           "%lld value%s in %lld row%s and %lld feature%s: %lld NaN, %lld infinite, %lld too large for "
                           "binary32",
                           (long long)p->s->bad_values, p->s->bad_values == 1 ? "" : "s", (long long)p->rows_bad,
                           p->rows_bad == 1 ? "" : "s", (long long)features, features == 1 ? "" : "s",
                           (long long)p->nan, (long long)p->infinite, (long long)p->large));
    for (int i = 0; i < items->items; i++) KZ_TRY(kz_finding_add_item(f, items->item[i], "%s", items->item[i].text));
done:
    return st;
}

static kz_status pass_x(kz_check_run *run, kz_checked *c, kz_findings *f, int split, kz_sha256 *digest)
{
    x_pass p = {.c = c, .s = &c->split[split], .mask = run->options->hash_mask, .salt = (uint64_t)split << 60};
    kz_status st = KZ_OK;
    KZ_TRY(kz_findings_add(&p.items, KZ_RULE_NON_FINITE, KZ_FINDING_ERROR, "", 0, " "));
    KZ_TRY(kz_calloc(&p.s->x_hash, p.s->rows, sizeof *p.s->x_hash, "hashes of rows"));
    KZ_TRY(kz_calloc(&p.s->bad, c->features, sizeof *p.s->bad, "features"));
    KZ_TRY(kz_check_read(run, c->file, &p.s->x, digest, take_x, &p));
    if (p.s->bad_values > 0) KZ_TRY(report_bad(&p, f, kz_split_names[split]));
done:
    kz_findings_free(&p.items);
    return st;
}

/* ---- targets ---- */

typedef struct {
    double *out;
    int64_t columns;
} y_pass;

static void take_y(void *context, int64_t row, const double *values, const int64_t *rest)
{
    y_pass *p = context;
    (void)rest; /* class numbers that need it are out of range */
    memcpy(p->out + row * p->columns, values, (size_t)p->columns * sizeof *values);
}

static kz_status report_targets(const kz_checked *c, kz_findings *f, int split)
{
    const kz_checked_split *s = &c->split[split];
    int64_t n = s->rows * c->targets, bad = 0;
    kz_status st = KZ_OK;
    for (int64_t i = 0; i < n; i++) bad += !fits(s->target[i]);
    if (bad == 0) return KZ_OK;
    KZ_TRY(kz_findings_add(f, KZ_RULE_TARGET_NON_FINITE, KZ_FINDING_ERROR, kz_split_names[split], bad,
                           "%lld of %lld targets are NaN, infinite or too large for binary32", (long long)bad,
                           (long long)n));
    for (int64_t i = 0; i < n; i++) {
        if (fits(s->target[i])) continue;
        kz_finding_item item = kz_finding_item_none();
        item.row = i / c->targets;
        KZ_TRY(kz_finding_add_item(f, item, "row %lld: %g", (long long)item.row,
                                   isnan(s->target[i]) ? NAN : s->target[i]));
    }
done:
    return st;
}

static kz_status pass_y(kz_check_run *run, kz_checked *c, kz_findings *f, int split, kz_sha256 *digest)
{
    kz_checked_split *s = &c->split[split];
    y_pass p = {.columns = c->targets};
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&s->target, s->rows, (size_t)c->targets * sizeof *s->target, "targets"));
    p.out = s->target;
    KZ_TRY(kz_check_read(run, c->file, &s->y, digest, take_y, &p));
    if (!c->classification) KZ_TRY(report_targets(c, f, split));
done:
    return st;
}

/* ---- both ---- */

static kz_status check_memory(const kz_check_run *run, const kz_checked *c)
{
    double bytes = 0, block = 0;
    char needed[24], allowed[24];
    for (int i = 0; i < KZ_SPLITS; i++) /* hashes, targets, labels, sorting them; one block of x at a time */
        if (c->split[i].there) {
            const kz_array *x = &c->split[i].x;
            bytes += (double)c->split[i].rows * (8.0 + 8.0 * (double)c->targets + 4 + 48);
            block =
                fmax(block, (double)kz_array_block(x) * (double)kz_array_row(x) * (double)kz_stored_size(x->stored) +
                                (double)x->chunk_bytes);
        }
    bytes += block + (double)c->features * (double)(sizeof(kz_feature) + 64);
    if (bytes <= (double)run->options->memory / 2) return KZ_OK;
    kz_format_size(needed, 2 * bytes);
    kz_format_size(allowed, (double)run->options->memory);
    return KZ_FAIL(KZ_E_DATA, "%s: checking it needs %s of memory, --memory allows %s; raise --memory", c->path, needed,
                   allowed);
}

kz_status kz_check_pass(kz_check_run *run, kz_checked *c, kz_findings *f)
{
    kz_sha256 *digest = NULL;
    char role[16];
    uint8_t sha256[32];
    kz_status st = KZ_OK;
    KZ_TRY(check_memory(run, c));
    KZ_TRY(kz_sha256_create(&digest));
    KZ_TRY(kz_calloc(&c->column_hash, c->features, sizeof *c->column_hash, "hashes of features"));
    for (int i = 0; i < KZ_SPLITS; i++) {
        if (!c->split[i].there) continue;
        snprintf(role, sizeof role, "%s/x", kz_split_names[i]);
        kz_array_hash_head(digest, role, &c->split[i].x);
        KZ_TRY(pass_x(run, c, f, i, digest));
        snprintf(role, sizeof role, "%s/y", kz_split_names[i]);
        kz_array_hash_head(digest, role, &c->split[i].y);
        KZ_TRY(pass_y(run, c, f, i, digest));
    }
    kz_sha256_end(digest, sha256);
    kz_digest_text(c->digest, sha256);
done:
    kz_sha256_destroy(&digest);
    return st;
}
