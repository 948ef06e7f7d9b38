/* data/summary.h — what values are like: ranges, moments, histograms; the same numbers however often it is asked. */
#ifndef KZ_SUMMARY_H
#define KZ_SUMMARY_H

#include "data/data_impl.h"

/* Values of an array as kz_hdf5_read gave them: first, first + stride, ..., n of them. */
typedef struct {
    kz_stored stored;
    const void *values;
    int64_t first, stride, n;
} kz_values;

typedef struct {
    int64_t n, nan, infinite, zeros; /* zeros: 0 and -0 */
    double min, max;                 /* of the finite values, as are these: */
    double mean, deviation;          /* population deviation; binary64, two passes, in order */
    bool whole;                      /* all of them are whole numbers */
} kz_summary;                        /* without a finite value: min, max, mean and deviation are NaN */

kz_summary kz_summarise(const kz_values *v);

enum { KZ_BINS_MAX = 64 };

/* Bins of equal width over [from, to]; a value on an inner edge counts to the right.  Whole numbers of a small range get
 * a bin each. */
typedef struct {
    double from, to;
    int bins;
    int64_t count[KZ_BINS_MAX];
} kz_histogram;

/* Of the finite values, in at most `bins` bins; bins = 0 where there is none. */
kz_histogram kz_histogram_of(const kz_values *v, const kz_summary *s, int bins);
void kz_histogram_add(kz_histogram *h, const kz_values *v); /* values outside of [from, to] are left out */

/* out <- values begin .. begin + n - 1 as binary64 (64-bit integers rounded). */
void kz_values_get(double *out, const kz_values *v, int64_t begin, int64_t n);

#endif
