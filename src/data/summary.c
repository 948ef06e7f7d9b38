/* Ranges, moments and histograms of values as they are stored. */
#include "data/summary.h"

#include <math.h>

enum { BLOCK = 1024 };

void kz_values_get(double *out, const kz_values *v, int64_t begin, int64_t n)
{
    int64_t at = v->first + begin * v->stride, stride = v->stride;
    switch (v->stored) {
#define GET_CASE(constant, name, type, hdf5)                                                                           \
    case constant:                                                                                                     \
        for (int64_t i = 0; i < n; i++) out[i] = (double)((const type *)v->values)[at + i * stride];                   \
        break;
        KZ_STORED_LIST(GET_CASE)
#undef GET_CASE
    }
}

static int64_t block_at(const kz_values *v, int64_t i)
{
    return v->n - i < BLOCK ? v->n - i : BLOCK;
}

static double first_pass(kz_summary *s, const kz_values *v)
{
    double x[BLOCK], sum = 0;
    for (int64_t i = 0; i < v->n; i += BLOCK) {
        int64_t n = block_at(v, i);
        kz_values_get(x, v, i, n);
        for (int64_t j = 0; j < n; j++) {
            if (!isfinite(x[j])) {
                if (isnan(x[j])) s->nan++;
                else s->infinite++;
                continue;
            }
            if (!(x[j] >= s->min)) s->min = x[j];
            if (!(x[j] <= s->max)) s->max = x[j];
            s->zeros += x[j] == 0;
            s->whole = s->whole && x[j] == floor(x[j]);
            sum += x[j];
        }
    }
    return sum;
}

static double squares(const kz_summary *s, const kz_values *v)
{
    double x[BLOCK], sum = 0;
    for (int64_t i = 0; i < v->n; i += BLOCK) {
        int64_t n = block_at(v, i);
        kz_values_get(x, v, i, n);
        for (int64_t j = 0; j < n; j++)
            if (isfinite(x[j])) sum += (x[j] - s->mean) * (x[j] - s->mean);
    }
    return sum;
}

kz_summary kz_summarise(const kz_values *v)
{
    kz_summary s = {.n = v->n, .min = NAN, .max = NAN, .mean = NAN, .deviation = NAN, .whole = true};
    double sum = first_pass(&s, v);
    double n = (double)(s.n - s.nan - s.infinite);
    if (n > 0) {
        s.mean = sum / n;
        s.deviation = sqrt(squares(&s, v) / n);
    } else {
        s.whole = false;
    }
    return s;
}

void kz_histogram_add(kz_histogram *h, const kz_values *v)
{
    double x[BLOCK], width = (h->to - h->from) / h->bins;
    if (h->bins == 0) return;
    for (int64_t i = 0; i < v->n; i += BLOCK) {
        int64_t n = block_at(v, i);
        kz_values_get(x, v, i, n);
        for (int64_t j = 0; j < n; j++) {
            if (!(x[j] >= h->from && x[j] <= h->to)) continue;
            double bin = width > 0 ? floor((x[j] - h->from) / width) : 0;
            h->count[bin < h->bins - 1 ? (int)bin : h->bins - 1]++;
        }
    }
}

kz_histogram kz_histogram_of(const kz_values *v, const kz_summary *s, int bins)
{
    kz_histogram h = {.from = s->min, .to = s->max, .bins = bins < KZ_BINS_MAX ? bins : KZ_BINS_MAX};
    if (!isfinite(s->min)) return (kz_histogram){.from = NAN, .to = NAN};
    double range = s->max - s->min;
    if (range == 0) h.bins = 1;
    else if (s->whole && range < h.bins) h.bins = (int)range + 1;
    if (range == 0 || (s->whole && range + 1 <= 256 && h.bins > 0 && fmod(range + 1, h.bins) == 0)) {
        h.from -= 0.5; /* whole numbers lie in the middle of their bin */
        h.to += 0.5;
    }
    if (!isfinite(h.to - h.from)) { /* the range itself is too large for binary64 */
        h.bins = 1;
        h.count[0] = s->n - s->nan - s->infinite;
        return h;
    }
    kz_histogram_add(&h, v);
    return h;
}
