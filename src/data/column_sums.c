/* Sums of the columns of a matrix that comes row by row (docs/arithmetic.md, rule 3): all columns at once.
 *
 * Level 0 adds rows, level i + 1 the block sums of level i.  Each level has the lanes of its unfinished block: 32, or one
 * for each row where there are fewer. */
#include "data/column_sums.h"
#include "kernels/sum/sum.h"

#include <string.h>

enum { TILE = 64 }; /* columns; the lanes of a tile are 16 KiB and stay in the first-level cache */

struct kz_column_sums {
    int64_t columns;
    int levels;
    int64_t n[KZ_SUM_LEVELS]; /* rows of the unfinished block */
    int64_t lanes[KZ_SUM_LEVELS];
    double *lane[KZ_SUM_LEVELS]; /* (lanes, columns) */
};

static int64_t lanes_of(int64_t rows)
{
    return rows < KZ_SUM_LANES ? rows : KZ_SUM_LANES;
}

kz_status kz_column_sums_create(kz_column_sums **out, int64_t rows, int64_t columns)
{
    kz_column_sums *s = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&s, 1, sizeof *s, "column sums"));
    s->columns = columns;
    for (bool more = true; more; s->levels++) {
        int i = s->levels;
        s->lanes[i] = lanes_of(rows);
        KZ_TRY(kz_calloc(&s->lane[i], s->lanes[i] * columns, sizeof *s->lane[i], "column sums"));
        more = rows > KZ_SUM_BLOCK;
        rows = (rows + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    }
    *out = s;
    s = NULL; /* given away */
done:
    kz_column_sums_destroy(&s);
    return st;
}

double kz_column_sums_bytes(int64_t rows, int64_t columns)
{
    int64_t lanes = lanes_of(rows);
    for (; rows > KZ_SUM_BLOCK; lanes += lanes_of(rows)) rows = (rows + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    return (double)lanes * (double)columns * sizeof(double);
}

void kz_column_sums_destroy(kz_column_sums **s)
{
    if (!*s) return;
    for (int i = 0; i < KZ_SUM_LEVELS; i++) kz_free(&(*s)->lane[i]);
    kz_free(s);
}

/* out[n] <- row `row` of m, from column `column` on. */
static void load(double *out, const kz_column_rows *m, int64_t row, int64_t column, int64_t n)
{
    int64_t at = (m->index ? m->index[row] : row) * m->stride + column;
    const uint8_t *u8 = m->x;
    const float *f32 = m->x;
    if (m->u8)
        for (int64_t j = 0; j < n; j++) out[j] = u8[at + j];
    else
        for (int64_t j = 0; j < n; j++) out[j] = f32[at + j];
    for (int64_t j = 0; m->mean && j < n; j++) out[j] = (out[j] - m->mean[column + j]) * (out[j] - m->mean[column + j]);
}

/* Adds rows first .. first + rows - 1 of m to the unfinished block, which has room for them. */
static void add_tile(kz_column_sums *s, const kz_column_rows *m, int64_t first, int64_t rows, int64_t column, int64_t n)
{
    double lane[KZ_SUM_LANES][TILE], x[TILE];
    for (int l = 0; l < s->lanes[0]; l++)
        memcpy(lane[l], s->lane[0] + l * s->columns + column, (size_t)n * sizeof **lane);
    for (int64_t i = 0; i < rows; i++) {
        double *to = lane[(s->n[0] + i) % KZ_SUM_LANES];
        load(x, m, first + i, column, n);
        for (int64_t j = 0; j < n; j++) to[j] += x[j];
    }
    for (int l = 0; l < s->lanes[0]; l++)
        memcpy(s->lane[0] + l * s->columns + column, lane[l], (size_t)n * sizeof **lane);
}

/* Row 0 of the level's lanes <- their tree; the others are of no use then. */
static void fold(kz_column_sums *s, int level)
{
    for (int half = KZ_SUM_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half && l + half < s->lanes[level]; l++) {
            double *to = s->lane[level] + l * s->columns, *from = to + half * s->columns;
            for (int64_t j = 0; j < s->columns; j++) to[j] += from[j];
        }
}

/* The block of a level enters the level above. */
static void carry(kz_column_sums *s, int level)
{
    fold(s, level);
    double *to = s->lane[level + 1] + s->n[level + 1] % KZ_SUM_LANES * s->columns;
    for (int64_t j = 0; j < s->columns; j++) to[j] += s->lane[level][j];
    memset(s->lane[level], 0, (size_t)(s->lanes[level] * s->columns) * sizeof *s->lane[level]);
    s->n[level] = 0;
    s->n[level + 1]++;
}

void kz_column_sums_add(kz_column_sums *s, const kz_column_rows *m)
{
    for (int64_t first = 0, rows; first < m->rows; first += rows) {
        for (int i = 0; i + 1 < s->levels; i++)
            if (s->n[i] == KZ_SUM_BLOCK) carry(s, i);
        int64_t room = KZ_SUM_BLOCK - s->n[0];
        rows = m->rows - first < room ? m->rows - first : room;
        for (int64_t column = 0; column < s->columns; column += TILE)
            add_tile(s, m, first, rows, column, s->columns - column < TILE ? s->columns - column : TILE);
        s->n[0] += rows;
    }
}

void kz_column_sums_end(kz_column_sums *s, double *sums)
{
    int top = s->levels - 1;
    for (int i = 0; i < top; i++)
        if (s->n[i] > 0) carry(s, i);
    fold(s, top);
    memcpy(sums, s->lane[top], (size_t)s->columns * sizeof *sums);
}
