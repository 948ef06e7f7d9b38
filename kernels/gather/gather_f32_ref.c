/* Rows of a data set, converted and scaled. */
#include "kernels/gather/gather.h"

#define SCALE_ROW(from)                                                                                                \
    if (g->mean)                                                                                                       \
        for (int64_t j = 0; j < g->width; j++) x[j] = ((float)(from)[j] - g->mean[j]) * g->factor[j];                  \
    else if (g->divisor > 0.0f)                                                                                        \
        for (int64_t j = 0; j < g->width; j++) x[j] = (float)(from)[j] / g->divisor;                                   \
    else                                                                                                               \
        for (int64_t j = 0; j < g->width; j++) x[j] = (float)(from)[j];

/* AHEAD: bytes on their way, as many lines as a core can wait for, and more than MOST rows are never needed for it. */
enum { LINE = 64, AHEAD = 2048, LEAST = 2, MOST = 16 };

/* Rows lie anywhere: the hardware fetches nothing of one before it is touched. */
KZ_BODY void fetch_row(const kz_gather *g, int64_t at)
{
    int64_t bytes = g->width * g->bytes;
    const char *row = (const char *)g->from + at * bytes;
    for (int64_t b = 0; b < bytes; b += LINE) __builtin_prefetch(row + b);
    __builtin_prefetch(row + bytes - 1); /* it need not begin with a line */
}

KZ_BODY void gather(const kz_gather *g, int64_t row0, int64_t row1)
{
    const int64_t *row = g->row + kz_begin(g->at);
    int64_t ahead = AHEAD / (g->width * g->bytes + 1);
    if (ahead < LEAST) ahead = LEAST;
    if (ahead > MOST) ahead = MOST;
    for (int64_t r = row0; r < row0 + ahead && r < row1; r++) fetch_row(g, row[r]);
    for (int64_t r = row0; r < row1; r++) {
        if (r + ahead < row1) fetch_row(g, row[r + ahead]);
        float *restrict x = g->x + r * g->width;
        if (g->bytes == 1) {
            const uint8_t *restrict from = (const uint8_t *)g->from + row[r] * g->width;
            SCALE_ROW(from)
        } else {
            const float *restrict from = (const float *)g->from + row[r] * g->width;
            SCALE_ROW(from)
        }
    }
}

#define KZ_DEFINE(how, attribute)                                                                                      \
    attribute void kz_gather_f32__##how(const kz_gather *g, int64_t row0, int64_t row1)                                \
    {                                                                                                                  \
        gather(g, row0, row1);                                                                                         \
    }
KZ_VARIANTS(KZ_DEFINE)
