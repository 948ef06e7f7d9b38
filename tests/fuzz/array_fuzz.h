/* tests/fuzz/array_fuzz.h — reads all of an array that a fuzz target has opened. */
#ifndef KZ_TESTS_ARRAY_FUZZ_H
#define KZ_TESTS_ARRAY_FUZZ_H

#include "data/import_impl.h"

#include <stdlib.h>

/* Every row that the head announces is read or is an error; nothing lies behind the last. */
static inline void read_all_rows(const kz_array_in *a)
{
    kz_array_rows_in rows = {0};
    double *values = NULL;
    int64_t row = kz_array_in_row(a);
    if (row < 1 || a->extent[0] < 1) abort();
    if (row <= 1 << 16 && kz_calloc(&values, row, sizeof *values, "row") == KZ_OK &&
        kz_rows_begin(&rows, a, 1 << 20) == KZ_OK) {
        int64_t done = 0;
        while (done < a->extent[0] && kz_rows_read(&rows, 1, values) == KZ_OK) done++;
        if (done == a->extent[0]) (void)kz_rows_end(&rows);
    }
    kz_rows_free(&rows);
    kz_free(&values);
}

#endif
