/* Scaling from the rows of train (docs/arithmetic.md, rules 3 and 10). */
#include "data/data_impl.h"
#include "kernels/sum/sum.h"

#include <math.h>
#include <string.h>

/* ---- sums of all columns at once ---- */

enum { TILE = 64 }; /* columns; the lanes of a tile are 16 KiB and stay in the first-level cache */

typedef enum { OF_U8, OF_F32, OF_F64 } kind;

typedef struct {
    const void *x; /* (*, columns) */
    kind of;
    const int64_t *index; /* (rows), or NULL */
    int64_t rows, columns;
} matrix;

/* out[0..n) <- row `row`, from column `column` on. */
static void load(double *out, const matrix *m, int64_t row, int64_t column, int64_t n)
{
    int64_t at = (m->index ? m->index[row] : row) * m->columns + column;
    const uint8_t *u8 = m->x;
    const float *f32 = m->x;
    const double *f64 = m->x;
    if (m->of == OF_U8)
        for (int64_t j = 0; j < n; j++) out[j] = u8[at + j];
    else if (m->of == OF_F32)
        for (int64_t j = 0; j < n; j++) out[j] = f32[at + j];
    else
        for (int64_t j = 0; j < n; j++) out[j] = f64[at + j];
}

/* sums[n] <- over rows first .. first + rows - 1, at most a block, of x or, with a mean, of (x - mean)^2. */
static void sum_tile(double *sums, const matrix *m, int64_t first, int64_t rows, int64_t column, int64_t n,
                     const double *mean)
{
    double lane[KZ_SUM_LANES][TILE] = {{0}}, x[TILE];
    for (int64_t i = 0; i < rows; i++) {
        double *to = lane[i % KZ_SUM_LANES];
        load(x, m, first + i, column, n);
        for (int64_t j = 0; mean && j < n; j++) x[j] = (x[j] - mean[column + j]) * (x[j] - mean[column + j]);
        for (int64_t j = 0; j < n; j++) to[j] += x[j];
    }
    for (int half = KZ_SUM_LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            for (int64_t j = 0; j < n; j++) lane[l][j] += lane[l + half][j];
    memcpy(sums, lane[0], (size_t)n * sizeof *sums);
}

/* (blocks, columns) <- the sums of m's blocks.  May be m's own memory: row b is written after the rows it is made of. */
static int64_t sum_blocks(double *sums, const matrix *m, const double *mean)
{
    int64_t blocks = 0;
    for (int64_t first = 0; first < m->rows; first += KZ_SUM_BLOCK, blocks++)
        for (int64_t column = 0; column < m->columns; column += TILE) {
            int64_t rows = m->rows - first < KZ_SUM_BLOCK ? m->rows - first : KZ_SUM_BLOCK;
            int64_t n = m->columns - column < TILE ? m->columns - column : TILE;
            sum_tile(sums + blocks * m->columns + column, m, first, rows, column, n, mean);
        }
    return blocks;
}

/* sums[columns] <- each column by rule 3.  The block sums are a shorter matrix, summed by the same rule. */
static kz_status sum_columns(double *sums, const matrix *m, const double *mean)
{
    double *block = NULL;
    int64_t blocks = (m->rows + KZ_SUM_BLOCK - 1) / KZ_SUM_BLOCK;
    kz_status st = kz_calloc(&block, blocks * m->columns, sizeof *block, "block sums");
    if (st != KZ_OK) return st;
    blocks = sum_blocks(block, m, mean);
    while (blocks > 1) {
        matrix upper = {block, OF_F64, NULL, blocks, m->columns};
        blocks = sum_blocks(block, &upper, NULL);
    }
    memcpy(sums, block, (size_t)m->columns * sizeof *sums);
    kz_free(&block);
    return KZ_OK;
}

/* 1 for a constant column, and for a deviation so small that binary32 cannot hold its reciprocal. */
static double usable(double deviation)
{
    return (float)(1 / deviation) <= 0x1.fffffep127f ? deviation : 1;
}

/* Mean and usable population deviation of each column. */
static kz_status moments(double *mean, double *deviation, const matrix *m)
{
    kz_status st = KZ_OK;
    double n = (double)m->rows;
    KZ_TRY(sum_columns(mean, m, NULL));
    for (int64_t j = 0; j < m->columns; j++) mean[j] /= n;
    KZ_TRY(sum_columns(deviation, m, mean));
    for (int64_t j = 0; j < m->columns; j++) deviation[j] = usable(sqrt(deviation[j] / n));
done:
    return st;
}

/* ---- scales ---- */

static kz_status standard(kz_data *data, kz_scale *scale, const double *mean, const double *deviation, int64_t n)
{
    kz_status st = KZ_OK;
    KZ_TRY(kz_data_hold(data, &scale->mean, n, sizeof(float), "means"));
    KZ_TRY(kz_data_hold(data, &scale->factor, n, sizeof(float), "factors"));
    for (int64_t j = 0; j < n; j++) {
        scale->mean[j] = (float)mean[j];
        scale->factor[j] = (float)(1 / deviation[j]);
    }
    scale->kind = "standard";
done:
    return st;
}

static kz_status standard_features(kz_data *data)
{
    const kz_split *s = &data->train;
    matrix m = {s->x, s->element == KZ_U8 ? OF_U8 : OF_F32, s->index, s->rows, data->features};
    double *mean = NULL, *deviation = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&mean, m.columns, sizeof *mean, "means"));
    KZ_TRY(kz_calloc(&deviation, m.columns, sizeof *deviation, "deviations"));
    KZ_TRY(moments(mean, deviation, &m));
    KZ_TRY(standard(data, &data->scale_x, mean, deviation, m.columns));
