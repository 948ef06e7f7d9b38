/* Scaling from the rows of train (docs/arithmetic.md, rules 3 and 10). */
#include "data/column_sums.h"
#include "data/data_impl.h"

#include <math.h>
#include <string.h>

/* ---- moments ---- */

typedef struct {
    kz_column_rows rows;
    int64_t columns;
} matrix;

enum { STRIP = 4096 }; /* columns at a time: what is held of them does not grow with the row */

static kz_status sum_columns(double *sums, const matrix *m, const double *mean)
{
    kz_column_sums *s = NULL;
    kz_status st = KZ_OK;
    for (int64_t j = 0; j < m->columns; j += STRIP) {
        kz_column_rows strip = m->rows;
        strip.x = (const uint8_t *)m->rows.x + (size_t)j * (m->rows.u8 ? 1 : sizeof(float));
        strip.mean = mean ? mean + j : NULL;
        KZ_TRY(kz_column_sums_create(&s, strip.rows, m->columns - j < STRIP ? m->columns - j : STRIP));
        kz_column_sums_add(s, &strip);
        kz_column_sums_end(s, sums + j);
        kz_column_sums_destroy(&s);
    }
done:
    return st;
}

/* 1 for a constant column, and for a deviation so small that binary32 cannot hold its reciprocal. */
double kz_scale_deviation(double squares, int64_t rows)
{
    double deviation = sqrt(squares / (double)rows);
    return (float)(1 / deviation) <= 0x1.fffffep127f ? deviation : 1;
}

/* Mean and usable population deviation of each column. */
static kz_status moments(double *mean, double *deviation, const matrix *m)
{
    kz_status st = KZ_OK;
    KZ_TRY(sum_columns(mean, m, NULL));
    for (int64_t j = 0; j < m->columns; j++) mean[j] /= (double)m->rows.rows;
    KZ_TRY(sum_columns(deviation, m, mean));
    for (int64_t j = 0; j < m->columns; j++) deviation[j] = kz_scale_deviation(deviation[j], m->rows.rows);
done:
    return st;
}

/* ---- scales ---- */

kz_status kz_scale_standard(kz_data *data, kz_scale *scale, const double *mean, const double *deviation, int64_t n)
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
    matrix m = {{.x = s->x, .stride = data->features, .u8 = s->element == KZ_U8, .index = s->index, .rows = s->rows},
                data->features};
    double *mean = NULL, *deviation = NULL;
    kz_status st = KZ_OK;
    KZ_TRY(kz_calloc(&mean, m.columns, sizeof *mean, "means"));
    KZ_TRY(kz_calloc(&deviation, m.columns, sizeof *deviation, "deviations"));
    KZ_TRY(moments(mean, deviation, &m));
    KZ_TRY(kz_scale_standard(data, &data->scale_x, mean, deviation, m.columns));
done:
    kz_free(&mean);
    kz_free(&deviation);
    return st;
}

float kz_scale_largest(const kz_column_rows *m, float most)
{
    for (int64_t i = 0; i < m->rows; i++) {
        int64_t at = (m->index ? m->index[i] : i) * m->stride;
        const uint8_t *u8 = (const uint8_t *)m->x;
        const float *f32 = m->x;
        for (int64_t j = at; j < at + m->stride; j++) {
            float x = m->u8 ? (float)u8[j] : fabsf(f32[j]);
            if (x > most) most = x;
        }
    }
    return most;
}

void kz_scale_unit(kz_data *data, float most)
{
    data->scale_x.kind = "unit";
    data->scale_x.divisor = most > 0 ? most : 1;
}

kz_status kz_scale_features(kz_data *data, const char *name)
{
    data->scale_x.kind = "none";
    const kz_split *s = &data->train;
    kz_column_rows m = {
        .x = s->x, .stride = data->features, .u8 = s->element == KZ_U8, .index = s->index, .rows = s->rows};
    if (strcmp(name, "standard") == 0) return standard_features(data);
    if (strcmp(name, "unit") == 0) kz_scale_unit(data, kz_scale_largest(&m, 0));
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

kz_status kz_scale_target_values(kz_data *data)
{
    kz_split *s = &data->train;
    bool drawn = !s->streamed && data->valid.raw == s->raw;
    kz_status st = KZ_OK;
    if (!s->streamed) KZ_TRY(scale_split(data, s, s->rows + (drawn ? data->valid.rows : 0)));
    if (drawn) data->valid.value = s->value;
    else if (data->valid.rows > 0 && !data->valid.streamed) KZ_TRY(scale_split(data, &data->valid, data->valid.rows));
    if (data->test.rows > 0 && !data->test.streamed) KZ_TRY(scale_split(data, &data->test, data->test.rows));
done:
    return st;
}

kz_status kz_scale_hold_targets(kz_data *data)
{
    kz_status st = KZ_OK;
    data->scale_y.kind = "none";
    KZ_TRY(kz_data_hold(data, &data->target_mean, data->targets, sizeof(double), "means of targets"));
    KZ_TRY(kz_data_hold(data, &data->target_deviation, data->targets, sizeof(double), "deviations of targets"));
    for (int64_t j = 0; j < data->targets; j++) data->target_deviation[j] = 1;
done:
    return st;
}

kz_status kz_scale_targets(kz_data *data, const char *name)
{
    const kz_split *s = &data->train;
    matrix m = {{.x = s->raw, .stride = data->targets, .index = s->index, .rows = s->rows}, data->targets};
    kz_status st = KZ_OK;
    data->scale_y.kind = "none";
    if (data->classification) return KZ_OK;
    KZ_TRY(kz_scale_hold_targets(data));
    if (strcmp(name, "none") == 0) return KZ_OK;
    KZ_TRY(moments(data->target_mean, data->target_deviation, &m));
    KZ_TRY(kz_scale_standard(data, &data->scale_y, data->target_mean, data->target_deviation, m.columns));
    KZ_TRY(kz_scale_target_values(data));
done:
    return st;
}
