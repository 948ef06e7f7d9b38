/* kaizen data inspect, for people: what the values are like. */
#include "inspect_view.h"

#include <math.h>
#include <string.h>

enum { COLUMNS_MOST = 24, FEW_COLUMNS = 6, CLASSES_MOST = 24, BAR = 16, SPLITS = 3 };

/* ---- bars ---- */

/* The height that fills a column: of the highest bin, but where that stands alone (the zeros of an image, say), of the
 * next one if that is not rare, and the highest is cut. */
static double full_height(const json_t *counts)
{
    double first = 0, second = 0, all = 0;
    for (size_t i = 0; i < json_array_size(counts); i++) {
        double n = (double)json_integer_value(json_array_get(counts, i));
        all += n;
        if (n > first) {
            second = first;
            first = n;
        } else if (n > second) {
            second = n;
        }
    }
    bool cut = json_array_size(counts) > 8 && first > 4 * second && second > 0.01 * all;
    return cut ? second : fmax(first, 1);
}

/* Eight heights; a bin with a value is never shown as empty. */
static void print_histogram(const inspect_view *v, const json_t *histogram)
{
    static const char *const blocks[] = {" ",      "\u2581", "\u2582", "\u2583", "\u2584",
                                         "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
    const json_t *counts = json_object_get(histogram, "counts");
    size_t n = json_array_size(counts);
    double most = full_height(counts);
    printf("|");
    for (size_t i = 0; i < n; i++) {
        double count = (double)json_integer_value(json_array_get(counts, i));
        int height = (int)ceil(8 * count / most);
        printf("%s", (v->unicode ? blocks : ascii)[height < 8 ? height : 8]); /* cut bins are full ones */
    }
    printf("|");
}

static void print_bar(const inspect_view *v, double share)
{
    int n = (int)(share * BAR + 0.5);
    for (int i = 0; i < n; i++) printf("%s", v->unicode ? "\u2588" : "#");
}

/* ---- one array ---- */

static void number(char out[32], double x)
{
    if (isnan(x)) snprintf(out, 32, "-");
    else if (x == floor(x) && fabs(x) < 1e6) snprintf(out, 32, "%.0f", x);
    else snprintf(out, 32, "%.4g", x);
}

static void print_range(const inspect_view *v, const json_t *a)
{
    char min[32], max[32], mean[32], deviation[32], text[256];
    double n = inspect_number(a, "rows_read") * inspect_number(a, "values_per_row"), zeros = inspect_number(a, "zeros");
    double nan = inspect_number(a, "nan"), infinite = inspect_number(a, "infinite");
    number(min, inspect_number(a, "min"));
    number(max, inspect_number(a, "max"));
    number(mean, inspect_number(a, "mean"));
    number(deviation, inspect_number(a, "deviation"));
    if (json_object_get(a, "classes")) {
        printf("    %-10s%s to %s\n", "classes", min, max);
        return;
    }
    if (nan + infinite < n) {
        snprintf(text, sizeof text, "%s to %s, mean %s, deviation %s", min, max, mean, deviation);
        if (zeros > 0.005 * n)
            snprintf(text + strlen(text), sizeof text - strlen(text), "; %.3g %% are 0", 100 * zeros / n);
        printf("    %-10s%s\n", "range", text);
        printf("    %-10s%s ", "histogram", min);
        print_histogram(v, json_object_get(a, "histogram"));
        printf(" %s\n", max);
    }
    if (nan + infinite == 0) printf("    %-10s%s\n", "missing", "no NaN, no infinity");
    else
        printf("    %-10s%s%.0f NaN (rows that have one: %.0f), %.0f infinite, of %.0f values%s\n", "missing",
               v->yellow, nan, inspect_number(a, "rows_with_nan"), infinite, n, v->off);
}

static void print_reading(const inspect_view *v, const json_t *a)
{
    char rate[24], time[24];
    const json_t *reading = json_object_get(a, "reading");
    if (inspect_number(reading, "bytes") < 1 << 20) return; /* too little to say anything */
    kz_format_size(rate, inspect_number(reading, "bytes_per_s"));
    printf("    %-10s%s/s", "reading", rate);
    if (!inspect_true(reading, "slow")) {
        printf("\n");
        return;
    }
    kz_format_duration(time, inspect_number(reading, "seconds_for_all"));
    printf(" %sis slow%s, %s for all rows: ", v->yellow, v->off, time);
    inspect_wrapped(inspect_text(reading, "why"), 14 + (int)(strlen(rate) + strlen(time)) + 27, 14, v->width);
    if (*inspect_text(reading, "remedy")) printf("    %-10s%s\n", "better", inspect_text(reading, "remedy"));
}

static void print_column(const inspect_view *v, const json_t *column, size_t i)
{
    char name[32], text[4][32];
    const char *const keys[] = {"min", "mean", "max", "deviation"};
    const char *given = inspect_text(column, "name");
    double missing = inspect_number(column, "nan") + inspect_number(column, "infinite");
    snprintf(name, sizeof name, "column %zu", i);
    printf("    ");
    inspect_padded(*given ? given : name, 20);
    for (int k = 0; k < 4; k++) {
        number(text[k], inspect_number(column, keys[k]));
        printf(" %9s", text[k]);
    }
    printf("  ");
    print_histogram(v, json_object_get(column, "histogram"));
    if (missing > 0) printf(" %s%.0f missing%s", v->yellow, missing, v->off);
    else if (inspect_number(column, "min") == inspect_number(column, "max")) printf(" %sconstant%s", v->yellow, v->off);
    printf("\n");
}

static void print_columns(const inspect_view *v, const json_t *a)
{
    const json_t *columns = json_object_get(a, "columns");
    const char *role = inspect_text(a, "role");
    size_t n = json_array_size(columns), few = *role ? COLUMNS_MOST : FEW_COLUMNS,
           most = v->all || n <= few + 4 ? n : few;
    if (n == 0 || (!v->all && *role && strcmp(role, "train/x") != 0 && strcmp(role, "train/y") != 0)) return;
    printf("\n    %s%-20s %9s %9s %9s %9s%s\n", v->dim, "column", "min", "mean", "max", "deviation", v->off);
    for (size_t i = 0; i < most; i++) print_column(v, json_array_get(columns, i), i);
    if (most < n) printf("    ... and %zu more; --object %s shows them all\n", n - most, inspect_text(a, "path"));
}

static void print_array(const inspect_view *v, const json_t *a)
{
    char rows[24], read[24], wide[24];
    printf("\n  %s%s%s", v->bold, inspect_text(a, "path"), v->off);
    if (*inspect_text(a, "problem")) {
        printf("\n    %s", v->yellow);
        inspect_wrapped(inspect_text(a, "problem"), 4, 4, v->width);
        printf("%s", v->off);
        return;
    }
    kz_format_count(rows, (int64_t)inspect_number(a, "rows"));
    kz_format_count(read, (int64_t)inspect_number(a, "rows_read"));
    kz_format_count(wide, (int64_t)inspect_number(a, "values_per_row"));
    printf("  %s rows", rows);
    if (strcmp(wide, "1") != 0) printf(" of %s values", wide);
    if (strcmp(rows, read) != 0) printf("\n    %-10s%s rows, spread evenly; what follows is of these", "sample", read);
    printf("\n");
    print_range(v, a);
    if (*inspect_text(a, "note")) {
        printf("    %-10s", "note");
        inspect_wrapped(inspect_text(a, "note"), 14, 14, v->width);
    }
    print_reading(v, a);
    print_columns(v, a);
}

/* ---- classes ---- */

static double total(const json_t *classes)
{
    double n = 0;
    for (size_t i = 0; i < json_array_size(classes); i++) n += inspect_number(json_array_get(classes, i), "rows");
    return n;
}

static double largest(const json_t *classes)
{
    double n = 1;
    for (size_t i = 0; i < json_array_size(classes); i++)
        n = fmax(n, inspect_number(json_array_get(classes, i), "rows"));
    return n;
}

static void print_class(const inspect_view *v, const json_t *const split[SPLITS], int n, size_t class)
{
    char name[96], rows[24];
    const json_t *first = json_array_get(split[0], class);
    const char *given = inspect_text(first, "name");
    for (int k = 1; k < n && !*given; k++) given = inspect_text(json_array_get(split[k], class), "name");
    snprintf(name, sizeof name, "%zu", class);
    if (*given && strcmp(given, name) != 0) snprintf(name, sizeof name, "%zu %s", class, given);
    printf("    ");
    inspect_padded(name, 20);
    for (int k = 0; k < n; k++) {
        double count = inspect_number(json_array_get(split[k], class), "rows"), all = total(split[k]);
        kz_format_count(rows, isnan(count) ? 0 : (int64_t)count);
        printf(" %9s %5.1f %%", rows, isnan(count) || all == 0 ? 0 : 100 * count / all);
    }
    double count = inspect_number(first, "rows");
    if (n <= 2) {
        printf("  ");
        print_bar(v, isnan(count) ? 0 : count / largest(split[0]));
    }
    printf("\n");
}

static void print_classes(const inspect_view *v)
{
    const json_t *arrays = json_object_get(v->j, "arrays"), *split[SPLITS] = {NULL};
    const char *name[SPLITS] = {NULL};
    size_t classes = 0;
    int n = 0;
    for (size_t i = 0; i < json_array_size(arrays) && n < SPLITS; i++) {
        const json_t *a = json_array_get(arrays, i), *list = json_object_get(a, "classes");
        if (!list) continue;
        name[n] = inspect_text(a, "role");
        split[n++] = list;
        if (json_array_size(list) > classes) classes = json_array_size(list);
    }
    if (n == 0) return;
    printf("\n%sClasses%s%*s", v->bold, v->off, 19, "");
    for (int k = 0; k < n; k++)
        printf("%*s%.*s", 17 - (int)strcspn(name[k], "/"), "", (int)strcspn(name[k], "/"), name[k]);
    printf("\n");
    size_t most = classes <= CLASSES_MOST + 4 || v->all ? classes : CLASSES_MOST;
    for (size_t i = 0; i < most; i++) print_class(v, split, n, i);
    if (most < classes) printf("    ... and %zu more; --json lists them\n", classes - most);
}

void inspect_view_values(const inspect_view *v)
{
    const json_t *arrays = json_object_get(v->j, "arrays");
    size_t n = json_array_size(arrays);
    double readable = inspect_number(v->j, "readable_arrays");
    printf("\n%sValues%s\n", v->bold, v->off);
    if (n == 0) printf("  no array of numbers that can be read\n");
    for (size_t i = 0; i < n; i++) print_array(v, json_array_get(arrays, i));
    if (!v->all && readable > (double)n && n > 0)
        printf("\n  ... of %.0f arrays that can be read; --object PATH shows another\n", readable);
    print_classes(v);
}