done:
    kz_free(&mean);
    kz_free(&deviation);
    return st;
}

static float largest(const kz_split *s, int64_t columns)
{
    float most = 0;
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t at = (s->index ? s->index[i] : i) * columns;
        const uint8_t *u8 = (const uint8_t *)s->x;
        const float *f32 = s->x;
        for (int64_t j = at; j < at + columns; j++) {
            float x = s->element == KZ_U8 ? (float)u8[j] : fabsf(f32[j]);
            if (x > most) most = x;
        }
    }
    return most;
}

kz_status kz_scale_features(kz_data *data, const char *name)
{
    data->scale_x.kind = "none";
    if (strcmp(name, "standard") == 0) return standard_features(data);
    if (strcmp(name, "unit") != 0) return KZ_OK;
    float most = largest(&data->train, data->features);
    data->scale_x.kind = "unit";
    data->scale_x.divisor = most > 0 ? most : 1;
    return KZ_OK;
}

/* ---- targets ---- */

/* The rows of a drawn validation split lie among those of train: `rows` is what the array holds. */
static kz_status scale_split(kz_data *data, kz_split *s, int64_t rows)
{
    const float *mean = data->scale_y.mean, *factor = data->scale_y.factor;
    float *value = NULL;
    kz_status st = kz_data_hold(data, &value, rows * data->targets, sizeof *value, "scaled targets");
    if (st != KZ_OK) return st;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < data->targets; j++)
            value[i * data->targets + j] = (s->raw[i * data->targets + j] - mean[j]) * factor[j];
    s->value = value;
    return KZ_OK;
}

static kz_status standard_targets(kz_data *data)
{
    const kz_split *s = &data->train;
    matrix m = {s->raw, OF_F32, s->index, s->rows, data->targets};
    bool drawn = data->valid.raw == s->raw;
    kz_status st = KZ_OK;
    KZ_TRY(moments(data->target_mean, data->target_deviation, &m));
    KZ_TRY(standard(data, &data->scale_y, data->target_mean, data->target_deviation, m.columns));
    KZ_TRY(scale_split(data, &data->train, s->rows + (drawn ? data->valid.rows : 0)));
    if (drawn) data->valid.value = data->train.value;
    else if (data->valid.rows > 0) KZ_TRY(scale_split(data, &data->valid, data->valid.rows));
    if (data->test.rows > 0) KZ_TRY(scale_split(data, &data->test, data->test.rows));
done:
    return st;
}

kz_status kz_scale_targets(kz_data *data, const char *name)
{
    kz_status st = KZ_OK;
    data->scale_y.kind = "none";
    if (data->classification) return KZ_OK;
    KZ_TRY(kz_data_hold(data, &data->target_mean, data->targets, sizeof(double), "means of targets"));
    KZ_TRY(kz_data_hold(data, &data->target_deviation, data->targets, sizeof(double), "deviations of targets"));
    for (int64_t j = 0; j < data->targets; j++) data->target_deviation[j] = 1;
    if (strcmp(name, "none") != 0) KZ_TRY(standard_targets(data));
done:
    return st;
}
